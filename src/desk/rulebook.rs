//! All rule files, compiled together: what the start and `check` refuse as one.

use jiff::civil::Date;

use super::answer::ExecutableRules;
use super::bounce::BounceRules;
use super::calendar::Calendar;
use super::classify::RobotRules;
use super::command::OrderRules;
use super::escalation::Ladder;
use super::extract::NumberRules;
use super::plan::Plans;
use super::reply::Templates;
use super::routing::Routing;
use super::rules::{RuleFault, Sources};
use super::telephone::TelephoneRules;
use super::text::QuoteRules;
use super::wishes::WishRules;

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

/// All rules but those of the calendar, compiled.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Serial, contract and tax numbers, and what looks like them.
    pub numbers: NumberRules,
    /// Attributions, header blocks, signatures, disclaimers.
    pub quotes: QuoteRules,
    /// Marks of robots.
    pub robots: RobotRules,
    /// Words of delivery reports.
    pub bounces: BounceRules,
    /// Telephone numbers of customers.
    pub telephones: TelephoneRules,
    /// Words that ask for escalation.
    pub wishes: WishRules,
    /// Files that can run.
    pub executables: ExecutableRules,
    /// What engineers order by mail.
    pub orders: OrderRules,
    /// The sentences of our mails.
    pub templates: Templates,
}

impl Rules {
    /// Compiles every file.
    ///
    /// # Errors
    /// Every fault of every file.
    pub fn compile(sources: &Sources) -> Result<Rules, Vec<RuleFault>> {
        let mut faults = Vec::new();
        let numbers = gather(&mut faults, NumberRules::compile(sources));
        let quotes = gather(&mut faults, QuoteRules::compile(sources));
        let robots = gather(&mut faults, RobotRules::compile(sources));
        let bounces = gather(&mut faults, BounceRules::compile(sources));
        let telephones = gather(&mut faults, TelephoneRules::compile(sources));
        let wishes = gather(&mut faults, WishRules::compile(sources));
        let executables = gather(&mut faults, ExecutableRules::compile(sources));
        let orders = gather(&mut faults, OrderRules::compile(sources));
        let templates = gather(&mut faults, Templates::compile(sources));
        match (numbers, quotes, robots, bounces, telephones, wishes, executables, orders, templates) {
            (
                Some(numbers),
                Some(quotes),
                Some(robots),
                Some(bounces),
                Some(telephones),
                Some(wishes),
                Some(executables),
                Some(orders),
                Some(templates),
            ) => Ok(Rules { numbers, quotes, robots, bounces, telephones, wishes, executables, orders, templates }),
            _ => Err(faults),
        }
    }

    /// Runs the tests that stand in the rule files, the ones that these rules were compiled from:
    /// those that fail.
    pub fn test(&self, sources: &Sources) -> Vec<RuleFault> {
        let mut faults = self.numbers.test();
        faults.extend(QuoteRules::test(sources));
        faults.extend(RobotRules::test(sources));
        faults.extend(BounceRules::test(sources));
        faults.extend(self.telephones.test());
        faults.extend(WishRules::test(sources));
        faults.extend(self.executables.test());
        faults.extend(self.orders.test());
        faults
    }
}

fn gather<T>(faults: &mut Vec<RuleFault>, compiled: Result<T, Vec<RuleFault>>) -> Option<T> {
    compiled.map_err(|more| faults.extend(more)).ok()
}
