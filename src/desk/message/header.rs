//! Header fields as they come: folded, in raw 8-bit, with encoded words (RFC 2047) in the right
//! and in the wrong places.

use super::{Address, charset};

/// The most Message-IDs taken from one field.
const MAX_IDS: usize = 200;
/// The longest name or address kept, in characters. RFC 5321 section 4.5.3.1 allows 320 bytes.
const MAX_ADDRESS_LENGTH: usize = 320;

/// The value of a field in one line, still with its encoded words.
pub(super) fn unfold(raw: &[u8]) -> String {
    let text = charset::decode(raw, None).map_or_else(String::new, |decoded| decoded.text);
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\r' | '\n' | '\t' | '\0' => {
                if !line.ends_with(' ') {
                    line.push(' ');
                }
            }
            _ => line.push(c),
        }
    }
    line.trim().to_string()
}

/// Decodes the encoded words of a value. Neighbours are joined before decoding, since programs
/// cut in the middle of a character; words glued to other text are decoded too.
pub(super) fn decode_words(value: &str) -> String {
    if !value.contains("=?") {
        return value.to_string();
    }
    let mut out = String::with_capacity(value.len());
    let mut pending: Option<(String, Vec<u8>)> = None;
    let mut rest = value;
    while let Some(start) = rest.find("=?") {
        let (before, from_word) = rest.split_at(start);
        let Some((charset, bytes, after)) = encoded_word(from_word) else {
            flush(&mut pending, &mut out);
            out.push_str(before);
            out.push_str("=?");
            rest = from_word.get(2..).unwrap_or_default();
            continue;
        };
        if !before.trim().is_empty() || pending.is_none() {
            flush(&mut pending, &mut out);
            out.push_str(before);
        }
        match &mut pending {
            Some((same, joined)) if *same == charset => joined.extend(bytes),
            _ => {
                flush(&mut pending, &mut out);
                pending = Some((charset, bytes));
            }
        }
        rest = after;
    }
    flush(&mut pending, &mut out);
    out.push_str(rest);
    out.replace(['\r', '\n', '\0'], " ")
}

/// The mailboxes of a field, no more than `most`, encoded words in the names decoded only after the parsing, so that
/// they cannot smuggle in an address.
pub(super) fn addresses(value: &str, most: usize) -> Vec<Address> {
    let mut found = Vec::new();
    let mut piece = Piece::default();
    let mut characters = value.chars();
    let (mut quoted, mut comment, mut angle) = (false, 0_u32, false);
    while let Some(c) = characters.next() {
        match c {
            '\\' if quoted || comment > 0 => piece.push(characters.next().unwrap_or(' '), angle, comment > 0),
            '"' if comment == 0 && !angle => quoted = !quoted,
            _ if quoted => piece.phrase.push(c),
            '(' if !angle => comment += 1,
            ')' if comment > 0 => comment -= 1,
            _ if comment > 0 => piece.comment.push(c),
            '<' => angle = true,
            '>' => angle = false,
            ',' | ';' if !angle && !piece.is_complete() && c == ',' && !piece.phrase.trim().is_empty() => {
                // `Nowak, Jan <jan@firma.example>`: a comma that ought to be quoted.
                piece.phrase.push(c);
            }
            ',' | ';' if !angle => {
                found.extend(std::mem::take(&mut piece).finish());
                if found.len() >= most {
                    return found;
                }
            }
            ':' if !angle && !piece.is_complete() => piece = Piece::default(),
            _ => piece.push(c, angle, false),
        }
    }
    found.extend(piece.finish());
    found
}

/// The Message-IDs of a field, without angle brackets, in order.
pub(super) fn message_ids(value: &str) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    let mut rest = value;
    while let Some((_, from)) = rest.split_once('<') {
        let Some((id, after)) = from.split_once('>') else { break };
        let id: String = id.chars().filter(|c| !c.is_whitespace()).collect();
        if !id.is_empty() {
            ids.push(id);
        }
        rest = after;
        if ids.len() >= MAX_IDS {
            return ids;
        }
    }
    if ids.is_empty() && !value.contains('<') {
        let bare = value.split_whitespace().filter(|word| word.contains('@')).take(MAX_IDS);
        ids.extend(bare.map(str::to_string));
    }
    ids
}

/// Text without control, bidirectional and invisible characters, blanks collapsed.
pub(super) fn one_line(text: &str) -> String {
    let visible: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).filter(|c| !is_unseen(*c)).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Zero-width characters, and those that turn the direction of writing (Unicode TR 9).
