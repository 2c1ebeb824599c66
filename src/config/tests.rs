mod authentication;
mod servers;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::*;

/// A directory of credentials, as systemd makes one, and files beside it.
struct Site(tempfile::TempDir);

impl Site {
    fn new() -> Site {
        let site = Site(tempfile::tempdir().expect("a directory"));
        std::fs::create_dir(site.credentials()).expect("a directory");
        site.write("credentials/imap-password", "zażółć\n", 0o440);
        site.write("credentials/smtp-password", "geheim\r\n", 0o440);
        site.write("credentials/token-key", &"k".repeat(64), 0o440);
        site
    }

    fn credentials(&self) -> PathBuf {
        self.0.path().join("credentials")
    }

    fn write(&self, name: &str, text: &str, mode: u32) {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).expect("a file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("its mode");
    }

    /// Reads a configuration in which DIR stands for the site's directory.
    fn parse(&self, text: &str) -> Result<Config, Faults> {
        let text = text.replace("DIR", &self.0.path().display().to_string());
        Config::parse("site.toml", &text, Some(&self.credentials()))
    }
}

const TOP: &str = "token_key_file = \"token-key\"\n";
const DESK: &str = "[desk]\nname = \"Desk\"\naddress = \"desk@desk.example\"\nescalation_address = \
                    \"boss@desk.example\"\nphone = \"1\"\nescalation_phone = \"2\"\nportal = \"desk.example\"\n";
const ENGINEER: &str = "[[engineer]]\nid = \"ak\"\nname = \"Anna\"\naddress = \"anna@desk.example\"\n";
const MAILBOX: &str = "[[mailbox]]\nname = \"support\"\nkind = \"imap\"\nhost = \"imap.desk.example\"\nuser = \
                       \"desk\"\npassword_file = \"imap-password\"\n";
const SMTP: &str = "[smtp]\nhost = \"smtp.desk.example\"\n";

fn good() -> String {
    [TOP, DESK, ENGINEER, MAILBOX, SMTP].concat()
}

/// The faults of a configuration, `line key: message` each; the expected lines are their beginnings.
#[track_caller]
fn check(text: &str, expected: &str) {
    let faults = Site::new().parse(text).err().map(|faults| faults.all().to_vec()).unwrap_or_default();
    let found: Vec<String> =
        faults.iter().map(|fault| format!("{} {}: {}", fault.line, fault.key, fault.message)).collect();
    let as_many = found.len() == expected.lines().count();
    let alike = found.iter().zip(expected.lines()).all(|(found, expected)| found.starts_with(expected));
    assert!(as_many && alike, "expected\n{expected}\nfound\n{}\nin\n{text}", found.join("\n"));
}

/// The faults after one line of the good configuration is replaced by others.
#[track_caller]
fn check_line(line: &str, instead: &str, expected: &str) {
    assert!(good().contains(line), "{line}");
    check(&good().replacen(line, instead, 1), expected);
}

#[test]
fn a_short_good_one() {
    check(&good(), "");
    let config = Site::new().parse(&good()).expect("no fault");
    assert_eq!(config.state_dir, Path::new("/var/lib/hezo-intake"));
    assert_eq!((config.max_message_size, config.max_transit), (50_000_000, Duration::from_secs(7200)));
    let [mailbox] = config.mailboxes.as_slice() else { panic!("{:?}", config.mailboxes) };
    assert_eq!((mailbox.start, mailbox.poll_interval), (Start::Now, Duration::from_secs(60)));
    assert_eq!(mailbox.filing, Filing::Leave);
    let MailboxKind::Imap { server, folders } = &mailbox.kind else { panic!("{mailbox:?}") };
    assert_eq!(folders, &["INBOX"]);
    assert_eq!((server.port, server.security), (993, Security::Implicit));
    let sign_in = server.sign_in.as_ref().expect("a sign-in");
    assert_eq!((sign_in.mechanism, sign_in.password.reveal()), (Mechanism::Login, "zażółć"));
    let Outgoing::Smtp(smtp, _) = &config.outgoing else { panic!("{:?}", config.outgoing) };
    assert_eq!((smtp.port, smtp.sign_in.is_none()), (465, true));
}

