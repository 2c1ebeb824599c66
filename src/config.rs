//! The configuration file and the systemd credentials become checked settings, or *all* faults at
//! once, each with its line and key.

mod alert;
mod authentication;
mod budget;
mod desk;
mod fault;
mod limits;
mod mailbox;
mod operations;
mod retention;
mod secret;
mod section;
mod server;
mod spam;
#[cfg(test)]
mod tests;
mod token;
mod value;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::civil::Date;
use toml::de::DeTable;

pub use self::alert::AlertCommand;
pub use self::fault::{Fault, Faults};
pub use self::mailbox::{MailboxConfig, MailboxKind, Start};
pub use self::operations::{Alarm, Listen, Operations};
pub use self::retention::{Hold, Retention};
use self::secret::Credentials;
pub use self::secret::Secret;
use self::section::{Notes, Section};
pub use self::server::{Mechanism, Outgoing, Security, Server, SignIn};
pub use self::token::{Flow, TokenGrant};
use crate::desk::budget::Budget;
use crate::desk::engineer::Engineer;
use crate::desk::message::Limits;
use crate::desk::site::{Identity, ReplyTokens, SpamHeader};
use crate::desk::trust::Authentication;
use crate::mailbox::Filing;

/// The keys above the first section, for those who write one below it by mistake.
const TOP_LEVEL_KEYS: &[&str] = &[
    "state_dir",
    "rules_dir",
    "contracts",
    "token_key_file",
    "token_lifetime_days",
    "reply_tokens",
    "max_message_size",
    "max_transit",
    "closing_days",
    "escalation_ack",
    "close_after_days",
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

/// Bounds of `token_lifetime_days`: an answer may take a week, and nobody answers after ten years.
const TOKEN_LIFETIME_DAYS: (u16, u16) = (7, 3650);

/// `token_lifetime_days` where nothing else is written: half a year.
const DEFAULT_TOKEN_LIFETIME_DAYS: u16 = 180;

/// The ways to bring a token back.
const REPLY_TOKENS: [(&str, ReplyTokens); 2] = [("plus", ReplyTokens::Plus), ("message-id", ReplyTokens::MessageId)];
/// Bounds of `escalation_ack`.
const ESCALATION_ACK: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(24 * 3600));

/// `escalation_ack` where nothing else is written.
const DEFAULT_ESCALATION_ACK: Duration = Duration::from_secs(30 * 60);

/// Bounds of `close_after_days`.
const CLOSE_AFTER_DAYS: (u16, u16) = (1, 365);

/// `close_after_days` where nothing else is written.
const DEFAULT_CLOSE_AFTER_DAYS: u16 = 14;

/// Everything a site settles.
#[derive(Clone, Debug)]
pub struct Config {
    /// The desk as customers know it.
    pub desk: Identity,
    /// Where the database is.
    pub state_dir: PathBuf,
    /// A folder whose files replace their namesakes in the built-in `rules/`.
    pub rules_dir: Option<PathBuf>,
    /// The list of contracts, CSV or XLSX, that is imported at the start and whenever it changes.
    pub contracts: Option<PathBuf>,
    /// The secrets behind reply tokens and Message-IDs, at least 32 bytes each: the first signs, all
    /// verify.
    pub token_keys: Vec<Secret>,
    /// How long a token is good after the day it was made.
    pub token_lifetime_days: u16,
    /// Where tokens stand.
    pub reply_tokens: ReplyTokens,
    /// What counts as proof of a sender.
    pub authentication: Authentication,
    /// How much of a mail is read.
    pub limits: Limits,
    /// How the site's filter marks what it takes for spam.
    pub spam: Option<SpamHeader>,
    /// How many automatic mails may leave.
    pub budget: Budget,
    /// The name servers that are asked for keys and policies; the system's where there are none.
    pub resolvers: Vec<SocketAddr>,
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
    /// Within how much of the service window a person is to take an escalated ticket over.
    pub escalation_ack: Duration,
    /// How many days after it was resolved a ticket closes by itself.
    pub close_after_days: u16,
    /// Where a ticket goes that nobody at escalation has taken over, in lower case.
    pub second_level_address: Option<String>,
    /// The program that is run when a mail would come too late.
    pub alert: Option<AlertCommand>,
    /// How mail leaves when the first way fails.
    pub fallback: Option<Outgoing>,
    /// How the service is watched.
    pub operations: Operations,
    /// How long data are kept.
    pub retention: Retention,
}

