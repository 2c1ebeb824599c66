//! The way to a server: TCP with a time limit and keep-alive, and TLS that checks the certificate.
//!
//! There is no way around the check: no switch to skip it, no fallback to clear text.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_rustls::{TlsConnector, rustls};

use crate::config::Security;

/// A connection is probed after this much silence, so that a dead peer or a forgetful NAT is
/// noticed long before the kernel's two hours.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(60);

/// The time between two probes; the kernel gives up after [`KEEPALIVE_RETRIES`] unanswered ones.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// Unanswered probes before the connection counts as dead.
const KEEPALIVE_RETRIES: u32 = 4;

/// What to do about a name that leads nowhere.
const NAMES: &str = "see to host, and to this machine's name servers (/etc/resolv.conf)";

/// Bytes to and from a server, whatever protects them.
pub trait Channel: AsyncRead + AsyncWrite + std::fmt::Debug + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + std::fmt::Debug + Send + Unpin> Channel for T {}

/// Connects over TCP, trying the host's addresses in turn, each for at most `limit`. For
/// [`Security::PlaintextLoopbackOnly`] an address that is not loopback is refused before a byte
/// is sent to it.
pub async fn connect(host: &str, port: u16, security: Security, limit: Duration) -> anyhow::Result<TcpStream> {
    let addresses: Vec<SocketAddr> = timeout(limit, tokio::net::lookup_host((host, port)))
        .await
        .with_context(|| format!("the name {host} was not resolved within {limit:?}; {NAMES}"))?
        .map_err(|error| anyhow::anyhow!("the name {host} cannot be resolved: {error}; {NAMES}"))?
        .collect();
    if security == Security::PlaintextLoopbackOnly
        && let Some(outside) = addresses.iter().find(|address| !address.ip().is_loopback())
    {
        bail!("clear text is for loopback only, and {host} is {}: use TLS", outside.ip());
    }
    let mut failure = anyhow::anyhow!("the name {host} has no address");
    for address in addresses {
        match timeout(limit, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                tune(&stream).with_context(|| format!("cannot set up the connection to {host} ({address})"))?;
                return Ok(stream);
            }
            Ok(Err(error)) => failure = anyhow::anyhow!("cannot connect to {host} ({address}): {}", told(&error)),
            Err(_) => {
                failure = anyhow::anyhow!(
                    "{host} ({address}) did not take the connection within {limit:?}; {}",
                    next_step(ErrorKind::TimedOut)
                );
            }
        }
    }
    Err(failure)
}

/// Protects a channel with TLS 1.2 or 1.3 and checks that the certificate is `host`'s.
pub async fn protect<C: Channel>(
    channel: C,
    host: &str,
    trust: Arc<ClientConfig>,
    limit: Duration,
) -> anyhow::Result<TlsStream<C>> {
    let name = ServerName::try_from(host.to_owned()).with_context(|| format!("{host} is no host name"))?;
    timeout(limit, TlsConnector::from(trust).connect(name, channel))
        .await
        .with_context(|| format!("{host} did not finish the TLS handshake within {limit:?}"))?
        .map_err(|error| anyhow::anyhow!("the TLS handshake with {host} failed: {}", told(&error)))
}

/// What went wrong on the way to a server, and what to do about it.
pub fn told(error: &io::Error) -> String {
    if error.kind() == ErrorKind::UnexpectedEof {
        // rustls speaks of close_notify here and of an attacker who may have cut the connection off.
        return format!("the server closed the connection in the midst of it; {}", next_step(error.kind()));
    }
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
    let next = cause.map_or_else(|| next_step(error.kind()), certificate_step);
    format!("{error}; {next}")
}

fn next_step(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::ConnectionRefused => "nothing listens there: see to host and port, and that the server runs",
        ErrorKind::TimedOut => "see to host and port, and that no firewall stands between",
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
            "there is no way to it: see to this machine's network, and to host"
        }
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {
            "the server, or something between, does not want it: see to its log, and to port and security (tls or \
             starttls)"
        }
        _ => "see to host, port and security, and to the server's log",
    }
}

fn certificate_step(error: &rustls::Error) -> &'static str {
    use rustls::CertificateError::{Expired, ExpiredContext, NotValidForName, NotValidForNameContext, UnknownIssuer};
    match error {
        rustls::Error::InvalidCertificate(Expired | ExpiredContext { .. }) => {
            "the server's certificate has run out: have it renewed, and see to this machine's clock"
        }
        rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. }) => {
            "the server's certificate is for another name: write that name as host"
        }
        rustls::Error::InvalidCertificate(UnknownIssuer) => {
            "nobody who is trusted here has signed the server's certificate: name its issuer's as ca_file, or look for \
             an attacker"
        }
        rustls::Error::InvalidCertificate(_) => "the server's certificate is not good: have it mended",
        rustls::Error::InvalidMessage(_) => {
            "the server does not speak TLS at once on this port: see to port, and to security (tls or starttls)"
        }
        _ => "see to port and security (tls or starttls), and to the server's log",
    }
}

/// Trusts the system's certificates and those in `ca_file`. A self-signed server certificate in
/// that file is trusted as it is, provided that it is no CA certificate (`CA:FALSE`).
pub fn trust(ca_file: Option<&Path>) -> anyhow::Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    let (_, unusable) = roots.add_parsable_certificates(system.certs);
    tracing::debug!(trusted = roots.len(), unusable, errors = system.errors.len(), "system certificates read");
    if let Some(path) = ca_file {
        for certificate in certificates(path)? {
            roots.add(certificate).with_context(|| format!("a certificate in {} is unusable", path.display()))?;
        }
    }
    if roots.is_empty() {
        bail!("no certificate is trusted: install ca-certificates, or name a CA file in the configuration");
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .context("no usable TLS version")?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn certificates(path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let certificates = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| format!("cannot read the CA file {}", path.display()))?;
    if certificates.is_empty() {
        bail!("the CA file {} holds no certificate in PEM form", path.display());
    }
    Ok(certificates)
}

/// Small commands go out at once, and a dead peer is noticed.
fn tune(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_AFTER)
        .with_interval(KEEPALIVE_INTERVAL)
        .with_retries(KEEPALIVE_RETRIES);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}
