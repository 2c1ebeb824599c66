//! The whole way of a mail through the desk: [`decide`] takes what is known and returns what is
//! to be done, with its reasons. Also what is to be done when a rung of a clock's ladder is due
//! ([`fire`]), when a mail of ours was accepted ([`accepted`]) or did not arrive ([`given_up`]), when
//! a person says that something has happened ([`event`](event())), and when a ticket's own time has
//! come ([`by_itself`]).

mod acknowledge;
mod asked;
mod by_itself;
mod direct;
mod engineer;
mod event;
mod handed_in;
mod handover;
mod merge;
mod orders;
mod progress;
mod refusal;
mod request;
mod rung;
mod sent;
mod undelivered;
mod waiting;
mod watchers;

use std::cell::OnceCell;

use jiff::Timestamp;

use super::classify::Kind;
use super::decision::{Decision, Disposition, Effect};
use super::engineer::Engineer;
use super::extract::{Numbers, OnFile};
use super::facts::Facts;
use super::mail::Mail;
use super::message::Address;
use super::parked::Cause;
use super::reading::Reading;
use super::reply::{self, HandedInBy, Purpose};
use super::site::Site;
use super::storm::{self, Another, Recent};
use super::thread::{self, Keys, Thread};
use super::ticket::{Entry, EntryKind, State, Ticket};
use super::ticket_number::TicketNumber;
use super::token::Purpose as TokenPurpose;
use super::trust::{May, Rung, Sender, Standing};
use request::Origin;

pub use by_itself::{by_itself, erased};
pub use event::{Event, EventFacts, event, events};
pub use refusal::Refusal;
pub use request::known_numbers;
pub use rung::{Downtime, RungFacts, fire};
pub use sent::accepted;
pub use undelivered::given_up;
pub use waiting::{digest, overdue, parked, release};
pub use watchers::{traits, watchers};

/// Everything at hand while one mail is decided.
struct Case<'a> {
    mail: &'a Mail,
    reading: &'a Reading,
    keys: &'a Keys,
    facts: &'a Facts,
    site: &'a Site,
    /// Who wrote the mail, and what is proven of that.
    sender: Option<Sender>,
    /// Who hands it in, where its sender did not send it.
    handed_in: Option<HandedInBy<'a>>,
    /// Its numbers, once somebody has asked for them.
    numbers: OnceCell<Numbers>,
    now: Timestamp,
}

/// Decides what becomes of a mail.
pub fn decide(mail: &Mail, reading: &Reading, keys: &Keys, facts: &Facts, site: &Site, now: Timestamp) -> Decision {
    let named = mail.message.from.as_ref().is_some_and(|from| facts.names(&from.address));
    let turned = (named && reading.verdict.through_list).then(|| reading.clone().of_named_sender());
    let reading = turned.as_ref().unwrap_or(reading);
    let case = Case::new(mail, reading, keys, facts, site, now);
    let mut decision = case.decide();
    decision.effects.extend(answered(&decision.effects));
    if case.is_out_of_junk() {
        decision.effects.push(Effect::SettleJunk(decision.disposition.ticket()));
    }
    let ticket = decision.disposition.ticket().and_then(|number| facts.ticket(number));
    Decision { sender: case.standing(ticket), ..decision }
}

/// What was held of an engineer's answers on a ticket is settled once one has left.
fn answered(effects: &[Effect]) -> Vec<Effect> {
    let relayed = |effect: &Effect| match effect {
        Effect::Send(post) if post.purpose == Purpose::Relay => post.ticket.map(Effect::SettleHeld),
        _ => None,
    };
    effects.iter().find_map(relayed).into_iter().collect()
}

impl<'a> Case<'a> {
    fn new(
        mail: &'a Mail,
        reading: &'a Reading,
        keys: &'a Keys,
        facts: &'a Facts,
        site: &'a Site,
        now: Timestamp,
    ) -> Case<'a> {
        let sender = Sender::of(&mail.message, mail.verification.as_ref(), site);
        Case { mail, reading, keys, facts, site, sender, handed_in: None, numbers: OnceCell::new(), now }
    }
}

