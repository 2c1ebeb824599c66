//! `tickets`: what there is, and everything about one.

use std::process::ExitCode;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{BadInput, local, local_date, no_ticket, printable, table};
use crate::config::Config;
use crate::desk::entitlement::{self, Entitlement};
use crate::desk::ticket::{Clock, Fired, NumberKind, State, Ticket};
use crate::desk::ticket_number::TicketNumber;
use crate::store::{Question, Queued, Store, Summary, TicketId, Wanted, Work};

/// Which tickets to list, and how.
#[derive(clap::Args)]
pub struct Filter {
    /// Only those that stand there: new, awaiting-data, in-verification, accepted, awaiting-return, waiting-for-customer,
    /// resolved, closed, merged
    #[arg(long, value_name = "STATE", value_parser = state)]
    state: Option<State>,
    /// Only those of which a promise falls due within this time (4h, 30m), or is overdue; the one due next first
    #[arg(long, value_name = "TIME")]
    due: Option<SignedDuration>,
    /// Only those of which a promise was broken
    #[arg(long)]
    breached: bool,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    /// The most tickets to list
    #[arg(long, default_value_t = 100)]
    most: usize,
}

fn state(name: &str) -> Result<State, String> {
    let known = State::ALL.iter().map(|state| state.name()).collect::<Vec<_>>().join(", ");
    name.parse().map_err(|_| format!("there are {known}"))
}

/// Lists tickets, the newest first, or the one due next first.
///
/// # Errors
/// The database cannot be read.
pub fn list(config: &Config, filter: &Filter, now: Option<Timestamp>) -> anyhow::Result<ExitCode> {
    let now = now.unwrap_or_else(Timestamp::now);
    let due_by = filter.due.map(|within| now.saturating_add(within)).transpose()?;
    let wanted =
        Wanted { state: filter.state, due_by, breached: filter.breached, words: Vec::new(), most: filter.most };
    let tickets = Store::open_to_read(&config.state_dir)?.read(|store| store.tickets(&wanted, now))?;
    print(tickets, filter.json, now)
}

/// Prints a list of tickets.
///
/// # Errors
/// None to be expected.
pub(super) fn print(tickets: Vec<Summary>, as_json: bool, now: Timestamp) -> anyhow::Result<ExitCode> {
    if as_json {
        tickets.iter().try_for_each(|ticket| serde_json::to_string(ticket).map(|line| println!("{line}")))?;
        return Ok(ExitCode::SUCCESS);
    }
    let lines = tickets.into_iter().map(|ticket| {
        let next = match (&ticket.next_clock, ticket.next_due) {
            (Some(clock), Some(due)) if due < now => format!("{clock} OVERDUE since {}", local(due)),
            (Some(clock), Some(due)) => format!("{clock} {}", local(due)),
            _ => String::new(),
        };
        let breached = if ticket.breached { "yes" } else { "" }.to_string();
        let reaction = match (ticket.reaction_done, ticket.escalated_at) {
            (Some(done), _) => format!("answered {}", local(done)),
            (None, Some(at)) => format!("escalated {}", local(at)),
            (None, None) => String::new(),
        };
        let opened = local(ticket.opened_at);
        vec![ticket.ticket, ticket.state, opened, next, breached, reaction, ticket.customer, ticket.subject]
    });
    let head = ["TICKET", "STATE", "OPENED", "DUE NEXT", "BREACHED", "REACTION", "CUSTOMER", "SUBJECT"];
    println!("{}", table(&head, lines));
    Ok(ExitCode::SUCCESS)
}

