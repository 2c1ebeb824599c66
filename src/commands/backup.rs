//! `backup`: a copy of the database beside the running service, proven by opening it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, ensure};
use data_encoding::HEXLOWER;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::config::Config;
use crate::log;
use crate::progress::Progress;
use crate::store::{Copied, Erasure, Store};

/// What a copy's name begins and ends with.
const PREFIX: &str = "desk-";
const SUFFIX: &str = ".sqlite";
const COMPRESSED: &str = ".sqlite.zst";

/// When it was made, between the two.
const STAMP: &str = "%Y%m%dT%H%M%SZ";

/// The file beside the copies that says what was erased.
const ERASURES: &str = "erasures";

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
    log::start(config.operations.log);
    let at = now.unwrap_or_else(Timestamp::now);
    fs::DirBuilder::new()
        .recursive(true)
        .create(dir)
        .with_context(|| format!("cannot make {}: name a folder that this user may write to", dir.display()))?;
    let stamp = at.to_zoned(TimeZone::UTC).strftime(STAMP);
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
    let erasures = Store::open_beside(&config.state_dir)?.write(|store| {
        store.chore_done("backup", at)?;
        store.erasures()
    })?;
    write_erasures(dir, &erasures)?;
    let size = fs::metadata(&name)?.len();
    let Copied { tickets, mails, outbox } = counted;
    println!("{}: {tickets} tickets, {mails} mails, {outbox} mails sent or to be sent; {size} bytes", name.display());
    let days = config.retention.backups_days;
    for old in surplus(dir, usize::from(*keep), at - SignedDuration::from_hours(24 * i64::from(days)))? {
        fs::remove_file(&old).with_context(|| format!("cannot delete {}", old.display()))?;
        println!("{}: deleted: {keep} newer ones are kept, and none for more than {days} days", old.display());
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
    let progress = Progress::of_command("copying pages");
    let before = Store::open_to_read(&config.state_dir)?.copy_to(to, at, |done, all| progress.at(done, all))?;
    drop(progress);
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

/// The copies beyond the newest `keep`, and those made before a moment. The newest stays in any case.
fn surplus(dir: &Path, keep: usize, expired: Timestamp) -> anyhow::Result<Vec<PathBuf>> {
    let oldest = format!("{PREFIX}{}", expired.to_zoned(TimeZone::UTC).strftime(STAMP));
    let is_old = |copy: &Path| copy.file_name().is_some_and(|name| *name.to_string_lossy() < *oldest);
    let copies = copies(dir)?.into_iter().enumerate().skip(1);
    Ok(copies.filter(|(place, copy)| *place >= keep || is_old(copy)).map(|(_, copy)| copy).collect())
}

/// Writes down beside the copies which addresses were erased, as salted hashes, and which tickets were left: a copy
/// that is restored forgets them again, also where the database of the present is lost.
fn write_erasures(dir: &Path, erasures: &[Erasure]) -> anyhow::Result<()> {
    let path = dir.join(ERASURES);
    let line = |erasure: &Erasure| {
        let (salt, hash) = (HEXLOWER.encode(&erasure.salt), HEXLOWER.encode(&erasure.address_hash));
        let line = format!("{salt} {hash} {} {}", erasure.at, erasure.left_as_text());
        format!("{}\n", line.trim_end())
    };
    let new = path.with_extension("new");
    let file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&new);
    let mut file = file.with_context(|| format!("cannot write {}", new.display()))?;
    file.write_all(erasures.iter().map(line).collect::<String>().as_bytes())?;
    file.sync_all()?;
    Ok(fs::rename(new, path)?)
}

/// The erasures that are written down beside the copies; none where there is no such file.
pub(super) fn written_erasures(dir: &Path) -> anyhow::Result<Vec<Erasure>> {
    let path = dir.join(ERASURES);
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        text => text.with_context(|| format!("cannot read {}", path.display()))?,
    };
    let erasure = |line: &str| {
        let mut parts = line.splitn(4, ' ');
        let mut bytes = || HEXLOWER.decode(parts.next()?.as_bytes()).ok();
        let (salt, address_hash) = (bytes()?.try_into().ok()?, bytes()?.try_into().ok()?);
        let at = parts.next()?.parse().ok()?;
        Some(Erasure { salt, address_hash, at, left: Erasure::left_in(parts.next().unwrap_or_default()).ok()? })
    };
    let lines = text.lines().map(|line| erasure(line).with_context(|| format!("{} is damaged", path.display())));
    lines.collect()
}

/// Whether a copy is compressed.
pub(super) fn is_compressed(copy: &Path) -> bool {
    copy.extension().is_some_and(|extension| extension == "zst")
}
