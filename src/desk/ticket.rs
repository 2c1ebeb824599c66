//! A ticket as the desk knows it: state, clocks, entries.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use super::contract::Excerpt;
use super::language::Language;
use super::message::Address;
use super::ticket_number::TicketNumber;

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
    /// Numbers found in its mails, oldest first, each once.
    pub numbers: Vec<KnownNumber>,
    /// Its clocks.
    pub clocks: Vec<Clock>,
    /// What happened, oldest first.
    pub entries: Vec<Entry>,
    /// The contracts on file that its numbers and its customer lead to.
    pub on_file: Excerpt,
}

/// A serial, contract or tax number that stands on a ticket.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct KnownNumber {
    /// What it is.
    pub kind: NumberKind,
    /// Normalised.
    pub value: String,
    /// As the sender wrote it.
    pub written: String,
    /// Where it stood, by which rule, and the evidence, for people.
    pub evidence: String,
    /// Whether it stood only in a quoted earlier mail.
    pub quoted: bool,
    /// Whether a contract on file has it.
    pub on_file: bool,
}

/// What a number identifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NumberKind {
    /// A device.
    Serial,
    /// A service contract.
    Contract,
    /// A company, by its tax number (NIP).
    Nip,
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
}

/// A promise with a time.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Clock {
    /// What was promised.
    pub kind: ClockKind,
    /// When it began to run, and why then.
    pub start: Timestamp,
    /// Why `start` is what it is.
    pub start_reason: String,
    /// When it falls due.
    pub due: Timestamp,
    /// How `due` was worked out, step by step.
    pub explanation: String,
    /// When the promise was kept.
    pub satisfied_at: Option<Timestamp>,
    /// When the desk acted on its falling due.
    pub fired_at: Option<Timestamp>,
}

/// What was promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClockKind {
    /// A person's first answer.
    Reaction,
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
    /// The ticket was forwarded to escalation.
    Escalated,
}

impl Ticket {
    /// Whether this address takes part.
    pub fn takes_part(&self, address: &str) -> bool {
        self.participants.iter().any(|participant| participant.eq_ignore_ascii_case(address))
    }

    /// The clock of this kind.
    pub fn clock(&self, kind: ClockKind) -> Option<&Clock> {
        self.clocks.iter().find(|clock| clock.kind == kind)
    }

    /// What admission still lacks. A number that stands only in a quote is not counted: the
    /// customer is asked.
    pub fn missing(&self) -> Vec<NumberKind> {
        missing(&self.numbers)
    }
}

/// Which of serial and contract number these numbers lack.
pub fn missing(numbers: &[KnownNumber]) -> Vec<NumberKind> {
    let lacks = |kind: &NumberKind| !numbers.iter().any(|number| number.kind == *kind && !number.quoted);
    [NumberKind::Serial, NumberKind::Contract].into_iter().filter(lacks).collect()
}

/// Gives a closed set of values its stable names, as they stand in the database.
macro_rules! named {
    ($type:ty { $($value:path = $name:literal),+ $(,)? }) => {
        impl $type {
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

named!(State { State::New = "new", State::AwaitingData = "awaiting-data", State::InVerification = "in-verification" });
named!(NumberKind { NumberKind::Serial = "serial", NumberKind::Contract = "contract", NumberKind::Nip = "nip" });
named!(ClockKind { ClockKind::Reaction = "reaction" });
named!(EntryKind {
    EntryKind::Customer = "customer",
    EntryKind::Unconfirmed = "unconfirmed",
    EntryKind::AutoReply = "auto-reply",
    EntryKind::Undelivered = "undelivered",
    EntryKind::Acknowledged = "acknowledged",
    EntryKind::Withheld = "withheld",
    EntryKind::Folded = "folded",
    EntryKind::Answered = "answered",
    EntryKind::Escalated = "escalated",
});
