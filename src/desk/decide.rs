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
mod orders;
mod progress;
mod refusal;
mod request;
mod rung;
mod sent;
mod undelivered;
mod watchers;

use std::cell::OnceCell;

use jiff::Timestamp;

use super::budget::Sent;
use super::classify::Kind;
use super::contract::Excerpt;
use super::extract::{Numbers, OnFile};
use super::language::Language;
use super::message::{Address, Message};
use super::plan::{Concern, DeliveryTime};
use super::reading::Reading;
use super::reply::{self, Alert, HandedInBy, Keeps, Post, Purpose};
use super::site::{Engineer, Site};
use super::storm::{self, Another, Recent};
use super::thread::{self, Keys, Thread};
use super::ticket::{Clock, ClockKind, Entry, EntryKind, Fired, KnownNumber, NumberKind, State, Ticket, Wait};
use super::ticket_number::TicketNumber;
use super::token::Purpose as TokenPurpose;
use super::trust::{May, Rung, Sender, Standing, Verification};
use request::Origin;

pub use by_itself::by_itself;
pub use event::{Event, EventFacts, event, events};
pub use handover::Level;
pub use refusal::Refusal;
pub use request::known_numbers;
pub use rung::{Downtime, RungFacts, fire};
pub use sent::accepted;
pub use undelivered::given_up;
pub use watchers::{traits, watchers};

/// A mail as the intake hands it over.
#[derive(Clone, Debug)]
pub struct Mail {
    /// The mail, parsed.
    pub message: Message,
    /// Its bytes; the header section alone where the mail is too large.
    pub raw: Vec<u8>,
    /// Recognises the same mail seen again.
    pub content_hash: [u8; 32],
    /// When the server received it.
    pub internal_date: Timestamp,
    /// Where it lies, for people: mailbox and folder.
    pub place: String,
    /// Set where the mail is larger than the desk reads.
    pub too_large: Option<TooLarge>,
    /// What the program verified of its signatures, where the site wants that.
    pub verification: Option<Verification>,
}

/// A mail of which only the header is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TooLarge {
    /// Its size in bytes.
    pub size: u64,
    /// Its parts, as the server tells them.
    pub structure: String,
}

/// What the store knows about the [`Keys`] of a mail.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Set where this very mail was decided before, with the ticket it then went to.
    pub decided_before: Option<Option<TicketNumber>>,
    /// Message-IDs that lead to exactly one ticket. One that leads to several leads nowhere.
    pub threads: Vec<(String, TicketNumber)>,
    /// Every ticket that the keys lead to; in the place of one that was merged, the one it is part
    /// of.
    pub tickets: Vec<Ticket>,
    /// Numbers of merged tickets among the keys, and where they lead.
    pub merged: Vec<(TicketNumber, TicketNumber)>,
    /// The mails that belong to these tickets, oldest first, where the keys ask for them.
    pub originals: Vec<(TicketNumber, Vec<Vec<u8>>)>,
    /// The contracts on file that the mail's numbers or its sender may be about.
    pub contracts: Excerpt,
    /// The mail of ours that a delivery report is about.
    pub bounced: Option<SentMail>,
    /// The mail of ours that came back to us, where it was not known whether the server took it.
    pub in_doubt: Option<SentMail>,
    /// The automatic mails that the sender, its domain and all got lately.
    pub sent: Sent,
    /// The tickets that the sender opened or added to within the last hour, the newest first.
    pub recent: Vec<Recent>,
    /// The mail in which the sender's further requests gather.
    pub gathering: Option<Gathering>,
    /// What engineers have read in our mails about the ticket of the token that they or whoever
    /// handles escalations brought back, the newest first.
    pub shown: Vec<String>,
    /// The sequence number that the next new ticket of this year gets.
    pub next_sequence: u32,
}

impl Facts {
    /// The ticket that a Message-ID leads to.
    pub fn thread(&self, message_id: &str) -> Option<&Ticket> {
        let (_, number) = self.threads.iter().find(|(id, _)| id == message_id)?;
        self.ticket(*number)
    }

    /// Whether a contract on file names this sender.
    pub fn names(&self, sender: &str) -> bool {
        self.contracts.into_iter().any(|contract| contract.names_sender(sender))
    }

    /// The ticket with this number, or the one that it is part of.
    pub fn ticket(&self, number: TicketNumber) -> Option<&Ticket> {
        let into = self.merged.iter().find(|(merged, _)| *merged == number).map(|(_, into)| *into);
        let number = into.unwrap_or(number);
        self.tickets.iter().find(|ticket| ticket.number == number)
    }
}

/// A mail that waits to list all tickets of one sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gathering {
    /// What it was begun for: the same cause gives the same Message-ID.
    pub cause: [u8; 32],
    /// The tickets that it lists.
    pub tickets: Vec<TicketNumber>,
}

/// A mail that we wrote earlier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentMail {
    /// The ticket it is about.
    pub ticket: Option<TicketNumber>,
    /// What it was for.
    pub purpose: Purpose,
    /// To whom it went.
    pub recipient: String,
    /// Its Message-ID.
    pub message_id: String,
    /// When it was written.
    pub written_at: Timestamp,
    /// The promise that its arrival kept.
    pub keeps: Option<Keeps>,
}

