//! How much memory the built program holds. KiB of resident memory, as the kernel counts it.

use std::fs;
use std::time::Duration;

use crate::corpus::Corpus;
use crate::servers::Servers;
use crate::servers::daemon::{DESK, Desk};
use crate::table::Table;
use crate::{Size, mailboxes, settings};

/// Bytes of the large mail.
const LARGE: usize = 30_000_000;

/// Mails of the drain: more make no difference to a program that holds a group at a time.
const MAILS: usize = 2_000;

/// Measures three lives of the program; what it would send stays in the outbox.
pub(crate) fn measure(_: &Size, table: &mut Table) {
    let servers = Servers::start(&mailboxes());
    servers.stop_postfix();
    let idle = life(&servers, "VmRSS");
    table.row("memory: idle, in IDLE over TLS", &megabytes(idle), "-", "-", "16 MB");
    let mut corpus = Corpus::new(2);
    servers.put_bytes(DESK, (0..MAILS).map(|_| corpus.mail()));
    let drain = life(&servers, "VmHWM");
    table.row(&format!("memory: the most in a drain of {MAILS} mails"), &megabytes(drain), "-", "-", "40 MB");
    servers.put_bytes(DESK, [large()]);
    let large = life(&servers, "VmHWM");
    table.row("memory: the most with one mail of 30 MB", &megabytes(large), "-", "-", "80 MB");
}

fn life(servers: &Servers, what: &str) -> u64 {
    let desk = Desk::new(servers, &settings("port = {imaps}"));
    let path = servers.dir().join("settings.toml");
    let text = fs::read_to_string(&path).expect("the settings");
    desk.write("settings.toml", &text.replace("max_message_size = \"1 MB\"", "max_message_size = \"50 MB\""));
    let _ = fs::remove_file(servers.dir().join("desk.log"));
    let daemon = desk.start(&[]);
    daemon.wait_for("ready: every folder was walked");
    std::thread::sleep(Duration::from_secs(2));
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.id())).expect("its status");
    daemon.stop();
    let line = status.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(':'));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).expect("a figure")
}

fn megabytes(kibibytes: u64) -> String {
    format!("{:.1} MB", kibibytes as f64 * 1024.0 / 1e6)
}

fn large() -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(3);
    let file: Vec<u8> = (0..LARGE / 78 * 57).map(|_| random.u8(..)).collect();
    let mut mail = b"From: klient@firma.example\r\nTo: pomoc@myhezo.example\r\nSubject: Dziennik\r\n\
        Message-ID: <large@firma.example>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"=-part\"\r\n\r\n\
        --=-part\r\nContent-Type: text/plain\r\n\r\nNr seryjny: B824100317\r\n--=-part\r\n\
        Content-Type: application/octet-stream; name=\"dziennik.bin\"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        .to_vec();
    for line in data_encoding::BASE64.encode(&file).as_bytes().chunks(76) {
        mail.extend_from_slice(line);
        mail.extend_from_slice(b"\r\n");
    }
    mail.extend_from_slice(b"--=-part--\r\n");
    mail
}
