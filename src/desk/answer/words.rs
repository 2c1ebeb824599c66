//! A text as a stream of words, in one spelling, whatever a mail program made of its blanks, lines,
//! quote marks and links.

use crate::desk::fold::fold;

/// The words of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Words(Vec<String>);

impl Words {
    /// Takes a text apart. A word is letters and digits, with points, dashes, slashes and the like
    /// only between them, and a colon only between digits: `23.11.2026`, `09:40`, `a@b.example`.
    pub(super) fn of(text: &str) -> Words {
        let folded: Vec<char> = fold(text).chars().filter(|c| !is_unseen(*c)).collect();
        let mut words = Vec::new();
        let mut word = String::new();
        for (index, &c) in folded.iter().enumerate() {
            let beside = |back: bool| {
                let at = if back { index.checked_sub(1) } else { index.checked_add(1) };
                at.and_then(|at| folded.get(at)).copied()
            };
            let between = |is: fn(char) -> bool| beside(true).is_some_and(is) && beside(false).is_some_and(is);
            let joins = match c {
                _ if c.is_alphanumeric() => true,
                '.' | '-' | '/' | '_' | '@' | '+' => between(char::is_alphanumeric),
                ':' => between(|c| c.is_ascii_digit()),
                _ => false,
            };
            if joins {
                word.push(c);
            } else if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
        }
        if !word.is_empty() {
            words.push(word);
        }
        Words(words)
    }

    /// The same without the addresses of links, which programs put in brackets beside their words:
    /// `Przyjmij <mailto:…>`, `[cid:image001.png]`.
    pub(super) fn without_links(text: &str) -> Words {
        let mut kept = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(open) = rest.find(['<', '[']) {
            let (before, inside) = rest.split_at(open);
            kept.push_str(before);
            let inner = inside.get(1..).unwrap_or_default();
            let is_link = ["mailto:", "http:", "https:", "tel:", "cid:"]
                .iter()
                .any(|scheme| inner.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
            let close = if inside.starts_with('<') { '>' } else { ']' };
            match inner.find(close).filter(|_| is_link) {
                Some(end) => rest = inner.get(end + 1..).unwrap_or_default(),
                None => {
                    kept.push(' ');
                    rest = inner;
                }
            }
        }
        kept.push_str(rest);
        Words::of(&kept)
    }

    /// How many.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// Every run of so many words.
    pub(super) fn runs(&self, length: usize) -> impl Iterator<Item = String> {
        self.0.windows(length).map(|run| run.join(" "))
    }

    /// The words themselves.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// A text in which runs of words are looked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Stream(String);

impl Stream {
    /// The words of these texts; a run never goes from one text to the next.
    pub(super) fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Stream {
        let mut stream = String::new();
        for text in texts {
            stream.push_str(" \n ");
            let words = Words::without_links(text);
            words.iter().for_each(|word| {
                stream.push_str(word);
                stream.push(' ');
            });
        }
        Stream(stream)
    }

    /// Whether these words stand there one after the other.
    pub(super) fn holds<'a>(&self, words: impl IntoIterator<Item = &'a str>) -> bool {
        let run: String = words.into_iter().flat_map(|word| [" ", word]).collect();
        !run.is_empty() && self.0.contains(&(run + " "))
    }
}

fn is_unseen(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        assert_eq!(Words::without_links(text).iter().collect::<Vec<_>>(), expected, "{text:?}");
    }

    #[test]
    fn words() {
        check(
            "> > Zegar reakcji:\n> do pn. 23.11.2026 09:40!",
            &["zegar", "reakcji", "do", "pn", "23.11.2026", "09:40"],
        );
        check("„Anna” <anna@hezo.example>", &["anna", "anna@hezo.example"]);
        check("seryjny:B8 – HEZO/QSP/2025", &["seryjny", "b8", "hezo/qsp/2025"]);
        check("Przyjmij <mailto:pomoc+x@y.example?subject=a> [cid:a.png] [tak]", &["przyjmij", "tak"]);
        check("<otwarty [i nic", &["otwarty", "i", "nic"]);
        check("za\u{AD}mek a\u{200B}b", &["zamek", "ab"]);
        check(" - : . ", &[]);
    }

    #[test]
    fn streams() {
        let stream = Stream::of(["Nie oddaje\ntaśmy. Proszę", "o log"]);
        assert!(stream.holds(["oddaje", "tasmy"]));
        assert!(!stream.holds(["prosze", "o"]) && !stream.holds(["odd"]) && !stream.holds([]));
    }
}
