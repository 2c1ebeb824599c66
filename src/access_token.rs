//! Access tokens for XOAUTH2: asked for at the provider's token endpoint, kept until shortly before
//! they expire, then asked for again.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use data_encoding::HEXLOWER;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Request, Uri, header};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::config::{Flow, Secret, Security, TokenGrant};
use crate::tls::{self, Channel};

/// How long the endpoint may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A token is not used any more when it has so little time left: signing in takes a while, and clocks
/// differ.
const AHEAD: Duration = Duration::from_secs(5 * 60);

/// After an answer that was no token it is asked again no sooner, as long as the connection goes on.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// How long a token is used whose time the endpoint does not tell (RFC 6749 section 5.1 recommends that
/// it does).
const UNTOLD: Duration = Duration::from_secs(10 * 60);

/// The longest answer that is read. Bytes.
const LONGEST_ANSWER: usize = 256 * 1024;

/// The longest description of an error that is repeated. Characters.
const LONGEST_DESCRIPTION: usize = 300;

/// The endpoint refuses to give a token: trying again changes nothing, a person has to see to it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refused(String);

/// The tokens of one user at one server.
#[derive(Debug)]
pub struct AccessTokens {
    grant: Box<TokenGrant>,
    kept: Mutex<Option<Kept>>,
}

#[derive(Debug)]
struct Kept {
    token: Secret,
    until: Instant,
}

/// A token, and whether it was asked for just now.
pub struct Token {
    /// The token.
    pub secret: Secret,
    /// Whether a refused sign-in cannot be cured by another one.
    pub is_new: bool,
}

/// What the endpoint answers (RFC 6749 sections 5.1 and 5.2).
#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    access_token: Option<String>,
    expires_in: Option<u64>,
    refresh_token: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

impl AccessTokens {
    /// Nothing is asked for yet.
    pub fn new(grant: Box<TokenGrant>) -> AccessTokens {
        AccessTokens { grant, kept: Mutex::default() }
    }

    /// A token that is good for a while.
    ///
    /// # Errors
    /// [`Refused`], or the endpoint cannot be reached.
    pub async fn current(&self) -> anyhow::Result<Token> {
        let mut kept = self.kept.lock().await;
        if let Some(kept) = kept.as_ref().filter(|kept| kept.until > Instant::now()) {
            return Ok(Token { secret: kept.token.clone(), is_new: false });
        }
        let asked = timeout(PATIENCE, self.ask()).await;
        let (token, life) = asked
            .map_err(|_| {
                let (place, seconds) = (self.place(), PATIENCE.as_secs());
                anyhow::anyhow!(
                    "no access token from {place}: it did not answer within {seconds} s; see to `endpoint`, and that no \
                     firewall stands between"
                )
            })?
            .with_context(|| format!("no access token from {}", self.place()))?;
        let secret = Secret::new(token);
        // At least a tenth of a short life is kept in hand.
        let use_for = life.saturating_sub(AHEAD).max(life.mul_f64(0.5).min(AHEAD));
        *kept = Some(Kept { token: secret.clone(), until: Instant::now() + use_for });
        Ok(Token { secret, is_new: true })
    }

    /// How long it is until the next token is asked for; where it was asked for in vain, until that is done again.
    pub async fn fresh_for(&self) -> Duration {
        let until = self.kept.lock().await.as_ref().map(|kept| kept.until);
        let left = until.and_then(|until| until.checked_duration_since(Instant::now()));
        left.map_or(ASK_AGAIN_AFTER, |left| left.max(Duration::from_secs(1)))
    }

    /// The server refused the token: the next one is asked for anew.
    pub async fn forget(&self) {
        *self.kept.lock().await = None;
    }

    fn place(&self) -> &str {
        self.grant.endpoint.host().unwrap_or_default()
    }

