//! What left lately, and what one sender wrote lately.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, params};

use super::Work;
use super::tickets::TicketId;
use crate::desk::budget::Sent;
use crate::desk::facts::Gathering;
use crate::desk::storm::Recent;
use crate::desk::ticket_number::TicketNumber;

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);

impl Work<'_> {
    /// The automatic mails that this address, its domain and all got lately. The indices of the
    /// schema hold just these purposes.
    pub(super) fn sent_lately(&self, address: &str, now: Timestamp) -> anyhow::Result<Sent> {
        let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
        let (hour, day) = (before(now, HOUR), before(now, DAY));
        let count = |condition: &str, value: &str, since: i64| -> anyhow::Result<u32> {
            let select = format!(
                "SELECT count(*) FROM outbox WHERE purpose IN ('acknowledgement', 'gathered') AND {condition} = ?1
                 AND created_at > ?2"
            );
            Ok(self.transaction.prepare_cached(&select)?.query_row(params![value, since], |row| row.get(0))?)
        };
        let all = "SELECT count(*) FROM outbox WHERE purpose IN ('acknowledgement', 'gathered') AND created_at > ?1";
        let alerts = "SELECT count(*) FROM outbox WHERE purpose = 'alert' AND created_at > ?1";
        Ok(Sent {
            of_ticket: 0,
            to_address_this_hour: count("recipient", address, hour)?,
            to_address_this_day: count("recipient", address, day)?,
            to_domain_this_hour: count("substr(recipient, instr(recipient, '@') + 1)", domain, hour)?,
            in_all_this_hour: self.transaction.prepare_cached(all)?.query_row([hour], |row| row.get(0))?,
            alerts_this_hour: self.transaction.prepare_cached(alerts)?.query_row([hour], |row| row.get(0))?,
        })
    }

    /// The tickets that this address opened within the last hour, and those of the last day into
    /// which a mail was folded within the last hour, the newest first; none that is settled, where
    /// nobody would look again.
    pub(super) fn recent_of(&self, address: &str, now: Timestamp, most: u32) -> anyhow::Result<Vec<Recent>> {
        let select = "SELECT year, sequence, subject, text, folded_at, numbers FROM (
                SELECT id, year, sequence, subject, opened_at,
                    (SELECT text FROM entry WHERE ticket_id = ticket.id ORDER BY id LIMIT 1) AS text,
                    (SELECT group_concat(value, char(10)) FROM number
                        WHERE ticket_id = ticket.id AND kind IN ('serial', 'contract')) AS numbers,
                    (SELECT max(at) FROM entry WHERE ticket_id = ticket.id AND kind = 'folded') AS folded_at
                FROM ticket WHERE customer_address = ?1 AND opened_at > ?2 AND state NOT IN ('resolved', 'closed', 'merged'))
            WHERE opened_at > ?3 OR folded_at > ?3 ORDER BY opened_at DESC, id DESC LIMIT ?4";
        let mut select = self.transaction.prepare_cached(select)?;
        let of = params![address, before(now, DAY), before(now, HOUR), most];
        let rows = select.query_map(of, |row| {
            Ok(Recent {
                ticket: TicketNumber::new(row.get(0)?, row.get(1)?),
                subject: row.get(2)?,
                text: row.get::<_, Option<String>>(3)?.unwrap_or_default(),
                numbers: row.get::<_, Option<String>>(5)?.unwrap_or_default().lines().map(str::to_string).collect(),
                folded: row.get::<_, Option<i64>>(4)?.is_some(),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The mail in which further requests of this address gather; one that is about to leave takes
    /// no more.
    pub(super) fn gathering_of(&self, address: &str, now: Timestamp) -> anyhow::Result<Option<Gathering>> {
        // The index is of these two purposes, and SQLite does not see that one of them is among them.
        let select = "SELECT cause, message_id FROM outbox WHERE purpose IN ('acknowledgement', 'gathered')
                      AND purpose = 'gathered' AND recipient = ?1 AND state = 'pending' AND attempts = 0 AND next_attempt_at > ?2 ORDER BY id DESC LIMIT 1";
        let mut select = self.transaction.prepare_cached(select)?;
        let found: Option<([u8; 32], String)> =
            select.query_row(params![address, super::micros(now)], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let Some((cause, message_id)) = found else { return Ok(None) };
        let select = "SELECT ticket_id FROM entry WHERE kind = 'withheld' AND message_id = ?1 ORDER BY id";
        let mut select = self.transaction.prepare_cached(select)?;
        let ids: Vec<i64> = select.query_map([message_id], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let tickets = ids.into_iter().map(|id| self.ticket_number(TicketId(id))).collect::<anyhow::Result<_>>()?;
        Ok(Some(Gathering { cause, tickets }))
    }
}

fn before(now: Timestamp, by: SignedDuration) -> i64 {
    super::micros(now.saturating_sub(by).unwrap_or(Timestamp::MIN))
}
