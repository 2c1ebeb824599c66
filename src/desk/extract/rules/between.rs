//! The small words between labels and values, and what short answers say: `between.toml`.

use serde::Deserialize;

use crate::desk::extract::fold::Folded;

/// Words of a text that does no more than point at the answers in the quoted mail.
const FILLED_IN_WORDS: usize = 60;

/// The small words between labels and values.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::desk::extract) struct Between {
    /// "to", "is": what follows is the value.
    pub(in crate::desk::extract) links: Vec<String>,
    /// "i", "and": between labels, or between values of one label.
    pub(in crate::desk::extract) joins: Vec<String>,
    /// "albo" between two numbers of which one is meant.
    pub(in crate::desk::extract) alternatives: Vec<String>,
    /// "nie" in "nie mam numeru seryjnego".
    pub(in crate::desk::extract) negations: Vec<String>,
    /// "mam" in "nie mam numeru seryjnego".
    pub(in crate::desk::extract) known: Vec<String>,
    /// "bez" in "bez numeru seryjnego".
    pub(in crate::desk::extract) without: Vec<String>,
    /// Beginnings of words that say that the value is not given: "podamy", "unknown".
    pub(in crate::desk::extract) absent: Vec<String>,
    /// "nr": what follows is the number of what was named before.
    pub(in crate::desk::extract) number_words: Vec<String>,
    /// "o" in "umowa o numerze UM/840/2026".
    pub(in crate::desk::extract) number_leads: Vec<String>,
    /// "SOS": no part of the number behind it.
    pub(in crate::desk::extract) plans: Vec<String>,
    /// "nie 8604035, tylko 8604043": the second number is meant.
    pub(in crate::desk::extract) instead: Vec<String>,
    /// "jej" in "Mamy umowę. Jej numer to 40222186".
    pub(in crate::desk::extract) possessives: Vec<String>,
    /// "Uzupełniłem" in "Uzupełniłem poniżej".
    filled_in: Vec<String>,
    /// "tak" in "Tak, zgadza się".
    agreements: Vec<String>,
    pub(super) glued: Vec<String>,
    pub(super) real_words: Vec<String>,
    pub(super) small_words: Vec<String>,
}

impl Between {
    pub(super) fn empty() -> Between {
        Between {
            links: vec![],
            joins: vec![],
            alternatives: vec![],
            absent: vec![],
            negations: vec![],
            known: vec![],
            without: vec![],
            number_words: vec![],
            number_leads: vec![],
            plans: vec![],
            instead: vec![],
            possessives: vec![],
            filled_in: vec![],
            agreements: vec![],
            glued: vec![],
            real_words: vec![],
            small_words: vec![],
        }
    }

    /// Whether a text says yes to "is it this number?", and nothing against it: "Tak, zgadza się", but not "Tak, ale
    /// numer podam jutro".
    pub(in crate::desk::extract) fn agrees(&self, text: &str) -> bool {
        let folded = Folded::new(text).text;
        let words = || folded.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        let Between { agreements, negations, without, instead, absent, .. } = self;
        let is_one = |word: &str, list: &[String]| list.iter().any(|one| one == word);
        let is_absent = |word: &str| {
            absent.iter().any(|begin| begin.strip_suffix('*').map_or(word == begin, |begin| word.starts_with(begin)))
        };
        let against =
            |word: &str| [negations, without, instead].iter().any(|list| is_one(word, list)) || is_absent(word);
        words().any(|word| is_one(word, agreements)) && !words().any(against)
    }

    /// Whether a text says that the answers stand in the quoted mail, and gives none itself: "Uzupełniłem poniżej".
    pub(in crate::desk::extract) fn says_filled_in(&self, text: &str) -> bool {
        let folded = Folded::new(text).text;
        let is_number = |word: &str| word.bytes().filter(u8::is_ascii_digit).count() >= 4;
        if folded.split_ascii_whitespace().count() > FILLED_IN_WORDS || folded.split_ascii_whitespace().any(is_number) {
            return false;
        }
        let begins = |(at, _): (usize, &str)| {
            at.checked_sub(1)
                .and_then(|before| folded.as_bytes().get(before))
                .is_none_or(|c| !c.is_ascii_alphanumeric())
        };
        self.filled_in.iter().any(|phrase| folded.match_indices(phrase.as_str()).any(begins))
    }
}
