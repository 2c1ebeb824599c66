//! The automatic answer to a request. What it says depends on how sure it is who reads it.
//!
//! To a sender who is not proven it is the same fixed words whatever was written and whatever is on
//! file: of the sender's own words nothing but the numbers, as written, and of the desk's knowledge
//! nothing at all. Otherwise it would carry a stranger's words to a forged sender in the desk's name,
//! or tell a prober which numbers are on file.

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Value, json};

use super::letter::Letter;
use super::{Keeps, Post, Purpose, ReplyError, customer_token, facts, localised};
use crate::desk::calendar::LocalTime;
use crate::desk::compose::AutoSubmitted;
use crate::desk::entitlement::{Entitlement, Finding, Named};
use crate::desk::extract::{Found, Numbers, Place};
use crate::desk::language::Language;
use crate::desk::mail::Mail;
use crate::desk::message::Address;
use crate::desk::site::Site;
use crate::desk::ticket::{NumberKind, Ticket};
use crate::desk::ticket_number::TicketNumber;
use crate::desk::trust::{May, Rung};

/// The most numbers of a kind that are repeated.
const MOST_NUMBERS: usize = 20;

/// The most that are put in an "is it X or Y?".
const MOST_CANDIDATES: usize = 3;

/// The longest number that is repeated, in characters; the longest on file have under thirty.
const LONGEST_NUMBER: usize = 40;

/// The longest run of letters within one. Numbers of makers have at most five; most words are longer.
const LONGEST_RUN_OF_LETTERS: usize = 6;

/// The longest piece between blanks that has no digit (`HEZO / QSP / 2025`).
const LONGEST_WORD: usize = 4;

/// What the automatic answer is written from.
#[derive(Clone, Copy)]
pub struct Acknowledgement<'a> {
    /// The ticket.
    pub ticket: &'a Ticket,
    /// The mail that is answered.
    pub mail: &'a Mail,
    /// Where its sender stands.
    pub rung: Rung,
    /// The mail's numbers, read with the contracts alone that the sender may be told of.
    pub numbers: &'a Numbers,
    /// What those contracts say about the mail.
    pub entitlement: Option<&'a Entitlement>,
    /// Until when a person makes contact, by those contracts alone.
    pub due: Timestamp,
}

/// Tells the sender the ticket number, what was read, what is missing, and until when a person makes
/// contact.
pub fn acknowledgement(site: &Site, ack: &Acknowledgement, now: Timestamp) -> Result<Post, ReplyError> {
    let Acknowledgement { ticket, mail, rung, numbers, entitlement, due } = *ack;
    let may = rung.may();
    let context = json!({
        "ticket": ticket.number.to_string(),
        "serials": shown(&numbers.serials, |found| !is_quoted(found)),
        "contracts": shown(&numbers.contracts, |found| !is_quoted(found)),
        "serial": question(numbers, NumberKind::Serial),
        "contract": question(numbers, NumberKind::Contract),
        "due": may.acknowledged_in_full.then(|| in_words(site, due, ticket.language, now)).flatten(),
        "entitlements": entitlement.map(|entitlement| entitlements(entitlement, ticket.language)).unwrap_or_default(),
        // The same words for all of whom it is not proven that they belong to a contract: whether an
        // address is named in one is nobody else's business.
        "registration": !may.see,
        "desk": facts::desk(site),
    });
    let post = Letter::new(site, Purpose::Acknowledgement, &mail.content_hash, &addressee(&ticket.customer, may), now)
        .about(ticket)
        .answers_with(&customer_token(site, &ticket.customer, ticket.number))
        .answering(&mail.message, may.acknowledged_in_full)
        .automatic(AutoSubmitted::Replied)
        .write(&localised("ack", ticket.language), context)?;
    Ok(Post { keeps: Some(Keeps::Acknowledgement), ..post })
}

/// Tells a sender of many requests all of their ticket numbers at once. `cause` identifies the
/// gathering: more tickets under the same cause make the same mail longer.
pub fn gathered(
    site: &Site,
    to: &Address,
    tickets: &[TicketNumber],
    language: Language,
    cause: &[u8],
    now: Timestamp,
) -> Result<Post, ReplyError> {
    let context = json!({
        "tickets": tickets.iter().map(TicketNumber::to_string).collect::<Vec<_>>(),
        "desk": facts::desk(site),
    });
    let to = Address { name: String::new(), address: to.address.clone() };
    let post = Letter::new(site, Purpose::Gathered, cause, &to, now)
        .automatic(AutoSubmitted::Replied)
        .write(&localised("gathered", language), context)?;
    // Should it come back, the engineers are told with the newest of its tickets.
    Ok(Post { ticket: tickets.last().copied(), ..post })
}

/// A display name is the sender's own words, too.
fn addressee(customer: &Address, may: May) -> Address {
    let name = if may.acknowledged_in_full { customer.name.clone() } else { String::new() };
    Address { name, address: customer.address.clone() }
}

/// The numbers in these places: as on file where they are of a contract that the sender may be told
/// of, else as written.
fn shown(numbers: &[Found], wanted: impl Fn(&Found) -> bool) -> Vec<&str> {
    let texts = numbers.iter().filter(|found| wanted(found)).map(as_told);
    texts.filter(|text| may_be_repeated(text)).take(MOST_NUMBERS).collect()
}

