//! How a request and what is on file are brought together.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use jiff::civil::Date;

use super::{Basis, Because, Finding, Named, Promise, Proposed, Terms};
use crate::desk::calendar::WindowName;
use crate::desk::contract::{Contract, Excerpt, Standing};
use crate::desk::plan::DeliveryTime;
use crate::desk::ticket::{KnownNumber, NumberKind};

/// Devices that are named beside one contract as not under it; a mail may list a thousand.
const SERIALS_MAX: usize = 20;

/// A request and what of it is on file.
pub(super) struct Request<'a> {
    on_file: &'a Excerpt,
    numbers: &'a [KnownNumber],
    sender: Option<&'a str>,
    day: Date,
    by_number: HashMap<&'a str, &'a Contract>,
    /// The contracts on file that it names; those of a quote only where none is written now.
    named: Vec<&'a Contract>,
    /// Its devices; those of a quote only where none is written now.
    serials: Vec<&'a str>,
}

impl<'a> Request<'a> {
    pub(super) fn new(
        on_file: &'a Excerpt,
        numbers: &'a [KnownNumber],
        sender: Option<&'a str>,
        day: Date,
    ) -> Request<'a> {
        let by_number: HashMap<_, _> =
            on_file.into_iter().map(|contract| (contract.number.as_str(), contract)).collect();
        let named = numbers.iter().filter(|number| number.kind == NumberKind::Contract);
        let named = named.filter_map(|number| Some((*by_number.get(number.value.as_str())?, number.quoted)));
        let serials = numbers.iter().filter(|number| number.kind == NumberKind::Serial);
        let serials = serials.map(|number| (number.value.as_str(), number.quoted));
        let (named, serials) = (now_else_quoted(named.collect()), now_else_quoted(serials.collect()));
        Request { on_file, numbers, sender, day, by_number, named, serials }
    }

    fn of_kind(&self, kind: NumberKind) -> impl Iterator<Item = &'a KnownNumber> {
        self.numbers.iter().filter(move |number| number.kind == kind)
    }

    fn names_sender(&self, contract: &Contract) -> bool {
        self.sender.is_some_and(|sender| contract.names_sender(sender))
    }

    fn is_active(&self, contract: &Contract) -> bool {
        contract.standing(self.day) == Standing::Active
    }

    /// The devices that none of the named contracts has.
    fn uncovered(&self) -> Vec<&'a str> {
        let covered: HashSet<&str> =
            self.named.iter().flat_map(|contract| &contract.serials).map(String::as_str).collect();
        self.serials.iter().copied().filter(|serial| !covered.contains(serial)).collect()
    }

    /// The contracts that the request names, with what is to be known about each.
    pub(super) fn named(&self) -> Vec<Named> {
        let uncovered = self.uncovered();
        let named = self.of_kind(NumberKind::Contract).map(|number| {
            let contract = self.by_number.get(number.value.as_str());
            let findings = match contract {
                Some(contract) => self.findings(contract, &uncovered),
                None => vec![Finding::ContractNotOnFile],
            };
            let promise = contract.map(|contract| Promise::of(contract));
            Named { contract: number.value.clone(), quoted: number.quoted, promise, findings }
        });
        named.collect()
    }

    fn findings(&self, contract: &Contract, uncovered: &[&str]) -> Vec<Finding> {
        let serials = uncovered.iter().take(SERIALS_MAX);
        let serials = serials.map(|serial| Finding::SerialNotUnderContract { serial: serial.to_string() });
        let sender = (!self.names_sender(contract)).then_some(Finding::SenderNotNamed);
        std::iter::once(standing(contract, self.day)).chain(serials).chain(sender).collect()
    }

    /// Contracts that the request may mean. Where it names one that holds and has its devices there
    /// is nothing to propose, unless it carries the tax number of another company.
    pub(super) fn proposed(&self) -> Vec<Proposed> {
        let settled = self.uncovered().is_empty() && self.named.iter().any(|contract| self.is_active(contract));
        let names: HashSet<&str> = self.of_kind(NumberKind::Contract).map(|number| number.value.as_str()).collect();
        let others = self.on_file.into_iter().filter(|contract| !names.contains(contract.number.as_str()));
        let mut proposed: Vec<(&Contract, Vec<Because>)> = others
            .map(|contract| (contract, self.because(contract, settled)))
            .filter(|(_, because)| !because.is_empty())
            .collect();
        proposed.sort_by_key(|(contract, because)| {
            let by_serial = because.iter().any(|because| matches!(because, Because::Serial(_)));
            let likely = (by_serial, self.is_active(contract), because.len());
            (Reverse(likely), contract.strictness(), &contract.number)
        });
        let proposed = proposed.into_iter().map(|(contract, because)| Proposed {
            contract: contract.number.clone(),
            promise: Promise::of(contract),
            standing: standing(contract, self.day),
            because,
        });
        proposed.collect()
    }

    fn because(&self, contract: &Contract, settled: bool) -> Vec<Because> {
        let mut because = Vec::new();
        if !settled {
            let of_request = contract.serials.iter().filter(|serial| self.serials.contains(&serial.as_str()));
            because.extend(of_request.map(|serial| Because::Serial(serial.clone())));
            because.extend(self.names_sender(contract).then_some(Because::Sender));
        }
        let same_company = self.named.iter().any(|named| named.nip == contract.nip);
        if !(settled && same_company) {
            let nip = self.of_kind(NumberKind::Nip).find(|number| number.value == contract.nip);
            because.extend(nip.map(|number| Because::Nip(number.value.clone())));
        }
        because
    }

    /// The contracts that it runs under.
    pub(super) fn deciding(&self) -> Vec<&'a Contract> {
        if !self.named.is_empty() {
            return self.named.clone();
        }
        let active = self.on_file.into_iter().filter(|contract| self.is_active(contract));
        active.filter(|contract| self.has_device(contract) || self.names_sender(contract)).collect()
    }

    fn has_device(&self, contract: &Contract) -> bool {
        self.serials.iter().any(|serial| contract.names_serial(serial))
    }

    /// The terms under which its clocks run.
    pub(super) fn terms(&self) -> Terms {
        match strictest(self.deciding().into_iter()) {
            Some(contract) if !self.named.is_empty() => Terms::of(contract, Basis::Named),
            Some(contract) if self.has_device(contract) => Terms::of(contract, Basis::Serial),
            Some(contract) => Terms::of(contract, Basis::Sender),
            None => Terms::without_contract(),
        }
    }
}

