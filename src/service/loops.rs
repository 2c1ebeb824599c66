//! The loops under one set of settings: built, started, left.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context;
use jiff::SignedDuration;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::alarm::{self, Channels};
use crate::alert;
use crate::config::{Alarm, AlertCommand, Config, MailboxConfig, MailboxKind, Outgoing};
use crate::contracts;
use crate::imap::{ImapFolder, Limits};
use crate::intake::{Intake, Watched};
use crate::mailbox::Filing;
use crate::maildir::MaildirFolder;
use crate::office::Office;
use crate::outage::Part;
use crate::outbox::{Outbox, Routes, Transport};
use crate::right_to_send;
use crate::sent_folder::SentFolder;
use crate::smtp::Smtp;
use crate::timers;

/// A folder of either kind with its loop.
pub(super) enum AnyIntake {
    Imap(Box<Intake<ImapFolder>>),
    Maildir(Box<Intake<MaildirFolder>>),
}

/// Everything that the settings ask for, built and not yet started.
pub(super) struct Parts {
    pub(super) office: Arc<Office>,
    pub(super) intakes: Vec<AnyIntake>,
    /// What is watched, as outages name it.
    pub(super) watched: Vec<Part>,
    pub(super) outbox: Outbox,
    /// The servers that are signed in to by token.
    with_tokens: Vec<(Part, Arc<Smtp>)>,
    alert: Option<AlertCommand>,
    alarm: Alarm,
    /// The state directory, and the list of contracts that is watched.
    contracts: Option<(PathBuf, PathBuf)>,
}

impl Parts {
    /// Builds the parts.
    ///
    /// # Errors
    /// A certificate file cannot be read; another process of this machine works on one of the mailboxes.
    pub(super) fn build(config: &Config, office: &Arc<Office>) -> anyhow::Result<Parts> {
        let routes = routes(config)?;
        for mailbox in &config.mailboxes {
            office.claims.claim(&place(mailbox)).with_context(|| format!("the mailbox {}", mailbox.name))?;
        }
        Ok(Parts {
            office: Arc::clone(office),
            intakes: intakes(config, office),
            watched: config.mailboxes.iter().flat_map(parts).collect(),
            with_tokens: routes.with_tokens(),
            outbox: Outbox::new(Arc::clone(office), routes),
            alert: config.alert.clone(),
            alarm: config.operations.alarm.clone(),
            contracts: config.contracts.clone().map(|list| (config.state_dir.clone(), list)),
        })
    }
}

/// The loops at work.
pub(super) struct Loops {
    leave: watch::Sender<bool>,
    others: JoinSet<()>,
    outbox: JoinHandle<()>,
}

impl Loops {
    /// Starts the loops. `ready` is called once every folder has been walked; `stop` is when the
    /// whole service ends.
    pub(super) fn start(parts: Parts, stop: watch::Receiver<bool>, ready: impl Fn() + Send + Sync + 'static) -> Loops {
        let Parts { office, intakes, watched, outbox, with_tokens, alert, alarm, contracts } = parts;
        office.outages.keep(|part| !matches!(part, Part::Mailbox(_)) || watched.contains(part));
        let (leave, told) = watch::channel(false);
        let mut others = JoinSet::new();
        let waiting = Arc::new(AtomicUsize::new(intakes.len()));
        let (tell_walked, walked) = watch::channel(intakes.is_empty());
        let ready = Arc::new(move || {
            // A timer loop that has ended is not told.
            let _ = tell_walked.send(true);
            ready();
        });
        for intake in intakes {
            let (waiting, ready) = (Arc::clone(&waiting), Arc::clone(&ready));
            let first = std::sync::Once::new();
            let seen = move || {
                first.call_once(|| {
                    if waiting.fetch_sub(1, Ordering::SeqCst) == 1 {
                        ready();
                    }
                });
            };
            match intake {
                AnyIntake::Imap(intake) => others.spawn(intake.run(told.clone(), seen)),
                AnyIntake::Maildir(intake) => others.spawn(intake.run(told.clone(), seen)),
            };
        }
        others.spawn(timers::run(Arc::clone(&office), walked, told.clone()));
        let patience = SignedDuration::try_from(alarm.after).unwrap_or(SignedDuration::ZERO);
        let channels = Channels { address: alarm.address, command: alert.clone(), patience, watched };
        others.spawn(alarm::run(Arc::clone(&office), channels, told.clone()));
        if !with_tokens.is_empty() {
            others.spawn(right_to_send::run(Arc::clone(&office), with_tokens, told.clone()));
        }
        if let Some(command) = alert {
            others.spawn(alert::run(Arc::clone(&office), command, told.clone()));
        }
        if let Some((state_dir, list)) = contracts {
            others.spawn(contracts::watch::run(office, state_dir, list, told.clone()));
        }
        Loops { leave, others, outbox: tokio::spawn(outbox.run(told, stop)) }
    }

