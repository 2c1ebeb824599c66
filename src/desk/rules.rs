//! The files of `rules/`: compiled into the binary, replaced file by file from a site's folder,
//! and refused with file and rule id where one is wrong.

pub(crate) mod pattern;

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

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
    ("quotes.toml", include_str!("../../rules/quotes.toml")),
    ("robots.toml", include_str!("../../rules/robots.toml")),
    ("wishes.toml", include_str!("../../rules/wishes.toml")),
];

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

    /// The text of one file; empty where there is none of that name.
    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
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
