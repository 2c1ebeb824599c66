//! Every mail that we write. The sentences stand in `rules/templates/`.

mod acknowledgement;
mod clocks;
mod conversation;
mod facts;
mod letter;
mod links;
mod notice;
mod ordered;
mod outage;
mod relay;
mod templates;
mod waiting;

use std::fmt;

use jiff::Timestamp;
use serde_json::json;

use super::compose::{AutoSubmitted, ComposeError};
use super::contacts::Contacts;
use super::engineer::Engineer;
use super::facts::SentMail;
use super::language::Language;
use super::mail::Mail;
use super::message::Address;
use super::site::Site;
use super::storm::Recent;
use super::ticket::{Clock, ClockKind, Ticket};
use super::ticket_number::TicketNumber;
use super::token::{Purpose as TokenPurpose, Token};
use letter::Letter;

pub(in crate::desk) use acknowledgement::put_to_the_sender;
pub use acknowledgement::{Acknowledgement, acknowledgement, gathered};
pub use clocks::{Alert, Occasion, RungDue, alert, customer_reminder, escalation, reminder, taken_over};
pub use notice::{HandedInBy, Notice, copy, crossed, notice};
pub use ordered::{Done, Fault, done, not_done};
pub use outage::{OutageNews, Promises, outage, outage_alert};
pub use relay::{Relay, picture_seed, relay};
pub use templates::Templates;
pub use waiting::{digest, parked_overdue};

/// Attachments of a notice or a relay beyond this size in all are named, not attached: many hosts
/// refuse mails over 25 MB, and base64 adds a third.
const MOST_ATTACHED_BYTES: usize = 15_000_000;

/// A mail that is to leave: one mail, one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// The ticket it is about.
    pub ticket: Option<TicketNumber>,
    /// What it is for.
    pub purpose: Purpose,
    /// Derived from purpose, cause and recipient: the same decision gives the same id.
    pub message_id: String,
    /// To whom it goes.
    pub recipient: String,
    /// The promise that is kept once the SMTP server has accepted the mail.
    pub keeps: Option<Keeps>,
    /// Whether it leaves by the second route first.
    pub second_route: bool,
    /// The mail.
    pub bytes: Vec<u8>,
    /// What an engineer reads in it, where it is to one: none of that may come back in an answer.
    pub shown: Option<String>,
}

/// The promise that a mail keeps once it is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Keeps {
    /// The automatic answer.
    Acknowledgement,
    /// A person's contact: the first, or the answer to what the customer wrote since.
    Contact,
}

impl Keeps {
    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Keeps::Acknowledgement => "acknowledgement",
            Keeps::Contact => "contact",
        }
    }

    /// Whether the mail's arrival ends a clock of this kind.
    pub fn is_kept_by(self, kind: ClockKind) -> bool {
        match self {
            Keeps::Acknowledgement => kind == ClockKind::Acknowledge,
            Keeps::Contact => matches!(kind, ClockKind::Reaction | ClockKind::FollowUp),
        }
    }

    /// The promise of that name.
    pub fn named(name: &str) -> Option<Keeps> {
        [Keeps::Acknowledgement, Keeps::Contact].into_iter().find(|keeps| keeps.name() == name)
    }
}

/// What a mail of ours is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Tells the customer the ticket number.
    Acknowledgement,
    /// Tells a customer the numbers of many tickets at once.
    Gathered,
    /// Tells an engineer of a customer's mail.
    Notice,
    /// Passes an engineer's answer on to the customer.
    Relay,
    /// Tells an engineer what a colleague answered.
    Copy,
    /// Forwards an overdue ticket.
    Escalation,
    /// Tells an engineer that something needs a person.
    Alert,
    /// Reminds an engineer of a clock.
    Reminder,
    /// Reminds the customer of what is to be sent back.
    CustomerReminder,
    /// Tells an engineer what escalation has answered.
    TakenOver,
    /// Tells an engineer what became of orders.
    Ordered,
    /// Tells an engineer that a colleague answered at the same time.
    Crossed,
}

/// A purpose, as the database and the Message-ID name it.
const PURPOSES: [(Purpose, &str); 12] = [
    (Purpose::Acknowledgement, "acknowledgement"),
    (Purpose::Gathered, "gathered"),
    (Purpose::Notice, "notice"),
    (Purpose::Relay, "relay"),
    (Purpose::Copy, "copy"),
    (Purpose::Escalation, "escalation"),
    (Purpose::Alert, "alert"),
    (Purpose::Reminder, "reminder"),
    (Purpose::CustomerReminder, "customer-reminder"),
    (Purpose::TakenOver, "taken-over"),
    (Purpose::Ordered, "ordered"),
    (Purpose::Crossed, "crossed"),
];

impl Purpose {
    /// Whether it is read by people of the desk alone.
    pub fn is_internal(self) -> bool {
        use Purpose::{Acknowledgement, CustomerReminder, Gathered, Relay};
        !matches!(self, Acknowledgement | Gathered | Relay | CustomerReminder)
    }

