//! The only SQL: facts out, decisions in. One SQLite file, one service; beside it only an import of
//! contracts writes, in short transactions of its own.

mod alerts;
mod apply;
mod blank;
mod clocks;
mod contracts;
mod copy;
mod counts;
mod erasure;
mod erasures;
mod facts;
mod fault;
mod figures;
mod journal;
mod lists;
mod mails;
mod on_file;
mod outages;
mod outbox;
mod parked;
mod promises;
mod pulse;
mod retention;
mod search;
mod tickets;

use std::cell::RefCell;
use std::fs::File;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};
use rusqlite_migration::{M, Migrations};
use zstd::bulk::Compressor;

pub use alerts::DueAlert;
pub use clocks::Appointment;
pub use contracts::{ContractId, ContractKeys, Counts, ListVersion, NumberKey, SenderKey};
pub use copy::{Copied, NothingKnownSince, Restored};
pub use erasure::{Erased, Left, Place};
pub use erasures::Erasure;
pub use figures::{ClockFigures, DatabaseFigures, Figures, FolderFigures, SOON};
pub use journal::{Account, BEFORE_THE_DESK, Decided, FolderId, JournalEntry, OpenedFolder, Packed};
pub use lists::{RunningClock, Summary, Wanted};
pub use on_file::Question;
pub use outbox::{Due, Queued};
pub use retention::{Cutoffs, Outlived};
pub use tickets::TicketId;

/// The database file within the state directory.
const FILE: &str = "desk.sqlite";

/// Held by the one service that works on this database, and by whoever changes its schema; it
/// vanishes with its holder. An import of contracts goes on beside a service: it touches only the
/// tables of the contracts, and SQLite lets one of the two write at a time.
const LOCK: &str = "lock";

/// Held by the one import that is under way.
const IMPORT_LOCK: &str = "contracts.lock";

/// How long a transaction waits for that of another process. Those are far shorter; a disk may not be.
const BUSY_TIMEOUT: Duration = Duration::from_secs(20);

/// Memory of an import for the pages of the indexes that it fills, in KiB.
const IMPORT_CACHE_KIB: i64 = 16 * 1024;

/// FULL: a commit is on disk before the mail is filed on the server. What is deleted or replaced is
/// overwritten in the file, too.
const PRAGMAS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
                       PRAGMA secure_delete = ON;";

/// How hard zstd tries: level 1 costs half of level 3 and gives the same size on mail
/// (measured on 10,000 mails of 34 KB in the mean).
const COMPRESSION_LEVEL: i32 = 1;

/// The largest mail that decompression gives back; larger ones are never kept whole.
const MOST_BYTES: usize = 1 << 30;

/// The database.
pub struct Store {
    connection: Connection,
    _lock: Option<File>,
}

/// One transaction: all of it is committed, or nothing.
pub struct Work<'a> {
    transaction: Transaction<'a>,
}

impl Store {
    /// Opens the database for writing, makes or migrates it as needed, and locks it.
    ///
    /// # Errors
    /// Another process holds the lock; the directory cannot be written; the file was written by a
    /// newer version.
    pub fn open(state_dir: &Path) -> anyhow::Result<Store> {
        Store::make_place(state_dir)?;
        let lock = lock(&state_dir.join(LOCK))?.ok_or_else(|| held_by_another(&state_dir.join(LOCK)))?;
        let path = state_dir.join(FILE);
        let mut connection = writable(&path)?;
        migrate(&mut connection, &path)?;
        Ok(Store::with(connection, Some(lock)))
    }

    /// Opens the database for an import of contracts, beside a running service or without one, and
    /// makes it as needed. One import at a time: `None` while another is under way.
    ///
    /// # Errors
    /// The directory cannot be written; the database has another version's schema and a service holds it.
    pub fn open_to_import(state_dir: &Path) -> anyhow::Result<Option<Store>> {
        Store::make_place(state_dir)?;
        let Some(importing) = lock(&state_dir.join(IMPORT_LOCK))? else { return Ok(None) };
        let path = state_dir.join(FILE);
        let mut connection = writable(&path)?;
        if schema(&connection)? != MIGRATIONS.len() {
            let held = lock(&state_dir.join(LOCK))?;
            // A service that began a moment ago has made the schema by now.
            if held.is_none() && schema(&connection)? != MIGRATIONS.len() {
                return Err(other_schema(&path, schema(&connection)?));
            }
            migrate(&mut connection, &path)?;
        }
        connection.pragma_update(None, "cache_size", -IMPORT_CACHE_KIB)?;
        Ok(Some(Store::with(connection, Some(importing))))
    }

