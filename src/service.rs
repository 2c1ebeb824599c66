//! The daemon: builds the loops from the settings, starts them, replaces them when the settings are
//! read again, and stops them.

mod loops;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

use self::loops::{AnyIntake, Loops, Parts};
use crate::clock::Clock;
use crate::config::{Config, Listen};
use crate::contracts::watch as contract_list;
use crate::health::Pages;
use crate::office::Office;
use crate::systemd::Manager;
use crate::{alert, outbox, status, timers};

/// How long the loops may take to end once they are told to.
const STOP_WITHIN: Duration = Duration::from_millis(4500);

/// What the service is told from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Read the configuration, the rules and the contracts again.
    Reload,
    /// End.
    Stop,
}

/// Runs until [`Order::Stop`], then ends every loop within five seconds. The manager is told of each
/// step. `reread` gives the settings at [`Order::Reload`]: they take effect as a whole, or nothing
/// changes; `answered` hears which.
///
/// # Errors
/// The parts cannot be built (rules, contracts, database, a certificate file), or a loop broke off.
pub async fn run(
    config: Config,
    clock: Clock,
    mut orders: mpsc::Receiver<Order>,
    reread: impl Fn() -> anyhow::Result<Config> + Clone + Send + 'static,
    answered: impl Fn(Result<(), &anyhow::Error>),
    manager: Arc<Manager>,
) -> anyhow::Result<()> {
    let office = Office::open(&config, clock)?;
    let listener = Arc::clone(&manager);
    office.pulse.listen(move |beat| listener.beat(beat, Instant::now()));
    begin(&office).await?;
    let (tell, stop) = watch::channel(false);
    let mut former: JoinSet<()> = JoinSet::new();
    let mut loops = Loops::start(Parts::build(&config, &office)?, stop.clone(), ready(&manager));
    let status = status::spawn(Arc::clone(&office), Arc::clone(&manager), stop.clone());
    let mut health = Health::start(config.operations.health, &office, &manager).await?;
    let mut office = office;
    loop {
        let order = tokio::select! {
            order = orders.recv() => order.unwrap_or(Order::Stop),
            fault = loops.fault() => return Err(fault),
        };
        match order {
            Order::Stop => break,
            Order::Reload => {
                manager.reloading();
                match renewed(&office, reread.clone(), &health).await {
                    Ok((parts, pages)) => {
                        office = Arc::clone(&parts.office);
                        health.replace(pages, &office, &manager);
                        let outbox = loops.leave().await;
                        former.spawn(async { drop(outbox.await) });
                        loops = Loops::start(parts, stop.clone(), ready(&manager));
                        tracing::info!("the configuration was read again and is in force");
                        answered(Ok(()));
                    }
                    Err(error) => {
                        tracing::error!(
                            error = crate::log::error(&error),
                            "the new configuration is refused, the former stays in force: `hezo-intake check` names every fault"
                        );
                        answered(Err(&error));
                    }
                }
                if manager.is_ready() {
                    manager.ready();
                }
            }
        }
    }
    manager.stopping();
    status.abort();
    let _ = tell.send(true);
    former.spawn(async { drop(loops.leave().await.await) });
    end(former).await;
    Ok(())
}

/// Runs in an office that is open already until `stop` turns true. `ready` is called once every
/// folder has been walked.
///
/// # Errors
/// A part cannot be built, or a loop broke off.
pub async fn run_in(
    office: &Arc<Office>,
    config: &Config,
    mut stop: watch::Receiver<bool>,
    ready: impl Fn() + Send + Sync + 'static,
) -> anyhow::Result<()> {
    begin(office).await?;
    let mut loops = Loops::start(Parts::build(config, office)?, stop.clone(), ready);
    tokio::select! {
        _ = stop.wait_for(|stop| *stop) => {}
        fault = loops.fault() => return Err(fault),
    }
    let mut ending = JoinSet::new();
    ending.spawn(async { drop(loops.leave().await.await) });
    end(ending).await;
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
    begin(&office).await?;
    once_in(&office, config).await
}

