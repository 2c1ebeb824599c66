//! Tickets read back.

use anyhow::Context;
use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::on_file::Question;
use super::{Work, timestamp};
use crate::desk::contract::Excerpt;
use crate::desk::language::Language;
use crate::desk::message::Address;
use crate::desk::ticket::{Clock, ClockKind, Entry, KnownNumber, Ticket};
use crate::desk::ticket_number::TicketNumber;

/// A ticket's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TicketId(pub(super) i64);

/// A ticket in a list.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Summary {
    /// The number.
    pub ticket: String,
    /// Where it stands.
    pub state: String,
    /// The customer's address.
    pub customer: String,
    /// The subject.
    pub subject: String,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When a person must have made contact.
    pub reaction_due: Option<Timestamp>,
    /// When a person did.
    pub reaction_done: Option<Timestamp>,
    /// When it was escalated.
    pub escalated_at: Option<Timestamp>,
}

impl Work<'_> {
    /// The row of the ticket with this number.
    pub(super) fn ticket_id(&self, number: TicketNumber) -> anyhow::Result<TicketId> {
        self.find_ticket(number)?.with_context(|| format!("there is no ticket {number}"))
    }

    /// The row of the ticket with this number, if there is one.
    pub fn find_ticket(&self, number: TicketNumber) -> anyhow::Result<Option<TicketId>> {
        let mut select = self.transaction.prepare_cached("SELECT id FROM ticket WHERE year = ?1 AND sequence = ?2")?;
        let id = select.query_row(params![number.year(), number.sequence()], |row| row.get(0)).optional()?;
        Ok(id.map(TicketId))
    }

    /// The number of a ticket.
    pub fn ticket_number(&self, id: TicketId) -> anyhow::Result<TicketNumber> {
        let mut select = self.transaction.prepare_cached("SELECT year, sequence FROM ticket WHERE id = ?1")?;
        Ok(select.query_row([id.0], |row| Ok(TicketNumber::new(row.get(0)?, row.get(1)?)))?)
    }

    /// A ticket with all that belongs to it.
    pub fn ticket(&self, id: TicketId) -> anyhow::Result<Ticket> {
        let select =
            "SELECT year, sequence, state, customer_name, customer_address, subject, language, opened_at, linked_to,
                      earlier_tags FROM ticket WHERE id = ?1";
        let mut select = self.transaction.prepare_cached(select)?;
        let mut rows = select.query([id.0])?;
        let row = rows.next()?.context("a ticket has vanished from the database")?;
        let ticket = Ticket {
            number: TicketNumber::new(row.get(0)?, row.get(1)?),
            state: row.get::<_, String>(2)?.parse()?,
            customer: Address { name: row.get(3)?, address: row.get(4)? },
            participants: self.participants(id)?,
            subject: row.get(5)?,
            language: language(&row.get::<_, String>(6)?),
            opened_at: timestamp(row.get(7)?)?,
            linked_to: row.get::<_, Option<i64>>(8)?.map(|linked| self.ticket_number(TicketId(linked))).transpose()?,
            earlier_tags: row.get::<_, String>(9)?.lines().map(ToOwned::to_owned).collect(),
            numbers: self.numbers(id)?,
            clocks: self.clocks(id)?,
            entries: self.entries(id)?,
            on_file: Excerpt::default(),
        };
        Ok(Ticket { on_file: self.on_file(&Question::about(&ticket))?, ..ticket })
    }

    fn participants(&self, id: TicketId) -> anyhow::Result<Vec<String>> {
        let mut select = self.transaction.prepare_cached("SELECT address FROM participant WHERE ticket_id = ?1")?;
        let rows = select.query_map([id.0], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn numbers(&self, id: TicketId) -> anyhow::Result<Vec<KnownNumber>> {
        let select =
            "SELECT kind, value, written, evidence, quoted, on_file FROM number WHERE ticket_id = ?1 ORDER BY id";
        let mut select = self.transaction.prepare_cached(select)?;
        let mut rows = select.query([id.0])?;
        let mut numbers = Vec::new();
        while let Some(row) = rows.next()? {
            numbers.push(KnownNumber {
                kind: row.get::<_, String>(0)?.parse()?,
                value: row.get(1)?,
                written: row.get(2)?,
                evidence: row.get(3)?,
                quoted: row.get(4)?,
                on_file: row.get(5)?,
            });
        }
        Ok(numbers)
    }

    fn clocks(&self, id: TicketId) -> anyhow::Result<Vec<Clock>> {
        let select = "SELECT kind, start, start_reason, due, explanation, satisfied_at, fired_at FROM clock WHERE ticket_id = ?1";
        let mut select = self.transaction.prepare_cached(select)?;
        let mut rows = select.query([id.0])?;
        let mut clocks = Vec::new();
        while let Some(row) = rows.next()? {
            clocks.push(Clock {
                kind: row.get::<_, String>(0)?.parse()?,
                start: timestamp(row.get(1)?)?,
                start_reason: row.get(2)?,
                due: timestamp(row.get(3)?)?,
                explanation: row.get(4)?,
                satisfied_at: row.get::<_, Option<i64>>(5)?.map(timestamp).transpose()?,
                fired_at: row.get::<_, Option<i64>>(6)?.map(timestamp).transpose()?,
            });
        }
        Ok(clocks)
    }

    fn entries(&self, id: TicketId) -> anyhow::Result<Vec<Entry>> {
        let select = "SELECT kind, author, message_id, text, sender, at FROM entry WHERE ticket_id = ?1 ORDER BY id";
        let mut select = self.transaction.prepare_cached(select)?;
        let mut rows = select.query([id.0])?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next()? {
            entries.push(Entry {
                kind: row.get::<_, String>(0)?.parse()?,
                author: row.get(1)?,
                message_id: row.get(2)?,
                text: row.get(3)?,
                sender: row.get(4)?,
                at: timestamp(row.get(5)?)?,
            });
        }
        Ok(entries)
    }

    /// The mails that came in for a ticket, oldest first, as they came.
    pub fn originals(&self, id: TicketId) -> anyhow::Result<Vec<Vec<u8>>> {
        let select = "SELECT content_hash FROM entry WHERE ticket_id = ?1 AND kind IN ('customer', 'unconfirmed')
                      AND content_hash IS NOT NULL ORDER BY id";
        let mut select = self.transaction.prepare_cached(select)?;
        let hashes: Vec<Vec<u8>> = select.query_map([id.0], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let kept = hashes.iter().map(|hash| self.kept(hash)).collect::<anyhow::Result<Vec<_>>>()?;
        Ok(kept.into_iter().flatten().collect())
    }

    /// The running clocks that have fallen due, the earliest first.
    pub fn clocks_due(&self, now: Timestamp) -> anyhow::Result<Vec<(TicketId, ClockKind)>> {
        let select = "SELECT ticket_id, kind FROM clock WHERE satisfied_at IS NULL AND fired_at IS NULL AND due <= ?1 ORDER BY due";
        let mut select = self.transaction.prepare_cached(select)?;
        let mut rows = select.query([super::micros(now)])?;
        let mut due = Vec::new();
        while let Some(row) = rows.next()? {
            due.push((TicketId(row.get(0)?), row.get::<_, String>(1)?.parse()?));
        }
        Ok(due)
    }

    /// When the next clock falls due.
    pub fn next_due(&self) -> anyhow::Result<Option<Timestamp>> {
        let select = "SELECT min(due) FROM clock WHERE satisfied_at IS NULL AND fired_at IS NULL";
        let next: Option<i64> = self.transaction.prepare_cached(select)?.query_row([], |row| row.get(0))?;
        next.map(timestamp).transpose()
    }

    /// All tickets, the newest first.
    pub fn tickets(&self, most: usize) -> anyhow::Result<Vec<Summary>> {
        let select = "SELECT year, sequence, state, customer_address, subject, opened_at, due, satisfied_at, fired_at
                      FROM ticket LEFT JOIN clock ON clock.ticket_id = ticket.id AND clock.kind = 'reaction'
                      ORDER BY ticket.id DESC LIMIT ?1";
        let mut select = self.transaction.prepare_cached(select)?;
        let mut rows = select.query([most as i64])?;
        let mut tickets = Vec::new();
        while let Some(row) = rows.next()? {
            let time = |column| -> anyhow::Result<Option<Timestamp>> {
                row.get::<_, Option<i64>>(column)?.map(timestamp).transpose()
            };
            tickets.push(Summary {
                ticket: TicketNumber::new(row.get(0)?, row.get(1)?).to_string(),
                state: row.get(2)?,
                customer: row.get(3)?,
                subject: row.get(4)?,
                opened_at: timestamp(row.get(5)?)?,
                reaction_due: time(6)?,
                reaction_done: time(7)?,
                escalated_at: time(8)?,
            });
        }
        Ok(tickets)
    }
}

fn language(name: &str) -> Language {
    if name == "pl" { Language::Polish } else { Language::English }
}
