//! Escalation is a hand-over: the ticket goes out with everything that is known, and comes back as
//! taken when a person answers.

use jiff::Timestamp;

use super::progress::Progress;
use super::watchers::watchers;
use super::{Case, engineer};
use crate::desk::answer::{Answer, Ground};
use crate::desk::command::{self, Order};
use crate::desk::decision::{Decision, Disposition, Effect};
use crate::desk::escalation::Level;
use crate::desk::message::Address;
use crate::desk::reply::{self, Occasion, Relay};
use crate::desk::site::Site;
use crate::desk::ticket::{ClockKind, Ending, Entry, EntryKind, Step, Ticket};
use crate::desk::ticket_number::TicketNumber;
use crate::desk::token::{Purpose, Token};
use crate::desk::trust::Proof;

/// How the entry of a wish begins.
const WISH: &str = "escalation asked for";

/// Forwards the ticket with everything that is known. At the first level a person has to take it
/// over; where somebody is asked to already and still has time, that clock runs on.
pub(super) fn forward(progress: &mut Progress, level: Level, occasion: &Occasion, originals: &[Vec<u8>]) {
    let (site, now, number) = (progress.site, progress.now, progress.ticket.number);
    let Some(address) = site.escalation_address(level) else { return };
    if level == Level::First && !waits(progress) {
        progress.start(ClockKind::HandOver, now, &reason(occasion));
    }
    let letter = reply::escalation(site, &progress.ticket, occasion, level, address, originals, now);
    if let Ok(post) = &letter {
        progress.push(Effect::Thread(number, post.message_id.clone()));
    }
    progress.push(letter);
}

/// Why a ticket is handed over, as its clock keeps it.
fn reason(occasion: &Occasion) -> String {
    match occasion {
        Occasion::Rung(due) => silence(due.clock.kind),
        Occasion::Wish { .. } => "forwarded to escalation, as asked for".to_string(),
    }
}

fn silence(kind: ClockKind) -> String {
    format!("forwarded to escalation: the {kind} clock")
}

/// A person has answered the customer: where the ticket was handed over only since nobody had, there is
/// nothing left to take over.
pub(super) fn answered_after_all(progress: &mut Progress, at: Timestamp) {
    let silent = [silence(ClockKind::Reaction), silence(ClockKind::FollowUp)];
    progress.end_where(at, Ending::Withdrawn, "a person has answered the customer", |clock| {
        clock.kind == ClockKind::HandOver && silent.contains(&clock.start_reason)
    });
}

/// Forwards the ticket at once, because somebody asks for it in words. Not again while it waits to be
/// taken over in time after such a wish: the engineers have the mail, and escalation has the ticket.
pub(super) fn on_wish(progress: &mut Progress, who: &str, why: &str, cause: &[u8], originals: &[Vec<u8>]) {
    let wished = |entry: &Entry| entry.kind == EntryKind::Escalated && entry.text.starts_with(WISH);
    let again = waits(progress) && progress.ticket.entries.iter().any(wished);
    if again {
        progress.record(EntryKind::Reminded, who, format!("{WISH} again: {why}; it waits to be taken over already"));
        return;
    }
    progress.record(EntryKind::Escalated, who, format!("{WISH}: {why}"));
    forward(progress, Level::First, &Occasion::Wish { why, cause }, originals);
}

/// Forwards the ticket at once, because somebody of the desk says so.
pub(super) fn on_order(progress: &mut Progress, who: &str, why: &str, cause: &[u8], originals: &[Vec<u8>]) {
    progress.record(EntryKind::Escalated, who, format!("ordered: {why}"));
    forward(progress, Level::First, &Occasion::Wish { why, cause }, originals);
}

/// Whether somebody is asked to take the ticket over, and still has time for it.
fn waits(progress: &Progress) -> bool {
    progress.ticket.running(ClockKind::HandOver).any(|clock| clock.due > progress.now)
}

/// The level that an answer from escalation comes from and the ticket it is about, where the mail
/// came to a genuine reply address of a hand-over.
pub(super) fn answered(case: &Case) -> Option<(Level, TicketNumber)> {
    let Some(Ok(Token { purpose: Purpose::Escalation, ticket, person })) = &case.keys.token else { return None };
    // Our own mail that comes back on that way answers nothing.
    let ours = case.mail.message.message_id.as_deref().is_some_and(|id| case.site.token_keys.is_ours(id));
    if ours { None } else { Some((Level::of_id(person)?, ticket.parse().ok()?)) }
}

