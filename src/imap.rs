//! One folder on an IMAP server (RFC 3501, and RFC 9051 where a server prefers it).
//!
//! Mails are known by UID under UIDVALIDITY and read with BODY.PEEK, so that nothing depends on
//! who has read what. A command counts as done only when the server's tagged answer says so; a list
//! or a mail that is cut short is an error, and nothing is ever skipped because a stream ended.

mod connection;
mod error;
mod fetch;
mod filing;
pub(crate) mod folder_name;
mod framing;
mod idle;
mod listing;
mod search;
mod selection;
mod session;
mod sign_in;
mod structure;

use std::time::Duration;

use anyhow::Context;

pub use self::error::Error;

use self::connection::Connection;
use self::idle::Idled;
use self::selection::Selected;
use crate::access_token::{self, AccessTokens};
use crate::config::Server;
use crate::mailbox::{Extent, Fetched, Filing, Folder, Listed, Uid, UidValidity, Woken};

/// How long a polite farewell may take.
const FAREWELL: Duration = Duration::from_secs(1);

/// How long and how much a server may keep us.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For resolving the name, for the TCP connection and for the TLS handshake, each.
    pub connect: Duration,
    /// How long a server may send nothing at all while it owes an answer.
    pub silence: Duration,
    /// How long a command may take as a whole, so that a server that drips does not hold it for ever.
    pub command: Duration,
    /// How long one IDLE may last. Servers end it after 30 minutes (RFC 2177 section 3).
    pub idle: Duration,
    /// Bytes of a mail to ask for at a time.
    pub chunk: u32,
    /// The most bytes of a header section to ask for.
    pub header: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connect: Duration::from_secs(20),
            silence: Duration::from_secs(60),
            command: Duration::from_secs(10 * 60),
            idle: Duration::from_secs(28 * 60),
            chunk: 1024 * 1024,
            header: 1024 * 1024,
        }
    }
}

impl Limits {
    /// No response is longer than what was asked for and a line around it.
    fn longest_response(&self) -> usize {
        const AROUND: usize = 64 * 1024;
        usize::try_from(self.chunk.max(self.header)).unwrap_or(usize::MAX).saturating_add(AROUND)
    }
}

/// A folder on an IMAP server, with its own connection.
#[derive(Debug)]
pub struct ImapFolder {
    server: Server,
    folder: String,
    limits: Limits,
    /// Where the server wants tokens and no password.
    tokens: Option<AccessTokens>,
    /// Taken out while it is in use, so that an error or a call that was given up closes it.
    open: Option<(Connection, Selected)>,
    /// The server announced IDLE and refused it.
    idle_refused: bool,
}

impl ImapFolder {
    /// The folder of this name, in UTF-8 and with the server's own hierarchy separator. Nothing is
    /// connected before [`Folder::open`].
    pub fn new(server: &Server, folder: &str, limits: Limits) -> ImapFolder {
        let tokens = server.token.clone().map(AccessTokens::new);
        ImapFolder {
            server: server.clone(),
            folder: folder.to_owned(),
            limits,
            tokens,
            open: None,
            idle_refused: false,
        }
    }

    /// The mails in whose Message-ID field the server sees this id.
    ///
    /// # Errors
    /// The folder is not open; the server refuses, or the connection breaks.
    pub async fn search(&mut self, message_id: &str) -> anyhow::Result<Vec<Uid>> {
        let (mut connection, selected) = self.take()?;
        let found = search::by_message_id(&mut connection, message_id).await?;
        self.open = Some((connection, selected));
        Ok(found)
    }

    fn take(&mut self) -> anyhow::Result<(Connection, Selected)> {
        self.open.take().with_context(|| format!("the folder {} is not open", self.folder))
    }
}

impl Folder for ImapFolder {
    async fn open(&mut self) -> anyhow::Result<UidValidity> {
        let mut connection = match self.open.take() {
            Some((connection, _)) => {
                keep_token_fresh(self.tokens.as_ref()).await?;
                connection
            }
            None => session::begin(&self.server, self.tokens.as_ref(), self.limits).await?,
        };
        let selected = selection::select(&mut connection, &self.folder).await?;
        let validity = selected.validity;
        self.open = Some((connection, selected));
        Ok(validity)
    }

    async fn list(&mut self, after: Uid) -> anyhow::Result<Vec<Listed>> {
        let (mut connection, selected) = self.take()?;
        let listed = listing::list(&mut connection, after).await?;
        self.open = Some((connection, selected));
        Ok(listed)
    }

    async fn fetch(&mut self, uid: Uid, extent: Extent) -> anyhow::Result<Fetched> {
        let (mut connection, selected) = self.take()?;
        let fetched = match extent {
            Extent::Whole { limit } => fetch::whole(&mut connection, uid, limit).await?,
            Extent::Header => fetch::header(&mut connection, uid).await?,
        };
        self.open = Some((connection, selected));
        Ok(fetched)
    }

    async fn fetch_all(&mut self, uids: &[Uid], extent: Extent) -> anyhow::Result<Vec<(Uid, Fetched)>> {
        let (mut connection, selected) = self.take()?;
        let fetched = fetch::all(&mut connection, uids, extent).await?;
        self.open = Some((connection, selected));
        Ok(fetched)
    }

    async fn file(&mut self, uid: Uid, filing: &Filing) -> anyhow::Result<()> {
        self.file_all(&[uid], filing).await
    }

    async fn file_all(&mut self, uids: &[Uid], filing: &Filing) -> anyhow::Result<()> {
        let (mut connection, selected) = self.take()?;
        match filing {
            Filing::Leave => {}
            Filing::Keyword(keyword) => filing::mark(&mut connection, &selected, uids, keyword).await?,
            Filing::Move(folder) if *folder == self.folder => {}
            Filing::Move(folder) => filing::move_to(&mut connection, uids, folder).await?,
        }
        self.open = Some((connection, selected));
        Ok(())
    }

    async fn wait(&mut self, at_most: Duration) -> anyhow::Result<Woken> {
        let (mut connection, selected) = self.take()?;
        let may_idle = !self.idle_refused && connection.can("IDLE");
        let at_most = match &self.tokens {
            Some(tokens) => at_most.min(tokens.fresh_for().await),
            None => at_most,
        };
        let woken = match idle::wait(&mut connection, at_most, may_idle).await? {
            Idled::Woken(woken) => woken,
            Idled::Refused(words) => {
                tracing::debug!(words = crate::log::words(words), "IDLE refused, polling from now on");
                self.idle_refused = true;
                match idle::wait(&mut connection, at_most, false).await? {
                    Idled::Woken(woken) => woken,
                    Idled::Refused(_) => Woken::TimedOut,
                }
            }
        };
        self.open = Some((connection, selected));
        Ok(woken)
    }

    async fn close(&mut self) {
        if let Some((connection, _)) = self.open.take() {
            connection.log_out(FAREWELL).await;
        }
    }
}

/// Asks for the next token ahead of the expiry of the one at hand, also while the connection goes on: a right that
/// was revoked is heard of then, and not when the connection ends. An endpoint that is away is asked again.
async fn keep_token_fresh(tokens: Option<&AccessTokens>) -> anyhow::Result<()> {
    let Some(tokens) = tokens else { return Ok(()) };
    match tokens.current().await {
        Err(error) if !error.is::<access_token::Refused>() => {
            tracing::debug!(error = crate::log::error(&error), "no new token yet");
            Ok(())
        }
        asked => asked.map(|_| ()),
    }
}
