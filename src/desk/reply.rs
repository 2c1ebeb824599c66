//! Every mail that we write. The sentences stand in `rules/templates/`.

mod acknowledgement;
mod clocks;
mod conversation;
mod facts;
mod letter;
mod links;
mod ordered;
mod outage;
mod templates;

use std::fmt;

use jiff::Timestamp;
use serde_json::json;

use super::answer::Answer;
use super::compose::{AutoSubmitted, ComposeError};
use super::decide::{Effect, Mail, SentMail};
use super::language::Language;
use super::message::{Address, Attachment};
use super::reading::Reading;
use super::site::{Engineer, Site};
use super::storm::Recent;
use super::ticket::{ClockKind, Entry, Ticket};
use super::ticket_number::TicketNumber;
use super::token::{Purpose as TokenPurpose, Token};
use super::trust::Standing;
use letter::Letter;

pub use acknowledgement::{Acknowledgement, acknowledgement, gathered};
pub use clocks::{Alert, Occasion, RungDue, alert, customer_reminder, escalation, reminder, taken_over};
pub use ordered::{Done, Fault, done, not_done};
pub use outage::{OutageNews, Promises, outage, outage_alert};
pub use templates::Templates;

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

impl From<Result<Post, ReplyError>> for Effect {
    fn from(written: Result<Post, ReplyError>) -> Effect {
        match written {
            Ok(post) => Effect::Send(post),
            Err(error) => Effect::Report(error.to_string()),
        }
    }
}

/// A customer's mail, for an engineer.
#[derive(Clone, Copy)]
pub struct Notice<'a> {
    /// The ticket, with the mail's numbers on it.
    pub ticket: &'a Ticket,
    /// The mail.
    pub mail: &'a Mail,
    /// What it says.
    pub reading: &'a Reading,
    /// Where its sender stands.
    pub standing: Option<&'a Standing>,
    /// Whether its sender takes part in the ticket.
    pub takes_part: bool,
    /// Who handed it in, where its sender did not send it to the desk.
    pub handed_in: Option<&'a HandedInBy<'a>>,
    /// Who is told.
    pub engineer: &'a Engineer,
}

/// An engineer who handed a request in.
#[derive(Clone, Copy, Debug)]
pub struct HandedInBy<'a> {
    /// Who.
    pub engineer: &'a Engineer,
    /// What the engineer wrote above it.
    pub remark: &'a str,
    /// Whether the words of the request are the engineer's, too, and no customer may see them.
    pub by_hand: bool,
}

/// Tells an engineer of a customer's mail: all facts, the text, the attachments, and a reply
/// address that is this engineer's and this ticket's alone.
pub fn notice(site: &Site, notice: &Notice, now: Timestamp) -> Result<Post, ReplyError> {
    let Notice { ticket, mail, reading, standing, takes_part, handed_in, engineer } = *notice;
    let (files, held_back) = files(mail);
    let context = json!({
        "facts": facts::block(site, ticket),
        "marker": facts::markers(site, ticket),
        "subject": mail.message.subject,
        "sender": facts::sender(mail, standing),
        "unconfirmed": (!takes_part).then(|| mail.message.from.as_ref().map(|from| from.address.clone())),
        "handed_in_by": handed_in.map(|handed| &handed.engineer.name),
        "remark": handed_in.map(|handed| handed.remark).filter(|remark| !remark.is_empty()),
        "inside": !takes_part || handed_in.is_some_and(|handed| handed.by_hand),
        "wishes_escalation": reading.escalation.is_some(),
        "original_too_large": mail.raw.len() > MOST_ATTACHED_BYTES,
        "place": mail.place,
        "too_large": mail.too_large.as_ref().map(|large| json!({
            "megabytes": large.size / 1_000_000, "structure": large.structure, "place": mail.place,
        })),
        "held_back": held_back,
        "unread": facts::unread(reading),
        "text": facts::readable(&reading.written),
        "desk": facts::desk(site),
    });
    let customer = if ticket.customer.name.is_empty() { &ticket.customer.address } else { &ticket.customer.name };
    Letter::new(site, Purpose::Notice, &mail.content_hash, &engineer.mailbox(), now)
        .about(ticket)
        .under_name(format!("{customer} ({})", ticket.number))
        .answers_with(&engineer_token(engineer, ticket.number))
        .internal_thread(ticket)
        .for_a_person()
        .with_links(ticket)
        .attach(files)
        .write("notice", context)
}

