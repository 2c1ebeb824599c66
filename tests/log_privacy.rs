//! The log says what happened and nothing about whom: a whole story at the finest level holds no
//! address, name, subject, serial or contract number, in any writing.

use crate::servers;
use crate::story;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::servers::Servers;
use crate::servers::daemon::DESK;
use crate::story::Desk;
use data_encoding::BASE64;
use regex::Regex;

const SUBJECT: &str = "Żółta kontrolka w serwerowni przy ulicy Rtęciowej";
const NAME: &str = "Grzegorz Brzęczyszczykiewicz";
const ADDRESS: &str = "grzegorz.brzeczyszczykiewicz@fabryka-lin.example";
const COPY: &str = "dyrekcja.tajna@fabryka-lin.example";
const SERIAL: &str = "2102359579DMHC000288";
const CONTRACT: &str = "UM/118/2024";
const TELEPHONE: &str = "601 700 142";
const WORDS: &str = "Macierz w piwnicy przestała odpowiadać";

/// What must not be found.
const SECRETS: [&str; 12] = [
    SUBJECT,
    NAME,
    "Brzęczyszczykiewicz",
    ADDRESS,
    "fabryka-lin.example",
    COPY,
    SERIAL,
    CONTRACT,
    TELEPHONE,
    WORDS,
    "anna@hezo.example",
    "Anna Inżynier",
];

fn mail() -> String {
    format!(
        "From: {NAME} <{ADDRESS}>\nTo: {DESK}\nCc: {COPY}\nSubject: {SUBJECT}\nMessage-ID: <{SERIAL}@fabryka-lin.example>\n\
         MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n\
         {WORDS}.\n\nNumer seryjny: {SERIAL}\nNumer umowy: {CONTRACT}\nTelefon: {TELEPHONE}\n\n-- \n{NAME}\n"
    )
}

/// The writings of a text in which it might hide: as it is, escaped as JSON and Rust do, as quoted
/// printable and in a URL, and as base64 wherever it begins in a longer text.
fn writings(secret: &str) -> Vec<String> {
    let ascii: String = secret
        .encode_utf16()
        .map(|unit| if unit < 128 { char::from(unit as u8).to_string() } else { format!("\\u{unit:04x}") })
        .collect();
    let escaped = |mark: char| -> String {
        let byte = |byte: u8| {
            if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("{mark}{byte:02X}") }
        };
        secret.bytes().map(byte).collect()
    };
    let printable: String = secret
        .bytes()
        .map(|byte| {
            if byte.is_ascii_graphic() || byte == b' ' { char::from(byte).to_string() } else { format!("={byte:02X}") }
        })
        .collect();
    let mut writings = vec![
        secret.to_string(),
        secret.to_lowercase(),
        secret.to_uppercase(),
        format!("{secret:?}").trim_matches('"').to_string(),
        secret.escape_default().to_string(),
        secret.escape_unicode().to_string(),
        ascii,
        escaped('='),
        escaped('%'),
        printable.clone(),
        printable.replace(' ', "_"),
        secret.replace(['/', '-', ' ', '.'], ""),
    ];
    for before in 0..3 {
        let text = [vec![b'x'; before], secret.as_bytes().to_vec()].concat();
        // The first and the last letters hold bits of what stands beside the secret.
        let whole = BASE64.encode(&text);
        let whole = whole.trim_end_matches('=');
        let (from, to) = (before.div_ceil(1) * 4 / 3 + usize::from(before > 0), whole.len() - 1);
        writings.push(whole.get(from..to).unwrap_or_default().to_string());
    }
    writings
}

#[track_caller]
fn check(log: &str, at_least: &str) {
    assert!(log.contains(at_least), "the log is empty or says too little:\n{log}");
    for secret in SECRETS {
        for writing in writings(secret) {
            assert!(writing.len() > 5, "{writing} is too short to be looked for");
            assert!(!log.contains(&writing), "{secret} stands in the log as {writing}:\n{log}");
        }
    }
}

