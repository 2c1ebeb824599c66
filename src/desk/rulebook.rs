//! All rule files, compiled together: what the start and `check` refuse as one.

use jiff::civil::Date;

use super::calendar::Calendar;
use super::escalation::Ladder;
use super::plan::Plans;
use super::routing::Routing;
use super::rules::{RuleFault, Rules, Sources};

/// Every rule file, compiled.
#[derive(Clone, Debug)]
pub struct Rulebook {
    /// How mails are read, and the sentences of ours.
    pub rules: Rules,
    /// Service windows and holidays.
    pub calendar: Calendar,
    /// What each plan promises.
    pub plans: Plans,
    /// What is done about each clock, and when.
    pub ladder: Ladder,
    /// Who is told of a ticket.
    pub routing: Routing,
}

impl Rulebook {
    /// Compiles every file. `closing_days` are those of the configuration.
    ///
    /// # Errors
    /// Every fault of every file. What builds on a faulty file is left out.
    pub fn compile(sources: &Sources, closing_days: &[Date]) -> Result<Rulebook, Vec<RuleFault>> {
        let rules = Rules::compile(sources);
        let calendar = Calendar::compile(sources, closing_days);
        let plans = calendar.as_ref().ok().map(|calendar| Plans::compile(sources, calendar)).transpose();
        let routing = calendar.as_ref().ok().map(|calendar| Routing::compile(sources, calendar)).transpose();
        let ladder = Ladder::compile(sources);
        match (rules, calendar, plans, ladder, routing) {
            (Ok(rules), Ok(calendar), Ok(Some(plans)), Ok(ladder), Ok(Some(routing))) => {
                Ok(Rulebook { rules, calendar, plans, ladder, routing })
            }
            (rules, calendar, plans, ladder, routing) => {
                let faults = [rules.err(), calendar.err(), plans.err(), ladder.err(), routing.err()];
                Err(faults.into_iter().flatten().flatten().collect())
            }
        }
    }

    /// Runs the tests that stand in the files: those that fail.
    pub fn test(&self, sources: &Sources) -> Vec<RuleFault> {
        let (plans, ladder) = (self.plans.test(&self.calendar), self.ladder.test(&self.calendar));
        [self.rules.test(sources), self.calendar.test(), plans, ladder, self.routing.test(&self.calendar)].concat()
    }
}
