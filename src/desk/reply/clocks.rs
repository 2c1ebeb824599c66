//! Mails about clocks: reminders, hand-overs, and what is handed to the alert command.

use jiff::Timestamp;
use serde_json::json;

use super::letter::Letter;
use super::{Post, Purpose, ReplyError, facts, localised, within};
use crate::desk::answer::Answer;
use crate::desk::compose::AutoSubmitted;
use crate::desk::engineer::Engineer;
use crate::desk::escalation::LadderStep;
use crate::desk::escalation::Level;
use crate::desk::mail::Mail;
use crate::desk::message::Address;
use crate::desk::site::Site;
use crate::desk::telephone;
use crate::desk::ticket::{Clock, ClockKind, Lateness, Ticket};
use crate::desk::ticket_number::TicketNumber;
use crate::desk::token::{Purpose as TokenPurpose, Token};

/// The originals attached to an escalation beyond this size in all are left in the mailbox: many
/// hosts refuse mails over 25 MB.
const MOST_FORWARDED_BYTES: usize = 15_000_000;

/// A rung of a clock that is due.
#[derive(Clone, Copy, Debug)]
pub struct RungDue<'a> {
    /// The clock.
    pub clock: &'a Clock,
    /// What is to be done.
    pub step: &'a LadderStep,
    /// How late, and why.
    pub late: Option<&'a Lateness>,
}

/// Why a ticket is handed over.
#[derive(Clone, Copy, Debug)]
pub enum Occasion<'a> {
    /// A clock.
    Rung(RungDue<'a>),
    /// Somebody asks for it.
    Wish {
        /// Who, or in which words.
        why: &'a str,
        /// Identifies the mail or order behind it.
        cause: &'a [u8],
    },
}

/// What the alert command is handed on its standard input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// The ticket.
    pub ticket: Option<TicketNumber>,
    /// Identifies the alert: the same when it is decided, or run, again.
    pub id: String,
    /// One JSON object.
    pub json: String,
}

/// Reminds an engineer of a clock.
pub fn reminder(
    site: &Site,
    ticket: &Ticket,
    due: &RungDue,
    originals: &[Vec<u8>],
    engineer: &Engineer,
    now: Timestamp,
) -> Result<Post, ReplyError> {
    let context = json!({
        "facts": facts::block(site, ticket),
        "marker": facts::markers(site, ticket),
        "rung": rung(site, due, now),
        "telephones": telephone::of_customer(originals, ticket, site),
        "desk": facts::desk(site),
    });
    Letter::new(site, Purpose::Reminder, cause(ticket, due).as_bytes(), &engineer.mailbox(), now)
        .about(ticket)
        .under_name(format!("{} ({})", site.identity.name, ticket.number))
        .answers_with(&super::engineer_token(engineer, ticket.number))
        .internal_thread(ticket)
        .with_links(ticket)
        .automatic(AutoSubmitted::Generated)
        .write(&due.step.template, context)
}

/// Reminds the customer. Of the customer's own words it repeats nothing.
pub fn customer_reminder(site: &Site, ticket: &Ticket, due: &RungDue, now: Timestamp) -> Result<Post, ReplyError> {
    let local = site.calendar.local(due.clock.due);
    let context = json!({
        "ticket": ticket.number.to_string(),
        "due": { "pl": local.polish(), "en": local.english() },
        "overdue": due.clock.due < now,
        "desk": facts::desk(site),
    });
    Letter::new(site, Purpose::CustomerReminder, cause(ticket, due).as_bytes(), &ticket.customer, now)
        .about(ticket)
        .customer_thread(ticket)
        .automatic(AutoSubmitted::Generated)
        .write(&localised(&due.step.template, ticket.language), context)
}

