//! The loop that watches one folder: fetch, keep, decide, commit, and only then file.

mod arrival;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::watch;

use self::arrival::Arrival;
use crate::access_token;
use crate::backoff::Backoff;
use crate::config::Start;
use crate::desk::message;
use crate::failpoint::{self, Point};
use crate::imap;
use crate::log;
use crate::mailbox::{Extent, Fetched, Filing, Folder, Listed, Uid};
use crate::office::Office;
use crate::outage::Part;
use crate::progress::Progress;
use crate::pulse::Heart;
use crate::store::OpenedFolder;

/// After this many passes in which the server refused to hand a mail out, it is parked.
const MOST_REFUSALS: u32 = 3;

/// How often all mails of a folder are compared with the journal, and not only the new ones.
const ACCOUNT_EVERY: Duration = Duration::from_secs(3600);

/// The longest step between two beats: one command to the server takes at most ten minutes, and each
/// mail is decided in a fraction of the rest.
const STEP: Duration = Duration::from_secs(15 * 60);

/// What is watched, and how.
#[derive(Clone, Debug)]
pub struct Watched {
    /// The mailbox's name in the configuration.
    pub mailbox: String,
    /// The folder's name; empty for a Maildir.
    pub folder: String,
    /// Which of the mails that are there at the very first opening count as new.
    pub start: Start,
    /// How often to look even when nothing is announced.
    pub poll_interval: Duration,
    /// What becomes of a mail once it is committed.
    pub filing: Filing,
    /// Whether the mail server puts there what it takes for junk.
    pub junk: bool,
    /// Larger mails are read by their header alone. Bytes.
    pub max_message_size: u64,
}

/// The loop over one folder.
pub struct Intake<F> {
    office: Arc<Office>,
    watched: Watched,
    folder: F,
    refusals: HashMap<Uid, u32>,
    heart: Heart,
    accounted: Option<std::time::Instant>,
}

impl<F: Folder> Intake<F> {
    /// A loop that has not begun.
    pub fn new(office: Arc<Office>, watched: Watched, folder: F) -> Intake<F> {
        let heart = office.pulse.heart(format!("intake {} {}", watched.mailbox, watched.folder), STEP);
        Intake { office, watched, folder, refusals: HashMap::new(), heart, accounted: None }
    }

