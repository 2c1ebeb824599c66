//! Engineers at work from their own mail clients, told to the built program: what they are told, what
//! they hand in, and how two of them work side by side.

use crate::story::{Desk, Sent, to};
use serde_json::{Value, json};

const DESK: &str = "pomoc@myhezo.example";
const CUSTOMER: &str = "jan@fabryka.example";
const ANNA: &str = "anna@hezo.example";
const MAREK: &str = "marek@hezo.example";

const REQUEST: &str = "\
From: Jan Wzorcowy <jan@fabryka.example>
To: pomoc@myhezo.example
Subject: Odp: Awaria biblioteki
Message-ID: <1@fabryka.example>

Dzień dobry, biblioteka nie oddaje taśmy.
";

fn mail(from: &str, to: &str, id: &str, subject: &str, text: &str) -> String {
    format!("From: {from}\nTo: {to}\nSubject: {subject}\nMessage-ID: <{id}>\n\n{text}\n")
}

/// An engineer's answer to a notice, with nothing quoted.
fn answer(notice: &Sent, id: &str, text: &str) -> String {
    mail(notice.to(), notice.reply_to(), id, "Re: Awaria", text)
}

fn recipients(sent: &[Sent]) -> Vec<&str> {
    let mut recipients: Vec<&str> = sent.iter().map(Sent::to).collect();
    recipients.sort_unstable();
    recipients
}

fn clock(desk: &Desk, number: &str, kind: &str) -> Value {
    let ticket = desk.ticket(number);
    let mut clocks = ticket["clocks"].as_array().expect("clocks").iter();
    clocks.rfind(|clock| clock["kind"] == kind).cloned().unwrap_or(Value::Null)
}

#[track_caller]
fn has(mail: &Sent, words: &[&str]) {
    for words in words {
        assert!(mail.text().contains(words), "{words:?} in {}", mail.text());
    }
}

#[test]
fn notices_of_one_ticket_hang_together_in_every_program() {
    let desk = Desk::new();
    let first = desk.mail("2026-11-23 09:05", REQUEST);
    let again = mail(CUSTOMER, DESK, "2@fabryka.example", "Re: Awaria biblioteki", "Jeszcze jedno.")
        .replace("\n\n", "\nIn-Reply-To: <1@fabryka.example>\n\n");
    let second = desk.mail("2026-11-23 09:10", &again);
    let (first, second) = (to(&first, ANNA), to(&second, ANNA));
    assert_eq!(first.message.subject, format!("[{}] Awaria biblioteki", first.ticket()));
    assert_eq!(second.message.subject, first.message.subject, "Gmail parts mails with other subjects");
    assert_eq!(second.message.references, first.message.references);
    assert_eq!(second.message.header("Thread-Topic"), first.message.header("Thread-Topic"));
    let index = |mail: &Sent| mail.message.header("Thread-Index").expect("Thread-Index").to_string();
    // 22 octets are 30 characters: the last two of them also hold what follows.
    assert_eq!(index(first)[..29], index(second)[..29], "one conversation");
    assert!(index(second).len() > index(first).len(), "an answer in it");
    for notice in [first, second] {
        let from = notice.message.from.as_ref().expect("a sender");
        assert_eq!((from.name.as_str(), from.address.as_str()), (&*format!("Jan Wzorcowy ({})", first.ticket()), DESK));
        assert_eq!(notice.message.header("Auto-Submitted"), None);
        assert_eq!(notice.message.header("Precedence"), None);
        assert_eq!(notice.message.header("X-Auto-Response-Suppress"), Some("OOF, AutoReply"));
    }
}