    /// The stable name.
    pub fn name(self) -> &'static str {
        PURPOSES.iter().find(|(purpose, _)| *purpose == self).map_or("", |(_, name)| name)
    }

    /// The purpose of that name.
    pub fn named(name: &str) -> Option<Purpose> {
        PURPOSES.iter().find(|(_, known)| *known == name).map(|(purpose, _)| *purpose)
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A mail that could not be written: a template or a field is at fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// The template cannot be filled in.
    #[error("rules/templates/{name}: {message}")]
    Template {
        /// The file.
        name: String,
        /// What is wrong with it.
        message: String,
    },
    /// A header field cannot be written.
    #[error(transparent)]
    Compose(#[from] ComposeError),
}

/// Tells an engineer that a colleague's mailbox says that the colleague is away.
pub fn absent(
    site: &Site,
    absent: &Engineer,
    ticket: Option<&Ticket>,
    mail: &Mail,
    text: &str,
    engineer: &Engineer,
    now: Timestamp,
) -> Result<Post, ReplyError> {
    let context = json!({
        "ticket": ticket.map(|ticket| ticket.number.to_string()),
        "absent": absent.name,
        "subject": mail.message.subject,
        "text": text,
        "desk": facts::desk(site),
    });
    // Many mails are answered with the same note: one word of it a day is enough.
    let cause = format!("absent {} {}", absent.id, site.calendar.date(now));
    Letter::new(site, Purpose::Alert, cause.as_bytes(), &engineer.mailbox(), now)
        .automatic(AutoSubmitted::Generated)
        .write("absent", context)
}

/// Tells an engineer of a mail that waits for a person. `found` is what was found in it.
pub fn parked(
    site: &Site,
    mail: &Mail,
    reason: &str,
    found: Option<&str>,
    engineer: &Engineer,
    now: Timestamp,
) -> Result<Post, ReplyError> {
    let context = json!({
        "reason": reason,
        "found": found,
        "subject": mail.message.subject,
        "place": mail.place,
        "received": site.calendar.local(mail.internal_date).polish(),
        "desk": facts::desk(site),
    });
    Letter::new(site, Purpose::Alert, &mail.content_hash, &engineer.mailbox(), now)
        .automatic(AutoSubmitted::Generated)
        .write("parked", context)
}

/// Tells an engineer that many similar mails came, and that further ones are added to one ticket.
pub fn storm(
    site: &Site,
    into: &Recent,
    sender: &Address,
    engineer: &Engineer,
    now: Timestamp,
) -> Result<Post, ReplyError> {
    let context = json!({
        "ticket": into.ticket.to_string(),
        "sender": sender.address,
        "subject": into.subject,
        "desk": facts::desk(site),
    });
    let cause = format!("storm {}", into.ticket);
    Letter::new(site, Purpose::Alert, cause.as_bytes(), &engineer.mailbox(), now)
        .automatic(AutoSubmitted::Generated)
        .write("storm", context)
}

/// A mail of ours that did not arrive.
#[derive(Clone, Copy)]
pub struct Undelivered<'a> {
    /// The ticket, its clocks as they are now that the mail is known to be lost.
    pub ticket: &'a Ticket,
    /// The mail.
    pub sent: &'a SentMail,
    /// Why it did not arrive.
    pub reason: &'a str,
    /// The other ways to the customer; `None` where the mail was for people of the desk.
    pub contacts: Option<&'a Contacts>,
    /// Identifies the event.
    pub cause: &'a [u8],
}

/// Tells an engineer that a mail of ours did not arrive.
pub fn undelivered(site: &Site, lost: &Undelivered, engineer: &Engineer, now: Timestamp) -> Result<Post, ReplyError> {
    let Undelivered { ticket, sent, reason, contacts, cause } = *lost;
    let kept = |clock: &&Clock| sent.keeps.is_some_and(|keeps| keeps.is_kept_by(clock.kind));
    let running = ticket.clocks.iter().filter(|clock| clock.runs()).filter(kept);
    let context = json!({
        "facts": facts::block(site, ticket),
        "purpose": sent.purpose.name(),
        "recipient": sent.recipient,
        "reason": reason,
        "running": running.map(|clock| facts::clock_name(clock.kind)).collect::<Vec<_>>(),
        "contacts": contacts,
        "desk": facts::desk(site),
    });
    Letter::new(site, Purpose::Alert, cause, &engineer.mailbox(), now)
        .about(ticket)
        .internal_thread(ticket)
        .automatic(AutoSubmitted::Generated)
        .write("undelivered", context)
}

/// The address at which this engineer answers this ticket, and nobody else anything.
pub fn engineer_address(site: &Site, engineer: &Engineer, ticket: TicketNumber, now: Timestamp) -> String {
    site.token_keys.reply_address(&site.identity.address, &engineer_token(engineer, ticket), now)
}

fn engineer_token(engineer: &Engineer, ticket: TicketNumber) -> Token {
    Token { purpose: TokenPurpose::Engineer, ticket: ticket.to_string(), person: engineer.id.clone() }
}

/// The token by which a customer's answer finds its ticket.
fn customer_token(site: &Site, customer: &Address, ticket: TicketNumber) -> Token {
    let person = site.token_keys.person_tag(&customer.address);
    Token { purpose: TokenPurpose::Customer, ticket: ticket.to_string(), person }
}

fn localised(name: &str, language: Language) -> String {
    format!("{name}.{}", language.code())
}

/// The first items whose sizes add up to no more than `most`.
fn within<T>(items: Vec<T>, most: usize, size: impl Fn(&T) -> usize) -> Vec<T> {
    let mut sum = 0;
    items
        .into_iter()
        .take_while(|item| {
            sum += size(item);
            sum <= most
        })
        .collect()
}
