//! What the operator's commands say of promises, by the built program.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use crate::story::Desk;
use serde_json::Value;

const CASES: &str = include_str!("service-clock-cases.csv");

/// Runs the program on a host of another time zone.
fn run(arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hezo-intake"));
    command.args(arguments).env("TZ", "Pacific/Auckland").env("NO_COLOR", "1").env_remove("RUST_LOG");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let written = child.stdin.take().expect("its input").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("the program ends");
    written.expect("it reads its input");
    output
}

/// What it prints where all is well.
fn said(arguments: &[&str], input: &str) -> String {
    let output = run(arguments, input);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// What it refuses with; nothing is printed then.
fn refused(arguments: &[&str], input: &str) -> String {
    let output = run(arguments, input);
    assert!(!output.status.success(), "{arguments:?} is refused");
    assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).expect("UTF-8")
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim_end).collect()
}

#[test]
fn the_due_times_of_all_cases_are_filled_in() {
    let asked: String = CASES.lines().map(|line| format!("{}\n", line.rsplit_once(',').expect("a line").0)).collect();
    assert_eq!(lines(&said(&["due", "--csv"], &asked)), lines(CASES));
    assert_eq!(lines(&said(&["due", "--csv"], CASES)), lines(CASES), "a column that is there is written anew");
}

#[test]
fn wrong_lines_of_the_csv_are_all_told() {
    let head = "kind,window,start_utc,hours,due_utc\n";
    for (line, expected) in [
        ("window,8x9,2026-01-01T00:00:00Z,1,", "line 2: there is no window `8x9`; there are 24x7, 8x5, 9x5"),
        ("window,8x5,2026-13-01T00:00:00Z,1,", "line 2: `2026-13-01T00:00:00Z` is no time"),
        ("window,8x5,2026-01-01T00:00:00Z,-1,", "line 2: `-1` is no number of hours"),
        ("window,8x5,2026-01-01T00:00:00Z,,", "line 2: `` is no number of hours"),
        ("nbdd,,2026-01-01T00:00:00Z,,", "line 2: there is no kind `nbdd`"),
    ] {
        let told = refused(&["due", "--csv"], &format!("{head}{line}\nnope,,x,,\n"));
        assert!(told.contains(expected), "{told}");
        assert!(told.contains("line 3: `x` is no time"), "{told}");
    }
    assert!(refused(&["due", "--csv"], "kind,start_utc\n").contains("the column window, hours is missing"));
}

#[test]
fn a_due_time_is_explained_step_by_step() {
    let explained = said(&["due", "2026-12-23T16:30", "--window", "8x5", "--hours", "1"], "");
    let expected = "\
start Wed 2026-12-23 16:30:00 CET
Wed 2026-12-23 16:30:00 CET counts 30m, 30m left
Thu 2026-12-24 is closed: Wigilia Bożego Narodzenia
Fri 2026-12-25 is closed: pierwszy dzień Bożego Narodzenia
Sat 2026-12-26 is closed: no hours on this day of the week
Sun 2026-12-27 is closed: no hours on this day of the week
Mon 2026-12-28 09:00:00 CET counts 30m, 0s left
due Mon 2026-12-28 09:30:00 CET
= 2026-12-28T08:30:00Z
";
    assert_eq!(explained, expected);
    for (arguments, expected) in [
        (["2026-11-20T16:40", "--next-business-day"].as_slice(), "= 2026-11-23T16:00:00Z"),
        (&["2026-11-20", "--return-of-device"], "= 2026-11-27T22:59:59Z"),
        (&["2026-10-25T00:30:00Z", "--window", "24x7", "--hours", "1.5"], "= 2026-10-25T02:00:00Z"),
        (&["2026-11-20T16:00", "--hours", "1"], "= 2026-11-20T16:00:00Z"),
    ] {
        let explained = said(&[&["due"], arguments].concat(), "");
        assert_eq!(explained.lines().last(), Some(expected), "{explained}");
    }
    for (arguments, expected) in [
        (["2026-11-20T16:40", "--window", "8x6", "--hours", "1"].as_slice(), "there is no window `8x6`"),
        (&["2026-11-20T16:40"], "say how much"),
        (&["tomorrow", "--hours", "1"], "tomorrow: no time"),
        (&["2026-11-20T16:40", "--hours", "one"], "`one` is no number of hours"),
    ] {
        let told = refused(&[&["due"], arguments].concat(), "");
        assert!(told.contains(expected), "{told}");
    }
}

