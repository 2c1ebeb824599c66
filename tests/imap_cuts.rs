//! A connection that ends at any byte of what the server says: a call then gives what it gives on a whole
//! one, or an error. Nothing in between, and nothing that only looks whole.

use std::time::Duration;

use hezo_intake::config::{Mechanism, Secret, Security, Server, SignIn};
use hezo_intake::imap::{ImapFolder, Limits};
use hezo_intake::mailbox::{Extent, Filing, Folder, Uid};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

const MAIL: &str = "From: jan@fabryka.example\r\nSubject: Awaria\r\n\r\nNr seryjny: B824100317\r\n)\r\n* BYE\r\n";

/// What the server says to a command, before the tagged line.
fn said_to(command: &str) -> String {
    match command.split_once(' ').map_or(command, |(name, _)| name) {
        "CAPABILITY" => "* CAPABILITY IMAP4rev1 AUTH=PLAIN MOVE UIDPLUS IDLE\r\n".to_string(),
        "SELECT" => "* 2 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\n* FLAGS (\\Seen)\r\n".to_string(),
        _ if command.contains("INTERNALDATE") => [3, 5]
            .map(|uid| {
                let size = MAIL.len();
                format!("* 1 FETCH (UID {uid} RFC822.SIZE {size} INTERNALDATE \"23-Nov-2026 09:05:00 +0100\")\r\n")
            })
            .concat(),
        _ if command.contains("UID FETCH 3,5 (UID BODY.PEEK[]") => {
            [3, 5].map(|uid| format!("* 1 FETCH (UID {uid} BODY[]<0> {{{}}}\r\n{MAIL})\r\n", MAIL.len())).concat()
        }
        _ if command.contains("BODY.PEEK[]") => {
            format!("* 1 FETCH (UID 3 RFC822.SIZE {0} BODY[]<0> {{{0}}}\r\n{MAIL})\r\n", MAIL.len())
        }
        _ if command.starts_with("UID MOVE") => "* OK [COPYUID 9 3 1] moved\r\n* 1 EXPUNGE\r\n".to_string(),
        _ => String::new(),
    }
}

/// Serves one connection, and ends it when so many bytes were said; returns how many were.
async fn serve(listener: &TcpListener, cut: usize) -> usize {
    let (stream, _) = listener.accept().await.expect("a connection");
    let mut stream = BufReader::new(stream);
    let mut said = 0;
    if !say(&mut stream, "* OK ready\r\n", &mut said, cut).await {
        return said;
    }
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return said;
        }
        let Some((tag, command)) = line.trim_end().split_once(' ') else { return said };
        let answer = format!("{}{tag} OK done\r\n", said_to(command));
        if !say(&mut stream, &answer, &mut said, cut).await {
            return said;
        }
    }
}

async fn say(stream: &mut BufReader<TcpStream>, text: &str, said: &mut usize, cut: usize) -> bool {
    let room = cut - *said;
    let part = &text.as_bytes()[..text.len().min(room)];
    *said += part.len();
    stream.write_all(part).await.is_ok() && stream.flush().await.is_ok() && part.len() == text.len()
}

/// Makes all calls until one fails; what each gave.
async fn calls(port: u16) -> Vec<String> {
    let server = Server {
        host: "localhost".to_string(),
        port,
        security: Security::PlaintextLoopbackOnly,
        ca_file: None,
        sign_in: Some(SignIn {
            mechanism: Mechanism::Login,
            user: "desk@myhezo.example".to_string(),
            password: Secret::new("correct horse"),
        }),
        token: None,
    };
    let silence = Duration::from_secs(20);
    let mut folder = ImapFolder::new(&server, "INBOX", Limits { silence, ..Limits::default() });
    let mut gave = Vec::new();
    let Ok(epoch) = folder.open().await else { return gave };
    gave.push(format!("{epoch:?}"));
    let Ok(listed) = folder.list(Uid(0)).await else { return gave };
    gave.push(format!("{listed:?}"));
    let Ok(fetched) = folder.fetch(Uid(3), Extent::Whole { limit: 10_000 }).await else { return gave };
    gave.push(format!("{fetched:?}"));
    let both = folder.fetch_all(&[Uid(3), Uid(5)], Extent::Whole { limit: 10_000 });
    let Ok(fetched) = both.await else { return gave };
    gave.push(format!("{fetched:?}"));
    let Ok(()) = folder.file(Uid(3), &Filing::Move("Done".to_string())).await else { return gave };
    gave.push("filed".to_string());
    gave
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_at_any_byte_gives_an_error_or_the_whole() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (whole, length) = tokio::join!(calls(port), serve(&listener, usize::MAX));
    assert_eq!(whole.len(), 5, "{whole:?}");
    assert!(whole[2].contains(&format!("{:?}", MAIL.as_bytes())), "the mail comes as it is");
    for cut in 0..length {
        let (gave, said) = tokio::join!(calls(port), serve(&listener, cut));
        assert_eq!(said, cut);
        assert!(whole.starts_with(&gave), "cut after {cut} bytes: {gave:?}");
        assert!(gave.len() < whole.len(), "cut after {cut} of {length} bytes, and nothing failed");
    }
}
