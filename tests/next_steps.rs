//! Every error says what to do next: a table of things that go wrong, and of what the program says then.

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use crate::story::Desk;

const MAIL: &str = "From: Jan <jan@fabryka.example>\nTo: pomoc@myhezo.example\nSubject: Macierz\n\nNie działa.\n";

/// What a command says, on both ways, where it fails.
#[track_caller]
fn failing(desk: &Desk, arguments: &[&str]) -> String {
    let output = desk.command(arguments);
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(!output.status.success(), "{arguments:?} succeeds: {said}");
    assert!(!said.contains("panicked") && !said.contains("docs.rs"), "{said}");
    said
}

#[track_caller]
fn check(desk: &Desk, arguments: &[&str], expected: &[&str]) {
    let said = failing(desk, arguments);
    let missing: Vec<_> = expected.iter().filter(|words| !said.contains(**words)).collect();
    assert!(missing.is_empty(), "{arguments:?}: {missing:?} is not in {said}");
}

fn rewrite(path: &Path, change: impl Fn(String) -> String) {
    fs::write(path, change(fs::read_to_string(path).expect("the settings"))).expect("the settings");
}

#[test]
fn a_damaged_database_leads_to_the_copies() {
    let desk = Desk::new();
    desk.mail("2026-11-23 09:00", MAIL);
    let database = desk.dir().join("state/desk.sqlite");
    let good = fs::read(&database).expect("the database");
    // No database at all, and one whose pages hold nonsense.
    let mut torn = good.clone();
    let middle = torn.len() / 2;
    torn[middle..middle + 20_000].fill(0x5a);
    for (bytes, commands) in [
        (vec![0x5a; 8192], vec![&["status"][..], &["run", "--once"], &["check", "--offline"], &["tickets", "list"]]),
        (torn, vec![&["check"][..]]),
    ] {
        fs::write(&database, bytes).expect("a damaged database");
        for command in commands {
            check(&desk, command, &["desk.sqlite is damaged", "hezo-intake restore DIR", "/var/backups/hezo-intake"]);
        }
    }
    fs::write(&database, &good).expect("the good one");
    assert!(desk.command(&["check", "--offline"]).status.success());
}

#[test]
fn a_newer_database_is_said_before_the_start() {
    let desk = Desk::new();
    desk.mail("2026-11-23 09:00", MAIL);
    let database = rusqlite::Connection::open(desk.dir().join("state/desk.sqlite")).expect("the database");
    database.pragma_update(None, "user_version", 99).expect("a newer schema");
    check(&desk, &["check", "--offline"], &["has schema 99", "one version"]);
    // An earlier one is brought up to date at the start.
    database.pragma_update(None, "user_version", 1).expect("an earlier schema");
    assert!(desk.command(&["check", "--offline"]).status.success());
}

#[test]
fn what_is_no_copy_leads_to_the_folder_of_the_copies() {
    let desk = Desk::new();
    let nowhere = desk.dir().join("nowhere").display().to_string();
    check(&desk, &["restore", &nowhere], &["there is no", "/var/backups/hezo-intake"]);
    let empty = desk.dir().join("empty");
    fs::create_dir(&empty).expect("a folder");
    check(&desk, &["restore", &empty.display().to_string()], &["holds no copy", "/var/backups/hezo-intake"]);
    let file = empty.join("desk-20261123T080000Z.sqlite");
    fs::write(&file, [0x5a; 4096]).expect("no copy");
    check(&desk, &["restore", &file.display().to_string()], &["is not good", "take an earlier copy"]);
}

#[test]
fn files_and_servers_that_are_not_there_are_seen_to() {
    let desk = Desk::with("contracts = \"{dir}/contracts.csv\"", "");
    check(&desk, &["check", "--offline"], &["contracts: names a file that cannot be read", "put the file there"]);
    fs::write(desk.dir().join("contracts.csv"), "").expect("a list");
    let settings = desk.dir().join("settings.toml");
    rewrite(&settings, |text| text.replace(&format!("contracts = \"{}/contracts.csv\"", desk.dir().display()), ""));
    let password = desk.dir().join("password");
    fs::write(&password, "geheim").expect("a password");
    std::os::unix::fs::chown(&password, None, None).expect("it is ours");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(&password, mode).expect("its mode");
    // Nothing listens on a port that was let go of; behind the other nobody speaks TLS.
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = silent.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        use std::io::Write;
        for mut stream in silent.incoming().flatten() {
            let _ = stream.write_all(b"* OK in clear text, as on port 143\r\n");
        }
    });
    let server = |port: u16| {
        format!("host = \"localhost\"\nport = {port}\nuser = \"desk\"\npassword_file = \"{}\"\n", password.display())
    };
    let plain = fs::read_to_string(&settings).expect("the settings");
    let mailbox = format!("kind = \"maildir\"\npath = \"{}/mailbox\"", desk.dir().display());
    let outgoing = format!("[outgoing]\nmaildir = \"{}/outgoing\"", desk.dir().display());
    for (port, expected) in [
        (free, &["nothing listens there: see to host and port"][..]),
        (taken, &["does not speak TLS at once on this port: see to port, and to security"]),
    ] {
        let text = plain.replace(&mailbox, &format!("kind = \"imap\"\n{}", server(port)));
        let text = text.replace(&outgoing, &format!("[smtp]\n{}", server(port)));
        fs::write(&settings, text).expect("the settings");
        let said = failing(&desk, &["check"]);
        for part in ["mailbox support, folder INBOX: ", "smtp: "] {
            let line = said.lines().find(|line| line.contains(part)).unwrap_or_default();
            assert!(expected.iter().all(|words| line.contains(words)), "{said}");
        }
    }
}

#[test]
fn paths_and_days_are_seen_to() {
    let desk = Desk::new();
    desk.mail("2026-11-23 09:00", MAIL);
    check(&desk, &["backup", "/proc/nowhere"], &["cannot make /proc/nowhere", "see that the path is right"]);
    check(
        &desk,
        &["contracts", "import", "/nowhere.csv"],
        &["cannot read the contracts", "see that the path is right"],
    );
    check(&desk, &["explain", "/nowhere.eml"], &["cannot read /nowhere.eml", "see that the path is right"]);
    check(&desk, &["report", "--from", "x", "--to", "y"], &["no day; write one such as 2026-10-01"]);
    check(&desk, &["contracts", "show", "UM/1"], &["hezo-intake contracts"]);
    check(&desk, &["export", "--all", &desk.dir().display().to_string()], &["name a new folder"]);
    check(&desk, &["tickets", "show", "Z26-000002-4"], &["tickets list"]);
}

#[test]
fn settings_with_which_the_service_would_end_are_told_by_check() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("its number");
    for (sections, expected) in [
        ("[health]\nlisten = \"unix:{dir}/gone/health.sock\"".to_string(), "/gone; make it"),
        (format!("[health]\nlisten = \"{port}\""), "name another port"),
        (
            "[alarm]\naddress = \"pomoc+x@myhezo.example\"".to_string(),
            "alarm.address: is an address of the desk itself",
        ),
    ] {
        let desk = Desk::with("", &sections);
        check(&desk, &["check", "--offline"], &[expected]);
    }
}
