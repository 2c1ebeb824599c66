//! Sends one mail to one recipient through the submission server (RFC 6409), and says what became
//! of it: sent, later, never or unknown.
//!
//! lettre speaks SMTP; the commands are given to it one by one, since its own `send` does not tell
//! whether a connection broke before or after the mail was handed over. For the same reason, and
//! since lettre's pool bounds nothing, connections rest here between two mails. lettre is built
//! without its `tracing` feature, which would log addresses and passwords.

mod channel;
mod reason;
mod sign_in;
#[cfg(test)]
mod tests;

use std::fmt::Display;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, ensure};
use lettre::Address;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail, Noop, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::{Response, Severity};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use self::channel::Connector;
use self::reason::{Reasons, words};
use self::sign_in::{SignIn, Unconnected};
use crate::config::Server;
use crate::failpoint::{self, Point};

/// A connection that rested longer is not used again: a firewall may have forgotten it.
const LONGEST_REST: Duration = Duration::from_secs(30);

/// How long a server may take over a farewell.
const FAREWELL: Duration = Duration::from_secs(1);

/// The most of a mail that is made ready for the line at once. Bytes.
const PIECE: usize = 64 * 1024;

/// What became of a mail. Reasons carry the server's own words, without mail addresses and without
/// the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The server has taken the mail over.
    Sent {
        /// Its words, mostly with its own id of the mail.
        reply: String,
    },
    /// The server does not have the mail; another try may succeed.
    Later {
        /// What happened.
        reason: String,
    },
    /// The sign-in was refused, so that the server has no mail of ours until a person has seen to it.
    NotSignedIn {
        /// What happened.
        reason: String,
    },
    /// The server does not take this mail, or does not take it for this recipient.
    Never {
        /// What happened.
        reason: String,
    },
    /// The mail was handed over, but whether the server has taken it is not known.
    Unknown {
        /// What happened.
        reason: String,
    },
}

impl Outcome {
    /// The stable name.
    pub fn name(&self) -> &'static str {
        match self {
            Outcome::Sent { .. } => "sent",
            Outcome::Later { .. } => "later",
            Outcome::NotSignedIn { .. } => "not-signed-in",
            Outcome::Never { .. } => "never",
            Outcome::Unknown { .. } => "unknown",
        }
    }
}

/// How long to wait for the server.
#[derive(Clone, Copy)]
struct Patience {
    /// For connecting, TLS and the sign-in together.
    set_up: Duration,
    /// For the reply to a command: RFC 5321 sections 4.5.3.2.2 to 4.5.3.2.4.
    command: Duration,
    /// For handing over a mail and the reply to it: ten minutes for the reply as RFC 5321 section
    /// 4.5.3.2.6 asks for, lest the same mail be sent twice, and five for the largest mail.
    mail: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            set_up: Duration::from_secs(60),
            command: Duration::from_secs(5 * 60),
            mail: Duration::from_secs(15 * 60),
        }
    }
}

/// A submission server, with the connections that rest between two mails.
pub struct Smtp {
    connector: Connector,
    hello: ClientId,
    sign_in: Option<SignIn>,
    reasons: Reasons,
    patience: Patience,
    connections: usize,
    slots: Semaphore,
    resting: Mutex<Vec<(AsyncSmtpConnection, Instant)>>,
}

impl Smtp {
    /// Prepares for a server that takes so many connections at the same time; connects to nothing yet.
    ///
    /// # Errors
    /// The certificates to trust cannot be read.
    pub fn new(server: &Server, connections: usize) -> anyhow::Result<Smtp> {
        Ok(Smtp {
            connector: Connector::new(server)?,
            hello: ClientId::default(),
            sign_in: SignIn::new(server),
            reasons: Reasons::new(server.sign_in.as_ref()),
            patience: Patience::default(),
            connections,
            slots: Semaphore::new(connections),
            resting: Mutex::default(),
        })
    }

    /// Whether tokens take a password's place here.
    pub fn has_tokens(&self) -> bool {
        self.sign_in.as_ref().is_some_and(|sign_in| sign_in.tokens().is_some())
    }

    /// Asks for the next access token where it is time. Returns for how long that is not so again.
    ///
    /// # Errors
    /// [`access_token::Refused`](crate::access_token::Refused), or the endpoint cannot be reached.
    pub async fn keep_token_fresh(&self) -> anyhow::Result<Duration> {
        let Some(tokens) = self.sign_in.as_ref().and_then(SignIn::tokens) else { return Ok(Duration::MAX) };
        tokens.current().await?;
        Ok(tokens.fresh_for().await)
    }

    /// How many connections there are at the same time.
    pub fn connections(&self) -> usize {
        self.connections
    }

    /// Hands one mail to the server. `envelope_from` is where a bounce goes; `None` is the null
    /// sender, to which nothing ever bounces.
    pub async fn send(&self, envelope_from: Option<&str>, recipient: &str, mail: &[u8]) -> Outcome {
        self.try_send(envelope_from, recipient, mail).await.unwrap_or_else(|outcome| outcome)
    }

