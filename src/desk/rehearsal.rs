//! The desk plays through what it may have to write, on requests and clocks of its own making, so that
//! a template that cannot be filled is found when the rules are checked and not when a promise runs out.

use jiff::{SignedDuration, Timestamp};

use super::answer::{Answer, Ground};
use super::contacts::Contacts;
use super::decide::{RungFacts, decide, fire};
use super::decision::Effect;
use super::escalation::Level;
use super::escalation::{Audience, LadderStep};
use super::facts::{Facts, SentMail};
use super::language::Language;
use super::mail::Mail;
use super::message::{Address, Message};
use super::plan::{Basis, Promise};
use super::reading::Reading;
use super::reply::{self, Done, Fault, Keeps, Occasion, Purpose, Relay, RungDue, Undelivered, escalation};
use super::site::Site;
use super::thread;
use super::ticket::NewTicket;
use super::ticket::{Clock, ClockKind, Entry, EntryKind, Rung, Ticket};
use super::ticket_number::TicketNumber;

/// Requests with and without numbers, in both languages, and a mail that has to be parked.
const MAILS: [&str; 4] = [
    "From: Jan <jan@proba.example>\r\nSubject: Awaria\r\nMessage-ID: <1@proba.example>\r\n\r\n\
     Dzień dobry, biblioteka nie działa.\r\nNr seryjny: B824100317\r\nUmowa nr HEZO/QSP/2025/00417\r\n",
    "From: Jan <jan@proba.example>\r\nSubject: Awaria\r\nMessage-ID: <2@proba.example>\r\n\r\n\
     Dzień dobry, biblioteka nie działa, proszę o pomoc.\r\n",
    "From: Ann <ann@proba.example>\r\nSubject: Library down\r\nMessage-ID: <3@proba.example>\r\n\r\n\
     Good morning, our tape library does not work, please help us.\r\n",
    "Subject: nobody\r\n\r\nA mail without a sender.\r\n",
];

/// Everything that could not be written, each once.
pub fn rehearse(site: &Site, now: Timestamp) -> Vec<String> {
    let mut faults = unheard(site);
    let mut effects: Vec<Effect> = MAILS.iter().flat_map(|mail| request(mail, site, now)).collect();
    for language in [Language::Polish, Language::English] {
        let ticket = ticket(language, now);
        effects.extend(answers(&ticket, site, now));
        for step in site.ladder.steps() {
            effects.extend(rung(&ticket, step.clock, &step.id, site, now));
            // A rung may tell the second level of a site that has none yet.
            if step.tell.contains(&Audience::SecondLevel) {
                effects.push(second_level(&ticket, step, site, now));
            }
        }
    }
    for effect in effects {
        match effect {
            Effect::Report(fault) if !faults.contains(&fault) => faults.push(fault),
            _ => {}
        }
    }
    faults
}

fn example(raw: &str, now: Timestamp) -> Mail {
    Mail {
        message: Message::parse(raw.as_bytes()),
        raw: raw.as_bytes().to_vec(),
        content_hash: [0; 32],
        internal_date: now,
        place: "rehearsal".to_string(),
        junk: false,
        too_large: None,
        verification: None,
    }
}

/// Rungs that reach nobody as the site is set up, and a promise of a person that nobody watches over.
fn unheard(site: &Site) -> Vec<String> {
    let steps = site.ladder.steps();
    let silent = steps.iter().filter(|step| step.tell.is_empty() && !step.second_route && !site.has_alert_command);
    let mut faults: Vec<String> = silent
        .map(|step| {
            let LadderStep { id, .. } = step;
            format!("rules/escalation.toml [{id}]: it only runs the alert command, and there is none; write tell, or [alert] in the configuration")
        })
        .collect();
    for kind in [ClockKind::Reaction, ClockKind::FollowUp, ClockKind::HandOver] {
        if !steps.iter().any(|step| step.clock == kind && !step.tell.is_empty()) {
            faults.push(format!("rules/escalation.toml: no rung tells anybody of the {kind} clock"));
        }
    }
    faults
}

fn request(raw: &str, site: &Site, now: Timestamp) -> Vec<Effect> {
    let mail = example(raw, now);
    let reading = Reading::of(&mail.message, &[], site);
    let keys = thread::keys(&mail, &reading, site);
    let facts = Facts { next_sequence: 1, ..Facts::default() };
    decide(&mail, &reading, &keys, &facts, site, now).effects
}

