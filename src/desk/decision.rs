//! What the desk decided, and the effects that carry it out.

use jiff::Timestamp;

use super::language::Language;
use super::parked::Parked;
use super::plan::{Concern, DeliveryTime};
use super::reply::{Alert, Post, ReplyError};
use super::ticket::{Clock, ClockKind, Entry, Fired, KnownNumber, NewTicket, NumberKind, State, Wait};
use super::ticket_number::TicketNumber;
use super::trust::Standing;

/// What becomes of a mail: exactly one of these, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// It opened this ticket.
    Opened(TicketNumber),
    /// It was added to this ticket.
    Attached(TicketNumber),
    /// It is kept and nothing is done about it.
    Noted,
    /// It waits for a person.
    Parked,
    /// It was decided before, then about this ticket if any.
    Duplicate(Option<TicketNumber>),
}

impl Disposition {
    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Disposition::Opened(_) => "opened",
            Disposition::Attached(_) => "attached",
            Disposition::Noted => "noted",
            Disposition::Parked => "parked",
            Disposition::Duplicate(_) => "duplicate",
        }
    }

    /// The ticket that the mail went to.
    pub fn ticket(self) -> Option<TicketNumber> {
        match self {
            Disposition::Opened(number) | Disposition::Attached(number) => Some(number),
            Disposition::Duplicate(number) => number,
            Disposition::Noted | Disposition::Parked => None,
        }
    }
}

/// What is to be done, carried out in one transaction.
#[derive(Clone, Debug)]
pub struct Decision {
    /// What becomes of the mail.
    pub disposition: Disposition,
    /// The ids of the rules and evidence that led here, the last one decided.
    pub reason: String,
    /// Whether an automatic answer goes out, and by which rule.
    pub answer: (bool, String),
    /// Where the sender stands; `None` where the mail names none.
    pub sender: Option<Standing>,
    /// What is to be done, in order.
    pub effects: Vec<Effect>,
}

/// One thing to be done.
#[derive(Clone, Debug)]
pub enum Effect {
    /// A ticket comes into being, empty: entries, numbers and clocks follow.
    Open(NewTicket),
    /// An address takes part from now on.
    AddParticipant(TicketNumber, String),
    /// A number is known of the ticket.
    AddNumber(TicketNumber, KnownNumber),
    /// Something happened.
    AddEntry(TicketNumber, Entry),
    /// Answers to the mail with this Message-ID belong to the ticket.
    Thread(TicketNumber, String),
    /// A clock as it is from now on, its rungs with it: it starts, is worked out again, stands
    /// still, goes on or ends.
    SetClock(TicketNumber, Clock),
    /// The clocks that the mail with this Message-ID had satisfied run on.
    ResumeClocks(TicketNumber, String),
    /// A rung was done.
    FireRung(TicketNumber, ClockKind, u32, String, Fired),
    /// The ticket changes its state.
    SetState(TicketNumber, State),
    /// The ticket waits for the customer, or waits no more.
    SetWait(TicketNumber, Option<Wait>),
    /// The ticket closes by itself then, or does not.
    SetClosing(TicketNumber, Option<Timestamp>),
    /// Both numbers were there at this moment.
    Admit(TicketNumber, Timestamp),
    /// An engineer works on it, or nobody does.
    Assign(TicketNumber, Option<String>),
    /// The delivery time in place of the contract's.
    OrderDelivery(TicketNumber, Option<DeliveryTime>),
    /// In which language its customer is written to.
    SetLanguage(TicketNumber, Language),
    /// What the request is about.
    SetConcern(TicketNumber, Concern),
    /// A number is none of the ticket's any more.
    DropNumber(TicketNumber, NumberKind, String),
    /// The first ticket is part of the second from now on.
    MergeInto(TicketNumber, TicketNumber),
    /// The acknowledgement of this ticket takes the second way out, and at once.
    UseSecondRoute(TicketNumber),
    /// The alert command is run.
    Alert(Alert),
    /// A mail leaves.
    Send(Post),
    /// The mail of ours with this Message-ID has left: a copy of it was seen.
    Found(String),
    /// A mail that is still to leave is written anew, longer; where it is not there yet, it leaves
    /// at this moment.
    Gather(Post, [u8; 32], Timestamp),
    /// The mail waits for a person.
    Park(Parked),
    /// The mail was moved out of the junk folder, and waits there no more; this ticket it went to.
    SettleJunk(Option<TicketNumber>),
    /// The answers that were held on this ticket wait no more.
    SettleHeld(TicketNumber),
    /// A mail could not be written: the operator must know why.
    Report(String),
}

impl From<Result<Post, ReplyError>> for Effect {
    fn from(written: Result<Post, ReplyError>) -> Effect {
        match written {
            Ok(post) => Effect::Send(post),
            Err(error) => Effect::Report(error.to_string()),
        }
    }
}
