//! Reads what is watched.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use toml::de::DeValue;

use super::secret::Credentials;
use super::section::Section;
use super::server::{Protocol, SERVER_KEYS, server};
use super::{Server, value};
use crate::mailbox::Filing;

/// Bounds of `poll_interval`: a poll is a command or two to the server, and the reaction clock of
/// one hour must not run out between two of them.
const POLL_INTERVAL: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(3600));

/// `poll_interval` where nothing else is written.
const DEFAULT_POLL_INTERVAL: Duration = Duration::from_secs(60);

/// The longest name of a mailbox. Characters.
const LONGEST_NAME: usize = 64;

/// One mailbox.
#[derive(Clone, Debug)]
pub struct MailboxConfig {
    /// A stable name; the journal and the log call the mailbox so.
    pub name: String,
    /// What kind of mailbox, and where.
    pub kind: MailboxKind,
    /// Which mails count as new at the very first start.
    pub start: Start,
    /// How often to look even when nothing is announced.
    pub poll_interval: Duration,
    /// What becomes of a mail once it is committed.
    pub filing: Filing,
    /// Those of the folders where the server puts what it takes for junk; an empty name is the Maildir itself.
    pub junk: Vec<String>,
    /// The folder in which the server keeps what the desk sends, where it does.
    pub sent: Option<String>,
}

impl MailboxConfig {
    /// The same with another server.
    pub(super) fn with_server(self, change: &impl Fn(Server) -> Server) -> MailboxConfig {
        let kind = match self.kind {
            MailboxKind::Imap { server, folders } => MailboxKind::Imap { server: change(server), folders },
            maildir => maildir,
        };
        MailboxConfig { kind, ..self }
    }
}

/// Where the mails are.
#[derive(Clone, Debug)]
pub enum MailboxKind {
    /// An IMAP server and the folders there, names in UTF-8.
    Imap {
        /// How to reach it.
        server: Server,
        /// The watched folders.
        folders: Vec<String>,
    },
    /// A Maildir.
    Maildir {
        /// The folder that holds `new`, `cur` and `tmp`.
        path: PathBuf,
    },
}

/// Which mails count as new at the very first start on a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// What arrives from then on.
    Now,
    /// Everything that is there.
    All,
    /// What arrived at or after this moment.
    At(Timestamp),
}

impl Start {
    /// Whether a mail that was there at the first opening, received at this moment, is left alone.
    pub fn leaves_out(self, received: Timestamp) -> bool {
        match self {
            Start::Now => true,
            Start::All => false,
            Start::At(start) => received < start,
        }
    }
}

/// What the section says the mailbox is.
#[derive(Clone, Copy)]
enum Kind {
    Imap,
    Maildir,
}

/// Reads every `[[mailbox]]`.
pub(super) fn mailboxes(sections: Vec<Section<'_>>, credentials: Credentials<'_>) -> Option<Vec<MailboxConfig>> {
    let mut names = BTreeSet::new();
    let mut places: Vec<(String, String)> = Vec::new();
    let mut read_one = |section: Section<'_>| {
        let name = section.required("name", "\"support\"", name);
        if name.as_ref().is_some_and(|name| !names.insert(name.clone())) {
            section.fault("name", "is the name of an earlier mailbox; write another");
        }
        let (kind, filing, junk) = kind_and_filing(&section, credentials);
        let here = kind.as_ref().map(watched).unwrap_or_default();
        if let Some((_, earlier)) = places.iter().find(|(place, _)| here.contains(place)) {
            section.fault("name", format!("watches a folder that {earlier} watches too; take it out of one"));
        }
        places.extend(here.into_iter().map(|place| (place, section.path().to_string())));
        let start = section.optional("start", value::start).unwrap_or(Start::Now);
        let poll_interval = section.optional("poll_interval", value::duration(POLL_INTERVAL.0, POLL_INTERVAL.1));
        let poll_interval = poll_interval.unwrap_or(DEFAULT_POLL_INTERVAL);
        let sent = section.optional("sent", value::text);
        section.finish();
        Some(MailboxConfig { name: name?, kind: kind?, start, poll_interval, filing, junk, sent })
    };
    let mailboxes: Vec<Option<MailboxConfig>> = sections.into_iter().map(&mut read_one).collect();
    mailboxes.into_iter().collect()
}

