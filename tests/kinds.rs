//! Mails as they arrive at a support address, each named by what is special about it: their kind,
//! delivery reports, the language, the wish for escalation.
//!
//! A file `kinds/*.txt` holds mails. Each begins with `==== what is special about it`, then what is
//! expected, a line `----`, and the mail:
//!
//! ```text
//! kind: auto-reply        also request, bounce, bulk, own
//! rule: …                 the rule that decides
//! answer: no              whether an automatic answer goes out; by default to requests only
//! named: yes              given, not expected: a contract names the sender
//! recipient: …            also action, status, diagnostic, original: what a delivery report says
//! ```
//!
//! `language.table`, `wishes.table` and `phrases.table` hold what needs no whole mail, one case a line.

use std::path::{Path, PathBuf};

use hezo_intake::config::Config;
use hezo_intake::desk::classify::Kind;
use hezo_intake::desk::message::Message;
use hezo_intake::desk::reading::Reading;
use hezo_intake::desk::site::Site;
use hezo_intake::office;

fn site() -> Site {
    office::site(&Config::embedded(Path::new(""))).expect("the built-in rules compile")
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kinds")
}

/// Runs `case` on every case, and tells all that went wrong at once.
fn check<T>(cases: Vec<(String, T)>, least: usize, case: impl Fn(T, &mut Vec<String>)) {
    assert!(cases.len() >= least, "only {} cases found", cases.len());
    let mut failures = Vec::new();
    for (name, one) in cases {
        let mut wrong = Vec::new();
        case(one, &mut wrong);
        failures.extend(wrong.iter().map(|wrong| format!("{name}\n        {wrong}")));
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

fn same(what: &str, want: Option<&str>, got: Option<&str>, wrong: &mut Vec<String>) {
    if want.is_some() && want != got {
        wrong.push(format!("{what} is {got:?}, not {want:?}"));
    }
}

#[test]
fn mails() {
    let site = site();
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "txt") {
            continue;
        }
        let file = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        for mail in format!("\n{text}").split("\n==== ").skip(1) {
            let (name, rest) = mail.split_once('\n').unwrap();
            let (expected, raw) = rest.split_once("----\n").unwrap();
            cases.push((format!("{file}: {name}"), (expected.to_string(), raw.to_string())));
        }
    }
    check(cases, 130, |(expected, raw), wrong| {
        let want = |key: &str| {
            let line = expected.lines().find_map(|line| line.split_once(": ").filter(|(name, _)| *name == key));
            line.map(|(_, value)| value)
        };
        let message = Message::parse(raw.as_bytes());
        let mut reading = Reading::of(&message, &[], &site);
        if want("named") == Some("yes") {
            reading = reading.of_named_sender();
        }
        let verdict = &reading.verdict;
        let kind = serde_json::to_value(verdict.kind).unwrap();
        same("kind", Some(want("kind").expect("a kind")), kind.as_str(), wrong);
        same("rule", want("rule"), Some(&verdict.rule), wrong);
        let by_default = if verdict.kind == Kind::Request { "yes" } else { "no" };
        let answer = if verdict.answer.send { "yes" } else { "no" };
        same("answer", want("answer").or(Some(by_default)), Some(answer), wrong);
        assert_eq!(reading.bounce.is_some(), verdict.kind == Kind::Bounce, "a report is one by both");
        let bounce = reading.bounce.clone().unwrap_or_default();
        same("recipient", want("recipient"), bounce.recipient.as_deref(), wrong);
        same("action", want("action"), bounce.action.as_deref(), wrong);
        same("status", want("status"), bounce.status.as_deref(), wrong);
        same("diagnostic", want("diagnostic"), bounce.diagnostic.as_deref(), wrong);
        same("original", want("original"), bounce.original_message_id.as_deref(), wrong);
        if !wrong.is_empty() {
            wrong.push(format!("by rule {}, answer {}", verdict.rule, verdict.answer.rule));
        }
    });
}

/// The lines of a table, parted by ` | `, without comments.
fn table(name: &str) -> Vec<(String, Vec<String>)> {
    let text = std::fs::read_to_string(folder().join(name)).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let cells = |line: &str| {
        line.replace("||", "\u{1}")
            .split('|')
            .map(|cell| cell.trim().replace("\\n", "\n").replace('\u{1}', "||"))
            .collect()
    };
    lines.map(|line| (line.to_string(), cells(line))).collect()
}

fn mail(from: &str, subject: &str, text: &str) -> Message {
    let mail = format!(
        "From: {from}\nTo: pomoc@myhezo.pl\nSubject: {subject}\nContent-Type: text/plain; charset=utf-8\n\n{text}\n"
    );
    Message::parse(mail.as_bytes())
}

#[test]
fn languages() {
    let site = site();
    check(table("language.table"), 50, |cells, wrong| {
        let [want, _, subject, text, from] = cells.try_into().expect("five cells");
        let reading = Reading::of(&mail(&from, &subject, &text), &[], &site);
        let got = serde_json::to_value(reading.language).unwrap();
        same("language", Some(&want), got.as_str(), wrong);
    });
}

#[test]
fn phrases() {
    let site = site();
    check(table("phrases.table"), 200, |cells, wrong| {
        let [want, precedence, subject, text] = cells.try_into().expect("four cells");
        let precedence = if precedence.is_empty() { String::new() } else { format!("Precedence: {precedence}\n") };
        let raw = format!(
            "From: Ola Rak <ola@piekarnia.example>\nTo: pomoc@myhezo.pl\nSubject: {subject}\n{precedence}\
             Content-Type: text/plain; charset=utf-8\n\n{text}\n"
        );
        let verdict = Reading::of(&Message::parse(raw.as_bytes()), &[], &site).verdict;
        same("kind", Some(&want), serde_json::to_value(verdict.kind).unwrap().as_str(), wrong);
        if !wrong.is_empty() {
            wrong.push(format!("by rule {}", verdict.rule));
        }
    });
}

#[test]
fn wishes() {
    let site = site();
    check(table("wishes.table"), 80, |cells, wrong| {
        let [want, text] = cells.try_into().expect("two cells");
        let (subject, text) = text.split_once(" || ").unwrap_or(("Awaria", &text));
        let reading = Reading::of(&mail("Ola Rak <ola@piekarnia.example>", subject, text), &[], &site);
        let got = if reading.escalation.is_some() { "yes" } else { "no" };
        same("asks", Some(&want), Some(got), wrong);
        if !wrong.is_empty() {
            wrong.push(format!("by rule {:?}", reading.escalation));
        }
    });
}
