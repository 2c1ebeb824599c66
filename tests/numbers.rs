//! What numbers a mail holds, case by case: the files of `tests/numbers/`.
//!
//! A case begins with `## name`. Its lines are the mail's text, but for
//!
//! ```text
//! = serial X, = contract X, = nip X      to be found, and nothing else; `= quoted serial X` in the quote
//! ? serial X                             may be found
//! @ subject X                            the subject
//! @ name X                               an attachment of this name, without text
//! @ file CONTRACT [NIP] = SERIAL; …      a contract on file
//! @@ html, @@ FILE                       what follows is the HTML body, or this attachment's text
//! ```
//!
//! A third of the cases, told by a hash of the name, was kept aside while the rules were written.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use hezo_intake::commands::score;
use hezo_intake::config::Config;
use hezo_intake::desk::calendar::WindowName;
use hezo_intake::desk::contract::{self, Contract};
use hezo_intake::desk::extract::{Found, OnFile, Place};
use hezo_intake::desk::message::Message;
use hezo_intake::desk::plan::DeliveryTime;
use hezo_intake::desk::reading::Reading;
use hezo_intake::desk::site::Site;
use hezo_intake::office;
use jiff::civil::date;

/// The share of a set that is to be right in full: no number too many, none too few.
const BAR: f64 = 0.98;

#[derive(Default)]
struct Case {
    name: String,
    wanted: BTreeSet<String>,
    allowed: BTreeSet<String>,
    on_file: Vec<(String, String, Vec<String>)>,
    subject: String,
    text: String,
    html: String,
    names: Vec<String>,
    files: Vec<(String, String)>,
}

#[test]
fn every_case_gives_the_numbers_that_a_careful_person_sees() {
    let site = office::site(&Config::embedded(Path::new(""))).expect("the rules compile");
    let cases = cases();
    let mut report = String::new();
    let mut short = false;
    for (set, aside) in [("seen", false), ("aside", true)] {
        let of_set: Vec<&Case> = cases.iter().filter(|case| score::is_aside(&case.name) == aside).collect();
        let wrong: Vec<String> = of_set.iter().filter_map(|case| check(case, &site)).collect();
        let share = (of_set.len() - wrong.len()) as f64 / of_set.len() as f64;
        println!("{set}: {} of {} cases right, {share:.3}", of_set.len() - wrong.len(), of_set.len());
        short |= share < BAR;
        wrong.iter().for_each(|wrong| writeln!(report, "{set} {wrong}").expect("a string takes it"));
    }
    println!("{report}");
    assert!(!short, "too many cases are wrong:\n{report}");
}

/// What is wrong with a case.
fn check(case: &Case, site: &Site) -> Option<String> {
    let message = Message::parse(case.mail().as_bytes());
    let reading = Reading::of(&message, &[], site);
    let contracts: Vec<Contract> = case.on_file.iter().map(on_file).collect();
    let numbers = reading.numbers(&OnFile::from(&contracts), site);
    let lists = [("serial", &numbers.serials), ("contract", &numbers.contracts), ("nip", &numbers.nips)];
    let of = |kind: &str, found: &Found| {
        let quoted = if found.place == Place::Quote { "quoted " } else { "" };
        format!("{quoted}{kind} {}", found.value)
    };
    let found = lists.iter().flat_map(|(kind, list)| list.iter().map(move |found| (of(kind, found), found)));
    let got: BTreeSet<String> = found.clone().map(|(name, _)| name).collect();
    let missing: Vec<&String> = case.wanted.difference(&got).collect();
    let extra: Vec<String> = found
        .filter(|(name, _)| !case.wanted.contains(name) && !case.allowed.contains(name))
        .map(|(name, found)| format!("{name} [{}] {}", found.rule, found.evidence))
        .collect();
    let wrong = !missing.is_empty() || !extra.is_empty();
    wrong.then(|| format!("{}: lacks {missing:?}, has {extra:?}", case.name))
}

