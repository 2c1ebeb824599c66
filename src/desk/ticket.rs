//! A ticket as the desk knows it: state, clocks, entries.

mod clock;
mod number;
mod state;

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use super::contract::Excerpt;
use super::language::Language;
use super::message::Address;
use super::plan::{Concern, DeliveryTime};
use super::ticket_number::TicketNumber;

pub use clock::{Clock, ClockKind, Ended, Fired, Pause, Rung};
pub use number::{ALTERNATIVE, ASKED, CLOSED_TICKET, CORRECTED, KnownNumber, NumberKind, missing};
pub use state::{Next, Refused, Step, next};

/// One fault or question of one customer.
#[derive(Clone, Debug)]
pub struct Ticket {
    /// The number that everybody uses.
    pub number: TicketNumber,
    /// Where it stands.
    pub state: State,
    /// Whose ticket it is: the sender of its first mail.
    pub customer: Address,
    /// Addresses that take part, in lower case; the customer's is one of them.
    pub participants: Vec<String>,
    /// The subject of its first mail.
    pub subject: String,
    /// The language in which the customer is written to.
    pub language: Language,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// The ticket that a stranger's tag named.
    pub linked_to: Option<TicketNumber>,
    /// Tags of an earlier desk in the subject, `HEZO 104340`; they lead to no ticket.
    pub earlier_tags: Vec<String>,
    /// The closed ticket that it goes on with.
    pub continues: Option<TicketNumber>,
    /// The ticket that it is part of.
    pub merged_into: Option<TicketNumber>,
    /// The id of the engineer who works on it.
    pub assignee: Option<String>,
    /// When both numbers were there.
    pub admitted_at: Option<Timestamp>,
    /// Whether something is broken or somebody only asks.
    pub concern: Concern,
    /// The delivery time that an engineer ordered in place of what the contract says.
    pub delivery: Option<DeliveryTime>,
    /// What it waits for.
    pub wait: Option<Wait>,
    /// When it closes by itself.
    pub closes_at: Option<Timestamp>,
    /// Numbers found in its mails, oldest first, each once.
    pub numbers: Vec<KnownNumber>,
    /// Its clocks, the oldest first.
    pub clocks: Vec<Clock>,
    /// What happened, oldest first.
    pub entries: Vec<Entry>,
    /// The contracts on file that its numbers and its customer lead to.
    pub on_file: Excerpt,
}

/// A ticket at its birth.
#[derive(Clone, Debug)]
pub struct NewTicket {
    /// Its number.
    pub number: TicketNumber,
    /// The sender of its first mail.
    pub customer: Address,
    /// The subject of its first mail.
    pub subject: String,
    /// The language in which the customer is written to.
    pub language: Language,
    /// When.
    pub opened_at: Timestamp,
    /// The ticket that a stranger's tag named.
    pub linked_to: Option<TicketNumber>,
    /// Tags of an earlier desk in the subject.
    pub earlier_tags: Vec<String>,
    /// The closed ticket that it goes on with.
    pub continues: Option<TicketNumber>,
}

/// Where a ticket stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// No person has made contact yet.
    New,
    /// A person has; the serial or the contract number is still missing.
    AwaitingData,
    /// A person has, and both numbers are there: admitted, its justification is being examined.
    InVerification,
    /// An engineer has found it justified: parts or people are on their way, or were there.
    Accepted,
    /// The faulty device is to come back.
    AwaitingReturn,
    /// An engineer waits for the customer: resolution and follow-up stand still.
    WaitingForCustomer,
    /// Done, as an engineer says; an answer of the customer takes it up again.
    Resolved,
    /// Laid aside for good; an answer of the customer opens another ticket.
    Closed,
    /// Part of another ticket.
    Merged,
}

/// Why resolution and follow-up stand still.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Wait {
    /// Since when.
    pub since: Timestamp,
    /// When it ends by itself; `None` where only the customer's answer or an engineer ends it.
    pub until: Option<Timestamp>,
    /// What is waited for.
    pub reason: String,
    /// Who says so.
    pub actor: String,
    /// Where the ticket stood.
    pub from: State,
}

/// How a clock ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// The promise was kept, in time or late.
    Satisfied,
    /// A rule forbids what was promised.
    Withheld,
    /// A person declared it void: by closing, merging or resolving.
    Withdrawn,
}

/// Why a rung was done later than it was due.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Lateness {
    /// By how many seconds.
    pub seconds: i64,
    /// What kept the desk.
    pub cause: LateCause,
    /// The same in words, with its times.
    pub reason: String,
}

/// What kept the desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LateCause {
    /// The program did not run.
    Stopped,
    /// The machine slept, or its clock was set forward.
    Jumped,
    /// The clock was set going after the rung was due: its mail was seen late, or its contract
    /// became known late.
    KnownLate,
    /// Nothing of these: the program had other work, or could not write.
    Busy,
}