/// What is written now; where nothing is, what stands in the quote.
fn now_else_quoted<T>(found: Vec<(T, bool)>) -> Vec<T> {
    let any_now = found.iter().any(|(_, quoted)| !quoted);
    found.into_iter().filter(|(_, quoted)| !quoted || !any_now).map(|(value, _)| value).collect()
}

/// The contract that promises most; of equal ones the one that holds longest.
fn strictest<'a>(contracts: impl Iterator<Item = &'a Contract>) -> Option<&'a Contract> {
    contracts.min_by_key(|contract| (contract.strictness(), Reverse(contract.valid_to), &contract.number))
}

fn standing(contract: &Contract, day: Date) -> Finding {
    match contract.standing(day) {
        Standing::Active => Finding::Active { until: contract.valid_to },
        Standing::Expired => Finding::Expired { on: contract.valid_to },
        Standing::NotYetValid => Finding::NotYetValid { from: contract.valid_from },
    }
}

impl Promise {
    fn of(contract: &Contract) -> Promise {
        let Contract { customer, plan, window, delivery, .. } = contract;
        Promise { customer: customer.clone(), plan: plan.clone(), window: window.clone(), delivery: *delivery }
    }
}

impl Terms {
    fn of(contract: &Contract, basis: Basis) -> Terms {
        Terms {
            window: contract.window.clone(),
            delivery: contract.delivery,
            plan: Some(contract.plan.clone()),
            contract: Some(contract.number.clone()),
            basis,
        }
    }

    fn without_contract() -> Terms {
        Terms {
            window: WindowName::new("8x5"),
            delivery: DeliveryTime::NextBusinessDay,
            plan: None,
            contract: None,
            basis: Basis::NoContract,
        }
    }
}
