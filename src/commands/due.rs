//! `due` and `calendar`: what the calendar says, without a ticket.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::order::moment;
use super::{BadInput, table};
use crate::config::Config;
use crate::desk::calendar::{Calendar, Due, WindowName, Year};
use crate::desk::rulebook::Rulebook;
use crate::office;

/// The configuration of an installed desk, whose windows and closing days count where it is there.
const INSTALLED: &str = "/etc/hezo-intake/hezo-intake.toml";

/// Wrong lines of a CSV that are listed.
const FAULTS_MAX: usize = 20;

/// The most hours that are counted: a thousand years.
const MOST_HOURS: f64 = 8_766_000.0;

/// Whose calendar.
#[derive(clap::Args)]
pub struct Source {
    /// The configuration file, for its rules and closing days; without it that of the installed desk, or the built-in rules
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// What is to be worked out.
#[derive(clap::Args)]
pub struct Options {
    #[command(flatten)]
    source: Source,
    /// From when on: 2026-11-20T16:40 (local time) or a full timestamp
    #[arg(required_unless_present = "csv", value_name = "START")]
    start: Option<String>,
    /// In which service window
    #[arg(long, default_value = "8x5")]
    window: String,
    /// How many hours of the window
    #[arg(long, value_name = "HOURS", conflicts_with_all = ["next_business_day", "return_of_device"])]
    hours: Option<String>,
    /// The close of the next business day
    #[arg(long, conflicts_with = "return_of_device")]
    next_business_day: bool,
    /// The end of the last day on which a faulty device may be sent back
    #[arg(long)]
    return_of_device: bool,
    /// Fill in `due_utc` for a CSV on standard input with the columns kind,window,start_utc,hours,due_utc; kind is window,
    /// nbd or return7
    #[arg(long, conflicts_with_all = ["start", "hours", "next_business_day", "return_of_device"])]
    csv: bool,
    /// One JSON object
    #[arg(long, conflicts_with = "csv")]
    json: bool,
}

/// Which year.
#[derive(clap::Args)]
pub struct CalendarOptions {
    #[command(flatten)]
    source: Source,
    /// The year
    year: i16,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

impl Source {
    fn calendar(&self) -> anyhow::Result<Calendar> {
        let installed = PathBuf::from(INSTALLED);
        let path = self.config.clone().or(Some(installed).filter(|path| path.exists()));
        let config = path.map(|path| Config::load(&path)).transpose()?;
        let sources = office::rule_sources(config.as_ref().and_then(|config| config.rules_dir.as_deref()))?;
        let closing_days = config.map(|config| config.closing_days).unwrap_or_default();
        let compiled = Rulebook::compile(&sources, &closing_days);
        let rulebook = compiled.map_err(|faults| {
            let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
            BadInput(lines.join("\n"))
        })?;
        Ok(rulebook.calendar)
    }
}

/// Works a due time out and explains it, or fills in a CSV.
///
/// # Errors
/// A value that is none, a window that is not there, every wrong line of the CSV.
pub fn due(options: &Options) -> anyhow::Result<ExitCode> {
    let calendar = options.source.calendar()?;
    if options.csv {
        return fill_in(&calendar);
    }
    let start = moment(options.start.as_deref().unwrap_or_default(), &calendar)?;
    let due = worked_out(options, start, &calendar)?;
    if options.json {
        println!("{}", json!({ "start": start, "due": due.at, "steps": due.steps }));
    } else {
        due.steps.iter().for_each(|step| println!("{step}"));
        println!("= {}", due.at);
    }
    Ok(ExitCode::SUCCESS)
}

fn worked_out(options: &Options, start: Timestamp, calendar: &Calendar) -> anyhow::Result<Due> {
    if options.next_business_day {
        return Ok(calendar.business_days_close(start, 1, None));
    }
    if options.return_of_device {
        let at = calendar.return_due(start);
        let start = format!("start {}", calendar.moment(start));
        let days = format!("the end of local day {} after that", calendar.return_days());
        return Ok(Due { at, steps: vec![start, days, format!("due {}", calendar.moment(at))] });
    }
    let window = window(&options.window, calendar).map_err(BadInput)?;
    let hours =
        options.hours.as_deref().context("say how much: --hours 1, --next-business-day or --return-of-device")?;
    Ok(calendar.due(start, amount(hours).map_err(BadInput)?, &window))
}

fn window(name: &str, calendar: &Calendar) -> Result<WindowName, String> {
    let window = WindowName::new(name);
    let known: Vec<&str> = calendar.windows().map(WindowName::as_str).collect();
    let message = format!("there is no window `{name}`; there are {}", known.join(", "));
    calendar.serves(&window).then_some(window).ok_or(message)
}

/// Reads hours, `0.5` or `1`, to the second.
fn amount(hours: &str) -> Result<SignedDuration, String> {
    let read = hours.trim().parse::<f64>().ok().filter(|hours| (0.0..=MOST_HOURS).contains(hours));
    let seconds = read.map(|hours| (hours * 3600.0).round() as i64);
    seconds.map(SignedDuration::from_secs).ok_or_else(|| format!("`{hours}` is no number of hours; write 1 or 0.5"))
}

/// Fills in the column `due_utc`. Nothing is written where a line is wrong.
fn fill_in(calendar: &Calendar) -> anyhow::Result<ExitCode> {
    let mut text = String::new();
    std::io::stdin().lock().read_to_string(&mut text).context("cannot read standard input as UTF-8")?;
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let mut head = reader.headers().context("cannot read the head of the CSV")?.clone();
    let column = |name: &str| head.iter().position(|column| column.trim() == name);
    let columns = ["kind", "window", "start_utc", "hours"].map(|name| column(name).ok_or(name));
    let [kind, window, start, hours] = match columns {
        [Ok(kind), Ok(window), Ok(start), Ok(hours)] => [kind, window, start, hours],
        missing => {
            let missing: Vec<&str> = missing.into_iter().filter_map(Result::err).collect();
            return Err(
                BadInput(format!("standard input: line 1: the column {} is missing", missing.join(", "))).into()
            );
        }
    };
    let due_column = column("due_utc").unwrap_or(head.len());
    if due_column == head.len() {
        head.push_field("due_utc");
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&head)?;
    let mut faults = Vec::new();
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                faults.push(format!("standard input: {error}"));
                continue;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        let field = |column: usize| record.get(column).unwrap_or_default().trim();
        match case(calendar, field(kind), field(window), field(start), field(hours)) {
            Ok(due) => {
                let mut fields: Vec<String> = record.iter().map(str::to_string).collect();
                fields.resize(head.len(), String::new());
                if let Some(cell) = fields.get_mut(due_column) {
                    *cell = due.to_string();
                }
                writer.write_record(&fields)?;
            }
            Err(message) => faults.push(format!("standard input: line {line}: {message}")),
        }
    }
    if !faults.is_empty() {
        let more = faults.len().saturating_sub(FAULTS_MAX);
        faults.truncate(FAULTS_MAX);
        faults.extend((more > 0).then(|| format!("standard input: {more} more wrong lines")));
        return Err(BadInput(faults.join("\n")).into());
    }
    // A reader that has seen enough closes the pipe.
    let _ = std::io::stdout().lock().write_all(&writer.into_inner()?);
    Ok(ExitCode::SUCCESS)
}

fn case(calendar: &Calendar, kind: &str, name: &str, start: &str, hours: &str) -> Result<Timestamp, String> {
    let start: Timestamp = start.parse().map_err(|_| format!("`{start}` is no time such as 2026-11-20T15:40:00Z"))?;
    match kind {
        "window" => Ok(calendar.due(start, amount(hours)?, &window(name, calendar)?).at),
        "nbd" => Ok(calendar.next_business_day_close(start)),
        "return7" => Ok(calendar.return_due(start)),
        other => Err(format!("there is no kind `{other}`; there are window, nbd and return7")),
    }
}

/// Prints the windows and the days off of a year.
///
/// # Errors
/// No date has this year, or the rules are wrong.
pub fn calendar(options: &CalendarOptions) -> anyhow::Result<ExitCode> {
    let calendar = options.source.calendar()?;
    let year = calendar.year_of(options.year).ok_or_else(|| BadInput(format!("there is no year {}", options.year)))?;
    if options.json {
        println!("{}", serde_json::to_string(&year)?);
    } else {
        for_people(&year);
    }
    Ok(ExitCode::SUCCESS)
}

fn for_people(year: &Year) {
    println!("{}, local time of {}, calendar {}", year.year, year.zone, year.version);
    println!("{} business days (the days of {})\n", year.business_days, year.business_window);
    let windows = year.windows.iter().map(|window| {
        let holidays = if window.open_on_holidays { "open" } else { "closed" };
        vec![window.window.to_string(), window.hours.join("; "), holidays.to_string(), window.open_hours.to_string()]
    });
    println!("{}\n", table(&["WINDOW", "HOURS", "HOLIDAYS", "HOURS OPEN"], windows));
    let days = year.days_off.iter().map(|day| {
        let closes = if day.closes { "" } else { "no business day anyway" };
        vec![day.date.to_string(), day.weekday.to_string(), day.name.clone(), closes.to_string()]
    });
    println!("{}\n", table(&["DAY OFF", "", "NAME", ""], days));
    let changes = year.clock_changes.iter().map(|change| vec![change.local.clone()]);
    println!("{}", table(&["CLOCK CHANGES TO"], changes));
}
