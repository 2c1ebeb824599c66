//! Words in a row, with alternatives at each.

use crate::desk::fold::fold;
use crate::desk::rules::RuleFault;

/// A phrase of `routing.toml`: at each place the words that may stand there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Phrase(Vec<Vec<String>>);

impl Phrase {
    /// Reads a phrase.
    ///
    /// # Errors
    /// It is empty, or not in small letters without diacritics, as mail is matched.
    pub(super) fn read(text: &str, refuse: impl Fn(String) -> RuleFault) -> Result<Phrase, RuleFault> {
        let places = text.split_whitespace().map(|place| place.split('|').map(str::to_string).collect());
        let places: Vec<Vec<String>> = places.collect();
        let good = |word: &String| !word.is_empty() && fold(word) == *word;
        if places.is_empty() || !places.iter().flatten().all(good) {
            return Err(refuse(format!("`{text}`: write words in small letters and without diacritics")));
        }
        Ok(Phrase(places))
    }

    /// Whether it stands among these words.
    pub(super) fn is_in(&self, words: &[String]) -> bool {
        words.windows(self.0.len()).any(|run| run.iter().zip(&self.0).all(|(word, place)| place.contains(word)))
    }
}

/// The folded words of texts.
pub(super) fn words<'t>(texts: impl IntoIterator<Item = &'t str>) -> Vec<String> {
    let folded = texts.into_iter().map(fold);
    let words = folded.flat_map(|text| {
        let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.map(str::to_string).collect::<Vec<_>>()
    });
    words.collect()
}
