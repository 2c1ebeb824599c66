//! The `[[test]]` entries of the rule files.

use serde::Deserialize;

use super::{DECOYS, NumberRules, fault};
use crate::desk::extract::on_file::{EntryKind, OnFile};
use crate::desk::extract::{Found, Pages};
use crate::desk::rules::RuleFault;
use crate::desk::text::{Part, Section, Written};

/// A text, and every number that is to be found in it. What is not named is not to be found.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Example {
    /// The rule that it shows; with nothing found or refused it is a near miss.
    rule: toml::Spanned<String>,
    text: String,
    #[serde(default)]
    serials: Vec<String>,
    #[serde(default)]
    contracts: Vec<String>,
    #[serde(default)]
    nips: Vec<String>,
    /// What the rule refuses.
    #[serde(default)]
    refuses: Vec<String>,
    /// What is on file while the text is read.
    #[serde(default)]
    on_file: Known,
    /// Its line in the file, from 1.
    #[serde(skip)]
    line: usize,
}

/// Numbers on file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    #[serde(default)]
    serials: Vec<String>,
    #[serde(default)]
    contracts: Vec<String>,
    #[serde(default)]
    nips: Vec<String>,
}

impl Example {
    /// The example, with its line in the file that it was read from.
    pub(super) fn read_from(self, file: &str) -> Example {
        let before = file.get(..self.rule.span().start).unwrap_or_default();
        Example { line: before.lines().count(), ..self }
    }

    /// True where it shows what the rule finds or refuses. A rule that refuses is near its mark
    /// where another one finds a number.
    pub(super) fn is_hit_of(&self, id: &str, refuses: bool) -> bool {
        let finds = [&self.serials, &self.contracts, &self.nips].iter().any(|list| !list.is_empty());
        self.rule.get_ref() == id && (!self.refuses.is_empty() || finds && !refuses)
    }

    pub(super) fn run(&self, rules: &NumberRules, file: &str) -> Option<RuleFault> {
        let section = Section { part: Part::Now, text: self.text.clone() };
        let written = Written { sections: vec![section] };
        let got = Pages::new("", &written, &[], &[], rules).numbers(&self.on_file.dictionary(), rules);
        let rule = self.rule.get_ref();
        let mut wrong = Vec::new();
        for (name, want, found) in [
            ("serials", &self.serials, &got.serials),
            ("contracts", &self.contracts, &got.contracts),
            ("nips", &self.nips, &got.nips),
        ] {
            let (mut want, mut have) = (want.clone(), values(found));
            want.sort();
            have.sort();
            if want != have {
                wrong.push(format!("{name} are {have:?}, not {want:?}"));
            }
        }
        for value in &self.refuses {
            if !got.refused.iter().any(|refused| refused.value == *value && refused.rule == *rule) {
                wrong.push(format!("{value} is not refused by this rule"));
            }
        }
        let mut found = got.serials.iter().chain(&got.contracts).chain(&got.nips);
        let by_rule = found.any(|one| one.rule == *rule) || !self.refuses.is_empty();
        if wrong.is_empty() && self.is_hit_of(rule, file == DECOYS) && !by_rule {
            wrong.push("nothing was found by this rule".to_string());
        }
        let text: String = self.text.chars().take(60).collect();
        (!wrong.is_empty())
            .then(|| fault(file, Some(rule), format!("the test in line {}, {text:?}: {}", self.line, wrong.join("; "))))
    }
}

impl Known {
    fn dictionary(&self) -> OnFile {
        let mut on_file = OnFile::default();
        self.serials.iter().for_each(|serial| on_file.add(EntryKind::Serial, serial));
        self.contracts.iter().for_each(|contract| on_file.add(EntryKind::Contract, contract));
        self.nips.iter().for_each(|nip| on_file.add_nip(nip));
        on_file
    }
}

fn values(found: &[Found]) -> Vec<String> {
    found.iter().map(|one| one.value.clone()).collect()
}
