//! The labelled mails: how much of what a careful person would note down the program finds.
//!
//! Run with `--nocapture` to see the tables. What is wrong is written to `confusions.jsonl` in the
//! build's temporary folder, one line for each.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use hezo_intake::commands::score::{self, Label, Score};
use hezo_intake::config::Config;
use hezo_intake::desk::site::Site;
use hezo_intake::office;

#[test]
fn the_labelled_mails_are_read_as_by_a_careful_person() {
    let corpus = Corpus::open();
    let (seen, aside): (Vec<&Label>, Vec<&Label>) =
        corpus.labels.iter().partition(|label| !score::is_aside(&label.file));
    let all: Vec<&Label> = corpus.labels.iter().collect();
    let mut short = String::new();
    let mut confusions = String::new();
    for (name, labels, contracts) in [
        ("seen", &seen, Some(corpus.contracts.as_path())),
        ("aside", &aside, Some(corpus.contracts.as_path())),
        ("all", &all, Some(corpus.contracts.as_path())),
        ("all, no contracts on file", &all, None),
    ] {
        let score = corpus.score(labels, contracts);
        println!("--- {name}: {}\n", score.for_people());
        for miss in &score.misses {
            writeln!(confusions, "{}", serde_json::json!({ "set": name, "miss": miss })).expect("a string takes it");
        }
        // The bars are for the whole: in a third of the mails one miss weighs too much.
        if name.starts_with("all") {
            score.below().iter().for_each(|line| writeln!(short, "{name}: {line}").expect("a string takes it"));
        }
    }
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("confusions.jsonl");
    std::fs::write(&path, confusions).expect("the build's folder can be written");
    assert!(short.is_empty(), "{short}see {}", path.display());
}

struct Corpus {
    folder: &'static Path,
    labels: Vec<Label>,
    contracts: PathBuf,
    site: Site,
}

impl Corpus {
    fn open() -> Corpus {
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus"));
        Corpus {
            folder,
            labels: score::labels(folder).expect("the labels can be read"),
            contracts: folder.join("contracts.csv"),
            site: office::site(&Config::embedded(Path::new(""))).expect("the rules compile"),
        }
    }

    fn score(&self, labels: &[&Label], contracts: Option<&Path>) -> Score {
        score::score(self.folder, labels, contracts, &self.site).expect("the mails can be read")
    }
}
