//! `reload`: has the running service read its configuration again, and says how that ended.
//!
//! A signal alone is answered by nothing, so that `systemctl reload` would call a refused configuration
//! a success. The service leaves its answer in a file, for which this command waits.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use jiff::Timestamp;
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

use super::BadInput;

/// The answer's file within systemd's `RuntimeDirectory=`.
const FILE: &str = "reload.json";

/// How long the service may take: it tests every rule.
const PATIENCE: Duration = Duration::from_secs(80);

/// How often to look for the answer.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How a reload ended.
#[derive(Serialize, Deserialize)]
struct Answer {
    /// When.
    at: Timestamp,
    /// What is wrong with the new settings; `None` where they are in force.
    refused: Option<String>,
}

/// Sends the signal to the service with this process id and waits for its answer.
///
/// # Errors
/// The new settings are refused; there is no such process; no answer came.
pub fn reload(service: i32) -> anyhow::Result<ExitCode> {
    let file = file().context("RUNTIME_DIRECTORY is not set; use `systemctl reload hezo-intake`")?;
    let before = std::fs::read(&file).ok();
    let pid = Pid::from_raw(service).filter(|_| service > 1).with_context(|| format!("{service} is no process id"))?;
    kill_process(pid, Signal::HUP)
        .with_context(|| format!("process {service} cannot be told; does the service run?"))?;
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if let Some(answer) = std::fs::read(&file).ok().filter(|now| Some(now) != before.as_ref()) {
            let answer: Answer = serde_json::from_slice(&answer).context("the service's answer cannot be read")?;
            return match answer.refused {
                None => Ok(ExitCode::SUCCESS),
                Some(faults) => {
                    Err(BadInput(format!("refused, the former configuration stays in force:\n{faults}")).into())
                }
            };
        }
        std::thread::sleep(LOOK_EVERY);
    }
    bail!("the service has not answered within {} s; its log may say why", PATIENCE.as_secs())
}

/// Leaves the answer where there is a place for it.
pub(super) fn answer(at: Timestamp, outcome: Result<(), &anyhow::Error>) {
    let Some(file) = file() else { return };
    let answer = Answer { at, refused: outcome.err().map(|error| format!("{error:#}")) };
    if let Err(error) = write(&file, &answer) {
        tracing::warn!(error = format!("{error:#}"), "the answer to a reload could not be left");
    }
}

fn write(file: &Path, answer: &Answer) -> anyhow::Result<()> {
    let new = file.with_extension("new");
    std::fs::write(&new, serde_json::to_vec(answer)?)?;
    Ok(std::fs::rename(new, file)?)
}

fn file() -> Option<PathBuf> {
    Some(PathBuf::from(std::env::var_os("RUNTIME_DIRECTORY")?).join(FILE))
}
