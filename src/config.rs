//! The configuration file and the systemd credentials become checked settings, or *all* faults at
//! once, each with its line and key.

mod desk;
mod fault;
mod mailbox;
mod operations;
mod secret;
mod section;
mod server;
#[cfg(test)]
mod tests;
mod value;

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use toml::de::DeTable;

pub use self::fault::{Fault, Faults};
pub use self::operations::{Listen, Operations};
pub use self::secret::Secret;
use self::section::{Notes, Section};
use crate::desk::site::{Engineer, Identity};
use crate::mailbox::Filing;

/// The keys above the first section, for those who write one below it by mistake.
const TOP_LEVEL_KEYS: &[&str] = &[
    "state_dir",
    "rules_dir",
    "contracts",
    "token_key_file",
    "max_message_size",
    "max_transit",
    "closing_days",
    "log",
];

/// `state_dir` where nothing else is written: what `StateDirectory=hezo-intake` makes.
const DEFAULT_STATE_DIR: &str = "/var/lib/hezo-intake";

/// Bounds of `max_message_size`. A header section alone can be longer than a lower one; a mail of
/// the upper one is held in memory more than once. Bytes.
const MAX_MESSAGE_SIZE: (u64, u64) = (10_000, 500_000_000);

/// `max_message_size` where nothing else is written; mail servers commonly let 25 to 50 MB through.
/// Bytes.
const DEFAULT_MAX_MESSAGE_SIZE: u64 = 50_000_000;

/// Bounds of `max_transit`.
const MAX_TRANSIT: (Duration, Duration) = (Duration::ZERO, Duration::from_secs(48 * 3600));

/// `max_transit` where nothing else is written.
const DEFAULT_MAX_TRANSIT: Duration = Duration::from_secs(2 * 3600);

/// Everything a site settles.
#[derive(Clone, Debug)]
pub struct Config {
    /// The desk as customers know it.
    pub desk: Identity,
    /// Where the database is.
    pub state_dir: PathBuf,
    /// A folder whose files replace their namesakes in the built-in `rules/`.
    pub rules_dir: Option<PathBuf>,
    /// The contracts on file, as CSV.
    pub contracts: Option<PathBuf>,
    /// The secret that signs reply addresses and Message-IDs, at least 32 bytes.
    pub token_key: Secret,
    /// Who answers customers.
    pub engineers: Vec<Engineer>,
    /// What is watched.
    pub mailboxes: Vec<MailboxConfig>,
    /// How mail leaves.
    pub outgoing: Outgoing,
    /// Larger mails become a ticket from their header alone. Bytes.
    pub max_message_size: u64,
    /// How much earlier than its arrival a mail may claim to have been sent.
    pub max_transit: Duration,
    /// Days on which the desk is closed besides the public holidays.
    pub closing_days: Vec<Date>,
    /// How the service is watched.
    pub operations: Operations,
}

impl Config {
    /// The settings that the program carries, for the demo and for `explain`: everything below
    /// `dir`, a Maildir as mailbox, another for outgoing mail, and a key that protects nothing.
    pub fn embedded(dir: &Path) -> Config {
        let engineer = |id: &str, name: &str| Engineer {
            id: id.to_string(),
            name: name.to_string(),
            address: format!("{id}@hezo.example"),
        };
        Config {
            desk: Identity {
                name: "HEZO Assistance".to_string(),
                address: "pomoc@myhezo.pl".to_string(),
                aliases: Vec::new(),
                escalation_address: "escalation@myhezo.pl".to_string(),
                phone: "12 25 25 600".to_string(),
                escalation_phone: "12 25 25 502".to_string(),
                portal: "myHEZO.pl".to_string(),
            },
            state_dir: dir.join("state"),
            rules_dir: None,
            contracts: None,
            token_key: Secret::new("a key for examples, known to all"),
            engineers: vec![engineer("anna", "Anna Inżynier"), engineer("marek", "Marek Serwisant")],
            mailboxes: vec![MailboxConfig {
                name: "example".to_string(),
                kind: MailboxKind::Maildir { path: dir.join("mailbox") },
                start: Start::All,
                poll_interval: Duration::from_secs(5),
                filing: Filing::Leave,
            }],
            outgoing: Outgoing::Maildir(dir.join("outgoing")),
            max_message_size: DEFAULT_MAX_MESSAGE_SIZE,
            max_transit: DEFAULT_MAX_TRANSIT,
            closing_days: Vec::new(),
            operations: Operations::default(),
        }
    }