#[test]
fn a_long_good_one() {
    let text = "
        token_key_file = 'DIR/key'
        state_dir = '/srv/desk'
        max_message_size = '1 MiB'
        max_transit = '1h 30m'
        token_lifetime_days = 60
        reply_tokens = 'message-id'
        closing_days = [2026-12-31, '2027-05-04']
        [desk]
        name = 'Desk'
        address = 'Desk@Desk.Example'
        aliases = ['help@desk.example']
        escalation_address = 'boss@desk.example'
        phone = '1'
        escalation_phone = '2'
        portal = 'desk.example'
        [[engineer]]
        id = 'ak'
        name = 'Anna'
        address = 'anna@desk.example'
        [[mailbox]]
        name = 'support'
        kind = 'imap'
        host = '127.0.0.1'
        plaintext = 'loopback-only'
        user = 'desk'
        password_file = 'imap-password'
        sign_in = 'plain'
        folders = ['INBOX', 'Wiadomości-śmieci']
        start = 2026-05-02
        poll_interval = '5m'
        after = { move = 'Processed' }
        [[mailbox]]
        name = 'local'
        kind = 'maildir'
        path = '/var/mail/desk'
        start = 2026-05-02T09:00:00+00:00
        after = { keyword = '$HezoDone' }
        [smtp]
        host = 'smtp.desk.example'
        security = 'starttls'
        user = 'desk'
        password_file = 'smtp-password'";
    let site = Site::new();
    site.write("key", &format!("{}\n{}\n", "a".repeat(32), "b".repeat(40)), 0o600);
    let config = site.parse(text).expect("no fault");
    assert_eq!(config.desk.address, "desk@desk.example");
    assert_eq!(config.token_keys.iter().map(|key| key.reveal().len()).collect::<Vec<_>>(), [32, 40]);
    assert_eq!((config.max_message_size, config.max_transit), (1 << 20, Duration::from_secs(5400)));
    assert_eq!(config.closing_days.iter().map(Date::to_string).collect::<Vec<_>>(), ["2026-12-31", "2027-05-04"]);
    let [imap, maildir] = config.mailboxes.as_slice() else { panic!("{:?}", config.mailboxes) };
    let at = |text: &str| Start::At(text.parse().expect("a moment"));
    assert_eq!((imap.start, maildir.start), (at("2026-05-01T22:00:00Z"), at("2026-05-02T09:00:00Z")));
    assert_eq!(imap.filing, Filing::Move("Processed".to_string()));
    assert_eq!(maildir.filing, Filing::Keyword("$HezoDone".to_string()));
    let Outgoing::Smtp(smtp, _) = &config.outgoing else { panic!("{:?}", config.outgoing) };
    assert_eq!((smtp.port, smtp.security), (587, Security::StartTls));
    let shown = format!("{config:?}");
    assert!(!shown.contains("zażółć") && !shown.contains("geheim") && !shown.contains("aaaa"), "{shown}");
}

#[test]
fn all_faults_at_once() {
    let text = "max_transit = 5\n[desk]\nname = ''\nadress = 'desk@desk.example'\n[[engineer]]\nid = 'AK'\n[[mailbox]]\n\
                kind = 'pop3'\n";
    let expected = [
        "1 max_transit: is an integer; write a length of time in quotes",
        "1 smtp: is missing; write [smtp]",
        "1 token_key_file: is missing; write token_key_file = \"token-key\"",
        "2 desk.address: is missing; write address = ",
        "2 desk.escalation_address: is missing",
        "2 desk.escalation_phone: is missing",
        "2 desk.phone: is missing",
        "2 desk.portal: is missing",
        "3 desk.name: is empty",
        "4 desk.adress: is no key of this section; did you mean address?",
        "5 engineer[0].address: is missing",
        "5 engineer[0].name: is missing",
        "6 engineer[0].id: is no id; write 1 to 12 small letters",
        "7 mailbox[0].name: is missing; write name = \"support\"",
        "8 mailbox[0].kind: has an unknown value; write \"imap\" or \"maildir\"",
    ];
    check(text, &expected.join("\n"));
    // The keys tell what was meant, and are checked as such.
    let meant = "kind = 'pop3'\nsecurity = 'none'\nfolders = []";
    check_line(
        "kind = \"imap\"",
        meant,
        "15 mailbox[0].kind: has an unknown value; write \"imap\" or \"maildir\"\n\
         16 mailbox[0].security: has an unknown value\n\
         17 mailbox[0].folders: names no folder",
    );
    let faults = Site::new().parse(text).expect_err("faults").to_string();
    let line = "site.toml:8: mailbox[0].kind: has an unknown value; write \"imap\" or \"maildir\"";
    assert_eq!(faults.lines().last(), Some(line));
}