/// What follows from an engineer's mail.
fn answers(ticket: &Ticket, site: &Site, now: Timestamp) -> Vec<Effect> {
    let Some(engineer) = site.active_engineers().next() else { return Vec::new() };
    let raw = "From: Anna <anna@proba.example>\r\nMessage-ID: <4@proba.example>\r\n\r\nProszę o log.\r\n";
    let mail = &example(raw, now);
    let ground = Ground::of(ticket, &[], site);
    let answer = &Answer::of(&mail.message, &ground, "", &site.rules, site.calendar.civil(now));
    let to = &ticket.customer;
    let relay = Relay { ticket, author: &engineer.name, answer, mail, to, waybill: Some("0081725000") };
    let done = Done {
        orders: vec![("#pomoc", "ta lista")],
        relayed_to: vec![&to.address],
        noted: true,
        lacks_label: true,
        help: site.rules.orders.usages(),
        history: true,
        ..Done::default()
    };
    let fault = |why| Fault { line: "#pomoc".to_string(), why, detail: "serial".to_string(), meant: Vec::new() };
    let faults = ["not-understood", "not-admitted", "no-such-engineer"].map(fault);
    let sent = SentMail {
        ticket: Some(ticket.number),
        purpose: Purpose::Acknowledgement,
        recipient: to.address.clone(),
        message_id: String::new(),
        written_at: now,
        keeps: Some(Keeps::Acknowledgement),
    };
    let contacts = Contacts::of(ticket, &[], &to.address, site);
    let lost = Undelivered { ticket, sent: &sent, reason: "5.1.1", contacts: Some(&contacts), cause: b"rehearsal" };
    let posts = [
        reply::relay(site, &relay, now),
        reply::copy(site, ticket, engineer, answer, true, mail, engineer, now),
        reply::copy(site, ticket, engineer, answer, false, mail, engineer, now),
        reply::done(site, ticket, &done, mail, engineer, now),
        reply::not_done(site, Some(ticket), &faults, mail, engineer, now),
        reply::undelivered(site, &lost, engineer, now),
        reply::absent(site, engineer, Some(ticket), mail, "", engineer, now),
    ];
    let crossed = ticket.entries.iter().map(|entry| reply::crossed(site, ticket, entry, mail, engineer, now));
    posts.into_iter().chain(crossed).map(Effect::from).collect()
}

fn rung(ticket: &Ticket, kind: ClockKind, id: &str, site: &Site, now: Timestamp) -> Vec<Effect> {
    let clock = clock(kind, now);
    let rung = Rung { id: id.to_string(), at: now, laid_at: now, fired: None };
    let mut ticket = ticket.clone();
    ticket.clocks.push(clock.clone());
    fire(&ticket, &clock, &rung, &RungFacts::default(), site, now)
}

fn second_level(ticket: &Ticket, step: &LadderStep, site: &Site, now: Timestamp) -> Effect {
    let clock = clock(step.clock, now);
    let due = Occasion::Rung(RungDue { clock: &clock, step, late: None });
    let address = &site.identity.escalation_address;
    Effect::from(escalation(site, ticket, &due, Level::Second, address, &[], now))
}

fn clock(kind: ClockKind, now: Timestamp) -> Clock {
    let amount = SignedDuration::from_hours(1);
    let promise = Promise { due: now, window: None, amount, steps: Vec::new(), basis: Basis::default() };
    Clock::new(kind, 1, now, "rehearsal", promise, now)
}

fn ticket(language: Language, now: Timestamp) -> Ticket {
    let mut ticket = Ticket::born(&NewTicket {
        number: TicketNumber::new(2026, 1),
        customer: Address { name: String::new(), address: "jan@proba.example".to_string() },
        subject: "Awaria".to_string(),
        language,
        opened_at: now,
        linked_to: None,
        earlier_tags: Vec::new(),
        continues: None,
    });
    ticket.entries.push(Entry {
        kind: EntryKind::Customer,
        author: "jan@proba.example".to_string(),
        message_id: None,
        text: "Biblioteka nie działa.".to_string(),
        sender: None,
        at: now,
    });
    ticket
}
