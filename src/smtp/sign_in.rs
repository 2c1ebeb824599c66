//! Proves to the server who is there, with a password or an access token.

use anyhow::ensure;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;

use super::Outcome;
use super::reason::words;
use crate::access_token::{self, AccessTokens};
use crate::config::{self, Secret, Server};

/// Who we are, and how to prove it.
pub(super) struct SignIn {
    mechanism: Mechanism,
    user: String,
    password: Secret,
    tokens: Option<AccessTokens>,
}

impl SignIn {
    /// `None` where the server asks for nothing.
    pub(super) fn new(server: &Server) -> Option<SignIn> {
        let sign_in = server.sign_in.as_ref()?;
        let mechanism = match sign_in.mechanism {
            config::Mechanism::Login => Mechanism::Login,
            config::Mechanism::Plain => Mechanism::Plain,
            config::Mechanism::XOAuth2 => Mechanism::Xoauth2,
        };
        Some(SignIn {
            mechanism,
            user: sign_in.user.clone(),
            password: sign_in.password.clone(),
            tokens: server.token.clone().map(AccessTokens::new),
        })
    }

    /// Where the access tokens come from, where they take a password's place.
    pub(super) fn tokens(&self) -> Option<&AccessTokens> {
        self.tokens.as_ref()
    }

    /// Signs in.
    ///
    /// # Errors
    /// [`RefusedSignIn`], [`access_token::Refused`], or what may pass by itself.
    pub(super) async fn run(&self, connection: &mut AsyncSmtpConnection) -> anyhow::Result<()> {
        let mechanism = self.mechanism;
        let offered = connection.server_info().supports_auth_mechanism(mechanism);
        ensure!(offered, "the mail server does not offer AUTH {mechanism}; set another sign_in");
        let Some(tokens) = &self.tokens else {
            return self.prove(connection, &self.password).await;
        };
        let token = tokens.current().await?;
        let Err(error) = self.prove(connection, &token.secret).await else { return Ok(()) };
        tokens.forget().await;
        // Revoked since it was given, perhaps: the next try has a new one.
        ensure!(token.is_new, "the mail server does not take the access token any more");
        Err(error)
    }

    async fn prove(&self, connection: &mut AsyncSmtpConnection, secret: &Secret) -> anyhow::Result<()> {
        let credentials = Credentials::new(self.user.clone(), secret.reveal().to_string());
        let Err(error) = connection.auth(&[self.mechanism], &credentials).await else { return Ok(()) };
        // XOAUTH2 refuses with a question (334), which lettre does not answer.
        let asked = self.mechanism == Mechanism::Xoauth2 && error.is_client();
        let said = match asked {
            true => "the access token is not accepted; see that `user` is the mailbox's own address, and that the \
                     application or the user's consent has the right to send (Microsoft 365: SMTP.SendAsApp or \
                     SMTP.Send; Google: https://mail.google.com/)"
                .to_string(),
            false => with_advice(words(&error)),
        };
        let refused = RefusedSignIn(said);
        if error.is_permanent() || asked { Err(refused.into()) } else { Err(anyhow::anyhow!("{refused}")) }
    }
}

/// With what to do: also where Microsoft 365 says that sending by sign-in is switched off as a whole, whatever the password or token.
fn with_advice(words: String) -> String {
    if !words.contains("SmtpClientAuthentication is disabled") {
        return format!("{words}; see to user and to the password or token, and that this mailbox may send by sign-in");
    }
    format!(
        "{words} (sending by sign-in is switched off there: Set-CASMailbox MAILBOX -SmtpClientAuthenticationDisabled \
         $false, or for all mailboxes in the Exchange admin centre)"
    )
}

/// A lasting no (RFC 4954 section 6).
#[derive(Debug, thiserror::Error)]
#[error("the mail server refused the sign-in: {0}")]
struct RefusedSignIn(String);

/// Why there is no connection.
pub(super) struct Unconnected {
    pub(super) is_refused_sign_in: bool,
    pub(super) reason: String,
}

impl Unconnected {
    /// What went wrong.
    pub(super) fn of(error: &anyhow::Error) -> Unconnected {
        let is_refused_sign_in = error.is::<RefusedSignIn>() || error.is::<access_token::Refused>();
        Unconnected { is_refused_sign_in, reason: format!("{error:#}") }
    }

    /// It took too long.
    pub(super) fn late() -> Unconnected {
        let reason = "not connected and signed in to the mail server in time".to_string();
        Unconnected { is_refused_sign_in: false, reason }
    }

    /// What that means for a mail.
    pub(super) fn outcome(self) -> Outcome {
        let Unconnected { is_refused_sign_in, reason } = self;
        if is_refused_sign_in { Outcome::NotSignedIn { reason } } else { Outcome::Later { reason } }
    }
}
