//! The health pages and `status`: the built program, asked over HTTP.

use crate::story;

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::story::Desk;
use prometheus_parse::{Scrape, Value};
use regex::Regex;

const FAULT: &str = "From: Jan <jan@fabryka.example>\nTo: pomoc@myhezo.example\nSubject: Macierz\n\nNie działa.\n";

/// How long the program may take for one step; more than any step takes.
const PATIENCE: Duration = Duration::from_secs(60);

struct Service<'a> {
    desk: &'a Desk,
    child: Child,
}

impl<'a> Service<'a> {
    fn start(desk: &'a Desk, now: &str) -> Service<'a> {
        let child = Command::new(env!("CARGO_BIN_EXE_hezo-intake"))
            .args(["run", "--now", &story::moment(now).to_string(), "--config"])
            .arg(desk.dir().join("settings.toml"))
            .env_remove("RUST_LOG")
            .stderr(fs::File::create(desk.dir().join("log")).expect("a log"))
            .stdout(Stdio::null())
            .spawn()
            .expect("the program");
        Service { desk, child }
    }

    /// Status and body of a page.
    fn get(&self, path: &str) -> Option<(u16, String)> {
        let mut stream = UnixStream::connect(self.desk.dir().join("health.sock")).ok()?;
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some((head.split(' ').nth(1)?.parse().ok()?, body.to_string()))
    }

    fn wait_for(&self, path: &str, status: u16) -> String {
        let began = Instant::now();
        loop {
            let answer = self.get(path);
            if let Some((found, body)) = &answer
                && *found == status
            {
                return body.clone();
            }
            assert!(began.elapsed() < PATIENCE, "{path} is {answer:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn scrape(&self) -> Scrape {
        let text = self.wait_for("/metrics", 200);
        assert!(text.ends_with("# EOF\n") && text.matches("# EOF").count() == 1, "{text}");
        Scrape::parse(text.lines().map(|line| Ok(line.to_string()))).expect("Prometheus's text format")
    }
}

impl Drop for Service<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The value of a figure with these labels.
#[track_caller]
fn value(scrape: &Scrape, name: &str, labels: &[(&str, &str)]) -> f64 {
    let fits = |sample: &&prometheus_parse::Sample| {
        sample.metric == name && labels.iter().all(|(label, wanted)| sample.labels.get(label) == Some(*wanted))
    };
    let found: Vec<_> = scrape.samples.iter().filter(fits).collect();
    let [sample] = found.as_slice() else { panic!("{name} {labels:?}: {found:?} of {:?}", scrape.samples) };
    match &sample.value {
        Value::Counter(value) | Value::Gauge(value) | Value::Untyped(value) => *value,
        Value::Histogram(counts) => counts.last().expect("a range").count,
        Value::Summary(_) => panic!("{name} is a summary"),
    }
}

fn desk() -> Desk {
    Desk::with("", "\n[health]\nlisten = \"unix:{dir}/health.sock\"\n")
}

#[test]
fn a_scrape_says_where_the_desk_stands() {
    let desk = desk();
    desk.receive("2026-11-23 09:00", FAULT);
    desk.receive("2026-11-23 09:01", &format!("Auto-Submitted: auto-replied\n{FAULT}"));
    let service = Service::start(&desk, "2026-11-23 09:05");
    assert_eq!(service.wait_for("/readyz", 200), "ok\n");
    assert_eq!(service.wait_for("/healthz", 200), "ok\n");
    let began = Instant::now();
    let scrape = loop {
        let scrape = service.scrape();
        if scrape.samples.iter().any(|sample| sample.metric == "hezo_intake_acknowledgement_age_seconds") {
            break scrape;
        }
        assert!(began.elapsed() < PATIENCE, "nothing is acknowledged");
        std::thread::sleep(Duration::from_millis(50));
    };
    let mailbox = [("mailbox", "support"), ("folder", "")];
    let tickets = value(&scrape, "hezo_intake_tickets_open", &[]);
    assert!(tickets >= 1.0);
    assert!(value(&scrape, "hezo_intake_full_pass_age_seconds", &mailbox) < 60.0);
    assert!(value(&scrape, "hezo_intake_acknowledgement_age_seconds", &[]) < 60.0);
    assert_eq!(value(&scrape, "hezo_intake_clocks", &[("kind", "reaction"), ("state", "open")]), tickets);
    assert_eq!(value(&scrape, "hezo_intake_clocks", &[("kind", "reaction"), ("state", "breached")]), 0.0);
    assert_eq!(value(&scrape, "hezo_intake_outbox", &[("state", "failed")]), 0.0);
    let decided: f64 = scrape
        .samples
        .iter()
        .filter(|sample| sample.metric == "hezo_intake_mails_total")
        .map(|sample| match sample.value {
            Value::Counter(count) | Value::Untyped(count) => count,
            _ => panic!("{sample:?}"),
        })
        .sum();
    assert_eq!(decided, 2.0, "two mails were decided");
    assert_eq!(value(&scrape, "hezo_intake_mails_by_kind_total", &[("kind", "request")]), 1.0);
    assert_eq!(value(&scrape, "hezo_intake_mails_by_kind_total", &[("kind", "auto-reply")]), 1.0);
    assert_eq!(value(&scrape, "hezo_intake_loops", &[("state", "stuck")]), 0.0);
    assert_eq!(value(&scrape, "hezo_intake_loops", &[("state", "running")]), 4.0);
    // Arrival at nine, seen five minutes later: nothing within two minutes, all within the hour.
    let seen = scrape.samples.iter().find(|sample| sample.metric == "hezo_intake_arrival_to_seen_seconds");
    let Some(Value::Histogram(ranges)) = seen.map(|sample| &sample.value) else { panic!("{seen:?}") };
    let within = |seconds: f64| ranges.iter().find(|range| range.less_than == seconds).map(|range| range.count);
    assert_eq!((within(120.0), within(3600.0)), (Some(0.0), Some(2.0)));
    assert!(value(&scrape, "process_resident_memory_bytes", &[]) > 1e6);
    assert!(value(&scrape, "process_cpu_seconds_total", &[]) > 0.0);
    assert!(value(&scrape, "hezo_intake_database_bytes", &[("part", "file")]) > 0.0);
    assert_eq!(value(&scrape, "hezo_intake_build_info", &[("version", env!("CARGO_PKG_VERSION"))]), 1.0);

    assert_eq!(value(&scrape, "hezo_intake_accounting_gap", &mailbox), 0.0);

    let status = desk.command(&["status", "--json"]);
    let status: serde_json::Value = serde_json::from_slice(&status.stdout).expect("JSON");
    assert_eq!((status["service_runs"].as_bool(), status["open_tickets"].as_f64()), (Some(true), Some(tickets)));
    drop(service);
    let status = desk.command(&["status"]);
    let text = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(text.contains("the service does not run; start it with") && !status.status.success(), "{text}");
}

#[test]
fn a_mailbox_that_is_away_is_named_and_no_reason_to_restart() {
    let desk = desk();
    fs::remove_dir(desk.dir().join("mailbox")).expect("the mailbox goes");
    let service = Service::start(&desk, "2026-11-23 09:05");
    let reasons = service.wait_for("/readyz", 503);
    assert!(reasons.contains("starting: not every folder was walked yet"), "{reasons}");
    let began = Instant::now();
    while !service.wait_for("/readyz", 503).contains("mailbox support fails since 2026-11-23T08:05") {
        assert!(began.elapsed() < PATIENCE, "{:?}", service.get("/readyz"));
    }
    assert_eq!(service.wait_for("/healthz", 200), "ok\n");
    assert!(
        value(&service.scrape(), "hezo_intake_failing_seconds", &[("part", "mailbox"), ("subject", "support")]) >= 0.0
    );
    let since = "mailbox support fails since 2026-11-23T08:05";
    let text = status_with(&desk, 1, since);
    assert!(text.contains("the service runs and does not do all of its work") && text.contains("Maildir"), "{text}");
    let status = desk.command(&["status", "--json"]);
    let status: serde_json::Value = serde_json::from_slice(&status.stdout).expect("JSON");
    assert_eq!((&status["outages"][0]["part"], status["is_fine"].as_bool()), (&"mailbox".into(), Some(false)));
    fs::create_dir(desk.dir().join("mailbox")).expect("the mailbox is there again");
    assert_eq!(service.wait_for("/readyz", 200), "ok\n");
    status_with(&desk, 0, "the service runs and does its work");
    assert_eq!(service.wait_for("/nothing", 404), "there are /metrics, /healthz and /readyz\n");
}

/// What `status` says once it says this and ends with this code.
fn status_with(desk: &Desk, code: i32, expected: &str) -> String {
    let began = Instant::now();
    loop {
        let output = desk.command(&["status"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if text.contains(expected) && output.status.code() == Some(code) {
            return text;
        }
        assert!(began.elapsed() < PATIENCE, "{:?} {text}", output.status);
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn status_tells_what_the_figures_tell() {
    let desk = desk();
    desk.receive("2026-11-23 09:00", FAULT);
    desk.receive("2026-11-23 09:01", &format!("Auto-Submitted: auto-replied\n{FAULT}"));
    let _service = Service::start(&desk, "2026-11-23 09:05");
    // The story is of the past, and the command's clock is the machine's: the promise is late to it.
    let text = status_with(&desk, 1, "mails since the start 1 auto-reply, 1 request");
    assert!(text.contains("1 promises are late"), "{text}");
    for line in ["accounting gap        0: support", "loops                 4 run, 0 of them stuck"] {
        assert!(text.contains(line), "{text}");
    }
    assert!(text.contains("arrival to seen") && text.contains("seen to committed"), "{text}");
}

#[test]
fn a_database_that_is_held_is_said_and_not_waited_for() {
    let desk = desk();
    let service = Service::start(&desk, "2026-11-23 09:05");
    service.wait_for("/readyz", 200);
    let held = rusqlite::Connection::open(desk.dir().join("state/desk.sqlite")).expect("the database");
    held.execute_batch("BEGIN IMMEDIATE").expect("it is held");
    for page in ["/healthz", "/readyz", "/metrics"] {
        let (status, text) = service.get(page).expect("an answer");
        assert!(status >= 500 && text.contains("does not answer within 3 s"), "{page}: {status} {text}");
    }
    held.execute_batch("ROLLBACK").expect("it is let go");
    service.wait_for("/readyz", 200);
}

/// The names of our figures in a text, without the endings that histograms give their parts.
fn figures(text: &str) -> BTreeSet<String> {
    let name = Regex::new(r"\b(?:hezo_intake|process)_[a-z_]+[a-z]").expect("a pattern");
    name.find_iter(text).map(|name| name.as_str().to_string()).collect()
}

/// Every figure stands in the operators' table, and the alert rules ask for no other.
#[test]
fn every_figure_stands_in_the_table() {
    let desk = desk();
    desk.receive("2026-11-23 09:00", FAULT);
    let service = Service::start(&desk, "2026-11-23 09:05");
    service.wait_for("/readyz", 200);
    let text = service.wait_for("/metrics", 200);
    let told = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let told: BTreeSet<String> = told
        .map(|(name, kind)| if kind == "counter" { format!("{name}_total") } else { name.to_string() })
        .filter(|name| name.starts_with("hezo_intake_"))
        .collect();
    let table = figures(include_str!("../systemd/OPERATIONS.md"));
    let missing: Vec<_> = told.difference(&table).collect();
    assert!(told.len() > 10 && missing.is_empty(), "not in the table: {missing:?}");
    let rules = include_str!("../systemd/hezo-intake.rules.yml");
    let alerts = rules.matches("- alert: ").count();
    for part in ["expr: ", "severity: ", "summary: ", "action: "] {
        assert_eq!(rules.matches(part).count(), alerts, "each alert has its {part}");
    }
    let asked = figures(rules);
    let unknown: Vec<_> = asked.difference(&table).collect();
    assert!(asked.len() > 5 && unknown.is_empty(), "alerts ask for {unknown:?}");
    // Prometheus's own word, where it is installed.
    if let Ok(output) = Command::new("promtool").args(["check", "rules", "systemd/hezo-intake.rules.yml"]).output() {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
