//! A request that came to an engineer, by mail or by telephone, and is handed in: it opens a ticket of
//! the customer's.

use std::cell::OnceCell;

use super::Case;
use super::engineer::vouched;
use super::orders::{self, Orders};
use super::request::{self, Origin};
use crate::desk::calendar;
use crate::desk::command::Order;
use crate::desk::decision::{Decision, Disposition, Effect};
use crate::desk::engineer::Engineer;
use crate::desk::handed_in::{self, HandedIn, How};
use crate::desk::mail::Mail;
use crate::desk::message::Address;
use crate::desk::reply::{self, Done, HandedInBy};
use crate::desk::thread::{self, Thread};
use crate::desk::ticket::{Entry, EntryKind, State, Ticket};
use crate::desk::trust::{Proof, Sender};

/// Opens a ticket for the customer, or goes on with the customer's. Nothing of it but the
/// acknowledgement leaves the desk, so that the proof of the sender is enough; an engineer has no
/// reply address for a ticket that is not there yet.
pub(super) fn hand_in(case: &Case, from: &Address, handed: &HandedIn) -> Decision {
    let engineer = match vouched(case, from) {
        Ok(engineer) => engineer,
        Err(held) => return case.parked(held.reason, held.tell),
    };
    if handed.has_several_customers {
        let several = orders::fault("", "several-customers", Vec::new());
        return orders::refused(case, engineer, None, "mails-of-several-customers", &[several]);
    }
    let orders = match Orders::read(&handed.orders, case) {
        Ok(orders) => orders,
        Err(faults) => return orders::refused(case, engineer, None, "order-not-understood", &faults),
    };
    let is_new = |order: &Order| matches!(order, Order::New(..));
    let mut of_others = orders.lines.iter().filter(|(_, order)| !matches!(order, Order::Note) && !is_new(order));
    if let (How::Forwarded, Some((line, _))) = (handed.how, of_others.next()) {
        let without_ticket = orders::fault(line, "without-ticket", Vec::new());
        return orders::refused(case, engineer, None, "order-without-reply-address", &[without_ticket]);
    }
    let meanings = if handed.how == How::Forwarded { orders.with_meaning(case.site) } else { Vec::new() };
    let mail = Mail { message: handed.message.clone(), verification: None, ..case.mail.clone() };
    let customers = Case {
        mail: &mail,
        reading: &handed.reading,
        keys: case.keys,
        facts: case.facts,
        site: case.site,
        sender: Some(Sender {
            address: handed.customer.clone(),
            proof: Proof::Unproven { why: "handed-in-by-an-engineer" },
        }),
        handed_in: Some(HandedInBy {
            engineer,
            remark: &handed.remark,
            by_hand: handed.how == How::ByHand,
            orders: &meanings,
        }),
        numbers: OnceCell::new(),
        now: case.now,
    };
    match handed.how {
        How::Forwarded => passed_on(case, &customers, engineer, handed),
        How::ByHand => by_hand(case, &customers, engineer, handed, &orders),
    }
}

/// What an engineer's mail to the desk's plain address that begins with orders lacks; `None` where it does not
/// begin so.
pub(super) fn faults(case: &Case, from: &Address) -> Option<Decision> {
    let lines = handed_in::orders(&case.reading.now(), case.site);
    if lines.is_empty() || case.keys.token.is_some() {
        return None;
    }
    let engineer = match vouched(case, from) {
        Ok(engineer) => engineer,
        Err(held) => return Some(case.parked(held.reason, held.tell)),
    };
    let (reason, faults) = match Orders::read(&lines, case) {
        Err(faults) => ("order-not-understood", faults),
        Ok(orders) => {
            let why =
                |order: &Order| if matches!(order, Order::New(..)) { "address-of-the-desk" } else { "without-ticket" };
            let faults = orders.lines.iter().map(|(line, order)| orders::fault(line, why(order), Vec::new()));
            ("order-without-reply-address", faults.collect())
        }
    };
    Some(orders::refused(case, engineer, None, reason, &faults))
}

