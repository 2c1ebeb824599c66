//! The IMAP folder against a scripted server. Each file in `imap_dialogues/` is a dialogue:
//!
//! ```text
//! # What it shows.
//! limits silence=150        the client's limits: milliseconds, or bytes for chunk and header
//! config user=…             also password, mechanism (login, plain), folder
//! > list 4                  a call of the folder; what the server does until it returns:
//! accept                    takes a connection
//! sign-on IDLE MOVE         takes a connection, greets, takes LOGIN; these are the capabilities
//! selected                  takes SELECT "INBOX": two mails, UIDVALIDITY 7
//! C: NOOP                   expects this tagged line
//! C~ DONE                   expects this untagged line
//! S: $ OK done              sends this line; $ is the last tag, \r\n a line break within
//! S~ * 1 FETCH (            sends this without a line break
//! pause 50                  milliseconds
//! drip 20 * OK still here   sends this line again and again until the client hangs up
//! close                     closes the connection
//! gone                      expects that the client has hung up
//! = nothing                 what the call gives; of an error, a part of its words
//! ```

use std::io::{Error, ErrorKind, Result};
use std::path::Path;
use std::time::Duration;

use hezo_intake::config::{Mechanism, Secret, Security, Server, SignIn};
use hezo_intake::imap::{self, ImapFolder, Limits};
use hezo_intake::mailbox::{Extent, Fetched, Filing, Folder, Listed, Uid, Woken};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// The longest that a dialogue may take before it counts as stuck.
const STUCK: Duration = Duration::from_secs(20);

struct Dialogue {
    limits: Limits,
    sign_in: SignIn,
    folder: String,
    calls: Vec<(String, String)>,
    server_steps: Vec<String>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_dialogue_goes_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/imap_dialogues");
    let mut running = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        running.push((name, tokio::spawn(async move { check(&text).await })));
    }
    assert!(running.len() >= 50, "only {} dialogues found", running.len());
    let mut failures = Vec::new();
    for (name, dialogue) in running {
        if let Err(failure) = dialogue.await.unwrap_or_else(|panic| Err(panic.to_string())) {
            failures.push(format!("{name}: {failure}"));
        }
    }
    assert!(failures.is_empty(), "{} dialogues failed:\n{}", failures.len(), failures.join("\n"));
}

async fn check(text: &str) -> std::result::Result<(), String> {
    let dialogue = read(text);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server {
        host: "localhost".to_owned(),
        port: listener.local_addr().unwrap().port(),
        security: Security::PlaintextLoopbackOnly,
        ca_file: None,
        sign_in: Some(dialogue.sign_in.clone()),
        token: None,
    };
    let peer = tokio::spawn(play(listener, dialogue.server_steps));
    let mut folder = ImapFolder::new(&server, &dialogue.folder, dialogue.limits);
    let mut failure = None;
    for (call, expected) in &dialogue.calls {
        let result = timeout(STUCK, perform(&mut folder, call)).await.unwrap_or_else(|_| "stuck".to_owned());
        let password = dialogue.sign_in.password.reveal();
        let is_met = if expected.starts_with("error: ") || expected.starts_with("refused sign-in: ") {
            let (kind, words) = expected.split_once(": ").unwrap();
            result.starts_with(kind) && result.contains(words)
        } else {
            result == *expected
        };
        if !is_met || result.contains(password) {
            failure = Some(format!("`{call}` gave `{result}`, expected `{expected}`"));
            break;
        }
    }
    drop(folder);
    match (failure, timeout(STUCK, peer).await) {
        (Some(failure), Ok(Ok(Err(error)))) => Err(format!("{failure}; the server: {error}")),
        (Some(failure), _) => Err(failure),
        (None, Ok(Ok(Ok(())))) => Ok(()),
        (None, Ok(Ok(Err(error)))) => Err(format!("the server: {error}")),
        (None, other) => Err(format!("the server: {other:?}")),
    }
}

