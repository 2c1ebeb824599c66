//! The time of day, as something that is handed in.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};

/// A clock that runs with the system's, shifted by a constant: a test or the demo moves the shift,
/// the service leaves it at zero. Clones share the shift.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    shift_milliseconds: Arc<AtomicI64>,
}

impl Clock {
    /// A clock that shows `now` at this moment and goes on from there.
    pub fn starting_at(now: Timestamp) -> Clock {
        let clock = Clock::default();
        clock.advance(now.duration_since(Timestamp::now()));
        clock
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        let shift = SignedDuration::from_millis(self.shift_milliseconds.load(Ordering::SeqCst));
        Timestamp::now().saturating_add(shift).unwrap_or(Timestamp::MAX)
    }

    /// Sets the clock forward (or back) by `by`.
    pub fn advance(&self, by: SignedDuration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.shift_milliseconds.fetch_add(by, Ordering::SeqCst);
    }
}
