//! A mail that was handed over and not answered for: it is looked for among the sent ones, and leaves again,
//! under the same Message-ID, only where it is not there.

use crate::servers::daemon::{DESK, Desk, ENGINEERS, ESCALATION};
use crate::servers::{Servers, wait_for};
use hezo_intake::desk::message::Message;
use jiff::{SignedDuration, Timestamp};

const CUSTOMERS: [&str; 2] = ["jan@fabryka.example", "ewa@szpital.example"];

#[test]
fn a_mail_in_doubt_is_looked_for_before_it_leaves_again() {
    let mailboxes: Vec<&str> = [DESK, ESCALATION].iter().chain(&ENGINEERS).chain(&CUSTOMERS).copied().collect();
    let servers = Servers::start(&mailboxes);
    servers.doveadm(DESK, &["mailbox create", "Sent"]);
    let desk = Desk::new(&servers, "port = {imaps}\nstart = \"all\"\nsent = \"Sent\"\n");
    // One mail after another, the acknowledgement first.
    let settings = std::fs::read_to_string(servers.dir().join("settings.toml")).expect("the settings");
    desk.write("settings.toml", &format!("{settings}connections = 1\n"));
    let mut now = Timestamp::now();
    // The first customer's answer is among the sent ones, as a server that keeps them has it; the second's
    // is not.
    for (customer, is_kept) in CUSTOMERS.into_iter().zip([true, false]) {
        let mail = format!(
            "From: {customer}\nTo: {DESK}\nSubject: Awaria\nMessage-ID: <1.{customer}>\n\nNr seryjny: B824100317\n"
        );
        servers.put(DESK, [mail]);
        // The answer is accepted, and the program dies before it has noted that.
        let died = desk.dying_command(&["run", "--once", "--now", &now.to_string()], "accepted:1");
        assert!(died.status.code().is_none(), "{}", String::from_utf8_lossy(&died.stderr));
        wait_for("the answer arrives", || (!servers.mails(customer, "").is_empty()).then_some(()));
        if is_kept {
            servers.put_in(DESK, ".Sent", servers.mails(customer, ""));
        }
        now += SignedDuration::from_mins(3);
        let output = desk.command(&["run", "--once", "--now", &now.to_string()]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        now += SignedDuration::from_mins(3);
        let output = desk.command(&["run", "--once", "--now", &now.to_string()]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let copies = if is_kept { 1 } else { 2 };
        wait_for("all have arrived", || (servers.mails(customer, "").len() >= copies).then_some(()));
        let mails = servers.mails(customer, "");
        let mut ids: Vec<_> = mails.iter().filter_map(|mail| Message::parse(mail).message_id).collect();
        assert_eq!(ids.len(), copies, "{customer}");
        ids.dedup();
        assert_eq!(ids.len(), 1, "{customer}: under one Message-ID");
    }
    for ticket in desk.json(&["tickets", "list", "--json"]) {
        let ticket = desk.json(&["tickets", "show", ticket["ticket"].as_str().expect("a number"), "--json"]).remove(0);
        let mails = ticket["mails"].as_array().expect("a list");
        assert!(mails.iter().all(|mail| mail["state"] == "sent"), "{mails:?}");
    }
}
