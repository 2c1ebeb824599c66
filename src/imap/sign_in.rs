//! Proves to the server who is there.

use data_encoding::BASE64;

use super::connection::{Command, Connection};
use super::error::Error;
use super::folder_name::quote;
use crate::config::{Mechanism, SignIn};

/// Signs in, and reads anew what the server can do then. A secret is in no error, even where the
/// server repeats it.
pub(super) async fn sign_in(connection: &mut Connection, sign_in: &SignIn) -> Result<(), Error> {
    let command = command(connection, sign_in)?;
    match connection.run(command, |_| Ok(())).await {
        Ok(()) => connection.read_capabilities().await,
        Err(Error::No { command, words, .. }) if is_passing(&words) => {
            Err(Error::No { command, words: blot_out(sign_in, words), try_create: false })
        }
        Err(Error::No { words, .. } | Error::Bad { words, .. }) => {
            Err(Error::SignInRefused { words: blot_out(sign_in, words) })
        }
        Err(Error::Bye { command, words }) => Err(Error::Bye { command, words: blot_out(sign_in, words) }),
        Err(error) => Err(error),
    }
}

fn command(connection: &Connection, sign_in: &SignIn) -> Result<Command, Error> {
    let (user, password) = (sign_in.user.as_str(), sign_in.password.reveal());
    if [user, password].iter().any(|text| text.contains(['\r', '\n', '\0'])) {
        return Err(refused("user and password cannot hold line breaks or NUL"));
    }
    let plain_offered = connection.can("AUTH=PLAIN");
    let printable = [user, password].iter().all(|text| text.chars().all(|character| matches!(character, ' '..='~')));
    match sign_in.mechanism {
        // A quoted string holds ASCII alone; SASL PLAIN holds UTF-8 (RFC 4616 section 2).
        Mechanism::Login if printable => {
            if connection.can("LOGINDISABLED") {
                return Err(refused("the server does not take LOGIN (LOGINDISABLED)"));
            }
            Ok(Command::new("LOGIN", format!("{} {}", quote(user), quote(password))))
        }
        Mechanism::Login if !plain_offered => {
            Err(refused("user or password holds more than ASCII, and the server does not offer AUTH=PLAIN"))
        }
        Mechanism::XOAuth2 if !connection.can("AUTH=XOAUTH2") => Err(refused("the server does not offer AUTH=XOAUTH2")),
        // A refusal comes as a question with the reason, to which an empty line is the answer.
        Mechanism::XOAuth2 => {
            let response = xoauth2_response(sign_in);
            let command = if connection.can("SASL-IR") {
                Command::new("AUTHENTICATE", format!("XOAUTH2 {response}"))
            } else {
                Command::new("AUTHENTICATE", "XOAUTH2").answering(response)
            };
            Ok(command.answering(String::new()))
        }
        Mechanism::Plain if !plain_offered => Err(refused("the server does not offer AUTH=PLAIN")),
        Mechanism::Login | Mechanism::Plain => {
            let response = plain_response(sign_in);
            if connection.can("SASL-IR") {
                Ok(Command::new("AUTHENTICATE", format!("PLAIN {response}")))
            } else {
                Ok(Command::new("AUTHENTICATE", "PLAIN").answering(response))
            }
        }
    }
}

fn plain_response(sign_in: &SignIn) -> String {
    BASE64.encode(format!("\0{}\0{}", sign_in.user, sign_in.password.reveal()).as_bytes())
}

fn xoauth2_response(sign_in: &SignIn) -> String {
    let bearer = format!("user={}\x01auth=Bearer {}\x01\x01", sign_in.user, sign_in.password.reveal());
    BASE64.encode(bearer.as_bytes())
}

/// Whether the refusal is about the server's present state and not about this user (RFC 5530
/// section 3).
fn is_passing(words: &str) -> bool {
    let words = words.to_ascii_uppercase();
    ["[UNAVAILABLE]", "[SERVERBUG]", "[INUSE]", "[LIMIT]"].iter().any(|code| words.starts_with(code))
}

fn blot_out(sign_in: &SignIn, words: String) -> String {
    let password = sign_in.password.reveal();
    let forms = [plain_response(sign_in), xoauth2_response(sign_in), quote(password), password.to_owned()];
    forms.iter().filter(|form| !form.is_empty()).fold(words, |words, form| words.replace(form.as_str(), "(secret)"))
}

fn refused(words: &str) -> Error {
    Error::SignInRefused { words: words.to_owned() }
}
