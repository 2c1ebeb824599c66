//! A text with one ASCII byte for each character, so that patterns are plain ASCII, fast, and
//! right at the edges of Polish words: `ż` is a letter here, it is `z`.

use crate::desk::contract::latin;

/// Characters read of one text. A person's mail has a few thousand; what lies beyond this in a
/// log is not read, so that a hostile mail costs a bounded time.
pub(super) const TEXT_MAX: usize = 1 << 20;

/// A folded text and the way back to the text it came from.
#[derive(Clone, Debug)]
pub(super) struct Folded {
    /// ASCII, lower case, lines parted by `\n`, quote marks at the start of a line left out.
    pub(super) text: String,
    /// Where the distance between a folded character and its source changes: both offsets of the
    /// first character after the change.
    shifts: Vec<(usize, usize)>,
    /// Where the source text that was read ends.
    end: usize,
    /// True where the source goes on beyond what was read.
    pub(super) is_cut: bool,
}

impl Folded {
    /// Folds the first [`TEXT_MAX`] characters.
    pub(super) fn new(source: &str) -> Folded {
        let mut folder = Folder { text: Vec::with_capacity(source.len().min(TEXT_MAX)), shifts: vec![(0, 0)], next: 0 };
        let mut in_quote_marks = true;
        let mut end = source.len();
        for (offset, c) in source.char_indices() {
            if folder.text.len() == TEXT_MAX {
                end = offset;
                break;
            }
            let folded = match usize::try_from(u32::from(c)).ok().and_then(|code| ASCII.get(code)) {
                Some(folded) => *folded,
                None => fold_wide(c),
            };
            if in_quote_marks {
                match folded {
                    b'>' => continue,
                    b' ' | 0 => {}
                    _ => in_quote_marks = false,
                }
            }
            in_quote_marks |= folded == b'\n';
            if folded != 0 {
                folder.push(folded, offset, c.len_utf8());
            }
        }
        let is_cut = end < source.len();
        // Each byte was taken from the table or is an ASCII letter, digit or mark.
        let text = String::from_utf8(folder.text).unwrap_or_default();
        Folded { text, shifts: folder.shifts, end, is_cut }
    }

    /// Where in the source the folded stretch `start..end` stands.
    pub(super) fn span(&self, source: &str, start: usize, end: usize) -> (usize, usize) {
        let shift = self.shift_of(start);
        let from = self.offset(start, shift);
        // The last character's own end: whatever was dropped behind it does not count. It is near.
        let last = end.max(start + 1) - 1;
        let behind = self.shifts.get(shift + 1..).unwrap_or_default();
        let last = self.offset(last, shift + behind.iter().take_while(|(folded, _)| *folded <= last).count());
        let length = source.get(last..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        (from, (last + length).max(from))
    }

    /// Which folded character stands for the source's at this offset, or for the next one that has a
    /// stand-in.
    pub(super) fn place_of(&self, offset: usize) -> usize {
        let shift = self.shifts.partition_point(|(_, source)| *source <= offset).saturating_sub(1);
        let next = self.shifts.get(shift + 1).map_or(self.text.len(), |(folded, _)| *folded);
        self.shifts.get(shift).map_or(0, |(folded, source)| (folded + offset.saturating_sub(*source)).min(next))
    }

    /// Where in the source a folded character stands, of which the last shift before it is known.
    fn offset(&self, at: usize, shift: usize) -> usize {
        if at >= self.text.len() {
            return self.end;
        }
        self.shifts.get(shift).map_or(0, |(folded, source)| source + (at - folded))
    }

    fn shift_of(&self, at: usize) -> usize {
        self.shifts.partition_point(|(folded, _)| *folded <= at).saturating_sub(1)
    }

    /// What the sender wrote where the folded text has `start..end`.
    pub(super) fn written<'s>(&self, source: &'s str, start: usize, end: usize) -> &'s str {
        let (from, until) = self.span(source, start, end);
        source.get(from..until).unwrap_or_default()
    }

    /// The folded text of `start..end`.
    pub(super) fn slice(&self, start: usize, end: usize) -> &str {
        self.text.get(start..end).unwrap_or_default()
    }
}

struct Folder {
    text: Vec<u8>,
    shifts: Vec<(usize, usize)>,
    /// Where the next source character is expected.
    next: usize,
}

impl Folder {
    fn push(&mut self, folded: u8, offset: usize, length: usize) {
        if offset != self.next {
            self.shifts.push((self.text.len(), offset));
        }
        self.text.push(folded);
        self.next = offset + 1;
        if length > 1 {
            self.next = offset + length;
            self.shifts.push((self.text.len(), self.next));
        }
    }
}

/// The stand-in of each ASCII character; 0 is none.
const ASCII: [u8; 128] = {
    let mut table = [b' '; 128];
    let mut code = 0;
    while code < 128 {
        table[code] = match code as u8 {
            b'\r' => 0,
            b'\n' | 0xb | 0xc => b'\n',
            // An underscore joins words in file names and column heads; here it parts them.
            b'_' => b' ',
            byte @ (b'\t' | b' '..=b'~') => byte.to_ascii_lowercase(),
            _ => b' ',
        };
        code += 1;
    }
    table
};

