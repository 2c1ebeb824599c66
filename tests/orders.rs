//! Orders of engineers in the first lines of their mails, told to the built program.

use crate::story::{Desk, Sent, to};
use serde_json::Value;

const CUSTOMER: &str = "jan@fabryka.example";
const ANNA: &str = "anna@hezo.example";
const MAREK: &str = "marek@hezo.example";
const ESCALATION: &str = "escalation@myhezo.example";

const REQUEST: &str = "\
From: Jan Wzorcowy <jan@fabryka.example>
To: pomoc@myhezo.example
Subject: Awaria biblioteki
Message-ID: <1@fabryka.example>

Dzień dobry, biblioteka nie oddaje taśmy.
";

const NUMBERS: &str = "#serial B824100317\n#umowa HEZO/QSP/2025/00417";

/// A ticket, and Anna's mail about it.
struct Story {
    desk: Desk,
    notice: Sent,
    number: String,
    written: std::cell::Cell<u32>,
}

impl Story {
    fn new() -> Story {
        Story::of(Desk::new(), REQUEST)
    }

    fn of(desk: Desk, request: &str) -> Story {
        let mut sent = desk.mail("2026-11-23 09:05", request);
        let notice = sent.iter().position(|mail| mail.to() == ANNA).expect("a notice");
        let notice = sent.remove(notice);
        let number = notice.ticket().to_string();
        Story { desk, notice, number, written: std::cell::Cell::new(0) }
    }

    /// Anna writes this above the quoted notice.
    fn anna(&self, at: &str, text: &str) -> Vec<Sent> {
        self.anna_with(at, text, "")
    }

    /// The same with a file.
    fn anna_with(&self, at: &str, text: &str, file: &str) -> Vec<Sent> {
        let n = self.written.get() + 1;
        self.written.set(n);
        let (reply_to, id) = (self.notice.reply_to(), self.notice.id());
        let quoted = self.notice.text().replace('\n', "\n> ");
        let body = format!("{text}\n\nW dniu 23.11.2026 o 09:05, Jan Wzorcowy pisze:\n> {quoted}\n");
        let head = format!(
            "From: Anna Inżynier <{ANNA}>\nTo: {reply_to}\nSubject: Re: {}\nMessage-ID: <a{n}@hezo.example>\nIn-Reply-To: <{id}>\n",
            self.notice.message.subject
        );
        let mail = match file {
            "" => format!("{head}\n{body}"),
            name => format!(
                "{head}MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\
                 Content-Type: text/plain; charset=utf-8\n\n{body}\n--b\nContent-Type: application/pdf\n\
                 Content-Disposition: attachment; filename=\"{name}\"\n\n%PDF\n--b--\n"
            ),
        };
        self.desk.mail(at, &mail)
    }

    fn ticket(&self) -> Value {
        self.desk.ticket(&self.number)
    }

    fn state(&self) -> String {
        self.ticket()["state"].as_str().expect("a state").to_string()
    }

    /// The latest clock of this kind.
    fn clock(&self, kind: &str) -> Value {
        let ticket = self.ticket();
        let mut clocks = ticket["clocks"].as_array().expect("clocks").iter();
        clocks.rfind(|clock| clock["kind"] == kind).cloned().unwrap_or(Value::Null)
    }
}

/// The short answer to Anna.
fn answer(sent: &[Sent]) -> &Sent {
    to(sent, ANNA)
}

#[track_caller]
fn has(mail: &Sent, words: &[&str]) {
    for words in words {
        assert!(mail.text().contains(words), "{words:?} in {}", mail.text());
    }
}

#[track_caller]
fn only_to_anna(sent: &[Sent]) {
    let others: Vec<&str> = sent.iter().map(Sent::to).filter(|to| *to != ANNA).collect();
    assert!(others.is_empty(), "{others:?}");
}

#[test]
fn numbers_text_and_acceptance_are_done_together() {
    let story = Story::new();
    let sent = story.anna("2026-11-23 09:20", "#accept 8h");
    only_to_anna(&sent);
    has(answer(&sent), &["nie wykonano niczego", "#accept 8h", "brakuje: numer seryjny, numer umowy"]);
    assert!(answer(&sent).message.subject.contains("NIE WYKONANO"));
    assert_eq!(story.state(), "new");

    let sent = story.anna("2026-11-23 09:30", &format!("#przyjmij 8h\n{NUMBERS}\n\nTechnik jest w drodze.\n"));
    let relay = to(&sent, CUSTOMER);
    has(relay, &["Technik jest w drodze."]);
    assert!(!relay.raw.contains('#'), "{}", relay.raw);
    has(answer(&sent), &["Wykonano #przyjmij 8h", "Zegar dostawy: termin wt. 24.11.2026 09:30", CUSTOMER]);
    has(to(&sent, MAREK), &["Technik jest w drodze."]);
    assert_eq!(story.state(), "accepted");
    assert!(story.clock("reaction")["satisfied_at"].is_string());
    let answer = answer(&sent);
    assert_eq!(answer.message.header("Auto-Submitted"), Some("auto-replied"));
    assert_ne!(answer.reply_to(), "");
}

