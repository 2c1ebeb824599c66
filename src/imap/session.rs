//! From a host name to a protected connection that knows who we are.

use anyhow::{Context, bail};

use super::Limits;
use super::connection::{Command, Connection};
use super::error::Error;
use super::sign_in::sign_in;
use crate::access_token::AccessTokens;
use crate::config::{Security, Server, SignIn};
use crate::tls;

/// Connects, protects the channel as configured, and signs in.
pub(super) async fn begin(
    server: &Server,
    tokens: Option<&AccessTokens>,
    limits: Limits,
) -> anyhow::Result<Connection> {
    let host = server.host.as_str();
    let credentials =
        server.sign_in.as_ref().context("an IMAP server asks for a user and a password: configure them")?;
    let trust = match server.security {
        Security::PlaintextLoopbackOnly => None,
        Security::Implicit | Security::StartTls => Some(tls::trust(server.ca_file.as_deref())?),
    };
    let stream = tls::connect(host, server.port, server.security, limits.connect).await?;
    let (mut connection, is_known) = match (server.security, trust) {
        (Security::Implicit, Some(trust)) => {
            let stream = tls::protect(stream, host, trust, limits.connect).await?;
            greeted(Connection::new(Box::new(stream), limits)).await?
        }
        (Security::StartTls, Some(trust)) => {
            let channel = start_tls(Connection::new(Box::new(stream), limits)).await?;
            let stream = tls::protect(channel, host, trust, limits.connect).await?;
            // No second greeting, and nothing that was said in the clear counts (RFC 3501 section 6.2.1).
            (Connection::new(Box::new(stream), limits), false)
        }
        _ => greeted(Connection::new(Box::new(stream), limits)).await?,
    };
    connection.read_capabilities().await?;
    if !is_known {
        match tokens {
            Some(tokens) => sign_in_with_token(&mut connection, credentials, tokens).await?,
            None => sign_in(&mut connection, credentials).await?,
        }
    }
    Ok(connection)
}

/// A token that was good a while ago may have been revoked: then another one is tried.
async fn sign_in_with_token(
    connection: &mut Connection,
    credentials: &SignIn,
    tokens: &AccessTokens,
) -> anyhow::Result<()> {
    loop {
        let token = tokens.current().await?;
        let with_token = SignIn { password: token.secret, ..credentials.clone() };
        match sign_in(connection, &with_token).await {
            Err(Error::SignInRefused { words }) => {
                tokens.forget().await;
                if token.is_new {
                    let words =
                        format!("{words}; the access token is new, so that it is the server that does not take it");
                    return Err(Error::SignInRefused { words }.into());
                }
            }
            done => return Ok(done?),
        }
    }
}

async fn greeted(mut connection: Connection) -> anyhow::Result<(Connection, bool)> {
    let is_known = connection.greeting().await?;
    Ok((connection, is_known))
}

/// Brings an unprotected connection to the point where TLS begins.
async fn start_tls(mut connection: Connection) -> anyhow::Result<Box<dyn tls::Channel>> {
    if connection.greeting().await? {
        // STARTTLS is not allowed any more after PREAUTH, so this would stay in clear text (RFC 9051
        // section 11.1).
        bail!(
            "the server greets with PREAUTH before the channel is protected: use implicit TLS, or look for an attacker"
        );
    }
    connection.read_capabilities().await?;
    if !connection.can("STARTTLS") {
        bail!("the server does not offer STARTTLS: use implicit TLS, or look for an attacker who strips it");
    }
    connection.run(Command::bare("STARTTLS"), |_| Ok(())).await?;
    Ok(connection.into_channel()?)
}