/// Shows one ticket with everything that happened.
///
/// # Errors
/// The number is none, no ticket has it, or the database cannot be read.
pub fn show(config: &Config, number: &str, as_json: bool, now: Option<Timestamp>) -> anyhow::Result<ExitCode> {
    let now = now.unwrap_or_else(Timestamp::now);
    Store::open_to_read(&config.state_dir)?.read(|store| {
        let (id, ticket) = find(store, number)?;
        if as_json {
            println!("{}", value_of(store, id, now)?);
        } else {
            for_people(&ticket, &Entitled::of(&ticket, store)?, &store.outbox_of(id)?, now);
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Everything about a ticket, for programs.
///
/// # Errors
/// The database cannot be read.
pub(super) fn value_of(store: &Work, id: TicketId, now: Timestamp) -> anyhow::Result<serde_json::Value> {
    let ticket = store.ticket(id)?;
    as_value(&ticket, &Entitled::of(&ticket, store)?, &store.outbox_of(id)?, now)
}

/// The ticket with this number.
///
/// # Errors
/// The number is none, no ticket has it, or the database cannot be read.
pub(super) fn find(store: &Work, number: &str) -> anyhow::Result<(TicketId, Ticket)> {
    let wanted: TicketNumber = number.parse().map_err(|error| BadInput(format!("{number}: {error}")))?;
    let id = store.find_ticket(wanted)?.ok_or_else(|| no_ticket(wanted))?;
    Ok((id, store.ticket(id)?))
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

fn as_value(
    ticket: &Ticket,
    entitled: &Entitled,
    mails: &[Queued],
    now: Timestamp,
) -> anyhow::Result<serde_json::Value> {
    let other = |number: Option<TicketNumber>| number.map(|number| number.to_string());
    let clocks = ticket.clocks.iter().map(|clock| clock_value(clock, now)).collect::<anyhow::Result<Vec<_>>>()?;
    Ok(json!({
        "ticket": ticket.number.to_string(),
        "state": ticket.state,
        "customer": ticket.customer,
        "participants": ticket.participants,
        "subject": ticket.subject,
        "language": ticket.language,
        "opened_at": ticket.opened_at,
        "earlier_tags": ticket.earlier_tags,
        "linked_to": other(ticket.linked_to),
        "continues": other(ticket.continues),
        "merged_into": other(ticket.merged_into),
        "assignee": ticket.assignee,
        "admitted_at": ticket.admitted_at,
        "concern": ticket.concern,
        "wait": ticket.wait,
        "closes_at": ticket.closes_at,
        "numbers": ticket.numbers,
        "entitlement": entitled.now,
        "entitlement_at_opening": entitled.then.as_ref().map(|(_, then)| then),
        "missing": ticket.missing().into_iter().map(NumberKind::name).collect::<Vec<_>>(),
        "clocks": clocks,
        "entries": ticket.entries,
        "mails": mails,
    }))
}

/// A clock with what follows from it.
pub(super) fn clock_value(clock: &Clock, now: Timestamp) -> anyhow::Result<serde_json::Value> {
    let mut value = serde_json::to_value(clock)?;
    value["satisfied_at"] = json!(clock.satisfied_at());
    value["paused_since"] = json!(clock.paused_since());
    value["breached"] = json!(clock.breached(now));
    Ok(value)
}

fn for_people(ticket: &Ticket, entitled: &Entitled, mails: &[Queued], now: Timestamp) {
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
    if let Some(closed) = ticket.continues {
        println!("continues {closed}, which is closed");
    }
    if let Some(into) = ticket.merged_into {
        println!("part of   {into}");
    }
    for number in &ticket.numbers {
        let on_file = if number.on_file { ", on file" } else { "" };
        println!("{:<9} {} ({}){on_file}", number.kind, printable(&number.value), printable(&number.evidence));
    }
    let missing: Vec<&str> = ticket.missing().into_iter().map(NumberKind::name).collect();
    match ticket.admitted_at {
        Some(at) => println!("admitted  {}", local(at)),
        None if missing.is_empty() => {}
        None => println!("missing   {}", missing.join(", ")),
    }
    for line in entitled.now.iter().flat_map(Entitlement::lines) {
        println!("on file   {}", printable(&line));
    }
    if let Some((version, then)) = &entitled.then {
        println!("          when it came, by version {version} of the list:");
        then.lines().iter().for_each(|line| println!("          {}", printable(line)));
    }
    if let Some(assignee) = &ticket.assignee {
        println!("assignee  {assignee}");
    }
    if let Some(wait) = &ticket.wait {
        let until = wait.until.map(|until| format!(" until {}", local(until))).unwrap_or_default();
        println!("waits     since {}{until}, by {}: {}", local(wait.since), wait.actor, printable(&wait.reason));
    }
    if let Some(at) = ticket.closes_at {
        println!("closes    by itself {}", local(at));
    }
    ticket.clocks.iter().for_each(|clock| clock_for_people(clock, now));
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

/// A clock with the steps to its due time, and what was done about it.
pub(super) fn clock_for_people(clock: &Clock, now: Timestamp) {
    let round = if clock.round > 1 { format!(" ({})", clock.round) } else { String::new() };
    let (kind, start, due) = (clock.kind, local(clock.start), local(clock.due));
    println!("\nclock     {kind}{round}: from {start} ({}), due {due}", clock.start_reason);
    clock.explanation.split("; ").for_each(|step| println!("          {}", printable(step)));
    for rung in &clock.rungs {
        match &rung.fired {
            Some(Fired { at, late: Some(late) }) => {
                println!("          {} done {}, {} s late: {}", rung.id, local(*at), late.seconds, late.reason);
            }
            Some(Fired { at, late: None }) => println!("          {} done {}", rung.id, local(*at)),
            None if clock.runs() => println!("          {} at {}", rung.id, local(rung.at)),
            None => {}
        }
    }
    match (&clock.ended, clock.paused_since()) {
        (Some(ended), _) => println!("          {} {} by {}", ended.how, local(ended.at), printable(&ended.by)),
        (None, Some(since)) => println!("          stands still since {}", local(since)),
        (None, None) => {}
    }
    if clock.breached(now) {
        println!("          BREACHED");
    }
}
