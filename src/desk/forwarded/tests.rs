use super::*;
use crate::desk::rules::Sources;

fn rules() -> QuoteRules {
    QuoteRules::compile(&Sources::built_in()).expect("the built-in rules compile")
}

fn is_ours(address: &str) -> bool {
    address.ends_with("@hezo.example") || address == "pomoc@myhezo.example"
}

/// A forward with this body: its sender as `name <address>`, its subject, and its text.
#[track_caller]
fn check(program: &str, subject: &str, body: &str, expected: &str, about: Option<&str>, says: &str) {
    let content = if body.trim_start().starts_with('<') { "text/html" } else { "text/plain" };
    let mail = format!(
        "From: Anna <anna@hezo.example>\nTo: pomoc@myhezo.example\nSubject: {subject}\nMIME-Version: 1.0\n\
         Content-Type: {content}; charset=utf-8\n\n{body}"
    );
    let found = forwarded(&Message::parse(mail.as_bytes()), is_ours, &rules());
    let found = found.unwrap_or_else(|| panic!("{program}: no sender is found"));
    assert_eq!(format!("{} <{}>", found.from.name, found.from.address), expected, "{program}");
    assert_eq!(found.subject.as_deref(), about, "{program}");
    assert_eq!(found.text, says, "{program}");
}

const JAN: &str = "Jan Wzorcowy <jan@fabryka.example>";
const SAYS: &str = "Napęd stoi.\n\nJan";