#[test]
fn a_secret_is_found_in_every_writing() {
    for secret in SECRETS {
        let hidden = [
            format!("x{secret}x"),
            serde_json::to_string(secret).expect("JSON"),
            format!("{secret:?}"),
            BASE64.encode(secret.as_bytes()),
            BASE64.encode(format!("a{secret}b").as_bytes()),
            BASE64.encode(format!("ab{secret}cd").as_bytes()),
        ];
        for text in hidden {
            assert!(writings(secret).iter().any(|writing| text.contains(writing)), "{secret} is not found in {text}");
        }
    }
}

/// Every event above debug stands in the operators' table, level and words, with the names of its fields.
#[test]
fn every_event_stands_in_the_table() {
    let table = include_str!("../systemd/OPERATIONS.md");
    let event =
        Regex::new(r#"(?s)tracing::(info|warn|error)!\((.*?)"((?:[^"\\]|\\.){4,})",?\s*\);"#).expect("a pattern");
    let field = Regex::new(r"^\s*[%?]?([a-z_]+)\s*(?:=|$)").expect("a pattern");
    let (mut found, mut missing) = (0, Vec::new());
    for source in sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))) {
        let text = fs::read_to_string(&source).expect("a source");
        for captures in event.captures_iter(&text) {
            found += 1;
            let row = table.lines().find(|row| row.starts_with(&format!("| {} | {} |", &captures[1], &captures[3])));
            let parts = captures[2].split(',');
            let names: Vec<String> =
                parts.filter_map(|part| field.captures(part)).map(|name| name[1].to_string()).collect();
            match row {
                Some(row) => missing.extend(
                    names
                        .iter()
                        .filter(|name| !row.contains(&format!("`{name}`")))
                        .map(|name| format!("{name}: {row}")),
                ),
                None => missing.push(format!("| {} | {} | {} |", &captures[1], &captures[3], names.join(", "))),
            }
        }
    }
    assert!(found > 30 && missing.is_empty(), "{found} events; these are not in the table:\n{}", missing.join("\n"));
}

fn sources(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).expect("the sources").map(|entry| entry.expect("an entry").path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => sources(&path),
            false if path.extension().is_some_and(|kind| kind == "rs") => vec![path],
            false => Vec::new(),
        })
        .collect()
}

/// A list of contracts that names the customer.
fn contracts() -> String {
    format!(
        "contract,nip,customer,plan,window,delivery,valid_from,valid_to,serials,senders\n\
         {CONTRACT},5260250274,{NAME},SOS,24x7,8h,2026-01-01,2028-12-31,{SERIAL},{ADDRESS}\n"
    )
}

/// What comes besides: a file, a mail that did not arrive, a robot, a mail within a mail.
fn others() -> [String; 3] {
    let head =
        |from: &str, more: &str| format!("From: {from}\nTo: {DESK}\nSubject: {SUBJECT}\nMIME-Version: 1.0\n{more}\n");
    let file = format!(
        "{}--b\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{WORDS}\n\
         --b\nContent-Type: application/pdf; name=\"{SERIAL}.pdf\"\nContent-Transfer-Encoding: base64\n\nJVBERi0xLjQK\n\
         --b\nContent-Type: message/rfc822\n\n{}\n--b--\n",
        head(
            &format!("{NAME} <{ADDRESS}>"),
            "Message-ID: <f@fabryka-lin.example>\nContent-Type: multipart/mixed; boundary=b\n"
        ),
        mail()
    );
    let bounce = format!(
        "{}--b\nContent-Type: text/plain\n\n<{ADDRESS}>: {WORDS}\n\
         --b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.fabryka-lin.example\n\n\
         Final-Recipient: rfc822; {ADDRESS}\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 {ADDRESS} {NAME}\n\
         --b--\n",
        head(
            "MAILER-DAEMON@fabryka-lin.example",
            "Return-Path: <>\nMessage-ID: <b@fabryka-lin.example>\n\
             Content-Type: multipart/report; report-type=delivery-status; boundary=b\n"
        )
    );
    let robot = head(
        &format!("{NAME} <{ADDRESS}>"),
        "Message-ID: <r@fabryka-lin.example>\nAuto-Submitted: auto-replied\nContent-Type: text/plain; charset=utf-8\n\
         Content-Transfer-Encoding: 8bit\n",
    ) + WORDS;
    [file, bounce, robot]
}