impl Config {
    /// The settings that the program carries, for the demo and for `explain`: everything below
    /// `dir`, a Maildir as mailbox, another for outgoing mail, and a key that protects nothing.
    pub fn embedded(dir: &Path) -> Config {
        let engineer = |id: &str, name: &str| Engineer {
            id: id.to_string(),
            name: name.to_string(),
            address: format!("{id}@hezo.example"),
            active: true,
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
            token_keys: vec![Secret::new("a key for examples, known to all")],
            token_lifetime_days: DEFAULT_TOKEN_LIFETIME_DAYS,
            reply_tokens: ReplyTokens::Plus,
            authentication: Authentication::default(),
            limits: Limits::default(),
            spam: None,
            budget: Budget::default(),
            resolvers: Vec::new(),
            engineers: vec![engineer("anna", "Anna Inżynier"), engineer("marek", "Marek Serwisant")],
            mailboxes: vec![MailboxConfig {
                name: "example".to_string(),
                kind: MailboxKind::Maildir { path: dir.join("mailbox") },
                start: Start::All,
                poll_interval: Duration::from_secs(5),
                filing: Filing::Leave,
                junk: Vec::new(),
                sent: None,
            }],
            outgoing: Outgoing::Maildir(dir.join("outgoing")),
            max_message_size: DEFAULT_MAX_MESSAGE_SIZE,
            max_transit: DEFAULT_MAX_TRANSIT,
            closing_days: Vec::new(),
            operations: Operations::default(),
            retention: Retention::default(),
            escalation_ack: DEFAULT_ESCALATION_ACK,
            close_after_days: DEFAULT_CLOSE_AFTER_DAYS,
            second_level_address: None,
            alert: None,
            fallback: None,
        }
    }

    /// What is allowed and unwise, one sentence each.
    pub fn warnings(&self) -> Vec<&'static str> {
        let authentication = &self.authentication;
        match (authentication.is_configured(), authentication.accept_unauthenticated_engineers) {
            (true, _) => Vec::new(),
            (false, true) => vec![
                "authentication.accept_unauthenticated_engineers: whoever learns an engineer's reply address and writes \
                 the engineer's address into From writes to customers in the desk's name",
            ],
            (false, false) => vec![
                "authentication: nobody is proven, so that every engineer's answer is held and customers get the \
                 neutral acknowledgement alone; write [authentication] with method = \"header\" or \"verify\"",
            ],
        }
    }

    /// Reads the file at `path`, and the secrets from the files that it names: a full path, or the
    /// name of a credential that systemd handed over (`LoadCredential=`). Outside the service, for an
    /// operator's command, the file of that name lies beside the configuration.
    ///
    /// # Errors
    /// Everything that is wrong with the file and the files it names.
    pub fn load(path: &Path) -> Result<Config, Faults> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| {
            let message = format!(
                "the configuration cannot be read: {error}; name another with --config FILE, or begin with the sample: \
                 hezo-intake config"
            );
            let key = String::new();
            Faults::new(vec![Fault { file: file.clone(), line: 1, key, message }])
        })?;
        let handed_over = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        let folder = std::path::absolute(path).ok().and_then(|path| path.parent().map(Path::to_path_buf));
        let credentials = match (&handed_over, &folder) {
            (Some(folder), _) => Credentials::HandedOver(folder),
            (None, Some(folder)) => Credentials::Beside(folder),
            (None, None) => Credentials::Nowhere,
        };
        Config::parse_with(&file, &text, credentials)
    }

    /// The rules and the list of contracts that a file names, whatever else is wrong with it.
    pub fn names(path: &Path) -> Names {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let (table, _) = DeTable::parse_recoverable(&text);
        let named = |key: &str| table.get_ref().get(key)?.get_ref().as_str().map(PathBuf::from);
        Names { rules_dir: named("rules_dir").filter(|folder| folder.is_dir()), contracts: named("contracts") }
    }

    /// Reads `text`, which came from `file`, with systemd's credentials in that directory.
    ///
    /// # Errors
    /// Everything that is wrong with the text and the files it names.
    pub fn parse(file: &str, text: &str, credentials: Option<&Path>) -> Result<Config, Faults> {
        Config::parse_with(file, text, credentials.map_or(Credentials::Nowhere, Credentials::HandedOver))
    }

    fn parse_with(file: &str, text: &str, credentials: Credentials<'_>) -> Result<Config, Faults> {
        let notes = Notes::new(file, text);
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            notes.fault(error.span().map_or(0, |span| span.start), "", format!("is no TOML: {}", error.message()));
        }
        // A table that was only half read lacks what its other half says.
        let config = errors.is_empty().then(|| read(Section::top(&notes, table.get_ref()), credentials)).flatten();
        let faults = notes.into_faults();
        config.filter(|_| faults.is_empty()).ok_or_else(|| Faults::new(faults))
    }
}

