//! Reads how to reach a server, and how mail leaves.

use std::path::PathBuf;

use super::secret;
use super::secret::Credentials;
use super::section::Section;
use super::token::{self, TokenGrant};
use super::{Secret, value};

/// A server that is signed in to.
#[derive(Clone, Debug)]
pub struct Server {
    /// Host name, as in its certificate.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// How the channel is protected.
    pub security: Security,
    /// Certificates to trust besides the system's, as a PEM file.
    pub ca_file: Option<PathBuf>,
    /// How to sign in; `None` only for an SMTP server that asks for nothing.
    pub sign_in: Option<SignIn>,
    /// Where the access tokens for [`Mechanism::XOAuth2`] come from.
    pub token: Option<Box<TokenGrant>>,
}

/// How a channel is protected. There is no fallback from one to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte.
    Implicit,
    /// STARTTLS, or nothing at all.
    StartTls,
    /// Clear text, to a loopback address only; for tests.
    PlaintextLoopbackOnly,
}

/// A user's sign-in.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// The command or SASL mechanism.
    pub mechanism: Mechanism,
    /// User name.
    pub user: String,
    /// Password; for [`Mechanism::XOAuth2`] the access token, once there is one.
    pub password: Secret,
}

/// How the password is handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// IMAP's LOGIN command, or SASL LOGIN for SMTP.
    Login,
    /// SASL PLAIN (RFC 4616).
    Plain,
    /// SASL XOAUTH2 (Google: "OAuth 2.0 Mechanism"; Microsoft has the same).
    XOAuth2,
}

/// How mail leaves.
#[derive(Clone, Debug)]
pub enum Outgoing {
    /// An SMTP submission server, and how many connections it takes at the same time.
    Smtp(Server, usize),
    /// Files in a Maildir, for the demo.
    Maildir(PathBuf),
}

impl Outgoing {
    /// The same with another server.
    pub(super) fn with_server(self, change: &impl Fn(Server) -> Server) -> Outgoing {
        match self {
            Outgoing::Smtp(server, connections) => Outgoing::Smtp(change(server), connections),
            maildir => maildir,
        }
    }
}

/// Bounds of `connections`.
const CONNECTIONS: (usize, usize) = (1, 50);

/// `connections` where nothing else is written: what Exchange Online allows a mailbox that submits by SMTP.
const DEFAULT_CONNECTIONS: usize = 3;

/// The keys that [`server`] reads.
pub(super) const SERVER_KEYS: &[&str] =
    &["host", "port", "security", "plaintext", "ca_file", "user", "password_file", "sign_in", "token"];

/// What is spoken with a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// IMAP, where signing in is no choice.
    Imap,
    /// SMTP submission.
    Smtp,
}

impl Protocol {
    /// The registered ports: RFC 8314 section 7 and RFC 9051 section 2.1; RFC 6409 and RFC 5321.
    fn port(self, security: Security) -> u16 {
        match (self, security) {
            (Protocol::Imap, Security::Implicit) => 993,
            (Protocol::Imap, Security::StartTls | Security::PlaintextLoopbackOnly) => 143,
            (Protocol::Smtp, Security::Implicit) => 465,
            (Protocol::Smtp, Security::StartTls) => 587,
            (Protocol::Smtp, Security::PlaintextLoopbackOnly) => 25,
        }
    }

    /// Every IMAP server has LOGIN; PLAIN is the SASL mechanism that submission servers share.
    fn mechanism(self) -> Mechanism {
        match self {
            Protocol::Imap => Mechanism::Login,
            Protocol::Smtp => Mechanism::Plain,
        }
    }
}

/// Reads the keys of a server out of a section that may have others besides.
pub(super) fn server(section: &Section<'_>, protocol: Protocol, credentials: Credentials<'_>) -> Option<Server> {
    let host = section.required("host", "\"mail.firma.example\"", value::host);
    let security = security(section, host.as_deref());
    let port = section.optional("port", value::port);
    let ca_file = section.optional("ca_file", value::certificates);
    let sign_in = sign_in(section, protocol, credentials);
    let token = section.section("token").map(|section| token::token(section, credentials));
    let (security, sign_in) = (security?, sign_in?);
    Some(Server {
        host: host?,
        port: port.unwrap_or(protocol.port(security)),
        security,
        ca_file,
        sign_in,
        // `None` inside is a fault that was noted.
        token: token.map_or(Some(None), |token| token.map(|token| Some(Box::new(token))))?,
    })
}

