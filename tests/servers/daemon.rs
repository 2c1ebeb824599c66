//! The built program as a service, beside the servers.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use super::{PASSWORD, Servers, wait_for};

/// The desk's address.
pub const DESK: &str = "pomoc@myhezo.example";

/// Where overdue tickets go.
pub const ESCALATION: &str = "escalation@myhezo.example";

/// The engineers.
pub const ENGINEERS: [&str; 2] = ["anna@hezo.example", "marek@hezo.example"];

const SETTINGS: &str = r#"
token_key_file = "{dir}/token-key"
state_dir = "{dir}/state"
max_message_size = "1 MB"

[desk]
name = "HEZO Assistance"
address = "pomoc@myhezo.example"
escalation_address = "escalation@myhezo.example"
phone = "12 25 25 600"
escalation_phone = "12 25 25 502"
portal = "myHEZO.pl"

[[engineer]]
id = "anna"
name = "Anna Inżynier"
address = "anna@hezo.example"

[[engineer]]
id = "marek"
name = "Marek Serwisant"
address = "marek@hezo.example"

[authentication]
method = "header"
authserv_id = "mail.example"
border_hosts = ["mail.example"]

[authentication.internal]
domains = ["hezo.example"]
submission = true

[[mailbox]]
name = "support"
kind = "imap"
host = "localhost"
ca_file = "{dir}/ca.pem"
user = "pomoc@myhezo.example"
password_file = "{dir}/password"
poll_interval = "2s"
{mailbox}

[smtp]
host = "localhost"
port = {submission}
ca_file = "{dir}/ca.pem"
user = "pomoc@myhezo.example"
password_file = "{dir}/password"
"#;

/// The settings of a desk beside the servers.
pub struct Desk<'a> {
    servers: &'a Servers,
}

impl<'a> Desk<'a> {
    /// Writes the settings; `mailbox` are more lines of the mailbox's section.
    pub fn new(servers: &'a Servers, mailbox: &str) -> Desk<'a> {
        let settings = SETTINGS.replace("{mailbox}", mailbox);
        let settings = settings.replace("{imaps}", &servers.imaps.to_string());
        let settings = settings.replace("{imap}", &servers.imap.to_string());
        let settings = settings.replace("{submission}", &servers.submission.to_string());
        let desk = Desk { servers };
        desk.write("settings.toml", &settings.replace("{dir}", &servers.dir().display().to_string()));
        desk.write("token-key", "a key for tests, which protects nothing");
        desk.write("password", PASSWORD);
        desk
    }

    /// A file of the desk's folder, for its owner alone.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.servers.dir().join(name);
        fs::write(&path, text).expect("a file");
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("the file's mode");
    }

    /// A command of the operator's.
    pub fn command(&self, arguments: &[&str]) -> Output {
        self.prepared(arguments).output().expect("the program")
    }

    /// A command that dies at a point which the variable of the failpoints names.
    pub fn dying_command(&self, arguments: &[&str], at: &str) -> Output {
        self.prepared(arguments).env(hezo_intake::failpoint::VARIABLE, at).output().expect("the program")
    }

    /// What a command prints, one JSON value a line.
    pub fn json(&self, arguments: &[&str]) -> Vec<Value> {
        let output = self.command(arguments);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(!text.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        text.lines().map(|line| serde_json::from_str(line).expect("a JSON value a line")).collect()
    }

    /// Every folder's count of mails without a disposition.
    pub fn gaps(&self) -> Vec<u64> {
        self.json(&["reconcile", "--json"]).iter().map(|folder| folder["gap"].as_u64().expect("a gap")).collect()
    }

    /// Starts the service with a log that says everything.
    pub fn start_at_trace(&self) -> Daemon {
        let log = self.servers.dir().join("desk.log");
        let file = File::options().create(true).append(true).open(&log).expect("a log");
        let mut command = self.prepared(&["run"]);
        let child = command.env("RUST_LOG", "trace").stderr(file).stdout(Stdio::null()).spawn().expect("the program");
        Daemon { child: Some(child), log }
    }

    /// Starts the service; more arguments may set its time of day.
    pub fn start(&self, arguments: &[&str]) -> Daemon {
        let arguments = [&["run"], arguments].concat();
        let log = self.servers.dir().join("desk.log");
        let file = File::options().create(true).append(true).open(&log).expect("a log");
        let child = self.prepared(&arguments).stderr(file).stdout(Stdio::null()).spawn().expect("the program");
        Daemon { child: Some(child), log }
    }

    fn prepared(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hezo-intake"));
        let settings = self.servers.dir().join("settings.toml");
        command.args(arguments).arg("--config").arg(settings).env_remove("RUST_LOG").env("NO_COLOR", "1");
        command
    }
}

/// The service at work. It ends with this value.
pub struct Daemon {
    child: Option<Child>,
    log: PathBuf,
}

impl Daemon {
    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until a line of the log holds these words.
    pub fn wait_for(&self, words: &str) {
        let said = || self.log().contains(words).then_some(());
        wait_for(&format!("the log says {words:?}"), said);
    }

    /// Sends SIGTERM and waits for an end without a fault.
    pub fn stop(mut self) {
        let mut child = self.child.take().expect("it runs");
        Command::new("kill").arg(child.id().to_string()).status().expect("a signal");
        let status = child.wait().expect("the end");
        assert!(status.success(), "{status}: {}", self.log());
    }

    /// Sends SIGKILL, as a crash does, and waits for the end.
    pub fn kill(mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().expect("a signal");
        child.wait().expect("the end");
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
