//! The built program at work in a folder of its own: a Maildir as mailbox, a Maildir for what leaves,
//! and the time of day handed in.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses its share")]

use std::cell::RefCell;
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use hezo_intake::desk::message::Message;
use hezo_intake::maildir;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::Value;
use tempfile::TempDir;

/// Two engineers, the desk's addresses, no server.
const SETTINGS: &str = r#"
token_key_file = "{dir}/token-key"
state_dir = "{dir}/state"
{top}

[desk]
name = "HEZO Assistance"
address = "pomoc@myhezo.example"
escalation_address = "escalation@myhezo.example"
phone = "12 25 25 600"
escalation_phone = "12 25 25 502"
portal = "myHEZO.pl"

[[engineer]]
id = "anna"
name = "Anna Inżynier"
address = "anna@hezo.example"

[[engineer]]
id = "marek"
name = "Marek Serwisant"
address = "marek@hezo.example"

[authentication]
method = "header"
authserv_id = "mx.myhezo.example"
border_hosts = ["mx.myhezo.example"]

[[mailbox]]
name = "support"
kind = "maildir"
path = "{dir}/mailbox"
start = "all"

[outgoing]
maildir = "{dir}/outgoing"
{sections}
"#;

/// A desk in a folder of its own. Nothing runs between two calls of [`Desk::run`], so that every step
/// of a story is also a restart.
pub struct Desk {
    dir: TempDir,
    seen: RefCell<HashSet<PathBuf>>,
}

/// A mail that the desk sent.
#[derive(Debug)]
pub struct Sent {
    /// As it left.
    pub raw: String,
    /// Parsed.
    pub message: Message,
}

impl Desk {
    /// A desk with the plain settings.
    pub fn new() -> Desk {
        Desk::with("", "")
    }

    /// A desk with more lines: of TOML at the top, and of sections at the end.
    pub fn with(top: &str, sections: &str) -> Desk {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().display().to_string();
        let settings = SETTINGS.replace("{top}", top).replace("{sections}", sections).replace("{dir}", &path);
        fs::write(dir.path().join("settings.toml"), settings).expect("the settings");
        fs::create_dir(dir.path().join("mailbox")).expect("the mailbox");
        let key = dir.path().join("token-key");
        fs::write(&key, "a key for stories, which protects nothing").expect("the key");
        fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("the key's mode");
        Desk { dir, seen: RefCell::default() }
    }

    /// The desk's folder.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// A mail arrives, and the border host finds that it is from the sender's domain: `at` is when the
    /// server received it, as [`moment`] reads it. Line ends are LF in `mail`; a mail that says no Date
    /// was sent at that moment, too.
    pub fn receive(&self, at: &str, mail: &str) {
        self.receive_stamped(at, "dmarc=pass", mail);
    }

    /// A mail arrives of which the border host found this (`dmarc=fail (p=reject)`, `dmarc=none`).
    pub fn receive_stamped(&self, at: &str, result: &str, mail: &str) {
        let from = Message::parse(mail.as_bytes()).from.map(|from| from.address).unwrap_or_default();
        let domain = from.rsplit_once('@').map_or("", |(_, domain)| domain);
        self.deliver(
            at,
            &format!(
                "Authentication-Results: mx.myhezo.example; {result} header.from={domain}\n\
                 Received: from out.{domain} (out.{domain} [192.0.2.1]) by mx.myhezo.example with ESMTPS id 1; {at}\n\
                 {mail}"
            ),
        );
    }

    /// A mail lies in the mailbox, just as it is.
    pub fn deliver(&self, at: &str, mail: &str) {
        let arrival = moment(at);
        let date = arrival.strftime("%a, %d %b %Y %H:%M:%S +0000");
        let dated = if mail.contains("Date: ") { mail.to_string() } else { format!("Date: {date}\n{mail}") };
        let mailbox = self.dir().join("mailbox");
        let before = files(&mailbox.join("new"));
        maildir::deliver(&mailbox, dated.replace('\n', "\r\n").as_bytes()).expect("the mailbox");
        for path in files(&mailbox.join("new")).difference(&before) {
            let file = fs::File::options().write(true).open(path).expect("the mail");
            file.set_modified(arrival.into()).expect("the mail's time");
        }
    }

