//! `contracts`: the contracts on file, and new versions of the list.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use jiff::Timestamp;
use serde_json::json;

use super::{BadInput, local, local_date, moment, printable, table};
use crate::config::Config;
use crate::contracts;
use crate::contracts::import::{Difference, Outcome};
use crate::desk::contract::{Contract, Standing, normalise};
use crate::log;
use crate::office;
use crate::store::{Counts, ListVersion, Store, Work};

/// What to import.
#[derive(clap::Args)]
pub struct ImportOptions {
    /// The whole list, as CSV or XLSX: what is not in it is on file no more
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Change nothing; say what an import would change, field by field
    #[arg(long)]
    dry_run: bool,
    /// One JSON object; with --dry-run one for each contract that differs, then one for the counts
    #[arg(long)]
    json: bool,
    /// For tests: import as of this moment instead of the present one
    #[arg(long, value_name = "TIME", hide = true)]
    now: Option<Timestamp>,
}

/// Which contracts to list.
#[derive(clap::Args)]
pub struct ListOptions {
    /// As the list stood at this moment: 2026-04-30T12:00 (in Warsaw), or with Z or an offset
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    /// The most contracts to list
    #[arg(long, default_value_t = 100)]
    most: usize,
}

/// Which contract to show.
#[derive(clap::Args)]
pub struct ShowOptions {
    /// The contract number
    number: String,
    /// As the list stood at this moment: 2026-04-30T12:00 (in Warsaw), or with Z or an offset
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// Puts a list on file, or says what that would change.
///
/// # Errors
/// Every bad line of the list; the database cannot be read or written.
pub fn import(config: &Config, options: &ImportOptions) -> anyhow::Result<ExitCode> {
    let ImportOptions { file, dry_run, json, now } = options;
    log::start(config.operations.log);
    if *dry_run {
        return compare(config, file, *json);
    }
    let now = now.unwrap_or_else(Timestamp::now);
    let outcome = contracts::import::import(&config.state_dir, file, &office::plans(config)?, now)?;
    if *json {
        let (list, imported) = match &outcome {
            Outcome::Imported(list) => (list, true),
            Outcome::Known(list) => (list, false),
        };
        let mut line = serde_json::to_value(list)?;
        line["imported"] = imported.into();
        println!("{line}");
        return Ok(ExitCode::SUCCESS);
    }
    match &outcome {
        Outcome::Imported(list) => println!("version {}: {}", list.version, in_words(&list.counts)),
        Outcome::Known(list) => {
            println!("this very file is on file as version {}, imported {}", list.version, local(list.imported_at));
        }
    }
    if let Some(named) = config.contracts.as_ref().filter(|named| *named != file) {
        println!(
            "note: the configuration names {}, which the service imports again at its next start and when it changes",
            named.display()
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn compare(config: &Config, file: &Path, as_json: bool) -> anyhow::Result<ExitCode> {
    let plans = office::plans(config)?;
    let mut out = std::io::stdout().lock();
    let counts = contracts::import::compare(&config.state_dir, file, &plans, &mut |difference| {
        let told = if as_json { as_value(&difference).to_string() } else { for_people(&difference) };
        Ok(writeln!(out, "{told}")?)
    });
    let Some(counts) = unless_closed(counts)? else { return Ok(ExitCode::SUCCESS) };
    if as_json {
        println!("{}", serde_json::to_string(&counts)?);
    } else {
        println!("an import would change: {}", in_words(&counts));
    }
    Ok(ExitCode::SUCCESS)
}

/// `None` where a reader that has seen enough has closed the pipe: no failure.
fn unless_closed<T>(done: anyhow::Result<T>) -> anyhow::Result<Option<T>> {
    let closed = |error: &std::io::Error| error.kind() == std::io::ErrorKind::BrokenPipe;
    match done {
        Err(error) if error.downcast_ref().is_some_and(closed) => Ok(None),
        done => done.map(Some),
    }
}

fn in_words(counts: &Counts) -> String {
    let Counts { added, changed, gone, unchanged } = counts;
    format!("{added} added, {changed} changed, {gone} gone, {unchanged} as they were")
}

fn as_value(difference: &Difference) -> serde_json::Value {
    match difference {
        Difference::Added(contract) => json!({ "difference": "added", "contract": contract.number, "now": contract }),
        Difference::Changed(contract, changes) => {
            json!({ "difference": "changed", "contract": contract.number, "changes": changes })
        }
        Difference::Gone(contract) => json!({ "difference": "gone", "contract": contract.number, "was": contract }),
    }
}

fn for_people(difference: &Difference) -> String {
    let terms = |contract: &Contract| {
        let Contract { plan, window, delivery, valid_from, valid_to, .. } = contract;
        let (serials, senders) = (contract.serials.len(), contract.senders.len());
        format!("{plan} {window} {delivery}, {valid_from} to {valid_to}, {serials} serials, {senders} senders")
    };
    let mut lines = match difference {
        Difference::Added(contract) => vec![format!("added    {}: {}", contract.number, terms(contract))],
        Difference::Gone(contract) => vec![format!("gone     {}: {}", contract.number, terms(contract))],
        Difference::Changed(contract, _) => vec![format!("changed  {}", contract.number)],
    };
    if let Difference::Changed(_, changes) = difference {
        lines.extend(changes.iter().map(|change| {
            let (before, after) = (change.before.join("; "), change.after.join("; "));
            match change.column {
                "serials" | "senders" => {
                    let gone = (!before.is_empty()).then(|| format!("without {before}"));
                    let new = (!after.is_empty()).then(|| format!("with {after}"));
                    let both: Vec<String> = gone.into_iter().chain(new).collect();
                    format!("         {}: {}", change.column, both.join(", "))
                }
                column => format!("         {column}: {before} → {after}"),
            }
        }));
    }
    printable(&lines.join("\n"))
}

/// Lists the contracts on file, by number.
///
/// # Errors
/// The time is none; nothing was on file then; the database cannot be read.
pub fn list(config: &Config, options: &ListOptions) -> anyhow::Result<ExitCode> {
    let at = options.at.as_deref().map(moment).transpose()?;
    let day = local_date(at.unwrap_or_else(Timestamp::now));
    let mut lines = Vec::new();
    let mut out = std::io::stdout().lock();
    let listed = Store::open_to_read(&config.state_dir)?.read(|store| {
        let list = version(store, at)?;
        store.contracts(list.version, options.most, |contract| {
            let standing = standing(contract.standing(day));
            if options.json {
                writeln!(out, "{}", with(&contract, &[("standing", json!(standing))])?)?;
            } else {
                lines.push(cells(&contract, standing));
            }
            Ok(())
        })?;
        let count = store.contract_count(list.version)?;
        Ok((list, count))
    });
    let Some((list, count)) = unless_closed(listed)?.filter(|_| !options.json) else { return Ok(ExitCode::SUCCESS) };
    let head =
        ["CONTRACT", "CUSTOMER", "NIP", "PLAN", "WINDOW", "DELIVERY", "FROM", "TO", "STANDING", "SERIALS", "SENDERS"];
    let shown = lines.len();
    writeln!(out, "{}", table(&head, lines))?;
    writeln!(out, "{shown} of {count} contracts of version {}, imported {}", list.version, local(list.imported_at))?;
    Ok(ExitCode::SUCCESS)
}

fn cells(contract: &Contract, standing: &str) -> Vec<String> {
    vec![
        contract.number.clone(),
        contract.customer.clone(),
        contract.nip.clone(),
        contract.plan.to_string(),
        contract.window.to_string(),
        contract.delivery.to_string(),
        contract.valid_from.to_string(),
        contract.valid_to.to_string(),
        standing.to_string(),
        contract.serials.len().to_string(),
        contract.senders.join(" "),
    ]
}

/// Shows one contract with everything that belongs to it, and in which versions it changed.
///
/// # Errors
/// No contract of this number was on file then; the time is none; the database cannot be read.
pub fn show(config: &Config, options: &ShowOptions) -> anyhow::Result<ExitCode> {
    let at = options.at.as_deref().map(moment).transpose()?;
    let day = local_date(at.unwrap_or_else(Timestamp::now));
    let (list, contract, history) = Store::open_to_read(&config.state_dir)?.read(|store| {
        let list = version(store, at)?;
        let contract = find(store, &options.number, &list)?;
        let history = store.contract_history(&contract.number)?;
        Ok((list, contract, history))
    })?;
    let standing = standing(contract.standing(day));
    if options.json {
        let turn = |(list, on_file): &(ListVersion, bool)| json!({ "version": list.version, "imported_at": list.imported_at, "on_file": on_file });
        let history: Vec<_> = history.iter().map(turn).collect();
        let more = [("standing", json!(standing)), ("version", json!(list.version)), ("history", json!(history))];
        println!("{}", with(&contract, &more)?);
        return Ok(ExitCode::SUCCESS);
    }
    println!("{}  {} {} {}", contract.number, contract.plan, contract.window, contract.delivery);
    println!("customer  {}, NIP {}", printable(&contract.customer), contract.nip);
    println!("valid     {} to {}: {standing} on {day}", contract.valid_from, contract.valid_to);
    println!("serials   {}", printable(&contract.serials.join("; ")));
    println!("senders   {}", printable(&contract.senders.join("; ")));
    println!("list      version {}, imported {}", list.version, local(list.imported_at));
    for (list, on_file) in history {
        let what = if on_file { "so since" } else { "gone since" };
        println!("          {what} version {}, imported {}", list.version, local(list.imported_at));
    }
    Ok(ExitCode::SUCCESS)
}

/// The contract of this number, or the only one that looks like it.
fn find(store: &Work, number: &str, list: &ListVersion) -> anyhow::Result<Contract> {
    let number = normalise(number);
    if let Some((_, contract)) = store.contract(&number, list.version)? {
        return Ok(contract);
    }
    let alike = store.contracts_alike(&number, list.version)?;
    if let [only] = alike.as_slice()
        && let Some((_, contract)) = store.contract(only, list.version)?
    {
        return Ok(contract);
    }
    let hint = if alike.is_empty() {
        "; `hezo-intake contracts list` names them all".to_string()
    } else {
        format!("; these look like it: {}", alike.join(", "))
    };
    let version = list.version;
    Err(BadInput(format!("no contract {} is on file in version {version} of the list{hint}", printable(&number)))
        .into())
}

/// The version of the list at a moment, or the newest.
fn version(store: &Work, at: Option<Timestamp>) -> anyhow::Result<ListVersion> {
    let list = store.contract_list_at(at.unwrap_or(Timestamp::MAX))?;
    list.ok_or_else(|| {
        let when = at.map(|at| format!(" at {}", local(at))).unwrap_or_default();
        BadInput(format!("no list of contracts was on file{when}: `hezo-intake contracts import FILE` puts one there"))
            .into()
    })
}

fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Active => "active",
        Standing::Expired => "expired",
        Standing::NotYetValid => "not yet valid",
    }
}

/// A contract as JSON, with more keys.
fn with(contract: &Contract, more: &[(&str, serde_json::Value)]) -> anyhow::Result<serde_json::Value> {
    let mut value = serde_json::to_value(contract)?;
    for (key, more) in more {
        value[*key] = more.clone();
    }
    Ok(value)
}