    /// Reads the file at `path`, and the secrets from the files that it names: a full path, or the
    /// name of a credential that systemd handed over (`LoadCredential=`).
    ///
    /// # Errors
    /// Everything that is wrong with the file and the files it names.
    pub fn load(path: &Path) -> Result<Config, Faults> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| {
            let (message, key) = (format!("the configuration cannot be read: {error}"), String::new());
            Faults::new(vec![Fault { file: file.clone(), line: 1, key, message }])
        })?;
        let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        Config::parse(&file, &text, credentials.as_deref())
    }

    /// Reads `text`, which came from `file`, with systemd's credentials in that directory.
    ///
    /// # Errors
    /// Everything that is wrong with the text and the files it names.
    pub fn parse(file: &str, text: &str, credentials: Option<&Path>) -> Result<Config, Faults> {
        let notes = Notes::new(file, text);
        let config = match DeTable::parse(text) {
            Ok(table) => read(Section::top(&notes, table.get_ref()), credentials),
            Err(error) => {
                notes.fault(error.span().map_or(0, |span| span.start), "", format!("is no TOML: {}", error.message()));
                None
            }
        };
        let faults = notes.into_faults();
        config.filter(|_| faults.is_empty()).ok_or_else(|| Faults::new(faults))
    }
}

fn read(top: Section<'_>, credentials: Option<&Path>) -> Option<Config> {
    let state_dir = top.optional("state_dir", value::path).unwrap_or_else(|| DEFAULT_STATE_DIR.into());
    let rules_dir = top.optional("rules_dir", value::folder);
    let contracts = top.optional("contracts", value::file);
    let token_key = top.required("token_key_file", "\"token-key\"", secret::token_key(credentials));
    let max_message_size = top.optional("max_message_size", value::size(MAX_MESSAGE_SIZE.0, MAX_MESSAGE_SIZE.1));
    let max_transit = top.optional("max_transit", value::duration(MAX_TRANSIT.0, MAX_TRANSIT.1));
    let closing_days = top.list("closing_days", value::date).unwrap_or_default();

    for (key, why) in [
        ("desk", "[desk] with its name and addresses"),
        ("engineer", "[[engineer]] for at least one who answers"),
        ("mailbox", "[[mailbox]] for at least one that is watched"),
    ] {
        if !top.has(key) {
            top.fault(key, format!("is missing; write {why}"));
        }
    }
    let desk = top.section("desk").and_then(desk::desk);
    let engineers = desk::engineers(top.sections("engineer"), desk.as_ref());
    let mailboxes = mailbox::mailboxes(top.sections("mailbox"), credentials);
    let outgoing = server::outgoing(&top, credentials);
    let operations = operations::operations(&top);
    check_no_loop(&top, mailboxes.as_deref().unwrap_or_default(), outgoing.as_ref());
    top.finish();
    Some(Config {
        desk: desk?,
        state_dir,
        rules_dir,
        contracts,
        token_key: token_key?,
        engineers: engineers?,
        mailboxes: mailboxes?,
        outgoing: outgoing?,
        max_message_size: max_message_size.unwrap_or(DEFAULT_MAX_MESSAGE_SIZE),
        max_transit: max_transit.unwrap_or(DEFAULT_MAX_TRANSIT),
        closing_days,
        operations,
    })
}

/// What leaves must not come in again.
fn check_no_loop(top: &Section<'_>, mailboxes: &[MailboxConfig], outgoing: Option<&Outgoing>) {
    let Some(Outgoing::Maildir(out)) = outgoing else { return };
    let watches = |mailbox: &MailboxConfig| matches!(&mailbox.kind, MailboxKind::Maildir { path } if path == out);
    if mailboxes.iter().any(watches) {
        top.fault("outgoing", "puts mail into a Maildir that is watched; write another");
    }
}

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

/// A server that is signed in to.
#[derive(Clone, Debug)]
pub struct Server {
    /// Host name, as in its certificate.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// How the channel is protected.
    pub security: Security,
    /// Certificates to trust besides the system's, as a PEM file.
    pub ca_file: Option<PathBuf>,
    /// How to sign in; `None` only for an SMTP server that asks for nothing.
    pub sign_in: Option<SignIn>,
}

/// How a channel is protected. There is no fallback from one to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte.
    Implicit,
    /// STARTTLS, or nothing at all.
    StartTls,
    /// Clear text, to a loopback address only; for tests.
    PlaintextLoopbackOnly,
}

/// A user's sign-in.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// The command or SASL mechanism.
    pub mechanism: Mechanism,
    /// User name.
    pub user: String,
    /// Password.
    pub password: Secret,
}

/// How the password is handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// IMAP's LOGIN command, or SASL LOGIN for SMTP.
    Login,
    /// SASL PLAIN (RFC 4616).
    Plain,
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

/// How mail leaves.
#[derive(Clone, Debug)]
pub enum Outgoing {
    /// An SMTP submission server.
    Smtp(Server),
    /// Files in a Maildir, for the demo.
    Maildir(PathBuf),
}
