//! A rung of the ladder is due: whoever is to know is told.

use jiff::{SignedDuration, Timestamp};

use super::handover;
use super::progress::Progress;
use super::watchers::watchers;
use crate::desk::decision::Effect;
use crate::desk::engineer::Engineer;
use crate::desk::escalation::Level;
use crate::desk::escalation::{Audience, LadderStep};
use crate::desk::reply::{self, Occasion, Post, ReplyError, RungDue};
use crate::desk::site::Site;
use crate::desk::ticket::{Clock, EntryKind, Fired, LateCause, Lateness, Rung, Ticket};

/// Up to this a rung counts as done in time: the timers look that often, and a busy machine takes
/// its time.
const IN_TIME: SignedDuration = SignedDuration::from_secs(60);

/// The template of what engineers are told in the place of a second level.
const REMINDER: &str = "reminder";

/// A time in which the desk could not do anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Downtime {
    /// What kept it.
    pub cause: LateCause,
    /// Since when.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
}

/// What the desk wants to know when a rung is due.
#[derive(Clone, Debug, Default)]
pub struct RungFacts {
    /// The mails that belong to the ticket, oldest first, as they came.
    pub originals: Vec<Vec<u8>>,
    /// The desk's downtimes since the rung was due.
    pub downtimes: Vec<Downtime>,
}

/// What is to be done about a rung of this clock, once. `rung` has not fired.
pub fn fire(
    ticket: &Ticket,
    clock: &Clock,
    rung: &Rung,
    facts: &RungFacts,
    site: &Site,
    now: Timestamp,
) -> Vec<Effect> {
    let late = lateness(rung, &facts.downtimes, site, now);
    let fired = Fired { at: now, late: late.clone() };
    let mut progress = Progress::new(ticket.clone(), site, now);
    progress.push(Effect::FireRung(ticket.number, clock.kind, clock.round, rung.id.clone(), fired));
    let Some(step) = site.ladder.step(&rung.id) else {
        let text = format!("{}: {} no longer stands on the ladder; nothing is done", clock.kind, rung.id);
        progress.record(EntryKind::Reminded, "desk", text);
        return progress.effects;
    };
    let due = RungDue { clock, step, late: late.as_ref() };
    let told = tell(&mut progress, &due, facts);
    let late = late.map(|late| format!(", {} s late: {}", late.seconds, late.reason)).unwrap_or_default();
    let escalates = step.tell.iter().any(|audience| matches!(audience, Audience::Escalation | Audience::SecondLevel));
    let kind = if escalates { EntryKind::Escalated } else { EntryKind::Reminded };
    let fell_due = site.calendar.moment(clock.due);
    let text = format!("{} due {fell_due}: {}{late}; told: {}", clock.kind, step.id, told.join(", "));
    progress.record(kind, "desk", text);
    progress.effects
}

/// Tells everybody of the step; who was told, in words.
fn tell(progress: &mut Progress, due: &RungDue, facts: &RungFacts) -> Vec<String> {
    let (site, now, step) = (progress.site, progress.now, due.step);
    let mut told = Vec::new();
    for audience in &step.tell {
        match audience {
            Audience::Engineers | Audience::Assignee => {
                for engineer in engineers(site, &progress.ticket, *audience, now) {
                    let post = reply::reminder(site, &progress.ticket, due, &facts.originals, engineer, now);
                    progress.push(routed(post, step, site));
                    told.push(engineer.id.clone());
                }
            }
            Audience::Customer => {
                progress.push(reply::customer_reminder(site, &progress.ticket, due, now));
                told.push("customer".to_string());
            }
            Audience::Escalation => {
                handover::forward(progress, Level::First, &Occasion::Rung(*due), &facts.originals);
                told.push("escalation".to_string());
            }
            Audience::SecondLevel => told.extend(second_level(progress, due, facts)),
        }
    }
    if step.alert {
        told.push(alert(progress, due).to_string());
    }
    if step.second_route {
        let number = progress.ticket.number;
        if site.has_second_route {
            progress.push(Effect::UseSecondRoute(number));
        }
        told.push(
            if site.has_second_route { "sent by the second route" } else { "there is no second route" }.to_string(),
        );
    }
    told
}

fn second_level(progress: &mut Progress, due: &RungDue, facts: &RungFacts) -> Vec<String> {
    let (site, now) = (progress.site, progress.now);
    if site.second_level_address.is_some() {
        handover::forward(progress, Level::Second, &Occasion::Rung(*due), &facts.originals);
        return vec!["second-level".to_string()];
    }
    let mut told = vec!["the engineers, since there is no second level".to_string()];
    // The rung's own template speaks to somebody whose answer is no answer to the customer.
    let step = LadderStep { template: REMINDER.to_string(), ..due.step.clone() };
    let due = RungDue { step: &step, ..*due };
    for engineer in site.active_engineers() {
        let post = reply::reminder(site, &progress.ticket, &due, &facts.originals, engineer, now);
        progress.push(post);
        told.push(engineer.id.clone());
    }
    told
}

/// Runs the alert command; what became of it, in words.
fn alert(progress: &mut Progress, due: &RungDue) -> &'static str {
    if !progress.site.has_alert_command {
        return "there is no alert command";
    }
    match reply::alert(progress.site, &progress.ticket, due, progress.now) {
        Ok(alert) => progress.push(Effect::Alert(alert)),
        Err(error) => progress.push(Effect::Report(error.to_string())),
    }
    "alert command"
}

/// A mail about an acknowledgement that does not leave takes the other way out, where there is one.
fn routed(post: Result<Post, ReplyError>, step: &LadderStep, site: &Site) -> Result<Post, ReplyError> {
    let other_way = site.has_second_route && step.clock == crate::desk::ticket::ClockKind::Acknowledge;
    post.map(|post| Post { second_route: other_way, ..post })
}

fn engineers<'a>(site: &'a Site, ticket: &Ticket, audience: Audience, now: Timestamp) -> Vec<&'a Engineer> {
    let assignee = ticket.assignee.as_deref().and_then(|id| site.engineer(id)).filter(|engineer| engineer.active);
    match (audience, assignee) {
        (Audience::Assignee, Some(assignee)) => vec![assignee],
        _ => watchers(ticket, site, now),
    }
}

/// How late a rung is at `now`, and why; `None` where it is in time.
fn lateness(rung: &Rung, downtimes: &[Downtime], site: &Site, now: Timestamp) -> Option<Lateness> {
    let late = now.duration_since(rung.at);
    if late <= IN_TIME {
        return None;
    }
    let moment = |at| site.calendar.moment(at);
    let overlaps = downtimes.iter().filter(|down| down.from < now && down.to > rung.at);
    let longest = overlaps.max_by_key(|down| down.to.min(now).duration_since(down.from.max(rung.at)));
    let (cause, reason) = match longest {
        Some(down) => {
            let what = match down.cause {
                LateCause::Jumped => "the machine slept, or its clock was set forward,",
                _ => "the desk did not run",
            };
            (down.cause, format!("{what} from {} to {}", moment(down.from), moment(down.to)))
        }
        None if rung.laid_at > rung.at => {
            (LateCause::KnownLate, format!("the desk knew of it only at {}", moment(rung.laid_at)))
        }
        None => (LateCause::Busy, "the desk was busy, or could not write to its database".to_string()),
    };
    Some(Lateness { seconds: late.as_secs(), cause, reason })
}
