//! A real Dovecot and a real Postfix below a folder of their own, on loopback, over TLS.
//!
//! Both must be started by root (they give up their rights themselves). Debian's packages are
//! `dovecot-imapd`, `dovecot-lmtpd` and `postfix`; what they start by themselves is not touched.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses its share")]

pub mod daemon;

use std::collections::BTreeSet;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use lettre::SmtpTransport;
use lettre::Transport;
use lettre::address::Envelope;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

/// How long a server or the program may take for one step; more than any step takes.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The password of every mailbox.
pub const PASSWORD: &str = "a password of tests";

/// What a test without its servers says.
const NEEDED: &str = "the test needs root and the packages dovecot-imapd, dovecot-lmtpd and postfix";

/// The local part, in every domain, that Postfix takes mail for and Dovecot then refuses.
pub const BOUNCING: &str = "bouncing";

/// The numeric user that owns the mailboxes; it needs no name.
const MAIL_USER: u32 = 5000;

/// Two servers with their mailboxes. They stop with this value.
pub struct Servers {
    dir: TempDir,
    /// The port of IMAP over TLS.
    pub imaps: u16,
    /// The port of IMAP with STARTTLS.
    pub imap: u16,
    /// The port at which anybody hands mail in for one of the mailboxes.
    pub smtp: u16,
    /// The port of submission over TLS, with a sign-in.
    pub submission: u16,
    lmtp: u16,
    auth: u16,
}

