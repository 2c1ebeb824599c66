//! Why what a person wants to happen does not happen.

use crate::desk::ticket::{NumberKind, Refused};
use crate::desk::ticket_number::TicketNumber;

/// Why an event is refused. Nothing has changed then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The ticket's state does not allow it.
    #[error(transparent)]
    State(#[from] Refused),
    /// A request is accepted only once it is admitted.
    #[error("the request is not admitted, so it cannot be accepted: missing {}", missing.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(" and "))]
    NotAdmitted {
        /// What it lacks.
        missing: Vec<NumberKind>,
    },
    /// No delivery clock runs.
    #[error("no delivery is open on this ticket")]
    NoDelivery,
    /// The plan has nobody come.
    #[error("plan {0} includes no work on site: say `delivered` when the parts have arrived")]
    NoWorkOnSite(String),
    /// A time that has not come yet.
    #[error("this time lies in the future")]
    InTheFuture,
    /// A time that is over.
    #[error("this time lies in the past")]
    InThePast,
    /// A time before the promise was made.
    #[error("this time lies before the start of what it is to end")]
    TooEarly,
    /// No return clock runs.
    #[error("no device is on its way back: there is no waybill")]
    NoReturn,
    /// Nobody has this id.
    #[error("there is no engineer `{0}`")]
    NoSuchEngineer(String),
    /// The plan gives questions no time of their own.
    #[error("plan {0} has no longer reaction time for questions")]
    NoQuestions(String),
    /// The number that is to be replaced is not there.
    #[error("the ticket has no {} {value}", kind.name())]
    NoSuchNumber {
        /// What it is.
        kind: NumberKind,
        /// As asked for.
        value: String,
    },
    /// A number that is none.
    #[error("a number is needed")]
    NoNumber,
    /// Two names of one ticket.
    #[error("a ticket cannot be merged into itself")]
    IntoItself,
    /// There is no such ticket, or it takes nothing any more.
    #[error("{0} cannot take this ticket in: it is not there, closed or merged")]
    NoSuchTicket(TicketNumber),
    /// Merged, each of two customers would read what the other wrote.
    #[error(
        "{0} is another customer's, and both would read all of it: if they may, add this customer there first (#add)"
    )]
    OfAnotherCustomer(TicketNumber),
}

impl Refusal {
    /// The stable name of the reason, by which the templates say it.
    pub fn name(&self) -> &'static str {
        match self {
            Refusal::State(refused) => refused.name(),
            Refusal::NotAdmitted { .. } => "not-admitted",
            Refusal::NoDelivery => "no-delivery",
            Refusal::NoWorkOnSite(_) => "no-work-on-site",
            Refusal::InTheFuture => "in-the-future",
            Refusal::InThePast => "in-the-past",
            Refusal::TooEarly => "too-early",
            Refusal::NoReturn => "no-return",
            Refusal::NoSuchEngineer(_) => "no-such-engineer",
            Refusal::NoQuestions(_) => "no-questions",
            Refusal::NoSuchNumber { .. } => "no-such-number",
            Refusal::NoNumber => "no-number",
            Refusal::IntoItself => "into-itself",
            Refusal::NoSuchTicket(_) => "no-such-ticket",
            Refusal::OfAnotherCustomer(_) => "of-another-customer",
        }
    }

    /// What the reason is about: the numbers that are missing, a plan, a name; empty where it says all.
    pub fn detail(&self) -> String {
        match self {
            Refusal::NotAdmitted { missing } => missing.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", "),
            Refusal::NoWorkOnSite(plan) | Refusal::NoQuestions(plan) => plan.clone(),
            Refusal::NoSuchEngineer(name) => name.clone(),
            Refusal::NoSuchNumber { value, .. } => value.clone(),
            Refusal::NoSuchTicket(number) | Refusal::OfAnotherCustomer(number) => number.to_string(),
            _ => String::new(),
        }
    }
}
