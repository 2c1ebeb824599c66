//! What is looked at before a mail is parsed, so that none can keep the parser busy for long. What is
//! readable within the limits is read, and the rest said.

use jiff::SignedDuration;

/// The most of each that is read of a mail. How large a mail may be is for whoever fetches it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Header fields. Real mail has under a hundred; RFC 5322 sets no limit.
    pub header_fields: usize,
    /// The longest header field, in bytes. A To field of 500 mailboxes has about 25,000.
    pub header_length: usize,
    /// Addresses of one header field: more are an attack on the address parser.
    pub addresses: usize,
    /// Parts, those of attached mails included.
    pub parts: usize,
    /// Parts that hold others. For each, the parser may walk the rest of the mail.
    pub depth: usize,
    /// The longest text of a mail, in bytes, plain and HTML each. Whoever reads has the whole mail at hand.
    pub text: usize,
    /// Mails attached to the mail, those within each other included.
    pub attached_mails: usize,
    /// How long the reading of a mail with its attachments may take; then it waits for a person.
    pub time: SignedDuration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            header_fields: 1_000,
            header_length: 100_000,
            addresses: 500,
            parts: 2_000,
            depth: 100,
            text: 1_000_000,
            attached_mails: 100,
            time: SignedDuration::from_secs(120),
        }
    }
}

/// What the words of a limit end with, wherever one leaves something out.
pub(super) const UNREAD: &str = "the rest is unread";

/// The longest header section that is parsed, in bytes.
const MAX_HEADER_SECTION: usize = 2_000_000;

/// A text up to the limit; says in `problems` that the rest is left out.
pub(super) fn shorten(text: &mut Option<String>, limits: &Limits, problems: &mut Vec<String>) {
    let Some(text) = text.as_mut().filter(|text| text.len() > limits.text) else { return };
    text.truncate(text.floor_char_boundary(limits.text));
    problems.push(format!("the text is longer than {} bytes; {UNREAD}", limits.text));
}

/// The part of the mail that can be parsed within the limits; says in `problems` what is left out.
pub(super) fn readable<'mail>(raw: &'mail [u8], limits: &Limits, problems: &mut Vec<String>) -> &'mail [u8] {
    let header_end = super::body::header_end(raw);
    if header_end > MAX_HEADER_SECTION {
        problems.push(format!("the header section is longer than {MAX_HEADER_SECTION} bytes; {UNREAD}"));
        return raw.get(..MAX_HEADER_SECTION).unwrap_or(raw);
    }
    let (mut depth, mut parts, mut mails) = (0, 0, 0);
    for at in memchr::memchr2_iter(b'=', b':', raw) {
        let before = raw.get(at.saturating_sub(12)..at).unwrap_or_default();
        if before.len() == 12 && before.eq_ignore_ascii_case(b"content-type") {
            parts += 1;
            let value = raw.get(at + 1..).unwrap_or_default().trim_ascii_start();
            mails += usize::from(value.get(..14).is_some_and(|kind| kind.eq_ignore_ascii_case(b"message/rfc822")));
        } else if before.get(before.len().saturating_sub(8)..).is_some_and(|w| w.eq_ignore_ascii_case(b"boundary")) {
            depth += 1;
        }
        let counts = [
            (parts, limits.parts, "parts"),
            (depth, limits.depth, "parts that hold others"),
            (mails, limits.attached_mails, "attached mails"),
        ];
        if let Some((_, most, what)) = counts.into_iter().find(|(count, most, _)| count > most) {
            problems.push(format!("the mail has more than {most} {what}; {UNREAD}"));
            return raw.get(..at).unwrap_or(raw);
        }
    }
    raw
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::message::Message;

    #[test]
    fn what_is_readable_is_read_and_the_rest_said() {
        let limits = Limits {
            header_fields: 5,
            header_length: 200,
            addresses: 3,
            parts: 4,
            depth: 2,
            text: 501,
            attached_mails: 1,
            ..Limits::default()
        };
        let check = |raw: &str, said: &[&str]| {
            let message = Message::read(raw.as_bytes(), &limits);
            assert_eq!(message.from.as_ref().map(|from| from.address.as_str()), Some("a@x.example"), "{raw}");
            assert!(message.plain.as_deref().is_some_and(|plain| plain.contains("one")), "{raw}: {message:?}");
            assert_eq!(message.problems, said, "{raw}");
        };
        check("From: a@x.example\n\none\n", &[]);
        check(
            "From: a@x.example\nA: 1\nB: 2\nC: 3\nD: 4\nSubject: late\n\none\n",
            &["the mail has more than 5 header fields; the rest is unread"],
        );
        check(
            "A: 1\nB: 2\nC: 3\nD: 4\nE: 5\nF: 6\nFrom: a@x.example\nG: 7\n\none\n",
            &["the mail has more than 5 header fields; the rest is unread"],
        );
        check(
            &format!("From: a@x.example\nX-Long: {}\n\none\n", "x".repeat(300)),
            &["a header field is longer than 200 bytes; the rest is unread"],
        );
        check(
            "From: a@x.example\nTo: a@b.example, c@d.example, e@f.example, g@h.example\n\none\n",
            &["a header field names more than 3 addresses; the rest is unread"],
        );
        check(
            &format!("From: a@x.example\n\none {}\n", "ż".repeat(400)),
            &["the text is longer than 501 bytes; the rest is unread"],
        );
        let parts = "--b\nContent-Type: text/plain\n\none\n".repeat(5);
        check(
            &format!("From: a@x.example\nContent-Type: multipart/mixed; boundary=b\n\n{parts}--b--\n"),
            &["the mail has more than 4 parts; the rest is unread"],
        );
        check(
            "From: a@x.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\nContent-Type: message/rfc822\n\n\
             Subject: x\nContent-Type: message/rfc822\n\nSubject: y\n\nz\n--b--\n",
            &["the mail has more than 1 attached mails; the rest is unread"],
        );
    }
}