#[test]
fn what_is_not_understood_undoes_all() {
    let story = Story::new();
    let sent = story.anna("2026-11-23 09:20", &format!("{NUMBERS}\n#acept 8h\n#frobnicate\n\nTechnik jedzie.\n"));
    only_to_anna(&sent);
    has(answer(&sent), &["#acept 8h", "Może chodziło o: #przyjmij [8h|NBD]", "#frobnicate", "nie rozumiem"]);
    let ticket = story.ticket();
    assert_eq!((ticket["state"].clone(), ticket["numbers"].as_array().map(Vec::len)), ("new".into(), Some(0)));
    // An order that comes too late would be shown to the customer.
    let sent = story.anna("2026-11-23 09:21", "Technik jedzie.\n#resolve\n");
    only_to_anna(&sent);
    has(answer(&sent), &["#resolve", "tylko w pierwszych wierszach"]);
    // The prompt of a device is text.
    let sent = story.anna("2026-11-23 09:22", "Proszę wpisać:\n\n# show version\nswitch# reload\n");
    has(to(&sent, CUSTOMER), &["# show version"]);
}

#[test]
fn notes_stay_inside() {
    let story = Story::new();
    let note = "#note\nKlient jest trudny i zalega z fakturami od dawna.\n";
    let sent = story.anna_with("2026-11-23 09:20", note, "faktury.pdf");
    assert!(sent.iter().all(|mail| mail.to() != CUSTOMER));
    has(to(&sent, MAREK), &["zapisał(a) notatkę", "zalega z fakturami"]);
    assert!(to(&sent, MAREK).message.attachments.iter().any(|file| file.name == "faktury.pdf"));
    has(answer(&sent), &["Wykonano #note", "klient go nie dostał"]);
    assert_eq!(story.clock("reaction")["satisfied_at"], Value::Null);
    // Its words and its file's name come back in no answer.
    for leak in ["Jest tak: klient jest trudny i zalega z fakturami.", "Proszę spojrzeć: faktury.pdf"] {
        let sent = story.anna("2026-11-23 09:25", leak);
        assert!(sent.iter().all(|mail| mail.to() != CUSTOMER), "{leak}");
        assert!(to(&sent, ANNA).message.subject.contains("internal-text-in-answer"), "{leak}");
    }
}

#[test]
fn the_label_goes_to_the_customer() {
    let story = Story::new();
    story.anna("2026-11-23 09:20", &format!("{NUMBERS}\n#accept\n"));
    let sent = story.anna_with("2026-11-24 12:00", "#waybill 0081 7250 0000 11", "list.pdf");
    let label = to(&sent, CUSTOMER);
    has(label, &["Numer listu przewozowego: 008172500000", "Prosimy odesłać urządzenie do wt. 01.12.2026 23:59"]);
    assert_eq!(label.message.attachments.len(), 1);
    assert_eq!(label.message.attachments[0].name, "list.pdf");
    has(answer(&sent), &["Zegar zwrotu: termin wt. 01.12.2026 23:59"]);
    assert!(!answer(&sent).text().contains("bez załącznika"));
    assert_eq!(story.state(), "awaiting-return");
    story.anna("2026-11-25 12:00", "#zwrócone");
    assert!(story.clock("return")["satisfied_at"].is_string());
}

