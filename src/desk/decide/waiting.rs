//! A mail that waits for a person: with which clock, what happens while nobody looks, and what becomes
//! of it when somebody says that it is a request.

use jiff::Timestamp;

use super::Case;
use super::progress::Progress;
use super::request::{self, Origin};
use crate::desk::calendar;
use crate::desk::decision::{Decision, Disposition, Effect};
use crate::desk::escalation::Audience;
use crate::desk::facts::Facts;
use crate::desk::language::Language;
use crate::desk::mail::Mail;
use crate::desk::message::Address;
use crate::desk::parked::{Cause, JUNK_FOLDER, Parked, Waiting, Watch};
use crate::desk::reading::Reading;
use crate::desk::reply;
use crate::desk::site::Site;
use crate::desk::thread::{self, Keys, Thread};
use crate::desk::ticket::{ClockKind, NewTicket, State, Ticket};
use crate::desk::ticket_number::TicketNumber;

/// What is to be remembered of a mail that waits.
pub fn parked(
    mail: &Mail,
    cause: Cause,
    reason: &str,
    about: Option<TicketNumber>,
    site: &Site,
    now: Timestamp,
) -> Parked {
    let message = &mail.message;
    let (sent, why) = calendar::clock_start(message.date, mail.internal_date, site.max_transit);
    Parked {
        cause,
        reason: reason.to_string(),
        sender: message.from.as_ref().map(|from| from.address.clone()).unwrap_or_default(),
        subject: message.subject.clone(),
        place: mail.place.clone(),
        received: mail.internal_date,
        sent,
        about,
        watch: cause.has_clock(about.is_some()).then(|| watch(sent, why, site, now)).flatten(),
    }
}

/// The reaction clock of a request of which nothing is known, and the rungs that tell of it.
fn watch(start: Timestamp, why: &str, site: &Site, now: Timestamp) -> Option<Watch> {
    let nobody = NewTicket {
        number: TicketNumber::new(site.calendar.year(now), 0),
        customer: Address::default(),
        subject: String::new(),
        language: Language::Polish,
        opened_at: now,
        linked_to: None,
        continues: None,
        earlier_tags: Vec::new(),
    };
    let mut progress = Progress::new(Ticket::born(&nobody), site, now);
    progress.start(ClockKind::Reaction, start, why);
    let clock = progress.ticket.running(ClockKind::Reaction).next()?;
    let first = |audiences: &[Audience]| {
        let tells =
            |id: &str| site.ladder.step(id).is_some_and(|step| audiences.iter().any(|one| step.tell.contains(one)));
        clock.rungs.iter().find(|rung| tells(&rung.id)).map(|rung| rung.at)
    };
    Some(Watch {
        due: clock.due,
        remind_at: first(&[Audience::Engineers, Audience::Assignee]),
        escalate_at: first(&[Audience::Escalation]),
    })
}

/// Reminds the engineers of a mail that nobody has looked at, or tells escalation.
pub fn overdue(waiting: &Waiting, to_escalation: bool, site: &Site, now: Timestamp) -> Vec<Effect> {
    let escalation = Address { name: String::new(), address: site.identity.escalation_address.clone() };
    let told: Vec<Address> = match to_escalation {
        true => vec![escalation],
        false => site.active_engineers().map(|engineer| engineer.mailbox()).collect(),
    };
    told.iter().map(|to| Effect::from(reply::parked_overdue(site, waiting, to_escalation, to, now))).collect()
}

/// Tells every engineer which mails wait.
pub fn digest(waiting: &[Waiting], older: usize, site: &Site, now: Timestamp) -> Vec<Effect> {
    let told = site.active_engineers();
    told.map(|engineer| Effect::from(reply::digest(site, waiting, older, engineer, now))).collect()
}

/// What becomes of a mail that a person calls a request: it goes to its ticket or opens one, whose clock
/// counts from when it was sent.
pub fn release(mail: &Mail, reading: &Reading, keys: &Keys, facts: &Facts, site: &Site, now: Timestamp) -> Decision {
    let case = Case::new(mail, reading, keys, facts, site, now);
    let nobody = Address::default();
    let from = mail.message.from.as_ref().unwrap_or(&nobody);
    let decision = match thread::thread(keys, facts) {
        Thread::Answers { ticket, takes_part: true, evidence } if ticket.state != State::Closed => {
            request::follow_up(&case, from, ticket, true, evidence)
        }
        Thread::Answers { ticket, .. } => {
            request::open(&case, from, Origin { linked_to: Some(ticket), continues: None }, "released")
        }
        Thread::Opens { linked_to, .. } => {
            request::open(&case, from, Origin { linked_to, continues: None }, "released")
        }
    };
    Decision { sender: case.standing(None), ..decision }
}

impl Case<'_> {
    /// The mail waits, for this reason.
    pub(super) fn park(&self, cause: Cause, reason: &str, about: Option<TicketNumber>) -> Effect {
        Effect::Park(parked(self.mail, cause, reason, about, self.site, self.now))
    }

    /// A robot's mail is kept, and told in the digest.
    pub(super) fn noted(&self, reason: &str) -> Decision {
        self.decision(Disposition::Noted, reason, vec![self.park(Cause::Bulk, reason, None)])
    }

    /// The rule by which the mail is spam. Whom a contract names, and who takes part in a ticket, never
    /// sends any, unless that address's own domain denies the mail.
    pub(super) fn spam(&self, from: &Address) -> Option<&'static str> {
        let known = || {
            let ticket = match thread::thread(self.keys, self.facts) {
                Thread::Answers { ticket, takes_part: true, .. } => Some(ticket),
                _ => None,
            };
            (ticket.is_some() || self.facts.names(&from.address)) && self.may(ticket).append
        };
        self.taken_for_spam().filter(|_| !known())
    }

    /// The rule by which the site's filter, or the mail server, takes the mail for spam, whoever sends it.
    pub(super) fn taken_for_spam(&self) -> Option<&'static str> {
        // Whoever moves a mail out of the junk folder has looked at it.
        let header = self.site.spam.as_ref().filter(|spam| !self.is_out_of_junk() && spam.matches(&self.mail.message));
        if self.mail.junk { Some(JUNK_FOLDER) } else { header.map(|_| "spam-header") }
    }

    /// Spam waits without a word to anybody: escalation is no spam bin.
    pub(super) fn parked_as_spam(&self, rule: &str) -> Decision {
        self.decision(Disposition::Parked, rule, vec![self.park(Cause::Spam, rule, None)])
    }

    /// What the operators are to know of a mail that is a ticket all the same.
    pub(super) fn remarks(&self, number: TicketNumber) -> Vec<Effect> {
        let unread = self.mail.message.unread().next().is_some();
        let over = (self.mail.too_large.is_some() || unread)
            .then(|| self.park(Cause::OverLimit, if unread { "over-a-limit" } else { "too-large" }, Some(number)));
        over.into_iter().collect()
    }
}
