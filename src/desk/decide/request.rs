//! A person's mail: it opens a ticket, or goes on with one.

use jiff::civil::Date;

use super::acknowledge::acknowledge;
use super::{Case, Decision, Disposition, Effect, NewTicket};
use crate::desk::calendar::{self, WindowName};
use crate::desk::contract::{Contract, Excerpt, ServiceWindow};
use crate::desk::entitlement;
use crate::desk::extract::{Found, Numbers, Place};
use crate::desk::message::Address;
use crate::desk::reply::{self, Notice};
use crate::desk::storm::Recent;
use crate::desk::thread::CUSTOMER_TOKEN;
use crate::desk::ticket::{Clock, ClockKind, EntryKind, KnownNumber, NumberKind, State, Ticket};
use crate::desk::ticket_number::{self, TicketNumber};
use crate::desk::trust::{Change, Standing};

/// The longest time from sending to a person's contact, for every plan (terms of service,
/// "czas reakcji").
pub(super) const REACTION_TIME: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);

/// The most people in Cc who take part in a ticket from the beginning.
const MOST_COLLEAGUES: usize = 20;

/// Opens a ticket: clock, acknowledgement, and a notice to each engineer.
pub(super) fn open(case: &Case, from: &Address, linked_to: Option<&Ticket>, evidence: &str) -> Decision {
    let number = TicketNumber::new(case.site.calendar.year(case.now), case.facts.next_sequence);
    let message = &case.mail.message;
    let new = NewTicket {
        number,
        customer: from.clone(),
        subject: message.subject.clone(),
        language: case.reading.language,
        opened_at: case.now,
        linked_to: linked_to.map(|ticket| ticket.number),
        earlier_tags: ticket_number::earlier_tags(&message.subject),
    };
    let colleagues = colleagues(case, from);
    let numbers = numbers_of(case);
    let clock = reaction_clock(case, &numbers);
    let ticket = Ticket {
        number,
        state: State::New,
        customer: from.clone(),
        participants: [vec![from.address.clone()], colleagues.clone()].concat(),
        subject: new.subject.clone(),
        language: new.language,
        opened_at: case.now,
        linked_to: new.linked_to,
        earlier_tags: new.earlier_tags.clone(),
        numbers: numbers.clone(),
        clocks: vec![clock.clone()],
        entries: Vec::new(),
        on_file: case.facts.contracts.clone(),
    };
    let mut effects = vec![
        Effect::Open(new),
        Effect::AddParticipant(number, from.address.clone()),
        Effect::AddEntry(number, case.entry(EntryKind::Customer, &from.address, None)),
        Effect::StartClock(number, clock),
    ];
    effects.extend(numbers.into_iter().map(|known| Effect::AddNumber(number, known)));
    effects.extend(message.message_id.iter().map(|id| Effect::Thread(number, id.clone())));
    effects.extend(colleagues.into_iter().map(|address| Effect::AddParticipant(number, address)));
    let answer = acknowledge(case, from, &ticket, &mut effects);
    notify(case, &ticket, true, case.standing(None), &mut effects);
    Decision { answer, ..case.decision(Disposition::Opened(number), evidence, effects) }
}

/// Those in Cc who take part from the beginning: a copy by itself gives nobody access, so only whom
/// the sender's own contract names too, and only where it is proven who the sender is.
fn colleagues(case: &Case, from: &Address) -> Vec<String> {
    if case.may(None).change < Change::Participants {
        return Vec::new();
    }
    let own = |contract: &&Contract| contract.names_sender(&from.address);
    let contracts: Vec<&Contract> = case.facts.contracts.into_iter().filter(own).collect();
    let named = |address: &&String| contracts.iter().any(|contract| contract.names_sender(address));
    let copied = case.mail.message.cc.iter().map(|copied| &copied.address).take(MOST_COLLEAGUES);
    copied.filter(named).filter(|address| **address != from.address).cloned().collect()
}

