//! Where the service stands, in one line for `systemctl status`, and how it is, written down for `hezo-intake status`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::condition::Condition;
use crate::office::Office;
use crate::store::Figures;
use crate::systemd::Manager;

/// How often the line is written, and while the service starts.
const EVERY: Duration = Duration::from_secs(15);
const EVERY_AT_FIRST: Duration = Duration::from_secs(1);

/// How often the condition is looked at; it is written down when it is another, and as often as the line.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Writes line and condition again and again until `stop` turns true.
pub fn spawn(office: Arc<Office>, manager: Arc<Manager>, stop: watch::Receiver<bool>) -> JoinHandle<()> {
    let condition = conditions(Arc::clone(&office), Arc::clone(&manager), stop.clone());
    let lines = lines(office, manager, stop);
    tokio::spawn(async move {
        tokio::join!(condition, lines);
    })
}

async fn conditions(office: Arc<Office>, manager: Arc<Manager>, mut stop: watch::Receiver<bool>) {
    let mut last: Option<(Condition, Instant)> = None;
    while !*stop.borrow() {
        let condition = Condition::of(&office, &manager);
        if last.as_ref().is_none_or(|(last, at)| at.elapsed() >= EVERY || !condition.is_as(last)) {
            let (written, dir) = (condition.clone(), office.state_dir().to_path_buf());
            let done = tokio::task::spawn_blocking(move || written.write(&dir)).await;
            if let Ok(Err(error)) = done {
                tracing::debug!(error = crate::log::error(&error), "the condition cannot be written down");
            }
            last = Some((condition, Instant::now()));
        }
        sleep(LOOK_EVERY, &mut stop).await;
    }
}

async fn lines(office: Arc<Office>, manager: Arc<Manager>, mut stop: watch::Receiver<bool>) {
    let mut last = String::new();
    while !*stop.borrow() {
        match office.write(|office, store| store.figures(office.now())).await {
            Ok(figures) => {
                let line = line(&figures, manager.is_ready());
                if line != last {
                    manager.status(&line);
                    last = line;
                }
            }
            Err(error) => manager.status(&format!("the database does not answer: {error:#}")),
        }
        sleep(if manager.is_ready() { EVERY } else { EVERY_AT_FIRST }, &mut stop).await;
    }
}

async fn sleep(for_so_long: Duration, stop: &mut watch::Receiver<bool>) {
    tokio::select! {
        () = tokio::time::sleep(for_so_long) => {}
        _ = stop.changed() => {}
    }
}

/// The line.
fn line(figures: &Figures, is_ready: bool) -> String {
    let oldest = figures.folders.iter().map(|folder| folder.last_full_pass).min().flatten();
    let pass = match oldest {
        Some(at) => format!("last full pass {}", local(at)),
        None => "no full pass yet".to_string(),
    };
    let start = if is_ready { "" } else { "starting: " };
    let breached: u64 = figures.clocks.iter().map(|clock| clock.breached).sum();
    let late = if breached == 0 { String::new() } else { format!(", {breached} promises late") };
    let failed =
        if figures.outbox_failed == 0 { String::new() } else { format!(" ({} given up)", figures.outbox_failed) };
    format!(
        "{start}{pass}; {} open tickets{late}; {} mails in the outbox{failed}",
        figures.open_tickets, figures.outbox_pending
    )
}

/// The desk's local time (service terms: Europe/Warsaw).
fn local(at: Timestamp) -> String {
    let zone = TimeZone::get("Europe/Warsaw").unwrap_or(TimeZone::UTC);
    at.to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{ClockFigures, FolderFigures};

    #[test]
    fn the_oldest_pass_counts() {
        let folder = |name: &str, at: Option<&str>| FolderFigures {
            mailbox: "support".to_string(),
            folder: name.to_string(),
            last_full_pass: at.map(|at| at.parse().expect("a moment")),
        };
        let figures = |folders| Figures { folders, open_tickets: 3, outbox_pending: 2, ..Figures::default() };
        let both = vec![folder("INBOX", Some("2026-11-23T08:05:00Z")), folder("Junk", Some("2026-11-23T08:04:00Z"))];
        assert_eq!(
            line(&figures(both), true),
            "last full pass 2026-11-23 09:04:00; 3 open tickets; 2 mails in the outbox"
        );
        let one_new = vec![folder("INBOX", Some("2026-11-23T08:05:00Z")), folder("Junk", None)];
        let clock = ClockFigures { kind: "reaction".to_string(), open: 3, breached: 1, due_soon: 0 };
        let late = Figures { clocks: vec![clock], outbox_failed: 1, ..figures(one_new) };
        assert_eq!(
            line(&late, false),
            "starting: no full pass yet; 3 open tickets, 1 promises late; 2 mails in the outbox (1 given up)"
        );
    }
}