    async fn ask(&self) -> anyhow::Result<(String, Duration)> {
        let TokenGrant { scope, client_id, flow, .. } = &*self.grant;
        if matches!(flow, Flow::RefreshToken { .. }) {
            self.can_keep()?;
        }
        let rotated = self.rotated();
        let mut fields = vec![("client_id", client_id.as_str()), ("scope", scope.as_str())];
        match flow {
            Flow::ClientCredentials { secret } => {
                fields.extend([("grant_type", "client_credentials"), ("client_secret", secret.reveal())]);
            }
            Flow::RefreshToken { secret, token } => {
                let token = rotated.as_ref().unwrap_or(token);
                fields.extend([("grant_type", "refresh_token"), ("refresh_token", token.reveal())]);
                fields.extend(secret.as_ref().map(|secret| ("client_secret", secret.reveal())));
            }
        }
        let (status, answer) = post(&self.grant, form(&fields)).await?;
        if let Some(token) = answer.access_token.filter(|_| status == 200) {
            if let Some(new) = answer.refresh_token {
                self.keep_rotated(&new)?;
            }
            return Ok((token, answer.expires_in.map_or(UNTOLD, Duration::from_secs)));
        }
        let code = answer.error.unwrap_or_default();
        let described = described(answer.error_description.as_deref().unwrap_or_default());
        if (500..600).contains(&status) || matches!(code.as_str(), "temporarily_unavailable" | "slow_down") {
            let words = format!("{code} {described}");
            let words = if words.trim().is_empty() { "no reason given".to_string() } else { words.trim().to_string() };
            bail!(
                "it answers {status} ({words}): it does not work at present and is asked again; where that lasts, see to \
                 the provider's status page, and to `endpoint`"
            );
        }
        if status == 200 {
            bail!("its answer holds no access token: see that `endpoint` is the token endpoint, and no proxy's page");
        }
        if rotated.is_some() && code == "invalid_grant" {
            // The one in the configuration may be newer.
            let _ = fs::remove_file(self.rotated_path());
        }
        Err(Refused(format!(
            "refused ({status} {code}: {described}); {}; a running service takes the change up at `hezo-intake reload`",
            advice(&code, &described)
        ))
        .into())
    }

    /// A refresh token that the provider gave in place of the configured one. Another configured one
    /// makes it worthless.
    fn rotated(&self) -> Option<Secret> {
        fs::read_to_string(self.rotated_path()).ok().filter(|token| !token.is_empty()).map(Secret::new)
    }

    fn rotated_path(&self) -> PathBuf {
        let TokenGrant { client_id, endpoint, flow, kept_in, .. } = &*self.grant;
        let token = if let Flow::RefreshToken { token, .. } = flow { token.reveal() } else { "" };
        let hash = Sha256::digest(format!("{client_id}\n{endpoint}\n{token}"));
        let name = HEXLOWER.encode(hash.get(..8).unwrap_or_default());
        kept_in.join(format!("refresh-token-{name}"))
    }

    /// A provider may give a new refresh token with each answer, and take the old one no more: nothing is asked for
    /// where the new one could not be kept. Before the service first ran its folder is made.
    fn can_keep(&self) -> anyhow::Result<()> {
        let folder = &self.grant.kept_in;
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        let can = made.and_then(|()| tempfile::tempfile_in(folder));
        can.map(drop).map_err(|error| {
            let folder = folder.display();
            anyhow::anyhow!(
                "nothing was asked for, since a new refresh token could not be kept in {folder} ({error}), and the one at \
                 hand may be good for one use: run this as root or as the service's user, or make the folder: install -d \
                 -m 700 -o hezo-intake -g hezo-intake {folder}"
            )
        })
    }

    fn keep_rotated(&self, token: &str) -> anyhow::Result<()> {
        let Flow::RefreshToken { token: configured, .. } = &self.grant.flow else { return Ok(()) };
        if configured.reveal() == token || self.rotated().is_some_and(|known| known.reveal() == token) {
            return Ok(());
        }
        let path = self.rotated_path();
        write(&path, token).with_context(|| format!("the new refresh token cannot be kept in {}", path.display()))
    }
}

fn write(path: &Path, token: &str) -> anyhow::Result<()> {
    let new = path.with_extension("new");
    let mut file = fs::File::options().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(token.as_bytes())?;
    file.sync_all()?;
    // An operator's check may run as root, and the service has to read what it leaves.
    if let Some(folder) = path.parent() {
        let owner = fs::metadata(folder)?;
        let _ = std::os::unix::fs::fchown(&file, Some(owner.uid()), Some(owner.gid()));
    }
    Ok(fs::rename(new, path)?)
}

