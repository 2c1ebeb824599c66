//! When the desk was at work, and when it was not.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, params};

use super::{Work, micros, timestamp};
use crate::desk::decide::Downtime;
use crate::desk::ticket::LateCause;

/// A gap up to this is no downtime: the pulse is felt that rarely.
const SHORTEST_DOWNTIME: SignedDuration = SignedDuration::from_secs(120);

impl Work<'_> {
    /// The desk begins to work. What lies between its last pulse and now was a downtime.
    pub fn begins(&self, now: Timestamp) -> anyhow::Result<()> {
        let last: Option<i64> = self.transaction.query_row("SELECT at FROM pulse", [], |row| row.get(0)).optional()?;
        if let Some(last) = last.map(timestamp).transpose()? {
            self.was_down(&Downtime { cause: LateCause::Stopped, from: last, to: now })?;
        }
        self.pulse(now)
    }

    /// The desk is at work.
    pub fn pulse(&self, now: Timestamp) -> anyhow::Result<()> {
        let insert = "INSERT INTO pulse (id, at) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET at = excluded.at";
        self.transaction.prepare_cached(insert)?.execute([micros(now)])?;
        Ok(())
    }

    /// The desk could not work; a short gap is none.
    pub fn was_down(&self, down: &Downtime) -> anyhow::Result<()> {
        if down.to.duration_since(down.from) >= SHORTEST_DOWNTIME {
            let insert = "INSERT INTO downtime (began, ended, cause) VALUES (?1, ?2, ?3)";
            let values = params![micros(down.from), micros(down.to), down.cause.name()];
            self.transaction.prepare_cached(insert)?.execute(values)?;
        }
        Ok(())
    }

    /// The downtimes that ended at or after this moment, the earliest first.
    pub fn downtimes_since(&self, since: Timestamp) -> anyhow::Result<Vec<Downtime>> {
        let select = "SELECT began, ended, cause FROM downtime WHERE ended >= ?1 ORDER BY began";
        let mut select = self.transaction.prepare_cached(select)?;
        let mut rows = select.query([micros(since)])?;
        let mut downtimes = Vec::new();
        while let Some(row) = rows.next()? {
            let (from, to) = (timestamp(row.get(0)?)?, timestamp(row.get(1)?)?);
            downtimes.push(Downtime { cause: row.get::<_, String>(2)?.parse()?, from, to });
        }
        Ok(downtimes)
    }
}
