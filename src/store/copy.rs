//! Copies of the database: made beside the running service, proven, and put in its place.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use jiff::Timestamp;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, params};

use super::{Erasure, FILE, LOCK, MIGRATIONS, Store, Work, fault, lock, micros, migrate, other_schema, timestamp};

/// Pages copied at once; between two steps the service may write.
const PAGES_AT_ONCE: std::ffi::c_int = 1000;

/// The pause between two steps.
const PAUSE: Duration = Duration::from_millis(5);

/// The purposes of mails to customers, which none of them gets twice; engineers are told again.
const TO_CUSTOMERS: &str = "'acknowledgement', 'gathered', 'relay', 'customer-reminder'";

/// What a copy holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Tickets.
    pub tickets: u64,
    /// Mails as they came.
    pub mails: u64,
    /// Mails that were sent or are to be.
    pub outbox: u64,
}

/// How a restore ended.
#[derive(Clone, Copy, Debug)]
pub struct Restored {
    /// When the copy was made.
    pub copied_at: Timestamp,
    /// How many mails the former database knows as sent since.
    pub sent_since: usize,
    /// Whether the former database could be read.
    pub was_read: bool,
}

/// Nobody can say what was sent after the copy was made.
#[derive(Debug, thiserror::Error)]
#[error("what was sent since {0} is not known")]
pub struct NothingKnownSince(pub Timestamp);

impl Store {
    /// Copies the database while the service works on it. `shown` hears of pages done and all pages.
    /// The copy knows when it was made. Returns what the database held before.
    ///
    /// # Errors
    /// Those of SQLite; the disk is full.
    pub fn copy_to(self, to: &Path, at: Timestamp, shown: impl Fn(u64, u64)) -> anyhow::Result<Copied> {
        let before = counted(&self.connection)?;
        let mut copy = Connection::open(to).map_err(|error| fault::told(error, to))?;
        {
            let backup = Backup::new(&self.connection, &mut copy)?;
            loop {
                let step = backup.step(PAGES_AT_ONCE).context(
                    "the copy cannot be made: see that its disk has room, and with `hezo-intake check` that the database is sound",
                )?;
                let progress = backup.progress();
                let all = u64::try_from(progress.pagecount).unwrap_or_default();
                shown(all - u64::try_from(progress.remaining).unwrap_or_default().min(all), all);
                match step {
                    StepResult::Done => break,
                    _ => std::thread::sleep(PAUSE),
                }
            }
        }
        // One file, with nothing beside it.
        copy.pragma_update(None, "journal_mode", "DELETE")?;
        copy.execute(
            "INSERT INTO copied (id, at) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET at = excluded.at",
            [micros(at)],
        )?;
        copy.close().map_err(|(_, error)| error)?;
        Ok(before)
    }

