//! `check`: everything that would keep the service from doing its work, said at once.

use std::path::Path;
use std::process::ExitCode;

use super::{BadInput, block_on};
use crate::config::{Config, MailboxKind, Outgoing};
use crate::desk::calendar::Calendar;
use crate::desk::rules::{RuleFault, Rules, Sources};
use crate::imap::{ImapFolder, Limits};
use crate::mailbox::Folder;
use crate::maildir::MaildirFolder;
use crate::office;
use crate::smtp::Smtp;

/// Checks the configuration, the rules with their tests, the contracts, and (unless `offline`) the
/// sign-in at every server.
///
/// # Errors
/// Every fault, one a line.
pub fn check(path: &Path, offline: bool) -> anyhow::Result<ExitCode> {
    let mut faults = Vec::new();
    let config = Config::load(path).map_err(|error| faults.push(error.to_string())).ok();
    let rules_dir = config.as_ref().and_then(|config| config.rules_dir.as_deref());
    match office::rule_sources(rules_dir) {
        Ok(sources) => faults.extend(rule_faults(&sources, config.as_ref()).iter().map(RuleFault::to_string)),
        Err(error) => faults.push(format!("{error:#}")),
    }
    if let Some(config) = &config {
        let contracts = config.contracts.as_deref().map(office::contracts).transpose();
        faults.extend(contracts.err().map(|error| format!("{error:#}")));
        if !offline {
            faults.extend(block_on(async { Ok(server_faults(config).await) })?);
        }
    }
    if faults.is_empty() {
        println!("all is well");
        return Ok(ExitCode::SUCCESS);
    }
    Err(BadInput(faults.join("\n")).into())
}

/// What is wrong with the rules, and which of their own tests fail.
pub(super) fn rule_faults(sources: &Sources, config: Option<&Config>) -> Vec<RuleFault> {
    let closing_days = config.map(|config| config.closing_days.as_slice()).unwrap_or_default();
    let rules = Rules::compile(sources).map(|rules| rules.test());
    let calendar = Calendar::compile(sources, closing_days).map(|calendar| calendar.test());
    [rules, calendar].into_iter().flat_map(|tested| tested.unwrap_or_else(|faults| faults)).collect()
}

/// Signs in everywhere and opens every folder.
async fn server_faults(config: &Config) -> Vec<String> {
    let mut faults = Vec::new();
    for mailbox in &config.mailboxes {
        let name = &mailbox.name;
        match &mailbox.kind {
            MailboxKind::Imap { server, folders } => {
                for folder in folders {
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
    if let Outgoing::Smtp(server) = &config.outgoing {
        let signed_in = match Smtp::new(server) {
            Ok(smtp) => smtp.check().await,
            Err(error) => Err(error),
        };
        faults.extend(signed_in.err().map(|error| format!("smtp: {error:#}")));
    }
    faults
}

async fn opens(mut folder: impl Folder) -> anyhow::Result<()> {
    let opened = folder.open().await;
    folder.close().await;
    opened.map(|_| ())
}
