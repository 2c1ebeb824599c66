//! What people cause: an engineer accepts, waits, delivers, resolves. Pure: a ticket, what happened,
//! and what is known, to what is to be done, or to why it is not done.

use jiff::Timestamp;

use super::progress::Progress;
use super::refusal::Refusal;
use super::{handover, merge, sent};
use crate::desk::contract::Excerpt;
use crate::desk::decision::Effect;
use crate::desk::plan::{Concern, DeliveryTime};
use crate::desk::site::Site;
use crate::desk::ticket::{
    CORRECTED, Clock, ClockKind, Ending, EntryKind, KnownNumber, NumberKind, Refused, State, Step, Ticket, Wait,
};
use crate::desk::ticket_number::TicketNumber;

/// Something that a person says has happened, or wants to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The request is justified: the delivery clock starts.
    Accept {
        /// In place of the contract's delivery time.
        delivery: Option<DeliveryTime>,
    },
    /// The customer has to do something first.
    Wait {
        /// When the wait ends by itself.
        until: Option<Timestamp>,
        /// What is waited for.
        reason: String,
    },
    /// The wait is over.
    GoOn,
    /// The parts have arrived.
    Delivered {
        /// When, where not now.
        at: Option<Timestamp>,
    },
    /// The work on site has begun.
    OnSite {
        /// When, where not now.
        at: Option<Timestamp>,
    },
    /// The customer was sent the prepaid label for the faulty device.
    Waybill {
        /// The label's number.
        number: String,
    },
    /// The faulty device has come back.
    Returned,
    /// The matter is done.
    Resolve,
    /// The ticket is laid aside for good.
    Close {
        /// Why, where it is not resolved.
        why: String,
    },
    /// The matter is taken up again.
    Reopen,
    /// The ticket goes to escalation at once.
    Escalate {
        /// Why.
        why: String,
    },
    /// A person spoke with the customer by telephone.
    Phone {
        /// When, where not now.
        at: Option<Timestamp>,
    },
    /// Somebody works on it; `None` takes the engineer off it.
    Assign {
        /// The engineer's id.
        engineer: Option<String>,
    },
    /// Nothing is broken: the reaction time of questions holds.
    Question,
    /// A number is another than the desk has read, or was told by telephone. A contract number
    /// takes the place of those that are there, a serial number stands beside them.
    Correct {
        /// What it is.
        kind: NumberKind,
        /// The number, normalised.
        value: String,
        /// The number in whose place it stands.
        instead_of: Option<String>,
    },
    /// It is part of another ticket, which goes on with its promises.
    Merge {
        /// The other ticket.
        into: TicketNumber,
    },
}

/// What the store knows about an event.
#[derive(Clone, Debug, Default)]
pub struct EventFacts {
    /// The contracts on file that the event's own numbers lead to.
    pub on_file: Excerpt,
    /// The mails that belong to the ticket, oldest first, as they came.
    pub originals: Vec<Vec<u8>>,
    /// The ticket that it is to be merged into.
    pub other: Option<Ticket>,
}

/// Decides what follows from an event. `actor` is an engineer's id or the operator's name.
///
/// # Errors
/// Why it is refused.
pub fn event(
    ticket: &Ticket,
    event: &Event,
    actor: &str,
    facts: &EventFacts,
    site: &Site,
    now: Timestamp,
) -> Result<Vec<Effect>, Refusal> {
    events(ticket, std::slice::from_ref(event), actor, facts, site, now)
}

/// The same for several events, one after the other: all of them, or none.
///
/// # Errors
/// Why the first that is refused is.
pub fn events(
    ticket: &Ticket,
    events: &[Event],
    actor: &str,
    facts: &EventFacts,
    site: &Site,
    now: Timestamp,
) -> Result<Vec<Effect>, Refusal> {
    let mut progress = Progress::new(ticket.clone(), site, now);
    progress.ticket.on_file.extend(&facts.on_file);
    for event in events {
        let text = apply(&mut progress, event, actor, facts)?;
        progress.record(EntryKind::Order, actor, text);
    }
    Ok(progress.effects)
}