    /// Opens a copy, checks every page of it, and counts.
    ///
    /// # Errors
    /// It is no database, or a damaged one, or one of a newer version.
    pub fn prove(copy: &Path) -> anyhow::Result<Copied> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let other = "take an earlier copy, by its own name";
        let connection = Connection::open_with_flags(copy, flags).context(other)?;
        let version: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).context(other)?;
        let version = version as usize;
        ensure!((1..=MIGRATIONS.len()).contains(&version), other_schema(copy, version));
        let verdict: String =
            connection.pragma_query_value(None, "integrity_check", |row| row.get(0)).context(other)?;
        ensure!(verdict == "ok", "it is damaged ({verdict}): {other}");
        counted(&connection)
    }

    /// Keeps the service out while this value lives; `None` where it runs.
    ///
    /// # Errors
    /// The lock file cannot be made.
    pub fn lock_out(state_dir: &Path) -> anyhow::Result<Option<fs::File>> {
        lock(&state_dir.join(LOCK))
    }

    /// Puts the proven copy at `new` in the database's place; the caller keeps the service out. The
    /// former database stays beside it, and tells which mails were sent since. `forget` erases anew in the
    /// copy what was erased since it was made; it is handed what the former database knows of that.
    ///
    /// # Errors
    /// The files cannot be written, or the copy's schema cannot be brought up to date; those of `forget`.
    pub fn restore(
        state_dir: &Path,
        new: &Path,
        worked_until: Option<Timestamp>,
        now: Timestamp,
        forget: impl FnOnce(&mut Store, Vec<Erasure>) -> anyhow::Result<()>,
    ) -> anyhow::Result<Restored> {
        let place = state_dir.join(FILE);
        let mut copy = Connection::open(new).map_err(|error| fault::told(error, new))?;
        migrate(&mut copy, new)?;
        let copied_at: Option<i64> = copy.query_row("SELECT at FROM copied", [], |row| row.get(0)).optional()?;
        let copied_at = timestamp(copied_at.context("the copy does not say when it was made")?)?;
        let sent = sent_since(&place, copied_at);
        let lost = match (&sent, worked_until) {
            (Ok(_), _) => None,
            (Err(_), Some(until)) => Some(until),
            (Err(_), None) => {
                return Err(NothingKnownSince(copied_at).into());
            }
        };
        let was_read = sent.is_ok();
        let sent = sent.unwrap_or_default();
        copy.pragma_update(None, "secure_delete", "ON")?;
        let mut store = Store::with(copy, None);
        forget(&mut store, former_erasures(&place).unwrap_or_default())?;
        let mut copy = store.connection;
        let gone = erased_mails(&place).unwrap_or_default();
        let transaction = copy.transaction()?;
        know_again(&transaction, &gone)?;
        for (message_id, at) in &sent {
            transaction.execute(
                "INSERT OR IGNORE INTO sent_before (message_id, at) VALUES (?1, ?2)",
                params![message_id, at],
            )?;
        }
        if let Some(until) = lost {
            let insert = "INSERT INTO lost_time (began, ended, restored_at) VALUES (?1, ?2, ?3)";
            transaction.execute(insert, [micros(copied_at), micros(until), micros(now)])?;
            // What waited in the copy, or was on its way, had its turn.
            let waited = format!(
                "INSERT OR IGNORE INTO sent_before (message_id, at) SELECT message_id, ?1 FROM outbox
                 WHERE state IN ('pending', 'sending', 'unknown') AND next_attempt_at <= ?1 AND purpose IN ({TO_CUSTOMERS})"
            );
            transaction.execute(&waited, [micros(until)])?;
        }
        transaction.execute("DELETE FROM copied", [])?;
        transaction.commit()?;
        copy.close().map_err(|(_, error)| error)?;
        for suffix in ["", "-wal", "-shm"] {
            let former = state_dir.join(format!("{FILE}{suffix}"));
            if former.exists() {
                fs::rename(&former, state_dir.join(format!("{FILE}.before-restore{suffix}")))
                    .with_context(|| format!("cannot lay {} aside", former.display()))?;
            }
        }
        fs::rename(new, &place).with_context(|| format!("cannot write {}", place.display()))?;
        fs::File::open(state_dir)?.sync_all()?;
        Ok(Restored { copied_at, sent_since: sent.len(), was_read })
    }
}

impl Work<'_> {
    /// A chore of the operator's was done.
    pub fn chore_done(&self, name: &str, at: Timestamp) -> anyhow::Result<()> {
        let insert = "INSERT INTO chore (name, done_at) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET done_at = excluded.done_at";
        self.transaction.execute(insert, params![name, micros(at)])?;
        Ok(())
    }

    /// When each chore was last done.
    pub fn chores(&self) -> anyhow::Result<Vec<(String, Timestamp)>> {
        let mut select = self.transaction.prepare_cached("SELECT name, done_at FROM chore ORDER BY name")?;
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.map(|row| row.map_err(anyhow::Error::from).and_then(|(name, at)| Ok((name, timestamp(at)?)))).collect()
    }

    /// Whether a mail that is to leave has left already, before the database was restored: the former database knew
    /// it, it waited in the copy, or the desk was at work at a time of which nothing is known. Then has left what
    /// answers a mail that had come until then (the copy may have been made while it lay unread), and what a clock
    /// asked for. A decision, its mails and the rung that was done bear the same moment.
    pub(super) fn was_sent_before(&self, id: i64) -> anyhow::Result<bool> {
        let select = format!(
            "SELECT EXISTS (SELECT 1 FROM outbox o JOIN sent_before s USING (message_id) WHERE o.id = ?1)
                 OR EXISTS (SELECT 1 FROM lost_time l CROSS JOIN outbox o
                            WHERE o.id = ?1 AND o.purpose IN ({TO_CUSTOMERS})
                              AND (EXISTS (SELECT 1 FROM journal j
                                           WHERE j.decided_at = o.created_at AND j.decided_at >= l.restored_at
                                             AND j.internal_date <= l.ended
                                             AND (j.ticket_id = o.ticket_id OR o.ticket_id IS NULL))
                                   OR EXISTS (SELECT 1 FROM clock c JOIN rung r ON r.clock_id = c.id
                                              WHERE c.ticket_id = o.ticket_id AND r.fired_at = o.created_at
                                                AND r.fired_at >= l.restored_at AND r.at <= l.ended)))"
        );
        Ok(self.transaction.prepare_cached(&select)?.query_row([id], |row| row.get(0))?)
    }
}

