//! The loop that watches one folder: fetch, keep, decide, commit, and only then file.

mod arrival;
mod group;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::watch;

use self::arrival::Arrival;
use self::group::{Group, Settled};
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
use crate::store::{OpenedFolder, Work};

/// After this many passes in which the server refused to hand a mail out, it is parked.
const MOST_REFUSALS: u32 = 3;

/// So much is fetched at a time, and committed together: mails, and bytes as the server tells their sizes.
const MOST_TOGETHER: usize = 64;
const MOST_BYTES_TOGETHER: u64 = 4 << 20;

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
        let Taken { decided, missing } = self.take(opened, undecided).await?;
        let left = missing.len();
        if let Some(first) = missing.iter().min() {
            // The cursor stays below the first mail that is still to be had.
            last = last.map(|last| last.min(Uid(first.0.saturating_sub(1))));
        }
        let mut done = decided;
        self.read_old_headers(opened).await?;
        done += self.account(opened, left).await?;
        self.office.write(move |office, store| store.walked(&opened, last, office.now())).await?;
        Ok(done)
    }

    /// Compares all mails of the folder with the journal, now and then, and takes those that have no
    /// disposition: none should be left, and what a restored backup does not know is below the cursor. `left` is
    /// how many the pass at hand could not have.
    async fn account(&mut self, opened: OpenedFolder, left: usize) -> anyhow::Result<usize> {
        // A Maildir is listed as a whole at every pass.
        if self.watched.folder.is_empty() {
            self.office.metrics.gap(&self.watched.mailbox, &self.watched.folder, left);
            return Ok(0);
        }
        if self.accounted.is_some_and(|at| at.elapsed() < ACCOUNT_EVERY) {
            return Ok(0);
        }
        self.heart.works(STEP);
        let mut listed = self.folder.list(Uid(0)).await?;
        // What is above the cursor may have come just now.
        listed.retain(|mail| mail.uid <= opened.cursor);
        let missed = self.office.write(move |_, store| store.undecided(&opened, listed)).await?;
        let found = missed.len();
        let Taken { decided, missing } = self.take(opened, missed).await?;
        let Watched { mailbox, folder, .. } = &self.watched;
        self.office.metrics.gap(mailbox, folder, missing.len());
        if found > 0 {
            let gap = missing.len();
            tracing::warn!(mailbox, folder, taken = decided, gap, "mails had no disposition; they were taken in now");
        }
        self.accounted = Some(std::time::Instant::now());
        Ok(decided)
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
        for some in unread.chunks(MOST_TOGETHER) {
            self.heart.works(STEP);
            let fetched = self.folder.fetch_all(some, Extent::Header).await?;
            let hash = |fetched| match fetched {
                Fetched::Bytes(header) => message::header_hash(&header),
                // Gone or refused: not asked for again, and never found again.
                _ => [0; 32],
            };
            let read: Vec<_> = fetched.into_iter().map(|(uid, fetched)| (uid, hash(fetched))).collect();
            let note = move |_: &Office, store: &Work| {
                read.iter().try_for_each(|(uid, hash)| store.header_read(&opened, *uid, hash))
            };
            self.office.write(note).await?;
        }
        Ok(())
    }

    async fn file_what_is_left(&mut self, opened: OpenedFolder) -> anyhow::Result<()> {
        let unfiled = self.office.write(move |_, store| store.unfiled(&opened)).await?;
        for some in unfiled.chunks(MOST_TOGETHER) {
            self.heart.works(STEP);
            self.file(opened, some.to_vec()).await?;
        }
        Ok(())
    }

    /// Files mails on the server, then records it.
    async fn file(&mut self, opened: OpenedFolder, uids: Vec<Uid>) -> anyhow::Result<()> {
        self.folder.file_all(&uids, &self.watched.filing).await.context("cannot file mails")?;
        uids.iter().for_each(|_| failpoint::reach(Point::Filed));
        let moved = matches!(self.watched.filing, Filing::Move(_));
        self.office
            .write(move |office, store| uids.iter().try_for_each(|uid| store.filed(&opened, *uid, moved, office.now())))
            .await
    }

    /// Decides these mails, the oldest first. Those that wait together share a commit, and while some are
    /// decided the next are fetched.
    async fn take(&mut self, opened: OpenedFolder, mails: Vec<Listed>) -> anyhow::Result<Taken> {
        let (progress, all) = (Progress::of_service("mails of a folder"), mails.len() as u64);
        let mut waiting = VecDeque::from(mails);
        let mut taken = Taken::default();
        let mut next = self.fetch_some(opened, &mut waiting, &mut taken).await?;
        while !next.is_empty() {
            progress.at(taken.decided as u64, all);
            let settling = settle(Arc::clone(&self.office), next);
            let (settled, fetched) = tokio::join!(settling, self.fetch_some(opened, &mut waiting, &mut taken));
            let (mut settled, mut rest) = settled?;
            loop {
                taken.decided += settled.len();
                self.finish(opened, settled).await?;
                if rest.is_empty() {
                    break;
                }
                self.heart.works(STEP);
                (settled, rest) = settle(Arc::clone(&self.office), rest).await?;
            }
            next = fetched?;
        }
        Ok(taken)
    }

    /// Fetches the mails that wait: one large one, or as many small ones as go together.
    async fn fetch_some(
        &mut self,
        opened: OpenedFolder,
        waiting: &mut VecDeque<Listed>,
        taken: &mut Taken,
    ) -> anyhow::Result<Group> {
        let mut arrived = Vec::new();
        while arrived.is_empty() && !waiting.is_empty() {
            self.heart.works(STEP);
            let (began, seen_at) = (std::time::Instant::now(), self.office.now());
            let some = together(waiting);
            let uids: Vec<Uid> = some.iter().map(|mail| mail.uid).collect();
            let extent = Extent::Whole { limit: self.watched.max_message_size };
            let fetched = self.folder.fetch_all(&uids, extent).await?;
            for (listed, (uid, fetched)) in some.into_iter().zip(fetched) {
                if let Fetched::Refused(words) = &fetched
                    && !self.refused_for_good(uid)
                {
                    let words = log::words(words);
                    let uid = uid.0;
                    tracing::warn!(uid, words, "the server does not hand a mail out; trying again at the next pass");
                    taken.missing.push(listed.uid);
                    continue;
                }
                failpoint::reach(Point::Fetched);
                arrived.extend(Arrival::new(listed, fetched, seen_at, began));
            }
        }
        Ok(Group::new(self.watched.clone(), opened, arrived))
    }

    /// Tells what became of mails, and files them.
    async fn finish(&mut self, opened: OpenedFolder, settled: Vec<Settled>) -> anyhow::Result<()> {
        let Watched { mailbox, folder, .. } = &self.watched;
        for Settled { known, disposition, reason } in &settled {
            let took = known.began.elapsed();
            let arrival_to_seen = known.seen_at.duration_since(known.listed.internal_date).as_secs_f64();
            self.office.metrics.mail(disposition.name(), reason, arrival_to_seen, took.as_secs_f64());
            tracing::info!(
                mailbox,
                folder,
                uid = known.listed.uid.0,
                disposition = disposition.name(),
                ticket = disposition.ticket().map(|number| number.to_string()),
                reason,
                milliseconds = took.as_millis() as u64,
                "mail decided"
            );
        }
        let (stay, go): (Vec<_>, Vec<_>) = settled.iter().map(|settled| &settled.known).partition(|known| known.stays);
        let stay: Vec<Uid> = stay.iter().map(|known| known.listed.uid).collect();
        let go: Vec<Uid> = go.iter().map(|known| known.listed.uid).collect();
        if !stay.is_empty() {
            let note = move |office: &Office, store: &Work| {
                stay.iter().try_for_each(|uid| store.filed(&opened, *uid, false, office.now()))
            };
            self.office.write(note).await?;
        }
        if !go.is_empty() {
            self.file(opened, go).await?;
        }
        Ok(())
    }

    fn refused_for_good(&mut self, uid: Uid) -> bool {
        let refusals = self.refusals.entry(uid).or_default();
        *refusals += 1;
        *refusals >= MOST_REFUSALS
    }
}

/// What became of mails that were to be decided.
#[derive(Default)]
struct Taken {
    decided: usize,
    /// Those that the server did not hand out this time.
    missing: Vec<Uid>,
}

/// Decides a group, or as much of it as can be read in a while, on a thread that may block.
async fn settle(office: Arc<Office>, group: Group) -> anyhow::Result<(Vec<Settled>, Group)> {
    let settling = tokio::task::spawn_blocking(move || group.settle(&office));
    settling.await.context("deciding mails broke off")?
}

/// Takes the mails out that go together, at least one.
fn together(waiting: &mut VecDeque<Listed>) -> Vec<Listed> {
    let mut bytes = 0;
    let fits = waiting.iter().take(MOST_TOGETHER).take_while(|mail| {
        bytes += mail.size;
        bytes <= MOST_BYTES_TOGETHER
    });
    let count = fits.count().max(1).min(waiting.len());
    waiting.drain(..count).collect()
}

/// Whether a failure will not pass by itself.
fn wants_a_person(error: &anyhow::Error) -> bool {
    imap::Error::is_refused_sign_in(error) || error.is::<access_token::Refused>()
}
