//! The promises of a time, for figures.

use jiff::Timestamp;
use rusqlite::params;

use super::clocks::CLOCK;
use super::tickets::TicketId;
use super::{Work, micros};
use crate::desk::figures::Promised;
use crate::desk::ticket_number::TicketNumber;

impl Work<'_> {
    /// The promises that fall due at or after `from` and before `to`, by due time, as of `now`. Of
    /// those that were broken, with what happened on the ticket.
    pub fn promised_between(&self, from: Timestamp, to: Timestamp, now: Timestamp) -> anyhow::Result<Vec<Promised>> {
        let select = format!(
            "SELECT {CLOCK}, ticket.id, year, sequence, customer_address
             FROM clock JOIN ticket ON ticket.id = clock.ticket_id
             WHERE due >= ?1 AND due < ?2 ORDER BY due, clock.id"
        );
        let mut select = self.transaction.prepare_cached(&select)?;
        let mut rows = select.query(params![micros(from), micros(to)])?;
        let mut promises = Vec::new();
        while let Some(row) = rows.next()? {
            let clock = self.clock(row)?;
            let entries = match clock.breached(now) {
                true => self.entries(TicketId(row.get(17)?))?,
                false => Vec::new(),
            };
            let ticket = TicketNumber::new(row.get(18)?, row.get(19)?);
            promises.push(Promised { ticket, customer: row.get(20)?, clock, entries });
        }
        Ok(promises)
    }
}