#[test]
fn states_and_clocks_follow_orders() {
    let story = Story::new();
    story.anna("2026-11-23 09:10", "Proszę o numery.");
    story.anna("2026-11-23 09:20", &format!("{NUMBERS}\n#accept nbd\n"));
    let sent = story.anna("2026-11-24 09:00", "#czekaj do piątku na log z biblioteki");
    has(answer(&sent), &["Czekamy na klienta: na log z biblioteki do pt. 27.11.2026 09:00"]);
    let sent = story.anna("2026-11-24 10:00", "#dostarczono 09:40");
    has(answer(&sent), &["Zegar dostawy: dotrzymany wt. 24.11.2026 09:40"]);
    let sent = story.anna("2026-11-24 10:05", "#dostarczono 09:45");
    has(answer(&sent), &["w zgłoszeniu nie ma otwartej dostawy"]);
    story.anna("2026-11-24 11:00", "#resolve");
    assert_eq!(story.state(), "resolved");
    story.anna("2026-11-24 11:05", "#otwórz\n\nWracamy do sprawy.");
    assert_eq!(story.state(), "in-verification");
    let sent = story.anna("2026-11-24 11:10", "#eskaluj klient grozi karą");
    has(to(&sent, ESCALATION), &["klient grozi karą", "biblioteka nie oddaje taśmy"]);
    story.anna("2026-11-24 11:15", "#zamknij załatwione telefonicznie\n\nDziękujemy za rozmowę.");
    assert_eq!(story.state(), "closed");
    let sent = story.anna("2026-11-24 11:20", "#resolve");
    only_to_anna(&sent);
    has(answer(&sent), &["najpierw #otwórz"]);
}

#[test]
fn who_works_on_it() {
    let story = Story::new();
    let sent = story.anna("2026-11-23 09:10", "#assign Marek\n#phone 09:08");
    has(answer(&sent), &["Prowadzi: Marek Serwisant", "Zegar reakcji: dotrzymany pn. 23.11.2026 09:08"]);
    has(to(&sent, MAREK), &["Historia:", "biblioteka nie oddaje taśmy"]);
    assert_ne!(to(&sent, MAREK).reply_to(), "");
    assert_eq!(story.ticket()["assignee"], "marek");
    let sent = story.anna("2026-11-23 09:11", "#assign Zenon");
    has(answer(&sent), &["nie wiadomo, kto to jest: Zenon", "Anna Inżynier, Marek Serwisant"]);
    story.anna("2026-11-23 09:12", "#take");
    assert_eq!(story.ticket()["assignee"], "anna");
}

#[test]
fn language_and_spam() {
    let story = Story::new();
    let sent = story.anna("2026-11-23 09:10", "#language en\n\nPlease send the log.");
    has(to(&sent, CUSTOMER), &["Please send the log.", "telephone"]);
    let other = Story::new();
    let sent = other.anna("2026-11-23 09:10", "#spam\nto reklama");
    assert!(sent.iter().all(|mail| mail.to() != CUSTOMER));
    assert_eq!(other.state(), "closed");
    other.desk.run("2026-11-23 12:00");
    assert!(other.desk.sent().is_empty(), "nothing is owed");
}

#[test]
fn the_whole_ticket_by_mail() {
    let story = Story::new();
    let sent = story.anna("2026-11-23 09:10", "#show");
    has(answer(&sent), &["Historia:", "biblioteka nie oddaje taśmy", "Klient: Jan Wzorcowy"]);
    let is_original = |mail: &Sent| mail.message.attachments.iter().any(|file| file.media_type == "message/rfc822");
    assert!(is_original(answer(&sent)));
    assert!(is_original(answer(&story.anna("2026-11-23 09:11", "#oryginał"))));
    let sent = story.anna("2026-11-23 09:12", "#pomoc");
    has(answer(&sent), &["#przyjmij [8h|NBD]", "#list NUMER", "#notatka"]);
    only_to_anna(&sent);
}

#[test]
fn a_second_address_takes_part_once_it_is_added() {
    let story = Story::new();
    let ticket = story.ticket();
    let entries = ticket["entries"].as_array().expect("entries");
    let ack = entries.iter().find(|entry| entry["kind"] == "acknowledged").expect("an acknowledgement");
    let ack = ack["message_id"].as_str().expect("its id");
    let other = format!(
        "From: Jan <jan@prywatna.example>\nTo: pomoc@myhezo.example\nSubject: Re: Awaria\n\
         Message-ID: <2@prywatna.example>\nIn-Reply-To: <{ack}>\n\nPiszę z domu.\n"
    );
    story.desk.mail("2026-11-23 09:10", &other);
    let sent = story.anna("2026-11-23 09:15", "Proszę o log.");
    assert!(sent.iter().all(|mail| mail.to() != "jan@prywatna.example"), "it does not take part");
    let sent = story.anna("2026-11-23 09:20", "#add jan@prywatna.example\n\nCzekamy na log.");
    for address in [CUSTOMER, "jan@prywatna.example"] {
        has(to(&sent, address), &["Czekamy na log."]);
        assert!(!to(&sent, address).raw.contains("Proszę o log"), "the history is not shown");
    }
    let again = other.replace("2@", "3@").replace("Piszę z domu", "Oto log");
    story.desk.mail("2026-11-23 09:30", &again);
    assert_eq!(story.ticket()["entries"].as_array().expect("entries").last().expect("one")["kind"], "customer");
    let sent = story.anna("2026-11-23 09:40", "#add marek@hezo.example");
    has(answer(&sent), &["to adres nasz"]);
}

