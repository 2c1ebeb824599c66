//! The list of contracts that the configuration names: imported at the start, and by a loop of its own
//! whenever it changes.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::watch;

use super::file::BadList;
use super::import::{self, Outcome};
use crate::desk::plan::Plans;
use crate::log;
use crate::office::Office;
use crate::store::{Counts, Store};

/// How often to look at the file. Looking is one system call; hints are not given on every file
/// system that sales may write to.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// How long an import may take; a list of 100,000 contracts takes seconds.
const STEP: Duration = Duration::from_secs(15 * 60);

/// Imports the list and says so in the log. A list that is not good changes nothing where there is an
/// older one: a desk that goes on with yesterday's contracts serves customers better than none.
///
/// # Errors
/// The database cannot be written; the list is not good and there is none on file.
pub fn import(state_dir: &Path, path: &Path, plans: &Plans, now: Timestamp) -> anyhow::Result<()> {
    let Err(error) = import_or_refuse(state_dir, path, plans, now) else { return Ok(()) };
    let Some(bad) = error.downcast_ref::<BadList>() else { return Err(error) };
    if Store::open_to_read(state_dir)?.read(|store| store.contract_list())?.is_none() {
        return Err(error);
    }
    tracing::error!(
        faults = bad.faults.len() + bad.unlisted,
        line = bad.faults.first().and_then(|fault| fault.line),
        "the list of contracts is not good, and the old one stays in force: `hezo-intake check` names every fault"
    );
    Ok(())
}

/// Imports the list and says so in the log; one that is not good is refused.
///
/// # Errors
/// The database cannot be written; the list is not good.
pub fn import_or_refuse(state_dir: &Path, path: &Path, plans: &Plans, now: Timestamp) -> anyhow::Result<()> {
    let began = Instant::now();
    let Outcome::Imported(list) = import::import(state_dir, path, plans, now)? else { return Ok(()) };
    let Counts { added, changed, gone, unchanged } = list.counts;
    let (version, milliseconds) = (list.version, began.elapsed().as_millis() as u64);
    tracing::info!(version, added, changed, gone, unchanged, milliseconds, "the list of contracts was imported");
    Ok(())
}

/// Looks at the file until `stop` says so, and imports what has changed.
pub async fn run(office: Arc<Office>, state_dir: PathBuf, path: PathBuf, mut stop: watch::Receiver<bool>) {
    let mut last_seen = None;
    // The list of the start is known by its hash; looking at it once more costs little and leaves no
    // moment in which a change is missed.
    let mut imported = None;
    let mut failing = false;
    let heart = office.pulse.heart("contracts", STEP);
    while !*stop.borrow() {
        let seen = std::fs::metadata(&path).ok().as_ref().map(mark);
        // A file that is still being written looks different the next time.
        if seen.is_some() && seen == last_seen && seen != imported {
            let (office, state_dir, path) = (Arc::clone(&office), state_dir.clone(), path.clone());
            let import = move || import(&state_dir, &path, &office.site.plans, office.now());
            let done = tokio::task::spawn_blocking(import).await;
            match done.map_err(anyhow::Error::from).flatten() {
                Ok(()) => (imported, failing) = (seen, false),
                Err(error) => {
                    let error = log::error(&error);
                    if std::mem::replace(&mut failing, true) {
                        tracing::debug!(error, "the list of contracts still cannot be imported");
                    } else {
                        tracing::error!(error, "the list of contracts cannot be imported; trying again until it can");
                    }
                }
            }
        }
        last_seen = seen;
        heart.waits(LOOK_EVERY + STEP);
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
