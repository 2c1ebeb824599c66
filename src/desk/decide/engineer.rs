//! A mail that claims to be an engineer's: passed on to the customer when it is proven, held when
//! it is not.

use super::watchers::watchers;
use super::{Case, direct, handed_in, orders};
use crate::desk::answer::{Answer, Ground};
use crate::desk::command;
use crate::desk::decision::{Decision, Disposition, Effect};
use crate::desk::engineer::Engineer;
use crate::desk::message::Address;
use crate::desk::reply;
use crate::desk::ticket::{EntryKind, Ticket};
use crate::desk::token::{self, Purpose, Refusal, Token};
use crate::desk::trust::Proof;

/// Whether the mail says, by its sender or by its recipient address, that an engineer wrote it.
pub(super) fn claims_to_be(case: &Case, from: &Address) -> bool {
    case.keys.token.as_ref().map(token::purpose) == Some(Purpose::Engineer)
        || case.site.engineer_by_address(&from.address).is_some()
}

/// Passes an engineer's answer on to the customer and carries its orders out, or holds it.
pub(super) fn answer(case: &Case, from: &Address) -> Decision {
    let handed_in = case.reading.handed_in.as_deref().filter(|handed| handed.counts(case.keys.token.as_ref()));
    if let Some(handed) = handed_in {
        return handed_in::hand_in(case, from, handed);
    }
    if let Some(recorded) = direct::answer(case, from) {
        return recorded;
    }
    if let Some(faulty) = handed_in::faults(case, from) {
        return faulty;
    }
    let (engineer, ticket) = match proven(case, from) {
        Ok(proven) => proven,
        Err(held) => return case.parked(held.reason, held.tell),
    };
    let ground = Ground::of(ticket, &case.facts.shown, case.site);
    let seed = reply::picture_seed(case.site, case.mail);
    let (rules, now) = (&case.site.rules, case.site.calendar.civil(case.now));
    let answer = Answer::of(&case.mail.message, &ground, &seed, rules, now);
    if let Some((reason, found)) = unfit(&answer, &ground, case) {
        return case.parked_for(reason, found.as_deref(), Some(engineer));
    }
    orders::carry_out(case, engineer, ticket, &answer)
}

/// An engineer's absence note: the ticket remembers it, and the others are told, once a day.
pub(super) fn absent(case: &Case, from: &Address, engineer: &Engineer) -> Decision {
    let keys = case.keys;
    let by_token = keys.ticket_of_token(Purpose::Engineer, case.facts);
    let named = keys.tags.iter().filter_map(|number| case.facts.ticket(*number));
    let ticket = by_token.into_iter().chain(named).next();
    let rule = &case.reading.verdict.rule;
    let others = |all: Vec<&'_ Engineer>| -> Vec<Engineer> {
        all.into_iter().filter(|other| other.id != engineer.id).cloned().collect()
    };
    let group = ticket.map(|ticket| others(watchers(ticket, case.site, case.now))).unwrap_or_default();
    let told = if group.is_empty() { others(case.site.active_engineers().collect()) } else { group };
    let text = case.reading.now();
    let notes = told
        .iter()
        .map(|other| Effect::from(reply::absent(case.site, engineer, ticket, case.mail, &text, other, case.now)));
    let mut effects: Vec<Effect> = notes.collect();
    let Some(ticket) = ticket else { return case.decision(Disposition::Noted, rule, effects) };
    let entry = case.entry(EntryKind::AutoReply, &from.address, Some(ticket));
    effects.insert(0, Effect::AddEntry(ticket.number, entry));
    case.decision(Disposition::Attached(ticket.number), rule, effects)
}

/// Why a mail is held, and who is told.
pub(super) struct Held<'a> {
    pub(super) reason: &'static str,
    pub(super) tell: Option<&'a Engineer>,
}