/// A request of somebody on file, an engineer's answer, a customer's answer, a mail that cannot be written, an
/// escalation, files, robots and reports; and what the timers' commands say, which goes into the journal, too.
#[test]
fn a_story_on_a_maildir() {
    for form in ["lines", "json"] {
        let desk = Desk::with(&format!("log = \"{form}\"\ncontracts = \"{{dir}}/contracts.csv\""), "");
        fs::write(desk.dir().join("contracts.csv"), contracts()).expect("a list");
        let run = |at: &str| {
            let now = story::moment(at).to_string();
            let output = Command::new(env!("CARGO_BIN_EXE_hezo-intake"))
                .args(["run", "--once", "--now", &now, "--config"])
                .arg(desk.dir().join("settings.toml"))
                .env("RUST_LOG", "trace")
                .env("NO_COLOR", "1")
                .output()
                .expect("the program");
            let log = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{log}");
            log
        };
        desk.receive("2026-11-23 09:00", &mail());
        let mut log = run("2026-11-23 09:00");
        let sent = desk.sent();
        let notice = story::to(&sent, "anna@hezo.example");
        let answer = format!(
            "From: Anna Inżynier <anna@hezo.example>\nTo: {}\nSubject: Re: {SUBJECT}\nIn-Reply-To: <{}>\n\n{WORDS}, {NAME}?\n",
            notice.reply_to(),
            notice.id()
        );
        desk.receive("2026-11-23 09:20", &answer);
        log += &run("2026-11-23 09:20");
        let acknowledgement = story::to(&sent, ADDRESS);
        let again = format!(
            "From: {NAME} <{ADDRESS}>\nTo: {DESK}\nSubject: Re: {SUBJECT}\nIn-Reply-To: <{}>\n\n{WORDS} {SERIAL}\n",
            acknowledgement.id()
        );
        desk.receive("2026-11-23 09:40", &again);
        // No mail at all, and one of which nothing can be made.
        desk.receive("2026-11-23 09:41", &format!("{ADDRESS}\n\0\n\n{SERIAL}"));
        log += &run("2026-11-23 09:45");
        desk.receive("2026-11-23 10:00", &mail().replace("Message-ID: <", "Message-ID: <other"));
        log += &run("2026-11-23 10:00");
        for (minute, other) in others().iter().enumerate() {
            desk.receive(&format!("2026-11-23 10:1{minute}"), other);
        }
        log += &run("2026-11-23 10:30");
        log += &run("2026-11-23 12:00");
        let copies = desk.dir().join("copies").display().to_string();
        for timer in [&["backup", &copies][..], &["retention"], &["report", "--last-month", "--folder", &copies]] {
            let output = Command::new(env!("CARGO_BIN_EXE_hezo-intake"))
                .args(timer)
                .arg("--config")
                .arg(desk.dir().join("settings.toml"))
                .env("RUST_LOG", "trace")
                .output()
                .expect("the program");
            let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
            assert!(output.status.success(), "{said}");
            log += &said;
        }
        check(&log, "the list of contracts was imported");
        check(&log, "a mail was read");
        assert!(log.contains("TRACE"), "nothing at the finest level: {log}");
        check(&log, "mail decided");
        check(&log, "mail sent");
        check(&log, "a rung is due");
    }
}

/// Servers repeat in their refusals what was said to them.
#[test]
fn a_story_on_servers_that_repeat_everything() {
    let servers = Servers::start(&[DESK, "anna@hezo.example", "marek@hezo.example"]);
    let desk = servers::daemon::Desk::new(&servers, "folders = [\"INBOX\"]\nport = {imaps}\nstart = \"all\"");
    let daemon = desk.start_at_trace();
    daemon.wait_for("ready");
    // The customer's domain is none of Postfix's, which refuses the acknowledgement with its address.
    servers.hand_in(ADDRESS, DESK, &mail());
    daemon.wait_for("mail sent");
    daemon.wait_for("purpose=\"acknowledgement\"");
    servers.stop_dovecot();
    daemon.wait_for("the mailbox does not answer");
    servers.start_dovecot();
    daemon.wait_for("answers again");
    let log = daemon.log();
    assert!(log.contains("TRACE") && log.contains("SMTP command") && log.contains("IMAP command"), "{log}");
    check(&log, "mail decided");
    daemon.stop();
}
