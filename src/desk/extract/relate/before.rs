//! Values that stand before their label: "B824100317 (S/N)", "B824100317 to numer seryjny".

use super::{Candidate, Closeness, Fit, Relation};
use crate::desk::extract::rules::Kind;
use crate::desk::extract::scan::What;

/// Words behind a label within its bracket: "8604412 (numer seryjny naszej macierzy)".
const BRACKET_WORDS: usize = 4;

impl Relation<'_, '_> {
    /// "B824100317 (S/N)", "B824100317 to numer seryjny", "B824100317 - numer seryjny", "B824100317 SN".
    pub(super) fn value_before(&self, at: usize, kind: Kind) -> Option<Candidate> {
        let mut value = at.checked_sub(1)?;
        let mut linked = false;
        while let What::Word = self.scan.items.get(value)?.what {
            if at - value > 2 {
                return None;
            }
            linked |= self.is_word(value, &self.rules.between.links);
            let before = self.gap(value.checked_sub(1)?, value);
            if before.breaks > 0 || before.sentence_ends || before.crosses {
                return None;
            }
            value -= 1;
        }
        let candidate = self.scan.value(value)?;
        if self.is_tied(value) || self.gap(value, value + 1).crosses {
            return None;
        }
        let before = self.scan.between(value, value + 1);
        let after = self.scan.between(at, at + 1).trim_start_matches('.');
        // A label with its own value beside it, as in "1013006120 to model Q48", speaks of that one.
        let own = self.scan.value(at + 1).is_some() && after.bytes().all(|byte| matches!(byte, b' ' | b':' | b'='));
        let direct = value + 1 == at;
        let bare = before.trim_matches([' ', '"', '\'']);
        let ends = after.trim_start_matches(' ').is_empty()
            || after.trim_start_matches(' ').starts_with(['\n', ',', ';', '.', ')']);
        let begins = value.checked_sub(1).is_none_or(|first| {
            let between = self.scan.between(first, value);
            between.contains(['\n', ',', ';', '*', '|', '\t'])
        });
        let in_brackets = direct && bare == "(" && self.bracket_closes(at);
        let fit = if in_brackets || linked && !own && before.trim().trim_matches(['(', '-', ',']).is_empty() {
            Fit::Told
        } else if value + 2 >= at && !own && matches!(before, " - " | " = ") {
            Fit::Dashed
        } else if direct && before.bytes().all(|byte| byte == b' ') && begins && ends {
            Fit::Leading
        } else {
            return None;
        };
        let plausible = self.is_plausible(at, candidate, kind, Closeness::Beside);
        plausible.then_some(Candidate { value, fit, closeness: Closeness::Beside })
    }

    /// Whether the bracket around a label closes behind it or a few words: "8604412 (numer seryjny macierzy)".
    fn bracket_closes(&self, label: usize) -> bool {
        let in_bracket = |at: &usize| {
            *at == label || matches!(self.scan.items.get(*at), Some(item) if matches!(item.what, What::Word))
        };
        let mut items = (label..=label + BRACKET_WORDS).take_while(in_bracket);
        items.any(|at| self.scan.between(at, at + 1).trim_start_matches('.').starts_with(')'))
    }
}
