//! Promises with a time.

use jiff::{SignedDuration, Timestamp};

use super::{Ending, Lateness};
use crate::desk::calendar::{Calendar, WindowName};
use crate::desk::plan::{Basis, Promise};

/// What was promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClockKind {
    /// The automatic answer.
    Acknowledge,
    /// A person's first answer.
    Reaction,
    /// The answer to the oldest later mail that no person has answered.
    FollowUp,
    /// Parts arrive, or on-site work begins.
    Delivery,
    /// The faulty device comes back.
    Return,
    /// The end of the matter.
    Resolution,
    /// A person takes an escalated ticket over.
    HandOver,
}

/// One promise of one ticket.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Clock {
    /// What was promised.
    pub kind: ClockKind,
    /// 1 for the first of its kind on the ticket: a reopened ticket promises anew.
    pub round: u32,
    /// When it began to run.
    pub start: Timestamp,
    /// Why `start` is what it is.
    pub start_reason: String,
    /// When it falls due. While it stands still: when it would have fallen due.
    pub due: Timestamp,
    /// In whose hours its time is counted; `None` where it is elapsed time.
    pub window: Option<WindowName>,
    /// The time that was promised, in those hours. Seconds in JSON.
    #[serde(serialize_with = "seconds")]
    pub amount: SignedDuration,
    /// What `due` was worked out from, step by step.
    pub explanation: String,
    /// The contract and plan behind it, as they were then.
    #[serde(flatten)]
    pub basis: Basis,
    /// When the desk set it going: later than `start` where the mail was seen late.
    pub created_at: Timestamp,
    /// When it stood still, the earliest first.
    pub pauses: Vec<Pause>,
    /// How it ended; `None` while it runs.
    pub ended: Option<Ended>,
    /// What is done about it, and when, in the order of time.
    pub rungs: Vec<Rung>,
}

/// A time in which a clock stood still.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Pause {
    /// Since when.
    pub from: Timestamp,
    /// Until when; `None` while it lasts.
    pub to: Option<Timestamp>,
}

/// How a clock ended.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Ended {
    /// When.
    pub at: Timestamp,
    /// How.
    pub how: Ending,
    /// By what: the rule that withheld, the person who withdrew, the Message-ID of the mail that
    /// kept it.
    pub by: String,
}

/// One thing that is done about a clock, as its ladder says.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Rung {
    /// The rung of `escalation.toml`.
    pub id: String,
    /// When it is to be done.
    pub at: Timestamp,
    /// When the desk first knew of it: later than `at` where a mail was seen, or a contract became
    /// known, too late.
    pub laid_at: Timestamp,
    /// When it was done, and how late.
    pub fired: Option<Fired>,
}

/// A rung that was done.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Fired {
    /// When.
    pub at: Timestamp,
    /// Why it was late; `None` where it was not.
    pub late: Option<Lateness>,
}

impl Clock {
    /// A clock that begins to run; its rungs are still to be laid.
    pub fn new(
        kind: ClockKind,
        round: u32,
        start: Timestamp,
        start_reason: &str,
        promise: Promise,
        now: Timestamp,
    ) -> Clock {
        let Promise { due, window, amount, steps, basis } = promise;
        let (start_reason, explanation) = (start_reason.to_string(), steps.join("; "));
        Clock {
            kind,
            round,
            start,
            start_reason,
            due,
            window,
            amount,
            explanation,
            basis,
            created_at: now,
            pauses: Vec::new(),
            ended: None,
            rungs: Vec::new(),
        }
    }

    /// True while the promise is neither kept nor given up.
    pub fn runs(&self) -> bool {
        self.ended.is_none()
    }

    /// Since when it stands still, if it does.
    pub fn paused_since(&self) -> Option<Timestamp> {
        self.pauses.last().filter(|pause| pause.to.is_none()).map(|pause| pause.from)
    }

    /// Goes on at `at`, or where it stopped if that is later, and falls due later by what it stood
    /// still. Returns when it went on.
    pub fn go_on(&mut self, at: Timestamp, calendar: &Calendar) -> Timestamp {
        let Some(pause) = self.pauses.last_mut().filter(|pause| pause.to.is_none()) else { return at };
        let to = at.max(pause.from);
        pause.to = Some(to);
        self.due = self.moment_of(self.amount, calendar);
        to
    }

    /// When the promise was kept.
    pub fn satisfied_at(&self) -> Option<Timestamp> {
        self.ended.as_ref().filter(|ended| ended.how == Ending::Satisfied).map(|ended| ended.at)
    }

    /// Whether the promise was broken, or is at this moment: it ended, or runs on, after it was due.
    /// One that was withheld by rule never is.
    pub fn breached(&self, now: Timestamp) -> bool {
        match &self.ended {
            Some(ended) => ended.how != Ending::Withheld && ended.at > self.due,
            None => self.paused_since().is_none() && now > self.due,
        }
    }

    /// The moment at which so much of the clock's time has passed since its start, what it stood
    /// still left out. While it stands still, this is as if it went on right away.
    pub fn moment_of(&self, amount: SignedDuration, calendar: &Calendar) -> Timestamp {
        let (mut from, mut left) = (self.start, amount);
        for pause in &self.pauses {
            let counted = self.between(from, pause.from, calendar);
            if counted >= left {
                break;
            }
            left = left.saturating_sub(counted);
            from = pause.to.unwrap_or(pause.from).max(from);
        }
        self.after(from, left, calendar)
    }

    /// How much of its hours has passed at `at` since its start, what it stood still left out.
    pub fn counted(&self, at: Timestamp, calendar: &Calendar) -> SignedDuration {
        let (mut from, mut sum) = (self.start, SignedDuration::ZERO);
        for pause in self.pauses.iter().filter(|pause| pause.from < at) {
            sum = sum.saturating_add(self.between(from, pause.from, calendar));
            from = pause.to.unwrap_or(at).min(at);
        }
        sum.saturating_add(self.between(from, at, calendar))
    }

    /// The moment at which so much of the clock's hours has passed since `from`.
    pub fn after(&self, from: Timestamp, amount: SignedDuration, calendar: &Calendar) -> Timestamp {
        match &self.window {
            Some(window) => calendar.due(from, amount, window).at,
            None => from.checked_add(amount).unwrap_or(Timestamp::MAX),
        }
    }

    /// How much of the clock's hours lies between two moments.
    pub fn between(&self, from: Timestamp, to: Timestamp, calendar: &Calendar) -> SignedDuration {
        match &self.window {
            Some(window) => calendar.elapsed(from, to, window),
            None => to.duration_since(from).max(SignedDuration::ZERO),
        }
    }
}

fn seconds<S: serde::Serializer>(amount: &SignedDuration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_i64(amount.as_secs())
}
