//! The restore drill: a copy made beside the work takes the database's place; what came since is taken in
//! from the mailbox, and nobody is answered twice.

use std::fs;
use std::path::PathBuf;

use crate::story;
use crate::story::Desk;

const FIRST: &str = "From: Jan <jan@fabryka.example>\nTo: pomoc@myhezo.example\nSubject: Macierz\nMessage-ID: <1@fabryka.example>\n\nMacierz nie działa.\n";
const SECOND: &str = "From: Ewa <ewa@huta.example>\nTo: pomoc@myhezo.example\nSubject: Serwer\nMessage-ID: <2@huta.example>\n\nSerwer nie działa.\n";
const THIRD: &str = "From: Ola <ola@tkalnia.example>\nTo: pomoc@myhezo.example\nSubject: Taśmy\nMessage-ID: <3@tkalnia.example>\n\nNapęd nie działa.\n";

/// A desk with two mails decided and a copy made between them, and the copies' folder.
fn desk_with_a_copy(arguments: &[&str]) -> (Desk, PathBuf) {
    let desk = Desk::new();
    let copies = desk.dir().join("copies");
    desk.mail("2026-11-23 09:00", FIRST);
    let copies_named = copies.display().to_string();
    let now = story::moment("2026-11-23 09:05").to_string();
    let output = desk.command(&[&["backup", copies_named.as_str(), "--now", &now], arguments].concat());
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && said.contains("1 tickets, 1 mails"),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let sent = desk.mail("2026-11-23 09:10", SECOND);
    assert!(sent.iter().any(|mail| mail.to() == "ewa@huta.example"), "the second mail is acknowledged");
    (desk, copies)
}

fn restore(desk: &Desk, copies: &std::path::Path, more: &[&str]) -> (Option<i32>, String) {
    let copies = copies.display().to_string();
    let output = desk.command(&[&["restore", copies.as_str()], more].concat());
    (
        output.status.code(),
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat(),
    )
}

#[track_caller]
fn check_all_is_there(desk: &Desk, tickets: usize) {
    let listed = desk.json(&["tickets", "list", "--json"]);
    assert_eq!(listed.len(), tickets, "{listed:?}");
    let reconciled = desk.json(&["reconcile", "--json"]);
    assert_eq!(reconciled[0]["gap"], 0, "{reconciled:?}");
}

#[test]
fn what_the_former_database_knows_as_sent_is_not_sent_again() {
    for arguments in [&[][..], &["--zstd"]] {
        let (desk, copies) = desk_with_a_copy(arguments);
        let (code, said) = restore(&desk, &copies, &[]);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("3 mails were sent since; none is sent again"), "{said}");
        assert!(desk.dir().join("state/desk.sqlite.before-restore").exists());
        desk.run("2026-11-23 09:20");
        let again: Vec<_> = desk.sent().into_iter().map(|mail| mail.raw).collect();
        assert_eq!(again, Vec::<String>::new(), "nobody is answered twice");
        check_all_is_there(&desk, 2);
    }
}

#[test]
fn a_lost_database_wants_to_know_until_when_the_service_worked() {
    let (desk, copies) = desk_with_a_copy(&[]);
    for file in fs::read_dir(desk.dir().join("state")).expect("the state").flatten() {
        fs::remove_file(file.path()).expect("no file");
    }
    let (code, said) = restore(&desk, &copies, &[]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("--worked-until"), "{said}");
    let now = story::moment("2026-11-23 11:00").to_string();
    let (code, said) = restore(&desk, &copies, &["--worked-until", "2026-11-23T09:30", "--now", &now]);
    assert_eq!(code, Some(0), "{said}");
    // One came while nobody worked.
    desk.receive("2026-11-23 10:00", THIRD);
    desk.run("2026-11-23 11:00");
    let sent = desk.sent();
    let to = |address: &str| sent.iter().filter(|mail| mail.to() == address).count();
    assert_eq!((to("ewa@huta.example"), to("ola@tkalnia.example")), (0, 1), "only the third is new");
    check_all_is_there(&desk, 3);
}

#[test]
fn the_oldest_copies_are_deleted_and_a_damaged_one_is_refused() {
    let (desk, copies) = desk_with_a_copy(&[]);
    let listed = || {
        let files = fs::read_dir(&copies).expect("the copies").flatten().map(|copy| copy.path());
        let mut names: Vec<_> = files.filter(|file| file.extension().is_some_and(|kind| kind == "sqlite")).collect();
        names.sort();
        names
    };
    let [first] = <[PathBuf; 1]>::try_from(listed()).expect("one copy");
    fs::rename(&first, copies.join("desk-20200101T000000Z.sqlite")).expect("an old copy");
    let copies_named = copies.display().to_string();
    assert!(desk.command(&["backup", &copies_named, "--keep", "1"]).status.success());
    let [kept] = <[PathBuf; 1]>::try_from(listed()).expect("one copy");
    assert!(!kept.ends_with("desk-20200101T000000Z.sqlite"));
    let mut bytes = fs::read(&kept).expect("the copy");
    let middle = bytes.len() / 2;
    bytes[middle..middle + 5000].fill(0x5a);
    fs::write(&kept, bytes).expect("a damaged copy");
    let (code, said) = restore(&desk, &copies, &[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("is not good"), "{said}");
    check_all_is_there(&desk, 2);
}
