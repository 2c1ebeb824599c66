//! Attacks on a mail desk, told to the built program. Each has happened to another desk.

use std::collections::BTreeSet;

use crate::story::{Desk, Sent, to};

const CUSTOMER: &str = "jan@fabryka.example";
const STRANGER: &str = "ewa@attacker.example";
const ANNA: &str = "anna@hezo.example";
const MAREK: &str = "marek@hezo.example";
const DESK: &str = "pomoc@myhezo.example";

const CONTRACTS: &str = "contract,nip,customer,plan,window,delivery,valid_from,valid_to,serials,senders\n\
    HEZO/QSP/2025/00417,9946900604,Fabryka Wzorcowa,SOS,24x7,8h,2025-01-01,2030-12-31,B824100317;1914Q-20688;8472619,@fabryka.example\n\
    HEZO/QSP/2021/00111,5250001233,Dawna Firma,SOS,8x5,NBD,2021-01-01,2024-12-31,C824100999,@dawna.example\n";

fn desk() -> Desk {
    let desk = Desk::with("contracts = \"{dir}/contracts.csv\"", "");
    std::fs::write(desk.dir().join("contracts.csv"), CONTRACTS).expect("the contracts");
    desk
}

/// A mail to the desk.
fn mail(from: &str, id: &str, subject: &str, text: &str) -> String {
    mail_to(DESK, from, id, subject, text)
}

fn mail_to(to: &str, from: &str, id: &str, subject: &str, text: &str) -> String {
    format!("From: {from}\nTo: {to}\nSubject: {subject}\nMessage-ID: <{id}@mail.example>\n\n{text}\n")
}

fn recipients(sent: &[Sent]) -> Vec<&str> {
    sent.iter().map(Sent::to).collect()
}

/// A customer's request, and what the desk then sent.
fn request(desk: &Desk) -> Vec<Sent> {
    desk.mail("2026-11-23 09:05", &mail(CUSTOMER, "1", "Awaria", "Nr seryjny: B824100317, umowa HEZO/QSP/2025/00417"))
}

/// A1: somebody registers elsewhere with the desk's address, to read the confirmation out of the desk.
#[test]
fn a_foreign_confirmation_reaches_nobody_outside() {
    let desk = desk();
    let ack_address = {
        let sent = desk.mail("2026-11-23 09:05", &mail(STRANGER, "1", "Pomoc", "Nr seryjny: X1234567"));
        to(&sent, STRANGER).reply_to().to_string()
    };
    let code = mail_to(&ack_address, "konta@chat.example", "2", "Your code", "Your sign-in code is 482913.");
    let sent = desk.mail("2026-11-23 09:10", &code);
    assert_eq!(recipients(&sent).into_iter().collect::<BTreeSet<_>>(), BTreeSet::from([ANNA, MAREK]));
    assert!(sent.iter().all(|mail| mail.text().contains("konta@chat.example, który nie uczestniczy")));
    let tickets = desk.tickets();
    assert_eq!(tickets.len(), 1, "the token leads to its ticket");
    let number = tickets[0]["ticket"].as_str().expect("a number");
    assert_eq!(desk.ticket(number)["entries"].as_array().expect("entries").last().expect("one")["kind"], "unconfirmed");
    let relayed = desk.mail("2026-11-23 09:20", &answer(&sent[0], "Proszę o log."));
    assert!(!to(&relayed, STRANGER).raw.contains("482913"));
}

/// An engineer's answer to a notice.
fn answer(notice: &Sent, text: &str) -> String {
    mail_to(notice.reply_to(), notice.to(), &format!("answer-{}", text.len()), "Re: Awaria", text)
}

/// A2: the requester is forged, and the attacker stands in Cc.
#[test]
fn a_copy_gives_nobody_access() {
    let desk = desk();
    let forged = mail(CUSTOMER, "1", "Awaria", "Nr seryjny: B824100317")
        .replace("\nSubject", &format!("\nCc: {STRANGER}\nSubject"));
    for (n, result) in ["dmarc=none", "dmarc=fail (p=none)", "dmarc=pass"].into_iter().enumerate() {
        let sent = desk.mail_stamped("2026-11-23 09:05", result, &forged.replace("<1@", &format!("<{n}@")));
        assert!(!recipients(&sent).contains(&STRANGER), "{result}");
        let number = sent[0].ticket();
        assert_eq!(desk.ticket(number)["participants"], serde_json::json!([CUSTOMER]), "{result}");
        let notice = sent.iter().find(|mail| mail.to() == ANNA).expect("a notice");
        let relayed = desk.mail("2026-11-23 09:10", &answer(notice, &format!("Proszę o log, {result}.")));
        assert!(!recipients(&relayed).contains(&STRANGER), "{result}");
        let claim = mail(STRANGER, &format!("claim-{n}"), &format!("Re: [{number}] Awaria"), "I take part.");
        let sent = desk.mail("2026-11-23 09:15", &claim);
        assert_ne!(sent[0].ticket(), number, "{result}: a tag is no proof");
    }
}

