//! The IMAP folder's channel: which certificates it takes, and that nothing secret leaves before the
//! channel is protected.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hezo_intake::config::{Mechanism, Secret, Security, Server, SignIn};
use hezo_intake::imap::{ImapFolder, Limits};
use hezo_intake::mailbox::Folder;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What certificate the server shows.
#[derive(Clone, Copy, PartialEq)]
enum Certificate {
    /// Issued by the authority for localhost.
    Good,
    /// Issued by the authority for another host.
    OtherHost,
    /// Issued by the authority, valid until 2020.
    Expired,
    /// Issued by itself, no CA.
    SelfSigned,
    /// Issued by itself, as a CA.
    SelfSignedAuthority,
}

/// What the client's CA file holds.
#[derive(Clone, Copy)]
enum Trusted {
    SystemOnly,
    Authority,
    ServersOwn,
    Nothing,
    MissingFile,
}

/// How the server behaves.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Behaviour {
    Implicit,
    /// Takes the connection and says nothing.
    Silent,
    StartTls,
    /// Does not offer STARTTLS, as if somebody had cut it out.
    Stripped,
    /// Answers STARTTLS with NO.
    StartTlsRefused,
    /// Sends a line in the clear right behind the OK for STARTTLS.
    StartTlsInjected,
    /// Greets with PREAUTH in the clear.
    PreAuth,
}

#[tokio::test]
async fn certificates_are_checked() {
    use Certificate::*;
    use Trusted::*;
    let table = [
        (Good, Authority, Ok(())),
        (Good, SystemOnly, Err("UnknownIssuer")),
        (Good, ServersOwn, Err("UnknownIssuer")),
        (OtherHost, Authority, Err("not valid for name")),
        (Expired, Authority, Err("expired")),
        (SelfSigned, ServersOwn, Ok(())),
        (SelfSigned, Authority, Err("UnknownIssuer")),
        (SelfSignedAuthority, ServersOwn, Err("CaUsedAsEndEntity")),
        (Good, Nothing, Err("holds no certificate")),
        (Good, MissingFile, Err("cannot read the CA file")),
    ];
    for (certificate, trusted, expected) in table {
        check(certificate, trusted, Behaviour::Implicit, expected).await;
        check(certificate, trusted, Behaviour::StartTls, expected).await;
    }
}

/// The folder and its connection settings live on while the server's certificate runs out and is renewed by
/// another authority: the file of authorities is read at each connection.
#[tokio::test]
async fn a_renewed_certificate_is_taken_without_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ca.pem");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let settings = server_settings("localhost", port, Security::Implicit, Some(path.clone()));
    let mut folder = ImapFolder::new(&settings, "INBOX", Limits::default());
    let (former, renewed) = (Authority::new(), Authority::new());
    for (authority, certificate, trusted, expected) in [
        (&former, Certificate::Good, &former, None),
        (&former, Certificate::Expired, &former, Some("expired")),
        (&renewed, Certificate::Good, &former, Some("invalid peer certificate")),
        (&renewed, Certificate::Good, &renewed, None),
    ] {
        std::fs::write(&path, &trusted.pem).unwrap();
        let listener = TcpListener::from_std(listener.try_clone().unwrap()).unwrap();
        let (_, config) = authority.issue(certificate);
        let server = tokio::spawn(serve(listener, Behaviour::Implicit, config, Arc::default()));
        let opened = timeout(Duration::from_secs(20), folder.open()).await.expect("open hangs");
        match (opened, expected) {
            (Ok(_), None) => folder.close().await,
            (Err(error), Some(words)) => assert!(format!("{error:#}").contains(words), "{error:#}"),
            (opened, _) => panic!("{opened:?}, expected {expected:?}"),
        }
        server.abort();
    }
}

#[tokio::test]
async fn nothing_secret_is_said_in_the_clear() {
    let table = [
        (Behaviour::Silent, "did not finish the TLS handshake within"),
        (Behaviour::Stripped, "does not offer STARTTLS"),
        (Behaviour::StartTlsRefused, "answered NO to STARTTLS: not today"),
        (Behaviour::StartTlsInjected, "more followed in clear text"),
        (Behaviour::PreAuth, "greets with PREAUTH"),
    ];
    for (behaviour, expected) in table {
        check(Certificate::Good, Trusted::Authority, behaviour, Err(expected)).await;
    }
}

#[tokio::test]
async fn clear_text_stays_on_loopback() {
    // An address for documentation (RFC 5737): nothing is sent there, or this would take long.
    let server = server_settings("192.0.2.1", 143, Security::PlaintextLoopbackOnly, None);
    let error = ImapFolder::new(&server, "INBOX", Limits::default()).open().await.unwrap_err();
    assert!(format!("{error:#}").contains("clear text is for loopback only"), "{error:#}");
}

