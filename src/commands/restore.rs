//! `restore`: a copy takes the database's place. What came since the copy was made is still on the mail
//! server, and is taken in at the next start; what was answered since is not answered again.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use jiff::Timestamp;

use super::backup::{copies, is_compressed, written_erasures};
use super::erase::{self, Repeated};
use super::{BadInput, local};
use crate::config::{Config, MailboxKind};
use crate::desk::ticket_number::TicketNumber;
use crate::mailbox::Filing;
use crate::store::{Erasure, NothingKnownSince, Restored, Store};

/// Which copy, and what is known of the time since.
#[derive(clap::Args)]
pub struct Options {
    /// The copy, or the folder of the copies: then the newest
    #[arg(value_name = "COPY|DIR")]
    copy: PathBuf,
    /// Until when the service worked after the copy was made, where the present database cannot say it
    /// any more: what arrived until then counts as answered
    #[arg(long, value_name = "TIME")]
    worked_until: Option<String>,
    /// For tests: the present moment
    #[arg(long, value_name = "TIME", hide = true)]
    now: Option<Timestamp>,
}

/// Puts the copy in the database's place. The service must not run. The present database is laid
/// beside it; where it can still be read, it says which mails were sent since.
///
/// # Errors
/// The service runs; the copy is not good; the files cannot be written.
pub fn restore(config: &Config, options: &Options) -> anyhow::Result<ExitCode> {
    let copy = chosen(&options.copy)?;
    let worked_until = options.worked_until.as_deref().map(super::moment).transpose()?;
    let now = options.now.unwrap_or_else(Timestamp::now);
    if let Some(until) = worked_until.filter(|until| *until > now) {
        let words = "lies ahead, and what arrives until then would never be answered; say when the service last worked";
        return Err(BadInput(format!("--worked-until {} {words}", local(until))).into());
    }
    let state_dir = &config.state_dir;
    Store::make_place(state_dir)?;
    let lock = Store::lock_out(state_dir)?
        .ok_or_else(|| BadInput("the service runs: stop it first (systemctl stop hezo-intake)".to_string()))?;
    let new = state_dir.join("desk.sqlite.restored");
    let proven = || Store::prove(&new).with_context(|| format!("{} is not good", copy.display()));
    let counted = unpack(&copy, &new).and_then(|()| proven()).inspect_err(|_| {
        let _ = fs::remove_file(&new);
    })?;
    let beside = copy.parent().map_or(Ok(Vec::new()), written_erasures)?;
    let mut erased = erase::Repeated::default();
    let forget = |store: &mut Store, former: Vec<Erasure>| {
        erased = erase::again(config, store, [former, beside].concat())?;
        Ok(())
    };
    let restored = Store::restore(state_dir, &new, worked_until, now, forget).map_err(|error| {
        match error.downcast_ref() {
        Some(NothingKnownSince(at)) => BadInput(format!(
            "no former database can be read (it is gone, damaged or another version's) to say what was sent since {}: \
             say with --worked-until TIME until when the service worked (its last line in the log: journalctl -u \
             hezo-intake)",
            local(*at)
        ))
        .into(),
        None => error,
    }
    });
    let Restored { copied_at, sent_since, was_read } = restored?;
    drop(lock);
    println!("{}: {} tickets, {} mails, as of {}", copy.display(), counted.tickets, counted.mails, local(copied_at));
    if was_read {
        println!("the former database says that {sent_since} mails were sent since; none is sent again");
    } else if let Some(until) = worked_until {
        println!("no former database could be read: what arrived until {} counts as answered", local(until));
    }
    tell_of_erasures(&erased, was_read);
    for mailbox in &config.mailboxes {
        if let (MailboxKind::Imap { .. }, Filing::Move(folder)) = (&mailbox.kind, &mailbox.filing) {
            println!(
                "mailbox {}: mails that came since were moved to {folder}; move those of after {} back to where they \
                 came from, so that they are taken in",
                mailbox.name,
                local(copied_at)
            );
        }
    }
    println!("start the service; then `hezo-intake reconcile` proves that every mail has a disposition");
    Ok(ExitCode::SUCCESS)
}

fn tell_of_erasures(erased: &Repeated, was_read: bool) {
    let list = |tickets: &[TicketNumber]| tickets.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if erased.addresses > 0 {
        println!("{} addresses that were erased since are erased from it again", erased.addresses);
    }
    if !erased.closed.is_empty() {
        println!("their tickets {} were open in the copy and are closed and erased as they were", list(&erased.closed));
    }
    if !erased.left.is_empty() {
        println!(
            "their tickets {} are left, since they were open at the erasure, too, or legal_hold names them: `hezo-intake \
             status` names them until they are erased",
            list(&erased.left)
        );
    }
    if !was_read {
        println!(
            "addresses that were erased since the last copy was made are not known: erase them again; mails of theirs \
             that still lie on the mail server are taken in again: delete them there before the start"
        );
    }
}

fn chosen(path: &Path) -> anyhow::Result<PathBuf> {
    const WHERE: &str = "name the folder of the copies (the timer's is /var/backups/hezo-intake), or one file of it";
    if !path.exists() {
        return Err(BadInput(format!("there is no {}: {WHERE}", path.display())).into());
    }
    if !path.is_dir() {
        return Ok(path.to_path_buf());
    }
    let newest = copies(path)?.into_iter().next();
    let none = || BadInput(format!("{} holds no copy (desk-TIME.sqlite or .sqlite.zst): {WHERE}", path.display()));
    Ok(newest.ok_or_else(none)?)
}

fn unpack(copy: &Path, to: &Path) -> anyhow::Result<()> {
    let from = File::open(copy).with_context(|| format!("cannot read {}", copy.display()))?;
    let file = File::options().write(true).create(true).truncate(true).mode(0o600).open(to);
    let mut file = file.with_context(|| format!("cannot write {}", to.display()))?;
    if is_compressed(copy) {
        let mut decoder = zstd::stream::read::Decoder::new(from)?;
        io::copy(&mut decoder, &mut file).with_context(|| {
            let copy = copy.display();
            format!("{copy} cannot be unpacked: it is cut off or damaged; name an earlier copy of that folder")
        })?;
    } else {
        io::copy(&mut &from, &mut file)?;
    }
    file.sync_all()?;
    // Root restores what the service is to read.
    let Some(folder) = to.parent() else { bail!("{} has no folder", to.display()) };
    let owner = fs::metadata(folder)?;
    let _ = std::os::unix::fs::fchown(&file, Some(owner.uid()), Some(owner.gid()));
    Ok(())
}
