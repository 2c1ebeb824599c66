//! Figures over a time: which promises were kept, how long people took, and how each breach came about.

mod cells;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::calendar::Calendar;
use super::decide::Downtime;
use super::ticket::{Clock, ClockKind, Ending, Entry};
use super::ticket_number::TicketNumber;

pub use cells::{COLUMNS, rows};

/// A mail that is seen within this after it was sent was not seen late.
const SEEN_IN_TIME: SignedDuration = SignedDuration::from_secs(5 * 60);

/// A promise that fell, or falls, due in the time that is looked at.
#[derive(Clone, Debug)]
pub struct Promised {
    /// The ticket.
    pub ticket: TicketNumber,
    /// The customer's address, where no contract names the customer.
    pub customer: String,
    /// The promise.
    pub clock: Clock,
    /// What happened on the ticket; empty where the promise was kept.
    pub entries: Vec<Entry>,
}

/// All figures.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Figures {
    /// The promises that fell due at or after this moment.
    pub from: Timestamp,
    /// And before this one.
    pub to: Timestamp,
    /// As of this moment.
    pub as_of: Timestamp,
    /// By clock.
    pub by_clock: Vec<Tally>,
    /// By clock and plan.
    pub by_plan: Vec<Tally>,
    /// By clock and customer.
    pub by_customer: Vec<Tally>,
    /// How long it took, by clock.
    pub times: Vec<Times>,
    /// Every broken promise.
    pub breaches: Vec<Breach>,
    /// When the desk could not work.
    pub downtimes: Vec<Outage>,
}

/// How many promises of one sort ended how.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Tally {
    /// What was promised.
    pub clock: ClockKind,
    /// Under which plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// To whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// All of them.
    pub promised: u64,
    /// Kept in time.
    pub kept: u64,
    /// Broken, whatever the reason.
    pub breached: u64,
    /// Of these, broken while the desk could not work, or saw the mail late. They count as ours.
    pub breached_by_outage: u64,
    /// Withheld by rule.
    pub withheld: u64,
    /// Declared void in time.
    pub withdrawn: u64,
    /// Still running, in time.
    pub open: u64,
}

/// How long it took to keep promises of one sort, in the hours in which they are counted, without
/// pauses. Seconds.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Times {
    /// What was promised.
    pub clock: ClockKind,
    /// How many were kept, in time or late.
    pub count: u64,
    /// Half of them took no longer.
    pub median_seconds: i64,
    /// Nine in ten took no longer.
    pub p90_seconds: i64,
    /// The slowest.
    pub longest_seconds: i64,
}

/// A broken promise.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Breach {
    /// The ticket.
    pub ticket: String,
    /// What was promised.
    pub clock: ClockKind,
    /// Which time.
    pub round: u32,
    /// Under which plan.
    pub plan: String,
    /// Under which contract.
    pub contract: Option<String>,
    /// To whom.
    pub customer: String,
    /// When it began to run.
    pub start: Timestamp,
    /// When it fell due.
    pub due: Timestamp,
    /// When it ended; `None` while it runs on.
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    pub ending: Option<Ending>,
    /// By how much it was late, or is so far. Elapsed seconds.
    pub late_seconds: i64,
    /// The same in the hours in which it is counted.
    pub late_in_window_seconds: i64,
    /// How long of its time the desk could not work.
    pub outage_seconds: i64,
    /// How long after the mail was sent the desk saw it.
    pub seen_after_seconds: i64,
    /// Whether it was broken while the desk could not work, or since it saw the mail late: ours all
    /// the same.
    pub by_outage: bool,
    /// What happened, in order.
    pub timeline: Vec<Happened>,
}

/// One thing that happened around a breach.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Happened {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: String,
}

/// A time in which the desk could not work.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Outage {
    /// What kept it.
    pub cause: super::ticket::LateCause,
    /// Since when.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
    /// How long.
    pub seconds: i64,
}

impl Figures {
    /// Works the figures out, as of `now`.
    pub fn new(
        (from, to): (Timestamp, Timestamp),
        promises: &[Promised],
        downtimes: &[Downtime],
        calendar: &Calendar,
        now: Timestamp,
    ) -> Figures {
        let breached = promises.iter().filter(|promised| promised.clock.breached(now));
        let breaches: Vec<Breach> = breached.map(|promised| breach(promised, downtimes, calendar, now)).collect();
        let tally = |group: &dyn Fn(&Promised) -> Group| tally(promises, &breaches, group, now);
        Figures {
            from,
            to,
            as_of: now,
            by_clock: tally(&|_| (None, None)),
            by_plan: tally(&|promised| (Some(promised.clock.basis.plan.clone()), None)),
            by_customer: tally(&|promised| (None, Some(promised.customer().to_string()))),
            times: times(promises, calendar),
            downtimes: downtimes.iter().map(outage).collect(),
            breaches,
        }
    }
}

impl Promised {
    /// To whom it was promised.
    pub fn customer(&self) -> &str {
        self.clock.basis.customer.as_deref().unwrap_or(&self.customer)
    }
}

/// The plan and the customer by which promises are counted together.
type Group = (Option<String>, Option<String>);