/// The same, in an office that is open already.
///
/// # Errors
/// A folder or the store failed.
pub async fn once_in(office: &Arc<Office>, config: &Config) -> anyhow::Result<usize> {
    let Parts { intakes, mut outbox, .. } = Parts::build(config, office)?;
    let mut decided = 0;
    for intake in intakes {
        decided += match intake {
            AnyIntake::Imap(mut intake) => intake.once().await?,
            AnyIntake::Maildir(mut intake) => intake.once().await?,
        };
    }
    outbox.send_all_due().await?;
    timers::act_on_due(office).await?;
    outbox.send_all_due().await?;
    if let Some(command) = &config.alert {
        alert::run_all_due(office, command, || {}).await?;
    }
    office.write(|office, store| store.pulse(office.now())).await?;
    Ok(decided)
}

/// The desk begins to work: what lies behind it is a downtime, and mails may have been under way.
async fn begin(office: &Arc<Office>) -> anyhow::Result<()> {
    office.write(|office, store| store.begins(office.now())).await?;
    outbox::begin(office).await
}

/// What is to be done once every folder has been walked.
fn ready(manager: &Arc<Manager>) -> impl Fn() + Send + Sync + 'static {
    let manager = Arc::clone(manager);
    move || {
        if !manager.is_ready() {
            tracing::info!("ready: every folder was walked");
            manager.ready();
        }
    }
}

/// Reads the settings and builds everything that they ask for. The list of contracts comes last: it
/// is committed, and nothing else is changed yet.
async fn renewed(
    office: &Arc<Office>,
    reread: impl FnOnce() -> anyhow::Result<Config> + Send + 'static,
    health: &Health,
) -> anyhow::Result<(Parts, Renewed)> {
    let former = Arc::clone(office);
    let built = tokio::task::spawn_blocking(move || {
        let config = reread()?;
        anyhow::Ok((Parts::build(&config, &former.renewed(&config)?)?, config))
    });
    let (parts, config) = built.await.context("reading the configuration broke off")??;
    let pages = health.renewed(config.operations.health).await?;
    if let Some(list) = config.contracts {
        // What contracts may buy follows from the new rules.
        let renewed = Arc::clone(&parts.office);
        let import =
            move || contract_list::import_or_refuse(&config.state_dir, &list, &renewed.site.plans, renewed.now());
        let imported = tokio::task::spawn_blocking(import);
        imported.await.context("reading the list of contracts broke off")??;
    }
    Ok((parts, pages))
}

/// The health pages, where there are any.
struct Health {
    listen: Option<Listen>,
    shown: Option<JoinHandle<()>>,
}

/// What becomes of the health pages when the settings change.
enum Renewed {
    /// They stay where they are.
    AsBefore,
    /// They go there.
    Elsewhere(Option<(Listen, Pages)>),
}

impl Health {
    async fn start(listen: Option<Listen>, office: &Arc<Office>, manager: &Arc<Manager>) -> anyhow::Result<Health> {
        let mut health = Health { listen: None, shown: None };
        let pages = health.renewed(listen).await?;
        health.replace(pages, office, manager);
        Ok(health)
    }

    /// Takes the address where it is another than before.
    async fn renewed(&self, listen: Option<Listen>) -> anyhow::Result<Renewed> {
        if listen == self.listen {
            return Ok(Renewed::AsBefore);
        }
        Ok(Renewed::Elsewhere(match listen {
            Some(listen) => {
                let pages = Pages::bind(&listen).await?;
                Some((listen, pages))
            }
            None => None,
        }))
    }

    fn replace(&mut self, renewed: Renewed, office: &Arc<Office>, manager: &Arc<Manager>) {
        let Renewed::Elsewhere(pages) = renewed else { return };
        if let Some(shown) = self.shown.take() {
            shown.abort();
        }
        (self.listen, self.shown) = match pages {
            Some((listen, pages)) => (Some(listen), Some(pages.show(Arc::clone(office), Arc::clone(manager)))),
            None => (None, None),
        };
    }
}

impl Drop for Health {
    fn drop(&mut self) {
        if let Some(shown) = &self.shown {
            shown.abort();
        }
    }
}

async fn end(mut loops: JoinSet<()>) {
    let ended = async { while loops.join_next().await.is_some() {} };
    if tokio::time::timeout(STOP_WITHIN, ended).await.is_err() {
        tracing::warn!(
            "a loop did not end in time and is cut off; what it did not commit is done again after the next start"
        );
    }
}
