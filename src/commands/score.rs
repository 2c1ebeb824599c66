//! How well mails are read: what `explain` says of a folder of labelled mails, against what a
//! careful person at the desk would note down.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::explain::{self, Explanation};
use super::{BadInput, table};
use crate::attachments::Reader;
use crate::contracts::import;

use crate::desk::attachment::Contents;
use crate::desk::extract::{Found, Place};
use crate::desk::message::Message;
use crate::desk::site::Site;
use crate::store::Store;

/// The labels of one mail, a line of `expected.jsonl`.
#[derive(Clone, Debug, Deserialize)]
pub struct Label {
    /// The file's name below `mails/`.
    pub file: String,
    kind: String,
    language: String,
    #[serde(default)]
    serials: BTreeSet<String>,
    #[serde(default)]
    quoted_serials: BTreeSet<String>,
    #[serde(default)]
    contracts: BTreeSet<String>,
    #[serde(default)]
    quoted_contracts: BTreeSet<String>,
    #[serde(default)]
    nips: BTreeSet<String>,
    #[serde(default)]
    missing: BTreeSet<String>,
    #[serde(default)]
    escalation: bool,
    #[serde(default)]
    reply_has: Vec<String>,
    #[serde(default)]
    reply_lacks: Vec<String>,
    #[serde(default)]
    needs_registry: bool,
}

/// What is measured, each with the share below which the reading is not good enough.
const BARS: [(&str, f64); 12] = [
    ("serial precision", 0.98),
    ("serial recall", 0.98),
    ("contract precision", 0.98),
    ("contract recall", 0.98),
    ("nip precision", 0.98),
    ("nip recall", 0.98),
    ("missing", 0.99),
    ("kind", 0.99),
    ("language", 0.99),
    ("escalation", 0.99),
    ("text has", 0.98),
    ("text lacks", 0.95),
];

/// A share of things that are right.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Share {
    /// Right ones.
    pub right: usize,
    /// All.
    pub all: usize,
}

/// A thing that is wrong.
#[derive(Clone, Debug, Serialize)]
pub struct Miss {
    /// The mail.
    pub file: String,
    /// What was measured.
    pub what: String,
    /// What the label says.
    pub wanted: String,
    /// What the program says.
    pub got: String,
}

/// The figures of a set of mails.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Score {
    /// Mails read.
    pub mails: usize,
    /// By what is measured.
    pub shares: BTreeMap<String, Share>,
    /// By kind of number and place: how many of those found are right.
    pub places: BTreeMap<String, BTreeMap<Place, Share>>,
    /// All that is wrong.
    pub misses: Vec<Miss>,
}

/// Reads the labels of a folder: `expected.jsonl` beside `mails/`.
///
/// # Errors
/// The file cannot be read, or the first line that is no label, with its number.
pub fn labels(folder: &Path) -> anyhow::Result<Vec<Label>> {
    let path = folder.join("expected.jsonl");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let read = |(at, line): (usize, &str)| {
        let fault = |error| BadInput(format!("{}, line {}: {error}", path.display(), at + 1)).into();
        serde_json::from_str(line).map_err(fault)
    };
    lines.map(read).collect()
}

/// True for the third of all names that is kept aside while rules are written: told from the name
/// alone, so that it stays the same third.
pub fn is_aside(name: &str) -> bool {
    Sha256::digest(name).first().is_some_and(|byte| byte % 3 == 0)
}

/// A set of labelled mails, and how well it is read.
#[derive(Clone, Debug)]
pub struct Set {
    /// `seen`, `aside`, `all`, or `all, no contracts on file`.
    pub name: &'static str,
    /// The figures.
    pub score: Score,
    /// True where the bars hold: in a part of the mails one miss weighs too much.
    pub is_whole: bool,
}

