//! The files of `rules/`: compiled into the binary, replaced file by file from a site's folder,
//! and refused with file and rule id where one is wrong.

pub(crate) mod automaton;
pub(crate) mod pattern;
pub(crate) mod role;

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

/// Something wrong with a rule file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("rules/{file}{}: {message}", rule.as_ref().map(|id| format!(" [{id}]")).unwrap_or_default())]
pub struct RuleFault {
    /// The file's name.
    pub file: String,
    /// The rule, where the fault is in one.
    pub rule: Option<String>,
    /// What is wrong and what to do.
    pub message: String,
}

/// The texts of all rule files, by name (`serial.toml`, `templates/ack.pl.txt`).
#[derive(Clone, Debug)]
pub struct Sources(BTreeMap<String, String>);

/// The files that the binary carries.
const BUILT_IN: &[(&str, &str)] = &[
    ("between.toml", include_str!("../../rules/between.toml")),
    ("bounces.toml", include_str!("../../rules/bounces.toml")),
    ("contract.toml", include_str!("../../rules/contract.toml")),
    ("executables.toml", include_str!("../../rules/executables.toml")),
    ("decoys.toml", include_str!("../../rules/decoys.toml")),
    ("escalation.toml", include_str!("../../rules/escalation.toml")),
    ("orders.toml", include_str!("../../rules/orders.toml")),
    ("plans.toml", include_str!("../../rules/plans.toml")),
    ("quotes.toml", include_str!("../../rules/quotes.toml")),
    ("robots.toml", include_str!("../../rules/robots.toml")),
    ("routing.toml", include_str!("../../rules/routing.toml")),
    ("serial.toml", include_str!("../../rules/serial.toml")),
    ("tax.toml", include_str!("../../rules/tax.toml")),
    ("telephone.toml", include_str!("../../rules/telephone.toml")),
    ("templates/absent.txt", include_str!("../../rules/templates/absent.txt")),
    ("templates/ack.en.html", include_str!("../../rules/templates/ack.en.html")),
    ("templates/ack.en.txt", include_str!("../../rules/templates/ack.en.txt")),
    ("templates/ack.pl.html", include_str!("../../rules/templates/ack.pl.html")),
    ("templates/ack.pl.txt", include_str!("../../rules/templates/ack.pl.txt")),
    ("templates/acknowledgement-late.txt", include_str!("../../rules/templates/acknowledgement-late.txt")),
    ("templates/alert.txt", include_str!("../../rules/templates/alert.txt")),
    ("templates/copy.txt", include_str!("../../rules/templates/copy.txt")),
    ("templates/crossed.txt", include_str!("../../rules/templates/crossed.txt")),
    ("templates/entitlement.inc", include_str!("../../rules/templates/entitlement.inc")),
    ("templates/digest.txt", include_str!("../../rules/templates/digest.txt")),
    ("templates/done.txt", include_str!("../../rules/templates/done.txt")),
    ("templates/links.inc", include_str!("../../rules/templates/links.inc")),
    ("templates/missing.inc", include_str!("../../rules/templates/missing.inc")),
    ("templates/not-done.txt", include_str!("../../rules/templates/not-done.txt")),
    ("templates/state.inc", include_str!("../../rules/templates/state.inc")),
    ("templates/why.inc", include_str!("../../rules/templates/why.inc")),
    ("templates/escalation-second-level.txt", include_str!("../../rules/templates/escalation-second-level.txt")),
    ("templates/escalation.txt", include_str!("../../rules/templates/escalation.txt")),
    ("templates/facts.inc", include_str!("../../rules/templates/facts.inc")),
    ("templates/gathered.en.html", include_str!("../../rules/templates/gathered.en.html")),
    ("templates/gathered.en.txt", include_str!("../../rules/templates/gathered.en.txt")),
    ("templates/gathered.pl.html", include_str!("../../rules/templates/gathered.pl.html")),
    ("templates/gathered.pl.txt", include_str!("../../rules/templates/gathered.pl.txt")),
    ("templates/late.inc", include_str!("../../rules/templates/late.inc")),
    ("templates/notice.txt", include_str!("../../rules/templates/notice.txt")),
    ("templates/outage-begins.txt", include_str!("../../rules/templates/outage-begins.txt")),
    ("templates/outage-ends.txt", include_str!("../../rules/templates/outage-ends.txt")),
    ("templates/parked-overdue.txt", include_str!("../../rules/templates/parked-overdue.txt")),
    ("templates/parked.txt", include_str!("../../rules/templates/parked.txt")),
    ("templates/relay.en.html", include_str!("../../rules/templates/relay.en.html")),
    ("templates/relay.en.txt", include_str!("../../rules/templates/relay.en.txt")),
    ("templates/relay.pl.html", include_str!("../../rules/templates/relay.pl.html")),
    ("templates/relay.pl.txt", include_str!("../../rules/templates/relay.pl.txt")),
    ("templates/sender.inc", include_str!("../../rules/templates/sender.inc")),
    ("templates/storm.txt", include_str!("../../rules/templates/storm.txt")),
    ("templates/reminder-phones.txt", include_str!("../../rules/templates/reminder-phones.txt")),
    ("templates/reminder.txt", include_str!("../../rules/templates/reminder.txt")),
    ("templates/return-reminder.en.txt", include_str!("../../rules/templates/return-reminder.en.txt")),
    ("templates/return-reminder.pl.txt", include_str!("../../rules/templates/return-reminder.pl.txt")),
    ("templates/taken-over.txt", include_str!("../../rules/templates/taken-over.txt")),
    ("templates/telephones.inc", include_str!("../../rules/templates/telephones.inc")),
    ("templates/undelivered.txt", include_str!("../../rules/templates/undelivered.txt")),
    ("windows.toml", include_str!("../../rules/windows.toml")),
    ("wishes.toml", include_str!("../../rules/wishes.toml")),
];

