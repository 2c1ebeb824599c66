//! A decision is carried out.

use jiff::Timestamp;
use rusqlite::{ToSql, params};

use super::{Work, micros};
use crate::desk::decision::Effect;
use crate::desk::ticket::NewTicket;
use crate::desk::ticket::{Entry, KnownNumber, Wait};
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
            Effect::SetClock(number, clock) => self.set_clock(*number, clock),
            Effect::ResumeClocks(number, message_id) => self.resume_clocks(*number, message_id),
            Effect::FireRung(number, kind, round, id, fired) => self.fire_rung(*number, *kind, *round, id, fired),
            Effect::SetState(number, state) => {
                self.change(*number, "UPDATE ticket SET state = ?2 WHERE id = ?1", state.name())
            }
            Effect::SetWait(number, wait) => self.set_wait(*number, wait.as_ref()),
            Effect::SetClosing(number, at) => {
                self.change(*number, "UPDATE ticket SET closes_at = ?2 WHERE id = ?1", at.map(micros))
            }
            Effect::Admit(number, at) => {
                self.change(*number, "UPDATE ticket SET admitted_at = ?2 WHERE id = ?1", micros(*at))
            }
            Effect::Assign(number, engineer) => {
                self.change(*number, "UPDATE ticket SET assignee = ?2 WHERE id = ?1", engineer)
            }
            Effect::OrderDelivery(number, delivery) => {
                let delivery = delivery.map(|delivery| delivery.to_string());
                self.change(*number, "UPDATE ticket SET delivery = ?2 WHERE id = ?1", delivery)
            }
            Effect::SetLanguage(number, language) => {
                self.change(*number, "UPDATE ticket SET language = ?2 WHERE id = ?1", language.code())
            }
            Effect::SetConcern(number, concern) => {
                self.change(*number, "UPDATE ticket SET concern = ?2 WHERE id = ?1", concern.name())
            }
            Effect::DropNumber(number, kind, value) => {
                let id = self.ticket_id(*number)?;
                let delete = "DELETE FROM number WHERE ticket_id = ?1 AND kind = ?2 AND value = ?3";
                self.transaction.prepare_cached(delete)?.execute(params![id.0, kind.name(), value])?;
                Ok(())
            }
            Effect::MergeInto(number, into) => {
                let into = self.ticket_id(*into)?;
                self.change(*number, "UPDATE ticket SET merged_into = ?2 WHERE id = ?1", into.0)
            }
            Effect::UseSecondRoute(number) => self.use_second_route(*number, now),
            Effect::Alert(alert) => self.alert(alert, now),
            Effect::Send(post) => self.post(post, now),
            Effect::Found(message_id) => self.found(message_id, now),
            Effect::Gather(post, cause, at) => self.gather(post, cause, *at, now),
            Effect::Park(parked) => self.park(parked, content_hash, now),
            Effect::SettleJunk(ticket) => {
                content_hash.map_or(Ok(()), |content_hash| self.settle_junk(content_hash, *ticket, now))
            }
            Effect::SettleHeld(number) => self.settle_held(*number, now),
            Effect::Report(reason) => {
                tracing::error!(reason, "a mail could not be written: mend the template, then see the ticket");
                Ok(())
            }
        }
    }

    fn change(&self, number: TicketNumber, statement: &str, value: impl ToSql) -> anyhow::Result<()> {
        let id = self.ticket_id(number)?;
        self.transaction.prepare_cached(statement)?.execute(params![id.0, value])?;
        Ok(())
    }

    fn insert_ticket(&self, new: &NewTicket) -> anyhow::Result<()> {
        let linked_to = new.linked_to.map(|number| self.ticket_id(number)).transpose()?;
        let continues = new.continues.map(|number| self.ticket_id(number)).transpose()?;
        let insert = "INSERT INTO ticket
            (year, sequence, state, customer_name, customer_address, subject, language, opened_at, linked_to,
             earlier_tags, continues)
            VALUES (?1, ?2, 'new', ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
        self.transaction.prepare_cached(insert)?.execute(params![
            new.number.year(),
            new.number.sequence(),
            new.customer.name,
            new.customer.address,
            new.subject,
            new.language.code(),
            micros(new.opened_at),
            linked_to.map(|id| id.0),
            new.earlier_tags.join("\n"),
            continues.map(|id| id.0),
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

    fn set_wait(&self, number: TicketNumber, wait: Option<&Wait>) -> anyhow::Result<()> {
        let update =
            "UPDATE ticket SET wait_since = ?2, wait_until = ?3, wait_reason = ?4, wait_actor = ?5, wait_from = ?6
                      WHERE id = ?1";
        let id = self.ticket_id(number)?;
        self.transaction.prepare_cached(update)?.execute(params![
            id.0,
            wait.map(|wait| micros(wait.since)),
            wait.and_then(|wait| wait.until).map(micros),
            wait.map(|wait| &wait.reason),
            wait.map(|wait| &wait.actor),
            wait.map(|wait| wait.from.name()),
        ])?;
        Ok(())
    }
}
