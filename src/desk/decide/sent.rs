//! The mail server has accepted a mail of ours: the promises that it keeps are kept.

use jiff::Timestamp;

use super::progress::Progress;
use super::{Case, handover};
use crate::desk::compose::SILENCE;
use crate::desk::decision::{Decision, Disposition, Effect};
use crate::desk::facts::SentMail;
use crate::desk::reply::Keeps;
use crate::desk::site::Site;
use crate::desk::thread::{self, Thread};
use crate::desk::ticket::{ClockKind, Ending, EntryKind, State, Ticket};

/// What follows from the acceptance of a mail. It answers what was there when it was written: a
/// clock set going later runs on.
pub fn accepted(sent: &SentMail, ticket: &Ticket, site: &Site, now: Timestamp) -> Vec<Effect> {
    let mut progress = Progress::new(ticket.clone(), site, now);
    match sent.keeps {
        None => {}
        Some(Keeps::Acknowledgement) => {
            let kept = |kind| kind == ClockKind::Acknowledge;
            progress.end_where(now, Ending::Satisfied, &sent.message_id, |clock| kept(clock.kind));
        }
        Some(Keeps::Contact) => contact(&mut progress, sent.written_at, now, &sent.message_id),
    }
    progress.effects
}

/// Our own mail came back to us. It proves that the server had taken it, where that was not known.
pub(super) fn came_back(case: &Case) -> Decision {
    let rule = &case.reading.verdict.rule;
    if is_of_another(case) {
        return case.parked("our-address-without-our-mark", None);
    }
    let Some(sent) = &case.facts.in_doubt else { return case.without_answer(Disposition::Noted, rule) };
    let mut effects = vec![Effect::Found(sent.message_id.clone())];
    let ticket = sent.ticket.and_then(|number| case.facts.ticket(number));
    effects.extend(ticket.into_iter().flat_map(|ticket| accepted(sent, ticket, case.site, case.now)));
    case.decision(Disposition::Noted, rule, effects)
}

/// Whether somebody else writes under our address: a form, a scanner, a colleague. Every mail of ours has our
/// signature in its Message-ID, and where a server has changed that, one of these marks still (each that is about no
/// ticket asks for silence): so what tells of this mail can never come back as another, and nothing goes round.
fn is_of_another(case: &Case) -> bool {
    let message = &case.mail.message;
    let signed = message.message_id.as_deref().is_some_and(|id| case.site.token_keys.is_ours(id));
    let marked = case.reading.verdict.own_robot.is_some() || message.header(SILENCE).is_some();
    let about_a_ticket = case.keys.token.is_some() || !case.keys.tags.is_empty();
    let answers = matches!(thread::thread(case.keys, case.facts), Thread::Answers { .. });
    !(signed || marked || about_a_ticket || answers)
}

/// A person has made contact at `at`, and `by` says how: what the customer waited for since before
/// `written_at` is answered, and the time to the end of the matter begins.
pub(super) fn contact(progress: &mut Progress, written_at: Timestamp, at: Timestamp, by: &str) {
    let unanswered = unanswered_after(progress, written_at, at);
    let reacts = progress.ticket.running(ClockKind::Reaction).any(|clock| clock.created_at <= written_at);
    let answered = |kind| matches!(kind, ClockKind::Reaction | ClockKind::FollowUp);
    progress.end_where(at, Ending::Satisfied, by, |clock| answered(clock.kind) && clock.created_at <= written_at);
    handover::answered_after_all(progress, at);
    let over = matches!(progress.ticket.state, State::Resolved | State::Closed | State::Merged);
    let begun = progress.ticket.running(ClockKind::Resolution).next().is_some();
    if reacts && !over && !begun {
        progress.start(ClockKind::Resolution, at, "a person's first contact");
    }
    let waited_for = |kind| progress.ticket.running(kind).next().is_some();
    if let Some(mail) = unanswered
        && !over
        && !waited_for(ClockKind::Reaction)
        && !waited_for(ClockKind::FollowUp)
    {
        progress.start(ClockKind::FollowUp, mail, "the customer wrote after what a person answered");
    }
}

/// When the customer wrote the first mail that a contact at `at`, written at `written_at`, does not answer:
/// a later one that had started no clock, since the first one's ran.
fn unanswered_after(progress: &Progress, written_at: Timestamp, at: Timestamp) -> Option<Timestamp> {
    let answered_until = written_at.min(at);
    let has_clock = |mail: Timestamp| progress.ticket.clocks.iter().any(|clock| clock.created_at == mail);
    let mails = progress.ticket.entries.iter().filter(|entry| entry.kind == EntryKind::Customer);
    mails.map(|entry| entry.at).filter(|mail| *mail > answered_until && !has_clock(*mail)).min()
}
