//! Attacks on the work of engineers by mail, told to the built program: what an engineer did not say is
//! not done, and what engineers alone may read reaches nobody else.

use crate::story::{Desk, Sent, to};
use serde_json::Value;

const DESK: &str = "pomoc@myhezo.example";
const CUSTOMER: &str = "jan@fabryka.example";
const ANNA: &str = "anna@hezo.example";
const MAREK: &str = "marek@hezo.example";

fn mail(from: &str, to: &str, id: &str, subject: &str, text: &str) -> String {
    format!("From: {from}\nTo: {to}\nSubject: {subject}\nMessage-ID: <{id}>\n\n{text}\n")
}

fn request(text: &str) -> String {
    mail(CUSTOMER, DESK, "1@fabryka.example", "Awaria", text)
}

fn answer(notice: &Sent, id: &str, text: &str) -> String {
    mail(notice.to(), notice.reply_to(), id, "Re: Awaria", text)
}

fn goes_to_customer(sent: &[Sent]) -> bool {
    sent.iter().any(|mail| mail.to() == CUSTOMER)
}

fn quoted(text: &str) -> String {
    text.lines().map(|line| format!("> {line}\n")).collect()
}

/// What a ticket is, without the entries that a held or unconfirmed mail may leave.
fn state(desk: &Desk, number: &str) -> (Value, Value, Value, Value) {
    let ticket = desk.ticket(number);
    let of = |key: &str| ticket[key].clone();
    (of("state"), of("assignee"), of("numbers"), of("participants"))
}

/// A customer writes orders, and quotes the notification that somebody sent on by mistake.
#[test]
fn nobody_but_an_engineer_orders() {
    let desk = Desk::new();
    let sent = desk.mail("2026-11-23 09:05", &request("Biblioteka stoi."));
    let notice = to(&sent, ANNA);
    let before = state(&desk, notice.ticket());
    let orders = "#close\n#assign marek\n#add ewa@attacker.example\n";
    let tries = [
        mail(CUSTOMER, DESK, "2@fabryka.example", &format!("Re: [{}] Awaria", notice.ticket()), orders),
        mail(CUSTOMER, to(&sent, CUSTOMER).reply_to(), "3@fabryka.example", "Re: Awaria", orders),
        mail(CUSTOMER, notice.reply_to(), "4@fabryka.example", "Re: Awaria", orders),
        mail(CUSTOMER, DESK, "5@fabryka.example", "Fwd: Awaria", &format!("{orders}\n{}", quoted(notice.text()))),
        mail("ewa@attacker.example", notice.reply_to(), "6@attacker.example", "Re: Awaria", orders),
        mail(
            &format!("\"{ANNA}\" <ewa@attacker.example>"),
            DESK,
            "7@attacker.example",
            "Awaria",
            "#new jan@fabryka.example",
        ),
    ];
    for attack in tries {
        desk.mail("2026-11-23 09:10", &attack);
        assert_eq!(state(&desk, notice.ticket()), before, "{attack}");
    }
    // Those without a token open tickets of their own sender's; none is Jan's by another's word.
    for ticket in desk.tickets() {
        let ticket = desk.ticket(ticket["ticket"].as_str().expect("a number"));
        let author = ticket["entries"][0]["author"].as_str().expect("an author").to_string();
        assert_eq!(ticket["customer"]["address"], author.as_str());
    }
}

/// What the engineer did not write now is no order: quotes, signatures, the customer's words.
#[test]
fn an_order_in_a_quote_or_a_signature_is_none() {
    let desk = Desk::new();
    let sent = desk.mail("2026-11-23 09:05", &request("#close\n\nBiblioteka stoi.\n#spam\n\nJan"));
    let notice = to(&sent, ANNA);
    let number = notice.ticket();
    let quote = quoted(notice.text());
    let bodies = [
        format!("Proszę o log.\n\nW dniu 23.11.2026 o 09:05, Jan pisze:\n{quote}"),
        format!("W dniu 23.11.2026 o 09:05, Jan pisze:\n{quote}\nProszę o log drugi.\n"),
        format!("Proszę o log trzeci.\n\n-- \n#close\nAnna Inżynier\n\nW dniu 23.11.2026 o 09:05, Jan pisze:\n{quote}"),
        format!("> #close\n\nProszę o log czwarty.\n\n{quote}"),
    ];
    for (n, body) in bodies.into_iter().enumerate() {
        let sent = desk.mail("2026-11-23 09:10", &answer(notice, &format!("a{n}@hezo.example"), &body));
        assert!(goes_to_customer(&sent), "{body}");
        let relay = to(&sent, CUSTOMER);
        assert!(!relay.raw.contains("Tylko dla"), "{}", relay.raw);
        assert_eq!(desk.ticket(number)["state"], "awaiting-data", "{body}");
    }
}

