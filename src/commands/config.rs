//! `config`: what a key of the configuration means, out of the sample that explains every key.

use std::process::ExitCode;

use super::BadInput;

/// The sample, with every key, its default and its meaning.
const SAMPLE: &str = include_str!("../../systemd/hezo-intake.toml");

/// What to tell.
#[derive(clap::Args)]
pub struct Options {
    /// Explain this key: its name, or with its section (smtp.port); without it the whole sample is printed
    #[arg(long, value_name = "KEY")]
    explain: Option<String>,
}

/// A key of the sample with its section and all that stands above it.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    section: String,
    key: String,
    text: String,
}

/// Prints what the key means, in each section that has one of the name.
///
/// # Errors
/// There is no such key.
pub fn config(options: &Options) -> anyhow::Result<ExitCode> {
    let Some(wanted) = &options.explain else {
        print!("{SAMPLE}");
        return Ok(ExitCode::SUCCESS);
    };
    let entries = entries();
    // The second route has the keys of the first.
    let wanted = &wanted.strip_prefix("smtp_fallback.").map_or(wanted.clone(), |key| format!("smtp.{key}"));
    let found: Vec<&Entry> = entries.iter().filter(|entry| entry.is(wanted)).collect();
    if found.is_empty() {
        let keys: Vec<String> = entries.iter().map(Entry::name).collect();
        let message = format!("there is no key {wanted}; there are:\n{}", keys.join("\n"));
        return Err(BadInput(message).into());
    }
    for entry in found {
        let section = if entry.section.is_empty() { "above the first section" } else { &entry.section };
        println!("{section}\n{}\n", entry.text);
    }
    Ok(ExitCode::SUCCESS)
}

impl Entry {
    /// The key with its section.
    fn name(&self) -> String {
        let section = self.section.trim_matches(['[', ']']);
        if section.is_empty() { self.key.clone() } else { format!("{section}.{}", self.key) }
    }

    fn is(&self, wanted: &str) -> bool {
        self.key == wanted || self.name() == wanted || self.section.trim_matches(['[', ']']) == wanted
    }
}

/// Comments belong to the keys that follow; a key that is at its default begins with #.
fn entries() -> Vec<Entry> {
    let (mut entries, mut section, mut above): (Vec<Entry>, String, Vec<&str>) = Default::default();
    for line in SAMPLE.lines() {
        let bare = line.strip_prefix('#').unwrap_or(line);
        if bare.starts_with('[') {
            section = bare.to_string();
            above.clear();
        } else if let Some(key) = key(bare) {
            let text = above.iter().copied().chain([line]).collect::<Vec<_>>().join("\n");
            entries.push(Entry { section: section.clone(), key: key.to_string(), text });
            above.clear();
        } else if line.is_empty() {
            above.clear();
        } else {
            above.push(line);
        }
    }
    entries
}

fn key(line: &str) -> Option<&str> {
    let (key, _) = line.split_once(" = ")?;
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    (!key.is_empty() && key.chars().all(is_name)).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_explained_where_it_stands() {
        let entries = entries();
        assert!(entries.len() > 60, "{}", entries.len());
        let port: Vec<String> = entries.iter().filter(|entry| entry.is("port")).map(Entry::name).collect();
        assert_eq!(port, ["mailbox.port", "smtp.port"]);
        let [size] =
            <[&Entry; 1]>::try_from(entries.iter().filter(|entry| entry.is("max_message_size")).collect::<Vec<_>>())
                .expect("one");
        assert!(size.text.contains("becomes a ticket from its header alone") && size.text.ends_with("\"50 MB\""));
        assert!(entries.iter().all(|entry| !entry.is("nonsense")));
    }
}
