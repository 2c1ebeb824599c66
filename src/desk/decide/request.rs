//! A person's mail: it opens a ticket, or goes on with one.

use jiff::Timestamp;

use super::acknowledge::acknowledge;
use super::progress::Progress;
use super::watchers::watchers;
use super::{Case, asked, handover};
use crate::desk::calendar;
use crate::desk::contract::Contract;
use crate::desk::decision::{Decision, Disposition, Effect};
use crate::desk::extract::{Found, Numbers, Place};
use crate::desk::message::Address;
use crate::desk::parked::Cause;
use crate::desk::reply::{self, Done, Notice};
use crate::desk::storm::Recent;
use crate::desk::thread::CUSTOMER_TOKEN;
use crate::desk::ticket::NewTicket;
use crate::desk::ticket::{
    ALTERNATIVE, CLOSED_TICKET, ClockKind, Entry, EntryKind, KnownNumber, NumberKind, State, Step, Ticket,
};
use crate::desk::ticket_number::{self, TicketNumber};
use crate::desk::trust::{Change, Standing};

/// The most people in Cc who take part in a ticket from the beginning.
const MOST_COLLEAGUES: usize = 20;

/// Where a ticket that a mail opens comes from.
pub(super) struct Origin<'a> {
    /// The ticket that a stranger's mail names.
    pub(super) linked_to: Option<&'a Ticket>,
    /// The closed ticket that its own customer goes on with.
    pub(super) continues: Option<&'a Ticket>,
}

/// Opens a ticket: clocks, acknowledgement, and a notice to each engineer.
pub(super) fn open(case: &Case, from: &Address, origin: Origin, evidence: &str) -> Decision {
    let first = case.entry(EntryKind::Customer, &from.address, None);
    let mut progress = begin(case, from, origin, first, clock_start(case));
    let answer = finish(case, from, &mut progress);
    progress.effects.extend(case.remarks(progress.ticket.number));
    Decision { answer, ..case.decision(Disposition::Opened(progress.ticket.number), evidence, progress.effects) }
}

/// A ticket at its birth: who takes part, the first entry, the numbers, and the clocks, which start
/// then, and why then.
pub(super) fn begin<'a>(
    case: &Case<'a>,
    from: &Address,
    origin: Origin,
    first: Entry,
    (start, reason): (Timestamp, &'static str),
) -> Progress<'a> {
    let number = TicketNumber::new(case.site.calendar.year(case.now), case.facts.next_sequence);
    let message = &case.mail.message;
    let new = NewTicket {
        number,
        customer: from.clone(),
        subject: message.subject.clone(),
        language: case.reading.language,
        opened_at: case.now,
        linked_to: origin.linked_to.map(|ticket| ticket.number),
        continues: origin.continues.map(|ticket| ticket.number),
        earlier_tags: ticket_number::earlier_tags(&message.subject),
    };
    let mut progress = Progress::new(Ticket::born(&new), case.site, case.now);
    progress.ticket.on_file = case.facts.contracts.clone();
    progress.push(Effect::Open(new));
    progress.push(Effect::AddParticipant(number, from.address.clone()));
    for address in colleagues(case, from) {
        progress.ticket.participants.push(address.clone());
        progress.push(Effect::AddParticipant(number, address));
    }
    progress.entry(first);
    numbers_of(case).into_iter().for_each(|known| progress.add_number(known));
    if let Some(closed) = origin.continues {
        carry_over(&mut progress, closed);
    }
    if let Some(id) = &message.message_id {
        progress.push(Effect::Thread(number, id.clone()));
    }
    progress.start(ClockKind::Reaction, start, reason);
    progress.start(ClockKind::Acknowledge, start, reason);
    progress.admit();
    progress
}

