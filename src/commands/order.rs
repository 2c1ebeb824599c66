//! `tickets do`: what engineers order by mail, done by hand, beside a running service.

use std::process::ExitCode;

use anyhow::Context;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};

use super::{BadInput, local, no_ticket, table};
use crate::clock::Clock;
use crate::config::Config;
use crate::desk::calendar::Calendar;
use crate::desk::contract::{Excerpt, look_up_key, normalise};
use crate::desk::decide::{self, Event, EventFacts};
use crate::desk::plan::DeliveryTime;
use crate::desk::ticket::{NumberKind, Ticket};
use crate::desk::ticket_number::TicketNumber;
use crate::office::Office;
use crate::store::{Question, Work};

/// What is to be done to a ticket.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Order {
    /// The request is justified: the delivery clock starts (refused before admission)
    Accept {
        /// In place of the contract's delivery time: 8h or NBD
        #[arg(value_name = "8h|NBD")]
        delivery: Option<DeliveryTime>,
    },
    /// Wait for the customer: resolution and follow-up stand still
    Wait {
        /// When the wait ends by itself: 2026-11-27, 2026-11-27T14:00 (local time) or a full timestamp
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
        /// What is waited for
        #[arg(value_name = "REASON")]
        reason: Vec<String>,
    },
    /// The wait is over
    GoOn,
    /// The parts have arrived: the delivery promise is kept
    Delivered {
        /// When, where not now
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
    },
    /// The work on site has begun: the delivery promise is kept
    Onsite {
        /// When, where not now
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
    },
    /// The customer was sent the prepaid label: the return clock starts
    Waybill {
        /// The label's number
        number: String,
    },
    /// The faulty device has come back
    Returned,
    /// The matter is done; the ticket closes by itself some days later
    Resolve,
    /// Lay the ticket aside for good, whatever is open on it
    Close {
        /// Why
        #[arg(value_name = "REASON")]
        why: Vec<String>,
    },
    /// Take the matter up again
    Reopen,
    /// Forward the ticket to escalation at once
    Escalate {
        /// Why
        #[arg(value_name = "REASON")]
        why: Vec<String>,
    },
    /// A person spoke with the customer by telephone: the reaction promise is kept
    Phone {
        /// When, where not now
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
    },
    /// Say who works on it
    Assign {
        /// The engineer's id; nobody without it
        engineer: Option<String>,
    },
    /// Nothing is broken: the reaction time of questions holds
    Question,
    /// Add a serial number, or put it in the place of a wrong one
    Serial {
        /// The number
        number: String,
        /// The wrong one
        #[arg(long, value_name = "NUMBER")]
        instead_of: Option<String>,
    },
    /// Set the contract number: the clocks are worked out again
    Contract {
        /// The number
        number: String,
    },
    /// Make the ticket part of another
    Merge {
        /// The other ticket
        into: TicketNumber,
    },
}

/// Carries an order out, in one transaction, and says what came of it.
///
/// # Errors
/// The number is none, no ticket has it, the order is refused (nothing has changed then), or the
/// database cannot be written.
pub fn order(
    config: &Config,
    number: &str,
    order: &Order,
    actor: &str,
    now: Option<Timestamp>,
) -> anyhow::Result<ExitCode> {
    let number: TicketNumber = number.parse().map_err(|error| BadInput(format!("{number}: {error}")))?;
    let office = Office::open_beside(config, now.map_or_else(Clock::default, Clock::starting_at))?;
    let event = order.event(&office.site.calendar)?;
    let ticket = office.write_now(|store| carry_out(&office, store, number, &event, actor))?;
    println!("{number}  {}", ticket.state);
    if let Some(entry) = ticket.entries.last() {
        println!("{}", super::printable(&entry.text));
    }
    let running = ticket.clocks.iter().filter(|clock| clock.runs());
    let lines = running.map(|clock| {
        let due = clock
            .paused_since()
            .map_or_else(|| local(clock.due), |since| format!("stands still since {}", local(since)));
        vec![clock.kind.to_string(), due]
    });
    println!("{}", table(&["CLOCK", "DUE"], lines));
    Ok(ExitCode::SUCCESS)
}

/// Carries an event out in the transaction at hand; the ticket as it then stands.
///
/// # Errors
/// There is no such ticket; the event is refused (nothing has changed then).
pub fn carry_out(
    office: &Office,
    store: &Work,
    number: TicketNumber,
    event: &Event,
    actor: &str,
) -> anyhow::Result<Ticket> {
    let Some(id) = store.find_ticket(number)? else {
        return Err(no_ticket(number).into());
    };
    let ticket = store.ticket(id)?;
    let on_file = match event {
        Event::Correct { value, .. } => {
            store.on_file(&Question::new(vec![look_up_key(value)], &[], ticket.opened_at))?
        }
        _ => Excerpt::default(),
    };
    let other = match event {
        Event::Merge { into } => store.find_ticket(*into)?.map(|id| store.ticket(id)).transpose()?,
        _ => None,
    };
    let facts = EventFacts { on_file, originals: store.originals(id)?, other };
    let now = office.now();
    let effects =
        decide::event(&ticket, event, actor, &facts, &office.site, now).context("refused, nothing was done")?;
    store.apply(&effects, None, now)?;
    store.ticket(id)
}

impl Order {
    /// What is to happen.
    ///
    /// # Errors
    /// A time that is none.
    pub fn event(&self, calendar: &Calendar) -> anyhow::Result<Event> {
        let time = |text: &Option<String>| text.as_deref().map(|text| moment(text, calendar)).transpose();
        Ok(match self {
            Order::Accept { delivery } => Event::Accept { delivery: *delivery },
            Order::Wait { until, reason } => Event::Wait { until: time(until)?, reason: reason.join(" ") },
            Order::GoOn => Event::GoOn,
            Order::Delivered { at } => Event::Delivered { at: time(at)? },
            Order::Onsite { at } => Event::OnSite { at: time(at)? },
            Order::Waybill { number } => Event::Waybill { number: number.clone() },
            Order::Returned => Event::Returned,
            Order::Resolve => Event::Resolve,
            Order::Close { why } => Event::Close { why: why.join(" ") },
            Order::Reopen => Event::Reopen,
            Order::Escalate { why } => Event::Escalate { why: why.join(" ") },
            Order::Phone { at } => Event::Phone { at: time(at)? },
            Order::Assign { engineer } => Event::Assign { engineer: engineer.clone() },
            Order::Question => Event::Question,
            Order::Serial { number, instead_of } => Event::Correct {
                kind: NumberKind::Serial,
                value: normalise(number),
                instead_of: instead_of.as_deref().map(normalise),
            },
            Order::Contract { number } => {
                Event::Correct { kind: NumberKind::Contract, value: normalise(number), instead_of: None }
            }
            Order::Merge { into } => Event::Merge { into: *into },
        })
    }
}

/// Reads a full timestamp, a local time, or a local day (its beginning).
pub(super) fn moment(text: &str, calendar: &Calendar) -> anyhow::Result<Timestamp> {
    let day = || text.parse::<Date>().ok().map(|day| day.to_datetime(Time::midnight()));
    let written = || text.parse::<DateTime>().ok().or_else(day);
    let read = text.parse::<Timestamp>().ok().or_else(|| calendar.instant(written()?));
    let unreadable =
        || BadInput(format!("{text}: no time; write 2026-11-27T14:00, 2026-11-27 or 2026-11-27T13:00:00Z"));
    Ok(read.ok_or_else(unreadable)?)
}