#[test]
fn the_calendar_of_a_year() {
    let year: Value = serde_json::from_str(&said(&["calendar", "2026", "--json"], "")).expect("JSON");
    assert_eq!(year["business_days"], 253);
    let days: Vec<&str> =
        year["days_off"].as_array().expect("days").iter().filter_map(|day| day["date"].as_str()).collect();
    let expected = [
        "01-01", "01-06", "04-05", "04-06", "05-01", "05-03", "05-24", "06-04", "08-15", "11-01", "11-11", "12-24",
        "12-25", "12-26",
    ];
    assert_eq!(days, expected.map(|day| format!("2026-{day}")));
    let page = said(&["calendar", "2026"], "");
    for words in ["mon-fri 09:00-17:00", "Wigilia Bożego Narodzenia", "2026-03-29 03:00 CEST", "2026-10-25 02:00 CET"]
    {
        assert!(page.contains(words), "{words} in {page}");
    }
    assert!(!said(&["calendar", "2024"], "").contains("Wigilia"), "a working day until 2024");
}

fn request(from: &str, id: u32) -> String {
    format!(
        "From: Jan Wzorcowy <{from}>\nTo: pomoc@myhezo.example\nSubject: Awaria\nMessage-ID: <{id}@mail.example>\n\n\
         Biblioteka stoi.\n"
    )
}

/// A broken promise, a kept one, and one that is still open at 2026-10-06 10:30.
fn busy_desk() -> (Desk, Vec<String>) {
    let desk = Desk::new();
    desk.mail("2026-10-05 09:00", &request("=cmd@kunde.example", 1));
    desk.run("2026-10-05 12:00");
    desk.mail("2026-10-06 09:00", &request("ola@kunde.example", 2));
    let ola = desk.tickets()[0]["ticket"].as_str().expect("a number").to_string();
    let called =
        desk.command(&["tickets", "do", &ola, "phone", "--at", "2026-10-06T09:20", "--now", "2026-10-06T07:21:00Z"]);
    assert!(called.status.success(), "{}", String::from_utf8_lossy(&called.stderr));
    desk.mail("2026-10-06 09:50", &request("ewa@kunde.example", 3));
    let tickets = desk.tickets();
    let numbers = tickets.iter().rev().filter_map(|ticket| ticket["ticket"].as_str().map(str::to_string)).collect();
    (desk, numbers)
}

const NOW: [&str; 2] = ["--now", "2026-10-06T08:30:00Z"];

#[test]
fn tickets_are_listed_by_what_is_due_broken_and_where_they_stand() {
    let (desk, numbers) = busy_desk();
    for (filter, expected) in [
        (["--due", "4h"].as_slice(), vec![&numbers[0], &numbers[2]]),
        (&["--due", "10m"], vec![&numbers[0]]),
        (&["--breached"], vec![&numbers[0]]),
        (&["--state", "new"], vec![&numbers[2], &numbers[0]]),
        (&["--state", "awaiting-data"], vec![&numbers[1]]),
        (&["--state", "resolved"], vec![]),
        (&["--state", "new", "--breached"], vec![&numbers[0]]),
    ] {
        let listed = desk.json(&[&["tickets", "list", "--json"], filter, &NOW].concat());
        let listed: Vec<&str> = listed.iter().filter_map(|ticket| ticket["ticket"].as_str()).collect();
        assert_eq!(listed, expected, "{filter:?}");
    }
    let wrong = desk.command(&["tickets", "list", "--state", "newish"]);
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("there are new, awaiting-data"));
}

