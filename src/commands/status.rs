//! `status`: where the desk stands, for people.

use std::process::ExitCode;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::{retention, table};
use crate::condition::{Condition, Gap, STALE_AFTER, Times};
use crate::config::Config;
use crate::store::{Figures, Store, Work};

/// So many tickets are named whose mails were given up.
const MOST_GIVEN_UP: usize = 5;

/// An erasure that left something, which is to go, too.
#[derive(Serialize)]
struct Unfinished {
    ticket: String,
    /// `open`, `legal hold`, or `closed`: then it can be finished now.
    state: &'static str,
    erased_at: Timestamp,
}

/// What `status` tells.
struct Told {
    figures: Figures,
    runs: bool,
    /// How a running service is, as it says itself.
    condition: Option<Condition>,
    unfinished: Vec<Unfinished>,
    /// Tickets of mails that were given up.
    given_up: Vec<String>,
    now: Timestamp,
}

/// Prints where the desk stands: what the health pages and the figures say. The exit code is 1 where the service does
/// not run or does not do its work, a promise is late, a mail was given up or has no disposition, or an erasure can be
/// finished.
///
/// # Errors
/// The database cannot be read.
pub fn status(config: &Config, as_json: bool) -> anyhow::Result<ExitCode> {
    let now = Timestamp::now();
    let runs = Store::is_in_use(&config.state_dir);
    let condition = runs.then(|| Condition::read(&config.state_dir)).flatten();
    let look = |store: &Work| Ok((store.figures(now)?, unfinished(config, store)?, store.given_up(MOST_GIVEN_UP)?));
    let (figures, unfinished, given_up) =
        Store::open_to_read(&config.state_dir).and_then(|mut store| store.read(look)).inspect_err(|_| {
            if let Some(condition) = &condition {
                condition.reasons().iter().for_each(|reason| println!("{reason}"));
            }
        })?;
    let given_up = given_up.iter().map(ToString::to_string).collect();
    let told = Told { figures, runs, condition, unfinished, given_up, now };
    if as_json {
        println!("{}", told.as_json()?);
    } else {
        for_people(&told);
    }
    Ok(if told.is_fine() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn unfinished(config: &Config, store: &Work) -> anyhow::Result<Vec<Unfinished>> {
    let mut unfinished = Vec::new();
    for (erasure, tickets) in store.unfinished_erasures()? {
        for id in tickets {
            let state = match (retention::is_held(config, store, id)?, store.is_closed(id)?) {
                (true, _) => "legal hold",
                (false, true) => "closed",
                (false, false) => "open",
            };
            unfinished.push(Unfinished { ticket: store.ticket_number(id)?.to_string(), state, erased_at: erasure.at });
        }
    }
    Ok(unfinished)
}

impl Told {
    /// Why the service does not do its work at this moment.
    fn reasons(&self) -> Vec<String> {
        if !self.runs {
            return vec!["the service does not run; start it with: systemctl start hezo-intake".to_string()];
        }
        let advice = "it starts (a new schema takes a while), it hangs, or nothing can be written into state_dir: \
                      journalctl -u hezo-intake";
        match &self.condition {
            None => vec![format!("the service has not said how it is: {advice}")],
            Some(condition) if self.now.duration_since(condition.at) > STALE_AFTER => {
                vec![format!("the service last said how it is {}: {advice}", ago(self.now, condition.at))]
            }
            Some(condition) => condition.reasons(),
        }
    }

    /// What wants a person, though the service does its work.
    fn wants(&self) -> Vec<String> {
        let mut wants = Vec::new();
        let breached: u64 = self.figures.clocks.iter().map(|clock| clock.breached).sum();
        if breached > 0 {
            wants.push(format!("{breached} promises are late: `hezo-intake clocks` names them"));
        }
        if self.figures.outbox_failed > 0 {
            let of = if self.given_up.is_empty() { String::new() } else { format!(" ({})", self.given_up.join(", ")) };
            let count = self.figures.outbox_failed;
            wants.push(format!("{count} mails were given up{of}: `hezo-intake tickets show NUMBER` says why"));
        }
        if self.gap() > 0 {
            let gap = self.gap();
            wants.push(format!("{gap} mails on the server have no disposition: `hezo-intake reconcile` names them"));
        }
        let closed = self.unfinished.iter().filter(|unfinished| unfinished.state == "closed");
        wants.extend(closed.map(|one| format!("an erasure can be finished: {} is closed now", one.ticket)));
        wants
    }

    fn gap(&self) -> u64 {
        self.condition.iter().flat_map(|condition| &condition.accounting_gap).map(|gap| gap.mails).sum()
    }

    fn is_fine(&self) -> bool {
        self.reasons().is_empty() && self.wants().is_empty()
    }

    fn as_json(&self) -> anyhow::Result<Value> {
        let mut value = serde_json::to_value(&self.figures)?;
        if let (Some(condition), Value::Object(figures)) = (&self.condition, &mut value) {
            figures.extend(serde_json::to_value(condition)?.as_object().cloned().unwrap_or_default());
        }
        value["service_runs"] = json!(self.runs);
        value["version"] = json!(env!("CARGO_PKG_VERSION"));
        value["reasons"] = json!([self.reasons(), self.wants()].concat());
        value["unfinished_erasures"] = json!(self.unfinished);
        value["is_fine"] = json!(self.is_fine());
        Ok(value)
    }
}

fn for_people(told: &Told) {
    let Told { figures, condition, now, .. } = told;
    let now = *now;
    match told.reasons().as_slice() {
        [] => println!("the service runs and does its work"),
        reasons if told.runs => {
            println!("the service runs and does not do all of its work:");
            reasons.iter().for_each(|reason| println!("  {}", super::printable(reason)));
        }
        reasons => reasons.iter().for_each(|reason| println!("{reason}")),
    }
    told.wants().iter().for_each(|want| println!("  {want}"));
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
    for Unfinished { ticket, state, erased_at } in &told.unfinished {
        let next = match *state {
            "open" => "still open; close it, then erase the address again",
            "legal hold" => "held by legal_hold; erase the address again once that is over",
            _ => "closed now; erase the address again",
        };
        println!("erasure not finished  {ticket}: {next} (the protocol of {})", super::local(*erased_at));
    }
    if let Some(condition) = condition {
        since_the_start(condition);
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

/// What the running service has counted.
fn since_the_start(condition: &Condition) {
    let kinds: Vec<String> = condition.mails_by_kind.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    println!("mails since the start {}", if kinds.is_empty() { "none".to_string() } else { kinds.join(", ") });
    for Gap { mailbox, folder, mails } in &condition.accounting_gap {
        println!("accounting gap        {mails}: {}", format!("{mailbox} {folder}").trim_end());
    }
    for (step, Times { mails, mean_seconds, longest_seconds }) in &condition.times {
        let step = step.replace('_', " ");
        println!("{step:<27} {mean_seconds:.1} s in the mean, {longest_seconds:.1} s at most, of {mails} mails");
    }
    println!("loops                 {} run, {} of them stuck", condition.loops, condition.stuck.len());
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