/// Fields that an honest mail has once (RFC 5322 section 3.6). A signature covers the last of each,
/// and people see the first.
const SINGLE_FIELDS: [&str; 9] =
    ["From", "To", "Cc", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Content-Type"];

/// The engineer and the ticket. It takes all of: a token made for both, From being that engineer's
/// address, the proof that the mail is from there, and the engineer being active. The person told
/// of a held mail is the one whose name or token was used.
fn proven<'a>(case: &'a Case, from: &Address) -> Result<(&'a Engineer, &'a Ticket), Held<'a>> {
    let sender = case.site.engineer_by_address(&from.address);
    let token = match &case.keys.token {
        None => return Err(Held { reason: "engineer-without-reply-address", tell: sender }),
        Some(Err(refused)) if refused.why == Refusal::Expired => {
            return Err(Held { reason: "reply-address-expired", tell: sender });
        }
        Some(Err(_)) => return Err(Held { reason: "forged-reply-address", tell: sender }),
        Some(Ok(token)) => token,
    };
    let Some(engineer) = engineer_of(token, case) else {
        return Err(Held { reason: "reply-address-of-nobody", tell: sender });
    };
    if !engineer.active {
        return Err(Held { reason: "engineer-has-left", tell: None });
    }
    if sender != Some(engineer) {
        return Err(Held { reason: "reply-address-of-another-engineer", tell: Some(engineer) });
    }
    match written_by(engineer, case)? {
        Proof::Proven { .. } => {}
        Proof::Unproven { .. } if case.site.authentication.accept_unauthenticated_engineers => {}
        Proof::Refuted { .. } => return Err(Held { reason: "engineer-refuted", tell: Some(engineer) }),
        Proof::Unproven { .. } => return Err(Held { reason: "engineer-not-proven", tell: Some(engineer) }),
    }
    match case.keys.ticket_of_token(Purpose::Engineer, case.facts) {
        Some(ticket) => Ok((engineer, ticket)),
        None => Err(Held { reason: "reply-address-of-no-ticket", tell: Some(engineer) }),
    }
}

/// The engineer whom From names, where it is proven that the mail is from there: for what needs no
/// token, since nothing of it is passed on. A site without any proof has none here either.
pub(super) fn vouched<'a>(case: &'a Case, from: &Address) -> Result<&'a Engineer, Held<'a>> {
    let Some(engineer) = case.site.engineer_by_address(&from.address) else {
        return Err(Held { reason: "reply-address-of-nobody", tell: None });
    };
    if !engineer.active {
        return Err(Held { reason: "engineer-has-left", tell: None });
    }
    match written_by(engineer, case)? {
        Proof::Proven { .. } => Ok(engineer),
        Proof::Refuted { .. } => Err(Held { reason: "engineer-refuted", tell: Some(engineer) }),
        Proof::Unproven { .. } => Err(Held { reason: "engineer-not-proven", tell: Some(engineer) }),
    }
}

/// Whether what people see may be another field than what the signature covers.
pub(super) fn has_a_field_twice(case: &Case) -> bool {
    let headers = &case.mail.message.headers;
    SINGLE_FIELDS.iter().any(|name| headers.iter().filter(|header| header.is(name)).count() > 1)
}

/// What is proven of a mail that says it is this engineer's.
fn written_by<'a>(engineer: &'a Engineer, case: &'a Case) -> Result<&'a Proof, Held<'a>> {
    if has_a_field_twice(case) {
        return Err(Held { reason: "header-field-stands-twice", tell: Some(engineer) });
    }
    let unproven = Held { reason: "engineer-not-proven", tell: Some(engineer) };
    case.sender.as_ref().map(|sender| &sender.proof).ok_or(unproven)
}

fn engineer_of<'a>(token: &Token, case: &'a Case) -> Option<&'a Engineer> {
    (token.purpose == Purpose::Engineer).then(|| case.site.engineer(&token.person)).flatten()
}

/// Why this answer must not go to a customer as it is, and what was found in it.
fn unfit(answer: &Answer, ground: &Ground, case: &Case) -> Option<(&'static str, Option<String>)> {
    if case.mail.too_large.is_some() {
        return Some(("answer-too-large", None));
    }
    // A program writes the same into both; what only one of them forbids must not leave by the other.
    let first = case.mail.message.plain.iter().flat_map(|plain| plain.lines()).find(|line| !line.trim().is_empty());
    let is_order = first.is_some_and(|line| command::is_order(line, &case.site.rules.orders));
    if is_order && answer.orders.is_empty() && case.mail.message.html.is_some() {
        return Some(("parts-disagree", first.map(str::to_string)));
    }
    if answer.is_empty() {
        return answer.orders.is_empty().then_some(("empty-answer", None));
    }
    let found = answer.internal(&case.reading.texts, ground, &case.site.rules.quotes)?;
    Some(("internal-text-in-answer", Some(found.to_string())))
}
