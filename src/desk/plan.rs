//! What each plan promises, and the times that follow from it.

mod delivery;
mod file;
mod promise;

use std::collections::BTreeMap;

use jiff::SignedDuration;
use jiff::civil::{Date, Time};

use super::calendar::{Calendar, WindowName};
use super::contract::{self, Contract};
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

    /// Runs the tests that stand in `plans.toml`: those that fail.
    pub fn test(&self, calendar: &Calendar) -> Vec<RuleFault> {
        self.tests.iter().filter_map(|test| test.failure(self, calendar)).collect()
    }

    /// What these contracts promise, one entry each; where there is none, what holds without one.
    /// Of a plan that is not known, the limits of the plan without a contract hold.
    pub fn terms<'a>(&self, contracts: impl IntoIterator<Item = &'a Contract>) -> Vec<Terms> {
        let terms: Vec<Terms> = contracts.into_iter().map(|contract| self.of(contract)).collect();
        if terms.is_empty() { vec![self.without_contract.clone()] } else { terms }
    }

    /// What a contract says that its plan is not sold with; `None` where all is well.
    pub fn mismatch(&self, contract: &Contract) -> Option<String> {
        let id = plan_id(contract.plan);
        let Some(plan) = self.plans.get(id) else { return Some(format!("there is no plan {id} in plans.toml")) };
        let (window, delivery) = (window_name(contract.window), DeliveryTime::from(contract.delivery));
        if !plan.windows.contains(&window) {
            return Some(format!("plan {id} is not sold with the window {window}"));
        }
        (!plan.deliveries.contains(&delivery)).then(|| format!("plan {id} is not sold with the delivery {delivery}"))
    }

    /// Whether somebody comes under this plan.
    pub fn on_site(&self, plan: &str) -> bool {
        self.plans.get(plan).is_some_and(|plan| plan.on_site)
    }

    /// Tells one state of the file from another.
    pub fn version(&self) -> &str {
        &self.version
    }

    fn of(&self, contract: &Contract) -> Terms {
        Terms {
            plan: self.plans.get(plan_id(contract.plan)).unwrap_or(&self.without_contract.plan).clone(),
            window: window_name(contract.window),
            delivery: Some(contract.delivery.into()),
            contract: Some(NamedContract {
                number: contract.number.clone(),
                customer: contract.customer.clone(),
                valid_from: contract.valid_from,
                valid_to: contract.valid_to,
            }),
        }
    }
}

fn plan_id(plan: contract::Plan) -> &'static str {
    match plan {
        contract::Plan::Sos => "SOS",
        contract::Plan::Ahb => "AHB",
    }
}

fn window_name(window: contract::ServiceWindow) -> WindowName {
    WindowName::new(match window {
        contract::ServiceWindow::EightByFive => "8x5",
        contract::ServiceWindow::Always => "24x7",
    })
}
