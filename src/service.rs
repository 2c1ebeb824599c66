//! The daemon: builds the loops from the settings, starts them, and stops them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::alert;
use crate::clock::Clock;
use crate::config::{Config, MailboxConfig, MailboxKind, Outgoing};
use crate::contracts;
use crate::imap::{ImapFolder, Limits};
use crate::intake::{Intake, Watched};
use crate::maildir::MaildirFolder;
use crate::office::Office;
use crate::outbox::{Outbox, Routes, Transport};
use crate::smtp::Smtp;
use crate::timers;

/// How long the loops may take to end once they are told to.
const STOP_WITHIN: Duration = Duration::from_millis(4500);

/// A folder of either kind with its loop.
enum AnyIntake {
    Imap(Box<Intake<ImapFolder>>),
    Maildir(Box<Intake<MaildirFolder>>),
}

/// Runs until `stop` turns true, then ends every loop within five seconds. `ready` is called once
/// every folder has been walked.
///
/// # Errors
/// The parts cannot be built: rules, contracts, database, a certificate file.
pub async fn run(
    config: &Config,
    clock: Clock,
    stop: watch::Receiver<bool>,
    ready: impl Fn() + Send + Sync + 'static,
) -> anyhow::Result<()> {
    let office = Office::open(config, clock)?;
    run_in(&office, config, stop, ready).await
}

/// The same, in an office that is open already.
///
/// # Errors
/// A part cannot be built.
pub async fn run_in(
    office: &Arc<Office>,
    config: &Config,
    stop: watch::Receiver<bool>,
    ready: impl Fn() + Send + Sync + 'static,
) -> anyhow::Result<()> {
    let mut loops = JoinSet::new();
    let intakes = intakes(config, office)?;
    let waiting = Arc::new(AtomicUsize::new(intakes.len()));
    let (tell_walked, walked) = watch::channel(intakes.is_empty());
    let ready = Arc::new(move || {
        // A timer loop that has ended is not told.
        let _ = tell_walked.send(true);
        ready();
    });
    office.write(|office, store| store.begins(office.now())).await?;
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
            AnyIntake::Imap(intake) => loops.spawn(intake.run(stop.clone(), seen)),
            AnyIntake::Maildir(intake) => loops.spawn(intake.run(stop.clone(), seen)),
        };
    }
    loops.spawn(Outbox::new(Arc::clone(office), routes(config)?).run(stop.clone()));
    loops.spawn(timers::run(Arc::clone(office), walked, stop.clone()));
    if let Some(command) = config.alert.clone() {
        loops.spawn(alert::run(Arc::clone(office), command, stop.clone()));
    }
    if let Some(path) = config.contracts.clone() {
        let (office, state_dir) = (Arc::clone(office), config.state_dir.clone());
        loops.spawn(contracts::watch::run(office, state_dir, path, stop.clone()));
    }
    let mut told = stop.clone();
    tokio::select! {
        _ = told.wait_for(|told| *told) => {}
        Some(ended) = loops.join_next() => {
            ended.context("a loop broke off")?;
            // A loop ends before it is told to only by a fault in the program: the service manager starts anew.
            anyhow::ensure!(*stop.borrow(), "a loop ended by itself");
        }
    }
    let ended = async { while loops.join_next().await.is_some() {} };
    if tokio::time::timeout(STOP_WITHIN, ended).await.is_err() {
        tracing::warn!(
            "a loop did not end in time and is cut off; what it did not commit is done again after the next start"
        );
    }
    Ok(())
}

/// Walks every folder once, sends what is due, acts on what is due, sends what came of that, and
/// returns how many mails were decided. An answer that waits in the mailbox or to be sent spares an
/// escalation.
///
/// # Errors
/// A folder or the store failed.
pub async fn run_once(config: &Config, clock: Clock) -> anyhow::Result<usize> {
    let office = Office::open(config, clock)?;
    office.write(|office, store| store.begins(office.now())).await?;
    once_in(&office, config).await
}

/// The same, in an office that is open already.
///
/// # Errors
/// A folder or the store failed.
pub async fn once_in(office: &Arc<Office>, config: &Config) -> anyhow::Result<usize> {
    let mut decided = 0;
    for intake in intakes(config, office)? {
        decided += match intake {
            AnyIntake::Imap(mut intake) => intake.once().await?,
            AnyIntake::Maildir(mut intake) => intake.once().await?,
        };
    }
    let mut outbox = Outbox::new(Arc::clone(office), routes(config)?);
    outbox.send_all_due().await?;
    timers::act_on_due(office).await?;
    outbox.send_all_due().await?;
    if let Some(command) = &config.alert {
        alert::run_all_due(office, command).await?;
    }
    office.write(|office, store| store.pulse(office.now())).await?;
    Ok(decided)
}

fn intakes(config: &Config, office: &Arc<Office>) -> anyhow::Result<Vec<AnyIntake>> {
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
    Ok(intakes)
}

fn watched(config: &Config, mailbox: &MailboxConfig, folder: &str) -> Watched {
    Watched {
        mailbox: mailbox.name.clone(),
        folder: folder.to_string(),
        start: mailbox.start,
        poll_interval: mailbox.poll_interval,
        filing: mailbox.filing.clone(),
        max_message_size: config.max_message_size,
    }
}

fn routes(config: &Config) -> anyhow::Result<Routes> {
    let second = config.fallback.as_ref().map(|fallback| transport(fallback).context("smtp_fallback"));
    Ok(Routes { first: transport(&config.outgoing).context("smtp")?, second: second.transpose()? })
}

fn transport(outgoing: &Outgoing) -> anyhow::Result<Transport> {
    Ok(match outgoing {
        Outgoing::Smtp(server) => Transport::Smtp(Arc::new(Smtp::new(server)?)),
        Outgoing::Maildir(path) => Transport::Maildir(path.clone()),
    })
}
