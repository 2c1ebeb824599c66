//! Imports the list of contracts: compares it with what is on file and writes what differs, beside
//! a running service that sees the new version at its next mail.
//!
//! The whole file is read once before anything is written. Then the differences are written in
//! short transactions, so that a mail waits a moment and no more, and the last one makes all of
//! them count at once. Whatever ends the import before that leaves the old version in force.

use std::collections::HashSet;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::bail;
use jiff::Timestamp;

use crate::contracts::file::ContractFile;
use crate::desk::contract::{self, Change, Contract};
use crate::desk::plan::Plans;
use crate::progress::Progress;
use crate::store::{ContractId, ContractKeys, Counts, ListVersion, Store, Work};

/// Rows written in one transaction: some 20 ms of work.
const ROWS_AT_ONCE: usize = 4_000;

/// Contracts and serials that are held in memory to be written in the order of the indexes: some 20 MB.
const ROWS_HELD: usize = 100_000;

/// The longest pause between two transactions. A pause is as long as the transaction before it was,
/// so that half of the time belongs to whoever waits.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// How long to wait while another import is under way.
const IMPORT_WAIT: Duration = Duration::from_secs(10);

/// How an import ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The list is on file now.
    Imported(ListVersion),
    /// The newest version came from this very file already.
    Known(ListVersion),
}

/// What a list changes about one contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// It was not on file.
    Added(Contract),
    /// Fields differ.
    Changed(Contract, Vec<Change>),
    /// It is not in the list.
    Gone(Contract),
}

impl Difference {
    /// The contract as the list has it, or as it was.
    pub fn contract(&self) -> &Contract {
        match self {
            Difference::Added(contract) | Difference::Changed(contract, _) | Difference::Gone(contract) => contract,
        }
    }
}

