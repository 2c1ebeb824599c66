//! A text with one ASCII byte for each character, so that patterns are plain ASCII, fast, and
//! right at the edges of Polish words: `ż` is a letter here, it is `z`.

/// Characters read of one text. A person's mail has a few thousand; what lies beyond this in a
/// log is not read, so that a hostile mail costs a bounded time.
pub(super) const TEXT_MAX: usize = 1 << 20;

/// A folded text and the way back to the text it came from.
pub(super) struct Folded<'a> {
    source: &'a str,
    /// ASCII, lower case, lines parted by `\n`, quote marks at the start of a line left out.
    pub(super) text: String,
    /// For each byte of `text`, and for its end, where its character stands in `source`.
    offsets: Vec<usize>,
}

impl<'a> Folded<'a> {
    /// Folds the first [`TEXT_MAX`] characters.
    pub(super) fn new(source: &'a str) -> Folded<'a> {
        let mut text = String::new();
        let mut offsets = Vec::new();
        let mut in_quote_marks = true;
        let mut end = source.len();
        for (offset, c) in source.char_indices() {
            if text.len() == TEXT_MAX {
                end = offset;
                break;
            }
            let Some(folded) = fold(c) else { continue };
            in_quote_marks &= matches!(folded, '>' | ' ');
            if folded == '\n' {
                in_quote_marks = true;
            } else if in_quote_marks && folded == '>' {
                continue;
            }
            text.push(folded);
            offsets.push(offset);
        }
        offsets.push(end);
        Folded { source, text, offsets }
    }

    /// What the sender wrote where the folded text has `start..end`.
    pub(super) fn written(&self, start: usize, end: usize) -> &'a str {
        let offset = |at: usize| self.offsets.get(at).copied().unwrap_or(self.source.len());
        // A character's own end is where the next kept one starts, less whatever was dropped between.
        let slice = self.source.get(offset(start)..offset(end)).unwrap_or_default();
        slice.trim_end_matches(|c: char| fold(c).is_none())
    }

    /// The folded text of `start..end`.
    pub(super) fn slice(&self, start: usize, end: usize) -> &str {
        self.text.get(start..end).unwrap_or_default()
    }
}

/// The character's stand-in: `None` for what has no width and for combining marks.
fn fold(c: char) -> Option<char> {
    Some(match c {
        'A'..='Z' => c.to_ascii_lowercase(),
        '\r' => return None,
        '\n' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => '\n',
        // An underscore joins words in file names and column heads; here it parts them.
        '_' => ' ',
        '\t' | ' '..='~' => c,
        '\u{ad}' | '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' => return None,
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' => '-',
        '\u{2044}' | '\u{2215}' => '/',
        '’' | '‘' | '´' => '\'',
        '„' | '”' | '“' | '«' | '»' => '"',
        '•' | '·' | '▪' | '●' | '◦' | '‣' => '*',
        '│' | '┃' | '║' => '|',
        '→' | '⇒' => '=',
        '№' => '#',
        'ą' | 'Ą' | 'à'..='å' | 'À'..='Å' | 'ă' | 'Ă' | 'ā' | 'Ā' => 'a',
        'ć' | 'Ć' | 'č' | 'Č' | 'ç' | 'Ç' => 'c',
        'ď' | 'Ď' | 'đ' | 'Đ' => 'd',
        'ę' | 'Ę' | 'è'..='ë' | 'È'..='Ë' | 'ě' | 'Ě' | 'ė' | 'Ė' | 'ē' | 'Ē' => 'e',
        'ì'..='ï' | 'Ì'..='Ï' | 'į' | 'Į' | 'ī' | 'Ī' => 'i',
        'ł' | 'Ł' | 'ľ' | 'Ľ' | 'ĺ' | 'Ĺ' => 'l',
        'ń' | 'Ń' | 'ñ' | 'Ñ' | 'ň' | 'Ň' => 'n',
        'ó' | 'Ó' | 'ò' | 'ô'..='ö' | 'ø' | 'Ò' | 'Ô'..='Ö' | 'Ø' | 'ő' | 'Ő' => 'o',
        'ř' | 'Ř' | 'ŕ' | 'Ŕ' => 'r',
        'ś' | 'Ś' | 'š' | 'Š' | 'ş' | 'Ş' | 'ș' | 'Ș' | 'ß' => 's',
        'ť' | 'Ť' | 'ţ' | 'Ţ' | 'ț' | 'Ț' => 't',
        'ù'..='ü' | 'Ù'..='Ü' | 'ů' | 'Ů' | 'ű' | 'Ű' | 'ū' | 'Ū' | 'ų' | 'Ų' => 'u',
        'ý' | 'Ý' | 'ÿ' => 'y',
        'ź' | 'Ź' | 'ż' | 'Ż' | 'ž' | 'Ž' => 'z',
        // Full-width forms, as some input methods write them.
        '\u{ff01}'..='\u{ff5e}' => {
            let ascii = u32::from(c) - 0xfee0;
            char::from_u32(ascii).map_or(' ', |c| c.to_ascii_lowercase())
        }
        // A letter of another script is a letter, so that it cannot stand for an edge.
        c if c.is_alphabetic() => 'x',
        _ => ' ',
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, folded: &str) {
        let got = Folded::new(source);
        assert_eq!(got.text, folded);
        assert_eq!(got.offsets.len(), got.text.len() + 1);
    }

    #[test]
    fn every_character_is_one_ascii_byte() {
        check("Zażółć GĘŚLĄ\u{a0}jaźń", "zazolc gesla jazn");
        check("nr\u{200b}_sery\u{ad}jny\r\nH\u{2011}2026", "nr seryjny\nh-2026");
        check("> > S/N: A\n>> B > C", "  s/n: a\n b > c");
        check("Żółw 電 ①", "zolw x  ");
        check("o\u{301}", "o");
        check("ＳＮ１", "sn1");
    }

    #[test]
    fn the_way_back_gives_what_was_written() {
        let source = "Łódź: H\u{2011}20\u{200b}26\u{ad}, ok";
        let folded = Folded::new(source);
        let start = folded.text.find("h-2026").expect("is there");
        assert_eq!(folded.written(start, start + 6), "H\u{2011}20\u{200b}26");
        assert_eq!(folded.written(500, 600), "");
    }

    #[test]
    fn a_hostile_length_is_cut() {
        assert_eq!(Folded::new(&"ż".repeat(TEXT_MAX + 5)).text.len(), TEXT_MAX);
    }
}