/// A person's answer from escalation: the ticket is taken over, the engineers read it, and the
/// customer, too, where the first line says so.
pub(super) fn answer(case: &Case, from: &Address, level: Level, number: TicketNumber) -> Decision {
    let Some(ticket) = case.facts.ticket(number) else {
        return case.parked("reply-address-of-no-ticket", None);
    };
    if !belongs_to(&from.address, level, case.site) {
        return case.parked("reply-address-of-escalation", None);
    }
    if let Some(reason) = unproven(case, from) {
        return case.parked(reason, None);
    }
    let ground = Ground::of(ticket, &case.facts.shown, case.site);
    let seed = reply::picture_seed(case.site, case.mail);
    let (rules, now) = (&case.site.rules, case.site.calendar.civil(case.now));
    let answer = Answer::of(&case.mail.message, &ground, &seed, rules, now);
    let is_relay = |line: &String| {
        let read = command::read(std::slice::from_ref(line), &rules.orders, now);
        read.is_ok_and(|orders| orders == [Order::Relay])
    };
    let relayed = answer.orders.iter().any(is_relay);
    if relayed && answer.is_empty() {
        return case.parked("empty-answer", None);
    }
    if relayed && let Some(found) = answer.internal(&case.reading.texts, &ground, &case.site.rules.quotes) {
        return case.parked_for("internal-text-in-answer", Some(&found.to_string()), None);
    }
    let mut progress = Progress::new(ticket.clone(), case.site, case.now);
    progress.entry(case.entry(EntryKind::TakenOver, &from.address, Some(ticket)));
    if let Some(id) = &case.mail.message.message_id {
        progress.push(Effect::Thread(ticket.number, id.clone()));
    }
    progress.end(ClockKind::HandOver, case.now, Ending::Satisfied, &from.address);
    if relayed && let Err(reason) = relay(&mut progress, case, from, &answer) {
        return case.parked(reason, None);
    }
    for engineer in watchers(&progress.ticket, case.site, case.now) {
        let post =
            reply::taken_over(case.site, &progress.ticket, from, &answer, relayed, case.mail, engineer, case.now);
        progress.push(post);
    }
    case.decision(Disposition::Attached(ticket.number), "escalation-answers", progress.effects)
}

/// Passes an answer from escalation on to the customer: a person's contact like any other.
fn relay(progress: &mut Progress, case: &Case, from: &Address, answer: &Answer) -> Result<(), &'static str> {
    let name = if from.name.is_empty() { &case.site.identity.name } else { &from.name };
    let Progress { ticket, .. } = &*progress;
    let relay = Relay { ticket, author: name, answer, mail: case.mail, to: &ticket.customer, waybill: None };
    let post = reply::relay(case.site, &relay, case.now);
    let post = post.map_err(|_| "answer-cannot-be-written")?;
    progress.step(Step::Contact, case.now).map_err(|_| "ticket-takes-no-answer")?;
    let answered = Entry {
        message_id: Some(post.message_id.clone()),
        ..case.entry(EntryKind::Answered, &from.address, Some(&progress.ticket))
    };
    progress.entry(Entry { text: answer.text.clone(), ..answered });
    progress.push(Effect::Thread(progress.ticket.number, post.message_id.clone()));
    progress.push(Effect::Send(post));
    Ok(())
}

/// Whether an address is one of those that the hand-over went to: the same address, another of its
/// domain (people answer a shared mailbox from their own), or an engineer's.
fn belongs_to(address: &str, level: Level, site: &Site) -> bool {
    let domain = |address: &str| address.rsplit_once('@').map(|(_, domain)| domain.to_ascii_lowercase());
    let sent_to = site.escalation_address(level).and_then(domain);
    site.engineer_by_address(address).is_some() || sent_to.is_some() && domain(address) == sent_to
}

/// Why it is not proven that the answer is from whom it names. Its reply address alone proves nothing: it
/// stands in a mail that many people read.
fn unproven(case: &Case, from: &Address) -> Option<&'static str> {
    if engineer::has_a_field_twice(case) {
        return Some("header-field-stands-twice");
    }
    if case.site.engineer_by_address(&from.address).is_some_and(|engineer| !engineer.active) {
        return Some("engineer-has-left");
    }
    match case.sender.as_ref().map(|sender| &sender.proof) {
        Some(Proof::Proven { .. }) => None,
        Some(Proof::Unproven { .. }) if case.site.authentication.accept_unauthenticated_engineers => None,
        Some(Proof::Refuted { .. }) => Some("engineer-refuted"),
        Some(Proof::Unproven { .. }) | None => Some("engineer-not-proven"),
    }
}

/// The originals of a ticket with the mail that is decided now behind them.
pub(super) fn with_this_mail(case: &Case, ticket: &Ticket) -> Vec<Vec<u8>> {
    case.originals_of(ticket.number).into_iter().chain([case.mail.raw.clone()]).collect()
}