#[test]
fn the_file_as_a_whole() {
    check(
        "",
        "1 desk: is missing; write [desk]\n\
         1 engineer: is missing; write [[engineer]]\n\
         1 mailbox: is missing; write [[mailbox]]\n\
         1 smtp: is missing\n\
         1 token_key_file: is missing",
    );
    check("[desk]\nname = 'Desk\n", "2 : is no TOML: ");
    check("a = 1\na = 2\n", "2 : is no TOML: duplicate key");
    check_line("[[engineer]]", "[engineer]", "9 engineer: is not a list of sections; write [[engineer]]");
    check_line(
        "[desk]\n",
        "[desk]\nstate_dir = '/srv'\n",
        "3 desk.state_dir: belongs at the top of the file, above the first [section]",
    );
    check_line("[smtp]", "[outgoing]\nmaildir = '/tmp/out'\n[smtp]", "19 outgoing: contradicts [smtp]");
    check_line(SMTP, "[outgoing]", "19 outgoing.maildir: is missing");
    check_line(
        "[smtp]\n",
        "[smpt]\n",
        "1 smtp: is missing\n\
         19 smpt: is no key of this section; there are state_dir",
    );
    check_line(
        "[desk]\n",
        "[dexk]\n",
        "1 desk: is missing\n\
         2 dexk: is no key of this section; did you mean desk?",
    );
    let maildir = "[outgoing]\nmaildir = '/m'\n[[mailbox]]\nname = 'local'\nkind = 'maildir'\npath = '/m'\n";
    check_line(SMTP, maildir, "19 outgoing: puts mail into a Maildir that is watched");
}

#[test]
fn single_values() {
    for (written, fault) in [
        ("state_dir = 'var/lib'", "1 state_dir: is not a full path"),
        ("rules_dir = '/nowhere/at/all'", "1 rules_dir: names no folder"),
        ("contracts = '/nowhere/at/all.csv'", "1 contracts: names a file that cannot be read: "),
        ("contracts = 'DIR'", "1 contracts: names something that is no file"),
        ("max_message_size = 50", "1 max_message_size: is an integer; write a size in quotes"),
        ("max_message_size = '50 mb'", "1 max_message_size: is not a size"),
        ("max_message_size = '99999999999999999999 MB'", "1 max_message_size: is not a size"),
        ("max_message_size = '2 kB'", "1 max_message_size: is out of bounds; write at least 10000 bytes"),
        ("max_transit = '2 days'", "1 max_transit: is not a length of time"),
        ("max_transit = '-2h'", "1 max_transit: is not a length of time"),
        ("max_transit = '49h'", "1 max_transit: is out of bounds; write at least \"0s\" and at most \"48h\""),
        ("closing_days = '2026-05-02'", "1 closing_days: is not a list"),
        ("closing_days = [\n2026-05-02,\n'3 May']", "3 closing_days[1]: is not a day"),
        ("closing_days = ['2026-05-02T10:00:00']", "1 closing_days[0]: is not a day"),
        ("token_lifetime_days = '60'", "1 token_lifetime_days: is no whole number"),
        ("token_lifetime_days = 1", "1 token_lifetime_days: is out of bounds; write at least 7 and at most 3650"),
        ("token_lifetime_days = 99999", "1 token_lifetime_days: is out of bounds"),
        ("reply_tokens = 'subject'", "1 reply_tokens: has an unknown value; write \"plus\" or \"message-id\""),
        ("unknown = 1", "1 unknown: is no key of this section; there are state_dir, rules_dir"),
    ] {
        check(&format!("{written}\n{}", good()), fault);
    }
}

