//! `rules replay`: what the present rules would make of the mails of the past, beside what was made
//! of them. Nothing is changed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::ExitCode;

use serde::Serialize;

use crate::attachments::Reader;
use crate::commands::{explain, moment, table};
use crate::config::Config;
use crate::desk::classify::Kind;
use crate::desk::decide::{self};
use crate::desk::decision::Disposition;
use crate::desk::extract::OnFile;
use crate::desk::message::Message;
use crate::desk::reading::Reading;
use crate::desk::site::Site;
use crate::desk::ticket::{KnownNumber, NumberKind};
use crate::desk::ticket_number::TicketNumber;
use crate::log;
use crate::office;
use crate::progress::Progress;
use crate::store::{Decided, Question, Store, Work};

/// Which mails to run the rules over.
#[derive(clap::Args)]
pub struct ReplayOptions {
    /// The mails decided since this moment, and the tickets they went to: 2026-04-30, or with a time
    #[arg(long, value_name = "DATE")]
    since: String,
    /// Show each difference, not their number alone
    #[arg(long)]
    diff: bool,
    /// The configuration file, with the rules to try
    #[arg(long, value_name = "FILE", default_value = "/etc/hezo-intake/hezo-intake.toml")]
    config: PathBuf,
    /// One JSON object for each difference, then one for the counts
    #[arg(long)]
    json: bool,
}

/// Something that would be otherwise.
#[derive(Serialize)]
struct Difference {
    /// The ticket it is about, where there is one.
    ticket: Option<String>,
    /// The first digits of the mail's content hash, where it is about one mail.
    mail: Option<String>,
    /// `kind`, `rule`, or a kind of number.
    what: String,
    /// As it was decided.
    was: Option<String>,
    /// As the present rules have it.
    would_be: Option<String>,
}

/// What was looked at.
#[derive(Default, Serialize)]
struct Counts {
    mails: usize,
    tickets: usize,
    /// Mails whose bytes are kept no more.
    unread: usize,
    differences: usize,
}

/// A mail of the past, read by the present rules.
struct Replayed {
    reading: Reading,
    numbers: Vec<KnownNumber>,
    /// Whether a contract on file names the sender.
    named: bool,
}

/// Runs the present rules over the stored mails and tells what would be otherwise.
///
/// # Errors
/// The date, a rule or the configuration cannot be used; the database cannot be read.
pub fn replay(options: &ReplayOptions) -> anyhow::Result<ExitCode> {
    let since = moment(&options.since)?;
    let config = Config::load(&options.config)?;
    log::start(config.operations.log);
    let site = office::site(&config)?;
    let mut store = Store::open_to_read(&config.state_dir)?;
    let mut differences = Vec::new();
    let counts = store.read(|store| {
        let mut counts = Counts::default();
        let mut tickets = BTreeSet::new();
        let all = store.decided_since(since)?;
        let progress = Progress::of_command("mails replayed");
        for (done, decided) in all.iter().enumerate() {
            progress.at(done as u64, all.len() as u64);
            let Some(found) = kind_of_mail(store, decided, &site, &mut counts)? else { continue };
            differences.extend(found);
            tickets.extend(decided.disposition.ticket().map(|number| number.to_string()));
        }
        for number in tickets.iter().filter_map(|number| number.parse::<TicketNumber>().ok()) {
            counts.tickets += 1;
            differences.extend(numbers_of_ticket(store, number, &site)?);
        }
        Ok(counts)
    })?;
    let counts = Counts { differences: differences.len(), ..counts };
    print(options, differences, &counts)?;
    Ok(ExitCode::SUCCESS)
}

/// What would be otherwise about the kind of a mail; `None` where its bytes are kept no more.
fn kind_of_mail(
    store: &Work,
    decided: &Decided,
    site: &Site,
    counts: &mut Counts,
) -> anyhow::Result<Option<Vec<Difference>>> {
    if matches!(decided.disposition, Disposition::Duplicate(_)) {
        return Ok(Some(Vec::new()));
    }
    let Some(mail) = replayed(store, &decided.content_hash, site)? else {
        counts.unread += 1;
        return Ok(None);
    };
    counts.mails += 1;
    let rule = &mail.reading.verdict.rule;
    let kind = mail.reading.verdict.kind;
    let difference = |what: &str, was: String, would_be: String| Difference {
        ticket: decided.disposition.ticket().map(|number| number.to_string()),
        mail: Some(data_encoding::HEXLOWER.encode(decided.content_hash.get(..6).unwrap_or_default())),
        what: what.to_string(),
        was: Some(was),
        would_be: Some(would_be),
    };
    let now = format!("{} by rule {rule}", explain::name_of(&kind));
    let was_request = store.is_customers_mail(&decided.content_hash)?;
    Ok(Some(match decided.disposition {
        Disposition::Noted if kind == Kind::Request || kind == Kind::Bulk && mail.named => {
            vec![difference("kind", format!("noted by rule {}", decided.reason), now)]
        }
        Disposition::Noted if *rule != decided.reason => vec![difference("rule", decided.reason.clone(), rule.clone())],
        // A mailing of somebody whom a contract names is treated like a request.
        Disposition::Opened(_) | Disposition::Attached(_) if was_request => match kind {
            Kind::Request => Vec::new(),
            Kind::Bulk if mail.named => Vec::new(),
            _ => vec![difference("kind", "request".to_string(), now)],
        },
        _ => Vec::new(),
    }))
}

