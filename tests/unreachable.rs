//! A mail server whose name no longer leads anywhere: its outage has a name, and everything else goes on.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::story::Desk;

const PATIENCE: Duration = Duration::from_secs(60);

/// A mailbox behind a name that is reserved for having no address (RFC 6761 section 6.4).
const NOWHERE: &str = r#"
[[mailbox]]
name = "gone"
kind = "imap"
host = "mail.invalid"
user = "desk@myhezo.example"
password_file = "{dir}/token-key"

[alarm]
address = "operators@firma.example"
after = "0s"
"#;

#[test]
fn a_name_without_an_address_holds_up_its_own_mailbox_alone() {
    let desk = Desk::with("", NOWHERE);
    desk.receive(
        "2026-11-23T08:05:00Z",
        "From: jan@fabryka.example\nTo: pomoc@myhezo.example\nSubject: Awaria\n\
        Message-ID: <1@fabryka.example>\n\nNr seryjny: B824100317\n",
    );
    let mut program = Command::new(env!("CARGO_BIN_EXE_hezo-intake"));
    program.arg("run").arg("--config").arg(desk.dir().join("settings.toml"));
    let mut service = program.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program");
    let began = Instant::now();
    let mut sent = Vec::new();
    while began.elapsed() < PATIENCE {
        sent.extend(desk.sent());
        let is_answered = sent.iter().any(|mail| mail.to() == "jan@fabryka.example");
        if is_answered && sent.iter().any(|mail| mail.to() == "operators@firma.example") {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let _ = service.kill();
    let _ = service.wait();
    assert!(sent.iter().any(|mail| mail.to() == "jan@fabryka.example"), "the other mailbox is read: {sent:?}");
    let alarm = sent.iter().find(|mail| mail.to() == "operators@firma.example").expect("an alarm");
    assert!(alarm.text().contains("mail.invalid"), "{}", alarm.text());
}
