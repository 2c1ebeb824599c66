//! Labels: short phrases with inflections, and the typing mistakes that are forgiven in them.
//!
//! A phrase is words parted by a blank, a `/` or a `.`; a word is alternatives parted by `|`, each with a
//! `*` where any ending of up to five letters may follow; `%` is any word but the small ones ("to", "z"). In
//! the text a blank stands for blanks, dots, dashes and the like, or one line break; `/` and `.` for themselves.

use std::collections::HashMap;

use super::fold::Folded;

/// Letters of an ending that `*` accepts: `kontrakt` + `owego`.
const ENDING_MAX: usize = 5;

/// Letters from which on a word is long enough that one typing mistake leaves it recognisable.
const TYPO_MIN: usize = 5;

/// A run of letters and digits in the folded text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) start: usize,
    pub(super) end: usize,
}

/// All words of a text.
pub(super) fn words(folded: &Folded) -> Vec<Word> {
    let mut words = Vec::new();
    let mut start = None;
    for (at, byte) in folded.text.bytes().enumerate() {
        match (byte.is_ascii_alphanumeric(), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                words.push(Word { start: from, end: at });
                start = None;
            }
            _ => {}
        }
    }
    words.extend(start.map(|from| Word { start: from, end: folded.text.len() }));
    words
}

/// A phrase found in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    /// What was given to [`Phrases::add`].
    pub(super) owner: usize,
    /// The words covered, counted from the one that was asked for.
    pub(super) words: usize,
}

/// All phrases, found by the first letter of their first word.
#[derive(Clone, Debug, Default)]
pub(super) struct Phrases {
    by_letter: HashMap<u8, Vec<(usize, usize)>>,
    phrases: Vec<Phrase>,
    /// Words that exist, one mistake away from a word of a label: `kontakt` is no `kontrakt`.
    real_words: Vec<String>,
    /// Words that `%` does not stand for.
    small_words: Vec<String>,
}

#[derive(Clone, Debug)]
struct Phrase {
    owner: usize,
    words: Vec<(Glue, Vec<Alternative>)>,
}

/// What may stand before a word of a phrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Glue {
    Soft,
    Exactly(u8),
}

#[derive(Clone, Debug)]
enum Alternative {
    Any,
    Word { stem: String, open: bool },
}

impl Phrases {
    /// No phrases yet.
    pub(super) fn new(real_words: Vec<String>, small_words: Vec<String>) -> Phrases {
        Phrases { real_words, small_words, ..Phrases::default() }
    }

    /// Adds a phrase that, where found, is reported as `owner`.
    ///
    /// # Errors
    /// Says what is wrong with the phrase.
    pub(super) fn add(&mut self, owner: usize, phrase: &str) -> Result<(), String> {
        let mut words = Vec::new();
        let mut glue = Glue::Soft;
        for piece in phrase.split_inclusive([' ', '/', '.']) {
            let word = piece.trim_end_matches([' ', '/', '.']);
            words.push((glue, alternatives(word).map_err(|why| format!("the phrase `{phrase}` {why}"))?));
            glue = match piece.as_bytes().last() {
                Some(&mark @ (b'/' | b'.')) => Glue::Exactly(mark),
                _ => Glue::Soft,
            };
        }
        if words.is_empty() {
            return Err("an empty phrase would be found everywhere".to_string());
        }
        let at = self.phrases.len();
        for (alternative_at, alternative) in words.first().map_or(&[][..], |(_, first)| first).iter().enumerate() {
            match alternative {
                Alternative::Word { stem, .. } => {
                    let letter = stem.bytes().next().unwrap_or_default();
                    self.by_letter.entry(letter).or_default().push((at, alternative_at));
                }
                Alternative::Any => return Err(format!("the phrase `{phrase}` may not begin with %")),
            }
        }
        self.phrases.push(Phrase { owner, words });
        Ok(())
    }

    /// The longest phrase that begins with the word `at`; of equally long ones the first added.
    pub(super) fn find(&self, folded: &Folded, words: &[Word], at: usize) -> Option<Hit> {
        let first = words.get(at)?;
        let text = folded.slice(first.start, first.end);
        let mut best: Option<Hit> = None;
        for (phrase_at, alternative_at) in self.by_letter.get(&text.bytes().next()?)? {
            let Some(phrase) = self.phrases.get(*phrase_at) else { continue };
            let length = phrase.words.len();
            if best.is_some_and(|best| best.words >= length) {
                continue;
            }
            let begins = phrase.words.first().and_then(|(_, first)| first.get(*alternative_at));
            if begins.is_some_and(|alternative| self.fits(alternative, text)) && self.goes_on(phrase, folded, words, at)
            {
                best = Some(Hit { owner: phrase.owner, words: length });
            }
        }
        best
    }

    fn goes_on(&self, phrase: &Phrase, folded: &Folded, words: &[Word], at: usize) -> bool {
        let all = phrase.words.iter().enumerate().skip(1).all(|(offset, (glue, alternatives))| {
            let (Some(before), Some(word)) = (words.get(at + offset - 1), words.get(at + offset)) else { return false };
            let text = folded.slice(word.start, word.end);
            glue.fits(folded.slice(before.end, word.start)) && alternatives.iter().any(|one| self.fits(one, text))
        });
        // In "nr HEZO/QSP/2024/00219" the HEZO is the number's beginning, not the label's end.
        let ends_softly = phrase.words.len() > 1 && phrase.words.last().is_some_and(|(glue, _)| *glue == Glue::Soft);
        let end = words.get(at + phrase.words.len() - 1).map_or(0, |word| word.end);
        let glued =
            matches!(folded.slice(end, end + 2).as_bytes(), [b'-' | b'/', next] if next.is_ascii_alphanumeric());
        all && !(ends_softly && glued)
    }

