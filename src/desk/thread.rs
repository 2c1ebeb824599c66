//! What to look up for a mail; then which ticket it belongs to, by the strongest evidence.

use super::decide::{Facts, Mail};
use super::message::Message;
use super::reading::Reading;
use super::site::Site;
use super::ticket::Ticket;
use super::ticket_number::{self, TicketNumber};
use super::token::{Forged, ReplyToken};

/// How many Message-IDs of one mail are looked up, the newest ones: a hostile References header
/// may hold thousands.
const MOST_REFERENCES: usize = 50;

/// How many ticket numbers of one subject are looked up.
const MOST_TAGS: usize = 5;

/// Header fields that tell under which address a mail was delivered.
const DELIVERY_HEADERS: [&str; 4] = ["Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To"];

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
    /// The signed reply address that the mail came to, if it came to one.
    pub reply_token: Option<Result<ReplyToken, Forged>>,
    /// The mail of ours that a delivery report is about.
    pub bounced_message_id: Option<String>,
    /// Look-up keys of all that could be a number on file.
    pub numbers: Vec<String>,
    /// The sender's address, for contracts that name it.
    pub sender: Option<String>,
    /// Whether the mails of the ticket are wanted, too, to be handed over with it.
    pub originals: bool,
}

/// Says what to look up.
pub fn keys(mail: &Mail, reading: &Reading, site: &Site) -> Keys {
    let message = &mail.message;
    let tags = ticket_number::find_in(&message.subject).into_iter().take(MOST_TAGS).collect();
    Keys {
        content_hash: mail.content_hash,
        message_ids: answered_ids(message),
        tags,
        reply_token: reply_token(message, site),
        bounced_message_id: reading.bounce.as_ref().and_then(|bounce| bounce.original_message_id.clone()),
        numbers: reading.number_keys(message, site),
        sender: message.from.as_ref().map(|from| from.address.clone()),
        originals: reading.escalation.is_some(),
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

fn reply_token(message: &Message, site: &Site) -> Option<Result<ReplyToken, Forged>> {
    let named = message.to.iter().chain(&message.cc).map(|recipient| recipient.address.clone());
    let delivered = message
        .headers
        .iter()
        .filter(|header| DELIVERY_HEADERS.iter().any(|name| header.name.eq_ignore_ascii_case(name)));
    let delivered = delivered.map(|header| header.value.trim().trim_matches(['<', '>']).to_string());
    let mut tokens: Vec<_> = named.chain(delivered).filter_map(|address| site.token_key.read(&address)).collect();
    // A forged token beside a good one takes nothing away from the good one.
    let good = tokens.iter().position(Result::is_ok).unwrap_or(0);
    (!tokens.is_empty()).then(|| tokens.swap_remove(good))
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

/// Weighs the evidence: an answered mail before a tag in the subject, and a tag only where the
/// sender takes part, since a number is read out on the telephone and stands in every subject.
pub fn thread<'a>(keys: &Keys, facts: &'a Facts) -> Thread<'a> {
    let takes_part = |ticket: &Ticket| keys.sender.as_deref().is_some_and(|sender| ticket.takes_part(sender));
    let answered = keys.message_ids.iter().filter_map(|id| facts.thread(id));
    let mut answered = answered.collect::<Vec<_>>().into_iter();
    if let Some(ticket) = answered.next() {
        return Thread::Answers { ticket, takes_part: takes_part(ticket), evidence: "answers-a-known-mail" };
    }
    let tagged: Vec<&Ticket> = keys.tags.iter().filter_map(|number| facts.ticket(*number)).collect();
    match tagged.iter().find(|ticket| takes_part(ticket)) {
        Some(ticket) => Thread::Answers { ticket, takes_part: true, evidence: "tag-of-a-participant" },
        None if tagged.is_empty() => Thread::Opens { linked_to: None, evidence: "nothing-known" },
        None => Thread::Opens { linked_to: tagged.first().copied(), evidence: "tag-of-a-stranger" },
    }
}
