//! Two tickets become one.

use super::progress::Progress;
use super::refusal::Refusal;
use crate::desk::contract::Contract;
use crate::desk::decision::Effect;
use crate::desk::ticket::{ClockKind, Ending, EntryKind, State, Step, Ticket};
use crate::desk::ticket_number::TicketNumber;

/// The ticket becomes part of another. What its customer was promised and has not got yet is
/// promised there, from the same start.
pub(super) fn merge(
    progress: &mut Progress,
    into: TicketNumber,
    other: Option<&Ticket>,
    actor: &str,
) -> Result<String, Refusal> {
    let number = progress.ticket.number;
    if into == number {
        return Err(Refusal::IntoItself);
    }
    let takes_in = |other: &&Ticket| other.number == into && !matches!(other.state, State::Closed | State::Merged);
    let other = other.filter(takes_in).ok_or(Refusal::NoSuchTicket(into))?;
    if !are_of_one_customer(&progress.ticket, other) {
        return Err(Refusal::OfAnotherCustomer(into));
    }
    progress.step(Step::Merge, progress.now)?;
    let moves = |kind: ClockKind| matches!(kind, ClockKind::Reaction | ClockKind::FollowUp);
    let open = progress.ticket.clocks.iter().filter(|clock| clock.runs() && moves(clock.kind)).cloned();
    let open: Vec<_> = open.collect();
    progress.end_where(progress.now, Ending::Withdrawn, &format!("merged into {into} by {actor}"), |_| true);
    progress.push(Effect::MergeInto(number, into));
    let mut there = Progress::new(other.clone(), progress.site, progress.now);
    for address in &progress.ticket.participants {
        there.push(Effect::AddParticipant(into, address.clone()));
    }
    for known in &progress.ticket.numbers {
        there.add_number(known.clone());
    }
    there.take_in(open, &format!("moved from {number}"));
    there.record(EntryKind::Order, actor, format!("merge: {number} is part of this ticket from now on"));
    progress.effects.extend(there.effects);
    Ok(format!("merge into {into}"))
}

/// Whether those who take part in one ticket may read the other: somebody takes part in both, or one contract names
/// both customers.
fn are_of_one_customer(ticket: &Ticket, other: &Ticket) -> bool {
    let names_both = |contract: &Contract| {
        contract.names_sender(&ticket.customer.address) && contract.names_sender(&other.customer.address)
    };
    ticket.participants.iter().any(|address| other.takes_part(address))
        || ticket.on_file.into_iter().chain(&other.on_file).any(names_both)
}