    /// Connects, signs in and takes leave: whether sending would work.
    ///
    /// # Errors
    /// It would not; why, without the password.
    pub async fn check(&self) -> anyhow::Result<()> {
        let mut connection = self.connect().await.map_err(|fault| anyhow::Error::msg(fault.reason))?;
        let noop = timeout(self.patience.command, connection.command(Noop)).await;
        let noop = noop.context("the mail server does not answer after the sign-in")?;
        noop.map_err(|error| anyhow::anyhow!(self.reasons.clean(&words(&error))))?;
        take_leave(connection).await;
        Ok(())
    }

    /// Takes leave on every connection that rests; for when nothing is left to be sent.
    pub async fn close(&self) {
        let resting = std::mem::take(&mut *self.resting.lock().unwrap_or_else(PoisonError::into_inner));
        futures::future::join_all(resting.into_iter().map(|(connection, _)| take_leave(connection))).await;
    }

    async fn try_send(&self, sender: Option<&str>, recipient: &str, mail: &[u8]) -> Result<Outcome, Outcome> {
        let unwritable = |_| "the sender's address cannot be written in SMTP";
        let sender = sender.map(address).transpose().map_err(|error| self.later(unwritable(error)))?;
        let unwritable = |_| self.never("the recipient's address cannot be written in SMTP");
        let recipient = address(recipient).map_err(unwritable)?;
        let _slot = self.slots.acquire().await.map_err(|_| self.later("the program is stopping"))?;
        let mut connection = self.begin(sender, &recipient, mail).await?;
        match self.hand_over(&mut connection, recipient, mail).await {
            Ok(reply) => {
                self.rest(connection);
                Ok(Outcome::Sent { reply: self.reasons.clean(&text(&reply)) })
            }
            Err(outcome) => {
                take_leave(connection).await;
                Err(outcome)
            }
        }
    }

    /// A connection on which the server has said yes to MAIL. One that rested may have been closed
    /// meanwhile or have had its share of mails, so that its no says nothing; a new one's does.
    async fn begin(
        &self,
        sender: Option<Address>,
        recipient: &Address,
        mail: &[u8],
    ) -> Result<AsyncSmtpConnection, Outcome> {
        if let Some(mut rested) = self.rested() {
            if self.mail(&mut rested, sender.clone(), recipient, mail).await.is_ok() {
                return Ok(rested);
            }
            take_leave(rested).await;
        }
        let mut fresh = self.connect().await.map_err(Unconnected::outcome)?;
        match self.mail(&mut fresh, sender, recipient, mail).await {
            Ok(()) => Ok(fresh),
            Err(outcome) => {
                take_leave(fresh).await;
                Err(outcome)
            }
        }
    }