/// Carries one event out; what happened, for the history.
pub(super) fn apply(
    progress: &mut Progress,
    event: &Event,
    actor: &str,
    facts: &EventFacts,
) -> Result<String, Refusal> {
    let now = progress.now;
    Ok(match event {
        Event::Accept { delivery } => accept(progress, *delivery)?,
        Event::Wait { until, reason } => wait(progress, *until, reason, actor)?,
        Event::GoOn => {
            progress.step(Step::GoOn, now)?;
            "go on: the wait is over".to_string()
        }
        Event::Delivered { at } => deliver(progress, *at, "delivered", actor)?,
        Event::OnSite { at } => {
            let plan = &progress.ticket.running(ClockKind::Delivery).next().ok_or(Refusal::NoDelivery)?.basis.plan;
            if !progress.site.plans.on_site(plan) {
                return Err(Refusal::NoWorkOnSite(plan.clone()));
            }
            deliver(progress, *at, "on site", actor)?
        }
        Event::Waybill { number } => waybill(progress, number, actor)?,
        Event::Returned => {
            if progress.ticket.running(ClockKind::Return).next().is_none() {
                return Err(Refusal::NoReturn);
            }
            progress.step(Step::Returned, now)?;
            progress.end(ClockKind::Return, now, Ending::Satisfied, actor);
            "returned".to_string()
        }
        Event::Resolve => {
            progress.step(Step::Resolve, now)?;
            lay_down(progress, actor);
            let closes = progress.site.calendar.days_after(now, progress.site.close_after_days);
            progress.close_at(Some(closes));
            "resolve".to_string()
        }
        Event::Close { why } => {
            progress.step(Step::Close, now)?;
            let leaves = being_answered(progress);
            progress.end_where(now, Ending::Withdrawn, &format!("closed by {actor}"), |clock| !leaves(clock));
            with("close", why)
        }
        Event::Reopen => {
            progress.step(Step::Reopen, now)?;
            if progress.ticket.running(ClockKind::Resolution).next().is_none() {
                progress.start(ClockKind::Resolution, now, "reopened by an engineer");
            }
            "reopen".to_string()
        }
        Event::Escalate { why } => {
            progress.step(Step::Escalate, now)?;
            let cause = format!("{} {now} {why}", progress.ticket.number);
            handover::on_order(progress, actor, why, cause.as_bytes(), &facts.originals);
            with("escalate", why)
        }
        Event::Phone { at } => phone(progress, *at, actor)?,
        Event::Assign { engineer } => assign(progress, engineer.as_deref())?,
        Event::Question => question(progress)?,
        Event::Correct { kind, value, instead_of } => correct(progress, *kind, value, instead_of.as_deref(), actor)?,
        Event::Merge { into } => merge::merge(progress, *into, facts.other.as_ref(), actor)?,
    })
}

fn accept(progress: &mut Progress, delivery: Option<DeliveryTime>) -> Result<String, Refusal> {
    let missing = progress.ticket.missing();
    let refused = progress.step_would(Step::Accept);
    if !missing.is_empty() && matches!(refused, None | Some(Refused::NotAdmitted)) {
        return Err(Refusal::NotAdmitted { missing });
    }
    progress.step(Step::Accept, progress.now)?;
    progress.order_delivery(delivery);
    progress.start(ClockKind::Delivery, progress.now, "accepted by an engineer");
    let due = progress.ticket.running(ClockKind::Delivery).last().map(|clock| progress.site.calendar.moment(clock.due));
    let ordered = delivery.map(|delivery| format!(" {delivery}")).unwrap_or_default();
    Ok(format!(
        "accept{ordered}: {}",
        due.map_or("nothing is delivered".to_string(), |due| format!("delivery due {due}"))
    ))
}

fn wait(progress: &mut Progress, until: Option<Timestamp>, reason: &str, actor: &str) -> Result<String, Refusal> {
    let now = progress.now;
    if until.is_some_and(|until| until <= now) {
        return Err(Refusal::InThePast);
    }
    let before = progress.ticket.wait.clone();
    let from = progress.ticket.state;
    progress.step(Step::Wait, now)?;
    let (reason, actor) = (reason.to_string(), actor.to_string());
    let wait = match before {
        Some(wait) => Wait { until, reason, actor, ..wait },
        None => Wait { since: now, until, reason, actor, from },
    };
    let text = with("wait", &wait.reason);
    let until = until.map(|until| format!(" until {}", progress.site.calendar.moment(until))).unwrap_or_default();
    progress.stand_still(wait);
    Ok(format!("{text}{until}"))
}

fn deliver(progress: &mut Progress, at: Option<Timestamp>, what: &str, actor: &str) -> Result<String, Refusal> {
    progress.step(Step::Deliver, progress.now)?;
    let start = progress.ticket.running(ClockKind::Delivery).map(|clock| clock.start).next();
    let at = over(at, start.ok_or(Refusal::NoDelivery)?, progress.now)?;
    progress.end(ClockKind::Delivery, at, Ending::Satisfied, actor);
    Ok(format!("{what} at {}", progress.site.calendar.moment(at)))
}

/// The time of something that is over: now, or a given one that is neither in the future nor before
/// `start`.
fn over(at: Option<Timestamp>, start: Timestamp, now: Timestamp) -> Result<Timestamp, Refusal> {
    match at {
        None => Ok(now),
        Some(at) if at > now => Err(Refusal::InTheFuture),
        Some(at) if at < start => Err(Refusal::TooEarly),
        Some(at) => Ok(at),
    }
}