fn read(text: &str) -> Dialogue {
    let mut dialogue = Dialogue {
        limits: Limits {
            connect: Duration::from_secs(10),
            silence: Duration::from_secs(10),
            command: Duration::from_secs(15),
            ..Limits::default()
        },
        sign_in: SignIn {
            mechanism: Mechanism::Login,
            user: "support@hezo.example".to_owned(),
            password: Secret::new("correct horse"),
        },
        folder: "INBOX".to_owned(),
        calls: Vec::new(),
        server_steps: Vec::new(),
    };
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "limits" => rest.split(' ').for_each(|setting| set_limit(&mut dialogue.limits, setting)),
            "config" => set_config(&mut dialogue, rest),
            ">" => dialogue.calls.push((rest.to_owned(), String::new())),
            "=" => dialogue.calls.last_mut().expect("a call before its result").1 = unescape(rest),
            "sign-on" => dialogue.server_steps.extend(sign_on(rest)),
            "selected" => dialogue.server_steps.extend(selected()),
            _ => dialogue.server_steps.push(line.to_owned()),
        }
    }
    dialogue
}

fn set_limit(limits: &mut Limits, setting: &str) {
    let (name, value) = setting.split_once('=').expect("name=value");
    let number: u32 = value.parse().expect("a number");
    let duration = Duration::from_millis(number.into());
    match name {
        "silence" => limits.silence = duration,
        "command" => limits.command = duration,
        "idle" => limits.idle = duration,
        "chunk" => limits.chunk = number,
        "header" => limits.header = number,
        _ => panic!("no limit {name}"),
    }
}

fn set_config(dialogue: &mut Dialogue, setting: &str) {
    let (name, value) = setting.split_once('=').expect("name=value");
    match (name, value) {
        ("user", _) => dialogue.sign_in.user = unescape(value),
        ("password", _) => dialogue.sign_in.password = Secret::new(unescape(value)),
        ("folder", _) => dialogue.folder = value.to_owned(),
        ("mechanism", "login") => dialogue.sign_in.mechanism = Mechanism::Login,
        ("mechanism", "plain") => dialogue.sign_in.mechanism = Mechanism::Plain,
        _ => panic!("no setting {setting}"),
    }
}

fn sign_on(capabilities: &str) -> Vec<String> {
    let capabilities = format!("S: * CAPABILITY IMAP4rev1 {capabilities}").trim_end().to_owned();
    let steps = [
        "accept",
        "S: * OK ready",
        "C: CAPABILITY",
        "S: * CAPABILITY IMAP4rev1 AUTH=PLAIN",
        "S: $ OK done",
        "C: LOGIN \"support@hezo.example\" \"correct horse\"",
        "S: $ OK welcome",
        "C: CAPABILITY",
        &capabilities,
        "S: $ OK done",
    ];
    steps.map(str::to_owned).into()
}

fn selected() -> [String; 4] {
    ["C: SELECT \"INBOX\"", "S: * 2 EXISTS", "S: * OK [UIDVALIDITY 7] valid", "S: $ OK [READ-WRITE] done"]
        .map(str::to_owned)
}

fn unescape(text: &str) -> String {
    text.replace("\\r", "\r").replace("\\n", "\n")
}

