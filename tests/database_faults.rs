//! A database that cannot be written, is held by another, or lost the end of its log: the program says so
//! and stops, or waits; and the next run goes on as if nothing had been.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use crate::story::Desk;
use hezo_intake::failpoint::VARIABLE;
use rusqlite::{Connection, TransactionBehavior};

const AT: &str = "2026-11-23T08:05:00Z";

/// Mails of each story.
const MAILS: usize = 6;

/// Into so many parts the log is cut, each time at another place.
const CUTS: u64 = if crate::LONG { 400 } else { 5 };

fn desk() -> Desk {
    let desk = Desk::with("", "[budget]\nstorm = 1000\nper_address_and_hour = 1000\nper_domain_and_hour = 1000\n");
    for n in 0..MAILS {
        let mail = format!(
            "From: jan{n}@fabryka.example\nTo: pomoc@myhezo.example\nSubject: Awaria {n}\n\
             Message-ID: <{n}@fabryka.example>\n\nNr seryjny: B82410031{n}\n{}\n",
            "Opis objawów. ".repeat(100)
        );
        desk.receive(AT, &mail);
    }
    desk
}

/// Whether this machine lets a process mount for itself alone, as many containers do not.
fn may_mount() -> bool {
    let tried = Command::new("unshare").args(["-m", "mount", "--bind", "/tmp", "/tmp"]).stderr(Stdio::null()).status();
    tried.is_ok_and(|status| status.success())
}

/// One walk, as a shell runs it after `first`.
fn run_after(desk: &Desk, first: &str) -> Output {
    let script = format!("{first} exec \"$0\" run --once --now {AT} --config \"$1\"");
    let mut shell = Command::new(if may_mount() { "unshare" } else { "env" });
    shell
        .args(if may_mount() { &["-m", "bash", "-c"][..] } else { &["bash", "-c"] })
        .arg(&script)
        .arg(env!("CARGO_BIN_EXE_hezo-intake"));
    shell.arg(desk.dir().join("settings.toml")).env_remove("RUST_LOG").env("NO_COLOR", "1");
    shell.output().expect("unshare and bash")
}

/// Every mail opened one ticket and is acknowledged under one Message-ID.
#[track_caller]
fn check_all_is_done(desk: &Desk, case: &str) {
    desk.run(AT);
    desk.run("2026-11-23T08:08:00Z");
    let tickets = desk.json(&["tickets", "list", "--most", "1000", "--json"]);
    assert_eq!(tickets.len(), MAILS, "{case}");
    let sent = desk.sent();
    let answers = sent.iter().filter(|mail| mail.to().ends_with("@fabryka.example"));
    let answers: BTreeSet<(&str, &str)> = answers.map(|mail| (mail.to(), mail.id())).collect();
    assert_eq!(answers.len(), MAILS, "{case}: one answer to each customer");
    let gap = desk.json(&["reconcile", "--json"]).first().and_then(|folder| folder["gap"].as_u64());
    assert_eq!(gap, Some(0), "{case}");
}

#[test]
fn a_disk_that_becomes_read_only_stops_the_program_and_loses_nothing() {
    let read_only = "mount --bind \"${1%/*}/state\" \"${1%/*}/state\" && mount -o remount,bind,ro \"${1%/*}/state\" &&";
    if !may_mount() {
        println!("not tried: this machine allows no mounts");
        return;
    }
    // No database yet; an empty one; one with half of the mails.
    for lives_before in [None, Some("fetched:1"), Some("decided:4"), Some("committed:1")] {
        let desk = desk();
        fs::create_dir_all(desk.dir().join("state")).expect("the state directory");
        if let Some(point) = lives_before {
            run_after(&desk, &format!("export {VARIABLE}={point};"));
        }
        let output = run_after(&desk, read_only);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{lives_before:?}: {said}");
        assert!(said.contains("state"), "{lives_before:?}: it says what cannot be written: {said}");
        assert!(!said.contains("panicked"), "{lives_before:?}: {said}");
        check_all_is_done(&desk, &format!("{lives_before:?}"));
    }
}

#[test]
fn a_database_that_another_holds_for_a_while_is_waited_for() {
    let desk = desk();
    desk.command(&["run", "--once", "--now", AT]);
    let mut other = Connection::open(desk.dir().join("state/desk.sqlite")).expect("the database");
    let held = other.transaction_with_behavior(TransactionBehavior::Immediate).expect("the lock");
    let mut walk = Command::new(env!("CARGO_BIN_EXE_hezo-intake"));
    walk.args(["run", "--once", "--now", AT, "--config"]).arg(desk.dir().join("settings.toml"));
    let mut walk = walk.stderr(Stdio::null()).spawn().expect("the program");
    std::thread::sleep(Duration::from_millis(500));
    assert!(walk.try_wait().expect("its state").is_none(), "it waits");
    drop(held);
    assert!(walk.wait().expect("its end").success());
    check_all_is_done(&desk, "held for a while");
}

/// As after a crash of a machine whose disk lied about what it had written.
#[test]
fn a_log_that_lost_its_end_costs_what_was_in_it_and_nothing_else() {
    let desk = desk();
    let died = run_after(&desk, &format!("export {VARIABLE}=committed:{MAILS};"));
    assert!(died.status.code().is_none(), "{:?}", died.status);
    let (state, kept, outgoing) = (desk.dir().join("state"), desk.dir().join("kept"), desk.dir().join("outgoing"));
    fs::rename(&state, &kept).expect("the state directory");
    let log = fs::metadata(kept.join("desk.sqlite-wal")).expect("a log").len();
    for part in 0..CUTS {
        let at = log * part / CUTS + part % 7;
        for is_cut in [true, false] {
            let _ = fs::remove_dir_all(&state);
            let _ = fs::remove_dir_all(&outgoing);
            copy(&kept, &state);
            if is_cut {
                let file = File::options().write(true).open(state.join("desk.sqlite-wal")).expect("the log");
                file.set_len(at).expect("a shorter log");
            } else {
                flip(&state.join("desk.sqlite-wal"), at);
            }
            check_all_is_done(&desk, &format!("byte {at} of {log}, cut: {is_cut}"));
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for name in ["desk.sqlite", "desk.sqlite-wal"] {
        fs::copy(from.join(name), to.join(name)).expect("a copy");
    }
}

fn flip(path: &Path, at: u64) {
    let mut bytes = fs::read(path).expect("the log");
    if let Some(byte) = bytes.get_mut(at as usize) {
        *byte ^= 0xff;
    }
    fs::write(path, bytes).expect("the log");
}
