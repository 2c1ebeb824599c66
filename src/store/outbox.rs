//! Mail on its way out.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, params};

use super::tickets::TicketId;
use super::{Work, compressed, decompressed, micros, timestamp};
use crate::desk::facts::SentMail;
use crate::desk::reply::{Keeps, Post, Purpose};
use crate::desk::ticket_number::TicketNumber;

/// So many of the newest mails to engineers are compared with an answer.
const MOST_SHOWN: i64 = 200;

/// A mail whose turn it is.
#[derive(Clone, Debug)]
pub struct Due {
    /// Its row.
    pub id: i64,
    /// Its Message-ID.
    pub message_id: String,
    /// Whether nobody knows if the server has taken it.
    pub in_doubt: bool,
    /// To whom.
    pub recipient: String,
    /// What for.
    pub purpose: Purpose,
    /// The mail.
    pub bytes: Vec<u8>,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was written.
    pub created_at: Timestamp,
    /// After so many tries the two routes take turns, the second first.
    pub second_route_from: Option<u32>,
    /// Whether it left before the database was restored.
    pub sent_before: bool,
}

/// A row of the outbox, for people.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Queued {
    /// What for.
    pub purpose: String,
    /// `pending`, `sending`, `sent`, `unknown` or `failed`.
    pub state: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was written.
    pub created_at: Timestamp,
    /// When the SMTP server accepted it.
    pub sent_at: Option<Timestamp>,
    /// What the server said last.
    pub last_error: Option<String>,
}

