//! Signing in by XOAUTH2, against Dovecot's oauth2 passdb and a token endpoint of the test's own: mail
//! goes in and out, a revoked right is told at once by another channel, and `check` says what to do.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use hezo_intake::access_token::AccessTokens;
use hezo_intake::config::{Flow, Secret, TokenGrant};

use crate::servers::daemon::{DESK, Desk};
use crate::servers::{Servers, wait_for};
use serde_json::{Value, json};

/// What the user's consent gave.
const REFRESH_TOKEN: &str = "refresh-0";

/// Gives tokens and says which are good.
#[derive(Clone, Default)]
struct Provider(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    given: usize,
    good: BTreeSet<String>,
    refuses: bool,
    asked_with: Vec<String>,
    /// How long a token is good, where not an hour. Seconds.
    life: Option<u64>,
    /// In place of an answer.
    answers: Option<u16>,
}

impl Provider {
    /// Answers on a port of its own.
    fn start() -> (Provider, u16) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let provider = Provider::default();
        let answering = provider.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = answering.answer(stream);
            }
        });
        (provider, port)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().expect("the state")
    }

    /// Takes back every token, and gives no other.
    fn revoke(&self) {
        let mut state = self.state();
        state.good.clear();
        state.refuses = true;
    }

    fn give_again(&self) {
        self.state().refuses = false;
    }

    fn answer(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut first = String::new();
        reader.read_line(&mut first)?;
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 || line == "\r\n" {
                break;
            }
            if let Some(said) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = said.trim().parse().expect("a length");
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let path = first.split(' ').nth(1).unwrap_or_default();
        let (status, answer) = match path.split_once("?token=") {
            Some((_, query)) => (200, self.introspect(query.split('&').next().unwrap_or_default())),
            None => self.give(&String::from_utf8_lossy(&body)),
        };
        let answer = answer.to_string();
        let length = answer.len();
        write!(
            stream,
            "HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n{answer}"
        )
    }

    fn introspect(&self, token: &str) -> Value {
        json!({ "active": self.state().good.contains(token), "username": DESK })
    }

    /// RFC 6749 section 6, with a new refresh token each time.
    fn give(&self, body: &str) -> (u16, Value) {
        let mut state = self.state();
        let field = |name: &str| {
            let fields = body.split('&').filter_map(|field| field.split_once('='));
            fields.clone().find(|(key, _)| *key == name).map(|(_, value)| value.to_string()).unwrap_or_default()
        };
        assert_eq!((field("grant_type").as_str(), field("client_id").as_str()), ("refresh_token", "desk-1"), "{body}");
        assert_eq!(field("scope"), "mail%20offline");
        state.asked_with.push(field("refresh_token"));
        if let Some(status) = state.answers {
            return (status, Value::Null);
        }
        if state.refuses {
            return (400, json!({ "error": "invalid_grant", "error_description": "Token has been revoked." }));
        }
        state.given += 1;
        let token = format!("access-{}", state.given);
        state.good.insert(token.clone());
        let life = state.life.unwrap_or(3600);
        (200, json!({ "access_token": token, "expires_in": life, "refresh_token": format!("refresh-{}", state.given) }))
    }
}

/// Signs in by token at both servers, and tells of outages by a command alone.
fn set_up(servers: &Servers, endpoint: u16) {
    let dir = servers.dir().display();
    let more = format!(
        "auth_mechanisms = plain login xoauth2\n\
         passdb {{\n  driver = oauth2\n  mechanisms = xoauth2\n  args = {dir}/oauth2.conf\n}}\n"
    );
    let oauth2 = format!(
        "introspection_mode = get\nintrospection_url = http://127.0.0.1:{endpoint}/introspect?token=\n\
         username_attribute = username\nactive_attribute = active\nactive_value = true\n"
    );
    fs::write(servers.dir().join("dovecot-more.conf"), more).expect("more of Dovecot's settings");
    fs::write(servers.dir().join("oauth2.conf"), oauth2).expect("Dovecot's provider");
    servers.restart_dovecot();

    let token = format!(
        "flow = \"refresh-token\"\nendpoint = \"http://127.0.0.1:{endpoint}/token\"\nscope = \"mail offline\"\n\
         client_id = \"desk-1\"\nrefresh_token_file = \"{dir}/refresh-token\"\n"
    );
    let path = servers.dir().join("settings.toml");
    let settings = fs::read_to_string(&path).expect("the settings");
    let password = format!("password_file = \"{dir}/password\"\n");
    let settings = settings.replace(&password, "sign_in = \"xoauth2\"\n");
    let settings = settings.replace("[smtp]", &format!("[mailbox.token]\n{token}\n[smtp]"));
    let alert = format!("[alert]\ncommand = [\"{dir}/tell\"]\n");
    fs::write(&path, format!("{settings}\n[smtp.token]\n{token}\n{alert}")).expect("the settings");
    let command = servers.dir().join("tell");
    fs::write(&command, format!("#!/bin/sh\ncat >> {dir}/told\n")).expect("the command");
    fs::set_permissions(&command, fs::Permissions::from_mode(0o755)).expect("its mode");
}

