//! `clocks`: what falls due next.

use std::process::ExitCode;

use jiff::{SignedDuration, Timestamp};

use super::{local, table};
use crate::config::Config;
use crate::store::Store;

/// Lists the running clocks, the one that falls due next first; those that stand still come last.
///
/// # Errors
/// The database cannot be read.
pub fn clocks(config: &Config, json: bool, most: usize, now: Option<Timestamp>) -> anyhow::Result<ExitCode> {
    let now = now.unwrap_or_else(Timestamp::now);
    let clocks = Store::open_to_read(&config.state_dir)?.read(|store| store.running_clocks(most))?;
    if json {
        clocks.iter().try_for_each(|clock| serde_json::to_string(clock).map(|line| println!("{line}")))?;
        return Ok(ExitCode::SUCCESS);
    }
    let lines = clocks.into_iter().map(|clock| {
        let left = match clock.paused {
            true => "stands still".to_string(),
            false => left(clock.due.duration_since(now)),
        };
        let next = match (clock.next_rung, clock.next_rung_at) {
            (Some(rung), Some(at)) => format!("{rung} {}", local(at)),
            _ => String::new(),
        };
        let terms = [Some(clock.plan), clock.contract].into_iter().flatten().collect::<Vec<_>>().join(" ");
        vec![local(clock.due), left, clock.ticket, clock.clock, clock.state, terms, next]
    });
    println!("{}", table(&["DUE", "LEFT", "TICKET", "CLOCK", "STATE", "TERMS", "NEXT RUNG"], lines));
    Ok(ExitCode::SUCCESS)
}

/// Elapsed time in words, to the minute.
pub(super) fn left(time: SignedDuration) -> String {
    let minutes = time.as_secs().unsigned_abs() / 60;
    let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    let words = match (days, hours) {
        (0, 0) => format!("{minutes}m"),
        (0, _) => format!("{hours}h {minutes:02}m"),
        _ => format!("{days}d {hours:02}h"),
    };
    if time.is_negative() { format!("{words} OVER") } else { words }
}
