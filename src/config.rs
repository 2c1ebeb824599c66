//! The configuration file and the systemd credentials become checked settings, or *all* faults at
//! once, each with its line and key.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::mailbox::Filing;

/// Everything a site settles.
#[derive(Clone, Debug)]
pub struct Config {
    /// The desk as customers know it.
    pub desk: Desk,
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
}

/// The desk as customers know it.
#[derive(Clone, Debug)]
pub struct Desk {
    /// Shown as the sender's name.
    pub name: String,
    /// The address customers write to; also the sender of every mail.
    pub address: String,
    /// Other addresses under which the desk receives mail.
    pub aliases: Vec<String>,
    /// Where overdue tickets go.
    pub escalation_address: String,
    /// The telephone of the desk.
    pub phone: String,
    /// The telephone for escalations.
    pub escalation_phone: String,
    /// The portal, as customers type it.
    pub portal: String,
}

/// Somebody who answers customers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Engineer {
    /// A short stable id: small letters, digits.
    pub id: String,
    /// The name that customers see.
    pub name: String,
    /// The address that the engineer writes from and is written to.
    pub address: String,
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

/// A value that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Secret {
        Secret(value.into())
    }

    /// Hands the value out.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(secret)")
    }
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

/// How mail leaves.
#[derive(Clone, Debug)]
pub enum Outgoing {
    /// An SMTP submission server.
    Smtp(Server),
    /// Files in a Maildir, for the demo.
    Maildir(PathBuf),
}
