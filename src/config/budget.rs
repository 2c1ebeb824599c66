//! Reads how many automatic mails may leave.

use std::time::Duration;

use jiff::SignedDuration;

use super::section::Section;
use super::value;
use crate::desk::budget::Budget;

/// Bounds of every count. With 0 nobody would ever be acknowledged.
const COUNT: (u32, u32) = (1, 1_000_000);

/// Bounds of `gathering`: an acknowledgement has one hour.
const GATHERING: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(50 * 60));

/// Reads `[budget]`; a key that is left out keeps its default.
pub(super) fn budget(section: Section<'_>) -> Budget {
    let default = Budget::default();
    let count = |key, default| section.optional(key, value::number(COUNT.0, COUNT.1)).unwrap_or(default);
    let gathering = section.optional("gathering", value::duration(GATHERING.0, GATHERING.1));
    let budget = Budget {
        per_ticket: count("per_ticket", default.per_ticket),
        per_address_and_hour: count("per_address_and_hour", default.per_address_and_hour),
        per_address_and_day: count("per_address_and_day", default.per_address_and_day),
        per_domain_and_hour: count("per_domain_and_hour", default.per_domain_and_hour),
        in_all_and_hour: count("in_all_and_hour", default.in_all_and_hour),
        alerts_and_hour: count("alerts_and_hour", default.alerts_and_hour),
        storm: count("storm", default.storm),
        gathering: gathering
            .and_then(|gathering| SignedDuration::try_from(gathering).ok())
            .unwrap_or(default.gathering),
    };
    section.finish();
    budget
}
