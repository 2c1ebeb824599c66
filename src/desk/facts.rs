//! What the store knows about a mail, before the desk thinks about it.

use jiff::Timestamp;

use super::budget::Sent;
use super::contract::Excerpt;
use super::reply::{Keeps, Purpose};
use super::storm::Recent;
use super::ticket::Ticket;
use super::ticket_number::TicketNumber;

/// What the store knows about the [`Keys`](crate::desk::thread::Keys) of a mail.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Set where this very mail was decided before, with the ticket it then went to.
    pub decided_before: Option<Option<TicketNumber>>,
    /// Whether it still waits as what the mail server took for junk.
    pub waits_as_junk: bool,
    /// Message-IDs that lead to exactly one ticket. One that leads to several leads nowhere.
    pub threads: Vec<(String, TicketNumber)>,
    /// Every ticket that the keys lead to; in the place of one that was merged, the one it is part
    /// of.
    pub tickets: Vec<Ticket>,
    /// Numbers of merged tickets among the keys, and where they lead.
    pub merged: Vec<(TicketNumber, TicketNumber)>,
    /// The mails that belong to these tickets, oldest first, where the keys ask for them.
    pub originals: Vec<(TicketNumber, Vec<Vec<u8>>)>,
    /// The contracts on file that the mail's numbers or its sender may be about.
    pub contracts: Excerpt,
    /// The mail of ours that a delivery report is about.
    pub bounced: Option<SentMail>,
    /// The mail of ours that came back to us, where it was not known whether the server took it.
    pub in_doubt: Option<SentMail>,
    /// The automatic mails that the sender, its domain and all got lately.
    pub sent: Sent,
    /// The tickets that the sender opened or added to within the last hour, the newest first.
    pub recent: Vec<Recent>,
    /// The mail in which the sender's further requests gather.
    pub gathering: Option<Gathering>,
    /// What engineers have read in our mails about the ticket of the token that they or whoever
    /// handles escalations brought back, the newest first.
    pub shown: Vec<String>,
    /// The sequence number that the next new ticket of this year gets.
    pub next_sequence: u32,
}

impl Facts {
    /// The ticket that a Message-ID leads to.
    pub fn thread(&self, message_id: &str) -> Option<&Ticket> {
        let (_, number) = self.threads.iter().find(|(id, _)| id == message_id)?;
        self.ticket(*number)
    }

    /// Whether a contract on file names this sender.
    pub fn names(&self, sender: &str) -> bool {
        self.contracts.into_iter().any(|contract| contract.names_sender(sender))
    }

    /// The ticket with this number, or the one that it is part of.
    pub fn ticket(&self, number: TicketNumber) -> Option<&Ticket> {
        let into = self.merged.iter().find(|(merged, _)| *merged == number).map(|(_, into)| *into);
        let number = into.unwrap_or(number);
        self.tickets.iter().find(|ticket| ticket.number == number)
    }
}

/// A mail that waits to list all tickets of one sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gathering {
    /// What it was begun for: the same cause gives the same Message-ID.
    pub cause: [u8; 32],
    /// The tickets that it lists.
    pub tickets: Vec<TicketNumber>,
}

/// A mail that we wrote earlier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentMail {
    /// The ticket it is about.
    pub ticket: Option<TicketNumber>,
    /// What it was for.
    pub purpose: Purpose,
    /// To whom it went.
    pub recipient: String,
    /// Its Message-ID.
    pub message_id: String,
    /// When it was written.
    pub written_at: Timestamp,
    /// The promise that its arrival kept.
    pub keeps: Option<Keeps>,
}
