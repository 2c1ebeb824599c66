//! The loop that acts when the time has come: for a rung of a clock, for the end of a wait, for a
//! ticket that closes by itself. It wakes for the next of these times, which the store knows.

mod parked;

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use crate::desk::decide::{self, Downtime, RungFacts};

use crate::desk::decision::Effect;
use crate::desk::ticket::LateCause;
use crate::failpoint::{self, Point};
use crate::log;
use crate::office::Office;
use crate::store::{Appointment, Work};

/// Never sleep longer than this: the system's clock may be set, and a suspended machine's sleep
/// does not count the time it was away.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// How long the mailboxes may take to be read at the start, before what is due is acted upon all
/// the same: an answer that waits there spares an escalation.
const FIRST_WALK: Duration = Duration::from_secs(60);

/// The machine slept, or its clock was set, where more time has passed on it than was waited for.
const JUMP: SignedDuration = SignedDuration::from_secs(60);

/// Between two looks at the clocks: all that fell due is acted upon.
const STEP: Duration = Duration::from_secs(5 * 60);

/// Acts on what is due until `stop` says so, beginning when `walked` says that the mailboxes were
/// read.
pub async fn run(office: Arc<Office>, mut walked: watch::Receiver<bool>, mut stop: watch::Receiver<bool>) {
    let heart = office.pulse.heart("timers", FIRST_WALK + STEP);
    tokio::select! {
        _ = tokio::time::timeout(FIRST_WALK, walked.wait_for(|walked| *walked)) => {}
        _ = stop.changed() => return,
    }
    let mut seen = (Instant::now(), office.now());
    while !*stop.borrow() {
        if let Err(error) = turn(&office, &mut seen).await {
            tracing::error!(error = log::error(&error), "what is due could not be acted upon; trying again");
        }
        let next =
            office.write(|office, store| Ok(store.next_appointment()?.map(|due| due.duration_since(office.now()))));
        let sleep = match next.await {
            Ok(Some(left)) => {
                Duration::try_from(left).unwrap_or_default().clamp(Duration::from_millis(100), LONGEST_SLEEP)
            }
            _ => LONGEST_SLEEP,
        };
        heart.waits(sleep + STEP);
        tokio::select! {
            () = office.timer_bell.notified() => {}
            () = tokio::time::sleep(sleep) => {}
            _ = stop.changed() => {}
        }
    }
}

/// Notes a jump of the clock, then acts on what is due.
async fn turn(office: &Arc<Office>, seen: &mut (Instant, Timestamp)) -> anyhow::Result<()> {
    let (then, at) = *seen;
    let (passed, now) = (then.elapsed(), office.now());
    let expected = SignedDuration::try_from(passed).ok().and_then(|passed| at.checked_add(passed).ok());
    let jump = expected.map(|expected| Downtime { cause: LateCause::Jumped, from: expected, to: now });
    let jump = jump.filter(|jump| jump.to.duration_since(jump.from) > JUMP);
    office
        .write(move |_, store| {
            jump.iter().try_for_each(|jump| store.was_down(jump))?;
            store.pulse(now)
        })
        .await?;
    if let Some(jump) = jump {
        let seconds = jump.to.duration_since(jump.from).as_secs();
        tracing::warn!(seconds, "the machine slept, or its clock was set forward");
    }
    *seen = (Instant::now(), now);
    act_on_due(office).await?;
    Ok(())
}

/// Acts on everything that is due, in order, each in a transaction of its own. Returns how much it
/// was.
///
/// # Errors
/// The store failed; what is still due comes again.
pub async fn act_on_due(office: &Arc<Office>) -> anyhow::Result<usize> {
    office.write(parked::act).await?;
    let mut done = 0;
    loop {
        let due = office.write(|office, store| store.appointments_due(office.now())).await?;
        if due.is_empty() {
            return Ok(done);
        }
        for appointment in due {
            done += 1;
            office.write(move |office, store| keep(office, store, &appointment)).await?;
        }
    }
}

/// Keeps one appointment, unless it was kept or cancelled meanwhile.
fn keep(office: &Office, store: &Work, appointment: &Appointment) -> anyhow::Result<()> {
    let now = office.now();
    let (number, effects) = match appointment {
        Appointment::Ticket { ticket: id, .. } => {
            let ticket = store.ticket(*id)?;
            (ticket.number, decide::by_itself(&ticket, &office.site, now))
        }
        Appointment::Rung { ticket: id, kind, round, id: rung_id, .. } => {
            let ticket = store.ticket(*id)?;
            let clock = ticket.clock_of(*kind, *round).filter(|clock| clock.runs() && clock.paused_since().is_none());
            let rung = clock.and_then(|clock| clock.rungs.iter().find(|rung| rung.id == *rung_id));
            let (Some(clock), Some(rung)) = (clock, rung.filter(|rung| rung.fired.is_none())) else { return Ok(()) };
            let facts = RungFacts { originals: store.originals(*id)?, downtimes: store.downtimes_since(rung.at)? };
            let late = now.duration_since(rung.at).as_secs();
            tracing::info!(
                ticket = ticket.number.to_string(),
                clock = kind.name(),
                rung = rung_id,
                late_seconds = late,
                "a rung is due"
            );
            (ticket.number, decide::fire(&ticket, clock, rung, &facts, &office.site, now))
        }
    };
    let reports = effects.iter().filter(|effect| matches!(effect, Effect::Report(_))).count();
    if reports > 0 {
        tracing::error!(ticket = number.to_string(), reports, "not everybody could be told of what is due");
    }
    store.apply(&effects, None, now)?;
    failpoint::reach(Point::Fired);
    office.ring(&effects);
    Ok(())
}
