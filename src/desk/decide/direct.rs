//! An engineer who answers a customer directly, with the desk in copy: the answer is recorded, and not
//! sent a second time.

use super::engineer::vouched;
use super::progress::Progress;
use super::watchers::watchers;
use super::{Case, orders, sent};
use crate::desk::answer::{Answer, Ground};
use crate::desk::calendar;
use crate::desk::decision::{Decision, Disposition, Effect};
use crate::desk::message::Address;
use crate::desk::reply;
use crate::desk::ticket::{Entry, EntryKind, Step, Ticket};
use crate::desk::token::{Purpose, Token};

/// Records the answer; `None` where the mail is none.
pub(super) fn answer(case: &Case, from: &Address) -> Option<Decision> {
    let ticket = ticket(case)?;
    let engineer = match vouched(case, from) {
        Ok(engineer) => engineer,
        Err(held) => return Some(case.parked(held.reason, held.tell)),
    };
    let mut progress = Progress::new(ticket.clone(), case.site, case.now);
    if progress.step(Step::Contact, case.now).is_err() {
        return Some(case.parked("ticket-takes-no-answer", Some(engineer)));
    }
    let (site, number) = (case.site, ticket.number);
    let seed = reply::picture_seed(site, case.mail);
    let ground = Ground::of(ticket, &case.facts.shown, site);
    let answer = Answer::of(&case.mail.message, &ground, &seed, &site.rules, site.calendar.civil(case.now));
    let entry = case.entry(EntryKind::Answered, &engineer.id, Some(ticket));
    progress.entry(Entry { text: answer.text.clone(), ..entry });
    let id = case.mail.message.message_id.clone();
    id.into_iter().for_each(|id| progress.push(Effect::Thread(number, id)));
    let (sent_at, _) = calendar::clock_start(case.mail.message.date, case.mail.internal_date, site.max_transit);
    sent::contact(&mut progress, case.now, sent_at, &engineer.id);
    if ticket.assignee.is_none() {
        progress.assign(Some(&engineer.id));
    }
    for other in watchers(&progress.ticket, site, case.now).into_iter().filter(|other| other.id != engineer.id) {
        let copy = reply::copy(site, &progress.ticket, engineer, &answer, false, case.mail, other, case.now);
        progress.push(copy);
    }
    if !answer.orders.is_empty() {
        let faults = answer.orders.iter().map(|line| orders::fault(line, "without-reply-address", Vec::new()));
        let faults: Vec<_> = faults.collect();
        progress.push(reply::not_done(site, Some(&progress.ticket), &faults, case.mail, engineer, case.now));
    }
    Some(case.decision(Disposition::Attached(number), "engineer-answers-directly", progress.effects))
}

/// The ticket that the mail answers, where it went to somebody who takes part in it and brought no
/// engineer's token.
fn ticket<'a>(case: &Case<'a>) -> Option<&'a Ticket> {
    let (keys, facts) = (case.keys, case.facts);
    if !matches!(keys.token, None | Some(Ok(Token { purpose: Purpose::Customer, .. }))) {
        return None;
    }
    let message = &case.mail.message;
    let addressed = |ticket: &&Ticket| message.to.iter().chain(&message.cc).any(|to| ticket.takes_part(&to.address));
    let answered = keys.message_ids.iter().filter_map(|id| facts.thread(id));
    let by_token = keys.ticket_of_token(Purpose::Customer, facts);
    let tagged = keys.tags.iter().filter_map(|number| facts.ticket(*number));
    answered.chain(by_token).chain(tagged).find(addressed)
}