/// Imports the list at `path` into the database of this directory, as of `now`.
///
/// # Errors
/// The list is not good ([`BadList`](crate::contracts::file::BadList)); another import is under way;
/// the database cannot be written.
pub fn import(state_dir: &Path, path: &Path, plans: &Plans, now: Timestamp) -> anyhow::Result<Outcome> {
    let file = ContractFile::open(path, plans)?;
    let began = Instant::now();
    loop {
        if let Some(mut store) = Store::open_to_import(state_dir)? {
            return import_into(&mut store, &file, now, LONGEST_PAUSE);
        }
        if began.elapsed() > IMPORT_WAIT {
            bail!("another import of contracts is under way: try again when it has ended");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Imports the list into a database of memory alone, for `explain`.
///
/// # Errors
/// The list is not good ([`BadList`](crate::contracts::file::BadList)).
pub fn in_memory(path: &Path, plans: &Plans) -> anyhow::Result<Store> {
    let file = ContractFile::open(path, plans)?;
    let mut store = Store::in_memory()?;
    import_into(&mut store, &file, Timestamp::UNIX_EPOCH, Duration::ZERO)?;
    Ok(store)
}

/// Tells what an import of the list at `path` would change, one difference after the other, and
/// changes nothing.
///
/// # Errors
/// The list is not good ([`BadList`](crate::contracts::file::BadList)); the database cannot be read;
/// the errors of `each`.
pub fn compare(
    state_dir: &Path,
    path: &Path,
    plans: &Plans,
    each: &mut dyn FnMut(Difference) -> anyhow::Result<()>,
) -> anyhow::Result<Counts> {
    let file = ContractFile::open(path, plans)?;
    file.check()?;
    // Before the very first start and import nothing is on file.
    let mut store = if Store::exists(state_dir) { Store::open_to_read(state_dir)? } else { Store::in_memory()? };
    store.read(|work| {
        let mut comparison = Comparison::with_newest(work)?;
        file.read(&mut |contract| match comparison.next(work, contract)? {
            Some((_, difference)) => each(difference),
            None => Ok(()),
        })?;
        for id in comparison.gone(work)? {
            each(Difference::Gone(work.contract_by_id(id)?))?;
        }
        let counts = comparison.counts()?;
        refuse_empty(&file, &counts)?;
        Ok(counts)
    })
}

/// A list without contracts, where some are on file, is a mistake.
fn refuse_empty(file: &ContractFile, counts: &Counts) -> anyhow::Result<()> {
    if counts.added + counts.changed + counts.unchanged > 0 || counts.gone == 0 {
        return Ok(());
    }
    let message = format!("holds no contract, and {} are on file: an empty list is taken for a mistake", counts.gone);
    Err(file.refused(message).into())
}

fn import_into(
    store: &mut Store,
    file: &ContractFile,
    now: Timestamp,
    longest_pause: Duration,
) -> anyhow::Result<Outcome> {
    if let Some(known) = store.read(|work| work.contract_list())?
        && known.content_hash == file.content_hash
    {
        return Ok(Outcome::Known(known));
    }
    file.check()?;
    store.wait_for_disk(false)?;
    let mut comparison = store.read(Comparison::with_newest)?;
    while store.write(|work| work.set_aside_leftovers(comparison.version))? {}
    let mut waiting = Vec::new();
    let (mut rows, mut contracts) = (0, 0);
    let progress = Progress::of_command("contracts of the list read");
    file.read(&mut |contract| {
        contracts += 1;
        progress.at(contracts, 0);
        rows += 1 + contract.serials.len();
        waiting.push(contract);
        if rows >= ROWS_HELD {
            rows = 0;
            return write(store, &mut comparison, std::mem::take(&mut waiting), longest_pause);
        }
        Ok(())
    })?;
    write(store, &mut comparison, waiting, longest_pause)?;
    let gone = store.read(|work| comparison.gone(work))?;
    let counts = comparison.counts()?;
    refuse_empty(file, &counts)?;
    let version = comparison.version + 1;
    for ids in gone.chunks(ROWS_AT_ONCE) {
        pausing(longest_pause, || store.write(|work| ids.iter().try_for_each(|id| work.end_contract(version, *id))))?;
    }
    let list = ListVersion { version, imported_at: now, source: file.name(), content_hash: file.content_hash, counts };
    store.wait_for_disk(true)?;
    store.write(|work| work.publish(&list))?;
    Ok(Outcome::Imported(list))
}

/// Writes what differs of these contracts: the rows, then the keys in the order of their indexes.
fn write(
    store: &mut Store,
    comparison: &mut Comparison,
    contracts: Vec<Contract>,
    longest_pause: Duration,
) -> anyhow::Result<()> {
    // What stays as it is needs no turn at writing.
    let mut differing = store.read(|work| {
        let mut differing = Vec::new();
        for contract in contracts {
            differing.extend(comparison.next(work, contract)?);
        }
        Ok(differing)
    })?;
    differing.sort_unstable_by(|(_, one), (_, other)| one.contract().number.cmp(&other.contract().number));
    let version = comparison.version + 1;
    let mut keys = ContractKeys::default();
    for some in differing.chunks(ROWS_AT_ONCE) {
        pausing(longest_pause, || {
            store.write(|work| {
                for (id, difference) in some {
                    if let Some(id) = id {
                        work.end_contract(version, *id)?;
                    }
                    let contract = difference.contract();
                    keys.add(contract, work.add_contract(version, contract)?);
                }
                Ok(())
            })
        })?;
    }
    keys.sort();
    for some in keys.numbers.chunks(ROWS_AT_ONCE) {
        pausing(longest_pause, || store.write(|work| work.add_contract_keys(some)))?;
    }
    for some in keys.senders.chunks(ROWS_AT_ONCE) {
        pausing(longest_pause, || store.write(|work| work.add_contract_senders(some)))?;
    }
    Ok(())
}

/// Does `work`, then lets others have their turn.
fn pausing(longest: Duration, work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
    let began = Instant::now();
    work()?;
    std::thread::sleep(began.elapsed().min(longest));
    Ok(())
}

/// A list on its way past what is on file.
struct Comparison {
    /// The newest version; 0 where there is none.
    version: u32,
    seen: HashSet<ContractId>,
    added: usize,
    changed: usize,
    gone: usize,
}

impl Comparison {
    fn with_newest(work: &Work) -> anyhow::Result<Comparison> {
        let version = work.contract_list()?.map_or(0, |list| list.version);
        Ok(Comparison { version, seen: HashSet::new(), added: 0, changed: 0, gone: 0 })
    }

    /// What the list says of its next contract, with the row that it replaces.
    fn next(&mut self, work: &Work, contract: Contract) -> anyhow::Result<Option<(Option<ContractId>, Difference)>> {
        let Some((id, before)) = work.contract(&contract.number, self.version)? else {
            self.added += 1;
            return Ok(Some((None, Difference::Added(contract))));
        };
        self.seen.insert(id);
        if before == contract {
            return Ok(None);
        }
        let changes = contract::differences(&before, &contract);
        if changes.is_empty() {
            return Ok(None);
        }
        self.changed += 1;
        Ok(Some((Some(id), Difference::Changed(contract, changes))))
    }

    /// The contracts on file that the list did not have.
    fn gone(&mut self, work: &Work) -> anyhow::Result<Vec<ContractId>> {
        let mut gone = work.contract_ids(self.version)?;
        gone.retain(|id| !self.seen.contains(id));
        self.gone = gone.len();
        Ok(gone)
    }

    fn counts(&self) -> anyhow::Result<Counts> {
        Ok(Counts {
            added: u32::try_from(self.added)?,
            changed: u32::try_from(self.changed)?,
            gone: u32::try_from(self.gone)?,
            unchanged: u32::try_from(self.seen.len() - self.changed)?,
        })
    }
}
