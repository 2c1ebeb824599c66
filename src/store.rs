//! The only SQL: facts out, decisions in. One SQLite file, one writer.

mod apply;
mod facts;
mod figures;
mod journal;
mod outbox;
mod tickets;

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};
use rusqlite_migration::{M, Migrations};

pub use figures::{ClockFigures, DatabaseFigures, Figures, FolderFigures, SOON};
pub use journal::{Account, BEFORE_THE_DESK, Decided, FolderId, JournalEntry, OpenedFolder};
pub use outbox::{Due, Queued};
pub use tickets::{Summary, TicketId};

/// The database file within the state directory.
const FILE: &str = "desk.sqlite";

/// Held by the one process that writes; it vanishes with its holder.
const LOCK: &str = "lock";

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
        std::fs::create_dir_all(state_dir)
            .with_context(|| format!("cannot make the state directory {}", state_dir.display()))?;
        let lock = lock(&state_dir.join(LOCK))?;
        let path = state_dir.join(FILE);
        let mut connection = Connection::open(&path).with_context(|| cannot_open(&path))?;
        // FULL: a commit is on disk before the mail is filed on the server.
        connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")?;
        migrations().to_latest(&mut connection).with_context(|| cannot_open(&path))?;
        Ok(Store::with(connection, Some(lock)))
    }

    /// Opens the database for looking only, beside a running service.
    ///
    /// # Errors
    /// There is none yet, or it was written by another version.
    pub fn open_to_read(state_dir: &Path) -> anyhow::Result<Store> {
        let path = state_dir.join(FILE);
        if !path.exists() {
            bail!("there is no database at {} yet: start the service first (`hezo-intake run`)", path.display());
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&path, flags).with_context(|| cannot_open(&path))?;
        let version: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version as usize != MIGRATIONS.len() {
            bail!(
                "{} has schema {version}, this program reads {}: restart the service with this version",
                path.display(),
                MIGRATIONS.len()
            );
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
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let work_in_hand = Work { transaction };
        let done = work(&work_in_hand)?;
        work_in_hand.transaction.commit()?;
        Ok(done)
    }

    /// Looks at a consistent state.
    ///
    /// # Errors
    /// Those of `look`.
    pub fn read<T>(&mut self, look: impl FnOnce(&Work) -> anyhow::Result<T>) -> anyhow::Result<T> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
        look(&Work { transaction })
    }
}

/// Whether an error is the database's own (disk full, busy, read-only), not that of what was to be
/// stored: then everything waits, and nothing is parked.
pub fn is_at_fault(error: &anyhow::Error) -> bool {
    let sqlite = error.chain().find_map(|cause| cause.downcast_ref::<rusqlite::Error>());
    sqlite.and_then(rusqlite::Error::sqlite_error_code).is_some_and(|code| code != ErrorCode::ConstraintViolation)
}

/// The steps of the schema, oldest first; a step once released is never changed.
const MIGRATIONS: &[M] = &[M::up(include_str!("store/1-desk.sql"))];

fn migrations() -> Migrations<'static> {
    Migrations::from_slice(MIGRATIONS)
}

fn cannot_open(path: &Path) -> String {
    format!("cannot open the database {}", path.display())
}

fn lock(path: &PathBuf) -> anyhow::Result<File> {
    let file = File::create(path).with_context(|| format!("cannot make the lock file {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => {
            bail!(
                "another hezo-intake holds {}: stop it first, or give this one a state_dir of its own",
                path.display()
            )
        }
        Err(std::fs::TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}

fn compressed(bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    Ok(zstd::bulk::compress(bytes, COMPRESSION_LEVEL)?)
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
