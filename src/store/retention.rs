//! What has outlived its time is blanked: a mail loses its bytes, a ticket its names and words. The rows stay,
//! so that counts, promises and reports stay what they were, and a mail seen again is known.

use std::collections::HashSet;

use jiff::Timestamp;

use super::tickets::TicketId;
use super::{Work, micros};
use crate::desk::ticket_number::TicketNumber;

/// Before which moments something has to have ended to have outlived its time.
#[derive(Clone, Copy, Debug)]
pub struct Cutoffs {
    /// The last moment of a ticket whose mails go.
    pub mails: Timestamp,
    /// The last moment of a ticket whose names and words go.
    pub tickets: Timestamp,
}

/// What has outlived its time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outlived {
    /// Tickets that lose names and words.
    pub tickets: Vec<TicketId>,
    /// Mails that came in, by content hash.
    pub mails: Vec<Vec<u8>>,
    /// Mails of ours, by their rows.
    pub sent: Vec<i64>,
    /// Tickets that would lose something, and are kept.
    pub held: Vec<TicketNumber>,
}

impl Work<'_> {
    /// What has outlived its time, without tickets that are held.
    pub fn outlived(
        &self,
        cutoffs: &Cutoffs,
        is_held: impl Fn(&Work, TicketId) -> anyhow::Result<bool>,
    ) -> anyhow::Result<Outlived> {
        let (past_mails, past_tickets) = (self.ended_before(cutoffs.mails)?, self.ended_before(cutoffs.tickets)?);
        let mut outlived = Outlived::default();
        let mut held = HashSet::new();
        for &id in past_mails.union(&past_tickets) {
            if is_held(self, id)? {
                held.insert(id);
                outlived.held.push(self.ticket_number(id)?);
            }
        }
        outlived.held.sort();
        let may_go = |id: Option<i64>, past: &HashSet<TicketId>| {
            id.map(TicketId).is_none_or(|id| past.contains(&id) && !held.contains(&id))
        };
        for &id in &past_tickets {
            if !held.contains(&id) && !self.is_blank(id)? {
                outlived.tickets.push(id);
            }
        }
        outlived.tickets.sort_by_key(|id| id.0);
        // A mail may belong to several tickets: it goes with the last of them.
        let select = "SELECT j.content_hash, j.ticket_id FROM journal j JOIN mail m USING (content_hash)
                      WHERE j.decided_at < ?1 AND length(m.bytes) > 0
                      UNION SELECT e.content_hash, e.ticket_id FROM entry e JOIN mail m USING (content_hash)
                      WHERE length(m.bytes) > 0 ORDER BY 1";
        let (mut here, mut stays) = (HashSet::new(), HashSet::new());
        let mut select = self.transaction.prepare(select)?;
        let mut rows = select.query([micros(cutoffs.mails)])?;
        while let Some(row) = rows.next()? {
            let (hash, ticket): (Vec<u8>, Option<i64>) = (row.get(0)?, row.get(1)?);
            if may_go(ticket, &past_mails) {
                here.insert(hash);
            } else {
                stays.insert(hash);
            }
        }
        outlived.mails = here.difference(&stays).cloned().collect();
        outlived.mails.sort();
        let select = "SELECT id, ticket_id FROM outbox
                      WHERE created_at < ?1 AND length(bytes) > 0 AND state IN ('sent', 'failed') ORDER BY id";
        let mut select = self.transaction.prepare(select)?;
        let mut rows = select.query([micros(cutoffs.mails)])?;
        while let Some(row) = rows.next()? {
            if may_go(row.get(1)?, &past_mails) {
                outlived.sent.push(row.get(0)?);
            }
        }
        Ok(outlived)
    }

    /// The tickets that are laid aside for good and on which nothing happened since a moment. One that is part
    /// of another ends with that.
    fn ended_before(&self, cutoff: Timestamp) -> anyhow::Result<HashSet<TicketId>> {
        let select = "SELECT id FROM ticket WHERE state IN ('closed', 'merged') AND opened_at < ?1
                      AND NOT EXISTS (SELECT 1 FROM entry WHERE ticket_id = ticket.id AND at >= ?1)";
        let mut select = self.transaction.prepare(select)?;
        let rows = select.query_map([micros(cutoff)], |row| row.get(0).map(TicketId))?;
        let quiet = rows.collect::<Result<HashSet<_>, _>>()?;
        let mut ended = HashSet::new();
        for &id in &quiet {
            if quiet.contains(&self.whole_ticket(id)?) {
                ended.insert(id);
            }
        }
        Ok(ended)
    }
}