    async fn mail(
        &self,
        connection: &mut AsyncSmtpConnection,
        sender: Option<Address>,
        recipient: &Address,
        mail: &[u8],
    ) -> Result<(), Outcome> {
        let server = connection.server_info();
        let mut parameters = Vec::new();
        let foreign = |address: &Address| !AsRef::<str>::as_ref(address).is_ascii();
        if foreign(recipient) || sender.as_ref().is_some_and(foreign) {
            if !server.supports_feature(Extension::SmtpUtfEight) {
                return Err(self.never("the address is not in ASCII, and the server does not offer SMTPUTF8"));
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        if !mail.is_ascii() {
            // RFC 6152 section 3: without 8BITMIME such a mail must not be sent. The server is to
            // blame and not this mail, so it waits.
            if !server.supports_feature(Extension::EightBitMime) {
                return Err(self.later("the mail has 8-bit text, and the server does not offer 8BITMIME"));
            }
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        // What MAIL says is the same for every mail, our own address, so that a lasting no is a
        // fault of the set-up and not of this mail.
        let later = |outcome| match outcome {
            Outcome::Never { reason } => Outcome::Later { reason },
            outcome => outcome,
        };
        self.say(connection, "MAIL", Mail::new(sender, parameters), Severity::PositiveCompletion).await.map_err(later)
    }

    async fn hand_over(
        &self,
        connection: &mut AsyncSmtpConnection,
        recipient: Address,
        mail: &[u8],
    ) -> Result<Response, Outcome> {
        self.say(connection, "RCPT", Rcpt::new(recipient, Vec::new()), Severity::PositiveCompletion).await?;
        self.say(connection, "DATA", Data, Severity::PositiveIntermediate).await?;
        failpoint::reach(Point::Data);
        // lettre writes the mail and reads the reply in one step, and its errors do not tell which
        // of the two failed. But it asks for a piece beyond the last only when all are written, and
        // what fails before that fails without the final dot.
        let mut all_written = false;
        let end = std::iter::from_fn(|| {
            all_written = true;
            None
        });
        let reply = timeout(self.patience.mail, connection.message_iter(pieces(mail).chain(end))).await;
        let reason = match reply {
            Ok(Ok(reply)) if reply.code().severity == Severity::PositiveCompletion => return Ok(reply),
            Ok(Ok(reply)) => format!("the server answered the mail with {}", text(&reply)),
            Ok(Err(error)) if error.status().is_some() => return Err(self.refused("the mail", &error)),
            Ok(Err(error)) => format!("the connection broke: {}", words(&error)),
            Err(_) => "the server took too long".to_string(),
        };
        if !all_written {
            return Err(self.later(&format!("while the mail was written, {reason}")));
        }
        Err(Outcome::Unknown { reason: self.reasons.clean(&format!("after the end of the mail, {reason}")) })
    }

    /// Gives a command and expects a reply of that severity.
    async fn say(
        &self,
        connection: &mut AsyncSmtpConnection,
        name: &str,
        command: impl Display,
        expected: Severity,
    ) -> Result<(), Outcome> {
        tracing::trace!(command = name, "SMTP command");
        match timeout(self.patience.command, connection.command(command)).await {
            Ok(Ok(reply)) if reply.code().severity == expected => Ok(()),
            Ok(Ok(reply)) => Err(self.later(&format!("the server answered {name} with {}", text(&reply)))),
            Ok(Err(error)) if error.status().is_some() => Err(self.refused(name, &error)),
            Ok(Err(error)) => Err(self.later(&format!("the connection broke after {name}: {}", words(&error)))),
            Err(_) => Err(self.later(&format!("the server did not answer {name} in time"))),
        }
    }

    /// Judges a 4xx or 5xx reply.
    fn refused(&self, what: &str, error: &lettre::transport::smtp::Error) -> Outcome {
        let reason = format!("the server refused {what}: {}", words(error));
        // RFC 4954 section 6: 530 and 535 want a sign-in, or another one; 534 and 538 another
        // mechanism. Each is a fault of our set-up, not of this mail.
        let wants_sign_in = error.status().is_some_and(|code| matches!(u16::from(code), 530 | 534 | 535 | 538));
        if error.is_permanent() && !wants_sign_in { self.never(&reason) } else { self.later(&reason) }
    }

    fn later(&self, reason: &str) -> Outcome {
        Outcome::Later { reason: self.reasons.clean(reason) }
    }

    fn never(&self, reason: &str) -> Outcome {
        Outcome::Never { reason: self.reasons.clean(reason) }
    }

    /// A new connection, signed in; or why there is none.
    async fn connect(&self) -> Result<AsyncSmtpConnection, Unconnected> {
        let connected = match timeout(self.patience.set_up, self.set_up()).await {
            Ok(connected) => connected.map_err(|error| Unconnected::of(&error)),
            Err(_) => Err(Unconnected::late()),
        };
        connected.map_err(|fault| Unconnected { reason: self.reasons.clean(&fault.reason), ..fault })
    }

    async fn set_up(&self) -> anyhow::Result<AsyncSmtpConnection> {
        let channel = self.connector.open(&self.hello).await?;
        let connection = AsyncSmtpConnection::connect_with_transport(channel, &self.hello).await;
        let mut connection = connection
            .map_err(|error| anyhow::anyhow!("the mail server's greeting or its reply to EHLO: {}", words(&error)))?;
        if let Some(sign_in) = &self.sign_in {
            sign_in.run(&mut connection).await?;
        }
        Ok(connection)
    }

    fn rested(&self) -> Option<AsyncSmtpConnection> {
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        resting.retain(|(_, since)| since.elapsed() < LONGEST_REST);
        resting.pop().map(|(connection, _)| connection)
    }

    fn rest(&self, connection: AsyncSmtpConnection) {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner).push((connection, Instant::now()));
    }
}

/// Takes leave as far as the server lets us; what it says to that changes nothing.
async fn take_leave(mut connection: AsyncSmtpConnection) {
    let _ = timeout(FAREWELL, connection.quit()).await;
}

/// An address that can stand in a command. lettre lets a quoted control character through.
fn address(text: &str) -> anyhow::Result<Address> {
    ensure!(!text.contains(char::is_control), "the address holds a control character");
    Ok(text.parse()?)
}

/// Code and words of a reply.
fn text(reply: &Response) -> String {
    format!("{} {}", reply.code(), reply.message().collect::<Vec<_>>().join(" "))
}

/// The mail in pieces, with CR LF at the end of every line but the last, to which lettre adds one
/// before the dot. RFC 5321 section 2.3.8 forbids a CR or LF alone: a server that takes one for the
/// end of a line could be made to see the end of the mail, and further commands, in the midst of it.
fn pieces(mail: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let mail = mail.strip_suffix(b"\n").map_or(mail, |mail| mail.strip_suffix(b"\r").unwrap_or(mail));
    let mut previous = 0;
    mail.chunks(PIECE).map(move |chunk| {
        let mut piece = Vec::with_capacity(chunk.len() + chunk.len() / 16);
        for &byte in chunk {
            match (previous, byte) {
                (b'\r', b'\n') => (),
                (_, b'\r' | b'\n') => piece.extend_from_slice(b"\r\n"),
                _ => piece.push(byte),
            }
            previous = byte;
        }
        piece
    })
}
