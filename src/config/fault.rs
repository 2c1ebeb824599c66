//! What is wrong with the configuration.

use std::fmt;

/// One thing that is wrong with the configuration file, or with a file that it names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The configuration file, as it was named at the start.
    pub file: String,
    /// The line, from 1; 1 where the whole file is meant.
    pub line: usize,
    /// The key with its sections, `mailbox[0].port`; empty where the whole file is meant.
    pub key: String,
    /// What is wrong with it, and what to write instead. Never a value that might be a secret.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault { file, line, key, message } = self;
        write!(f, "{file}:{line}: {key}{}{message}", if key.is_empty() { "" } else { ": " })
    }
}

/// Everything that is wrong with the configuration, by line; shown one fault a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Sorts the faults by line.
    pub(super) fn new(mut faults: Vec<Fault>) -> Faults {
        faults.sort();
        Faults(faults)
    }

    /// The faults, by line. There is at least one.
    pub fn all(&self) -> &[Fault] {
        &self.0
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(Fault::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for Faults {}
