//! How far long work has come: on a terminal one line that is written anew, else an event of the log now and
//! then. Work that is done soon tells nothing.

use std::cell::Cell;
use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

/// How often the line on a terminal is written.
const SHOWN_EVERY: Duration = Duration::from_millis(200);

/// How often an event is logged, and after which time the first; more often where somebody looks on.
const LOGGED_EVERY: Duration = Duration::from_secs(10);
const LOGGED_ON_TERMINAL_EVERY: Duration = Duration::from_secs(2);

/// Long work under way.
pub struct Progress {
    work: &'static str,
    on_terminal: bool,
    every: Duration,
    last: Cell<Instant>,
    was_shown: Cell<bool>,
}

impl Progress {
    /// The work of a command.
    pub fn of_command(work: &'static str) -> Progress {
        let on_terminal = stderr().is_terminal();
        Progress::new(work, on_terminal, if on_terminal { SHOWN_EVERY } else { LOGGED_EVERY })
    }

    /// The work of the service, whose words are its log, on a terminal, too.
    pub fn of_service(work: &'static str) -> Progress {
        let every = if stderr().is_terminal() { LOGGED_ON_TERMINAL_EVERY } else { LOGGED_EVERY };
        Progress::new(work, false, every)
    }

    fn new(work: &'static str, on_terminal: bool, every: Duration) -> Progress {
        Progress { work, on_terminal, every, last: Cell::new(Instant::now()), was_shown: Cell::new(false) }
    }

    /// So much of all is done; `all` is 0 where nobody knows.
    pub fn at(&self, done: u64, all: u64) {
        if self.last.get().elapsed() < self.every {
            return;
        }
        self.last.set(Instant::now());
        self.was_shown.set(true);
        if self.on_terminal {
            let _ = write!(stderr(), "\r{}", line(self.work, done, all));
            let _ = stderr().flush();
        } else {
            tracing::info!(work = self.work, done, all, "long work goes on");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.on_terminal && self.was_shown.get() {
            let _ = writeln!(stderr());
        }
    }
}

/// The line, wide enough to cover the one before.
fn line(work: &str, done: u64, all: u64) -> String {
    let line = match all {
        0 => format!("{work}: {done}"),
        _ => format!("{work}: {done} of {all}, {} %", done.saturating_mul(100) / all),
    };
    format!("{line:<60}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_much_is_done() {
        assert_eq!(line("copying", 3, 12).trim_end(), "copying: 3 of 12, 25 %");
        assert_eq!(line("rows of the list read", 4000, 0).trim_end(), "rows of the list read: 4000");
        assert_eq!(line("copying", 3, 12).len(), line("copying", 12, 12).len());
    }
}
