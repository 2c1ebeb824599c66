//! Answers of engineers as the common mail programs write them, by `tests/answers/*.txt`: what goes to
//! the customer, or why nothing does.
//!
//! A file names the program in its first line. Below `=== mail` stands the answer, with blanks for what
//! comes from the notification: `{reply_to}`, `{id}`, `{subject}`, `{from}`, `{text}` (its plain text),
//! `{>text}` (the same, quoted), `{html}` (its HTML), `{word}` (its HTML as Word writes it anew), `{br}`
//! (its plain text as HTML lines), `{png}`. Below `=== relay` stands what the customer reads,
//! below `=== unsent` the first line that the engineer is told was not sent, below `=== html` pieces of the relay's HTML, below `=== files` the names of its files; or `=== held
//! REASON` stands in place of all these.

use crate::desk_at_work;

use crate::answer_cases::{cases, fill, notified, part};
use crate::desk_at_work::{At, World};
use hezo_intake::desk::message::Message;
use hezo_intake::desk::reply::{Post, Purpose};

fn relay_of(sent: &[Post]) -> Option<Message> {
    sent.iter().find(|post| post.purpose == Purpose::Relay).map(|post| Message::parse(&post.bytes))
}

fn check(world: &mut World, notice: &[u8], name: &str, case: &str) -> Result<(), String> {
    let mail = fill(part(case, "mail").expect("a mail"), notice);
    let decision = world.decide(At::OPENING + 1200, &mail);
    let sent: Vec<Post> = desk_at_work::sent(&decision);
    if let Some(held) = case.lines().find_map(|line| line.strip_prefix("=== held ")) {
        return match relay_of(&sent) {
            Some(relay) => Err(format!("{name}: relayed:\n{}", relay.plain.unwrap_or_default())),
            None if decision.reason == held => Ok(()),
            None => Err(format!("{name}: held as {}, not as {held}", decision.reason)),
        };
    }
    let alerts: Vec<String> = sent
        .iter()
        .filter(|post| post.purpose == Purpose::Alert)
        .filter_map(|post| Message::parse(&post.bytes).plain)
        .collect();
    let relay = relay_of(&sent).ok_or(format!("{name}: held as {}\n{}", decision.reason, alerts.join("\n")))?;
    let text = relay.plain.clone().unwrap_or_default();
    let (text, _) = text.split_once("\n-- \n").ok_or(format!("{name}: no signature of the desk:\n{text}"))?;
    let expected = part(case, "relay").expect("what is relayed");
    if text.trim_end() != expected {
        return Err(format!("{name}: relayed:\n{text}\n--- not:\n{expected}"));
    }
    let told = sent.iter().filter(|post| post.purpose == Purpose::Ordered);
    let told: Vec<String> = told.filter_map(|post| Message::parse(&post.bytes).plain).collect();
    let unsent = told.iter().find_map(|text| text.split_once("tekst od słów „")?.1.split_once('”'));
    let unsent = unsent.map(|(line, _)| line).unwrap_or_default();
    if unsent != part(case, "unsent").unwrap_or_default() {
        return Err(format!("{name}: unsent {unsent:?}"));
    }
    let html = relay.html.unwrap_or_default();
    for piece in part(case, "html").unwrap_or_default().lines() {
        if !html.contains(piece) {
            return Err(format!("{name}: {piece} is not in\n{html}"));
        }
    }
    let files: Vec<&str> = relay.attachments.iter().map(|file| file.name.as_str()).collect();
    let expected: Vec<&str> = part(case, "files").unwrap_or_default().lines().collect();
    if files != expected {
        return Err(format!("{name}: files {files:?}, not {expected:?}"));
    }
    Ok(())
}

#[test]
fn answers_of_many_mail_programs() {
    let (mut world, notice) = notified();
    let checked = cases().into_iter().map(|(name, case)| check(&mut world, &notice, &name, &case));
    let wrong: Vec<String> = checked.filter_map(Result::err).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