/// What becomes of a mail: exactly one of these, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// It opened this ticket.
    Opened(TicketNumber),
    /// It was added to this ticket.
    Attached(TicketNumber),
    /// It is kept and nothing is done about it.
    Noted,
    /// It waits for a person.
    Parked,
    /// It was decided before, then about this ticket if any.
    Duplicate(Option<TicketNumber>),
}

impl Disposition {
    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Disposition::Opened(_) => "opened",
            Disposition::Attached(_) => "attached",
            Disposition::Noted => "noted",
            Disposition::Parked => "parked",
            Disposition::Duplicate(_) => "duplicate",
        }
    }

    /// The ticket that the mail went to.
    pub fn ticket(self) -> Option<TicketNumber> {
        match self {
            Disposition::Opened(number) | Disposition::Attached(number) => Some(number),
            Disposition::Duplicate(number) => number,
            Disposition::Noted | Disposition::Parked => None,
        }
    }
}

/// What is to be done, carried out in one transaction.
#[derive(Clone, Debug)]
pub struct Decision {
    /// What becomes of the mail.
    pub disposition: Disposition,
    /// The ids of the rules and evidence that led here, the last one decided.
    pub reason: String,
    /// Whether an automatic answer goes out, and by which rule.
    pub answer: (bool, String),
    /// Where the sender stands; `None` where the mail names none.
    pub sender: Option<Standing>,
    /// What is to be done, in order.
    pub effects: Vec<Effect>,
}

/// One thing to be done.
#[derive(Clone, Debug)]
pub enum Effect {
    /// A ticket comes into being, empty: entries, numbers and clocks follow.
    Open(NewTicket),
    /// An address takes part from now on.
    AddParticipant(TicketNumber, String),
    /// A number is known of the ticket.
    AddNumber(TicketNumber, KnownNumber),
    /// Something happened.
    AddEntry(TicketNumber, Entry),
    /// Answers to the mail with this Message-ID belong to the ticket.
    Thread(TicketNumber, String),
    /// A clock as it is from now on, its rungs with it: it starts, is worked out again, stands
    /// still, goes on or ends.
    SetClock(TicketNumber, Clock),
    /// The clocks that the mail with this Message-ID had satisfied run on.
    ResumeClocks(TicketNumber, String),
    /// A rung was done.
    FireRung(TicketNumber, ClockKind, u32, String, Fired),
    /// The ticket changes its state.
    SetState(TicketNumber, State),
    /// The ticket waits for the customer, or waits no more.
    SetWait(TicketNumber, Option<Wait>),
    /// The ticket closes by itself then, or does not.
    SetClosing(TicketNumber, Option<Timestamp>),
    /// Both numbers were there at this moment.
    Admit(TicketNumber, Timestamp),
    /// An engineer works on it, or nobody does.
    Assign(TicketNumber, Option<String>),
    /// The delivery time in place of the contract's.
    OrderDelivery(TicketNumber, Option<DeliveryTime>),
    /// In which language its customer is written to.
    SetLanguage(TicketNumber, Language),
    /// What the request is about.
    SetConcern(TicketNumber, Concern),
    /// A number is none of the ticket's any more.
    DropNumber(TicketNumber, NumberKind, String),
    /// The first ticket is part of the second from now on.
    MergeInto(TicketNumber, TicketNumber),
    /// The acknowledgement of this ticket takes the second way out, and at once.
    UseSecondRoute(TicketNumber),
    /// The alert command is run.
    Alert(Alert),
    /// A mail leaves.
    Send(Post),
    /// The mail of ours with this Message-ID has left: a copy of it was seen.
    Found(String),
    /// A mail that is still to leave is written anew, longer; where it is not there yet, it leaves
    /// at this moment.
    Gather(Post, [u8; 32], Timestamp),
    /// A mail could not be written: the operator must know why.
    Report(String),
}

/// A ticket at its birth.
#[derive(Clone, Debug)]
pub struct NewTicket {
    /// Its number.
    pub number: TicketNumber,
    /// The sender of its first mail.
    pub customer: Address,
    /// The subject of its first mail.
    pub subject: String,
    /// The language in which the customer is written to.
    pub language: Language,
    /// When.
    pub opened_at: Timestamp,
    /// The ticket that a stranger's tag named.
    pub linked_to: Option<TicketNumber>,
    /// Tags of an earlier desk in the subject.
    pub earlier_tags: Vec<String>,
    /// The closed ticket that it goes on with.
    pub continues: Option<TicketNumber>,
}

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
    let sender = Sender::of(&mail.message, mail.verification.as_ref(), site);
    let case = Case { mail, reading, keys, facts, site, sender, handed_in: None, numbers: OnceCell::new(), now };
    let decision = case.decide();
    let ticket = decision.disposition.ticket().and_then(|number| facts.ticket(number));
    Decision { sender: case.standing(ticket), ..decision }
}

impl Case<'_> {
    fn decide(&self) -> Decision {
        let verdict = &self.reading.verdict;
        if let Some(ticket) = self.facts.decided_before {
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
            Kind::Bulk if !self.facts.names(&from.address) => self.without_answer(Disposition::Noted, &verdict.rule),
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
        self.decision(Disposition::Parked, reason, alerts.map(Effect::from).collect())
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
