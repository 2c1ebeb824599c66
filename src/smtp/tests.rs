use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;

use super::*;
use crate::config::{Secret, Security, SignIn};

const CONNECTIONS: usize = 3;

const MAIL: &[u8] = b"Subject: Zgloszenie\r\n\r\nDzien dobry\r\n.\r\n..\r\n";

/// A server that plays a script: `VERB reply` in each line, `GREETING` for its first words, `BODY`
/// for what it does before a mail and `DOT` for the reply to one. Several lines of a verb are played one after the other, the last for
/// good. `close` closes the connection, `silence` never replies. What is not scripted goes well.
#[derive(Clone)]
struct Peer {
    lines: Arc<Mutex<Vec<(String, String)>>>,
    heard: Arc<Mutex<Vec<String>>>,
    acceptor: Option<TlsAcceptor>,
}

impl Peer {
    fn new(script: &str, acceptor: Option<TlsAcceptor>) -> Peer {
        let line = |line: &str| line.split_once(' ').map(|(verb, reply)| (verb.to_string(), reply.to_string()));
        let lines = script.lines().filter_map(|text| line(text.trim())).collect();
        Peer { lines: Arc::new(Mutex::new(lines)), heard: Arc::default(), acceptor }
    }

    /// Listens on loopback and tells the port.
    async fn listen(&self, security: Security) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("a port").port();
        let peer = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let peer = peer.clone();
                tokio::spawn(async move { peer.serve(stream, security).await });
            }
        });
        port
    }

    async fn serve(&self, stream: TcpStream, security: Security) -> Option<()> {
        let acceptor = self.acceptor.clone();
        match security {
            Security::Implicit => self.talk(acceptor?.accept(stream).await.ok()?, true).await.map(|_| ()),
            Security::PlaintextLoopbackOnly => self.talk(stream, true).await.map(|_| ()),
            Security::StartTls => {
                let stream = self.talk(stream, true).await?;
                self.talk(acceptor?.accept(stream).await.ok()?, false).await.map(|_| ())
            }
        }
    }

    /// Talks until the end (`None`) or until STARTTLS was agreed on.
    async fn talk<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S, greet: bool) -> Option<S> {
        let mut stream = BufReader::new(stream);
        if greet {
            self.reply(&mut stream, "GREETING", "220 peer.example").await?;
        }
        loop {
            let line = read_line(&mut stream).await?;
            self.heard.lock().expect("no panic").push(line.clone());
            let verb = line.split(' ').next().unwrap_or_default();
            let all_is_well = match verb {
                "EHLO" => "250-peer.example\\250-8BITMIME\\250-AUTH PLAIN LOGIN\\250 STARTTLS",
                "AUTH" => "235 2.7.0 welcome",
                "STARTTLS" => "220 go ahead",
                "DATA" => "354 go ahead",
                "QUIT" => "221 bye",
                _ => "250 2.0.0 fine",
            };
            let reply = self.reply(&mut stream, verb, all_is_well).await?;
            match verb {
                "STARTTLS" if reply.starts_with('2') => return Some(stream.into_inner()),
                "DATA" if reply.starts_with('3') => {
                    self.reply(&mut stream, "BODY", "").await?;
                    let mut mail = String::new();
                    while !mail.ends_with("\r\n.\r\n") {
                        stream.read_line(&mut mail).await.ok().filter(|&length| length > 0)?;
                    }
                    self.heard.lock().expect("no panic").push(mail);
                    self.reply(&mut stream, "DOT", "250 2.0.0 queued as 4711").await?;
                }
                "QUIT" => return None,
                _ => (),
            }
        }
    }

    async fn reply<S: AsyncWrite + Unpin>(&self, stream: &mut S, verb: &str, all_is_well: &str) -> Option<String> {
        let reply = {
            let mut lines = self.lines.lock().expect("no panic");
            let place = lines.iter().position(|(scripted, _)| scripted == verb);
            let again = lines.iter().filter(|(scripted, _)| scripted == verb).count() > 1;
            match place {
                Some(place) if again => lines.remove(place).1,
                Some(place) => lines[place].1.clone(),
                None => all_is_well.to_string(),
            }
        };
        match reply.as_str() {
            "close" => None,
            "silence" => std::future::pending().await,
            "" => Some(reply),
            _ => {
                let text = format!("{}\r\n", reply.replace('\\', "\r\n"));
                stream.write_all(text.as_bytes()).await.ok()?;
                Some(reply)
            }
        }
    }

    /// How often a command that begins so was heard.
    fn count(&self, beginning: &str) -> usize {
        self.heard.lock().expect("no panic").iter().filter(|line| line.starts_with(beginning)).count()
    }
}

