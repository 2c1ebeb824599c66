//! Telephone numbers that a customer gives in a mail, for whoever has to call in the last minutes.

use std::collections::HashSet;

use serde::Deserialize;

use super::fold;
use super::message::Message;
use super::rules::{RuleFault, Sources};
use super::site::Site;
use super::text::{self, Part};
use super::ticket::Ticket;

/// The rule file.
const FILE: &str = "telephone.toml";

/// How many of a ticket's mails are read, the newest.
const MOST_MAILS: usize = 5;

/// How many numbers are told.
const MOST_NUMBERS: usize = 4;

/// Digits of a number: nine in Poland, fifteen at most anywhere (ITU-T E.164 section 6), with the two
/// zeros that stand for the plus.
const DIGITS: std::ops::RangeInclusive<usize> = 9..=17;

/// The compiled `rules/telephone.toml`.
#[derive(Clone, Debug)]
pub struct TelephoneRules {
    labels: HashSet<String>,
    others: HashSet<String>,
    test: WrittenTest,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenFile {
    labels: HashSet<String>,
    others: HashSet<String>,
    test: WrittenTest,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenTest {
    hits: Vec<Hit>,
    misses: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Hit {
    text: String,
    number: String,
}

impl TelephoneRules {
    /// Compiles `telephone.toml`.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn compile(sources: &Sources) -> Result<TelephoneRules, Vec<RuleFault>> {
        let WrittenFile { labels, others, test } = sources.parse(FILE).map_err(|fault| vec![fault])?;
        Ok(TelephoneRules { labels, others, test })
    }

    /// Runs the tests that stand in the file: those that fail.
    pub fn test(&self) -> Vec<RuleFault> {
        let fault = |message: String| RuleFault { file: FILE.to_string(), rule: None, message };
        let missed = self.test.hits.iter().filter(|hit| self.numbers(&hit.text).first() != Some(&hit.number));
        let missed = missed.map(|hit| fault(format!("does not read {} in `{}`", hit.number, hit.text)));
        let wrong = self.test.misses.iter().filter(|text| !self.numbers(text).is_empty());
        missed.chain(wrong.map(|text| fault(format!("reads a number in `{text}`, a miss")))).collect()
    }

    /// The telephone numbers in a text, as written, in order.
    pub fn numbers(&self, text: &str) -> Vec<String> {
        text.lines().flat_map(|line| self.in_line(line)).collect()
    }

    fn in_line(&self, line: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut before = String::new();
        for piece in pieces(line) {
            let number = piece.trim_matches(|c: char| c.is_whitespace() || matches!(c, '-' | '.' | '/' | ','));
            let digits = number.chars().filter(char::is_ascii_digit).count();
            if DIGITS.contains(&digits) && self.is_telephone(&before, number) {
                found.push(number.to_string());
            }
            if piece.chars().any(char::is_alphabetic) {
                before = piece.to_string();
            }
        }
        found
    }

    /// By what stands right before it, or by its country code.
    fn is_telephone(&self, before: &str, number: &str) -> bool {
        let folded = fold::fold(before);
        let last = folded.split(|c: char| !c.is_alphanumeric()).rfind(|word| !word.is_empty()).unwrap_or_default();
        if self.others.contains(last) {
            return false;
        }
        self.labels.contains(last) || number.starts_with('+') || number.starts_with("(+")
    }
}

/// A line cut where digits and what stands between the digits of a number begin and end.
fn pieces(line: &str) -> Vec<&str> {
    let of_number = |c: char| c.is_ascii_digit() || matches!(c, '+' | '(' | ')' | '-' | '.' | '/' | ' ' | '\u{a0}');
    let mut pieces = Vec::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c: char| of_number(c) != of_number(first)).unwrap_or(rest.len());
        let (piece, behind) = rest.split_at(end);
        pieces.push(piece);
        rest = behind;
    }
    pieces
}

/// The telephone numbers that the customer gave in the newest mails of a ticket, each once.
pub fn of_customer(originals: &[Vec<u8>], ticket: &Ticket, site: &Site) -> Vec<String> {
    let mut seen = HashSet::new();
    let newest = originals.iter().rev().take(MOST_MAILS).map(|raw| Message::parse(raw));
    let theirs = newest.filter(|message| message.from.as_ref().is_some_and(|from| ticket.takes_part(&from.address)));
    let numbers = theirs.flat_map(|message| {
        let written = text::read(&message, &site.rules.quotes);
        let said = [written.text(Part::Signature), written.text(Part::Now)].join("\n");
        site.rules.telephones.numbers(&said)
    });
    let own = [&site.identity.phone, &site.identity.escalation_phone].map(|phone| digits(phone));
    let new = numbers.filter(|number| !own.contains(&digits(number)) && seen.insert(digits(number)));
    new.take(MOST_NUMBERS).collect()
}

fn digits(number: &str) -> String {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let national = digits.strip_prefix("0048").or(digits.strip_prefix("48").filter(|rest| rest.len() == 9));
    national.map(str::to_string).unwrap_or(digits)
}
