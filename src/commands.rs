//! One file for each command of the operator.

pub mod backup;
pub mod check;
pub mod clocks;
pub mod config;
pub mod contracts;
pub mod demo;
pub mod due;
pub mod erase;
pub mod explain;
pub mod export;
pub mod manual;
pub mod order;
pub mod parked;
pub mod reconcile;
pub mod reload;
pub mod report;
pub mod restore;
pub mod retention;
pub mod routing;
pub mod rules;
pub mod run;
pub mod score;
pub mod search;
pub mod status;
pub mod tickets;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::desk::ticket_number::TicketNumber;

/// What the operator handed in cannot be used; the command ends with exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadInput(pub String);

/// An error with its causes, and with what to do about it where that is about a file or folder.
pub fn told(error: &anyhow::Error) -> String {
    let next = next_step(error).map(|next| format!("; {next}")).unwrap_or_default();
    format!("{error:#}{next}")
}

fn next_step(error: &anyhow::Error) -> Option<&'static str> {
    use std::io::ErrorKind::{
        IsADirectory, NotADirectory, NotFound, PermissionDenied, ReadOnlyFilesystem, StorageFull,
    };
    let cause = error.chain().find_map(|cause| cause.downcast_ref::<std::io::Error>())?;
    Some(match cause.kind() {
        NotFound => "see that the path is right, and that the folder it lies in is there",
        PermissionDenied => "run this as root or as the service's user, or see to the owner and the mode of that path",
        IsADirectory | NotADirectory => "name a file where a file is wanted, and a folder where a folder is",
        ReadOnlyFilesystem => "name another place, or mount that file system for writing",
        StorageFull => "make room on that disk, and do it again",
        _ => return None,
    })
}

/// No ticket has this number.
fn no_ticket(number: TicketNumber) -> BadInput {
    BadInput(format!("there is no ticket {number}: `hezo-intake tickets list` and `search WORDS` name those there are"))
}

/// A table for people: a head, and lines of cells.
fn table(head: &[&str], lines: impl IntoIterator<Item = Vec<String>>) -> comfy_table::Table {
    let mut table = comfy_table::Table::new();
    table.load_preset(comfy_table::presets::NOTHING).set_header(head);
    lines.into_iter().for_each(|line| {
        table.add_row(line.iter().map(|cell| printable(cell)));
    });
    table
}

/// Text from outside, safe to show on a terminal: control characters could move the cursor or
/// rename the window.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

/// The zone of the service terms, for people.
fn zone() -> TimeZone {
    TimeZone::get("Europe/Warsaw").unwrap_or(TimeZone::UTC)
}

/// A moment in that zone.
fn local(at: Timestamp) -> String {
    at.to_zoned(zone()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// A moment: with its offset, or in the desk's zone.
fn moment(text: &str) -> anyhow::Result<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let local = text.parse::<DateTime>().ok().and_then(|local| zone().to_timestamp(local).ok());
    local.ok_or_else(|| BadInput(format!("{text} is no time such as 2026-04-30T12:00 or 2026-04-30T10:00Z")).into())
}

/// A day on the command line.
fn day(text: &str) -> Result<Date, String> {
    text.parse().map_err(|_| "no day; write one such as 2026-10-01".to_string())
}

/// The day of a moment in that zone.
fn local_date(at: Timestamp) -> Date {
    at.to_zoned(zone()).date()
}

/// Who gives an order on this machine.
pub fn operator() -> String {
    let named = ["SUDO_USER", "USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
    format!("operator {}", named.filter(|name| !name.is_empty()).unwrap_or_else(|| "unknown".to_string()))
}

/// Runs a future on a runtime of its own.
fn block_on<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(future);
    // What a thread still works on is not committed, and is done again after the next start.
    runtime.shutdown_background();
    done
}
