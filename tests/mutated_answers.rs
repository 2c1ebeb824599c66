//! Whatever becomes of an answer on its way, nothing internal reaches a customer: no five words in a
//! row, no file's name and no address out of what engineers alone read stands in any part of a relay.
//!
//! The answers of `tests/answers` are cut, wrapped, unquoted, respelled and mixed with pieces of the
//! notification; what is relayed of them is compared with the notification by means of this test's own.

use crate::LONG;
use crate::desk_at_work;

use std::collections::HashSet;

use crate::answer_cases::{cases, fill, notified, part};
use crate::desk_at_work::{At, sent};
use fastrand::Rng;
use hezo_intake::desk::message::{Attachment, Message};
use hezo_intake::desk::reply::Purpose;

/// Five words in a row are no chance.
const RUN: usize = 5;

/// What no customer may read, and what the customer wrote.
struct Secrets {
    runs: HashSet<Vec<String>>,
    addresses: Vec<String>,
}

fn words(text: &str) -> Vec<String> {
    let word = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    text.split_whitespace().map(word).filter(|word| !word.is_empty()).collect()
}

fn runs(text: &str) -> HashSet<Vec<String>> {
    words(text).windows(RUN).map(<[String]>::to_vec).collect()
}

impl Secrets {
    fn of(notice: &Message, customers: &str) -> Secrets {
        let text = notice.plain.clone().unwrap_or_default();
        let customers = runs(customers);
        let begins = text.lines().position(|line| line.contains("reply above this line")).expect("a marker");
        let ends = text.lines().position(|line| line.contains("--- Treść / text ---")).expect("a marker");
        let facts: Vec<&str> = text.lines().skip(begins).take(ends - begins).collect();
        let header = |name: &str| notice.header(name).unwrap_or_default().to_string();
        let mut internal = runs(&facts.join("\n"));
        internal.extend(runs(&header("From")));
        let ids = [header("Reply-To"), header("Message-ID"), header("References"), header("In-Reply-To")].join(" ");
        let ids = ids.split(['<', '>', ' ', ',']).filter(|id| id.contains('@')).map(str::to_lowercase);
        let addresses = ids.chain(["anna@hezo.example", "marek@hezo.example"].map(String::from)).collect();
        Secrets { runs: internal.difference(&customers).cloned().collect(), addresses }
    }

    /// The first secret in a text.
    fn in_text(&self, text: &str) -> Option<String> {
        let lower = text.to_lowercase();
        let address = self.addresses.iter().find(|address| lower.contains(address.as_str())).cloned();
        address.or_else(|| runs(text).into_iter().find(|run| self.runs.contains(run)).map(|run| run.join(" ")))
    }
}

/// Everything that a mail shows and hides, decoded.
fn decoded(mail: &Message) -> Vec<String> {
    let mut parts: Vec<String> = mail.headers.iter().map(|header| header.value.clone()).collect();
    parts.extend(mail.plain.clone());
    parts.extend(mail.html.clone());
    parts.extend(mail.html.as_deref().map(without_tags));
    let file = |file: &Attachment| {
        let inner =
            if file.media_type == "message/rfc822" { decoded(&Message::parse(&file.content)) } else { Vec::new() };
        [vec![file.name.clone(), String::from_utf8_lossy(&file.content).into_owned()], inner].concat()
    };
    parts.extend(mail.attachments.iter().flat_map(file));
    parts
}

