//! Mails that go out, read back by a mail parser, and what hostile fields can do to them: nothing.

use hezo_intake::desk::compose::{AutoSubmitted, Outgoing, compose};
use hezo_intake::desk::message::{Address, Attachment};
use jiff::Timestamp;
use mail_parser::{Message, MessageParser, MessagePart, MimeHeaders, PartType};
use proptest::prelude::*;

fn address(name: &str, address: &str) -> Address {
    Address { name: name.to_string(), address: address.to_string() }
}

fn file(name: &str, media_type: &str, content_id: Option<&str>, content: &[u8]) -> Attachment {
    let content_id = content_id.map(str::to_string);
    Attachment { name: name.to_string(), media_type: media_type.to_string(), content_id, content: content.to_vec() }
}

/// An acknowledgement as the desk writes it.
fn acknowledgement() -> Outgoing {
    Outgoing {
        message_id: "Z26-000123-3.ack.5f0c@myhezo.example".to_string(),
        date: "2026-11-23T08:40:00Z".parse::<Timestamp>().unwrap(),
        from: address("HEZO Assistance – pomoc", "pomoc@myhezo.example"),
        to: address("Kowalski, Jan \"Żółw\"", "jan.kowalski@firma.example"),
        reply_to: Some("pomoc+t1@myhezo.example".to_string()),
        subject: "[Z26-000123-3] Przyjęliśmy zgłoszenie: awaria biblioteki taśmowej".to_string(),
        in_reply_to: Some("parent@firma.example".to_string()),
        references: vec!["first@firma.example".to_string()],
        auto_submitted: Some(AutoSubmitted::Replied),
        headers: vec![("X-HEZO-Ticket".to_string(), "Z26-000123-3".to_string())],
        text: "Dzień dobry,\n\nzgłoszenie zarejestrowaliśmy.\n-- \nHEZO".to_string(),
        ..Outgoing::default()
    }
}

/// All header fields of [`acknowledgement`], sorted.
const FIELDS: [&str; 14] = [
    "Auto-Submitted",
    "Content-Transfer-Encoding",
    "Content-Type",
    "Date",
    "From",
    "In-Reply-To",
    "MIME-Version",
    "Message-ID",
    "References",
    "Reply-To",
    "Subject",
    "To",
    "X-Auto-Response-Suppress",
    "X-HEZO-Ticket",
];

/// The names of the fields of the header section, sorted, as the bytes show them.
fn field_names(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let (header, _) = text.split_once("\r\n\r\n").unwrap();
    let fields = header.split("\r\n").filter(|line| !line.starts_with([' ', '\t']));
    let mut names: Vec<String> = fields.map(|line| line.split_once(':').unwrap().0.to_string()).collect();
    names.sort();
    names
}

/// What holds for every mail, whatever stands in it.
fn assert_well_formed(bytes: &[u8]) {
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let text = line.strip_suffix(b"\r\n").expect("every line ends in CRLF");
        assert!(text.len() <= 998 && !text.iter().any(|byte| matches!(byte, 0 | b'\r')), "{text:?}");
    }
    let header_end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let header = String::from_utf8(bytes[..header_end].to_vec()).unwrap();
    assert!(!header.contains(|c: char| c.is_control() && !"\r\n\t".contains(c)), "{header:?}");
    assert!(!header.split("\r\n").any(|line| line.trim().is_empty()), "a folded line holds something: {header:?}");
}

fn written(mail: &Outgoing) -> Vec<u8> {
    let bytes = compose(mail).unwrap();
    assert_well_formed(&bytes);
    assert_eq!(compose(mail).unwrap(), bytes, "the same mail gives the same bytes");
    bytes
}

fn parsed(bytes: &[u8]) -> Message<'_> {
    MessageParser::new().parse(bytes).unwrap()
}

/// The bytes of a part in base64. (The parser would take text for text and convert it.)
fn decoded(bytes: &[u8], part: &MessagePart) -> Vec<u8> {
    let encoded = &bytes[part.raw_body_offset() as usize..part.raw_end_offset() as usize];
    let encoded: Vec<u8> = encoded.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    data_encoding::BASE64.decode(&encoded).unwrap()
}