#[test]
fn a_mail_that_is_passed_on_opens_the_customers_ticket() {
    let desk = Desk::new();
    let forward = mail(
        ANNA,
        DESK,
        "f1@hezo.example",
        "PD: Awaria napędu",
        "Marku, zajmiesz się tym jeszcze dzisiaj?\n\nOd: Jan Wzorcowy <jan@fabryka.example>\nWysłano: poniedziałek, 23 listopada 2026 08:40\n\
         Do: Anna Inżynier <anna@hezo.example>\nTemat: Awaria napędu\n\nNapęd stoi, nr seryjny B824100317.\n\nJan Wzorcowy",
    );
    let sent = desk.mail("2026-11-23 09:05", &forward);
    assert_eq!(recipients(&sent), [ANNA, CUSTOMER, MAREK]);
    let ack = to(&sent, CUSTOMER);
    for internal in ["Marku", ANNA, "f1@hezo.example"] {
        assert!(!ack.raw.contains(internal), "{internal} in {}", ack.raw);
    }
    let notice = to(&sent, MAREK);
    has(
        notice,
        &["Przekazał(a): Anna Inżynier", "Marku, zajmiesz się tym jeszcze dzisiaj?", "Napęd stoi", "B824100317"],
    );
    let ticket = desk.ticket(notice.ticket());
    assert_eq!(ticket["customer"]["address"], CUSTOMER);
    assert_eq!(ticket["subject"], "Awaria napędu");
    assert_eq!(ticket["participants"], json!([CUSTOMER]));
    // The remark is no customer's business.
    let sent = desk.mail(
        "2026-11-23 09:20",
        &answer(notice, "m1@hezo.example", "Anna pisze: Marku, zajmiesz się tym jeszcze dzisiaj? No więc tak."),
    );
    assert!(!recipients(&sent).contains(&CUSTOMER));
    let sent = desk.mail("2026-11-23 09:21", &answer(notice, "m2@hezo.example", "Proszę o log."));
    has(to(&sent, CUSTOMER), &["Proszę o log."]);
}

#[test]
fn the_original_attached_is_read_and_known_again() {
    let desk = Desk::new();
    let forward = |id: &str| {
        format!(
            "From: {ANNA}\nTo: {DESK}\nSubject: Fwd: Awaria\nMessage-ID: <{id}>\nMIME-Version: 1.0\n\
             Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nDo zgłoszenia.\n--b\n\
             Content-Type: message/rfc822\n\n{REQUEST}\n--b--\n"
        )
    };
    let sent = desk.mail("2026-11-23 09:05", &forward("f1@hezo.example"));
    let ack = to(&sent, CUSTOMER);
    assert_eq!(ack.message.in_reply_to, ["1@fabryka.example"]);
    assert!(desk.mail("2026-11-23 09:06", &forward("f2@hezo.example")).is_empty(), "the same mail again");
    assert_eq!(desk.tickets().len(), 1);
    // The customer answers the acknowledgement, and Anna passes that on, too.
    let answered = format!(
        "From: {CUSTOMER}\nTo: {ANNA}\nSubject: Re: [{}] Awaria\nMessage-ID: <2@fabryka.example>\n\
         In-Reply-To: <{}>\n\nOto log.\n",
        ack.ticket(),
        ack.id()
    );
    let sent = desk.mail("2026-11-23 09:10", &forward("f3@hezo.example").replace(REQUEST, &answered));
    has(to(&sent, MAREK), &["Oto log."]);
    assert_eq!(desk.tickets().len(), 1);
}

/// A note above a mail that is passed on is an order like any other, and is answered.
#[test]
fn a_note_above_a_mail_that_is_passed_on_is_answered() {
    let desk = Desk::new();
    let text = "#note\nKlient prosi o telefon po 15.\n\n\
                Od: Jan <jan@fabryka.example>\nWysłano: 23 listopada 2026 08:40\nDo: Anna <anna@hezo.example>\nTemat: Awaria\n\nStoi.";
    let sent = desk.mail("2026-11-23 09:05", &mail(ANNA, DESK, "f1@hezo.example", "PD: Awaria", text));
    assert_eq!(recipients(&sent), [ANNA, ANNA, CUSTOMER, MAREK]);
    assert!(sent.iter().any(|mail| mail.to() == ANNA && mail.text().contains("Wykonano #note")));
    has(to(&sent, MAREK), &["Anna Inżynier: Klient prosi o telefon po 15."]);
    assert!(!to(&sent, CUSTOMER).raw.contains("telefon po 15"));
}

#[test]
fn only_a_proven_engineer_hands_in() {
    let desk = Desk::new();
    let forward = mail(
        ANNA,
        DESK,
        "f1@hezo.example",
        "PD: Awaria",
        "Od: Jan <jan@fabryka.example>\nWysłano: 23 listopada 2026 08:40\nDo: Anna <anna@hezo.example>\nTemat: Awaria\n\nStoi.",
    );
    let call = mail(ANNA, DESK, "f2@hezo.example", "Awaria", "#new jan@fabryka.example\n\nStoi.");
    for (n, result) in ["dmarc=none", "dmarc=fail (p=none)"].into_iter().enumerate() {
        for mail in [&forward, &call] {
            let sent = desk.mail_stamped(
                "2026-11-23 09:05",
                result,
                &mail.replace("@hezo.example>\n\n", &format!("{n}@hezo.example>\n\n")),
            );
            assert_eq!(recipients(&sent), [ANNA], "{result}");
            assert!(sent[0].message.subject.contains("Wstrzymana"));
        }
    }
    assert!(desk.tickets().is_empty());
    // Orders above a mail that is passed on have no ticket yet.
    let sent = desk.mail("2026-11-23 09:10", &forward.replace("\n\nOd:", "\n\n#take\n\nOd:"));
    has(to(&sent, ANNA), &["#take", "polecenie potrzebuje zgłoszenia", "przekazana dalej wiadomość klienta"]);
    assert!(desk.tickets().is_empty());
}

