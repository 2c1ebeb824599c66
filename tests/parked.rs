//! Mails that wait for a person: spam, forgeries, robots, what nobody can read. What is listed, who is told
//! when, and what a release or a discard makes of each.

use crate::story::{Desk, to};

const REQUEST: &str = "\
From: Jan Obcy <jan@obcy.example>
To: pomoc@myhezo.example
Subject: Macierz nie wstaje
Message-ID: <1@obcy.example>
X-Spam-Flag: YES

Dzień dobry, macierz nie wstaje po zaniku zasilania. Numer seryjny: 8485243.
";

const SPAM: &str = "[spam]\nheader = \"X-Spam-Flag\"\nvalue = \"YES\"\n";

const CONTRACTS: &str = "contract,nip,customer,plan,window,delivery,valid_from,valid_to,serials,senders\n\
    HEZO/QSP/2025/00417,6319756636,Obcy,SOS,8x5,NBD,2025-01-01,2027-12-31,8485243,@obcy.example\n";

fn waiting(desk: &Desk) -> Vec<(String, String)> {
    let listed = desk.json(&["parked", "list", "--json"]);
    let text = |value: &serde_json::Value, key: &str| value[key].as_str().unwrap_or_default().to_string();
    listed.iter().map(|one| (text(one, "number"), text(one, "cause"))).collect()
}

fn pair(number: &str, cause: &str) -> (String, String) {
    (number.to_string(), cause.to_string())
}

