//! What the law gives to those whose data the desk keeps, and how the operator finds them: search, export,
//! erasure, retention.

use std::fs;
use std::path::Path;
use std::process::Output;

use crate::story;
use crate::story::Desk;
use serde_json::Value;

const ADDRESS: &str = "grzegorz@fabryka.example";
const NAME: &str = "Grzegorz Brzęczyszczykiewicz";
const MAIL: &str = "From: Grzegorz Brzęczyszczykiewicz <Grzegorz@fabryka.example>\nTo: pomoc@myhezo.example\nCc: ewa@huta.example\n\
                    Subject: Żółta kontrolka w Łodzi\nMessage-ID: <1@fabryka.example>\nMIME-Version: 1.0\n\
                    Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n\
                    Macierz w piwnicy przestała działać.\nNumer seryjny: 2102359579DMHC000288\n";
const OTHER: &str = "From: Ewa <ewa@huta.example>\nTo: pomoc@myhezo.example\nSubject: Serwer\nMessage-ID: <2@huta.example>\n\
                     MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n\
                     Serwer nie działa; kolega grzegorz@fabryka.example już pisał.\n";

/// A desk with a ticket of the person and one of another, both closed.
fn desk() -> (Desk, String, String) {
    desk_with("")
}

fn desk_with(sections: &str) -> (Desk, String, String) {
    let desk = Desk::with("", sections);
    desk.mail("2026-05-11 09:00", MAIL);
    desk.mail("2026-05-11 09:10", OTHER);
    let tickets = desk.tickets();
    let number = |index: usize| tickets[index]["ticket"].as_str().expect("a number").to_string();
    let (of_person, of_other) = (number(1), number(0));
    close(&desk, &of_person);
    close(&desk, &of_other);
    (desk, of_person, of_other)
}

fn close(desk: &Desk, number: &str) {
    let now = story::moment("2026-05-12 09:00").to_string();
    let done = desk.command(&["tickets", "do", number, "--now", &now, "close", "done"]);
    assert!(done.status.success(), "{}", told(&done));
    desk.run("2026-05-12 09:01");
    desk.sent();
}

fn told(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned()).concat()
}