/// Whom a proven sender's own contract names too takes part from the beginning.
#[test]
fn a_colleague_in_copy_takes_part_where_the_sender_is_proven() {
    let desk = desk();
    let copied = mail(CUSTOMER, "1", "Awaria", "Nr seryjny: B824100317")
        .replace("\nSubject", "\nCc: ola@fabryka.example\nSubject");
    let taking_part = |result: &str, id: &str| {
        let sent = desk.mail_stamped("2026-11-23 09:05", result, &copied.replace("<1@", &format!("<{id}@")));
        desk.ticket(sent[0].ticket())["participants"].clone()
    };
    assert_eq!(taking_part("dmarc=none", "1"), serde_json::json!([CUSTOMER]));
    assert_eq!(taking_part("dmarc=pass", "2"), serde_json::json!([CUSTOMER, "ola@fabryka.example"]));
}

/// A3: forged senders make the desk write to somebody who never wrote.
#[test]
fn a_forged_sender_gets_a_few_neutral_mails_at_most() {
    let desk = desk();
    let victim = "ofiara@poczta.example";
    for n in 0..30 {
        let from = format!("\"WYGRALES 1000 ZL http://evil.example/{n}\" <{victim}>");
        let words: String =
            (0..20).map(|word| format!("slowo{} ", char::from(b'a' + ((n * 7 + word * 3) % 26) as u8))).collect();
        let text = format!("Kliknij http://evil.example {words}\nNr seryjny: evil.example/{n}\nS/N: AB12345{n}");
        desk.receive_stamped(
            "2026-11-23 09:05",
            "dmarc=none",
            &mail(&from, &format!("{n}"), &format!("NAGRODA {words}"), &text),
        );
    }
    desk.run("2026-11-23 09:06");
    let sent = desk.sent();
    let acks: Vec<&Sent> = sent.iter().filter(|mail| mail.to() == victim).collect();
    assert_eq!(acks.len(), 5, "the budget of an address and hour");
    for ack in &acks {
        for words in ["evil", "NAGRODA", "Kliknij", "WYGRALES", "slowo"] {
            assert!(!ack.raw.contains(words), "{words} in {}", ack.raw);
        }
        assert_eq!(ack.message.to[0].name, "");
    }
    assert_eq!(desk.json(&["reconcile", "--json"])[0]["gap"], 0, "no mail is dropped");
    let withheld = desk.ticket(desk.tickets()[0]["ticket"].as_str().expect("a number"));
    let entries = withheld["entries"].as_array().expect("entries").clone();
    let rule = entries.iter().find(|entry| entry["kind"] == "withheld").expect("the rule stands there");
    assert_eq!(rule["text"], "budget-of-the-address-and-hour");
}

/// A3: a mail whose domain asks that it be refused is answered to nobody.
#[test]
fn a_refuted_sender_is_not_answered() {
    let desk = desk();
    let forged = mail(CUSTOMER, "1", "Awaria", "Nr seryjny: B824100317");
    let sent = desk.mail_stamped("2026-11-23 09:05", "dmarc=fail (p=reject)", &forged);
    assert_eq!(recipients(&sent).into_iter().collect::<BTreeSet<_>>(), BTreeSet::from([ANNA, MAREK]));
    assert!(sent[0].text().contains("domena nadawcy zaprzecza"), "{}", sent[0].text());
}

