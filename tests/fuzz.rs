//! Bytes that nobody would send, to the parts that read what strangers sent: the extractor, the readers
//! of attachments, and the protocol between a reader and its parent. None may break off, and what they
//! say must hold together.
//!
//! The usual run is short; `tests/run --long` tries many times as many. A failure names its seed.

pub mod bodies;

use crate::LONG;
use std::fs;
use std::path::Path;

use fastrand::Rng;
use hezo_intake::attachments::{child, understood};
use hezo_intake::config::Config;
use hezo_intake::desk::attachment::{Code, Contents, Problem};
use hezo_intake::desk::extract::{Attempt, Numbers, OnFile, Place, Spot};
use hezo_intake::desk::message::{Attachment, Message};
use hezo_intake::desk::reading::Reading;
use hezo_intake::desk::site::Site;
use hezo_intake::office;

/// Pieces that mean something to the extractor.
const PIECES: [&str; 40] = [
    "numer seryjny",
    "nr ser.",
    "S/N:",
    "SN",
    "serial",
    "Service Tag",
    "umowa serwisowa nr",
    "kontrakt",
    "contract no",
    "HEZO/QSP/2026/00519",
    "FCW2401L2SS",
    "1013006377",
    "B824100317",
    "(H)-",
    "NIP",
    "6319756636",
    "tel.",
    "+48 601 700 142",
    "12.05.2026",
    "00:1B:44:11:3A:B7",
    "10.0.0.1",
    "faktura",
    "\n",
    "\n\n",
    "\t",
    "|",
    ";",
    ":",
    "-",
    "/",
    "> ",
    "<td>",
    "ż",
    "\u{301}",
    "\u{200b}",
    "\u{202e}",
    "Ⅷ",
    "İ",
    "ß",
    "\0",
];

fn site() -> Site {
    office::site(&Config::embedded(Path::new(""))).expect("the rules compile")
}

/// A text of such pieces, of letters and digits, and of anything.
fn text(random: &mut Rng) -> String {
    let mut text = String::new();
    for _ in 0..random.usize(1..60) {
        match random.u8(..10) {
            0..=5 => text.push_str(PIECES[random.usize(..PIECES.len())]),
            6 => (0..random.usize(1..12)).for_each(|_| text.push(random.alphanumeric())),
            7 => text.push(random.char(..)),
            8 => text.push(' '),
            _ => (0..random.usize(1..40)).for_each(|_| text.push(random.digit(10))),
        }
    }
    text
}

fn mail(random: &mut Rng) -> (Message, Vec<Contents>) {
    let file = |random: &mut Rng| Attachment {
        name: text(random),
        content: text(random).into_bytes(),
        media_type: "text/plain".to_string(),
        content_id: None,
    };
    let message = Message {
        subject: text(random),
        plain: Some(text(random)),
        html: random
            .bool()
            .then(|| format!("<table><tr><td>{}</td><td>{}</td></tr></table>", text(random), text(random))),
        attachments: vec![file(random), file(random)],
        ..Message::default()
    };
    let code = Code { symbology: "qr-code".to_string(), text: text(random) };
    (
        message,
        vec![Contents { text: text(random), codes: vec![code], problem: None }, Contents::unread(Problem::Broken)],
    )
}

fn check_numbers(seed: u64, site: &Site) {
    let (message, contents) = mail(&mut Rng::with_seed(seed));
    let reading = Reading::of(&message, &contents, site);
    let numbers = reading.numbers(&OnFile::default(), site);
    let Numbers { serials, contracts, nips, candidates, refused, .. } = &numbers;
    for found in serials.iter().chain(contracts).chain(nips).chain(candidates.iter().map(|candidate| &candidate.number))
    {
        assert!(
            !found.value.is_empty() && !found.rule.is_empty() && !found.evidence.is_empty(),
            "seed {seed}: {found:?}"
        );
        assert!(found.value.chars().all(|c| !c.is_control() && c.to_uppercase().eq([c])), "seed {seed}: {found:?}");
        let Spot { span: (from, until), line, .. } = found.spot;
        assert!(from < until && line > 0, "seed {seed}: {found:?}");
        if found.place == Place::Subject {
            assert_eq!(message.subject.get(from..until), Some(found.written.as_str()), "seed {seed}: {found:?}");
        }
    }
    assert!(candidates.len() <= 50 && refused.len() <= 200, "seed {seed}");
    // The same mail read again says the same.
    assert_eq!(Reading::of(&message, &contents, site).numbers(&OnFile::default(), site), numbers, "seed {seed}");
}

/// An answer of a child with some bytes changed, cut or put in.
fn mutated(random: &mut Rng, mut bytes: Vec<u8>) -> Vec<u8> {
    for _ in 0..random.usize(1..6) {
        let at = random.usize(..=bytes.len());
        match random.u8(..4) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, random.u8(..)),
            2 => (at..bytes.len()).take(1).for_each(|at| bytes[at] = random.u8(..)),
            _ => {
                let again = bytes.get(at..).unwrap_or_default().to_vec();
                bytes.extend(again.iter().take(200));
            }
        }
    }
    bytes
}

fn check_protocol(seed: u64) {
    let mut random = Rng::with_seed(seed);
    let (_, contents) = mail(&mut random);
    let said = serde_json::to_vec(&contents[0]).expect("contents are JSON");
    assert_eq!(understood(&said), contents[0], "seed {seed}");
    let heard = understood(&mutated(&mut random, said.clone()));
    let is_whole = heard.problem.is_none() || heard == Contents::unread(Problem::Senseless);
    assert!(is_whole || Problem::ALL.contains(&heard.problem.expect("one")), "seed {seed}: {heard:?}");
}

