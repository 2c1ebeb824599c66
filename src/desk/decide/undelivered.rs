//! A mail of ours did not arrive: the promise it kept is open again, and the engineers are told.

use jiff::Timestamp;

use super::Case;
use super::watchers::watchers;
use crate::desk::bounce::Outcome;
use crate::desk::decision::{Decision, Disposition, Effect};
use crate::desk::engineer::Engineer;
use crate::desk::facts::SentMail;
use crate::desk::reply;
use crate::desk::site::Site;
use crate::desk::ticket::{Entry, EntryKind, Ticket};

/// A delivery report. It is believed only where it names a Message-ID that we drew for just that
/// recipient: nobody else knows it (see `peers` of RFC 3464: reports are not authenticated).
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
    // Only "failed" is final (RFC 3464 section 2.3.3).
    if !lost_it {
        let entry = Entry { text: words, ..case.entry(EntryKind::Undelivered, "desk", Some(ticket)) };
        let effects = vec![Effect::AddEntry(ticket.number, entry)];
        return case.decision(Disposition::Attached(ticket.number), "report-not-final", effects);
    }
    let effects = lost(sent, ticket, &words, &case.mail.content_hash, case.site, case.now);
    case.decision(Disposition::Attached(ticket.number), "mail-of-ours-came-back", effects)
}

/// What is to be done when the SMTP server refused a mail of ours for good. `cause` identifies the
/// event, so that the alerts are the same mails when it is decided again.
pub fn given_up(
    sent: &SentMail,
    ticket: &Ticket,
    reason: &str,
    cause: &[u8],
    site: &Site,
    now: Timestamp,
) -> Vec<Effect> {
    lost(sent, ticket, reason, cause, site, now)
}

fn lost(sent: &SentMail, ticket: &Ticket, reason: &str, cause: &[u8], site: &Site, now: Timestamp) -> Vec<Effect> {
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
    let alerts = told.into_iter().map(|engineer| reply::undelivered(site, ticket, sent, reason, cause, engineer, now));
    effects.extend(alerts.map(Effect::from));
    effects
}
