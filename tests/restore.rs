//! The restore drill: a copy made beside the work takes the database's place; what came since is taken in
//! from the mailbox, and nobody is answered twice.

use std::fs;
use std::path::{Path, PathBuf};

use crate::story;
use crate::story::Desk;
use serde_json::Value;

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

/// The disk with the state is lost.
fn lose(desk: &Desk) {
    fs::remove_dir_all(desk.dir().join("state")).expect("the state");
}

fn restore(desk: &Desk, copies: &Path, more: &[&str]) -> (Option<i32>, String) {
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
    lose(&desk);
    let (code, said) = restore(&desk, &copies, &[]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("--worked-until"), "{said}");
    let (code, said) = restore(&desk, &copies, &["--worked-until", "2099-01-01T00:00"]);
    assert!(code == Some(2) && said.contains("lies ahead"), "{said}");
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

/// A desk on which a person's ticket was copied while it was open, and closed and erased afterwards.
fn desk_with_an_erasure() -> (Desk, PathBuf, String) {
    let (desk, copies) = desk_with_a_copy(&[]);
    let number = desk.tickets()[1]["ticket"].as_str().expect("a number").to_string();
    let now = story::moment("2026-11-23 10:00").to_string();
    assert!(desk.command(&["tickets", "do", &number, "--now", &now, "close", "done"]).status.success());
    desk.run("2026-11-23 10:01");
    desk.sent();
    (desk, copies, number)
}

fn erase(desk: &Desk, at: &str) -> Option<i32> {
    let now = story::moment(at).to_string();
    desk.command(&["erase", "--address", "jan@fabryka.example", "--now", &now]).status.code()
}

fn sent_to(desk: &Desk, address: &str) -> usize {
    desk.sent().iter().filter(|mail| mail.to() == address).count()
}

#[track_caller]
fn check_is_erased(desk: &Desk, number: &str) {
    let ticket = desk.ticket(number);
    assert_eq!((&ticket["state"], &ticket["subject"]), (&Value::from("closed"), &Value::from("")), "{ticket}");
    assert!(ticket.to_string().contains("closed and erased after the copy was made"), "{ticket}");
    let clocks = ticket["clocks"].as_array().expect("clocks");
    assert!(!clocks.is_empty() && clocks.iter().all(|clock| !clock["ended"].is_null()), "{clocks:?}");
    assert!(!ticket.to_string().contains("jan@fabryka.example"), "{ticket}");
    assert_eq!(desk.command(&["search", "macierz"]).status.code(), Some(1));
}

#[test]
fn a_ticket_that_is_open_in_the_copy_is_erased_again() {
    let (desk, copies, number) = desk_with_an_erasure();
    assert_eq!(erase(&desk, "2026-11-23 10:05"), Some(0));
    let (code, said) = restore(&desk, &copies, &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(&format!("their tickets {number} were open in the copy and are closed")), "{said}");
    check_is_erased(&desk, &number);
    // The mail still lies in the mailbox, and is not taken in again.
    desk.run("2026-11-23 11:00");
    check_is_erased(&desk, &number);
    assert_eq!(sent_to(&desk, "jan@fabryka.example"), 0);
    check_all_is_there(&desk, 2);
}

#[test]
fn a_mail_that_came_after_the_copy_and_was_erased_is_not_taken_in_again() {
    let (desk, copies, _) = desk_with_an_erasure();
    let later = FIRST.replace("<1@", "<7@").replace("Macierz", "Szafa");
    desk.mail("2026-11-23 10:02", &later);
    let number = desk.tickets()[0]["ticket"].as_str().expect("a number").to_string();
    let now = story::moment("2026-11-23 10:03").to_string();
    assert!(desk.command(&["tickets", "do", &number, "--now", &now, "close", "done"]).status.success());
    desk.sent();
    assert_eq!(erase(&desk, "2026-11-23 10:05"), Some(0));
    let (code, said) = restore(&desk, &copies, &[]);
    assert_eq!(code, Some(0), "{said}");
    desk.run("2026-11-23 11:00");
    assert_eq!(sent_to(&desk, "jan@fabryka.example"), 0);
    assert_eq!(desk.command(&["search", "szafa"]).status.code(), Some(1));
    check_all_is_there(&desk, 2);
}

#[test]
fn the_erasures_are_repeated_where_the_database_is_lost() {
    let (desk, copies, number) = desk_with_an_erasure();
    assert_eq!(erase(&desk, "2026-11-23 10:05"), Some(0));
    // The next copy writes down what was erased; then it turns out to be damaged.
    let copies_named = copies.display().to_string();
    let now = story::moment("2026-11-23 10:10").to_string();
    assert!(desk.command(&["backup", &copies_named, "--now", &now]).status.success());
    fs::remove_file(copies.join("desk-20261123T091000Z.sqlite")).expect("the second copy");
    lose(&desk);
    let (code, said) = restore(&desk, &copies, &["--worked-until", "2026-11-23T10:30"]);
    assert_eq!(code, Some(0), "{said}");
    check_is_erased(&desk, &number);
}

#[test]
fn what_was_left_at_the_erasure_is_left_and_named() {
    let (desk, copies) = desk_with_a_copy(&[]);
    let number = desk.tickets()[1]["ticket"].as_str().expect("a number").to_string();
    assert_eq!(erase(&desk, "2026-11-23 10:05"), Some(1), "it is open, and left");
    let (code, said) = restore(&desk, &copies, &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(&format!("their tickets {number} are left")), "{said}");
    assert_ne!(desk.ticket(&number)["state"], "closed");
    let status = |expected: &str| {
        let output = desk.command(&["status"]);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.contains(expected), "{said}");
        assert_eq!(output.status.code(), Some(1));
    };
    status(&format!("erasure not finished  {number}: still open"));
    let now = story::moment("2026-11-23 11:00").to_string();
    assert!(desk.command(&["tickets", "do", &number, "--now", &now, "close", "done"]).status.success());
    status(&format!("erasure not finished  {number}: closed now"));
    assert_eq!(erase(&desk, "2026-11-23 12:00"), Some(0));
    let said = desk.command(&["status"]).stdout;
    assert!(!String::from_utf8_lossy(&said).contains("erasure not finished"));
}

