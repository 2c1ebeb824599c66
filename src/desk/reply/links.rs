//! Orders as mails that are ready to be sent (RFC 6068), and the page on which they can be clicked.

use std::borrow::Cow;
use std::fmt::Write;

use crate::desk::command::Link;

/// What an address of a link begins with.
const MAILTO: &str = "mailto:";

/// Where a mail with an order goes.
pub(super) struct Target<'a> {
    /// The reply address.
    pub(super) address: &'a str,
    /// The subject.
    pub(super) subject: &'a str,
    /// The mail that it answers, where the token stands in its Message-ID.
    pub(super) in_reply_to: Option<&'a str>,
}

impl Target<'_> {
    /// The address of the link.
    pub(super) fn of(&self, link: &Link) -> String {
        let Target { address, subject, in_reply_to } = self;
        let answers = in_reply_to.map(|id| format!("&In-Reply-To={}", encoded(&format!("<{id}>")))).unwrap_or_default();
        format!(
            "{MAILTO}{address}?subject={}{answers}&body={}",
            encoded(subject),
            encoded(&format!("{}\r\n", link.order))
        )
    }
}

/// All but letters, digits and a few marks as percent signs with two digits (RFC 3986 section 2.1).
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => {
                // Writing into a string does not fail.
                let _ = write!(out, "%{byte:02X}");
            }
        }
        out
    })
}

/// A text as a page that shows the same, its links to be clicked and in one line.
pub(super) fn page(text: &str) -> String {
    let mut out = String::from("<!DOCTYPE html>\n<html lang=\"pl\">\n<body>\n<div>\n");
    let mut lines = text.trim_end().lines().peekable();
    while let Some(line) = lines.next() {
        match link(line) {
            Some((label, target)) => {
                let _ = write!(out, "<a href=\"{}\">{}</a>", escaped(target), escaped(label));
                let goes_on = lines.peek().is_some_and(|next| link(next).is_some());
                out.push_str(if goes_on { " \u{b7}\n" } else { "<br>\n" });
            }
            None => {
                let indent = line.len() - line.trim_start_matches(' ').len();
                out.push_str(&"&nbsp;".repeat(indent));
                out.push_str(&escaped(line.trim_start_matches(' ')));
                out.push_str("<br>\n");
            }
        }
    }
    out.push_str("</div>\n</body>\n</html>\n");
    out
}

/// What that page shows, as text: the links by their labels, those in a row in one line.
pub(super) fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut lines = text.trim_end().lines().peekable();
    while let Some(line) = lines.next() {
        let label = link(line).map(|(label, _)| label);
        let goes_on = label.is_some() && lines.peek().is_some_and(|next| link(next).is_some());
        out.push_str(label.unwrap_or(line));
        out.push_str(if goes_on { " \u{b7} " } else { "\n" });
    }
    out
}

/// Label and target of `Label <mailto:…>`.
fn link(line: &str) -> Option<(&str, &str)> {
    let (label, rest) = line.split_once(" <")?;
    let target = rest.strip_suffix('>').filter(|target| target.starts_with(MAILTO))?;
    Some((label, target))
}

fn escaped(text: &str) -> Cow<'_, str> {
    const SIGNS: [char; 4] = ['&', '<', '>', '"'];
    if !text.contains(SIGNS) {
        return Cow::Borrowed(text);
    }
    let escape = |mut out: String, c: char| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            _ => out.push(c),
        }
        out
    };
    Cow::Owned(text.chars().fold(String::with_capacity(text.len() + 16), escape))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_mails_ready_to_be_sent() {
        let link = Link { label: "Biorę".to_string(), order: "#biorę".to_string() };
        let mut target = Target { address: "pomoc+e1.z.ak.m@x.example", subject: "[Z] Ą & b", in_reply_to: None };
        let plain = "mailto:pomoc+e1.z.ak.m@x.example?subject=%5BZ%5D%20%C4%84%20%26%20b&body=%23bior%C4%99%0D%0A";
        assert_eq!(target.of(&link), plain);
        target.in_reply_to = Some("a.b@x.example");
        assert!(target.of(&link).contains("&In-Reply-To=%3Ca.b%40x.example%3E&body="));
    }

    #[test]
    fn a_page_shows_what_the_text_shows() {
        let text = "Klient: <b>\n  a & b\nBiorę <mailto:x?a=1&b=2>\nPokaż <mailto:y>\nkoniec <http://z>\n";
        let page = page(text);
        let expected = "Klient: &lt;b&gt;<br>\n&nbsp;&nbsp;a &amp; b<br>\n<a href=\"mailto:x?a=1&amp;b=2\">Biorę</a> \u{b7}\n\
                        <a href=\"mailto:y\">Pokaż</a><br>\nkoniec &lt;http://z&gt;<br>\n";
        assert!(page.contains(expected), "{page}");
        assert_eq!(shown(text), "Klient: <b>\n  a & b\nBiorę \u{b7} Pokaż\nkoniec <http://z>\n");
    }
}
