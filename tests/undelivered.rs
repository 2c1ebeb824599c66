//! Mails of ours that come back: who is told, how else the customer can be reached, and for how long a report
//! is believed.

use std::collections::BTreeSet;

use crate::story::{Desk, Sent, to};

const JAN: &str = "jan@fabryka.example";
const ANNA: &str = "anna@hezo.example";
const MAREK: &str = "marek@hezo.example";

const CONTRACTS: &str = "contract,nip,customer,plan,window,delivery,valid_from,valid_to,serials,senders\n\
    HEZO/QSP/2025/00417,9946900604,Fabryka Wzorcowa,SOS,8x5,NBD,2025-01-01,2030-12-31,B824100317,jan@fabryka.example;ola@fabryka.example;@fabryka.example\n\
    HEZO/QSP/2025/00500,5250001233,Obca Firma,SOS,8x5,NBD,2025-01-01,2030-12-31,C900100200,szef@obca.example\n";

fn desk() -> Desk {
    let desk = Desk::with("contracts = \"{dir}/contracts.csv\"", "");
    std::fs::write(desk.dir().join("contracts.csv"), CONTRACTS).expect("the contracts");
    desk
}

fn request(from: &str, fields: &str, text: &str) -> String {
    format!(
        "From: {from}\nTo: pomoc@myhezo.example\nSubject: Awaria biblioteki\nMessage-ID: <1@mail.example>\n\
         {fields}Content-Type: text/plain; charset=utf-8\n\n{text}\n"
    )
}

/// A report in the standard's form that a mail of ours is lost.
fn report(id: &str, lost: &Sent) -> String {
    let (recipient, message_id) = (lost.to(), lost.id());
    format!(
        "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example\nTo: pomoc@myhezo.example\nSubject: Undelivered Mail\n\
         Message-ID: <{id}@mx.example>\nMIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; \
         boundary=b\n\n--b\n\nThe mail could not be delivered.\n--b\nContent-Type: message/delivery-status\n\n\
         Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; {recipient}\nAction: failed\nStatus: 5.1.1\n\
         Diagnostic-Code: smtp; 550 5.1.1 no such user\n\n--b\nContent-Type: text/rfc822-headers\n\n\
         Message-ID: <{message_id}>\nTo: {recipient}\n\n--b--\n"
    )
}

fn alerts(sent: &[Sent]) -> Vec<&Sent> {
    sent.iter().filter(|mail| mail.message.subject.contains("NIE DORĘCZONO")).collect()
}

/// The alert to Anna about the acknowledgement of this request, which comes back two minutes later.
fn alert_about(fields: &str, text: &str) -> String {
    let desk = desk();
    let sent = desk.mail("2026-11-23 09:05", &request(JAN, fields, text));
    let sent = desk.mail("2026-11-23 09:07", &report("r1", to(&sent, JAN)));
    let recipients: BTreeSet<&str> = sent.iter().map(Sent::to).collect();
    assert_eq!(recipients, BTreeSet::from([ANNA, MAREK]), "nothing goes to anybody else by itself");
    to(&sent, ANNA).text().to_string()
}

#[test]
fn the_alert_tells_how_else_the_customer_can_be_reached() {
    let check = |what: &str, fields: &str, text: &str, expected: &[&str]| {
        let alert = alert_about(fields, text);
        assert!(alert.contains("550 5.1.1 no such user"), "{what}: {alert}");
        let told: Vec<&str> = alert
            .lines()
            .filter(|line| line.starts_with("Adres: ") || line.starts_with("Telefon: ") || line.starts_with("Nie znal"))
            .collect();
        assert_eq!(told, expected, "{what}: {alert}");
    };
    let contract = "Adres: ola@fabryka.example – wymieniony w umowie HEZO/QSP/2025/00417";
    check("a contract alone", "", "Biblioteka nie działa.", &[contract]);
    check(
        "a telephone in the signature",
        "",
        "Biblioteka nie działa.\n\n-- \nJan Wzorcowy\ntel. 600 100 200",
        &["Telefon: 600 100 200", contract],
    );
    check(
        "copies, and where answers are to go; neither we nor engineers are a way to the customer",
        "Cc: Trzeci <trzeci@inny.example>, pomoc@myhezo.example, anna@hezo.example\nReply-To: biuro@fabryka.example\n",
        "Biblioteka nie działa.",
        &[
            contract,
            "Adres: trzeci@inny.example – klient pisał także do niego",
            "Adres: biuro@fabryka.example – klient prosił o odpowiedź na ten adres",
        ],
    );
    check(
        "a colleague whom the same contract names takes part",
        "Cc: ewa@fabryka.example\n",
        "Biblioteka nie działa.",
        &["Adres: ewa@fabryka.example – uczestniczy w zgłoszeniu", contract],
    );
}