    /// Makes the state directory where it is not there, for its owner alone.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn make_place(state_dir: &Path) -> anyhow::Result<()> {
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(state_dir);
        made.with_context(|| format!("cannot make the state directory {}", state_dir.display()))
    }

    /// A database that is gone with this value, for `explain`.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn in_memory() -> anyhow::Result<Store> {
        let mut connection = Connection::open_in_memory()?;
        migrations().to_latest(&mut connection)?;
        Ok(Store::with(connection, None))
    }

    /// Whether there is a database in this directory.
    pub fn exists(state_dir: &Path) -> bool {
        state_dir.join(FILE).exists()
    }

    /// Opens the database for looking only, beside a running service.
    ///
    /// # Errors
    /// There is none yet, or it was written by another version.
    pub fn open_to_read(state_dir: &Path) -> anyhow::Result<Store> {
        Store::open_existing(state_dir, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
    }

    /// Opens the database for writing beside a running service, which goes on: SQLite's own locks
    /// keep the two apart.
    ///
    /// # Errors
    /// There is none yet, or it was written by another version.
    pub fn open_beside(state_dir: &Path) -> anyhow::Result<Store> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let store = Store::open_existing(state_dir, flags)?;
        store.connection.execute_batch(PRAGMAS)?;
        Ok(store)
    }

    fn open_existing(state_dir: &Path, flags: OpenFlags) -> anyhow::Result<Store> {
        let path = state_dir.join(FILE);
        if !Store::exists(state_dir) {
            bail!("there is no database at {} yet: start the service first (`hezo-intake run`)", path.display());
        }
        let connection = Connection::open_with_flags(&path, flags).map_err(|error| fault::told(error, &path))?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        let version = schema(&connection)?;
        if version != MIGRATIONS.len() {
            return Err(other_schema(&path, version));
        }
        Ok(Store::with(connection, None))
    }

    /// Whether a service works on the database in that directory.
    pub fn is_in_use(state_dir: &Path) -> bool {
        let file = File::open(state_dir.join(LOCK));
        file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(std::fs::TryLockError::WouldBlock)))
    }

    fn with(connection: Connection, lock: Option<File>) -> Store {
        connection.set_prepared_statement_cache_capacity(64);
        Store { connection, _lock: lock }
    }

    /// Does `work` in one transaction; an error rolls it back.
    ///
    /// # Errors
    /// Those of `work` and of the commit.
    pub fn write<T>(&mut self, work: impl FnOnce(&Work) -> anyhow::Result<T>) -> anyhow::Result<T> {
        let written = self.try_write(work);
        written.map_err(|error| self.told(error))
    }

    fn try_write<T>(&mut self, work: impl FnOnce(&Work) -> anyhow::Result<T>) -> anyhow::Result<T> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let work_in_hand = Work { transaction };
        let done = work(&work_in_hand)?;
        work_in_hand.transaction.commit()?;
        Ok(done)
    }

    /// Whether commits wait for the disk. Where they do not, the next one that does brings the
    /// earlier ones along: they stand in the same log, before it.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn wait_for_disk(&self, wait: bool) -> anyhow::Result<()> {
        Ok(self.connection.pragma_update(None, "synchronous", if wait { "FULL" } else { "NORMAL" })?)
    }

    /// Looks at a consistent state.
    ///
    /// # Errors
    /// Those of `look`.
    pub fn read<T>(&mut self, look: impl FnOnce(&Work) -> anyhow::Result<T>) -> anyhow::Result<T> {
        let looked = match self.connection.transaction_with_behavior(TransactionBehavior::Deferred) {
            Ok(transaction) => look(&Work { transaction }),
            Err(error) => Err(error.into()),
        };
        looked.map_err(|error| self.told(error))
    }

    fn told(&self, error: anyhow::Error) -> anyhow::Error {
        if is_at_fault(&error) { fault::told_of_work(error, &path_of(&self.connection)) } else { error }
    }

    /// Whether the database in this directory can be worked with, before the service begins. One of an earlier
    /// schema can; `whole` reads every page, which takes its time.
    ///
    /// # Errors
    /// It is damaged, none at all, of a newer schema, or not this user's; what to do about it.
    pub fn check(state_dir: &Path, whole: bool) -> anyhow::Result<()> {
        let path = state_dir.join(FILE);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let look = || -> Result<(u32, String), rusqlite::Error> {
            let connection = Connection::open_with_flags(&path, flags)?;
            connection.busy_timeout(BUSY_TIMEOUT)?;
            let version = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))?;
            let verdict = match whole {
                true => connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?,
                false => "ok".to_string(),
            };
            Ok((version, verdict))
        };
        let (version, verdict) = look().map_err(|error| fault::told(error, &path))?;
        if version as usize > MIGRATIONS.len() {
            return Err(other_schema(&path, version as usize));
        }
        if verdict != "ok" {
            return Err(fault::damaged(&path).context(verdict));
        }
        Ok(())
    }
}