/// Tells an engineer what a colleague answered, or noted: then no customer may see it.
#[expect(clippy::too_many_arguments, reason = "one mail, its parts side by side like the others")]
pub fn copy(
    site: &Site,
    ticket: &Ticket,
    author: &Engineer,
    answer: &Answer,
    noted: bool,
    mail: &Mail,
    engineer: &Engineer,
    now: Timestamp,
) -> Result<Post, ReplyError> {
    let context = json!({
        "facts": facts::block(site, ticket),
        "marker": facts::markers(site, ticket),
        "author": author.name,
        "noted": noted,
        "text": answer.text,
        "desk": facts::desk(site),
    });
    let letter = Letter::new(site, Purpose::Copy, &mail.content_hash, &engineer.mailbox(), now)
        .about(ticket)
        .under_name(format!("{} ({})", author.name, ticket.number))
        .answers_with(&engineer_token(engineer, ticket.number))
        .internal_thread(ticket)
        .for_a_person()
        .with_links(ticket);
    let files = answer.files.clone();
    let letter = if noted { letter.attach_internal(files) } else { letter.attach(files) };
    letter.write("copy", context)
}

/// Tells an engineer that a colleague answered at the same time.
pub fn crossed(
    site: &Site,
    ticket: &Ticket,
    answered: &Entry,
    mail: &Mail,
    engineer: &Engineer,
    now: Timestamp,
) -> Result<Post, ReplyError> {
    let author = site.engineer(&answered.author).map_or(answered.author.as_str(), |author| &author.name);
    let context = json!({
        "facts": facts::block(site, ticket),
        "marker": facts::markers(site, ticket),
        "author": author,
        "at": site.calendar.local(answered.at).polish(),
        "text": answered.text,
        "desk": facts::desk(site),
    });
    let cause = [mail.content_hash.as_slice(), answered.message_id.as_deref().unwrap_or_default().as_bytes()].concat();
    Letter::new(site, Purpose::Crossed, &cause, &engineer.mailbox(), now)
        .about(ticket)
        .under_name(format!("{author} ({})", ticket.number))
        .answers_with(&engineer_token(engineer, ticket.number))
        .internal_thread(ticket)
        .for_a_person()
        .with_links(ticket)
        .write("crossed", context)
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

/// A person's answer on its way to somebody who takes part in the ticket.
#[derive(Clone, Copy)]
pub struct Relay<'a> {
    /// The ticket.
    pub ticket: &'a Ticket,
    /// The person's name.
    pub author: &'a str,
    /// What the person wrote.
    pub answer: &'a Answer,
    /// The person's mail.
    pub mail: &'a Mail,
    /// To whom it goes.
    pub to: &'a Address,
    /// The number of the prepaid label that goes along.
    pub waybill: Option<&'a str>,
}

/// Passes a person's answer on: built again from its words, under the desk's address, with nothing of
/// the person's mail but the name, the text and the files.
pub fn relay(site: &Site, relay: &Relay, now: Timestamp) -> Result<Post, ReplyError> {
    let Relay { ticket, author, answer, mail, to, waybill } = *relay;
    let back = ticket.running(ClockKind::Return).last().map(|clock| site.calendar.local(clock.due));
    let context = json!({
        "ticket": ticket.number.to_string(),
        "subject": site.rules.quotes.without_prefixes(&ticket.subject),
        "engineer": author,
        "text": answer.text,
        "html": answer.html,
        "waybill": waybill.map(|number| json!({
            "number": number,
            "back_by": back.map(|back| json!({ "pl": back.polish(), "en": back.english() })),
        })),
        "desk": facts::desk(site),
    });
    let post = Letter::new(site, Purpose::Relay, &mail.content_hash, to, now)
        .about(ticket)
        .answers_with(&customer_token(site, to, ticket.number))
        .under_name(format!("{author}, {}", site.identity.name))
        .customer_thread(ticket)
        .attach(answer.files.clone())
        .write(&localised("relay", ticket.language), context)?;
    let to_customer = to.address.eq_ignore_ascii_case(&ticket.customer.address);
    Ok(Post { keeps: to_customer.then_some(Keeps::Contact), ..post })
}

/// Tells the Content-IDs of the pictures in the answer to one mail from those to another.
pub fn picture_seed(site: &Site, mail: &Mail) -> String {
    site.token_keys.message_id("picture", &mail.content_hash, "", site.identity.domain())
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

/// Tells an engineer that a mail of ours did not arrive.
pub fn undelivered(
    site: &Site,
    ticket: &Ticket,
    sent: &SentMail,
    reason: &str,
    cause: &[u8],
    engineer: &Engineer,
    now: Timestamp,
) -> Result<Post, ReplyError> {
    let context = json!({
        "facts": facts::block(site, ticket),
        "purpose": sent.purpose.name(),
        "recipient": sent.recipient,
        "reason": reason,
        "resumed": sent.keeps.map(Keeps::name),
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

/// The files of a mail that fit, and the names of those that do not.
fn files(mail: &Mail) -> (Vec<Attachment>, Vec<String>) {
    let attachments = mail.message.attachments.clone();
    let names: Vec<String> = attachments.iter().map(|attachment| attachment.name.clone()).collect();
    let fitting = within(attachments, MOST_ATTACHED_BYTES, |attachment| attachment.content.len());
    let held_back = names.into_iter().skip(fitting.len()).collect();
    (fitting, held_back)
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
