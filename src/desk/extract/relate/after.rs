//! Values that follow their label: right behind it, in the next line, or some words further on.

use super::{Candidate, Closeness, Fit, NEAR_WORDS, Relation};
use crate::desk::extract::rules::Kind;
use crate::desk::extract::scan::What;

/// The same for a label of something else, which claims less.
const NEAR_DECOY_WORDS: usize = 2;

/// The same where a colon or "to" stands right before the value.
const LINKED_WORDS: usize = 10;

/// Words that may stand between a weak label and the "nr" before its number: "umowę mamy nr C0488574".
const NUMBERED_WORDS: usize = 3;

/// What a line break counts for in the middle of a text.
const LINE_BREAK_WORDS: usize = 2;

/// Items within which a bracket closes that has nothing to do with the number.
const BRACKET_ITEMS: usize = 10;

impl Relation<'_, '_> {
    pub(super) fn value_after(&self, label: usize, kind: Kind) -> Option<Candidate> {
        let rule = self.rule(label)?;
        let gap = self.gap(label, label + 1);
        if kind != Kind::Decoy && (self.is_unknown(label) || gap.empty && !gap.crosses) {
            return None;
        }
        let near = match (rule.weak, kind) {
            (true, Kind::Decoy) => 0,
            (true, _) => 1,
            (false, Kind::Decoy) => NEAR_DECOY_WORDS,
            (false, _) => NEAR_WORDS,
        };
        let (mut words, mut linked, mut behind, mut at) = (0, false, false, label + 1);
        let (mut in_quote, mut numbered, mut parted, mut beyond) = (false, false, false, false);
        while words <= LINKED_WORDS {
            let gap = self.gap(at - 1, at);
            let first = at == label + 1;
            if gap.crosses {
                if !self.may_cross(label, at) {
                    return None;
                }
                in_quote = true;
            } else if first {
                // "Nie znam umowy. 8602043 to ..." is not "nr ser. 8602043".
                if gap.sentence_ends
                    && !self.refers_back(at)
                    && self.scan.text(label).rsplit(' ').next().is_some_and(|word| word.len() > 4)
                {
                    if rule.weak {
                        return None;
                    }
                    words = 1;
                }
            } else if gap.breaks > 1 || gap.sentence_ends && !self.refers_back(at) {
                return None;
            } else {
                if rule.weak && gap.breaks > 0 {
                    return None;
                }
                words += gap.breaks * LINE_BREAK_WORDS;
            }
            parted |= gap.comma && !gap.crosses;
            if parted && rule.weak && kind == Kind::Decoy {
                return None;
            }
            behind |= gap.breaks > 0 || gap.comma;
            linked |= gap.linked;
            if gap.opens
                && let Some(closed) = self.bracket_without_number(at)
            {
                at = closed + 1;
                linked = false;
                continue;
            }
            match &self.scan.items.get(at)?.what {
                What::Label(_) if self.is_mere_word(at) => {
                    linked = false;
                    words += 1;
                }
                What::Label(_) => {
                    at = self.past_other(at, kind)?;
                    words += 1;
                    (linked, beyond) = (false, true);
                    continue;
                }
                What::Word if self.is_absent(at) => {
                    let value = self.instead(at, label, kind)?;
                    return Some(Candidate { value, fit: Fit::Beside, closeness: Closeness::Beside });
                }
                What::Word => {
                    linked = self.is_word(at, &self.rules.between.links);
                    numbered = self.is_number_word(at, label);
                    words += usize::from(!linked);
                }
                What::Value(value) => {
                    let fits = match words {
                        // Behind another label's number only "to" leads back to this label.
                        _ if beyond && !linked => None,
                        // A weak label reaches over a comma only where "nr" stands before the number.
                        _ if parted && rule.weak => numbered.then_some((Fit::Apart, Closeness::Apart)),
                        words if numbered && rule.weak && words <= NUMBERED_WORDS => {
                            Some((Fit::Beside, Closeness::Beside))
                        }
                        0 if behind => Some((Fit::Behind, Closeness::Beside)),
                        0 => Some((Fit::Beside, Closeness::Beside)),
                        _ if linked && !rule.weak => Some((Fit::Beside, Closeness::Beside)),
                        words if words <= near || linked => Some((Fit::Apart, Closeness::Apart)),
                        _ => None,
                    };
                    // "S.N." under a letter is a name, and the telephone number follows.
                    let doubtful = behind
                        && value.letters == 0
                        && value.span.is_some()
                        && value.on_file.is_none()
                        && kind != Kind::Decoy;
                    let plausible =
                        |closeness| !doubtful && !self.is_tied(at) && self.is_plausible(label, value, kind, closeness);
                    if let Some((fit, closeness)) = fits.filter(|(_, closeness)| plausible(*closeness)) {
                        return Some(Candidate { value: at, fit, closeness });
                    }
                    // "umowa nr ZP.272.4.2025, ul. Długa 98": the label had its number, and that is none of ours.
                    let next = self.gap(at, at + 1);
                    let spent = words == 0 && (next.comma || next.sentence_ends || next.breaks > 0);
                    if in_quote || spent && !behind {
                        return None;
                    }
                    words += 1;
                    (linked, numbered) = (false, false);
                }
            }
            at += 1;
        }
        None
    }