/// Tells one state of rule texts from another: the beginning of their SHA-256, long enough for the
/// few states that a site ever has.
pub(crate) fn version(texts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    HEXLOWER.encode(&hash.finalize()).chars().take(8).collect()
}

impl Sources {
    /// The files that the binary carries.
    pub fn built_in() -> Sources {
        Sources(BUILT_IN.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect())
    }

    /// Puts a site's text in the place of the built-in file of that name.
    ///
    /// # Errors
    /// A name that no built-in file has: it would never be read.
    pub fn replace(&mut self, name: &str, text: String) -> Result<(), RuleFault> {
        match self.0.get_mut(name) {
            Some(built_in) => *built_in = text,
            None => {
                let known: Vec<&str> = self.0.keys().map(String::as_str).collect();
                let message =
                    format!("no rule file has this name, so it would never be read; there are {}", known.join(", "));
                return Err(RuleFault { file: name.to_string(), rule: None, message });
            }
        }
        Ok(())
    }

    /// The files whose names begin so, with their texts.
    pub fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let named = self.0.iter().filter(move |(name, _)| name.starts_with(prefix));
        named.map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// A fault with the line of its rule, for people.
    pub fn told(&self, fault: &RuleFault) -> String {
        let line = fault.rule.as_ref().and_then(|id| {
            let (bare, quoted) = (format!("id = '{id}'"), format!("id = \"{id}\""));
            let names = |line: &str| line.trim_start().starts_with(&quoted) || line.trim_start().starts_with(&bare);
            self.text(&fault.file).lines().position(names)
        });
        match (line, &fault.rule) {
            (Some(line), Some(id)) => format!("rules/{}:{} [{id}]: {}", fault.file, line + 1, fault.message),
            _ => fault.to_string(),
        }
    }

    /// The text of one file; empty where there is none of that name.
    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// The line, counted from 1, in which this byte of a file stands.
    pub fn line(&self, name: &str, offset: usize) -> usize {
        self.text(name).bytes().take(offset).filter(|&byte| byte == b'\n').count() + 1
    }

    /// Reads one TOML file.
    ///
    /// # Errors
    /// The file is no TOML or lacks a key; the message carries line and column.
    pub fn parse<T: DeserializeOwned>(&self, name: &str) -> Result<T, RuleFault> {
        let refuse =
            |error: toml::de::Error| RuleFault { file: name.to_string(), rule: None, message: error.to_string() };
        toml::from_str(self.text(name)).map_err(refuse)
    }
}
