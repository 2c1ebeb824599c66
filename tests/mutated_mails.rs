//! Mails damaged on their way, or on purpose: each is read to an end, twice to the same, within bounds that
//! follow from its size; and the whole program takes them in without a gap.
//!
//! The usual run is short; `tests/run --long` reads many times as many and takes in 20,000. A failure names
//! its seed.

use crate::LONG;
use crate::fuzz::bodies;
use crate::story::Desk;

use std::fs;
use std::path::Path;
use std::process::Command;

use fastrand::Rng;
use hezo_intake::config::Config;
use hezo_intake::desk::attachment::Contents;
use hezo_intake::desk::extract::OnFile;
use hezo_intake::desk::message::Message;
use hezo_intake::desk::reading::Reading;
use hezo_intake::desk::site::Site;
use hezo_intake::office;

/// Pieces that mean something to whoever reads mails.
const PIECES: [&[u8]; 24] = [
    b"\r\n\r\n",
    b"\n",
    b"\r",
    b"\0",
    b"=?utf-8?B?",
    b"=?iso-8859-2?Q?=B3",
    b"?=",
    b"\r\nContent-Type: multipart/mixed; boundary=\"x\"\r\n\r\n--x\r\n",
    b"\r\nContent-Type: message/rfc822\r\n\r\n",
    b"\r\nContent-Type: application/ms-tnef; name=winmail.dat\r\n\r\n\x78\x9f\x3e\x22\x01\x00",
    b"\r\nContent-Type: application/pkcs7-mime\r\n\r\n\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x80",
    b"\r\nContent-Type: text/html; charset=windows-1250\r\n\r\n<table><tr><td>",
    b"\r\nContent-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:",
    b"\r\nContent-Transfer-Encoding: base64\r\n",
    b"\r\nContent-Transfer-Encoding: quoted-printable\r\n",
    b"\r\nFrom: ",
    b"\r\nAuto-Submitted: auto-replied\r\n",
    b"\xef\xbb\xbf",
    b"\xb9\x9c\x9f",
    b"<div><blockquote>",
    b"-----Original Message-----\r\nFrom: a\r\nSent: b\r\nSubject: c\r\n",
    b"\xe2\x80\xae",
    b"> > > ",
    b"--x--",
];

fn site() -> Site {
    office::site(&Config::embedded(Path::new(""))).expect("the rules compile")
}

/// The labelled mails and those of the tables of kinds, of moderate size.
fn seeds() -> Vec<Vec<u8>> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let files = |folder: &str| {
        let mut files: Vec<_> =
            fs::read_dir(tests.join(folder)).expect("a folder").map(|file| file.expect("a file").path()).collect();
        files.sort();
        files.into_iter().map(|file| fs::read(file).unwrap_or_default())
    };
    let mut seeds: Vec<Vec<u8>> = files("corpus/mails").filter(|mail| mail.len() < 20_000).collect();
    for table in files("kinds") {
        let text = String::from_utf8_lossy(&table).into_owned();
        let mails = text.split("\n==== ").filter_map(|case| case.split_once("\n----\n"));
        seeds.extend(mails.map(|(_, mail)| mail.as_bytes().to_vec()));
    }
    assert!(seeds.len() > 250, "only {} seeds", seeds.len());
    seeds
}

fn mutated(seeds: &[Vec<u8>], random: &mut Rng) -> Vec<u8> {
    let mut mail = seeds[random.usize(..seeds.len())].clone();
    for _ in 0..random.usize(1..8) {
        let at = random.usize(..=mail.len());
        let end = (at + random.usize(..200)).min(mail.len());
        match random.u8(..8) {
            0 => mail.truncate(at.max(1)),
            1 => mail[at..end].iter_mut().for_each(|byte| *byte ^= 0x80),
            2 => drop(mail.drain(at..end)),
            3 => {
                let again = mail[at..end].repeat(random.usize(1..20));
                mail.splice(at..at, again);
            }
            4 | 5 => {
                let piece = PIECES[random.usize(..PIECES.len())].repeat(random.usize(1..4));
                mail.splice(at..at, piece);
            }
            6 => {
                let other = &seeds[random.usize(..seeds.len())];
                mail.extend(&other[..other.len().min(4_000)]);
            }
            _ => mail[at..end].iter_mut().for_each(|byte| *byte = random.u8(..)),
        }
    }
    mail
}

/// Everything that is read of a mail, to be compared.
fn read(raw: &[u8], site: &Site) -> String {
    let message = Message::parse(raw);
    let contents = vec![Contents::default(); message.attachments.len()];
    let reading = Reading::of(&message, &contents, site);
    let numbers = reading.numbers(&OnFile::default(), site);
    let Reading { verdict, language, bounce, escalation, written, .. } = &reading;
    format!("{verdict:?} {language:?} {bounce:?} {escalation:?} {written:?} {numbers:?}")
}

fn check(seed: u64, seeds: &[Vec<u8>], site: &Site) {
    let raw = mutated(seeds, &mut Rng::with_seed(seed));
    println!("seed {seed}");
    assert_eq!(read(&raw, site), read(&raw, site), "seed {seed}");
    // Each body reads the mail anew: every seed has its turn with two of them, and with all in the long run.
    let turn = usize::try_from(seed).unwrap_or_default();
    let bodies = bodies::ALL.iter().enumerate().filter(|(at, _)| LONG || (turn + at).is_multiple_of(3));
    for (_, (name, body)) in bodies {
        println!("{name}");
        body(&raw);
    }
}

#[test]
fn a_damaged_mail_is_read_to_an_end_and_twice_the_same() {
    let (site, seeds) = (site(), seeds());
    (0..if LONG { 100_000 } else { 300 }).for_each(|seed| check(seed, &seeds, &site));
}

/// The program has no more memory than this for all of them, in KiB of address space.
const MEMORY: u32 = 2_500_000;

#[test]
fn the_program_takes_in_damaged_mails_without_a_gap() {
    let (desk, seeds) = (Desk::new(), seeds());
    let count = if LONG { 20_000 } else { 60 };
    let mailbox = desk.dir().join("mailbox");
    for folder in ["new", "cur", "tmp"] {
        fs::create_dir_all(mailbox.join(folder)).expect("a folder");
    }
    for seed in 0..count {
        let mail = mutated(&seeds, &mut Rng::with_seed(1_000_000 + seed));
        fs::write(mailbox.join("new").join(format!("{seed}.x")), mail).expect("a mail");
    }
    let program = env!("CARGO_BIN_EXE_hezo-intake");
    let settings = desk.dir().join("settings.toml");
    let limited = format!("ulimit -v {MEMORY}; exec \"$0\" run --once --config \"$1\"");
    let ran = Command::new("sh").arg("-c").arg(limited).arg(program).arg(&settings).output().expect("a shell");
    let log = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{}", log.lines().rev().take(5).collect::<Vec<_>>().join("\n"));
    assert!(!log.contains("panicked"), "{}", log.lines().find(|line| line.contains("panicked")).unwrap_or_default());
    let account = desk.json(&["reconcile", "--json"]);
    assert_eq!(account[0]["gap"], 0, "{account:?}");
    let parked = desk.json(&["parked", "list", "--json"]);
    let undecided =
        parked.iter().filter(|one| one["reason"] == "cannot-be-decided" || one["reason"] == "takes-too-long");
    assert_eq!(undecided.count(), 0, "every one was decided");
}