    /// Watches until `stop` says so. `seen` is told after each full pass.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>, seen: impl Fn() + Send) {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(300));
        while !*stop.borrow() {
            let pass = tokio::select! {
                pass = self.pass_and_wait(&seen) => pass,
                _ = stop.changed() => break,
            };
            let Watched { mailbox, folder, .. } = &self.watched;
            match pass {
                Ok(()) => backoff.reset(),
                Err(error) => {
                    let wait = backoff.next_wait();
                    let (reason, now) = (log::error(&error), self.office.now());
                    let part = Part::mailbox(mailbox, folder);
                    if self.office.outages.failed(part, reason.clone(), wants_a_person(&error), now) {
                        tracing::warn!(
                            mailbox,
                            folder,
                            error = reason,
                            "the mailbox does not answer; trying again until it does"
                        );
                    } else {
                        tracing::debug!(mailbox, folder, error = reason, seconds = wait.as_secs(), "still no answer");
                    }
                    self.heart.waits(wait + STEP);
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        _ = stop.changed() => break,
                    }
                }
            }
        }
        self.folder.close().await;
    }

    /// Walks the folder once and signs off.
    ///
    /// # Errors
    /// As [`Intake::pass`].
    pub async fn once(&mut self) -> anyhow::Result<usize> {
        let done = self.pass().await;
        self.folder.close().await;
        done
    }

    async fn pass_and_wait(&mut self, seen: &impl Fn()) -> anyhow::Result<()> {
        self.pass().await?;
        let Watched { mailbox, folder, .. } = &self.watched;
        if let Some(ended) = self.office.outages.works(&Part::mailbox(mailbox, folder)) {
            let seconds = self.office.now().duration_since(ended.since).as_secs();
            tracing::info!(mailbox, folder, seconds, "the mailbox answers again");
        }
        seen();
        self.heart.waits(self.watched.poll_interval + STEP);
        self.folder.wait(self.watched.poll_interval).await?;
        Ok(())
    }

    /// Walks the folder once: files what was decided before, and decides what is new. Returns how
    /// many mails were decided.
    ///
    /// # Errors
    /// The mailbox or the store failed; nothing is lost, the next pass goes on.
    pub async fn pass(&mut self) -> anyhow::Result<usize> {
        self.heart.works(STEP);
        let opened = self.open().await?;
        self.file_what_is_left(opened).await?;
        self.heart.works(STEP);
        let listed = self.folder.list(opened.cursor).await?;
        let mut last = listed.last().map(|mail| mail.uid);
        let undecided = self.office.write(move |_, store| store.undecided(&opened, listed)).await?;
        let mut done = 0;
        let (progress, all) = (Progress::of_service("mails of a folder"), undecided.len() as u64);
        for listed in undecided {
            self.heart.works(STEP);
            progress.at(done as u64, all);
            let uid = listed.uid;
            if self.take(opened, listed).await? {
                done += 1;
            } else {
                // The cursor stays below the first mail that is still to be had.
                last = last.map(|last| last.min(Uid(uid.0.saturating_sub(1))));
            }
        }
        self.read_old_headers(opened).await?;
        done += self.account(opened).await?;
        self.office.write(move |office, store| store.walked(&opened, last, office.now())).await?;
        Ok(done)
    }

    /// Compares all mails of the folder with the journal, now and then, and takes those that have no
    /// disposition: none should be left, and what a restored backup does not know is below the cursor.
    async fn account(&mut self, opened: OpenedFolder) -> anyhow::Result<usize> {
        // A Maildir is listed as a whole at every pass.
        let is_maildir = self.watched.folder.is_empty();
        if is_maildir || self.accounted.is_some_and(|at| at.elapsed() < ACCOUNT_EVERY) {
            return Ok(0);
        }
        self.heart.works(STEP);
        let mut listed = self.folder.list(Uid(0)).await?;
        // What is above the cursor may have come just now.
        listed.retain(|mail| mail.uid <= opened.cursor);
        let missed = self.office.write(move |_, store| store.undecided(&opened, listed)).await?;
        let mut done = 0;
        for listed in &missed {
            self.heart.works(STEP);
            done += usize::from(self.take(opened, listed.clone()).await?);
        }
        let Watched { mailbox, folder, .. } = &self.watched;
        let gap = missed.len() - done;
        self.office.metrics.gap(mailbox, folder, gap);
        if !missed.is_empty() {
            tracing::warn!(mailbox, folder, taken = done, gap, "mails had no disposition; they were taken in now");
        }
        self.accounted = Some(std::time::Instant::now());
        Ok(done)
    }

    async fn open(&mut self) -> anyhow::Result<OpenedFolder> {
        let epoch = self.folder.open().await?;
        let Watched { mailbox, folder, start, .. } = self.watched.clone();
        let opened = {
            let (mailbox, folder) = (mailbox.clone(), folder.clone());
            self.office.write(move |_, store| store.open_folder(&mailbox, &folder, epoch)).await?
        };
        if let Some(opened) = opened {
            if opened.walks_again {
                tracing::warn!(mailbox, folder, "the folder was made anew (UIDVALIDITY changed): walking all of it");
            }
            return Ok(opened);
        }
        let listed = self.folder.list(Uid(0)).await?;
        let old: Vec<Listed> = listed.into_iter().filter(|mail| start.leaves_out(mail.internal_date)).collect();
        tracing::info!(
            mailbox,
            folder,
            noted = old.len(),
            "first opening: what was there before is noted and left alone"
        );
        self.office.write(move |office, store| store.first_opening(&mailbox, &folder, epoch, &old, office.now())).await
    }

    /// Reads the headers of the mails from before the desk, so that they are known again should
    /// the folder be made anew. Customers' mails go first.
    async fn read_old_headers(&mut self, opened: OpenedFolder) -> anyhow::Result<()> {
        let unread = self.office.write(move |_, store| store.unread_headers(&opened)).await?;
        for uid in unread {
            self.heart.works(STEP);
            let hash = match self.folder.fetch(uid, Extent::Header).await? {
                Fetched::Bytes(header) => message::header_hash(&header),
                // Gone or refused: not asked for again, and never found again.
                _ => [0; 32],
            };
            self.office.write(move |_, store| store.header_read(&opened, uid, &hash)).await?;
        }
        Ok(())
    }

    async fn file_what_is_left(&mut self, opened: OpenedFolder) -> anyhow::Result<()> {
        let unfiled = self.office.write(move |_, store| store.unfiled(&opened)).await?;
        for uid in unfiled {
            self.heart.works(STEP);
            self.file(opened, uid).await?;
        }
        Ok(())
    }

    async fn file(&mut self, opened: OpenedFolder, uid: Uid) -> anyhow::Result<()> {
        self.folder.file(uid, &self.watched.filing).await.context("cannot file a mail")?;
        failpoint::reach(Point::Filed);
        let moved = matches!(self.watched.filing, Filing::Move(_));
        self.office.write(move |office, store| store.filed(&opened, uid, moved, office.now())).await
    }

    /// Decides one mail. False where it could not be had this time.
    async fn take(&mut self, opened: OpenedFolder, listed: Listed) -> anyhow::Result<bool> {
        let began = std::time::Instant::now();
        let (seen_at, internal_date) = (self.office.now(), listed.internal_date);
        let uid = listed.uid;
        let extent = Extent::Whole { limit: self.watched.max_message_size };
        let fetched = match self.folder.fetch(uid, extent).await? {
            // Somebody took it away between the list and the fetch.
            Fetched::Gone => return Ok(true),
            Fetched::Refused(words) if !self.refused_for_good(uid) => {
                tracing::warn!(
                    uid = uid.0,
                    words = log::words(words),
                    "the server does not hand a mail out; trying again at the next pass"
                );
                return Ok(false);
            }
            fetched => fetched,
        };
        failpoint::reach(Point::Fetched);
        let arrival = Arrival { watched: self.watched.clone(), opened, listed };
        let stays = matches!(fetched, Fetched::TooLarge { .. } | Fetched::Refused(_));
        let office = Arc::clone(&self.office);
        let settled = tokio::task::spawn_blocking(move || arrival.settle(&office, fetched));
        let (disposition, reason) = settled.await.context("deciding a mail broke off")??;
        failpoint::reach(Point::Committed);
        let milliseconds = began.elapsed().as_millis() as u64;
        let arrival_to_seen = seen_at.duration_since(internal_date).as_secs_f64();
        self.office.metrics.mail(disposition.name(), &reason, arrival_to_seen, began.elapsed().as_secs_f64());
        let ticket = disposition.ticket().map(|number| number.to_string());
        let Watched { mailbox, folder, .. } = &self.watched;
        tracing::info!(
            mailbox,
            folder,
            uid = uid.0,
            disposition = disposition.name(),
            ticket,
            reason,
            milliseconds,
            "mail decided"
        );
        if stays {
            self.office.write(move |office, store| store.filed(&opened, uid, false, office.now())).await?;
        } else {
            self.file(opened, uid).await?;
        }
        Ok(true)
    }

    fn refused_for_good(&mut self, uid: Uid) -> bool {
        let refusals = self.refusals.entry(uid).or_default();
        *refusals += 1;
        *refusals >= MOST_REFUSALS
    }
}

/// Whether a failure will not pass by itself.
fn wants_a_person(error: &anyhow::Error) -> bool {
    imap::Error::is_refused_sign_in(error) || error.is::<access_token::Refused>()
}