/// Hands a ticket over: the whole history, the facts, the contract, the clocks, the customer's
/// contact, and the original mails attached. An answer comes back under an address of its own.
pub fn escalation(
    site: &Site,
    ticket: &Ticket,
    occasion: &Occasion,
    level: Level,
    address: &str,
    originals: &[Vec<u8>],
    now: Timestamp,
) -> Result<Post, ReplyError> {
    let history = ticket.entries.iter().map(|entry| facts::history(site, entry)).collect::<Vec<_>>();
    let forwarded = within(originals.to_vec(), MOST_FORWARDED_BYTES, Vec::len);
    let take_over = ticket.running(ClockKind::HandOver).filter(|clock| clock.due > now).last();
    let context = json!({
        "facts": facts::block(site, ticket),
        "marker": facts::markers(site, ticket),
        "rung": match occasion {
            Occasion::Rung(due) => Some(rung(site, due, now)),
            Occasion::Wish { .. } => None,
        },
        "wish": match occasion {
            Occasion::Rung(_) => None,
            Occasion::Wish { why, .. } => Some(*why),
        },
        "take_over_by": take_over.map(|clock| site.calendar.local(clock.due).polish()),
        "telephones": telephone::of_customer(originals, ticket, site),
        "explanations": facts::explanations(ticket),
        "history": history,
        "left_out": originals.len() - forwarded.len(),
        "desk": facts::desk(site),
    });
    let (template, cause) = match occasion {
        Occasion::Rung(due) => (due.step.template.as_str(), cause(ticket, due).into_bytes()),
        Occasion::Wish { cause, .. } => ("escalation", cause.to_vec()),
    };
    let recipient = Address { name: String::new(), address: address.to_string() };
    let number = ticket.number.to_string();
    let back = Token { purpose: TokenPurpose::Escalation, ticket: number, person: level.id().to_string() };
    Letter::new(site, Purpose::Escalation, &cause, &recipient, now)
        .about(ticket)
        .answers_with(&back)
        .internal_thread(ticket)
        .automatic(AutoSubmitted::Generated)
        .forward(forwarded)
        .write(template, context)
}

/// Tells an engineer what escalation has answered. An answer goes to its author: it must not reach
/// the customer.
#[expect(clippy::too_many_arguments, reason = "one mail, its parts side by side like the others")]
pub fn taken_over(
    site: &Site,
    ticket: &Ticket,
    author: &Address,
    answer: &Answer,
    relayed: bool,
    mail: &Mail,
    engineer: &Engineer,
    now: Timestamp,
) -> Result<Post, ReplyError> {
    let context = json!({
        "facts": facts::block(site, ticket),
        "marker": facts::markers(site, ticket),
        "author": author,
        "relayed": relayed,
        "text": answer.text,
        "desk": facts::desk(site),
    });
    Letter::new(site, Purpose::TakenOver, &mail.content_hash, &engineer.mailbox(), now)
        .about(ticket)
        .under_name(format!(
            "{} ({})",
            if author.name.is_empty() { &author.address } else { &author.name },
            ticket.number
        ))
        .answers_to(author.address.clone())
        .internal_thread(ticket)
        .attach(answer.files.clone())
        .write("taken-over", context)
}

/// What the alert command is told: ids, times, and a ready text of the template; nothing of the
/// customer's.
pub fn alert(site: &Site, ticket: &Ticket, due: &RungDue, now: Timestamp) -> Result<Alert, ReplyError> {
    let template = match due.step.tell.is_empty() {
        true => due.step.template.as_str(),
        false => "alert",
    };
    let context =
        json!({ "ticket": ticket.number.to_string(), "rung": rung(site, due, now), "desk": facts::desk(site) });
    let page = site.rules.templates.fill(template, &context)?;
    let id = cause(ticket, due);
    let json = json!({
        "id": id,
        "ticket": ticket.number.to_string(),
        "clock": due.clock.kind,
        "rung": due.step.id,
        "start": due.clock.start,
        "due": due.clock.due,
        "due_local": site.calendar.local(due.clock.due).polish(),
        "late_seconds": due.late.map(|late| late.seconds),
        "subject": page.subject,
        "text": page.text,
    });
    Ok(Alert { ticket: Some(ticket.number), id, json: json.to_string() })
}

/// A due rung, for every template.
fn rung(site: &Site, due: &RungDue, now: Timestamp) -> serde_json::Value {
    let RungDue { clock, step, late } = due;
    let minutes = |from: Timestamp, to: Timestamp| (to.duration_since(from).as_secs() + 59) / 60;
    json!({
        "id": step.id,
        "clock": clock.kind.name(),
        "name": facts::clock_name(clock.kind),
        "due": site.calendar.local(clock.due).polish(),
        "overdue": clock.due <= now,
        "minutes_left": minutes(now, clock.due).max(0),
        "late": late.map(|late| json!({
            "minutes": (late.seconds + 59) / 60,
            "cause": late.cause.name(),
            "reason": late.reason,
        })),
    })
}

/// Identifies what a mail about a rung is written for.
fn cause(ticket: &Ticket, due: &RungDue) -> String {
    format!("{} {} {} {}", ticket.number, due.clock.kind, due.clock.round, due.step.id)
}
