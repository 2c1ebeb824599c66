//! Clocks with their rungs, and what is due next.

use anyhow::Context;
use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, Row, params};

use super::tickets::TicketId;
use super::{Work, micros, timestamp};
use crate::desk::calendar::WindowName;
use crate::desk::plan::Basis;
use crate::desk::ticket::{Clock, ClockKind, Ended, Fired, Lateness, Rung};
use crate::desk::ticket_number::TicketNumber;

/// The columns of a clock, as [`Work::clock`] reads them.
pub(super) const CLOCK: &str = "kind, round, start, start_reason, due, window, amount, explanation, plan, contract,
    customer, created_at, pauses, ended_at, ending, ended_by, clock.id";

/// Something that the desk is to do by itself at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Appointment {
    /// A rung of a clock.
    Rung {
        /// When.
        at: Timestamp,
        /// On which ticket.
        ticket: TicketId,
        /// Of which clock.
        kind: ClockKind,
        /// Of which round.
        round: u32,
        /// Which.
        id: String,
    },
    /// A ticket's own: a wait ends, or it closes.
    Ticket {
        /// When.
        at: Timestamp,
        /// Which.
        ticket: TicketId,
    },
}

impl Appointment {
    /// When.
    pub fn at(&self) -> Timestamp {
        match self {
            Appointment::Rung { at, .. } | Appointment::Ticket { at, .. } => *at,
        }
    }
}