/// Small files of each format, to be damaged.
fn files() -> [(&'static str, Vec<u8>); 3] {
    let pdf = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\n\
        endobj\n3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>\n\
        endobj\n4 0 obj\n<< /Length 45 >>\nstream\nBT /F1 11 Tf 60 700 Td (SN FCW2401L2SS) Tj ET\nendstream\nendobj\n5 0 obj\n\
        << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>\nendobj\ntrailer\n<< /Size 6 /Root 1 0 R >>\n%%EOF\n";
    let grey = image::GrayImage::from_fn(60, 40, |x, y| image::Luma([if x / 3 * y % 2 == 0 { 0 } else { 255 }]));
    let mut picture = std::io::Cursor::new(Vec::new());
    grey.write_to(&mut picture, image::ImageFormat::Png).expect("a picture can be written");
    let mut workbook = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, content) in [
        (
            "_rels/.rels",
            "<Relationships><Relationship Id=\"r\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>",
        ),
        ("xl/workbook.xml", "<workbook><sheets><sheet name=\"A\" sheetId=\"1\" r:id=\"r\"/></sheets></workbook>"),
        (
            "xl/_rels/workbook.xml.rels",
            "<Relationships><Relationship Id=\"r\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>",
        ),
        (
            "xl/worksheets/sheet1.xml",
            "<worksheet><sheetData><row r=\"1\"><c r=\"A1\"><v>8606084</v></c></row></sheetData></worksheet>",
        ),
    ] {
        workbook.start_file(name, stored).expect("memory takes it");
        std::io::Write::write_all(&mut workbook, content.as_bytes()).expect("memory takes it");
    }
    let workbook = workbook.finish().expect("memory takes it").into_inner();
    [("pdf", pdf.to_vec()), ("picture", picture.into_inner()), ("workbook", workbook)]
}

/// A library that panics breaks its own process off; whatever comes back of the rest is within bounds.
fn check_readers(seed: u64) {
    let mut random = Rng::with_seed(seed);
    for (format, file) in files() {
        let damaged = mutated(&mut random, file);
        let read = std::panic::catch_unwind(|| child::contents(format, damaged));
        if let Ok(contents) = read {
            assert!(contents.text.len() <= 2 << 20 && contents.codes.len() <= 100, "seed {seed} {format}");
        }
    }
}

#[test]
fn the_undamaged_files_are_read() {
    let [pdf, picture, workbook] = files().map(|(format, file)| child::contents(format, file));
    assert_eq!((pdf.text.trim(), pdf.problem), ("SN FCW2401L2SS", None));
    assert_eq!(picture, Contents::default());
    assert_eq!((workbook.text.trim(), workbook.problem), ("8606084", None));
}

#[test]
fn the_extractor_takes_any_text() {
    let site = site();
    (0..if LONG { 200_000 } else { 100 }).for_each(|seed| check_numbers(seed, &site));
}

#[test]
fn the_protocol_takes_any_answer() {
    (0..if LONG { 1_000_000 } else { 2_000 }).for_each(check_protocol);
}

#[test]
fn the_readers_take_any_file() {
    (0..if LONG { 10_000 } else { 20 }).for_each(check_readers);
}

fn with_text(text: String) -> Message {
    Message { plain: Some(text), ..Message::default() }
}

#[test]
fn a_line_of_ten_megabytes_is_read_to_a_bound_and_says_so() {
    let site = site();
    let line = format!("Numer seryjny: FCW2401L2SS {}", "a1b2 c3/".repeat(10_000_000 / 8));
    let reading = Reading::of(&with_text(line), &[], &site);
    let numbers = reading.numbers(&OnFile::default(), &site);
    assert!(numbers.serials.iter().any(|found| found.value == "FCW2401L2SS"), "what stands first is found");
    assert!(!numbers.problems.is_empty(), "what was left out is said");
}

#[test]
fn of_many_numbers_a_bounded_list_is_told() {
    let count = if LONG { 100_000 } else { 10_000 };
    let site = site();
    let lines = (0..count).map(|at| format!("S/N: FCW{:04}L{at:05}\n", at % 5_000));
    let reading = Reading::of(&with_text(lines.collect()), &[], &site);
    let numbers = reading.numbers(&OnFile::default(), &site);
    assert_eq!(numbers.serials.len(), 1_000);
    assert!(!numbers.problems.is_empty(), "what was left out is said");
    assert!(reading.number_keys(&site).len() <= 20_000);
}

#[test]
fn a_pattern_that_would_go_back_and_forth_for_ever_is_run_in_one_pass_or_refused() {
    let site = site();
    let reading = Reading::of(&with_text("x".repeat(100_000)), &[], &site);
    let hits = Attempt::new("(?:x+x+)+y").expect("a pattern").find(&reading.pages, &site.rules.numbers);
    assert!(hits.is_empty());
    let refused = Attempt::new("(?:[a-z0-9]{1000}){1000}").expect_err("too large");
    assert!(!refused.is_empty());
}

/// Mails that have broken something once, or that are built to: `cargo fuzz` starts from them as well.
#[test]
fn every_kept_seed_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/seeds");
    let seeds: Vec<_> = fs::read_dir(folder).expect("the seeds").map(|seed| seed.expect("a seed").path()).collect();
    assert!(seeds.len() >= 10, "only {} seeds", seeds.len());
    for seed in seeds {
        let raw = fs::read(&seed).expect("a seed");
        for (name, body) in bodies::ALL {
            println!("{name} {}", seed.display());
            body(&raw);
        }
    }
}
