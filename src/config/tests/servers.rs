//! Servers, mailboxes, and the secrets to sign in with.

use super::*;

#[test]
fn servers() {
    let host = "host = \"imap.desk.example\"";
    check_line(host, "", "13 mailbox[0].host: is missing");
    check_line(host, "host = 'imap.desk.example:993'", "16 mailbox[0].host: is not a host name; write the port under");
    check_line(host, "host = 'imap desk'", "16 mailbox[0].host: is not a host name; write it bare");
    for wrong in ["0", "65536", "-1", "'993'", "9223372036854775808"] {
        check_line(host, &format!("{host}\nport = {wrong}"), "17 mailbox[0].port: is not a port");
    }
    check_line(
        host,
        &format!("{host}\nsecurity = 'none'"),
        "17 mailbox[0].security: has an unknown value; write \"tls\" or \"starttls\"",
    );
    let plaintext = "plaintext = 'loopback-only'";
    check_line(host, &format!("{host}\n{plaintext}"), "16 mailbox[0].host: is another machine, and plaintext is for");
    check_line(
        host,
        &format!("host = '127.8.0.1'\n{plaintext}\nsecurity = 'tls'"),
        "17 mailbox[0].plaintext: contradicts security",
    );
    for here in ["localhost", "127.8.0.1", "::1"] {
        check_line(host, &format!("host = '{here}'\n{plaintext}"), "");
    }
    check_line(
        host,
        &format!("{host}\nca_file = 'DIR/credentials/token-key'"),
        "17 mailbox[0].ca_file: holds no readable certificate",
    );
    check_line("user = \"desk\"", "", "13 mailbox[0].user: is missing");
    check_line(
        "user = \"desk\"",
        "user = 'desk'\npassword = 'geheim'",
        "18 mailbox[0].password: does not belong in this file",
    );
    check_line(SMTP, &format!("{SMTP}user = 'desk'"), "19 smtp.password_file: is missing");
    check_line(
        SMTP,
        &format!("{SMTP}sign_in = 'cram'"),
        "19 smtp.password_file: is missing\n\
         19 smtp.user: is missing\n\
         21 smtp.sign_in: has an unknown value; write \"login\" or \"plain\"",
    );
}

#[test]
fn secrets() {
    let credential = "\"imap-password\"";
    check_line(credential, "\"nowhere\"", "18 mailbox[0].password_file: names a file that cannot be opened: No such");
    check_line(credential, "'a/b'", "18 mailbox[0].password_file: is neither a full path nor the bare name");
    check_line(credential, "'..'", "18 mailbox[0].password_file: is neither a full path nor the bare name");
    check_line(credential, "'DIR'", "18 mailbox[0].password_file: names something that is no file");
    check_line(credential, "5", "18 mailbox[0].password_file: is an integer; write a path or");
    check_line("\"token-key\"", credential, "1 token_key_file: names a file with a key of less than 32 bytes");

    let site = Site::new();
    site.write("open", "geheim", 0o640);
    site.write("empty", "\n", 0o600);
    site.write("two", "geheim\nund\n", 0o600);
    site.write("long", &"x".repeat(5000), 0o600);
    site.write("good", " geheim \n", 0o400);
    for (file, fault) in [
        ("open", "names a file that others may read"),
        ("empty", "names an empty file"),
        ("two", "names a file with more than one line"),
        ("long", "names a file of more than 4096 bytes"),
    ] {
        let text = good().replace(credential, &format!("'DIR/{file}'"));
        let faults = site.parse(&text).expect_err("a fault");
        assert!(faults.all().iter().all(|found| found.message.starts_with(fault)), "{faults}");
        assert!(!faults.to_string().contains("geheim"), "{faults}");
    }
    let config = site.parse(&good().replace(credential, "'DIR/good'")).expect("no fault");
    let MailboxKind::Imap { server, .. } = &config.mailboxes[0].kind else { panic!("{config:?}") };
    assert_eq!(server.sign_in.as_ref().map(|sign_in| sign_in.password.reveal()), Some(" geheim "));

    let faults = Config::parse("site.toml", &good(), None).expect_err("no credentials").to_string();
    assert!(faults.contains("systemd handed none over; add LoadCredential= to the service"), "{faults}");
}

