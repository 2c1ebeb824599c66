//! Mails on their way into the store together, for a commit waits for the disk however much it holds: a
//! single mail has its own at once, and many that wait share one. Their bytes are kept in a first
//! transaction, before anything is parsed; they are read on every processor; and they are decided one after
//! another in a second transaction, each so that its failure parks it alone.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::anyhow;
use jiff::Timestamp;
use tokio::runtime::Handle;

use super::Watched;
use super::arrival::{Arrival, Known, Read, UNDECIDED, Unread};
use crate::desk::decide;
use crate::desk::decision::{Disposition, Effect};
use crate::desk::mail::Mail;
use crate::desk::message::Message;
use crate::desk::parked::Cause;
use crate::desk::reply;
use crate::failpoint::{self, Point};
use crate::log;
use crate::office::Office;
use crate::store::{self, BEFORE_THE_DESK, JournalEntry, OpenedFolder, Packed, Work};

/// What was read by then is committed: a mail whose attachments take long does not hold the others up.
const READING: Duration = Duration::from_secs(1);

/// Mails of one folder that were fetched together.
pub(super) struct Group {
    watched: Watched,
    opened: OpenedFolder,
    mails: VecDeque<Arrival>,
    is_kept: bool,
}

/// A mail whose decision is committed.
pub(super) struct Settled {
    pub(super) known: Known,
    pub(super) disposition: Disposition,
    pub(super) reason: String,
}

impl Group {
    pub(super) fn new(watched: Watched, opened: OpenedFolder, mails: Vec<Arrival>) -> Group {
        Group { watched, opened, mails: mails.into(), is_kept: false }
    }

    /// Whether all are decided.
    pub(super) fn is_empty(&self) -> bool {
        self.mails.is_empty()
    }

    /// Decides the mails, or as many as can be read in a while; gives the rest back. A mail that defeats
    /// the desk parks itself.
    ///
    /// # Errors
    /// The store failed: none of them is decided, and all come again.
    pub(super) fn settle(mut self, office: &Arc<Office>) -> anyhow::Result<(Vec<Settled>, Group)> {
        let mut settled = if self.is_kept { Vec::new() } else { self.keep(office)? };
        let read = self.read(office);
        settled.extend(self.decide(office, &read)?);
        settled.iter().for_each(|_| failpoint::reach(Point::Committed));
        Ok((settled, self))
    }

    /// Keeps the bytes of all, and takes out those that need no reading.
    fn keep(&mut self, office: &Office) -> anyhow::Result<Vec<Settled>> {
        let packed: Vec<Packed> =
            self.mails.iter().map(|mail| Packed::new(&mail.raw)).collect::<anyhow::Result<_>>()?;
        let settled = office.write_now(|store| {
            let mut settled = Vec::new();
            for (mail, packed) in self.mails.iter().zip(&packed) {
                if let Some(words) = &mail.refused {
                    let words = log::words(words);
                    let uid = mail.known.listed.uid.0;
                    tracing::error!(
                        uid,
                        words,
                        "the server never handed a mail out; it is parked and stays where it is"
                    );
                    settled.extend(self.park(office, store, &mail.known, false, "the-server-refuses-it")?);
                } else if store.was_before_the_desk(&mail.known.header_hash)? {
                    settled.extend(self.note(
                        store,
                        &mail.known,
                        None,
                        Disposition::Noted,
                        BEFORE_THE_DESK,
                        office.now(),
                    )?);
                } else {
                    store.keep(&mail.known.content_hash, packed, office.now())?;
                }
            }
            Ok(settled)
        })?;
        drop(packed);
        self.mails.retain(|mail| settled.iter().all(|settled| settled.known.listed.uid != mail.known.listed.uid));
        self.mails.iter().for_each(|_| failpoint::reach(Point::Kept));
        self.is_kept = true;
        Ok(settled)
    }

    /// Reads the first mails: all, or those that are begun within [`READING`]; at least one.
    fn read(&mut self, office: &Arc<Office>) -> Vec<(Known, Result<Box<Read>, Unread>)> {
        let until = Instant::now() + READING;
        let others =
            std::thread::available_parallelism().map_or(1, usize::from).min(self.mails.len()).saturating_sub(1);
        let mails = Mutex::new((0, std::mem::take(&mut self.mails)));
        let group = &*self;
        let next = || {
            let mut mails = mails.lock().unwrap_or_else(PoisonError::into_inner);
            let is_time_over = mails.0 > 0 && Instant::now() >= until;
            let mail = if is_time_over { None } else { mails.1.pop_front() };
            mails.0 += usize::from(mail.is_some());
            mail.map(|mail| (mails.0, mail))
        };
        let runtime = Handle::current();
        let work = || {
            let _known = runtime.enter();
            let mut read = Vec::new();
            while let Some((at, mail)) = next() {
                let place = group.place(&mail.known);
                read.push((at, mail.read(office, place, group.watched.junk)));
            }
            read
        };
        let mut read = std::thread::scope(|scope| {
            let others: Vec<_> = (0..others).map(|_| scope.spawn(work)).collect();
            let mut read = work();
            read.extend(others.into_iter().flat_map(|other| other.join().unwrap_or_default()));
            read
        });
        self.mails = mails.into_inner().unwrap_or_else(PoisonError::into_inner).1;
        read.sort_by_key(|(at, _)| *at);
        read.into_iter().map(|(_, read)| read).collect()
    }