    /// The program walks its folders once, acts on what is due, and sends.
    pub fn run(&self, at: &str) -> Output {
        let now = moment(at).to_string();
        let output = self.command(&["run", "--once", "--now", &now]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output
    }

    /// A mail arrives and the program runs, both at this moment; what it then sent.
    pub fn mail(&self, at: &str, mail: &str) -> Vec<Sent> {
        self.receive(at, mail);
        self.run(at);
        self.sent()
    }

    /// A mail arrives of which the border host found this, and the program runs; what it then sent.
    pub fn mail_stamped(&self, at: &str, result: &str, mail: &str) -> Vec<Sent> {
        self.receive_stamped(at, result, mail);
        self.run(at);
        self.sent()
    }

    /// What the program sent since the last time that this was asked, the oldest first.
    pub fn sent(&self) -> Vec<Sent> {
        let mut seen = self.seen.borrow_mut();
        let mut new: Vec<PathBuf> =
            files(&self.dir().join("outgoing/new")).into_iter().filter(|path| !seen.contains(path)).collect();
        new.sort();
        seen.extend(new.iter().cloned());
        new.iter().map(|path| Sent::read(&fs::read(path).expect("a mail"))).collect()
    }

    /// A command of the operator's, with the desk's settings.
    pub fn command(&self, arguments: &[&str]) -> Output {
        let settings = self.dir().join("settings.toml");
        let mut command = Command::new(env!("CARGO_BIN_EXE_hezo-intake"));
        command.args(arguments).arg("--config").arg(settings).env_remove("RUST_LOG").env("NO_COLOR", "1");
        command.output().expect("the program")
    }

    /// What a command prints, one JSON value a line.
    pub fn json(&self, arguments: &[&str]) -> Vec<Value> {
        let output = self.command(arguments);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        text.lines().map(|line| serde_json::from_str(line).expect("a JSON value a line")).collect()
    }

    /// All tickets, the newest first.
    pub fn tickets(&self) -> Vec<Value> {
        self.json(&["tickets", "list", "--json"])
    }

    /// Everything about one ticket.
    pub fn ticket(&self, number: &str) -> Value {
        self.json(&["tickets", "show", number, "--json"]).remove(0)
    }
}

impl Sent {
    fn read(raw: &[u8]) -> Sent {
        Sent { raw: String::from_utf8_lossy(raw).into_owned(), message: Message::parse(raw) }
    }

    /// The recipient's address.
    pub fn to(&self) -> &str {
        self.message.to.first().map_or("", |to| &to.address)
    }

    /// The plain text.
    pub fn text(&self) -> &str {
        self.message.plain.as_deref().unwrap_or_default()
    }

    /// Where an answer goes.
    pub fn reply_to(&self) -> &str {
        self.message.reply_to.as_ref().map_or("", |reply_to| &reply_to.address)
    }

    /// The Message-ID without angle brackets.
    pub fn id(&self) -> &str {
        self.message.message_id.as_deref().unwrap_or_default()
    }

    /// The ticket number in the subject.
    pub fn ticket(&self) -> &str {
        let inside = self.message.subject.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
        inside.map_or("", |(number, _)| number)
    }
}

/// The only one of these mails that went to this address.
pub fn to<'a>(sent: &'a [Sent], address: &str) -> &'a Sent {
    let found: Vec<&Sent> = sent.iter().filter(|mail| mail.to() == address).collect();
    let all: Vec<&str> = sent.iter().map(Sent::to).collect();
    assert_eq!(found.len(), 1, "mails to {address} among {all:?}");
    found[0]
}

/// Local time of the desk (`2026-11-23 09:05`), or a full timestamp.
pub fn moment(at: &str) -> Timestamp {
    let local = |at: DateTime| TimeZone::get("Europe/Warsaw").and_then(|zone| zone.to_timestamp(at));
    at.parse().ok().or_else(|| local(at.parse().ok()?).ok()).unwrap_or_else(|| panic!("{at} is no time"))
}

fn files(folder: &Path) -> HashSet<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| entry.expect("an entry").path()).collect()
}
