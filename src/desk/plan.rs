//! What each plan promises, and the times that follow from it.

mod delivery;
mod file;
mod promise;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use jiff::SignedDuration;
use jiff::civil::{Date, Time};

use super::calendar::{Calendar, WindowName};
use super::contract::Contract;
use super::rules::{RuleFault, Sources};
use file::{Test, Written};

pub use delivery::DeliveryTime;
pub use promise::{Basis, Concern, Promise};

/// The compiled `rules/plans.toml`.
#[derive(Clone, Debug)]
pub struct Plans {
    plans: BTreeMap<String, Plan>,
    without_contract: Terms,
    version: String,
    tests: Vec<Test>,
}

/// What one kind of contract promises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// As the contracts on file name it.
    pub id: String,
    /// The service windows that it is sold with.
    pub windows: Vec<WindowName>,
    /// The delivery times that it is sold with; none where nothing is delivered.
    pub deliveries: Vec<DeliveryTime>,
    /// From this local hour on, an acceptance counts from the next business day.
    pub cut_off: Option<Time>,
    /// Whether somebody comes.
    pub on_site: bool,
    /// A person's first contact, hours of the window.
    pub reaction: SignedDuration,
    /// The same where nothing is broken and somebody only asks.
    pub question: SignedDuration,
    /// The answer to any later mail, hours of the window.
    pub follow_up: SignedDuration,
    /// Business days from the reaction to the end.
    pub resolution_days: u16,
}

/// What is promised in one case: a plan with the choices of one contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The plan.
    pub plan: Plan,
    /// In whose hours promises are counted.
    pub window: WindowName,
    /// How soon after acceptance; `None` where nothing is delivered.
    pub delivery: Option<DeliveryTime>,
    /// The contract that says so; `None` where none on file speaks.
    pub contract: Option<NamedContract>,
}

/// What stays on a clock of the contract that it was worked out with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedContract {
    /// The number.
    pub number: String,
    /// Whose it is.
    pub customer: String,
    /// The first day.
    pub valid_from: Date,
    /// The last day.
    pub valid_to: Date,
}

impl Plans {
    /// Compiles `plans.toml`.
    ///
    /// # Errors
    /// Every fault of the file, with its line: among them a plan that no window serves.
    pub fn compile(sources: &Sources, calendar: &Calendar) -> Result<Plans, Vec<RuleFault>> {
        let Written { plans, without_contract, tests } = Written::read(sources, calendar)?;
        Ok(Plans { plans, without_contract, version: super::rules::version(&[sources.text(file::FILE)]), tests })
    }

    /// Those of the file that the program carries.
    #[cfg(test)]
    pub(crate) fn built_in() -> Plans {
        let sources = Sources::built_in();
        let calendar = Calendar::compile(&sources, &[]).expect("the built-in windows compile");
        Plans::compile(&sources, &calendar).expect("the built-in plans compile")
    }

    /// Runs the tests that stand in `plans.toml`: those that fail.
    pub fn test(&self, calendar: &Calendar) -> Vec<RuleFault> {
        self.tests.iter().filter_map(|test| test.failure(self, calendar)).collect()
    }

    /// What these contracts promise, one entry each; where there is none, what holds without one.
    /// Of a plan that is not known, the limits of the plan without a contract hold.
    pub fn terms<'a>(&self, contracts: impl IntoIterator<Item = &'a Contract>) -> Vec<Terms> {
        let terms: Vec<Terms> = contracts.into_iter().map(|contract| self.terms_of(contract)).collect();
        if terms.is_empty() { vec![self.without_contract.clone()] } else { terms }
    }

    /// The plan of this id, in capitals or not.
    ///
    /// # Errors
    /// What is wrong, to stand behind the name of a column.
    pub fn sold(&self, id: &str) -> Result<&Plan, String> {
        let plan = self.plans.values().find(|plan| plan.id.eq_ignore_ascii_case(id));
        plan.ok_or_else(|| format!("is none of the plans {}", listed(self.plans.keys())))
    }

    /// The window of this name, where the plan is sold with it; where the plan is not known, any
    /// that a plan is sold with.
    ///
    /// # Errors
    /// As above.
    pub fn sold_with_window(&self, plan: Option<&Plan>, name: &str) -> Result<WindowName, String> {
        let windows = self.of(plan, |plan| &plan.windows);
        let window = windows.iter().find(|window| window.as_str().eq_ignore_ascii_case(name));
        window.map(|window| WindowName::clone(window)).ok_or_else(|| not_sold("windows", plan, &windows))
    }

    /// The delivery time that is written so, likewise.
    ///
    /// # Errors
    /// As above.
    pub fn sold_with_delivery(&self, plan: Option<&Plan>, text: &str) -> Result<DeliveryTime, String> {
        let deliveries = self.of(plan, |plan| &plan.deliveries);
        let written = text.parse().ok().filter(|written| deliveries.contains(&written));
        written.ok_or_else(|| not_sold("delivery times", plan, &deliveries))
    }

    /// What this plan has, or all of them, each once.
    fn of<'a, T: Ord>(&'a self, plan: Option<&'a Plan>, what: impl Fn(&'a Plan) -> &'a Vec<T>) -> BTreeSet<&'a T> {
        match plan {
            Some(plan) => what(plan).iter().collect(),
            None => self.plans.values().flat_map(what).collect(),
        }
    }

    /// Whether somebody comes under this plan.
    pub fn on_site(&self, plan: &str) -> bool {
        self.plans.get(plan).is_some_and(|plan| plan.on_site)
    }

    /// Tells one state of the file from another.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// A contract that was imported before the plans were changed may name what is no longer there.
    fn terms_of(&self, contract: &Contract) -> Terms {
        let known = self.plans.values().any(|plan| plan.windows.contains(&contract.window));
        let window = if known { &contract.window } else { &self.without_contract.window };
        Terms {
            plan: self.plans.get(&contract.plan).unwrap_or(&self.without_contract.plan).clone(),
            window: window.clone(),
            delivery: Some(contract.delivery),
            contract: Some(NamedContract {
                number: contract.number.clone(),
                customer: contract.customer.clone(),
                valid_from: contract.valid_from,
                valid_to: contract.valid_to,
            }),
        }
    }
}

fn not_sold<T: Display>(what: &str, plan: Option<&Plan>, known: &BTreeSet<&T>) -> String {
    let with = plan.map(|plan| format!(" that {} is sold with", plan.id)).unwrap_or_default();
    format!("is none of the {what}{with}: {}", listed(known))
}

fn listed(names: impl IntoIterator<Item = impl Display>) -> String {
    names.into_iter().map(|name| name.to_string()).collect::<Vec<_>>().join(", ")
}
