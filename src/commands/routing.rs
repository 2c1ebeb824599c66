//! `routing test`: who would be told of a ticket at a given time, and why.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use jiff::Timestamp;
use serde_json::json;

use super::order::moment;
use super::{explain, no_ticket};
use crate::attachments::Reader;
use crate::config::Config;
use crate::desk::calendar::{Calendar, WindowName};
use crate::desk::decide::{self};
use crate::desk::engineer::Engineer;
use crate::desk::extract::OnFile;
use crate::desk::language::Language;
use crate::desk::message::{Address, Message};
use crate::desk::reading::Reading;
use crate::desk::routing::Traits;
use crate::desk::site::Site;
use crate::desk::ticket::NewTicket;
use crate::desk::ticket::{Entry, EntryKind, Ticket};
use crate::desk::ticket_number::TicketNumber;
use crate::office;
use crate::store::{Question, Store};

/// Of what ticket, and when.
#[derive(clap::Args)]
pub struct Options {
    /// A mail, as it came over the wire; `-` is standard input
    #[arg(value_name = "FILE", conflicts_with = "ticket")]
    file: Option<PathBuf>,
    /// A ticket of the desk's
    #[arg(long, value_name = "NUMBER")]
    ticket: Option<TicketNumber>,
    /// When: 2026-11-27T14:00 (local time), 2026-11-27 or a full timestamp; now without it
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Whose device: an id of routing.toml
    #[arg(long, value_name = "ID")]
    vendor: Vec<String>,
    /// What kind of device: an id of routing.toml
    #[arg(long, value_name = "ID")]
    product: Vec<String>,
    /// The plan of the contract: SOS or AHB
    #[arg(long)]
    plan: Option<String>,
    /// The window of the contract: 8x5 or 24x7
    #[arg(long)]
    window: Option<String>,
    /// The customer's language
    #[arg(long, value_name = "pl|en", value_parser = language)]
    language: Option<Language>,
    /// The configuration file; without it the built-in desk and rules
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// Says who would be told.
///
/// # Errors
/// The configuration, the mail or the ticket cannot be read; the time is none.
pub fn test(options: &Options) -> anyhow::Result<ExitCode> {
    let config = match &options.config {
        Some(path) => Config::load(path)?,
        None => Config::embedded(Path::new("")),
    };
    let site = office::site(&config)?;
    let at = options.at.as_deref().map(|text| moment(text, &site.calendar)).transpose()?;
    let at = at.unwrap_or_else(Timestamp::now);
    let ticket = match (&options.ticket, &options.file) {
        (Some(number), _) => Some(stored(*number, &config)?),
        (None, Some(file)) => Some(written(file, at, options, &config, &site)?),
        (None, None) => None,
    };
    let traits = traits(options, ticket.as_ref(), &site);
    let destination = site.routing.destination(&traits, at, &site.calendar, &site.engineers);
    let mut told: Vec<&Engineer> = destination.engineers.clone();
    let involved = ticket.iter().flat_map(|ticket| decide::watchers(ticket, &site, at));
    involved.for_each(|engineer| {
        if !told.contains(&engineer) {
            told.push(engineer);
        }
    });
    if options.json {
        let printed = json!({
            "at": at,
            "vendors": traits.vendors,
            "products": traits.products,
            "plan": traits.plan,
            "window": traits.window.as_ref().map(WindowName::as_str),
            "language": traits.language,
            "route": destination.route,
            "group": destination.group,
            "engineers": told.iter().map(|engineer| &engineer.id).collect::<Vec<_>>(),
        });
        println!("{printed}");
    } else {
        for_people(&traits, destination.route, destination.group, &told, at, &site.calendar);
    }
    Ok(ExitCode::SUCCESS)
}

fn for_people(
    traits: &Traits,
    route: Option<&str>,
    group: &str,
    told: &[&Engineer],
    at: Timestamp,
    calendar: &Calendar,
) {
    let list = |values: &std::collections::BTreeSet<String>| values.iter().cloned().collect::<Vec<_>>().join(", ");
    let line = |name: &str, value: &str| println!("{name:<10} {}", if value.is_empty() { "-" } else { value });
    line("at", &calendar.moment(at));
    line("vendor", &list(&traits.vendors));
    line("product", &list(&traits.products));
    line("plan", traits.plan.as_deref().unwrap_or_default());
    line("window", traits.window.as_ref().map(WindowName::as_str).unwrap_or_default());
    line("language", traits.language.map(Language::code).unwrap_or_default());
    line("route", route.unwrap_or("none fits: the default group"));
    line("group", group);
    for engineer in told {
        line("engineer", &format!("{} ({})", engineer.id, engineer.name));
    }
}

/// What the ticket is routed by, with what the command line says in its place.
fn traits(options: &Options, ticket: Option<&Ticket>, site: &Site) -> Traits {
    let of_ticket = ticket.map(|ticket| decide::traits(ticket, site)).unwrap_or_default();
    let Options { vendor, product, plan, window, language, .. } = options;
    Traits {
        vendors: if vendor.is_empty() { of_ticket.vendors } else { vendor.iter().cloned().collect() },
        products: if product.is_empty() { of_ticket.products } else { product.iter().cloned().collect() },
        plan: plan.clone().or(of_ticket.plan),
        window: window.clone().map(WindowName::new).or(of_ticket.window),
        language: language.or(of_ticket.language),
    }
}

fn stored(number: TicketNumber, config: &Config) -> anyhow::Result<Ticket> {
    let mut store = Store::open_to_read(&config.state_dir)?;
    store.read(|store| match store.find_ticket(number)? {
        Some(id) => store.ticket(id),
        None => Err(no_ticket(number).into()),
    })
}

/// The ticket that a mail would open.
fn written(file: &Path, at: Timestamp, options: &Options, config: &Config, site: &Site) -> anyhow::Result<Ticket> {
    let message = Message::parse(&explain::read(file)?);
    let reading = Reading::of(&message, &Reader::default().read(&message), site);
    let customer = message.from.clone().unwrap_or(Address { name: String::new(), address: String::new() });
    let mut on_file = explain::contracts(None, options.config.is_some(), config, &site.plans)?;
    let question = Question::new(reading.number_keys(site), &[customer.address.as_str()], at);
    let on_file = on_file.read(|store| store.on_file(&question))?;
    let numbers = decide::known_numbers(&reading.numbers(&OnFile::from(&on_file), site));
    let born = Ticket::born(&NewTicket {
        number: TicketNumber::new(site.calendar.year(at), 0),
        customer,
        subject: message.subject.clone(),
        language: reading.language,
        opened_at: at,
        linked_to: None,
        earlier_tags: Vec::new(),
        continues: None,
    });
    let author = born.customer.address.clone();
    let (message_id, text) = (message.message_id, reading.now());
    let first = Entry { kind: EntryKind::Customer, author, message_id, text, sender: None, at };
    Ok(Ticket { numbers, on_file, entries: vec![first], ..born })
}

fn language(text: &str) -> Result<Language, String> {
    let known = [Language::Polish, Language::English].into_iter().find(|language| language.code() == text);
    known.ok_or_else(|| "write pl or en".to_string())
}
