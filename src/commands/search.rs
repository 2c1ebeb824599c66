//! `search`: tickets by the words in them.

use std::process::ExitCode;

use jiff::Timestamp;

use super::{BadInput, tickets};
use crate::config::Config;
use crate::store::{Store, Wanted};

/// What to look for.
#[derive(clap::Args)]
pub struct Options {
    /// Words that all stand in the ticket: in its subject, the customer's name or address, mails, notes, numbers. The
    /// beginning of a word is enough, and accents do not count; several words in quotes stand side by side
    #[arg(required = true, value_name = "WORDS")]
    words: Vec<String>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    /// The most tickets to list
    #[arg(long, default_value_t = 100)]
    most: usize,
}

/// Lists the tickets with these words, the newest first. The exit code is 1 where there is none.
///
/// # Errors
/// There is no letter or digit in the words; the database cannot be read.
pub fn search(config: &Config, options: &Options, now: Option<Timestamp>) -> anyhow::Result<ExitCode> {
    let Options { words, json, most } = options;
    if !words.iter().any(|word| word.contains(char::is_alphanumeric)) {
        return Err(BadInput("there is no letter and no digit to look for".to_string()).into());
    }
    let now = now.unwrap_or_else(Timestamp::now);
    let wanted = Wanted { words: words.clone(), most: *most, ..Wanted::default() };
    let found = Store::open_to_read(&config.state_dir)?.read(|store| store.tickets(&wanted, now))?;
    if found.is_empty() {
        eprintln!("no ticket holds all of these words");
        return Ok(ExitCode::FAILURE);
    }
    tickets::print(found, *json, now)
}