fn erase(desk: &Desk, more: &[&str]) -> (Option<i32>, Value, String) {
    let output = desk.command(&[&["erase", "--address", ADDRESS], more].concat());
    let protocol = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", told(&output)));
    (output.status.code(), protocol, String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Which of these texts stand in a file of the state directory, as they are. Mails stand there compressed.
fn found_in_files(dir: &Path, texts: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for file in fs::read_dir(dir).expect("the state").flatten().filter(|file| file.path().is_file()) {
        let bytes = fs::read(file.path()).expect("a file");
        for text in texts {
            if bytes.windows(text.len()).any(|window| window.eq_ignore_ascii_case(text.as_bytes())) {
                found.push(format!("{text} in {}", file.path().display()));
            }
        }
    }
    found
}

#[test]
fn tickets_are_found_by_their_words() {
    let (desk, of_person, of_other) = desk();
    let check = |words: &[&str], expected: &[&String]| {
        let output = desk.command(&[&["search", "--json"], words].concat());
        let text = String::from_utf8_lossy(&output.stdout);
        let found: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let found: Vec<&str> = found.iter().map(|ticket| ticket["ticket"].as_str().expect("a number")).collect();
        assert_eq!(found, expected, "{words:?}");
        assert_eq!(output.status.code(), Some(i32::from(expected.is_empty())), "{words:?}");
    };
    // The subject, without diacritics, with them, and the Polish l with stroke.
    check(&["zolta", "lodzi"], &[&of_person]);
    check(&["ŻÓŁTA", "Łodzi"], &[&of_person]);
    // All words stand in the ticket, each wherever it likes; a beginning is enough.
    check(&["brzeczy", "piwnic", "kontrol"], &[&of_person]);
    check(&["dziala"], &[&of_other, &of_person]);
    check(&["dziala", "serwer"], &[&of_other]);
    check(&["przestala dzialac"], &[&of_person]);
    check(&["dzialac przestala"], &[]);
    check(&["2102359579dmhc"], &[&of_person]);
    check(&["grzegorz@fabryka.example"], &[&of_other, &of_person]);
    check(&["odzi"], &[]);
    check(&["\"", "lodzi"], &[&of_person]);
    assert_eq!(desk.command(&["search", "--", "-*\""]).status.code(), Some(2));
}

#[test]
fn what_a_person_wrote_goes_from_the_file() {
    let (desk, of_person, of_other) = desk_with("[spam]\nheader = \"X-Spam-Flag\"\nvalue = \"YES\"\n");
    let waits = format!("X-Spam-Flag: YES\n{}", MAIL.replace("<1@", "<4@"));
    assert_eq!(desk.mail("2026-05-12 10:00", &waits).len(), 0, "it waits for a person");
    let state = desk.dir().join("state");
    let secrets = [ADDRESS, NAME, "Brzęczyszczykiewicz", "kontrolka w", "w piwnicy"];
    assert!(!found_in_files(&state, &secrets).is_empty(), "it stands there before");
    let (code, dry, _) = erase(&desk, &["--dry-run"]);
    assert_eq!((code, &dry["tickets"][0], &dry["mails"]), (Some(0), &Value::from(of_person.as_str()), &Value::from(3)));
    assert!(!found_in_files(&state, &secrets).is_empty(), "a trial changes nothing");
    let (code, protocol, said) = erase(&desk, &[]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(protocol["tickets"], Value::from(vec![of_person.clone()]));
    assert_eq!(protocol["places"].as_array().map(Vec::len), Some(3), "the mails on the server are named");
    assert!(!protocol.to_string().contains("fabryka"), "{protocol}");
    assert!(said.contains("delete 3 mails on the server"), "{said}");
    assert_eq!(found_in_files(&state, &secrets), Vec::<String>::new());
    let kept = fs::read_dir(state.join("protocols")).expect("protocols").count();
    assert_eq!(kept, 1, "the protocol is kept");
    // The ticket is there, without a person; another's keeps everything but the address.
    let ticket = desk.ticket(&of_person);
    assert_eq!((&ticket["state"], &ticket["subject"]), (&Value::from("closed"), &Value::from("")));
    assert_eq!(ticket["numbers"][0]["value"], "2102359579DMHC000288");
    let other = desk.ticket(&of_other);
    assert!(other.to_string().contains("Serwer nie działa; kolega (erased) już pisał."), "{other}");
    assert_eq!(desk.command(&["search", "piwnicy"]).status.code(), Some(1));
    // The mailbox still has the mails: they are known and not taken in again, and nobody is written to.
    desk.run("2026-05-13 09:00");
    assert_eq!(desk.sent().len(), 0);
    assert_eq!(found_in_files(&state, &secrets), Vec::<String>::new());
    assert_eq!(desk.tickets().len(), 2);
}

#[test]
fn the_name_goes_from_other_tickets_too() {
    let (desk, _, of_other) = desk();
    let named = |id: &str, text: &str| {
        OTHER.replace("<2@", &format!("<{id}@")).replace("kolega grzegorz@fabryka.example już pisał", text)
    };
    let with_address = "pisał grzegorz  Brzęczyszczykiewicz (grzegorz@fabryka.example), czyli Brzęczyszczykiewicz";
    desk.mail("2026-05-13 09:00", &named("5", with_address));
    desk.mail("2026-05-13 10:00", &named("6", "dzwonił Grzegorz Brzęczyszczykiewicz"));
    let tickets = desk.tickets();
    let number = |index: usize| tickets[index]["ticket"].as_str().expect("a number").to_string();
    let (name_alone, with_address) = (number(0), number(1));
    close(&desk, &name_alone);
    close(&desk, &with_address);
    // What a restore laid aside is not reached, and is named.
    fs::write(desk.dir().join("state/desk.sqlite.before-restore"), "former").expect("a former database");
    let (code, protocol, said) = erase(&desk, &[]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(protocol["tickets_with_the_name"], serde_json::json!([name_alone]), "{protocol}");
    assert_eq!(protocol["former_databases"], serde_json::json!(["desk.sqlite.before-restore"]), "{protocol}");
    assert!(said.contains(&format!("stands in {name_alone}")) && said.contains("desk.sqlite.before-restore"), "{said}");
    let text = desk.ticket(&with_address).to_string();
    assert!(text.contains("pisał (erased) ((erased)), czyli Brzęczyszczykiewicz"), "{text}");
    assert!(desk.ticket(&of_other).to_string().contains("(erased) już pisał"));
    assert_eq!(desk.command(&["search", "grzegorz"]).status.code(), Some(0), "the one that is named");
}

#[test]
fn what_is_open_or_held_is_left() {
    let (desk, of_person, _) = desk();
    let settings = desk.dir().join("settings.toml");
    let plain = fs::read_to_string(&settings).expect("the settings");
    desk.mail("2026-05-13 09:00", &MAIL.replace("<1@", "<3@").replace("Łodzi", "Gdyni"));
    let (code, protocol, said) = erase(&desk, &["--dry-run"]);
    assert_eq!((code, &protocol["left"][0]["reason"]), (Some(1), &Value::from("open")));
    assert!(said.contains("close them and erase again"), "{said}");
    for hold in [of_person.as_str(), "Grzegorz@fabryka.example"] {
        fs::write(&settings, format!("{plain}\n[retention]\nlegal_hold = [\"{hold}\"]\n")).expect("the settings");
        let (code, protocol, said) = erase(&desk, &["--dry-run"]);
        let left = protocol["left"].as_array().expect("a list").clone();
        let held: Vec<&Value> = left.iter().filter(|left| left["reason"] == "legal hold").collect();
        assert!(code == Some(1) && held.iter().any(|left| left["ticket"] == of_person.as_str()), "{protocol}");
        assert!(said.contains("legal_hold names them"), "{said}");
    }
    for own in ["pomoc@myhezo.example", "anna@hezo.example", "no address"] {
        let refused = desk.command(&["erase", "--address", own]);
        assert_eq!(refused.status.code(), Some(2), "{}", told(&refused));
    }
}

#[test]
fn what_has_outlived_its_time_goes() {
    let (desk, of_person, of_other) = desk();
    let settings = desk.dir().join("settings.toml");
    let plain = fs::read_to_string(&settings).expect("the settings");
    fs::write(&settings, format!("{plain}\n[retention]\nlegal_hold = [\"{of_other}\"]\n")).expect("the settings");
    let retention = |at: &str, more: &[&str]| {
        let now = story::moment(at).to_string();
        desk.json(&[&["retention", "--json", "--now", &now], more].concat()).remove(0)
    };
    let count = |told: &Value, what: &str| told[what].as_u64().expect("a count");
    let last_day = retention("2029-12-31 23:59", &[]);
    assert_eq!((count(&last_day, "mails"), count(&last_day, "sent"), count(&last_day, "tickets")), (0, 0, 0));
    let tried = retention("2030-01-01 00:01", &["--dry-run"]);
    assert_eq!((count(&tried, "mails"), &tried["held"][0]), (1, &Value::from(of_other.as_str())));
    let gone = retention("2030-01-01 00:01", &[]);
    assert!(count(&gone, "mails") == 1 && count(&gone, "sent") > 0 && count(&gone, "tickets") == 0, "{gone}");
    assert_eq!(count(&retention("2030-01-01 00:02", &[]), "mails"), 0, "it is done once");
    assert!(desk.ticket(&of_person).to_string().contains("piwnicy"), "the ticket keeps its words");
    let gone = retention("2033-01-01 00:01", &[]);
    assert_eq!(count(&gone, "tickets"), 1, "{gone}");
    assert!(!desk.ticket(&of_person).to_string().contains("piwnicy"));
    assert!(desk.ticket(&of_other).to_string().contains("Serwer nie działa"), "what is held stays");
}

#[test]
fn tickets_and_mails_leave_in_plain_forms() {
    let (desk, of_person, _) = desk();
    let export = |name: &str, what: &[&str]| {
        let dir = desk.dir().join(name);
        let output = desk.command(&[&["export"], what, &[&dir.display().to_string()]].concat());
        assert!(output.status.success(), "{}", told(&output));
        let read = |file: &str| fs::read_to_string(dir.join(file)).expect("a file");
        (read("tickets.jsonl"), read("mails.mbox"), read("protocol.json"))
    };
    let mails = |mbox: &str| mbox.lines().filter(|line| line.starts_with("From MAILER-DAEMON ")).count();
    let (tickets, mbox, _) = export("ticket", &["--ticket", &of_person]);
    assert!(tickets.lines().count() == 1 && tickets.contains("Żółta kontrolka w Łodzi"), "{tickets}");
    // Mine, the acknowledgement, a notice for each of two engineers.
    assert!(mails(&mbox) >= 4 && mbox.contains("Message-ID: <1@fabryka.example>"), "{mbox}");
    assert!(!mbox.contains("<2@huta.example>"));
    let (tickets, all, _) = export("all", &["--all"]);
    assert!(tickets.lines().count() == 2 && mails(&all) > mails(&mbox));
    let (tickets, mbox, protocol) = export("person", &["--address", "GRZEGORZ@fabryka.example"]);
    assert!(tickets.contains(&of_person) && mbox.contains("<1@fabryka.example>") && mbox.contains("<2@huta.example>"));
    assert!(protocol.contains(ADDRESS) && protocol.contains("\"by\""), "{protocol}");
    let again = desk.command(&["export", "--all", &desk.dir().join("all").display().to_string()]);
    assert_eq!(again.status.code(), Some(2), "{}", told(&again));
    let none = desk.command(&["export", "--ticket", "Z26-000999-0", "/nowhere"]);
    assert_eq!(none.status.code(), Some(2), "{}", told(&none));
}

#[test]
fn a_restored_copy_forgets_again() {
    for lost in [false, true] {
        let (desk, of_person, _) = desk();
        let copies = desk.dir().join("copies").display().to_string();
        let backup = |at: &str| {
            let output = desk.command(&["backup", &copies, "--now", &story::moment(at).to_string()]);
            assert!(output.status.success(), "{}", told(&output));
        };
        backup("2026-05-13 02:30");
        let (code, _, said) = erase(&desk, &[]);
        assert_eq!(code, Some(0), "{said}");
        let first = fs::read_dir(&copies)
            .expect("copies")
            .flatten()
            .map(|copy| copy.path())
            .find(|copy| copy.extension().is_some_and(|kind| kind == "sqlite"));
        let first = first.expect("a copy").display().to_string();
        backup("2026-05-14 02:30");
        let mut arguments = vec!["restore", first.as_str()];
        if lost {
            fs::remove_dir_all(desk.dir().join("state")).expect("a lost disk");
            arguments.extend(["--worked-until", "2026-05-14T10:00"]);
        }
        let restored = desk.command(&arguments);
        assert!(
            restored.status.success() && told(&restored).contains("1 addresses that were erased"),
            "{}",
            told(&restored)
        );
        let ticket = desk.ticket(&of_person);
        assert_eq!(ticket["subject"], "", "{ticket}");
        fs::remove_file(desk.dir().join("state/desk.sqlite.before-restore")).ok();
        assert_eq!(found_in_files(&desk.dir().join("state"), &[ADDRESS, "w piwnicy"]), Vec::<String>::new());
        desk.run("2026-05-14 11:00");
        assert_eq!(desk.sent().len(), 0, "nobody is answered twice");
    }
}

/// A promise goes on in a restored copy, whatever was asked for since.
#[test]
fn a_restored_copy_keeps_what_is_open() {
    let desk = Desk::new();
    desk.mail("2026-05-11 09:00", MAIL);
    let copies = desk.dir().join("copies").display().to_string();
    assert!(desk.command(&["backup", &copies]).status.success());
    let (code, _, said) = erase(&desk, &[]);
    assert_eq!(code, Some(1), "{said}");
    let restored = desk.command(&["restore", &copies]);
    assert!(
        restored.status.success() && told(&restored).contains("are left, since they were open"),
        "{}",
        told(&restored)
    );
    assert_eq!(desk.tickets()[0]["subject"], "Żółta kontrolka w Łodzi");
}

#[test]
fn last_months_report_is_written_into_a_folder() {
    let desk = Desk::new();
    desk.mail("2026-10-12 09:00", MAIL);
    let folder = desk.dir().join("reports").display().to_string();
    let now = story::moment("2026-11-01 06:00").to_string();
    let output = desk.command(&["report", "--last-month", "--folder", &folder, "--now", &now]);
    assert!(output.status.success(), "{}", told(&output));
    let read = |name: &str| fs::read_to_string(Path::new(&folder).join(name)).expect("a report");
    let words = read("report-2026-10.txt");
    assert!(words.contains("from 2026-10-01 00:00 to 2026-11-01 00:00") && words.contains("reaction"), "{words}");
    assert!(read("report-2026-10.csv").lines().count() > 1);
}