async fn read_line<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> Option<String> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|&length| length > 0)?;
    Some(line.trim_end().to_string())
}

fn server(port: u16, security: Security, ca_file: Option<PathBuf>) -> Server {
    let sign_in = SignIn {
        mechanism: crate::config::Mechanism::Plain,
        user: "desk@desk.example".to_string(),
        password: Secret::new("geheim"),
    };
    Server { host: "localhost".to_string(), port, security, ca_file, sign_in: Some(sign_in), token: None }
}

async fn connected(script: &str) -> (Peer, Smtp) {
    let peer = Peer::new(script, None);
    let port = peer.listen(Security::PlaintextLoopbackOnly).await;
    let mut server = server(port, Security::PlaintextLoopbackOnly, None);
    server.host = "127.0.0.1".to_string();
    let mut smtp = Smtp::new(&server, CONNECTIONS).expect("a configuration");
    if script.contains("silence") {
        let patience = Duration::from_secs(1);
        smtp.patience = Patience { set_up: patience, command: patience, mail: patience };
    }
    (peer, smtp)
}

fn shown(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Sent { reply } => format!("sent: {reply}"),
        Outcome::Later { reason } => format!("later: {reason}"),
        Outcome::NotSignedIn { reason } => format!("not signed in: {reason}"),
        Outcome::Never { reason } => format!("never: {reason}"),
        Outcome::Unknown { reason } => format!("unknown: {reason}"),
    }
}

/// What becomes of a mail when the server keeps to the script; `expected` is a beginning.
async fn check(script: &str, recipient: &str, mail: &[u8], expected: &str) {
    let (_, smtp) = connected(script).await;
    let outcome = shown(&smtp.send(Some("desk@desk.example"), recipient, mail).await);
    assert!(outcome.starts_with(expected), "{script}\nexpected {expected}\nfound    {outcome}");
}

#[tokio::test]
async fn replies() {
    let rows = [
        ("", "sent: 250 2.0.0 queued as 4711"),
        ("GREETING 421 busy", "later: the mail server's greeting or its reply to EHLO: 421 busy"),
        ("GREETING 554 no service", "later: the mail server's greeting or its reply to EHLO: 554 no service"),
        ("GREETING close", "later: the mail server's greeting or its reply to EHLO: incomplete"),
        ("GREETING silence", "later: not connected and signed in to the mail server in time"),
        ("GREETING hello", "later: the mail server's greeting or its reply to EHLO: "),
        ("EHLO 550 who are you", "later: the mail server's greeting or its reply to EHLO: 550 who are you"),
        ("EHLO 250 peer.example", "later: the mail server does not offer AUTH PLAIN; set another sign_in"),
        (
            "AUTH 535 5.7.8 no geheim",
            "not signed in: the mail server refused the sign-in: 535 5.7.8 no (secret); see to user and",
        ),
        (
            "AUTH 535 5.7.139 SmtpClientAuthentication is disabled for the Tenant",
            "not signed in: the mail server refused the sign-in: 535 5.7.139 SmtpClientAuthentication is disabled for the \
             Tenant (sending by sign-in is switched off there: Set-CASMailbox MAILBOX -SmtpClientAuthenticationDisabled \
             $false, or for all mailboxes in the Exchange admin centre)",
        ),
        ("AUTH 454 4.7.0 later", "later: the mail server refused the sign-in: 454 4.7.0 later"),
        ("AUTH silence", "later: not connected and signed in"),
        ("MAIL 451 4.3.0 later", "later: the server refused MAIL: 451 4.3.0 later"),
        ("MAIL 530 5.7.0 sign in first", "later: the server refused MAIL: 530 5.7.0 sign in first"),
        ("MAIL 553 <desk@desk.example> is not yours", "later: the server refused MAIL: 553 <(address)> is not yours"),
        ("MAIL close", "later: the connection broke after MAIL: incomplete"),
        ("RCPT 450 4.2.0 grey", "later: the server refused RCPT: 450 4.2.0 grey"),
        ("RCPT 550 5.1.1 no <jan@firma.example>", "never: the server refused RCPT: 550 5.1.1 no <(address)>"),
        ("RCPT 530 5.7.0 sign in first", "later: the server refused RCPT: 530"),
        ("RCPT close", "later: the connection broke after RCPT: incomplete"),
        ("RCPT silence", "later: the server did not answer RCPT in time"),
        ("DATA 451 4.3.0 full", "later: the server refused DATA: 451 4.3.0 full"),
        ("DATA 554 5.5.1 no valid recipients", "never: the server refused DATA: 554"),
        ("DATA 250 what?", "later: the server answered DATA with 250 what?"),
        ("DATA close", "later: the connection broke after DATA"),
        ("DATA silence", "later: the server did not answer DATA in time"),
        ("DOT 451 4.7.1 later", "later: the server refused the mail: 451 4.7.1 later"),
        ("DOT 421 4.3.2 shutting down", "later: the server refused the mail: 421 4.3.2 shutting down"),
        ("DOT 554-5.7.1 spam\\554 5.7.1 go away", "never: the server refused the mail: 554 5.7.1 spam go away"),
        ("DOT 354 go on", "unknown: after the end of the mail, the server answered the mail with 354 go on"),
        ("DOT close", "unknown: after the end of the mail, the connection broke: incomplete"),
        ("DOT silence", "unknown: after the end of the mail, the server took too long"),
        ("DOT nonsense", "unknown: after the end of the mail, the connection broke"),
        ("QUIT close", "sent: "),
    ];
    let check = |(script, expected)| Box::pin(check(script, "jan@firma.example", MAIL, expected));
    futures::future::join_all(rows.map(check)).await;
}

