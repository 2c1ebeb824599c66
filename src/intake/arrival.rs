//! One mail on its way into the store: what is known of it once it is fetched, and what it says.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::runtime::Handle;

use crate::desk::mail::{Mail, TooLarge};
use crate::desk::message::{self, Message};
use crate::desk::reading::Reading;
use crate::desk::thread::{self, Keys};
use crate::desk::trust::{Sender, Verification};
use crate::failpoint::{self, Point};
use crate::mailbox::{Fetched, Listed};
use crate::office::Office;

/// The reason of a mail that defeats the desk.
pub(super) const UNDECIDED: &str = "cannot-be-decided";

/// The reason of a mail whose reading takes too long.
const TOO_LONG: &str = "takes-too-long";

/// The reason of a mail at whose reading the program ended again and again.
const ENDS_THE_PROGRAM: &str = "ends-the-program";

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

/// Why a mail was not read.
#[derive(Debug)]
pub(super) struct Unread {
    /// The reason under which it is parked.
    pub(super) reason: &'static str,
    /// More, for the log.
    pub(super) why: String,
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

    /// Reads it; `place` says where it lies, `junk` whether the server takes it for junk. A mail that breaks the
    /// reader off, takes too long, or has ended the program before, gives the reason to park it.
    pub(super) fn read(self, office: &Arc<Office>, place: String, junk: bool) -> (Known, Result<Box<Read>, Unread>) {
        let known = self.known.clone();
        let Some(_attempt) = office.attempts.begin(&known.content_hash) else {
            return (known, Err(Unread::ends_the_program()));
        };
        failpoint::reach(Point::Reading);
        let read = catch_unwind(AssertUnwindSafe(|| self.try_read(office, place, junk)));
        (known, read.unwrap_or_else(|_| Err(Unread::broken_off())))
    }

    fn try_read(self, office: &Arc<Office>, place: String, junk: bool) -> Result<Box<Read>, Unread> {
        let Arrival { known, raw, too_large, .. } = self;
        let (raw, message, reading) = read_in_time(office, raw)?;
        let verification = verification(office, &message, &raw, too_large.is_some());
        for unread in &reading.unread {
            let reason = unread.problem.name();
            tracing::warn!(uid = known.listed.uid.0, reason, "an attachment was not read as a whole");
        }
        let (uid, rule, language) = (known.listed.uid.0, &*reading.verdict.rule, reading.language.code());
        tracing::trace!(uid, rule, language, bytes = raw.len(), files = reading.texts.len(), "a mail was read");
        office.metrics.kind(&reading.verdict.kind);
        let (content_hash, internal_date) = (known.content_hash, known.listed.internal_date);
        let mail = Mail { message, raw, content_hash, internal_date, place, junk, too_large, verification };
        let keys = thread::keys(&mail, &reading, &office.site);
        Ok(Box::new(Read { mail, reading, keys }))
    }
}

impl Unread {
    fn ends_the_program() -> Unread {
        Unread { reason: ENDS_THE_PROGRAM, why: "the program ended each time that it read the mail".to_string() }
    }

    fn broken_off() -> Unread {
        Unread { reason: UNDECIDED, why: "the program broke off".to_string() }
    }
}

/// Reads a mail, in a thread of its own: what takes too long is left to itself, and ends by itself.
fn read_in_time(office: &Arc<Office>, raw: Vec<u8>) -> Result<(Vec<u8>, Message, Reading), Unread> {
    let (tell, told) = mpsc::channel();
    let reader = Arc::clone(office);
    let limit = Duration::try_from(office.site.limits.time).unwrap_or(Duration::MAX);
    let read = move || {
        let message = Message::read(&raw, &reader.site.limits);
        let contents = reader.reader.read(&message);
        let reading = Reading::of(&message, &contents, &reader.site);
        // Nobody listens any more where it took too long.
        let _ = tell.send((raw, message, reading));
    };
    let started = std::thread::Builder::new().name("reading".to_string()).spawn(read);
    started.map_err(|error| Unread { reason: UNDECIDED, why: error.to_string() })?;
    told.recv_timeout(limit).map_err(|error| match error {
        RecvTimeoutError::Timeout => {
            Unread { reason: TOO_LONG, why: "reading the mail took longer than limits.time".to_string() }
        }
        RecvTimeoutError::Disconnected => Unread::broken_off(),
    })
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
