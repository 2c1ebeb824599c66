//! Serial, contract and tax numbers, each with its place in the text.
//!
//! A text is folded to ASCII, cut into labels, words and values, and each value is tied to the
//! nearest label, of whatever kind: one that says "telephone" claims its number as well as one
//! that says "serial number" does. What is then left to judge is small: a value on file is what the
//! file says; one that looks like something else by its very form is refused; a labelled one is
//! what its label says; of the rest only shapes that nothing else has are taken.
//!
//! Time grows with the length of the text and no faster. What is read is bounded: 1 MiB of
//! characters of one text, 4 MiB of a mail, [`FOUND_MAX`] numbers of a kind.

use std::collections::{BTreeSet, HashSet};

use crate::desk::text::{Part, Written};

mod check_digit;
mod fold;
mod judge;
mod on_file;
mod phrase;
mod relate;
mod rules;
mod scan;
mod table;

pub use on_file::OnFile;
pub use rules::NumberRules;

/// Numbers of one kind that are reported of one mail.
pub const FOUND_MAX: usize = 1_000;

/// Keys that the store is asked for, of one mail.
pub const KEYS_MAX: usize = 20_000;

/// Refused numbers that are told of one mail.
const REFUSED_MAX: usize = 200;

/// Bytes of text read of one mail, all its texts together.
const MAIL_MAX: usize = 4 << 20;

/// Where in the mail a number stands, the most telling first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// The subject.
    Subject,
    /// What the sender wrote now, signature included.
    Text,
    /// Somebody else's mail that the sender passes on.
    Forward,
    /// The name of an attachment.
    AttachmentName,
    /// The text of an attachment.
    AttachmentText,
    /// A bar code or QR code on a picture.
    Barcode,
    /// The quoted earlier conversation.
    Quote,
}

/// A number found.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Found {
    /// Normalised: upper case, blanks removed, surrounding punctuation and an `(H)-` prefix off;
    /// as on file where it was mended; a tax number is ten digits.
    pub value: String,
    /// As the sender wrote it.
    pub written: String,
    /// Where it stands.
    pub place: Place,
    /// The rule that found it, `on-file` where it is a bare number on file.
    pub rule: String,
    /// Why, in short words for a person.
    pub evidence: String,
    /// True where it is on file.
    pub on_file: bool,
}

/// A number that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Refused {
    /// Normalised.
    pub value: String,
    /// Where it stands.
    pub place: Place,
    /// The rule that refused it.
    pub rule: String,
}

/// What was found in a mail, each number once, in the order of the mail.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Numbers {
    /// Serial numbers of devices.
    pub serials: Vec<Found>,
    /// Service-contract numbers.
    pub contracts: Vec<Found>,
    /// Tax numbers.
    pub nips: Vec<Found>,
    /// What was taken for something else; at most 200.
    pub refused: Vec<Refused>,
}

/// The text of an attachment, read elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// [`Place::AttachmentText`], or [`Place::Barcode`] with the code's content.
    pub place: Place,
    /// The text.
    pub text: String,
    /// The attachment's name.
    pub name: String,
}

/// A text of the mail.
struct Source<'a> {
    place: Place,
    /// False for signatures and boilerplate: there only what is labelled counts.
    bare: bool,
    text: &'a str,
}

/// The [look-up keys](crate::desk::contract::look_up_key) of everything in the mail that may be a
/// number on file, at most [`KEYS_MAX`], sorted.
pub fn keys(
    subject: &str,
    written: &Written,
    attachment_names: &[&str],
    readings: &[Reading],
    rules: &NumberRules,
) -> Vec<String> {
    let mut keys = BTreeSet::new();
    for source in sources(subject, written, attachment_names, readings) {
        scan::numbers_in(source.text, rules, |number| {
            let key = crate::desk::contract::look_up_key(number);
            if key.len() >= 4 && keys.len() < KEYS_MAX {
                keys.insert(key);
            }
        });
    }
    keys.into_iter().collect()
}

/// Every number in the mail. A value that stands in several places is reported once, from the
/// first place in the order of [`Place`]: one that stands both now and in the quote counts as now.
pub fn numbers(
    subject: &str,
    written: &Written,
    attachment_names: &[&str],
    readings: &[Reading],
    on_file: &OnFile,
    rules: &NumberRules,
) -> Numbers {
    let sources = sources(subject, written, attachment_names, readings);
    let scans: Vec<_> = sources.iter().map(|source| (source, scan::Scan::new(source.text, rules, on_file))).collect();
    let context = judge::Context::of(scans.iter().map(|(_, scan)| scan), rules);
    let mut numbers = Numbers::default();
    for (source, scan) in &scans {
        judge::judge(source, scan, &context, on_file, rules, &mut numbers);
    }
    for (list, most) in
        [(&mut numbers.serials, FOUND_MAX), (&mut numbers.contracts, FOUND_MAX), (&mut numbers.nips, FOUND_MAX)]
    {
        let mut seen = HashSet::new();
        list.retain(|found| seen.insert(found.value.clone()));
        list.truncate(most);
    }
    numbers.refused.truncate(REFUSED_MAX);
    numbers
}

/// The texts of the mail in the order of [`Place`].
fn sources<'a>(
    subject: &'a str,
    written: &'a Written,
    attachment_names: &[&'a str],
    readings: &'a [Reading],
) -> Vec<Source<'a>> {
    let mut sources = vec![Source { place: Place::Subject, bare: true, text: subject }];
    for section in &written.sections {
        let (place, bare) = match section.part {
            Part::Now => (Place::Text, true),
            Part::Signature | Part::Boilerplate => (Place::Text, false),
            Part::Forward => (Place::Forward, true),
            Part::Quote => (Place::Quote, true),
        };
        sources.push(Source { place, bare, text: &section.text });
    }
    sources.extend(attachment_names.iter().map(|name| Source { place: Place::AttachmentName, bare: true, text: name }));
    sources.extend(readings.iter().map(|reading| Source { place: reading.place, bare: true, text: &reading.text }));
    sources.sort_by_key(|source| source.place);
    let mut left = MAIL_MAX;
    for source in &mut sources {
        let mut end = source.text.len().min(left);
        while !source.text.is_char_boundary(end) {
            end -= 1;
        }
        source.text = source.text.get(..end).unwrap_or_default();
        left -= end;
    }
    sources
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::rules::Sources;

    #[test]
    fn the_rules_pass_their_own_tests() {
        let rules = NumberRules::compile(&Sources::built_in()).expect("the rules compile");
        let faults: Vec<String> = rules.test().iter().map(ToString::to_string).collect();
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Place::Subject => "subject",
            Place::Text => "text",
            Place::Forward => "forward",
            Place::AttachmentName => "attachment-name",
            Place::AttachmentText => "attachment-text",
            Place::Barcode => "barcode",
            Place::Quote => "quote",
        })
    }
}
