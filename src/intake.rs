//! The loop that watches one folder: fetch, keep, decide, commit, and only then file.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::backoff::Backoff;
use crate::config::Start;
use crate::desk::decide::{self, Disposition, Effect, Mail, TooLarge};
use crate::desk::message::{self, Message};
use crate::desk::reading::Reading;
use crate::desk::reply;
use crate::desk::thread;
use crate::desk::trust::{Sender, Verification};
use crate::failpoint::{self, Point};
use crate::mailbox::{Extent, Fetched, Filing, Folder, Listed, Uid};
use crate::office::Office;
use crate::store::{self, BEFORE_THE_DESK, JournalEntry, OpenedFolder};

/// After this many passes in which the server refused to hand a mail out, it is parked.
const MOST_REFUSALS: u32 = 3;

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
    /// Larger mails are read by their header alone. Bytes.
    pub max_message_size: u64,
}

/// The loop over one folder.
pub struct Intake<F> {
    office: Arc<Office>,
    watched: Watched,
    folder: F,
    refusals: HashMap<Uid, u32>,
}

impl<F: Folder> Intake<F> {
    /// A loop that has not begun.
    pub fn new(office: Arc<Office>, watched: Watched, folder: F) -> Intake<F> {
        Intake { office, watched, folder, refusals: HashMap::new() }
    }