#[test]
fn addresses() {
    let desk = "address = \"desk@desk.example\"";
    for wrong in ["desk", "@desk.example", "desk@", "Desk <desk@desk.example>", "a b@desk.example", "łoś@desk.example"]
    {
        check_line(desk, &format!("address = '{wrong}'"), "4 desk.address: is not a mail address");
    }
    let smuggled = r#"address = "desk@desk.example\r\nRCPT TO:<x@y.example>""#;
    check_line(desk, smuggled, "4 desk.address: is not a mail address");
    let name = r#"name = "Desk\r\nBcc: x@y.example""#;
    check_line("name = \"Desk\"", name, "3 desk.name: holds a control character");
    check_line(desk, "address = 'desk+x@desk.example'", "4 desk.address: holds a +");
    check_line("boss@", "DESK@", "5 desk.escalation_address: is an address of the desk itself");
    check_line("boss@", "desk+boss@", "5 desk.escalation_address: is an address of the desk itself");
    check_line(
        desk,
        &format!("{desk}\naliases = ['boss@desk.example', 'boss@desk.example']"),
        "5 desk.aliases: names boss@desk.example twice\n\
         6 desk.escalation_address: is an address of the desk itself",
    );
    check_line("anna@", "desk+anna@", "12 engineer[0].address: is an address of the desk itself");
    check_line(
        desk,
        &format!("address = '{}@desk.example'", "d".repeat(19)),
        "10 engineer[0].id: leaves no room for a reply address at desk.address; write at most 1 characters",
    );
    check_line(
        "[smtp]",
        &format!("{ENGINEER}[smtp]"),
        "20 engineer[1].id: is the id of an earlier engineer\n\
         22 engineer[1].address: is the address of an earlier engineer",
    );
    check_line("\"ak\"", "\"ak\"\nactive = 'no'", "11 engineer[0].active: is neither; write true or false");
    check_line("\"ak\"", "\"ak\"\nactive = false", "11 engineer[0].active: leaves nobody who answers");
    let former = "[[engineer]]\nid = 'jn'\nname = 'Jan'\naddress = 'jan@desk.example'\nactive = false\n[smtp]";
    check_line("[smtp]", former, "");
    check_line("\"ak\"", "\"much-too-long\"", "10 engineer[0].id: is no id; write 1 to 12");
}

#[test]
fn budgets() {
    let at = |text: &str, expected: &str| check_line("[smtp]", &format!("[budget]\n{text}\n[smtp]"), expected);
    at("per_address_and_hour = 3\nstorm = 4\ngathering = '10m'", "");
    at("per_ticket = 0", "20 budget.per_ticket: is out of bounds; write at least 1");
    at("gathering = '2h'", "20 budget.gathering: is out of bounds");
    at("per_hour = 3", "20 budget.per_hour: is no key of this section");
    let config = Site::new().parse(&good().replace("[smtp]", "[budget]\nper_address_and_hour = 3\n[smtp]"));
    let expected = Budget { per_address_and_hour: 3, ..Budget::default() };
    assert_eq!(config.expect("no fault").budget, expected);
}

