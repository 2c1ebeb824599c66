use super::*;

fn parse(raw: &str) -> Message {
    Message::parse(raw.as_bytes())
}

#[test]
fn an_ordinary_mail_is_read_whole() {
    let message = parse(
        "From: =?iso-8859-2?Q?Pawe=B3?= <P@X.example>\r\nTo: a@b.example\r\nReply-To: r@x.example\r\n\
         Message-ID: <1@x.example>\r\nReferences: <2@y>\r\n <3@y>\r\nSubject: =?utf-8?Q?zg=C5=82?=\r\n =?utf-8?Q?oszenie?=\r\n\
         Date: Tue, 03 Feb 2026 12:15:00 +0100\r\nContent-Type: text/plain; format=flowed\r\n\r\none \r\ntwo\r\n",
    );
    assert_eq!(message.from, Some(Address { name: "Paweł".into(), address: "p@x.example".into() }));
    assert_eq!(message.references, ["2@y", "3@y"]);
    assert_eq!(message.message_id.as_deref(), Some("1@x.example"));
    assert_eq!(message.subject, "zgłoszenie");
    assert_eq!(message.date, "2026-02-03T11:15:00Z".parse().ok());
    assert_eq!(message.plain.as_deref(), Some("one two\n"));
    assert!(message.flowed);
    assert_eq!(message.problems, Vec::<String>::new());
    assert_eq!(message.header("reply-TO"), Some("r@x.example"));
}

#[test]
fn a_plain_footer_after_html_hides_nothing() {
    let message = parse(
        "From: a@x.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\n<p>one</p>\n\
         --b\nContent-Type: text/plain\n\nfooter <2>\n--b--\n",
    );
    assert_eq!(message.plain, None);
    let html = message.html.expect("both parts");
    assert!(html.contains("<p>one</p>") && html.contains("footer &lt;2&gt;"), "{html}");
}

#[test]
fn a_missing_boundary_is_guessed() {
    let body = "--xyz\nContent-Type: text/plain\n\none\n--xyz\nContent-Type: text/html\n\n<p>one\n--xyz--\n";
    for declared in ["multipart/alternative", "multipart/alternative; boundary=other"] {
        let message = parse(&format!("From: a@x.example\nContent-Type: {declared}\n\n{body}"));
        assert_eq!(message.plain.as_deref().map(str::trim), Some("one"), "{declared}");
        assert_eq!(message.problems.len(), 1);
    }
    let message = parse("From: a@x.example\nContent-Type: multipart/mixed; boundary=b\n\nonly text\n");
    assert_eq!(message.plain.as_deref().map(str::trim), Some("only text"));
}

#[test]
fn attachments_keep_bytes_and_lose_paths() {
    let message = parse(
        "From: a@x.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n--b\n\
         Content-Type: application/pdf; name=\"..\\\\..\\\\CON.pdf\"\nContent-Transfer-Encoding: base64\n\n/wD+\n--b\n\
         Content-Type: message/rfc822\n\nFrom: c@y.example\nSubject: inner\n\ninner text\n--b\n\
         Content-Type: text/csv\nContent-Disposition: attachment;\n filename*0*=windows-1250''za%B3%B9;\n filename*1=cznik.csv\n\n1;2\n--b--\n",
    );
    let names: Vec<_> = message.attachments.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["_CON.pdf", "", "załącznik.csv"]);
    assert_eq!(message.attachments[0].content, [0xFF, 0, 0xFE]);
    assert_eq!(message.attachments[1].media_type, "message/rfc822");
    assert_eq!(Message::parse(&message.attachments[1].content).subject, "inner");
}

#[test]
fn what_is_broken_is_said_and_the_rest_read() {
    for raw in ["", "\0\0\0", "no header at all", "\n\nbody", "From: <\nTo: (((((\n\nx", ": \n\n"] {
        let _ = parse(raw);
    }
    let many = format!("From: a@x.example\n{}\nbody", "X-A: b\n".repeat(5_000));
    let message = parse(&many);
    assert_eq!(message.headers.len(), 1_000);
    assert_eq!(message.plain.as_deref(), Some("body"));
    let bomb = format!(
        "From: a@x.example\nContent-Type: multipart/mixed; boundary=b\n\n{}",
        "--b\nContent-Type: multipart/mixed; boundary=c\n\n".repeat(5_000)
    );
    assert!(parse(&bomb).problems.iter().any(|problem| problem.contains("parts that hold others")));
    let eight_bit = Message::parse(b"From: a@x.example\nSubject: zg\xB3oszenie \x9Cwi\xEAta\n\nDzie\xF1 dobry\n");
    assert_eq!(eight_bit.subject, "zgłoszenie święta");
    assert_eq!(eight_bit.plain.as_deref(), Some("Dzień dobry\n"));
}

#[test]
fn a_text_without_an_end_is_a_text() {
    let check = |raw: &str, plain: Option<&str>, html: Option<&str>| {
        let message = parse(raw);
        let text = |text: &Option<String>| text.as_deref().map(|text| text.trim().to_string());
        assert_eq!((text(&message.plain).as_deref(), text(&message.html).as_deref()), (plain, html), "{raw}");
        assert!(message.attachments.is_empty(), "{raw}");
        assert!(message.problems.iter().any(|problem| problem.contains("no end")), "{raw}");
    };
    let head = "From: a@b.example\nSubject: x\nContent-Type: multipart/";
    check(&format!("{head}mixed; boundary=q\n\n--q\nContent-Type: text/plain\n\nhello\n"), Some("hello"), None);
    let two = "--q\nContent-Type: text/plain\n\nhello\n--q\nContent-Type: text/html\n\n<p>hello</p>\n";
    check(&format!("{head}alternative; boundary=\"q\"\n\n{two}"), Some("hello"), Some("<p>hello</p>"));
    let inner = two.replace("--q", "--r");
    let nested =
        format!("{head}mixed; boundary=q\n\n--q\nContent-Type: multipart/alternative;\n boundary=r\n\n{inner}");
    check(&nested, Some("hello"), Some("<p>hello</p>"));
    let whole = format!("{head}mixed; boundary=q\n\n--q\nContent-Type: text/plain\n\nhello\n--q--\n");
    assert!(parse(&whole).problems.is_empty());
}

#[test]
fn what_stands_in_the_header_section_and_is_no_field_is_text() {
    let check = |raw: &str, subject: &str, plain: &str, said: bool| {
        let message = parse(raw);
        assert_eq!((message.subject.as_str(), message.plain.as_deref()), (subject, Some(plain)), "{raw}");
        let says = message.problems.iter().any(|problem| problem.starts_with("the header section has no end"));
        assert_eq!(says, said, "{raw}: {:?}", message.problems);
    };
    check("From: a@x.example\nSubject: s\nmacierz stoi\n\ntekst\n", "s", "macierz stoi\n\ntekst\n", true);
    check("From: a@x.example\nSubject: s\nmacierz stoi\ndysk: padl\n\ntekst\n", "s", "tekst\n", false);
    check("From: a@x.example\nSubject: s\n t\n\ntekst\n", "s t", "tekst\n", false);
    check("From: a@x.example\nSubject: s\nnie dziala macierz\n", "s", "nie dziala macierz\n", true);
    check("From: a@x.example\nSubject: s\n\nmacierz stoi\n", "s", "macierz stoi\n", false);
}