/// A4: somebody writes to a customer as an engineer.
#[test]
fn an_engineer_is_not_to_be_impersonated() {
    let desk = Desk::with(
        "contracts = \"{dir}/contracts.csv\"",
        "[[engineer]]\nid = \"ola\"\nname = \"Ola\"\naddress = \"ola@hezo.example\"\nactive = false",
    );
    std::fs::write(desk.dir().join("contracts.csv"), CONTRACTS).expect("the contracts");
    let sent = request(&desk);
    let notice = to(&sent, ANNA);
    let other = desk.mail("2026-11-23 09:06", &mail("ola@szpital.example", "2", "Brak sieci", "Firewall stoi."));
    let of_other_ticket = to(&other, ANNA).reply_to();
    let token = notice.reply_to();
    let with = |from: &str, to: &str| {
        mail_to(to, from, &format!("x{}{}", from.len(), to.len()), "Re", "Proszę przelać opłatę.")
    };
    let flipped = |from: &str, to: &str| token.replacen(from, to, 1);
    let customers = to(&sent, CUSTOMER).reply_to();
    let table = [
        ("forged From, nothing verified", "dmarc=none", with(ANNA, token), "engineer-not-proven"),
        ("forged From, refuted", "dmarc=fail (p=none)", with(ANNA, token), "engineer-refuted"),
        ("forged From, a name server was away", "dmarc=temperror", with(ANNA, token), "engineer-not-proven"),
        ("stolen token, another sender", "dmarc=pass", with(STRANGER, token), "reply-address-of-another-engineer"),
        ("another engineer", "dmarc=pass", with(MAREK, token), "reply-address-of-another-engineer"),
        ("the customer got the notice", "dmarc=pass", with(CUSTOMER, token), "reply-address-of-another-engineer"),
        (
            "a name in place of the address",
            "dmarc=pass",
            with(&format!("\"{ANNA}\" <{STRANGER}>"), token),
            "reply-address-of-another-engineer",
        ),
        ("two addresses in From", "dmarc=pass", with(&format!("{ANNA}, {STRANGER}"), token), "engineer-not-proven"),
        ("no token", "dmarc=pass", with(ANNA, DESK), "engineer-without-reply-address"),
        ("a customer's token", "dmarc=pass", with(ANNA, customers), "reply-address-of-nobody"),
        (
            "a customer's token renamed",
            "dmarc=pass",
            with(ANNA, &customers.replacen("+c", "+e", 1)),
            "forged-reply-address",
        ),
        ("another ticket", "dmarc=pass", with(ANNA, &flipped("z26-000001", "z26-000002")), "forged-reply-address"),
        ("another person", "dmarc=pass", with(MAREK, &flipped(".anna.", ".marek.")), "forged-reply-address"),
        ("another purpose", "dmarc=pass", with(ANNA, &flipped("+e", "+s")), "forged-reply-address"),
        ("a departed engineer", "dmarc=pass", with("ola@hezo.example", token), "reply-address-of-another-engineer"),
        (
            "a signed mail sent on, From and all",
            "dmarc=pass",
            with(ANNA, token).replace("To: ", "To: kto@inny.example\nTo: "),
            "header-field-stands-twice",
        ),
        (
            "a signed mail delivered to the token alone",
            "dmarc=pass",
            format!("Delivered-To: {token}\n{}", with(ANNA, "kto@inny.example")),
            "engineer-without-reply-address",
        ),
    ];
    for (number, (who, result, attack, reason)) in table.into_iter().enumerate() {
        let attack = attack.replace("Message-ID: <", &format!("Message-ID: <{number}"));
        let sent = desk.mail_stamped("2026-11-23 09:20", result, &attack);
        for mail in &sent {
            assert!([ANNA, MAREK].contains(&mail.to()), "{who}: {}", mail.to());
            assert!(
                mail.message.subject.contains(reason) && mail.text().contains("czeka na człowieka"),
                "{who}: {}",
                mail.text()
            );
            assert!(!mail.text().contains("przelać"), "{who}");
        }
        assert!(!sent.is_empty(), "{who}: somebody is told");
    }
    let right = desk.mail("2026-11-23 09:30", &mail_to(of_other_ticket, ANNA, "right", "Re", "Proszę o log."));
    assert!(recipients(&right).contains(&"ola@szpital.example"), "the right engineer at the right ticket");
}

/// A4 and A5 on a host without plus-addresses: the token stands in the Message-ID alone.
#[test]
fn a_token_in_a_message_id_serves_as_well() {
    let desk = Desk::with("reply_tokens = \"message-id\"", "");
    let sent = request(&desk);
    let (ack, notice) = (to(&sent, CUSTOMER), to(&sent, ANNA));
    assert!(sent.iter().all(|mail| mail.message.reply_to.is_none()), "nobody answers to a plus-address");
    let answering = |from: &str, id: &str, answered: &str, text: &str| {
        mail(from, id, "Re", text).replace("\nSubject", &format!("\nIn-Reply-To: <{answered}>\nSubject"))
    };
    let relayed = |result: &str, mail: &str| {
        let sent = desk.mail_stamped("2026-11-23 09:20", result, mail);
        recipients(&sent).contains(&CUSTOMER)
    };
    let marek = to(&sent, MAREK).id();
    assert!(!relayed("dmarc=none", &answering(ANNA, "2", notice.id(), "Nie potwierdzono.")));
    assert!(!relayed("dmarc=pass", &answering(STRANGER, "3", notice.id(), "Skradziono.")));
    assert!(!relayed("dmarc=pass", &answering(ANNA, "4", marek, "Cudze.")));
    assert!(!relayed("dmarc=pass", &answering(ANNA, "5", ack.id(), "Klienta.")));
    assert!(!relayed("dmarc=pass", &answering(ANNA, "6", &notice.id().replacen('e', "c", 1), "Zmieniono.")));
    assert!(!relayed("dmarc=pass", &answering(ANNA, "7", "1@mail.example", "Bez znaku.")));
    assert!(relayed("dmarc=pass", &answering(ANNA, "8", notice.id(), "Proszę o log.")));
    let more = answering(CUSTOMER, "9", ack.id(), "Umowa HEZO/QSP/2025/00417");
    desk.mail("2026-11-23 09:30", &more);
    let ticket = desk.ticket(ack.ticket());
    let entries = ticket["entries"].as_array().expect("entries");
    assert!(entries.iter().any(|entry| entry["text"].as_str().is_some_and(|text| text.contains("Umowa HEZO"))));
    assert_eq!(desk.tickets().len(), 1, "the customer's answer threads");
}

