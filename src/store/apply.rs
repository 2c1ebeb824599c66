//! A decision is carried out.

use jiff::Timestamp;
use rusqlite::params;

use super::{Work, micros};
use crate::desk::decide::{Effect, NewTicket};
use crate::desk::language::Language;
use crate::desk::ticket::{Clock, Entry, KnownNumber};
use crate::desk::ticket_number::TicketNumber;

impl Work<'_> {
    /// Carries effects out, in order. `content_hash` is of the mail behind them, where one is.
    pub fn apply(&self, effects: &[Effect], content_hash: Option<&[u8; 32]>, now: Timestamp) -> anyhow::Result<()> {
        effects.iter().try_for_each(|effect| self.apply_one(effect, content_hash, now))
    }

    fn apply_one(&self, effect: &Effect, content_hash: Option<&[u8; 32]>, now: Timestamp) -> anyhow::Result<()> {
        match effect {
            Effect::Open(new) => self.insert_ticket(new),
            Effect::AddParticipant(number, address) => self.change(
                *number,
                "INSERT INTO participant (ticket_id, address) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                address,
            ),
            Effect::AddNumber(number, known) => self.insert_number(*number, known),
            Effect::AddEntry(number, entry) => self.insert_entry(*number, entry, content_hash),
            Effect::Thread(number, message_id) => self.change(
                *number,
                "INSERT INTO thread (ticket_id, message_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                message_id,
            ),
            Effect::StartClock(number, clock) => self.insert_clock(*number, clock),
            Effect::ResumeClock(number, kind) => self.change(
                *number,
                "UPDATE clock SET satisfied_at = NULL WHERE ticket_id = ?1 AND kind = ?2",
                kind.name(),
            ),
            Effect::FireClock(number, kind, at) => {
                let update = "UPDATE clock SET fired_at = ?3 WHERE ticket_id = ?1 AND kind = ?2";
                let id = self.ticket_id(*number)?;
                self.transaction.prepare_cached(update)?.execute(params![id.0, kind.name(), micros(*at)])?;
                Ok(())
            }
            Effect::SetState(number, state) => {
                self.change(*number, "UPDATE ticket SET state = ?2 WHERE id = ?1", state.name())
            }
            Effect::Send(post) => self.post(post, now),
            Effect::Gather(post, cause, at) => self.gather(post, cause, *at, now),
            Effect::Report(reason) => {
                tracing::error!(reason, "a mail could not be written: mend the template, then see the ticket");
                Ok(())
            }
        }
    }

    fn change(&self, number: TicketNumber, statement: &str, value: &str) -> anyhow::Result<()> {
        let id = self.ticket_id(number)?;
        self.transaction.prepare_cached(statement)?.execute(params![id.0, value])?;
        Ok(())
    }

    fn insert_ticket(&self, new: &NewTicket) -> anyhow::Result<()> {
        let linked_to = new.linked_to.map(|number| self.ticket_id(number)).transpose()?;
        let language = match new.language {
            Language::Polish => "pl",
            Language::English => "en",
        };
        let insert = "INSERT INTO ticket
            (year, sequence, state, customer_name, customer_address, subject, language, opened_at, linked_to, earlier_tags)
            VALUES (?1, ?2, 'new', ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        self.transaction.prepare_cached(insert)?.execute(params![
            new.number.year(),
            new.number.sequence(),
            new.customer.name,
            new.customer.address,
            new.subject,
            language,
            micros(new.opened_at),
            linked_to.map(|id| id.0),
            new.earlier_tags.join("\n"),
        ])?;
        Ok(())
    }

    /// A number known from a quote that is now written by the sender loses its mark.
    fn insert_number(&self, number: TicketNumber, known: &KnownNumber) -> anyhow::Result<()> {
        let insert = "INSERT INTO number (ticket_id, kind, value, written, evidence, quoted, on_file)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
            ON CONFLICT (ticket_id, kind, value) DO UPDATE SET written = excluded.written, evidence = excluded.evidence,
            quoted = excluded.quoted, on_file = excluded.on_file WHERE number.quoted AND NOT excluded.quoted";
        let id = self.ticket_id(number)?;
        self.transaction.prepare_cached(insert)?.execute(params![
            id.0,
            known.kind.name(),
            known.value,
            known.written,
            known.evidence,
            known.quoted,
            known.on_file,
        ])?;
        Ok(())
    }

    fn insert_entry(&self, number: TicketNumber, entry: &Entry, content_hash: Option<&[u8; 32]>) -> anyhow::Result<()> {
        let insert = "INSERT INTO entry (ticket_id, kind, author, message_id, content_hash, text, sender, at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let id = self.ticket_id(number)?;
        self.transaction.prepare_cached(insert)?.execute(params![
            id.0,
            entry.kind.name(),
            entry.author,
            entry.message_id,
            content_hash,
            entry.text,
            entry.sender,
            micros(entry.at),
        ])?;
        Ok(())
    }

    fn insert_clock(&self, number: TicketNumber, clock: &Clock) -> anyhow::Result<()> {
        let insert = "INSERT OR REPLACE INTO clock (ticket_id, kind, start, start_reason, due, explanation)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let id = self.ticket_id(number)?;
        self.transaction.prepare_cached(insert)?.execute(params![
            id.0,
            clock.kind.name(),
            micros(clock.start),
            clock.start_reason,
            micros(clock.due),
            clock.explanation,
        ])?;
        Ok(())
    }
}
