//! Who is told of a ticket.

use jiff::Timestamp;

use crate::desk::contract::Contract;
use crate::desk::engineer::Engineer;
use crate::desk::entitlement;
use crate::desk::routing::Traits;
use crate::desk::site::Site;
use crate::desk::ticket::{ClockKind, Entry, EntryKind, NumberKind, Ticket};

/// The engineers who are told of a ticket at this moment: its group, whoever works on it, and whoever
/// has written in it.
pub fn watchers<'a>(ticket: &Ticket, site: &'a Site, at: Timestamp) -> Vec<&'a Engineer> {
    let group = site.routing.destination(&traits(ticket, site), at, &site.calendar, &site.engineers).engineers;
    let wrote = |entry: &Entry| matches!(entry.kind, EntryKind::Answered | EntryKind::Note);
    let involved = |id: &str| {
        ticket.assignee.as_deref() == Some(id) || ticket.entries.iter().any(|entry| wrote(entry) && entry.author == id)
    };
    let told = |engineer: &&Engineer| involved(&engineer.id) || group.iter().any(|one| one.id == engineer.id);
    site.active_engineers().filter(told).collect()
}

/// What a ticket is routed by: the subject and what its customer wrote, its serial numbers, the
/// strictest of its contracts, and its language.
pub fn traits(ticket: &Ticket, site: &Site) -> Traits {
    let Ticket { on_file, numbers, customer, .. } = ticket;
    // The first may be a call, in an engineer's words.
    let first = ticket.entries.iter().take(1).filter(|entry| entry.kind == EntryKind::Note);
    let written = ticket.entries.iter().filter(|entry| entry.kind == EntryKind::Customer).chain(first);
    let texts = written.map(|entry| entry.text.as_str()).chain([ticket.subject.as_str()]);
    let of_kind = numbers.iter().filter(|number| number.kind == NumberKind::Serial);
    let serials: Vec<String> = of_kind.map(|number| number.value.clone()).collect();
    let sent = ticket.clock(ClockKind::Reaction).map_or(ticket.opened_at, |clock| clock.start);
    let day = site.calendar.date(sent);
    let deciding = entitlement::deciding(on_file, numbers, Some(&customer.address), day);
    let strictest: Option<&Contract> = deciding.into_iter().min_by_key(|contract| contract.strictness());
    let terms = site.plans.terms(strictest).into_iter().next();
    Traits {
        plan: terms.as_ref().filter(|_| strictest.is_some()).map(|terms| terms.plan.id.clone()),
        window: terms.map(|terms| terms.window),
        language: Some(ticket.language),
        ..site.routing.traits(texts, &serials)
    }
}
