//! A file may not grow beyond a limit, as on a full disk. Whatever write meets it, the program says
//! so, and the next run goes on as if nothing had been.

use std::collections::BTreeSet;
use std::process::{Command, Output};

use crate::story::Desk;

const AT: &str = "2026-11-23T08:05:00Z";

/// KiB. From no database at all to room for some of the mails.
const LIMITS: [u32; 12] = [0, 4, 32, 60, 100, 200, 300, 350, 400, 450, 500, 600];

/// Walks the mailbox once with no file allowed to grow beyond so many KiB.
fn run_within(desk: &Desk, limit: u32) -> Output {
    let program = env!("CARGO_BIN_EXE_hezo-intake");
    let settings = desk.dir().join("settings.toml");
    // Ignored, the signal stays ignored in the program, whose writes then fail with EFBIG.
    let script = format!("trap '' XFSZ; ulimit -f {limit}; exec \"$0\" run --once --now {AT} --config \"$1\"");
    let mut shell = Command::new("bash");
    shell.arg("-c").arg(script).arg(program).arg(settings).env_remove("RUST_LOG").env("NO_COLOR", "1");
    shell.output().expect("bash")
}

#[test]
fn no_write_that_fails_loses_or_doubles_a_mail() {
    let desk = Desk::with("", "[budget]\nstorm = 1000\nper_address_and_hour = 1000\nper_domain_and_hour = 1000\n");
    let mut failed = 0;
    for (n, limit) in LIMITS.into_iter().enumerate() {
        for part in 0..2 {
            let mail = format!(
                "From: jan{n}{part}@fabryka.example\nTo: pomoc@myhezo.example\nSubject: Awaria {n}/{part}\n\
                 Message-ID: <{n}.{part}@fabryka.example>\n\nNr seryjny: B8241{n:02}{part:03}\n{}\n",
                "Opis objawów. ".repeat(200)
            );
            desk.receive(AT, &mail);
        }
        let output = run_within(&desk, limit);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code().is_some(), "{limit} KiB: {:?}", output.status);
        assert!(!said.contains("panicked"), "{limit} KiB: {said}");
        if !output.status.success() {
            failed += 1;
            assert!(said.contains("desk.sqlite"), "{limit} KiB: it does not say what cannot be written: {said}");
        }
    }
    assert!(failed >= 4, "only {failed} runs met the limit");
    desk.run(AT);
    desk.run("2026-11-23T08:08:00Z");
    let mails = LIMITS.len() * 2;
    let tickets = desk.json(&["tickets", "list", "--most", "1000", "--json"]);
    assert_eq!(tickets.len(), mails);
    let sent = desk.sent();
    let customers = sent.iter().filter(|mail| mail.to().ends_with("@fabryka.example"));
    let acknowledged: BTreeSet<&str> = customers.map(|mail| mail.to()).collect();
    assert_eq!(acknowledged.len(), mails, "every customer is answered");
    let gaps: Vec<u64> =
        desk.json(&["reconcile", "--json"]).iter().filter_map(|folder| folder["gap"].as_u64()).collect();
    assert_eq!(gaps, [0]);
}
