//! `backup`: a copy of the database beside the running service, proven by opening it.

use std::fs::{self, File};
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, ensure};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::config::Config;
use crate::store::{Copied, Store};

/// What a copy's name begins and ends with.
const PREFIX: &str = "desk-";
const SUFFIX: &str = ".sqlite";
const COMPRESSED: &str = ".sqlite.zst";

/// How hard zstd tries: mails are compressed in the database already, so that more gains little.
const LEVEL: i32 = 3;

/// How and where to.
#[derive(clap::Args)]
pub struct Options {
    /// The folder that the copies are kept in
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// How many copies are kept; older ones are deleted once the new one is proven
    #[arg(long, value_name = "N", default_value_t = 14, value_parser = clap::value_parser!(u16).range(1..))]
    keep: u16,
    /// Compress the copy
    #[arg(long)]
    zstd: bool,
    /// For tests: the present moment
    #[arg(long, value_name = "TIME", hide = true)]
    now: Option<Timestamp>,
}

/// Copies the database, opens the copy and counts what is in it, and deletes what is older than the
/// newest copies that are to be kept.
///
/// # Errors
/// There is no database; the folder cannot be written; the copy is not what it should be.
pub fn backup(config: &Config, options: &Options) -> anyhow::Result<ExitCode> {
    let Options { dir, keep, zstd, now } = options;
    let at = now.unwrap_or_else(Timestamp::now);
    fs::DirBuilder::new().recursive(true).create(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let stamp = at.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ");
    let copy = dir.join(format!("{PREFIX}{stamp}{SUFFIX}"));
    let unproven = dir.join(format!(".{PREFIX}{stamp}.unproven"));
    let counted = copied(config, &unproven, at);
    let counted = match counted {
        Ok(counted) => counted,
        Err(error) => {
            let _ = fs::remove_file(&unproven);
            return Err(error);
        }
    };
    let name = if *zstd {
        let compressed = copy.with_file_name(format!("{PREFIX}{stamp}{COMPRESSED}"));
        let done = compress(&unproven, &compressed);
        let _ = fs::remove_file(&unproven);
        done?;
        compressed
    } else {
        fs::rename(&unproven, &copy).with_context(|| format!("cannot write {}", copy.display()))?;
        copy
    };
    File::open(dir)?.sync_all()?;
    Store::open_beside(&config.state_dir)?.write(|store| store.chore_done("backup", at))?;
    let size = fs::metadata(&name)?.len();
    let Copied { tickets, mails, outbox } = counted;
    println!("{}: {tickets} tickets, {mails} mails, {outbox} mails sent or to be sent; {size} bytes", name.display());
    for old in surplus(dir, usize::from(*keep))? {
        fs::remove_file(&old).with_context(|| format!("cannot delete {}", old.display()))?;
        println!("{}: deleted, since {keep} newer ones are kept", old.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// Copies the database to `to` and proves the copy.
fn copied(config: &Config, to: &Path, at: Timestamp) -> anyhow::Result<Copied> {
    // Nobody else may read it from the first byte on.
    File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)
        .with_context(|| format!("cannot write {}", to.display()))?;
    let shows = io::stderr().is_terminal();
    let before = Store::open_to_read(&config.state_dir)?.copy_to(to, at, |done, all| {
        if shows {
            eprint!("\rcopying: {} %", done * 100 / all.max(1));
            let _ = io::stderr().flush();
        }
    })?;
    if shows {
        eprintln!();
    }
    let after = Store::prove(to).with_context(|| format!("the copy {} is not good", to.display()))?;
    // The service goes on meanwhile, and nothing ever becomes less but by an erasure.
    ensure!(
        after.tickets >= before.tickets && after.outbox >= before.outbox,
        "the copy {} holds less than the database did: {after:?}, and not {before:?}; try again",
        to.display()
    );
    File::open(to)?.sync_all()?;
    Ok(after)
}

fn compress(from: &Path, to: &Path) -> anyhow::Result<()> {
    let new = to.with_extension("new");
    let file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&new);
    let file = file.with_context(|| format!("cannot write {}", new.display()))?;
    let mut encoder = zstd::stream::write::Encoder::new(file, LEVEL)?;
    encoder.include_checksum(true)?;
    io::copy(&mut File::open(from)?, &mut encoder)?;
    encoder.finish()?.sync_all()?;
    Ok(fs::rename(new, to)?)
}

/// The copies in a folder, the newest first. Their names say when they were made.
pub(super) fn copies(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut copies = Vec::new();
    for entry in fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with(PREFIX) && (name.ends_with(SUFFIX) || name.ends_with(COMPRESSED)) {
            copies.push(path);
        }
    }
    copies.sort();
    copies.reverse();
    Ok(copies)
}

fn surplus(dir: &Path, keep: usize) -> anyhow::Result<Vec<PathBuf>> {
    Ok(copies(dir)?.split_off(keep.min(copies(dir)?.len())))
}

/// Whether a copy is compressed.
pub(super) fn is_compressed(copy: &Path) -> bool {
    copy.extension().is_some_and(|extension| extension == "zst")
}
