//! The loop that acts when a clock falls due.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::desk::decide;
use crate::desk::ticket::ClockKind;
use crate::log;
use crate::office::Office;
use crate::store::{TicketId, Work};

/// Never sleep longer than this: the system's clock may be set, and a suspended machine's sleep
/// does not count the time it was away.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// Between two looks at the clocks: all that fell due is acted upon.
const STEP: Duration = Duration::from_secs(5 * 60);

/// Acts on due clocks until `stop` says so.
pub async fn run(office: Arc<Office>, mut stop: watch::Receiver<bool>) {
    let heart = office.pulse.heart("timers", STEP);
    while !*stop.borrow() {
        if let Err(error) = fire_due(&office).await {
            tracing::error!(error = log::error(&error), "due clocks could not be acted upon; trying again");
        }
        let next =
            office.write(|office, store| Ok(store.next_due()?.map(|due| due.duration_since(office.now())))).await;
        let sleep = match next {
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

/// Acts on every clock that has fallen due, each in a transaction of its own. Returns how many.
///
/// # Errors
/// The store failed; what is still due comes again.
pub async fn fire_due(office: &Arc<Office>) -> anyhow::Result<usize> {
    let due = office.write(|office, store| store.clocks_due(office.now())).await?;
    for (ticket, kind) in &due {
        let (ticket, kind) = (*ticket, *kind);
        office.write(move |office, store| fire(office, store, ticket, kind)).await?;
    }
    Ok(due.len())
}

fn fire(office: &Office, store: &Work, id: TicketId, kind: ClockKind) -> anyhow::Result<()> {
    let now = office.now();
    let ticket = store.ticket(id)?;
    let running = ticket.clock(kind).filter(|clock| clock.satisfied_at.is_none() && clock.fired_at.is_none());
    let Some(clock) = running.filter(|clock| clock.due <= now) else { return Ok(()) };
    let effects = decide::overdue(&ticket, clock, store.originals(id)?, &office.site, now);
    store.apply(&effects, None, now)?;
    let late = now.duration_since(clock.due).as_secs();
    tracing::warn!(
        ticket = ticket.number.to_string(),
        clock = kind.name(),
        late_seconds = late,
        "a clock fell due; the ticket goes to escalation"
    );
    office.outbox_bell.notify_one();
    Ok(())
}