#[test]
fn a_call_by_telephone_opens_a_ticket() {
    let desk = Desk::new();
    let text = "#new Jan Wzorcowy <jan@fabryka.example>\n#phone 09:02\n#serial B824100317\n#take\n\n\
                Dzwonił zdenerwowany, napęd numer dwa stoi od rana.";
    let sent = desk.mail("2026-11-23 09:05", &mail(ANNA, DESK, "n1@hezo.example", "Napęd stoi", text));
    assert_eq!(recipients(&sent), [ANNA, ANNA, CUSTOMER, MAREK]);
    let ack = to(&sent, CUSTOMER);
    assert!(!ack.raw.contains("zdenerwowany"));
    let number = ack.ticket();
    let notice = to(&sent, MAREK);
    has(notice, &["Dzwonił zdenerwowany", "B824100317", "Przekazał(a): Anna Inżynier", "Prowadzi: Anna Inżynier"]);
    assert!(clock(&desk, number, "reaction")["satisfied_at"].is_string());
    assert!(sent.iter().any(|mail| mail.to() == ANNA && mail.text().contains("Wykonano #phone 09:02")));
    let leak = "Anna mówi: dzwonił zdenerwowany, napęd numer dwa stoi od rana.";
    let sent = desk.mail("2026-11-23 09:10", &answer(notice, "m1@hezo.example", leak));
    assert!(!recipients(&sent).contains(&CUSTOMER), "the words of the call stay inside");
    // All of it, or nothing; and why.
    for (at, text, said) in [
        ("09:15", "#new ewa@huta.example\n#accept\n\nStoi.", &["#accept", "brakuje: numer seryjny, numer umowy"][..]),
        ("09:16", "#new Ewa z huty\n\nStoi.", &["#new Ewa z huty", "nie rozumiem", "Może chodziło o: #nowe"]),
        ("09:17", "#nwe ewa@huta.example\n\nStoi.", &["#nwe ewa@huta.example", "nie rozumiem", "Może chodziło o: #"]),
        ("09:18", "#new pomoc@myhezo.example\n\nStoi.", &["#new pomoc@myhezo.example", "to adres nasz"]),
        ("09:19", "#take\n\nStoi.", &["#take", "polecenie potrzebuje zgłoszenia"]),
    ] {
        let wrong = mail(ANNA, DESK, &format!("n{at}@hezo.example"), "Napęd", text);
        let sent = desk.mail(&format!("2026-11-23 {at}"), &wrong);
        assert_eq!(recipients(&sent), [ANNA], "{text}");
        has(&sent[0], said);
    }
    assert_eq!(desk.tickets().len(), 1);
}

#[test]
fn an_answer_past_the_desk_is_recorded_and_not_sent_again() {
    let desk = Desk::new();
    let sent = desk.mail("2026-11-23 09:05", REQUEST);
    let number = to(&sent, CUSTOMER).ticket().to_string();
    let direct = |id: &str, subject: &str| {
        let text = "Proszę o log.\n\nPozdrawiam\nAnna\n\nW dniu 23.11.2026 o 09:05, Jan Wzorcowy pisze:\n> biblioteka nie oddaje taśmy";
        mail(ANNA, CUSTOMER, id, subject, text).replace("\nSubject", &format!("\nCc: {DESK}\nSubject"))
    };
    let forged =
        desk.mail_stamped("2026-11-23 09:10", "dmarc=none", &direct("d0@hezo.example", &format!("[{number}] Awaria")));
    assert_eq!(recipients(&forged), [ANNA], "a forgery satisfies nothing");
    assert!(clock(&desk, &number, "reaction")["satisfied_at"].is_null());
    let answered =
        direct("d1@hezo.example", "Re: Awaria").replace("\n\nProszę", "\nIn-Reply-To: <1@fabryka.example>\n\nProszę");
    let sent = desk.mail("2026-11-23 09:20", &answered);
    assert_eq!(recipients(&sent), [MAREK]);
    has(&sent[0], &["Proszę o log."]);
    assert!(clock(&desk, &number, "reaction")["satisfied_at"].is_string());
    // The customer goes on with it.
    let reply = mail(CUSTOMER, ANNA, "2@fabryka.example", "Re: Awaria", "Oto log.")
        .replace("\n\n", &format!("\nCc: {DESK}\nIn-Reply-To: <d1@hezo.example>\n\n"));
    let sent = desk.mail("2026-11-23 09:30", &reply);
    assert_eq!(recipients(&sent), [ANNA, MAREK]);
    assert_eq!(desk.tickets().len(), 1);
}

