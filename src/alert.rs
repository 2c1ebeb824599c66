//! The loop that runs the site's alert command: a program that calls or texts somebody when a mail
//! would come too late. An alert is committed with its cause and leaves the queue only when the
//! program has ended well, so that after a crash it is run again, under the same id.

use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use jiff::{SignedDuration, Timestamp};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};
use tokio::sync::watch;

use crate::backoff;
use crate::config::AlertCommand;
use crate::log;
use crate::office::Office;
use crate::store::DueAlert;

/// The first wait after a failure, and the longest.
const FIRST_WAIT: Duration = Duration::from_secs(10);
const LONGEST_WAIT: Duration = Duration::from_secs(5 * 60);

/// An alert that nobody could be told of for this long is given up: the mails have long been read.
const GIVE_UP_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// Never sleep longer than this: an operator's command may have put an alert in the queue.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// Between two runs of the command: what became of one is marked, and the next is read.
const STEP: Duration = Duration::from_secs(5 * 60);

/// Where the command looks for programs of its own.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Runs the command for every alert that is due, until `stop` says so.
pub async fn run(office: Arc<Office>, command: AlertCommand, mut stop: watch::Receiver<bool>) {
    let heart = office.pulse.heart("alert", command.time_limit + STEP);
    while !*stop.borrow() {
        let ran = tokio::select! {
            ran = run_all_due(&office, &command, || heart.works(command.time_limit + STEP)) => ran,
            _ = stop.changed() => return,
        };
        if let Err(error) = ran {
            tracing::error!(error = log::error(&error), "the alerts cannot be read or marked; trying again");
        }
        let next =
            office.write(|office, store| Ok(store.next_alert()?.map(|at| at.duration_since(office.now())))).await;
        let sleep = match next {
            Ok(Some(left)) => {
                Duration::try_from(left).unwrap_or_default().clamp(Duration::from_millis(100), LONGEST_SLEEP)
            }
            _ => LONGEST_SLEEP,
        };
        heart.waits(sleep + command.time_limit + STEP);
        tokio::select! {
            () = office.alert_bell.notified() => {}
            () = tokio::time::sleep(sleep) => {}
            _ = stop.changed() => {}
        }
    }
}

/// Runs the command once for every alert that is due, one after the other; `works` is told of each
/// step. Returns how many times it ended well.
///
/// # Errors
/// The store failed.
pub async fn run_all_due(office: &Arc<Office>, command: &AlertCommand, works: impl Fn()) -> anyhow::Result<usize> {
    let mut done = 0;
    for alert in office.write(|office, store| store.alerts_due(office.now())).await? {
        works();
        let outcome = run_once(command, &alert.json).await;
        done += usize::from(outcome.is_ok());
        office.write(move |office, store| mark(store, &alert, outcome, office.now())).await?;
    }
    Ok(done)
}

fn mark(
    store: &crate::store::Work,
    alert: &DueAlert,
    outcome: Result<(), String>,
    now: Timestamp,
) -> anyhow::Result<()> {
    let attempt = alert.attempts + 1;
    match outcome {
        Ok(()) => {
            tracing::info!(alert = alert.id, attempt, "the alert command told somebody");
            store.alert_done(alert.id, now)
        }
        Err(reason) if now.duration_since(alert.created_at) < GIVE_UP_AFTER => {
            let wait = backoff::full_wait(FIRST_WAIT, LONGEST_WAIT, alert.attempts);
            tracing::error!(
                alert = alert.id,
                attempt,
                reason,
                seconds = wait.as_secs(),
                "the alert command failed; trying again"
            );
            let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
            store.alert_later(alert.id, now.saturating_add(wait).unwrap_or(Timestamp::MAX), &reason)
        }
        Err(reason) => {
            tracing::error!(
                alert = alert.id,
                attempt,
                reason,
                "the alert command failed for too long; the alert is given up"
            );
            store.alert_failed(alert.id, &reason)
        }
    }
}

/// Hands one alert to the command and waits for its end, within its time.
///
/// # Errors
/// Why nobody was told.
pub async fn run_once(command: &AlertCommand, json: &str) -> Result<(), String> {
    let mut child = spawn(command).map_err(|error| format!("{error:#}"))?;
    let ended = tokio::time::timeout(command.time_limit, hand_over(&mut child, json)).await;
    match ended {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(format!("it ended with {status}")),
        Ok(Err(error)) => Err(format!("it could not be run: {error}")),
        Err(_) => {
            end_with_children(&mut child).await;
            Err(format!("it took more than {} s", command.time_limit.as_secs()))
        }
    }
}

/// The command in a process group of its own, so that it can be ended with all that it has started,
/// and with nothing of our environment.
fn spawn(command: &AlertCommand) -> anyhow::Result<Child> {
    let mut program = Command::new(&command.program);
    program.args(&command.arguments).env_clear().env("PATH", PATH).current_dir("/");
    program.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::inherit());
    program.process_group(0).kill_on_drop(true);
    program.spawn().with_context(|| format!("cannot start {}", command.program.display()))
}

/// A command that does not read its input is none the worse for it.
async fn hand_over(child: &mut Child, json: &str) -> std::io::Result<ExitStatus> {
    if let Some(mut stdin) = child.stdin.take() {
        let line = format!("{json}\n");
        let _ = stdin.write_all(line.as_bytes()).await;
    }
    child.wait().await
}

async fn end_with_children(child: &mut Child) {
    if let Some(group) = child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.wait().await;
}
