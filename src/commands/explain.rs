//! `explain`: what the program sees in a mail and would do, and why.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use serde::Serialize;

use super::{BadInput, printable};
use crate::config::Config;
use crate::desk::bounce::Bounce;
use crate::desk::classify::Kind;
use crate::desk::contract::Contract;
use crate::desk::decide;
use crate::desk::entitlement;
use crate::desk::extract::{Found, OnFile, Refused};
use crate::desk::language::Language;
use crate::desk::message::{Address, Message};
use crate::desk::reading::Reading;
use crate::desk::site::Site;
use crate::office;

/// What to explain, and how.
#[derive(clap::Args)]
pub struct Options {
    /// The mails, as they came over the wire; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    /// The contracts on file, as CSV
    #[arg(long, value_name = "FILE")]
    contracts: Option<PathBuf>,
    /// The configuration file; without it the built-in desk and rules
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// What `explain --json` prints of one mail. The keys stay as they are.
#[derive(Serialize)]
struct Explanation {
    file: String,
    message_id: Option<String>,
    from: Option<Address>,
    subject: String,
    date: Option<jiff::Timestamp>,
    kind: Kind,
    kind_rule: String,
    language: Language,
    text: String,
    serials: Vec<Number>,
    contracts: Vec<Number>,
    nips: Vec<Number>,
    missing: Vec<&'static str>,
    escalation: bool,
    bounce: Option<Bounce>,
    attachments: Vec<File>,
    answer: Answer,
    problems: Vec<String>,
    #[serde(skip)]
    refused: Vec<Refused>,
}

#[derive(Serialize)]
struct Number {
    value: String,
    place: crate::desk::extract::Place,
    rule: String,
    evidence: String,
    on_file: bool,
}

#[derive(Serialize)]
struct File {
    name: String,
    #[serde(rename = "type")]
    media_type: String,
    size: usize,
}

#[derive(Serialize)]
struct Answer {
    send: bool,
    reason: String,
}

/// Explains each file. A file that cannot be read is named, the others are explained all the same.
///
/// # Errors
/// The contracts, the configuration or a file cannot be read.
pub fn explain(options: &Options) -> anyhow::Result<ExitCode> {
    let config = match &options.config {
        Some(path) => Config::load(path)?,
        None => Config::embedded(Path::new("")),
    };
    let contracts = options.contracts.as_ref().or(config.contracts.as_ref());
    let contracts =
        contracts.map(|path| office::contracts(path)).transpose().map_err(|error| BadInput(format!("{error:#}")))?;
    let site = office::site(&config)?;
    let mut out = std::io::stdout().lock();
    let mut unreadable = Vec::new();
    for path in &options.files {
        match read(path) {
            Ok(raw) => {
                let explanation = of(&path.to_string_lossy(), &raw, contracts.as_deref().unwrap_or_default(), &site);
                let printed = if options.json { json(&explanation)? } else { explanation.for_people() };
                // A reader that has seen enough closes the pipe.
                if writeln!(out, "{printed}").is_err() {
                    return Ok(ExitCode::SUCCESS);
                }
            }
            Err(error) => unreadable.push(format!("{error:#}")),
        }
    }
    if unreadable.is_empty() { Ok(ExitCode::SUCCESS) } else { Err(BadInput(unreadable.join("\n")).into()) }
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut raw = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().lock().read_to_end(&mut raw).context("cannot read standard input")?;
    } else {
        raw = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    }
    Ok(raw)
}

fn json(explanation: &Explanation) -> anyhow::Result<String> {
    Ok(serde_json::to_string(explanation)?)
}

