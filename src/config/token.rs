//! Reads where access tokens for XOAUTH2 come from.

use std::path::PathBuf;

use hyper::Uri;
use toml::de::DeValue;

use super::secret::Credentials;
use super::section::Section;
use super::{Secret, secret, value};

/// Where access tokens come from (RFC 6749), and by which right.
#[derive(Clone, Debug)]
pub struct TokenGrant {
    /// The token endpoint: HTTPS, or HTTP on loopback for tests.
    pub endpoint: Uri,
    /// Certificates to trust besides the system's, as a PEM file.
    pub ca_file: Option<PathBuf>,
    /// What the token is to be good for.
    pub scope: String,
    /// The program, as the provider knows it.
    pub client_id: String,
    /// By which right.
    pub flow: Flow,
    /// Where a refresh token is kept that the provider gave in place of the one in `flow`.
    pub kept_in: PathBuf,
}

/// By which right a token is asked for.
#[derive(Clone, Debug)]
pub enum Flow {
    /// The program's own (RFC 6749 section 4.4).
    ClientCredentials {
        /// The program's password.
        secret: Secret,
    },
    /// A user's, who has consented once (RFC 6749 section 6).
    RefreshToken {
        /// The program's password, where the provider asks for one.
        secret: Option<Secret>,
        /// What the consent gave.
        token: Secret,
    },
}

/// Who gives the tokens.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Provider {
    Microsoft365,
    Google,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum FlowName {
    ClientCredentials,
    RefreshToken,
}

/// Microsoft's scopes: the one for what an administrator has granted to the program, and those for
/// what a user has (Microsoft: "Authenticate an IMAP, POP or SMTP connection using OAuth").
const MICROSOFT_PROGRAM: &str = "https://outlook.office365.com/.default";
const MICROSOFT_USER: &str =
    "https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/SMTP.Send offline_access";

/// Google's endpoint and its one scope for IMAP and SMTP (Google: "OAuth 2.0 Mechanism").
const GOOGLE_ENDPOINT: &str = "https://oauth2.googleapis.com/token";
const GOOGLE_SCOPE: &str = "https://mail.google.com/";

/// Reads the section `token` below a mailbox or an SMTP server.
pub(super) fn token(section: Section<'_>, credentials: Credentials<'_>) -> Option<TokenGrant> {
    let providers = [("microsoft365", Provider::Microsoft365), ("google", Provider::Google)];
    let provider = section.optional("provider", value::choice(&providers));
    let flows = [("client-credentials", FlowName::ClientCredentials), ("refresh-token", FlowName::RefreshToken)];
    let flow = section.required("flow", "\"refresh-token\"", value::choice(&flows));
    let tenant = section.optional("tenant", value::host);
    let endpoint = section.optional("endpoint", endpoint);
    let scope = section.optional("scope", value::text);
    let client_id = section.required("client_id", "\"the id of the registered application\"", value::text);
    let secret = section.optional("client_secret_file", secret::password(credentials));
    let refresh = section.optional("refresh_token_file", secret::password(credentials));
    let ca_file = section.optional("ca_file", value::certificates);
    let preset = provider.zip(flow).map(|(provider, flow)| preset(&section, provider, flow, tenant.as_deref()));
    let (preset_endpoint, preset_scope) = preset.unwrap_or_default();
    for (key, is_missing) in [
        ("endpoint", preset_endpoint.is_none() && !section.has("endpoint")),
        ("scope", preset_scope.is_none() && !section.has("scope")),
    ] {
        if is_missing && provider.is_none() && !section.has("provider") {
            section.fault(key, "is missing; write provider = \"microsoft365\" or \"google\", or this key");
        }
    }
    let flow = match flow {
        Some(FlowName::ClientCredentials) => {
            section.refuse(&["refresh_token_file"], "belongs to flow = \"refresh-token\"; take it out");
            if !section.has("client_secret_file") {
                section.fault("client_secret_file", "is missing; write \"the-name-of-a-credential\"");
            }
            secret.map(|secret| Flow::ClientCredentials { secret })
        }
        Some(FlowName::RefreshToken) => {
            if !section.has("refresh_token_file") {
                section.fault("refresh_token_file", "is missing; write \"the-name-of-a-credential\"");
            }
            refresh.map(|token| Flow::RefreshToken { secret, token })
        }
        None => None,
    };
    section.finish();
    Some(TokenGrant {
        endpoint: endpoint.or(preset_endpoint)?,
        ca_file,
        scope: scope.or(preset_scope)?,
        client_id: client_id?,
        flow: flow?,
        kept_in: PathBuf::new(),
    })
}

fn preset(
    section: &Section<'_>,
    provider: Provider,
    flow: FlowName,
    tenant: Option<&str>,
) -> (Option<Uri>, Option<String>) {
    match provider {
        Provider::Microsoft365 => {
            if tenant.is_none() && !section.has("tenant") && !section.has("endpoint") {
                section.fault("tenant", "is missing; write the directory's id or its domain, \"firma.example\"");
            }
            let endpoint = tenant.map(|tenant| format!("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"));
            let scope = if flow == FlowName::ClientCredentials { MICROSOFT_PROGRAM } else { MICROSOFT_USER };
            (endpoint.and_then(|endpoint| endpoint.parse().ok()), Some(scope.to_string()))
        }
        Provider::Google => {
            if flow == FlowName::ClientCredentials {
                section.fault("flow", "is not given by Google for mail; write \"refresh-token\"");
            }
            section.refuse(&["tenant"], "belongs to provider = \"microsoft365\"; take it out");
            (GOOGLE_ENDPOINT.parse().ok(), Some(GOOGLE_SCOPE.to_string()))
        }
    }
}

fn endpoint(value: &DeValue<'_>) -> Result<Uri, String> {
    let message = "is no address of a token endpoint; write \"https://login.firma.example/token\"";
    let uri: Uri = value::string(value, "an address in quotes")?.parse().map_err(|_| message.to_string())?;
    let host = uri.host().ok_or(message)?;
    match uri.scheme_str() {
        Some("https") => Ok(uri),
        Some("http") if value::is_loopback(host) => Ok(uri),
        Some("http") => Err("would send secrets in clear text; write https".to_string()),
        _ => Err(message.to_string()),
    }
}