fn told(dir: &Path) -> Vec<Value> {
    let text = fs::read_to_string(dir.join("told")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn a_token_is_asked_for_renewed_missed_and_given_again() {
    let servers = Servers::start(&[DESK, "anna@hezo.example", "marek@hezo.example", "jan@fabryka.example"]);
    let (provider, endpoint) = Provider::start();
    let desk = Desk::new(&servers, "folders = [\"INBOX\"]\nport = {imaps}\nstart = \"all\"");
    desk.write("refresh-token", REFRESH_TOKEN);
    set_up(&servers, endpoint);
    let checked = desk.command(&["check"]);
    assert!(
        checked.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&checked.stderr),
        fs::read_to_string(servers.dir().join("dovecot.log")).unwrap_or_default()
    );

    let daemon = desk.start(&[]);
    daemon.wait_for("ready");
    servers.hand_in("jan@fabryka.example", DESK, "From: jan@fabryka.example\nSubject: Macierz\n\nNie działa.\n");
    wait_for("the acknowledgement", || (!servers.mails("jan@fabryka.example", "").is_empty()).then_some(()));
    let kept = fs::read_dir(servers.dir().join("state")).expect("the state").flatten();
    let kept: Vec<_> = kept.filter(|file| file.file_name().to_string_lossy().starts_with("refresh-token-")).collect();
    assert_eq!(kept.len(), 1, "the newest refresh token is kept");
    assert_eq!(kept[0].metadata().expect("about it").permissions().mode() & 0o777, 0o600);
    assert_eq!(provider.state().asked_with.first().map(String::as_str), Some(REFRESH_TOKEN));
    assert!(provider.state().asked_with.iter().skip(1).any(|token| token != REFRESH_TOKEN), "the newest one is used");

    provider.revoke();
    servers.restart_dovecot();
    let begins = wait_for("the alert command", || told(servers.dir()).first().cloned());
    assert_eq!(
        (begins["outage"].as_str(), begins["wants_a_person"].as_bool()),
        (Some("mailbox"), Some(true)),
        "{begins}"
    );
    let reason = begins["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("invalid_grant") && reason.contains("consent again"), "{reason}");
    let checked = desk.command(&["check"]);
    let said = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert_eq!(checked.status.code(), Some(2), "{said}");
    assert!(
        said.contains("mailbox support, folder INBOX") && said.contains("smtp: ") && said.contains("consent again"),
        "{said}"
    );

    provider.give_again();
    wait_for("the end is told", || {
        told(servers.dir()).iter().any(|news| news["outage"] == "mailbox" && news["over"] == true).then_some(())
    });
    let log = daemon.log();
    for secret in [REFRESH_TOKEN, "access-1", "refresh-1"] {
        assert!(!log.contains(secret), "{secret} stands in the log: {log}");
    }
    daemon.stop();
}

/// A revoked right is heard of when the next token is asked for, though the connection goes on.
#[test]
fn a_right_that_is_revoked_is_told_while_the_connection_goes_on() {
    let servers = Servers::start(&[DESK, "anna@hezo.example", "marek@hezo.example"]);
    let (provider, endpoint) = Provider::start();
    provider.state().life = Some(4);
    let desk = Desk::new(&servers, "folders = [\"INBOX\"]\nport = {imaps}\nstart = \"all\"");
    desk.write("refresh-token", REFRESH_TOKEN);
    set_up(&servers, endpoint);
    let daemon = desk.start(&[]);
    daemon.wait_for("ready");
    let asked = provider.state().given;
    wait_for("a token ahead of the expiry", || (provider.state().given > asked).then_some(()));
    provider.revoke();
    // Nothing is to be sent, and the right to send is missed all the same.
    for part in ["mailbox", "sending"] {
        let begins = || told(servers.dir()).into_iter().find(|news| news["outage"] == part);
        let begins = wait_for("the alert command", begins);
        assert_eq!(begins["wants_a_person"], true, "{begins}");
    }
    provider.give_again();
    for part in ["mailbox", "sending"] {
        let over = || told(servers.dir()).into_iter().any(|news| news["outage"] == part && news["over"] == true);
        wait_for("the end is told", || over().then_some(()));
    }
    daemon.stop();
}

fn grant(endpoint: u16, kept_in: &Path) -> Box<TokenGrant> {
    Box::new(TokenGrant {
        endpoint: format!("http://127.0.0.1:{endpoint}/token").parse().expect("an address"),
        ca_file: None,
        scope: "mail offline".to_string(),
        client_id: "desk-1".to_string(),
        flow: Flow::RefreshToken { secret: None, token: Secret::new(REFRESH_TOKEN) },
        kept_in: kept_in.to_path_buf(),
    })
}

/// `check` may be the first to ask: a provider that gives a new refresh token takes the old one no more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_asked_for_that_could_not_be_kept() {
    let (provider, endpoint) = Provider::start();
    let dir = tempfile::tempdir().expect("a folder");
    let not_there_yet = dir.path().join("var/state");
    for given in ["refresh-0", "refresh-1"] {
        AccessTokens::new(grant(endpoint, &not_there_yet)).current().await.expect("a token");
        assert_eq!(provider.state().asked_with.last().map(String::as_str), Some(given));
    }
    assert_eq!(fs::metadata(&not_there_yet).expect("the folder").permissions().mode() & 0o777, 0o700);
    let file = dir.path().join("file");
    fs::write(&file, "").expect("a file");
    let refused = AccessTokens::new(grant(endpoint, &file.join("state"))).current().await;
    let said = format!("{:#}", refused.err().expect("it cannot be kept"));
    assert!(said.contains("nothing was asked for") && said.contains("install -d"), "{said}");
    assert_eq!(provider.state().asked_with.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_does_not_work_is_seen_to() {
    let (provider, endpoint) = Provider::start();
    provider.state().answers = Some(503);
    let dir = tempfile::tempdir().expect("a folder");
    let failed = AccessTokens::new(grant(endpoint, dir.path())).current().await;
    let said = format!("{:#}", failed.err().expect("no token"));
    assert!(said.contains("it answers 503 (no reason given)") && said.contains("status page"), "{said}");
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
    let failed = AccessTokens::new(grant(free, dir.path())).current().await;
    let said = format!("{:#}", failed.err().expect("no token"));
    assert!(said.contains("nothing listens there"), "{said}");
}
