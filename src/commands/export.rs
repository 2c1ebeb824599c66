//! `export`: tickets with their mails, in forms that every other program reads: JSON lines and mbox.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

use super::{BadInput, erase, operator, tickets};
use crate::config::Config;
use crate::log;
use crate::progress::Progress;
use crate::store::{Store, Work};

/// What, and where to.
#[derive(clap::Args)]
pub struct Options {
    /// One ticket
    #[arg(long, value_name = "NUMBER", group = "what", required_unless_present_any = ["all", "address"])]
    ticket: Option<String>,
    /// Every ticket, and the mails that belong to none
    #[arg(long, group = "what")]
    all: bool,
    /// A person's data, on that person's demand (GDPR, articles 15 and 20): the tickets in which the address takes
    /// part, and the mails from it, to it or naming it
    #[arg(long, value_name = "ADDRESS", group = "what")]
    address: Option<String>,
    /// A new folder for tickets.jsonl, mails.mbox and protocol.json
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// For tests: the present moment
    #[arg(long, value_name = "TIME", hide = true)]
    now: Option<Timestamp>,
}

/// Writes the tickets, the mails and a protocol into a new folder.
///
/// # Errors
/// There is no such ticket; the folder is there already; the database cannot be read.
pub fn export(config: &Config, options: &Options) -> anyhow::Result<ExitCode> {
    log::start(config.operations.log);
    let now = options.now.unwrap_or_else(Timestamp::now);
    let address = options.address.as_deref().map(|address| erase::foreign(config, address)).transpose()?;
    let mut store = Store::open_to_read(&config.state_dir)?;
    if let Some(number) = &options.ticket {
        store.read(|store| tickets::find(store, number))?;
    }
    let dir = &options.dir;
    fs::DirBuilder::new().mode(0o700).create(dir).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            anyhow::Error::from(BadInput(format!("{} is there already: name a new folder", dir.display())))
        }
        _ => anyhow::Error::from(error).context(format!("cannot make {}", dir.display())),
    })?;
    let mut out =
        Out { tickets: create(&dir.join("tickets.jsonl"))?, mails: create(&dir.join("mails.mbox"))?, counts: (0, 0) };
    let mut numbers = Vec::new();
    store.read(|store| {
        let progress = Progress::of_command("tickets and mails written");
        match (&options.ticket, &address) {
            (Some(number), _) => {
                let (id, ticket) = tickets::find(store, number)?;
                numbers.push(ticket.number.to_string());
                out.ticket(&tickets::value_of(store, id, now)?)?;
                store.mails_of(id)?.iter().try_for_each(|(at, raw)| out.mail(*at, raw))
            }
            (None, Some(address)) => out.person(store, address, now, &progress, &mut numbers),
            (None, None) => out.all(store, now, &progress),
        }
    })?;
    let (written, mails) = out.finish()?;
    let protocol = json!({
        "what": "export", "at": now, "by": operator(), "version": env!("CARGO_PKG_VERSION"), "ticket": options.ticket,
        "address": address, "all": options.all, "tickets": written, "mails": mails, "numbers": numbers,
    });
    let mut file = create(&dir.join("protocol.json"))?;
    writeln!(file, "{}", serde_json::to_string_pretty(&protocol)?)?;
    file.flush()?;
    println!("{}: {written} tickets, {mails} mails", dir.display());
    if address.is_some() {
        println!("internal mails and the data of others are among them: look through them before you hand them over");
    }
    Ok(ExitCode::SUCCESS)
}

fn create(path: &Path) -> anyhow::Result<BufWriter<File>> {
    let file = File::options().write(true).create_new(true).mode(0o600).open(path);
    Ok(BufWriter::new(file.with_context(|| format!("cannot write {}", path.display()))?))
}

/// What is written to.
struct Out {
    tickets: BufWriter<File>,
    mails: BufWriter<File>,
    counts: (u64, u64),
}

impl Out {
    fn ticket(&mut self, value: &serde_json::Value) -> anyhow::Result<()> {
        self.counts.0 += 1;
        Ok(writeln!(self.tickets, "{value}")?)
    }

    fn mail(&mut self, at: Timestamp, raw: &[u8]) -> anyhow::Result<()> {
        self.counts.1 += 1;
        Ok(self.mails.write_all(&in_mbox(at, raw))?)
    }

    fn all(&mut self, store: &Work, now: Timestamp, progress: &Progress) -> anyhow::Result<()> {
        for (id, _) in store.all_tickets()? {
            self.ticket(&tickets::value_of(store, id, now)?)?;
            progress.at(self.counts.0, 0);
        }
        store.each_mail(|_, raw, at| {
            progress.at(self.counts.0 + self.counts.1, 0);
            self.mail(at, raw)
        })?;
        store.each_sent(|_, _, _, raw, at| {
            progress.at(self.counts.0 + self.counts.1, 0);
            self.mail(at, raw)
        })
    }

    fn person(
        &mut self,
        store: &Work,
        address: &str,
        now: Timestamp,
        progress: &Progress,
        numbers: &mut Vec<String>,
    ) -> anyhow::Result<()> {
        let found = store.person(address, |_, _| Ok(None), |done, all| progress.at(done, all))?;
        for id in found.ticket_ids() {
            numbers.push(store.ticket_number(id)?.to_string());
            self.ticket(&tickets::value_of(store, id, now)?)?;
        }
        store.each_mail(|hash, raw, at| if found.has_mail(hash) { self.mail(at, raw) } else { Ok(()) })?;
        store.each_sent(|row, _, _, raw, at| if found.has_sent(row) { self.mail(at, raw) } else { Ok(()) })
    }

    fn finish(mut self) -> anyhow::Result<(u64, u64)> {
        self.tickets.flush()?;
        self.mails.flush()?;
        Ok(self.counts)
    }
}

/// A mail as it stands in an mbox (RFC 4155), with the quoting that can be undone ("mboxrd"): each line that
/// begins with any number of `>` and `From ` gets one `>` more.
fn in_mbox(at: Timestamp, raw: &[u8]) -> Vec<u8> {
    let when = at.to_zoned(TimeZone::UTC).strftime("%a %b %e %H:%M:%S %Y");
    let mut out = format!("From MAILER-DAEMON {when}\n").into_bytes();
    for line in raw.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let marks = line.iter().take_while(|byte| **byte == b'>').count();
        if line.get(marks..).is_some_and(|rest| rest.starts_with(b"From ")) {
            out.push(b'>');
        }
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    if !out.ends_with(b"\n\n") {
        out.push(b'\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_would_begin_a_mail_are_quoted() {
        let at: Timestamp = "2026-11-05T08:00:00Z".parse().expect("a moment");
        let raw = b"Subject: x\r\n\r\nFrom here\r\n>From there\r\n> From\r\nFromage\r\n";
        let expected =
            "From MAILER-DAEMON Thu Nov  5 08:00:00 2026\nSubject: x\n\n>From here\n>>From there\n> From\nFromage\n\n";
        assert_eq!(String::from_utf8_lossy(&in_mbox(at, raw)), expected);
    }
}
