//! What the desk asks before it thinks.

use jiff::Timestamp;
use rusqlite::OptionalExtension;

use super::Work;
use super::on_file::Question;
use super::tickets::TicketId;
use crate::desk::facts::Facts;
use crate::desk::thread::Keys;
use crate::desk::ticket_number::TicketNumber;
use crate::desk::token::Purpose;

impl Work<'_> {
    /// Answers the desk's questions about a mail, at this moment. `year` is the year in which a new
    /// ticket would be numbered.
    pub fn facts(&self, keys: &Keys, now: Timestamp, year: i16) -> anyhow::Result<Facts> {
        let mut threads = Vec::new();
        let mut wanted: Vec<TicketId> = Vec::new();
        for message_id in &keys.message_ids {
            if let Some(id) = self.only_ticket_of(message_id)? {
                let id = self.whole_ticket(id)?;
                threads.push((message_id.clone(), self.ticket_number(id)?));
                wanted.push(id);
            }
        }
        for number in keys.tags.iter().chain(&keys.named) {
            wanted.extend(self.find_ticket(*number)?);
        }
        let mut shown = Vec::new();
        if let Some(Ok(token)) = &keys.token {
            let ticket = token.ticket.parse().ok().map(|number| self.find_ticket(number)).transpose()?.flatten();
            wanted.extend(ticket);
            let is_answer = matches!(token.purpose, Purpose::Engineer | Purpose::Escalation);
            if let Some(ticket) = ticket.filter(|_| is_answer) {
                shown = self.shown(ticket)?;
            }
        }
        let sender = keys.sender.as_deref().unwrap_or_default();
        let bounced = match &keys.bounced_message_id {
            Some(message_id) => self.sent_mail_by_message_id(message_id)?,
            None => None,
        };
        let in_doubt = keys.own_message_id.as_deref().map(|id| self.in_doubt(id)).transpose()?.flatten();
        for number in [&bounced, &in_doubt].into_iter().flatten().filter_map(|sent| sent.ticket) {
            wanted.extend(self.find_ticket(number)?);
        }
        let mut merged = Vec::new();
        for id in &mut wanted {
            let whole = self.whole_ticket(*id)?;
            if whole != *id {
                merged.push((self.ticket_number(*id)?, self.ticket_number(whole)?));
                *id = whole;
            }
        }
        wanted.sort_by_key(|id| id.0);
        wanted.dedup();
        let tickets = wanted.iter().map(|id| self.ticket(*id)).collect::<anyhow::Result<Vec<_>>>()?;
        let mut originals = Vec::new();
        if keys.originals {
            for (id, ticket) in wanted.iter().zip(&tickets) {
                originals.push((ticket.number, self.originals(*id)?));
            }
        }
        let senders: Vec<&str> = keys.sender.as_deref().into_iter().collect();
        Ok(Facts {
            decided_before: self.decided_before(&keys.content_hash)?,
            waits_as_junk: !self.parked_as_junk(&keys.content_hash)?.is_empty(),
            threads,
            contracts: self.on_file(&Question::new(keys.numbers.clone(), &senders, now))?,
            tickets,
            merged,
            originals,
            bounced,
            in_doubt,
            sent: self.sent_lately(sender, now)?,
            recent: self.recent_of(sender, now, keys.recent)?,
            gathering: self.gathering_of(sender, now)?,
            shown,
            next_sequence: self.next_sequence(year)?,
        })
    }

    /// The ticket of a Message-ID that belongs to just one: an empty, constant or repeated id
    /// must never bring two tickets together.
    fn only_ticket_of(&self, message_id: &str) -> anyhow::Result<Option<TicketId>> {
        let mut select =
            self.transaction.prepare_cached("SELECT ticket_id FROM thread WHERE message_id = ?1 LIMIT 2")?;
        let ids: Vec<i64> = select.query_map([message_id], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(if let [id] = ids[..] { Some(TicketId(id)) } else { None })
    }

    fn decided_before(&self, content_hash: &[u8; 32]) -> anyhow::Result<Option<Option<TicketNumber>>> {
        let select = "SELECT ticket_id FROM journal WHERE content_hash = ?1 AND disposition <> 'duplicate' LIMIT 1";
        let mut select = self.transaction.prepare_cached(select)?;
        let ticket: Option<Option<i64>> = select.query_row([content_hash], |row| row.get(0)).optional()?;
        ticket.map(|id| id.map(|id| self.ticket_number(TicketId(id))).transpose()).transpose()
    }

    fn next_sequence(&self, year: i16) -> anyhow::Result<u32> {
        let mut select =
            self.transaction.prepare_cached("SELECT coalesce(max(sequence), 0) + 1 FROM ticket WHERE year = ?1")?;
        Ok(select.query_row([TicketNumber::new(year, 0).year()], |row| row.get(0))?)
    }
}
