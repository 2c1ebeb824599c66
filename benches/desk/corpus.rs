//! The mails of the benchmark: seeded, made of the texts of the labelled mails.

use std::fmt::Write as _;
use std::path::Path;

use data_encoding::BASE64;
use encoding_rs::{ISO_8859_2, WINDOWS_1250};
use fastrand::Rng;
use hezo_intake::desk::message::Message;

/// One mail in so many has a file of this size. Bytes.
const ONE_WITH_FILE: usize = 10;
const FILE: usize = 200_000;

/// Bytes of text, at most; the mean is half of it.
const TEXT: usize = 27_000;

/// How many customers write.
const SENDERS: usize = 3_000;

/// One mail in so many answers an earlier one.
const ONE_ANSWER: usize = 6;

/// Mails made of the texts of the labelled ones: plain and HTML, in the charsets that Polish mail comes
/// in, with conversations quoted below, and now and then a file. The same seed gives the same mails.
pub(crate) struct Corpus {
    random: Rng,
    texts: Vec<String>,
    made: usize,
}

impl Corpus {
    /// The mails of this seed.
    pub(crate) fn new(seed: u64) -> Corpus {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/mails");
        let files = std::fs::read_dir(folder).expect("the labelled mails");
        let mut paths: Vec<_> = files.map(|entry| entry.expect("an entry").path()).collect();
        paths.sort();
        let read = |path| Message::parse(&std::fs::read(path).expect("a mail")).plain;
        Corpus { random: Rng::with_seed(seed), texts: paths.iter().filter_map(read).collect(), made: 0 }
    }

    /// The next mail, with CR LF at the end of each line.
    pub(crate) fn mail(&mut self) -> Vec<u8> {
        let at = self.made;
        self.made += 1;
        let text = self.text(at);
        let sender = format!("klient{}@firma{}.example", self.random.usize(..SENDERS), self.random.usize(..SENDERS));
        let answered = (at > 0 && at.is_multiple_of(ONE_ANSWER)).then(|| self.random.usize(..at));
        let mut mail = format!(
            "Return-Path: <{sender}>\nReceived: from mail.firma.example (mail.firma.example [192.0.2.1])\n\
             \tby mail.example with ESMTPS id {at}; Tue, 12 May 2026 14:30:00 +0200\nFrom: Jan Kowalski <{sender}>\n\
             To: pomoc@myhezo.example\nSubject: Awaria {at}\nMessage-ID: <{at}@firma.example>\n\
             Date: Tue, 12 May 2026 14:30:00 +0200\nMIME-Version: 1.0\n"
        );
        if let Some(answered) = answered {
            let _ = writeln!(mail, "In-Reply-To: <{answered}@firma.example>");
        }
        let mut mail = mail.into_bytes();
        let has_file = at.is_multiple_of(ONE_WITH_FILE);
        if has_file {
            mail.extend_from_slice(b"Content-Type: multipart/mixed; boundary=\"=-part\"\n\n--=-part\n");
        }
        mail.extend_from_slice(&body(&text, at));
        if has_file {
            let file: Vec<u8> = (0..FILE * 3 / 4).map(|_| self.random.u8(..)).collect();
            mail.extend_from_slice(b"\n--=-part\nContent-Type: application/octet-stream; name=\"dziennik.bin\"\n");
            mail.extend_from_slice(b"Content-Disposition: attachment\nContent-Transfer-Encoding: base64\n\n");
            mail.extend(BASE64.encode(&file).as_bytes().chunks(76).flat_map(|line| [line, b"\n"].concat()));
            mail.extend_from_slice(b"--=-part--\n");
        }
        with_line_ends(&mail)
    }

    /// A text with a serial number of its own, and conversations below it.
    fn text(&mut self, at: usize) -> String {
        let length = self.random.usize(400..TEXT);
        let mut text = format!("Dzień dobry,\nnapęd stoi, nr seryjny: B824{:07}.\n\n", at % 10_000_000);
        text.push_str(&self.texts[self.random.usize(..self.texts.len())]);
        let mut depth = 1;
        while text.len() < length {
            let quoted = &self.texts[self.random.usize(..self.texts.len())];
            text.push_str("\n\nW dniu 12.05.2026 o 14:30, Jan Mech pisze:\n");
            quoted.lines().for_each(|line| writeln!(text, "{} {line}", ">".repeat(depth)).expect("a string takes it"));
            depth = depth % 4 + 1;
        }
        text
    }
}

/// The text as the body of a mail, its own header fields first.
fn body(text: &str, at: usize) -> Vec<u8> {
    let plain = |charset: &str, text: &[u8]| {
        let fields = format!("Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: 8bit\n\n");
        [fields.as_bytes(), text].concat()
    };
    match at % 8 {
        0 => plain("iso-8859-2", &ISO_8859_2.encode(text).0),
        1 => plain("windows-1250", &WINDOWS_1250.encode(text).0),
        2 => {
            let fields = "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n";
            let lines = BASE64.encode(text.as_bytes());
            let lines = lines.as_bytes().chunks(76).flat_map(|line| [line, b"\n"].concat());
            fields.bytes().chain(lines).collect()
        }
        3 | 4 => {
            let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            let html = escaped.replace('\n', "<br>\n");
            let fields = "Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n";
            format!("{fields}<html><body><p>{html}</p></body></html>\n").into_bytes()
        }
        _ => plain("utf-8", text.as_bytes()),
    }
}

fn with_line_ends(mail: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(mail.len() + mail.len() / 40);
    let mut previous = 0;
    for &byte in mail {
        if byte == b'\n' && previous != b'\r' {
            out.push(b'\r');
        }
        out.push(byte);
        previous = byte;
    }
    out
}
