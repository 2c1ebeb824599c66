//! `report`: promises kept and broken over a time.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use jiff::civil::{Date, Time};
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::clocks::left;
use super::{BadInput, local, local_date, table};
use crate::config::Config;
use crate::desk::calendar::Calendar;
use crate::desk::figures::{self, Figures, Tally};
use crate::office;
use crate::store::Store;

/// Which days, and how.
#[derive(clap::Args)]
pub struct Options {
    /// The first local day: promises that fell due on it count
    #[arg(long, value_name = "DATE", value_parser = super::day, required_unless_present = "last_month")]
    from: Option<Date>,
    /// The last local day
    #[arg(long, value_name = "DATE", value_parser = super::day, required_unless_present = "last_month")]
    to: Option<Date>,
    /// The whole month before this one
    #[arg(long, conflicts_with_all = ["from", "to"])]
    last_month: bool,
    /// Write report-MONTH.txt and .csv into this folder in place of printing
    #[arg(long, value_name = "DIR", conflicts_with_all = ["json", "csv"])]
    folder: Option<PathBuf>,
    /// One JSON object
    #[arg(long)]
    json: bool,
    /// One CSV, safe for spreadsheets: rows of the kinds clock, plan, customer, times and breach
    #[arg(long, conflicts_with = "json")]
    csv: bool,
}

/// Prints the figures of these days.
///
/// # Errors
/// The days are in the wrong order, the rules are wrong, or the database cannot be read.
pub fn report(config: &Config, options: &Options, now: Option<Timestamp>) -> anyhow::Result<ExitCode> {
    let now = now.unwrap_or_else(Timestamp::now);
    let calendar = office::site(config)?.calendar;
    let days = days(options, now)?;
    let (from, to) = moments(days, &calendar)?;
    let figures = Store::open_to_read(&config.state_dir)?.read(|store| {
        let promises = store.promised_between(from, to, now)?;
        let earliest = promises.iter().map(|promised| promised.clock.start).min().unwrap_or(from).min(from);
        let downtimes = store.downtimes_since(earliest)?;
        let within: Vec<_> = downtimes.into_iter().filter(|down| down.from < to.max(now)).collect();
        Ok(Figures::new((from, to), &promises, &within, &calendar, now))
    })?;
    if options.json {
        println!("{}", serde_json::to_string(&figures)?);
    } else if options.csv {
        // A reader that has seen enough closes the pipe.
        let _ = std::io::stdout().lock().write_all(&as_csv(&figures)?);
    } else if let Some(folder) = &options.folder {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let name = format!("report-{}", days.0.strftime("%Y-%m"));
        for (ending, bytes) in [("txt", for_people(&figures)?.into_bytes()), ("csv", as_csv(&figures)?)] {
            let path = folder.join(format!("{name}.{ending}"));
            fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
            println!("{}", path.display());
        }
    } else {
        print!("{}", for_people(&figures)?);
    }
    Ok(ExitCode::SUCCESS)
}

fn as_csv(figures: &Figures) -> anyhow::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(figures::COLUMNS)?;
    figures::rows(figures).iter().try_for_each(|row| writer.write_record(row))?;
    Ok(writer.into_inner()?)
}

/// The first and the last day.
fn days(options: &Options, now: Timestamp) -> anyhow::Result<(Date, Date)> {
    if let (Some(from), Some(to)) = (options.from, options.to) {
        return Ok((from, to));
    }
    let last = local_date(now).first_of_month().yesterday()?;
    Ok((last.first_of_month(), last))
}

/// From the first moment of the first day to the first after the last.
fn moments((first, last): (Date, Date), calendar: &Calendar) -> anyhow::Result<(Timestamp, Timestamp)> {
    let begin = |day: Date| calendar.instant(day.to_datetime(Time::midnight()));
    let after = last.checked_add(1.day()).ok().and_then(begin);
    match (begin(first), after) {
        (Some(from), Some(to)) if from < to => Ok((from, to)),
        _ => Err(BadInput(format!("{first} comes after {last}: swap them")).into()),
    }
}

fn for_people(figures: &Figures) -> anyhow::Result<String> {
    let mut out = String::new();
    writeln!(
        out,
        "Promises that fell due from {} to {}, as of {}\n",
        local(figures.from),
        local(figures.to),
        local(figures.as_of)
    )?;
    writeln!(out, "{}\n", tallies(&["CLOCK"], &figures.by_clock, |_| Vec::new()))?;
    writeln!(out, "{}\n", tallies(&["CLOCK", "PLAN"], &figures.by_plan, |tally| vec![tally.plan.clone()]))?;
    writeln!(out, "{}\n", tallies(&["CLOCK", "CUSTOMER"], &figures.by_customer, |tally| vec![tally.customer.clone()]))?;
    let time = |seconds| left(SignedDuration::from_secs(seconds));
    let times = figures.times.iter().map(|times| {
        let all = [times.median_seconds, times.p90_seconds, times.longest_seconds].map(time);
        [vec![times.clock.to_string(), times.count.to_string()], all.to_vec()].concat()
    });
    writeln!(out, "{}", table(&["TIME TAKEN", "COUNT", "MEDIAN", "NINE IN TEN", "LONGEST"], times))?;
    for breach in &figures.breaches {
        let contract = breach.contract.as_deref().unwrap_or("no contract");
        let late = time(breach.late_seconds);
        let outage = if breach.by_outage { ", the desk could not work in time (ours)" } else { "" };
        writeln!(
            out,
            "\nBREACH {} {} ({}, {contract}): {late} late{outage}",
            breach.ticket, breach.clock, breach.plan
        )?;
        breach.timeline.iter().try_for_each(|happened| {
            writeln!(out, "    {}  {}", local(happened.at), super::printable(&happened.what))
        })?;
    }
    if !figures.downtimes.is_empty() {
        let lines = figures
            .downtimes
            .iter()
            .map(|down| vec![local(down.from), local(down.to), time(down.seconds), down.cause.to_string()]);
        writeln!(out, "\n{}", table(&["DESK DOWN FROM", "TO", "FOR", "CAUSE"], lines))?;
    }
    Ok(out)
}

fn tallies(head: &[&str], tallies: &[Tally], of: impl Fn(&Tally) -> Vec<Option<String>>) -> comfy_table::Table {
    let counts = ["PROMISED", "KEPT", "BREACHED", "BY OUTAGE", "WITHHELD", "WITHDRAWN", "OPEN"];
    let lines = tallies.iter().map(|tally| {
        let numbers = [
            tally.promised,
            tally.kept,
            tally.breached,
            tally.breached_by_outage,
            tally.withheld,
            tally.withdrawn,
            tally.open,
        ];
        let names = of(tally).into_iter().map(Option::unwrap_or_default);
        let names = std::iter::once(tally.clock.to_string()).chain(names);
        names.chain(numbers.iter().map(u64::to_string)).collect::<Vec<_>>()
    });
    table(&[head, &counts].concat(), lines)
}
