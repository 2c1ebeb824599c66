//! Reads the program that is run when a mail would come too late.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use toml::de::DeValue;

use super::section::Section;
use super::value;

/// Bounds of `time_limit`.
const TIME_LIMIT: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10 * 60));

/// `time_limit` where nothing else is written.
const DEFAULT_TIME_LIMIT: Duration = Duration::from_secs(30);

/// A program of the site's: a pager, a text message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertCommand {
    /// The program, by its full path: no shell looks for it.
    pub program: PathBuf,
    /// Its arguments, as they are: no shell reads them.
    pub arguments: Vec<String>,
    /// How long it may take; then it is ended and tried again.
    pub time_limit: Duration,
}

/// Reads `[alert]`.
pub(super) fn alert(section: Section<'_>) -> Option<AlertCommand> {
    if !section.has("command") {
        section.fault("command", "is missing; write command = [\"/usr/local/bin/page\"]");
    }
    let words = section.list("command", value::text);
    let time_limit = section.optional("time_limit", value::duration(TIME_LIMIT.0, TIME_LIMIT.1));
    let words = words.unwrap_or_default();
    let program = match words.split_first() {
        Some((program, arguments)) => match executable(program) {
            Ok(program) => Some((program, arguments.to_vec())),
            Err(message) => {
                section.fault("command", message);
                None
            }
        },
        None => {
            if section.has("command") {
                section.fault("command", "names no program; write command = [\"/usr/local/bin/page\"]");
            }
            None
        }
    };
    section.finish();
    let (program, arguments) = program?;
    Some(AlertCommand { program, arguments, time_limit: time_limit.unwrap_or(DEFAULT_TIME_LIMIT) })
}

fn executable(program: &str) -> Result<PathBuf, String> {
    let path = value::file(&DeValue::String(program.into())).map_err(|message| format!("{message} ({program})"))?;
    let mode = std::fs::metadata(&path).map(|about| about.permissions().mode()).unwrap_or_default();
    if mode & 0o111 == 0 {
        return Err(format!("names a file that is no program ({program}); chmod +x it"));
    }
    Ok(path)
}