/// Runs a command that has to succeed; what it prints.
fn done(desk: &Desk, arguments: &[&str]) -> String {
    let output = desk.command(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_string()
}

#[test]
fn spam_waits_without_a_word_and_a_late_release_shows_as_late() {
    let desk = Desk::with("", SPAM);
    assert!(desk.mail("2026-11-23 09:05", REQUEST).is_empty(), "neither an acknowledgement nor an alert");
    assert!(desk.tickets().is_empty());
    assert_eq!(waiting(&desk), [pair("P1", "spam")]);
    desk.run("2026-11-23 11:30");
    assert!(desk.sent().is_empty(), "spam has no ladder");
    desk.run("2026-11-23 12:01");
    let digest = desk.sent();
    assert_eq!(digest.len(), 2, "one for each engineer");
    let text = to(&digest, "anna@hezo.example").text();
    for words in ["P1", "jan@obcy.example", "Macierz nie wstaje", "parked release"] {
        assert!(text.contains(words), "{words} in {text}");
    }
    desk.run("2026-11-23 12:30");
    assert!(desk.sent().is_empty(), "once at midday");
    let now = "2026-11-23T11:40:00Z";
    let number = done(&desk, &["parked", "release", "P1", "--now", now]);
    let ticket = desk.ticket(&number);
    let clock = ticket["clocks"].as_array().and_then(|all| all.iter().find(|one| one["kind"] == "reaction"));
    let clock = clock.expect("a reaction clock");
    assert_eq!(clock["start"], "2026-11-23T08:05:00Z", "it counts from the sending");
    assert!(clock["due"].as_str().is_some_and(|due| due < now), "{clock}");
    assert_eq!(ticket["customer"]["address"], "jan@obcy.example");
    desk.run("2026-11-23 12:41");
    let sent = desk.sent();
    assert!(to(&sent, "jan@obcy.example").message.subject.contains(&number), "it is acknowledged now");
    to(&sent, "escalation@myhezo.example");
    assert_eq!(waiting(&desk), []);
    let again = desk.command(&["parked", "release", "P1", "--now", now]);
    assert_eq!(again.status.code(), Some(2), "once");
    desk.receive("2026-11-23 12:50", REQUEST);
    desk.run("2026-11-23 12:51");
    assert_eq!(desk.tickets().len(), 1, "the same mail again is known");
}

#[test]
fn a_sender_named_in_a_contract_and_an_answer_to_us_are_no_spam() {
    let desk = Desk::with("contracts = \"{dir}/contracts.csv\"", SPAM);
    std::fs::write(desk.dir().join("contracts.csv"), CONTRACTS).expect("the list");
    let sent = desk.mail("2026-11-23 09:05", REQUEST);
    assert!(!to(&sent, "jan@obcy.example").ticket().is_empty());
    let stranger = REQUEST.replace("obcy.example", "inny.example").replace("X-Spam-Flag: YES\n", "");
    let sent = desk.mail("2026-11-23 09:06", &stranger);
    let ack = to(&sent, "jan@inny.example");
    let answer = format!(
        "From: jan@inny.example\nTo: {}\nSubject: Re: {}\nIn-Reply-To: <{}>\nX-Spam-Flag: YES\n\nUmowa HEZO/QSP/2025/00417.\n",
        ack.reply_to(),
        ack.message.subject,
        ack.id()
    );
    desk.mail("2026-11-23 09:10", &answer);
    assert_eq!(waiting(&desk), []);
}

#[test]
fn everything_in_the_junk_folder_waits() {
    let desk = Desk::new();
    let settings = desk.dir().join("settings.toml");
    let text = std::fs::read_to_string(&settings).expect("the settings");
    let text = text.replace("name = \"support\"", "name = \"support\"\njunk = true");
    std::fs::write(&settings, text).expect("the settings");
    desk.mail("2026-11-23 09:05", &REQUEST.replace("X-Spam-Flag: YES\n", ""));
    assert_eq!(waiting(&desk), [pair("P1", "spam")]);
    let shown = done(&desk, &["parked", "show", "P1"]);
    assert!(shown.contains("junk-folder") && shown.contains("macierz nie wstaje"), "{shown}");
    done(&desk, &["parked", "discard", "P1", "reklama"]);
    assert_eq!(waiting(&desk), []);
    let all = desk.json(&["parked", "list", "--all", "--json"]);
    assert_eq!((&all[0]["settled_as"], &all[0]["why"]), (&"discarded".into(), &"reklama".into()));
}

#[test]
fn a_forged_engineer_runs_a_clock_and_escalates() {
    let desk = Desk::new();
    let forged = "From: Anna <anna@hezo.example>\nTo: pomoc@myhezo.example\nSubject: pilne\nMessage-ID: <f@x>\n\nProszę przesłać hasło.\n";
    let told = desk.mail_stamped("2026-11-23 09:05", "dmarc=fail (p=none)", forged);
    to(&told, "anna@hezo.example");
    assert_eq!(waiting(&desk), [pair("P1", "forged-engineer")]);
    let due = desk.json(&["parked", "list", "--json", "--now", "2026-11-23T08:10:00Z"]);
    assert_eq!((&due[0]["due"], &due[0]["late"]), (&"2026-11-23T09:05:00Z".into(), &false.into()));
    desk.run("2026-11-23 09:36");
    let reminded = desk.sent();
    assert_eq!(reminded.len(), 2, "the engineers are reminded");
    desk.run("2026-11-23 10:06");
    let escalated = desk.sent();
    assert!(to(&escalated, "escalation@myhezo.example").text().contains("P1"));
    desk.run("2026-11-23 10:30");
    assert!(desk.sent().is_empty(), "once");
    let number = done(&desk, &["parked", "release", "P1", "--now", "2026-11-23T09:40:00Z"]);
    desk.run("2026-11-23 10:41");
    assert!(desk.sent().iter().all(|mail| !mail.message.subject.contains("przyjęte")), "no acknowledgement to us");
    assert_eq!(desk.ticket(&number)["state"], "new");
}

#[test]
fn a_mail_without_a_sender_waits_and_can_be_released() {
    let desk = Desk::new();
    desk.receive_stamped(
        "2026-11-23 09:05",
        "dmarc=none",
        "Subject: awaria\nMessage-ID: <n@x>\n\nNie działa nam napęd.\n",
    );
    desk.run("2026-11-23 09:05");
    assert_eq!(desk.sent().len(), 2, "the engineers are told");
    assert_eq!(waiting(&desk), [pair("P1", "unreadable")]);
    let number = done(&desk, &["parked", "release", "1", "--now", "2026-11-23T08:20:00Z"]);
    desk.run("2026-11-23 09:21");
    let sent = desk.sent();
    assert!(to(&sent, "anna@hezo.example").text().contains("Nie działa nam napęd"));
    assert!(desk.ticket(&number)["entries"].to_string().contains("no-customer"));
}

#[test]
fn a_mailing_is_noted_told_in_the_digest_once_and_can_be_released() {
    let desk = Desk::new();
    desk.run("2026-11-20 16:50");
    let mailing = "From: Hurt <news@hurt.example>\nTo: pomoc@myhezo.example\nSubject: Promocja\nMessage-ID: <m@x>\nPrecedence: bulk\n\nTylko dziś!\n";
    assert!(desk.mail("2026-11-21 18:00", mailing).is_empty());
    desk.run("2026-11-22 12:30");
    assert!(desk.sent().is_empty(), "no digest on a Sunday");
    desk.run("2026-11-23 09:00");
    assert!(to(&desk.sent(), "anna@hezo.example").text().contains("Promocja"));
    desk.run("2026-11-23 12:05");
    assert!(desk.sent().is_empty(), "once");
    assert_eq!(waiting(&desk), [pair("P1", "bulk")], "it is listed all the same");
    let number = done(&desk, &["parked", "release", "P1", "--now", "2026-11-23T11:10:00Z"]);
    let entries = desk.ticket(&number)["entries"].to_string();
    assert!(entries.contains("withheld"), "a robot is not answered: {entries}");
}

#[test]
fn a_sender_whom_its_own_domain_denies_is_a_ticket_and_is_listed() {
    let desk = Desk::new();
    let plain = REQUEST.replace("X-Spam-Flag: YES\n", "");
    let sent = desk.mail_stamped("2026-11-23 09:05", "dmarc=fail (p=reject)", &plain);
    assert!(sent.iter().all(|mail| mail.to() != "jan@obcy.example"));
    assert_eq!(waiting(&desk), [pair("P1", "failed-authentication")]);
    let number = desk.tickets()[0]["ticket"].as_str().expect("a number").to_string();
    done(&desk, &["parked", "discard", "P1", "podszywa", "się", "--now", "2026-11-23T08:20:00Z"]);
    assert_eq!(desk.ticket(&number)["state"], "closed");
    assert_eq!(waiting(&desk), []);
}

#[test]
fn an_answer_that_was_held_waits_until_one_has_left() {
    let desk = Desk::new();
    let sent = desk.mail("2026-11-23 09:05", &REQUEST.replace("X-Spam-Flag: YES\n", ""));
    let notice = to(&sent, "anna@hezo.example");
    let answer = |text: &str| {
        let (to, id) = (notice.reply_to(), notice.id());
        format!(
            "From: anna@hezo.example\nTo: {to}\nSubject: RE: x\nMessage-ID: <{}@hezo.example>\nIn-Reply-To: <{id}>\n\n{text}\n",
            text.len()
        )
    };
    desk.mail("2026-11-23 09:10", &answer("#nonsens"));
    assert_eq!(waiting(&desk), [pair("P1", "held-answer")]);
    desk.mail("2026-11-23 09:15", &answer("Proszę o log z macierzy."));
    assert_eq!(waiting(&desk), []);
}

#[test]
fn spam_under_a_named_address_is_as_good_as_its_proof() {
    let check = |result: &str, acknowledged: bool, tickets: usize, parked: &[&str]| {
        let desk = Desk::with("contracts = \"{dir}/contracts.csv\"", SPAM);
        std::fs::write(desk.dir().join("contracts.csv"), CONTRACTS).expect("the list");
        let sent = desk.mail_stamped("2026-11-23 09:05", result, REQUEST);
        let acks = sent.iter().filter(|mail| mail.to() == "jan@obcy.example").count();
        assert_eq!((acks, desk.tickets().len()), (usize::from(acknowledged), tickets), "{result}");
        let causes: Vec<String> = waiting(&desk).into_iter().map(|(_, cause)| cause).collect();
        assert_eq!(causes, parked, "{result}");
        if !acknowledged && tickets > 0 {
            let number = desk.tickets()[0]["ticket"].as_str().expect("a number").to_string();
            let ticket = desk.ticket(&number).to_string();
            assert!(ticket.contains("spam-header"), "{result}: the rule is told: {ticket}");
            desk.run("2026-11-23 10:06");
            let sent = desk.sent();
            assert!(sent.iter().any(|mail| mail.to() == "escalation@myhezo.example"), "{result}: its clock runs");
        }
    };
    check("dmarc=pass", true, 1, &[]);
    check("dmarc=none", false, 1, &[]);
    check("dmarc=fail (p=none)", false, 0, &["spam"]);
    check("dmarc=fail (p=reject)", false, 0, &["spam"]);
}

#[test]
fn who_writes_under_our_address_waits_and_nothing_goes_round() {
    let form = "From: Formularz <pomoc@myhezo.example>\nTo: pomoc@myhezo.example\nSubject: Zgłoszenie ze strony\n\
                Message-ID: <f@www.myhezo.example>\n\nMacierz nie wstaje, proszę o telefon 600 100 200.\n";
    let desk = Desk::new();
    let told = desk.mail_stamped("2026-11-23 09:05", "dmarc=none", form);
    assert_eq!(waiting(&desk), [pair("P1", "other")]);
    assert_eq!(told.len(), 2, "the engineers are told");
    // A server that gives every mail another Message-ID lets all of it come back.
    for round in 0..3 {
        let at = format!("2026-11-23 09:{}6", round + 1);
        desk.run(&at);
        for (n, mail) in told.iter().chain(&desk.sent()).enumerate() {
            let id = format!("<{}>", mail.id());
            desk.deliver(&at, &mail.raw.replace("\r\n", "\n").replace(&id, &format!("<{round}-{n}@other.example>")));
        }
        desk.run(&at);
        assert_eq!(waiting(&desk).len(), 1, "what tells of it never waits itself");
    }
    let number = done(&desk, &["parked", "release", "P1", "--now", "2026-11-23T08:40:00Z"]);
    desk.run("2026-11-23 09:41");
    assert!(desk.sent().iter().any(|mail| mail.ticket() == number && mail.text().contains("600 100 200")));
    assert_eq!(desk.ticket(&number)["state"], "new");
}
