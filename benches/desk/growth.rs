//! The same work beside years of tickets.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use hezo_intake::clock::Clock;
use hezo_intake::config::Config;
use hezo_intake::office::Office;
use rusqlite::Connection;

use crate::servers::Servers;
use crate::table::{Table, spread};
use crate::{Size, drain};

/// Years of tickets, three messages each, as they lie in the database once all is done.
const TICKETS: &str = "
INSERT INTO folder (id, mailbox, name, uid_validity) VALUES (1000, 'former', 'INBOX', 1);
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
INSERT INTO ticket (id, year, sequence, state, customer_name, customer_address, subject, language, opened_at, earlier_tags)
SELECT i, 2000 + i / 50000, i % 50000, 'closed', 'Jan', 'klient' || (i % 100000) || '@firma.example', 'Awaria ' || i, 'pl',
       1500000000000000 + i * 1000000, '' FROM n;
INSERT INTO participant SELECT id, customer_address FROM ticket;
INSERT INTO number (ticket_id, kind, value, written, evidence, quoted, on_file)
SELECT id, 'serial', 'B7' || printf('%08d', id), 'B7' || printf('%08d', id), 'label', 0, 0 FROM ticket;
INSERT INTO clock (ticket_id, kind, round, start, start_reason, due, amount, explanation, plan, created_at, pauses, paused,
                   ended_at, ending)
SELECT id, 'reaction', 1, opened_at, 'a mail arrived', opened_at + 3600000000, 3600000000, '[]', 'none', opened_at, '[]', 0,
       opened_at + 1000000, 'satisfied' FROM ticket;
WITH three (part) AS (VALUES (0), (1), (2))
INSERT INTO mail SELECT CAST(printf('%032d', id * 3 + part) AS BLOB), randomblob(200), opened_at FROM ticket, three;
WITH three (part) AS (VALUES (0), (1), (2))
INSERT INTO journal (folder_id, uid_validity, uid, internal_date, content_hash, header_hash, disposition, reason, ticket_id,
                     decided_at, filed_at)
SELECT 1000, 1, id * 3 + part, opened_at, CAST(printf('%032d', id * 3 + part) AS BLOB), randomblob(32), 'attached', 'thread',
       id, opened_at, opened_at FROM ticket, three;
WITH three (part) AS (VALUES (0), (1), (2))
INSERT INTO entry (ticket_id, kind, author, message_id, content_hash, text, at)
SELECT id, 'customer', 'klient', (id * 3 + part) || '@former.example', CAST(printf('%032d', id * 3 + part) AS BLOB),
       printf('%0200d', id), opened_at FROM ticket, three;
WITH three (part) AS (VALUES (0), (1), (2))
INSERT INTO thread SELECT (id * 3 + part) || '@former.example', id FROM ticket, three;
INSERT INTO outbox (message_id, ticket_id, purpose, recipient, bytes, state, next_attempt_at, created_at, sent_at)
SELECT 'ack' || id || '@myhezo.example', id, 'acknowledgement', customer_address, x'00', 'sent', opened_at, opened_at, opened_at
FROM ticket;
";

/// Measures the drain, the start and the lists beside an empty database and a full one.
pub(crate) fn measure(servers: &Servers, size: &Size, table: &mut Table) {
    let config = drain::load(servers, "port = {imaps}");
    let grown = grow(servers, &config, size.tickets);
    let tickets = size.tickets;
    let messages = tickets * 3;
    let empty = servers.dir().join("empty");
    let (mut full, mut alone) = (Vec::new(), Vec::new());
    for round in 0..size.rounds {
        alone.push(drain::drain(&config, size, &empty));
        let copy = servers.dir().join(format!("copy-{round}"));
        copied(&grown, &copy);
        full.push(drain::drain_into(&config, size, &copy));
        fs::remove_dir_all(&copy).expect("the copy goes");
    }
    let work = format!("the drain beside {tickets} tickets and {messages} messages");
    table.rates(&work, size.mails, &full, ("into an empty database", &alone), "0.9");

    let began = Instant::now();
    drop(Office::open(&Config { state_dir: grown.clone(), ..config.clone() }, Clock::default()).expect("an office"));
    let opened = format!("{:.0} ms", began.elapsed().as_secs_f64() * 1e3);
    table.row("start: rules, contracts and that database open", &opened, "-", "-", "1 s");
    let settings = settings_for(servers, &grown);
    for command in [&["tickets", "list"][..], &["tickets", "list", "--json"], &["clocks"], &["search", "Awaria 77"]] {
        let times: Vec<f64> = (0..5).filter_map(|_| first_line(&settings, command)).collect();
        let shown = if times.is_empty() { "gives no line".to_string() } else { format!("{} ms", spread(&times, 0)) };
        table.row(&format!("first line of `{}` there", command.join(" ")), &shown, "-", "-", "100 ms");
    }
}

fn grow(servers: &Servers, config: &Config, tickets: usize) -> PathBuf {
    let state = servers.dir().join("grown");
    drop(Office::open(&Config { state_dir: state.clone(), ..config.clone() }, Clock::default()).expect("an office"));
    let database = Connection::open(state.join("desk.sqlite")).expect("the database");
    database
        .execute_batch("PRAGMA foreign_keys = OFF; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -400000;")
        .expect("settings");
    database.execute_batch(&format!("BEGIN;{}COMMIT;", TICKETS.replace("?1", &tickets.to_string()))).expect("rows");
    database.execute_batch("PRAGMA journal_mode = WAL;").expect("settings");
    state
}

fn copied(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    fs::copy(from.join("desk.sqlite"), to.join("desk.sqlite")).expect("a copy");
}

/// Settings with that database.
fn settings_for(servers: &Servers, state: &Path) -> PathBuf {
    let text = fs::read_to_string(servers.dir().join("settings.toml")).expect("the settings");
    let own = format!("state_dir = \"{}\"", servers.dir().join("state").display());
    let path = servers.dir().join("grown.toml");
    fs::write(&path, text.replace(&own, &format!("state_dir = \"{}\"", state.display()))).expect("settings");
    path
}

/// Milliseconds from the start of a command to the first byte that it prints; nothing where it fails.
fn first_line(settings: &Path, command: &[&str]) -> Option<f64> {
    let began = Instant::now();
    let mut program = Command::new(env!("CARGO_BIN_EXE_hezo-intake"));
    program.args(command).arg("--config").arg(settings).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = program.spawn().expect("the program");
    let count = child.stdout.as_mut().map_or(0, |out| out.read(&mut [0]).unwrap_or(0));
    let took = began.elapsed();
    let _ = child.kill();
    let _ = child.wait();
    (count == 1).then_some(took.max(Duration::from_micros(1)).as_secs_f64() * 1e3)
}