/// The tree of media types: `multipart/mixed(text/plain image/png)`.
fn shape(mail: &Message<'_>, part: usize) -> String {
    let part = &mail.parts[part];
    let media_type = part
        .content_type()
        .map(|media_type| format!("{}/{}", media_type.c_type, media_type.c_subtype.as_deref().unwrap_or_default()));
    let name = media_type.unwrap_or_default();
    match &part.body {
        PartType::Multipart(parts) => {
            let parts: Vec<String> = parts.iter().map(|part| shape(mail, *part as usize)).collect();
            format!("{name}({})", parts.join(" "))
        }
        _ => name,
    }
}

#[test]
fn an_acknowledgement_reads_back() {
    let bytes = written(&acknowledgement());
    assert_eq!(field_names(&bytes), FIELDS);
    let mail = parsed(&bytes);
    assert_eq!(mail.message_id(), Some("Z26-000123-3.ack.5f0c@myhezo.example"));
    assert_eq!(mail.date().unwrap().to_rfc3339(), "2026-11-23T08:40:00Z");
    let to = mail.to().unwrap().first().unwrap();
    assert_eq!((to.name(), to.address()), (Some("Kowalski, Jan \"Żółw\""), Some("jan.kowalski@firma.example")));
    let from = mail.from().unwrap().first().unwrap();
    assert_eq!((from.name(), from.address()), (Some("HEZO Assistance – pomoc"), Some("pomoc@myhezo.example")));
    assert_eq!(mail.reply_to().unwrap().first().unwrap().address(), Some("pomoc+t1@myhezo.example"));
    assert_eq!(mail.subject(), Some("[Z26-000123-3] Przyjęliśmy zgłoszenie: awaria biblioteki taśmowej"));
    assert_eq!(mail.in_reply_to().as_text_list().unwrap(), ["parent@firma.example"]);
    assert_eq!(mail.references().as_text_list().unwrap(), ["first@firma.example", "parent@firma.example"]);
    assert_eq!(mail.header("Auto-Submitted").unwrap().as_text(), Some("auto-replied"));
    assert_eq!(mail.header("X-Auto-Response-Suppress").unwrap().as_text(), Some("All"));
    assert_eq!(mail.header("X-HEZO-Ticket").unwrap().as_text(), Some("Z26-000123-3"));
    assert_eq!(shape(&mail, 0), "text/plain");
    assert_eq!(mail.body_text(0).unwrap(), "Dzień dobry,\r\n\r\nzgłoszenie zarejestrowaliśmy.\r\n-- \r\nHEZO\r\n");
}

#[test]
fn a_persons_mail_carries_no_mark_of_a_robot() {
    let mut mail = acknowledgement();
    (mail.auto_submitted, mail.reply_to, mail.in_reply_to) = (None, None, None);
    (mail.references, mail.headers, mail.to.name) = (Vec::new(), Vec::new(), String::new());
    let bytes = written(&mail);
    let names =
        ["Content-Transfer-Encoding", "Content-Type", "Date", "From", "MIME-Version", "Message-ID", "Subject", "To"];
    assert_eq!(field_names(&bytes), names);
    assert_eq!(parsed(&bytes).to().unwrap().first().unwrap().name(), None);

    mail.auto_submitted = Some(AutoSubmitted::Generated);
    assert_eq!(parsed(&written(&mail)).header("Auto-Submitted").unwrap().as_text(), Some("auto-generated"));
}

