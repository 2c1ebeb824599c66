//! The rules of `executables.toml`: which files can run on the recipient's machine.

use data_encoding::HEXLOWER_PERMISSIVE;
use serde::Deserialize;

use crate::desk::message::Attachment;
use crate::desk::rules::pattern::{self, Tests};
use crate::desk::rules::{RuleFault, Sources};

const FILE: &str = "executables.toml";

/// The compiled `rules/executables.toml`.
#[derive(Clone, Debug)]
pub struct ExecutableRules(Vec<Rule>);

#[derive(Clone, Debug)]
struct Rule {
    id: String,
    extensions: Vec<String>,
    types: Vec<String>,
    begins: Vec<u8>,
    tests: Tests,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    rule: Vec<Written>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: String,
    #[allow(dead_code, reason = "for the people who edit the file")]
    why: String,
    #[serde(default)]
    extensions: Vec<String>,
    #[serde(default)]
    types: Vec<String>,
    #[serde(default)]
    begins: String,
    #[serde(default)]
    test: Tests,
}

impl ExecutableRules {
    /// Compiles `executables.toml`.
    ///
    /// # Errors
    /// Every rule that names neither an extension nor first bytes, or both, or writes them wrongly.
    pub fn compile(sources: &Sources) -> Result<ExecutableRules, Vec<RuleFault>> {
        let file: File = sources.parse(FILE).map_err(|fault| vec![fault])?;
        let mut faults = Vec::new();
        let mut rules = Vec::new();
        for written in file.rule {
            match Rule::read(&written) {
                Ok(rule) => rules.push(rule),
                Err(message) => {
                    let message = message.to_string();
                    faults.push(RuleFault { file: FILE.to_string(), rule: Some(written.id), message });
                }
            }
        }
        if faults.is_empty() { Ok(ExecutableRules(rules)) } else { Err(faults) }
    }

    /// Runs the tests that stand in `executables.toml`: those that fail.
    pub fn test(&self) -> Vec<RuleFault> {
        let test = |rule: &Rule| {
            let matches = |text: &str| match HEXLOWER_PERMISSIVE.decode(text.as_bytes()) {
                Ok(bytes) if !rule.begins.is_empty() => rule.matches("", "", &bytes),
                _ if text.contains('/') => rule.matches("", text, &[]),
                _ => rule.matches(text, "", &[]),
            };
            pattern::test(FILE, &rule.id, &rule.tests, matches)
        };
        self.0.iter().flat_map(test).collect()
    }

    /// The id of the rule by which a file can run.
    pub fn rule(&self, file: &Attachment) -> Option<&str> {
        let rule = self.0.iter().find(|rule| rule.matches(&file.name, &file.media_type, &file.content))?;
        Some(&rule.id)
    }
}

impl Rule {
    fn read(written: &Written) -> Result<Rule, &'static str> {
        if written.extensions.is_empty() == written.begins.is_empty() {
            return Err("takes either `extensions` or `begins`");
        }
        let is_extension = |text: &String| {
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        if !written.extensions.iter().all(is_extension) {
            return Err("takes extensions in small letters and digits, without the point");
        }
        let begins = HEXLOWER_PERMISSIVE.decode(written.begins.as_bytes());
        let begins = begins.map_err(|_| "takes the first bytes as pairs of hexadecimal digits")?;
        let Written { extensions, types, test: tests, .. } = written.clone();
        Ok(Rule { id: written.id.clone(), extensions, types, begins, tests })
    }

    fn matches(&self, name: &str, media_type: &str, bytes: &[u8]) -> bool {
        if !self.begins.is_empty() {
            return bytes.starts_with(&self.begins);
        }
        if self.types.iter().any(|known| known == media_type) {
            return true;
        }
        // Windows drops points and blanks at the end of a name.
        let name = name.trim_end_matches(['.', ' ']).to_lowercase();
        let extension = name.rsplit_once('.').map(|(_, extension)| extension);
        extension.is_some_and(|extension| self.extensions.iter().any(|known| known == extension))
    }
}
