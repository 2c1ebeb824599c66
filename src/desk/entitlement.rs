//! What the contracts on file say about a request: it informs the engineers and chooses the window
//! of the clocks; it never turns a customer away.

mod request;
#[cfg(test)]
mod tests;

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;

use super::calendar::WindowName;
use super::contract::{Contract, Excerpt};
use super::plan::DeliveryTime;
use super::ticket::{ClockKind, KnownNumber, Ticket};
use request::Request;

/// Proposals that are shown; a company may have a thousand contracts.
const PROPOSALS_MAX: usize = 10;

/// What the contracts on file say about a request.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Entitlement {
    /// The contracts that the request names, in its order.
    pub named: Vec<Named>,
    /// Contracts that it does not name and may mean, the likeliest first.
    pub proposed: Vec<Proposed>,
    /// How many more there are at least.
    pub further: usize,
    /// The terms under which its clocks run.
    pub terms: Terms,
}

/// A contract that a request names.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Named {
    /// Its number, as on file where it is.
    pub contract: String,
    /// Whether it stands only in a quoted earlier mail.
    pub quoted: bool,
    /// What it promises; `None` where it is not on file.
    pub promise: Option<Promise>,
    /// What is to be known about it; several may hold at once.
    pub findings: Vec<Finding>,
}

/// What a contract promises, and to whom.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Promise {
    /// The customer's name.
    pub customer: String,
    /// What the contract buys.
    pub plan: String,
    /// When reports are taken.
    pub window: WindowName,
    /// How soon the repair or delivery is promised.
    pub delivery: DeliveryTime,
}

/// What is to be known about a contract and a request.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "finding", rename_all = "kebab-case")]
pub enum Finding {
    /// It held on the day of the request.
    Active {
        /// Its last day.
        until: Date,
    },
    /// It had run out.
    Expired {
        /// Its last day.
        on: Date,
    },
    /// It had not begun.
    NotYetValid {
        /// Its first day.
        from: Date,
    },
    /// No contract of this number is on file.
    ContractNotOnFile,
    /// A device of the request is under none of the contracts that the request names.
    SerialNotUnderContract {
        /// The device.
        serial: String,
    },
    /// The contract does not name who wrote.
    SenderNotNamed,
}

/// A contract that a request does not name and may mean.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Proposed {
    /// Its number.
    pub contract: String,
    /// What it promises.
    pub promise: Promise,
    /// Whether it held on the day of the request.
    pub standing: Finding,
    /// Why it is proposed.
    pub because: Vec<Because>,
}

/// Why a contract is proposed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "by", content = "value", rename_all = "kebab-case")]
pub enum Because {
    /// This device is under it.
    Serial(String),
    /// It names who wrote.
    Sender,
    /// It is of the company with this tax number.
    Nip(String),
}

/// The terms under which the clocks of a request run.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Terms {
    /// When its clocks run.
    pub window: WindowName,
    /// How soon the repair or delivery is promised.
    pub delivery: DeliveryTime,
    /// The plan, where a contract speaks.
    pub plan: Option<String>,
    /// The contract that speaks.
    pub contract: Option<String>,
    /// Why it does.
    pub basis: Basis,
}

/// Why the terms are what they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// The request names the contract.
    Named,
    /// The strictest active contract that names the device.
    Serial,
    /// The strictest active contract that names who wrote.
    Sender,
    /// No contract speaks: 8x5 and the next business day.
    NoContract,
}

/// What the contracts on file say about a ticket, on the local day on which its reaction clock
/// began; `None` where no list was ever imported. `date` gives the local day of a moment.
pub fn of_ticket(ticket: &Ticket, date: impl Fn(Timestamp) -> Date) -> Option<Entitlement> {
    let began = ticket.clock(ClockKind::Reaction).map_or(ticket.opened_at, |clock| clock.start);
    of(&ticket.on_file, &ticket.numbers, Some(&ticket.customer.address), date(began))
}

