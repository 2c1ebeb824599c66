//! The escalation ladder: what is done about each clock, and when.

mod file;

use jiff::civil::Time;
use jiff::{SignedDuration, Timestamp};

use super::calendar::Calendar;
use super::rules::{RuleFault, Sources};
use super::ticket::{Clock, ClockKind, Rung};
use file::{Test, Written};

/// The compiled `rules/escalation.toml`.
#[derive(Clone, Debug)]
pub struct Ladder {
    steps: Vec<LadderStep>,
    tests: Vec<Test>,
}

/// One `[[rung]]` of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LadderStep {
    /// Its id.
    pub id: String,
    /// Of which clock.
    pub clock: ClockKind,
    /// When.
    pub moment: Moment,
    /// Never sooner than this after the desk set the clock going.
    pub grace: SignedDuration,
    /// Who is told.
    pub tell: Vec<Audience>,
    /// The template of what they are told, and of the alert's text where nobody is told.
    pub template: String,
    /// Whether the alert command is run.
    pub alert: bool,
    /// Whether the acknowledgement is sent by the second route.
    pub second_route: bool,
}

/// When a rung fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// When so many per cent of the promised time have passed.
    Share(u16),
    /// At this hour of the local day so many days before the one on which the clock falls due.
    Before {
        /// Days.
        days: u16,
        /// Local time.
        hour: Time,
    },
    /// When so much of the window has passed since it fell due.
    After(SignedDuration),
}

/// Who is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Audience {
    /// The engineers of the ticket's group, and whoever works on it.
    Engineers,
    /// The engineer who works on the ticket; every one where nobody does.
    Assignee,
    /// The escalation address: a hand-over.
    Escalation,
    /// The second level; the engineers where the site has none.
    SecondLevel,
    /// The customer.
    Customer,
}

impl Audience {
    /// One number for those who can be told by one template.
    fn kind(self) -> u8 {
        match self {
            Audience::Engineers | Audience::Assignee => 0,
            Audience::Escalation | Audience::SecondLevel => 1,
            Audience::Customer => 2,
        }
    }
}

/// Who a ticket is handed over to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The escalation address.
    First,
    /// Whoever is told when nobody there takes it.
    Second,
}

impl Level {
    /// What stands for it in a reply address.
    pub fn id(self) -> &'static str {
        match self {
            Level::First => "first",
            Level::Second => "second",
        }
    }

    /// The level with this id.
    pub fn of_id(id: &str) -> Option<Level> {
        [Level::First, Level::Second].into_iter().find(|level| level.id() == id)
    }
}

impl Ladder {
    /// Compiles `escalation.toml`.
    ///
    /// # Errors
    /// Every fault of the file, with its line: among them a rung to nobody.
    pub fn compile(sources: &Sources) -> Result<Ladder, Vec<RuleFault>> {
        let Written { steps, tests } = Written::read(sources)?;
        Ok(Ladder { steps, tests })
    }

    /// Runs the tests that stand in `escalation.toml`: those that fail.
    pub fn test(&self, calendar: &Calendar) -> Vec<RuleFault> {
        self.tests.iter().filter_map(|test| test.failure(self, calendar)).collect()
    }

    /// The step with this id.
    pub fn step(&self, id: &str) -> Option<&LadderStep> {
        self.steps.iter().find(|step| step.id == id)
    }

    /// The steps, in the order of the file.
    pub fn steps(&self) -> &[LadderStep] {
        &self.steps
    }

    /// The rungs of a clock as of `now`, the earliest first. Those that have fired stay as they are.
    pub fn rungs(&self, clock: &Clock, calendar: &Calendar, now: Timestamp) -> Vec<Rung> {
        let before = |id: &str| clock.rungs.iter().find(|rung| rung.id == id);
        let gone = |rung: &&Rung| rung.fired.is_some() && self.step(&rung.id).is_none();
        let mut rungs: Vec<Rung> = clock.rungs.iter().filter(gone).cloned().collect();
        for step in self.steps.iter().filter(|step| step.clock == clock.kind) {
            let at = step.at(clock, calendar);
            rungs.push(match before(&step.id) {
                Some(rung) if rung.fired.is_some() || rung.at == at => rung.clone(),
                _ => Rung { id: step.id.clone(), at, laid_at: now, fired: None },
            });
        }
        rungs.sort_by_key(|rung| rung.at);
        rungs
    }
}

impl LadderStep {
    fn at(&self, clock: &Clock, calendar: &Calendar) -> Timestamp {
        let share = |percent: u16| clock.amount.saturating_mul(i32::from(percent)) / 100;
        let at = match self.moment {
            Moment::Share(100) => clock.due,
            Moment::Share(percent @ 0..100) => clock.moment_of(share(percent), calendar),
            Moment::Share(percent) => clock.after(clock.due, share(percent - 100), calendar),
            Moment::Before { days, hour } => calendar.days_before(clock.due, days, hour),
            Moment::After(amount) => clock.after(clock.due, amount, calendar),
        };
        let soonest = clock.created_at.checked_add(self.grace).unwrap_or(Timestamp::MAX);
        let at = at.max(clock.start);
        if self.grace.is_zero() { at } else { at.max(soonest) }
    }
}