/// A4: without any proof a site has to say so, and is warned.
#[test]
fn a_site_without_proof_has_to_say_so() {
    let settings = |desk: &Desk, text: &str| {
        let path = desk.dir().join("settings.toml");
        let settings = std::fs::read_to_string(&path).expect("the settings");
        let (before, rest) = settings.split_once("[authentication]").expect("the section");
        let (_, after) = rest.split_once("[[mailbox]]").expect("the next one");
        std::fs::write(path, format!("{before}{text}\n[[mailbox]]{after}")).expect("the settings");
    };
    let relayed = |text: &str| {
        let desk = desk();
        settings(&desk, text);
        let sent = request(&desk);
        let sent = desk.mail("2026-11-23 09:20", &answer(to(&sent, ANNA), "Proszę o log."));
        let check = desk.command(&["check", "--offline"]);
        (recipients(&sent).contains(&CUSTOMER), String::from_utf8_lossy(&check.stdout).into_owned())
    };
    let (held, said) = relayed("");
    assert!(!held && said.contains("every engineer's answer is held"), "{said}");
    let (goes, said) = relayed("[authentication]\nmethod = \"none\"\naccept_unauthenticated_engineers = true");
    assert!(goes && said.contains("writes to customers in the desk's name"), "{said}");
}

/// A5: a stranger adds to somebody else's ticket.
#[test]
fn a_stranger_adds_nothing_to_a_ticket() {
    let desk = desk();
    let sent = request(&desk);
    let ack = to(&sent, CUSTOMER);
    let number = ack.ticket();
    let text = "Nr seryjny: C824100999. Proszę zamknąć zgłoszenie.";
    let answers =
        |id: &str, header: &str| mail(STRANGER, id, "Re", text).replace("\nSubject", &format!("\n{header}\nSubject"));
    let table = [
        ("the number in the subject", mail(STRANGER, "2", &format!("Re: [{number}]"), text), None),
        ("a Message-ID that got about", answers("3", &format!("In-Reply-To: <{}>", ack.id())), Some("unconfirmed")),
        ("the customer's own Message-ID", answers("4", "References: <1@mail.example>"), None),
        ("the customer's token", mail_to(ack.reply_to(), STRANGER, "5", "Re", text), Some("unconfirmed")),
        (
            "a token with one letter changed",
            mail_to(&ack.reply_to().replacen("+c", "+c0", 1), STRANGER, "6", "Re", text),
            None,
        ),
    ];
    let mut before = desk.ticket(number)["entries"].as_array().expect("entries").len();
    for (what, attack, kind) in table {
        let sent = desk.mail("2026-11-23 09:20", &attack);
        let ticket = desk.ticket(number);
        assert!(!recipients(&sent).contains(&CUSTOMER), "{what}");
        let entries = ticket["entries"].as_array().expect("entries").clone();
        let last = entries.last().expect("one");
        match kind {
            Some(kind) => {
                assert_eq!((last["kind"].as_str(), last["author"].as_str()), (Some(kind), Some(STRANGER)), "{what}");
            }
            None => assert_eq!(entries.len(), before, "{what}"),
        }
        before = entries.len();
        assert_eq!(kind.is_some(), !recipients(&sent).contains(&STRANGER), "{what}: told only of a ticket of its own");
        assert_eq!(ticket["participants"], serde_json::json!([CUSTOMER]), "{what}");
        assert!(!ticket["numbers"].to_string().contains("C824100999"), "{what}");
    }
}

