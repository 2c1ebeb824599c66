//! The `[[test]]` entries of the rule files.

use serde::Deserialize;

use super::{NumberRules, fault};
use crate::desk::extract::{Found, OnFile, numbers};
use crate::desk::rules::RuleFault;
use crate::desk::text::{Part, Section, Written};

/// A text, and every number that is to be found in it. What is not named is not to be found.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Example {
    /// The rule that it shows; with nothing found or refused it is a near miss.
    rule: String,
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
}

impl Example {
    pub(super) fn is_hit_of(&self, id: &str) -> bool {
        let lists = [&self.serials, &self.contracts, &self.nips, &self.refuses];
        self.rule == id && lists.iter().any(|list| !list.is_empty())
    }

    pub(super) fn run(&self, rules: &NumberRules, file: &str) -> Option<RuleFault> {
        let section = Section { part: Part::Now, text: self.text.clone() };
        let written = Written { sections: vec![section] };
        let got = numbers("", &written, &[], &[], &OnFile::default(), rules);
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
            if !got.refused.iter().any(|refused| refused.value == *value && refused.rule == self.rule) {
                wrong.push(format!("{value} is not refused by this rule"));
            }
        }
        let mut found = got.serials.iter().chain(&got.contracts).chain(&got.nips);
        let by_rule = found.any(|one| one.rule == self.rule) || !self.refuses.is_empty();
        if wrong.is_empty() && self.is_hit_of(&self.rule) && !by_rule {
            wrong.push("nothing was found by this rule".to_string());
        }
        let text: String = self.text.chars().take(60).collect();
        (!wrong.is_empty()).then(|| fault(file, Some(&self.rule), format!("test {text:?}: {}", wrong.join("; "))))
    }
}

fn values(found: &[Found]) -> Vec<String> {
    found.iter().map(|one| one.value.clone()).collect()
}
