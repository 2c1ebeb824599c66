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
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use lettre::transport::smtp::client::AsyncTokioStream;
use lettre::transport::smtp::commands::{Ehlo, Starttls};
use lettre::transport::smtp::extension::{ClientId, Extension, ServerInfo};
use lettre::transport::smtp::response::Response;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::config::{Security, Server};
use crate::tls;

/// The longest reply before TLS. Twice the 512 octets of RFC 5321 section 4.5.3.1.5 for each of the
/// lines that servers send. Bytes.
const LONGEST_REPLY: u64 = 64 * 1024;

/// What lettre reads as a greeting after STARTTLS, where the server sends none (RFC 3207 section
/// 4.2: all starts anew with EHLO).
const GREETING_AFTER_STARTTLS: &[u8] = b"220 protected\r\n";

/// How long one address of the server may take to be connected to, and the handshake behind it: less than all of
/// the signing in may.
const STEP: Duration = Duration::from_secs(30);

/// Opens channels to one server.
pub(super) struct Connector {
    host: String,
    port: u16,
    security: Security,
    ca_file: Option<PathBuf>,
}

impl Connector {
    /// Sees that certificates to trust can be read. They are read anew for each channel, since they are renewed.
    pub(super) fn new(server: &Server) -> anyhow::Result<Connector> {
        let Server { host, port, security, ca_file, .. } = server.clone();
        if security != Security::PlaintextLoopbackOnly {
            tls::trust(ca_file.as_deref())?;
        }
        Ok(Connector { host, port, security, ca_file })
    }

    /// Opens a channel. The next that comes over it is a greeting.
    pub(super) async fn open(&self, hello: &ClientId) -> anyhow::Result<Box<dyn AsyncTokioStream>> {
        let Connector { host, port, security, .. } = self;
        let stream = tls::connect(host, *port, *security, STEP).await;
        let stream = stream.with_context(|| format!("no connection to the mail server {host}:{port}"))?;
        match security {
            Security::Implicit => Ok(Box::new(self.protect(stream, b"").await?)),
            Security::StartTls => {
                let stream = start_tls(stream, hello).await?;
                Ok(Box::new(self.protect(stream, GREETING_AFTER_STARTTLS).await?))
            }
            Security::PlaintextLoopbackOnly => Ok(Box::new(stream)),
        }
    }

    async fn protect(&self, stream: TcpStream, greeting: &'static [u8]) -> anyhow::Result<Protected> {
        let trust = tls::trust(self.ca_file.as_deref())?;
        let stream = tls::protect(stream, &self.host, trust, STEP).await.context("TLS with the mail server")?;
        Ok(Protected { greeting, stream })
    }
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
