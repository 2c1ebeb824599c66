//! Numbers in attachments, told to the built program: they complete a ticket as written ones do, and
//! what could not be read is said to the engineers.

use rxing::BarcodeFormat;

use crate::photographs::Photograph;
use crate::story::{Desk, to};

fn mail(name: &str, media: &str, content: &[u8]) -> String {
    let encoded = data_encoding::BASE64.encode(content);
    let lines: Vec<&str> =
        encoded.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).expect("BASE64 is ASCII")).collect();
    format!(
        "From: Jan Wzorcowy <jan@fabryka.example>\nTo: pomoc@myhezo.example\nSubject: Awaria biblioteki\n\
         Message-ID: <1@fabryka.example>\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"=-part\"\n\n\
         --=-part\nContent-Type: text/plain; charset=utf-8\n\nDzień dobry, biblioteka nie oddaje taśmy. Umowa serwisowa nr \
         HEZO/QSP/2025/00417.\n\n--=-part\nContent-Type: {media}\nContent-Disposition: attachment; filename=\"{name}\"\n\
         Content-Transfer-Encoding: base64\n\n{}\n--=-part--\n",
        lines.join("\n")
    )
}

#[test]
fn a_photographed_label_completes_the_ticket() {
    let desk = Desk::new();
    let label = Photograph { turn: 15.0, ..Photograph::of(BarcodeFormat::CODE_128, "B824100317") };
    let sent = desk.mail("2026-11-23 09:05", &mail("IMG_2210.png", "image/png", &label.file()));
    let ack = to(&sent, "jan@fabryka.example");
    assert!(ack.text().contains("B824100317"), "{}", ack.text());
    let ticket = desk.ticket(ack.ticket());
    assert!(ticket["admitted_at"].is_string(), "{ticket}");
    assert!(ticket.to_string().contains("barcode: "), "the place is told: {ticket}");
}

/// Somebody passes an original on as an attachment, and the label hangs on that.
#[test]
fn what_hangs_on_an_attached_original_counts() {
    let desk = Desk::new();
    let label = Photograph::of(BarcodeFormat::CODE_128, "B824100317");
    let original = mail("IMG_2210.png", "image/png", &label.file()).replace("1@fabryka.example", "2@fabryka.example");
    let passed_on = format!(
        "From: Ewa Wzorcowa <ewa@fabryka.example>\nTo: pomoc@myhezo.example\nSubject: FW: Awaria biblioteki\n\
         Message-ID: <1@fabryka.example>\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"=-outer\"\n\n\
         --=-outer\nContent-Type: text/plain; charset=utf-8\n\nW załączeniu zgłoszenie kolegi.\n\n--=-outer\n\
         Content-Type: message/rfc822\nContent-Disposition: attachment; filename=\"zgloszenie.eml\"\n\n{original}\n--=-outer--\n"
    );
    let sent = desk.mail("2026-11-23 09:05", &passed_on);
    let ticket = desk.ticket(to(&sent, "ewa@fabryka.example").ticket());
    assert!(ticket["admitted_at"].is_string(), "{ticket}");
}

#[test]
fn what_cannot_be_read_is_told_to_engineers_and_the_mail_is_handled_all_the_same() {
    let desk = Desk::new();
    let sent = desk.mail("2026-11-23 09:05", &mail("protokol.pdf", "application/pdf", b"%PDF-1.4\nnothing more"));
    let notice = to(&sent, "anna@hezo.example").text();
    assert!(notice.contains("Numerów nie szukano w całym załączniku protokol.pdf: jest uszkodzony"), "{notice}");
    let ack = to(&sent, "jan@fabryka.example");
    assert!(!ack.text().contains("protokol.pdf") && !ack.text().contains("uszkodzony"), "{}", ack.text());
}