/// What would be otherwise about the numbers of a ticket: those of all mails that count for it.
fn numbers_of_ticket(store: &Work, number: TicketNumber, site: &Site) -> anyhow::Result<Vec<Difference>> {
    let Some(id) = store.find_ticket(number)? else { return Ok(Vec::new()) };
    let mut now: BTreeMap<(NumberKind, String), KnownNumber> = BTreeMap::new();
    for content_hash in store.customers_mails(id)? {
        let Some(mail) = replayed(store, &content_hash, site)? else { continue };
        for known in mail.numbers {
            // What is written anew counts more than what a quote says.
            let key = (known.kind, known.value.clone());
            if now.get(&key).is_none_or(|old| old.quoted && !known.quoted) {
                now.insert(key, known);
            }
        }
    }
    let was: BTreeMap<_, _> =
        store.ticket(id)?.numbers.into_iter().map(|known| ((known.kind, known.value.clone()), known)).collect();
    let keys: BTreeSet<_> = was.keys().chain(now.keys()).collect();
    let differences = keys.into_iter().filter_map(|key| {
        // What the customer is only asked about was not found; what a person said, no rule changes.
        let was = was.get(key).filter(|known| known.is_by_rule() || !known.quoted);
        let now = now.get(key);
        let same = match (was, now) {
            (Some(was), _) if !was.is_by_rule() => true,
            (Some(was), Some(now)) => (was.quoted, was.on_file) == (now.quoted, now.on_file),
            (None, None) => true,
            _ => false,
        };
        (!same).then(|| Difference {
            ticket: Some(number.to_string()),
            mail: None,
            what: key.0.name().to_string(),
            was: was.map(told),
            would_be: now.map(told),
        })
    });
    Ok(differences.collect())
}

fn told(known: &KnownNumber) -> String {
    let quoted = if known.quoted { ", only quoted" } else { "" };
    let on_file = if known.on_file { ", on file" } else { "" };
    format!("{} ({}{quoted}{on_file})", known.value, known.evidence)
}

/// Reads a kept mail anew, with the contracts on file as they were when it was kept.
fn replayed(store: &Work, content_hash: &[u8], site: &Site) -> anyhow::Result<Option<Replayed>> {
    let Some((raw, kept_at)) = store.kept_with_time(content_hash)? else { return Ok(None) };
    let message = Message::parse(&raw);
    let reading = Reading::of(&message, &Reader::default().read(&message), site);
    let sender: Vec<&str> = message.from.iter().map(|from| from.address.as_str()).collect();
    let question = Question::new(reading.number_keys(site), &sender, kept_at);
    let on_file = match store.contract_list_at(kept_at)? {
        Some(list) => store.on_file_in(list.version, &question)?,
        None => Default::default(),
    };
    let named = sender.iter().any(|sender| (&on_file).into_iter().any(|contract| contract.names_sender(sender)));
    let numbers = decide::known_numbers(&reading.numbers(&OnFile::from(&on_file), site));
    let reading = if named { reading.of_named_sender() } else { reading };
    Ok(Some(Replayed { reading, numbers, named }))
}

fn print(options: &ReplayOptions, differences: Vec<Difference>, counts: &Counts) -> anyhow::Result<()> {
    if options.json {
        if options.diff {
            differences.iter().try_for_each(|one| serde_json::to_string(one).map(|line| println!("{line}")))?;
        }
        println!("{}", serde_json::to_string(counts)?);
        return Ok(());
    }
    if options.diff && !differences.is_empty() {
        let lines = differences.into_iter().map(|one| {
            let about = one.ticket.or(one.mail).unwrap_or_default();
            let or_nothing = |text: Option<String>| text.unwrap_or_else(|| "nothing".to_string());
            vec![about, one.what, or_nothing(one.was), or_nothing(one.would_be)]
        });
        println!("{}", table(&["TICKET OR MAIL", "WHAT", "WAS", "WOULD BE"], lines));
    }
    let Counts { mails, tickets, unread, differences } = counts;
    println!("{mails} mails and {tickets} tickets replayed, {differences} differences; nothing was changed");
    if *unread > 0 {
        println!("{unread} mails are kept no more and were not read");
    }
    Ok(())
}