/// Adds a mail to its ticket and tells the engineers. A sender who does not take part, or whose own
/// domain denies the mail, is marked, and neither takes part from now on nor gets anything.
pub(super) fn follow_up(case: &Case, from: &Address, ticket: &Ticket, takes_part: bool, evidence: &str) -> Decision {
    let number = ticket.number;
    let denied = takes_part && !case.may(Some(ticket)).append;
    let takes_part = takes_part && !denied;
    let kind = if takes_part { EntryKind::Customer } else { EntryKind::Unconfirmed };
    let mut effects = vec![Effect::AddEntry(number, case.entry(kind, &from.address, Some(ticket)))];
    effects.extend(case.mail.message.message_id.iter().map(|id| Effect::Thread(number, id.clone())));
    let standing = case.standing(Some(ticket));
    let mut ticket = ticket.clone();
    if takes_part {
        ticket.on_file.extend(&case.facts.contracts);
        let new = numbers_of(case).into_iter().filter(|known| !already_known(&ticket, known)).collect::<Vec<_>>();
        effects.extend(new.iter().map(|known| Effect::AddNumber(number, known.clone())));
        ticket.numbers.extend(new);
        if ticket.state == State::AwaitingData && ticket.missing().is_empty() {
            effects.push(Effect::SetState(number, State::InVerification));
        }
    }
    notify(case, &ticket, takes_part, standing, &mut effects);
    let reason = match evidence {
        evidence if takes_part => evidence,
        _ if denied => "denied-by-the-senders-domain",
        CUSTOMER_TOKEN => "token-of-another-address",
        _ => "answers-a-known-mail-as-a-stranger",
    };
    case.decision(Disposition::Attached(number), reason, effects)
}

/// Adds one more of many similar mails to the ticket into which they fold. The engineers are told
/// once, of the first.
pub(super) fn fold(case: &Case, from: &Address, into: &Recent) -> Decision {
    let number = into.ticket;
    let mut effects = vec![Effect::AddEntry(number, case.entry(EntryKind::Folded, &from.address, None))];
    effects.extend(case.mail.message.message_id.iter().map(|id| Effect::Thread(number, id.clone())));
    if !into.folded {
        let told = case.site.active_engineers();
        let alarms = told.map(|engineer| reply::storm(case.site, into, from, engineer, case.now));
        effects.extend(alarms.map(Effect::from));
    }
    case.decision(Disposition::Attached(number), "storm", effects)
}

fn already_known(ticket: &Ticket, known: &KnownNumber) -> bool {
    let same = |old: &&KnownNumber| old.kind == known.kind && old.value == known.value;
    ticket.numbers.iter().find(same).is_some_and(|old| !old.quoted || known.quoted)
}

/// The numbers of a mail, as a ticket keeps them.
pub fn known_numbers(numbers: &Numbers) -> Vec<KnownNumber> {
    let known = |kind: NumberKind| {
        move |found: &Found| KnownNumber {
            kind,
            value: found.value.clone(),
            written: found.written.clone(),
            evidence: format!("{}: {} [{}]", found.place, found.evidence, found.rule),
            quoted: found.place == Place::Quote,
            on_file: found.on_file,
        }
    };
    let serials = numbers.serials.iter().map(known(NumberKind::Serial));
    let contracts = numbers.contracts.iter().map(known(NumberKind::Contract));
    serials.chain(contracts).chain(numbers.nips.iter().map(known(NumberKind::Nip))).collect()
}

fn numbers_of(case: &Case) -> Vec<KnownNumber> {
    known_numbers(case.numbers())
}

fn reaction_clock(case: &Case, numbers: &[KnownNumber]) -> Clock {
    let (start, start_reason) =
        calendar::clock_start(case.mail.message.date, case.mail.internal_date, case.site.max_transit);
    let window = window(case, &case.facts.contracts, numbers, case.site.calendar.date(start));
    let due = case.site.calendar.due(start, REACTION_TIME, &window);
    Clock {
        kind: ClockKind::Reaction,
        start,
        start_reason: start_reason.to_string(),
        due: due.at,
        explanation: due.steps.join("; "),
        satisfied_at: None,
        fired_at: None,
    }
}

/// The window of those of the contracts that the request of this day is about, else 8x5 (service
/// terms, "Reading the clocks").
pub(super) fn window(case: &Case, contracts: &Excerpt, numbers: &[KnownNumber], day: Date) -> WindowName {
    let window = entitlement::window(contracts, numbers, case.keys.sender.as_deref(), day);
    WindowName::new(match window {
        Some(ServiceWindow::Always) => "24x7",
        Some(ServiceWindow::EightByFive) | None => "8x5",
    })
}

fn notify(case: &Case, ticket: &Ticket, takes_part: bool, standing: Option<Standing>, effects: &mut Vec<Effect>) {
    for engineer in case.site.active_engineers() {
        let standing = standing.as_ref();
        let notice = Notice { ticket, mail: case.mail, reading: case.reading, standing, takes_part, engineer };
        effects.push(Effect::from(reply::notice(case.site, &notice, case.now)));
    }
}
