//! One mail on its way into the store: what is known of it once it is fetched, and what it says.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use jiff::Timestamp;
use tokio::runtime::Handle;

use crate::desk::mail::{Mail, TooLarge};
use crate::desk::message::{self, Message};
use crate::desk::reading::Reading;
use crate::desk::thread::{self, Keys};
use crate::desk::trust::{Sender, Verification};
use crate::mailbox::{Fetched, Listed};
use crate::office::Office;

/// By what a mail is known again.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) listed: Listed,
    pub(super) content_hash: [u8; 32],
    pub(super) header_hash: [u8; 32],
    /// When the folder showed it first, and when it began to be fetched.
    pub(super) seen_at: Timestamp,
    pub(super) began: Instant,
    /// It is not filed: the server never handed it out as a whole.
    pub(super) stays: bool,
}

/// A mail that was fetched.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) known: Known,
    /// Its bytes: the header section alone where it is too large, nothing where it was refused.
    pub(super) raw: Vec<u8>,
    pub(super) too_large: Option<TooLarge>,
    /// The words with which the server refuses it for good.
    pub(super) refused: Option<String>,
}

/// A mail that was read: all it says, and what is to be asked about it.
pub(super) struct Read {
    pub(super) mail: Mail,
    pub(super) reading: Reading,
    pub(super) keys: Keys,
}

impl Arrival {
    /// What was fetched; `None` where somebody took it away between the list and the fetch.
    pub(super) fn new(listed: Listed, fetched: Fetched, seen_at: Timestamp, began: Instant) -> Option<Arrival> {
        let stays = matches!(fetched, Fetched::TooLarge { .. } | Fetched::Refused(_));
        let (raw, too_large, refused) = match fetched {
            Fetched::Bytes(raw) => (raw, None, None),
            Fetched::TooLarge { header, structure } => (header, Some(TooLarge { size: listed.size, structure }), None),
            Fetched::Refused(words) => (Vec::new(), None, Some(words)),
            Fetched::Gone => return None,
        };
        let (content_hash, header_hash) = (message::content_hash(&raw), message::header_hash(&raw));
        let known = Known { listed, content_hash, header_hash, seen_at, began, stays };
        Some(Arrival { known, raw, too_large, refused })
    }

    /// Reads it. A mail that breaks the reader off gives the reason to park it.
    pub(super) fn read(self, office: &Office, place: String) -> (Known, Result<Box<Read>, String>) {
        let known = self.known.clone();
        let read = catch_unwind(AssertUnwindSafe(|| Box::new(self.try_read(office, place))));
        (known, read.map_err(|_| "the program broke off".to_string()))
    }

    fn try_read(self, office: &Office, place: String) -> Read {
        let Arrival { known, raw, too_large, .. } = self;
        let message = Message::parse(&raw);
        let verification = verification(office, &message, &raw, too_large.is_some());
        let contents = office.reader.read(&message);
        let reading = Reading::of(&message, &contents, &office.site);
        for unread in &reading.unread {
            let reason = unread.problem.name();
            tracing::warn!(uid = known.listed.uid.0, reason, "an attachment was not read as a whole");
        }
        office.metrics.kind(&reading.verdict.kind);
        let (content_hash, internal_date) = (known.content_hash, known.listed.internal_date);
        let mail = Mail { message, raw, content_hash, internal_date, place, too_large, verification };
        let keys = thread::keys(&mail, &reading, &office.site);
        Read { mail, reading, keys }
    }
}

/// What the program itself verifies of a mail, where the border host's word does not do. A mail of
/// which only the header was fetched cannot be verified: signatures cover the body.
fn verification(office: &Office, message: &Message, raw: &[u8], header_alone: bool) -> Option<Verification> {
    let verifier = office.verifier.as_ref().filter(|_| !header_alone)?;
    if Sender::of(message, None, &office.site).is_none_or(|sender| sender.proof.is_proven()) {
        return None;
    }
    // This thread may block, and knows the runtime.
    Some(Handle::current().block_on(verifier.verify(raw)))
}