fn of(file: &str, raw: &[u8], contracts: &[Contract], site: &Site) -> Explanation {
    let message = Message::parse(raw);
    let reading = Reading::of(&message, site);
    let sender = message.from.as_ref().map(|from| from.address.as_str());
    let keys = reading.number_keys(&message, site);
    let matching = entitlement::matching(contracts, &keys, sender);
    let named = sender.is_some_and(|sender| matching.iter().any(|contract| entitlement::names(contract, sender)));
    let reading = if named { reading.of_named_sender() } else { reading };
    let on_file = OnFile::from(&matching);
    let numbers = reading.numbers(&message, &on_file, site);
    let known = decide::known_numbers(&numbers);
    let missing = reading.missing(&known).into_iter().map(|kind| kind.name()).collect();
    let list = |found: &[Found]| found.iter().map(Number::of).collect();
    let attachments = message.attachments.iter().map(|attachment| File {
        name: attachment.name.clone(),
        media_type: attachment.media_type.clone(),
        size: attachment.content.len(),
    });
    let answer = &reading.verdict.answer;
    Explanation {
        file: file.to_string(),
        message_id: message.message_id.clone(),
        from: message.from.clone(),
        subject: message.subject.clone(),
        date: message.date,
        kind: reading.verdict.kind,
        kind_rule: reading.verdict.rule.clone(),
        language: reading.language,
        text: reading.now(),
        serials: list(&numbers.serials),
        contracts: list(&numbers.contracts),
        nips: list(&numbers.nips),
        missing,
        escalation: reading.escalation.is_some(),
        bounce: reading.bounce.clone(),
        attachments: attachments.collect(),
        answer: Answer { send: answer.send, reason: answer.rule.clone() },
        problems: message.problems.clone(),
        refused: numbers.refused,
    }
}

impl Number {
    fn of(found: &Found) -> Number {
        Number {
            value: found.value.clone(),
            place: found.place,
            rule: found.rule.clone(),
            evidence: found.evidence.clone(),
            on_file: found.on_file,
        }
    }
}

impl Explanation {
    fn for_people(&self) -> String {
        let mut lines = vec![self.file.clone()];
        let mut line = |name: &str, value: String| {
            lines.push(format!("  {name:<12} {}", printable(&value).replace('\n', "\n               ")))
        };
        let from = self.from.as_ref().map_or("(none)".to_string(), |from| format!("{} <{}>", from.name, from.address));
        line("from", from);
        line("subject", self.subject.clone());
        line("date", self.date.map_or("(none)".to_string(), |date| date.to_string()));
        line("kind", format!("{} by rule {}", name_of(&self.kind), self.kind_rule));
        line("language", name_of(&self.language));
        for (name, numbers) in [("serial", &self.serials), ("contract", &self.contracts), ("NIP", &self.nips)] {
            for number in numbers {
                let on_file = if number.on_file { ", on file" } else { "" };
                line(
                    name,
                    format!(
                        "{} in {}: {} [{}]{on_file}",
                        number.value,
                        name_of(&number.place),
                        number.evidence,
                        number.rule
                    ),
                );
            }
        }
        for refused in &self.refused {
            line("refused", format!("{} in {}: {}", refused.value, name_of(&refused.place), refused.rule));
        }
        if !self.missing.is_empty() {
            line("missing", self.missing.join(", "));
        }
        if self.escalation {
            line("escalation", "asked for in words".to_string());
        }
        if let Some(bounce) = &self.bounce {
            line("bounce", name_of(bounce));
        }
        for file in &self.attachments {
            line("attachment", format!("{} ({}, {} bytes)", file.name, file.media_type, file.size));
        }
        line(
            "answer",
            format!(
                "{}, because of {}",
                if self.answer.send { "acknowledged" } else { "not acknowledged" },
                self.answer.reason
            ),
        );
        for problem in &self.problems {
            line("problem", problem.clone());
        }
        line("written now", self.text.clone());
        lines.push(String::new());
        lines.join("\n")
    }
}

/// A value as JSON shows it, without quotes around a mere name.
fn name_of(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        Ok(other) => other.to_string(),
        Err(error) => error.to_string(),
    }
}