#[test]
fn escalation_and_alerts() {
    for (written, fault) in [
        ("escalation_ack = '30s'", "1 escalation_ack: is out of bounds; write at least \"1m\" and at most \"24h\""),
        ("escalation_ack = 30", "1 escalation_ack: is an integer; write a length of time"),
        ("close_after_days = 0", "1 close_after_days: is out of bounds; write at least 1 and at most 365"),
        ("close_after_days = '14'", "1 close_after_days: is not a whole number"),
        ("close_after_days = -1", "1 close_after_days: is not a whole number"),
    ] {
        check(&format!("{written}\n{}", good()), fault);
    }
    let phone = "phone = \"1\"";
    check_line(
        phone,
        &format!("{phone}\nsecond_level_address = 'chief'"),
        "7 desk.second_level_address: is not a mail",
    );
    check_line(
        phone,
        &format!("{phone}\nsecond_level_address = 'Desk+x@desk.example'"),
        "7 desk.second_level_address: is an address of the desk itself",
    );
    check_line(
        phone,
        &format!("{phone}\nsecond_level_address = 'boss@desk.example'"),
        "7 desk.second_level_address: is where nobody has taken the ticket over",
    );
    for (written, fault) in [
        ("", "21 alert.command: is missing; write command ="),
        ("command = []", "22 alert.command: names no program"),
        ("command = '/bin/sh'", "22 alert.command: is not a list\n22 alert.command: names no program"),
        ("command = ['page']", "22 alert.command: is not a full path; write it from / on (page)"),
        ("command = ['/nowhere/page']", "22 alert.command: names a file that cannot be read: No such"),
        ("command = ['DIR/credentials/token-key']", "22 alert.command: names a file that is no program"),
        ("command = ['/bin/sh', 5]", "22 alert.command[1]: is an integer; write a text"),
        ("command = ['/bin/sh']\ntime_limit = '1h'", "23 alert.time_limit: is out of bounds"),
        ("command = ['/bin/sh', '-c', 'true']\ntime_limit = '5s'", ""),
    ] {
        check(&format!("{}[alert]\n{written}\n", good()), fault);
    }
    check(&format!("{}[smtp_fallback]\nhost = 'x y'\n", good()), "22 smtp_fallback.host: is not a host name");
    check(
        &format!("{}[smtp_fallback]\nhost = 'x'\n[outgoing_fallback]\nmaildir = '/tmp/x'\n", good()),
        "23 outgoing_fallback: contradicts [smtp_fallback]",
    );
    let text =
        format!("escalation_ack = '45m'\nclose_after_days = 7\n{}[outgoing_fallback]\nmaildir = '/tmp/x'\n", good());
    let config = Site::new().parse(&text).expect("no fault");
    assert_eq!((config.escalation_ack, config.close_after_days), (Duration::from_secs(45 * 60), 7));
    assert!(matches!(config.fallback, Some(Outgoing::Maildir(_))), "{:?}", config.fallback);
    let config = Site::new().parse(&good()).expect("no fault");
    assert_eq!((config.escalation_ack, config.close_after_days), (Duration::from_secs(30 * 60), 14));
    assert!(config.fallback.is_none() && config.alert.is_none() && config.second_level_address.is_none());
}

const SAMPLE: &str = include_str!("../../systemd/hezo-intake.toml");

#[test]
fn the_sample_is_in_order() {
    check(SAMPLE, "");
}

/// Every key that is read is explained in the sample, and every key of the sample is read.
#[test]
fn the_sample_is_complete() {
    let named = |key: &str| SAMPLE.lines().any(|line| line.trim_start_matches('#').starts_with(&format!("{key} =")));
    let head = |line: &'static str| {
        line.trim_start_matches('#').strip_prefix('[')?.trim_matches(['[', ']']).rsplit('.').next()
    };
    let heads = |key: &str| SAMPLE.lines().any(|line| head(line) == Some(key));
    let odd = "nonsense = 1\n";
    let sections = "[outgoing]\nODD[[mailbox]]\nkind = 'imap'\nODD[mailbox.token]\nODD[[mailbox]]\nkind = 'maildir'\nODD[desk]\nODD\
                    [[engineer]]\nODD[smtp]\nODD[smtp.token]\nODD[authentication]\nmethod = 'both'\nODD[authentication.internal]\nODD[limits]\nODD[spam]\nODD[budget]\nODD[smtp_fallback]\nODD[outgoing_fallback]\nODD[alert]\nODD[health]\nODD[alarm]\nODD";
    let faults = Site::new().parse(&format!("{odd}{}", sections.replace("ODD", odd))).expect_err("nonsense");
    let list = |fault: &Fault| Some(fault.message.split_once("there are ")?.1.to_string());
    let lists: Vec<String> = faults.all().iter().filter_map(list).collect();
    assert_eq!(lists.len(), 19, "{faults}");
    for key in lists.iter().flat_map(|list| list.split(", ")) {
        assert!(named(key) || heads(key), "{key} is not in the sample");
    }

    let is_key = |rest: &&str| rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '[');
    let with_all = SAMPLE.lines().map(|line| line.strip_prefix('#').filter(is_key).unwrap_or(line));
    let faults = Site::new().parse(&with_all.collect::<Vec<_>>().join("\n")).expect_err("contradictions");
    assert!(!faults.to_string().contains("is no "), "{faults}");
}