#[test]
fn the_shape_follows_from_what_there_is() {
    let picture = || file("logo.png", "image/png", Some("logo@hezo"), b"\x89PNG");
    let log = || file("dziennik błędów.log", "text/plain", None, b"a\nb\r\n\xff\0");
    let html = Some("<p>Dzień dobry <img src=\"cid:logo@hezo\"></p>".to_string());
    let raw = b"Subject: raw\r\n\r\nbody\r\n".to_vec();
    let check = |html: &Option<String>, attachments: Vec<Attachment>, forwarded: Vec<Vec<u8>>, expected: &str| {
        let bytes = written(&Outgoing { html: html.clone(), attachments, forwarded, ..acknowledgement() });
        assert_eq!(shape(&parsed(&bytes), 0), expected);
    };
    check(&None, vec![], vec![], "text/plain");
    check(&html, vec![], vec![], "multipart/alternative(text/plain text/html)");
    check(&None, vec![log()], vec![], "multipart/mixed(text/plain text/plain)");
    check(
        &html,
        vec![file("x", "message/rfc822", Some("logo@hezo"), &raw)],
        vec![],
        "multipart/mixed(multipart/alternative(text/plain text/html) message/rfc822)",
    );
    check(&None, vec![picture()], vec![], "multipart/mixed(text/plain image/png)");
    check(
        &html,
        vec![log(), picture()],
        vec![raw.clone()],
        "multipart/mixed(multipart/alternative(text/plain multipart/related(text/html image/png)) text/plain message/rfc822)",
    );
    check(&None, vec![file("m", "message/rfc822", None, &raw)], vec![], "multipart/mixed(text/plain message/rfc822)");
    check(&None, vec![], vec![b"a\0".to_vec()], "multipart/mixed(text/plain application/octet-stream)");
}

#[test]
fn files_and_whole_mails_arrive_byte_for_byte() {
    let content: Vec<u8> = (0..=255).cycle().take(10_000).collect();
    let eight_bit = "Subject: żółw\r\nMIME-Version: 1.0\r\n\r\n--=_x\r\nżółw\r\n".as_bytes().to_vec();
    let mail = Outgoing {
        attachments: vec![
            file("dziennik błędów.log", "text/plain", None, &content),
            file(&format!("{}.txt", "a".repeat(90)), "text/plain", None, b"x"),
        ],
        forwarded: vec![b"Subject: a\r\n\r\nb\r\n".to_vec(), eight_bit.clone(), content.clone()],
        ..acknowledgement()
    };
    let bytes = written(&mail);
    let mail = parsed(&bytes);
    let names: Vec<&str> = mail.attachments().filter_map(|part| part.attachment_name()).collect();
    let long = format!("{}.txt", "a".repeat(90));
    assert_eq!(names, ["dziennik błędów.log", &long, "original-1.eml", "original-2.eml", "original-3.eml"]);
    for attachment in [0, 4] {
        assert!(decoded(&bytes, mail.attachment(attachment).unwrap()) == content, "attachment {attachment}");
    }
    let PartType::Message(inner) = &mail.attachment(3).unwrap().body else { panic!("a whole mail") };
    assert!(bytes.windows(eight_bit.len()).any(|window| window == eight_bit), "stands in the mail as it is");
    assert_eq!(inner.subject(), Some("żółw"));
    let text = String::from_utf8_lossy(&bytes);
    assert_eq!(text.matches("Content-Transfer-Encoding: 8bit\r\n").count(), 2, "the outer part and the inner one");
}

/// What becomes of a mail with one hostile field.
enum Fate {
    Refused,
    Written,
}
use Fate::{Refused, Written};