    /// True where a value may answer a label of another section: the question in the quote and the
    /// answer right under it, the label in the subject and the number first in the text.
    pub(super) fn may_cross(&self, label: usize, value: usize) -> bool {
        let Some(from) = self.scan.items.get(label) else { return false };
        let Some(to) = self.scan.items.get(value) else { return false };
        let page = self.scan.page;
        let next = page.section_number(to.start) == page.section_number(from.start) + 1;
        let answered =
            page.section(from.start).zip(page.section(to.start)).is_some_and(|(from, to)| from.is_answered_by(to));
        next && answered && self.scan.value(value).is_some() && self.kind(label) != Some(Kind::Decoy)
    }

    /// The last item of the bracket that opens before `at`, where it holds a label of something else,
    /// or words only: "numer seryjny (model NX2048TA9): B824100317".
    pub(super) fn bracket_without_number(&self, at: usize) -> Option<usize> {
        let closes = |item: &usize| self.scan.between(*item, item + 1).contains(')');
        let last = (at..at + BRACKET_ITEMS).find(closes)?;
        let what = |item: usize| self.scan.items.get(item).map(|item| &item.what);
        let is_other = (at..=last).any(|item| matches!(what(item), Some(What::Label(_))));
        let is_words = (at..=last).all(|item| matches!(what(item), Some(What::Word)));
        let absent = (at..=last).any(|item| self.is_absent(item));
        let in_line = (at..=last).skip(1).all(|item| self.gap(item - 1, item).breaks == 0);
        (in_line && !absent && (is_other || is_words) && !self.gap(last, last + 1).sentence_ends).then_some(last)
    }

    /// "Numer seryjny podany przez telefon: FCW2612G0Q8": a label for digits alone, before what has letters.
    fn is_mere_word(&self, at: usize) -> bool {
        let digits = self.rule(at).is_some_and(|rule| rule.digits);
        digits && self.scan.value(at + 1).is_some_and(|value| value.letters > 0)
    }

    /// The item behind a label of something else and its value, where that stands inside the phrase:
    /// "numer seryjny modelu XLS-810200 to B824100317", "o numer seryjny dzwonić pod 225554433, to 8605183".
    pub(super) fn past_other(&self, other: usize, kind: Kind) -> Option<usize> {
        let other_kind = self.kind(other)?;
        if other_kind != Kind::Decoy || kind == Kind::Decoy {
            return None;
        }
        let value = self.value_after(other, other_kind)?.value;
        let in_line = (other..=value).all(|at| self.gap(at, at + 1).breaks == 0);
        in_line.then_some(value + 1)
    }

    /// "numer seryjny to nie 8604035, tylko 8604043": the value behind "tylko".
    pub(super) fn instead(&self, not: usize, label: usize, kind: Kind) -> Option<usize> {
        self.scan.value(not + 1)?;
        let word = (not + 2..not + 5).find(|at| self.is_word(*at, &self.rules.between.instead))?;
        let value = self.scan.value(word + 1)?;
        let near = (not..=word).all(|at| self.gap(at, at + 1).breaks == 0);
        (near && self.is_plausible(label, value, kind, Closeness::Beside)).then_some(word + 1)
    }
}
