//! Lives of the service that would disturb one another, or that all end at the same mail.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::story::Desk;
use hezo_intake::failpoint::VARIABLE;

const AT: &str = "2026-11-23T08:05:00Z";

fn request(n: usize) -> String {
    format!(
        "From: jan{n}@fabryka.example\nTo: pomoc@myhezo.example\nSubject: Awaria {n}\n\
         Message-ID: <{n}@fabryka.example>\n\nNr seryjny: B82410031{n}\n"
    )
}

fn program(desk: &Desk, arguments: &[&str]) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_hezo-intake"));
    program.args(arguments).arg("--config").arg(desk.dir().join("settings.toml")).env("NO_COLOR", "1");
    program.stdout(Stdio::null()).stderr(Stdio::piped());
    program
}

#[test]
fn a_mail_that_ends_the_program_is_parked_and_holds_nobody_up() {
    let desk = Desk::new();
    let dies = || program(&desk, &["run", "--once", "--now", AT]).env(VARIABLE, "reading:1").output();
    desk.receive(AT, &request(1));
    for life in 1..=3 {
        let output: Output = dies().expect("the program");
        assert_eq!(output.status.signal(), Some(9), "life {life} ends at the mail");
    }
    desk.receive(AT, &request(2));
    desk.run(AT);
    let subjects: Vec<_> = desk.tickets().iter().map(|ticket| ticket["subject"].clone()).collect();
    assert_eq!(subjects, ["Awaria 2"]);
    let parked = desk.json(&["parked", "list", "--json"]);
    assert_eq!((parked.len(), parked[0]["reason"].as_str()), (1, Some("ends-the-program")), "{parked:?}");
    // It was not the mail: once a person says so, it is read after all.
    let number = parked[0]["number"].as_str().expect("a number");
    let released = desk.command(&["parked", "release", number, "--now", AT]);
    assert!(released.status.success(), "{}", String::from_utf8_lossy(&released.stderr));
    desk.run(AT);
    assert_eq!(desk.tickets().len(), 2);
    assert_eq!(fs::read_dir(desk.dir().join("state/reading")).map_or(0, Iterator::count), 0, "no mark is left");
}

struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_second_service_on_the_same_mailbox_says_so_and_stops() {
    let desk = Desk::new();
    let first = Service(program(&desk, &["run"]).stderr(Stdio::null()).spawn().expect("the program"));
    let until = Instant::now() + Duration::from_secs(60);
    while !desk.dir().join("state/desk.sqlite").exists() {
        assert!(Instant::now() < until, "the first service works");
        std::thread::sleep(Duration::from_millis(20));
    }
    let settings = fs::read_to_string(desk.dir().join("settings.toml")).expect("the settings");
    let other = settings.replace("/state\"", "/other-state\"");
    fs::write(desk.dir().join("settings.toml"), other).expect("the settings");
    let mut said = String::new();
    // The first may be at its very beginning.
    while !said.contains("works on this mailbox already") {
        assert!(Instant::now() < until, "the second refuses: {said}");
        let second = program(&desk, &["run", "--once", "--now", AT]).output().expect("the program");
        said = String::from_utf8_lossy(&second.stderr).into_owned();
        assert!(!said.contains("works on this mailbox already") || !second.status.success(), "{said}");
    }
    assert!(said.contains(&format!("process {}", first.0.id())), "it names the first: {said}");
    drop(first);
    desk.run(AT);
}