impl Case<'_> {
    fn decide(&self) -> Decision {
        let verdict = &self.reading.verdict;
        if let Some(ticket) = self.facts.decided_before.filter(|_| !self.is_out_of_junk()) {
            return self.without_answer(Disposition::Duplicate(ticket), "known-content");
        }
        let Some(from) = &self.mail.message.from else {
            return self.parked("no-sender", None);
        };
        if let Some((level, number)) = handover::answered(self) {
            // A robot takes no ticket over.
            let robot = match verdict.kind {
                Kind::Request => None,
                Kind::Own => verdict.own_robot.as_ref(),
                Kind::AutoReply | Kind::Bulk | Kind::Bounce => Some(&verdict.rule),
            };
            return match robot {
                None => handover::answer(self, from, level, number),
                Some(rule) => self.robot_at(number, from, rule),
            };
        }
        match verdict.kind {
            Kind::Own => sent::came_back(self),
            Kind::Bounce => undelivered::bounced(self),
            // An engineer's absence note is a robot's mail, not a forgery.
            Kind::AutoReply => self.auto_reply(from),
            _ if engineer::claims_to_be(self, from) => engineer::answer(self, from),
            Kind::Bulk if !self.facts.names(&from.address) => self.noted(&verdict.rule),
            Kind::Request if self.spam(from).is_some() => self.parked_as_spam(self.spam(from).unwrap_or_default()),
            Kind::Bulk | Kind::Request => match thread::thread(self.keys, self.facts) {
                Thread::Answers { ticket, takes_part, .. } if ticket.state == State::Closed => {
                    let origin = match takes_part {
                        true => Origin { linked_to: None, continues: Some(ticket) },
                        false => Origin { linked_to: Some(ticket), continues: None },
                    };
                    request::open(self, from, origin, "answers-a-closed-ticket")
                }
                Thread::Answers { ticket, takes_part, evidence } => {
                    request::follow_up(self, from, ticket, takes_part, evidence)
                }
                Thread::Opens { linked_to, evidence } => match self.storm(from) {
                    Some(into) => request::fold(self, from, into),
                    None => request::open(self, from, Origin { linked_to, continues: None }, evidence),
                },
            },
        }
    }

    /// Whether a person has moved the mail out of the junk folder, where it waited.
    fn is_out_of_junk(&self) -> bool {
        self.facts.waits_as_junk && !self.mail.junk
    }

    /// The mail's numbers, with all contracts at hand that it may be about.
    fn numbers(&self) -> &Numbers {
        let read = || self.reading.numbers(&OnFile::from(&self.facts.contracts), self.site);
        self.numbers.get_or_init(read)
    }

    /// The ticket into which the mail folds, where it is one of many similar ones.
    fn storm(&self, from: &Address) -> Option<&Recent> {
        let limit = usize::try_from(self.site.budget.storm).unwrap_or(usize::MAX);
        if self.facts.recent.is_empty() {
            return None;
        }
        let numbers = self.numbers();
        let found = numbers.serials.iter().chain(&numbers.contracts);
        let numbers: Vec<&str> = found.map(|found| found.value.as_str()).collect();
        let another = Another {
            subject: &self.mail.message.subject,
            text: &self.reading.now(),
            named: self.facts.names(&from.address),
            numbers: &numbers,
        };
        storm::folds_into(&self.facts.recent, &another, limit)
    }

    /// Where the sender stands with regard to this ticket.
    fn standing(&self, ticket: Option<&Ticket>) -> Option<Standing> {
        let sender = self.sender.as_ref()?;
        let tokens = &self.site.token_keys;
        let token = self.keys.token.as_ref().and_then(|token| token.as_ref().ok());
        let token = token.filter(|token| token.purpose == TokenPurpose::Customer);
        let confirmed = token.is_some_and(|token| tokens.is_for(token, &sender.address.address));
        Some(sender.standing(self.facts, ticket, confirmed, self.site))
    }

    /// What the sender may do to this ticket.
    fn may(&self, ticket: Option<&Ticket>) -> May {
        self.standing(ticket).map_or(Rung::Unknown, |standing| standing.rung).may()
    }

    fn decision(&self, disposition: Disposition, reason: &str, effects: Vec<Effect>) -> Decision {
        Decision { disposition, reason: reason.to_string(), answer: (false, reason.to_string()), sender: None, effects }
    }

    fn without_answer(&self, disposition: Disposition, reason: &str) -> Decision {
        self.decision(disposition, reason, Vec::new())
    }

    /// The mail waits for a person, and the engineers (or the one named) are told.
    fn parked(&self, reason: &str, tell: Option<&Engineer>) -> Decision {
        self.parked_for(reason, None, tell)
    }

    /// The same, with what was found in the mail.
    fn parked_for(&self, reason: &str, found: Option<&str>, tell: Option<&Engineer>) -> Decision {
        // A flood of forgeries is no reason to bury the engineers; what is held stays held.
        let told: Vec<_> = if !self.site.budget.allows_alert(&self.facts.sent) {
            Vec::new()
        } else {
            self.site.active_engineers().filter(|one| tell.is_none_or(|only| only.id == one.id)).collect()
        };
        let alerts =
            told.into_iter().map(|engineer| reply::parked(self.site, self.mail, reason, found, engineer, self.now));
        let token = self.keys.token.as_ref().and_then(|token| token.as_ref().ok());
        let about = token.and_then(|token| self.facts.ticket(token.ticket.parse().ok()?)).map(|ticket| ticket.number);
        let mut effects: Vec<Effect> = alerts.map(Effect::from).collect();
        effects.push(self.park(Cause::of(reason), reason, about));
        self.decision(Disposition::Parked, reason, effects)
    }

    /// A robot's answer becomes an entry on the ticket that it answers: it stops no clock.
    fn auto_reply(&self, from: &Address) -> Decision {
        if let Some(engineer) = self.site.engineer_by_address(&from.address).filter(|engineer| engineer.active) {
            return engineer::absent(self, from, engineer);
        }
        let rule = &self.reading.verdict.rule;
        let Thread::Answers { ticket, .. } = thread::thread(self.keys, self.facts) else {
            return self.without_answer(Disposition::Noted, rule);
        };
        let entry = self.entry(EntryKind::AutoReply, &from.address, Some(ticket));
        let effects = vec![Effect::AddEntry(ticket.number, entry)];
        self.decision(Disposition::Attached(ticket.number), rule, effects)
    }

    /// A robot's mail at the reply address of a hand-over becomes an entry: it takes nothing over.
    fn robot_at(&self, number: TicketNumber, from: &Address, rule: &str) -> Decision {
        let Some(ticket) = self.facts.ticket(number) else { return self.without_answer(Disposition::Noted, rule) };
        let entry = self.entry(EntryKind::AutoReply, &from.address, Some(ticket));
        self.decision(Disposition::Attached(ticket.number), rule, vec![Effect::AddEntry(ticket.number, entry)])
    }

    /// The mails of a ticket as they came, the oldest first, where they were asked for.
    fn originals_of(&self, number: TicketNumber) -> Vec<Vec<u8>> {
        let of_ticket = self.facts.originals.iter().filter(|(of, _)| *of == number);
        of_ticket.flat_map(|(_, originals)| originals.iter().cloned()).collect()
    }

    fn entry(&self, kind: EntryKind, author: &str, ticket: Option<&Ticket>) -> Entry {
        Entry {
            kind,
            author: author.to_string(),
            message_id: self.mail.message.message_id.clone(),
            text: self.reading.now(),
            sender: self.standing(ticket).map(|standing| standing.to_string()),
            at: self.now,
        }
    }
}