impl Work<'_> {
    /// Puts a mail into the outbox. The same mail decided again changes nothing.
    pub(super) fn post(&self, post: &Post, now: Timestamp) -> anyhow::Result<()> {
        let ticket = post.ticket.map(|number| self.ticket_id(number)).transpose()?;
        let insert = "INSERT INTO outbox
            (message_id, ticket_id, purpose, recipient, keeps, second_route_from, bytes, next_attempt_at, created_at, shown)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9) ON CONFLICT (message_id) DO NOTHING";
        self.transaction.prepare_cached(insert)?.execute(params![
            post.message_id,
            ticket.map(|ticket| ticket.0),
            post.purpose.name(),
            post.recipient,
            post.keeps.map(Keeps::name),
            post.second_route.then_some(0),
            compressed(&post.bytes)?,
            micros(now),
            post.shown.as_ref().map(|shown| compressed(shown.as_bytes())).transpose()?,
        ])?;
        Ok(())
    }

    /// Puts a mail into the outbox that leaves later, or writes the one that waits there anew.
    pub(super) fn gather(&self, post: &Post, cause: &[u8; 32], at: Timestamp, now: Timestamp) -> anyhow::Result<()> {
        let ticket = post.ticket.map(|number| self.ticket_id(number)).transpose()?;
        let insert =
            "INSERT INTO outbox (message_id, ticket_id, purpose, recipient, cause, bytes, next_attempt_at, created_at)
            VALUES (?1, ?8, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (message_id)
            DO UPDATE SET bytes = excluded.bytes, ticket_id = excluded.ticket_id WHERE state = 'pending' AND attempts = 0";
        self.transaction.prepare_cached(insert)?.execute(params![
            post.message_id,
            post.purpose.name(),
            post.recipient,
            cause,
            compressed(&post.bytes)?,
            micros(at),
            micros(now),
            ticket.map(|ticket| ticket.0),
        ])?;
        Ok(())
    }

    /// What engineers have read in our mails about a ticket, the newest first.
    pub(super) fn shown(&self, ticket: TicketId) -> anyhow::Result<Vec<String>> {
        let select = "SELECT shown FROM outbox WHERE ticket_id = ?1 AND shown IS NOT NULL ORDER BY id DESC LIMIT ?2";
        let mut select = self.transaction.prepare_cached(select)?;
        let kept = select.query_map(params![ticket.0, MOST_SHOWN], |row| row.get(0))?;
        let kept: Vec<Vec<u8>> = kept.collect::<Result<_, _>>()?;
        kept.iter().map(|text| Ok(String::from_utf8_lossy(&decompressed(text)?).into_owned())).collect()
    }

    /// Takes the mails whose turn it is, the oldest first: they are being sent from now on. One whose
    /// fate is unknown has its turn when it was not found in time.
    pub fn outbox_take(&self, now: Timestamp, most: usize) -> anyhow::Result<Vec<Due>> {
        let select = "SELECT id, recipient, purpose, bytes, attempts, created_at, second_route_from,
                      message_id, state = 'unknown' FROM outbox WHERE state IN ('pending', 'unknown') AND next_attempt_at <= ?1
                      ORDER BY next_attempt_at, id LIMIT ?2";
        let mut select = self.transaction.prepare_cached(select)?;
        let mut rows = select.query(params![micros(now), most as i64])?;
        let mut due = Vec::new();
        while let Some(row) = rows.next()? {
            let id = row.get(0)?;
            due.push(Due {
                id,
                recipient: row.get(1)?,
                purpose: purpose(row.get(2)?)?,
                bytes: decompressed(&row.get::<_, Vec<u8>>(3)?)?,
                attempts: row.get(4)?,
                created_at: timestamp(row.get(5)?)?,
                second_route_from: row.get(6)?,
                message_id: row.get(7)?,
                in_doubt: row.get(8)?,
                sent_before: self.was_sent_before(id)?,
            });
        }
        let mut update = self.transaction.prepare_cached("UPDATE outbox SET state = 'sending' WHERE id = ?1")?;
        due.iter().try_for_each(|due| update.execute([due.id]).map(|_| ()))?;
        Ok(due)
    }

    /// Of mails that were being sent when the program ended nobody knows the fate: they are looked
    /// for until `until`, then sent again. Returns how many there are.
    pub fn outbox_interrupted(&self, until: Timestamp) -> anyhow::Result<usize> {
        let update = "UPDATE outbox SET state = 'unknown', next_attempt_at = ?1, attempts = attempts + 1,
                      last_error = 'the program ended while the mail was being sent' WHERE state = 'sending'";
        Ok(self.transaction.prepare_cached(update)?.execute([micros(until)])?)
    }

    /// The server may have taken a mail, or not: it is looked for until `until`, then sent again.
    pub fn outbox_unknown(&self, id: i64, until: Timestamp, error: &str) -> anyhow::Result<()> {
        let update =
            "UPDATE outbox SET state = 'unknown', next_attempt_at = ?2, last_error = ?3, attempts = attempts + 1
                      WHERE id = ?1 AND state = 'sending'";
        self.transaction.prepare_cached(update)?.execute(params![id, micros(until), error])?;
        Ok(())
    }

    /// The mail with this Message-ID, where nobody knows whether the server took it.
    pub(super) fn in_doubt(&self, message_id: &str) -> anyhow::Result<Option<SentMail>> {
        let select = "SELECT ticket_id, purpose, recipient, keeps, message_id, created_at FROM outbox
                      WHERE message_id = ?1 AND state IN ('sending', 'unknown')";
        self.sent(self.transaction.prepare_cached(select)?.query_row([message_id], sent_row).optional()?)
    }

    /// A copy of this mail was found: the server had taken it.
    pub(super) fn found(&self, message_id: &str, now: Timestamp) -> anyhow::Result<()> {
        let update =
            "UPDATE outbox SET state = 'sent', sent_at = ?2 WHERE message_id = ?1 AND state IN ('sending', 'unknown')";
        self.transaction.prepare_cached(update)?.execute(params![message_id, micros(now)])?;
        Ok(())
    }

    /// When the next mail is to be tried.
    pub fn outbox_next(&self) -> anyhow::Result<Option<Timestamp>> {
        let select = "SELECT min(next_attempt_at) FROM outbox WHERE state IN ('pending', 'unknown')";
        let next: Option<i64> = self.transaction.prepare_cached(select)?.query_row([], |row| row.get(0))?;
        next.map(timestamp).transpose()
    }

    /// How many mails wait to be sent.
    pub fn outbox_pending(&self) -> anyhow::Result<u64> {
        // Each has its index; for all three at once SQLite would walk everything that was ever sent.
        let select = "SELECT (SELECT count(*) FROM outbox WHERE state IN ('pending', 'unknown'))
                      + (SELECT count(*) FROM outbox WHERE state = 'sending')";
        Ok(self.transaction.prepare_cached(select)?.query_row([], |row| row.get::<_, i64>(0))? as u64)
    }

    /// The SMTP server has accepted a mail.
    pub fn outbox_sent(&self, id: i64, now: Timestamp) -> anyhow::Result<()> {
        let update =
            "UPDATE outbox SET state = 'sent', sent_at = ?2, attempts = attempts + 1, last_error = NULL WHERE id = ?1";
        self.transaction.prepare_cached(update)?.execute(params![id, micros(now)])?;
        Ok(())
    }

    /// The acknowledgement of a ticket is tried at once, by the second route, also where the first
    /// has given it up.
    pub(super) fn use_second_route(&self, number: TicketNumber, now: Timestamp) -> anyhow::Result<()> {
        let update = "UPDATE outbox SET second_route_from = coalesce(second_route_from, attempts), state = 'pending', next_attempt_at = ?2
                      WHERE ticket_id = ?1 AND keeps = 'acknowledgement' AND state NOT IN ('sent', 'sending', 'unknown')";
        let id = self.ticket_id(number)?;
        self.transaction.prepare_cached(update)?.execute(params![id.0, micros(now)])?;
        Ok(())
    }

    /// A mail is to be tried again.
    pub fn outbox_later(&self, id: i64, at: Timestamp, error: &str) -> anyhow::Result<()> {
        let update =
            "UPDATE outbox SET state = 'pending', next_attempt_at = ?2, last_error = ?3, attempts = attempts + 1
                      WHERE id = ?1";
        self.transaction.prepare_cached(update)?.execute(params![id, micros(at), error])?;
        Ok(())
    }

    /// A mail is given up.
    pub fn outbox_failed(&self, id: i64, error: &str) -> anyhow::Result<()> {
        let update = "UPDATE outbox SET state = 'failed', last_error = ?2, attempts = attempts + 1 WHERE id = ?1";
        self.transaction.prepare_cached(update)?.execute(params![id, error])?;
        Ok(())
    }

    /// What a mail of ours was, by its row.
    pub fn sent_mail(&self, id: i64) -> anyhow::Result<Option<SentMail>> {
        let select = "SELECT ticket_id, purpose, recipient, keeps, message_id, created_at FROM outbox WHERE id = ?1";
        self.sent(self.transaction.prepare_cached(select)?.query_row([id], sent_row).optional()?)
    }

    /// What a mail of ours was, by its Message-ID.
    pub(super) fn sent_mail_by_message_id(&self, message_id: &str) -> anyhow::Result<Option<SentMail>> {
        let select =
            "SELECT ticket_id, purpose, recipient, keeps, message_id, created_at FROM outbox WHERE message_id = ?1";
        self.sent(self.transaction.prepare_cached(select)?.query_row([message_id], sent_row).optional()?)
    }

    fn sent(&self, row: Option<SentRow>) -> anyhow::Result<Option<SentMail>> {
        let Some((ticket, name, recipient, keeps, message_id, written_at)) = row else { return Ok(None) };
        Ok(Some(SentMail {
            ticket: ticket.map(|id| self.ticket_number(TicketId(id))).transpose()?,
            purpose: purpose(name)?,
            recipient,
            message_id,
            written_at: timestamp(written_at)?,
            keeps: keeps.and_then(|name| Keeps::named(&name)),
        }))
    }

    /// The mails of one ticket, for people.
    pub fn outbox_of(&self, ticket: TicketId) -> anyhow::Result<Vec<Queued>> {
        let select = "SELECT purpose, state, attempts, created_at, sent_at, last_error FROM outbox WHERE ticket_id = ?1 ORDER BY id";
        let mut select = self.transaction.prepare_cached(select)?;
        let mut rows = select.query([ticket.0])?;
        let mut queued = Vec::new();
        while let Some(row) = rows.next()? {
            queued.push(Queued {
                purpose: row.get(0)?,
                state: row.get(1)?,
                attempts: row.get(2)?,
                created_at: timestamp(row.get(3)?)?,
                sent_at: row.get::<_, Option<i64>>(4)?.map(timestamp).transpose()?,
                last_error: row.get(5)?,
            });
        }
        Ok(queued)
    }
}

type SentRow = (Option<i64>, String, String, Option<String>, String, i64);

fn sent_row(row: &Row) -> rusqlite::Result<SentRow> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
}

fn purpose(name: String) -> anyhow::Result<Purpose> {
    Purpose::named(&name).ok_or_else(|| anyhow::anyhow!("the outbox holds a mail of unknown purpose {name:?}"))
}
