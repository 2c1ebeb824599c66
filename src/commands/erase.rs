//! `erase`: a person's data go, on that person's demand (GDPR, article 17), with a protocol.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::process::ExitCode;

use anyhow::{Context, ensure};
use data_encoding::HEXLOWER;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

use super::{BadInput, operator, retention};
use crate::config::Config;
use crate::desk::decide;
use crate::desk::ticket_number::TicketNumber;
use crate::log;
use crate::office;
use crate::progress::Progress;
use crate::store::{Erased, Erasure, Store, TicketId, Work};

/// The folder of the protocols within the state directory.
const PROTOCOLS: &str = "protocols";

/// Whose data.
#[derive(clap::Args)]
pub struct Options {
    /// The person's mail address
    #[arg(long, value_name = "ADDRESS")]
    address: String,
    /// Change nothing; print the protocol as it would be
    #[arg(long)]
    dry_run: bool,
    /// For tests: the present moment
    #[arg(long, value_name = "TIME", hide = true)]
    now: Option<Timestamp>,
}

/// Erases a person's data beside a running service and prints the protocol, which does not name the
/// person. Open tickets and those on legal hold are left; the exit code is 1 then.
///
/// # Errors
/// The address is none, or one of the desk's own; the database cannot be written.
pub fn erase(config: &Config, options: &Options) -> anyhow::Result<ExitCode> {
    log::start(config.operations.log);
    let address = foreign(config, &options.address)?;
    let at = options.now.unwrap_or_else(Timestamp::now);
    let mut store = Store::open_beside(&config.state_dir)?;
    let mut salt = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut salt)?;
    let erasure = Erasure::of(&address, salt, at);
    let progress = Progress::of_command("mails read");
    let found = store.read(|store| found(config, store, &address, &progress))?;
    drop(progress);
    if !options.dry_run {
        store.write(|store| {
            for id in found.ticket_ids() {
                let number = store.ticket_number(id)?;
                ensure!(
                    store.is_closed(id)?,
                    "{number} was taken up again at this moment; nothing is erased, try again"
                );
            }
            store.erase(&address, &found, &erasure)
        })?;
    }
    let protocol = protocol(config, &found, &erasure, options.dry_run)?;
    println!("{protocol}");
    if !options.dry_run {
        let path = write_protocol(config, &protocol, at)?;
        eprintln!("the protocol is kept as {}", path.display());
        store.rewrite().context("what was erased is overwritten, but the file was not rewritten; try again")?;
    }
    if found.is_nothing() {
        eprintln!("nothing of that address was found: see that it is written as in the person's mails");
    }
    for line in what_remains(config, &found) {
        eprintln!("{line}");
    }
    Ok(if found.left.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What became of the erasures since a copy was made, in that copy.
#[derive(Debug, Default)]
pub(super) struct Repeated {
    /// How many addresses.
    pub addresses: usize,
    /// Tickets that were open in the copy, and were closed in order to be erased.
    pub closed: Vec<TicketNumber>,
    /// Tickets that are left: they were open at the erasure, too, or are held at present.
    pub left: Vec<TicketNumber>,
}

/// Erases in a restored copy what was erased since it was made. A ticket was closed when it was erased; where it is
/// open in the copy, it is closed again. Left is what was left then, and what is held now.
///
/// # Errors
/// The copy cannot be written; the rules cannot be read.
pub(super) fn again(config: &Config, store: &mut Store, erasures: Vec<Erasure>) -> anyhow::Result<Repeated> {
    let known = store.read(|store| store.erasures())?;
    let is_known = |erasure: &Erasure| known.iter().any(|known| known.salt == erasure.salt);
    let mut erasures: Vec<Erasure> = erasures.into_iter().filter(|erasure| !is_known(erasure)).collect();
    erasures.sort_by_key(|erasure| (erasure.at, erasure.salt));
    // What is written beside the copies may be older than what the former database knows of the same erasure: that
    // comes first.
    erasures.dedup_by_key(|erasure| erasure.salt);
    let mut repeated = Repeated { addresses: erasures.len(), ..Repeated::default() };
    if erasures.is_empty() {
        return Ok(repeated);
    }
    let site = office::site(config)?;
    let progress = Progress::of_command("mails read for addresses that were erased");
    let addresses = store.read(|store| store.all_addresses(|done, all| progress.at(done, all)))?;
    for erasure in &erasures {
        let Some(address) = addresses.iter().find(|address| erasure.is_of(address)) else {
            store.write(|store| store.remember(erasure))?;
            continue;
        };
        store.write(|store| {
            let stays = |store: &Work, id| {
                let was_left = || anyhow::Ok(erasure.left.contains(&store.ticket_number(id)?) && !store.is_closed(id)?);
                Ok(held(config, store, id)?.or(was_left()?.then_some("open")))
            };
            let found = store.person(address, stays, |done, all| progress.at(done, all))?;
            store.erase(address, &found, erasure)?;
            for id in found.own_tickets() {
                if !store.is_closed(*id)? {
                    let ticket = store.ticket(*id)?;
                    store.apply(&decide::erased(&ticket, &site, erasure.at), None, erasure.at)?;
                    repeated.closed.push(ticket.number);
                }
            }
            repeated.left.extend(found.left.iter().map(|left| left.ticket));
            Ok(())
        })?;
    }
    store.rewrite()?;
    Ok(repeated)
}

/// A person's address: none of those that stand in every mail of the desk.
///
/// # Errors
/// It is no address, or one of the desk's own.
pub(super) fn foreign(config: &Config, address: &str) -> anyhow::Result<String> {
    let address = address.trim().to_lowercase();
    if address.parse::<lettre::Address>().is_err() {
        return Err(BadInput(format!("{address} is no mail address")).into());
    }
    let desk = &config.desk;
    let own = [&desk.address, &desk.escalation_address].into_iter().chain(&desk.aliases);
    let own = own.chain(config.engineers.iter().map(|engineer| &engineer.address)).chain(&config.second_level_address);
    if own.into_iter().any(|own| own.eq_ignore_ascii_case(&address)) {
        return Err(BadInput(format!("{address} is one of the desk's own addresses: it stands in every mail")).into());
    }
    Ok(address)
}

fn found(config: &Config, store: &Work, address: &str, progress: &Progress) -> anyhow::Result<Erased> {
    let stays = |store: &Work, id| match (held(config, store, id)?, store.is_closed(id)?) {
        (Some(reason), _) => Ok(Some(reason)),
        (None, is_closed) => Ok((!is_closed).then_some("open")),
    };
    store.person(address, stays, |done, all| progress.at(done, all))
}

fn held(config: &Config, store: &Work, id: TicketId) -> anyhow::Result<Option<&'static str>> {
    Ok(retention::is_held(config, store, id)?.then_some("legal hold"))
}

