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
    // One mail after another; which is the first is left to chance.
    let settings = std::fs::read_to_string(servers.dir().join("settings.toml")).expect("the settings");
    desk.write("settings.toml", &format!("{settings}connections = 1\n"));
    let mut now = Timestamp::now();
    // The mail for the first customer's ticket is among the sent ones, as a server that keeps them has it; the one
    // for the second's is not.
    for (count, (customer, is_kept)) in CUSTOMERS.into_iter().zip([true, false]).enumerate() {
        let people: Vec<&str> = ENGINEERS.into_iter().chain([customer]).collect();
        let all = || people.iter().flat_map(|who| servers.mails(who, "").into_iter().map(move |mail| (*who, mail)));
        // Nothing of the ticket before is still to come.
        wait_for("what was sent before", || (all().count() >= count * (ENGINEERS.len())).then_some(()));
        let before: Vec<Option<String>> = all().map(|(_, mail)| Message::parse(&mail).message_id).collect();
        let mail = format!(
            "From: {customer}\nTo: {DESK}\nSubject: Awaria\nMessage-ID: <1.{customer}>\n\nNr seryjny: B824100317\n"
        );
        servers.put(DESK, [mail]);
        // The mail is accepted, and the program dies before it has noted that.
        let died = desk.dying_command(&["run", "--once", "--now", &now.to_string()], "accepted:1");
        assert!(died.status.code().is_none(), "{}", String::from_utf8_lossy(&died.stderr));
        let is_new = |(_, mail): &(&str, Vec<u8>)| !before.contains(&Message::parse(mail).message_id);
        let (who, mail) = wait_for("the accepted mail arrives", || all().find(is_new));
        let id = Message::parse(&mail).message_id;
        if is_kept {
            servers.put_in(DESK, ".Sent", [mail]);
        }
        for _ in 0..2 {
            now += SignedDuration::from_mins(3);
            let output = desk.command(&["run", "--once", "--now", &now.to_string()]);
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        let copies = || all().filter(|(_, mail)| Message::parse(mail).message_id == id).count();
        let expected = if is_kept { 1 } else { 2 };
        wait_for("all have arrived", || (copies() >= expected && all().count() > before.len() + 2).then_some(()));
        assert_eq!(copies(), expected, "{who}: under one Message-ID");
    }
    for ticket in desk.json(&["tickets", "list", "--json"]) {
        let ticket = desk.json(&["tickets", "show", ticket["ticket"].as_str().expect("a number"), "--json"]).remove(0);
        let mails = ticket["mails"].as_array().expect("a list");
        assert!(mails.iter().all(|mail| mail["state"] == "sent"), "{mails:?}");
    }
}
