//! What engineers are told of a ticket.

use serde_json::{Value, json};

use crate::desk::answer::{Marker, Markers};
use crate::desk::entitlement;
use crate::desk::mail::Mail;
use crate::desk::reading::Reading;
use crate::desk::site::Site;
use crate::desk::text::{Part, Written};
use crate::desk::ticket::{Clock, ClockKind, Ending, Entry, NumberKind, State, Ticket};
use crate::desk::trust::{Proof, Standing};

/// The desk, for every template.
pub(super) fn desk(site: &Site) -> Value {
    let identity = &site.identity;
    json!({
        "name": identity.name,
        "address": identity.address,
        "phone": identity.phone,
        "escalation_address": identity.escalation_address,
        "escalation_phone": identity.escalation_phone,
        "portal": identity.portal,
    })
}

/// All facts of a ticket, for engineers.
pub(super) fn block(site: &Site, ticket: &Ticket) -> Value {
    let numbers = |kind: NumberKind| -> Vec<Value> {
        let of_kind = ticket.numbers.iter().filter(|number| number.kind == kind);
        let shown = of_kind
            .map(|number| json!({ "value": number.value, "evidence": number.evidence, "on_file": number.on_file }));
        shown.collect()
    };
    let missing: Vec<&str> = ticket.missing().into_iter().map(NumberKind::name).collect();
    json!({
        "ticket": ticket.number.to_string(),
        "state": state_name(ticket.state),
        "customer": ticket.customer,
        "subject": ticket.subject,
        "topic": site.rules.quotes.without_prefixes(&ticket.subject),
        "serials": numbers(NumberKind::Serial),
        "contracts": numbers(NumberKind::Contract),
        "nips": numbers(NumberKind::Nip),
        "missing": missing,
        "earlier_tags": ticket.earlier_tags,
        "linked_to": ticket.linked_to.map(|number| number.to_string()),
        "entitlement": entitlement::of_ticket(ticket, |at| site.calendar.date(at)),
        "continues": ticket.continues.map(|number| number.to_string()),
        "assignee": ticket.assignee.as_deref().and_then(|id| site.engineer(id)).map(|engineer| engineer.name.clone()),
        "waits": ticket.wait.as_ref().map(|wait| json!({
            "reason": wait.reason, "until": wait.until.map(|until| site.calendar.local(until).polish()),
        })),
        "clocks": ClockKind::ALL.iter().filter_map(|kind| ticket.clock(*kind)).map(|clock| clock_line(site, clock)).collect::<Vec<_>>(),
    })
}

/// The sender of a mail, for engineers.
pub(super) fn sender(mail: &Mail, standing: Option<&Standing>) -> Value {
    let message = &mail.message;
    let address = message.from.as_ref().map(|from| from.address.as_str()).unwrap_or_default();
    let reply_to = message.reply_to.as_ref().map(|reply_to| reply_to.address.as_str());
    json!({
        "address": address,
        "rung": standing.map(|standing| standing.rung),
        "proof": standing.map(|standing| standing.proof.to_string()),
        "refuted": standing.is_some_and(|standing| matches!(standing.proof, Proof::Refuted { .. })),
        "reply_to": reply_to.filter(|reply_to| *reply_to != address),
    })
}

/// The latest clock of a kind in one line.
fn clock_line(site: &Site, clock: &Clock) -> Value {
    let local = |at| site.calendar.local(at).polish();
    let ended = |how: Ending| clock.ended.as_ref().filter(|ended| ended.how == how);
    json!({
        "name": clock_name(clock.kind),
        "due": local(clock.due),
        "kept": ended(Ending::Satisfied).map(|ended| local(ended.at)),
        "withheld": ended(Ending::Withheld).map(|ended| ended.by.clone()),
        "withdrawn": ended(Ending::Withdrawn).map(|ended| ended.by.clone()),
        "paused": clock.paused_since().map(local),
        "late": clock.ended.as_ref().is_some_and(|_| clock.breached(clock.due)),
    })
}

/// Where a ticket stands, in Polish.
fn state_name(state: State) -> &'static str {
    match state {
        State::New => "nowe, nikt jeszcze nie odpowiedział",
        State::AwaitingData => "w pracy, brakuje danych",
        State::InVerification => "w weryfikacji",
        State::Accepted => "uznane za zasadne",
        State::AwaitingReturn => "czeka na zwrot urządzenia",
        State::WaitingForCustomer => "czeka na klienta",
        State::Resolved => "rozwiązane",
        State::Closed => "zamknięte",
        State::Merged => "połączone z innym",
    }
}

/// The Polish name of a promise, after "zegar".
pub(super) fn clock_name(kind: ClockKind) -> &'static str {
    match kind {
        ClockKind::Acknowledge => "potwierdzenia",
        ClockKind::Reaction => "reakcji",
        ClockKind::FollowUp => "odpowiedzi",
        ClockKind::Delivery => "dostawy",
        ClockKind::Return => "zwrotu",
        ClockKind::Resolution => "rozwiązania",
        ClockKind::HandOver => "przejęcia",
    }
}

/// How the due times of the running clocks were worked out.
pub(super) fn explanations(ticket: &Ticket) -> Vec<Value> {
    let running = ticket.clocks.iter().filter(|clock| clock.runs());
    let explained = running.map(|clock| {
        json!({ "name": clock_name(clock.kind), "start_reason": clock.start_reason, "steps": clock.explanation })
    });
    explained.collect()
}

/// The lines that part a mail to an engineer.
pub(super) fn markers(site: &Site, ticket: &Ticket) -> Value {
    let markers = Markers::of(ticket.number, &site.token_keys);
    json!({
        "begin": markers.line(Marker::Begin),
        "text": markers.line(Marker::Text),
        "end": markers.line(Marker::End),
    })
}

/// The attachments of a mail that were not read as a whole.
pub(super) fn unread(reading: &Reading) -> Vec<Value> {
    reading.unread.iter().map(|unread| json!({ "name": unread.name, "problem": unread.problem.name() })).collect()
}

/// One line of a ticket's history.
pub(super) fn history(site: &Site, entry: &Entry) -> Value {
    json!({
        "at": site.calendar.local(entry.at).polish(),
        "kind": entry.kind.name(),
        "author": entry.author,
        "sender": entry.sender,
        "text": entry.text,
    })
}

/// A mail's text for an engineer: everything in its order but disclaimers, quotes marked.
pub(super) fn readable(written: &Written) -> String {
    let shown = written.sections.iter().filter(|section| section.part != Part::Boilerplate);
    let texts = shown.map(|section| match section.part {
        Part::Quote => section.text.lines().map(quoted).collect::<Vec<_>>().join("\n"),
        _ => section.text.clone(),
    });
    texts.collect::<Vec<_>>().join("\n\n")
}

fn quoted(line: &str) -> String {
    if line.starts_with('>') { line.to_string() } else { format!("> {line}") }
}