async fn check(certificate: Certificate, trusted: Trusted, behaviour: Behaviour, expected: Result<(), &str>) {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let (own_pem, config) = authority.issue(certificate);
    let ca_file = match trusted {
        Trusted::SystemOnly => None,
        Trusted::Authority => Some(authority.pem.clone()),
        Trusted::ServersOwn => Some(own_pem),
        Trusted::Nothing => Some("no certificate\n".to_owned()),
        Trusted::MissingFile => Some(String::new()),
    };
    let path = folder.path().join("ca.pem");
    if let Some(pem) = ca_file.as_ref().filter(|_| !matches!(trusted, Trusted::MissingFile)) {
        std::fs::write(&path, pem).unwrap();
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let security = match behaviour {
        Behaviour::Implicit | Behaviour::Silent => Security::Implicit,
        _ => Security::StartTls,
    };
    let port = listener.local_addr().unwrap().port();
    let settings = server_settings("localhost", port, security, ca_file.map(|_| path));
    let heard = Arc::new(Mutex::new(String::new()));
    let server = tokio::spawn(serve(listener, behaviour, config, heard.clone()));
    let connect = if behaviour == Behaviour::Silent { Duration::from_millis(150) } else { Duration::from_secs(10) };
    let mut folder = ImapFolder::new(&settings, "INBOX", Limits { connect, ..Limits::default() });
    let opened = timeout(Duration::from_secs(20), folder.open()).await.expect("open hangs");
    server.abort();
    match (&opened, expected) {
        (Ok(validity), Ok(())) => assert_eq!(validity.0, 7),
        (Err(error), Err(words)) => {
            let error = format!("{error:#}");
            assert!(error.contains(words), "{behaviour:?} gave `{error}`, expected `{words}`");
        }
        _ => panic!("{behaviour:?} gave {opened:?}, expected {expected:?}"),
    }
    let heard = heard.lock().unwrap();
    assert!(!heard.contains("LOGIN") && !heard.contains("secret"), "in the clear: {heard}");
}

fn server_settings(host: &str, port: u16, security: Security, ca_file: Option<PathBuf>) -> Server {
    let password = Secret::new("secret");
    let sign_in = SignIn { mechanism: Mechanism::Login, user: "support@hezo.example".to_owned(), password };
    Server { host: host.to_owned(), port, security, ca_file, sign_in: Some(sign_in), token: None }
}

/// Takes one connection; what is said before TLS goes to `heard`.
async fn serve(listener: TcpListener, behaviour: Behaviour, config: Arc<ServerConfig>, heard: Arc<Mutex<String>>) {
    let (stream, _) = listener.accept().await.unwrap();
    let stream = match behaviour {
        Behaviour::Silent => return std::future::pending().await,
        Behaviour::Implicit => stream,
        _ => match before_tls(stream, behaviour, heard).await {
            Some(stream) => stream,
            None => return,
        },
    };
    if let Ok(stream) = TlsAcceptor::from(config).accept(stream).await {
        let greeting = if behaviour == Behaviour::Implicit { "* OK ready\r\n" } else { "" };
        let _ = answer(stream, greeting).await;
    }
}

/// Plays the part before TLS; gives the stream back when TLS is to begin.
async fn before_tls(stream: TcpStream, behaviour: Behaviour, heard: Arc<Mutex<String>>) -> Option<TcpStream> {
    let mut stream = BufReader::new(stream);
    let greeting = if behaviour == Behaviour::PreAuth { "* PREAUTH hello\r\n" } else { "* OK ready\r\n" };
    stream.write_all(greeting.as_bytes()).await.ok()?;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        heard.lock().unwrap().push_str(&line);
        let (tag, command) = line.trim_end().split_once(' ')?;
        let starttls = if behaviour == Behaviour::Stripped { "" } else { " STARTTLS" };
        let reply = match (command, behaviour) {
            ("CAPABILITY", _) => format!("* CAPABILITY IMAP4rev1{starttls}\r\n{tag} OK done\r\n"),
            ("STARTTLS", Behaviour::StartTlsRefused) => format!("{tag} NO not today\r\n"),
            ("STARTTLS", Behaviour::StartTlsInjected) => format!("{tag} OK begin\r\n* PREAUTH injected\r\n"),
            ("STARTTLS", _) => format!("{tag} OK begin\r\n"),
            _ => format!("{tag} OK done\r\n"),
        };
        stream.write_all(reply.as_bytes()).await.ok()?;
        if command == "STARTTLS" && behaviour != Behaviour::StartTlsRefused {
            return Some(stream.into_inner());
        }
    }
}

/// Agrees to everything.
async fn answer(stream: impl AsyncRead + AsyncWrite + Unpin, greeting: &str) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(greeting.as_bytes()).await?;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let (tag, command) = line.trim_end().split_once(' ').unwrap_or_default();
        let data = match command.split(' ').next() {
            Some("CAPABILITY") => "* CAPABILITY IMAP4rev1\r\n",
            Some("SELECT") => "* OK [UIDVALIDITY 7]\r\n",
            _ => "",
        };
        stream.write_all(format!("{data}{tag} OK done\r\n").as_bytes()).await?;
        stream.flush().await?;
    }
}

struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Authority {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "Authority");
        let pem = params.self_signed(&key).unwrap().pem();
        Authority { pem, issuer: Issuer::new(params, key) }
    }

    /// The certificate as PEM, and a server that shows it.
    fn issue(&self, kind: Certificate) -> (String, Arc<ServerConfig>) {
        let host = if kind == Certificate::OtherHost { "mail.other.example" } else { "localhost" };
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        params.is_ca = IsCa::ExplicitNoCa;
        let certificate = match kind {
            Certificate::SelfSigned => params.self_signed(&key),
            Certificate::SelfSignedAuthority => {
                params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
                params.self_signed(&key)
            }
            Certificate::Expired => {
                params.not_before = date_time_ymd(2019, 1, 1);
                params.not_after = date_time_ymd(2020, 1, 1);
                params.signed_by(&key, &self.issuer)
            }
            Certificate::Good | Certificate::OtherHost => params.signed_by(&key, &self.issuer),
        }
        .unwrap();
        let chain = vec![CertificateDer::from(certificate.der().to_vec())];
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        (certificate.pem(), Arc::new(config))
    }
}