#[test]
fn where_there_is_no_other_way_the_alert_says_so() {
    let desk = desk();
    let sent = desk.mail("2026-11-23 09:05", &request("piotr@nowy.example", "", "Biblioteka nie działa."));
    let sent = desk.mail("2026-11-23 09:07", &report("r1", to(&sent, "piotr@nowy.example")));
    let alert = to(&sent, ANNA).text();
    assert!(alert.contains("Nie znaleziono ani telefonu, ani innego adresu"), "{alert}");
    assert!(!alert.contains("szef@obca.example"), "another customer's contract is no way to this one");
}

#[test]
fn an_answer_that_comes_back_tells_the_other_ways_too() {
    let desk = desk();
    let sent = desk.mail("2026-11-23 09:05", &request(JAN, "", "Biblioteka nie działa, tel. 600 100 200"));
    let notice = to(&sent, ANNA);
    let (reply_to, id) = (notice.reply_to(), notice.id());
    let answer = format!(
        "From: {ANNA}\nTo: {reply_to}\nSubject: RE: Awaria\nMessage-ID: <a@hezo.example>\nIn-Reply-To: <{id}>\n\nProszę o log.\n"
    );
    let sent = desk.mail("2026-11-23 09:20", &answer);
    let sent = desk.mail("2026-11-23 09:22", &report("r1", to(&sent, JAN)));
    let alert = to(&sent, ANNA).text();
    for words in ["Zegar reakcji biegnie dalej", "Telefon: 600 100 200", "Adres: ola@fabryka.example"] {
        assert!(alert.contains(words), "{words} in {alert}");
    }
    assert!(!alert.contains("Zegar reakcji: dotrzymany"), "{alert}");
}

#[test]
fn the_alert_shows_the_clock_as_it_is_from_now_on() {
    let alert = alert_about("", "Biblioteka nie działa.");
    assert!(alert.contains("Zegar potwierdzenia biegnie dalej"), "{alert}");
    assert!(alert.contains("Zegar potwierdzenia: termin pn. 23.11.2026 10:05"), "{alert}");
    assert!(!alert.contains("dotrzymany"), "{alert}");
}

#[test]
fn a_report_is_believed_for_ten_days() {
    let check = |at: &str, believed: bool| {
        let desk = desk();
        let sent = desk.mail("2026-11-23 09:05", &request(JAN, "", "Biblioteka nie działa."));
        let ack = to(&sent, JAN);
        let number = ack.ticket().to_string();
        desk.run("2026-11-23 10:10");
        desk.sent();
        let sent = desk.mail(at, &report("r1", ack));
        assert_eq!(!alerts(&sent).is_empty(), believed, "{at}");
        let ticket = desk.ticket(&number);
        let entries = ticket["entries"].as_array().expect("entries").clone();
        assert!(entries.iter().any(|entry| entry["kind"] == "undelivered"), "{at}: it is kept on the ticket");
        let clocks = ticket["clocks"].as_array().expect("clocks").clone();
        let kept = clocks.iter().find(|clock| clock["kind"] == "acknowledge").expect("a clock");
        assert_eq!(kept["ended"].is_null(), believed, "{at}: {kept}");
    };
    check("2026-11-23 09:07", true);
    check("2026-12-03 09:00", true);
    check("2026-12-03 09:30", false);
    check("2026-12-23 09:05", false);
    check("2027-09-19 09:05", false);
}

#[test]
fn two_dead_mailboxes_of_engineers_end_in_silence() {
    let desk = desk();
    let sent = desk.mail("2026-11-23 09:05", &request(JAN, "", "Biblioteka nie działa."));
    let about_notice = desk.mail("2026-11-23 09:07", &report("r1", to(&sent, ANNA)));
    let alert = to(&about_notice, MAREK);
    assert!(!alert.text().contains("Inne drogi do klienta"), "{}", alert.text());
    let about_alert = desk.mail("2026-11-23 09:09", &report("r2", alert));
    assert!(about_alert.is_empty(), "{about_alert:?}");
}

#[test]
fn a_list_of_tickets_that_comes_back_is_told_as_well() {
    let desk = desk();
    let mut gathered = Vec::new();
    for at in 0..7 {
        let mail = request(JAN, "", &format!("Biblioteka numer {at} nie oddaje taśmy, serial B82410{at}3{at}7."));
        let mail = mail.replace("<1@", &format!("<{at}@")).replace("Awaria", &format!("Sprawa {at}{at}"));
        desk.mail(&format!("2026-11-23 09:0{at}"), &mail);
    }
    desk.run("2026-11-23 09:45");
    gathered.extend(desk.sent().into_iter().filter(|mail| mail.to() == JAN));
    let list = to(&gathered, JAN);
    let sent = desk.mail("2026-11-23 09:50", &report("r1", list));
    assert_eq!(alerts(&sent).len(), 2, "{sent:?}");
}