/// Measures a folder: the mails that may be looked at while rules are written, those kept aside, all of
/// them, and all of them with nothing on file. `contracts.csv` is the list on file, where there is one.
///
/// # Errors
/// A mail or the contracts cannot be read.
pub fn sets(folder: &Path, labels: &[Label], reader: &Reader, site: &Site) -> anyhow::Result<Vec<Set>> {
    let list = folder.join("contracts.csv");
    let list = list.exists().then_some(list.as_path());
    let (seen, aside): (Vec<&Label>, Vec<&Label>) = labels.iter().partition(|label| !is_aside(&label.file));
    let all: Vec<&Label> = labels.iter().collect();
    let mails = mails(folder, labels, reader)?;
    let of = |name: &'static str, labels: &[&Label], list: Option<&Path>| -> anyhow::Result<Set> {
        Ok(Set { name, score: score(&mails, labels, list, site)?, is_whole: name.starts_with("all") })
    };
    let mut sets = vec![of("seen", &seen, list)?, of("aside", &aside, list)?, of("all", &all, list)?];
    if list.is_some() {
        sets.push(of("all, no contracts on file", &all, None)?);
    }
    Ok(sets)
}

impl Set {
    /// What is below its bar, for people; empty where all is well or no bar holds.
    pub fn below(&self) -> Vec<String> {
        let short = if self.is_whole { self.score.below() } else { Vec::new() };
        short.into_iter().map(|line| format!("{}: {line}", self.name)).collect()
    }
}

/// Counts what is right in these mails. `contracts` is the list of contracts on
/// file; without it, the mails that can be right only with them are left out.
///
/// # Errors
/// The contracts cannot be read.
fn score(mails: &Mails, labels: &[&Label], contracts: Option<&Path>, site: &Site) -> anyhow::Result<Score> {
    let mut on_file = contracts.map_or_else(Store::in_memory, |list| import::in_memory(list, &site.plans))?;
    let mut score = Score::default();
    for label in labels.iter().filter(|label| contracts.is_some() || !label.needs_registry) {
        let Some((raw, contents)) = mails.get(label.file.as_str()) else { continue };
        score.add(label, &explain::of(&label.file, raw, None, |_| contents.clone(), &mut on_file, site)?);
    }
    Ok(score)
}

/// The bytes of each mail by its name, and what stands in its attachments.
type Mails<'a> = BTreeMap<&'a str, (Vec<u8>, Vec<Contents>)>;

/// Reads each mail once, for all sets that it is in.
fn mails<'a>(folder: &Path, labels: &'a [Label], reader: &Reader) -> anyhow::Result<Mails<'a>> {
    let read = |label: &'a Label| {
        let path = folder.join("mails").join(&label.file);
        let raw = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let contents = reader.read(&Message::parse(&raw));
        Ok((label.file.as_str(), (raw, contents)))
    };
    labels.iter().map(read).collect()
}

impl Score {
    /// What is below its bar, for people; empty where all is well.
    fn below(&self) -> Vec<String> {
        let short = BARS.iter().filter_map(|(what, bar)| {
            let share = self.shares.get(*what)?;
            (share.value() < *bar)
                .then(|| format!("{what} {:.3} ({}/{}), under {bar:.2}", share.value(), share.right, share.all))
        });
        short.collect()
    }

    /// The tables, for people.
    pub fn for_people(&self) -> String {
        let shares = BARS.iter().filter_map(|(what, bar)| {
            let share = self.shares.get(*what)?;
            let mark = if share.value() < *bar { format!("under {bar:.2}") } else { String::new() };
            Some(vec![
                what.to_string(),
                share.right.to_string(),
                share.all.to_string(),
                format!("{:.3}", share.value()),
                mark,
            ])
        });
        let places = self.places.iter().flat_map(|(kind, places)| {
            places.iter().map(move |(place, share)| {
                vec![kind.clone(), place.to_string(), share.right.to_string(), share.all.to_string()]
            })
        });
        let figures = table(&["FIGURE", "RIGHT", "ALL", "SHARE", ""], shares);
        let places = table(&["NUMBER", "PLACE", "RIGHT", "FOUND"], places);
        format!("{} mails\n{figures}\n\n{places}", self.mails)
    }

