//! What the alert command is to be told: committed with its cause, like mail.

use jiff::Timestamp;
use rusqlite::params;

use super::{Work, micros, timestamp};
use crate::desk::reply::Alert;

/// An alert whose turn it is.
#[derive(Clone, Debug)]
pub struct DueAlert {
    /// Its row.
    pub id: i64,
    /// What the command reads.
    pub json: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was decided.
    pub created_at: Timestamp,
}

impl Work<'_> {
    /// Puts an alert in the queue. The same one decided again changes nothing.
    pub(super) fn alert(&self, alert: &Alert, now: Timestamp) -> anyhow::Result<()> {
        let ticket = alert.ticket.map(|number| self.ticket_id(number)).transpose()?;
        let insert =
            "INSERT INTO alert (cause, ticket_id, json, next_attempt_at, created_at) VALUES (?1, ?2, ?3, ?4, ?4)
                      ON CONFLICT (cause) DO NOTHING";
        let values = params![alert.id, ticket.map(|ticket| ticket.0), alert.json, micros(now)];
        self.transaction.prepare_cached(insert)?.execute(values)?;
        Ok(())
    }

    /// The alerts whose turn it is, the oldest first.
    pub fn alerts_due(&self, now: Timestamp) -> anyhow::Result<Vec<DueAlert>> {
        let select = "SELECT id, json, attempts, created_at FROM alert
                      WHERE state = 'pending' AND next_attempt_at <= ?1 ORDER BY next_attempt_at, id";
        let mut select = self.transaction.prepare_cached(select)?;
        let mut rows = select.query([micros(now)])?;
        let mut due = Vec::new();
        while let Some(row) = rows.next()? {
            let created_at = timestamp(row.get(3)?)?;
            due.push(DueAlert { id: row.get(0)?, json: row.get(1)?, attempts: row.get(2)?, created_at });
        }
        Ok(due)
    }

    /// When the next alert is to be tried.
    pub fn next_alert(&self) -> anyhow::Result<Option<Timestamp>> {
        let select = "SELECT min(next_attempt_at) FROM alert WHERE state = 'pending'";
        let next: Option<i64> = self.transaction.prepare_cached(select)?.query_row([], |row| row.get(0))?;
        next.map(timestamp).transpose()
    }

    /// The command has told somebody.
    pub fn alert_done(&self, id: i64, now: Timestamp) -> anyhow::Result<()> {
        let update =
            "UPDATE alert SET state = 'done', done_at = ?2, attempts = attempts + 1, last_error = NULL WHERE id = ?1";
        self.transaction.prepare_cached(update)?.execute(params![id, micros(now)])?;
        Ok(())
    }

    /// The command is to be run again.
    pub fn alert_later(&self, id: i64, at: Timestamp, error: &str) -> anyhow::Result<()> {
        let update = "UPDATE alert SET next_attempt_at = ?2, last_error = ?3, attempts = attempts + 1 WHERE id = ?1";
        self.transaction.prepare_cached(update)?.execute(params![id, micros(at), error])?;
        Ok(())
    }

    /// The alert is given up.
    pub fn alert_failed(&self, id: i64, error: &str) -> anyhow::Result<()> {
        let update = "UPDATE alert SET state = 'failed', last_error = ?2, attempts = attempts + 1 WHERE id = ?1";
        self.transaction.prepare_cached(update)?.execute(params![id, error])?;
        Ok(())
    }
}
