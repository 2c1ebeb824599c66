//! Stories of the desk, told to the built program.

use crate::story::{Desk, Sent, moment, to};

const FAULT: &str = "\
From: Jan Wzorcowy <jan@fabryka.example>
To: pomoc@myhezo.example
Subject: Awaria biblioteki
Message-ID: <1@fabryka.example>

Dzień dobry, biblioteka nie oddaje taśmy.
Nr seryjny: B824100317
Umowa serwisowa nr HEZO/QSP/2025/00417
";

/// An engineer's answer to a notice.
fn answer(notice: &Sent, from: &str, text: &str) -> String {
    let (reply_to, id, subject) = (notice.reply_to(), notice.id(), &notice.message.subject);
    format!(
        "From: {from}\nTo: {reply_to}\nSubject: RE: {subject}\nMessage-ID: <{}@hezo.example>\n\
         In-Reply-To: <{id}>\n\n{text}\n\nW dniu 23.11.2026 o 09:10, Jan Wzorcowy pisze:\n> {}\n",
        text.len(),
        notice.text().replace('\n', "\n> ")
    )
}

#[test]
fn a_request_is_acknowledged_and_shown_to_every_engineer() {
    let desk = Desk::new();
    let sent = desk.mail("2026-11-23 09:05", FAULT);
    assert_eq!(sent.len(), 3);
    let ack = to(&sent, "jan@fabryka.example");
    let number = ack.ticket();
    assert!(number.starts_with("Z26-000001-"), "{number}");
    assert_eq!(ack.message.in_reply_to, ["1@fabryka.example"]);
    assert_eq!(ack.message.references, ["1@fabryka.example"]);
    assert_eq!(ack.message.header("Auto-Submitted"), Some("auto-replied"));
    assert!(ack.message.html.as_deref().is_some_and(|html| html.contains(number)));
    for words in ["B824100317", "HEZO/QSP/2025/00417", "12 25 25 600", "12 25 25 502", "escalation@myhezo.example"] {
        assert!(ack.text().contains(words), "{words} in {}", ack.text());
    }
    for engineer in ["anna@hezo.example", "marek@hezo.example"] {
        let notice = to(&sent, engineer);
        assert!(notice.text().contains("biblioteka nie oddaje taśmy"));
        assert_eq!(notice.message.header("Auto-Submitted"), None);
    }
    assert_ne!(to(&sent, "anna@hezo.example").reply_to(), to(&sent, "marek@hezo.example").reply_to());
    desk.receive("2026-11-23 09:05", FAULT);
    desk.run("2026-11-23 09:06");
    assert!(desk.sent().is_empty(), "the same mail again changes nothing");
    assert_eq!(desk.tickets().len(), 1);
}

#[test]
fn a_tag_of_an_earlier_desk_is_shown_and_threads_nothing() {
    let desk = Desk::new();
    let tagged = FAULT.replace("Subject: ", "Subject: Re: [HEZO 104340] ");
    let sent = desk.mail("2026-11-23 09:05", &tagged);
    assert!(to(&sent, "anna@hezo.example").text().contains("HEZO 104340"));
    let other = tagged.replace("1@fabryka", "2@fabryka").replace("jan@", "ewa@");
    let sent = desk.mail("2026-11-23 09:06", &other);
    assert_eq!(desk.tickets().len(), 2);
    assert_eq!(
        desk.ticket(to(&sent, "ewa@fabryka.example").ticket())["earlier_tags"],
        serde_json::json!(["HEZO 104340"])
    );
}

