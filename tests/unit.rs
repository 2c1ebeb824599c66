//! The unit files, judged by systemd itself (Debian's package `systemd`).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the package puts the program.
const INSTALLED: &str = "/usr/bin/hezo-intake";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd")
}

fn units() -> Vec<PathBuf> {
    let files = fs::read_dir(folder()).expect("the folder").map(|entry| entry.expect("an entry").path());
    let unit = |path: &PathBuf| path.extension().is_some_and(|kind| kind == "service" || kind == "timer");
    let mut units: Vec<PathBuf> = files.filter(unit).collect();
    units.sort();
    assert!(!units.is_empty(), "there are units");
    units
}

/// What systemd says of it; nothing where all is well.
fn analyze(arguments: &[&str], files: &[PathBuf]) -> (bool, String) {
    let output = Command::new("systemd-analyze").args(arguments).args(files).output();
    let output = output.expect("systemd-analyze, of the package systemd");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn systemd_understands_every_line() {
    let dir = tempfile::tempdir().expect("a folder");
    let copies: Vec<PathBuf> = units()
        .into_iter()
        .map(|unit| {
            let copy = dir.path().join(unit.file_name().expect("a name"));
            let text = fs::read_to_string(&unit).expect("a unit");
            fs::write(&copy, text.replace(INSTALLED, env!("CARGO_BIN_EXE_hezo-intake"))).expect("a copy");
            copy
        })
        .collect();
    let (fine, said) = analyze(&["verify", "--man=no"], &copies);
    assert!(fine && said.is_empty(), "{said}");
}

#[test]
fn what_a_service_may_do_is_little() {
    for unit in units().into_iter().filter(|unit| unit.extension().is_some_and(|kind| kind == "service")) {
        // The threshold is in tenths.
        let (fine, said) =
            analyze(&["security", "--offline=true", "--no-pager", "--threshold=15"], std::slice::from_ref(&unit));
        assert!(fine, "{}: {said}", unit.display());
    }
}
