//! Patterns of rule files, and the tests that stand beside them.

use regex::bytes::{Regex, RegexBuilder};
use regex_automata::util::syntax;
use serde::Deserialize;

use super::RuleFault;
use super::automaton::Automaton;
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

/// What a rule file calls a pattern becomes one of the regex engine. `\b`, `\d`, `\w` and `.` mean bytes, which is right
/// in folded text, ten times faster than their Unicode forms, and a fraction of their size; only a class of letters
/// that folding leaves, as in `[ії]`, is matched by characters.
fn in_bytes(pattern: &str) -> String {
    let pattern = pattern.replace(r"\b", r"(?-u:\b)").replace(r"\d", "[0-9]").replace(r"\w", "[a-z0-9_]");
    if has_wide_class(&pattern) { pattern } else { format!("(?-u:{pattern})") }
}

/// Whether a pattern has a class with more than ASCII in it.
fn has_wide_class(pattern: &str) -> bool {
    let (mut depth, mut escaped) = (0_usize, false);
    for c in pattern.chars() {
        match c {
            'p' | 'P' if escaped => return true,
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ if depth > 0 && !c.is_ascii() => return true,
            _ => {}
        }
    }
    false
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
    RegexBuilder::new(&in_bytes(pattern)).size_limit(SIZE_LIMIT).build().map_err(|error| refuse(error.to_string()))
}

/// Patterns that are looked for together.
#[derive(Clone, Debug)]
pub(crate) struct Patterns(Automaton);

impl Patterns {
    /// Compiles patterns, each of which was compiled by [`compile`] before.
    pub(crate) fn new(file: &str, patterns: &[&str]) -> Result<Patterns, RuleFault> {
        let patterns: Vec<String> = patterns.iter().map(|pattern| in_bytes(pattern)).collect();
        let compiled = Automaton::new(&patterns, syntax::Config::new().utf8(false));
        let refuse = |message| RuleFault { file: file.to_string(), rule: None, message };
        compiled.map(Patterns).map_err(refuse)
    }

    /// The first of the rules, in the order of the file, that matches the folded text.
    pub(crate) fn first(&self, folded: &str) -> Option<usize> {
        self.0.reader().all(folded).iter().next().map(|pattern| pattern.as_usize())
    }

    /// True where any rule matches the folded text.
    pub(crate) fn any(&self, folded: &str) -> bool {
        self.0.reader().any(folded)
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