    fn fits(&self, alternative: &Alternative, word: &str) -> bool {
        let Alternative::Word { stem, open } = alternative else {
            return word.bytes().all(|byte| byte.is_ascii_alphabetic())
                && !self.small_words.iter().any(|small| small == word);
        };
        if let Some(ending) = word.strip_prefix(stem.as_str()) {
            return ending.is_empty() || *open && is_ending(ending);
        }
        let mistyped = stem.len() >= TYPO_MIN
            && word.bytes().next() == stem.bytes().next()
            && !self.real_words.iter().any(|real| word.starts_with(real.as_str()));
        mistyped
            && (stem.len() - 1..=stem.len() + 1).any(|length| match (word.get(..length), word.get(length..)) {
                (Some(begin), Some(ending)) => {
                    (ending.is_empty() || *open && is_ending(ending)) && one_mistake(stem.as_bytes(), begin.as_bytes())
                }
                _ => false,
            })
    }
}

fn alternatives(word: &str) -> Result<Vec<Alternative>, String> {
    let read = |one: &str| match (one, one.strip_suffix('*')) {
        ("%", _) => Ok(Alternative::Any),
        (_, stem) => {
            let (stem, open) = stem.map_or((one, false), |stem| (stem, true));
            let plain = !stem.is_empty()
                && stem.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
                && !(open && stem.len() < 2);
            let why = "has a word that is not small letters without diacritics, or digits";
            plain.then(|| Alternative::Word { stem: stem.to_string(), open }).ok_or(why.to_string())
        }
    };
    word.split('|').map(read).collect()
}

fn is_ending(ending: &str) -> bool {
    ending.len() <= ENDING_MAX && ending.bytes().all(|byte| byte.is_ascii_lowercase())
}

/// True where one letter was left out, doubled, changed, or swapped with its neighbour.
fn one_mistake(right: &[u8], typed: &[u8]) -> bool {
    let same = right.iter().zip(typed).take_while(|(a, b)| a == b).count();
    let (right, typed) = (right.get(same..).unwrap_or_default(), typed.get(same..).unwrap_or_default());
    match (right, typed) {
        ([_, rest @ ..], typed) if rest == typed => true,
        (right, [_, rest @ ..]) if rest == right => true,
        ([_, right @ ..], [_, typed @ ..]) if right == typed => true,
        ([a, b, right @ ..], [c, d, typed @ ..]) => a == d && b == c && right == typed,
        _ => false,
    }
}

impl Glue {
    fn fits(self, between: &str) -> bool {
        match self {
            Glue::Exactly(mark) => {
                let mut rest = between.bytes().filter(|byte| *byte != b' ');
                rest.next() == Some(mark) && rest.next().is_none()
            }
            // At most one line break, and nothing that ends a sentence or a cell.
            Glue::Soft => {
                between.len() <= 6
                    && between.bytes().filter(|byte| *byte == b'\n').count() <= 1
                    && between
                        .bytes()
                        .all(|byte| matches!(byte, b' ' | b'\n' | b'.' | b'-' | b':' | b'#' | b'*' | b'"'))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(phrase: &str, text: &str, found: bool) {
        let mut phrases = Phrases::new(vec!["kontakt".to_string(), "contact".to_string()], vec!["to".to_string()]);
        phrases.add(0, phrase).expect("a good phrase");
        let folded = Folded::new(text);
        let words = words(&folded);
        let hit = (0..words.len()).any(|at| phrases.find(&folded, &words, at).is_some());
        assert_eq!(hit, found, "{phrase}: {text}");
    }

    #[test]
    fn inflections_glue_and_mistakes() {
        let phrase = "numer*|nr seryjn*";
        for text in
            ["Numeru seryjnego", "nr. seryjny", "NR_SERYJNY", "numer\n> seryjny", "numer serynjy", "nmuer seryny"]
        {
            check(phrase, text, true);
        }
        for text in ["numer; seryjny", "numer\n\nseryjny", "numer tej serii", "nrseryjny", "numer seria"] {
            check(phrase, text, false);
        }
        check("s/n", "S / N 12", true);
        check("s/n", "s n 12", false);
        check("s.n", "S.N. 12", true);
        check("kontrakt*", "kontraktowego", true);
        check("kontrakt*", "kontrkat", true);
        check("kontrakt*", "kontaktowy", false);
        check("contract", "contact", false);
        check("umowa", "mowa", false);
        check("nr %", "nr klienta", true);
        check("nr %", "nr 12", false);
        check("nr %", "nr to", false);
        check("nr hezo", "nr HEZO 12345", true);
        check("nr hezo", "nr HEZO/12345", false);
    }

    #[test]
    fn a_bad_phrase_is_refused() {
        for phrase in ["", "% nr", "numer Seryjny", "nr  seryjny", "n*", "sérial"] {
            assert!(Phrases::default().add(0, phrase).is_err(), "{phrase}");
        }
    }
}
