//! What to look up for a mail; then which ticket it belongs to, by the strongest evidence.

use super::classify::Kind;
use super::command;
use super::facts::Facts;
use super::mail::Mail;
use super::message::{Header, Message};
use super::reading::Reading;
use super::site::{ReplyTokens, Site};
use super::storm;
use super::ticket::{Entry, EntryKind, Ticket};
use super::ticket_number::{self, TicketNumber};
use super::token::{self, Purpose, Refused, Token};

/// How many Message-IDs of one mail are looked up, the newest ones: a hostile References header
/// may hold thousands.
const MOST_REFERENCES: usize = 50;

/// How many ticket numbers of one subject are looked up.
const MOST_TAGS: usize = 5;

/// Header fields that tell under which address a mail was delivered.
const DELIVERY_HEADERS: [&str; 4] = ["Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To"];

/// The id of the evidence that a mail brought back a customer's token.
pub const CUSTOMER_TOKEN: &str = "customer-token";

/// What the desk wants to know from the store before it thinks about a mail.
#[derive(Clone, Debug)]
pub struct Keys {
    /// Recognises a mail that was decided before.
    pub content_hash: [u8; 32],
    /// The mails that this one answers, the strongest evidence first: In-Reply-To, then
    /// References from the newest to the oldest.
    pub message_ids: Vec<String>,
    /// Our ticket numbers in the subject.
    pub tags: Vec<TicketNumber>,
    /// The token that the mail brought back, if it brought one.
    pub token: Option<Result<Token, Refused>>,
    /// The mail of ours that a delivery report is about.
    pub bounced_message_id: Option<String>,
    /// The Message-ID of a mail of ours that came back to us.
    pub own_message_id: Option<String>,
    /// Look-up keys of all that could be a number on file.
    pub numbers: Vec<String>,
    /// The sender's address, for contracts that name it.
    pub sender: Option<String>,
    /// How many of the sender's recent tickets are wanted at most.
    pub recent: u32,
    /// Tickets that an engineer's order may name.
    pub named: Vec<TicketNumber>,
    /// Whether the mails of the ticket are wanted, too, to be handed over or shown with it, or searched for
    /// another way to the customer.
    pub originals: bool,
}

/// Says what to look up.
pub fn keys(mail: &Mail, reading: &Reading, site: &Site) -> Keys {
    let token = token(mail, site);
    let handed_in = reading.handed_in.as_deref().filter(|handed| handed.counts(token.as_ref()));
    let own_message_id = mail.message.message_id.clone().filter(|_| reading.verdict.kind == Kind::Own);
    // What is handed in is the customer's: the questions are the customer's, too.
    let (message, reading) = handed_in.map_or((&mail.message, reading), |handed| (&handed.message, &handed.reading));
    let tags =
        [&message.subject, &mail.message.subject].into_iter().flat_map(|subject| ticket_number::find_in(subject));
    let mut tags: Vec<TicketNumber> = tags.take(MOST_TAGS).collect();
    tags.dedup();
    let from_engineer = matches!(&token, Some(Ok(token)) if token.purpose == Purpose::Engineer);
    let orders = if from_engineer { orders(reading, site) } else { Vec::new() };
    Keys {
        content_hash: mail.content_hash,
        message_ids: handed_in.and(message.message_id.clone()).into_iter().chain(answered_ids(message)).collect(),
        tags,
        token,
        bounced_message_id: reading.bounce.as_ref().and_then(|bounce| bounce.original_message_id.clone()),
        own_message_id,
        numbers: reading.number_keys(site),
        sender: message.from.as_ref().map(|from| from.address.clone()),
        recent: storm::tickets_to_look_at(site.budget.storm),
        named: orders.iter().flat_map(|line| ticket_number::find_in(line)).take(MOST_TAGS).collect(),
        originals: reading.escalation.is_some() || !orders.is_empty() || is_about_ours(reading, site),
    }
}

/// Whether a delivery report is about a mail of ours.
fn is_about_ours(reading: &Reading, site: &Site) -> bool {
    let reported = reading.bounce.as_ref().and_then(|bounce| bounce.original_message_id.as_deref());
    reported.is_some_and(|id| site.token_keys.is_ours(id))
}

/// The lines that are meant as orders.
fn orders(reading: &Reading, site: &Site) -> Vec<String> {
    let now = reading.now();
    let orders = now.lines().filter(|line| command::is_order(line, &site.rules.orders));
    orders.map(str::to_string).collect()
}

