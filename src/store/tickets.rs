//! Tickets read back.

use anyhow::Context;
use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::on_file::Question;
use super::{Work, timestamp};
use crate::desk::contract::Excerpt;
use crate::desk::language::Language;
use crate::desk::message::Address;
use crate::desk::ticket::{Entry, KnownNumber, Ticket, Wait};
use crate::desk::ticket_number::TicketNumber;

/// How often a ticket that was merged is looked for: a merged one takes nothing in, so that a chain
/// has no ring.
const MOST_MERGES: usize = 100;

/// A ticket's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TicketId(pub(super) i64);

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
        let select = "SELECT year, sequence, state, customer_name, customer_address, subject, language, opened_at,
                      linked_to, continues, merged_into, assignee, admitted_at, concern, delivery, closes_at, wait_since,
                      wait_until, wait_reason, wait_actor, wait_from, earlier_tags FROM ticket WHERE id = ?1";
        let mut select = self.transaction.prepare_cached(select)?;
        let mut rows = select.query([id.0])?;
        let row = rows.next()?.context("a ticket has vanished from the database")?;
        let other = |column| -> anyhow::Result<Option<TicketNumber>> {
            row.get::<_, Option<i64>>(column)?.map(|other| self.ticket_number(TicketId(other))).transpose()
        };
        let time = |column| -> anyhow::Result<Option<Timestamp>> {
            row.get::<_, Option<i64>>(column)?.map(timestamp).transpose()
        };
        let ticket = Ticket {
            number: TicketNumber::new(row.get(0)?, row.get(1)?),
            state: row.get::<_, String>(2)?.parse()?,
            customer: Address { name: row.get(3)?, address: row.get(4)? },
            participants: self.participants(id)?,
            subject: row.get(5)?,
            language: language(&row.get::<_, String>(6)?),
            opened_at: timestamp(row.get(7)?)?,
            linked_to: other(8)?,
            earlier_tags: row.get::<_, String>(21)?.lines().map(ToOwned::to_owned).collect(),
            continues: other(9)?,
            merged_into: other(10)?,
            assignee: row.get(11)?,
            admitted_at: time(12)?,
            concern: row.get::<_, String>(13)?.parse()?,
            delivery: row.get::<_, Option<String>>(14)?.map(|text| text.parse()).transpose()?,
            closes_at: time(15)?,
            wait: match (time(16)?, row.get::<_, Option<String>>(20)?) {
                (Some(since), Some(from)) => Some(Wait {
                    since,
                    until: time(17)?,
                    reason: row.get::<_, Option<String>>(18)?.unwrap_or_default(),
                    actor: row.get::<_, Option<String>>(19)?.unwrap_or_default(),
                    from: from.parse()?,
                }),
                _ => None,
            },
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

    pub(super) fn entries(&self, id: TicketId) -> anyhow::Result<Vec<Entry>> {
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

    /// The mails of a ticket that count for it, oldest first, by content hash: those of somebody who takes part.
    pub fn customers_mails(&self, id: TicketId) -> anyhow::Result<Vec<Vec<u8>>> {
        let select = "SELECT content_hash FROM entry WHERE ticket_id = ?1 AND kind = 'customer'
                      AND content_hash IS NOT NULL ORDER BY id";
        let mut select = self.transaction.prepare_cached(select)?;
        let rows = select.query_map([id.0], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Whether a mail counts for a ticket as a customer's.
    pub fn is_customers_mail(&self, content_hash: &[u8]) -> anyhow::Result<bool> {
        let select = "SELECT 1 FROM entry WHERE content_hash = ?1 AND kind = 'customer'";
        Ok(self.transaction.prepare_cached(select)?.exists([content_hash])?)
    }

    /// The ticket that this one is part of in the end; itself where it was not merged.
    pub fn whole_ticket(&self, id: TicketId) -> anyhow::Result<TicketId> {
        let mut select = self.transaction.prepare_cached("SELECT merged_into FROM ticket WHERE id = ?1")?;
        let mut whole = id;
        for _ in 0..MOST_MERGES {
            match select.query_row([whole.0], |row| row.get::<_, Option<i64>>(0))? {
                Some(into) => whole = TicketId(into),
                None => break,
            }
        }
        Ok(whole)
    }
}

fn language(name: &str) -> Language {
    if name == "pl" { Language::Polish } else { Language::English }
}