pub(super) fn is_unseen(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

#[derive(Default)]
struct Piece {
    phrase: String,
    comment: String,
    angle: Option<String>,
}

impl Piece {
    fn push(&mut self, c: char, angle: bool, comment: bool) {
        if angle {
            self.angle.get_or_insert_default().push(c);
        } else if comment {
            self.comment.push(c);
        } else {
            self.phrase.push(c);
        }
    }

    fn is_complete(&self) -> bool {
        self.angle.is_some() || self.phrase.contains('@')
    }

    fn finish(self) -> Option<Address> {
        let (address, name) = match self.angle {
            Some(angle) => (angle, self.phrase),
            None => {
                let bare = self.phrase.split_whitespace().find(|word| word.contains('@'))?.to_string();
                (bare, String::new())
            }
        };
        // An obsolete route (RFC 5322 section 4.4) stands before the last colon.
        let address = address.rsplit(':').next().unwrap_or_default();
        let address: String = address.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect();
        let address: String = address.trim_matches('\'').to_lowercase().chars().take(MAX_ADDRESS_LENGTH).collect();
        if address.is_empty() {
            return None;
        }
        let name = if name.trim().is_empty() { self.comment } else { name };
        let name = one_line(&decode_words(&name));
        let name = name.trim_matches(['"', '\'', ' ']).chars().take(MAX_ADDRESS_LENGTH).collect();
        Some(Address { name, address })
    }
}

fn flush(pending: &mut Option<(String, Vec<u8>)>, out: &mut String) {
    if let Some((label, bytes)) = pending.take() {
        match charset::decode(&bytes, Some(&label)) {
            Some(decoded) => out.push_str(&decoded.text),
            None => {
                let decode = mail_parser::decoders::charsets::map::charset_decoder(label.as_bytes());
                out.push_str(&decode.map_or_else(|| String::from_utf8_lossy(&bytes).into_owned(), |f| f(&bytes)));
            }
        }
    }
}

/// Charset, bytes and what follows of the encoded word at the start of `text`.
fn encoded_word(text: &str) -> Option<(String, Vec<u8>, &str)> {
    let (label, rest) = text.strip_prefix("=?")?.split_once('?')?;
    if label.is_empty() || label.len() > 40 || label.contains(char::is_whitespace) {
        return None;
    }
    let (encoding, rest) = rest.split_once('?')?;
    let (data, after) = rest.split_once("?=").or_else(|| (!rest.contains("=?")).then_some((rest, "")))?;
    let bytes = match encoding {
        "b" | "B" => base64(data.as_bytes()),
        "q" | "Q" => quoted_printable(data.as_bytes(), true),
        _ => return None,
    };
    let label = label.split('*').next().unwrap_or(label);
    Some((label.to_ascii_lowercase(), bytes, after))
}

/// Base64 without minding padding, line ends or foreign characters.
pub(super) fn base64(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0);
    for byte in data {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => continue,
        };
        bits = (bits << 6) | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    out
}

/// Quoted-printable (RFC 2045 section 6.7), lenient; in a `word` (RFC 2047 section 4.2) `_` is a blank.
pub(super) fn quoted_printable(data: &[u8], word: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len());
    let mut rest = data;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after) {
            (b'_', _) if word => out.push(b' '),
            (b'=', [b'\r', b'\n', tail @ ..] | [b'\n', tail @ ..]) => rest = tail,
            (b'=', [first, second, tail @ ..]) => match (hex(*first), hex(*second)) {
                (Some(high), Some(low)) => {
                    out.push(high << 4 | low);
                    rest = tail;
                }
                _ => out.push(byte),
            },
            _ => out.push(byte),
        }
    }
    out
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_words_are_decoded_wherever_they_stand() {
        let check = |raw: &str, text: &str| assert_eq!(decode_words(raw), text);
        check("=?utf-8?B?xYHDs2TFug==?=", "Łódź");
        check("=?utf-8?B?xYHDs2TFug?=", "Łódź");
        check("=?utf-8?Q?=C5=81=C3?= =?utf-8?Q?=B3d=C5=BA_2?=", "Łódź 2");
        check("=?iso-8859-2?Q?a=B1?= =?utf-8?Q?=C4=85?= b", "aąą b");
        check("RE:=?utf-8?Q?_awaria?=", "RE: awaria");
        check("=?windows-1250?Q?=9Cwiat=B3o?=", "światło");
        check("=?iso-8859-2?Q?=9Cwiat=B3o?=", "światło");
        check("=?utf-8*pl?q?dzi=C4=99ki?=", "dzięki");
        check("2 =? 3", "2 =? 3");
        check("=?utf-8?X?abc?= x", "=?utf-8?X?abc?= x");
        check("=?utf-8?Q?nie doko=C5=84czone", "nie dokończone");
    }

    #[test]
    fn addresses_are_found_in_any_shape() {
        let check = |value: &str, expected: &[(&str, &str)]| {
            let found = addresses(value, 500);
            let found: Vec<_> = found.iter().map(|a| (a.name.as_str(), a.address.as_str())).collect();
            assert_eq!(found, expected, "{value}");
        };
        check("Jan Nowak <Jan@Firma.example>", &[("Jan Nowak", "jan@firma.example")]);
        check("jan@firma.example (Jan Nowak), b@c.example", &[("Jan Nowak", "jan@firma.example"), ("", "b@c.example")]);
        check(
            "Nowak, Jan <jan@firma.example>, x@y.example",
            &[("Nowak, Jan", "jan@firma.example"), ("", "x@y.example")],
        );
        check("\"=?utf-8?Q?Pawe=C5=82?=\" <p@x.example>", &[("Paweł", "p@x.example")]);
        check("=?utf-8?Q?szef=40bank=2Eexample=3E=2C?= <zly@x.example>", &[("szef@bank.example>,", "zly@x.example")]);
        check("Serwis: a@x.example, b@x.example;", &[("", "a@x.example"), ("", "b@x.example")]);
        check("undisclosed-recipients:;", &[]);
        check("<>", &[]);
        check("\"a\\\"b\" <@r.example:u@x.example>", &[("a\"b", "u@x.example")]);
    }

    #[test]
    fn message_ids_lose_their_brackets() {
        assert_eq!(message_ids("<a@b> <c@d>"), ["a@b", "c@d"]);
        assert_eq!(message_ids("<a@\r\n b>"), ["a@b"]);
        assert_eq!(message_ids("a@b"), ["a@b"]);
        assert!(message_ids("<>").is_empty());
    }
}
