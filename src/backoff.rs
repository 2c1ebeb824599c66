//! How long to wait before the next try.

use std::time::Duration;

/// Waits that double from the first to the longest, each shortened at random by up to a half so
/// that those who failed together do not come back together.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    tries: u32,
}

impl Backoff {
    /// Waits between `first` and `longest`.
    pub fn new(first: Duration, longest: Duration) -> Backoff {
        Backoff { first, longest, tries: 0 }
    }

    /// The next wait.
    pub fn next_wait(&mut self) -> Duration {
        let wait = full_wait(self.first, self.longest, self.tries);
        self.tries = self.tries.saturating_add(1);
        wait.mul_f64(0.5 + fastrand::f64() / 2.0)
    }

    /// The next wait is the first again.
    pub fn reset(&mut self) {
        self.tries = 0;
    }
}

/// The wait after so many tries, before chance shortens it.
pub fn full_wait(first: Duration, longest: Duration, tries: u32) -> Duration {
    first.saturating_mul(2u32.saturating_pow(tries)).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let seconds = |tries| full_wait(Duration::from_secs(1), Duration::from_secs(300), tries).as_secs();
        assert_eq!([0, 1, 2, 8, 9, 1000].map(seconds), [1, 2, 4, 256, 300, 300]);
    }

    #[test]
    fn chance_takes_at_most_half() {
        let mut backoff = Backoff::new(Duration::from_secs(8), Duration::from_secs(60));
        let waits: Vec<Duration> = (0..20).map(|_| backoff.next_wait()).collect();
        assert!(waits[0] >= Duration::from_secs(4) && waits[0] <= Duration::from_secs(8));
        assert!(waits[10..].iter().all(|wait| *wait >= Duration::from_secs(30) && *wait <= Duration::from_secs(60)));
        backoff.reset();
        assert!(backoff.next_wait() <= Duration::from_secs(8));
    }
}