/// A5: the customer's own address, forged, under References that got about.
#[test]
fn a_denied_customer_is_a_stranger_until_its_token_comes_back() {
    let desk = desk();
    let sent = request(&desk);
    let ack = to(&sent, CUSTOMER);
    let number = ack.ticket();
    let kind_of_last =
        || desk.ticket(number)["entries"].as_array().expect("entries").last().expect("one")["kind"].clone();
    let text = "Nr seryjny: C824100999";
    let forged =
        mail(CUSTOMER, "2", "Re", text).replace("\nSubject", &format!("\nIn-Reply-To: <{}>\nSubject", ack.id()));
    desk.mail_stamped("2026-11-23 09:20", "dmarc=fail (p=none)", &forged);
    assert_eq!(kind_of_last(), "unconfirmed");
    desk.mail_stamped("2026-11-23 09:21", "dmarc=fail (p=none)", &mail_to(ack.reply_to(), CUSTOMER, "3", "Re", text));
    assert_eq!(kind_of_last(), "customer", "somebody there has read our mail");
    desk.mail_stamped("2026-11-23 09:22", "dmarc=none", &forged.replace("<2@", "<4@"));
    assert_eq!(kind_of_last(), "customer", "a domain that says nothing is not denied");
}

/// A6: Reply-To is not who wrote.
#[test]
fn reply_to_names_nobody() {
    let desk = desk();
    let with = |from: &str, reply_to: &str, to: &str, id: &str| {
        mail_to(to, from, id, "Awaria", "Nr seryjny: B824100317")
            .replace("\nSubject", &format!("\nReply-To: {reply_to}\nSubject"))
    };
    let sent = desk.mail("2026-11-23 09:05", &with(STRANGER, CUSTOMER, DESK, "1"));
    assert!(!recipients(&sent).contains(&CUSTOMER));
    assert!(to(&sent, STRANGER).text().contains("można to zrobić na myHEZO.pl"), "not named in a contract");
    assert!(to(&sent, ANNA).text().contains(&format!("prosi o odpowiedź na inny adres: {CUSTOMER}")));
    assert_eq!(desk.tickets()[0]["customer"], STRANGER);
    let relayed = desk.mail("2026-11-23 09:10", &answer(to(&sent, ANNA), "Proszę o log."));
    assert!(recipients(&relayed).contains(&STRANGER) && !recipients(&relayed).contains(&CUSTOMER));
    let token = to(&sent, ANNA).reply_to().to_string();
    let sent = desk.mail("2026-11-23 09:20", &with(STRANGER, ANNA, &token, "2"));
    assert!(!recipients(&sent).contains(&STRANGER), "held");
}

/// A7: the sender brings its own results.
#[test]
fn forged_results_prove_nothing() {
    let desk = desk();
    let sent = request(&desk);
    let token = to(&sent, ANNA).reply_to().to_string();
    let results = "Authentication-Results: mx.myhezo.example; dmarc=pass header.from=hezo.example\n";
    let border = "Received: from x (x [192.0.2.6]) by mx.myhezo.example with ESMTPS id 6; 1 Jan\n";
    let attack = |n: usize| mail_to(&token, ANNA, &format!("attack{n}"), "Re", "Proszę przelać.");
    let table = [
        ("below the border host's line", format!("{border}{results}{}", attack(0))),
        ("above a second line of the border host's", format!("{border}{results}{border}{}", attack(1))),
        ("with no line of the border host's", format!("{results}{}", attack(2))),
        ("under another name", format!("{}{border}{}", results.replace("mx.my", "mx.our"), attack(3))),
        (
            "in a line of its own making",
            format!(
                "Received: from a by b with LMTP (x [192.0.2.6]) by mx.myhezo.example with ESMTP id 6; 1 Jan\n{results}{border}{}",
                attack(4)
            ),
        ),
        (
            "in the envelope sender",
            format!(
                "Authentication-Results: mx.myhezo.example; spf=fail smtp.mailfrom=\"a; dmarc=pass header.from=hezo.example\"@x\n{border}{}",
                attack(5)
            ),
        ),
        ("as a header of an attached mail", format!("{border}{}\n\n{results}{border}", attack(6))),
    ];
    for (what, attack) in table {
        desk.deliver("2026-11-23 09:20", &attack);
        desk.run("2026-11-23 09:20");
        assert!(!recipients(&desk.sent()).contains(&CUSTOMER), "{what}");
    }
    desk.deliver("2026-11-23 09:30", &format!("{results}{border}{}", attack(7)));
    desk.run("2026-11-23 09:30");
    assert!(recipients(&desk.sent()).contains(&CUSTOMER), "the border host's own word counts");
}