fn as_told(found: &Found) -> &str {
    if found.on_file { &found.value } else { &found.written }
}

fn is_quoted(found: &Found) -> bool {
    found.place == Place::Quote
}

/// Whether a text can be nothing but a number. What looks like an address or a sentence is not
/// carried to anybody, however it was labelled.
fn may_be_repeated(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '/' | '.' | '_' | '#' | '(' | ')');
    let mut run = 0;
    let runs = text.chars().map(|c| {
        run = if c.is_ascii_alphabetic() { run + 1 } else { 0 };
        run
    });
    let longest_run = runs.max().unwrap_or_default();
    // `desk.example/1`: mail programs make a link of letters after a dot.
    let links = text.split('.').skip(1).any(|part| part.starts_with(|c: char| c.is_ascii_alphabetic()));
    let wordy = |piece: &str| !piece.contains(|c: char| c.is_ascii_digit()) && piece.len() > LONGEST_WORD;
    text.len() <= LONGEST_NUMBER
        && !text.split_whitespace().any(wordy)
        && text.chars().all(allowed)
        && text.contains(|c: char| c.is_ascii_digit())
        && longest_run <= LONGEST_RUN_OF_LETTERS
        && !links
        && !text.contains("//")
}

/// The numbers that a sender is asked about, "is it X?", where none of the kind was written now: those of the quoted
/// mail, then those that too little speaks for.
pub(in crate::desk) fn put_to_the_sender(numbers: &Numbers, kind: NumberKind) -> Vec<&Found> {
    let found = of_kind(numbers, kind);
    if found.iter().any(|found| !is_quoted(found)) {
        return Vec::new();
    }
    let weak = numbers.candidates.iter().filter(|candidate| candidate.kind == kind).map(|candidate| &candidate.number);
    found.iter().chain(weak).filter(|found| may_be_repeated(as_told(found))).take(MOST_CANDIDATES).collect()
}

fn of_kind(numbers: &Numbers, kind: NumberKind) -> &[Found] {
    if kind == NumberKind::Contract { &numbers.contracts } else { &numbers.serials }
}

/// What is asked about a kind of number: nothing, for it outright, whether it is this one, or which of
/// several it is.
fn question(numbers: &Numbers, kind: NumberKind) -> Value {
    let candidates = put_to_the_sender(numbers, kind).into_iter().map(as_told).collect::<Vec<_>>();
    json!({
        "missing": of_kind(numbers, kind).iter().all(is_quoted),
        "candidates": candidates,
    "rivals": rivals(numbers, kind),
    })
}

/// Numbers of which as much speaks for one as for the other: with an "or" between them, or more contracts than
/// devices, since two devices may be under two contracts, but one device is under one.
fn rivals(numbers: &Numbers, kind: NumberKind) -> Vec<&str> {
    let found = of_kind(numbers, kind);
    let named_as_such = shown(found, |found| !is_quoted(found) && found.alternative);
    if kind == NumberKind::Serial || named_as_such.len() > 1 {
        return if named_as_such.len() > 1 { named_as_such } else { Vec::new() };
    }
    let devices = numbers.serials.iter().filter(|found| !is_quoted(found)).count();
    let strongest = found.iter().filter(|found| !is_quoted(found)).map(|found| found.strength).max();
    let rivals = shown(found, |found| !is_quoted(found) && Some(found.strength) == strongest);
    if rivals.len() > devices.max(1) { rivals } else { Vec::new() }
}

/// The hour until which a person makes contact. None where it has passed: the sender wrote long ago.
fn in_words(site: &Site, due: Timestamp, language: Language, now: Timestamp) -> Option<String> {
    let local = site.calendar.local(due);
    (due > now).then(|| match language {
        Language::Polish => local.polish_words(),
        Language::English => local.english_words(),
    })
}

/// What is wrong with the contracts that the mail names.
fn entitlements(entitlement: &Entitlement, language: Language) -> Vec<Value> {
    let in_words = |day: Date| match language {
        Language::Polish => LocalTime::polish_day(day),
        Language::English => LocalTime::english_day(day),
    };
    let of_contract = |named: &Named| {
        let state =
            |state: &str, day: Date| Some(json!({ "contract": named.contract, "state": state, "day": in_words(day) }));
        named.findings.iter().find_map(|finding| match finding {
            Finding::Expired { on } => state("expired", *on),
            Finding::NotYetValid { from } => state("not-yet-valid", *from),
            _ => None,
        })
    };
    entitlement.named.iter().filter(|named| !named.quoted).filter_map(of_contract).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_numbers_is_repeated() {
        for number in [
            "B824100317",
            "HEZO/QSP/2025/00417",
            "UM 118 / 2024",
            "1821P-00467",
            "7.0.12",
            "FGT60FTK21037752",
            "F5-BQZK-WMRT",
        ] {
            assert!(may_be_repeated(number), "{number}");
        }
        for other in [
            "evil.example/1",
            "www.evil.example",
            "https://evil.example/1",
            "a@evil.example",
            "PAY-TO-ACCOUNT-12",
            "WYGRALES2026NAGRODE",
            "ODBIERZ 1000 ZL",
            "zażółć 12",
            "no digits",
            "12<b>",
            "12\n34",
            "",
            "123456789012345678901234567890123456789012",
        ] {
            assert!(!may_be_repeated(other), "{other}");
        }
    }
}
