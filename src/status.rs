//! Where the service stands, in one line for `systemctl status`.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::office::Office;
use crate::store::Figures;
use crate::systemd::Manager;

/// How often the line is written, and while the service starts.
const EVERY: Duration = Duration::from_secs(15);
const EVERY_AT_FIRST: Duration = Duration::from_secs(1);

/// Writes the line again and again until `stop` turns true.
pub fn spawn(office: Arc<Office>, manager: Arc<Manager>, mut stop: watch::Receiver<bool>) -> JoinHandle<()> {
    tokio::spawn(async move {
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
            let sleep = if manager.is_ready() { EVERY } else { EVERY_AT_FIRST };
            tokio::select! {
                () = tokio::time::sleep(sleep) => {}
                _ = stop.changed() => {}
            }
        }
    })
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
