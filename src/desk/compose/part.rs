//! The body: text, HTML, files and whole mails as MIME parts, each encoded here, so that what is
//! written depends on nothing but the mail.

use std::borrow::Cow;
use std::collections::HashSet;

use data_encoding::{BASE64_MIME, HEXLOWER};
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::raw::Raw;
use mail_builder::mime::{BodyPart, MimePart};
use sha2::{Digest, Sha256};

use super::Outgoing;
use super::field::{file_name, is_message_id};
use crate::desk::message::Attachment;

/// Octets of a line without its end that a mail may have, and of one that it should not exceed
/// (RFC 5322 section 2.1.1).
const MAX_LINE: usize = 998;
const GOOD_LINE: usize = 78;

/// Octets of a quoted-printable line (RFC 2045 section 6.7 rule 5).
const QUOTED_LINE: usize = 76;

const OCTETS: &str = "application/octet-stream";

/// The body of a mail: the text; with HTML, both as alternatives, the HTML with the pictures that it
/// shows (RFC 2387); with files, these below.
pub(super) fn body(mail: &Outgoing) -> MimePart<'static> {
    let text = text_part("text/plain", &mail.text);
    let html = mail.html.as_deref().map(|html| text_part("text/html", html));
    let shown = mail.html.as_deref().map(shown_content_ids).unwrap_or_default();
    let is_shown = |file: &&Attachment| {
        file.media_type.starts_with("image/") && file.content_id.as_deref().is_some_and(|id| shown.contains(id))
    };
    let (pictures, files): (Vec<&Attachment>, Vec<&Attachment>) = mail.attachments.iter().partition(is_shown);
    let below: Vec<Part> =
        files.into_iter().map(|file| file_part(file, "attachment")).chain(whole_mails(&mail.forwarded)).collect();

    let boundary = Boundary::for_mail(&mail.message_id, below.iter().chain(&html).chain([&text]));
    // RFC 2045 section 6.4: a multipart is 8bit when one of its parts is.
    let is_eight_bit = below.iter().any(|part| part.encoding == "8bit");

    let mut body = text.into_mime();
    if let Some(html) = html {
        let mut html = html.into_mime();
        if !pictures.is_empty() {
            let pictures = pictures.into_iter().map(|file| file_part(file, "inline").into_mime());
            let parts = [html].into_iter().chain(pictures).collect();
            html = boundary.multipart("related", Some("text/html"), parts);
        }
        body = boundary.multipart("alternative", None, vec![body, html]);
    }
    if !below.is_empty() {
        let parts = [body].into_iter().chain(below.into_iter().map(Part::into_mime)).collect();
        body = boundary.multipart("mixed", None, parts);
    }
    if is_eight_bit { body.transfer_encoding("8bit") } else { body }
}

/// A leaf: its header fields and its content as it goes over the wire.
struct Part {
    media_type: ContentType<'static>,
    /// `attachment` or `inline`, and the file name.
    disposition: Option<(&'static str, String)>,
    content_id: Option<String>,
    encoding: &'static str,
    content: Vec<u8>,
}

impl Part {
    fn into_mime(self) -> MimePart<'static> {
        let mut part = MimePart::new(self.media_type, BodyPart::Binary(self.content.into()));
        if let Some((disposition, name)) = self.disposition {
            part = part.header("Content-Disposition", ContentType::new(disposition).attribute("filename", name));
        }
        if let Some(id) = self.content_id {
            part = part.cid(id);
        }
        part.header("Content-Transfer-Encoding", Raw::new(self.encoding))
    }
}

/// Text in UTF-8: as it is where it is ASCII in lines of a good length, else quoted-printable.
fn text_part(media_type: &'static str, text: &str) -> Part {
    let text = printable(text);
    let is_plain = |line: &str| line.is_ascii() && line.len() <= GOOD_LINE && !line.ends_with([' ', '\t']);
    let is_plain = text.lines().all(is_plain);
    let mut content = Vec::with_capacity(text.len() * 3 / 2);
    for line in text.lines() {
        match is_plain {
            true => content.extend_from_slice(&[line.as_bytes(), b"\r\n"].concat()),
            false => quote_line(line, &mut content),
        }
    }
    let encoding = if is_plain { "7bit" } else { "quoted-printable" };
    let media_type = ContentType::new(media_type).attribute("charset", "utf-8");
    Part { media_type, disposition: None, content_id: None, encoding, content }
}

/// A text in lines that end with LF, whatever their ends were, without control characters but the tab.
fn printable(text: &str) -> Cow<'_, str> {
    let stays = |c: char| matches!(c, '\t' | '\n') || !c.is_control();
    if text.chars().all(stays) {
        return Cow::Borrowed(text);
    }
    let mut text = text.replace("\r\n", "\n").replace('\r', "\n");
    text.retain(stays);
    Cow::Owned(text)
}

