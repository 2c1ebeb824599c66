//! The time that a promise falls due, with all that it follows from.

use jiff::{SignedDuration, Timestamp};

use super::{DeliveryTime, Plans, Terms};
use crate::desk::calendar::{Calendar, Due, WindowName};

/// The acknowledgement leaves within one elapsed hour, day or night (service terms,
/// "potwierdzenie": inside the reaction time, whose limit is an hour for every plan).
const ACKNOWLEDGEMENT: SignedDuration = SignedDuration::from_hours(1);

/// What a request is about, as far as its reaction time depends on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Concern {
    /// Something is broken; every doubt counts as this.
    #[default]
    Fault,
    /// An engineer has found that somebody only asks.
    Question,
}

/// When something is due, and why then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promise {
    /// The moment.
    pub due: Timestamp,
    /// In whose hours the time up to it is counted; `None` where it is elapsed time.
    pub window: Option<WindowName>,
    /// That time.
    pub amount: SignedDuration,
    /// What it was worked out from, then the way to it, step by step.
    pub steps: Vec<String>,
    /// The contract and plan behind it.
    pub basis: Basis,
}

/// The contract and plan behind a promise, as they were then.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Basis {
    /// The plan's id.
    pub plan: String,
    /// The contract's number.
    pub contract: Option<String>,
    /// The contract's customer.
    pub customer: Option<String>,
}

impl Terms {
    fn basis(&self) -> Basis {
        Basis {
            plan: self.plan.id.clone(),
            contract: self.contract.as_ref().map(|contract| contract.number.clone()),
            customer: self.contract.as_ref().map(|contract| contract.customer.clone()),
        }
    }

    /// The terms in one line.
    fn in_words(&self) -> String {
        let delivery = self.delivery.map_or("no delivery".to_string(), |delivery| delivery.to_string());
        let plan = format!("{} {} {delivery}", self.plan.id, self.window);
        match &self.contract {
            Some(contract) => {
                format!("contract {} ({plan}, {} to {})", contract.number, contract.valid_from, contract.valid_to)
            }
            None => format!("no contract on file ({plan})"),
        }
    }
}

impl Plans {
    /// The automatic answer.
    pub fn acknowledgement(&self, terms: &[Terms], start: Timestamp, calendar: &Calendar) -> Promise {
        let due = start.checked_add(ACKNOWLEDGEMENT).unwrap_or(Timestamp::MAX);
        let steps = vec![
            format!("start {}", calendar.moment(start)),
            format!("{ACKNOWLEDGEMENT:#} pass, day or night"),
            format!("due {}", calendar.moment(due)),
        ];
        self.strictest(terms, calendar, |_| (Due { at: due, steps: steps.clone() }, None), start)
    }

    /// A person's first answer.
    pub fn reaction(&self, terms: &[Terms], start: Timestamp, concern: Concern, calendar: &Calendar) -> Promise {
        let due = |terms: &Terms| {
            let limit = match concern {
                Concern::Fault => terms.plan.reaction,
                Concern::Question => terms.plan.question,
            };
            (calendar.due(start, limit, &terms.window), Some(terms.window.clone()))
        };
        self.strictest(terms, calendar, due, start)
    }

    /// The answer to a later mail.
    pub fn follow_up(&self, terms: &[Terms], start: Timestamp, calendar: &Calendar) -> Promise {
        let due =
            |terms: &Terms| (calendar.due(start, terms.plan.follow_up, &terms.window), Some(terms.window.clone()));
        self.strictest(terms, calendar, due, start)
    }

    /// Parts arrive or on-site work begins. `wanted` is what an engineer has ordered in place of
    /// what the contracts say. `None` where no contract promises a delivery.
    pub fn delivery(
        &self,
        terms: &[Terms],
        accepted: Timestamp,
        wanted: Option<DeliveryTime>,
        calendar: &Calendar,
    ) -> Option<Promise> {
        let promising = terms
            .iter()
            .filter_map(|terms| Some(Terms { delivery: Some(wanted.or(terms.delivery)?), ..terms.clone() }));
        let promising: Vec<Terms> = promising.collect();
        if promising.is_empty() {
            return None;
        }
        let due = |terms: &Terms| match terms.delivery.and_then(DeliveryTime::within) {
            Some(hours) => (calendar.due(accepted, hours, &terms.window), Some(terms.window.clone())),
            None => {
                let due = calendar.business_days_close(accepted, 1, terms.plan.cut_off);
                (due, Some(calendar.business_window().clone()))
            }
        };
        Some(self.strictest(&promising, calendar, due, accepted))
    }

    /// The end of the matter, counted from a person's first answer.
    pub fn resolution(&self, terms: &[Terms], reaction: Timestamp, calendar: &Calendar) -> Promise {
        let due = |terms: &Terms| {
            let due = calendar.business_days_close(reaction, terms.plan.resolution_days, None);
            (due, Some(calendar.business_window().clone()))
        };
        self.strictest(terms, calendar, due, reaction)
    }

    /// The faulty device is on its way back.
    pub fn return_of_device(&self, terms: &[Terms], sent: Timestamp, calendar: &Calendar) -> Promise {
        let at = calendar.return_due(sent);
        let steps = vec![
            format!("start {}", calendar.moment(sent)),
            format!("the end of local day {} after that", calendar.return_days()),
            format!("due {}", calendar.moment(at)),
        ];
        self.strictest(terms, calendar, |_| (Due { at, steps: steps.clone() }, None), sent)
    }

    /// A person takes an escalated ticket over, within `limit` of the window.
    pub fn take_over(
        &self,
        terms: &[Terms],
        forwarded: Timestamp,
        limit: SignedDuration,
        calendar: &Calendar,
    ) -> Promise {
        let due = |terms: &Terms| (calendar.due(forwarded, limit, &terms.window), Some(terms.window.clone()));
        self.strictest(terms, calendar, due, forwarded)
    }

    /// Of several contracts the one that is due first binds; of several due at once, the first.
    fn strictest(
        &self,
        terms: &[Terms],
        calendar: &Calendar,
        due: impl Fn(&Terms) -> (Due, Option<WindowName>),
        start: Timestamp,
    ) -> Promise {
        let without = std::slice::from_ref(&self.without_contract);
        let terms = if terms.is_empty() { without } else { terms };
        let dues = terms.iter().map(|terms| (terms, due(terms)));
        let strictest = dues.min_by_key(|(_, (due, _))| due.at);
        let (chosen, (due, window)) =
            strictest.unwrap_or_else(|| (&self.without_contract, due(&self.without_contract)));
        let mut steps = vec![format!("{}; plans {}, calendar {}", chosen.in_words(), self.version, calendar.version())];
        if terms.len() > 1 {
            steps.push(format!("the strictest of {} contracts", terms.len()));
        }
        steps.extend(due.steps);
        let amount = match &window {
            Some(window) => calendar.elapsed(start, due.at, window),
            None => due.at.duration_since(start),
        };
        Promise { due: due.at, window, amount, steps, basis: chosen.basis() }
    }
}
