//! One connection: a command goes out, and is done only when its own tagged answer has come.
//!
//! The decoder of `async-imap` reads the responses. Its session methods are not used: their streams
//! end alike whether the server said OK, NO, BAD, BYE or nothing at all (async-imap 0.12).

use std::collections::HashSet;
use std::collections::VecDeque;
use std::time::Duration;

use async_imap::imap_proto::{Capability, MailboxDatum, Response, Status};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};

use super::error::Error;
use super::framing::Framed;
use super::{Limits, structure};
use crate::tls::Channel;

/// A command: its name, which may be logged, its arguments, which may not, and what to send each
/// time the server asks for more.
pub(super) struct Command {
    name: &'static str,
    arguments: String,
    answers: VecDeque<String>,
}

impl Command {
    /// A command without arguments.
    pub(super) fn bare(name: &'static str) -> Command {
        Command::new(name, "")
    }

    /// A command with arguments, ready for the wire.
    pub(super) fn new(name: &'static str, arguments: impl Into<String>) -> Command {
        Command { name, arguments: arguments.into(), answers: VecDeque::new() }
    }

    /// The same command, with a line to send when the server asks for more (`+`).
    pub(super) fn answering(mut self, line: String) -> Command {
        self.answers.push_back(line);
        self
    }
}

/// A connection to an IMAP server. After an error it is of no more use, except after
/// [`Error::No`] and [`Error::Bad`].
#[derive(Debug)]
pub(super) struct Connection {
    client: async_imap::Client<Framed<Box<dyn Channel>>>,
    limits: Limits,
    last_tag: u64,
    capabilities: HashSet<String>,
    arrivals: Arrivals,
}

/// What a response means for the command that is waited for.
enum Step {
    More,
    Asked,
    Finished,
}

impl Connection {
    /// Speaks over `channel` from here on.
    pub(super) fn new(channel: Box<dyn Channel>, limits: Limits) -> Connection {
        let client = async_imap::Client::new(Framed::new(channel, limits.longest_response()));
        Connection { client, limits, last_tag: 0, capabilities: HashSet::new(), arrivals: Arrivals::default() }
    }

    /// The channel beneath, to be protected. Whatever the server has sent ahead was sent in the
    /// clear by whoever could (CVE-2011-0411) and ends the connection.
    pub(super) fn into_channel(self) -> Result<Box<dyn Channel>, Error> {
        self.client.into_inner().into_inner().ok_or_else(|| Error::nonsense("STARTTLS", "more followed in clear text"))
    }

    /// Whether the server has announced this capability.
    pub(super) fn can(&self, capability: &str) -> bool {
        self.capabilities.contains(&capability.to_ascii_uppercase())
    }

    /// Waits for the server's first words; answers whether they say that the user is known already.
    pub(super) async fn greeting(&mut self) -> Result<bool, Error> {
        const GREETING: &str = "the connection";
        let until = Instant::now() + self.limits.command;
        self.next(GREETING, until, |response| match response {
            Response::Data { status: Status::Ok, .. } => Ok(false),
            Response::Data { status: Status::PreAuth, .. } => Ok(true),
            _ => Err(Error::nonsense(GREETING, "it does not begin with a greeting")),
        })
        .await?
    }

    /// Asks what the server can do.
    pub(super) async fn read_capabilities(&mut self) -> Result<(), Error> {
        let mut capabilities = HashSet::new();
        self.run(Command::bare("CAPABILITY"), |response| {
            if let Response::Capabilities(listed) = response {
                capabilities = listed.iter().map(capability_name).collect();
            }
            Ok(())
        })
        .await?;
        self.capabilities = capabilities;
        Ok(())
    }