/// The stand-in of a character beyond ASCII: 0 for what has no width and for combining marks.
fn fold_wide(c: char) -> u8 {
    match c {
        '\u{85}' | '\u{2028}' | '\u{2029}' => b'\n',
        '\u{ad}' | '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' => 0,
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' => b'-',
        '\u{2044}' | '\u{2215}' => b'/',
        '’' | '‘' | '´' => b'\'',
        '„' | '”' | '“' | '«' | '»' => b'"',
        '•' | '·' | '▪' | '●' | '◦' | '‣' => b'*',
        '…' => b'.',
        // Frames of tables, as command-line programs draw them.
        '│' | '┃' | '║' | '├' | '┤' | '┌' | '┐' | '└' | '┘' | '╞' | '╡' | '╔' | '╗' | '╚' | '╝' => {
            b'|'
        }
        '\u{2500}'..='\u{257f}' => b'-',
        '→' | '⇒' | '➔' | '➜' | '👉' => b'=',
        '№' => b'#',
        'ą' | 'Ą' | 'à'..='å' | 'À'..='Å' | 'ă' | 'Ă' | 'ā' | 'Ā' => b'a',
        'ć' | 'Ć' | 'č' | 'Č' | 'ç' | 'Ç' => b'c',
        'ď' | 'Ď' | 'đ' | 'Đ' => b'd',
        'ę' | 'Ę' | 'è'..='ë' | 'È'..='Ë' | 'ě' | 'Ě' | 'ė' | 'Ė' | 'ē' | 'Ē' => b'e',
        'ì'..='ï' | 'Ì'..='Ï' | 'į' | 'Į' | 'ī' | 'Ī' => b'i',
        'ł' | 'Ł' | 'ľ' | 'Ľ' | 'ĺ' | 'Ĺ' => b'l',
        'ń' | 'Ń' | 'ñ' | 'Ñ' | 'ň' | 'Ň' => b'n',
        'ó' | 'Ó' | 'ò' | 'ô'..='ö' | 'ø' | 'Ò' | 'Ô'..='Ö' | 'Ø' | 'ő' | 'Ő' => b'o',
        'ř' | 'Ř' | 'ŕ' | 'Ŕ' => b'r',
        'ś' | 'Ś' | 'š' | 'Š' | 'ş' | 'Ş' | 'ș' | 'Ș' | 'ß' => b's',
        'ť' | 'Ť' | 'ţ' | 'Ţ' | 'ț' | 'Ț' => b't',
        'ù'..='ü' | 'Ù'..='Ü' | 'ů' | 'Ů' | 'ű' | 'Ű' | 'ū' | 'Ū' | 'ų' | 'Ų' => b'u',
        'ý' | 'Ý' | 'ÿ' => b'y',
        'ź' | 'Ź' | 'ż' | 'Ż' | 'ž' | 'Ž' => b'z',
        // Full-width forms, as some input methods write them.
        '\u{ff01}'..='\u{ff5e}' => u8::try_from(u32::from(c) - 0xfee0).unwrap_or(b' ').to_ascii_lowercase(),
        // A letter of another script is a letter, so that it cannot stand for an edge.
        c if c.is_alphabetic() => {
            latin(c).and_then(|latin| u8::try_from(latin).ok()).map_or(b'x', |c| c.to_ascii_lowercase())
        }
        _ => b' ',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, folded: &str) {
        assert_eq!(Folded::new(source).text, folded);
    }

    #[test]
    fn every_character_is_one_ascii_byte() {
        check("Zażółć GĘŚLĄ\u{a0}jaźń", "zazolc gesla jazn");
        check("nr\u{200b}_sery\u{ad}jny\r\nH\u{2011}2026", "nr seryjny\nh-2026");
        check("> > S/N: A\n>> B > C", "  s/n: a\n b > c");
        check("Żółw 電 ①", "zolw x  ");
        check("СZ2847К1ZP", "cz2847k1zp");
        check("o\u{301}", "o");
        check("ＳＮ１", "sn1");
        check("╞═══╡", "|---|");
    }

    #[test]
    fn the_way_back_gives_what_was_written() {
        for (source, folded, written) in [
            ("Łódź: H\u{2011}20\u{200b}26\u{ad}, ok", "h-2026", "H\u{2011}20\u{200b}26"),
            ("> żó\r\n> łw 12 ć", "12", "12"),
            ("12ż", "12z", "12ż"),
            ("ż12", "12", "12"),
            ("a\u{ad}1", "1", "1"),
            ("1\u{ad}\u{ad}2", "12", "1\u{ad}\u{ad}2"),
        ] {
            let text = Folded::new(source);
            let start = text.text.find(folded).expect("is there");
            assert_eq!(text.written(source, start, start + folded.len()), written, "{source}");
        }
        assert_eq!(Folded::new("abc").written("abc", 500, 600), "");
        let text = Folded::new("> żó\r\n> łw 12 ć");
        assert_eq!((text.place_of(0), text.place_of(2), text.place_of(10)), (0, 1, 5));
    }

    #[test]
    fn a_hostile_length_is_cut() {
        let folded = Folded::new(&"ż".repeat(TEXT_MAX + 5));
        assert_eq!((folded.text.len(), folded.is_cut), (TEXT_MAX, true));
    }
}
