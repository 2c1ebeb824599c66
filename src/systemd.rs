//! What the service manager is told (sd_notify(3)): ready, reloading, stopping, a line of status, and
//! the beats of the loops as food for its watchdog.
//!
//! Without a manager (no `NOTIFY_SOCKET`) nothing is told, and nothing else changes.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sd_notify::NotifyState;

use crate::pulse::Beat;

/// A start that makes progress may take this much longer from each sign of it on.
const START_EXTENDED_BY: Duration = Duration::from_secs(120);

/// Signs of progress are passed on no more often than this.
const SIGN_OF_PROGRESS_EVERY: Duration = Duration::from_secs(10);

/// The service manager that started this process, if one did.
#[derive(Debug)]
pub struct Manager {
    /// How often the watchdog wants to be fed; `None` where it sleeps.
    feed_every: Option<Duration>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    is_ready: bool,
    last_fed: Option<Instant>,
    last_progress: Option<Instant>,
}

impl Manager {
    /// Reads what the manager put into the environment.
    pub fn from_environment() -> Manager {
        // sd_watchdog_enabled(3): every half of the limit is enough; a fourth leaves room for one beat
        // that comes late.
        let feed_every = sd_notify::watchdog_enabled().map(|limit| limit / 4);
        Manager { feed_every, state: Mutex::default() }
    }

    /// The service does its work from now on. Said again, it changes nothing.
    pub fn ready(&self) {
        self.state().is_ready = true;
        tell(&[NotifyState::Ready]);
    }

    /// Whether [`Manager::ready`] was said.
    pub fn is_ready(&self) -> bool {
        self.state().is_ready
    }

    /// The configuration is being read again; [`Manager::ready`] ends that. From systemd 253 on the
    /// message has to carry the time.
    pub fn reloading(&self) {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => tell(&[NotifyState::Reloading, now]),
            Err(_) => tell(&[NotifyState::Reloading]),
        }
    }

    /// The service is about to end.
    pub fn stopping(&self) {
        tell(&[NotifyState::Stopping]);
    }

    /// A line for `systemctl status`.
    pub fn status(&self, line: &str) {
        tell(&[NotifyState::Status(line)]);
    }

    /// A loop has beaten, and none has broken its promise: feeds the watchdog where it is time, and
    /// asks for patience with a start that is still at work.
    pub fn beat(&self, beat: Beat, now: Instant) {
        let (feed, extend) = {
            let mut state = self.state();
            let feed = self.feed_every.is_some_and(|every| is_time(&mut state.last_fed, now, every));
            let extend =
                beat == Beat::Work && !state.is_ready && is_time(&mut state.last_progress, now, SIGN_OF_PROGRESS_EVERY);
            (feed, extend)
        };
        if feed {
            tell(&[NotifyState::Watchdog]);
        }
        if extend {
            let microseconds = u32::try_from(START_EXTENDED_BY.as_micros()).unwrap_or(u32::MAX);
            tell(&[NotifyState::ExtendTimeoutUsec(microseconds)]);
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether so much time has passed since the last time; if so, this is the last time.
fn is_time(last: &mut Option<Instant>, now: Instant, every: Duration) -> bool {
    let due = last.is_none_or(|last| now.saturating_duration_since(last) >= every);
    if due {
        *last = Some(now);
    }
    due
}

fn tell(states: &[NotifyState]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(error = error.to_string(), "the service manager could not be told");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_often_than_that() {
        let began = Instant::now();
        let mut last = None;
        let due =
            [0, 5, 9, 10, 12, 20].map(|s| is_time(&mut last, began + Duration::from_secs(s), Duration::from_secs(10)));
        assert_eq!(due, [true, false, false, true, false, true]);
    }
}
