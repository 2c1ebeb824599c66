//! `run`: the service.

use std::process::ExitCode;

use jiff::Timestamp;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::block_on;
use crate::clock::Clock;
use crate::config::Config;
use crate::{log, service};

/// Watches the mailboxes until SIGTERM or SIGINT, or walks them once.
///
/// # Errors
/// The parts cannot be built, or (with `once`) a server failed.
pub fn run(config: &Config, once: bool, now: Option<Timestamp>) -> anyhow::Result<ExitCode> {
    log::to_standard_error();
    for warning in config.warnings() {
        tracing::warn!(warning, "a setting is allowed and unwise");
    }
    let clock = now.map_or_else(Clock::default, Clock::starting_at);
    block_on(async {
        if once {
            let decided = service::run_once(config, clock).await?;
            tracing::info!(decided, "every folder was walked once");
            return Ok(());
        }
        let stop = stop_signal()?;
        tracing::info!(version = env!("CARGO_PKG_VERSION"), mailboxes = config.mailboxes.len(), "starting");
        service::run(config, clock, stop, || {
            tracing::info!("ready: every folder was walked");
            notify(&[sd_notify::NotifyState::Ready]);
        })
        .await?;
        notify(&[sd_notify::NotifyState::Stopping]);
        tracing::info!("stopped");
        Ok(())
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Turns true at SIGTERM or SIGINT.
fn stop_signal() -> anyhow::Result<watch::Receiver<bool>> {
    let (tell, stop) = watch::channel(false);
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("told to stop");
        let _ = tell.send(true);
        // The sender lives on: a closed channel would look like a change.
        std::future::pending::<()>().await;
    });
    Ok(stop)
}

/// Tells the service manager, where there is one.
fn notify(states: &[sd_notify::NotifyState]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(error = error.to_string(), "the service manager could not be told");
    }
}
