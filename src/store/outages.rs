//! The outages that somebody was told of.

use jiff::Timestamp;
use rusqlite::params;

use super::{Work, micros, timestamp};
use crate::desk::reply::Promises;
use crate::outage::Part;

impl Work<'_> {
    /// The outages whose beginning was told and whose end was not, with their beginnings.
    pub fn told_outages(&self) -> anyhow::Result<Vec<(Part, Timestamp)>> {
        let mut select = self.transaction.prepare_cached("SELECT part, subject, since FROM outage")?;
        let mut rows = select.query([])?;
        let mut told = Vec::new();
        while let Some(row) = rows.next()? {
            let (kind, subject): (String, String) = (row.get(0)?, row.get(1)?);
            // What another version called otherwise is not known here, and stays.
            told.extend(Part::named(&kind, &subject).map(|part| anyhow::Ok((part, timestamp(row.get(2)?)?))));
        }
        told.into_iter().collect()
    }

    /// The beginning of an outage was told.
    pub fn outage_told(&self, part: &Part, since: Timestamp, now: Timestamp) -> anyhow::Result<()> {
        let insert = "INSERT INTO outage (part, subject, since, told_at) VALUES (?1, ?2, ?3, ?4)
                      ON CONFLICT (part, subject) DO NOTHING";
        let values = params![part.kind(), part.subject(), micros(since), micros(now)];
        self.transaction.prepare_cached(insert)?.execute(values)?;
        Ok(())
    }

    /// The end of an outage was told, or there is nobody any more who could tell it.
    pub fn outage_over(&self, part: &Part) -> anyhow::Result<()> {
        let delete = "DELETE FROM outage WHERE part = ?1 AND subject = ?2";
        self.transaction.prepare_cached(delete)?.execute([part.kind(), part.subject()])?;
        Ok(())
    }

    /// What stands with the promises at this moment, as those see it who hear of an outage that began
    /// at `since`.
    pub fn promises_at_stake(&self, since: Timestamp, now: Timestamp) -> anyhow::Result<Promises> {
        let select = "SELECT count(*) FILTER (WHERE ended_at IS NULL AND NOT paused),
                             min(due) FILTER (WHERE ended_at IS NULL AND NOT paused AND due > ?2),
                             count(*) FILTER (WHERE due BETWEEN ?1 AND ?2 AND (ended_at IS NULL OR ended_at > due))
                      FROM clock WHERE ended_at IS NULL OR due >= ?1";
        let values = params![micros(since), micros(now)];
        let (open, next, broken) = self.transaction.prepare_cached(select)?.query_row(values, |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?, row.get::<_, i64>(2)?))
        })?;
        Ok(Promises {
            open: open as u64,
            next: next.map(timestamp).transpose()?,
            broken: broken as u64,
            waiting_mails: self.outbox_pending()?,
        })
    }
}
