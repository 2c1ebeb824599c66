//! The answer to the question for a missing number: the number alone, without a label, or filled in
//! where the question stands in the quote.

use super::Case;
use crate::desk::contract::normalise;
use crate::desk::extract::Place;
use crate::desk::ticket::{KnownNumber, NumberKind, Ticket};

/// Words of an answer that says hardly more than the number, greeting included.
const WORDS_MAX: usize = 12;

/// Characters of a number: shorter ones are counts, longer ones are none of ours.
const LENGTH: std::ops::RangeInclusive<usize> = 4..=32;

/// What the customer answers to what the ticket lacks, where `found`, by the rules for numbers, does not
/// say it. One number for the one that is missing; of two, the one with a slash is the contract's.
pub(super) fn answered(case: &Case, ticket: &Ticket, found: &[KnownNumber]) -> Vec<KnownNumber> {
    let given = |kind: &NumberKind| found.iter().any(|known| known.kind == *kind && !known.quoted);
    let missing: Vec<NumberKind> = ticket.missing().into_iter().filter(|kind| !given(kind)).collect();
    let filled: Vec<KnownNumber> = missing.iter().filter_map(|kind| filled_in(*kind, ticket, found)).collect();
    if !filled.is_empty() {
        return filled;
    }
    let text = case.reading.now();
    let words: Vec<&str> = text.split_whitespace().collect();
    if missing.is_empty() || words.len() > WORDS_MAX {
        return Vec::new();
    }
    let numbers = case.numbers();
    let refused = |value: &str| {
        let here = numbers.refused.iter().filter(|refused| refused.place == Place::Text);
        here.into_iter().any(|refused| refused.value == value || refused.value.contains(value))
    };
    let taken = |value: &str| found.iter().any(|known| known.value == value);
    let values: Vec<(&str, String)> = words
        .into_iter()
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|word| may_be_number(word))
        .map(|word| (word, normalise(word)))
        .filter(|(_, value)| !refused(value) && !taken(value))
        .collect();
    let known = |kind: NumberKind, (written, value): &(&str, String)| KnownNumber {
        kind,
        value: value.clone(),
        written: written.to_string(),
        evidence: "text: the answer to what was asked [asked]".to_string(),
        quoted: false,
        on_file: false,
    };
    match (missing.as_slice(), values.as_slice()) {
        ([kind], [value]) => vec![known(*kind, value)],
        ([_, _], [one, other]) => match (one.0.contains('/'), other.0.contains('/')) {
            (false, true) => vec![known(NumberKind::Serial, one), known(NumberKind::Contract, other)],
            (true, false) => vec![known(NumberKind::Serial, other), known(NumberKind::Contract, one)],
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// The only number of this kind in the quote that the ticket does not know. What we wrote does not hold it,
/// and what the customer wrote before is known: it was written into the quote now.
fn filled_in(kind: NumberKind, ticket: &Ticket, found: &[KnownNumber]) -> Option<KnownNumber> {
    let is_known = |value: &str| ticket.numbers.iter().any(|known| known.value == value);
    let mut new = found.iter().filter(|known| known.quoted && known.kind == kind && !is_known(&known.value));
    let (first, None) = (new.next()?, new.next()) else { return None };
    let evidence = format!("{}; filled in where it was asked for", first.evidence);
    Some(KnownNumber { quoted: false, evidence, ..first.clone() })
}

fn may_be_number(word: &str) -> bool {
    let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '-'));
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    plain && digits >= 3 && LENGTH.contains(&word.len())
}
