//! What no customer may read, and whether a piece of it stands in what is about to be sent.

use std::collections::{BTreeSet, HashSet};
use std::fmt;

use encoding_rs::UTF_16LE;

use super::marker::Markers;
use super::words::Words;
use crate::desk::message::{Attachment, Message};
use crate::desk::text::{self, QuoteRules};

/// So many words in a row are no chance.
const RUN: usize = 5;

/// The most attached mails that are looked into, one within the other.
const MOST_NESTED: usize = 5;

/// So much of a file is read as text; all of it is searched for addresses. Bytes.
const MOST_READ: usize = 1_000_000;

/// In front of a file's name, in the text of a mail to an engineer as it is kept.
pub const FILE: &str = "File: ";

/// What no customer may read of one ticket.
#[derive(Clone, Debug)]
pub(super) struct Internal {
    runs: HashSet<String>,
    addresses: BTreeSet<String>,
    files: BTreeSet<String>,
    markers: Markers,
}

/// A piece of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Words in a row.
    Words(String),
    /// An address.
    Address(String),
    /// A file's name.
    File(String),
    /// A marker line of ours.
    Marker,
    /// A whole mail to an engineer.
    Mail,
}

impl fmt::Display for Found {
    /// For the engineer, who may read it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Found::Words(found) | Found::Address(found) | Found::File(found) => f.write_str(found),
            Found::Marker => f.write_str("znacznik naszego powiadomienia"),
            Found::Mail => f.write_str("załączone wiadomości, jedna w drugiej"),
        }
    }
}

impl Internal {
    /// `internal` are texts that no customer may read, `known` are such as the customer knows: what
    /// stands in both is no secret.
    pub(super) fn new(internal: &[String], known: &[String], markers: Markers) -> Internal {
        let runs_of = |texts: &[String]| -> HashSet<String> {
            texts.iter().flat_map(|text| Words::of(text).runs(RUN).collect::<Vec<_>>()).collect()
        };
        let known_runs = runs_of(known);
        let runs = runs_of(internal).difference(&known_runs).cloned().collect();
        let addresses_of =
            |texts: &[String]| -> BTreeSet<String> { texts.iter().flat_map(|text| addresses(text)).collect() };
        let known_addresses = addresses_of(known);
        let addresses = addresses_of(internal).difference(&known_addresses).cloned().collect();
        let names = internal.iter().flat_map(|text| text.lines().filter_map(|line| line.strip_prefix(FILE)));
        let files = names.map(one_spelling).filter(|name| !name.is_empty()).collect();
        Internal { runs, addresses, files, markers }
    }

    /// The first piece of it in a text.
    pub(super) fn in_text(&self, text: &str) -> Option<Found> {
        if text.lines().any(|line| self.markers.find(line).is_some()) {
            return Some(Found::Marker);
        }
        if let Some(found) = self.address_in(&text.replace("%40", "@")) {
            return Some(found);
        }
        let spelled = format!(" {} ", one_spelling(text));
        if let Some(name) = self.files.iter().find(|name| spelled.contains(&format!(" {name} "))) {
            return Some(Found::File(name.clone()));
        }
        let run = Words::of(text).runs(RUN).find(|run| self.runs.contains(run));
        run.map(Found::Words)
    }

    /// The first piece of it in a file that goes along, its name included.
    pub(super) fn in_file(&self, file: &Attachment, rules: &QuoteRules) -> Option<Found> {
        self.in_nested_file(file, rules, MOST_NESTED)
    }

    fn in_nested_file(&self, file: &Attachment, rules: &QuoteRules, left: usize) -> Option<Found> {
        let found = self.in_text(&file.name);
        if found.is_some() {
            return found;
        }
        if file.media_type == "message/rfc822"
            && let Some(found) = self.in_mail(&Message::parse(&file.content), rules, left)
        {
            return Some(found);
        }
        // What a file is called says little: all is read as text, as a page, and, as Outlook's own
        // files hold their words, in UTF-16.
        let start = file.content.get(..MOST_READ.min(file.content.len())).unwrap_or_default();
        let narrow: String = file.content.iter().filter(|byte| **byte != 0).map(|byte| char::from(*byte)).collect();
        let wide = UTF_16LE.decode_without_bom_handling(start).0.into_owned();
        let text = Attachment { content: start.to_vec(), ..file.clone() }.text();
        let found = self.address_in(&narrow).or_else(|| [&text, &wide].iter().find_map(|text| self.in_text(text)));
        found.or_else(|| self.in_html(text, rules))
    }

    fn in_mail(&self, mail: &Message, rules: &QuoteRules, left: usize) -> Option<Found> {
        let Some(left) = left.checked_sub(1) else { return Some(Found::Mail) };
        let headers = mail.headers.iter().map(|header| header.value.as_str());
        let found = headers.chain(mail.plain.as_deref()).find_map(|text| self.in_text(text));
        let found = found.or_else(|| self.in_html(mail.html.clone()?, rules));
        found.or_else(|| mail.attachments.iter().find_map(|file| self.in_nested_file(file, rules, left)))
    }

    /// The words that a page shows.
    fn in_html(&self, html: String, rules: &QuoteRules) -> Option<Found> {
        let page = Message { html: Some(html), ..Message::default() };
        let lines: Vec<String> = text::lines(&page, rules).into_iter().map(|line| line.text).collect();
        self.in_text(&lines.join("\n"))
    }

    fn address_in(&self, text: &str) -> Option<Found> {
        let text = text.to_lowercase();
        self.addresses.iter().find(|address| text.contains(address.as_str())).cloned().map(Found::Address)
    }
}

/// Everything with an `@` between characters of addresses, in small letters.
fn addresses(text: &str) -> BTreeSet<String> {
    let is_address = |c: char| c.is_alphanumeric() || "@.-_+=%'".contains(c);
    let words = text.split(|c: char| !is_address(c));
    let trimmed = words.map(|word| word.trim_matches(['.', '-', '\'', '=']).to_lowercase());
    trimmed
        .filter(|word| word.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.')))
        .collect()
}

/// A text as words, for the comparison of file names.
fn one_spelling(text: &str) -> String {
    Words::of(text).iter().collect::<Vec<_>>().join(" ")
}