/// Makes the call that is written, and writes down what it gave.
async fn perform(folder: &mut ImapFolder, call: &str) -> String {
    let mut words = call.splitn(4, ' ');
    let name = words.next().unwrap();
    let number = |word: Option<&str>| word.expect("a number").parse::<u64>().expect("a number");
    let uids = |word: Option<&str>| -> Vec<Uid> {
        word.expect("UIDs").split(',').map(|uid| Uid(uid.parse().expect("a UID"))).collect()
    };
    let result = match name {
        "open" => folder.open().await.map(|validity| format!("epoch {}", validity.0)),
        "list" => folder.list(Uid(number(words.next()))).await.map(|listed| write_list(&listed)),
        "header" => folder.fetch(Uid(number(words.next())), Extent::Header).await.map(write_fetched),
        "fetch" => {
            let (uid, limit) = (number(words.next()), number(words.next()));
            folder.fetch(Uid(uid), Extent::Whole { limit }).await.map(write_fetched)
        }
        "fetch-all" => {
            let (uids, limit) = (uids(words.next()), number(words.next()));
            let write = |fetched: Vec<(Uid, Fetched)>| {
                let each = fetched.into_iter().map(|(uid, fetched)| format!("{} {}", uid.0, write_fetched(fetched)));
                each.collect::<Vec<_>>().join("; ")
            };
            folder.fetch_all(&uids, Extent::Whole { limit }).await.map(write)
        }
        "file" => {
            let uids = uids(words.next());
            let (kind, argument) = (words.next().unwrap(), words.next().unwrap_or_default().to_owned());
            let filing = match kind {
                "leave" => Filing::Leave,
                "keyword" => Filing::Keyword(argument),
                "move" => Filing::Move(argument),
                _ => panic!("no filing {kind}"),
            };
            folder.file_all(&uids, &filing).await.map(|()| "filed".to_owned())
        }
        "wait" => folder.wait(Duration::from_millis(number(words.next()))).await.map(|woken| match woken {
            Woken::Hint => "hint".to_owned(),
            Woken::TimedOut => "timed out".to_owned(),
        }),
        "search" => folder.search(words.next().expect("an id")).await.map(|uids| {
            let uids = uids.iter().map(|uid| format!(" {}", uid.0));
            format!("found{}", uids.collect::<String>())
        }),
        "close" => {
            folder.close().await;
            Ok("closed".to_owned())
        }
        _ => panic!("no call {name}"),
    };
    result.unwrap_or_else(|error| {
        let kind = if imap::Error::is_refused_sign_in(&error) { "refused sign-in" } else { "error" };
        format!("{kind}: {error:#}")
    })
}

fn write_list(listed: &[Listed]) -> String {
    let mails: Vec<String> =
        listed.iter().map(|mail| format!("{} {} {}", mail.uid.0, mail.size, mail.internal_date)).collect();
    if mails.is_empty() { "nothing".to_owned() } else { mails.join(", ") }
}

fn write_fetched(fetched: Fetched) -> String {
    match fetched {
        Fetched::Bytes(bytes) => format!("bytes {}", String::from_utf8_lossy(&bytes)),
        Fetched::TooLarge { header, structure } => {
            let structure = if structure.is_empty() { "none" } else { &structure };
            format!("too large, header {}, structure {structure}", String::from_utf8_lossy(&header))
        }
        Fetched::Gone => "gone".to_owned(),
        Fetched::Refused(words) => format!("refused: {words}"),
    }
}

/// Plays the server's part.
async fn play(listener: TcpListener, steps: Vec<String>) -> Result<()> {
    let mut connection: Option<BufReader<TcpStream>> = None;
    let mut tag = String::new();
    for step in steps {
        let fail = |words: String| Error::other(format!("at `{step}`: {words}"));
        let (word, rest) = step.split_once(' ').unwrap_or((&step, ""));
        if word == "accept" {
            connection = Some(BufReader::new(listener.accept().await?.0));
            continue;
        }
        let Some(open) = connection.as_mut() else { return Err(fail("no connection".to_owned())) };
        match word {
            "C:" | "C~" => {
                let mut line = String::new();
                open.read_line(&mut line).await?;
                let mut line = line.trim_end_matches("\r\n");
                if word == "C:"
                    && let Some((told, command)) = line.split_once(' ')
                {
                    (tag, line) = (told.to_owned(), command);
                }
                if line != rest {
                    return Err(fail(format!("the client said `{line}`")));
                }
            }
            "S:" => open.write_all(unescape(&format!("{}\r\n", rest.replacen('$', &tag, 1))).as_bytes()).await?,
            "S~" => open.write_all(unescape(rest).as_bytes()).await?,
            "pause" => tokio::time::sleep(Duration::from_millis(rest.parse().unwrap())).await,
            "drip" => {
                let (milliseconds, line) = rest.split_once(' ').unwrap();
                let line = format!("{line}\r\n");
                while open.write_all(line.as_bytes()).await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(milliseconds.parse().unwrap())).await;
                }
            }
            "close" => connection = None,
            "gone" => {
                let mut line = String::new();
                match open.read_line(&mut line).await {
                    Ok(0) => {}
                    Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
                    _ => return Err(fail(format!("the client said `{line}`"))),
                }
            }
            _ => panic!("no step {step}"),
        }
    }
    Ok(())
}
