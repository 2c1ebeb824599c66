//! How rows lose what could be read in them.

use jiff::Timestamp;
use regex::Regex;
use rusqlite::params;

use super::tickets::TicketId;
use super::{Work, micros};

/// What stands in an address's place. Nothing is ever delivered there (RFC 2606 section 2).
const BLANK_ADDRESS: &str = "erased@erased.invalid";

/// What stands in other texts in an address's or a name's place.
pub(super) const BLANK: &str = "(erased)";

impl Work<'_> {
    /// A ticket loses every name and word; numbers of devices and contracts, times and promises stay.
    pub fn blank_ticket(&self, id: TicketId) -> anyhow::Result<()> {
        let ticket = "UPDATE ticket SET customer_name = '', customer_address = ?2, subject = '', wait_reason = iif(wait_reason IS NULL, NULL, '')
                      WHERE id = ?1";
        self.transaction.execute(ticket, params![id.0, BLANK_ADDRESS])?;
        let entries = "UPDATE entry SET text = '', message_id = NULL, author = iif(instr(author, '@') > 0, ?2, author)
                       WHERE ticket_id = ?1";
        self.transaction.execute(entries, params![id.0, BLANK])?;
        for statement in [
            "DELETE FROM participant WHERE ticket_id = ?1",
            "DELETE FROM thread WHERE ticket_id = ?1",
            // The tax number of a person in business is the person's.
            "DELETE FROM number WHERE ticket_id = ?1 AND kind = 'nip'",
            "UPDATE clock SET customer = NULL WHERE ticket_id = ?1",
            "UPDATE alert SET json = '{}', last_error = NULL, state = iif(state = 'pending', 'failed', state) WHERE ticket_id = ?1",
        ] {
            self.transaction.execute(statement, [id.0])?;
        }
        let sent: Vec<i64> = {
            let mut select = self.transaction.prepare("SELECT id FROM outbox WHERE ticket_id = ?1")?;
            select.query_map([id.0], |row| row.get(0))?.collect::<Result<_, _>>()?
        };
        self.blank_sent(&sent)?;
        self.blank_recipients(&sent)
    }

    /// Whether a ticket has lost its names already.
    pub(super) fn is_blank(&self, id: TicketId) -> anyhow::Result<bool> {
        let select = "SELECT customer_address = ?2 FROM ticket WHERE id = ?1";
        Ok(self.transaction.prepare_cached(select)?.query_row(params![id.0, BLANK_ADDRESS], |row| row.get(0))?)
    }

    /// Mails that came in, by content hash, lose their bytes.
    pub fn blank_mails(&self, mails: &[Vec<u8>], now: Timestamp) -> anyhow::Result<()> {
        let mut update = self.transaction.prepare_cached("UPDATE mail SET bytes = x'' WHERE content_hash = ?1")?;
        mails.iter().try_for_each(|hash| update.execute([hash]).map(|_| ()))?;
        // What still waited for a person can be looked at no more.
        let update = "UPDATE parked SET sender = '', subject = '', settled_as = coalesce(settled_as, 'discarded'),
                      settled_by = coalesce(settled_by, 'retention'), settled_at = coalesce(settled_at, ?2)
                      WHERE content_hash = ?1";
        let mut update = self.transaction.prepare_cached(update)?;
        mails.iter().try_for_each(|hash| update.execute(params![hash, micros(now)]).map(|_| ()))?;
        Ok(())
    }

    /// Mails of ours, by their rows, lose their bytes.
    pub fn blank_sent(&self, sent: &[i64]) -> anyhow::Result<()> {
        let update = "UPDATE outbox SET bytes = x'', shown = NULL, last_error = NULL WHERE id = ?1";
        let mut update = self.transaction.prepare_cached(update)?;
        sent.iter().try_for_each(|id| update.execute([id]).map(|_| ()))?;
        Ok(())
    }

    pub(super) fn blank_recipients(&self, sent: &[i64]) -> anyhow::Result<()> {
        // What was not sent by now has nobody to go to.
        let update = "UPDATE outbox SET recipient = ?2, state = iif(state = 'sent', 'sent', 'failed') WHERE id = ?1";
        let mut update = self.transaction.prepare_cached(update)?;
        sent.iter().try_for_each(|id| update.execute(params![id, BLANK_ADDRESS]).map(|_| ()))?;
        Ok(())
    }

    /// Puts other words in the place of what a pattern finds in the texts of a ticket.
    pub(super) fn blank_in_texts(&self, id: TicketId, pattern: &Regex) -> anyhow::Result<()> {
        for (table, column, key) in
            [("entry", "text", "ticket_id"), ("alert", "json", "ticket_id"), ("ticket", "subject", "id")]
        {
            let select = format!("SELECT id, {column} FROM {table} WHERE {key} = ?1");
            let texts: Vec<(i64, String)> = {
                let mut select = self.transaction.prepare_cached(&select)?;
                select.query_map([id.0], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?
            };
            let update = format!("UPDATE {table} SET {column} = ?2 WHERE id = ?1");
            for (row, text) in texts.iter().filter(|(_, text)| pattern.is_match(text)) {
                self.transaction.execute(&update, params![row, pattern.replace_all(text, BLANK)])?;
            }
        }
        Ok(())
    }
}
