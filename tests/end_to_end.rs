//! The service on a real Dovecot and a real Postfix: what customers, engineers and operators see of it.

use crate::servers::daemon::{DESK, Desk, ENGINEERS, ESCALATION};
use crate::servers::{BOUNCING, Servers, wait_for};
use hezo_intake::desk::message::Message;

const JAN: &str = "jan@fabryka.example";
const EWA: &str = "ewa@szpital.example";
const ANNA: &str = ENGINEERS[0];
const MAREK: &str = ENGINEERS[1];

fn servers() -> Servers {
    Servers::start(&[DESK, ESCALATION, ANNA, MAREK, JAN, EWA])
}

fn mail(from: &str, id: &str, subject: &str, text: &str) -> String {
    format!(
        "From: {from}\nTo: {DESK}\nSubject: {subject}\nMessage-ID: <{id}>\nDate: {}\n\n{text}\n",
        jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S +0000")
    )
}

/// The answer that somebody writes to the newest of these mails.
fn answer(from: &str, to: &Message, id: &str, text: &str) -> String {
    let answered = to.message_id.as_deref().expect("a Message-ID");
    let quote = to.plain.as_deref().unwrap_or_default().replace('\n', "\n> ");
    let head = format!("In-Reply-To: <{answered}>\nReferences: <{answered}>\n");
    let text = format!("{text}\n\nW dniu 23.11.2026 o 09:10, HEZO Assistance pisze:\n> {quote}");
    head + &mail(from, id, &format!("Odp: {}", to.subject), &text)
}

/// Waits for the mailbox to hold so many mails; the last one.
fn nth_mail(servers: &Servers, mailbox: &str, count: usize) -> Message {
    wait_for(&format!("{mailbox} gets mail number {count}"), || {
        let mails = servers.mails(mailbox, "");
        (mails.len() >= count).then(|| Message::parse(&mails[count - 1]))
    })
}

/// Waits for a mail of which this is true: those that leave together may arrive in any order.
fn mail_where(servers: &Servers, mailbox: &str, what: &str, is_it: impl Fn(&Message) -> bool) -> Message {
    wait_for(&format!("{mailbox} gets {what}"), || {
        servers.mails(mailbox, "").iter().map(|mail| Message::parse(mail)).find(|mail| is_it(mail))
    })
}

fn text(mail: &Message) -> &str {
    mail.plain.as_deref().unwrap_or_default()
}

fn reply_address(notice: &Message) -> &str {
    notice.reply_to.as_ref().map_or("", |reply_to| &reply_to.address)
}

#[test]
fn a_request_goes_its_whole_way() {
    let servers = servers();
    let desk = Desk::new(&servers, "port = {imaps}\nafter = { move = \"Zgłoszenia/Załatwione\" }");
    let daemon = desk.start(&[]);
    daemon.wait_for("ready");

    servers.hand_in(JAN, DESK, &mail(JAN, "1@fabryka.example", "Awaria", "Napęd stoi, nr seryjny: B824100317"));
    let ack = nth_mail(&servers, JAN, 1);
    assert_eq!(ack.in_reply_to, ["1@fabryka.example"]);
    assert!(text(&ack).contains("B824100317") && text(&ack).contains("Numer umowy serwisowej"), "{}", text(&ack));
    assert!(text(&nth_mail(&servers, ANNA, 1)).contains("Napęd stoi"));
    nth_mail(&servers, MAREK, 1);

    servers.restart_dovecot();
    let more = answer(JAN, &ack, "2@fabryka.example", "Umowa serwisowa nr HEZO/QSP/2025/00417");
    servers.hand_in(JAN, DESK, &more);
    let notice = nth_mail(&servers, ANNA, 2);
    assert!(text(&notice).contains("HEZO/QSP/2025/00417"));
    assert_eq!(desk.json(&["tickets", "list", "--json"]).len(), 1, "the answer threads");

    let reply = answer(ANNA, &notice, "3@hezo.example", "Proszę o log z biblioteki.");
    servers.submit(ANNA, reply_address(&notice), &reply.replace(DESK, reply_address(&notice)));
    let relay = nth_mail(&servers, JAN, 2);
    assert!(text(&relay).contains("Proszę o log z biblioteki."), "{}", text(&relay));
    assert!(relay.references.contains(&"1@fabryka.example".to_string()));
    nth_mail(&servers, MAREK, 3);
    let number = desk.json(&["tickets", "list", "--json"])[0]["ticket"].as_str().expect("a number").to_string();
    wait_for("the reaction clock stops", || {
        let ticket = desk.json(&["tickets", "show", &number, "--json"]).remove(0);
        let clocks = ticket["clocks"].as_array()?.clone();
        clocks.iter().find(|clock| clock["kind"] == "reaction")?["satisfied_at"].as_str().map(|_| ())
    });

    servers.hand_in(EWA, DESK, &mail(EWA, "4@szpital.example", "Brak internetu", "Firewall nie działa."));
    nth_mail(&servers, EWA, 1);
    daemon.stop();
    let later = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(7 * 24);
    let daemon = desk.start(&["--now", &later.to_string()]);
    // A week later the first ticket may be overdue in its own right.
    let escalation = wait_for("the second request is escalated", || {
        let mails = servers.mails(ESCALATION, "").into_iter().map(|mail| Message::parse(&mail));
        mails.into_iter().find(|mail| text(mail).contains("Firewall nie działa."))
    });
    assert!(escalation.attachments.iter().any(|file| file.media_type == "message/rfc822"));
    daemon.stop();

    assert_eq!(desk.gaps(), [0]);
    assert_eq!(servers.mails(DESK, "").len(), 0, "all is filed");
    assert_eq!(servers.mails(DESK, ".Zg&AUI-oszenia.Za&AUI-atwione").len(), 4);
    assert_eq!(servers.mails(JAN, "").len(), 2, "nothing is sent twice");
}

