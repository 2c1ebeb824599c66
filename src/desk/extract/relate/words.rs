//! The small words around labels and values.

use super::Relation;
use crate::desk::extract::scan::What;

/// Words before a label among which one says that its number is not known.
const UNKNOWN_WORDS: usize = 3;

impl Relation<'_, '_> {
    pub(super) fn is_word(&self, item: usize, list: &[String]) -> bool {
        let is_word = matches!(self.scan.items.get(item).map(|item| &item.what), Some(What::Word));
        is_word && list.iter().any(|word| word == self.scan.text(item))
    }

    /// True for the "nr" that goes on with the label, as in "umowa z dnia 12.05.2026, nr UM/840/2026" or
    /// "umowa o numerze UM/840/2026", and not with another word: "umowa, postępowanie nr 4/2026".
    pub(super) fn is_number_word(&self, at: usize, label: usize) -> bool {
        let leads = || self.is_word(at - 1, &self.rules.between.number_leads) || self.scan.value(at - 1).is_some();
        self.is_word(at, &self.rules.between.number_words) && (at == label + 1 || self.gap(at - 1, at).comma || leads())
    }

    /// True where a sentence goes on with the thing named before: "Mamy umowę. Jej numer to 40222186".
    pub(super) fn refers_back(&self, at: usize) -> bool {
        self.is_word(at, &self.rules.between.possessives) && self.is_word(at + 1, &self.rules.between.number_words)
    }

    /// "Nie mam numeru seryjnego", "gdzie jest numer seryjny?": no number of it comes.
    pub(super) fn is_unknown(&self, label: usize) -> bool {
        let between = &self.rules.between;
        let before = (1..=UNKNOWN_WORDS).map_while(|back| {
            let at = label.checked_sub(back)?;
            let gap = self.gap(at, at + 1);
            let near = gap.breaks == 0 && !gap.sentence_ends && !gap.comma && !gap.linked;
            near.then_some(at)
        });
        let is = |at: usize, list: &[String]| self.is_word(at, list);
        before.into_iter().any(|at| {
            let not = at.checked_sub(1).is_some_and(|not| is(not, &between.negations));
            is(at, &between.without) || not && is(at, &between.known)
        })
    }

    pub(super) fn is_absent(&self, item: usize) -> bool {
        let text = self.scan.text(item);
        self.rules.between.absent.iter().any(|begin| match begin.strip_suffix('*') {
            Some(begin) => text.starts_with(begin),
            None => text == begin,
        })
    }
}
