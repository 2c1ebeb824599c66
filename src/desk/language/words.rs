//! Words, letters and endings that belong to one language and not to its neighbours.
//!
//! The words stand without diacritics, sorted. What is a word in Polish and in English (`do`,
//! `to`, `on`, `no`, `my`, `was`, `nas`, `problem`, `serial`) stands in neither list.

mod english;
mod neighbours;
mod polish;

use self::english::{ENGLISH, TERMS, has_english_shape};
use self::neighbours::OTHER;
use self::polish::{POLISH, WEAK, has_polish_shape, is_polish_letter};
use super::{Evidence, folded};

/// What a word of a list counts.
const KNOWN: u32 = 4;
/// What a Polish word counts: Polish mails are full of English terms, English ones hold Polish
/// names at most.
const KNOWN_POLISH: u32 = 8;
/// What a word counts that Polish shares with Czech and Slovak, or with which writers of English
/// greet us.
const WEAK_POLISH: u32 = 2;
/// What an English term counts that engineers use in any language.
const TERM: u32 = 2;
/// What a letter counts that only one of the languages has.
const LETTER: u32 = 3;
/// What an ending or a pair of letters counts.
const SHAPE: u32 = 1;

/// Evidence that one word gives.
pub(super) fn evidence(word: &str) -> Evidence {
    let mut found = Evidence::default();
    if word.is_empty() {
        return found;
    }
    let folded = folded(word);
    let known = |list: &[&str]| list.contains(&folded.as_str());
    if known(POLISH) {
        found.polish += KNOWN_POLISH;
    } else if known(WEAK) {
        found.polish += WEAK_POLISH;
    }
    // `IT` is a department.
    if known(ENGLISH) && word != "IT" {
        found.english += KNOWN;
    } else if known(TERMS) {
        found.english += TERM;
    }
    if known(OTHER) {
        found.other += KNOWN;
    }
    if word.chars().any(is_polish_letter) {
        found.polish += if known(WEAK) { SHAPE } else { LETTER };
    } else if word.chars().any(is_foreign_letter) {
        found.other += LETTER;
    }
    if found == Evidence::default() && folded.len() >= 4 {
        if has_polish_shape(&folded) {
            found.polish += SHAPE;
        } else if has_english_shape(&folded) {
            found.english += SHAPE;
        }
    }
    found
}

/// Letters that neither Polish nor English has.
fn is_foreign_letter(c: char) -> bool {
    c.is_alphabetic() && !c.is_ascii() && !is_polish_letter(c) && !matches!(c, 'ó' | 'Ó')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_stands_in_two_lists() {
        for word in POLISH.iter().chain(WEAK) {
            assert!(!ENGLISH.contains(word), "{word} is English too");
        }
        for word in OTHER {
            assert!(!ENGLISH.contains(word), "{word} is English too");
        }
    }
}
