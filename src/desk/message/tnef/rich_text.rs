//! Rich text as Outlook sends it: compressed (\[MS-OXRTFCP\]), with HTML inside (\[MS-OXRTFEX\]) or without.

use encoding_rs::{Encoding, WINDOWS_1250};

use crate::desk::message::bytes::Bytes;

/// What the window holds at the beginning: \[MS-OXRTFCP\] 2.1.3.1.
const DICTIONARY: &[u8] = b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \
    \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \
    \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";
/// The bytes of the window.
const WINDOW: usize = 4_096;
/// The longest rich text that is read, in bytes.
const LONGEST: usize = 4_000_000;
/// The most groups within each other.
const DEEPEST: usize = 1_000;

/// The text of a compressed rich text; `None` where there is none.
pub(super) fn plain(compressed: &[u8]) -> Option<String> {
    let text = text(&unpacked(compressed)?);
    (!text.trim().is_empty()).then_some(text)
}

fn unpacked(compressed: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Bytes::new(compressed);
    // The length of what follows.
    bytes.u32()?;
    let length = usize::try_from(bytes.u32()?).ok()?.min(LONGEST);
    let kind = bytes.u32()?;
    // The checksum: a wrong one makes it no less readable.
    bytes.u32()?;
    match &kind.to_le_bytes() {
        b"MELA" => Some(bytes.rest().iter().copied().take(length).collect()),
        b"LZFu" => Some(inflated(bytes, length)),
        _ => None,
    }
}

fn inflated(mut bytes: Bytes, length: usize) -> Vec<u8> {
    let mut window = [b' '; WINDOW];
    for (place, byte) in window.iter_mut().zip(DICTIONARY) {
        *place = *byte;
    }
    let mut at = DICTIONARY.len();
    let mut out = Vec::new();
    let push = |out: &mut Vec<u8>, at: &mut usize, window: &mut [u8; WINDOW], byte: u8| {
        out.push(byte);
        if let Some(place) = window.get_mut(*at) {
            *place = byte;
        }
        *at = (*at + 1) % WINDOW;
    };
    'all: while let Some(flags) = bytes.u8() {
        for bit in 0..8 {
            if out.len() >= length {
                break 'all;
            }
            if flags & (1 << bit) == 0 {
                let Some(byte) = bytes.u8() else { break 'all };
                push(&mut out, &mut at, &mut window, byte);
                continue;
            }
            let (Some(high), Some(low)) = (bytes.u8(), bytes.u8()) else { break 'all };
            let reference = usize::from(high) << 8 | usize::from(low);
            let (offset, count) = (reference >> 4, (reference & 0xF) + 2);
            // A reference to the place that is written next ends it.
            if offset == at {
                break 'all;
            }
            for step in 0..count {
                let byte = window.get((offset + step) % WINDOW).copied().unwrap_or(b' ');
                push(&mut out, &mut at, &mut window, byte);
            }
        }
    }
    out
}

/// What one group of the rich text inherits.
#[derive(Clone, Copy)]
struct Group {
    /// Nothing in it is text.
    hidden: bool,
    /// How many characters stand in for one of Unicode.
    stand_ins: usize,
}

fn text(rich: &[u8]) -> String {
    let mut out = String::new();
    let mut encoding = WINDOWS_1250;
    let mut groups = vec![Group { hidden: false, stand_ins: 1 }];
    let mut pending: Vec<u8> = Vec::new();
    let mut skip = 0_usize;
    let mut rest = rich;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let group = groups.last().copied().unwrap_or(Group { hidden: true, stand_ins: 1 });
        match byte {
            b'{' if groups.len() < DEEPEST => groups.push(group),
            b'{' => return out,
            b'}' => {
                flush(&mut pending, encoding, &mut out);
                groups.pop();
                skip = 0;
            }
            b'\r' | b'\n' => {}
            b'\\' => {
                let (word, number, tail) = control(rest);
                rest = tail;
                match word {
                    b"'" => {
                        let Some((value, tail)) = hex(rest) else { continue };
                        rest = tail;
                        if skip > 0 {
                            skip -= 1;
                        } else if !group.hidden {
                            pending.push(value);
                        }
                        continue;
                    }
                    b"\\" | b"{" | b"}" if !group.hidden => pending.extend(word),
                    b"*" | b"fonttbl" | b"colortbl" | b"stylesheet" | b"info" | b"pict" | b"header" | b"footer" => {
                        groups.iter_mut().last().into_iter().for_each(|group| group.hidden = true);
                    }
                    b"ansicpg" => {
                        let page = number.and_then(|number| u32::try_from(number).ok()).and_then(super::code_page);
                        encoding = page.unwrap_or(encoding);
                    }
                    b"uc" => {
                        let count = number.and_then(|number| usize::try_from(number).ok()).unwrap_or(1).min(8);
                        groups.iter_mut().last().into_iter().for_each(|group| group.stand_ins = count);
                    }
                    b"u" if !group.hidden => {
                        flush(&mut pending, encoding, &mut out);
                        let unit = number.map(|number| number.rem_euclid(0x1_0000));
                        let unit = unit.and_then(|unit| u32::try_from(unit).ok()).and_then(char::from_u32);
                        out.extend(unit);
                        skip = group.stand_ins;
                    }
                    b"par" | b"line" | b"row" | b"tab" | b"cell" | b"~" if !group.hidden => {
                        flush(&mut pending, encoding, &mut out);
                        out.push(match word {
                            b"tab" | b"cell" => '\t',
                            b"~" => ' ',
                            _ => '\n',
                        });
                    }
                    _ => {}
                }
            }
            _ if skip > 0 => skip -= 1,
            _ if !group.hidden => pending.push(byte),
            _ => {}
        }
    }
    flush(&mut pending, encoding, &mut out);
    out
}

