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

use std::collections::HashSet;

use crate::desk::text::{Part, Written};
use crate::desk::ticket::NumberKind;

mod attempt;
mod check_digit;
mod fold;
mod judge;
mod on_file;
mod page;
mod phrase;
mod relate;
mod rules;
mod scan;
mod table;
mod vocabulary;

pub use attempt::{Attempt, Hit};
pub use on_file::OnFile;
pub use rules::NumberRules;

use page::Page;

/// Numbers of one kind that are reported of one mail.
pub const FOUND_MAX: usize = 1_000;

/// Keys that the store is asked for, of one mail.
pub const KEYS_MAX: usize = 20_000;

/// Bytes of text read of one mail, all its texts together.
const MAIL_MAX: usize = 4 << 20;

/// Texts of a mail that are its own: what was written, and the names of its files.
const OWN_WORDS: usize = 2;

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

/// How much speaks for a number, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strength {
    /// It stands there; nothing says what it is.
    Bare,
    /// It looks like a number of its kind.
    Shaped,
    /// A label says so, with other words between.
    Told,
    /// A label beside it says so.
    Labelled,
    /// It is on file.
    OnFile,
}

/// How a written number was made the one on file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mended {
    /// Dashes, slashes or dots were put in or left out.
    Dashes,
    /// Letters and digits that look alike were exchanged: O and 0, I, L and 1, S and 5, B and 8, Z and 2.
    LookAlike,
}

/// Where exactly a number stands.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Spot {
    /// Which text it is: `subject`, `now`, `signature`, `boilerplate`, `forward`, `quote`, or the name of
    /// the attachment.
    pub source: String,
    /// From and until, in bytes of that text; of a part of the mail in [`Written::text`] of the part.
    pub span: (usize, usize),
    /// The line, from 1.
    pub line: usize,
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
    /// Where exactly.
    pub spot: Spot,
    /// The rule that found it, `on-file` where it is a bare number on file.
    pub rule: String,
    /// Why, in short words for a person.
    pub evidence: String,
    /// How much speaks for it.
    pub strength: Strength,
    /// True where it is on file.
    pub on_file: bool,
    /// Set where what was written is not what is on file to the letter.
    pub mended: Option<Mended>,
    /// True where it stands beside another with an "or" between: one of the two is meant.
    pub alternative: bool,
}

/// A number that may be meant, but that too little speaks for to take it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Candidate {
    /// What it would be.
    pub kind: NumberKind,
    /// The number.
    pub number: Found,
}

/// A number that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Refused {
    /// Normalised.
    pub value: String,
    /// Where it stands.
    pub place: Place,
    /// Where exactly.
    pub spot: Spot,
    /// The rule that refused it.
    pub rule: String,
}

/// What was found in a mail, each number once, in the order of [`Place`] and then of the mail.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Numbers {
    /// Serial numbers of devices.
    pub serials: Vec<Found>,
    /// Service-contract numbers.
    pub contracts: Vec<Found>,
    /// Tax numbers.
    pub nips: Vec<Found>,
    /// What may be meant, the likeliest first; at most 50.
    pub candidates: Vec<Candidate>,
    /// What was taken for something else; at most 200.
    pub refused: Vec<Refused>,
    /// What was not read, each in one sentence without personal data.
    pub problems: Vec<String>,
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
#[derive(Clone, Debug)]
struct Section {
    place: Place,
    /// The name that [`Spot::source`] gives.
    source: String,
    /// False for signatures and boilerplate: there only what is labelled counts.
    bare: bool,
    /// Where it begins in the text of its place, in bytes and in lines from 1.
    offset: usize,
    line: usize,
}

/// The texts of a mail, cut into what numbers are told from.
#[derive(Clone, Debug)]
pub struct Pages {
    pages: Vec<Page>,
    problems: Vec<String>,
}

impl Pages {
    /// Reads the texts of a mail: subject and body as one page, the names of attachments as another, each
    /// attachment's text as its own.
    pub fn new(
        subject: &str,
        written: &Written,
        attachment_names: &[&str],
        readings: &[Reading],
        rules: &NumberRules,
    ) -> Pages {
        let filled_in = rules.between.says_filled_in(&written.text(Part::Now));
        let mut body = vec![(Section::new(Place::Subject, "subject", true), subject)];
        body.extend(sections_of(written, filled_in));
        let names = attachment_names.iter();
        let names = names.map(|name| (Section::new(Place::AttachmentName, name, true), *name)).collect();
        let texts = readings.iter();
        let texts = texts.map(|text| vec![(Section::new(text.place, &text.name, true), text.text.as_str())]);
        let mut texts: Vec<Vec<(Section, &str)>> = [body, names].into_iter().chain(texts).collect();
        let is_cut = share(&mut texts);
        texts.retain(|sections| !sections.is_empty());
        let pages: Vec<Page> = texts.into_iter().map(|sections| Page::new(sections, rules)).collect();
        let mut problems = Vec::new();
        if is_cut || pages.iter().any(|page| page.folded.is_cut) {
            problems.push("the mail has more text than is searched for numbers; the rest is unread".to_string());
        }
        Pages { pages, problems }
    }

