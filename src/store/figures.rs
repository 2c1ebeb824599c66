//! Where the desk stands, in figures.

use jiff::{SignedDuration, Timestamp};
use rusqlite::params;
use serde::Serialize;

use super::tickets::TicketId;
use super::{Work, micros, timestamp};
use crate::desk::ticket_number::TicketNumber;

/// What falls due within this time is due soon.
pub const SOON: SignedDuration = SignedDuration::from_hours(1);

/// Where the desk stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Figures {
    /// The watched folders.
    pub folders: Vec<FolderFigures>,
    /// Tickets that are not laid aside.
    pub open_tickets: u64,
    /// The running clocks, by kind.
    pub clocks: Vec<ClockFigures>,
    /// Mails that wait to be sent.
    pub outbox_pending: u64,
    /// Those of them that were refused at least once.
    pub outbox_retrying: u64,
    /// Those of them that a server may have taken: they are looked for.
    pub outbox_unknown: u64,
    /// Mails that were given up.
    pub outbox_failed: u64,
    /// When the oldest waiting mail was written.
    pub oldest_pending: Option<Timestamp>,
    /// When a server last accepted an acknowledgement.
    pub last_acknowledgement: Option<Timestamp>,
    /// Mails that could not be decided, by cause.
    pub parked: Vec<(String, u64)>,
    /// When each chore of the operator's was last done: `backup`.
    pub chores: Vec<(String, Timestamp)>,
    /// The database file.
    pub database: DatabaseFigures,
}

/// The database file. Bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DatabaseFigures {
    /// Its size.
    pub file: u64,
    /// The size of the write-ahead log beside it.
    pub log: u64,
    /// Pages inside that hold nothing.
    pub free: u64,
}

/// A watched folder.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FolderFigures {
    /// The mailbox's name in the configuration.
    pub mailbox: String,
    /// The folder's name; empty for a Maildir.
    pub folder: String,
    /// When it was last walked to its end.
    pub last_full_pass: Option<Timestamp>,
}

/// The running clocks of one kind.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClockFigures {
    /// What was promised.
    pub kind: String,
    /// All that run.
    pub open: u64,
    /// Those whose time is over.
    pub breached: u64,
    /// Those that fall due within [`SOON`].
    pub due_soon: u64,
}

impl Work<'_> {
    /// Where the desk stands at this moment.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn figures(&self, now: Timestamp) -> anyhow::Result<Figures> {
        let select = "SELECT count(*), count(*) FILTER (WHERE state = 'pending' AND attempts > 0),
                             count(*) FILTER (WHERE state = 'unknown'), min(created_at)
                      FROM outbox WHERE state IN ('pending', 'sending', 'unknown')";
        let (outbox_pending, outbox_retrying, outbox_unknown, oldest) =
            self.transaction.prepare_cached(select)?.query_row([], |row| {
                let count = |column| Ok::<_, rusqlite::Error>(row.get::<_, i64>(column)? as u64);
                Ok((count(0)?, count(1)?, count(2)?, row.get::<_, Option<i64>>(3)?))
            })?;
        Ok(Figures {
            folders: self.folder_figures()?,
            open_tickets: self.count("SELECT count(*) FROM ticket WHERE state NOT IN ('closed', 'merged')")?,
            clocks: self.clock_figures(now)?,
            outbox_pending,
            outbox_retrying,
            outbox_unknown,
            // One without bytes was erased, or has outlived its time: nobody can do anything about it any more.
            outbox_failed: self.count("SELECT count(*) FROM outbox WHERE state = 'failed' AND length(bytes) > 0")?,
            oldest_pending: oldest.map(timestamp).transpose()?,
            last_acknowledgement: self.last_acknowledgement()?,
            parked: self.parked_by_cause()?,
            chores: self.chores()?,
            database: self.database_figures()?,
        })
    }

    /// The tickets of the mails that were given up last, the newest first.
    pub fn given_up(&self, most: usize) -> anyhow::Result<Vec<TicketNumber>> {
        let select = "SELECT ticket_id FROM outbox WHERE state = 'failed' AND length(bytes) > 0
                      AND ticket_id IS NOT NULL GROUP BY ticket_id ORDER BY max(id) DESC LIMIT ?1";
        let mut select = self.transaction.prepare_cached(select)?;
        let rows = select.query_map([most as i64], |row| row.get(0).map(TicketId))?.collect::<Result<Vec<_>, _>>()?;
        rows.into_iter().map(|id| self.ticket_number(id)).collect()
    }

    fn folder_figures(&self) -> anyhow::Result<Vec<FolderFigures>> {
        let mut select = self
            .transaction
            .prepare_cached("SELECT mailbox, name, last_full_pass FROM folder ORDER BY mailbox, name")?;
        let mut rows = select.query([])?;
        let mut folders = Vec::new();
        while let Some(row) = rows.next()? {
            let last_full_pass = row.get::<_, Option<i64>>(2)?.map(timestamp).transpose()?;
            folders.push(FolderFigures { mailbox: row.get(0)?, folder: row.get(1)?, last_full_pass });
        }
        Ok(folders)
    }

    fn clock_figures(&self, now: Timestamp) -> anyhow::Result<Vec<ClockFigures>> {
        let soon = now.saturating_add(SOON)?;
        let select =
            "SELECT kind, count(*), count(*) FILTER (WHERE due <= ?1), count(*) FILTER (WHERE due > ?1 AND due <= ?2)
                      FROM clock WHERE ended_at IS NULL AND NOT paused GROUP BY kind ORDER BY kind";
        let mut select = self.transaction.prepare_cached(select)?;
        let rows = select.query_map(params![micros(now), micros(soon)], |row| {
            let count = |column| Ok::<_, rusqlite::Error>(row.get::<_, i64>(column)? as u64);
            Ok(ClockFigures { kind: row.get(0)?, open: count(1)?, breached: count(2)?, due_soon: count(3)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn last_acknowledgement(&self) -> anyhow::Result<Option<Timestamp>> {
        let select = "SELECT max(sent_at) FROM outbox WHERE purpose = 'acknowledgement'";
        let last: Option<i64> = self.transaction.prepare_cached(select)?.query_row([], |row| row.get(0))?;
        last.map(timestamp).transpose()
    }

    fn parked_by_cause(&self) -> anyhow::Result<Vec<(String, u64)>> {
        let select =
            "SELECT reason, count(*) FROM parked WHERE settled_at IS NULL AND cause <> 'bulk'
             AND (ticket_id IS NULL OR cause NOT IN ('over-limit', 'failed-authentication', 'storm')) GROUP BY reason ORDER BY reason";
        let mut select = self.transaction.prepare_cached(select)?;
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)? as u64)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn database_figures(&self) -> anyhow::Result<DatabaseFigures> {
        let pragma = |name| -> anyhow::Result<u64> {
            Ok(self.transaction.pragma_query_value(None, name, |row| row.get::<_, i64>(0))? as u64)
        };
        let page = pragma("page_size")?;
        let log = self.transaction.path().and_then(|path| std::fs::metadata(format!("{path}-wal")).ok());
        Ok(DatabaseFigures {
            file: pragma("page_count")? * page,
            log: log.map_or(0, |log| log.len()),
            free: pragma("freelist_count")? * page,
        })
    }

    fn count(&self, select: &str) -> anyhow::Result<u64> {
        Ok(self.transaction.prepare_cached(select)?.query_row([], |row| row.get::<_, i64>(0))? as u64)
    }
}