impl Work<'_> {
    /// Does `work` so that an error undoes what it did and nothing else of the transaction.
    ///
    /// # Errors
    /// Those of `work`; the savepoint fails.
    pub fn apart<T>(&self, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
        let say = |statement| self.transaction.prepare_cached(statement)?.execute([]);
        say("SAVEPOINT apart")?;
        let done = work();
        if done.is_err() {
            say("ROLLBACK TO apart")?;
        }
        say("RELEASE apart")?;
        done
    }
}

/// Whether an error is the database's own (disk full, busy, read-only), not that of what was to be
/// stored: then everything waits, and nothing is parked.
pub fn is_at_fault(error: &anyhow::Error) -> bool {
    let sqlite = error.chain().find_map(|cause| cause.downcast_ref::<rusqlite::Error>());
    sqlite.and_then(rusqlite::Error::sqlite_error_code).is_some_and(|code| code != ErrorCode::ConstraintViolation)
}

/// The steps of the schema, oldest first; a step once released is never changed.
const MIGRATIONS: &[M] = &[
    M::up(include_str!("store/1-desk.sql")),
    M::up(include_str!("store/2-operations.sql")),
    M::up(include_str!("store/3-rights.sql")),
    M::up(include_str!("store/4-parked.sql")),
    M::up(include_str!("store/5-restore.sql")),
];

fn migrations() -> Migrations<'static> {
    Migrations::from_slice(MIGRATIONS)
}

fn writable(path: &Path) -> anyhow::Result<Connection> {
    // Its owner's alone from the first byte on; that it cannot be made is said below.
    let _ = File::options().write(true).create_new(true).mode(0o600).open(path);
    let connection = Connection::open(path).map_err(|error| fault::told(error, path))?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.execute_batch(PRAGMAS).map_err(|error| fault::told(error, path))?;
    Ok(connection)
}

/// Brings the schema up to date; whoever calls holds the lock of the service.
fn migrate(connection: &mut Connection, path: &Path) -> anyhow::Result<()> {
    let version = schema(connection)?;
    if version > MIGRATIONS.len() {
        return Err(other_schema(path, version));
    }
    migrations().to_latest(connection).with_context(|| {
        format!("the database {} cannot be brought up to date: see that its disk has room", path.display())
    })
}

/// How many steps of the schema the database has seen.
fn schema(connection: &Connection) -> anyhow::Result<usize> {
    let version = connection.pragma_query_value(None, "user_version", |row| row.get(0));
    let version: u32 = version.map_err(|error| fault::told(error, &path_of(connection)))?;
    Ok(version as usize)
}

fn path_of(connection: &Connection) -> PathBuf {
    PathBuf::from(connection.path().unwrap_or_default())
}

fn other_schema(path: &Path, version: usize) -> anyhow::Error {
    let path = path.display();
    let ours = MIGRATIONS.len();
    anyhow::anyhow!(
        "{path} has schema {version}, this program has {ours}: run the service and the commands with one version (an \
         earlier schema is brought up to date at the service's start, a newer one wants the newer program)"
    )
}

fn held_by_another(path: &Path) -> anyhow::Error {
    let path = path.display();
    anyhow::anyhow!("another hezo-intake holds {path}: stop it first, or give this one a state_dir of its own")
}

/// Takes a lock; `None` where another process has it.
fn lock(path: &PathBuf) -> anyhow::Result<Option<File>> {
    // An operator's import may have made the file under another user: to lock it, reading is enough.
    let made = File::options().read(true).write(true).create(true).truncate(false).open(path);
    let file =
        made.or_else(|_| File::open(path)).with_context(|| format!("cannot make the lock file {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(std::fs::TryLockError::WouldBlock) => Ok(None),
        Err(std::fs::TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}

fn compressed(bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    thread_local! {
        // Its tables take longer to make than a mail takes to compress.
        static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    }
    COMPRESSOR.with_borrow_mut(|compressor| {
        let compressor = match compressor {
            Some(compressor) => compressor,
            None => compressor.insert(Compressor::new(COMPRESSION_LEVEL)?),
        };
        Ok(compressor.compress(bytes)?)
    })
}

fn decompressed(bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut out = Vec::new();
    let mut reader = zstd::stream::read::Decoder::new(bytes)?;
    std::io::copy(&mut std::io::Read::take(&mut reader, MOST_BYTES as u64), &mut out)?;
    Ok(out)
}

fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

fn timestamp(micros: i64) -> anyhow::Result<Timestamp> {
    Timestamp::from_microsecond(micros).context("a time in the database is out of range")
}
