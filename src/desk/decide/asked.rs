//! The answer to the question for a missing number: the number alone, without a label, filled in where
//! the question stands in the quote, or a yes to "is it X?".

use super::Case;
use crate::desk::contract::normalise;
use crate::desk::extract::Place;
use crate::desk::text::Part;
use crate::desk::ticket::{ALTERNATIVE, ASKED, EntryKind, KnownNumber, NumberKind, Ticket};

/// Words of an answer that says hardly more than the number, greeting included.
const WORDS_MAX: usize = 12;

/// Characters of a number: shorter ones are counts, longer ones are none of ours.
const LENGTH: std::ops::RangeInclusive<usize> = 4..=32;

/// What the customer answers to what the ticket lacks, where `found`, by the rules for numbers, does not
/// say it. One number for the one that is missing; of two, the one with a slash, or of a contract's shape, is the
/// contract's, else they stand in the order of our question.
pub(super) fn answered(case: &Case, ticket: &Ticket, found: &[KnownNumber]) -> Vec<KnownNumber> {
    let given = |kind: &NumberKind| found.iter().any(|known| known.kind == *kind && !known.quoted);
    let missing: Vec<NumberKind> = ticket.missing().into_iter().filter(|kind| !given(kind)).collect();
    let filled: Vec<KnownNumber> = missing.iter().filter_map(|kind| filled_in(*kind, case, ticket, found)).collect();
    if !filled.is_empty() {
        return filled;
    }
    let text = case.reading.now();
    let words: Vec<&str> = text.split_whitespace().collect();
    if missing.is_empty() || words.len() > WORDS_MAX {
        return Vec::new();
    }
    let answers = answers_the_acknowledgement(case, ticket);
    let given = given_alone(case, &missing, &words, found, answers);
    if given.is_empty() && answers && case.site.rules.numbers.agrees(&text) {
        return missing.iter().filter_map(|kind| confirmed(*kind, ticket)).collect();
    }
    given
}

/// The numbers of a text that says hardly more; `answers` is true where it answers our question.
fn given_alone(
    case: &Case,
    missing: &[NumberKind],
    words: &[&str],
    found: &[KnownNumber],
    answers: bool,
) -> Vec<KnownNumber> {
    let numbers = case.numbers();
    let refused = |value: &str| {
        let here = numbers.refused.iter().filter(|refused| refused.place == Place::Text);
        here.into_iter().any(|refused| refused.value == value || refused.value.contains(value))
    };
    let taken = |value: &str| found.iter().any(|known| known.value == value);
    let values: Vec<(&str, String)> = words
        .iter()
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|word| may_be_number(word))
        .map(|word| (word, normalise(word)))
        .filter(|(_, value)| !refused(value) && !taken(value))
        .collect();
    let known = |kind: NumberKind, (written, value): &(&str, String)| KnownNumber {
        kind,
        value: value.clone(),
        written: written.to_string(),
        evidence: format!("text: the answer to what was asked [{ASKED}]"),
        quoted: false,
        on_file: false,
    };
    match (missing, values.as_slice()) {
        ([kind], [value]) => vec![known(*kind, value)],
        ([_, _], [one, other]) => {
            let is_contract = |(written, value): &(&str, String)| {
                let mut alike = numbers.candidates.iter().filter(|candidate| candidate.number.value == *value);
                written.contains('/') || alike.any(|candidate| candidate.kind == NumberKind::Contract)
            };
            let (serial, contract) = match (is_contract(one), is_contract(other)) {
                (true, false) => (other, one),
                (false, true) => (one, other),
                // The acknowledgement asks for the serial number first, each in a line of its own.
                _ if stand_in_two_lines(&case.reading.now(), one.0, other.0) && answers => (one, other),
                _ => return Vec::new(),
            };
            vec![known(NumberKind::Serial, serial), known(NumberKind::Contract, contract)]
        }
        _ => Vec::new(),
    }
}

/// Whether the first of two words stands in an earlier line than the other.
fn stand_in_two_lines(text: &str, one: &str, other: &str) -> bool {
    let line = |word: &str| text.lines().position(|line| line.contains(word));
    line(one).zip(line(other)).is_some_and(|(one, other)| one < other)
}

/// The only number of this kind that was written into the quote: one that the ticket does not know, or that stands
/// there both in our question and behind it.
fn filled_in(kind: NumberKind, case: &Case, ticket: &Ticket, found: &[KnownNumber]) -> Option<KnownNumber> {
    let quote = case.reading.written.text(Part::Quote);
    let is_new = |known: &KnownNumber| {
        let asked = ticket.numbers.iter().any(|old| old.value == known.value);
        !asked || quote.matches(known.written.as_str()).nth(1).is_some()
    };
    let mut new = found.iter().filter(|known| known.quoted && known.kind == kind && is_new(known));
    let (first, None) = (new.next()?, new.next()) else { return None };
    let evidence = format!("{}; filled in where it was asked for [{ASKED}]", first.evidence);
    Some(KnownNumber { quoted: false, evidence, ..first.clone() })
}

/// The number of this kind that was put to the customer, where it is only one.
fn confirmed(kind: NumberKind, ticket: &Ticket) -> Option<KnownNumber> {
    let mut asked = ticket.numbers.iter().filter(|known| known.quoted && known.kind == kind);
    let (one, None) = (asked.next()?, asked.next()) else { return None };
    let evidence = format!("{}; confirmed by the customer [{ASKED}]", one.evidence);
    Some(KnownNumber { quoted: false, evidence, ..one.clone() })
}

/// The numbers that the customer did not mean: of two that were put as a question, the one that the answer does not
/// name.
pub(super) fn not_meant(case: &Case, ticket: &Ticket) -> Vec<KnownNumber> {
    if !answers_the_acknowledgement(case, ticket) {
        return Vec::new();
    }
    let text = case.reading.now();
    let words: Vec<String> = text.split_whitespace().map(normalise).collect();
    let kinds = [NumberKind::Serial, NumberKind::Contract].into_iter();
    kinds.flat_map(|kind| not_meant_of(kind, ticket, &words)).collect()
}

fn not_meant_of(kind: NumberKind, ticket: &Ticket, words: &[String]) -> Vec<KnownNumber> {
    // Devices may be several; of contracts one is meant.
    let is_put = |known: &&KnownNumber| {
        known.kind == kind && !known.quoted && (kind == NumberKind::Contract || known.evidence.contains(ALTERNATIVE))
    };
    let asked = ticket.numbers.iter().filter(is_put);
    let mut named = asked.clone().filter(|known| words.contains(&known.value));
    let (Some(one), None) = (named.next(), named.next()) else { return Vec::new() };
    asked.filter(|known| known.value != one.value).cloned().collect()
}

/// A yes to an engineer's question says nothing about a number.
fn answers_the_acknowledgement(case: &Case, ticket: &Ticket) -> bool {
    let acknowledged = ticket.entries.iter().filter(|entry| entry.kind == EntryKind::Acknowledged);
    let mut ids = acknowledged.filter_map(|entry| entry.message_id.as_ref());
    ids.any(|id| case.mail.message.in_reply_to.contains(id))
}

fn may_be_number(word: &str) -> bool {
    let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '-'));
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    plain && digits >= 3 && LENGTH.contains(&word.len())
}
