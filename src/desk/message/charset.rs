//! Bytes become text, also where the declared charset is missing or wrong: UTF-8, then
//! windows-1250, then ISO-8859-2, by letter statistics.

use encoding_rs::{Encoding, ISO_8859_2, UTF_8, WINDOWS_1250, WINDOWS_1252};

/// Decoded text, and what had to be guessed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Decoded {
    /// The text.
    pub(super) text: String,
    /// What was wrong with the declaration; `None` where it held.
    pub(super) problem: Option<&'static str>,
}

/// Decodes bytes under a declared charset; `None` where only the mail parser knows the charset.
pub(super) fn decode(bytes: &[u8], declared: Option<&str>) -> Option<Decoded> {
    let label = declared.map(str::trim).filter(|label| !label.is_empty());
    let known = label.and_then(|label| Encoding::for_label(label.as_bytes()));
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        let (text, _) = encoding.decode_without_bom_handling(bytes.get(mark..).unwrap_or_default());
        return Some(Decoded { text: text.into_owned(), problem: None });
    }
    match known {
        Some(encoding) if encoding == UTF_8 => Some(utf8_or_guess(bytes, "the text is not the UTF-8 that it says")),
        Some(encoding) if encoding.is_single_byte() => Some(single_byte(bytes, encoding)),
        Some(encoding) => {
            let (text, _) = encoding.decode_without_bom_handling(bytes);
            Some(Decoded { text: text.into_owned(), problem: None })
        }
        None if label.is_some_and(|label| is_foreign(label.as_bytes())) => None,
        None if bytes.is_ascii() => Some(utf8_or_guess(bytes, "")),
        None if label.is_some() => Some(utf8_or_guess(bytes, "the text declares an unknown charset")),
        None => Some(utf8_or_guess(bytes, "the text declares no charset and is not UTF-8")),
    }
}

/// Undoes UTF-8 that was read as a single-byte charset and encoded once more, line by line.
/// `None` where nothing was undone.
pub(super) fn undo_double_encoding(text: &str) -> Option<String> {
    // The lead bytes C3, C4, C5 and E2 of Polish letters and quotes, as windows-1250 and -1252 show them.
    const LEADS: [char; 7] = ['Ă', 'Ä', 'Ĺ', 'â', 'Ã', 'Å', 'Ð'];
    if !text.contains(LEADS) {
        return None;
    }
    let mut changed = false;
    let lines = text.split('\n').map(|line| {
        let mended = [WINDOWS_1250, WINDOWS_1252].iter().find_map(|encoding| {
            let (bytes, _, lost) = encoding.encode(line);
            let read = std::str::from_utf8(&bytes).ok()?;
            (!lost && read.chars().any(is_polish_letter)).then(|| read.to_string())
        });
        changed |= mended.is_some();
        mended.unwrap_or_else(|| line.to_string())
    });
    let mended: Vec<String> = lines.collect();
    changed.then(|| mended.join("\n"))
}

fn is_foreign(label: &[u8]) -> bool {
    mail_parser::decoders::charsets::map::charset_decoder(label).is_some()
}

fn utf8_or_guess(bytes: &[u8], problem: &'static str) -> Decoded {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Decoded { text: text.to_string(), problem: None };
    }
    let lossy = String::from_utf8_lossy(bytes);
    let broken = lossy.chars().filter(|&c| c == '\u{FFFD}').count();
    let whole = lossy.chars().filter(|&c| !c.is_ascii() && c != '\u{FFFD}').count();
    // A cut or two in a text that is UTF-8 otherwise: another charset would spoil all the rest.
    if whole > 4 * broken {
        return Decoded { text: lossy.into_owned(), problem: Some(problem) };
    }
    Decoded { text: best_of(bytes, &[WINDOWS_1250, ISO_8859_2]).1, problem: Some(problem) }
}

fn single_byte(bytes: &[u8], declared: &'static Encoding) -> Decoded {
    if bytes.is_ascii() {
        return Decoded { text: String::from_utf8_lossy(bytes).into_owned(), problem: None };
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Decoded { text: text.to_string(), problem: Some("the text is UTF-8 but declares another charset") };
    }
    let (as_declared, _) = declared.decode_without_bom_handling(bytes);
    let declared_weight = weigh(&as_declared);
    // Only the charsets that Polish text is mislabelled with are doubted, and only on plain evidence.
    if [WINDOWS_1252, ISO_8859_2, WINDOWS_1250].contains(&declared) && declared_weight.against >= 2 {
        let (better, text) = best_of(bytes, &[WINDOWS_1250, ISO_8859_2]);
        if better > declared_weight.score() {
            return Decoded { text, problem: Some("the text declares a charset in which it does not make sense") };
        }
    }
    Decoded { text: as_declared.into_owned(), problem: None }
}

