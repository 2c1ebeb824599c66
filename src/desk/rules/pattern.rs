//! Patterns of rule files, and the tests that stand beside them.

use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};
use serde::Deserialize;

use super::RuleFault;
use crate::desk::fold;

/// The largest compiled set of patterns, in bytes.
const SIZE_LIMIT: usize = 64 << 20;

/// Texts that a rule must and must not match.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tests {
    /// The rule must match each.
    #[serde(default)]
    pub(crate) hits: Vec<String>,
    /// Near misses: the rule must match none.
    #[serde(default)]
    pub(crate) misses: Vec<String>,
}

/// What a rule file calls a pattern becomes one of the regex engine: `\b`, `\d` and `\w` mean ASCII, which
/// is right in folded text and ten times faster than their Unicode forms.
fn ascii(pattern: &str) -> String {
    pattern.replace(r"\b", r"(?-u:\b)").replace(r"\d", "[0-9]").replace(r"\w", "[a-z0-9_]")
}

/// Compiles one pattern.
///
/// # Errors
/// It is no regular expression, or is not written in folded spelling and could never match.
pub(crate) fn compile(file: &str, rule: &str, pattern: &str) -> Result<Regex, RuleFault> {
    let refuse = |message: String| RuleFault { file: file.to_string(), rule: Some(rule.to_string()), message };
    let spelled: String = pattern.chars().filter(|c| !c.is_ascii()).collect();
    if fold::fold(&spelled) != spelled {
        return Err(refuse(format!("mail is matched in lower case without diacritics; write `{spelled}` so")));
    }
    let literal = pattern.replace(['\\', '('], " ");
    if literal.split_whitespace().any(|word| word.len() > 1 && word.bytes().all(|b| b.is_ascii_uppercase())) {
        return Err(refuse("mail is matched in lower case; capitals never match".to_string()));
    }
    RegexBuilder::new(&ascii(pattern)).size_limit(SIZE_LIMIT).build().map_err(|error| refuse(error.to_string()))
}

/// Patterns that are looked for together.
#[derive(Clone, Debug)]
pub(crate) struct Patterns {
    set: RegexSet,
}

impl Patterns {
    /// Compiles patterns, each of which was compiled by [`compile`] before.
    pub(crate) fn new(file: &str, patterns: &[&str]) -> Result<Patterns, RuleFault> {
        let refuse = |error: regex::Error| RuleFault { file: file.to_string(), rule: None, message: error.to_string() };
        let patterns = patterns.iter().map(|pattern| ascii(pattern));
        let set = RegexSetBuilder::new(patterns).size_limit(SIZE_LIMIT).build().map_err(refuse)?;
        Ok(Patterns { set })
    }

    /// The places of all rules that match the folded text, in the order of the file.
    pub(crate) fn all(&self, folded: &str) -> impl Iterator<Item = usize> {
        self.set.matches(folded).into_iter()
    }

    /// True where any rule matches the folded text.
    pub(crate) fn any(&self, folded: &str) -> bool {
        self.set.is_match(folded)
    }
}

/// Checks that a rule says what it is meant to: `matches` tells whether it matches a text.
pub(crate) fn test(file: &str, rule: &str, tests: &Tests, matches: impl Fn(&str) -> bool) -> Vec<RuleFault> {
    let fault = |message: String| RuleFault { file: file.to_string(), rule: Some(rule.to_string()), message };
    let mut faults = Vec::new();
    if tests.hits.is_empty() {
        faults.push(fault("has no test; add at least one text under `hits` that it must match".to_string()));
    }
    for text in tests.hits.iter().filter(|text| !matches(text)) {
        faults.push(fault(format!("does not match `{text}` that stands under `hits`")));
    }
    for text in tests.misses.iter().filter(|text| matches(text)) {
        faults.push(fault(format!("matches `{text}` that stands under `misses`")));
    }
    faults
}
