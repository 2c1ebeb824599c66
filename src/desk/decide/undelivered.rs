//! A mail of ours did not arrive: the promise it kept is open again, and the engineers are told, with the
//! other ways to the customer.

use jiff::{SignedDuration, Timestamp};

use super::Case;
use super::watchers::watchers;
use crate::desk::bounce::Outcome;
use crate::desk::contacts::Contacts;
use crate::desk::decision::{Decision, Disposition, Effect};
use crate::desk::engineer::Engineer;
use crate::desk::facts::SentMail;
use crate::desk::reply::{self, Purpose, Undelivered};
use crate::desk::site::Site;
use crate::desk::ticket::{Ending, Entry, EntryKind, Ticket};

/// How long after a mail was written a report about it is believed. A host tries for four to five days
/// (RFC 5321 section 4.5.4.1), our own outbox before it for as long; whatever reports later has read the
/// Message-ID in a mail that arrived.
const BELIEVED_FOR: SignedDuration = SignedDuration::from_hours(10 * 24);

/// A delivery report. It is believed only where it names a Message-ID that we drew for just that
/// recipient, and soon after it was written: later, the recipient's mailbox may have new readers (reports are
/// not authenticated).
pub(super) fn bounced(case: &Case) -> Decision {
    let report = case.reading.bounce.clone().unwrap_or_default();
    let Some(sent) = &case.facts.bounced else {
        return case.without_answer(Disposition::Noted, "report-about-no-mail-of-ours");
    };
    if report.recipient.as_deref().is_some_and(|recipient| !recipient.eq_ignore_ascii_case(&sent.recipient)) {
        return case.without_answer(Disposition::Noted, "report-about-another-recipient");
    }
    let Some(ticket) = sent.ticket.and_then(|number| case.facts.ticket(number)) else {
        return case.without_answer(Disposition::Noted, "report-about-no-ticket");
    };
    let outcome = report.outcome();
    let nature = match outcome {
        Outcome::Arrived | Outcome::Waiting => None,
        Outcome::LostForNow => Some("(may pass)".to_string()),
        Outcome::LostForGood => Some("(for good)".to_string()),
    };
    let lost_it = nature.is_some();
    let words = [report.action, report.status, nature, report.diagnostic];
    let words = words.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let late = case.mail.internal_date.duration_since(sent.written_at) > BELIEVED_FOR;
    // Only "failed" is final (RFC 3464 section 2.3.3). What tells of a lost alert must not be lost in turn, or
    // two dead mailboxes would keep the desk writing for ever.
    let only_noted = match sent.purpose {
        _ if !lost_it => Some("report-not-final"),
        _ if late => Some("report-too-late"),
        Purpose::Alert => Some("report-about-an-alert"),
        _ => None,
    };
    if let Some(reason) = only_noted {
        let entry = Entry { text: words, ..case.entry(EntryKind::Undelivered, "desk", Some(ticket)) };
        let effects = vec![Effect::AddEntry(ticket.number, entry)];
        return case.decision(Disposition::Attached(ticket.number), reason, effects);
    }
    let originals = case.originals_of(ticket.number);
    let effects = given_up(sent, ticket, &originals, &words, &case.mail.content_hash, case.site, case.now);
    case.decision(Disposition::Attached(ticket.number), "mail-of-ours-came-back", effects)
}

/// What is to be done when a mail of ours is lost: the SMTP server refused it for good, or a report says so.
/// `originals` are the mails of the ticket, and `cause` identifies the event, so that the alerts are the same
/// mails when it is decided again.
pub fn given_up(
    sent: &SentMail,
    ticket: &Ticket,
    originals: &[Vec<u8>],
    reason: &str,
    cause: &[u8],
    site: &Site,
    now: Timestamp,
) -> Vec<Effect> {
    let number = ticket.number;
    let text = format!("{}: {reason}", sent.purpose);
    let entry = Entry {
        kind: EntryKind::Undelivered,
        author: "desk".to_string(),
        message_id: None,
        text,
        sender: None,
        at: now,
    };
    let mut effects = vec![Effect::AddEntry(number, entry)];
    effects.extend(sent.keeps.map(|_| Effect::ResumeClocks(number, sent.message_id.clone())));
    // An engineer whose own mailbox refuses mail cannot be told there; the others can.
    let reachable = |engineer: &&Engineer| !engineer.address.eq_ignore_ascii_case(&sent.recipient);
    let group: Vec<&Engineer> = watchers(ticket, site, now).into_iter().filter(reachable).collect();
    let told = if group.is_empty() { site.active_engineers().filter(reachable).collect() } else { group };
    let ticket = &resumed(ticket, &sent.message_id);
    let contacts = Contacts::of(ticket, originals, &sent.recipient, site);
    let contacts = Some(&contacts).filter(|_| !sent.purpose.is_internal());
    let lost = Undelivered { ticket, sent, reason, contacts, cause };
    effects.extend(told.into_iter().map(|engineer| Effect::from(reply::undelivered(site, &lost, engineer, now))));
    effects
}

/// The ticket once the clocks run on that this mail had satisfied.
fn resumed(ticket: &Ticket, message_id: &str) -> Ticket {
    let mut ticket = ticket.clone();
    for clock in &mut ticket.clocks {
        clock.ended = clock.ended.take().filter(|ended| ended.how != Ending::Satisfied || ended.by != message_id);
    }
    ticket
}