#[test]
fn whom_the_engineers_own_mail_reaches_gets_no_second_one() {
    let desk = Desk::new();
    let sent = desk.mail("2026-11-23 09:05", REQUEST);
    let notice = to(&sent, ANNA);
    let copied =
        answer(notice, "a1@hezo.example", "Proszę o log.").replace("\nSubject", &format!("\nCc: {CUSTOMER}\nSubject"));
    let sent = desk.mail("2026-11-23 09:20", &copied);
    assert_eq!(recipients(&sent), [MAREK]);
    assert!(clock(&desk, notice.ticket(), "reaction")["satisfied_at"].is_string());
}

#[test]
fn two_who_answer_at_once_are_told_of_each_other() {
    let desk = Desk::new();
    let sent = desk.mail("2026-11-23 09:05", REQUEST);
    let (anna, marek) = (to(&sent, ANNA), to(&sent, MAREK));
    desk.receive("2026-11-23 09:20", &answer(anna, "a1@hezo.example", "Proszę o log."));
    desk.receive("2026-11-23 09:21", &answer(marek, "m1@hezo.example", "Przyjedziemy jutro."));
    desk.run("2026-11-23 09:22");
    let sent = desk.sent();
    let customers: Vec<&Sent> = sent.iter().filter(|mail| mail.to() == CUSTOMER).collect();
    assert_eq!(customers.len(), 2, "both go out");
    has(to(&sent, ANNA), &["Przyjedziemy jutro."]);
    let told: Vec<&Sent> = sent.iter().filter(|mail| mail.to() == MAREK).collect();
    assert!(
        told.iter().any(|mail| mail.text().contains("w tym samym czasie") && mail.text().contains("Proszę o log."))
    );
}

#[test]
fn an_absence_note_of_an_engineer_is_told_to_the_others_once_a_day() {
    let desk = Desk::new();
    let sent = desk.mail("2026-11-23 09:05", REQUEST);
    let notice = to(&sent, ANNA);
    let note = |n: u32, to: &str| {
        format!(
            "From: Anna <{ANNA}>\nTo: {to}\nSubject: Odpowiedź automatyczna: {}\nMessage-ID: <o{n}@hezo.example>\n\
             Auto-Submitted: auto-replied\n\nJestem na urlopie do 30 listopada.\n",
            notice.message.subject
        )
    };
    let sent = desk.mail("2026-11-23 09:06", &note(1, notice.reply_to()));
    assert_eq!(recipients(&sent), [MAREK]);
    has(&sent[0], &["Anna Inżynier", "Jestem na urlopie do 30 listopada.", notice.ticket()]);
    assert!(desk.mail("2026-11-23 09:07", &note(2, DESK)).is_empty(), "once a day");
    let next_day = desk.mail("2026-11-24 09:07", &note(3, DESK));
    assert!(next_day.iter().any(|mail| mail.message.subject.contains("Nieobecność")), "and again the next");
    assert!(clock(&desk, notice.ticket(), "reaction")["satisfied_at"].is_null());
}