#[test]
fn clocks_are_listed_by_what_falls_due_next() {
    let (desk, numbers) = busy_desk();
    let clocks = desk.json(&[["clocks", "--json"], NOW].concat());
    let told: Vec<(&str, &str)> =
        clocks.iter().filter_map(|clock| Some((clock["ticket"].as_str()?, clock["clock"].as_str()?))).collect();
    let expected = [
        (numbers[0].as_str(), "reaction"),
        (&numbers[0], "hand-over"),
        (&numbers[2], "reaction"),
        (&numbers[1], "resolution"),
    ];
    assert_eq!(told, expected);
    let page = desk.command(&[["clocks"].as_slice(), &NOW].concat());
    assert!(String::from_utf8_lossy(&page.stdout).contains("1d 00h OVER"));
    let one = desk.json(&[&["clocks", numbers[1].as_str(), "--json"], NOW.as_slice()].concat());
    let kinds: Vec<&str> = one.iter().filter_map(|clock| clock["kind"].as_str()).collect();
    assert_eq!(kinds, ["reaction", "acknowledge", "resolution"]);
    assert_eq!(one[0]["satisfied_at"], "2026-10-06T07:20:00Z");
    let page = desk.command(&[&["clocks", numbers[0].as_str()], NOW.as_slice()].concat());
    let page = String::from_utf8_lossy(&page.stdout).into_owned();
    for words in
        ["counts 1h, 0s left", "no contract on file (NONE 8x5 NBD)", "reaction-due done 2026-10-05 12:00", "BREACHED"]
    {
        assert!(page.contains(words), "{words} in {page}");
    }
    let none = desk.command(&["clocks", "Z26-000999-1"]);
    assert!(!none.status.success());
}

#[test]
fn the_report_counts_what_was_promised_and_how_breaches_came_about() {
    let (desk, numbers) = busy_desk();
    let days = ["report", "--from", "2026-10-01", "--to", "2026-10-31"];
    let report = desk.json(&[days.as_slice(), &["--json"], &NOW].concat()).remove(0);
    let reaction = &report["by_clock"].as_array().expect("clocks")[1];
    let count = |name: &str| reaction[name].as_u64().expect("a count");
    assert_eq!(reaction["clock"], "reaction");
    let counts = ["promised", "kept", "breached", "breached_by_outage", "open"].map(count);
    assert_eq!(counts, [3, 1, 1, 1, 1], "the desk did not run when it fell due: ours");
    let breach = &report["breaches"][0];
    assert_eq!((&breach["ticket"], &breach["clock"]), (&numbers[0].as_str().into(), &"reaction".into()));
    let timeline: Vec<&str> = breach["timeline"]
        .as_array()
        .expect("a timeline")
        .iter()
        .filter_map(|happened| happened["what"].as_str())
        .collect();
    assert_eq!(timeline[0], "start: the Date of the mail");
    assert!(
        timeline
            .iter()
            .any(|what| what.starts_with("rung reaction-due, ") && what.contains(" s late: the desk did not run from"))
    );
    let table = desk.command(&[days.as_slice(), &["--csv"], &NOW].concat());
    let table = String::from_utf8(table.stdout).expect("UTF-8");
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let cells: Vec<String> =
        reader.records().flat_map(|row| row.expect("a row").iter().map(str::to_string).collect::<Vec<_>>()).collect();
    assert!(cells.contains(&"'=cmd@kunde.example".to_string()));
    assert!(!cells.iter().any(|cell| cell.starts_with(['=', '+', '-', '@'])), "no cell is a formula");
    let none = desk.json(&["report", "--from", "2026-09-01", "--to", "2026-09-30", "--json", NOW[0], NOW[1]]).remove(0);
    assert_eq!(none["by_clock"], serde_json::json!([]));
    let swapped = desk.command(&["report", "--from", "2026-10-31", "--to", "2026-10-01"]);
    assert!(String::from_utf8_lossy(&swapped.stderr).contains("swap them"));
}
