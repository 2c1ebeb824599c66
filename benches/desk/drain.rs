//! Ten thousand mails after a long absence: fetched, kept, read, threaded, decided, answered, committed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hezo_intake::clock::Clock;
use hezo_intake::config::{Config, MailboxKind};
use hezo_intake::imap::{ImapFolder, Limits};
use hezo_intake::intake::{Intake, Watched};
use hezo_intake::mailbox::{Extent, Fetched, Filing, Folder, Uid};
use hezo_intake::office::Office;

use crate::servers::daemon::{DESK, Desk};
use crate::servers::{PASSWORD, Servers};
use crate::table::Table;
use crate::{Size, settings};

/// Mails that the bare fetch asks for at a time.
const TOGETHER: usize = 200;

/// Measures, over TLS and in clear text.
pub(crate) fn measure(servers: &Servers, size: &Size, table: &mut Table) {
    let tls = load(servers, "port = {imaps}");
    bare_fetch(&tls);
    let (mut fetched, mut drained, mut synced) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..size.rounds {
        fetched.push(bare_fetch(&tls));
        drained.push(drain(&tls, size, &servers.dir().join("state")));
        synced.extend(mbsync(servers));
    }
    let work = format!("drain {} mails over TLS into durable tickets", size.mails);
    table.rates(&work, size.mails, &drained, ("the program's own bare fetch", &fetched), "0.75");
    let name = if synced.is_empty() { "mbsync: not installed" } else { "mbsync with its fsync" };
    table.rates("the same", size.mails, &drained, (name, &synced), "4");

    let clear = load(servers, "port = {imap}\nplaintext = \"loopback-only\"");
    let (mut fetched, mut drained) = (Vec::new(), Vec::new());
    for _ in 0..size.rounds {
        fetched.push(bare_fetch(&clear));
        drained.push(drain(&clear, size, &servers.dir().join("state")));
    }
    table.rates("the same in clear text", size.mails, &drained, ("the bare fetch in clear text", &fetched), "0.40");
}

/// The settings of a desk with this way to its mailbox.
pub(crate) fn load(servers: &Servers, way: &str) -> Config {
    Desk::new(servers, &settings(way));
    Config::load(&servers.dir().join("settings.toml")).unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// Drains the mailbox into the database of `state`, which is made anew, and returns how long it took.
pub(crate) fn drain(config: &Config, size: &Size, state: &Path) -> Duration {
    let _ = fs::remove_dir_all(state);
    drain_into(config, size, state)
}

/// The same into a database that may be there.
pub(crate) fn drain_into(config: &Config, size: &Size, state: &Path) -> Duration {
    let config = Config { state_dir: state.to_path_buf(), ..config.clone() };
    let office = Office::open(&config, Clock::default()).expect("an office");
    let watched = Watched {
        mailbox: "support".to_string(),
        folder: "INBOX".to_string(),
        start: config.mailboxes[0].start,
        poll_interval: Duration::from_secs(60),
        junk: false,
        filing: Filing::Leave,
        max_message_size: config.max_message_size,
    };
    let mut intake = Intake::new(Arc::clone(&office), watched, folder(&config));
    let began = Instant::now();
    let done = runtime().block_on(intake.once()).expect("a drain");
    let took = began.elapsed();
    assert_eq!(done, size.mails, "every mail is decided");
    took
}

/// Fetches the same mails and does nothing with them.
fn bare_fetch(config: &Config) -> Duration {
    let mut folder = folder(config);
    let began = Instant::now();
    runtime().block_on(async {
        folder.open().await.expect("the folder");
        let listed = folder.list(Uid(0)).await.expect("the list");
        let uids: Vec<Uid> = listed.iter().map(|mail| mail.uid).collect();
        for some in uids.chunks(TOGETHER) {
            let fetched = folder.fetch_all(some, Extent::Whole { limit: config.max_message_size }).await;
            assert!(fetched.expect("mails").iter().all(|(_, fetched)| matches!(fetched, Fetched::Bytes(_))));
        }
        folder.close().await;
    });
    began.elapsed()
}

fn folder(config: &Config) -> ImapFolder {
    let MailboxKind::Imap { server, .. } = &config.mailboxes[0].kind else { panic!("an IMAP server") };
    ImapFolder::new(server, "INBOX", Limits::default())
}

/// The same runtime as the program's.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime")
}

/// Copies the mailbox with mbsync and its durable default; nothing where it is not installed.
fn mbsync(servers: &Servers) -> Option<Duration> {
    let dir = servers.dir().join("mbsync");
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).expect("a folder");
    let settings = format!(
        "IMAPAccount a\nHost localhost\nPort {}\nUser {DESK}\nPass \"{PASSWORD}\"\nSSLType IMAPS\nSystemCertificates no\nCertificateFile {}\n\n\
         IMAPStore far\nAccount a\n\nMaildirStore near\nInbox {}\n\n\
         Channel c\nFar :far:INBOX\nNear :near:INBOX\nSync Pull\nSyncState *\nCreate Near\n",
        servers.imaps,
        servers.dir().join("certificate.pem").display(),
        dir.join("inbox").display(),
    );
    let file: PathBuf = dir.join("mbsyncrc");
    fs::write(&file, settings).expect("its settings");
    let began = Instant::now();
    let mut command = Command::new("mbsync");
    let status = command.arg("-q").arg("-c").arg(file).arg("c").stdin(Stdio::null()).status().ok()?;
    assert!(status.success(), "mbsync: {status}");
    Some(began.elapsed())
}
