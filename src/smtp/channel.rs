//! The channel to a submission server, as protected as the configuration says, ready for lettre's
//! greeting and EHLO.
//!
//! The socket is ours and not lettre's, which leaves Nagle's algorithm on: with it the final dot of
//! each mail waits some 40 ms for a delayed acknowledgement. STARTTLS is ours, too: lettre keeps
//! what it had read ahead before the handshake, so that replies which somebody on the line had put
//! behind the server's would count as protected (Poddebniak et al., "Why TLS is better without
//! STARTTLS", 2021).

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use anyhow::{Context as _, bail, ensure};
use lettre::transport::smtp::client::AsyncTokioStream;
use lettre::transport::smtp::commands::{Ehlo, Starttls};
use lettre::transport::smtp::extension::{ClientId, Extension, ServerInfo};
use lettre::transport::smtp::response::Response;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::config::{Security, Server};
use crate::tls;

/// The longest reply before TLS. Twice the 512 octets of RFC 5321 section 4.5.3.1.5 for each of the
/// lines that servers send. Bytes.
const LONGEST_REPLY: u64 = 64 * 1024;

/// What lettre reads as a greeting after STARTTLS, where the server sends none (RFC 3207 section
/// 4.2: all starts anew with EHLO).
const GREETING_AFTER_STARTTLS: &[u8] = b"220 protected\r\n";

/// Opens channels to one server.
pub(super) struct Connector {
    host: String,
    port: u16,
    protection: Protection,
}

enum Protection {
    /// TLS from the first byte.
    Implicit(TlsConnector, ServerName<'static>),
    /// TLS after STARTTLS, or no channel.
    StartTls(TlsConnector, ServerName<'static>),
    /// None, and so only to this machine.
    None,
}

impl Connector {
    /// Reads the certificates to trust.
    pub(super) fn new(server: &Server) -> anyhow::Result<Connector> {
        let tls = || anyhow::Ok((trust(server.ca_file.as_deref())?, ServerName::try_from(server.host.clone())?));
        let protection = match server.security {
            Security::Implicit => tls().map(|(connector, name)| Protection::Implicit(connector, name))?,
            Security::StartTls => tls().map(|(connector, name)| Protection::StartTls(connector, name))?,
            Security::PlaintextLoopbackOnly => Protection::None,
        };
        Ok(Connector { host: server.host.clone(), port: server.port, protection })
    }

    /// Opens a channel. The next that comes over it is a greeting.
    pub(super) async fn open(&self, hello: &ClientId) -> anyhow::Result<Box<dyn AsyncTokioStream>> {
        let Connector { host, port, protection } = self;
        let stream = TcpStream::connect((host.as_str(), *port)).await;
        let stream = stream.map_err(|error| {
            anyhow::anyhow!("no connection to the mail server {host}:{port}: {}", tls::told(&error))
        })?;
        stream.set_nodelay(true).context("the socket's TCP_NODELAY")?;
        match protection {
            Protection::Implicit(connector, name) => Ok(Box::new(protect(connector, name, stream, b"").await?)),
            Protection::StartTls(connector, name) => {
                let stream = start_tls(stream, hello).await?;
                Ok(Box::new(protect(connector, name, stream, GREETING_AFTER_STARTTLS).await?))
            }
            Protection::None => {
                let to_itself = stream.peer_addr().is_ok_and(|peer| peer.ip().is_loopback());
                ensure!(to_itself, "{host} is another machine, and plaintext is for this one alone");
                Ok(Box::new(stream))
            }
        }
    }
}

/// TLS with the system's certificates and those of `ca_file`.
fn trust(ca_file: Option<&Path>) -> anyhow::Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(file) = ca_file {
        let context = || format!("the certificates in {}", file.display());
        for certificate in CertificateDer::pem_file_iter(file).with_context(context)? {
            roots.add(certificate.with_context(context)?).with_context(context)?;
        }
    }
    ensure!(!roots.is_empty(), "no certificate is trusted; install the system's (ca-certificates), or set ca_file");
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().context("the versions of TLS")?;
    Ok(TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth())))
}

async fn protect(
    connector: &TlsConnector,
    name: &ServerName<'static>,
    stream: TcpStream,
    greeting: &'static [u8],
) -> anyhow::Result<Protected> {
    let stream = connector.connect(name.clone(), stream).await;
    let stream = stream.map_err(|error| anyhow::anyhow!("TLS with the mail server: {}", tls::told(&error)))?;
    Ok(Protected { greeting, stream })
}

/// The part of the dialogue that RFC 3207 leaves unprotected.
async fn start_tls(stream: TcpStream, hello: &ClientId) -> anyhow::Result<TcpStream> {
    let mut stream = BufReader::new(stream);
    reply(&mut stream).await.context("the mail server's greeting")?;
    stream.write_all(Ehlo::new(hello.clone()).to_string().as_bytes()).await.context("EHLO")?;
    let offers = reply(&mut stream).await.context("the reply to EHLO")?;
    let offered = ServerInfo::from_response(&offers).is_ok_and(|server| server.supports_feature(Extension::StartTls));
    ensure!(offered, "the mail server does not offer STARTTLS; nothing goes to it unprotected");
    stream.write_all(Starttls.to_string().as_bytes()).await.context("STARTTLS")?;
    reply(&mut stream).await.context("the reply to STARTTLS")?;
    ensure!(
        stream.buffer().is_empty(),
        "the mail server's reply to STARTTLS was followed by more: somebody is on the line"
    );
    Ok(stream.into_inner())
}

/// Reads a positive reply of one or more lines.
async fn reply(stream: &mut BufReader<TcpStream>) -> anyhow::Result<Response> {
    let mut stream = stream.take(LONGEST_REPLY);
    let mut text = Vec::new();
    let mut line_start = 0;
    loop {
        stream.read_until(b'\n', &mut text).await?;
        let line = text.get(line_start..).unwrap_or_default();
        ensure!(line.ends_with(b"\n"), "the connection was closed, or the reply has no end");
        if line.get(3) != Some(&b'-') {
            break;
        }
        line_start = text.len();
    }
    match String::from_utf8_lossy(&text).parse::<Response>() {
        Ok(reply) if reply.is_positive() => Ok(reply),
        Ok(reply) => bail!("{}", super::text(&reply)),
        Err(_) => bail!("the reply is not SMTP"),
    }
}

/// A TLS stream, before which lettre reads a greeting.
#[derive(Debug)]
struct Protected {
    greeting: &'static [u8],
    stream: TlsStream<TcpStream>,
}

impl AsyncTokioStream for Protected {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.get_ref().0.peer_addr()
    }
}

impl AsyncRead for Protected {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.greeting.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, into);
        }
        let (now, rest) = self.greeting.split_at(self.greeting.len().min(into.remaining()));
        into.put_slice(now);
        self.greeting = rest;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Protected {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