/// The mails about a new ticket. Returns whether it is acknowledged, and by which rule.
pub(super) fn finish(case: &Case, from: &Address, progress: &mut Progress) -> (bool, String) {
    let answer = acknowledge(case, from, progress);
    wish(case, progress, from, vec![case.mail.raw.clone()]);
    notify(case, progress, true, case.standing(None));
    answer
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

/// The numbers of the closed ticket, as if its mails were quoted: they choose the clock, and the
/// customer is asked whether it is the same device.
fn carry_over(progress: &mut Progress, closed: &Ticket) {
    progress.ticket.on_file.extend(&closed.on_file);
    for known in &closed.numbers {
        let evidence = format!("quote: {} [{CLOSED_TICKET} {}]", known.value, closed.number);
        progress.add_number(KnownNumber { quoted: true, evidence, ..known.clone() });
    }
}

/// Adds a mail to its ticket and tells the engineers. A sender who does not take part, or whose own
/// domain denies the mail, is marked, and neither takes part from now on nor gets anything.
pub(super) fn follow_up(case: &Case, from: &Address, ticket: &Ticket, takes_part: bool, evidence: &str) -> Decision {
    let number = ticket.number;
    let denied = takes_part && !case.may(Some(ticket)).append;
    let takes_part = takes_part && !denied;
    let kind = if takes_part { EntryKind::Customer } else { EntryKind::Unconfirmed };
    let standing = case.standing(Some(ticket));
    let mut progress = Progress::new(ticket.clone(), case.site, case.now);
    progress.entry(case.entry(kind, &from.address, Some(ticket)));
    if let Some(id) = &case.mail.message.message_id {
        progress.push(Effect::Thread(number, id.clone()));
    }
    if takes_part {
        progress.ticket.on_file.extend(&case.facts.contracts);
        customer_writes(case, &mut progress);
        wish(case, &mut progress, from, handover::with_this_mail(case, ticket));
    }
    notify(case, &mut progress, takes_part, standing);
    let reason = match evidence {
        evidence if takes_part => evidence,
        _ if denied => "denied-by-the-senders-domain",
        CUSTOMER_TOKEN => "token-of-another-address",
        _ => "answers-a-known-mail-as-a-stranger",
    };
    case.decision(Disposition::Attached(number), reason, progress.effects)
}

/// What a further mail of the customer's does to the ticket: it ends a wait, takes up what was
/// resolved, starts the clock that it waits on, and may supply what was missing.
fn customer_writes(case: &Case, progress: &mut Progress) {
    let (start, reason) = clock_start(case);
    let resolved = progress.ticket.state == State::Resolved;
    let waited = progress.ticket.state == State::WaitingForCustomer;
    // A closed or merged ticket does not come here.
    let _ = progress.step(Step::CustomerWrites, start);
    let mut found = numbers_of(case);
    found.extend(asked::answered(case, &progress.ticket, &found));
    let not_meant = asked::not_meant(case, &progress.ticket);
    not_meant.iter().for_each(|known| progress.drop_number(known));
    let new = found.into_iter().filter(|known| !already_known(&progress.ticket, known));
    let new: Vec<KnownNumber> = new.collect();
    let supplied = !new.is_empty() || !not_meant.is_empty();
    new.into_iter().for_each(|known| progress.add_number(known));
    // A promise that is broken already watches over nothing.
    let watches = |progress: &Progress, kind| progress.ticket.running(kind).any(|clock| clock.due > progress.now);
    if resolved {
        progress.record(EntryKind::Order, "desk", "reopened: the customer answers".to_string());
        progress.start(ClockKind::Reaction, start, reason);
    } else if !watches(progress, ClockKind::Reaction) && progress.ticket.running(ClockKind::FollowUp).next().is_none() {
        progress.start(ClockKind::FollowUp, start, reason);
    }
    if waited {
        progress.record(EntryKind::Order, "desk", "the wait is over: the customer answers".to_string());
    }
    if supplied {
        progress.recompute("the customer has supplied a number");
    }
    progress.admit();
}

/// Forwards the ticket at once where the mail asks for it in words.
fn wish(case: &Case, progress: &mut Progress, from: &Address, originals: Vec<Vec<u8>>) {
    if let Some(rule) = &case.reading.escalation {
        handover::on_wish(progress, &from.address, rule, &case.mail.content_hash, &originals);
    }
}

/// Adds one more of many similar mails to the ticket into which they fold. The engineers are told
/// once, of the first.
pub(super) fn fold(case: &Case, from: &Address, into: &Recent) -> Decision {
    let number = into.ticket;
    let mut effects = vec![Effect::AddEntry(number, case.entry(EntryKind::Folded, &from.address, None))];
    effects.extend(case.mail.message.message_id.iter().map(|id| Effect::Thread(number, id.clone())));
    if !into.folded {
        let told = case
            .facts
            .ticket(number)
            .map_or_else(|| case.site.active_engineers().collect(), |ticket| watchers(ticket, case.site, case.now));
        let alarms = told.into_iter().map(|engineer| reply::storm(case.site, into, from, engineer, case.now));
        effects.extend(alarms.map(Effect::from));
        effects.push(case.park(Cause::Storm, "storm", Some(number)));
    }
    case.decision(Disposition::Attached(number), "storm", effects)
}

fn already_known(ticket: &Ticket, known: &KnownNumber) -> bool {
    let same = |old: &&KnownNumber| old.kind == known.kind && old.value == known.value;
    ticket.numbers.iter().find(same).is_some_and(|old| !old.quoted || known.quoted)
}

/// The numbers of a mail, as a ticket keeps them.
pub fn known_numbers(numbers: &Numbers) -> Vec<KnownNumber> {
    let of_kind =
        |kind: NumberKind, found: &[Found]| found.iter().map(|one| known_number(kind, one)).collect::<Vec<_>>();
    let Numbers { serials, contracts, nips, .. } = numbers;
    [(NumberKind::Serial, serials), (NumberKind::Contract, contracts), (NumberKind::Nip, nips)]
        .into_iter()
        .flat_map(|(kind, found)| of_kind(kind, found))
        .collect()
}

/// A number of a mail, as a ticket keeps it.
pub(super) fn known_number(kind: NumberKind, found: &Found) -> KnownNumber {
    KnownNumber {
        kind,
        value: found.value.clone(),
        written: found.written.clone(),
        evidence: format!(
            "{}: {}{} [{}]",
            found.place,
            found.evidence,
            if found.alternative { ALTERNATIVE } else { "" },
            found.rule
        ),
        quoted: found.place == Place::Quote,
        on_file: found.on_file,
    }
}

fn numbers_of(case: &Case) -> Vec<KnownNumber> {
    known_numbers(case.numbers())
}

pub(super) fn clock_start(case: &Case) -> (Timestamp, &'static str) {
    calendar::clock_start(case.mail.message.date, case.mail.internal_date, case.site.max_transit)
}

fn notify(case: &Case, progress: &mut Progress, takes_part: bool, standing: Option<Standing>) {
    for engineer in watchers(&progress.ticket, case.site, case.now) {
        let (ticket, standing) = (&progress.ticket, standing.as_ref());
        let handed_in = case.handed_in.as_ref();
        let notice =
            Notice { ticket, mail: case.mail, reading: case.reading, standing, takes_part, handed_in, engineer };
        progress.push(reply::notice(case.site, &notice, case.now));
    }
    if let Some(handed_in) = case.handed_in.as_ref().filter(|handed_in| !handed_in.orders.is_empty()) {
        let (orders, noted) = (handed_in.orders.to_vec(), !handed_in.remark.is_empty());
        let done = Done { orders, noted, ..Done::default() };
        let told = reply::done(case.site, &progress.ticket, &done, case.mail, handed_in.engineer, case.now);
        progress.push(told);
    }
}
