//! One mail on its way into the store: its bytes are kept, then it is decided and committed.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::runtime::Handle;

use super::Watched;
use crate::desk::decide::{self};
use crate::desk::decision::{Disposition, Effect};
use crate::desk::mail::{Mail, TooLarge};
use crate::desk::message::{self, Message};
use crate::desk::parked::Cause;
use crate::desk::reading::Reading;
use crate::desk::reply;
use crate::desk::thread;
use crate::desk::trust::{Sender, Verification};
use crate::failpoint::{self, Point};
use crate::log;
use crate::mailbox::{Fetched, Listed};
use crate::office::Office;
use crate::store::{self, BEFORE_THE_DESK, JournalEntry, OpenedFolder};

/// The reason of a mail that defeats the desk.
const UNDECIDED: &str = "cannot-be-decided";

/// The reason of a mail whose reading takes too long.
const TOO_LONG: &str = "takes-too-long";

/// The reading of a mail took longer than the site allows.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("reading the mail took longer than limits.time")]
struct TooLong;

/// One mail on its way into the store.
pub(super) struct Arrival {
    pub(super) watched: Watched,
    pub(super) opened: OpenedFolder,
    pub(super) listed: Listed,
}

impl Arrival {
    /// Keeps the bytes, then decides and commits. A mail that defeats the desk parks itself.
    pub(super) fn settle(&self, office: &Arc<Office>, fetched: Fetched) -> anyhow::Result<(Disposition, String)> {
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
                words = log::words(words),
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
            Ok(Err(error)) if error.is::<TooLong>() => {
                self.give_up(office, content_hash, header_hash, TOO_LONG, &log::error(&error))
            }
            Ok(Err(error)) => self.give_up(office, content_hash, header_hash, UNDECIDED, &log::error(&error)),
            Err(_) => self.give_up(office, content_hash, header_hash, UNDECIDED, "the program broke off"),
        }
    }

    fn decide(
        &self,
        office: &Arc<Office>,
        raw: &[u8],
        content_hash: [u8; 32],
        header_hash: [u8; 32],
        too_large: Option<TooLarge>,
    ) -> anyhow::Result<(Disposition, String)> {
        let site = &office.site;
        let (message, reading) = read(office, raw)?;
        let verification = verification(office, &message, raw, too_large.is_some());
        let mail = Mail {
            message,
            raw: raw.to_vec(),
            content_hash,
            internal_date: self.listed.internal_date,
            place: self.place(),
            junk: self.watched.junk,
            too_large,
            verification,
        };
        for unread in &reading.unread {
            let reason = unread.problem.name();
            tracing::warn!(uid = self.listed.uid.0, reason, "an attachment was not read as a whole");
        }
        office.metrics.kind(&reading.verdict.kind);
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
        cause: &str,
        reason: &str,
    ) -> anyhow::Result<(Disposition, String)> {
        let parked = self.note(office, header_hash, Some(content_hash), Disposition::Parked, cause)?;
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
                store.apply(&effects, content_hash.as_ref(), now)?;
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

    fn place(&self) -> String {
        format!("{} {} UID {}", self.watched.mailbox, self.watched.folder, self.listed.uid.0)
    }
}

/// Reads a mail, in a thread of its own: what takes too long is left to itself, and ends by itself.
fn read(office: &Arc<Office>, raw: &[u8]) -> anyhow::Result<(Message, Reading)> {
    let (tell, told) = mpsc::channel();
    let (reader, raw) = (Arc::clone(office), raw.to_vec());
    let limit = Duration::try_from(office.site.limits.time).unwrap_or(Duration::MAX);
    std::thread::Builder::new().name("reading".to_string()).spawn(move || {
        let message = Message::read(&raw, &reader.site.limits);
        let contents = reader.reader.read(&message);
        let reading = Reading::of(&message, &contents, &reader.site);
        // Nobody listens any more where it took too long.
        let _ = tell.send((message, reading));
    })?;
    told.recv_timeout(limit).map_err(|error| match error {
        RecvTimeoutError::Timeout => TooLong.into(),
        RecvTimeoutError::Disconnected => anyhow::anyhow!("the program broke off"),
    })
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
