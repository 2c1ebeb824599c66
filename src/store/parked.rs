//! Mails that wait for a person.

use anyhow::Context;
use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, params};

use super::tickets::TicketId;
use super::{Work, micros, timestamp};
use crate::desk::parked::{Cause, JUNK_FOLDER, Parked, Settled, Settling, Waiting, Watch};
use crate::desk::ticket_number::TicketNumber;

/// What is read of a row.
const COLUMNS: &str = "id, cause, reason, sender, subject, place, received, sent, parked_at, ticket_id, due, remind_at,
                       escalate_at, settled_at, settled_as, settled_by, settled_why";

impl Work<'_> {
    /// A mail waits from now on.
    pub(super) fn park(&self, parked: &Parked, content_hash: Option<&[u8; 32]>, now: Timestamp) -> anyhow::Result<()> {
        let ticket = parked.about.map(|number| self.ticket_id(number)).transpose()?;
        let watch = parked.watch.as_ref();
        let insert = "INSERT INTO parked (content_hash, cause, reason, sender, subject, place, received, sent, parked_at,
                      ticket_id, due, remind_at, escalate_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
        self.transaction.prepare_cached(insert)?.execute(params![
            content_hash,
            parked.cause.name(),
            parked.reason,
            parked.sender,
            parked.subject,
            parked.place,
            micros(parked.received),
            micros(parked.sent),
            micros(now),
            ticket.map(|ticket| ticket.0),
            watch.map(|watch| micros(watch.due)),
            watch.and_then(|watch| watch.remind_at).map(micros),
            watch.and_then(|watch| watch.escalate_at).map(micros),
        ])?;
        Ok(())
    }

    /// One mail that waits or waited.
    pub fn waiting(&self, id: i64) -> anyhow::Result<Option<Waiting>> {
        let select = format!("SELECT {COLUMNS} FROM parked WHERE id = ?1");
        self.all_waiting(&select, id).map(|found| found.into_iter().next())
    }

    /// The mails that wait, the oldest first; with those that did, where `all`.
    pub fn parked(&self, all: bool) -> anyhow::Result<Vec<Waiting>> {
        let select = format!("SELECT {COLUMNS} FROM parked WHERE settled_at IS NULL OR ?1 = 1 ORDER BY id");
        self.all_waiting(&select, i64::from(all))
    }

    /// The mails of which the engineers are to be reminded by now.
    pub fn parked_to_remind(&self, now: Timestamp) -> anyhow::Result<Vec<Waiting>> {
        let due = "settled_at IS NULL AND reminded_at IS NULL AND remind_at <= ?1";
        self.all_waiting(&format!("SELECT {COLUMNS} FROM parked WHERE {due} ORDER BY id"), micros(now))
    }

    /// The mails that go to escalation by now.
    pub fn parked_to_escalate(&self, now: Timestamp) -> anyhow::Result<Vec<Waiting>> {
        let due = "settled_at IS NULL AND escalated_at IS NULL AND escalate_at <= ?1";
        self.all_waiting(&format!("SELECT {COLUMNS} FROM parked WHERE {due} ORDER BY id"), micros(now))
    }

    /// Somebody was told of a mail that waits.
    pub fn told_of_parked(&self, id: i64, escalation: bool, now: Timestamp) -> anyhow::Result<()> {
        let column = if escalation { "escalated_at" } else { "reminded_at" };
        self.transaction
            .execute(&format!("UPDATE parked SET {column} = ?2 WHERE id = ?1"), params![id, micros(now)])?;
        Ok(())
    }

    /// The hash of a mail that waits; `None` where the server never handed it out.
    pub fn hash_of_parked(&self, id: i64) -> anyhow::Result<Option<[u8; 32]>> {
        let select = "SELECT content_hash FROM parked WHERE id = ?1";
        let hash: Option<Option<Vec<u8>>> =
            self.transaction.prepare_cached(select)?.query_row([id], |row| row.get(0)).optional()?;
        Ok(hash.flatten().and_then(|hash| hash.try_into().ok()))
    }

    /// A mail waits no more. Where it was noted or parked, the journal says what became of it.
    pub fn settle(&self, id: i64, settled: &Settled, ticket: Option<TicketNumber>) -> anyhow::Result<()> {
        let ticket = ticket.map(|number| self.ticket_id(number)).transpose()?.map(|ticket| ticket.0);
        let update = "UPDATE parked SET settled_at = ?2, settled_as = ?3, settled_by = ?4, settled_why = ?5,
                      ticket_id = coalesce(?6, ticket_id) WHERE id = ?1 AND settled_at IS NULL";
        let Settled { at, how, by, why } = settled;
        self.transaction.execute(update, params![id, micros(*at), how.name(), by, why, ticket])?;
        let journal = "UPDATE journal SET disposition = ?2, reason = ?3, ticket_id = ?4
                       WHERE content_hash = (SELECT content_hash FROM parked WHERE id = ?1) AND disposition IN ('parked', 'noted')";
        let disposition = if ticket.is_some() { "opened" } else { "noted" };
        self.transaction.execute(journal, params![id, disposition, how.name(), ticket])?;
        Ok(())
    }

    /// The numbers under which a mail waits that the mail server took for junk.
    pub(super) fn parked_as_junk(&self, content_hash: &[u8; 32]) -> anyhow::Result<Vec<i64>> {
        let select = "SELECT id FROM parked WHERE content_hash = ?1 AND settled_at IS NULL AND reason = ?2";
        let mut select = self.transaction.prepare_cached(select)?;
        let ids = select.query_map(params![content_hash, JUNK_FOLDER], |row| row.get(0))?;
        Ok(ids.collect::<Result<_, _>>()?)
    }

    /// Somebody has moved a mail out of the junk folder: it waits no more.
    pub(super) fn settle_junk(
        &self,
        content_hash: &[u8; 32],
        ticket: Option<TicketNumber>,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        let (how, by, why) = (Settling::Released, "mailbox".to_string(), "moved out of the junk folder".to_string());
        let settled = Settled { at: now, how, by, why };
        self.parked_as_junk(content_hash)?.into_iter().try_for_each(|id| self.settle(id, &settled, ticket))
    }

    /// The answers that were held on this ticket wait no more: it has been answered.
    pub(super) fn settle_held(&self, number: TicketNumber, now: Timestamp) -> anyhow::Result<()> {
        let id = self.ticket_id(number)?;
        let update = "UPDATE parked SET settled_at = ?2, settled_as = 'answered', settled_by = 'desk'
                      WHERE ticket_id = ?1 AND settled_at IS NULL AND cause IN ('held-answer', 'forged-engineer')";
        self.transaction.prepare_cached(update)?.execute(params![id.0, micros(now)])?;
        Ok(())
    }

    /// When a mail that waits next needs somebody.
    pub(super) fn next_parked(&self) -> anyhow::Result<Option<i64>> {
        let select = "SELECT min(at) FROM (
            SELECT min(remind_at) AS at FROM parked WHERE settled_at IS NULL AND reminded_at IS NULL
            UNION ALL SELECT min(escalate_at) FROM parked WHERE settled_at IS NULL AND escalated_at IS NULL)";
        Ok(self.transaction.prepare_cached(select)?.query_row([], |row| row.get(0))?)
    }

    fn all_waiting(&self, select: &str, parameter: i64) -> anyhow::Result<Vec<Waiting>> {
        let mut select = self.transaction.prepare_cached(select)?;
        let mut rows = select.query([parameter])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(self.read_waiting(row)?);
        }
        Ok(found)
    }

    fn read_waiting(&self, row: &Row) -> anyhow::Result<Waiting> {
        let time = |column: &str| -> anyhow::Result<Option<Timestamp>> {
            row.get::<_, Option<i64>>(column)?.map(timestamp).transpose()
        };
        let at = |column: &str| time(column)?.context("a time is missing");
        let ticket: Option<i64> = row.get("ticket_id")?;
        let watch = |due| -> anyhow::Result<Watch> {
            Ok(Watch { due, remind_at: time("remind_at")?, escalate_at: time("escalate_at")? })
        };
        let settled = |at| -> anyhow::Result<Settled> {
            let how: String = row.get("settled_as")?;
            let how = Settling::named(&how).with_context(|| format!("unknown settling {how}"))?;
            let text = |column: &str| row.get::<_, Option<String>>(column).map(Option::unwrap_or_default);
            Ok(Settled { at, how, by: text("settled_by")?, why: text("settled_why")? })
        };
        Ok(Waiting {
            id: row.get("id")?,
            parked: Parked {
                cause: Cause::named(&row.get::<_, String>("cause")?),
                reason: row.get("reason")?,
                sender: row.get("sender")?,
                subject: row.get("subject")?,
                place: row.get("place")?,
                received: at("received")?,
                sent: at("sent")?,
                about: ticket.map(|id| self.ticket_number(TicketId(id))).transpose()?,
                watch: time("due")?.map(watch).transpose()?,
            },
            parked_at: at("parked_at")?,
            settled: time("settled_at")?.map(settled).transpose()?,
        })
    }
}