#[test]
fn notices_go_to_the_group_and_to_whoever_works_on_it() {
    let routing = "default = \"all\"\n[[group]]\nid = \"all\"\nengineers = [\"marek\"]\n[[group]]\nid = \"tape\"\n\
                   engineers = [\"anna\"]\n[[product]]\nid = \"tape\"\nwords = [\"biblioteka\"]\n[[route]]\nid = \"tape\"\n\
                   why = \"Anna knows the libraries\"\nproduct = [\"tape\"]\ngroup = \"tape\"\n";
    let desk = Desk::with("rules_dir = \"{dir}/rules\"", "");
    std::fs::create_dir(desk.dir().join("rules")).expect("a folder");
    std::fs::write(desk.dir().join("rules/routing.toml"), routing).expect("the routes");
    let sent = desk.mail("2026-11-23 09:05", REQUEST);
    assert_eq!(recipients(&sent), [ANNA, CUSTOMER]);
    let notice = to(&sent, ANNA);
    let sent = desk.mail("2026-11-23 09:10", &answer(notice, "a1@hezo.example", "#assign Marek"));
    assert_eq!(recipients(&sent), [ANNA, MAREK]);
    let again =
        mail(CUSTOMER, DESK, "2@fabryka.example", &format!("Re: [{}] Awaria", notice.ticket()), "Jeszcze jedno.");
    assert_eq!(recipients(&desk.mail("2026-11-23 09:15", &again)), [ANNA, MAREK]);
    let other = mail("ewa@huta.example", DESK, "1@huta.example", "Zapora", "Zapora nie wstaje.");
    assert_eq!(recipients(&desk.mail("2026-11-23 09:20", &other)), ["ewa@huta.example", MAREK]);
    std::fs::write(desk.dir().join("rules/routing.toml"), routing.replace("\"anna\"", "\"zenon\""))
        .expect("the routes");
    let output = desk.command(&["check", "--offline"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("zenon"), "{output:?}");
    assert!(!output.status.success());
}

#[test]
fn a_notice_that_comes_back_is_told_to_the_others() {
    let desk = Desk::new();
    let sent = desk.mail("2026-11-23 09:05", REQUEST);
    let notice = to(&sent, ANNA);
    let report = format!(
        "From: MAILER-DAEMON@mx.hezo.example\nTo: {DESK}\nSubject: Undelivered Mail\nMessage-ID: <b1@mx.hezo.example>\n\
         MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\n\
         The mail could not be delivered.\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.hezo.example\n\n\
         Final-Recipient: rfc822; {ANNA}\nAction: failed\nStatus: 5.2.2\n\n--b\nContent-Type: text/rfc822-headers\n\n\
         Message-ID: <{}>\nTo: {ANNA}\n--b--\n",
        notice.id()
    );
    let sent = desk.mail("2026-11-23 09:06", &report);
    assert_eq!(recipients(&sent), [MAREK]);
    has(&sent[0], &["Nasza wiadomość nie dotarła do anna@hezo.example"]);
}

#[test]
fn routing_test_says_who_is_told_and_why() {
    let routing = "default = \"all\"\n[[group]]\nid = \"all\"\nengineers = [\"marek\"]\n[[group]]\nid = \"tape\"\n\
                   engineers = [\"anna\"]\n[[product]]\nid = \"tape\"\nwords = [\"biblioteka\"]\n[[route]]\nid = \"tape\"\n\
                   why = \"by day Anna knows the libraries\"\nproduct = [\"tape\"]\nwithin = \"8x5\"\ngroup = \"tape\"\n";
    let desk = Desk::with("rules_dir = \"{dir}/rules\"", "");
    std::fs::create_dir(desk.dir().join("rules")).expect("a folder");
    std::fs::write(desk.dir().join("rules/routing.toml"), routing).expect("the routes");
    let sent = desk.mail("2026-11-23 09:05", REQUEST);
    let number = to(&sent, ANNA).ticket().to_string();
    let file = desk.dir().join("mail.eml");
    std::fs::write(&file, REQUEST).expect("a mail");
    let file = file.display().to_string();
    let check = |arguments: &[&str], route: Value, engineers: &[&str]| {
        let found = desk.json(&[&["routing", "test", "--json"], arguments].concat()).remove(0);
        assert_eq!((found["route"].clone(), found["engineers"].clone()), (route, json!(engineers)), "{arguments:?}");
    };
    check(&["--product", "tape", "--at", "2026-11-23T10:00"], json!("tape"), &["anna"]);
    check(&["--product", "tape", "--at", "2026-11-22T10:00"], Value::Null, &["marek"]);
    check(&["--at", "2026-11-23T10:00"], Value::Null, &["marek"]);
    check(&[&file, "--at", "2026-11-23T10:00"], json!("tape"), &["anna"]);
    check(&["--ticket", &number, "--at", "2026-11-23T10:00"], json!("tape"), &["anna"]);
    desk.mail("2026-11-23 09:10", &answer(to(&sent, ANNA), "a1@hezo.example", "#take"));
    check(&["--ticket", &number, "--at", "2026-11-22T10:00"], Value::Null, &["marek", "anna"]);
    let said = desk.command(&["routing", "test", "--vendor", "qualstar", "--at", "2026-11-23T10:00"]);
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.contains("none fits") && said.contains("marek (Marek Serwisant)"), "{said}");
}
