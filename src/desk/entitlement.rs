//! Which contracts on file a mail is about, and what they promise.

use jiff::civil::Date;

use super::contract::{Contract, ServiceWindow, look_up_key};
use super::ticket::{KnownNumber, NumberKind};

/// Whether a contract names this sender: by address, or by `@domain`.
pub fn names(contract: &Contract, sender: &str) -> bool {
    let domain = sender.rsplit_once('@').map(|(_, domain)| domain);
    contract.senders.iter().any(|named| match named.strip_prefix('@') {
        Some(named) => domain.is_some_and(|domain| domain.eq_ignore_ascii_case(named)),
        None => named.eq_ignore_ascii_case(sender),
    })
}

/// The contracts that one of these [look-up keys](look_up_key) or the sender leads to. `keys` is
/// sorted.
pub fn matching(contracts: &[Contract], keys: &[String], sender: Option<&str>) -> Vec<Contract> {
    let known = |number: &String| keys.binary_search(&look_up_key(number)).is_ok();
    let about = |contract: &&Contract| {
        known(&contract.number)
            || contract.serials.iter().any(known)
            || sender.is_some_and(|sender| names(contract, sender))
    };
    contracts.iter().filter(about).cloned().collect()
}

/// The service window that a request runs under: that of the contract it names; where it names
/// none on file, the strictest of the active ones that name its serial or its sender (service
/// terms, "Reading the clocks"). `None` where no contract speaks.
pub fn window(
    contracts: &[Contract],
    numbers: &[KnownNumber],
    sender: Option<&str>,
    day: Date,
) -> Option<ServiceWindow> {
    let has = |kind: NumberKind, value: &str| numbers.iter().any(|known| known.kind == kind && known.value == value);
    let named = contracts.iter().filter(|contract| has(NumberKind::Contract, &contract.number));
    if let Some(window) = strictest(named) {
        return Some(window);
    }
    let active = contracts.iter().filter(|contract| contract.valid_from <= day && day <= contract.valid_to);
    strictest(active.filter(|contract| {
        contract.serials.iter().any(|serial| has(NumberKind::Serial, serial))
            || sender.is_some_and(|sender| names(contract, sender))
    }))
}

/// Always open is stricter than business hours.
fn strictest<'a>(contracts: impl Iterator<Item = &'a Contract>) -> Option<ServiceWindow> {
    contracts.map(|contract| contract.window).max_by_key(|window| *window == ServiceWindow::Always)
}
