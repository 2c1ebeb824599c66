//! The child's side: gives up what it does not need, reads standard input, and answers.

use std::io::{Read, Write};
use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, setrlimit};

use super::{pdf, picture, workbook};
use crate::desk::attachment::{Contents, Format, Problem};

/// Address space, in bytes: a photograph of 50 million pixels unpacked in colour and in grey, several
/// times over, and the program itself.
pub(super) const MEMORY: u64 = 1 << 30;

/// Processor time, in seconds.
pub(super) const COMPUTING: u64 = 15;

/// Text of one file, in bytes.
const MOST_TEXT: usize = 2 << 20;

/// Codes of one file.
const MOST_CODES: usize = 100;

/// Text of one code, in bytes: the largest QR code holds 4,296 characters (ISO/IEC 18004).
const MOST_CODE: usize = 8_192;

/// A format's name on the command line.
pub(super) fn name(format: Format) -> &'static str {
    match format {
        Format::Text => "text",
        Format::Pdf => "pdf",
        Format::Workbook => "workbook",
        Format::Picture => "picture",
    }
}

/// Reads a file of this format from standard input and prints its [`Contents`] as JSON.
///
/// # Errors
/// The limits cannot be set, or standard input cannot be read.
pub fn run(format: &str) -> anyhow::Result<ExitCode> {
    confine()?;
    let mut bytes = Vec::new();
    std::io::stdin().lock().read_to_end(&mut bytes)?;
    let contents = contents(format, bytes);
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, &contents)?;
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// What stands in a file, within bounds.
pub fn contents(format: &str, bytes: Vec<u8>) -> Contents {
    let mut contents = match format {
        "pdf" => pdf::read(bytes),
        "workbook" => workbook::read(bytes),
        "picture" => picture::read(&bytes),
        _ => Contents::unread(Problem::NoReader),
    };
    let mut cut = contents.codes.len() > MOST_CODES;
    contents.codes.truncate(MOST_CODES);
    cut |= shorten(&mut contents.text, MOST_TEXT);
    for code in &mut contents.codes {
        cut |= shorten(&mut code.text, MOST_CODE);
    }
    if cut {
        contents.problem = Some(Problem::Cut);
    }
    contents
}

/// Cuts a text at a character; true where it was longer.
fn shorten(text: &mut String, most: usize) -> bool {
    let is_longer = text.len() > most;
    if is_longer {
        let mut end = most;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
    }
    is_longer
}

/// Gives up, for good, all that a reader of bytes does not need (setrlimit(2), prctl(2)).
fn confine() -> rustix::io::Result<()> {
    // The parent may be killed while this process computes.
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    rustix::thread::set_no_new_privs(true)?;
    // Standard input, output and error are open already.
    let limits = [
        (Resource::As, MEMORY),
        (Resource::Cpu, COMPUTING),
        (Resource::Core, 0),
        (Resource::Fsize, 0),
        (Resource::Nofile, 3),
        (Resource::Nproc, 0),
    ];
    for (resource, most) in limits {
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?;
    }
    Ok(())
}