#[test]
fn hostile_fields_inject_nothing() {
    type Change = fn(&mut Outgoing, &str);
    let fields: [(&str, Fate, Change); 16] = [
        ("Message-ID", Refused, |mail, evil| mail.message_id = format!("a@b{evil}")),
        ("From address", Refused, |mail, evil| mail.from.address = format!("a@b.example{evil}")),
        ("To address", Refused, |mail, evil| mail.to.address = format!("a{evil}@b.example")),
        ("Reply-To", Refused, |mail, evil| mail.reply_to = Some(format!("a@b.example{evil}"))),
        ("header name", Refused, |mail, evil| mail.headers = vec![(format!("X-A{evil}"), "b".to_string())]),
        ("header value", Refused, |mail, evil| mail.headers[0].1 = format!("a{evil}")),
        ("From name", Written, |mail, evil| mail.from.name = evil.to_string()),
        ("To name", Written, |mail, evil| mail.to.name = format!("Jan{evil}")),
        ("Subject", Written, |mail, evil| mail.subject = format!("Awaria{evil}")),
        ("In-Reply-To", Written, |mail, evil| {
            mail.references.push("kept@firma.example".to_string());
            mail.in_reply_to = Some(format!("a@b{evil}"));
        }),
        ("References", Written, |mail, evil| mail.references = vec![format!("a@b{evil}"), evil.to_string()]),
        ("text", Written, |mail, evil| mail.text = format!("{evil}\r\n.\r\n")),
        ("HTML", Written, |mail, evil| mail.html = Some(evil.to_string())),
        ("file name", Written, |mail, evil| mail.attachments = vec![file(evil, "a/b", None, b"")]),
        ("media type", Written, |mail, evil| {
            mail.attachments = vec![file("a", &format!("text/html{evil}"), None, b"")]
        }),
        ("Content-ID", Written, |mail, evil| {
            mail.attachments = vec![file("a", "a/b", Some(&format!("a{evil}")), b"")];
            mail.html = Some(format!("<img src=\"cid:a{evil}\">"));
        }),
    ];
    let evils = [
        "\r\nBcc: evil@x.example",
        "\nBcc: evil@x.example",
        "\rBcc: evil@x.example",
        "\r\n Bcc: evil@x.example",
        "\r\n\r\n<script>",
        "\"\r\nBcc: evil@x.example\r\nX-A: \"",
        "\0",
        "\u{0b}\u{0c}\u{1c}\u{85}",
        "\u{2028}Bcc: evil@x.example",
        ">, <evil@x.example",
    ];
    for (field, fate, change) in &fields {
        for evil in evils {
            // What is ASCII and visible can stand in a value that is not an address.
            if *field == "header value" && evil.starts_with('>') {
                continue;
            }
            let mut mail = acknowledgement();
            change(&mut mail, evil);
            match (fate, compose(&mail)) {
                (Refused, Err(error)) => assert!(!error.to_string().contains("evil"), "{error}"),
                (Written, Ok(bytes)) => {
                    assert_well_formed(&bytes);
                    let mut names = field_names(&bytes);
                    // A multipart needs no transfer encoding; a Message-ID that is none is left out.
                    let optional = ["Content-Transfer-Encoding", "In-Reply-To", "References"];
                    names.retain(|name| !optional.contains(&name.as_str()));
                    let expected: Vec<&str> = FIELDS.into_iter().filter(|name| !optional.contains(name)).collect();
                    assert_eq!(names, expected, "{field}: {evil:?}");
                    let parsed = parsed(&bytes);
                    let of_parts = parsed.parts.iter().skip(1).flat_map(|part| &part.headers);
                    for header in of_parts {
                        assert!(header.name().starts_with("Content-"), "{field}: {evil:?}: {}", header.name());
                    }
                    assert_eq!(parsed.to().unwrap().iter().count(), 1, "{field}: {evil:?}");
                    assert_eq!(parsed.to().unwrap().first().unwrap().address(), Some("jan.kowalski@firma.example"));
                    assert!(parsed.bcc().is_none(), "{field}: {evil:?}");
                }
                (Refused, Ok(_)) => panic!("{field}: {evil:?} was written"),
                (Written, Err(error)) => panic!("{field}: {evil:?} was refused: {error}"),
            }
        }
    }
}

