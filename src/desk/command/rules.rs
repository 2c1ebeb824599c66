//! The rules of `orders.toml`: the words of each order.

use std::collections::HashMap;

use jiff::civil::date;
use serde::Deserialize;

use super::spelling::distance;
use crate::desk::fold::fold;
use crate::desk::language::Language;
use crate::desk::rules::pattern::{self, Tests};
use crate::desk::rules::{RuleFault, Sources};

const FILE: &str = "orders.toml";

/// Every order that the program knows: the file says no others, and none is left out.
const IDS: [&str; 25] = [
    "note",
    "take",
    "assign",
    "serial",
    "contract",
    "accept",
    "wait",
    "delivered",
    "onsite",
    "waybill",
    "returned",
    "resolve",
    "close",
    "reopen",
    "escalate",
    "merge",
    "add",
    "language",
    "spam",
    "show",
    "original",
    "help",
    "phone",
    "new",
    "relay",
];

/// So many letters may be wrong in a word: one in a short word, two in a long one.
fn most_wrong(word: &str) -> usize {
    if word.chars().count() <= 5 { 1 } else { 2 }
}

/// The compiled `rules/orders.toml`.
#[derive(Clone, Debug)]
pub struct OrderRules {
    ids: HashMap<String, &'static str>,
    usages: Vec<Usage>,
    links: Vec<Link>,
    languages: HashMap<String, Language>,
    tests: Vec<(&'static str, Tests)>,
    pub(super) words: Words,
}

/// How an order is written, and what it does, for `#help`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Usage {
    /// The order.
    pub id: String,
    /// How it is written.
    pub usage: String,
    /// What it does.
    pub does: String,
}

/// An order that stands in notices as a mail ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// What people see.
    pub label: String,
    /// The order.
    pub order: String,
}

/// Words that stand behind those of the orders.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    pub(super) fillers: Vec<String>,
    pub(super) until: Vec<String>,
    pub(super) at: Vec<String>,
    pub(super) days: Days,
}

/// Words for days.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Days {
    pub(super) yesterday: Vec<String>,
    pub(super) today: Vec<String>,
    pub(super) tomorrow: Vec<String>,
    pub(super) after_tomorrow: Vec<String>,
    pub(super) weekdays: [Vec<String>; 7],
    pub(super) months: [Vec<String>; 12],
}

#[derive(Deserialize)]
struct File {
    order: Vec<Written>,
    languages: Languages,
    #[serde(flatten)]
    words: WordsFile,
}

#[derive(Deserialize)]
struct WordsFile {
    fillers: Vec<String>,
    until: Vec<String>,
    at: Vec<String>,
    days: Days,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Languages {
    pl: Vec<String>,
    en: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: String,
    #[allow(dead_code, reason = "for the people who edit the file")]
    why: String,
    words: Vec<String>,
    usage: String,
    does: String,
    link: Option<String>,
    #[serde(default)]
    test: Tests,
}

impl OrderRules {
    /// Compiles `orders.toml`.
    ///
    /// # Errors
    /// Every order that the program does not know, that is missing or stands there twice; every word
    /// that belongs to two, or is not in folded spelling.
    pub fn compile(sources: &Sources) -> Result<OrderRules, Vec<RuleFault>> {
        let file: File = sources.parse(FILE).map_err(|fault| vec![fault])?;
        let mut faults = Vec::new();
        let mut fault = |id: &str, message: String| {
            faults.push(RuleFault { file: FILE.to_string(), rule: Some(id.to_string()), message });
        };
        let mut ids: HashMap<String, &'static str> = HashMap::new();
        let (mut usages, mut links, mut tests) = (Vec::new(), Vec::new(), Vec::new());
        for written in file.order {
            let Some(id) = IDS.into_iter().find(|id| *id == written.id) else {
                fault(&written.id, format!("is no order that the program knows; there are {}", IDS.join(", ")));
                continue;
            };
            if tests.iter().any(|(known, _)| *known == id) {
                fault(id, "stands there twice".to_string());
            }
            for word in &written.words {
                if fold(word) != *word || word.is_empty() || word.contains(char::is_whitespace) {
                    fault(id, format!("`{word}`: write one word, in small letters and without diacritics"));
                }
                if let Some(other) = ids.insert(word.clone(), id) {
                    fault(id, format!("`{word}` is a word of {other}, too"));
                }
            }
            let order = written.usage.split_whitespace().next().unwrap_or_default().to_string();
            links.extend(written.link.map(|label| Link { label, order }));
            usages.push(Usage { id: written.id, usage: written.usage, does: written.does });
            tests.push((id, written.test));
        }
        for id in IDS.into_iter().filter(|id| !tests.iter().any(|(known, _)| known == id)) {
            fault(id, "is missing".to_string());
        }
        let languages = [(file.languages.pl, Language::Polish), (file.languages.en, Language::English)];
        let languages =
            languages.into_iter().flat_map(|(words, language)| words.into_iter().map(move |word| (word, language)));
        let WordsFile { fillers, until, at, days } = file.words;
        let words = Words { fillers, until, at, days };
        let rules = OrderRules { ids, usages, links, languages: languages.collect(), tests, words };
        if faults.is_empty() { Ok(rules) } else { Err(faults) }
    }

    /// Runs the tests that stand in `orders.toml`: those that fail.
    pub fn test(&self) -> Vec<RuleFault> {
        let now = date(2026, 11, 23).at(10, 0, 0, 0);
        let test = |(id, tests): &(&'static str, Tests)| {
            let matches = |line: &str| {
                let word = super::split(line).map(|(word, ..)| word);
                let means = word.and_then(|word| self.id(&word)) == Some(id);
                means && super::is_order(line, self) && super::order(line, self, now).is_some()
            };
            pattern::test(FILE, id, tests, matches)
        };
        self.tests.iter().flat_map(test).collect()
    }

    /// How each order is written, in the order of the file.
    pub fn usages(&self) -> &[Usage] {
        &self.usages
    }

    /// The orders that stand in notices, in the order of the file.
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// The order that a folded word stands for.
    pub(super) fn id(&self, word: &str) -> Option<&'static str> {
        self.ids.get(word).copied()
    }

    /// How one order is written.
    pub(super) fn usage(&self, id: &str) -> Option<&Usage> {
        self.usages.iter().find(|usage| usage.id == id)
    }

    /// The orders whose words are this one or nearly so, the nearest first.
    pub(super) fn near(&self, word: &str) -> Vec<&'static str> {
        let near = self.ids.iter().filter_map(|(known, id)| {
            let wrong = if known.chars().count() < 3 { 2 * usize::from(word != known) } else { distance(word, known) };
            (wrong <= most_wrong(known).min(most_wrong(word))).then_some((wrong, *id))
        });
        let mut near: Vec<_> = near.collect();
        near.sort_unstable();
        let mut ids: Vec<&'static str> = Vec::new();
        near.into_iter().for_each(|(_, id)| {
            if !ids.contains(&id) {
                ids.push(id);
            }
        });
        ids.truncate(3);
        ids
    }

    pub(super) fn language(&self, word: &str) -> Option<Language> {
        self.languages.get(word).copied()
    }
}
