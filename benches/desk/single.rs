//! One mail alone: from the server's notice to the commit, and from there to the accepted answer.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::fs::FileExt;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::servers::daemon::{DESK, Desk};
use crate::servers::{PATIENCE, Servers};
use crate::table::{Table, percentile};
use crate::{Size, mailboxes, settings};

/// What passes on the line between the program and its mailbox.
enum Passed {
    /// The server tells of a mail.
    Notice(Instant),
    /// The program files one, which it does once it is committed.
    Filed(Instant),
}

/// Measures with mails that arrive one at a time.
pub(crate) fn measure(size: &Size, table: &mut Table) {
    let servers = Servers::start(&mailboxes());
    let (tell, passed) = channel();
    let port = listen_between(servers.imap, tell);
    let way = format!("port = {port}\nplaintext = \"loopback-only\"\nafter = {{ keyword = \"$Done\" }}");
    let desk = Desk::new(&servers, &settings(&way));
    let daemon = desk.start(&[]);
    daemon.wait_for("ready: every folder was walked");
    let beyond: Vec<f64> = (0..size.singles).map(|at| one(&servers, at, &passed)).collect();
    std::thread::sleep(Duration::from_secs(2));
    let answered = answers(&desk);
    daemon.stop();

    let floor = flushes(&servers);
    let shown = |values: &[f64]| format!("p50 {:.1} ms, p99 {:.1} ms", percentile(values, 50), percentile(values, 99));
    let work = format!("{} mails, each alone: from IDLE's notice until it is committed", size.singles);
    table.row(&work, &shown(&beyond), &format!("fdatasync {}", shown(&floor)), "-", "p99 10 ms");
    let work =
        format!("{} acknowledgements: from the decision until Postfix accepts and that is marked", answered.len());
    table.row(&work, &shown(&answered), "-", "-", "p99 15 ms");
}

/// Lets a mail arrive; milliseconds from the first notice to its filing.
fn one(servers: &Servers, at: usize, passed: &Receiver<Passed>) -> f64 {
    let mail = format!(
        "From: klient{at}@firma.example\nTo: {DESK}\nSubject: Awaria {at}\nMessage-ID: <{at}@firma.example>\n\
         Date: Tue, 12 May 2026 14:30:00 +0200\n\nNapęd stoi, nr seryjny: B824{at:06}\n{}\n",
        "Opis objawów, łącznie z dziennikiem. ".repeat(80)
    );
    servers.hand_in(&format!("klient{at}@firma.example"), DESK, &mail);
    let mut notice = None;
    loop {
        match passed.recv_timeout(PATIENCE).expect("a notice and a filing") {
            Passed::Notice(at) => notice = notice.or(Some(at)),
            Passed::Filed(at) => {
                if let Some(notice) = notice {
                    return at.duration_since(notice).as_secs_f64() * 1e3;
                }
            }
        }
    }
}

/// Milliseconds from the decision to the recorded acceptance of each acknowledgement.
fn answers(desk: &Desk) -> Vec<f64> {
    let tickets = desk.json(&["tickets", "list", "--most", "100000", "--json"]);
    let mut took = Vec::new();
    for ticket in tickets {
        let number = ticket["ticket"].as_str().expect("a number");
        let ticket = desk.json(&["tickets", "show", number, "--json"]).remove(0);
        for mail in ticket["mails"].as_array().into_iter().flatten() {
            let time = |key: &str| mail[key].as_str().and_then(|text| text.parse::<Timestamp>().ok());
            if let (Some(created), Some(sent)) = (time("created_at"), time("sent_at"))
                && mail["purpose"] == "acknowledgement"
            {
                took.push(sent.duration_since(created).as_secs_f64() * 1e3);
            }
        }
    }
    took
}

/// Milliseconds of appending 4 KiB and waiting for the disk.
fn flushes(servers: &Servers) -> Vec<f64> {
    let file = std::fs::File::create(servers.dir().join("flushed")).expect("a file");
    let flush = |at: u64| {
        let began = Instant::now();
        file.write_all_at(&[1; 4096], at * 4096).expect("room");
        file.sync_data().expect("a disk");
        began.elapsed().as_secs_f64() * 1e3
    };
    (0..300).map(flush).collect()
}

/// A port behind which is the server, with an ear on what passes.
fn listen_between(server: u16, tell: Sender<Passed>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let server = TcpStream::connect(("127.0.0.1", server)).expect("the server");
            for stream in [&client, &server] {
                stream.set_nodelay(true).expect("an option");
            }
            let (from, to, heard) = (copy(&server), copy(&client), tell.clone());
            std::thread::spawn(move || {
                pass(from, to, b" EXISTS", || drop(heard.send(Passed::Notice(Instant::now()))));
            });
            let heard = tell.clone();
            std::thread::spawn(move || {
                pass(client, server, b" UID STORE", || drop(heard.send(Passed::Filed(Instant::now()))));
            });
        }
    });
    port
}

fn copy(stream: &TcpStream) -> TcpStream {
    stream.try_clone().expect("a copy")
}

fn pass(mut from: TcpStream, mut to: TcpStream, words: &[u8], hear: impl Fn()) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if buffer[..count].windows(words.len()).any(|window| window == words) {
            hear();
        }
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