#[test]
fn an_engineer_answers_and_the_clock_stops() {
    let desk = Desk::new();
    let sent = desk.mail("2026-11-23 09:05", FAULT);
    let notice = to(&sent, "anna@hezo.example");
    let sent = desk.mail("2026-11-23 09:20", &answer(notice, "anna@hezo.example", "Proszę o log."));
    let relay = to(&sent, "jan@fabryka.example");
    assert!(relay.text().contains("Proszę o log."));
    assert!(relay.message.from.as_ref().is_some_and(|from| from.name == "Anna Inżynier, HEZO Assistance"), "{relay:?}");
    for internal in ["Tylko dla", "anna@hezo.example", "reply above", "B824100317"] {
        assert!(!relay.raw.contains(internal), "{internal} in {}", relay.raw);
    }
    assert!(to(&sent, "marek@hezo.example").text().contains("Proszę o log."));
    desk.run("2026-11-23 12:00");

    assert!(desk.sent().is_empty(), "nothing is escalated");
    let ticket = desk.ticket(relay.ticket());
    let satisfied = ticket["clocks"][0]["satisfied_at"].as_str().expect("the reaction clock stands");
    assert!(satisfied.parse::<jiff::Timestamp>().is_ok_and(|at| at >= moment("2026-11-23 09:20")));
}

#[test]
fn what_nobody_answers_is_forwarded_once() {
    let desk = Desk::new();
    desk.mail("2026-11-20 16:40", FAULT);
    desk.run("2026-11-23 09:09");
    assert!(desk.sent().is_empty(), "nothing is due yet");
    desk.run("2026-11-23 09:39");
    assert!(desk.sent().iter().all(|mail| mail.to() != "escalation@myhezo.example"), "it is not due yet");
    desk.run("2026-11-23 09:41");
    let sent = desk.sent();
    let escalation = to(&sent, "escalation@myhezo.example");
    assert!(escalation.text().contains("biblioteka nie oddaje taśmy"));
    let attached = escalation.message.attachments.iter().find(|file| file.media_type == "message/rfc822");
    let original = attached.expect("the original mail");
    assert!(String::from_utf8_lossy(&original.content).contains("Message-ID: <1@fabryka.example>"));
    desk.run("2026-11-24 12:00");
    assert!(desk.sent().iter().all(|mail| mail.to() != "escalation@myhezo.example"), "it is forwarded once");
}

#[test]
fn only_the_engineer_it_was_made_for_can_use_a_reply_address() {
    let desk = Desk::new();
    let sent = desk.mail("2026-11-23 09:05", FAULT);
    let notice = to(&sent, "anna@hezo.example");
    let table = [
        ("another engineer", answer(notice, "marek@hezo.example", "Od Marka.")),
        ("a stranger", answer(notice, "anna@attacker.example", "Od nikogo.")),
        (
            "an address changed in one place",
            answer(notice, "anna@hezo.example", "Zmieniony.").replacen(".anna.", ".marek.", 1),
        ),
        (
            "the engineer's name alone",
            answer(notice, "anna@hezo.example", "Bez adresu.").replace(notice.reply_to(), "pomoc@myhezo.example"),
        ),
    ];
    for (who, mail) in table {
        let sent = desk.mail("2026-11-23 09:20", &mail);
        assert!(sent.iter().all(|mail| mail.to() != "jan@fabryka.example"), "{who}: nothing is relayed");
        assert!(!sent.is_empty(), "{who}: an engineer is told");
    }
    assert_eq!(desk.tickets()[0]["reaction_done"], serde_json::Value::Null);
}

#[test]
fn the_demo_shows_every_kind_of_mail_and_ends() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut demo = std::process::Command::new(env!("CARGO_BIN_EXE_hezo-intake"));
    let output = demo.args(["demo", "--dir"]).arg(dir.path()).output().expect("the program");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    for words in ["opened", "missing    serial, contract", "held ", "noted ", "relay", "forwarded to", "--watch"] {
        assert!(said.contains(words), "{words:?} in {said}");
    }
}

