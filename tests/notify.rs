//! The notify protocol: the built program and a socket such as the service manager's.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, io};

use crate::story::Desk;

/// How long the program may take for one step; more than any step takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// The service under a manager that only listens.
struct Managed {
    child: Child,
    socket: UnixDatagram,
    heard: Vec<String>,
}

impl Managed {
    /// Starts it. The watchdog wants to be fed every second, which a test need not wait long for.
    fn start(desk: &Desk) -> Managed {
        let path = desk.dir().join("notify");
        let socket = UnixDatagram::bind(&path).expect("a socket");
        socket.set_read_timeout(Some(Duration::from_millis(200))).expect("a timeout");
        let child = Command::new(env!("CARGO_BIN_EXE_hezo-intake"))
            .args(["run", "--config"])
            .arg(desk.dir().join("settings.toml"))
            .env("NOTIFY_SOCKET", &path)
            .env("WATCHDOG_USEC", "1000000")
            .env("RUNTIME_DIRECTORY", desk.dir())
            .env_remove("RUST_LOG")
            .stderr(fs::File::create(desk.dir().join("log")).expect("a log"))
            .stdout(Stdio::null())
            .spawn()
            .expect("the program");
        Managed { child, socket, heard: Vec::new() }
    }

    /// Listens until a message has a line that begins so, and returns the whole message.
    fn wait_for(&mut self, beginning: &str) -> String {
        let began = Instant::now();
        let mut bytes = [0; 4096];
        loop {
            match self.socket.recv(&mut bytes) {
                Ok(length) => {
                    let message = String::from_utf8_lossy(&bytes[..length]).into_owned();
                    self.heard.push(message.clone());
                    if message.lines().any(|line| line.starts_with(beginning)) {
                        return message;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => panic!("{error}"),
            }
            assert!(began.elapsed() < PATIENCE, "nobody says {beginning}; heard {:?}", self.heard);
        }
    }

    /// What `systemctl reload` runs.
    fn reload(&self, desk: &Desk) -> (bool, String) {
        let command = [env!("CARGO_BIN_EXE_hezo-intake"), "reload", &self.child.id().to_string()];
        let output = Command::new(command[0]).args(&command[1..]).env("RUNTIME_DIRECTORY", desk.dir()).output();
        let output = output.expect("the program");
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill").args([name, &self.child.id().to_string()]).status().expect("kill");
        assert!(status.success());
    }
}

impl Drop for Managed {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn log(desk: &Desk) -> String {
    fs::read_to_string(desk.dir().join("log")).expect("the log")
}

const FAULT: &str = "From: Jan <jan@fabryka.example>\nTo: pomoc@myhezo.example\nSubject: Macierz\n\nNie działa.\n";

#[test]
fn ready_when_the_mailbox_was_walked_and_stopping_at_the_end() {
    let desk = Desk::new();
    desk.receive("2026-11-23 09:00", FAULT);
    let mut service = Managed::start(&desk);
    service.wait_for("READY=1");
    let until_ready = service.heard.join("");
    assert!(!until_ready.contains("RELOADING"), "{until_ready}");
    // Ready means walked: the ticket is there.
    assert_eq!(desk.tickets().len(), 1);
    let status = service.wait_for("STATUS=last full pass ");
    assert!(status.contains("; 1 open tickets"), "{status}");
    service.signal("-TERM");
    service.wait_for("STOPPING=1");
    assert!(service.child.wait().expect("the end").success(), "{}", log(&desk));
}

#[test]
fn not_ready_while_a_mailbox_cannot_be_opened() {
    let desk = Desk::with("", "");
    fs::remove_dir(desk.dir().join("mailbox")).expect("the mailbox goes");
    let mut service = Managed::start(&desk);
    let status = service.wait_for("STATUS=");
    assert!(status.contains("starting: no full pass yet"), "{status}");
    service.wait_for("WATCHDOG=1");
    assert!(service.heard.iter().all(|message| !message.contains("READY=1")), "{:?}", service.heard);
    fs::create_dir(desk.dir().join("mailbox")).expect("the mailbox is there again");
    service.wait_for("READY=1");
}

#[test]
fn the_loops_feed_the_watchdog() {
    let desk = Desk::new();
    let settings = desk.dir().join("settings.toml");
    let frequent = fs::read_to_string(&settings).expect("the settings");
    let frequent = frequent.replace("start = \"all\"", "start = \"all\"\npoll_interval = \"1s\"");
    fs::write(&settings, frequent).expect("the settings");
    let mut service = Managed::start(&desk);
    for _ in 0..4 {
        service.wait_for("WATCHDOG=1");
    }
    let fed: String = service.heard.join("");
    assert!(!fed.contains("WATCHDOG=trigger"), "{fed}");
}

#[test]
fn reloading_takes_effect_as_a_whole_or_not_at_all() {
    let desk = Desk::new();
    let settings = desk.dir().join("settings.toml");
    let good = fs::read_to_string(&settings).expect("the settings");
    let mut service = Managed::start(&desk);
    service.wait_for("READY=1");

    // A fault: nothing changes.
    let bad = good.replace("id = \"marek\"", "id = \"MAREK!\"");
    fs::write(&settings, &bad).expect("the settings");
    let (done, said) = service.reload(&desk);
    assert!(!done && said.contains("refused") && said.contains("engineer[1].id: is no id"), "{said}");
    let reloading = service.wait_for("RELOADING=1");
    let time = reloading.lines().find_map(|line| line.strip_prefix("MONOTONIC_USEC="));
    assert!(time.is_some_and(|time| time.parse::<u64>().is_ok_and(|time| time > 0)), "{reloading}");
    service.wait_for("READY=1");
    assert!(log(&desk).contains("engineer[1].id: is no id"), "{}", log(&desk));
    desk.receive("2026-11-23 09:00", FAULT);
    let told = RefCell::new(BTreeSet::new());
    wait_until(&desk, "both engineers are told", || {
        let sent = desk.sent();
        let engineers = sent.iter().map(|mail| mail.to().to_string()).filter(|to| to.ends_with("@hezo.example"));
        told.borrow_mut().extend(engineers);
        told.borrow().len() == 2
    });

    // Good settings: another mailbox is watched, and the desk has another name.
    let second = desk.dir().join("second");
    let good = good.replace("name = \"HEZO Assistance\"", "name = \"Nowa Nazwa\"");
    let good = format!(
        "{good}\n[[mailbox]]\nname = \"second\"\nkind = \"maildir\"\nstart = \"all\"\npath = \"{}\"\n",
        second.display()
    );
    fs::write(&settings, good).expect("the settings");
    hezo_intake::maildir::deliver(&second, FAULT.replace("Jan", "Ewa").replace('\n', "\r\n").as_bytes())
        .expect("a mail");
    let (done, said) = service.reload(&desk);
    assert!(done && said.is_empty(), "{said}");
    service.wait_for("RELOADING=1");
    service.wait_for("READY=1");
    wait_until(&desk, "the second mailbox is watched", || desk.tickets().len() == 2);
    wait_until(&desk, "the customer is written to under the new name", || {
        desk.sent().iter().any(|mail| mail.to() == "jan@fabryka.example" && mail.raw.contains("Nowa Nazwa"))
    });
    assert!(log(&desk).contains("the configuration was read again and is in force"), "{}", log(&desk));
}

/// Asks again and again until it is so.
fn wait_until(desk: &Desk, what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "{what}: not within {} s:\n{}", PATIENCE.as_secs(), log(desk));
        std::thread::sleep(Duration::from_millis(50));
    }
}