/// A8: control fields from outside.
#[test]
fn control_fields_from_outside_switch_nothing_off() {
    let desk = desk();
    let fields = "X-HEZO-Loop: 1\nX-HEZO-Ticket: Z26-000001-9\nx-hezo-ignore: yes\nX-Hezo-State: closed\nX-Loop: pomoc@myhezo.example\n";
    let sent =
        desk.mail("2026-11-23 09:05", &format!("{fields}{}", mail(CUSTOMER, "1", "Awaria", "Nr seryjny: B824100317")));
    assert_eq!(recipients(&sent).len(), 3, "ticket, acknowledgement and notices as ever");
    assert_eq!(desk.tickets().len(), 1);
    let file = desk.dir().join("mail.eml");
    std::fs::write(&file, format!("{fields}{}", mail(CUSTOMER, "2", "Awaria", "x"))).expect("a file");
    let explained = desk.json(&["explain", "--json", &file.display().to_string()]);
    assert!(explained[0]["problems"].to_string().contains("only the desk itself may write"));
}

/// A13: line breaks in what the desk repeats.
#[test]
fn nothing_from_outside_adds_a_field_or_a_recipient() {
    let desk = desk();
    let breaks = [
        "=?utf-8?Q?x=0D=0ABcc:_zly=40attacker.example?=",
        "x\u{2028}Bcc: zly@attacker.example",
        "=?utf-8?B?eA1CY2M6IHpseUBhLmV4YW1wbGU=?=",
    ];
    for (n, smuggled) in breaks.into_iter().enumerate() {
        let from = format!("\"{smuggled}\" <{CUSTOMER}>");
        let attack = mail(&from, &format!("{n}"), smuggled, &format!("S/N: B824100317\n{smuggled}"));
        let attack = attack.replace("\nSubject", &format!("\nReferences: <a@b> {smuggled}\nSubject"));
        let sent = desk.mail("2026-11-23 09:05", &attack);
        assert_eq!(sent.len(), 3);
        let notice = to(&sent, ANNA);
        let relayed = desk.mail("2026-11-23 09:06", &answer(notice, &format!("Proszę o log {n}.")));
        for mail in sent.iter().chain(&relayed) {
            assert_eq!(mail.message.header("Bcc"), None, "{}", mail.raw);
            assert_eq!(mail.message.to.len(), 1);
            let head = mail.raw.split("\r\n\r\n").next().unwrap_or_default();
            assert!(!head.lines().any(|line| line.to_lowercase().starts_with("bcc")), "{head}");
        }
    }
}

/// A14: two desks that answer each other, and a sender gone wild.
#[test]
fn a_loop_ends_and_a_storm_is_one_ticket() {
    let desk = desk();
    let robot = "serwis@inny.example";
    let mut acks = 0;
    for n in 0..12 {
        let text = format!("Dziękujemy za zgłoszenie numer {n}. Zajmiemy się nim niebawem, godzina 10:{n:02}.");
        let sent = desk.mail("2026-11-23 10:00", &mail(robot, &format!("{n}"), &format!("Nowe zgłoszenie {n}"), &text));
        acks += sent.iter().filter(|mail| mail.to() == robot).count();
    }
    assert!(acks <= 5, "{acks} answers to a robot");
    assert_eq!(desk.json(&["reconcile", "--json"])[0]["gap"], 0);
    for own in [DESK, "escalation@myhezo.example"] {
        let before = desk.tickets().len();
        desk.mail("2026-11-23 10:05", &mail(own, &format!("own{}", own.len()), "Awaria", "Nr seryjny: B824100317"));
        assert_eq!(desk.tickets().len(), before, "mail from {own} opens no ticket");
    }
}

/// A storm folds into one ticket; a customer who is named in a contract reads all of its numbers.
#[test]
fn a_storm_of_a_named_sender_is_acknowledged_together() {
    let desk = desk();
    let monitoring = "monitoring@fabryka.example";
    for n in 0..25 {
        let text = format!("Macierz B824100317 zgłasza błąd dysku {n} o godzinie 10:{n:02}. Proszę o reakcję serwisu.");
        desk.receive("2026-11-23 10:00", &mail(monitoring, &format!("{n}"), &format!("ALARM {n}: dysk"), &text));
    }
    desk.run("2026-11-23 10:01");
    let sent = desk.sent();
    assert_eq!(desk.tickets().len(), 10, "ten tickets, and the rest in one of them");
    let alarms = sent.iter().filter(|mail| mail.message.subject.contains("BURZA")).count();
    assert_eq!(alarms, 2, "one alarm for each engineer");
    let folded = |ticket: &serde_json::Value| {
        let ticket = desk.ticket(ticket["ticket"].as_str().expect("a number"));
        ticket["entries"].as_array().expect("entries").iter().filter(|entry| entry["kind"] == "folded").count()
    };
    assert_eq!(desk.tickets().iter().map(folded).sum::<usize>(), 15);
    assert_eq!(desk.json(&["reconcile", "--json"])[0]["gap"], 0);
    let acks = |sent: &[Sent]| sent.iter().filter(|mail| mail.to() == monitoring).count();
    assert_eq!(acks(&sent), 5);
    desk.run("2026-11-23 10:29");
    assert_eq!(acks(&desk.sent()), 0, "they gather");
    desk.run("2026-11-23 10:32");
    let sent = desk.sent();
    let gathered = sent.iter().find(|mail| mail.to() == monitoring).expect("one for all");
    let listed = desk
        .tickets()
        .iter()
        .filter(|ticket| gathered.text().contains(ticket["ticket"].as_str().expect("a number")))
        .count();
    assert_eq!((acks(&sent), listed), (1, 5), "{}", gathered.text());
    assert_eq!(gathered.message.header("Auto-Submitted"), Some("auto-replied"));
}

