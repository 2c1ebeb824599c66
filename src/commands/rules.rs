//! `rules`: the tests inside the rule files, a new pattern tried on mails, and the present rules
//! run over the mails of the past.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;

use super::explain::read;
use super::{BadInput, check, printable, score, table};
use crate::attachments::Reader;
use crate::config::Config;
use crate::desk::extract::{Attempt, Hit};
use crate::desk::message::Message;
use crate::desk::reading::Reading;
use crate::office;

mod replay;

pub use replay::{ReplayOptions, replay};

/// Which rules to test, and on what.
#[derive(clap::Args)]
pub struct TestOptions {
    /// Labelled mails too: a folder with `expected.jsonl`, `mails/` and, if there is a list, `contracts.csv`
    #[arg(long, value_name = "DIR")]
    mails: Option<PathBuf>,
    /// The configuration file; without it the built-in rules
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// One JSON object for each fault, and one for each set of mails
    #[arg(long)]
    json: bool,
}

/// Which pattern to try, and on what.
#[derive(clap::Args)]
pub struct TryOptions {
    /// A regular expression as it would stand in a rule: small letters, no diacritics
    #[arg(value_name = "PATTERN")]
    pattern: String,
    /// The mails, as they came over the wire; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The configuration file; without it the built-in desk and rules
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// One JSON object for each stretch
    #[arg(long)]
    json: bool,
}

/// A stretch of a file, as JSON.
#[derive(Serialize)]
struct HitInFile<'a> {
    file: String,
    #[serde(flatten)]
    hit: &'a Hit,
}

/// Runs the tests that stand in the rule files, and measures the rules on labelled mails.
///
/// # Errors
/// Every rule that cannot be used and every test that fails, with file and line; every figure that
/// is below its bar.
pub fn test(options: &TestOptions) -> anyhow::Result<ExitCode> {
    let config = options.config.as_deref().map(Config::load).transpose()?;
    let sources = office::rule_sources(config.as_ref().and_then(|config| config.rules_dir.as_deref()))?;
    let mut faults = match check::tested_rules(&sources, config.as_ref()) {
        Ok((_, failures)) => failures,
        Err(faults) => faults,
    };
    if options.json {
        faults.iter().for_each(|fault| println!("{}", serde_json::json!({ "fault": fault })));
    }
    if faults.is_empty()
        && let Some(folder) = &options.mails
    {
        let config = config.unwrap_or_else(|| Config::embedded(Path::new("")));
        let site = office::site(&config)?;
        let labels = score::labels(folder)?;
        for set in score::sets(folder, &labels, &Reader::default(), &site)? {
            match options.json {
                true => println!("{}", serde_json::json!({ "set": set.name, "score": set.score })),
                false => println!("{}: {}\n", set.name, set.score.for_people()),
            }
            faults.extend(set.below());
        }
    }
    if faults.is_empty() {
        if !options.json {
            println!("every rule passes its tests");
        }
        return Ok(ExitCode::SUCCESS);
    }
    Err(BadInput(faults.join("\n")).into())
}

/// Shows what a new pattern would find in these mails, and what is known of each stretch now.
///
/// # Errors
/// The pattern or the configuration cannot be used, or a file cannot be read.
pub fn attempt(options: &TryOptions) -> anyhow::Result<ExitCode> {
    let attempt = Attempt::new(&options.pattern)
        .map_err(|message| BadInput(format!("the pattern `{}` cannot be used: {message}", options.pattern)))?;
    let config = match &options.config {
        Some(path) => Config::load(path)?,
        None => Config::embedded(Path::new("")),
    };
    let site = office::site(&config)?;
    let reader = Reader::default();
    let mut out = std::io::stdout().lock();
    let mut unreadable = Vec::new();
    let mut lines = Vec::new();
    for path in &options.files {
        let raw = match read(path) {
            Ok(raw) => raw,
            Err(error) => {
                unreadable.push(format!("{error:#}"));
                continue;
            }
        };
        let message = Message::parse(&raw);
        let reading = Reading::of(&message, &reader.read(&message), &site);
        let file = path.to_string_lossy().into_owned();
        for hit in attempt.find(&reading.pages, &site.rules.numbers) {
            if options.json {
                let line = serde_json::to_string(&HitInFile { file: file.clone(), hit: &hit })?;
                // A reader that has seen enough closes the pipe.
                if writeln!(out, "{line}").is_err() {
                    return Ok(ExitCode::SUCCESS);
                }
            } else {
                lines.push(cells(&file, &hit));
            }
        }
    }
    if !options.json {
        let found = lines.len();
        if found > 0 {
            let _ = writeln!(out, "{}", table(&["FILE", "PLACE", "LINE", "WRITTEN", "NOW", "IN"], lines));
        }
        let _ = writeln!(out, "{found} found in {} mails", options.files.len() - unreadable.len());
    }
    if unreadable.is_empty() { Ok(ExitCode::SUCCESS) } else { Err(BadInput(unreadable.join("\n")).into()) }
}

fn cells(file: &str, hit: &Hit) -> Vec<String> {
    let context: String = printable(&hit.context).chars().take(70).collect();
    let place = format!("{}, {}", hit.place, hit.spot.source);
    let now = hit.now.clone().unwrap_or_else(|| "nothing".to_string());
    vec![file.to_string(), place, hit.spot.line.to_string(), hit.written.clone(), now, context]
}