/// A customer's mail that is passed on.
fn passed_on(case: &Case, customers: &Case, engineer: &Engineer, handed: &HandedIn) -> Decision {
    let own_id = handed.message.message_id.as_deref();
    if let Some(ticket) = own_id.and_then(|id| case.facts.thread(id)) {
        let effects = remark(case, engineer, handed, ticket).map(|entry| Effect::AddEntry(ticket.number, entry));
        let effects = effects.into_iter().collect();
        return case.decision(Disposition::Attached(ticket.number), "handed-in-again", effects);
    }
    let customer = &handed.customer;
    let goes_on = match thread::thread(case.keys, case.facts) {
        Thread::Answers { ticket, takes_part: true, evidence } if ticket.state != State::Closed => {
            Some((ticket, evidence))
        }
        _ => None,
    };
    let mut decision = match goes_on {
        Some((ticket, evidence)) => request::follow_up(customers, customer, ticket, true, evidence),
        None => {
            let origin = Origin { linked_to: None, continues: None };
            request::open(customers, customer, origin, "handed-in-by-an-engineer")
        }
    };
    if let Some(number) = decision.disposition.ticket() {
        let entry = Entry { kind: EntryKind::Note, ..case.entry(EntryKind::Note, &engineer.id, None) };
        let said = (!handed.remark.is_empty()).then(|| Entry { text: handed.remark.clone(), ..entry });
        decision.effects.extend(said.map(|entry| Effect::AddEntry(number, entry)));
        let id = case.mail.message.message_id.clone();
        decision.effects.extend(id.map(|id| Effect::Thread(number, id)));
    }
    decision
}

fn remark(case: &Case, engineer: &Engineer, handed: &HandedIn, ticket: &Ticket) -> Option<Entry> {
    let entry = case.entry(EntryKind::Note, &engineer.id, Some(ticket));
    (!handed.remark.is_empty()).then(|| Entry { text: handed.remark.clone(), ..entry })
}

/// A call by telephone: the words are the engineer's, and stay inside.
fn by_hand(case: &Case, customers: &Case, engineer: &Engineer, handed: &HandedIn, orders: &Orders) -> Decision {
    let customer = &handed.customer;
    let first = Entry {
        text: handed.message.plain.clone().unwrap_or_default(),
        ..case.entry(EntryKind::Note, &engineer.id, None)
    };
    // The customer asked when the call was.
    let called = orders.lines.iter().find_map(|(_, order)| match order {
        Order::Phone(at) => *at,
        _ => None,
    });
    let called = called.and_then(|at| case.site.calendar.instant(at)).filter(|at| *at <= case.now);
    let start = match called {
        Some(at) => (at, "the call"),
        None => calendar::clock_start(case.mail.message.date, case.mail.internal_date, case.site.max_transit),
    };
    let origin = Origin { linked_to: None, continues: None };
    let mut progress = request::begin(customers, customer, origin, first, start);
    let mut sorted: Vec<_> = orders.lines.iter().filter(|(_, order)| !matches!(order, Order::New(..))).collect();
    sorted.sort_by_key(|(_, order)| orders::rank(order));
    for (line, order) in sorted {
        if let Err(fault) = orders::one(case, engineer, &mut progress, line, order) {
            return orders::refused(case, engineer, None, "order-refused", &[fault]);
        }
    }
    let answer = request::finish(customers, customer, &mut progress);
    let number = progress.ticket.number;
    let id = case.mail.message.message_id.clone();
    id.into_iter().for_each(|id| progress.push(Effect::Thread(number, id)));
    let done = Done { orders: orders.with_meaning(case.site), ..Done::default() };
    let told = reply::done(case.site, &progress.ticket, &done, case.mail, engineer, case.now);
    progress.push(told);
    Decision { answer, ..case.decision(Disposition::Opened(number), "opened-by-hand", progress.effects) }
}