#[tokio::test]
async fn addresses_and_texts_that_the_server_cannot_take() {
    let plain = "EHLO 250-peer.example\\250 AUTH PLAIN";
    check(plain, "jan@firma.example", "Żółć".as_bytes(), "later: the mail has 8-bit text, and the server does not")
        .await;
    check("", "łoś@firma.example", MAIL, "never: the address is not in ASCII, and the server does not offer").await;
    for wrong in ["", "jan", "jan@firma.example\r\nRCPT TO:<x@y.example>", "\"\\\u{7}\"@firma.example"] {
        check("", wrong, MAIL, "never: the recipient's address cannot be written in SMTP").await;
    }
}

#[tokio::test]
async fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("a port").port();
    drop(listener);
    let smtp = Smtp::new(&server(port, Security::PlaintextLoopbackOnly, None), CONNECTIONS).expect("a configuration");
    let outcome = shown(&smtp.send(None, "jan@firma.example", MAIL).await);
    assert!(outcome.starts_with(&format!("later: no connection to the mail server localhost:{port}: ")), "{outcome}");
}

/// The mail fills every buffer on the way, so that it is not written yet when the peer closes.
#[tokio::test]
async fn broken_while_the_mail_is_written() {
    let mail = b"0123456789\r\n".repeat(2_000_000);
    let expected = "later: while the mail was written, the connection broke: ";
    check("BODY close", "jan@firma.example", &mail, expected).await;
}

#[tokio::test]
async fn what_goes_over_the_line() {
    let (peer, smtp) = connected("").await;
    smtp.send(None, "jan@firma.example", "Żółć\n.\r\n\r.ende".as_bytes()).await;
    let heard = peer.heard.lock().expect("no panic").clone();
    let expected = [
        "AUTH PLAIN AGRlc2tAZGVzay5leGFtcGxlAGdlaGVpbQ==",
        "MAIL FROM:<> BODY=8BITMIME",
        "RCPT TO:<jan@firma.example>",
        "DATA",
        "Żółć\r\n..\r\n\r\n..ende\r\n.\r\n",
    ];
    assert_eq!(heard.get(1..), Some(expected.map(String::from).as_slice()));
}

#[test]
fn line_ends() {
    let check = |mail: &str, expected: &str| {
        let joined: Vec<u8> = pieces(mail.as_bytes()).flatten().collect();
        assert_eq!(String::from_utf8_lossy(&joined), expected, "{mail:?}");
    };
    check("", "");
    check("a\r\nb\r\n", "a\r\nb");
    check("a\nb\n", "a\r\nb");
    check("a\rb\r", "a\r\nb\r\n");
    check("a\n\nb\r\r\n", "a\r\n\r\nb\r\n");
    check("a\r\n\n.\n", "a\r\n\r\n.");
    let split = format!("{}\r\nb", "a".repeat(PIECE - 1));
    check(&split, &split);
}

