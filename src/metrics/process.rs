//! What the system says of this process (proc(5)), under the names that every exporter uses.

use std::fs;

use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

/// The unit of times in `/proc/self/stat`, USER_HZ: a hundred a second on every Linux that Debian
/// builds (time(7)).
const TICKS_PER_SECOND: f64 = 100.0;

/// The size of a page on the machines that Debian builds for servers. Bytes.
const PAGE: u64 = 4096;

/// The figures of a process; zero where the system does not say.
#[derive(Clone, Copy, Debug, Default)]
pub struct Process {
    /// Processor time, of user and system. Seconds.
    pub cpu_seconds: f64,
    /// Memory that is held. Bytes.
    pub resident_bytes: u64,
    /// Files and sockets that are open.
    pub open_files: u64,
    /// The most that may be.
    pub most_files: u64,
    /// Threads.
    pub threads: u64,
    /// When it began, in seconds since 1970.
    pub started_at: f64,
}

impl Process {
    /// This process.
    pub fn own() -> Process {
        let read = |name| fs::read_to_string(name).unwrap_or_default();
        let boot = read("/proc/stat").lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse::<f64>().ok());
        let most_files = read("/proc/self/limits");
        let most_files =
            most_files.lines().find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next());
        Process {
            open_files: fs::read_dir("/proc/self/fd").map_or(0, |files| files.count() as u64),
            most_files: most_files.and_then(|limit| limit.parse().ok()).unwrap_or_default(),
            ..Process::of(&read("/proc/self/stat"), boot.unwrap_or_default())
        }
    }

    /// Reads a line of `/proc/PID/stat`. The fields are numbered from 1 in proc(5); the second holds the
    /// name in parentheses, which may have spaces.
    fn of(stat: &str, boot: f64) -> Process {
        let after_name: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
        let field = |number: usize| {
            after_name.get(number.saturating_sub(3)).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0)
        };
        let seconds = |ticks: u64| ticks as f64 / TICKS_PER_SECOND;
        Process {
            cpu_seconds: seconds(field(14) + field(15)),
            threads: field(20),
            started_at: boot + seconds(field(22)),
            resident_bytes: field(24) * PAGE,
            ..Process::default()
        }
    }

    /// Puts the figures into a registry.
    pub(super) fn register(self, registry: &mut Registry) {
        registry.register("cpu_seconds", "Processor time", ConstCounter::new(self.cpu_seconds));
        let gauges = [
            ("resident_memory_bytes", "Memory that is held", self.resident_bytes as f64),
            ("open_fds", "Files and sockets that are open", self.open_files as f64),
            ("max_fds", "The most that may be open", self.most_files as f64),
            ("threads", "Threads", self.threads as f64),
            ("start_time_seconds", "When it began, since 1970", self.started_at),
        ];
        for (name, help, value) in gauges {
            registry.register(name, help, ConstGauge::new(value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_stat() {
        let line =
            "74 (hezo intake) x) S 1 74 74 0 -1 4194560 2000 0 0 0 150 50 0 0 20 0 5 0 3000 90000000 2500 184467";
        let process = Process::of(line, 1000.0);
        assert_eq!((process.cpu_seconds, process.threads, process.started_at), (2.0, 5, 1030.0));
        assert_eq!(process.resident_bytes, 2500 * PAGE);
        assert_eq!(Process::of("nonsense", 0.0).threads, 0);
    }

    #[test]
    fn this_process_is_seen() {
        let own = Process::own();
        assert!(own.resident_bytes > 0 && own.open_files > 0 && own.most_files > 0 && own.started_at > 1.0, "{own:?}");
    }
}
