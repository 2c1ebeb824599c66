//! Verifies the signatures of a mail (DKIM, RFC 6376; ARC, RFC 8617) and the policy of its sender's
//! domain (DMARC), asking name servers. What that proves is for [`crate::desk::trust`] to say.
//!
//! A name server that does not answer makes a mail unproven, never late by more than `LIMIT`.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use anyhow::Context;
use futures::FutureExt;
use mail_auth::common::crypto::Algorithm;
use mail_auth::dmarc::verify::DmarcParameters;
use mail_auth::hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use mail_auth::{
    ArcOutput, AuthenticatedMessage, DkimOutput, DkimResult, DmarcResult, MessageAuthenticator, SpfOutput,
};
use tokio::time::timeout;

use crate::desk::trust::{Dmarc, Sealed, Verification};

/// How long one mail may take.
const LIMIT: Duration = Duration::from_secs(15);

/// How long one question to a name server may take.
const QUESTION_LIMIT: Duration = Duration::from_secs(4);

/// The most signatures of one mail that are verified, the sender's domain's first: each costs a
/// question to a name server that the sender has chosen.
const MOST_SIGNATURES: usize = 8;

/// The longest chain of seals that is followed; RFC 8617 section 5.1.1 allows 50.
const MOST_SEALS: usize = 10;

/// Asks name servers.
pub struct Verifier {
    authenticator: MessageAuthenticator,
}

impl Verifier {
    /// One that asks these name servers, or the system's where there are none. Nothing is asked yet.
    ///
    /// # Errors
    /// `/etc/resolv.conf` cannot be read.
    pub fn new(resolvers: &[SocketAddr]) -> anyhow::Result<Verifier> {
        let authenticator = if resolvers.is_empty() {
            MessageAuthenticator::new_system_conf()
                .context("/etc/resolv.conf names no usable name server: write authentication.resolvers")?
        } else {
            let servers = resolvers.iter().map(name_server).collect();
            let mut options = ResolverOpts::default();
            options.timeout = QUESTION_LIMIT;
            MessageAuthenticator::new(ResolverConfig::from_parts(None, Vec::new(), servers), options)
                .context("authentication.resolvers cannot be used")?
        };
        Ok(Verifier { authenticator })
    }

    /// What holds of this mail. Never fails: what cannot be found out is not proven.
    pub async fn verify(&self, raw: &[u8]) -> Verification {
        // The parser meets foreign bytes; should one defeat it, the mail is unproven and goes on.
        let verified = AssertUnwindSafe(timeout(LIMIT, self.verify_all(raw))).catch_unwind().await;
        match verified {
            Ok(Ok(verification)) => verification,
            Ok(Err(_)) => {
                tracing::warn!(
                    seconds = LIMIT.as_secs(),
                    "the name servers did not answer in time; a sender is unproven"
                );
                let authors = AuthenticatedMessage::parse(raw).map(|mail| mail.from).unwrap_or_default();
                Verification { authors, dmarc: Dmarc::Temporary, ..Verification::default() }
            }
            Err(_) => {
                tracing::error!("the verification of a mail broke off; its sender is unproven");
                Verification::default()
            }
        }
    }

    async fn verify_all(&self, raw: &[u8]) -> Verification {
        let Some(mut mail) = AuthenticatedMessage::parse(raw) else { return Verification::default() };
        keep_what_may_count(&mut mail);
        let signatures = self.authenticator.verify_dkim(&mail).await;
        // The path of the mail (SPF) is known to the host that let it in, and to nobody else.
        let no_path = SpfOutput::new(String::new());
        let dmarc = self.authenticator.verify_dmarc(DmarcParameters::new(&mail, &signatures, "", &no_path)).await;
        let chain = match mail.as_headers.len() {
            1..=MOST_SEALS => self.authenticator.verify_arc(&mail).await,
            _ => ArcOutput::default(),
        };
        Verification {
            authors: mail.from.clone(),
            dmarc: match dmarc.result() {
                DmarcResult::Pass => Dmarc::Pass,
                DmarcResult::TempError(_) => Dmarc::Temporary,
                DmarcResult::None if signatures.iter().any(is_temporary) => Dmarc::Temporary,
                DmarcResult::None => Dmarc::None,
                DmarcResult::Fail(_) | DmarcResult::PermError(_) => Dmarc::NotAligned,
            },
            signers: signatures.iter().filter(|one| *one.result() == DkimResult::Pass).filter_map(signer).collect(),
            sealed: sealed(&chain),
        }
    }
}

fn name_server(address: &SocketAddr) -> NameServerConfig {
    let mut server = NameServerConfig::udp_and_tcp(address.ip());
    let on_port = |mut connection: ConnectionConfig| {
        connection.port = address.port();
        connection
    };
    server.connections = server.connections.into_iter().map(on_port).collect();
    server
}

/// Leaves out signatures that prove nothing: one that does not cover `From` (RFC 6376 section 5.4),
/// and one over SHA-1 (RFC 8301 section 3.1). The sender's domain's go first.
fn keep_what_may_count(mail: &mut AuthenticatedMessage) {
    let domain = mail.from.first().and_then(|from| from.rsplit_once('@')).map(|(_, domain)| domain.to_string());
    mail.dkim_headers.retain(|one| covers_from(&one.header.h) && one.header.a != Algorithm::RsaSha1);
    mail.dkim_headers.sort_by_key(|one| domain.as_deref() != Some(one.header.d.as_str()));
    mail.dkim_headers.truncate(MOST_SIGNATURES);
}

fn covers_from(fields: &[String]) -> bool {
    fields.iter().any(|field| field.eq_ignore_ascii_case("from"))
}

fn is_temporary(signature: &DkimOutput) -> bool {
    matches!(signature.result(), DkimResult::TempError(_))
}

fn signer(signature: &DkimOutput) -> Option<String> {
    signature.signature().map(|signature| signature.d.clone())
}

/// The newest seal of a chain that holds, where it covers `From`.
fn sealed(chain: &ArcOutput) -> Option<Sealed> {
    let newest = chain.sets().last().filter(|_| *chain.result() == DkimResult::Pass)?;
    if !covers_from(&newest.signature.header.h) || newest.signature.header.d != newest.seal.header.d {
        return None;
    }
    let written = String::from_utf8_lossy(newest.results.value).replace(['\r', '\n', '\t'], " ");
    // `i=2; host; dmarc=pass …` (RFC 8617 section 4.1.1)
    let (instance, results) = written.split_once(';')?;
    let is_instance = instance.trim().strip_prefix("i=").is_some();
    is_instance.then(|| Sealed { sealer: newest.seal.header.d.clone(), results: results.trim().to_string() })
}