#[test]
fn what_had_come_unread_before_the_copy_counts_as_answered_too() {
    let desk = Desk::new();
    let copies = desk.dir().join("copies").display().to_string();
    desk.mail("2026-11-23 09:00", FIRST);
    // It lies there unread while the copy is made.
    desk.receive("2026-11-23 09:03", SECOND);
    let now = story::moment("2026-11-23 09:05").to_string();
    assert!(desk.command(&["backup", &copies, "--now", &now]).status.success());
    desk.run("2026-11-23 09:06");
    story::to(&desk.sent(), "ewa@huta.example");
    lose(&desk);
    let now = story::moment("2026-11-23 09:40").to_string();
    let until = ["--worked-until", "2026-11-23T09:30", "--now", &now];
    let (code, said) = restore(&desk, Path::new(&copies), &until);
    assert_eq!(code, Some(0), "{said}");
    desk.run("2026-11-23 09:45");
    let sent = desk.sent();
    assert!(sent.iter().all(|mail| mail.to() != "ewa@huta.example"), "it was answered");
    let notice = sent.iter().find(|mail| mail.to() == "anna@hezo.example" && mail.text().contains("Serwer nie"));
    // What an engineer answers now leaves: it answers nothing that left in the lost time.
    let reply_to = notice.expect("the engineers are told").reply_to().to_string();
    let answer = format!(
        "From: Anna <anna@hezo.example>\nTo: {reply_to}\nSubject: Re: Serwer\nMessage-ID: <9@hezo.example>\n\n\
         Prosimy o logi.\n"
    );
    let sent = desk.mail("2026-11-23 09:50", &answer);
    assert!(story::to(&sent, "ewa@huta.example").text().contains("Prosimy o logi."));
}

#[test]
fn what_waited_in_the_copy_counts_as_sent() {
    ["pending", "sending", "unknown"].iter().for_each(|state| check_what_waited(state));
}

fn check_what_waited(state: &str) {
    let desk = Desk::new();
    let copies = desk.dir().join("copies").display().to_string();
    desk.mail("2026-11-23 09:00", FIRST);
    // The copy was made between the decision and the sending.
    let database = desk.dir().join("state/desk.sqlite");
    let connection = rusqlite::Connection::open(database).expect("the database");
    let waits = "UPDATE outbox SET state = ?1, sent_at = NULL, attempts = 0 WHERE purpose = 'acknowledgement'";
    assert_eq!(connection.execute(waits, [state]).expect("the outbox"), 1);
    drop(connection);
    let now = story::moment("2026-11-23 09:05").to_string();
    assert!(desk.command(&["backup", &copies, "--now", &now]).status.success());
    lose(&desk);
    let (code, said) = restore(&desk, Path::new(&copies), &["--worked-until", "2026-11-23T09:30"]);
    assert_eq!(code, Some(0), "{said}");
    desk.sent();
    desk.run("2026-11-23 09:45");
    // One of unknown fate is looked for before it is sent again.
    desk.run("2026-11-23 10:45");
    assert_eq!(sent_to(&desk, "jan@fabryka.example"), 0, "{state}");
}