#[tokio::test]
async fn connections_rest_and_are_used_again() {
    let (peer, smtp) = connected("MAIL 250 fine\nMAIL 250 fine\nMAIL 421 enough\nMAIL 250 fine").await;
    for _ in 0..3 {
        assert_eq!(shown(&smtp.send(None, "jan@firma.example", MAIL).await), "sent: 250 2.0.0 queued as 4711");
    }
    assert_eq!((peer.count("EHLO"), peer.count("MAIL"), peer.count("DATA")), (2, 4, 3));
    smtp.close().await;
    assert_eq!(peer.count("QUIT"), 2);

    let (peer, smtp) = connected("").await;
    let sends = (0..8).map(|_| smtp.send(None, "jan@firma.example", MAIL));
    futures::future::join_all(sends).await;
    assert_eq!((peer.count("EHLO"), peer.count("DATA")), (CONNECTIONS, 8));
}

#[tokio::test]
async fn a_check_of_the_sign_in() {
    let (peer, smtp) = connected("").await;
    smtp.check().await.expect("all is well");
    assert_eq!((peer.count("AUTH"), peer.count("NOOP"), peer.count("MAIL")), (1, 1, 0));
    let (_, smtp) = connected("AUTH 535 5.7.8 no geheim").await;
    let error = smtp.check().await.expect_err("refused").to_string();
    assert!(error.starts_with("the mail server refused the sign-in: 535 5.7.8 no (secret); see to user"), "{error}");
}

/// A certificate for `name`, and the file that makes it trusted.
fn certificate(name: &str) -> (TlsAcceptor, tempfile::NamedTempFile) {
    let key = KeyPair::generate().expect("a key");
    let parameters = CertificateParams::new([name.to_string()]).expect("a name");
    let certificate = parameters.self_signed(&key).expect("a certificate");
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), certificate.pem()).expect("a file");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().expect("TLS").with_no_client_auth();
    let key = key.serialize_der().try_into().expect("a key");
    let config = config.with_single_cert(vec![certificate.der().clone()], key).expect("a certificate");
    (TlsAcceptor::from(Arc::new(config)), file)
}

#[tokio::test]
async fn protected_channels() {
    use Security::{Implicit, PlaintextLoopbackOnly, StartTls};
    let nothing_more = "STARTTLS 220 go ahead\\250 injected.example";
    let rows = [
        (Implicit, Implicit, "localhost", "", "sent: 250 2.0.0 queued"),
        (StartTls, StartTls, "localhost", "", "sent: 250 2.0.0 queued"),
        (Implicit, Implicit, "other.example", "", "later: TLS with the mail server: "),
        (StartTls, StartTls, "other.example", "", "later: TLS with the mail server: "),
        (PlaintextLoopbackOnly, Implicit, "localhost", "", "later: TLS with the mail server: "),
        (Implicit, StartTls, "localhost", "silence", "later: not connected and signed in to the mail server in time"),
        (
            StartTls,
            StartTls,
            "localhost",
            "EHLO 250 AUTH PLAIN",
            "later: the mail server does not offer STARTTLS; nothing",
        ),
        (StartTls, StartTls, "localhost", "STARTTLS 454 no", "later: the reply to STARTTLS: 454 no"),
        (StartTls, StartTls, "localhost", "GREETING close", "later: the mail server's greeting: the connection was"),
        (StartTls, StartTls, "localhost", nothing_more, "later: the mail server's reply to STARTTLS was followed by"),
    ];
    for (served, wanted, name, script, expected) in rows {
        let (acceptor, ca_file) = certificate(name);
        let peer = Peer::new(script, Some(acceptor));
        let port = peer.listen(served).await;
        let mut smtp =
            Smtp::new(&server(port, wanted, Some(ca_file.path().into())), CONNECTIONS).expect("a configuration");
        if script == "silence" {
            smtp.patience.set_up = Duration::from_secs(1);
        }
        let outcome = shown(&smtp.send(None, "jan@firma.example", MAIL).await);
        assert!(outcome.starts_with(expected), "{served:?} {name} {script}\nexpected {expected}\nfound    {outcome}");
        assert_eq!(peer.count("AUTH"), usize::from(expected.starts_with("sent")), "nothing goes out unprotected");
    }
}