impl Work<'_> {
    /// Stores a clock as it is from now on. Its rungs that have not fired are laid anew.
    pub(super) fn set_clock(&self, number: TicketNumber, clock: &Clock) -> anyhow::Result<()> {
        let insert = "INSERT INTO clock
            (ticket_id, kind, round, start, start_reason, due, window, amount, explanation, plan, contract, customer,
             created_at, pauses, paused, ended_at, ending, ended_by)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)
            ON CONFLICT (ticket_id, kind, round) DO UPDATE SET
            start = excluded.start, start_reason = excluded.start_reason, due = excluded.due, window = excluded.window,
            amount = excluded.amount, explanation = excluded.explanation, plan = excluded.plan,
            contract = excluded.contract, customer = excluded.customer, pauses = excluded.pauses,
            paused = excluded.paused, ended_at = excluded.ended_at, ending = excluded.ending, ended_by = excluded.ended_by
            RETURNING id";
        let ticket = self.ticket_id(number)?;
        let ended = clock.ended.as_ref();
        let values = params![
            ticket.0,
            clock.kind.name(),
            clock.round,
            micros(clock.start),
            clock.start_reason,
            micros(clock.due),
            clock.window.as_ref().map(WindowName::as_str),
            i64::try_from(clock.amount.as_micros()).unwrap_or(i64::MAX),
            clock.explanation,
            clock.basis.plan,
            clock.basis.contract,
            clock.basis.customer,
            micros(clock.created_at),
            serde_json::to_string(&clock.pauses)?,
            clock.paused_since().is_some(),
            ended.map(|ended| micros(ended.at)),
            ended.map(|ended| ended.how.name()),
            ended.map(|ended| &ended.by),
        ];
        let id: i64 = self.transaction.prepare_cached(insert)?.query_row(values, |row| row.get(0))?;
        let delete = "DELETE FROM rung WHERE clock_id = ?1 AND fired_at IS NULL";
        self.transaction.prepare_cached(delete)?.execute([id])?;
        let insert = "INSERT INTO rung (clock_id, id, place, at, laid_at, armed) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                      ON CONFLICT (clock_id, id) DO UPDATE SET place = excluded.place, armed = excluded.armed";
        let armed = clock.runs() && clock.paused_since().is_none();
        for (place, rung) in clock.rungs.iter().enumerate() {
            let values = params![id, rung.id, place as i64, micros(rung.at), micros(rung.laid_at), armed];
            self.transaction.prepare_cached(insert)?.execute(values)?;
        }
        Ok(())
    }

    /// The clocks that a mail had satisfied run on: it came back.
    pub(super) fn resume_clocks(&self, number: TicketNumber, message_id: &str) -> anyhow::Result<()> {
        let id = self.ticket_id(number)?;
        let update = "UPDATE rung SET armed = 1 FROM clock WHERE rung.clock_id = clock.id AND clock.ticket_id = ?1
                      AND clock.ending = 'satisfied' AND clock.ended_by = ?2";
        self.transaction.prepare_cached(update)?.execute(params![id.0, message_id])?;
        let update = "UPDATE clock SET ended_at = NULL, ending = NULL, ended_by = NULL
                      WHERE ticket_id = ?1 AND ending = 'satisfied' AND ended_by = ?2";
        self.transaction.prepare_cached(update)?.execute(params![id.0, message_id])?;
        Ok(())
    }

    /// A rung was done.
    pub(super) fn fire_rung(
        &self,
        number: TicketNumber,
        kind: ClockKind,
        round: u32,
        id: &str,
        fired: &Fired,
    ) -> anyhow::Result<()> {
        let update = "UPDATE rung SET fired_at = ?5, late_seconds = ?6, late_cause = ?7, late_reason = ?8
                      WHERE id = ?4 AND fired_at IS NULL
                      AND clock_id = (SELECT id FROM clock WHERE ticket_id = ?1 AND kind = ?2 AND round = ?3)";
        let late = fired.late.as_ref();
        let done = self.transaction.prepare_cached(update)?.execute(params![
            self.ticket_id(number)?.0,
            kind.name(),
            round,
            id,
            micros(fired.at),
            late.map(|late| late.seconds),
            late.map(|late| late.cause.name()),
            late.map(|late| &late.reason),
        ])?;
        anyhow::ensure!(done == 1, "a rung was done twice, or is gone");
        Ok(())
    }

    /// The clocks of a ticket, the oldest first.
    pub(super) fn clocks(&self, ticket: TicketId) -> anyhow::Result<Vec<Clock>> {
        let select =
            "SELECT kind, round, start, start_reason, due, window, amount, explanation, plan, contract, customer,
                      created_at, pauses, ended_at, ending, ended_by, id FROM clock WHERE ticket_id = ?1 ORDER BY id";
        let mut select = self.transaction.prepare_cached(select)?;
        let mut rows = select.query([ticket.0])?;
        let mut clocks = Vec::new();
        while let Some(row) = rows.next()? {
            clocks.push(self.clock(row)?);
        }
        Ok(clocks)
    }

    /// A clock out of a row that begins with [`CLOCK`].
    pub(super) fn clock(&self, row: &Row) -> anyhow::Result<Clock> {
        let ended: Option<(i64, String, String)> = match (row.get(13)?, row.get(14)?, row.get(15)?) {
            (Some(at), Some(how), Some(by)) => Some((at, how, by)),
            _ => None,
        };
        let ended = ended.map(|(at, how, by)| anyhow::Ok(Ended { at: timestamp(at)?, how: how.parse()?, by }));
        Ok(Clock {
            kind: row.get::<_, String>(0)?.parse()?,
            round: row.get(1)?,
            start: timestamp(row.get(2)?)?,
            start_reason: row.get(3)?,
            due: timestamp(row.get(4)?)?,
            window: row.get::<_, Option<String>>(5)?.map(WindowName::new),
            amount: SignedDuration::from_micros(row.get(6)?),
            explanation: row.get(7)?,
            basis: Basis { plan: row.get(8)?, contract: row.get(9)?, customer: row.get(10)? },
            created_at: timestamp(row.get(11)?)?,
            pauses: serde_json::from_str(&row.get::<_, String>(12)?).context("the pauses of a clock")?,
            ended: ended.transpose()?,
            rungs: self.rungs(row.get(16)?)?,
        })
    }

    fn rungs(&self, clock: i64) -> anyhow::Result<Vec<Rung>> {
        let select = "SELECT id, at, laid_at, fired_at, late_seconds, late_cause, late_reason FROM rung
                      WHERE clock_id = ?1 ORDER BY place";
        let mut select = self.transaction.prepare_cached(select)?;
        let mut rows = select.query([clock])?;
        let mut rungs = Vec::new();
        while let Some(row) = rows.next()? {
            let late = match (row.get(4)?, row.get::<_, Option<String>>(5)?, row.get(6)?) {
                (Some(seconds), Some(cause), Some(reason)) => Some(Lateness { seconds, cause: cause.parse()?, reason }),
                _ => None,
            };
            let fired = row.get::<_, Option<i64>>(3)?.map(|at| anyhow::Ok(Fired { at: timestamp(at)?, late }));
            rungs.push(Rung {
                id: row.get(0)?,
                at: timestamp(row.get(1)?)?,
                laid_at: timestamp(row.get(2)?)?,
                fired: fired.transpose()?,
            });
        }
        Ok(rungs)
    }

    /// What is due, the earliest first. At the same time, a clock's rungs stand in their order.
    pub fn appointments_due(&self, now: Timestamp) -> anyhow::Result<Vec<Appointment>> {
        let select = "SELECT rung.at, clock.ticket_id, clock.kind, clock.round, rung.id
                      FROM rung JOIN clock ON clock.id = rung.clock_id
                      WHERE rung.armed AND rung.fired_at IS NULL AND rung.at <= ?1
                      ORDER BY rung.at, rung.clock_id, rung.place";
        let mut select = self.transaction.prepare_cached(select)?;
        let mut rows = select.query([micros(now)])?;
        let mut due = Vec::new();
        while let Some(row) = rows.next()? {
            due.push(Appointment::Rung {
                at: timestamp(row.get(0)?)?,
                ticket: TicketId(row.get(1)?),
                kind: row.get::<_, String>(2)?.parse()?,
                round: row.get(3)?,
                id: row.get(4)?,
            });
        }
        for column in ["wait_until", "closes_at"] {
            let select = format!("SELECT {column}, id FROM ticket WHERE {column} IS NOT NULL AND {column} <= ?1");
            let mut select = self.transaction.prepare_cached(&select)?;
            let mut rows = select.query([micros(now)])?;
            while let Some(row) = rows.next()? {
                due.push(Appointment::Ticket { at: timestamp(row.get(0)?)?, ticket: TicketId(row.get(1)?) });
            }
        }
        due.sort_by_key(Appointment::at);
        Ok(due)
    }

    /// When the desk is next to do something by itself.
    pub fn next_appointment(&self) -> anyhow::Result<Option<Timestamp>> {
        let selects = [
            "SELECT min(at) FROM rung WHERE armed AND fired_at IS NULL",
            "SELECT min(wait_until) FROM ticket WHERE wait_until IS NOT NULL",
            "SELECT min(closes_at) FROM ticket WHERE closes_at IS NOT NULL",
        ];
        let mut next: Option<i64> = None;
        for select in selects {
            let first: Option<Option<i64>> =
                self.transaction.prepare_cached(select)?.query_row([], |row| row.get(0)).optional()?;
            next = next.into_iter().chain(first.flatten()).min();
        }
        next = next.into_iter().chain(self.next_parked()?).min();
        next.map(timestamp).transpose()
    }
}