fn security(section: &Section<'_>, host: Option<&str>) -> Option<Security> {
    let protection = [("tls", Security::Implicit), ("starttls", Security::StartTls)];
    let security = section.optional("security", value::choice(&protection));
    let no_protection = [("loopback-only", Security::PlaintextLoopbackOnly)];
    let plaintext = section.optional("plaintext", value::choice(&no_protection));
    if section.has("security") && section.has("plaintext") {
        section.fault("plaintext", "contradicts security; take one of the two out");
    }
    if plaintext.is_some() && host.is_some_and(|host| !value::is_loopback(host)) {
        let message = "is another machine, and plaintext is for this one alone; write security = \"tls\" instead of \
                       plaintext, or host = \"127.0.0.1\"";
        section.fault("host", message);
    }
    let faulty = (section.has("security") && security.is_none()) || (section.has("plaintext") && plaintext.is_none());
    (!faulty).then(|| plaintext.or(security).unwrap_or(Security::Implicit))
}

/// `Some(None)` where the server asks for no sign-in; `None` where something is wrong.
fn sign_in(section: &Section<'_>, protocol: Protocol, credentials: Credentials<'_>) -> Option<Option<SignIn>> {
    let message = "does not belong in this file, which many may read; write the password into a file of its own and \
                   name it under password_file";
    section.refuse(&["password"], message);
    let mechanisms = [("login", Mechanism::Login), ("plain", Mechanism::Plain), ("xoauth2", Mechanism::XOAuth2)];
    let mechanism = section.optional("sign_in", value::choice(&mechanisms));
    let with_token = mechanism == Some(Mechanism::XOAuth2);
    if with_token != section.has("token") && (with_token || mechanism.is_some() || !section.has("sign_in")) {
        let key = if with_token { "token" } else { "sign_in" };
        section.fault(
            key,
            "belongs together: sign_in = \"xoauth2\" and a section [token] that says where tokens come from",
        );
    }
    let wanted = ["user", "password_file", "sign_in"].iter().any(|key| section.has(key));
    if protocol == Protocol::Smtp && !wanted {
        return Some(None);
    }
    let user = section.required("user", "\"desk@desk.example\"", value::text);
    if with_token {
        section.refuse(&["password_file"], "belongs to a sign-in with a password; take it out");
        return Some(Some(SignIn { mechanism: Mechanism::XOAuth2, user: user?, password: Secret::new("") }));
    }
    let password = section.required("password_file", "\"the-name-of-a-credential\"", secret::password(credentials));
    let mechanism = mechanism.unwrap_or(protocol.mechanism());
    Some(Some(SignIn { mechanism, user: user?, password: password? }))
}

/// Reads `[smtp]` or `[outgoing]`.
pub(super) fn outgoing(top: &Section<'_>, credentials: Credentials<'_>) -> Option<Outgoing> {
    if !top.has("smtp") && !top.has("outgoing") {
        top.fault("smtp", "is missing; write [smtp] and below it host = \"mail.firma.example\"");
    }
    way_out(top, ["smtp", "outgoing"], credentials)
}

/// Reads `[smtp_fallback]` or `[outgoing_fallback]`, where there is one.
pub(super) fn fallback(top: &Section<'_>, credentials: Credentials<'_>) -> Option<Outgoing> {
    way_out(top, ["smtp_fallback", "outgoing_fallback"], credentials)
}

fn way_out(top: &Section<'_>, [smtp, outgoing]: [&'static str; 2], credentials: Credentials<'_>) -> Option<Outgoing> {
    let maildir = top.section(outgoing).map(|section| {
        let path = section.required("maildir", "\"/var/lib/hezo-intake/outgoing\"", value::path);
        section.finish();
        path
    });
    let server = top.section(smtp).map(|section| {
        let server = server(&section, Protocol::Smtp, credentials);
        let connections = section.optional("connections", value::number(CONNECTIONS.0, CONNECTIONS.1));
        section.finish();
        server.map(|server| Outgoing::Smtp(server, connections.unwrap_or(DEFAULT_CONNECTIONS)))
    });
    if top.has(smtp) && top.has(outgoing) {
        top.fault(outgoing, format!("contradicts [{smtp}]; take one of the two out"));
    }
    server.flatten().or(maildir.flatten().map(Outgoing::Maildir))
}