    /// Runs a command, hands each untagged response to `each`, and returns once the server has
    /// answered this command with OK.
    pub(super) async fn run(
        &mut self,
        mut command: Command,
        mut each: impl FnMut(&Response<'_>) -> Result<(), Error> + Send,
    ) -> Result<(), Error> {
        let name = command.name;
        let until = Instant::now() + self.limits.command;
        let tag = self.send(&command).await?;
        loop {
            match self.next(name, until, |response| step(name, &tag, response, &mut each)).await?? {
                Step::More => {}
                Step::Finished => return Ok(()),
                Step::Asked => match command.answers.pop_front() {
                    Some(line) => self.write(name, &line).await?,
                    // Called off (RFC 3501 section 6.2.2); the server then answers BAD.
                    None if name == "AUTHENTICATE" => self.write(name, "*").await?,
                    None => return Err(Error::nonsense(name, "the server asks for more than there is")),
                },
            }
        }
    }

    /// Sends a command and returns its tag, without waiting for anything.
    pub(super) async fn send(&mut self, command: &Command) -> Result<String, Error> {
        tracing::debug!(command = command.name, "IMAP command");
        self.last_tag += 1;
        let tag = format!("H{}", self.last_tag);
        let space = if command.arguments.is_empty() { "" } else { " " };
        self.write(command.name, &format!("{tag} {}{space}{}", command.name, command.arguments)).await?;
        Ok(tag)
    }

    /// Sends a line. It does not pass through the client of `async-imap`, which would log it.
    pub(super) async fn write(&mut self, name: &'static str, line: &str) -> Result<(), Error> {
        let channel = self.client.get_mut();
        // In one piece, which makes one packet.
        let line = format!("{line}\r\n");
        let writing = async {
            channel.write_all(line.as_bytes()).await?;
            channel.flush().await
        };
        match timeout(self.limits.silence, writing).await {
            Ok(result) => result.map_err(|cause| Error::Broken { command: name, cause }),
            Err(_) => Err(Error::Late { command: name, limit: self.limits.silence }),
        }
    }

    /// Reads until the command with this tag is answered with OK.
    pub(super) async fn finish(&mut self, name: &'static str, tag: &str) -> Result<(), Error> {
        let until = Instant::now() + self.limits.command;
        while let Step::More = self.next(name, until, |response| step(name, tag, response, &mut |_| Ok(()))).await?? {}
        Ok(())
    }

    /// Waits for one response: at most until `until`, and while bytes keep coming.
    pub(super) async fn next<R>(
        &mut self,
        name: &'static str,
        until: Instant,
        take: impl FnOnce(&Response<'_>) -> R + Send,
    ) -> Result<R, Error> {
        let mut take = Some(take);
        loop {
            let received = self.client.get_ref().received();
            let silence_ends = Instant::now() + self.limits.silence;
            let taken =
                self.next_before(name, silence_ends.min(until), |response| take.take().map(|take| take(response)));
            match taken.await? {
                Some(Some(result)) => return Ok(result),
                _ if Instant::now() >= until => return Err(Error::Late { command: name, limit: self.limits.command }),
                _ if self.client.get_ref().received() == received => {
                    return Err(Error::Late { command: name, limit: self.limits.silence });
                }
                _ => {}
            }
        }
    }

    /// Waits for one response until `until`; `None` if none came whole.
    pub(super) async fn next_before<R>(
        &mut self,
        name: &'static str,
        until: Instant,
        take: impl FnOnce(&Response<'_>) -> R + Send,
    ) -> Result<Option<R>, Error> {
        match timeout_at(until, self.client.read_response()).await {
            Ok(Ok(Some(response))) => {
                let response = response.parsed();
                self.arrivals.note(response);
                match response {
                    Response::Data { status: Status::Bye, outcome } if name != "LOGOUT" => {
                        Err(Error::bye(name, outcome))
                    }
                    response => Ok(Some(take(response))),
                }
            }
            Ok(Ok(None)) => Err(Error::Closed { command: name }),
            Ok(Err(cause)) => Err(Error::from_read(name, cause)),
            Err(_) => Ok(None),
        }
    }

    /// Whether mails have arrived since the question was asked last.
    pub(super) fn take_arrival(&mut self) -> bool {
        std::mem::take(&mut self.arrivals.noticed)
    }

    /// Whether mails have arrived since [`Connection::take_arrival`].
    pub(super) fn has_arrival(&self) -> bool {
        self.arrivals.noticed
    }

    /// The BODYSTRUCTURE of a mail as text, empty if the server tells none. Read without the
    /// decoder: its recursion follows the nesting that the mail's sender chose.
    pub(super) async fn body_structure(&mut self, uid: u64) -> Result<String, Error> {
        let name = "UID FETCH";
        self.client.get_mut().set_unchecked(true);
        let tag = self.send(&Command::new(name, format!("{uid} (UID BODYSTRUCTURE)"))).await?;
        let tagged = format!("{tag} ").into_bytes();
        let until = Instant::now() + self.limits.command;
        let mut found = String::new();
        loop {
            let response = self.next_unparsed(name, until).await?;
            if response.starts_with(&tagged) {
                break;
            }
            self.arrivals.noticed |= response.ends_with(b" EXISTS\r\n");
            if let Some(text) = structure::body_structure(&response) {
                found = text;
            }
        }
        self.client.get_mut().set_unchecked(false);
        Ok(found)
    }

    /// One response as it came, between two responses of the decoder.
    async fn next_unparsed(&mut self, name: &'static str, until: Instant) -> Result<Vec<u8>, Error> {
        let mut response = Vec::new();
        loop {
            let silence_ends = Instant::now() + self.limits.silence;
            let channel = self.client.get_mut();
            match timeout_at(silence_ends.min(until), channel.read_buf(&mut response)).await {
                Ok(Ok(0)) => return Err(Error::Closed { command: name }),
                Ok(Ok(_)) if channel.is_between_responses() => return Ok(response),
                Ok(Ok(_)) => {}
                Ok(Err(cause)) => return Err(Error::from_read(name, cause)),
                Err(_) => return Err(Error::Late { command: name, limit: self.limits.silence }),
            }
        }
    }

    /// The limits that this connection keeps.
    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    /// Takes leave, within `limit`.
    pub(super) async fn log_out(mut self, limit: Duration) {
        let _ = timeout(limit, self.run(Command::bare("LOGOUT"), |_| Ok(()))).await;
    }
}

fn step(
    name: &'static str,
    tag: &str,
    response: &Response<'_>,
    each: &mut impl FnMut(&Response<'_>) -> Result<(), Error>,
) -> Result<Step, Error> {
    match response {
        Response::Continue(_) => Ok(Step::Asked),
        Response::Done { tag: answered, .. } if answered.0 != tag => {
            Err(Error::nonsense(name, "it answers another command"))
        }
        Response::Done { status: Status::Ok, .. } => Ok(Step::Finished),
        Response::Done { status: Status::No, outcome, .. } => Err(Error::no(name, outcome)),
        Response::Done { status: Status::Bad, outcome, .. } => Err(Error::bad(name, outcome)),
        Response::Done { .. } => Err(Error::nonsense(name, "it ends with neither OK, NO nor BAD")),
        untagged => each(untagged).map(|()| Step::More),
    }
}

fn capability_name(capability: &Capability<'_>) -> String {
    match capability {
        Capability::Imap4rev1 => "IMAP4REV1".to_owned(),
        Capability::Auth(mechanism) => format!("AUTH={}", mechanism.to_ascii_uppercase()),
        Capability::Atom(name) => name.to_ascii_uppercase(),
    }
}

/// Whether the folder has grown, by the notices that a server puts before any tagged answer.
#[derive(Debug, Default)]
struct Arrivals {
    exists: u32,
    noticed: bool,
}

impl Arrivals {
    fn note(&mut self, response: &Response<'_>) {
        match response {
            Response::MailboxData(MailboxDatum::Exists(count)) => {
                self.noticed |= *count > self.exists;
                self.exists = *count;
            }
            Response::Expunge(_) => self.exists = self.exists.saturating_sub(1),
            _ => {}
        }
    }
}