async fn post(grant: &TokenGrant, body: String) -> anyhow::Result<(u16, Answer)> {
    let endpoint: &Uri = &grant.endpoint;
    let host = endpoint.host().context("it has no host")?;
    let is_protected = endpoint.scheme_str() == Some("https");
    let security = if is_protected { Security::Implicit } else { Security::PlaintextLoopbackOnly };
    let port = endpoint.port_u16().unwrap_or(if is_protected { 443 } else { 80 });
    let stream = tls::connect(host, port, security, PATIENCE).await?;
    let channel: Box<dyn Channel> = if is_protected {
        let trust = tls::trust(grant.ca_file.as_deref())?;
        Box::new(tls::protect(stream, host, trust, PATIENCE).await?)
    } else {
        Box::new(stream)
    };
    let (mut sender, connection) = http1::handshake(TokioIo::new(channel)).await.map_err(|error| broken(&error))?;
    let connection = tokio::spawn(connection);
    let path = endpoint.path_and_query().map_or("/", |path| path.as_str());
    let authority = endpoint.authority().map_or(host, |authority| authority.as_str());
    let request = Request::post(path)
        .header(header::HOST, authority)
        .header(header::ACCEPT, "application/json")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::CONNECTION, "close")
        .body(Full::new(Bytes::from(body)))?;
    let response = sender.send_request(request).await.map_err(|error| broken(&error))?;
    let status = response.status().as_u16();
    let body = Limited::new(response.into_body(), LONGEST_ANSWER).collect().await;
    let body = body.map_err(|error| {
        let cause = error.downcast_ref::<hyper::Error>().map(|error| broken(error).to_string());
        anyhow::anyhow!("its answer cannot be read: {}", cause.unwrap_or_else(|| error.to_string()))
    });
    let body = body?.to_bytes();
    connection.abort();
    // An answer that is no JSON has a status all the same.
    Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
}

/// A connection that broke, in words.
fn broken(error: &hyper::Error) -> anyhow::Error {
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<std::io::Error>());
    anyhow::anyhow!("{}", cause.map_or_else(|| format!("{error}; see to `endpoint`"), tls::told))
}

/// `application/x-www-form-urlencoded`.
fn form(fields: &[(&str, &str)]) -> String {
    let encode = |text: &str| -> String {
        let byte = |byte: u8| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        };
        text.bytes().map(byte).collect()
    };
    fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect::<Vec<_>>().join("&")
}

/// The first line of an error's description, in bounded length.
fn described(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.chars().filter(|c| !c.is_control()).take(LONGEST_DESCRIPTION).collect()
}

/// What a person has to do about a refusal (RFC 6749 section 5.2; Microsoft: "Microsoft Entra
/// authentication and authorization error codes").
fn advice(code: &str, described: &str) -> &'static str {
    const MICROSOFT: [(&str, &str); 7] = [
        (
            "AADSTS7000222",
            "the client secret has expired: make a new one in Entra ID and put it into client_secret_file",
        ),
        ("AADSTS7000215", "the client secret is wrong: client_secret_file wants the secret's value, not its id"),
        ("AADSTS700016", "the application is not known in this tenant: see to client_id and tenant"),
        ("AADSTS90002", "the tenant is not known: see to tenant"),
        (
            "AADSTS700082",
            "the refresh token has expired unused: let the user consent again and renew refresh_token_file",
        ),
        ("AADSTS50173", "the user's password was changed: let the user consent again and renew refresh_token_file"),
        ("AADSTS65001", "nobody has consented: let an administrator grant the application's permissions"),
    ];
    if let Some((_, advice)) = MICROSOFT.iter().find(|(number, _)| described.contains(number)) {
        return advice;
    }
    match code {
        "invalid_grant" => {
            "the refresh token has expired or was revoked: let the user consent again and renew refresh_token_file"
        }
        "invalid_client" | "unauthorized_client" => {
            "the application or its secret is not accepted: see to client_id and client_secret_file"
        }
        "invalid_scope" => "the scope is not granted: see to scope, and to the application's permissions",
        "unsupported_grant_type" => "the provider does not give tokens this way: see to flow",
        _ => "see to endpoint, client_id and the secrets",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form() {
        assert_eq!(form(&[("scope", "a b/ć"), ("x", "1&2=+")]), "scope=a%20b%2F%C4%87&x=1%262%3D%2B");
    }

    #[test]
    fn a_refusal_says_what_to_do() {
        assert!(
            advice("invalid_client", "AADSTS7000222: The provided client secret keys are expired.").contains("expired")
        );
        assert!(advice("invalid_grant", "Token has been expired or revoked.").contains("consent again"));
        assert!(advice("", "").contains("endpoint"));
    }
}