    /// Waits for a loop to end by itself, which is a fault in the program.
    pub(super) async fn fault(&mut self) -> anyhow::Error {
        let ended = tokio::select! {
            Some(ended) = self.others.join_next() => ended,
            ended = &mut self.outbox => ended,
        };
        match ended {
            Ok(()) => anyhow::anyhow!("a loop ended by itself"),
            Err(error) => anyhow::Error::new(error).context("a loop broke off"),
        }
    }

    /// Tells the loops to end, and waits until all but the outbox have: it may still owe the answers
    /// to mails under way, and is handed back.
    pub(super) async fn leave(mut self) -> JoinHandle<()> {
        let _ = self.leave.send(true);
        while self.others.join_next().await.is_some() {}
        self.outbox
    }
}

fn parts(mailbox: &MailboxConfig) -> Vec<Part> {
    match &mailbox.kind {
        MailboxKind::Imap { folders, .. } => {
            folders.iter().map(|folder| Part::mailbox(&mailbox.name, folder)).collect()
        }
        MailboxKind::Maildir { .. } => vec![Part::mailbox(&mailbox.name, "")],
    }
}

/// Where a mailbox is, whatever it is called here.
fn place(mailbox: &MailboxConfig) -> String {
    match &mailbox.kind {
        MailboxKind::Imap { server, .. } => {
            let user = server.sign_in.as_ref().map(|sign_in| sign_in.user.as_str()).unwrap_or_default();
            format!("{user} at {}:{}", server.host, server.port)
        }
        MailboxKind::Maildir { path } => path.canonicalize().unwrap_or_else(|_| path.clone()).display().to_string(),
    }
}

fn intakes(config: &Config, office: &Arc<Office>) -> Vec<AnyIntake> {
    let mut intakes = Vec::new();
    for mailbox in &config.mailboxes {
        match &mailbox.kind {
            MailboxKind::Imap { server, folders } => {
                for name in folders {
                    let folder = ImapFolder::new(server, name, Limits::default());
                    let watched = watched(config, mailbox, name);
                    intakes.push(AnyIntake::Imap(Box::new(Intake::new(Arc::clone(office), watched, folder))));
                }
            }
            MailboxKind::Maildir { path } => {
                let watched = watched(config, mailbox, "");
                let folder = MaildirFolder::new(path);
                intakes.push(AnyIntake::Maildir(Box::new(Intake::new(Arc::clone(office), watched, folder))));
            }
        }
    }
    intakes
}

fn watched(config: &Config, mailbox: &MailboxConfig, folder: &str) -> Watched {
    let junk = mailbox.junk.iter().any(|name| name == folder);
    Watched {
        mailbox: mailbox.name.clone(),
        folder: folder.to_string(),
        start: mailbox.start,
        poll_interval: mailbox.poll_interval,
        filing: if junk { Filing::Leave } else { mailbox.filing.clone() },
        junk,
        max_message_size: config.max_message_size,
    }
}

fn routes(config: &Config) -> anyhow::Result<Routes> {
    let second = config.fallback.as_ref().map(|fallback| transport(fallback).context("smtp_fallback"));
    let sent = config.mailboxes.iter().find_map(|mailbox| match (&mailbox.kind, &mailbox.sent) {
        (MailboxKind::Imap { server, .. }, Some(folder)) => Some(SentFolder::new(server, folder)),
        _ => None,
    });
    Ok(Routes { first: transport(&config.outgoing).context("smtp")?, second: second.transpose()?, sent })
}

fn transport(outgoing: &Outgoing) -> anyhow::Result<Transport> {
    Ok(match outgoing {
        Outgoing::Smtp(server, connections) => Transport::Smtp(Arc::new(Smtp::new(server, *connections)?)),
        Outgoing::Maildir(path) => Transport::Maildir(path.clone()),
    })
}