/// What a configuration names for others to read.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// A folder with rule files of the site's own.
    pub rules_dir: Option<PathBuf>,
    /// The list of contracts.
    pub contracts: Option<PathBuf>,
}

fn read(top: Section<'_>, credentials: Credentials<'_>) -> Option<Config> {
    let state_dir = top.optional("state_dir", value::path).unwrap_or_else(|| DEFAULT_STATE_DIR.into());
    let rules_dir = top.optional("rules_dir", value::folder);
    let contracts = top.optional("contracts", value::file);
    let token_keys = top.required("token_key_file", "\"token-key\"", secret::token_keys(credentials));
    let (least, most) = TOKEN_LIFETIME_DAYS;
    let token_lifetime_days = top.optional("token_lifetime_days", value::number(least, most));
    let reply_tokens = top.optional("reply_tokens", value::choice(&REPLY_TOKENS));
    let max_message_size = top.optional("max_message_size", value::size(MAX_MESSAGE_SIZE.0, MAX_MESSAGE_SIZE.1));
    let max_transit = top.optional("max_transit", value::duration(MAX_TRANSIT.0, MAX_TRANSIT.1));
    let closing_days = top.list("closing_days", value::date).unwrap_or_default();

    let escalation_ack = top.optional("escalation_ack", value::duration(ESCALATION_ACK.0, ESCALATION_ACK.1));
    let close_after_days = top.optional("close_after_days", value::whole(CLOSE_AFTER_DAYS.0, CLOSE_AFTER_DAYS.1));
    for (key, why) in [
        ("desk", "[desk] with its name and addresses"),
        ("engineer", "[[engineer]] for at least one who answers"),
        ("mailbox", "[[mailbox]] for at least one that is watched"),
    ] {
        if !top.has(key) {
            top.fault(key, format!("is missing; write {why}"));
        }
    }
    let (desk, second_level_address) = top.section("desk").map(desk::desk).unwrap_or_default();
    let engineers = desk::engineers(top.sections("engineer"), desk.as_ref());
    let desk_domain = desk.as_ref().map_or("", Identity::domain);
    let authentication = authentication::authentication(top.section("authentication"), desk_domain);
    let limits = top.section("limits").map_or_else(Limits::default, limits::limits);
    let spam = top.section("spam").and_then(spam::spam);
    let budget = top.section("budget").map_or_else(Budget::default, budget::budget);
    let mailboxes = mailbox::mailboxes(top.sections("mailbox"), credentials);
    let outgoing = server::outgoing(&top, credentials);
    let operations = operations::operations(&top, desk.as_ref());
    let retention = top.section("retention").map_or_else(Retention::default, retention::retention);
    let fallback = server::fallback(&top, credentials);
    let alert = top.section("alert").and_then(alert::alert);
    check_no_loop(&top, mailboxes.as_deref().unwrap_or_default(), fallback.as_ref());
    check_no_loop(&top, mailboxes.as_deref().unwrap_or_default(), outgoing.as_ref());
    top.finish();
    let (authentication, resolvers) = authentication?;
    let keeps = |mut server: Server| {
        server.token.iter_mut().for_each(|token| token.kept_in.clone_from(&state_dir));
        server
    };
    let mailboxes =
        mailboxes.map(|mailboxes| mailboxes.into_iter().map(|mailbox| mailbox.with_server(&keeps)).collect());
    let (outgoing, fallback) =
        (outgoing.map(|way| way.with_server(&keeps)), fallback.map(|way| way.with_server(&keeps)));
    Some(Config {
        desk: desk?,
        state_dir,
        rules_dir,
        contracts,
        token_keys: token_keys?,
        token_lifetime_days: token_lifetime_days.unwrap_or(DEFAULT_TOKEN_LIFETIME_DAYS),
        reply_tokens: reply_tokens.unwrap_or(ReplyTokens::Plus),
        authentication,
        limits,
        spam,
        budget,
        resolvers,
        engineers: engineers?,
        mailboxes: mailboxes?,
        outgoing: outgoing?,
        max_message_size: max_message_size.unwrap_or(DEFAULT_MAX_MESSAGE_SIZE),
        max_transit: max_transit.unwrap_or(DEFAULT_MAX_TRANSIT),
        closing_days,
        escalation_ack: escalation_ack.unwrap_or(DEFAULT_ESCALATION_ACK),
        close_after_days: close_after_days.unwrap_or(DEFAULT_CLOSE_AFTER_DAYS),
        second_level_address,
        alert,
        fallback,
        operations,
        retention,
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
