//! `reconcile`: every mail on the server has a disposition, or is named.

use std::collections::{HashMap, HashSet};
use std::process::ExitCode;

use serde::Serialize;

use super::{block_on, table};
use crate::config::{Config, MailboxKind};
use crate::imap::{ImapFolder, Limits};
use crate::mailbox::{Folder, Uid, UidValidity};
use crate::maildir::MaildirFolder;
use crate::store::{Account, Store};

/// One folder's account.
#[derive(Serialize)]
struct Line {
    mailbox: String,
    folder: String,
    /// Where the folder could be compared.
    #[serde(flatten)]
    counts: Option<Counts>,
    /// Why it could not.
    error: Option<String>,
}

/// What the comparison of a folder gave.
#[derive(Serialize)]
struct Counts {
    /// Mails on the server.
    server: usize,
    /// UIDs with a disposition.
    journal: usize,
    /// Mails on the server without a disposition.
    gap: usize,
    /// Their UIDs.
    gap_uids: Vec<u64>,
    /// UIDs with a disposition that the desk itself filed elsewhere.
    filed: usize,
    /// UIDs with a disposition that are gone from the server for another reason.
    vanished: usize,
}

/// Compares every watched folder with the journal. The exit code is 1 where a gap is left or a
/// folder could not be compared.
///
/// # Errors
/// The database cannot be read.
pub fn reconcile(config: &Config, json: bool) -> anyhow::Result<ExitCode> {
    let lines = block_on(async { Ok(lines(config).await) })?;
    if json {
        lines.iter().try_for_each(|line| serde_json::to_string(line).map(|line| println!("{line}")))?;
    } else {
        let cells = lines.iter().map(|line| {
            let numbers = line.counts.as_ref().map(Counts::numbers).unwrap_or_default();
            [vec![line.mailbox.clone(), line.folder.clone()], numbers].concat()
        });
        println!("{}", table(&["MAILBOX", "FOLDER", "SERVER", "JOURNAL", "GAP", "FILED", "VANISHED"], cells));
        for line in &lines {
            if let Some(error) = &line.error {
                println!("{} {}: {error}", line.mailbox, line.folder);
            }
            if let Some(counts) = line.counts.as_ref().filter(|counts| counts.gap > 0) {
                let uids: Vec<String> = counts.gap_uids.iter().map(u64::to_string).collect();
                println!("{} {}: no disposition: UID {}", line.mailbox, line.folder, uids.join(", "));
            }
        }
    }
    let proven = lines.iter().all(|line| line.counts.as_ref().is_some_and(|counts| counts.gap == 0));
    Ok(if proven { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn lines(config: &Config) -> Vec<Line> {
    let mut lines = Vec::new();
    for mailbox in &config.mailboxes {
        match &mailbox.kind {
            MailboxKind::Imap { server, folders } => {
                for name in folders {
                    let folder = ImapFolder::new(server, name, Limits::default());
                    lines.push(line(config, &mailbox.name, name, folder).await);
                }
            }
            MailboxKind::Maildir { path } => {
                lines.push(line(config, &mailbox.name, "", MaildirFolder::new(path)).await)
            }
        }
    }
    lines
}

async fn line(config: &Config, mailbox: &str, name: &str, mut folder: impl Folder) -> Line {
    let compared = async {
        let epoch = folder.open().await?;
        let listed = folder.list(Uid(0)).await?;
        folder.close().await;
        let account = Store::open_to_read(&config.state_dir)?.read(|store| store.account(mailbox, name))?;
        anyhow::Ok((epoch, listed.into_iter().map(|mail| mail.uid).collect::<HashSet<Uid>>(), account))
    };
    let (counts, error) = match compared.await {
        Ok((epoch, server, account)) => (Some(Counts::of(epoch, &server, account)), None),
        Err(error) => (None, Some(format!("{error:#}"))),
    };
    Line { mailbox: mailbox.to_string(), folder: name.to_string(), counts, error }
}

impl Counts {
    fn of(epoch: UidValidity, server: &HashSet<Uid>, account: Option<Account>) -> Counts {
        // Dispositions of another epoch speak of other mails.
        let decided = account.filter(|account| account.uid_validity == epoch).map(|account| account.decided);
        let decided: HashMap<Uid, bool> = decided.unwrap_or_default().into_iter().collect();
        let mut gap: Vec<u64> = server.iter().filter(|uid| !decided.contains_key(uid)).map(|uid| uid.0).collect();
        gap.sort_unstable();
        let gone = decided.iter().filter(|(uid, _)| !server.contains(uid));
        let (filed, vanished): (Vec<_>, Vec<_>) = gone.partition(|(_, filed)| **filed);
        Counts {
            server: server.len(),
            journal: decided.len(),
            gap: gap.len(),
            gap_uids: gap,
            filed: filed.len(),
            vanished: vanished.len(),
        }
    }

    fn numbers(&self) -> Vec<String> {
        [self.server, self.journal, self.gap, self.filed, self.vanished].map(|count| count.to_string()).to_vec()
    }
}