/// Where the kind itself is wrong, the other keys tell which one was meant.
fn kind_and_filing(section: &Section<'_>, credentials: Credentials<'_>) -> (Option<MailboxKind>, Filing, Vec<String>) {
    let kinds = [("imap", Kind::Imap), ("maildir", Kind::Maildir)];
    let kind = section.required("kind", "\"imap\"", value::choice(&kinds));
    let filing = section.optional("after", filing).unwrap_or_default();
    let meant = || {
        let is_server = SERVER_KEYS.iter().chain(&["folders"]).any(|key| section.has(key));
        section.has("path").then_some(Kind::Maildir).or(is_server.then_some(Kind::Imap))
    };
    let Some(kind) = kind.or_else(meant) else { return (None, filing, Vec::new()) };
    let mut junk = Vec::new();
    let kind = match kind {
        Kind::Imap => {
            section.refuse(&["path", "junk"], "belongs to kind = \"maildir\"; take it out");
            let server = server(section, Protocol::Imap, credentials);
            junk = section.list("junk_folders", value::text).unwrap_or_default();
            let folders = folders(section, &junk);
            if matches!(&filing, Filing::Move(target) if folders.iter().any(|folder| same_folder(folder, target))) {
                let message = "moves mails into a folder that is watched; write another folder, or take it out of \
                               folders";
                section.fault("after", message);
            }
            server.map(|server| MailboxKind::Imap { server, folders })
        }
        Kind::Maildir => {
            section.refuse(SERVER_KEYS, "belongs to kind = \"imap\"; take it out");
            if section.optional("junk", value::yes_or_no).unwrap_or(false) {
                junk.push(String::new());
            }
            section.refuse(&["sent"], "belongs to kind = \"imap\"; take it out");
            section.refuse(
                &["folders", "junk_folders"],
                "belongs to kind = \"imap\"; watch each Maildir as a mailbox of its own",
            );
            section.required("path", "\"/var/mail/desk\"", value::path).map(|path| MailboxKind::Maildir { path })
        }
    };
    (kind, filing, junk)
}

fn folders(section: &Section<'_>, junk: &[String]) -> Vec<String> {
    let folders = section.list("folders", value::text).unwrap_or_else(|| vec!["INBOX".to_string()]);
    if folders.is_empty() && section.has("folders") {
        section.fault("folders", "names no folder; write [\"INBOX\"], or leave the key out");
    }
    let folders: Vec<String> = folders.into_iter().chain(junk.iter().cloned()).collect();
    for (index, folder) in folders.iter().enumerate() {
        if folders.iter().take(index).any(|earlier| same_folder(earlier, folder)) {
            section.fault("folders", "names a folder twice; take one out");
        }
    }
    folders
}

/// INBOX is one folder in any case; every other name stands as it is (RFC 9051 section 5.1).
fn same_folder(one: &str, other: &str) -> bool {
    one == other || (one.eq_ignore_ascii_case("INBOX") && other.eq_ignore_ascii_case("INBOX"))
}

/// What tells apart the folders of all mailboxes.
fn watched(kind: &MailboxKind) -> Vec<String> {
    match kind {
        MailboxKind::Imap { server, folders } => {
            let user = server.sign_in.as_ref().map_or("", |sign_in| sign_in.user.as_str());
            let inbox = |folder: &String| if same_folder(folder, "INBOX") { "INBOX" } else { folder }.to_string();
            let place = |folder| format!("{} {} {user} {}", server.host, server.port, inbox(folder));
            folders.iter().map(place).collect()
        }
        MailboxKind::Maildir { path } => vec![path.display().to_string()],
    }
}

fn name(value: &DeValue<'_>) -> Result<String, String> {
    let name = value::string(value, "a name in quotes")?;
    let fits = (1..=LONGEST_NAME).contains(&name.len());
    if fits && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
        return Ok(name.to_string());
    }
    Err(format!("is no name; write 1 to {LONGEST_NAME} letters a-z, digits, -, _ or ."))
}

fn filing(value: &DeValue<'_>) -> Result<Filing, String> {
    let message = "is no such thing; write \"leave\", { move = \"Processed\" } or { keyword = \"$HezoDone\" }";
    let wrong = || message.to_string();
    if value.as_str() == Some("leave") {
        return Ok(Filing::Leave);
    }
    let mut entries = value.as_table().ok_or_else(wrong)?.iter();
    let (Some((key, value)), None) = (entries.next(), entries.next()) else { return Err(wrong()) };
    match key.get_ref().as_ref() {
        "move" => Ok(Filing::Move(value::text(value.get_ref())?)),
        "keyword" => keyword(value::string(value.get_ref(), "a keyword in quotes")?).map(Filing::Keyword),
        _ => Err(wrong()),
    }
}

/// An atom of RFC 9051 section 9, which cannot begin with the backslash of the system's own flags.
fn keyword(text: &str) -> Result<String, String> {
    let is_atom_char = |byte: u8| byte.is_ascii_graphic() && !b"(){%*\"\\]".contains(&byte);
    if (1..=LONGEST_NAME).contains(&text.len()) && text.bytes().all(is_atom_char) {
        return Ok(text.to_string());
    }
    Err("names no keyword that IMAP allows; write letters and digits, such as \"$HezoDone\"".to_string())
}