fn waybill(progress: &mut Progress, number: &str, actor: &str) -> Result<String, Refusal> {
    if number.trim().is_empty() {
        return Err(Refusal::NoNumber);
    }
    progress.step(Step::Waybill, progress.now)?;
    progress.end(ClockKind::Return, progress.now, Ending::Withdrawn, &format!("another waybill by {actor}"));
    progress.start(ClockKind::Return, progress.now, "the waybill was sent");
    Ok(format!("waybill {number}"))
}

/// What ends when an engineer declares the matter done. What was to be returned is still to be
/// returned, and what was written to the customer still has to be accepted by the mail server.
fn lay_down(progress: &mut Progress, actor: &str) {
    let now = progress.now;
    progress.end(ClockKind::Resolution, now, Ending::Satisfied, actor);
    let leaves = being_answered(progress);
    progress.end_where(now, Ending::Withdrawn, &format!("resolved by {actor}"), |clock| {
        !leaves(clock) && !matches!(clock.kind, ClockKind::Return | ClockKind::Acknowledge)
    });
}

/// Which clocks an answer that has been written will satisfy, once the mail server accepts it.
fn being_answered(progress: &Progress) -> impl Fn(&Clock) -> bool + use<> {
    let answers = progress.ticket.entries.iter().filter(|entry| entry.kind == EntryKind::Answered);
    let answered = answers.map(|entry| entry.at).max();
    move |clock| {
        let waits = matches!(clock.kind, ClockKind::Reaction | ClockKind::FollowUp);
        waits && answered.is_some_and(|at| at >= clock.created_at)
    }
}

fn phone(progress: &mut Progress, at: Option<Timestamp>, actor: &str) -> Result<String, Refusal> {
    let now = progress.now;
    let waiting = progress.ticket.clocks.iter().filter(|clock| clock.runs());
    let start = waiting.filter(|clock| matches!(clock.kind, ClockKind::Reaction | ClockKind::FollowUp));
    let start = start.map(|clock| clock.start).min().unwrap_or(progress.ticket.opened_at);
    let at = over(at, start, now)?;
    progress.step(Step::Contact, now)?;
    sent::contact(progress, now, at, actor);
    Ok(format!("spoke with the customer by telephone at {}", progress.site.calendar.moment(at)))
}

fn assign(progress: &mut Progress, engineer: Option<&str>) -> Result<String, Refusal> {
    if progress.ticket.state == State::Merged {
        return Err(Refused::Merged.into());
    }
    if let Some(id) = engineer.filter(|id| progress.site.engineer(id).is_none()) {
        return Err(Refusal::NoSuchEngineer(id.to_string()));
    }
    progress.assign(engineer);
    Ok(engineer.map_or("assigned to nobody".to_string(), |id| format!("assigned to {id}")))
}

fn question(progress: &mut Progress) -> Result<String, Refusal> {
    let terms = progress.terms();
    if let Some(strict) = terms.iter().find(|terms| terms.plan.question <= terms.plan.reaction) {
        return Err(Refusal::NoQuestions(strict.plan.id.clone()));
    }
    progress.concern(Concern::Question);
    progress.recompute("an engineer says that nothing is broken");
    Ok("question".to_string())
}

fn correct(
    progress: &mut Progress,
    kind: NumberKind,
    value: &str,
    instead_of: Option<&str>,
    actor: &str,
) -> Result<String, Refusal> {
    if value.is_empty() {
        return Err(Refusal::NoNumber);
    }
    if progress.ticket.state == State::Merged {
        return Err(Refused::Merged.into());
    }
    let replaced = |known: &&KnownNumber| {
        known.kind == kind
            && known.value != value
            && instead_of.map_or(kind == NumberKind::Contract, |old| known.value == old)
    };
    let old: Vec<KnownNumber> = progress.ticket.numbers.iter().filter(replaced).cloned().collect();
    if let (Some(wanted), true) = (instead_of, old.is_empty()) {
        return Err(Refusal::NoSuchNumber { kind, value: wanted.to_string() });
    }
    old.iter().for_each(|known| progress.drop_number(known));
    let evidence = format!("order: told by {actor} [{CORRECTED}]");
    let on_file = progress.is_on_file(kind, value);
    let (written, value) = (value.to_string(), value.to_string());
    let text = format!("{} {value}", kind.name());
    progress.add_number(KnownNumber { kind, value, written, evidence, quoted: false, on_file });
    progress.admit();
    progress.recompute(&format!("{} corrected", kind.name()));
    Ok(text)
}

fn with(what: &str, why: &str) -> String {
    if why.trim().is_empty() { what.to_string() } else { format!("{what}: {}", why.trim()) }
}
