//! `run`: the service.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::block_on;
use crate::clock::Clock;
use crate::config::Config;
use crate::service::{self, Order};
use crate::systemd::Manager;
use crate::{log, office};

/// Watches the mailboxes until SIGTERM or SIGINT, or walks them once. SIGHUP reads the configuration
/// at `path`, the rules and the contracts again.
///
/// # Errors
/// The configuration has faults; the parts cannot be built; or (with `once`) a server failed.
pub fn run(path: &Path, once: bool, now: Option<Timestamp>) -> anyhow::Result<ExitCode> {
    let config = Config::load(path)?;
    log::start(config.operations.log);
    for warning in config.warnings() {
        tracing::warn!(warning, "a setting is allowed and unwise");
    }
    let clock = now.map_or_else(Clock::default, Clock::starting_at);
    block_on(async {
        if once {
            let decided = service::run_once(&config, clock).await?;
            tracing::info!(decided, "every folder was walked once");
            return Ok(());
        }
        tracing::info!(version = env!("CARGO_PKG_VERSION"), mailboxes = config.mailboxes.len(), "starting");
        let path = path.to_path_buf();
        let reread = move || tested(Config::load(&path)?);
        let manager = Arc::new(Manager::from_environment());
        let answered = |outcome: Result<(), &anyhow::Error>| super::reload::answer(Timestamp::now(), outcome);
        service::run(config, clock, orders()?, reread, answered, manager).await?;
        tracing::info!("stopped");
        Ok(())
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Settings whose rules pass their own tests: an edit does not go live untested. The rules that the
/// program carries were tested when it was built.
fn tested(config: Config) -> anyhow::Result<Config> {
    if config.rules_dir.is_none() {
        return Ok(config);
    }
    let sources = office::rule_sources(config.rules_dir.as_deref())?;
    match super::check::tested_rules(&sources, Some(&config)) {
        Ok((_, failures)) if failures.is_empty() => Ok(config),
        Ok((_, faults)) | Err(faults) => anyhow::bail!("{}", faults.join("\n")),
    }
}

/// The signals as orders.
fn orders() -> anyhow::Result<mpsc::Receiver<Order>> {
    let (give, orders) = mpsc::channel(4);
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut hang_up = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        loop {
            let order = tokio::select! {
                _ = terminate.recv() => Order::Stop,
                _ = interrupt.recv() => Order::Stop,
                _ = hang_up.recv() => Order::Reload,
            };
            tracing::info!(order = ?order, "told by a signal");
            if give.send(order).await.is_err() {
                break;
            }
        }
    });
    Ok(orders)
}
