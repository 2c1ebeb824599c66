//! How many mails a second are read on one core: parsed alone, and parsed, taken apart, classified and
//! searched for numbers; on the labelled mails, and on seeded mails of 34 KB in the mean as a mailbox has
//! them; with the shipped rules, and with 500 shapes of numbers.
//!
//! `cargo bench --bench reading` prints mails a second and the ratios. Files that a reader of their own
//! would take (pictures, documents) are left out: they are read in another process.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use fastrand::Rng;
use hezo_intake::config::Config;
use hezo_intake::desk::extract::OnFile;
use hezo_intake::desk::message::Message;
use hezo_intake::desk::reading::Reading;
use hezo_intake::desk::site::Site;
use hezo_intake::office;

/// Seeded mails: enough that a mean is one.
const SEEDED: usize = 400;

/// One in so many has a file of this size, which alone makes 20 KB of the mean.
const ONE_WITH_FILE: usize = 10;
const FILE: usize = 200_000;

/// Bytes of text of a seeded mail, at most; the mean is half.
const TEXT: usize = 27_000;

/// Shapes of numbers in the large set of rules.
const MANY_RULES: usize = 500;

fn main() {
    let labelled = labelled();
    let seeded = seeded(&labelled);
    let mean = seeded.iter().map(Vec::len).sum::<usize>() / seeded.len();
    println!("{} labelled mails; {} seeded mails of {mean} bytes in the mean", labelled.len(), seeded.len());
    let shipped = site(None);
    let folder = tempfile::tempdir().expect("a folder for rules");
    let many = site(Some(folder.path()));
    let mut criterion = Criterion::default().configure_from_args().sample_size(20);
    let mut times = Vec::new();
    for (name, mails) in [("labelled", &labelled), ("seeded", &seeded)] {
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(mails.len() as u64));
        group.bench_function("parse alone", |bench| bench.iter(|| parse(mails)));
        group.bench_function("parse and read", |bench| bench.iter(|| read(mails, &shipped)));
        group.bench_function("parse and read, 500 rules", |bench| bench.iter(|| read(mails, &many)));
        group.finish();
        times.push((name, best(|| parse(mails)), best(|| read(mails, &shipped)), best(|| read(mails, &many))));
    }
    println!(
        "\n{:<10} {:>12} {:>12} {:>8} {:>12} {:>8}",
        "mails/s", "parse alone", "whole", "share", "500 rules", "cost"
    );
    for ((name, alone, whole, many), mails) in times.into_iter().zip([&labelled, &seeded]) {
        let rate = |time: Duration| mails.len() as f64 / time.as_secs_f64();
        let share = alone.as_secs_f64() / whole.as_secs_f64();
        let cost = many.as_secs_f64() / whole.as_secs_f64();
        println!(
            "{name:<10} {:>12.0} {:>12.0} {share:>8.2} {:>12.0} {cost:>8.2}",
            rate(alone),
            rate(whole),
            rate(many)
        );
    }
    criterion.final_summary();
}

/// The best of several runs: other work on the machine only adds.
fn best(run: impl Fn() -> usize) -> Duration {
    let times = (0..7).map(|_| {
        let began = Instant::now();
        std::hint::black_box(run());
        began.elapsed()
    });
    times.min().unwrap_or_default()
}

fn parse(mails: &[Vec<u8>]) -> usize {
    mails.iter().map(|raw| Message::parse(raw).headers.len()).sum()
}

fn read(mails: &[Vec<u8>], site: &Site) -> usize {
    let of = |raw: &Vec<u8>| {
        let reading = Reading::of(&Message::parse(raw), &[], site);
        reading.number_keys(site).len() + reading.numbers(&OnFile::default(), site).serials.len()
    };
    mails.iter().map(of).sum()
}

fn labelled() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/mails");
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).expect("the labelled mails").map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).expect("a mail")).collect()
}

/// Mails made of the texts of the labelled ones, with conversations below and now and then a file.
fn seeded(labelled: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut random = Rng::with_seed(1);
    let texts: Vec<String> = labelled.iter().filter_map(|raw| Message::parse(raw).plain).collect();
    let mail = |at: usize| {
        let length = random.usize(400..TEXT);
        let mut text = texts[random.usize(..texts.len())].clone();
        let mut depth = 1;
        while text.len() < length {
            let quoted = &texts[random.usize(..texts.len())];
            let _ = write!(text, "\n\nW dniu 12.05.2026 o 14:30, Jan Mech pisze:\n");
            quoted.lines().for_each(|line| writeln!(text, "{} {line}", ">".repeat(depth)).expect("a string takes it"));
            depth = depth % 4 + 1;
        }
        let has_file = at.is_multiple_of(ONE_WITH_FILE);
        let bytes: Vec<u8> = (0..if has_file { FILE * 3 / 4 } else { 0 }).map(|_| random.u8(..)).collect();
        multipart(at, &text, &bytes)
    };
    (0..SEEDED).map(mail).collect()
}

fn multipart(at: usize, text: &str, file: &[u8]) -> Vec<u8> {
    let mut mail = format!(
        "Return-Path: <jan@mech.example>\nReceived: from mail.mech.example by mx.hezo.example; Tue, 12 May 2026 14:30:00 +0200\n\
         From: Jan Mech <jan@mech.example>\nTo: pomoc@myhezo.pl\nSubject: Awaria {at}\nMessage-ID: <{at}@mech.example>\n\
         Date: Tue, 12 May 2026 14:30:00 +0200\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"=-part\"\n\n\
         --=-part\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{text}\n"
    );
    if !file.is_empty() {
        mail.push_str("--=-part\nContent-Type: image/jpeg; name=\"IMG.jpg\"\nContent-Transfer-Encoding: base64\n\n");
        let encoded = data_encoding::BASE64.encode(file);
        encoded.as_bytes().chunks(76).for_each(|line| {
            mail.push_str(std::str::from_utf8(line).expect("BASE64 is ASCII"));
            mail.push('\n');
        });
    }
    mail.push_str("--=-part--\n");
    mail.replace('\n', "\r\n").into_bytes()
}

/// The desk with the shipped rules, or with as many shapes of serial numbers as make 500.
fn site(folder: Option<&Path>) -> Site {
    let mut config = Config::embedded(Path::new(""));
    if let Some(folder) = folder {
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/serial.toml");
        let mut rules = std::fs::read_to_string(shipped).expect("the rules");
        let have = rules.matches("[[shape]]").count();
        for at in have..MANY_RULES {
            let letter = |by: usize| char::from(b'A' + u8::try_from(at / by % 26).unwrap_or_default());
            let (one, two) = (letter(26), letter(1));
            let _ = write!(
                rules,
                "\n[[shape]]\nid = \"bench-{at}\"\nwhy = \"Only here.\"\nof = \"nothing\"\n\
                 pattern = '{one}{two}[0-9]{{2}}[A-HJ-NP-Z][0-9A-Z]{{{}}}-?[0-9]{{3}}'\n\n\
                 [[test]]\nrule = \"bench-{at}\"\ntext = \"nothing here\"\n",
                at % 5 + 3
            );
        }
        std::fs::write(folder.join("serial.toml"), rules).expect("the folder takes it");
        config.rules_dir = Some(folder.to_path_buf());
    }
    office::site(&config).expect("the rules compile")
}