/// The customer knows the marker lines of its ticket, and writes them into a mail.
#[test]
fn markers_in_a_customers_mail_open_nothing() {
    let desk = Desk::new();
    let sent = desk.mail("2026-11-23 09:05", &request("Biblioteka stoi."));
    let first = to(&sent, ANNA);
    let lines: Vec<&str> = first.text().lines().filter(|line| line.contains(&format!("{}/", first.ticket()))).collect();
    assert_eq!(lines.len(), 3, "begin, text, end");
    let smuggled = format!("{}\n{}\nTakie tam.\n{}\n{}\n", lines[2], lines[1], lines[0], lines[2]);
    let subject = format!("Re: [{}] Awaria", first.ticket());
    let sent = desk.mail("2026-11-23 09:10", &mail(CUSTOMER, DESK, "2@fabryka.example", &subject, &smuggled));
    let notice = to(&sent, ANNA);
    for (n, body) in [
        format!("Proszę o log.\n\n{}", quoted(notice.text())),
        format!("{}\nProszę o log.\n", quoted(notice.text())),
        format!(
            "Proszę o log.\n\n-----Oryginalna wiadomość-----\nOd: Jan\nWysłano: dziś\nDo: Anna\nTemat: Awaria\n\n{}",
            notice.text()
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let sent = desk.mail("2026-11-23 09:15", &answer(notice, &format!("a{n}@hezo.example"), &body));
        for relay in sent.iter().filter(|mail| mail.to() == CUSTOMER) {
            for internal in ["Tylko dla", "Nadawca wiadomości", "Zegar", "mailto:", ANNA] {
                assert!(
                    !relay.raw.contains(internal) && !relay.text().contains(internal),
                    "{internal} in {}",
                    relay.text()
                );
            }
        }
    }
}

/// An engineer has left: the own token, while it is still good, no longer opens anything.
#[test]
fn who_has_left_orders_and_hands_in_nothing() {
    let desk = Desk::new();
    let sent = desk.mail("2026-11-23 09:05", &request("Biblioteka stoi."));
    let notice = to(&sent, ANNA);
    let settings = desk.dir().join("settings.toml");
    let text = std::fs::read_to_string(&settings).expect("the settings");
    let left = text.replace("address = \"anna@hezo.example\"", "address = \"anna@hezo.example\"\nactive = false");
    std::fs::write(&settings, left).expect("the settings");
    let before = state(&desk, notice.ticket());
    let direct = answer(notice, "d@hezo.example", "Cześć.").replace(notice.reply_to(), CUSTOMER);
    for attack in [
        answer(notice, "a@hezo.example", "Proszę o przelew."),
        answer(notice, "b@hezo.example", "#close"),
        mail(ANNA, DESK, "c@hezo.example", "Awaria", "#new ewa@huta.example\n\nStoi."),
        direct.replace("\nSubject: Re: Awaria", &format!("\nCc: {DESK}\nSubject: [{}] Awaria", notice.ticket())),
    ] {
        let sent = desk.mail("2026-11-23 09:10", &attack);
        assert!(sent.iter().all(|mail| mail.to() == MAREK && mail.text().contains("engineer-has-left")), "{attack}");
        assert!(!sent.is_empty(), "somebody is told");
        assert_eq!(state(&desk, notice.ticket()), before);
    }
    assert_eq!(desk.tickets().len(), 1);
    // Nobody writes to the one who has left any more.
    let again = mail(CUSTOMER, DESK, "2@fabryka.example", &format!("Re: [{}] Awaria", notice.ticket()), "I co?");
    assert!(desk.mail("2026-11-23 09:15", &again).iter().all(|mail| mail.to() != ANNA));
}

/// Orders with a token but without the proof of the sender, and the other way round.
#[test]
fn an_order_takes_token_and_proof() {
    let desk = Desk::new();
    let sent = desk.mail("2026-11-23 09:05", &request("Biblioteka stoi."));
    let (anna, marek) = (to(&sent, ANNA), to(&sent, MAREK));
    let before = state(&desk, anna.ticket());
    let order = "#close\n#add ewa@attacker.example";
    for (n, (result, attack)) in [
        ("dmarc=none", answer(anna, "1@x", order)),
        ("dmarc=fail (p=none)", answer(anna, "2@x", order)),
        ("dmarc=pass", mail(ANNA, marek.reply_to(), "3@x", "Re", order)),
        ("dmarc=pass", mail(ANNA, DESK, "4@x", &format!("Re: [{}]", anna.ticket()), order)),
        ("dmarc=pass", mail(ANNA, to(&sent, CUSTOMER).reply_to(), "5@x", "Re", order)),
        ("dmarc=pass", mail("ewa@attacker.example", anna.reply_to(), "6@x", "Re", order)),
    ]
    .into_iter()
    .enumerate()
    {
        desk.mail_stamped("2026-11-23 09:10", result, &attack.replace("@x", "@hezo.example"));
        assert_eq!(state(&desk, anna.ticket()), before, "{n} {result}");
    }
}

/// What robots write at an engineer's reply address is nobody's answer.
#[test]
fn robots_in_an_engineers_mailbox_answer_nobody() {
    let desk = Desk::new();
    let sent = desk.mail("2026-11-23 09:05", &request("Biblioteka stoi."));
    let notice = to(&sent, ANNA);
    let marked = |n: u32, field: &str, subject: &str, text: &str| {
        mail(ANNA, notice.reply_to(), &format!("{n}@hezo.example"), subject, text)
            .replace("\nSubject", &format!("\n{field}\nSubject"))
    };
    let note = "Jestem na urlopie do 30 listopada. W pilnych sprawach proszę o kontakt z Markiem.";
    let receipt = "multipart/report; report-type=disposition-notification; boundary=b";
    for robot in [
        marked(1, "Auto-Submitted: auto-replied", "Automatic reply: Awaria", note),
        marked(2, "X-Autoreply: yes", "Nieobecność: Awaria", note),
        marked(3, "X-Auto-Response-Suppress: All", "Odpowiedź automatyczna: Awaria", note),
        marked(
            4,
            &format!("MIME-Version: 1.0\nContent-Type: {receipt}"),
            "Przeczytano: Awaria",
            "--b\n\nWyświetlono.\n--b--",
        ),
    ] {
        let sent = desk.mail("2026-11-23 09:06", &robot);
        assert!(!goes_to_customer(&sent), "{robot}");
        assert!(desk.ticket(notice.ticket())["clocks"][0]["satisfied_at"].is_null(), "{robot}");
    }
}

/// A rule in an engineer's mailbox sends everything on to the desk.
#[test]
fn a_notice_that_comes_back_opens_nothing() {
    let desk = Desk::new();
    let sent = desk.mail(
        "2026-11-23 09:05",
        &request(
            "Biblioteka stoi.\n\nOd: Ewa <ewa@huta.example>\nWysłano: wczoraj\nDo: Jan\nTemat: Awaria\n\nStoi u nas.",
        ),
    );
    let notice = to(&sent, ANNA);
    let from = notice.message.from.as_ref().expect("a sender");
    let redirected = notice.raw.replace("\r\n", "\n");
    let subject = &notice.message.subject;
    let passed_on = mail(
        ANNA,
        DESK,
        "f@hezo.example",
        &format!("FW: {subject}"),
        &format!(
            "From: {} <{}>\nSent: Monday\nTo: Anna\nSubject: {subject}\n\n{}",
            from.name,
            from.address,
            notice.text()
        ),
    );
    for back in [redirected, passed_on] {
        let sent = desk.mail("2026-11-23 09:06", &back);
        assert!(!goes_to_customer(&sent));
        assert_eq!(desk.tickets().len(), 1, "{back}");
    }
}

/// The reply address of a hand-over stands in a mail that many people read. It proves nothing of whoever
/// writes to it.
#[test]
fn nobody_unproven_speaks_for_escalation() {
    let desk = Desk::new();
    let sent = desk.mail("2026-11-23 09:05", &request("Biblioteka stoi."));
    let sent = desk.mail("2026-11-23 09:06", &answer(to(&sent, ANNA), "2@hezo.example", "#escalate klient czeka\n"));
    let handed_over = to(&sent, "escalation@myhezo.example");
    let (number, address) = (handed_over.ticket(), handed_over.reply_to());
    let before = state(&desk, number);
    let tries = [
        ("escalation@myhezo.example", "dmarc=fail (p=reject)"),
        ("escalation@myhezo.example", "dmarc=none"),
        ("dyrektor@myhezo.example", "dmarc=none"),
        (ANNA, "dmarc=none"),
    ];
    for (n, (from, result)) in tries.into_iter().enumerate() {
        let forged =
            mail(from, address, &format!("{n}@forged.example"), "Re: Awaria", "#relay\nProszę dzwonić pod 600.");
        let sent = desk.mail_stamped("2026-11-23 09:10", result, &forged);
        assert!(!goes_to_customer(&sent), "{from} {result}");
        assert_eq!(state(&desk, number), before, "{from} {result}");
    }
    let genuine =
        mail("szef@myhezo.example", address, "9@myhezo.example", "Re: Awaria", "#relay\nJedziemy do Państwa.");
    assert!(goes_to_customer(&desk.mail("2026-11-23 09:20", &genuine)));
}

/// Clients write lists and bold type with marks of their own.
#[test]
fn a_note_behind_marks_is_no_text_for_the_customer() {
    let desk = Desk::new();
    let sent = desk.mail("2026-11-23 09:05", &request("Biblioteka stoi."));
    let notice = to(&sent, ANNA);
    for (n, note) in ["*#note*", "- #note", "(#note)", "\"#notatka\"", "# #note", "Anna: #note"].iter().enumerate() {
        let text = format!("Dzień dobry,\n\n{note}\nKlient nie płaci faktur.\n");
        let sent = desk.mail("2026-11-23 09:06", &answer(notice, &format!("note{n}@hezo.example"), &text));
        assert!(!goes_to_customer(&sent), "{note}");
    }
}

/// A note in the plain part alone would leave by the HTML part.
#[test]
fn parts_that_disagree_on_an_order_are_held() {
    let desk = Desk::new();
    let sent = desk.mail("2026-11-23 09:05", &request("Nie działa."));
    let notice = to(&sent, ANNA);
    let secret = "Klient znowu nie zapłacił za przegląd.";
    let parts = |plain: &str, html: &str| {
        format!(
            "MIME-Version: 1.0\nContent-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain; charset=utf-8\n\n\
             {plain}\n--b\nContent-Type: text/html; charset=utf-8\n\n{html}\n--b--\n"
        )
    };
    let write = |id: &str, parts: &str| {
        format!("From: {ANNA}\nTo: {}\nSubject: Re: Awaria\nMessage-ID: <{id}>\n{parts}", notice.reply_to())
    };
    let torn = parts(&format!("#note\n{secret}"), &format!("<p>{secret}</p>"));
    let sent = desk.mail("2026-11-23 09:10", &write("p1@hezo.example", &torn));
    assert!(!goes_to_customer(&sent));
    assert!(to(&sent, ANNA).text().contains("Wersja tekstowa"), "{}", to(&sent, ANNA).text());
    let whole = parts(&format!("#note\n{secret}"), &format!("<p>#note</p><p>{secret}</p>"));
    let sent = desk.mail("2026-11-23 09:15", &write("p2@hezo.example", &whole));
    assert!(!goes_to_customer(&sent) && to(&sent, ANNA).text().contains("Wykonano #note"));
}

/// A part that never ends is a text, and a file that can run has no name.
#[test]
fn nothing_leaves_as_a_file_that_is_none() {
    let desk = Desk::new();
    let sent = desk.mail("2026-11-23 09:05", &request("Nie działa."));
    let notice = to(&sent, ANNA);
    let head = |id: &str| {
        format!(
            "From: {ANNA}\nTo: {}\nSubject: Re: Awaria\nMessage-ID: <{id}>\nMIME-Version: 1.0\n\
             Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: ",
            notice.reply_to()
        )
    };
    for (id, part) in [
        ("e1", "text/plain; charset=utf-8\n\n#note\nklient nie placi"),
        ("e2", "text/html\n\n<p>#note</p><p>klient nie placi</p>"),
    ] {
        let sent = desk.mail("2026-11-23 09:10", &format!("{}{part}\n", head(&format!("{id}@hezo.example"))));
        assert!(!goes_to_customer(&sent), "{part}");
    }
    let answer = "text/plain; charset=utf-8\n\nW załączeniu.\n\n--b\nContent-Type: ";
    for (id, part) in [
        ("f1", "application/x-msdownload\nContent-Disposition: attachment\n\nprogram"),
        ("f2", "text/html\nContent-Disposition: attachment\n\n<script>1</script>"),
        ("f3", "text/plain\nContent-Disposition: attachment\n\nklient nie placi"),
    ] {
        let sent =
            desk.mail("2026-11-23 09:15", &format!("{}{answer}{part}\n--b--\n", head(&format!("{id}@hezo.example"))));
        let relay = to(&sent, CUSTOMER);
        assert!(
            relay.text().contains("W załączeniu.") && relay.message.attachments.is_empty(),
            "{part}: {}",
            relay.raw
        );
        assert!(to(&sent, ANNA).text().contains("Nie przekazano pliku"), "{part}");
    }
}