fn on_file((number, nip, serials): &(String, String, Vec<String>)) -> Contract {
    Contract {
        number: contract::normalise(number),
        nip: nip.clone(),
        customer: "Firma".to_string(),
        plan: "SOS".to_string(),
        window: WindowName::new("8x5"),
        delivery: DeliveryTime::NextBusinessDay,
        valid_from: date(2025, 1, 1),
        valid_to: date(2028, 12, 31),
        serials: serials.iter().map(|serial| contract::normalise(serial)).collect(),
        senders: vec!["@firma.example".to_string()],
    }
}

impl Case {
    /// The case as it would come over the wire.
    fn mail(&self) -> String {
        let subject = data_encoding::BASE64.encode(self.subject.as_bytes());
        let mut mail = format!(
            "From: Jan Mech <jan@mech.example>\nTo: pomoc@myhezo.pl\nSubject: =?utf-8?B?{subject}?=\n\
             Message-ID: <{}@mech.example>\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"=-part\"\n",
            self.name
        );
        let mut part = |head: &str, text: &str| {
            write!(mail, "\n--=-part\n{head}\nContent-Transfer-Encoding: 8bit\n\n{text}\n").expect("a string takes it");
        };
        if !self.html.is_empty() {
            part("Content-Type: text/html; charset=utf-8", &self.html);
        }
        if self.html.is_empty() || !self.text.trim().is_empty() {
            part("Content-Type: text/plain; charset=utf-8", &self.text);
        }
        for name in &self.names {
            let head = "Content-Type: application/octet-stream\nContent-Disposition: attachment;";
            part(&format!("{head}\n filename=\"{name}\""), "-");
        }
        for (name, text) in &self.files {
            let kind = if name.ends_with(".eml") { "message/rfc822" } else { "text/plain; charset=utf-8" };
            let head = format!("Content-Type: {kind}\nContent-Disposition: attachment;\n filename=\"{name}\"");
            part(&head, text);
        }
        mail + "\n--=-part--\n"
    }
}

fn cases() -> Vec<Case> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/numbers"));
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("the folder can be read").path())
        .collect();
    paths.sort();
    let mut cases: Vec<Case> = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).expect("the file can be read");
        let group = path.file_stem().expect("a name").to_string_lossy().to_string();
        let mut section = "";
        for line in text.lines() {
            if let Some(name) = line.strip_prefix("## ") {
                cases.push(Case { name: format!("{group}/{name}"), ..Case::default() });
                section = "";
                continue;
            }
            // What stands above the first case is for people.
            let Some(case) = cases.last_mut().filter(|case| case.name.starts_with(&format!("{group}/"))) else {
                continue;
            };
            if let Some(named) = line.strip_prefix("@@ ") {
                section = named;
                if named != "html" {
                    case.files.push((named.to_string(), String::new()));
                }
            } else if !case.setting(line) {
                let text = match section {
                    "" => &mut case.text,
                    "html" => &mut case.html,
                    _ => &mut case.files.last_mut().expect("a file was opened").1,
                };
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    cases
}

impl Case {
    /// Takes a line that says something about the case; false for a line of the mail.
    fn setting(&mut self, line: &str) -> bool {
        if let Some(wanted) = line.strip_prefix("= ") {
            self.wanted.insert(wanted.to_string());
        } else if let Some(allowed) = line.strip_prefix("? ") {
            self.allowed.insert(allowed.to_string());
        } else if let Some(subject) = line.strip_prefix("@ subject ") {
            self.subject = subject.to_string();
        } else if let Some(name) = line.strip_prefix("@ name ") {
            self.names.push(name.to_string());
        } else if let Some(entry) = line.strip_prefix("@ file ") {
            let (contract, serials) = entry.split_once(" = ").expect("@ file CONTRACT = SERIAL");
            let (contract, nip) = contract.split_once(' ').unwrap_or((contract, "5261040828"));
            let serials = serials.split(';').map(|serial| serial.trim().to_string()).collect();
            self.on_file.push((contract.to_string(), nip.to_string(), serials));
        } else {
            return false;
        }
        true
    }
}