    /// The [look-up keys](crate::desk::contract::look_up_key) of everything that may be a number on
    /// file, at most [`KEYS_MAX`], sorted.
    pub fn keys(&self, rules: &NumberRules) -> Vec<String> {
        let mut keys = HashSet::new();
        for page in &self.pages {
            scan::numbers_in(page, rules, |number| {
                let key = crate::desk::contract::look_up_key(number);
                if key.len() >= 4 && keys.len() < KEYS_MAX {
                    keys.insert(key);
                }
            });
        }
        let mut keys: Vec<String> = keys.into_iter().collect();
        keys.sort_unstable();
        keys
    }

    /// Every number, with the contracts on file at hand. A value that stands in several places is
    /// reported once, from the first place in the order of [`Place`]: one that stands both now and in
    /// the quote counts as now.
    pub fn numbers(&self, on_file: &OnFile, rules: &NumberRules) -> Numbers {
        let mut numbers = judge::judge(&self.pages, on_file, rules);
        numbers.problems.extend(self.problems.iter().cloned());
        numbers
    }
}

impl Section {
    fn new(place: Place, source: &str, bare: bool) -> Section {
        Section { place, source: source.to_string(), bare, offset: 0, line: 1 }
    }

    /// Whether a label that ends this section may have its value at the beginning of that one: the
    /// question in a quote and the answer right under it.
    fn is_answered_by(&self, next: &Section) -> bool {
        matches!((self.place, next.place), (Place::Quote | Place::Subject, Place::Text)) && next.bare
    }
}

/// The sections of the text, each with its offset among those of its part. A quoted mail that was filled in is
/// written now as far as labels say so.
fn sections_of(written: &Written, filled_in: bool) -> Vec<(Section, &str)> {
    let mut ends: Vec<(Part, usize, usize)> = Vec::new();
    let mut sections = Vec::new();
    for section in &written.sections {
        let (place, source, bare) = match section.part {
            Part::Now => (Place::Text, "now", true),
            Part::Signature => (Place::Text, "signature", false),
            Part::Boilerplate => (Place::Text, "boilerplate", false),
            Part::Forward => (Place::Forward, "forward", true),
            Part::Quote if filled_in => (Place::Text, "quote", false),
            Part::Quote => (Place::Quote, "quote", true),
        };
        let (mut offset, mut line) = (0, 1);
        match ends.iter_mut().find(|(part, _, _)| *part == section.part) {
            Some(end) => {
                // Between the sections of a part `Written::text` has a blank line.
                (offset, line) = (end.1 + 2, end.2 + 2);
                *end = (section.part, offset + section.text.len(), line + breaks(&section.text));
            }
            None => ends.push((section.part, section.text.len(), 1 + breaks(&section.text))),
        }
        sections.push((Section { offset, line, ..Section::new(place, source, bare) }, section.text.as_str()));
    }
    sections
}

fn breaks(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}

/// Shares out how much is read of a mail: the mail's own words first, then its files, the shortest first, so that a
/// long one costs none of the others its place. Says whether anything is left out.
fn share(texts: &mut [Vec<(Section, &str)>]) -> bool {
    let length = |sections: &[(Section, &str)]| sections.iter().map(|(_, text)| text.len()).sum::<usize>();
    let mut order: Vec<usize> = (0..texts.len()).collect();
    order.sort_by_key(|at| texts.get(*at).filter(|_| *at >= OWN_WORDS).map(|sections| length(sections)));
    let (mut left, mut is_cut) = (MAIL_MAX, false);
    for at in order {
        let Some(sections) = texts.get_mut(at) else { continue };
        let mut of_this = left.min(fold::TEXT_MAX);
        for (_, text) in sections.iter_mut() {
            is_cut |= text.len() > of_this;
            *text = head(text, of_this);
            of_this -= text.len();
            left -= text.len();
        }
        sections.retain(|(_, text)| !text.is_empty());
    }
    is_cut
}

/// The first bytes of a text, but no half character.
fn head(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or_default()
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
