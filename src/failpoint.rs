//! Points between two steps at which a test lets the program die, as a power cut would: by SIGKILL,
//! with nothing flushed and nobody told. A build without debug assertions has none of them.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Names the point and how often it is passed before: `kept:3` dies when the third mail was kept.
pub const VARIABLE: &str = "HEZO_INTAKE_DIE_AT";

/// What was just done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// A mail was fetched.
    Fetched,
    /// The bytes of a mail were committed.
    Kept,
    /// A mail is about to be read.
    Reading,
    /// A mail was decided, and its effects are not committed.
    Decided,
    /// Its effects are committed.
    Committed,
    /// The server has filed a mail, and that is not recorded.
    Filed,
    /// Mails of the outbox are marked as being sent.
    Picked,
    /// The SMTP server has said yes to DATA.
    Data,
    /// The SMTP server has taken a mail, and that is not recorded: the one place where a mail can be
    /// sent twice.
    Accepted,
    /// That is recorded.
    Marked,
    /// A rung was fired, and its effects are not committed.
    Fired,
}

impl Point {
    /// All of them, in the order of a mail's way.
    pub const ALL: [Point; 11] = [
        Point::Fetched,
        Point::Kept,
        Point::Reading,
        Point::Decided,
        Point::Committed,
        Point::Filed,
        Point::Picked,
        Point::Data,
        Point::Accepted,
        Point::Marked,
        Point::Fired,
    ];

    /// The name in [`VARIABLE`].
    pub fn name(self) -> &'static str {
        match self {
            Point::Fetched => "fetched",
            Point::Kept => "kept",
            Point::Reading => "reading",
            Point::Decided => "decided",
            Point::Committed => "committed",
            Point::Filed => "filed",
            Point::Picked => "picked",
            Point::Data => "data",
            Point::Accepted => "accepted",
            Point::Marked => "marked",
            Point::Fired => "fired",
        }
    }
}

/// The program has come to this point. Where a test wants it, it goes no further.
pub fn reach(point: Point) {
    if cfg!(debug_assertions) {
        static WANTED: OnceLock<Option<(String, AtomicU32)>> = OnceLock::new();
        let Some((name, left)) = WANTED.get_or_init(wanted) else { return };
        if name == point.name() && left.fetch_sub(1, Ordering::Relaxed) == 1 {
            let itself = rustix::process::getpid();
            // Nothing sensible could follow where a process may not end itself.
            let _ = rustix::process::kill_process(itself, rustix::process::Signal::KILL);
        }
    }
}

fn wanted() -> Option<(String, AtomicU32)> {
    let text = std::env::var(VARIABLE).ok()?;
    let (name, count) = text.split_once(':')?;
    Some((name.to_string(), AtomicU32::new(count.parse().ok()?)))
}