fn without_tags(html: &str) -> String {
    let pieces = html.split('<').map(|piece| piece.split_once('>').map_or(piece, |(_, text)| text));
    let text = pieces.collect::<Vec<_>>().join(" ");
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

/// One change to a mail, or to the piece of the notification that is mixed into it.
fn mutated(mail: &str, notice: &str, rng: &mut Rng) -> String {
    let (head, body) = mail.split_once("\n\n").expect("a header");
    let mut lines: Vec<String> = body.lines().map(str::to_string).collect();
    let at = |rng: &mut Rng, lines: &[String]| rng.usize(..lines.len().max(1));
    match rng.u8(..16) {
        0 => {
            let from = at(rng, &lines);
            let to = (from + rng.usize(1..12)).min(lines.len());
            lines.drain(from.min(to)..to);
        }
        1 => {
            // The markers are taken out, all or one.
            let only = rng.bool().then(|| rng.usize(..3));
            let marked = ["reply above this line", "Treść / text", "end of the notice"];
            lines.retain(|line| {
                !marked.iter().enumerate().any(|(n, words)| only.is_none_or(|only| only == n) && line.contains(words))
            });
        }
        2 => lines.iter_mut().for_each(|line| *line = line.trim_start_matches(['>', ' ']).to_string()),
        3 => lines.iter_mut().for_each(|line| *line = line.replacen("> ", "JW> ", 1)),
        4 => lines.iter_mut().for_each(|line| *line = line.replace(['"', '\''], "”")),
        5 => {
            // Wrapped by a program that marks no wrapped line as quoted.
            let width = rng.usize(20..70);
            lines = lines.iter().flat_map(|line| wrapped(line, width)).collect();
        }
        6 => {
            let text = lines.join(" ");
            lines = vec![text];
        }
        7 => lines.iter_mut().for_each(|line| *line = line.to_uppercase()),
        8 => lines.iter_mut().for_each(|line| *line = line.replace("ł", "l").replace("ę", "e").replace("ż", "z")),
        9 => lines
            .iter_mut()
            .for_each(|line| *line = line.replace("<blockquote", "<div").replace("</blockquote>", "</div>")),
        10 => lines.iter_mut().for_each(|line| *line = line.replace(' ', "\u{a0}")),
        11 => {
            // A piece of the notification is pasted in.
            let pasted: Vec<&str> = notice.lines().collect();
            let from = rng.usize(..pasted.len());
            let count = rng.usize(1..8);
            let place = at(rng, &lines).min(6).min(lines.len());
            let piece: Vec<String> = pasted.iter().skip(from).take(count).map(|line| (*line).to_string()).collect();
            lines.splice(place..place, piece);
        }
        12 => lines.truncate(at(rng, &lines).max(1)),
        13 => lines.iter_mut().for_each(|line| *line = line.replace("e", "e\u{200b}").replace('a', "a\u{ad}")),
        14 => {
            let middle = at(rng, &lines).min(lines.len());
            lines.rotate_left(middle);
        }
        _ => lines
            .iter_mut()
            .for_each(|line| *line = line.replace("<b>", "").replace("</b>", " ").replace("class=", "x=")),
    }
    let head: String = head
        .lines()
        .filter(|line| !(rng.u8(..10) == 0 && line.starts_with("In-Reply-To")))
        .map(|line| format!("{line}\n"))
        .collect();
    format!("{head}\n{}\n", lines.join("\n"))
}

fn wrapped(line: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in line.split(' ') {
        let last = lines.last_mut().expect("a line");
        if !last.is_empty() && last.chars().count() + word.chars().count() > width {
            lines.push(word.to_string());
        } else {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines
}

/// Mutates so many answers; how many were relayed all the same.
fn check(count: usize, seed: u64) -> usize {
    let (mut world, raw) = notified();
    let notice = Message::parse(&raw);
    let secrets = Secrets::of(&notice, &desk_at_work::customers_mail());
    let mails: Vec<String> = cases().iter().map(|(_, case)| fill(part(case, "mail").expect("a mail"), &raw)).collect();
    let notice = notice.plain.clone().unwrap_or_default();
    let mut rng = Rng::with_seed(seed);
    let mut relayed = 0;
    for number in 0..count {
        let mut mail = mails[rng.usize(..mails.len())].clone();
        for _ in 0..rng.usize(1..4) {
            mail = mutated(&mail, &notice, &mut rng);
        }
        let decision = world.decide(At::OPENING + 1200, &mail);
        for post in sent(&decision).iter().filter(|post| post.purpose == Purpose::Relay) {
            relayed += 1;
            let relay = Message::parse(&post.bytes);
            for text in decoded(&relay) {
                let found = secrets.in_text(&text);
                assert!(
                    found.is_none(),
                    "answer {number} of seed {seed}: {found:?} in\n{text}\n--- the answer was\n{mail}"
                );
            }
        }
    }
    relayed
}

#[test]
fn nothing_internal_reaches_a_customer() {
    for seed in 1..if LONG { 100 } else { 2 } {
        let relayed = check(400, seed);
        assert!(relayed > 100, "only {relayed} of 400 answers were relayed: the test tests little");
    }
}
