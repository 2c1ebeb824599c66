//! `clocks`: what falls due next, on all tickets or on one.

use std::process::ExitCode;

use jiff::{SignedDuration, Timestamp};

use super::tickets::{self, clock_for_people, clock_value};
use super::{local, table};
use crate::config::Config;
use crate::store::Store;

/// Which clocks, and how.
#[derive(clap::Args)]
pub struct Options {
    /// The clocks of this ticket alone, those that have ended too, each with how its due time was worked out
    #[arg(value_name = "TICKET")]
    ticket: Option<String>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    /// The most clocks to list
    #[arg(long, default_value_t = 100)]
    most: usize,
}

/// Lists the running clocks, the one that falls due next first; those that stand still come last. Of
/// one ticket: all its clocks, the oldest first.
///
/// # Errors
/// There is no such ticket, or the database cannot be read.
pub fn clocks(config: &Config, options: &Options, now: Option<Timestamp>) -> anyhow::Result<ExitCode> {
    let now = now.unwrap_or_else(Timestamp::now);
    match &options.ticket {
        Some(number) => of_ticket(config, number, options.json, now)?,
        None => of_all(config, options, now)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn of_ticket(config: &Config, number: &str, json: bool, now: Timestamp) -> anyhow::Result<()> {
    let (_, ticket) = Store::open_to_read(&config.state_dir)?.read(|store| tickets::find(store, number))?;
    if json {
        return ticket.clocks.iter().try_for_each(|clock| clock_value(clock, now).map(|value| println!("{value}")));
    }
    print!("{}  {}", ticket.number, ticket.state);
    ticket.clocks.iter().for_each(|clock| clock_for_people(clock, now));
    Ok(())
}

fn of_all(config: &Config, options: &Options, now: Timestamp) -> anyhow::Result<()> {
    let clocks = Store::open_to_read(&config.state_dir)?.read(|store| store.running_clocks(options.most))?;
    if options.json {
        clocks.iter().try_for_each(|clock| serde_json::to_string(clock).map(|line| println!("{line}")))?;
        return Ok(());
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
    Ok(())
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
