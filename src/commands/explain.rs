//! `explain`: what the program sees in a mail and would do, and why.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use jiff::Timestamp;
use serde::Serialize;
use tokio::runtime::Runtime;

use super::{BadInput, printable};
use crate::attachments::Reader;
use crate::config::Config;
use crate::contracts::import;
use crate::desk::attachment::{Code, Contents, Format, Problem};
use crate::desk::bounce::Bounce;
use crate::desk::classify::Kind;
use crate::desk::decide::{self};
use crate::desk::decision::Decision;
use crate::desk::entitlement::{self, Entitlement};
use crate::desk::extract::{Candidate, Found, OnFile, Refused};
use crate::desk::facts::Facts;
use crate::desk::language::Language;
use crate::desk::mail::Mail;
use crate::desk::message::{self, Address, Message};
use crate::desk::plan::Plans;
use crate::desk::reading::Reading;
use crate::desk::site::Site;
use crate::desk::thread;
use crate::desk::trust::{Standing, Verification};
use crate::office;
use crate::store::{Question, Store};

/// What to explain, and how.
#[derive(clap::Args)]
pub struct Options {
    /// The mails, as they came over the wire; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    /// The contracts on file, as CSV or XLSX; without it those of the configuration's database
    #[arg(long, value_name = "FILE")]
    contracts: Option<PathBuf>,
    /// The configuration file; without it the built-in desk and rules
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// What `explain --json` prints of one mail. The keys stay as they are.
#[derive(Serialize)]
pub(super) struct Explanation {
    file: String,
    message_id: Option<String>,
    from: Option<Address>,
    subject: String,
    date: Option<jiff::Timestamp>,
    pub(super) kind: Kind,
    kind_rule: String,
    pub(super) language: Language,
    pub(super) text: String,
    pub(super) serials: Vec<Found>,
    pub(super) contracts: Vec<Found>,
    pub(super) nips: Vec<Found>,
    pub(super) missing: Vec<&'static str>,
    entitlement: Option<Entitlement>,
    pub(super) escalation: bool,
    bounce: Option<Bounce>,
    attachments: Vec<File>,
    answer: Answer,
    sender: Option<Standing>,
    problems: Vec<String>,
    /// What may be meant, for people to see.
    #[serde(skip)]
    candidates: Vec<Candidate>,
    #[serde(skip)]
    refused: Vec<Refused>,
}

#[derive(Serialize)]
struct File {
    name: String,
    #[serde(rename = "type")]
    media_type: String,
    size: usize,
    /// How it was read; `None` where it is of no format in which numbers stand.
    format: Option<Format>,
    /// The codes on it.
    codes: Vec<Code>,
    /// Why nothing or not all of it was read.
    problem: Option<Problem>,
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
    let site = office::site(&config)?;
    let mut on_file = contracts(options.contracts.as_deref(), options.config.is_some(), &config, &site.plans)?;
    let reader = Reader::default();
    // Connections to name servers live as long as the runtime in which they were made.
    let verifier = office::verifier(&config)?.map(|verifier| anyhow::Ok((verifier, Runtime::new()?))).transpose()?;
    let mut out = std::io::stdout().lock();
    let mut unreadable = Vec::new();
    for path in &options.files {
        match read(path) {
            Ok(raw) => {
                let verification = verifier.as_ref().map(|(verifier, runtime)| runtime.block_on(verifier.verify(&raw)));
                let explanation = of(
                    &path.to_string_lossy(),
                    &raw,
                    verification.as_ref(),
                    |message| reader.read(message),
                    &mut on_file,
                    &site,
                )?;
                let printed = if options.json { json(&explanation)? } else { explanation.for_people() };
                // A reader that has seen enough closes the pipe.
                if writeln!(out, "{printed}").is_err() {
                    return Ok(ExitCode::SUCCESS);
                }
            }
            Err(error) => unreadable.push(super::told(&error)),
        }
    }
    if unreadable.is_empty() { Ok(ExitCode::SUCCESS) } else { Err(BadInput(unreadable.join("\n")).into()) }
}

/// The contracts on file: those of the list named on the command line; else, with a configuration,
/// those of its database, or before the first start those of the list that it names; else none.
pub(super) fn contracts(
    list: Option<&Path>,
    configured: bool,
    config: &Config,
    plans: &Plans,
) -> anyhow::Result<Store> {
    if let Some(list) = list {
        return import::in_memory(list, plans);
    }
    if configured && Store::exists(&config.state_dir) {
        let mut store = Store::open_to_read(&config.state_dir)?;
        if config.contracts.is_none() || store.read(|store| store.contract_list())?.is_some() {
            return Ok(store);
        }
    }
    config.contracts.as_ref().map_or_else(Store::in_memory, |list| import::in_memory(list, plans))
}

/// The bytes of a mail; `-` is standard input.
pub(super) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
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

/// What the program sees in one mail; `read` tells what stands in its attachments.
///
/// # Errors
/// The contracts on file cannot be asked.
pub(super) fn of(
    file: &str,
    raw: &[u8],
    verification: Option<&Verification>,
    read: impl Fn(&Message) -> Vec<Contents>,
    on_file: &mut Store,
    site: &Site,
) -> anyhow::Result<Explanation> {
    let message = Message::read(raw, &site.limits);
    let contents = read(&message);
    let reading = Reading::of(&message, &contents, site);
    let sender = message.from.as_ref().map(|from| from.address.as_str());
    // A mail out of a file has no time of arrival.
    let sent = message.date.unwrap_or_else(jiff::Timestamp::now);
    let question = Question::new(reading.number_keys(site), sender.as_slice(), sent);
    let facts = Facts { contracts: on_file.read(|store| store.on_file(&question))?, ..Facts::default() };
    let reading = if sender.is_some_and(|sender| facts.names(sender)) { reading.of_named_sender() } else { reading };
    let numbers = reading.numbers(&OnFile::from(&facts.contracts), site);
    let known = decide::known_numbers(&numbers);
    let entitlement = entitlement::of(&facts.contracts, &known, sender, site.calendar.date(sent));
    let missing = reading.missing(&known).into_iter().map(|kind| kind.name()).collect();
    let attachments = message.attachments.iter().zip(contents).map(|(attachment, contents)| {
        let Contents { codes, problem, .. } = contents;
        File {
            name: attachment.name.clone(),
            media_type: attachment.media_type.clone(),
            size: attachment.content.len(),
            format: Format::of(attachment),
            codes,
            problem,
        }
    });
    let decision = decided(&message, raw, verification, &reading, &facts, site, sent);
    Ok(Explanation {
        file: file.to_string(),
        message_id: message.message_id.clone(),
        from: message.from.clone(),
        subject: message.subject.clone(),
        date: message.date,
        kind: reading.verdict.kind,
        kind_rule: reading.verdict.rule.clone(),
        language: reading.language,
        text: reading.now(),
        serials: numbers.serials,
        contracts: numbers.contracts,
        nips: numbers.nips,
        missing,
        entitlement: entitlement.filter(|_| reading.verdict.kind == Kind::Request),
        escalation: reading.escalation.is_some(),
        bounce: reading.bounce.clone(),
        attachments: attachments.collect(),
        answer: Answer { send: decision.answer.0, reason: decision.answer.1 },
        sender: decision.sender,
        problems: message.problems.iter().chain(&numbers.problems).cloned().collect(),
        candidates: numbers.candidates,
        refused: numbers.refused,
    })
}

/// What the desk would do if the mail came now, to a desk that knows no tickets.
fn decided(
    message: &Message,
    raw: &[u8],
    verification: Option<&Verification>,
    reading: &Reading,
    facts: &Facts,
    site: &Site,
    at: Timestamp,
) -> Decision {
    let mail = Mail {
        message: message.clone(),
        raw: raw.to_vec(),
        content_hash: message::content_hash(raw),
        internal_date: at,
        place: String::new(),
        junk: false,
        too_large: None,
        verification: verification.cloned(),
    };
    let keys = thread::keys(&mail, reading, site);
    decide::decide(&mail, reading, &keys, facts, site, at)
}

impl Explanation {
    fn for_people(&self) -> String {
        let mut lines = vec![self.file.clone()];
        let mut line = |name: &str, value: String| {
            lines.push(format!("  {name:<12} {}", printable(&value).replace('\n', "\n               ")))
        };
        let from = self.from.as_ref().map_or("(none)".to_string(), |from| format!("{} <{}>", from.name, from.address));
        line("from", from);
        line("sender", self.sender.as_ref().map_or("(none)".to_string(), Standing::to_string));
        line("subject", self.subject.clone());
        line("date", self.date.map_or("(none)".to_string(), |date| date.to_string()));
        line("kind", format!("{} by rule {}", name_of(&self.kind), self.kind_rule));
        line("language", name_of(&self.language));
        for (name, numbers) in [("serial", &self.serials), ("contract", &self.contracts), ("NIP", &self.nips)] {
            numbers.iter().for_each(|number| line(name, told(number)));
        }
        for candidate in &self.candidates {
            line("perhaps", format!("{} {}", candidate.kind.name(), told(&candidate.number)));
        }
        for refused in &self.refused {
            let Refused { value, place, spot, rule } = refused;
            line("refused", format!("{value} in {place}, {} line {}: {rule}", spot.source, spot.line));
        }
        if !self.missing.is_empty() {
            line("missing", self.missing.join(", "));
        }
        for said in self.entitlement.iter().flat_map(Entitlement::lines) {
            line("entitlement", said);
        }
        if self.escalation {
            line("escalation", "asked for in words".to_string());
        }
        if let Some(bounce) = &self.bounce {
            line("bounce", name_of(bounce));
        }
        for file in &self.attachments {
            let File { name, media_type, size, format, codes, problem } = file;
            let format = format.map_or("not read".to_string(), |format| name_of(&format));
            line("attachment", format!("{name} ({media_type}, {size} bytes): {format}"));
            for Code { symbology, text } in codes {
                line("", format!("{symbology}: {text}"));
            }
            problem.iter().for_each(|problem| line("", problem.to_string()));
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

/// A number with all that speaks for it.
fn told(number: &Found) -> String {
    let Found { value, place, spot, rule, evidence, strength, .. } = number;
    let written = if number.mended.is_some() { format!(" (written {})", number.written) } else { String::new() };
    let on_file = if number.on_file { ", on file" } else { "" };
    let strength = name_of(strength);
    format!("{value}{written} in {place}, {} line {}: {evidence} [{rule}, {strength}]{on_file}", spot.source, spot.line)
}

/// A value as JSON shows it, without quotes around a mere name.
pub(super) fn name_of(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        Ok(other) => other.to_string(),
        Err(error) => error.to_string(),
    }
}