fn protocol(config: &Config, found: &Erased, erasure: &Erasure, dry_run: bool) -> anyhow::Result<String> {
    let mut value = serde_json::to_value(found)?;
    value["what"] = json!(if dry_run { "erasure, tried out" } else { "erasure" });
    value["at"] = json!(erasure.at);
    value["by"] = json!(operator());
    value["salt"] = json!(HEXLOWER.encode(&erasure.salt));
    value["sha256_of_salt_and_address"] = json!(HEXLOWER.encode(&erasure.address_hash));
    value["former_databases"] = json!(former_databases(config));
    value["copies_expire_after_days"] = json!(config.retention.backups_days);
    Ok(serde_json::to_string_pretty(&value)?)
}

fn write_protocol(config: &Config, protocol: &str, at: Timestamp) -> anyhow::Result<std::path::PathBuf> {
    let folder = config.state_dir.join(PROTOCOLS);
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
    let path = folder.join(format!("erasure-{}.json", at.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%S.%fZ")));
    let file = File::options().write(true).create_new(true).mode(0o600).open(&path);
    let mut file = file.with_context(|| format!("cannot write {}", path.display()))?;
    writeln!(file, "{protocol}")?;
    Ok(path)
}

/// What restores laid aside: their files' names.
fn former_databases(config: &Config) -> Vec<String> {
    let files = fs::read_dir(&config.state_dir).into_iter().flatten().flatten();
    let names = files.map(|file| file.file_name().to_string_lossy().into_owned());
    let mut former: Vec<String> = names.filter(|name| name.starts_with(retention::FORMER)).collect();
    former.sort();
    former
}

/// What the operator has to see to.
fn what_remains(config: &Config, found: &Erased) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let left = |reason: &str| {
        let tickets = found.left.iter().filter(|left| left.reason == reason).map(|left| left.ticket.to_string());
        tickets.collect::<Vec<_>>().join(", ")
    };
    let (open, held) = (left("open"), left("legal hold"));
    if !open.is_empty() {
        lines.push(format!("left, since they are open: {open}; close them and erase again"));
    }
    if !held.is_empty() {
        lines.push(format!("left, since legal_hold names them: {held}; erase again once that is over"));
    }
    if !found.places.is_empty() {
        let count = found.places.len();
        lines.push(format!("delete {count} mails on the server, too: the protocol says where they were seen"));
    }
    if !found.tickets_with_the_name.is_empty() {
        let tickets = found.tickets_with_the_name.join(", ");
        lines.push(format!(
            "the person's name, or that of somebody with the same name, stands in {tickets}: look at them (tickets show)"
        ));
    }
    let former = former_databases(config);
    if !former.is_empty() {
        lines.push(format!(
            "a restore laid aside {} in {}: it holds the data until the retention deletes it after {} days; delete it now, \
             unless you still need it",
            former.join(", "),
            config.state_dir.display(),
            config.retention.backups_days
        ));
    }
    if !found.contracts.is_empty() {
        let contracts = found.contracts.join(", ");
        lines.push(format!("contracts on file name the address: {contracts}; take it out of the list and import that"));
    }
    let days = config.retention.backups_days;
    lines.push(format!(
        "copies of the database still hold the data, for {days} days at most; make one now, so that one \
                        that is restored forgets them: hezo-intake backup DIR"
    ));
    lines
}
