//! `tickets`: what there is, and everything about one.

use std::process::ExitCode;

use serde_json::json;

use super::{BadInput, local, local_date, printable, table};
use crate::config::Config;
use crate::desk::entitlement::{self, Entitlement};
use crate::desk::ticket::{NumberKind, Ticket};
use crate::desk::ticket_number::TicketNumber;
use crate::store::{Question, Queued, Store, Work};

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
        let ticket = store.ticket(id)?;
        let entitled = Entitled::of(&ticket, store)?;
        Ok(Some((ticket, entitled, store.outbox_of(id)?)))
    })?;
    let Some((ticket, entitled, mails)) = found else {
        return Err(BadInput(format!("there is no ticket {wanted}")).into());
    };
    if as_json {
        println!("{}", as_value(&ticket, &entitled, &mails));
    } else {
        for_people(&ticket, &entitled, &mails);
    }
    Ok(ExitCode::SUCCESS)
}

/// What the contracts on file say about a ticket.
struct Entitled {
    /// By the newest version of the list.
    now: Option<Entitlement>,
    /// By the version that was on file when the ticket was opened, where that says something else.
    then: Option<(u32, Entitlement)>,
}

impl Entitled {
    fn of(ticket: &Ticket, store: &Work) -> anyhow::Result<Entitled> {
        let now = entitlement::of_ticket(ticket, local_date);
        let list = store.contract_list_at(ticket.opened_at)?;
        let Some(list) = list.filter(|list| ticket.on_file.version != Some(list.version)) else {
            return Ok(Entitled { now, then: None });
        };
        let on_file = store.on_file_in(list.version, &Question::about(ticket))?;
        let then = entitlement::of_ticket(&Ticket { on_file, ..ticket.clone() }, local_date);
        let then = then.filter(|then| Some(then) != now.as_ref()).map(|then| (list.version, then));
        Ok(Entitled { now, then })
    }
}

fn as_value(ticket: &Ticket, entitled: &Entitled, mails: &[Queued]) -> serde_json::Value {
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
        "entitlement": entitled.now,
        "entitlement_at_opening": entitled.then.as_ref().map(|(_, then)| then),
        "missing": ticket.missing().into_iter().map(NumberKind::name).collect::<Vec<_>>(),
        "clocks": ticket.clocks,
        "entries": ticket.entries,
        "mails": mails,
    })
}

fn for_people(ticket: &Ticket, entitled: &Entitled, mails: &[Queued]) {
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
    for line in entitled.now.iter().flat_map(Entitlement::lines) {
        println!("on file   {}", printable(&line));
    }
    if let Some((version, then)) = &entitled.then {
        println!("          when it came, by version {version} of the list:");
        then.lines().iter().for_each(|line| println!("          {}", printable(line)));
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
        let sender = entry.sender.as_deref().map(|sender| format!("  {sender}")).unwrap_or_default();
        println!("{}  {}  {}{sender}", local(entry.at), entry.kind, printable(&entry.author));
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
