//! A thousand queued mails through the submission server.

use std::fs;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hezo_intake::clock::Clock;
use hezo_intake::config::{Config, Security, Server};
use hezo_intake::desk::decision::Effect;
use hezo_intake::desk::reply::{Post, Purpose};
use hezo_intake::office::Office;
use hezo_intake::outbox::{Outbox, Routes, Transport};
use hezo_intake::smtp::Smtp;

use crate::servers::Servers;
use crate::table::Table;
use crate::{Size, drain, mailboxes};

/// Connections at the same time, of both senders.
const CONNECTIONS: usize = 10;

/// Bytes of a mail.
const LENGTH: usize = 3_000;

/// Where the mails go: Postfix takes them, and drops them.
const RECIPIENT: &str = "klient@elsewhere.example";

/// Measures in clear text, since the floor speaks no TLS.
pub(crate) fn measure(size: &Size, table: &mut Table) {
    let servers = Servers::start(&mailboxes());
    let config = drain::load(&servers, "port = {imaps}");
    let (mut ours, mut floor) = (Vec::new(), Vec::new());
    for _ in 0..size.rounds {
        floor.push(smtp_source(&servers, size.queued));
        ours.push(send(&servers, &config, size.queued));
    }
    let work = format!("send {} queued mails of 3 KB over {CONNECTIONS} connections, marks included", size.queued);
    table.rates(&work, size.queued, &ours, ("smtp-source -d", &floor), "1.0");
}

fn send(servers: &Servers, config: &Config, count: usize) -> Duration {
    let state = servers.dir().join("sending");
    let _ = fs::remove_dir_all(&state);
    let config = Config { state_dir: state, ..config.clone() };
    let office = Office::open(&config, Clock::default()).expect("an office");
    let body = "Zgłoszenie przyjęte.\r\n".repeat(LENGTH / 24);
    let post = |at: usize| {
        let head = format!("From: pomoc@myhezo.example\r\nTo: {RECIPIENT}\r\nMessage-ID: <{at}@myhezo.example>\r\n");
        let head = format!("{head}Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n");
        Effect::Send(Post {
            ticket: None,
            purpose: Purpose::Alert,
            message_id: format!("{at}@myhezo.example"),
            recipient: RECIPIENT.to_string(),
            keeps: None,
            second_route: false,
            bytes: [head.as_bytes(), body.as_bytes()].concat(),
            shown: None,
        })
    };
    let posts: Vec<Effect> = (0..count).map(post).collect();
    office.write_now(|store| store.apply(&posts, None, office.now())).expect("a full outbox");
    let server = Server {
        host: "localhost".to_string(),
        port: servers.smtp,
        security: Security::PlaintextLoopbackOnly,
        ca_file: None,
        sign_in: None,
        token: None,
    };
    let smtp = Smtp::new(&server, CONNECTIONS).expect("a server");
    let routes = Routes { first: Transport::Smtp(Arc::new(smtp)), second: None, sent: None };
    let mut outbox = Outbox::new(Arc::clone(&office), routes);
    let began = Instant::now();
    let accepted = drain::runtime().block_on(outbox.send_all_due()).expect("an outbox");
    assert_eq!(accepted, count);
    began.elapsed()
}

fn smtp_source(servers: &Servers, count: usize) -> Duration {
    let began = Instant::now();
    let mut command = Command::new("smtp-source");
    command.arg("-d").arg("-s").arg(CONNECTIONS.to_string()).arg("-m").arg(count.to_string());
    command.arg("-l").arg(LENGTH.to_string()).args(["-f", "pomoc@myhezo.example", "-t", RECIPIENT]);
    let status = command.arg(format!("inet:127.0.0.1:{}", servers.smtp)).stdin(Stdio::null()).status();
    assert!(status.expect("smtp-source").success(), "smtp-source failed");
    began.elapsed()
}