/// One line in quoted-printable, with its end (RFC 2045 section 6.7).
fn quote_line(line: &str, quoted: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut column = 0;
    for (index, byte) in line.bytes().enumerate() {
        let is_last = index + 1 == line.len();
        let is_literal = match byte {
            b'=' => false,
            b' ' | b'\t' => !is_last,
            _ => byte.is_ascii_graphic(),
        };
        let width = if is_literal { 1 } else { 3 };
        if column + width + usize::from(!is_last) > QUOTED_LINE {
            quoted.extend_from_slice(b"=\r\n");
            column = 0;
        }
        match is_literal {
            true => quoted.push(byte),
            false => quoted.extend([b'=', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]),
        }
        column += width;
    }
    quoted.extend_from_slice(b"\r\n");
}

/// A file, in base64, byte for byte; an attached mail as what it is.
fn file_part(file: &Attachment, disposition: &'static str) -> Part {
    let name = file_name(&file.name);
    if file.media_type.eq_ignore_ascii_case("message/rfc822") {
        return whole_mail(&file.content, &name);
    }
    let content_id = file.content_id.clone().filter(|id| is_message_id(id));
    Part { content_id, ..base64_part(media_type(&file.media_type), (disposition, name), &file.content) }
}

/// The forwarded mails, named `original.eml` or, if there are several, `original-1.eml` and so on.
fn whole_mails(forwarded: &[Vec<u8>]) -> impl Iterator<Item = Part> {
    forwarded.iter().enumerate().map(|(index, raw)| match forwarded.len() {
        1 => whole_mail(raw, "original.eml"),
        _ => whole_mail(raw, &format!("original-{}.eml", index + 1)),
    })
}

/// A whole mail: message/rfc822, which may only be 7bit or 8bit (RFC 2046 section 5.2.1); so one with
/// a NUL, a bare CR or a line that is too long goes as a plain file.
fn whole_mail(raw: &[u8], name: &str) -> Part {
    let disposition = ("attachment", name.to_string());
    let Some(content) = with_crlf(raw) else {
        return base64_part(OCTETS.to_string(), disposition, raw);
    };
    let encoding = if content.is_ascii() { "7bit" } else { "8bit" };
    let media_type = ContentType::new("message/rfc822");
    Part { media_type, disposition: Some(disposition), content_id: None, encoding, content }
}

fn base64_part(media_type: String, disposition: (&'static str, String), content: &[u8]) -> Part {
    let content = BASE64_MIME.encode(content).into_bytes();
    let media_type = ContentType::new(media_type);
    Part { media_type, disposition: Some(disposition), content_id: None, encoding: "base64", content }
}

/// The bytes with CRLF line ends, where they are lines at all.
fn with_crlf(raw: &[u8]) -> Option<Vec<u8>> {
    let mut content = Vec::with_capacity(raw.len() + raw.len() / 32);
    for line in raw.split_inclusive(|byte| *byte == b'\n') {
        let text = line.strip_suffix(b"\n").map_or(line, |text| text.strip_suffix(b"\r").unwrap_or(text));
        if text.len() > MAX_LINE || text.iter().any(|byte| matches!(byte, 0 | b'\r')) {
            return None;
        }
        content.extend_from_slice(text);
        content.extend_from_slice(b"\r\n");
    }
    Some(content)
}

/// `type/subtype` of RFC 2045 tokens in lower case. Anything else, and composite types, which may
/// not be encoded, become plain octets.
fn media_type(written: &str) -> String {
    let is_token = |token: &str| {
        (1..=100).contains(&token.len())
            && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte))
    };
    let lower = written.to_ascii_lowercase();
    match lower.split_once('/') {
        Some(("multipart" | "message", _)) => OCTETS.to_string(),
        Some((main, sub)) if is_token(main) && is_token(sub) => lower,
        _ => OCTETS.to_string(),
    }
}

/// The Content-IDs that an HTML body shows.
fn shown_content_ids(html: &str) -> HashSet<&str> {
    let ends = |c: char| c.is_whitespace() || "\"'<>)".contains(c);
    html.split("cid:").skip(1).map(|rest| rest.split(ends).next().unwrap_or_default()).collect()
}

/// The boundaries of a mail, derived from its Message-ID. They begin with `=_`, which neither
/// quoted-printable nor base64 can contain (RFC 2045 section 6.7), and are drawn again should an
/// unencoded part hold one all the same.
struct Boundary(String);