    /// Watches until `stop` says so. `seen` is told after each full pass.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>, seen: impl Fn() + Send) {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(300));
        let mut reachable = true;
        while !*stop.borrow() {
            let pass = tokio::select! {
                pass = self.pass_and_wait(&seen) => pass,
                _ = stop.changed() => break,
            };
            let Watched { mailbox, folder, .. } = &self.watched;
            match pass {
                Ok(()) => {
                    if !std::mem::replace(&mut reachable, true) {
                        tracing::info!(mailbox, folder, "the mailbox answers again");
                    }
                    backoff.reset();
                }
                Err(error) => {
                    let wait = backoff.next_wait();
                    if std::mem::replace(&mut reachable, false) {
                        tracing::warn!(
                            mailbox,
                            folder,
                            error = format!("{error:#}"),
                            "the mailbox does not answer; trying again until it does"
                        );
                    } else {
                        tracing::debug!(
                            mailbox,
                            folder,
                            error = format!("{error:#}"),
                            seconds = wait.as_secs(),
                            "still no answer"
                        );
                    }
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
        seen();
        self.folder.wait(self.watched.poll_interval).await?;
        Ok(())
    }

    /// Walks the folder once: files what was decided before, and decides what is new. Returns how
    /// many mails were decided.
    ///
    /// # Errors
    /// The mailbox or the store failed; nothing is lost, the next pass goes on.
    pub async fn pass(&mut self) -> anyhow::Result<usize> {
        let opened = self.open().await?;
        self.file_what_is_left(opened).await?;
        let listed = self.folder.list(opened.cursor).await?;
        let mut last = listed.last().map(|mail| mail.uid);
        let undecided = self.office.write(move |_, store| store.undecided(&opened, listed)).await?;
        let mut done = 0;
        for listed in undecided {
            let uid = listed.uid;
            if self.take(opened, listed).await? {
                done += 1;
            } else {
                // The cursor stays below the first mail that is still to be had.
                last = last.map(|last| last.min(Uid(uid.0.saturating_sub(1))));
            }
        }
        self.read_old_headers(opened).await?;
        self.office.write(move |office, store| store.walked(&opened, last, office.now())).await?;
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
            self.file(opened, uid).await?;
        }
        Ok(())
    }

    async fn file(&mut self, opened: OpenedFolder, uid: Uid) -> anyhow::Result<()> {
        self.folder.file(uid, &self.watched.filing).await.context("cannot file a mail")?;
        failpoint::reach(Point::Filed);
        self.office.write(move |office, store| store.filed(&opened, uid, office.now())).await
    }

    /// Decides one mail. False where it could not be had this time.
    async fn take(&mut self, opened: OpenedFolder, listed: Listed) -> anyhow::Result<bool> {
        let began = std::time::Instant::now();
        let uid = listed.uid;
        let extent = Extent::Whole { limit: self.watched.max_message_size };
        let fetched = match self.folder.fetch(uid, extent).await? {
            // Somebody took it away between the list and the fetch.
            Fetched::Gone => return Ok(true),
            Fetched::Refused(words) if !self.refused_for_good(uid) => {
                tracing::warn!(
                    uid = uid.0,
                    words,
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
            self.office.write(move |office, store| store.filed(&opened, uid, office.now())).await?;
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

/// One mail on its way into the store.
struct Arrival {
    watched: Watched,
    opened: OpenedFolder,
    listed: Listed,
}

impl Arrival {
    /// Keeps the bytes, then decides and commits. A mail that defeats the desk parks itself.
    fn settle(&self, office: &Office, fetched: Fetched) -> anyhow::Result<(Disposition, String)> {
        let (raw, too_large, refused) = match fetched {
            Fetched::Bytes(raw) => (raw, None, None),
            Fetched::TooLarge { header, structure } => {
                (header, Some(TooLarge { size: self.listed.size, structure }), None)
            }
            Fetched::Refused(words) => (Vec::new(), None, Some(words)),
            Fetched::Gone => (Vec::new(), None, Some("gone".to_string())),
        };
        let header_hash = message::header_hash(&raw);
        if let Some(words) = refused {
            tracing::error!(
                uid = self.listed.uid.0,
                words,
                "the server never handed a mail out; it is parked and stays where it is"
            );
            return self.note(office, header_hash, None, Disposition::Parked, "the-server-refuses-it");
        }
        if office.write_now(|store| store.was_before_the_desk(&header_hash))? {
            return self.note(office, header_hash, None, Disposition::Noted, BEFORE_THE_DESK);
        }
        let content_hash = message::content_hash(&raw);
        office.write_now(|store| store.keep(&content_hash, &raw, office.now()))?;
        failpoint::reach(Point::Kept);
        let decide = || self.decide(office, &raw, content_hash, header_hash, too_large);
        let decided = std::panic::catch_unwind(std::panic::AssertUnwindSafe(decide));
        match decided {
            Ok(Ok(decided)) => Ok(decided),
            Ok(Err(error)) if store::is_at_fault(&error) => Err(error),
            Ok(Err(error)) => self.give_up(office, content_hash, header_hash, &format!("{error:#}")),
            Err(_) => self.give_up(office, content_hash, header_hash, "the program broke off"),
        }
    }

    fn decide(
        &self,
        office: &Office,
        raw: &[u8],
        content_hash: [u8; 32],
        header_hash: [u8; 32],
        too_large: Option<TooLarge>,
    ) -> anyhow::Result<(Disposition, String)> {
        let site = &office.site;
        let message = Message::parse(raw);
        let verification = verification(office, &message, raw, too_large.is_some());
        let mail = Mail {
            message,
            raw: raw.to_vec(),
            content_hash,
            internal_date: self.listed.internal_date,
            place: self.place(),
            too_large,
            verification,
        };
        let contents = office.reader.read(&mail.message);
        let reading = Reading::of(&mail.message, &contents, site);
        let keys = thread::keys(&mail, &reading, site);
        office.write_now(|store| {
            let now = office.now();
            let facts = store.facts(&keys, now, site.calendar.year(now))?;
            let decision = decide::decide(&mail, &reading, &keys, &facts, site, now);
            store.apply(&decision.effects, Some(&content_hash), now)?;
            let sender = decision.sender.map(|sender| sender.to_string());
            let entry = JournalEntry {
                folder: &self.opened,
                listed: &self.listed,
                content_hash: Some(content_hash),
                header_hash: Some(header_hash),
                sender: sender.as_deref(),
            };
            store.journal(&entry, &decision.disposition, &decision.reason, now)?;
            failpoint::reach(Point::Decided);
            office.ring(&decision.effects);
            Ok((decision.disposition, decision.reason))
        })
    }

    /// Parks a mail that the desk could not decide. Where even that fails the store is at fault,
    /// and the mail is tried again.
    fn give_up(
        &self,
        office: &Office,
        content_hash: [u8; 32],
        header_hash: [u8; 32],
        reason: &str,
    ) -> anyhow::Result<(Disposition, String)> {
        let parked = self.note(office, header_hash, Some(content_hash), Disposition::Parked, "cannot-be-decided")?;
        tracing::error!(uid = self.listed.uid.0, reason, "a mail could not be decided; it is parked with its bytes");
        Ok(parked)
    }

    /// Records a mail without deciding it. What is parked this way is told to the engineers.
    fn note(
        &self,
        office: &Office,
        header_hash: [u8; 32],
        content_hash: Option<[u8; 32]>,
        disposition: Disposition,
        reason: &str,
    ) -> anyhow::Result<(Disposition, String)> {
        office.write_now(|store| {
            let now = office.now();
            let entry = JournalEntry {
                folder: &self.opened,
                listed: &self.listed,
                content_hash,
                header_hash: Some(header_hash),
                sender: None,
            };
            store.journal(&entry, &disposition, reason, now)?;
            if disposition == Disposition::Parked {
                let effects = self.alerts(office, header_hash, reason, now);
                store.apply(&effects, None, now)?;
                office.ring(&effects);
            }
            Ok((disposition, reason.to_string()))
        })
    }

    fn alerts(&self, office: &Office, header_hash: [u8; 32], reason: &str, now: Timestamp) -> Vec<Effect> {
        let mail = Mail {
            message: Message::default(),
            raw: Vec::new(),
            content_hash: header_hash,
            internal_date: self.listed.internal_date,
            place: self.place(),
            too_large: None,
            verification: None,
        };
        let engineers = office.site.active_engineers();
        engineers
            .map(|engineer| Effect::from(reply::parked(&office.site, &mail, reason, None, engineer, now)))
            .collect()
    }

    fn place(&self) -> String {
        format!("{} {} UID {}", self.watched.mailbox, self.watched.folder, self.listed.uid.0)
    }
}

/// What the program itself verifies of a mail, where the border host's word does not do. A mail of
/// which only the header was fetched cannot be verified: signatures cover the body.
fn verification(office: &Office, message: &Message, raw: &[u8], header_alone: bool) -> Option<Verification> {
    let verifier = office.verifier.as_ref().filter(|_| !header_alone)?;
    if Sender::of(message, None, &office.site).is_none_or(|sender| sender.proof.is_proven()) {
        return None;
    }
    // This thread may block, and is one of the runtime's.
    Some(Handle::current().block_on(verifier.verify(raw)))
}
