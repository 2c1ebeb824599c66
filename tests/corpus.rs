//! The labelled mails: how much of what a careful person would note down the program finds.
//!
//! Run with `--nocapture` to see the tables. What is wrong is written to `confusions.jsonl` in the
//! build's temporary folder, one line for each.

use std::fmt::Write as _;
use std::path::Path;

use hezo_intake::attachments::Reader;
use hezo_intake::commands::score::{self, Set};
use hezo_intake::config::Config;
use hezo_intake::office;

#[test]
fn the_labelled_mails_are_read_as_by_a_careful_person() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus"));
    let site = office::site(&Config::embedded(Path::new(""))).expect("the rules compile");
    let labels = score::labels(folder).expect("the labels can be read");
    let sets = score::sets(folder, &labels, &Reader::new(Path::new(env!("CARGO_BIN_EXE_hezo-intake"))), &site)
        .expect("the mails can be read");
    let mut confusions = String::new();
    for Set { name, score, .. } in &sets {
        println!("--- {name}: {}\n", score.for_people());
        for miss in &score.misses {
            writeln!(confusions, "{}", serde_json::json!({ "set": name, "miss": miss })).expect("a string takes it");
        }
    }
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("confusions.jsonl");
    std::fs::write(&path, confusions).expect("the build's folder can be written");
    let short: Vec<String> = sets.iter().flat_map(Set::below).collect();
    assert!(short.is_empty(), "{}\nsee {}", short.join("\n"), path.display());
}
