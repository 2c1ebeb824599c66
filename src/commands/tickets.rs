//! `tickets`: what there is, and everything about one.

use std::process::ExitCode;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

use super::{BadInput, printable, table};
use crate::config::Config;
use crate::desk::ticket::{NumberKind, Ticket};
use crate::desk::ticket_number::TicketNumber;
use crate::store::{Queued, Store};

/// Lists tickets, the newest first.
///
/// # Errors
/// The database cannot be read.
pub fn list(config: &Config, json: bool, most: usize) -> anyhow::Result<ExitCode> {
    let tickets = Store::open_to_read(&config.state_dir)?.read(|store| store.tickets(most))?;
    if json {
        tickets.iter().try_for_each(|ticket| serde_json::to_string(ticket).map(|line| println!("{line}")))?;
        return Ok(ExitCode::SUCCESS);
    }
    let lines = tickets.into_iter().map(|ticket| {
        let reaction = match (ticket.reaction_done, ticket.escalated_at, ticket.reaction_due) {
            (Some(done), _, _) => format!("answered {}", local(done)),
            (None, Some(at), _) => format!("escalated {}", local(at)),
            (None, None, Some(due)) => format!("due {}", local(due)),
            (None, None, None) => String::new(),
        };
        vec![ticket.ticket, ticket.state, local(ticket.opened_at), reaction, ticket.customer, ticket.subject]
    });
    println!("{}", table(&["TICKET", "STATE", "OPENED", "REACTION", "CUSTOMER", "SUBJECT"], lines));
    Ok(ExitCode::SUCCESS)
}

/// Shows one ticket with everything that happened.
///
/// # Errors
/// The number is none, no ticket has it, or the database cannot be read.
pub fn show(config: &Config, number: &str, as_json: bool) -> anyhow::Result<ExitCode> {
    let wanted: TicketNumber = number.parse().map_err(|error| BadInput(format!("{number}: {error}")))?;
    let found = Store::open_to_read(&config.state_dir)?.read(|store| {
        let Some(id) = store.find_ticket(wanted)? else { return Ok(None) };
        Ok(Some((store.ticket(id)?, store.outbox_of(id)?)))
    })?;
    let Some((ticket, mails)) = found else { return Err(BadInput(format!("there is no ticket {wanted}")).into()) };
    if as_json {
        println!("{}", as_value(&ticket, &mails));
    } else {
        for_people(&ticket, &mails);
    }
    Ok(ExitCode::SUCCESS)
}

fn as_value(ticket: &Ticket, mails: &[Queued]) -> serde_json::Value {
    json!({
        "ticket": ticket.number.to_string(),
        "state": ticket.state,
        "customer": ticket.customer,
        "participants": ticket.participants,
        "subject": ticket.subject,
        "language": ticket.language,
        "opened_at": ticket.opened_at,
        "linked_to": ticket.linked_to.map(|number| number.to_string()),
        "earlier_tags": ticket.earlier_tags,
        "numbers": ticket.numbers,
        "missing": ticket.missing().into_iter().map(NumberKind::name).collect::<Vec<_>>(),
        "clocks": ticket.clocks,
        "entries": ticket.entries,
        "mails": mails,
    })
}

fn for_people(ticket: &Ticket, mails: &[Queued]) {
    println!("{}  {}", ticket.number, ticket.state);
    println!("customer  {} <{}>", printable(&ticket.customer.name), printable(&ticket.customer.address));
    println!("subject   {}", printable(&ticket.subject));
    println!("opened    {}", local(ticket.opened_at));
    if let Some(linked) = ticket.linked_to {
        println!("names     {linked}, in which its sender takes no part");
    }
    if !ticket.earlier_tags.is_empty() {
        println!("earlier   {}", ticket.earlier_tags.join(", "));
    }
    for number in &ticket.numbers {
        let on_file = if number.on_file { ", on file" } else { "" };
        println!("{:<9} {} ({}){on_file}", number.kind, printable(&number.value), printable(&number.evidence));
    }
    let missing: Vec<&str> = ticket.missing().into_iter().map(NumberKind::name).collect();
    if !missing.is_empty() {
        println!("missing   {}", missing.join(", "));
    }
    for clock in &ticket.clocks {
        println!(
            "\nclock     {}: from {} ({}), due {}",
            clock.kind,
            local(clock.start),
            clock.start_reason,
            local(clock.due)
        );
        println!("          {}", clock.explanation);
        if let Some(at) = clock.satisfied_at {
            println!("          kept {}", local(at));
        }
        if let Some(at) = clock.fired_at {
            println!("          acted upon {}", local(at));
        }
    }
    println!();
    for entry in &ticket.entries {
        println!("{}  {}  {}", local(entry.at), entry.kind, printable(&entry.author));
        printable(&entry.text).lines().for_each(|line| println!("    {line}"));
    }
    let lines = mails.iter().map(|mail| {
        let when = mail.sent_at.unwrap_or(mail.created_at);
        vec![
            mail.purpose.clone(),
            mail.state.clone(),
            local(when),
            mail.attempts.to_string(),
            mail.last_error.clone().unwrap_or_default(),
        ]
    });
    println!("\n{}", table(&["MAIL", "STATE", "WHEN", "TRIES", "LAST ANSWER"], lines));
}

/// The desk's local time, for people (service terms: Europe/Warsaw).
fn local(at: Timestamp) -> String {
    let zone = TimeZone::get("Europe/Warsaw").unwrap_or(TimeZone::UTC);
    at.to_zoned(zone).strftime("%Y-%m-%d %H:%M").to_string()
}