/// The mails that the former database knows as sent after a moment.
fn sent_since(former: &Path, since: Timestamp) -> anyhow::Result<Vec<(String, i64)>> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(former, flags)?;
    let mut select =
        connection.prepare("SELECT message_id, sent_at FROM outbox WHERE state = 'sent' AND sent_at >= ?1")?;
    let rows = select.query_map([micros(since)], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The erasures that the former database knows of; none where it is lost or of a schema before them.
fn former_erasures(former: &Path) -> anyhow::Result<Vec<Erasure>> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Store::with(Connection::open_with_flags(former, flags)?, None).read(|store| store.erasures())
}

/// A mail that lies on the server and was erased from the former database.
struct ErasedMail {
    mailbox: String,
    folder: String,
    /// UIDVALIDITY, UID, when it arrived, when it was decided.
    numbers: [i64; 4],
    content_hash: Vec<u8>,
    moved: bool,
}

/// The mails without bytes that the former database knows.
fn erased_mails(former: &Path) -> anyhow::Result<Vec<ErasedMail>> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(former, flags)?;
    let select =
        "SELECT f.mailbox, f.name, j.uid_validity, j.uid, j.internal_date, j.decided_at, j.content_hash, j.moved
                  FROM mail m JOIN journal j USING (content_hash) JOIN folder f ON f.id = j.folder_id
                  WHERE length(m.bytes) = 0";
    let mut select = connection.prepare(select)?;
    let rows = select.query_map([], |row| {
        Ok(ErasedMail {
            mailbox: row.get(0)?,
            folder: row.get(1)?,
            numbers: [row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?],
            content_hash: row.get(6)?,
            moved: row.get(7)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What was erased and still lies on the server is not taken in again.
fn know_again(transaction: &Transaction, mails: &[ErasedMail]) -> anyhow::Result<()> {
    let keep = "INSERT OR IGNORE INTO mail (content_hash, bytes, kept_at) VALUES (?1, x'', ?2)";
    let journal = "INSERT OR IGNORE INTO journal (folder_id, uid_validity, uid, internal_date, decided_at, filed_at,
                       content_hash, disposition, reason, moved)
                   SELECT id, ?3, ?4, ?5, ?6, ?6, ?7, 'noted', 'erased', ?8 FROM folder WHERE mailbox = ?1 AND name = ?2";
    for ErasedMail { mailbox, folder, numbers: [epoch, uid, arrived, decided], content_hash, moved } in mails {
        transaction.prepare_cached(keep)?.execute(params![content_hash, decided])?;
        let values = params![mailbox, folder, epoch, uid, arrived, decided, content_hash, moved];
        transaction.prepare_cached(journal)?.execute(values)?;
    }
    Ok(())
}

fn counted(connection: &Connection) -> anyhow::Result<Copied> {
    let count = |table: &str| -> anyhow::Result<u64> {
        let count: i64 = connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?;
        Ok(count as u64)
    };
    Ok(Copied { tickets: count("ticket")?, mails: count("mail")?, outbox: count("outbox")? })
}
