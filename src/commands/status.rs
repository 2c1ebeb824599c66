//! `status`: where the desk stands, for people.

use std::process::ExitCode;

use jiff::Timestamp;
use serde_json::json;

use super::table;
use crate::config::Config;
use crate::store::{Figures, Store};

/// Prints where the desk stands. The exit code is 1 where the service does not run or is behind.
///
/// # Errors
/// The database cannot be read.
pub fn status(config: &Config, as_json: bool) -> anyhow::Result<ExitCode> {
    let now = Timestamp::now();
    let figures = Store::open_to_read(&config.state_dir)?.read(|store| store.figures(now))?;
    let runs = Store::is_in_use(&config.state_dir);
    if as_json {
        let mut value = serde_json::to_value(&figures)?;
        value["service_runs"] = json!(runs);
        value["version"] = json!(env!("CARGO_PKG_VERSION"));
        println!("{value}");
    } else {
        for_people(&figures, runs, now);
    }
    let breached: u64 = figures.clocks.iter().map(|clock| clock.breached).sum();
    let fine = runs && breached == 0 && figures.outbox_failed == 0;
    Ok(if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn for_people(figures: &Figures, runs: bool, now: Timestamp) {
    let state = if runs { "runs" } else { "does not run; start it with: systemctl start hezo-intake" };
    println!("the service {state}");
    let since = |at: Option<Timestamp>| at.map_or("never".to_string(), |at| ago(now, at));
    let folders = figures
        .folders
        .iter()
        .map(|folder| vec![folder.mailbox.clone(), folder.folder.clone(), since(folder.last_full_pass)]);
    println!("\n{}", table(&["MAILBOX", "FOLDER", "LAST FULL PASS"], folders));
    println!("\nopen tickets          {}", figures.open_tickets);
    for clock in &figures.clocks {
        let line = format!("{} running, {} due within the hour, {} late", clock.open, clock.due_soon, clock.breached);
        println!("clock {:<15} {line}", clock.kind);
    }
    println!("last acknowledgement  {}", since(figures.last_acknowledgement));
    let retrying = format!(
        "{} refused at least once, {} of unknown fate, {} given up",
        figures.outbox_retrying, figures.outbox_unknown, figures.outbox_failed
    );
    println!("mails to be sent      {}: {retrying}", figures.outbox_pending);
    if let Some(oldest) = figures.oldest_pending {
        println!("oldest of them        {}", ago(now, oldest));
    }
    for (cause, count) in &figures.parked {
        println!("parked                {count}: {cause}");
    }
    for (chore, at) in &figures.chores {
        println!("last {chore:<16} {}", ago(now, *at));
    }
    println!(
        "database              {} MB, {} MB of it free",
        figures.database.file / 1_000_000,
        figures.database.free / 1_000_000
    );
}

/// `3 min ago`, in the largest unit that fits.
fn ago(now: Timestamp, at: Timestamp) -> String {
    let seconds = now.duration_since(at).as_secs().max(0);
    match seconds {
        0..120 => format!("{seconds} s ago"),
        120..7200 => format!("{} min ago", seconds / 60),
        7200..172_800 => format!("{} h ago", seconds / 3600),
        _ => format!("{} days ago", seconds / 86400),
    }
}