/// Beyond the budget nobody can tell whether a contract names an address, or borrow it to write to its owner.
#[test]
fn beyond_the_budget_an_unproven_sender_sees_the_same_whoever_it_is() {
    let mails_to = |sender: &str, result: &str| {
        let desk = desk();
        for n in 0..8 {
            let text = format!("Urządzenie numer {n}{n} w hali {n} pokazuje coś na wyświetlaczu, proszę o pomoc {n}.");
            let request = mail(sender, &format!("{n}"), &format!("Sprawa {n} hala {n}{n}"), &text);
            desk.receive_stamped("2026-11-23 10:00", result, &request);
        }
        desk.run("2026-11-23 10:01");
        desk.run("2026-11-23 10:40");
        assert_eq!(desk.tickets().len(), 8, "{sender}");
        desk.sent().iter().filter(|mail| mail.to() == sender).count()
    };
    assert_eq!(mails_to(STRANGER, "dmarc=none"), 5);
    assert_eq!(mails_to(CUSTOMER, "dmarc=none"), 5);
    assert_eq!(mails_to(CUSTOMER, "dmarc=pass"), 6, "one lists the rest to whom it is proven to be");
}

/// A16: a delivery report that the sender made up.
#[test]
fn a_made_up_delivery_report_changes_nothing() {
    let desk = desk();
    let sent = request(&desk);
    let number = to(&sent, CUSTOMER).ticket().to_string();
    let before = desk.ticket(&number);
    let report = |id: &str, message_id: &str, recipient: &str| {
        format!(
            "From: MAILER-DAEMON@attacker.example\nTo: {DESK}\nSubject: Undelivered Mail\nMessage-ID: <{id}@attacker.example>\n\
             MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\n\
             The mail could not be delivered.\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; a.example\n\n\
             Final-Recipient: rfc822; {recipient}\nAction: failed\nStatus: 5.1.1\n\n--b\nContent-Type: text/rfc822-headers\n\n\
             Message-ID: <{message_id}>\nTo: {recipient}\n--b--\n"
        )
    };
    let ack = to(&sent, CUSTOMER).id();
    for (what, attack) in [
        ("a guessed Message-ID", report("1", "1234.abcd@myhezo.example", CUSTOMER)),
        ("another recipient", report("2", ack, "ewa@fabryka.example")),
        ("one letter changed", report("3", &format!("0{ack}"), CUSTOMER)),
    ] {
        let sent = desk.mail("2026-11-23 09:20", &attack);
        assert!(sent.is_empty(), "{what}: {:?}", recipients(&sent));
        assert_eq!(desk.ticket(&number), before, "{what}");
    }
}