    /// Decides what was read, the earliest first, in one transaction.
    fn decide(&self, office: &Office, read: &[(Known, Result<Box<Read>, Unread>)]) -> anyhow::Result<Vec<Settled>> {
        office.write_now(|store| {
            let mut settled = Vec::new();
            for (known, read) in read {
                // A loop that was left while it was at work may have been faster.
                if store.is_decided(&self.opened, known.listed.uid)? {
                    continue;
                }
                let decided = match read {
                    Ok(read) => {
                        store.apart(|| self.decide_one(office, store, known, read)).map_err(|error| (UNDECIDED, error))
                    }
                    Err(Unread { reason, why }) => Err((*reason, anyhow!("{why}"))),
                };
                match decided {
                    Ok(decided) => settled.push(decided),
                    Err((_, error)) if store::is_at_fault(&error) => return Err(error),
                    Err((parked_for, error)) => {
                        let reason = log::error(&error);
                        settled.extend(self.park(office, store, known, true, parked_for)?);
                        let uid = known.listed.uid.0;
                        tracing::error!(uid, reason, "a mail could not be decided; it is parked with its bytes");
                    }
                }
                failpoint::reach(Point::Decided);
            }
            Ok(settled)
        })
    }

    fn decide_one(&self, office: &Office, store: &Work, known: &Known, read: &Read) -> anyhow::Result<Settled> {
        let decide = || {
            let (site, now) = (&office.site, office.now());
            let Read { mail, reading, keys } = read;
            let facts = store.facts(keys, now, site.calendar.year(now))?;
            let decision = decide::decide(mail, reading, keys, &facts, site, now);
            tracing::trace!(
                uid = known.listed.uid.0,
                answer = decision.answer.0,
                by = decision.answer.1,
                "a mail is decided"
            );
            store.apply(&decision.effects, Some(&known.content_hash), now)?;
            let sender = decision.sender.map(|sender| sender.to_string());
            let entry = JournalEntry {
                folder: &self.opened,
                listed: &known.listed,
                content_hash: Some(known.content_hash),
                header_hash: Some(known.header_hash),
                sender: sender.as_deref(),
            };
            store.journal(&entry, &decision.disposition, &decision.reason, now)?;
            office.ring(&decision.effects);
            Ok(Settled { known: known.clone(), disposition: decision.disposition, reason: decision.reason })
        };
        catch_unwind(AssertUnwindSafe(decide)).unwrap_or_else(|_| Err(anyhow!("the program broke off")))
    }

    /// Parks a mail and tells the engineers; nothing where it has a disposition already.
    fn park(
        &self,
        office: &Office,
        store: &Work,
        known: &Known,
        is_kept: bool,
        reason: &str,
    ) -> anyhow::Result<Option<Settled>> {
        let now = office.now();
        let content_hash = is_kept.then_some(known.content_hash);
        let parked = self.note(store, known, content_hash, Disposition::Parked, reason, now)?;
        if parked.is_some() {
            let effects = self.alerts(office, known, reason, now);
            store.apply(&effects, content_hash.as_ref(), now)?;
            office.ring(&effects);
        }
        Ok(parked)
    }

    /// Records a mail without deciding it; nothing where it has a disposition already.
    fn note(
        &self,
        store: &Work,
        known: &Known,
        content_hash: Option<[u8; 32]>,
        disposition: Disposition,
        reason: &str,
        now: Timestamp,
    ) -> anyhow::Result<Option<Settled>> {
        if store.is_decided(&self.opened, known.listed.uid)? {
            return Ok(None);
        }
        let header_hash = Some(known.header_hash);
        let entry =
            JournalEntry { folder: &self.opened, listed: &known.listed, content_hash, header_hash, sender: None };
        store.journal(&entry, &disposition, reason, now)?;
        Ok(Some(Settled { known: known.clone(), disposition, reason: reason.to_string() }))
    }

    fn alerts(&self, office: &Office, known: &Known, reason: &str, now: Timestamp) -> Vec<Effect> {
        let mail = Mail {
            message: Message::default(),
            raw: Vec::new(),
            content_hash: known.header_hash,
            internal_date: known.listed.internal_date,
            place: self.place(known),
            junk: false,
            too_large: None,
            verification: None,
        };
        let engineers = office.site.active_engineers();
        let alerts =
            engineers.map(|engineer| Effect::from(reply::parked(&office.site, &mail, reason, None, engineer, now)));
        let waits = decide::parked(&mail, Cause::of(reason), reason, None, &office.site, now);
        alerts.chain([Effect::Park(waits)]).collect()
    }

    /// Where a mail lies, for people.
    fn place(&self, known: &Known) -> String {
        let Watched { mailbox, folder, .. } = &self.watched;
        // A Maildir has no folder's name.
        let folder = if folder.is_empty() { String::new() } else { format!(" {folder}") };
        format!("{mailbox}{folder} UID {}", known.listed.uid.0)
    }
}
