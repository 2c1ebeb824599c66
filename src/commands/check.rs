//! `check`: everything that would keep the service from doing its work, said at once.

use std::net::TcpListener;
use std::path::Path;
use std::process::ExitCode;

use jiff::Timestamp;

use super::{BadInput, block_on};
use crate::config::{Config, Listen, MailboxKind, Outgoing};
use crate::contracts::file::ContractFile;
use crate::desk::plan::Plans;
use crate::desk::rehearsal;
use crate::desk::rulebook::Rulebook;
use crate::desk::rules::{RuleFault, Sources};
use crate::imap::{ImapFolder, Limits};
use crate::mailbox::Folder;
use crate::maildir::MaildirFolder;
use crate::office;
use crate::smtp::Smtp;
use crate::store::Store;

/// Checks the configuration, the rules with their tests, the contracts, the database, and (unless `offline`) every
/// page of it and the sign-in at every server.
///
/// # Errors
/// Every fault, one a line.
pub fn check(path: &Path, offline: bool) -> anyhow::Result<ExitCode> {
    let mut faults = Vec::new();
    let config = Config::load(path).map_err(|error| faults.push(error.to_string())).ok();
    let named = Config::names(path);
    let mut plans = None;
    match office::rule_sources(named.rules_dir.as_deref()) {
        Ok(sources) => match tested_rules(&sources, config.as_ref()) {
            Ok((rulebook, failures)) => {
                faults.extend(failures);
                plans = Some(rulebook.plans);
            }
            Err(wrong) => faults.extend(wrong),
        },
        Err(error) => faults.push(super::told(&error)),
    }
    if let Some(config) = &config {
        // Rules that do not compile were told already.
        if plans.is_some() {
            let site = office::site(config)?;
            faults.extend(rehearsal::rehearse(&site, Timestamp::now()));
        }
        faults.extend(state_dir_fault(&config.state_dir));
        faults.extend(config.operations.health.as_ref().and_then(|listen| health_fault(listen, &config.state_dir)));
        if Store::exists(&config.state_dir) {
            let database = Store::check(&config.state_dir, !offline);
            faults.extend(database.err().map(|error| format!("{error:#}")));
        }
        if !offline {
            faults.extend(block_on(async { Ok(server_faults(config).await) })?);
        }
    }
    // Without plans nothing can be said of what contracts buy.
    if let (Some(path), Some(plans)) = (&named.contracts, &plans) {
        faults.extend(contract_faults(path, plans));
    }
    for warning in config.iter().flat_map(Config::warnings) {
        println!("warning: {warning}");
    }
    if faults.is_empty() {
        println!("all is well");
        return Ok(ExitCode::SUCCESS);
    }
    Err(BadInput(faults.join("\n")).into())
}

/// The rules, and which of their own tests fail.
///
/// # Errors
/// What is wrong with them, each with its file and line.
pub(super) fn tested_rules(sources: &Sources, config: Option<&Config>) -> Result<(Rulebook, Vec<String>), Vec<String>> {
    let closing_days = config.map(|config| config.closing_days.as_slice()).unwrap_or_default();
    let told = |faults: Vec<RuleFault>| faults.iter().map(|fault| sources.told(fault)).collect();
    let rulebook = Rulebook::compile(sources, closing_days).map_err(told)?;
    let strangers = config.map(|config| rulebook.routing.strangers(&config.engineers)).unwrap_or_default();
    let failures = told([rulebook.test(sources), strangers].concat());
    Ok((rulebook, failures))
}

/// Why the database could not be kept there. A directory that is not there yet is made at the start.
fn state_dir_fault(state_dir: &Path) -> Option<String> {
    let nearest = state_dir.ancestors().find(|folder| folder.exists())?;
    let error = tempfile::tempfile_in(nearest).err()?;
    let (state_dir, nearest) = (state_dir.display(), nearest.display());
    Some(format!(
        "state_dir {state_dir}: nothing can be written in {nearest}: {error}; run this as root or as the service's user, \
         or mend it: install -d -m 700 -o hezo-intake -g hezo-intake {state_dir}"
    ))
}

/// Why the health pages could not be shown there. A running service shows its own there.
fn health_fault(listen: &Listen, state_dir: &Path) -> Option<String> {
    match listen {
        Listen::Loopback(_) if Store::is_in_use(state_dir) => None,
        Listen::Loopback(address) => {
            let error = TcpListener::bind(address).err()?;
            Some(format!("health.listen {address}: {error}; name another port, or end what listens there (ss -ltnp)"))
        }
        Listen::Socket(path) => {
            // systemd makes the folder below /run at the start.
            let folder = path.parent().filter(|folder| !folder.exists() && !folder.starts_with("/run"))?;
            let (path, folder) = (path.display(), folder.display());
            Some(format!("health.listen {path}: there is no {folder}; make it, or name /run/hezo-intake/health.sock"))
        }
    }
}

/// What is wrong with the list of contracts.
fn contract_faults(path: &Path, plans: &Plans) -> Option<String> {
    let read = ContractFile::open(path, plans).and_then(|file| file.check());
    read.err().map(|error| super::told(&error))
}

/// Signs in everywhere and opens every folder.
async fn server_faults(config: &Config) -> Vec<String> {
    let mut faults = Vec::new();
    for mailbox in &config.mailboxes {
        let name = &mailbox.name;
        match &mailbox.kind {
            MailboxKind::Imap { server, folders } => {
                for folder in folders.iter().chain(&mailbox.sent) {
                    let opened = opens(ImapFolder::new(server, folder, Limits::default())).await;
                    faults.extend(opened.err().map(|error| format!("mailbox {name}, folder {folder}: {error:#}")));
                }
            }
            MailboxKind::Maildir { path } => {
                let opened = opens(MaildirFolder::new(path)).await;
                faults.extend(opened.err().map(|error| format!("mailbox {name}: {error:#}")));
            }
        }
    }
    for (name, way) in [("smtp", Some(&config.outgoing)), ("smtp_fallback", config.fallback.as_ref())] {
        let Some(Outgoing::Smtp(server, connections)) = way else { continue };
        let signed_in = match Smtp::new(server, *connections) {
            Ok(smtp) => smtp.check().await,
            Err(error) => Err(error),
        };
        faults.extend(signed_in.err().map(|error| format!("{name}: {error:#}")));
    }
    faults
}

async fn opens(mut folder: impl Folder) -> anyhow::Result<()> {
    let opened = folder.open().await;
    folder.close().await;
    opened.map(|_| ())
}