impl Servers {
    /// Starts both, with these mailboxes.
    pub fn start(mailboxes: &[&str]) -> Servers {
        let dir = tempfile::tempdir().expect("a folder");
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).expect("the folder's mode");
        let [imaps, imap, smtp, submission, lmtp, auth] = free_ports();
        let servers = Servers { dir, imaps, imap, smtp, submission, lmtp, auth };
        servers.write_certificates();
        servers.write_mailboxes(mailboxes);
        servers.start_dovecot();
        servers.start_postfix();
        servers
    }

    /// The folder of both.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The certificate of the authority that issued the servers'.
    pub fn ca_file(&self) -> PathBuf {
        self.dir().join("ca.pem")
    }

    /// Hands a mail in, as a foreign host does. Line ends are LF in `mail`.
    pub fn hand_in(&self, from: &str, to: &str, mail: &str) {
        let envelope = Envelope::new(Some(from.parse().expect("a sender")), vec![to.parse().expect("a recipient")]);
        let transport = SmtpTransport::builder_dangerous("127.0.0.1").port(self.smtp).build();
        let sent = transport.send_raw(&envelope.expect("an envelope"), mail.replace('\n', "\r\n").as_bytes());
        sent.expect("Postfix takes the mail");
    }

    /// Hands a mail in as somebody of the house does: over TLS, with a sign-in.
    pub fn submit(&self, from: &str, to: &str, mail: &str) {
        let envelope = Envelope::new(Some(from.parse().expect("a sender")), vec![to.parse().expect("a recipient")]);
        let authority = fs::read(self.ca_file()).expect("the authority's certificate");
        let authority = Certificate::from_pem(&authority).expect("a certificate");
        let tls = TlsParameters::builder("localhost".to_string()).add_root_certificate(authority).build();
        let transport = SmtpTransport::builder_dangerous("localhost")
            .port(self.submission)
            .tls(Tls::Wrapper(tls.expect("TLS")))
            .credentials(Credentials::new(from.to_string(), PASSWORD.to_string()))
            .build();
        let sent = transport.send_raw(&envelope.expect("an envelope"), mail.replace('\n', "\r\n").as_bytes());
        sent.expect("Postfix takes the mail");
    }

    /// Puts mails into a mailbox at once, as they would lie there after a long absence.
    pub fn put(&self, mailbox: &str, mails: impl IntoIterator<Item = String>) {
        self.put_bytes(mailbox, mails.into_iter().map(|mail| mail.replace('\n', "\r\n").into_bytes()));
    }

    /// The same with mails that are bytes, with CR LF at the end of each line.
    pub fn put_bytes(&self, mailbox: &str, mails: impl IntoIterator<Item = Vec<u8>>) {
        self.put_in(mailbox, "", mails);
    }

    /// The same in a folder, which is named as on disk; empty is the inbox.
    pub fn put_in(&self, mailbox: &str, folder: &str, mails: impl IntoIterator<Item = Vec<u8>>) {
        let maildir = self.maildir(mailbox).join(folder);
        for mail in mails {
            hezo_intake::maildir::deliver(&maildir, &mail).expect("the mailbox");
        }
        run(Command::new("chown").arg("-R").arg(format!("{MAIL_USER}:{MAIL_USER}")).arg(self.home(mailbox)));
    }

    /// The mails in a folder of a mailbox, the oldest first. The folder is named as on disk; empty is
    /// the inbox.
    pub fn mails(&self, mailbox: &str, folder: &str) -> Vec<Vec<u8>> {
        let maildir = self.maildir(mailbox).join(folder);
        let files = ["new", "cur"].iter().flat_map(|part| fs::read_dir(maildir.join(part)).into_iter().flatten());
        let files: BTreeSet<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
        let mut files: Vec<PathBuf> = files.into_iter().collect();
        files.sort_by_key(|file| file.file_name().map(ToOwned::to_owned));
        files.iter().filter_map(|file| fs::read(file).ok()).collect()
    }

    /// Lets Dovecot forget what it knows of a mailbox: its folders get another UIDVALIDITY.
    pub fn make_anew(&self, mailbox: &str) {
        self.stop_dovecot();
        for file in fs::read_dir(self.maildir(mailbox)).expect("the mailbox").flatten() {
            if file.file_name().to_string_lossy().starts_with("dovecot") {
                fs::remove_file(file.path()).expect("an index of Dovecot's");
            }
        }
        // UIDVALIDITY is a time in seconds.
        std::thread::sleep(Duration::from_millis(1_100));
        self.start_dovecot();
    }

    /// Stops Dovecot and starts it again.
    pub fn restart_dovecot(&self) {
        self.stop_dovecot();
        self.start_dovecot();
    }

    /// Runs `doveadm` for one mailbox.
    pub fn doveadm(&self, mailbox: &str, command: &[&str]) -> Output {
        let (name, arguments) = command.split_first().expect("a command");
        let mut words = name.split(' ').map(ToOwned::to_owned).collect::<Vec<_>>();
        words.extend(["-u".to_string(), mailbox.to_string()]);
        run(Command::new("doveadm").arg("-c").arg(self.dovecot_conf()).args(words).args(arguments))
    }

    /// Stops Dovecot.
    pub fn stop_dovecot(&self) {
        run(Command::new("doveadm").arg("-c").arg(self.dovecot_conf()).arg("stop"));
        wait_for("Dovecot stops", || TcpStream::connect(("127.0.0.1", self.imaps)).is_err().then_some(()));
    }

    /// Starts Dovecot.
    pub fn start_dovecot(&self) {
        fs::create_dir_all(self.dir().join("dovecot")).expect("Dovecot's folder");
        fs::write(self.dovecot_conf(), self.filled(include_str!("dovecot.conf"), "")).expect("Dovecot's settings");
        start(Command::new("dovecot").arg("-c").arg(self.dovecot_conf()), &self.dir().join("dovecot.log"));
        self.wait_for_port("Dovecot", self.imaps, "dovecot.log");
        self.wait_for_port("Dovecot", self.lmtp, "dovecot.log");
    }

    /// Stops Postfix.
    pub fn stop_postfix(&self) {
        run(Command::new("postfix").arg("-c").arg(self.postfix_dir()).arg("stop"));
    }

    /// Starts Postfix.
    pub fn start_postfix(&self) {
        start(Command::new("postfix").arg("-c").arg(self.postfix_dir()).arg("start"), &self.dir().join("postfix.log"));
        self.wait_for_port("Postfix", self.submission, "postfix.log");
    }

    fn wait_for_port(&self, server: &str, port: u16, log: &str) {
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if began.elapsed() > PATIENCE {
                let log = fs::read_to_string(self.dir().join(log)).unwrap_or_default();
                panic!("{server} did not start:\n{log}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn write_certificates(&self) {
        let authority_key = KeyPair::generate().expect("a key");
        let mut authority = CertificateParams::new(Vec::new()).expect("an authority");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = authority.self_signed(&authority_key).expect("a certificate");
        fs::write(self.ca_file(), certificate.pem()).expect("the authority's certificate");
        let key = KeyPair::generate().expect("a key");
        let names = vec!["localhost".to_string(), "127.0.0.1".to_string()];
        let params = CertificateParams::new(names).expect("a server");
        let signed = params.signed_by(&key, &Issuer::new(authority, authority_key)).expect("a certificate");
        fs::write(self.dir().join("certificate.pem"), signed.pem()).expect("the server's certificate");
        fs::write(self.dir().join("key.pem"), key.serialize_pem()).expect("the server's key");
    }

    fn write_mailboxes(&self, mailboxes: &[&str]) {
        let line = |name: &&str| {
            format!("{name}:{{PLAIN}}{PASSWORD}:{MAIL_USER}:{MAIL_USER}::{}::\n", self.home(name).display())
        };
        fs::write(self.dir().join("users"), mailboxes.iter().map(line).collect::<String>()).expect("the users");
        for mailbox in mailboxes {
            fs::create_dir_all(self.home(mailbox)).expect("a home");
        }
        let homes = self.dir().join("home");
        run(Command::new("chown").arg("-R").arg(format!("{MAIL_USER}:{MAIL_USER}")).arg(homes));

        let postfix = self.postfix_dir();
        for folder in ["spool", "data"] {
            fs::create_dir_all(postfix.join(folder)).expect("Postfix's folders");
        }
        run(Command::new("chown").arg("postfix").arg(postfix.join("data")));
        let domains: BTreeSet<&str> = mailboxes.iter().filter_map(|name| Some(name.split_once('@')?.1)).collect();
        let bouncing = domains.iter().map(|domain| format!("{BOUNCING}@{domain} 1\n"));
        let known = mailboxes.iter().map(|name| format!("{name} 1\n")).chain(bouncing).collect::<String>();
        fs::write(postfix.join("mailboxes"), known).expect("Postfix's mailboxes");
        let domains = domains.into_iter().collect::<Vec<_>>().join(" ");
        for (name, text) in [("main.cf", include_str!("main.cf")), ("master.cf", include_str!("master.cf"))] {
            fs::write(postfix.join(name), self.filled(text, &domains)).expect("Postfix's settings");
        }
    }

    fn filled(&self, text: &str, domains: &str) -> String {
        let ports = [
            ("{imaps}", self.imaps),
            ("{imap}", self.imap),
            ("{smtp}", self.smtp),
            ("{submission}", self.submission),
            ("{lmtp}", self.lmtp),
            ("{auth}", self.auth),
        ];
        let text = text.replace("{dir}", &self.dir().display().to_string()).replace("{domains}", domains);
        ports.iter().fold(text, |text, (name, port)| text.replace(name, &port.to_string()))
    }

    fn home(&self, mailbox: &str) -> PathBuf {
        self.dir().join("home").join(mailbox)
    }

    fn maildir(&self, mailbox: &str) -> PathBuf {
        self.home(mailbox).join("Maildir")
    }

    fn dovecot_conf(&self) -> PathBuf {
        self.dir().join("dovecot/dovecot.conf")
    }

    fn postfix_dir(&self) -> PathBuf {
        self.dir().join("postfix")
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        // Both end with the test whatever became of it; what they say to that helps nobody.
        let _ = Command::new("doveadm").arg("-c").arg(self.dovecot_conf()).arg("stop").output();
        let _ = Command::new("postfix").arg("-c").arg(self.postfix_dir()).arg("stop").output();
    }
}

/// Asks again and again until there is an answer, at most [`PATIENCE`].
pub fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(began.elapsed() < PATIENCE, "{what}: not within {} s", PATIENCE.as_secs());
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Starts a program that goes on in the background. It would keep a pipe open for ever, so that it
/// gets none.
fn start(command: &mut Command, log: &Path) {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let status = status.unwrap_or_else(|error| panic!("{command:?}: {error}; {NEEDED}"));
    assert!(status.success(), "{command:?}: {}", fs::read_to_string(log).unwrap_or_default());
}

fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}; {NEEDED}"));
    let said = [String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)].concat();
    assert!(output.status.success(), "{command:?}: {said}");
    output
}

/// Ports that nobody listens on. Another program could take one before a server does; then the test
/// fails and says so.
fn free_ports<const N: usize>() -> [u16; N] {
    let listeners: Vec<TcpListener> =
        (0..N).map(|_| TcpListener::bind(("127.0.0.1", 0)).expect("a free port")).collect();
    std::array::from_fn(|index| listeners[index].local_addr().expect("an address").port())
}