/// A control word or symbol, its number, and what follows.
fn control(rest: &[u8]) -> (&[u8], Option<i64>, &[u8]) {
    let letters = rest.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    if letters == 0 {
        let (symbol, tail) = rest.split_at(rest.len().min(1));
        return (symbol, None, tail);
    }
    let (word, tail) = rest.split_at(letters);
    let sign = usize::from(tail.first() == Some(&b'-'));
    let digits = tail.iter().skip(sign).take_while(|byte| byte.is_ascii_digit()).count();
    let (number, tail) = if digits == 0 { tail.split_at(0) } else { tail.split_at(sign + digits) };
    let number = std::str::from_utf8(number).ok().and_then(|number| number.parse().ok());
    (word, number, tail.strip_prefix(b" ").unwrap_or(tail))
}

fn hex(rest: &[u8]) -> Option<(u8, &[u8])> {
    let (digits, tail) = rest.split_at_checked(2)?;
    let value = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    Some((value, tail))
}

fn flush(pending: &mut Vec<u8>, encoding: &'static Encoding, out: &mut String) {
    if !pending.is_empty() {
        let (text, _) = encoding.decode_without_bom_handling(pending);
        out.push_str(&text);
        pending.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rich_text_becomes_text() {
        let check = |rich: &[u8], expected: &str| assert_eq!(text(rich), expected);
        check(
            b"{\\rtf1\\ansi\\ansicpg1250{\\fonttbl{\\f0 Arial;}}\\pard Nap\\'eAd nie dzia\\'b3a\\par SN \\b 10WT087648\\b0}",
            "Napęd nie działa\nSN 10WT087648",
        );
        check(b"{\\rtf1\\uc1 \\u321?\\'f3d\\u378?}", "Łódź");
        check(b"{\\rtf1\\fromhtml1{\\*\\htmltag64 <p>}one\\par{\\*\\htmltag72 </p>}two}", "one\ntwo");
        check(b"{\\rtf1 a\\{b\\}\\\\c", "a{b}\\c");
        check(b"\\u99999999999999999999 }}}{", "");
    }

    #[test]
    fn the_example_of_the_specification_is_unpacked() {
        // [MS-OXRTFCP] 3.1.1.1 and 3.1.1.2.
        let simple = [
            0x2d, 0, 0, 0, 0x2b, 0, 0, 0, 0x4c, 0x5a, 0x46, 0x75, 0xf1, 0xc5, 0xc7, 0xa7, 0x03, 0x00, 0x0a, 0x00, 0x72,
            0x63, 0x70, 0x67, 0x31, 0x32, 0x35, 0x42, 0x32, 0x0a, 0xf3, 0x20, 0x68, 0x65, 0x6c, 0x09, 0x00, 0x20, 0x62,
            0x77, 0x05, 0xb0, 0x6c, 0x64, 0x7d, 0x0a, 0x80, 0x0f, 0xa0,
        ];
        assert_eq!(unpacked(&simple).as_deref(), Some(&b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"[..]));
        let repeated = [
            0x1a, 0, 0, 0, 0x1c, 0, 0, 0, 0x4c, 0x5a, 0x46, 0x75, 0xe2, 0xd4, 0x4b, 0x51, 0x41, 0x00, 0x04, 0x20, 0x57,
            0x58, 0x59, 0x5a, 0x0d, 0x6e, 0x7d, 0x01, 0x0e, 0xb0,
        ];
        assert_eq!(unpacked(&repeated).as_deref(), Some(&b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}"[..]));
        assert_eq!(unpacked(b"short"), None);
    }
}