#[test]
fn headers_of_ours_that_cannot_be_written_are_refused() {
    let check = |name: &str, value: &str, expected: &str| {
        let headers = vec![("X-HEZO-A".to_string(), "a".to_string()), (name.to_string(), value.to_string())];
        let result = compose(&Outgoing { headers, ..acknowledgement() });
        let message = result.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(message.contains(expected) && message.is_empty() == expected.is_empty(), "{name}: {message}");
    };
    check("X-HEZO-B", "two words", "");
    check("X-HEZO-B", &"x".repeat(900), "");
    check("X-HEZO-B", &"x".repeat(901), "X-HEZO-B is not 1 to 900");
    check("X-HEZO-B", "  ", "X-HEZO-B is not 1 to 900");
    check("X-HEZO-B", "żółw", "X-HEZO-B is not 1 to 900");
    check("x-hezo-a", "b", "x-hezo-a stands there twice");
    check("bCC", "evil@x.example", "only the composer");
    check("Message-Id", "<a@b>", "only the composer");
    check("Content-Language", "pl", "only the composer");
    check("Auto-Submitted", "no", "only the composer");
    check("", "b", "a name that is none");
    check("X A", "b", "a name that is none");
    check("9-A", "b", "a name that is none");
    let mut early = acknowledgement();
    early.date = "1969-12-31T23:59:59Z".parse().unwrap();
    assert!(compose(&early).unwrap_err().to_string().contains("Date is before 1970"));
}

#[test]
fn an_address_outside_ascii_is_written_as_rfc_6532_says() {
    let bytes = written(&Outgoing { to: address("", "żółw@żaba.example"), ..acknowledgement() });
    assert_eq!(parsed(&bytes).to().unwrap().first().unwrap().address(), Some("żółw@żaba.example"));
}

/// Text with every kind of trouble in it.
fn text() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        any::<String>(),
        "[ -~]{0,120}",
        "[ąćęłńóśźż\r\n\t\0\"\\\\<>@;:,=?_. -]{0,40}",
        Just("\r\nBcc: a@b".to_string()),
        Just("=?utf-8?Q?=0D=0A?=".to_string()),
    ];
    proptest::collection::vec(pieces, 0..4).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn whatever_comes_from_outside_the_fields_stay_the_same(
        (from, to, subject, parent) in (text(), text(), text(), text()),
        references in proptest::collection::vec(text(), 0..5),
        (body, html, name, media_type) in (text(), text(), text(), text()),
        content in proptest::collection::vec(any::<u8>(), 0..200),
        forwarded in text(),
    ) {
        let mut mail = acknowledgement();
        (mail.from.name, mail.to.name, mail.subject) = (from, to, subject);
        mail.in_reply_to = Some(parent);
        mail.references.extend(references);
        mail.text = body;
        mail.html = Some(html);
        mail.attachments = vec![file(&name, &media_type, None, &content)];
        mail.forwarded = vec![content.clone(), forwarded.into_bytes()];
        let bytes = compose(&mail).unwrap();
        assert_well_formed(&bytes);
        let mut names = field_names(&bytes);
        names.retain(|name| !["Content-Transfer-Encoding", "In-Reply-To"].contains(&name.as_str()));
        let expected: Vec<&str> =
            FIELDS.into_iter().filter(|name| !["Content-Transfer-Encoding", "In-Reply-To"].contains(name)).collect();
        prop_assert_eq!(names, expected);

        let parsed = parsed(&bytes);
        prop_assert_eq!(parsed.to().unwrap().iter().count(), 1);
        prop_assert_eq!(parsed.to().unwrap().first().unwrap().address(), Some("jan.kowalski@firma.example"));
        prop_assert_eq!(parsed.attachments().count(), 3);
        prop_assert_eq!(decoded(&bytes, parsed.attachment(0).unwrap()), content);
        let subject = parsed.subject().unwrap_or_default();
        prop_assert!(subject.chars().count() <= 200 && !subject.contains(char::is_control), "{:?}", subject);

        // What is read back is what was meant: written again, it gives the same mail.
        let name = |mailbox: Option<&mail_parser::Address>| {
            mailbox.and_then(|list| list.first()?.name().map(str::to_string)).unwrap_or_default()
        };
        let again = Outgoing {
            subject: subject.to_string(),
            from: address(&name(parsed.from()), &mail.from.address),
            to: address(&name(parsed.to()), &mail.to.address),
            attachments: vec![Attachment {
                name: parsed.attachment(0).unwrap().attachment_name().unwrap_or_default().to_string(),
                ..mail.attachments[0].clone()
            }],
            ..mail
        };
        let again = compose(&again).unwrap();
        prop_assert_eq!(String::from_utf8_lossy(&again), String::from_utf8_lossy(&bytes));
    }
}
