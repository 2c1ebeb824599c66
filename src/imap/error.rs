//! What can go wrong between a command and its answer.

use std::io;
use std::time::Duration;

use async_imap::imap_proto::{Outcome, ResponseCode};

/// The most characters of a server's words that an error repeats.
const MOST_WORDS: usize = 300;

/// Why a command did not end with OK. Errors name the command without its arguments and repeat no
/// mail.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server refused the command (tagged NO).
    #[error("the server answered NO to {command}: {words}")]
    No {
        /// The command's name.
        command: &'static str,
        /// What the server said.
        words: String,
        /// The folder named does not exist, but might be made (RFC 3501 section 7.1).
        try_create: bool,
    },
    /// The server did not understand the command (tagged BAD).
    #[error("the server answered BAD to {command}: {words}")]
    Bad {
        /// The command's name.
        command: &'static str,
        /// What the server said.
        words: String,
    },
    /// The server ends the connection and says so (BYE).
    #[error("the server ended the connection during {command}: {words}")]
    Bye {
        /// The command's name.
        command: &'static str,
        /// What the server said.
        words: String,
    },
    /// The connection ended before the command was answered.
    #[error("the server closed the connection before it had answered {command}")]
    Closed {
        /// The command's name.
        command: &'static str,
    },
    /// Nothing came for too long, or the answer took too long as a whole.
    #[error("the server did not finish its answer to {command} within {limit:?}")]
    Late {
        /// The command's name.
        command: &'static str,
        /// The limit that was passed.
        limit: Duration,
    },
    /// Something came that is no answer to this command.
    #[error("the server's answer to {command} makes no sense: {what}")]
    Nonsense {
        /// The command's name.
        command: &'static str,
        /// What is wrong with it, without what stood in it.
        what: String,
    },
    /// The network or TLS failed.
    #[error("the connection broke during {command}")]
    Broken {
        /// The command's name.
        command: &'static str,
        /// How.
        #[source]
        cause: io::Error,
    },
    /// The server knows the user or the password otherwise. Trying again soon may lock the account.
    #[error("the server refused the sign-in: {words}; check user and password or token")]
    SignInRefused {
        /// What the server said, with any secret in it blotted out.
        words: String,
    },
    /// The folder does not exist.
    #[error("there is no folder {folder:?}; the server has {}", existing.join(", "))]
    UnknownFolder {
        /// As configured.
        folder: String,
        /// The folders that exist.
        existing: Vec<String>,
    },
}

impl Error {
    /// Whether this is a refused sign-in, after which the next try should wait long.
    pub fn is_refused_sign_in(error: &anyhow::Error) -> bool {
        matches!(error.downcast_ref(), Some(Error::SignInRefused { .. }))
    }

    /// A failed read. The decoder's own complaint is not repeated: it quotes what it could not read.
    pub(super) fn from_read(command: &'static str, cause: io::Error) -> Error {
        match cause.kind() {
            io::ErrorKind::UnexpectedEof => Error::Closed { command },
            io::ErrorKind::Other => Error::nonsense(command, "a line that is not IMAP"),
            _ => Error::Broken { command, cause },
        }
    }

    pub(super) fn nonsense(command: &'static str, what: impl Into<String>) -> Error {
        Error::Nonsense { command, what: what.into() }
    }

    /// BAD, which Microsoft 365 also says when the token is good and the mailbox is closed to it.
    pub(super) fn bad(command: &'static str, outcome: &Outcome<'_>) -> Error {
        let words = words(outcome);
        if words.to_ascii_lowercase().contains("authenticated but not connected") {
            let words = format!(
                "{words} (the access token is accepted, but this user's mailbox is not open to it: see that `user` is \
                 the mailbox's own address, that IMAP is switched on for it, and that the application was given access \
                 with New-ServicePrincipal and Add-MailboxPermission)"
            );
            return Error::SignInRefused { words };
        }
        Error::Bad { command, words }
    }

    /// BYE. Microsoft 365 ends a connection so right behind a sign-in by token that it took, where the mailbox is not
    /// open to the application.
    pub(super) fn bye(command: &'static str, outcome: &Outcome<'_>) -> Error {
        let said = words(outcome);
        let is_closed = said.to_ascii_lowercase().contains("connection is closed. 13");
        let advice = if is_closed {
            " (the access token is accepted and the mailbox not handed out: see that `user` is the mailbox's own \
             address and has a licence, that IMAP is switched on for it, and that the application was given access with \
             New-ServicePrincipal and Add-MailboxPermission; where all of that is so, the server has too much to do, and \
             it passes by itself)"
        } else {
            ""
        };
        Error::Bye { command, words: format!("{said}{advice}") }
    }

    pub(super) fn no(command: &'static str, outcome: &Outcome<'_>) -> Error {
        let try_create = matches!(outcome.code, Some(ResponseCode::TryCreate));
        Error::No { command, words: words(outcome), try_create }
    }
}

/// What a server said to people, fit for a log line.
pub(super) fn words(outcome: &Outcome<'_>) -> String {
    let said = outcome.information.as_deref().unwrap_or("(no reason given)");
    said.chars().filter(|character| !character.is_control()).take(MOST_WORDS).collect()
}