/// Something that happened on a ticket.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Entry {
    /// What happened.
    pub kind: EntryKind,
    /// Who did it: an address, an engineer's id, or `desk`.
    pub author: String,
    /// The Message-ID of the mail behind it, where there is one.
    pub message_id: Option<String>,
    /// What was written.
    pub text: String,
    /// Of a mail that came in: where its sender stood, and what was proven.
    pub sender: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// What happened on a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntryKind {
    /// A mail of somebody who takes part.
    Customer,
    /// A mail that answers the ticket, of an address that does not take part.
    Unconfirmed,
    /// A robot's answer to one of our mails.
    AutoReply,
    /// One of our mails did not arrive.
    Undelivered,
    /// The acknowledgement was written.
    Acknowledged,
    /// A rule withheld the acknowledgement.
    Withheld,
    /// One more of many similar mails.
    Folded,
    /// An engineer's answer was passed on to the customer.
    Answered,
    /// An engineer wrote what stays inside.
    Note,
    /// The ticket was forwarded to escalation.
    Escalated,
    /// Somebody was reminded of a clock.
    Reminded,
    /// A person answered from escalation.
    TakenOver,
    /// A person's order, or what the desk does by itself in its place.
    Order,
    /// Both numbers are there.
    Admitted,
    /// Clocks were worked out again.
    Recomputed,
}

impl Ticket {
    /// A ticket at its birth: no numbers, clocks or entries yet.
    pub fn born(new: &NewTicket) -> Ticket {
        Ticket {
            number: new.number,
            state: State::New,
            customer: new.customer.clone(),
            participants: vec![new.customer.address.clone()],
            subject: new.subject.clone(),
            language: new.language,
            opened_at: new.opened_at,
            linked_to: new.linked_to,
            earlier_tags: new.earlier_tags.clone(),
            continues: new.continues,
            merged_into: None,
            assignee: None,
            admitted_at: None,
            concern: Concern::Fault,
            delivery: None,
            wait: None,
            closes_at: None,
            numbers: Vec::new(),
            clocks: Vec::new(),
            entries: Vec::new(),
            on_file: Excerpt::default(),
        }
    }

    /// Whether this address takes part.
    pub fn takes_part(&self, address: &str) -> bool {
        self.participants.iter().any(|participant| participant.eq_ignore_ascii_case(address))
    }

    /// The latest clock of this kind.
    pub fn clock(&self, kind: ClockKind) -> Option<&Clock> {
        self.clocks.iter().filter(|clock| clock.kind == kind).max_by_key(|clock| clock.round)
    }

    /// The clock of this kind and round.
    pub fn clock_of(&self, kind: ClockKind, round: u32) -> Option<&Clock> {
        self.clocks.iter().find(|clock| clock.kind == kind && clock.round == round)
    }

    /// The running clocks of this kind.
    pub fn running(&self, kind: ClockKind) -> impl Iterator<Item = &Clock> {
        self.clocks.iter().filter(move |clock| clock.kind == kind && clock.runs())
    }

    /// What admission still lacks. A number that stands only in a quote is not counted: the
    /// customer is asked.
    pub fn missing(&self) -> Vec<NumberKind> {
        missing(&self.numbers)
    }
}

/// Gives a closed set of values its stable names, as they stand in the database.
macro_rules! named {
    ($type:ty { $($value:path = $name:literal),+ $(,)? }) => {
        impl $type {
            /// Every value.
            pub const ALL: &[$type] = &[$($value),+];

            /// The stable name.
            pub fn name(self) -> &'static str {
                match self { $($value => $name),+ }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }

        impl FromStr for $type {
            type Err = UnknownName;

            fn from_str(name: &str) -> Result<Self, UnknownName> {
                match name {
                    $($name => Ok($value),)+
                    other => Err(UnknownName(other.to_string())),
                }
            }
        }
    };
}

/// A name that no value of the set has: the database was written by another version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown name {0:?}")]
pub struct UnknownName(String);

named!(State {
    State::New = "new",
    State::AwaitingData = "awaiting-data",
    State::InVerification = "in-verification",
    State::Accepted = "accepted",
    State::AwaitingReturn = "awaiting-return",
    State::WaitingForCustomer = "waiting-for-customer",
    State::Resolved = "resolved",
    State::Closed = "closed",
    State::Merged = "merged",
});
named!(Ending { Ending::Satisfied = "satisfied", Ending::Withheld = "withheld", Ending::Withdrawn = "withdrawn" });
named!(LateCause {
    LateCause::Stopped = "stopped",
    LateCause::Jumped = "jumped",
    LateCause::KnownLate = "known-late",
    LateCause::Busy = "busy",
});
named!(Concern { Concern::Fault = "fault", Concern::Question = "question" });
named!(NumberKind { NumberKind::Serial = "serial", NumberKind::Contract = "contract", NumberKind::Nip = "nip" });
named!(ClockKind {
    ClockKind::Acknowledge = "acknowledge",
    ClockKind::Reaction = "reaction",
    ClockKind::FollowUp = "follow-up",
    ClockKind::Delivery = "delivery",
    ClockKind::Return = "return",
    ClockKind::Resolution = "resolution",
    ClockKind::HandOver = "hand-over",
});
named!(EntryKind {
    EntryKind::Customer = "customer",
    EntryKind::Unconfirmed = "unconfirmed",
    EntryKind::AutoReply = "auto-reply",
    EntryKind::Undelivered = "undelivered",
    EntryKind::Acknowledged = "acknowledged",
    EntryKind::Withheld = "withheld",
    EntryKind::Folded = "folded",
    EntryKind::Answered = "answered",
    EntryKind::Note = "note",
    EntryKind::Escalated = "escalated",
    EntryKind::Reminded = "reminded",
    EntryKind::TakenOver = "taken-over",
    EntryKind::Order = "order",
    EntryKind::Admitted = "admitted",
    EntryKind::Recomputed = "recomputed",
});