#[test]
fn two_tickets_become_one() {
    let story = Story::new();
    let second = REQUEST.replace("<1@", "<2@").replace("nie oddaje taśmy", "drukuje raport błędów");
    let sent = story.desk.mail("2026-11-23 09:06", &second);
    let other = to(&sent, ANNA).ticket().to_string();
    // Merged, each of two customers would read what the other wrote.
    let strangers = REQUEST.replace("<1@", "<3@").replace(CUSTOMER, "ewa@huta.example");
    let sent = story.desk.mail("2026-11-23 09:07", &strangers);
    let of_another = to(&sent, ANNA).ticket().to_string();
    let sent = story.anna("2026-11-23 09:08", &format!("#merge {of_another}"));
    has(answer(&sent), &["nie wykonano niczego", "jest innego klienta", "#dodaj"]);
    assert!(story.ticket()["merged_into"].is_null());
    let sent = story.anna("2026-11-23 09:10", &format!("#merge {other}"));
    has(answer(&sent), &["Wykonano #merge", "połączone"]);
    assert_eq!(story.ticket()["merged_into"], other.as_str());
    let sent = story.anna("2026-11-23 09:20", "Proszę o log z obu bibliotek.");
    assert_eq!(to(&sent, CUSTOMER).ticket(), other, "an answer to the old notice goes on there");
}

/// A program puts the signature below an order, too: that is nothing to say to a customer.
#[test]
fn a_signature_below_an_order_is_no_text() {
    for signature in [
        "-- \nAnna Inżynier\nHEZO Assistance",
        "Pozdrawiam\nAnna Inżynier\nInżynier wsparcia | tel. +48 12 111 22 33\nanna@hezo.example",
        "Z poważaniem,\n\nAnna Inżynier",
        "Anna Inżynier\nInżynier wsparcia | tel. +48 12 111 22 33",
        "Anna",
        "Wysłane z iPhone'a",
        "Pozdrawiam serdecznie\nAnna\n\nWysłane z aplikacji Outlook dla systemu iOS",
    ] {
        let story = Story::new();
        let sent = story.anna("2026-11-23 09:20", &format!("#biorę\n\n{signature}"));
        assert_eq!(sent.iter().map(Sent::to).collect::<Vec<_>>(), [ANNA], "{signature}");
        has(answer(&sent), &["Wykonano #biorę", "Prowadzi: Anna Inżynier"]);
        assert_eq!(story.ticket()["assignee"], "anna", "{signature}");
    }
}

/// The same in HTML, with the firm's logo.
#[test]
fn a_logo_below_an_order_goes_nowhere() {
    let story = Story::new();
    let word = "<html><body lang=PL><div class=WordSection1><p class=MsoNormal>#biorę<o:p></o:p></p><p class=MsoNormal><o:p>&nbsp;</o:p></p>\
                <p class=MsoNormal>Pozdrawiam,<o:p></o:p></p><p class=MsoNormal><b>Anna Inżynier</b><o:p></o:p></p>\
                <p class=MsoNormal>Inżynier wsparcia<o:p></o:p></p><p class=MsoNormal><img width=120 src=\"cid:logo@01\"><o:p></o:p></p>\
                <p class=MsoNormal>tel. +48 12 111 22 33<o:p></o:p></p></div></body></html>";
    let gmail = "<div dir=\"ltr\">#biorę<div><br></div>-- <br><div class=\"gmail_signature\"><div>Anna Inżynier</div><img src=\"cid:logo@01\"></div></div>";
    for (n, html) in [word, gmail].into_iter().enumerate() {
        let mail = format!(
            "From: Anna Inżynier <{ANNA}>\nTo: {}\nSubject: Odp: Awaria\nMessage-ID: <h{n}@hezo.example>\nMIME-Version: 1.0\n\
             Content-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html; charset=utf-8\n\n{html}\n--b\n\
             Content-Type: image/png\nContent-ID: <logo@01>\nContent-Disposition: inline; filename=\"logo.png\"\n\
             Content-Transfer-Encoding: base64\n\niVBORw0KGgo=\n--b--\n",
            story.notice.reply_to()
        );
        let sent = story.desk.mail("2026-11-23 09:20", &mail);
        assert_eq!(sent.iter().map(Sent::to).collect::<Vec<_>>(), [ANNA], "{html}");
    }
}