/// The reading with the highest score; the first of equals.
fn best_of(bytes: &[u8], encodings: &[&'static Encoding]) -> (i64, String) {
    let mut best: Option<(i64, String)> = None;
    for encoding in encodings {
        let (text, _) = encoding.decode_without_bom_handling(bytes);
        let score = weigh(&text).score();
        if best.as_ref().is_none_or(|(high, _)| score > *high) {
            best = Some((score, text.into_owned()));
        }
    }
    best.unwrap_or_default()
}

/// How much speaks for and against a reading.
struct Weight {
    favour: i64,
    against: i64,
}

impl Weight {
    fn score(&self) -> i64 {
        self.favour - self.against
    }
}

/// How much a text looks like Polish read in the right charset.
fn weigh(text: &str) -> Weight {
    let polish = text.chars().any(|c| "łęćńżŁ".contains(c));
    let mut weight = Weight { favour: 0, against: 0 };
    let mut before = ' ';
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        let after = characters.peek().copied().unwrap_or(' ');
        match c {
            _ if c.is_ascii() => {}
            _ if is_polish_letter(c) => weight.favour += 2,
            // What a control character of ISO 8859 or a replacement stands for was a letter.
            '\u{80}'..='\u{9F}' | '\u{FFFD}' => weight.against += 4,
            'š' | 'Š' | 'ž' | 'Ž' | 'ť' | 'Ť' | 'ľ' | 'Ľ' if polish => weight.against += 2,
            // Square and cubic metres.
            '²' | '³' if before == 'm' && !after.is_alphabetic() => {}
            // A superscript, sign or diacritic glued to a word.
            _ if !c.is_alphabetic() && before.is_alphabetic() && !"„”“’–—…\u{A0}°§©®€®»«".contains(c) =>
            {
                weight.against += 2;
            }
            _ => {}
        }
        before = c;
    }
    weight
}

fn is_polish_letter(c: char) -> bool {
    "ąćęłńóśźżĄĆĘŁŃÓŚŹŻ".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], declared: Option<&str>, text: &str, guessed: bool) {
        let decoded = decode(bytes, declared).expect("a charset that we know");
        assert_eq!(decoded.text, text, "{declared:?}");
        assert_eq!(decoded.problem.is_some(), guessed, "{declared:?} {text}");
    }

    #[test]
    fn a_text_is_read_as_it_was_meant() {
        let cp1250 = b"Prze\xB3\xB9cznik w szafie \x9Cwieci, \x9Fle dzia\xB3a";
        let iso = b"Prze\xB3\xB1cznik w szafie \xB6wieci, \xBCle dzia\xB3a";
        let text = "Przełącznik w szafie świeci, źle działa";
        check(cp1250, Some("windows-1250"), text, false);
        check(iso, Some("iso-8859-2"), text, false);
        for declared in [None, Some("iso-8859-1"), Some("us-ascii"), Some("utf-8"), Some("x-nonsense")] {
            check(cp1250, declared, text, true);
            check(iso, declared, text, true);
        }
        check(cp1250, Some("iso-8859-2"), text, true);
        check(iso, Some("windows-1250"), text, true);
        check(text.as_bytes(), Some("iso-8859-2"), text, true);
        check(text.as_bytes(), None, text, false);
        check(b"\xEF\xBB\xBFabc", None, "abc", false);
        check(b"M\xFCller, 5 \xB0C, 3 m\xB3", Some("iso-8859-1"), "Müller, 5 °C, 3 m³", false);
        check(b"na\xB9a ma\xB9ina", Some("iso-8859-2"), "naša mašina", false);
    }

    #[test]
    fn a_text_encoded_twice_is_undone() {
        assert_eq!(undo_double_encoding("ĹĽĂłĹ‚ta dioda\nSN 12").as_deref(), Some("żółta dioda\nSN 12"));
        assert_eq!(undo_double_encoding("zażółć gęślą"), None);
        assert_eq!(undo_double_encoding("Ärger in Łódź"), None);
    }
}