/// A18: the acknowledgement to a stranger says the same whatever is on file.
#[test]
fn a_stranger_learns_nothing_of_what_is_on_file() {
    // On file, and of the same form but not.
    let pairs = [
        ("a serial number", "Nr seryjny: B824100317", "Nr seryjny: B824100318"),
        ("a bare number", "Stoi macierz 8472619, proszę o pomoc.", "Stoi macierz 8472610, proszę o pomoc."),
        ("a look-alike", "Nr seryjny: I9I4Q-2O688", "Nr seryjny: I9I4Q-2O699"),
        ("a contract, 24x7", "Umowa nr HEZO/QSP/2025/00417", "Umowa nr HEZO/QSP/2025/00418"),
        ("a contract that ran out", "Umowa nr HEZO/QSP/2021/00111", "Umowa nr HEZO/QSP/2021/00112"),
        ("a tax number", "NIP 9946900604, nr seryjny: B824100317", "NIP 5213017228, nr seryjny: B824100318"),
        ("several", "S/N: B824100317, C824100999", "S/N: B824100318, C824100998"),
    ];
    // Sunday night: a 24x7 contract would be served within the hour.
    let at = "2026-11-22 23:00";
    for result in ["dmarc=none", "dmarc=fail (p=none)", "dmarc=pass"] {
        for (what, on_file, not) in pairs {
            let ack = |text: &str| {
                let desk = desk();
                let sent = desk.mail_stamped(at, result, &mail(STRANGER, "1", "Awaria", text));
                let ack = to(&sent, STRANGER);
                let words = format!("{}\n{}", ack.text(), ack.message.html.as_deref().unwrap_or_default());
                let numbers = text
                    .split(|c: char| c.is_whitespace() || c == ',')
                    .filter(|word| word.contains(|c: char| c.is_ascii_digit()));
                numbers.fold(words.replace("&#x2f;", "/"), |words, number| words.replace(number, "NUMBER"))
            };
            let (known, unknown) = (ack(on_file), ack(not));
            assert_eq!(known, unknown, "{what}, {result}");
            for secret in ["Fabryka", "24x7", "wygas", "2030", "1914Q"] {
                assert!(!known.contains(secret), "{what}, {result}: {secret}");
            }
            assert_eq!(known.contains("do godz."), result == "dmarc=pass", "{what}, {result}: {known}");
            assert!(known.contains("potrzebne są NIP, numer seryjny"), "{what}, {result}");
        }
    }
}

/// The same mails of somebody who is proven to belong to the contract are answered in full.
#[test]
fn who_belongs_to_a_contract_is_told_of_it() {
    let desk = desk();
    let ack = |id: &str, from: &str, text: &str| {
        let sent = desk.mail("2026-11-22 23:00", &mail(from, id, "Awaria", text));
        to(&sent, from.rsplit_once('<').map_or(from, |(_, address)| address.trim_end_matches('>'))).text().to_string()
    };
    let full = ack("1", "Jan Wzorcowy <jan@fabryka.example>", "Nr seryjny: I9I4Q-2O688, umowa HEZO/QSP/2025/00417");
    assert!(full.contains("Numer seryjny: 1914Q-20688"), "mended: {full}");
    assert!(full.contains("do godz. 00:00 w poniedziałek, 23 listopada"), "24x7: {full}");
    assert!(!full.contains("potrzebne są NIP"), "{full}");
    let other = ack("2", "jan@fabryka.example", "Nr seryjny: C8Z41OO999, umowa HEZO/QSP/2021/00111");
    assert!(
        other.contains("Numer seryjny: C8Z41OO999") && !other.contains("wygasła"),
        "of somebody else's contract nothing: {other}"
    );
    let expired = ack("3", "ewa@dawna.example", "Nr seryjny: C824100999, umowa HEZO/QSP/2021/00111");
    assert!(expired.contains("Umowa HEZO/QSP/2021/00111 wygasła 31 grudnia 2024."), "{expired}");
    assert!(expired.contains("reactivation fee") && expired.contains("do godz. 10:00 w poniedziałek"), "{expired}");
}

/// A file that can run reaches neither the customer nor the engineers' mailboxes by itself.
#[test]
fn what_can_run_is_named_in_the_notice_and_not_attached() {
    let part = |name: &str, text: &str| {
        format!(
            "--b\nContent-Type: application/octet-stream\nContent-Disposition: attachment; filename=\"{name}\"\n\n{text}\n"
        )
    };
    let files =
        [part("faktura.pdf.exe", "MZ"), part("ac.rdp", "full address:s:x"), part("log.txt", "error 6")].concat();
    let request = format!(
        "From: {STRANGER}\nTo: {DESK}\nSubject: Awaria\nMessage-ID: <1@x>\nContent-Type: multipart/mixed; boundary=b\n\n\
         --b\n\nNapęd nie działa.\n{files}--b--\n"
    );
    let desk = desk();
    let sent = desk.mail("2026-11-23 09:05", &request);
    let notice = to(&sent, ANNA);
    let names: Vec<&str> = notice.message.attachments.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["log.txt"]);
    for name in ["faktura.pdf.exe", "ac.rdp"] {
        let line = notice.text().lines().find(|line| line.contains(name)).unwrap_or_default();
        assert!(
            line.contains("#oryginał") && line.contains("hezo-intake export --ticket"),
            "{name}: {}",
            notice.text()
        );
    }
    let sent = desk.mail("2026-11-23 09:10", &answer(notice, "#oryginał"));
    assert!(to(&sent, ANNA).raw.contains("faktura.pdf.exe"), "who asks for it gets it");
}
