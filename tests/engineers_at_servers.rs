//! Two engineers and two customers on a real Dovecot and a real Postfix, with the answers that the common
//! mail programs write.

use std::collections::HashSet;

use crate::answer_cases::{cases, fill, part};
use crate::desk_at_work::customers_mail;
use crate::servers::daemon::{DESK, Desk, ENGINEERS, ESCALATION};
use crate::servers::{Servers, wait_for};
use hezo_intake::desk::message::Message;

const JAN: &str = "jan@fabryka.example";
const EWA: &str = "ewa@szpital.example";

/// Of every kind: HTML and plain, above and below the quote, on a desk and on a telephone.
const PROGRAMS: [&str; 8] = [
    "outlook-windows-html-top.txt",
    "thunderbird-plain-bottom.txt",
    "apple-mail-html-top.txt",
    "gmail-web-top.txt",
    "ios-mail-html-top.txt",
    "gmail-web-bottom.txt",
    "outlook-windows-plain-top.txt",
    "samsung-html-top.txt",
];

/// The mails of a mailbox, once there are so many.
fn mails(servers: &Servers, mailbox: &str, count: usize) -> Vec<Message> {
    wait_for(&format!("{mailbox} gets mail number {count}"), || {
        let mails = servers.mails(mailbox, "");
        (mails.len() >= count).then(|| mails.iter().map(|raw| Message::parse(raw)).collect())
    })
}

#[test]
fn answers_of_many_programs_go_their_way() {
    let servers = Servers::start(&[DESK, ESCALATION, ENGINEERS[0], ENGINEERS[1], JAN, EWA]);
    let desk = Desk::new(&servers, "port = {imaps}");
    let daemon = desk.start(&[]);
    daemon.wait_for("ready");

    let jan = customers_mail().replace("pomoc@myhezo.pl", DESK);
    let ewa = jan.replace(JAN, EWA).replace("Jan Wzorcowy", "Ewa Szpitalna").replace("<1@fabryka", "<2@szpital");
    servers.hand_in(JAN, DESK, &jan);
    mails(&servers, ENGINEERS[1], 1);
    servers.hand_in(EWA, DESK, &ewa);
    for engineer in ENGINEERS {
        mails(&servers, engineer, 2);
    }
    let cases = cases();
    let mut tickets = HashSet::new();
    for (n, program) in PROGRAMS.into_iter().enumerate() {
        let (_, case) = cases.iter().find(|(name, _)| name == program).expect("a case of this name");
        let (engineer, customer) = (ENGINEERS[n % 2], [JAN, EWA][n / 2 % 2]);
        let about = if customer == JAN { "Jan Wzorcowy (" } else { "Ewa Szpitalna (" };
        let theirs = servers.mails(engineer, "");
        let is_notice = |raw: &&Vec<u8>| Message::parse(raw).from.is_some_and(|from| from.name.starts_with(about));
        let notice = theirs.iter().find(is_notice).expect("a notice");
        let name = ["Anna Inżynier", "Marek Serwisant"][n % 2];
        let template =
            part(case, "mail").expect("a mail").replace(ENGINEERS[0], engineer).replace("Anna Inżynier", name);
        let reply_to = Message::parse(notice).reply_to.expect("a reply address").address;
        let before = servers.mails(customer, "").len();
        servers.submit(engineer, &reply_to, &fill(&template, notice));
        let relay = mails(&servers, customer, before + 1).pop().expect("a relay");
        let text = relay.plain.clone().unwrap_or_default();
        let (words, signature) = text.split_once("\n-- \n").unwrap_or((&text, ""));
        assert_eq!(words.trim_end(), part(case, "relay").expect("what is relayed"), "{program}");
        assert!(signature.starts_with(name), "{program}: {signature}");
        let from = relay.from.clone().expect("a sender");
        assert_eq!((from.address.as_str(), from.name), (DESK, format!("{name}, HEZO Assistance")), "{program}");
        let fields = relay.headers.iter().map(|field| field.value.as_str());
        let parts: Vec<&str> = fields.chain([text.as_str(), relay.html.as_deref().unwrap_or_default()]).collect();
        for internal in ["Tylko dla", "Zegar", "Nadawca wiadomości", "mailto:", "reply above"].iter().chain(&ENGINEERS)
        {
            assert!(!parts.iter().any(|part| part.contains(internal)), "{program}: {internal} in {parts:?}");
        }
        tickets.insert(relay.subject);
    }
    assert_eq!(tickets.len(), 2, "each customer reads of the own ticket alone");
    for ticket in desk.json(&["tickets", "list", "--json"]) {
        let number = ticket["ticket"].as_str().expect("a number");
        wait_for("the reaction is recorded", || {
            let ticket = desk.json(&["tickets", "show", number, "--json"]).remove(0);
            let clocks = ticket["clocks"].as_array()?.clone();
            clocks.iter().find(|clock| clock["kind"] == "reaction")?["satisfied_at"].as_str().map(str::to_string)
        });
    }
}
