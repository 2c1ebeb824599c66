//! Whether the loops are alive: each promises, at every step, when it will be heard of again at the
//! latest. A loop that hangs breaks its promise, and then nobody feeds the watchdog any more.
//!
//! There is no thread of its own that beats: a beat is a step of a loop, so that a process whose loops
//! all stand still is a silent one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What a loop does between two beats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beat {
    /// It works: a step is done and another begins.
    Work,
    /// It waits for time or for a mailbox.
    Wait,
}

/// What hears the beats while every promise is kept.
type Listener = Box<dyn Fn(Beat) + Send + Sync>;

/// The loops that run, each with its promise.
#[derive(Default)]
pub struct Pulse {
    promises: Mutex<Promises>,
    listener: Mutex<Option<Listener>>,
}

#[derive(Default)]
struct Promises {
    next: u64,
    loops: BTreeMap<u64, Promise>,
}

struct Promise {
    name: String,
    until: Instant,
}

impl Pulse {
    /// Registers a loop, which promises a beat within that time. Its promise ends with the returned
    /// value.
    pub fn heart(self: &Arc<Self>, name: impl Into<String>, within: Duration) -> Heart {
        let mut promises = self.promises();
        let id = promises.next;
        promises.next += 1;
        promises.loops.insert(id, Promise { name: name.into(), until: Instant::now() + within });
        Heart { pulse: Arc::clone(self), id }
    }

    /// Calls `listener` at each beat, as long as no loop has broken its promise.
    pub fn listen(&self, listener: impl Fn(Beat) + Send + Sync + 'static) {
        *self.listener.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(listener));
    }

    /// The loops that should have been heard of before this moment.
    pub fn broken(&self, now: Instant) -> Vec<String> {
        let promises = self.promises();
        let broken = promises.loops.values().filter(|promise| promise.until < now);
        broken.map(|promise| promise.name.clone()).collect()
    }

    /// How many loops run.
    pub fn loops(&self) -> usize {
        self.promises().loops.len()
    }

    fn beat(&self, id: u64, beat: Beat, now: Instant, within: Duration) {
        if let Some(promise) = self.promises().loops.get_mut(&id) {
            promise.until = now + within;
        }
        if self.broken(now).is_empty()
            && let Some(listener) = &*self.listener.lock().unwrap_or_else(PoisonError::into_inner)
        {
            listener(beat);
        }
    }

    fn promises(&self) -> std::sync::MutexGuard<'_, Promises> {
        self.promises.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A loop's hold on its promise.
pub struct Heart {
    pulse: Arc<Pulse>,
    id: u64,
}

impl Heart {
    /// A step is done; the next ends within that time.
    pub fn works(&self, within: Duration) {
        self.pulse.beat(self.id, Beat::Work, Instant::now(), within);
    }

    /// The loop waits; it is heard of again within that time.
    pub fn waits(&self, within: Duration) {
        self.pulse.beat(self.id, Beat::Wait, Instant::now(), within);
    }
}

impl Drop for Heart {
    fn drop(&mut self) {
        self.pulse.promises().loops.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn one_broken_promise_silences_all() {
        let pulse = Arc::new(Pulse::default());
        let heard = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&heard);
        pulse.listen(move |_| {
            counter.fetch_add(1, Ordering::SeqCst);
        });
        let (quick, slow) = (pulse.heart("quick", MINUTE), pulse.heart("slow", 10 * MINUTE));
        let began = Instant::now() + Duration::from_secs(1);
        let beat = |heart: &Heart, minutes: u32| pulse.beat(heart.id, Beat::Work, began + minutes * MINUTE, MINUTE);
        beat(&quick, 0);
        assert_eq!((heard.load(Ordering::SeqCst), pulse.loops()), (1, 2));
        // The slow loop has promised ten minutes and is silent for longer.
        for minute in 1..=11 {
            beat(&quick, minute);
        }
        assert_eq!(pulse.broken(began + 11 * MINUTE), ["slow"]);
        assert_eq!(heard.load(Ordering::SeqCst), 10, "the beats of minutes ten and eleven are not heard");
        beat(&slow, 11);
        assert_eq!(heard.load(Ordering::SeqCst), 11, "the slow loop is back");
    }

    #[test]
    fn a_loop_that_has_ended_owes_nothing() {
        let pulse = Arc::new(Pulse::default());
        drop(pulse.heart("ended", Duration::ZERO));
        assert_eq!((pulse.broken(Instant::now() + MINUTE), pulse.loops()), (Vec::new(), 0));
    }
}
