//! What stands in attachments: each file is read in a child process of this same binary, with hard
//! limits on memory, time and output, so that a hostile file costs its own result and nothing else.
//!
//! The child gets the bytes on standard input, and answers on standard output with one JSON object,
//! [`Contents`]. It has no environment, opens no file, writes none and starts no process.

pub mod child;
mod pdf;
mod picture;
mod workbook;

use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::desk::attachment::{self, Contents, Format, Problem};
use crate::desk::message::Message;

/// The running program, also where its file was replaced by a newer one in the meantime.
const THIS_PROGRAM: &str = "/proc/self/exe";

/// The hidden subcommand.
pub const SUBCOMMAND: &str = "read-attachment";

/// The most that a child may answer, in bytes: its text and codes, quoted as JSON.
const MOST_ANSWERED: usize = 8 << 20;

/// The most that a child may say on standard error; only whether it ran out of memory is looked for.
const MOST_SAID: u64 = 4_096;

/// The largest file that is read, in bytes.
const LARGEST_FILE: usize = 64 << 20;

/// What may be spent.
#[derive(Clone, Debug)]
pub struct Limits {
    /// On one file, from start to end.
    pub file: Duration,
    /// On all files of one mail.
    pub mail: Duration,
    /// Files of one mail that are read; the pictures in signatures count too.
    pub files: usize,
}

impl Default for Limits {
    /// A file gets twice its processor time, since other work runs beside it; a mail gets what its
    /// acknowledgement can wait for.
    fn default() -> Limits {
        Limits { file: Duration::from_secs(2 * child::COMPUTING), mail: Duration::from_secs(60), files: 20 }
    }
}

/// Reads attachments by starting children.
#[derive(Clone, Debug)]
pub struct Reader {
    program: PathBuf,
    limits: Limits,
}

impl Default for Reader {
    fn default() -> Reader {
        Reader::new(Path::new(THIS_PROGRAM))
    }
}

impl Reader {
    /// A reader whose children are this program.
    pub fn new(program: &Path) -> Reader {
        Reader { program: program.to_path_buf(), limits: Limits::default() }
    }

    /// The same reader with other limits.
    pub fn with_limits(self, limits: Limits) -> Reader {
        Reader { limits, ..self }
    }

    /// What stands in each of the mail's [files](attachment::files), in their order; empty for text files, which
    /// the desk reads, and for what is of no format that can be read.
    pub fn read(&self, message: &Message) -> Vec<Contents> {
        let began = Instant::now();
        let mut count = 0;
        let mut done: Vec<Contents> = Vec::new();
        let files = attachment::files(message);
        for (at, attachment) in files.iter().enumerate() {
            let format = Format::of(attachment).filter(|format| *format != Format::Text);
            let content = attachment.content.as_slice();
            // A logo comes with every mail of a conversation.
            let same = files.iter().take(at).position(|earlier| earlier.content == content);
            let contents = match (format, same.and_then(|same| done.get(same))) {
                (None, _) => Contents::default(),
                (_, Some(known)) => known.clone(),
                (Some(format), None) => {
                    count += 1;
                    let left = self.limits.mail.saturating_sub(began.elapsed());
                    self.read_within(format, content, count, left)
                }
            };
            done.push(contents);
        }
        done
    }

    fn read_within(&self, format: Format, content: &[u8], count: usize, left: Duration) -> Contents {
        if count > self.limits.files {
            return Contents::unread(Problem::TooManyFiles);
        }
        if left.is_zero() {
            return Contents::unread(Problem::NoTimeLeft);
        }
        if content.len() > LARGEST_FILE {
            return Contents::unread(Problem::TooLarge);
        }
        self.read_file(format, content, left.min(self.limits.file))
    }

    /// What stands in one file.
    fn read_file(&self, format: Format, content: &[u8], limit: Duration) -> Contents {
        let started = Command::new(&self.program)
            .arg(SUBCOMMAND)
            .arg(child::name(format))
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        match started {
            Ok(child) => outcome(child, content, limit),
            Err(error) => {
                tracing::warn!(%error, "the reader of attachments cannot be started");
                Contents::unread(Problem::NoReader)
            }
        }
    }
}

/// Feeds a child, hears it out and ends it, whatever it does.
fn outcome(mut child: Child, content: &[u8], limit: Duration) -> Contents {
    let until = Instant::now() + limit;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    std::thread::scope(|scope| {
        scope.spawn(move || {
            // A child that has seen enough closes the pipe.
            let _ = stdin.map(|mut stdin| stdin.write_all(content));
        });
        let said = scope.spawn(move || stderr.map(|stderr| head(stderr, MOST_SAID)).unwrap_or_default());
        let (tell, answer) = mpsc::channel();
        scope.spawn(move || {
            let answered = stdout.map(|stdout| head(stdout, MOST_ANSWERED as u64 + 1)).unwrap_or_default();
            let _ = tell.send(answered);
        });
        let answer = answer.recv_timeout(limit).ok();
        let status = end(&mut child, until);
        let said = said.join().unwrap_or_default();
        match (answer, status) {
            (Some(answer), _) if answer.len() > MOST_ANSWERED => Contents::unread(Problem::Senseless),
            (Some(answer), Some(status)) if status.success() => understood(&answer),
            (Some(_), Some(status)) => Contents::unread(why_it_ended(status, &said)),
            (None, _) | (_, None) => Contents::unread(Problem::TooLong),
        }
    })
}

/// Waits for a child that should be about to end; one that does not is ended. `None` where it was.
fn end(child: &mut Child, until: Instant) -> Option<ExitStatus> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < until => std::thread::sleep(Duration::from_millis(1)),
            _ => break,
        }
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}

/// A child's answer. Whatever it says is only taken as text.
pub fn understood(answer: &[u8]) -> Contents {
    serde_json::from_slice(answer).unwrap_or_else(|_| Contents::unread(Problem::Senseless))
}

fn why_it_ended(status: ExitStatus, said: &[u8]) -> Problem {
    // What Rust's standard library says before it gives up.
    let out_of_memory = said.windows(17).any(|window| window == b"memory allocation");
    match status.signal() {
        _ if out_of_memory => Problem::TooMuchMemory,
        Some(signal) if signal == Signal::XCPU.as_raw() || signal == Signal::KILL.as_raw() => Problem::TooLong,
        _ => Problem::BrokeOff,
    }
}

fn head(from: impl Read, most: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    // What came before an error is all there is.
    let _ = from.take(most).read_to_end(&mut bytes);
    bytes
}