impl Boundary {
    fn for_mail<'a>(message_id: &str, parts: impl Iterator<Item = &'a Part> + Clone) -> Boundary {
        let is_free = |boundary: &String| {
            let delimiter = format!("--{boundary}");
            let as_it_is = parts.clone().filter(|part| matches!(part.encoding, "7bit" | "8bit"));
            let mut lines = as_it_is.flat_map(|part| part.content.split(|byte| *byte == b'\n'));
            !lines.any(|line| line.starts_with(delimiter.as_bytes()))
        };
        let mut candidates = (0u32..).map(|draw| {
            let digest = Sha256::digest(format!("boundary {draw} of {message_id}"));
            format!("=_{}", HEXLOWER.encode(&digest).chars().take(32).collect::<String>())
        });
        Boundary(candidates.find(is_free).unwrap_or_default())
    }

    fn multipart(&self, kind: &str, root: Option<&'static str>, parts: Vec<MimePart<'static>>) -> MimePart<'static> {
        let mut media_type = ContentType::new(format!("multipart/{kind}"));
        if let Some(root) = root {
            media_type = media_type.attribute("type", root);
        }
        MimePart::new(media_type.attribute("boundary", format!("{}_{kind}", self.0)), parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_goes_plain_or_quoted() {
        let check = |text: &str, encoding: &str, content: &str| {
            let part = text_part("text/plain", text);
            assert_eq!((part.encoding, String::from_utf8(part.content).unwrap().as_str()), (encoding, content));
        };
        check("", "7bit", "");
        check("a\nb\r\nc\rd", "7bit", "a\r\nb\r\nc\r\nd\r\n");
        check("a\0b\u{1b}[31m\tc\u{7f}\u{85}", "7bit", "ab[31m\tc\r\n");
        check(&"x".repeat(78), "7bit", &("x".repeat(78) + "\r\n"));
        check(&"x".repeat(79), "quoted-printable", &("x".repeat(75) + "=\r\nxxxx\r\n"));
        check("zażółć = 1", "quoted-printable", "za=C5=BC=C3=B3=C5=82=C4=87 =3D 1\r\n");
        check("-- \nJan\t", "quoted-printable", "--=20\r\nJan=09\r\n");
        check(&("ż".repeat(12) + "1234"), "quoted-printable", &("=C5=BC".repeat(12) + "1234\r\n"));
        check(&("ż".repeat(12) + "12345"), "quoted-printable", &("=C5=BC".repeat(12) + "123=\r\n45\r\n"));
    }

    #[test]
    fn media_types_are_tokens() {
        for (written, expected) in [
            ("Image/JPEG", "image/jpeg"),
            ("application/vnd.ms-excel.sheet+xml", "application/vnd.ms-excel.sheet+xml"),
            ("", OCTETS),
            ("text", OCTETS),
            ("text/html; charset=x", OCTETS),
            ("text/html\r\nBcc: x", OCTETS),
            ("multipart/mixed", OCTETS),
            ("message/delivery-status", OCTETS),
            ("image/ż", OCTETS),
        ] {
            assert_eq!(media_type(written), expected, "{written:?}");
        }
    }

    #[test]
    fn a_whole_mail_is_only_attached_as_one_where_it_may_be() {
        let check = |raw: &[u8], encoding: &str, content: &[u8]| {
            let part = whole_mail(raw, "original.eml");
            assert_eq!((part.encoding, part.content.as_slice()), (encoding, content));
            let expected = if encoding == "base64" { OCTETS } else { "message/rfc822" };
            assert_eq!(part.media_type.c_type, expected);
        };
        check(b"Subject: a\r\n\r\nb\r\n", "7bit", b"Subject: a\r\n\r\nb\r\n");
        check(b"Subject: a\n\nb", "7bit", b"Subject: a\r\n\r\nb\r\n");
        check("Subject: ż\n\nb\n".as_bytes(), "8bit", "Subject: ż\r\n\r\nb\r\n".as_bytes());
        check(b"a\rb\r\n", "base64", b"YQ1iDQo=\r\n");
        check(b"a\0", "base64", b"YQA=\r\n");
        check(b"a\r\r\n", "base64", b"YQ0NCg==\r\n");
        let line = [b'x'; 999];
        assert_eq!(whole_mail(&line[..998], "").encoding, "7bit");
        assert_eq!(whole_mail(&line, "").encoding, "base64");
    }

    #[test]
    fn a_boundary_that_stands_in_a_part_is_drawn_again() {
        let boundary = |id: &str, parts: &[Part]| Boundary::for_mail(id, parts.iter()).0;
        let clean = boundary("a@x.example", &[]);
        let hostile = format!("Subject: a\r\n\r\n--{clean}_mixed--\r\n");
        assert_ne!(boundary("a@x.example", &[whole_mail(hostile.as_bytes(), "original.eml")]), clean);
        assert_eq!(boundary("a@x.example", &[whole_mail(b"Subject: a\r\n", "original.eml")]), clean);
        assert_ne!(boundary("b@x.example", &[]), clean);
    }
}
