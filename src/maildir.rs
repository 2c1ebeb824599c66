//! One Maildir as a mailbox: for a site whose mail server delivers locally, and for the demo.
//!
//! A delivery is a file that appears in `new/` under its final name (<https://cr.yp.to/proto/maildir.html>).
//! A mail is known by the part of its file name that never changes, so that it stays the same mail
//! when a client moves it to `cur/` or changes its flags.

mod deliver;
mod files;
mod watch;

pub use deliver::deliver;

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;

use self::watch::Watch;
use crate::mailbox::{Extent, Fetched, Filing, Folder, Listed, Uid, UidValidity, Woken};

/// A Maildir. [`Filing::Keyword`] does what [`Filing::Leave`] does: a Maildir has no portable
/// keywords. A mail that is filed goes to `cur/`, without the flag for "seen".
#[derive(Debug)]
pub struct MaildirFolder {
    path: PathBuf,
    /// Watches since the last list.
    watch: Option<Watch>,
    /// Where each mail was when it was last seen. A hint: other programs rename files.
    places: HashMap<Uid, Place>,
}

/// Where a mail's file is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    /// Whether it is in `cur/`, and not in `new/`.
    is_current: bool,
    name: OsString,
}

impl Place {
    fn path(&self, maildir: &Path) -> PathBuf {
        maildir.join(if self.is_current { "cur" } else { "new" }).join(&self.name)
    }
}

impl MaildirFolder {
    /// The Maildir at `path`, the folder that holds `new`, `cur` and `tmp`.
    pub fn new(path: impl Into<PathBuf>) -> MaildirFolder {
        MaildirFolder { path: path.into(), watch: None, places: HashMap::new() }
    }

    /// Runs `work` on a mail's file where it was last seen and, if it is not there any more, where it
    /// is now. `None` if it is nowhere.
    async fn with_file<R: Send + 'static>(
        &mut self,
        uid: Uid,
        work: impl Fn(&Path, &Place) -> std::io::Result<R> + Clone + Send + 'static,
    ) -> std::io::Result<Option<R>> {
        for is_last_try in [false, true] {
            if is_last_try {
                let path = self.path.clone();
                self.places = blocking(move || files::places(&path)).await?;
            }
            let Some(place) = self.places.get(&uid).cloned() else { continue };
            let (path, work) = (self.path.clone(), work.clone());
            match blocking(move || work(&path, &place)).await {
                Ok(result) => return Ok(Some(result)),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }
}

impl Folder for MaildirFolder {
    async fn open(&mut self) -> anyhow::Result<UidValidity> {
        let path = self.path.clone();
        anyhow::ensure!(
            path.is_dir(),
            "there is no Maildir {}: mend `path`, mount what it is on, or make it (mkdir -p {}/new)",
            path.display(),
            path.display()
        );
        blocking(move || files::create(&path))
            .await
            .with_context(|| format!("cannot use {} as a Maildir", self.path.display()))?;
        Ok(UidValidity(1))
    }

    async fn list(&mut self, _after: Uid) -> anyhow::Result<Vec<Listed>> {
        // Watched from before the list on, so that no delivery falls between list and wait; and anew,
        // since what happened before is in the list.
        self.watch = match Watch::new(&self.path) {
            Ok(watch) => Some(watch),
            Err(error) => {
                tracing::debug!(%error, "the Maildir cannot be watched and is only polled");
                None
            }
        };
        let path = self.path.clone();
        let (places, listed) = blocking(move || files::list(&path))
            .await
            .with_context(|| format!("cannot list the Maildir {}", self.path.display()))?;
        self.places = places;
        Ok(listed)
    }

    async fn fetch(&mut self, uid: Uid, extent: Extent) -> anyhow::Result<Fetched> {
        let fetched = self.with_file(uid, move |maildir, place| files::read(&place.path(maildir), extent)).await;
        match fetched {
            Ok(Some(fetched)) => Ok(fetched),
            Ok(None) => Ok(Fetched::Gone),
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                Ok(Fetched::Refused(error.to_string()))
            }
            Err(error) => Err(error).with_context(|| format!("cannot read a mail in {}", self.path.display())),
        }
    }

    async fn file(&mut self, uid: Uid, filing: &Filing) -> anyhow::Result<()> {
        let subfolder = match filing {
            Filing::Leave | Filing::Keyword(_) => None,
            Filing::Move(name) => Some(files::subfolder(name)?),
        };
        self.with_file(uid, move |maildir, place| files::file(maildir, place, subfolder.as_deref()))
            .await
            .with_context(|| format!("cannot file a mail in {}", self.path.display()))?;
        self.places.remove(&uid);
        Ok(())
    }

    async fn wait(&mut self, at_most: Duration) -> anyhow::Result<Woken> {
        match &mut self.watch {
            Some(watch) => watch.wait(at_most).await.with_context(|| format!("cannot watch {}", self.path.display())),
            None => {
                tokio::time::sleep(at_most).await;
                Ok(Woken::TimedOut)
            }
        }
    }

    async fn close(&mut self) {
        self.watch = None;
    }
}

/// Runs work on files where it does not hold up the rest of the program.
async fn blocking<R: Send + 'static>(work: impl FnOnce() -> std::io::Result<R> + Send + 'static) -> std::io::Result<R> {
    tokio::task::spawn_blocking(work).await.map_err(std::io::Error::other)?
}
