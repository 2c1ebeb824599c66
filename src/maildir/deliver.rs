//! A mail is put into a Maildir.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;

use super::files;

/// Tells apart the mails of one process.
static DELIVERED: AtomicU64 = AtomicU64::new(0);

/// Writes a mail into `tmp` and moves it to `new` once it is on disk, so that a reader never sees
/// half a mail (D. J. Bernstein, "Using maildir format"). The Maildir is made where it is missing.
///
/// # Errors
/// The folder cannot be written.
pub fn deliver(maildir: &Path, mail: &[u8]) -> anyhow::Result<()> {
    files::create(maildir).with_context(|| format!("cannot make the Maildir {}", maildir.display()))?;
    let name = unique_name();
    let (tmp, new) = (maildir.join("tmp").join(&name), maildir.join("new").join(&name));
    let write = || -> std::io::Result<()> {
        let mut file = File::create_new(&tmp)?;
        file.write_all(mail)?;
        file.sync_all()?;
        std::fs::rename(&tmp, &new)?;
        File::open(maildir.join("new"))?.sync_all()
    };
    write().with_context(|| format!("cannot deliver a mail to {}", maildir.display()))
}

fn unique_name() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let count = DELIVERED.fetch_add(1, Ordering::Relaxed);
    format!("{}.M{}P{}Q{count}.hezo-intake", since.as_secs(), since.subsec_micros(), std::process::id())
}