#[test]
fn mailboxes() {
    let user = "user = \"desk\"";
    for (written, fault) in [
        ("folders = []", "17 mailbox[0].folders: names no folder"),
        ("folders = ['INBOX', 'Junk', 'inbox']", "17 mailbox[0].folders: names a folder twice"),
        ("folders = ['INBOX', 5]", "17 mailbox[0].folders[1]: is an integer; write a text"),
        (
            "poll_interval = '0s'",
            "17 mailbox[0].poll_interval: is out of bounds; write at least \"1s\" and at most \"1h\"",
        ),
        ("poll_interval = '61m'", "17 mailbox[0].poll_interval: is out of bounds"),
        ("start = 'yesterday'", "17 mailbox[0].start: is not a start"),
        ("start = 09:00:00", "17 mailbox[0].start: is not a start"),
        ("start = 5", "17 mailbox[0].start: is not a start"),
        ("after = 'delete'", "17 mailbox[0].after: is no such thing"),
        ("after = { move = 'A', keyword = 'b' }", "17 mailbox[0].after: is no such thing"),
        ("after = {}", "17 mailbox[0].after: is no such thing"),
        ("after = { move = 'inbox' }", "17 mailbox[0].after: moves mails into a folder that is watched"),
        ("after = { move = '' }", "17 mailbox[0].after: is empty"),
        ("after = { keyword = '\\Seen' }", "17 mailbox[0].after: names no keyword that IMAP allows"),
        ("path = '/var/mail'", "17 mailbox[0].path: belongs to kind = \"maildir\""),
        (
            "poll_intervall = '5m'",
            "17 mailbox[0].poll_intervall: is no key of this section; did you mean poll_interval?",
        ),
    ] {
        check_line(user, &format!("{written}\n{user}"), fault);
    }
    check_line("\"support\"", "'Posteingang ä'", "14 mailbox[0].name: is no name");
    check_line(
        "[smtp]",
        &format!("{MAILBOX}folders = ['Inbox']\n[smtp]"),
        "20 mailbox[1].name: is the name of an earlier mailbox\n\
         20 mailbox[1].name: watches a folder that mailbox[0] watches too",
    );
    let maildir = "[[mailbox]]\nname = 'local'\nkind = 'maildir'\nhost = 'x'\nfolders = ['INBOX']\n[smtp]";
    check_line(
        "[smtp]",
        maildir,
        "19 mailbox[1].path: is missing\n\
         22 mailbox[1].host: belongs to kind = \"imap\"\n\
         23 mailbox[1].folders: belongs to kind = \"imap\"",
    );
}

#[test]
fn limits_and_spam() {
    let text =
        format!("{}[limits]\nparts = 50\ntime = '30s'\n[spam]\nheader = 'X-Spam-Status'\nvalue = 'Yes'\n", good());
    let config = Site::new().parse(&text).expect("no fault");
    assert_eq!((config.limits.parts, config.limits.time), (50, jiff::SignedDuration::from_secs(30)));
    assert_eq!(config.limits.addresses, 500, "what is left out keeps its default");
    assert_eq!(config.spam.map(|spam| spam.name).as_deref(), Some("X-Spam-Status"));
    for (written, fault) in [
        ("[limits]\nparts = 3", "22 limits.parts: is out of bounds"),
        ("[limits]\nheader_length = '5 MB'", "22 limits.header_length: is out of bounds"),
        ("[spam]\nheader = 'X Spam'\nvalue = 'Yes'", "22 spam.header: is a name that no header field can have"),
        ("[spam]\nheader = 'X-Spam-Flag'", "21 spam.value: is missing"),
    ] {
        check(&format!("{}{written}\n", good()), fault);
    }
}
