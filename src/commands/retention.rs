//! `retention`: what has outlived its time goes.

use std::fs;
use std::process::ExitCode;

use anyhow::Context;
use jiff::civil::date;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{local, zone};
use crate::config::{Config, Hold};
use crate::log;
use crate::progress::Progress;
use crate::store::{Cutoffs, Store, TicketId, Work};

/// Rows in one transaction: the service waits a moment and no more.
const ROWS_AT_ONCE: usize = 200;

/// What a restore lays aside begins so.
pub(super) const FORMER: &str = "desk.sqlite.before-restore";

/// How.
#[derive(clap::Args)]
pub struct Options {
    /// Change nothing; say what would go
    #[arg(long)]
    dry_run: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
    /// For tests: the present moment
    #[arg(long, value_name = "TIME", hide = true)]
    now: Option<Timestamp>,
}

/// Takes the bytes from mails and the names and words from tickets that have outlived their time, beside a
/// running service, and deletes what an old restore laid aside.
///
/// # Errors
/// The database cannot be read or written.
pub fn retention(config: &Config, options: &Options) -> anyhow::Result<ExitCode> {
    log::start(config.operations.log);
    let now = options.now.unwrap_or_else(Timestamp::now);
    let years = &config.retention;
    let cutoffs = Cutoffs {
        mails: begin_of_year(now, years.mails_full_years)?,
        tickets: begin_of_year(now, years.tickets_full_years)?,
    };
    let mut store = Store::open_beside(&config.state_dir)?;
    let outlived = store.read(|store| store.outlived(&cutoffs, |store, id| is_held(config, store, id)))?;
    let former = former_databases(config, now)?;
    if !options.dry_run {
        let progress = Progress::of_command("mails and tickets that go");
        let all = (outlived.tickets.len() + outlived.mails.len() + outlived.sent.len()) as u64;
        let mut done = 0;
        let mut went = |count: usize| {
            done += count as u64;
            progress.at(done, all);
        };
        for mails in outlived.mails.chunks(ROWS_AT_ONCE) {
            store.write(|store| store.blank_mails(mails, now))?;
            went(mails.len());
        }
        for sent in outlived.sent.chunks(ROWS_AT_ONCE) {
            store.write(|store| store.blank_sent(sent))?;
            went(sent.len());
        }
        for tickets in outlived.tickets.chunks(ROWS_AT_ONCE) {
            store.write(|store| tickets.iter().try_for_each(|id| store.blank_ticket(*id)))?;
            went(tickets.len());
        }
        store.write(|store| store.chore_done("retention", now))?;
        for path in &former {
            fs::remove_file(path).with_context(|| format!("cannot delete {}", path.display()))?;
        }
    }
    let held: Vec<String> = outlived.held.iter().map(ToString::to_string).collect();
    if options.json {
        let value = json!({
            "mails_before": cutoffs.mails, "tickets_before": cutoffs.tickets, "mails": outlived.mails.len(),
            "sent": outlived.sent.len(), "tickets": outlived.tickets.len(), "held": held,
            "former_databases": former.len(), "dry_run": options.dry_run,
        });
        println!("{value}");
        return Ok(ExitCode::SUCCESS);
    }
    let tense = if options.dry_run { "would lose" } else { "lost" };
    let (came, sent, tickets) = (outlived.mails.len(), outlived.sent.len(), outlived.tickets.len());
    println!("{came} mails that came and {sent} that left {tense} their bytes: closed before {}", local(cutoffs.mails));
    println!("{tickets} tickets {tense} their names and words: closed before {}", local(cutoffs.tickets));
    if !held.is_empty() {
        println!("kept because of legal_hold: {}", held.join(", "));
    }
    for path in former {
        println!("{}: {}", path.display(), if options.dry_run { "would be deleted" } else { "deleted" });
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether the configuration holds a ticket, by its number or by who takes part.
///
/// # Errors
/// The database cannot be read.
pub(super) fn is_held(config: &Config, store: &Work, id: TicketId) -> anyhow::Result<bool> {
    for hold in &config.retention.legal_hold {
        let is_held = match hold {
            Hold::Ticket(number) => store.ticket_number(id)? == *number,
            Hold::Address(address) => store.takes_part(id, address)?,
        };
        if is_held {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The first moment of the year that lies so many full years before the present one.
fn begin_of_year(now: Timestamp, full_years: u16) -> anyhow::Result<Timestamp> {
    let year = now.to_zoned(zone()).year().saturating_sub(full_years.try_into()?);
    Ok(date(year, 1, 1).to_zoned(zone())?.timestamp())
}

/// What restores laid aside for longer than copies are kept.
fn former_databases(config: &Config, now: Timestamp) -> anyhow::Result<Vec<std::path::PathBuf>> {
    let expired = now - SignedDuration::from_hours(24 * i64::from(config.retention.backups_days));
    let mut former = Vec::new();
    for entry in fs::read_dir(&config.state_dir)? {
        let entry = entry?;
        let is_former = entry.file_name().to_string_lossy().starts_with(FORMER);
        if is_former && Timestamp::try_from(entry.metadata()?.modified()?)? < expired {
            former.push(entry.path());
        }
    }
    former.sort();
    Ok(former)
}