#[test]
fn forwards_of_many_programs() {
    let subject = Some("Awaria napędu");
    check(
        "Outlook, Polish",
        "PD: Awaria napędu",
        "Proszę o zgłoszenie.\n\nOd: Jan Wzorcowy <jan@fabryka.example> \nWysłano: poniedziałek, 23 listopada 2026 08:40\n\
         Do: Anna Inżynier <anna@hezo.example>\nDW: Szef <szef@fabryka.example>\nTemat: Awaria napędu\n\nNapęd stoi.\n\nJan\n",
        JAN,
        subject,
        SAYS,
    );
    check(
        "Outlook, English, old",
        "FW: Awaria napędu",
        "-----Original Message-----\nFrom: Jan Wzorcowy [mailto:jan@fabryka.example] \nSent: Monday, November 23, 2026 8:40 AM\n\
         To: Anna\nSubject: Awaria napędu\n\nNapęd stoi.\n\nJan\n",
        JAN,
        subject,
        SAYS,
    );
    check(
        "Outlook, HTML, the address in a link alone",
        "PD: Awaria napędu",
        "<html><body><p class=MsoNormal>FYI</p><div style='border-top:solid #E1E1E1 1.0pt'><p class=MsoNormal><b>Od:</b> \
         <a href=\"mailto:jan@fabryka.example\">Jan Wzorcowy</a><br><b>Wysłano:</b> 23 listopada 2026 08:40<br><b>Do:</b> Anna<br>\
         <b>Temat:</b> Awaria napędu</p></div><p>Napęd stoi.</p><p>Jan</p></body></html>",
        JAN,
        subject,
        SAYS,
    );
    check(
        "Apple Mail, Polish",
        "Fwd: Awaria napędu",
        "\nPoczątek przekazywanej wiadomości:\n\n> Od: Jan Wzorcowy <jan@fabryka.example>\n> Temat: Awaria napędu\n\
         > Data: 23 listopada 2026 08:40:00 CET\n> Do: anna@hezo.example\n> \n> Napęd stoi.\n> \n> Jan\n",
        JAN,
        subject,
        SAYS,
    );
    check(
        "Gmail, Polish",
        "Fwd: Awaria napędu",
        "---------- Forwarded message ---------\nOd: Jan Wzorcowy <jan@fabryka.example>\nDate: pon., 23 lis 2026 o 08:40\n\
         Subject: Awaria napędu\nTo: <anna@hezo.example>\n\n\nNapęd stoi.\n\nJan\n",
        JAN,
        subject,
        SAYS,
    );
    check(
        "Gmail, HTML",
        "Fwd: Awaria napędu",
        "<div dir=\"ltr\"><br><br><div class=\"gmail_quote\"><div dir=\"ltr\" class=\"gmail_attr\">---------- Forwarded message \
         ---------<br>Od: <strong class=\"gmail_sendername\" dir=\"auto\">Jan Wzorcowy</strong> <span dir=\"auto\">&lt;<a \
         href=\"mailto:jan@fabryka.example\">jan@fabryka.example</a>&gt;</span><br>Date: pon., 23 lis 2026<br>Subject: Awaria \
         napędu<br>To:  &lt;anna@hezo.example&gt;<br></div><br><br><div dir=\"ltr\">Napęd stoi.<div><br></div><div>Jan</div></div>\
         </div></div>",
        JAN,
        subject,
        SAYS,
    );
    check(
        "Thunderbird, Polish",
        "Fwd: Awaria napędu",
        "-------- Treść przekazanej wiadomości --------\nTemat: \tAwaria napędu\nData: \tMon, 23 Nov 2026 08:40:00 +0100\n\
         Nadawca: \tJan Wzorcowy <jan@fabryka.example>\nAdresat: \tanna@hezo.example\n\n\nNapęd stoi.\n\nJan\n",
        JAN,
        subject,
        SAYS,
    );
    check(
        "Yahoo, Polish",
        "Fw: Awaria napędu",
        "----- Przekazana wiadomość ----- Od: Jan Wzorcowy <jan@fabryka.example>Do: Anna <anna@hezo.example>Wysłano: \
         poniedziałek, 23 listopada 2026 08:40:00 CETTemat: Awaria napędu\nNapęd stoi.\n\nJan\n",
        JAN,
        subject,
        SAYS,
    );
    check(
        "HubSpot, Polish",
        "Fwd: Awaria napędu",
        "---------- Wiadomość przesłana dalej ---------\nOd: jan@fabryka.example\nDo: anna@hezo.example\nData: 23 lis 2026\n\
         Temat: Awaria napędu\n\nNapęd stoi.\n\nJan\n",
        " <jan@fabryka.example>",
        subject,
        SAYS,
    );
    check(
        "a colleague passed it on first",
        "PD: PD: Awaria napędu",
        "Od: Marek Serwisant <marek@hezo.example>\nWysłano: 23 listopada 2026 08:50\nDo: Anna <anna@hezo.example>\n\
         Temat: PD: Awaria napędu\n\nAnka, weźmiesz?\n\nOd: Jan Wzorcowy <jan@fabryka.example>\nWysłano: 23 listopada 2026 08:40\n\
         Do: Marek Serwisant <marek@hezo.example>\nTemat: Awaria napędu\n\nNapęd stoi.\n\nJan\n",
        JAN,
        subject,
        SAYS,
    );
}

#[test]
fn an_attached_mail_says_who_wrote_it() {
    let mail = "From: Anna <anna@hezo.example>\nSubject: PD: Awaria\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n\
                --b\nContent-Type: text/plain\n\nW załączniku.\n--b\nContent-Type: message/rfc822\n\n\
                From: Jan Wzorcowy <jan@fabryka.example>\nTo: anna@hezo.example\nSubject: Awaria\n\nStoi.\n--b--\n";
    let found = forwarded(&Message::parse(mail.as_bytes()), is_ours, &rules()).expect("a forward");
    assert_eq!(found.from.address, "jan@fabryka.example");
    assert_eq!((found.subject.as_deref(), found.text.as_str()), (Some("Awaria"), "Stoi."));
    assert!(found.original.is_some());
}

#[test]
fn what_passes_nothing_on_has_no_sender() {
    for body in [
        "Proszę o zgłoszenie.\n",
        "Od: Jan\nbez adresu i tematu\n",
        "Od: Marek <marek@hezo.example>\nTemat: x\nDo: anna@hezo.example\n\nAnka?\n",
        "Napisał do mnie jan@fabryka.example, temat: awaria.\n",
    ] {
        let mail = format!("From: Anna <anna@hezo.example>\nSubject: x\n\n{body}");
        assert_eq!(forwarded(&Message::parse(mail.as_bytes()), is_ours, &rules()), None, "{body}");
    }
}
