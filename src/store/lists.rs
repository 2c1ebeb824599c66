//! Lists for the operator.

use jiff::Timestamp;
use rusqlite::{ToSql, params};

use super::{Work, micros, timestamp};
use crate::desk::ticket::State;
use crate::desk::ticket_number::TicketNumber;

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
    /// When a person must have made contact, the last time that this was promised.
    pub reaction_due: Option<Timestamp>,
    /// When a person did.
    pub reaction_done: Option<Timestamp>,
    /// When it was first escalated.
    pub escalated_at: Option<Timestamp>,
    /// The promise that is due next.
    pub next_clock: Option<String>,
    /// When.
    pub next_due: Option<Timestamp>,
    /// Whether a promise was broken, or is at this moment.
    pub breached: bool,
}

/// Which tickets are listed.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Those that stand there.
    pub state: Option<State>,
    /// Those of which a promise is due by then, the earliest first.
    pub due_by: Option<Timestamp>,
    /// Those of which a promise was broken.
    pub breached: bool,
    /// Those that hold all these words, as [`Work::tickets_with`] finds them.
    pub words: Vec<String>,
    /// No more than so many.
    pub most: usize,
}

/// A running clock in a list.
#[derive(Clone, Debug, serde::Serialize)]
pub struct RunningClock {
    /// The ticket.
    pub ticket: String,
    /// Where it stands.
    pub state: String,
    /// What was promised.
    pub clock: String,
    /// Which time.
    pub round: u32,
    /// When it began to run.
    pub start: Timestamp,
    /// When it falls due.
    pub due: Timestamp,
    /// The plan behind it.
    pub plan: String,
    /// The contract behind it.
    pub contract: Option<String>,
    /// Whether it stands still.
    pub paused: bool,
    /// What is done next about it.
    pub next_rung: Option<String>,
    /// When.
    pub next_rung_at: Option<Timestamp>,
}

/// The clocks that run and do not stand still.
const TICKING: &str = "ended_at IS NULL AND NOT paused";

/// The clocks whose promise was broken.
const BROKEN: &str = "ended_at > due AND ending <> 'withheld'";

impl Work<'_> {
    /// Tickets, the newest first, or the one that is due next first.
    pub fn tickets(&self, wanted: &Wanted, now: Timestamp) -> anyhow::Result<Vec<Summary>> {
        let mut wheres = vec!["1"];
        let due = format!("ticket.id IN (SELECT ticket_id FROM clock WHERE {TICKING} AND due <= ?3)");
        let broken = format!(
            "(ticket.id IN (SELECT ticket_id FROM clock WHERE {BROKEN})
              OR ticket.id IN (SELECT ticket_id FROM clock WHERE {TICKING} AND due < ?1))"
        );
        if wanted.state.is_some() {
            wheres.push("state = ?4");
        }
        if wanted.due_by.is_some() {
            wheres.push(&due);
        }
        if wanted.breached {
            wheres.push(&broken);
        }
        let found = if wanted.words.is_empty() { Vec::new() } else { self.tickets_with(&wanted.words, wanted.most)? };
        let found = found.iter().map(|id| id.0.to_string()).collect::<Vec<_>>().join(", ");
        let found = format!("ticket.id IN ({found})");
        if !wanted.words.is_empty() {
            wheres.push(&found);
        }
        let order = if wanted.due_by.is_some() { "next_due, ticket.id" } else { "ticket.id DESC" };
        let select = format!(
            "SELECT year, sequence, state, customer_address, subject, opened_at,
             (SELECT due FROM clock WHERE ticket_id = ticket.id AND kind = 'reaction' ORDER BY round DESC LIMIT 1),
             (SELECT CASE ending WHEN 'satisfied' THEN ended_at END FROM clock
              WHERE ticket_id = ticket.id AND kind = 'reaction' ORDER BY round DESC LIMIT 1),
             (SELECT min(at) FROM entry WHERE ticket_id = ticket.id AND kind = 'escalated'),
             (SELECT kind FROM clock WHERE ticket_id = ticket.id AND {TICKING} ORDER BY due LIMIT 1),
             (SELECT min(due) FROM clock WHERE ticket_id = ticket.id AND {TICKING}) AS next_due,
             EXISTS (SELECT 1 FROM clock WHERE ticket_id = ticket.id AND ({BROKEN} OR {TICKING} AND due < ?1))
             FROM ticket WHERE {} ORDER BY {order} LIMIT ?2",
            wheres.join(" AND ")
        );
        let (now, most) = (micros(now), wanted.most as i64);
        let (due_by, state) = (wanted.due_by.map(micros), wanted.state.map(State::name));
        let all: [&dyn ToSql; 4] = [&now, &most, &due_by, &state];
        let mut select = self.transaction.prepare_cached(&select)?;
        let used = select.parameter_count().min(all.len());
        let mut rows = select.query(&all[..used])?;
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
                next_clock: row.get(9)?,
                next_due: time(10)?,
                breached: row.get(11)?,
            });
        }
        Ok(tickets)
    }

    /// The running clocks, the one that falls due next first; those that stand still come last.
    pub fn running_clocks(&self, most: usize) -> anyhow::Result<Vec<RunningClock>> {
        let mut clocks = Vec::new();
        for (standing, order) in [("NOT paused", "clock.due"), ("paused", "clock.due")] {
            let select = format!(
                "SELECT year, sequence, state, kind, round, start, due, plan, contract, paused,
                 (SELECT rung.id FROM rung WHERE clock_id = clock.id AND armed AND fired_at IS NULL ORDER BY at, place LIMIT 1),
                 (SELECT min(at) FROM rung WHERE clock_id = clock.id AND armed AND fired_at IS NULL)
                 FROM clock JOIN ticket ON ticket.id = clock.ticket_id
                 WHERE ended_at IS NULL AND {standing} ORDER BY {order} LIMIT ?1"
            );
            let mut select = self.transaction.prepare_cached(&select)?;
            let mut rows = select.query(params![most.saturating_sub(clocks.len()) as i64])?;
            while let Some(row) = rows.next()? {
                clocks.push(RunningClock {
                    ticket: TicketNumber::new(row.get(0)?, row.get(1)?).to_string(),
                    state: row.get(2)?,
                    clock: row.get(3)?,
                    round: row.get(4)?,
                    start: timestamp(row.get(5)?)?,
                    due: timestamp(row.get(6)?)?,
                    plan: row.get(7)?,
                    contract: row.get(8)?,
                    paused: row.get(9)?,
                    next_rung: row.get(10)?,
                    next_rung_at: row.get::<_, Option<i64>>(11)?.map(timestamp).transpose()?,
                });
            }
        }
        Ok(clocks)
    }
}
