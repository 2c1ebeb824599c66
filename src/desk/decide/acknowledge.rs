//! The acknowledgement of a new ticket: in full or neutral, as the sender stands; one for many,
//! where the budget is used up; or none, by a rule that is recorded.

use super::Case;
use super::progress::Progress;
use super::request::{known_number, known_numbers};
use crate::desk::contract::Excerpt;
use crate::desk::decision::Effect;
use crate::desk::entitlement;
use crate::desk::extract::{Numbers, OnFile, Place};
use crate::desk::message::Address;
use crate::desk::parked::Cause;
use crate::desk::reply::{self, Acknowledgement};
use crate::desk::ticket::{ASKED, ClockKind, Ending, Entry, EntryKind, KnownNumber, NumberKind, Ticket};
use crate::desk::trust::{Proof, Rung};

/// Writes the acknowledgement. Returns whether it goes out, and by which rule.
pub(super) fn acknowledge(case: &Case, from: &Address, progress: &mut Progress) -> (bool, String) {
    let answer = &case.reading.verdict.answer;
    if !answer.send {
        return withheld(case, progress, &answer.rule);
    }
    // Of a mail that a person let through although it names nobody, or us.
    if from.address.is_empty() || case.site.is_internal(&from.address) {
        return withheld(case, progress, "no-customer");
    }
    // The domain asks that the mail be refused: whoever is named there did not write it.
    if matches!(case.sender.as_ref().map(|sender| &sender.proof), Some(Proof::Refuted { reject: true })) {
        let parked = case.park(Cause::FailedAuthentication, "sender-refuted", Some(progress.ticket.number));
        progress.push(parked);
        return withheld(case, progress, "sender-refuted");
    }
    let rung = case.standing(None).map_or(Rung::Unknown, |standing| standing.rung);
    // Anybody can name a contract's sender. Whose mail is taken for spam, and nobody has proven to be that
    // sender's, is a ticket, since it may be one; an answer would go to whoever's address was borrowed.
    if let Some(rule) = case.taken_for_spam().filter(|_| rung < Rung::Authenticated) {
        return withheld(case, progress, rule);
    }
    // Beyond the budget an unproven sender gets nothing, whether a contract names it or not: a list would tell
    // which, and would be one more mail to whoever's address was borrowed.
    if let Some(budget) = case.site.budget.used_up(&case.facts.sent) {
        return match rung >= Rung::NamedInContract {
            true => gather(case, from, progress, budget),
            false => withheld(case, progress, budget),
        };
    }
    let contracts = contracts_to_be_told_of(case, from);
    let with_these = || case.reading.numbers(&OnFile::from(&contracts), case.site);
    let all = contracts.contracts.len() == case.facts.contracts.contracts.len();
    let numbers = if all { case.numbers().clone() } else { with_these() };
    let known = known_numbers(&numbers);
    let ticket = &progress.ticket;
    let start = ticket.clock(ClockKind::Reaction).map_or(case.now, |clock| clock.start);
    let day = case.site.calendar.date(start);
    // The hour follows from the same contracts, while the clock itself follows from all: an early
    // hour would tell a 24x7 contract.
    let told = Ticket { on_file: contracts.clone(), numbers: known.clone(), ..ticket.clone() };
    let terms = Progress::new(told, case.site, case.now).terms();
    let due = case.site.plans.reaction(&terms, start, ticket.concern, &case.site.calendar).due;
    let entitlement = entitlement::of(&contracts, &known, Some(&from.address), day);
    let entitlement = entitlement.as_ref().filter(|_| case.may(None).see);
    let own = case.handed_in.as_ref().map(|_| without_forwarded(&numbers));
    let numbers_told = own.as_ref().unwrap_or(&numbers);
    let ack = Acknowledgement { ticket, mail: case.mail, rung, numbers: numbers_told, entitlement, due };
    let post = match reply::acknowledgement(case.site, &ack, case.now) {
        Ok(post) => post,
        Err(error) => {
            progress.push(Effect::Report(error.to_string()));
            return (false, "acknowledgement-cannot-be-written".to_string());
        }
    };
    progress.entry(entry(case, EntryKind::Acknowledged, Some(&post.message_id), ""));
    progress.push(Effect::Thread(progress.ticket.number, post.message_id.clone()));
    progress.push(Effect::Send(post));
    for kind in progress.ticket.missing() {
        asked_about(&numbers, kind).into_iter().for_each(|known| progress.add_number(known));
    }
    (true, answer.rule.clone())
}

/// The numbers but those of a mail within the mail. An engineer may pass mails of two customers on in one, and
/// neither is told the other's.
fn without_forwarded(numbers: &Numbers) -> Numbers {
    let mut own = numbers.clone();
    for list in [&mut own.serials, &mut own.contracts] {
        list.retain(|found| found.place != Place::Forward);
    }
    own.candidates.retain(|candidate| candidate.number.place != Place::Forward);
    own
}

/// The numbers that the acknowledgement asks about: "is it X?".
fn asked_about(numbers: &Numbers, kind: NumberKind) -> Vec<KnownNumber> {
    let put = reply::put_to_the_sender(numbers, kind).into_iter();
    let asked = |known: KnownNumber| {
        let evidence = format!("{}; the customer is asked [{ASKED}]", known.evidence);
        KnownNumber { quoted: true, evidence, ..known }
    };
    put.map(|found| asked(known_number(kind, found))).collect()
}

/// The contracts on file that the sender is proven to belong to. The acknowledgement knows of no
/// others: a number that is recognised, or mended, only because somebody else's contract has it would
/// tell that it is on file.
fn contracts_to_be_told_of(case: &Case, from: &Address) -> Excerpt {
    let Excerpt { version, contracts } = &case.facts.contracts;
    let see = case.may(None).see;
    let own = contracts.iter().filter(|contract| see && contract.names_sender(&from.address));
    Excerpt { version: *version, contracts: own.cloned().collect() }
}

/// A sender named in a contract is never left without: one mail lists all of its tickets, once they
/// have gathered for a while.
fn gather(case: &Case, from: &Address, progress: &mut Progress, rule: &str) -> (bool, String) {
    let waiting = case.facts.gathering.as_ref();
    let cause = waiting.map_or(case.mail.content_hash, |waiting| waiting.cause);
    let mut tickets = waiting.map(|waiting| waiting.tickets.clone()).unwrap_or_default();
    tickets.push(progress.ticket.number);
    match reply::gathered(case.site, from, &tickets, progress.ticket.language, &cause, case.now) {
        Ok(post) => {
            progress.entry(entry(case, EntryKind::Withheld, Some(&post.message_id), rule));
            progress.end(ClockKind::Acknowledge, case.now, Ending::Withheld, rule);
            let leaves = case.now.saturating_add(case.site.budget.gathering).unwrap_or(case.now);
            progress.push(Effect::Gather(post, cause, leaves));
            (false, rule.to_string())
        }
        Err(error) => {
            progress.push(Effect::Report(error.to_string()));
            withheld(case, progress, rule)
        }
    }
}

fn withheld(case: &Case, progress: &mut Progress, rule: &str) -> (bool, String) {
    progress.entry(entry(case, EntryKind::Withheld, None, rule));
    progress.end(ClockKind::Acknowledge, case.now, Ending::Withheld, rule);
    (false, rule.to_string())
}

fn entry(case: &Case, kind: EntryKind, message_id: Option<&String>, text: &str) -> Entry {
    let (author, text, message_id) = ("desk".to_string(), text.to_string(), message_id.cloned());
    Entry { kind, author, message_id, text, sender: None, at: case.now }
}