#[test]
fn five_hundred_mails_are_drained_and_accounted_for() {
    let servers = servers();
    let waiting = (0..500).map(|n| {
        mail(JAN, &format!("{n}@fabryka.example"), &format!("Awaria {n}"), &format!("Nr seryjny: B82410{n:04}"))
    });
    servers.put(DESK, waiting);
    let desk = Desk::new(
        &servers,
        "port = {imap}\nsecurity = \"starttls\"\nsign_in = \"plain\"\nstart = \"all\"\nafter = { keyword = \"$HezoDone\" }\n[budget]\nstorm = 1000\n",
    );
    let before = desk.command(&["reconcile"]);
    assert!(!before.status.success() && String::from_utf8_lossy(&before.stdout).contains("no database"));
    let output = desk.command(&["run", "--once"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(desk.gaps(), [0]);
    assert_eq!(desk.json(&["tickets", "list", "--most", "1000", "--json"]).len(), 500);
    let marked = servers.doveadm(DESK, &["search", "mailbox", "INBOX", "keyword", "$HezoDone"]);
    assert_eq!(String::from_utf8_lossy(&marked.stdout).lines().count(), 500);
}

#[test]
fn a_folder_made_anew_is_walked_again_and_nothing_is_answered_twice() {
    let servers = servers();
    servers.put(
        DESK,
        (0..5).map(|n| mail(JAN, &format!("{n}@fabryka.example"), "Awaria", &format!("Nr seryjny: B82410000{n}"))),
    );
    let desk = Desk::new(&servers, "port = {imaps}\nstart = \"all\"");
    assert!(desk.command(&["run", "--once"]).status.success());
    let answers = wait_for("five acknowledgements", || Some(servers.mails(JAN, "").len()).filter(|count| *count == 5));
    servers.make_anew(DESK);
    let output = desk.command(&["run", "--once"]);
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(log.contains("UIDVALIDITY changed") && log.contains("duplicate"), "{log}");
    assert_eq!(desk.json(&["tickets", "list", "--json"]).len(), 5);
    assert_eq!(desk.gaps(), [0]);
    assert_eq!(servers.mails(JAN, "").len(), answers);
}

#[test]
fn what_was_there_before_the_desk_stays_so_in_a_folder_made_anew() {
    let servers = servers();
    let old = |n: u32| mail(JAN, &format!("{n}@fabryka.example"), "Stara", &format!("Nr seryjny: B82410000{n}"));
    servers.put(DESK, [old(1)]);
    servers.hand_in(JAN, DESK, &old(2));
    wait_for("both old mails lie there", || (servers.mails(DESK, "").len() == 2).then_some(()));
    let desk = Desk::new(&servers, "port = {imaps}");
    assert!(desk.command(&["run", "--once"]).status.success());
    servers.make_anew(DESK);
    servers.put(DESK, [mail(JAN, "3@fabryka.example", "Nowa", "Nr seryjny: B824100003")]);
    assert!(desk.command(&["run", "--once"]).status.success());
    let tickets = desk.json(&["tickets", "list", "--json"]);
    assert_eq!(tickets.iter().map(|ticket| &ticket["subject"]).collect::<Vec<_>>(), ["Nowa"]);
    assert_eq!(desk.gaps(), [0]);
}

#[test]
fn what_a_person_does_in_the_mailbox_hides_nothing() {
    let servers = servers();
    servers.put(DESK, [mail(JAN, "old@fabryka.example", "Stara", "Sprzed uruchomienia.")]);
    let desk = Desk::new(&servers, "port = {imaps}\nfolders = [\"INBOX\", \"Wiadomości-śmieci\"]");
    servers.doveadm(DESK, &["mailbox create", "Wiadomości-śmieci"]);
    let daemon = desk.start(&[]);
    daemon.wait_for("ready");
    servers.put(DESK, [mail(JAN, "seen@fabryka.example", "Przeczytana", "Nr seryjny: B824100317")]);
    servers.doveadm(DESK, &["flags add", "\\Seen", "mailbox", "INBOX", "all"]);
    nth_mail(&servers, JAN, 1);
    servers.doveadm(DESK, &["move", "Wiadomości-śmieci", "mailbox", "INBOX", "subject", "Przeczytana"]);
    servers.hand_in(EWA, DESK, &mail(EWA, "new@szpital.example", "Nowa", "Nr seryjny: B824100318"));
    nth_mail(&servers, EWA, 1);
    wait_for("every mail has a disposition", || (desk.gaps() == [0, 0]).then_some(()));
    let subjects: Vec<_> =
        desk.json(&["tickets", "list", "--json"]).iter().map(|ticket| ticket["subject"].clone()).collect();
    assert_eq!(subjects, ["Nowa", "Przeczytana"], "what was there before the first start is left alone");
    assert_eq!(servers.mails(JAN, "").len(), 1, "the mail that was moved by hand is known");
}

#[test]
fn what_lies_in_the_junk_folder_waits_until_a_person_moves_it_out() {
    let servers = servers();
    let desk = Desk::new(&servers, "port = {imaps}\njunk_folders = [\"Wiadomości-śmieci\"]");
    servers.doveadm(DESK, &["mailbox create", "Wiadomości-śmieci"]);
    let daemon = desk.start(&[]);
    daemon.wait_for("ready");
    let as_junk = |message: String| {
        let file = servers.dir().join("junk.eml");
        std::fs::write(&file, message).expect("a mail");
        servers.doveadm(DESK, &["save", "-m", "Wiadomości-śmieci", &file.display().to_string()]);
    };
    as_junk(mail(JAN, "1@fabryka.example", "Awaria", "Nr seryjny: B824100317"));
    as_junk(mail(EWA, "2@szpital.example", "Wygrana", "Odbierz nagrodę."));
    let waiting = |count: usize| {
        let listed = desk.command(&["parked", "list", "--json"]).stdout;
        let listed = String::from_utf8_lossy(&listed).into_owned();
        (listed.lines().count() == count && listed.matches("\"cause\":\"spam\"").count() == count).then_some(())
    };
    wait_for("both wait as spam", || waiting(2));
    assert!(desk.command(&["tickets", "list", "--json"]).stdout.is_empty());
    assert!(servers.mails(ANNA, "").is_empty() && servers.mails(JAN, "").is_empty(), "nobody is told");

    servers.doveadm(DESK, &["move", "INBOX", "mailbox", "Wiadomości-śmieci", "subject", "Awaria"]);
    assert!(text(&nth_mail(&servers, JAN, 1)).contains("B824100317"), "it is a request now");
    nth_mail(&servers, ANNA, 1);
    wait_for("the other one waits on", || waiting(1));
    assert_eq!(desk.json(&["tickets", "list", "--json"]).len(), 1);
    wait_for("every mail has a disposition", || (desk.gaps() == [0, 0]).then_some(()));
    assert!(servers.mails(EWA, "").is_empty(), "spam is not answered");
}

#[test]
fn a_mail_over_the_limit_becomes_a_ticket_and_stays() {
    let servers = servers();
    let desk = Desk::new(&servers, "port = {imaps}\nstart = \"all\"\nafter = { move = \"Done\" }");
    let filler = "Y".repeat(76) + "\n";
    servers.put(DESK, [mail(JAN, "big@fabryka.example", "Logi, nr seryjny B824100317", &filler.repeat(20_000))]);
    assert!(desk.command(&["run", "--once"]).status.success());
    let ack = nth_mail(&servers, JAN, 1);
    assert!(text(&ack).contains("B824100317"), "{}", text(&ack));
    assert!(text(&nth_mail(&servers, ANNA, 1)).contains("pozostała na serwerze"));
    assert_eq!(servers.mails(DESK, "").len(), 1, "it stays for a person");
    assert_eq!(desk.gaps(), [0]);
}

#[test]
fn check_names_every_server_that_refuses() {
    let servers = servers();
    let desk = Desk::new(&servers, "port = {imaps}");
    let output = desk.command(&["check"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    desk.write("password", "another password");
    let output = desk.command(&["check"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("mailbox support") && said.contains("smtp:"), "{said}");
    assert!(!said.contains("another password"), "{said}");
}

#[test]
fn servers_that_are_away_are_waited_for() {
    let servers = servers();
    let desk = Desk::new(&servers, "port = {imaps}");
    let daemon = desk.start(&[]);
    daemon.wait_for("ready");
    servers.stop_dovecot();
    daemon.wait_for("the mailbox does not answer");
    servers.hand_in(JAN, DESK, &mail(JAN, "1@fabryka.example", "Awaria", "Nr seryjny: B824100317"));
    servers.stop_postfix();
    servers.start_dovecot();
    daemon.wait_for("the mailbox answers again");
    servers.put(DESK, [mail(EWA, "2@szpital.example", "Awaria", "Nr seryjny: B824100318")]);
    daemon.wait_for("mail not accepted now");
    servers.start_postfix();
    nth_mail(&servers, EWA, 1);
    nth_mail(&servers, JAN, 1);
    assert_eq!(desk.gaps(), [0]);
}

#[test]
fn an_answer_that_bounces_leaves_the_promise_open() {
    let servers = servers();
    let desk = Desk::new(&servers, "port = {imaps}");
    let daemon = desk.start(&[]);
    daemon.wait_for("ready");
    let gone = format!("{BOUNCING}@fabryka.example");
    servers.hand_in(&gone, DESK, &mail(&gone, "1@fabryka.example", "Awaria", "Nr seryjny: B824100317"));
    let undelivered = |mail: &Message| mail.subject.contains("NIE DORĘCZONO");
    let notice = mail_where(&servers, ANNA, "the notice", |mail| !undelivered(mail));
    let about_ack = mail_where(&servers, ANNA, "the alert", undelivered);
    assert!(text(&about_ack).contains(&gone), "{}", text(&about_ack));

    let reply = answer(ANNA, &notice, "2@hezo.example", "Proszę o log.");
    servers.submit(ANNA, reply_address(&notice), &reply.replace(DESK, reply_address(&notice)));
    mail_where(&servers, ANNA, "the alert about the answer", |mail| {
        undelivered(mail) && text(mail).contains("Zegar reakcji biegnie dalej")
    });
    let number = desk.json(&["tickets", "list", "--json"])[0]["ticket"].as_str().expect("a number").to_string();
    let ticket = desk.json(&["tickets", "show", &number, "--json"]).remove(0);
    let reaction =
        ticket["clocks"].as_array().and_then(|clocks| clocks.iter().find(|clock| clock["kind"] == "reaction"));
    assert_eq!(reaction.expect("the clock")["satisfied_at"], serde_json::Value::Null);
}

#[test]
fn a_recipient_that_the_server_refuses_is_told_and_disturbs_nobody() {
    let servers = servers();
    let desk = Desk::new(&servers, "port = {imaps}\nstart = \"all\"");
    let unknown = "unknown@fabryka.example";
    servers.put(DESK, [mail(unknown, "1@fabryka.example", "Awaria", "Nr seryjny: B824100317")]);
    assert!(desk.command(&["run", "--once"]).status.success());
    for engineer in [ANNA, MAREK] {
        let alert = mail_where(&servers, engineer, "the alert", |mail| mail.subject.contains("NIE DORĘCZONO"));
        assert!(text(&alert).contains(unknown));
    }
}