/// What the contracts on file say about a request with these numbers, of this sender, sent on this
/// local day; `None` where no list was ever imported.
pub fn of(on_file: &Excerpt, numbers: &[KnownNumber], sender: Option<&str>, day: Date) -> Option<Entitlement> {
    on_file.version?;
    let request = Request::new(on_file, numbers, sender, day);
    let mut proposed = request.proposed();
    let further = proposed.len().saturating_sub(PROPOSALS_MAX);
    proposed.truncate(PROPOSALS_MAX);
    Some(Entitlement { named: request.named(), proposed, further, terms: request.terms() })
}

/// The terms under which the clocks of a request run: those of the contract that it names; where
/// it names none on file, those of the strictest active one that names its device or its sender;
/// else 8x5 and the next business day (service terms, "Reading the clocks"). Of several named ones
/// the strictest speaks. A number in a quoted earlier mail counts only where none of its kind is
/// written now.
pub fn terms(on_file: &Excerpt, numbers: &[KnownNumber], sender: Option<&str>, day: Date) -> Terms {
    Request::new(on_file, numbers, sender, day).terms()
}

/// The contracts that a request runs under: those it names; where it names none on file, the active
/// ones that name its device or its sender (service terms, "Reading the clocks"). None where no
/// contract speaks. Of several, the strictest promise binds.
pub fn deciding<'a>(
    on_file: &'a Excerpt,
    numbers: &'a [KnownNumber],
    sender: Option<&'a str>,
    day: Date,
) -> Vec<&'a Contract> {
    Request::new(on_file, numbers, sender, day).deciding()
}

/// The service window of these [terms]; `None` where no contract speaks.
pub fn window(on_file: &Excerpt, numbers: &[KnownNumber], sender: Option<&str>, day: Date) -> Option<WindowName> {
    let terms = terms(on_file, numbers, sender, day);
    terms.contract.map(|_| terms.window)
}

impl Entitlement {
    /// What is to be known, a line each, for people.
    pub fn lines(&self) -> Vec<String> {
        let named = self.named.iter().map(|named| {
            let findings: Vec<String> = named.findings.iter().map(Finding::to_string).collect();
            let quoted = if named.quoted { " (quoted)" } else { "" };
            let promise = named.promise.as_ref().map(|promise| format!(" – {promise}")).unwrap_or_default();
            format!("{}{quoted}: {}{promise}", named.contract, findings.join("; "))
        });
        let proposed = self.proposed.iter().map(|proposed| {
            let because: Vec<String> = proposed.because.iter().map(Because::to_string).collect();
            let Proposed { contract, standing, promise, .. } = proposed;
            format!("perhaps {contract} ({}): {standing} – {promise}", because.join(", "))
        });
        let further = (self.further > 0).then(|| format!("perhaps at least {} more", self.further));
        named.chain(proposed).chain(further).chain([self.terms.to_string()]).collect()
    }
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} ({})", self.plan, self.window, self.delivery, self.customer)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finding::Active { until } => write!(f, "active until {until}"),
            Finding::Expired { on } => write!(f, "expired on {on}"),
            Finding::NotYetValid { from } => write!(f, "not yet valid, from {from}"),
            Finding::ContractNotOnFile => f.write_str("contract not on file"),
            Finding::SerialNotUnderContract { serial } => write!(f, "serial {serial} not under this contract"),
            Finding::SenderNotNamed => f.write_str("sender not named for this contract"),
        }
    }
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Because::Serial(serial) => write!(f, "serial {serial} is under it"),
            Because::Sender => f.write_str("it names the sender"),
            Because::Nip(nip) => write!(f, "NIP {nip}"),
        }
    }
}

impl fmt::Display for Terms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.basis {
            Basis::Named => "the contract named",
            Basis::Serial => "the strictest active contract of the device",
            Basis::Sender => "the strictest active contract of the sender",
            Basis::NoContract => return write!(f, "{} {}: no contract speaks", self.window, self.delivery),
        };
        let contract = self.contract.as_deref().unwrap_or_default();
        write!(f, "{} {}: {why}, {contract}", self.window, self.delivery)
    }
}
