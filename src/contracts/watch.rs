//! The loop that imports the list of contracts that the configuration names, whenever it changes.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::contracts::file::BadList;
use crate::office::{self, Office};

/// How often to look at the file. Looking is one system call; hints are not given on every file
/// system that sales may write to.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Looks until `stop` says so. A list that is not good changes nothing: the old one stays in force.
pub async fn run(office: Arc<Office>, state_dir: PathBuf, path: PathBuf, mut stop: watch::Receiver<bool>) {
    let mut last_seen = None;
    // The list of the start is known by its hash; looking at it once more costs little and leaves no
    // moment in which a change is missed.
    let mut imported = None;
    let mut failing = false;
    while !*stop.borrow() {
        let seen = std::fs::metadata(&path).ok().as_ref().map(mark);
        // A file that is still being written looks different the next time.
        if seen.is_some() && seen == last_seen && seen != imported {
            match import(&office, state_dir.clone(), path.clone()).await {
                Ok(()) => (imported, failing) = (seen, false),
                Err(error) => {
                    let error = format!("{error:#}");
                    if std::mem::replace(&mut failing, true) {
                        tracing::debug!(error, "the list of contracts still cannot be imported");
                    } else {
                        tracing::error!(error, "the list of contracts cannot be imported; trying again until it can");
                    }
                }
            }
        }
        last_seen = seen;
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = stop.changed() => {}
        }
    }
}

/// What tells two states of a file apart.
fn mark(metadata: &Metadata) -> (u64, u64, i64, i64) {
    (metadata.ino(), metadata.len(), metadata.mtime(), metadata.mtime_nsec())
}

/// Imports the list. One that is not good is settled with that: it has to change first.
async fn import(office: &Arc<Office>, state_dir: PathBuf, path: PathBuf) -> anyhow::Result<()> {
    let now = office.now();
    let done = tokio::task::spawn_blocking(move || office::import_contracts(&state_dir, &path, now)).await?;
    match done.as_ref().err().and_then(|error| error.downcast_ref::<BadList>()) {
        Some(list) => {
            tracing::error!(
                faults = list.faults.len() + list.unlisted,
                line = list.faults.first().and_then(|fault| fault.line),
                "the list of contracts is not good, and the old one stays in force: `hezo-intake check` names every fault"
            );
            Ok(())
        }
        None => done,
    }
}
