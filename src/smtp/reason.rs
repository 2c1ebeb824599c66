//! What may be said, and logged, of a failure: the server's words without what is not ours to show.

use std::sync::LazyLock;

use data_encoding::BASE64;
use lettre::transport::smtp::Error;
use regex::Regex;

use crate::config::SignIn;

/// The longest reason. Characters.
const LONGEST_REASON: usize = 400;

/// A mail address in running text, with or without quotes round its local part.
static ADDRESS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?:"[^"]*"|[^\s<>()\[\],;:"]+)@[^\s<>(),;"]*[^\s<>(),;:."]"#).ok());

/// Cleans reasons of addresses and of what the sign-in consists of.
pub(super) struct Reasons {
    secrets: Vec<String>,
}

impl Reasons {
    /// Knows the password as it is, and as it goes over the line.
    pub(super) fn new(sign_in: Option<&SignIn>) -> Reasons {
        let secrets = sign_in.map_or(Vec::new(), |SignIn { user, password, .. }| {
            let password = password.reveal();
            let plain = format!("\0{user}\0{password}");
            // The longest first: it may hold another.
            vec![BASE64.encode(plain.as_bytes()), BASE64.encode(password.as_bytes()), password.to_string()]
        });
        Reasons { secrets }
    }

    /// The text in one line of bounded length, without mail addresses and the password.
    pub(super) fn clean(&self, text: &str) -> String {
        let secrets = self.secrets.iter().filter(|secret| !secret.is_empty());
        let text = secrets.fold(text.to_string(), |text, secret| text.replace(secret.as_str(), "(secret)"));
        let text = ADDRESS.as_ref().map_or_else(String::new, |address| address.replace_all(&text, "(address)").into());
        let printable = text.chars().map(|c| if c.is_control() { ' ' } else { c });
        printable.take(LONGEST_REASON).collect()
    }
}

/// Code and words of the server where there are any, else what went wrong.
pub(super) fn words(error: &Error) -> String {
    let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    match error.status() {
        Some(code) => format!("{code} {cause}"),
        None if cause.is_empty() => error.to_string(),
        // rustls's words for a connection that ends without a farewell, with a page to read about it.
        None if cause.contains("close_notify") => {
            "the server closed the connection in the midst of it: see to its log".to_string()
        }
        None => cause,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Mechanism, Secret};

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let password = Secret::new("geheim");
        let sign_in = SignIn { mechanism: Mechanism::Plain, user: "desk".to_string(), password };
        assert_eq!(Reasons::new(Some(&sign_in)).clean(text), expected);
    }

    #[test]
    fn clean() {
        check("550 5.1.1 <jan@firma.example>: no such user", "550 5.1.1 <(address)>: no such user");
        check("no jan.kowalski+x@firma.example.", "no (address).");
        check("\"Jan Kowalski\"@firma.example, ewa=b@[192.0.2.1]", "(address), (address)");
        check("łoś@żubr.example: nie", "(address): nie");
        check("a@b@c.example", "(address)");
        check("at 12:00 @ noon", "at 12:00 @ noon");
        check("no user geheim, Z2VoZWlt, AGRlc2sAZ2VoZWlt", "no user (secret), (secret), (secret)");
        check("one\r\ntwo\u{1b}[31m", "one  two [31m");
        check(&"ą".repeat(500), &"ą".repeat(400));
    }
}