/// The ticket lacks one number, and the answer to our question is that number alone.
#[test]
fn a_bare_number_answers_what_was_asked() {
    for (first, answer, admitted) in [
        ("Umowa serwisowa nr HEZO/QSP/2025/00417", "QWE41833A01", true),
        ("Nr seryjny: B824100317", "Dzień dobry,\n\n7781/26\n\nPozdrawiam", true),
        ("Biblioteka stoi.", "QWE41833A01\nUM/12/2027", true),
        ("Biblioteka stoi.", "Dzień dobry,\n\n8610542\n40222186", true),
        ("Biblioteka stoi.", "8610542, 40222186", false),
        (
            "Nr seryjny: B824100317",
            "Uzupełniłem poniżej.\n\nW dniu 23.11.2026 o 09:06, HEZO Assistance pisze:\n> Prosimy uzupełnić:\n\
             > Numer umowy serwisowej HEZO: UM/12/2027",
            true,
        ),
        (
            "Umowa nr UM/12/2027\n\n> biblioteka, nr seryjny B824100317",
            "Tak, zgadza się.\n\n> Czy chodzi o numer seryjny?",
            true,
        ),
        ("Umowa nr UM/12/2027, macierz, 8472619 pada", "Tak\n\n> Czy chodzi o numer seryjny 8472619?", true),
        ("Umowa nr UM/12/2027, macierz, 8472619 pada", "Jutro podam.\n\n> Czy chodzi o numer seryjny 8472619?", false),
        (
            "Umowa nr UM/12/2027, macierz, 8472619 pada",
            "Nie, to nie ten.\n\n> Czy chodzi o numer seryjny 8472619?",
            false,
        ),
        (
            "Umowa nr UM/12/2027, macierz, 8472619 pada",
            "Poniżej.\n\n> Czy chodzi o numer seryjny 8472619?\n> Numer seryjny urządzenia, które uległo awarii: 8472619",
            true,
        ),
        ("Nr seryjny: B824100317", "Proszę dzwonić: 601 700 142, będę 24.11.2026 po 14:30.", false),
        ("Nr seryjny: B824100317", "Obejrzałem też 1931C i 2044D, oba stoją.", false),
    ] {
        let desk = Desk::new();
        let mail = |id: &str, head: &str, text: &str| {
            format!(
                "From: jan@fabryka.example\nTo: pomoc@myhezo.example\nSubject: Awaria\nMessage-ID: <{id}>\n{head}\n{text}\n"
            )
        };
        let sent = desk.mail("2026-11-23 09:05", &mail("1@fabryka.example", "", first));
        let ack = to(&sent, "jan@fabryka.example");
        let head = format!("In-Reply-To: <{}>\n", ack.id());
        desk.mail("2026-11-23 09:10", &mail("2@fabryka.example", &head, answer));
        assert_eq!(!desk.ticket(ack.ticket())["admitted_at"].is_null(), admitted, "{first} / {answer}");
    }
}

/// Two devices may be under two contracts; one device under one of two is asked about, and so is which of two
/// devices it is. The answer settles it.
#[test]
fn which_of_two_is_asked_only_where_it_matters() {
    for (text, asked) in [
        ("Macierz SN 8605019, umowa UM/301/2025 lub UM/302/2025", Some(("UM/301/2025", "UM/302/2025"))),
        ("1) macierz SN 8605019 - umowa UM/301/2025\n2) biblioteka SN 8605027 - umowa UM/302/2025", None),
        ("Numer seryjny 8605019 albo 8605027, nie wiem. Umowa UM/301/2025", Some(("8605019", "8605027"))),
        ("Numery seryjne 8605019 i 8605027, umowa UM/301/2025", None),
    ] {
        let desk = Desk::new();
        let head =
            "From: jan@fabryka.example\nTo: pomoc@myhezo.example\nSubject: Awaria\nMessage-ID: <1@fabryka.example>";
        let sent = desk.mail("2026-11-23 09:05", &format!("{head}\n\n{text}\n"));
        let ack = to(&sent, "jan@fabryka.example");
        assert!(!ack.text().contains("Abyśmy mogli"), "nothing is missing: {}", ack.text());
        let Some((one, other)) = asked else {
            assert!(!ack.text().contains("dotyczy zgłoszenie:"), "{}", ack.text());
            continue;
        };
        assert!(ack.text().contains(&format!("dotyczy zgłoszenie: {one} czy {other}?")), "{}", ack.text());
        let head = head.replace("<1@", "<2@");
        desk.mail("2026-11-23 09:15", &format!("{head}\nIn-Reply-To: <{}>\n\n{other}\n", ack.id()));
        let numbers = desk.ticket(ack.ticket())["numbers"].to_string();
        assert!(!numbers.contains(one) && numbers.contains(other), "the one that was not meant goes: {numbers}");
    }
}
