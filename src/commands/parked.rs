//! `parked`: the mails that wait for a person; what each is, and what becomes of it.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::clocks::left;
use super::{BadInput, local, printable, table};
use crate::clock::Clock;
use crate::config::Config;
use crate::desk::decide::{self, Event};
use crate::desk::mail::Mail;
use crate::desk::message::Message;
use crate::desk::parked::{self, Settled, Settling, Waiting};
use crate::desk::reading::Reading;
use crate::desk::text::Part;
use crate::desk::thread;
use crate::desk::ticket_number::TicketNumber;
use crate::office::Office;
use crate::store::{Store, Work};

/// How a mail is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For people.
    People,
    /// As one JSON object.
    Json,
    /// As it came over the wire.
    Raw,
}

/// Lists the mails that wait, the oldest first.
///
/// # Errors
/// The database cannot be read.
pub fn list(config: &Config, all: bool, as_json: bool, now: Option<Timestamp>) -> anyhow::Result<ExitCode> {
    let now = now.unwrap_or_else(Timestamp::now);
    let waiting = Store::open_to_read(&config.state_dir)?.read(|store| store.parked(all))?;
    if as_json {
        waiting.iter().for_each(|one| println!("{}", value(one, now)));
        return Ok(ExitCode::SUCCESS);
    }
    let lines = waiting.iter().map(|one| {
        let about = one.parked.about.map(|number| number.to_string()).unwrap_or_default();
        vec![
            parked::name(one.id),
            one.parked.cause.name().to_string(),
            local(one.parked.received),
            clock(one, now),
            about,
            one.parked.sender.clone(),
            one.parked.subject.clone(),
        ]
    });
    println!("{}", table(&["NUMBER", "CAUSE", "RECEIVED", "CLOCK", "TICKET", "SENDER", "SUBJECT"], lines));
    Ok(ExitCode::SUCCESS)
}