fn tally(promises: &[Promised], breaches: &[Breach], group: &dyn Fn(&Promised) -> Group, now: Timestamp) -> Vec<Tally> {
    let mut tallies: BTreeMap<(ClockKind, Option<String>, Option<String>), Tally> = BTreeMap::new();
    for promised in promises {
        let clock = &promised.clock;
        let (plan, customer) = group(promised);
        let empty = Tally {
            clock: clock.kind,
            plan: plan.clone(),
            customer: customer.clone(),
            promised: 0,
            kept: 0,
            breached: 0,
            breached_by_outage: 0,
            withheld: 0,
            withdrawn: 0,
            open: 0,
        };
        let tally = tallies.entry((clock.kind, plan, customer)).or_insert(empty);
        tally.promised += 1;
        match clock.ended.as_ref().map(|ended| ended.how) {
            _ if clock.breached(now) => {
                tally.breached += 1;
                tally.breached_by_outage +=
                    u64::from(breaches.iter().any(|breach| breach.is(promised) && breach.by_outage));
            }
            Some(Ending::Satisfied) => tally.kept += 1,
            Some(Ending::Withheld) => tally.withheld += 1,
            Some(Ending::Withdrawn) => tally.withdrawn += 1,
            None => tally.open += 1,
        }
    }
    tallies.into_values().collect()
}

impl Breach {
    fn is(&self, promised: &Promised) -> bool {
        let Promised { ticket, clock, .. } = promised;
        self.clock == clock.kind && self.round == clock.round && self.ticket == ticket.to_string()
    }
}

fn times(promises: &[Promised], calendar: &Calendar) -> Vec<Times> {
    let mut taken: BTreeMap<ClockKind, Vec<i64>> = BTreeMap::new();
    for clock in promises.iter().map(|promised| &promised.clock) {
        if let Some(at) = clock.satisfied_at() {
            taken.entry(clock.kind).or_default().push(clock.counted(at, calendar).as_secs());
        }
    }
    let times = taken.into_iter().map(|(clock, mut seconds)| {
        seconds.sort_unstable();
        Times {
            clock,
            count: seconds.len() as u64,
            median_seconds: nearest_rank(&seconds, 50),
            p90_seconds: nearest_rank(&seconds, 90),
            longest_seconds: seconds.last().copied().unwrap_or_default(),
        }
    });
    times.collect()
}

/// The value that so many per cent of the sorted values do not exceed (nearest-rank method).
fn nearest_rank(sorted: &[i64], percent: usize) -> i64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

fn breach(promised: &Promised, downtimes: &[Downtime], calendar: &Calendar, now: Timestamp) -> Breach {
    let clock = &promised.clock;
    let end = clock.ended.as_ref().map_or(now, |ended| ended.at);
    let outage = downtimes.iter().map(|down| overlap(down, clock.start, end));
    let outage = outage.fold(SignedDuration::ZERO, SignedDuration::saturating_add);
    let seen_after = clock.created_at.duration_since(clock.start);
    // A clock that its own kind of event sets going starts when that happened.
    let seen_late = seen_after > SEEN_IN_TIME && clock.created_at > clock.start;
    Breach {
        ticket: promised.ticket.to_string(),
        clock: clock.kind,
        round: clock.round,
        plan: clock.basis.plan.clone(),
        contract: clock.basis.contract.clone(),
        customer: promised.customer().to_string(),
        start: clock.start,
        due: clock.due,
        ended_at: clock.ended.as_ref().map(|ended| ended.at),
        ending: clock.ended.as_ref().map(|ended| ended.how),
        late_seconds: end.duration_since(clock.due).as_secs(),
        late_in_window_seconds: clock.between(clock.due, end, calendar).as_secs(),
        outage_seconds: outage.as_secs(),
        seen_after_seconds: seen_after.as_secs().max(0),
        by_outage: !outage.is_zero() || seen_late,
        timeline: timeline(promised, end),
    }
}

fn overlap(down: &Downtime, from: Timestamp, to: Timestamp) -> SignedDuration {
    down.to.min(to).duration_since(down.from.max(from)).max(SignedDuration::ZERO)
}

/// What happened from the start of the promise to its end, without a word that anybody wrote.
fn timeline(promised: &Promised, end: Timestamp) -> Vec<Happened> {
    let clock = &promised.clock;
    let mut timeline = vec![
        Happened { at: clock.start, what: format!("start: {}", clock.start_reason) },
        Happened { at: clock.due, what: "due".to_string() },
    ];
    if clock.created_at > clock.start {
        timeline.push(Happened { at: clock.created_at, what: "known to the desk".to_string() });
    }
    for pause in &clock.pauses {
        timeline.push(Happened { at: pause.from, what: "stands still".to_string() });
        timeline.extend(pause.to.map(|at| Happened { at, what: "goes on".to_string() }));
    }
    let fired = clock.rungs.iter().filter_map(|rung| rung.fired.as_ref().map(|fired| (rung, fired)));
    timeline.extend(fired.map(|(rung, fired)| {
        let late = fired.late.as_ref().map(|late| format!(", {} s late: {}", late.seconds, late.reason));
        Happened { at: fired.at, what: format!("rung {}{}", rung.id, late.unwrap_or_default()) }
    }));
    let within = promised.entries.iter().filter(|entry| entry.at >= clock.start && entry.at <= end);
    timeline.extend(within.map(|entry| Happened { at: entry.at, what: entry_in_words(entry) }));
    if let Some(ended) = &clock.ended {
        timeline.push(Happened { at: ended.at, what: ended.how.to_string() });
    }
    timeline.sort_by_key(|happened| happened.at);
    timeline
}

fn entry_in_words(entry: &Entry) -> String {
    // People of the desk have ids; everybody else is an address.
    if entry.author.contains('@') { entry.kind.to_string() } else { format!("{} by {}", entry.kind, entry.author) }
}

fn outage(down: &Downtime) -> Outage {
    let Downtime { cause, from, to } = *down;
    Outage { cause, from, to, seconds: to.duration_since(from).as_secs() }
}