    fn add(&mut self, label: &Label, got: &Explanation) {
        self.mails += 1;
        self.put("kind", &label.file, &label.kind, &explain::name_of(&got.kind));
        // Of a robot's mail nobody notes numbers down.
        if label.kind != "request" {
            return;
        }
        self.numbers("serial", label, (&label.serials, &label.quoted_serials), &got.serials);
        self.numbers("contract", label, (&label.contracts, &label.quoted_contracts), &got.contracts);
        // A tax number counts wherever it stands.
        let nips: Vec<Found> = got.nips.iter().filter(|nip| nip.place != Place::Quote).cloned().collect();
        self.numbers("nip", label, (&label.nips, &BTreeSet::new()), &nips);
        let missing = got.missing.iter().map(|name| name.to_string()).collect::<BTreeSet<_>>();
        self.put("missing", &label.file, &listed(&label.missing), &listed(&missing));
        self.put("language", &label.file, &label.language, &explain::name_of(&got.language));
        self.put("escalation", &label.file, &label.escalation.to_string(), &got.escalation.to_string());
        let text = squashed(&got.text);
        for piece in &label.reply_has {
            self.count("text has", text.contains(&squashed(piece)), &label.file, piece, &got.text);
        }
        for piece in &label.reply_lacks {
            self.count("text lacks", !text.contains(&squashed(piece)), &label.file, &format!("not {piece}"), &got.text);
        }
    }

    fn numbers(
        &mut self,
        kind: &str,
        label: &Label,
        (now, quoted): (&BTreeSet<String>, &BTreeSet<String>),
        found: &[Found],
    ) {
        let (recall, precision) = (format!("{kind} recall"), format!("{kind} precision"));
        let wanted: BTreeSet<(&str, bool)> =
            now.iter().map(|value| (value.as_str(), false)).chain(quoted.iter().map(|v| (v.as_str(), true))).collect();
        let got: BTreeSet<(&str, bool)> =
            found.iter().map(|number| (number.value.as_str(), number.place == Place::Quote)).collect();
        let list = |pairs: &BTreeSet<(&str, bool)>| pairs.iter().map(shown).collect::<Vec<_>>().join(", ");
        for pair in &wanted {
            self.count(&recall, got.contains(pair), &label.file, &shown(pair), &list(&got));
        }
        for number in found {
            let pair = (number.value.as_str(), number.place == Place::Quote);
            let right = wanted.contains(&pair);
            let places = self.places.entry(kind.to_string()).or_default().entry(number.place).or_default();
            places.add(right);
            let got = format!("{} in {} by {}: {}", shown(&pair), number.place, number.rule, number.evidence);
            self.count(&precision, right, &label.file, &list(&wanted), &got);
        }
    }

    fn put(&mut self, what: &str, file: &str, wanted: &str, got: &str) {
        self.count(what, wanted == got, file, wanted, got);
    }

    fn count(&mut self, what: &str, right: bool, file: &str, wanted: &str, got: &str) {
        self.shares.entry(what.to_string()).or_default().add(right);
        if !right {
            let miss = Miss { file: file.into(), what: what.into(), wanted: wanted.into(), got: got.into() };
            self.misses.push(miss);
        }
    }
}

impl Share {
    /// Between 0 and 1; 1 where there is nothing.
    pub fn value(&self) -> f64 {
        if self.all == 0 { 1.0 } else { self.right as f64 / self.all as f64 }
    }

    fn add(&mut self, right: bool) {
        self.all += 1;
        self.right += usize::from(right);
    }
}

fn shown((value, quoted): &(&str, bool)) -> String {
    if *quoted { format!("{value} (quoted)") } else { value.to_string() }
}

fn listed(names: &BTreeSet<String>) -> String {
    if names.is_empty() { "nothing".to_string() } else { names.iter().cloned().collect::<Vec<_>>().join(", ") }
}

/// Without blanks and quote marks, which line breaks put anywhere.
fn squashed(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && *c != '>').collect()
}
