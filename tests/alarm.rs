//! An outage is told once when it begins and once when it is over, by mail over the second route and
//! by the alert command, also across a restart.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::story::Desk;
use rusqlite::Connection;
use serde_json::Value;

/// How long the program may take for one step; more than any step takes.
const PATIENCE: Duration = Duration::from_secs(60);

struct Service(Child);

impl Service {
    fn start(desk: &Desk) -> Service {
        let settings = desk.dir().join("settings.toml");
        let log = fs::File::options().append(true).create(true).open(desk.dir().join("log")).expect("a log");
        let mut program = Command::new(env!("CARGO_BIN_EXE_hezo-intake"));
        program.arg("run").arg("--config").arg(settings).env_remove("RUST_LOG").stderr(log).stdout(Stdio::null());
        Service(program.spawn().expect("the program"))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the alert command was handed.
fn told(dir: &Path) -> Vec<Value> {
    let text = fs::read_to_string(dir.join("told")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn mails(dir: &Path) -> Vec<String> {
    let files = fs::read_dir(dir.join("second/new")).map(|files| files.collect::<Vec<_>>()).unwrap_or_default();
    files
        .into_iter()
        .map(|file| fs::read_to_string(file.expect("an entry").path()).expect("a mail"))
        .filter(|mail| mail.contains("To: <operators@firma.example>"))
        .collect()
}

/// How many alerts and how many mails the database knows to have been told.
fn marked(dir: &Path) -> Option<(i64, i64)> {
    let database = Connection::open(dir.join("state/desk.sqlite")).ok()?;
    let select = "SELECT (SELECT count(*) FROM alert WHERE state = 'done'),
                         (SELECT count(*) FROM outbox WHERE state = 'sent')";
    database.query_row(select, [], |row| Ok((row.get(0)?, row.get(1)?))).ok()
}

#[track_caller]
fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn an_outage_is_told_once_when_it_begins_and_once_when_it_is_over() {
    let desk = Desk::with(
        "",
        "\n[outgoing_fallback]\nmaildir = \"{dir}/second\"\n[alert]\ncommand = [\"{dir}/tell\"]\n\
         [alarm]\naddress = \"operators@firma.example\"\nafter = \"0s\"\n",
    );
    let dir = desk.dir();
    let command = dir.join("tell");
    fs::write(&command, format!("#!/bin/sh\ncat >> {}\n", dir.join("told").display())).expect("the command");
    fs::set_permissions(&command, fs::Permissions::from_mode(0o755)).expect("its mode");
    let mailbox = dir.join("mailbox");
    fs::remove_dir_all(&mailbox).expect("the mailbox goes");

    let service = Service::start(&desk);
    wait_for("the beginning is told by both", || told(dir).len() == 1 && mails(dir).len() == 1);
    let [begins] = <[Value; 1]>::try_from(told(dir)).expect("one");
    assert_eq!((begins["outage"].as_str(), begins["over"].as_bool()), (Some("mailbox"), Some(false)));
    assert_eq!(begins["open_promises"], 0);
    assert!(begins["reason"].as_str().is_some_and(|reason| reason.contains("Maildir")), "{begins}");
    assert!(begins["text"].as_str().is_some_and(|text| text.contains("nie odpowiada od")), "{begins}");

    // What was told and is not marked so would be told again by the next life.
    wait_for("that is marked", || marked(dir) == Some((1, 1)));
    drop(service);
    let service = Service::start(&desk);
    fs::create_dir(&mailbox).expect("the mailbox is there again");
    wait_for("the end is told by both", || told(dir).len() == 2 && mails(dir).len() == 2);
    let over = told(dir).pop().expect("two");
    assert_eq!((over["since"] == begins["since"], over["over"].as_bool()), (true, Some(true)), "{over}");
    wait_for("that is marked", || marked(dir) == Some((2, 2)));
    drop(service);
    let _third = Service::start(&desk);
    wait_for("it is ready", || {
        fs::read_to_string(dir.join("log")).is_ok_and(|log| log.matches("ready: every folder").count() == 2)
    });
    assert_eq!((told(dir).len(), mails(dir).len()), (2, 2), "nothing is told twice");
}