impl Keys {
    /// The ticket of the token, where it is genuine and of this purpose.
    pub fn ticket_of_token<'a>(&self, purpose: Purpose, facts: &'a Facts) -> Option<&'a Ticket> {
        let token = self.token.as_ref()?.as_ref().ok().filter(|token| token.purpose == purpose)?;
        facts.ticket(token.ticket.parse().ok()?)
    }
}

fn answered_ids(message: &Message) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for id in message.in_reply_to.iter().chain(message.references.iter().rev()) {
        if ids.len() < MOST_REFERENCES && !ids.contains(id) {
            ids.push(id.clone());
        }
    }
    ids
}

/// The token of the mail, read as of its arrival: what waits for an outage to end does not expire.
fn token(mail: &Mail, site: &Site) -> Option<Result<Token, Refused>> {
    let (message, at) = (&mail.message, mail.internal_date);
    let tokens: Vec<_> = match site.reply_tokens {
        ReplyTokens::Plus => {
            let read = |address: &str| site.token_keys.read_address(address, at);
            let written = message.to.iter().chain(&message.cc).filter_map(|recipient| read(&recipient.address));
            // Anybody may have a signed mail delivered where its author never sent it. Whom the author
            // wrote to, the signature covers.
            let harmless = |token: &Result<_, _>| matches!(token::purpose(token), Purpose::Customer | Purpose::Bounce);
            let delivered = delivered_to(message).filter_map(read).filter(harmless);
            written.chain(delivered).collect()
        }
        ReplyTokens::MessageId => {
            answered_ids(message).iter().filter_map(|id| site.token_keys.read_message_id(id, at)).collect()
        }
    };
    // A forged token beside a good one takes nothing away from the good one.
    tokens.into_iter().min_by_key(|token| (token.is_err(), token::purpose(token)))
}

/// The addresses that the mail was delivered to, as servers note them.
fn delivered_to(message: &Message) -> impl Iterator<Item = &str> {
    let is_delivery = |header: &&Header| DELIVERY_HEADERS.iter().any(|name| header.is(name));
    let delivered = message.headers.iter().filter(is_delivery);
    delivered.map(|header| header.value.trim().trim_matches(['<', '>']))
}

/// Which ticket a customer's mail belongs to.
#[derive(Clone, Debug)]
pub enum Thread<'a> {
    /// It answers this ticket.
    Answers {
        /// The ticket.
        ticket: &'a Ticket,
        /// Whether its sender takes part in the ticket.
        takes_part: bool,
        /// The id of the evidence.
        evidence: &'static str,
    },
    /// It opens a ticket.
    Opens {
        /// The ticket that it names without taking part in it.
        linked_to: Option<&'a Ticket>,
        /// The id of the evidence.
        evidence: &'static str,
    },
}

/// Weighs the evidence: the customer's token, then an answered mail, then a tag in the subject, and
/// a tag only where the sender takes part, since a number is read out on the telephone and stands in
/// every subject.
pub fn thread<'a>(keys: &Keys, facts: &'a Facts) -> Thread<'a> {
    let takes_part = |ticket: &Ticket| keys.sender.as_deref().is_some_and(|sender| ticket.takes_part(sender));
    if let Some(ticket) = keys.ticket_of_token(Purpose::Customer, facts) {
        return Thread::Answers { ticket, takes_part: takes_part(ticket), evidence: CUSTOMER_TOKEN };
    }
    let mut answered = keys.message_ids.iter().filter_map(|id| Some((id, facts.thread(id)?)));
    if let Some((id, ticket)) = answered.next() {
        let takes_part = takes_part(ticket);
        // What we sent proves that somebody got it; a customer's own mail went to whomever the customer liked.
        if !takes_part && is_customers(ticket, id) {
            return Thread::Opens { linked_to: Some(ticket), evidence: "answers-a-mail-of-a-customer" };
        }
        return Thread::Answers { ticket, takes_part, evidence: "answers-a-known-mail" };
    }
    let tagged: Vec<&Ticket> = keys.tags.iter().filter_map(|number| facts.ticket(*number)).collect();
    match tagged.iter().find(|ticket| takes_part(ticket)) {
        Some(ticket) => Thread::Answers { ticket, takes_part: true, evidence: "tag-of-a-participant" },
        None if tagged.is_empty() => Thread::Opens { linked_to: None, evidence: "nothing-known" },
        None => Thread::Opens { linked_to: tagged.first().copied(), evidence: "tag-of-a-stranger" },
    }
}

fn is_customers(ticket: &Ticket, message_id: &str) -> bool {
    let is_it = |entry: &Entry| entry.kind == EntryKind::Customer && entry.message_id.as_deref() == Some(message_id);
    ticket.entries.iter().any(is_it)
}