/// Shows one mail.
///
/// # Errors
/// There is none of this number, or the database cannot be read.
pub fn show(config: &Config, number: &str, form: Form, now: Option<Timestamp>) -> anyhow::Result<ExitCode> {
    let now = now.unwrap_or_else(Timestamp::now);
    let (one, raw) = Store::open_to_read(&config.state_dir)?.read(|store| {
        let one = find(store, number)?;
        Ok((one.clone(), raw(store, &one)?))
    })?;
    let site = crate::office::site(config)?;
    match form {
        Form::Raw => std::io::stdout().write_all(&raw.unwrap_or_default())?,
        Form::Json => {
            let mut shown = value(&one, now);
            if let (Some(shown), Some(raw)) = (shown.as_object_mut(), &raw) {
                let message = Message::parse(raw);
                let written = crate::desk::text::read(&message, &site.rules.quotes);
                shown.insert("text".to_string(), json!(written.text(Part::Now)));
                shown.insert("problems".to_string(), json!(message.problems));
            }
            println!("{shown}");
        }
        Form::People => {
            println!("{}  {} ({})", parked::name(one.id), one.parked.cause.name(), one.parked.reason);
            let shown = |name: &str, text: String| println!("  {name:<10} {}", printable(&text));
            shown("from", one.parked.sender.clone());
            shown("subject", one.parked.subject.clone());
            shown("received", format!("{} in {}", local(one.parked.received), one.parked.place));
            shown("clock", clock(&one, now));
            one.parked.about.iter().for_each(|number| shown("ticket", number.to_string()));
            if let Some(Settled { at, how, by, why }) = &one.settled {
                shown("settled", format!("{} {} by {by} {why}", how.name(), local(*at)));
            }
            let message = raw.as_deref().map(Message::parse);
            message.iter().flat_map(|message| &message.problems).for_each(|problem| shown("problem", problem.clone()));
            match &message {
                Some(message) => {
                    let written = crate::desk::text::read(message, &site.rules.quotes);
                    written.sections.iter().for_each(|section| println!("\n{}", printable(&section.text)));
                }
                None => println!("\nThe mail server never handed it out: read it in the mailbox."),
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes a ticket of a mail, or says which one it is.
///
/// # Errors
/// There is none of this number, it waits no more, its bytes are not there, or the database cannot be written.
pub fn release(config: &Config, number: &str, actor: &str, now: Option<Timestamp>) -> anyhow::Result<ExitCode> {
    let office = Office::open_beside(config, now.map_or_else(Clock::default, Clock::starting_at))?;
    let ticket = match office.write_now(|store| prepared(store, number))? {
        Prepared::IsTicket(one, ticket) => office.write_now(|store| {
            store.settle(one.id, &settled(&office, Settling::Released, actor, ""), Some(ticket))?;
            Ok(ticket)
        })?,
        Prepared::Mail(one, hash, mail) => {
            let mut mail = *mail;
            if let Some(verifier) = &office.verifier {
                mail.verification = Some(Runtime::new()?.block_on(verifier.verify(&mail.raw)));
            }
            let contents = office.reader.read(&mail.message);
            let reading = Reading::of(&mail.message, &contents, &office.site);
            let keys = thread::keys(&mail, &reading, &office.site);
            office.write_now(|store| {
                let now = office.now();
                still_waits(store, one.id)?;
                let facts = store.facts(&keys, now, office.site.calendar.year(now))?;
                let decision = decide::release(&mail, &reading, &keys, &facts, &office.site, now);
                store.apply(&decision.effects, Some(&hash), now)?;
                let ticket = decision.disposition.ticket().context("a released mail has a ticket")?;
                store.settle(one.id, &settled(&office, Settling::Released, actor, ""), Some(ticket))?;
                Ok(ticket)
            })?
        }
    };
    println!("{ticket}");
    Ok(ExitCode::SUCCESS)
}

/// Lays a mail aside; a ticket that it became is closed with it.
///
/// # Errors
/// There is none of this number, it waits no more, or the database cannot be written.
pub fn discard(
    config: &Config,
    number: &str,
    actor: &str,
    why: &str,
    now: Option<Timestamp>,
) -> anyhow::Result<ExitCode> {
    let office = Office::open_beside(config, now.map_or_else(Clock::default, Clock::starting_at))?;
    let one = office.write_now(|store| {
        let one = find(store, number)?;
        still_waits(store, one.id)?;
        store.settle(one.id, &settled(&office, Settling::Discarded, actor, why), None)?;
        if let Some(ticket) = one.parked.about.filter(|_| one.parked.cause.is_ticket()) {
            let why = if why.is_empty() { "discarded" } else { why };
            super::order::carry_out(&office, store, ticket, &Event::Close { why: why.to_string() }, actor)?;
        }
        Ok(one)
    })?;
    println!("{} discarded", parked::name(one.id));
    Ok(ExitCode::SUCCESS)
}

/// What is to be released.
enum Prepared {
    /// It is a ticket already.
    IsTicket(Waiting, TicketNumber),
    /// A mail, with its hash.
    Mail(Waiting, [u8; 32], Box<Mail>),
}

fn prepared(store: &Work, number: &str) -> anyhow::Result<Prepared> {
    let one = find(store, number)?;
    still_waits(store, one.id)?;
    if let Some(ticket) = one.parked.about.filter(|_| one.parked.cause.is_ticket()) {
        return Ok(Prepared::IsTicket(one, ticket));
    }
    let missing =
        || BadInput(format!("{number}: the mail server never handed it out; read it in the mailbox, then discard it"));
    let hash = store.hash_of_parked(one.id)?.ok_or_else(missing)?;
    let raw = raw(store, &one)?.ok_or_else(missing)?;
    let mail = Mail {
        message: Message::parse(&raw),
        raw,
        content_hash: hash,
        internal_date: one.parked.received,
        place: one.parked.place.clone(),
        junk: false,
        too_large: None,
        verification: None,
    };
    Ok(Prepared::Mail(one, hash, Box::new(mail)))
}

fn raw(store: &Work, one: &Waiting) -> anyhow::Result<Option<Vec<u8>>> {
    match store.hash_of_parked(one.id)? {
        Some(hash) => store.kept(&hash),
        None => Ok(None),
    }
}

fn find(store: &Work, number: &str) -> anyhow::Result<Waiting> {
    let none = || BadInput(format!("{number}: there is no such mail; `hezo-intake parked list --all` lists them"));
    let id = parked::id(number).ok_or_else(none)?;
    Ok(store.waiting(id)?.ok_or_else(none)?)
}

fn still_waits(store: &Work, id: i64) -> anyhow::Result<()> {
    match store.waiting(id)?.and_then(|one| one.settled) {
        None => Ok(()),
        Some(Settled { at, how, by, .. }) => {
            Err(BadInput(format!("{}: was {} {} by {by}", parked::name(id), how.name(), local(at))).into())
        }
    }
}

fn settled(office: &Office, how: Settling, actor: &str, why: &str) -> Settled {
    Settled { at: office.now(), how, by: actor.to_string(), why: why.to_string() }
}

fn clock(one: &Waiting, now: Timestamp) -> String {
    match (&one.settled, one.parked.watch) {
        (Some(settled), _) => settled.how.name().to_string(),
        (None, Some(watch)) => format!("{} {}", local(watch.due), left(watch.due.duration_since(now))),
        (None, None) if one.parked.about.is_some() => "the ticket's".to_string(),
        (None, None) => "none".to_string(),
    }
}

fn value(one: &Waiting, now: Timestamp) -> Value {
    let due = one.parked.watch.map(|watch| watch.due);
    let settled = one.settled.as_ref();
    json!({
        "number": parked::name(one.id),
        "cause": one.parked.cause,
        "reason": one.parked.reason,
        "sender": one.parked.sender,
        "subject": one.parked.subject,
        "place": one.parked.place,
        "received": one.parked.received,
        "sent": one.parked.sent,
        "parked_at": one.parked_at,
        "ticket": one.parked.about.map(|number| number.to_string()),
        "due": due,
        "late": settled.is_none() && due.is_some_and(|due| due < now),
        "settled_at": settled.map(|settled| settled.at),
        "settled_as": settled.map(|settled| settled.how),
        "settled_by": settled.map(|settled| &settled.by),
        "why": settled.map(|settled| &settled.why),
    })
}
