//! Says when something has happened in `new/` or `cur/`.

use std::path::Path;
use std::time::Duration;

use futures::StreamExt;
use inotify::{EventStream, Inotify, WatchMask};
use tokio::time::{Instant, timeout};

use crate::mailbox::Woken;

/// A hint is given once nothing has happened for so long: a burst of deliveries is one hint, and a
/// file that is copied straight into `new/`, which Maildir forbids and people do, is whole by then.
const QUIET: Duration = Duration::from_millis(30);

/// The longest that a burst can put a hint off.
const LONGEST_BURST: Duration = Duration::from_secs(1);

/// A watch on a Maildir.
#[derive(Debug)]
pub(super) struct Watch {
    events: EventStream<Vec<u8>>,
}

impl Watch {
    /// Watches from now on.
    pub(super) fn new(maildir: &Path) -> std::io::Result<Watch> {
        let inotify = Inotify::init()?;
        // Delivered by rename, by link, or written in place.
        let arrivals = WatchMask::MOVED_TO | WatchMask::CREATE | WatchMask::CLOSE_WRITE | WatchMask::ONLYDIR;
        for folder in ["new", "cur"] {
            inotify.watches().add(maildir.join(folder), arrivals)?;
        }
        Ok(Watch { events: inotify.into_event_stream(vec![0; 4096])? })
    }

    /// Waits for an event, at most `at_most`.
    pub(super) async fn wait(&mut self, at_most: Duration) -> std::io::Result<Woken> {
        match timeout(at_most, self.events.next()).await {
            Err(_) => return Ok(Woken::TimedOut),
            Ok(Some(event)) => event?,
            Ok(None) => return Err(std::io::ErrorKind::UnexpectedEof.into()),
        };
        let burst_ends = Instant::now() + LONGEST_BURST;
        while Instant::now() < burst_ends {
            match timeout(QUIET, self.events.next()).await {
                Ok(Some(event)) => event?,
                Ok(None) | Err(_) => break,
            };
        }
        Ok(Woken::Hint)
    }
}
