//! Further values of the same label: "Numery seryjne: 1821P-00467, 1821P-00471 oraz 1821P-00482".

use super::{Closeness, How, Relation};
use crate::desk::extract::rules::Kind;
use crate::desk::extract::scan::{Value, What};

/// Words that may stand between the values of one label: "1821P-00467 (magazyn), 1821P-00471".
const LIST_WORDS: usize = 5;

/// Words that may stand before a value in a line of its own: "- magazyn: 1821P-00471".
const LINE_WORDS: usize = 2;

impl Relation<'_, '_> {
    /// Ties the further values of a label: those that look like the first.
    pub(super) fn list_after(&mut self, label: usize, kind: Kind, first: usize) {
        let plural = self.rule(label).is_some_and(|rule| rule.plural);
        let (mut at, mut words, mut line_words, mut joined) = (first, 0, 0, false);
        loop {
            let gap = self.gap(at, at + 1);
            at += 1;
            let Some(item) = self.scan.items.get(at) else { return };
            if gap.crosses || gap.breaks > 1 && !plural || gap.sentence_ends && gap.breaks != 1 {
                return;
            }
            if gap.breaks > 0 {
                line_words = 0;
            }
            match &item.what {
                What::Label(_) => return,
                What::Word if self.is_absent(at) => return,
                What::Word => {
                    joined |= self.is_word(at, &self.rules.between.joins);
                    words += 1;
                    line_words += 1;
                }
                What::Value(value) => {
                    // A telephone number goes on after a blank; a further serial needs its comma.
                    let first = self.scan.value(first);
                    let digits = value.letters == 0 && first.is_some_and(|first| first.letters == 0);
                    let run = words == 0 && gap.breaks == 0 && is_run(self.scan.between(at - 1, at));
                    let goes_on = kind == Kind::Decoy && digits && run;
                    let like = first.is_some_and(|first| is_like(first, value, joined || plural, plural && words <= 1));
                    let near = words == 0 || line_words <= LINE_WORDS || plural && like;
                    if (goes_on || like && near)
                        && !self.is_tied(at)
                        && self.is_plausible(label, value, kind, Closeness::Beside)
                    {
                        self.tie(label, at, How::List, Closeness::Beside);
                        (words, line_words, joined) = (0, 0, false);
                    } else {
                        words += 1;
                    }
                }
            }
            if words > LIST_WORDS {
                return;
            }
        }
    }
}

/// True for the marks inside a number written in groups.
fn is_run(between: &str) -> bool {
    between.len() <= 3 && between.bytes().all(|byte| matches!(byte, b' ' | b'-' | b'/' | b'(' | b')' | b'.'))
}

/// True where a second value of a list looks like the first. Between bare digits that is not much,
/// so there the list must be told by a plural or an "and", or the numbers begin alike. `sure`: a plural
/// with nothing between, where the numbers of a kind may differ altogether.
fn is_like(first: &Value, next: &Value, told: bool, sure: bool) -> bool {
    // What looks like a telephone number is no further serial number.
    if next.span.is_some() && first.span.is_none() && next.on_file.is_none() {
        return false;
    }
    let both_on_file = match (&first.on_file, &next.on_file) {
        (Some(first), Some(next)) => first.kind == next.kind,
        _ => false,
    };
    let same_shape = match (first.serial_shape.or(first.contract_shape), next.serial_shape.or(next.contract_shape)) {
        (Some(first), Some(next)) => first.id == next.id,
        _ => false,
    };
    let same_length = first.normal.len() == next.normal.len();
    let same_begin = first.normal.chars().zip(next.normal.chars()).take(3).filter(|(a, b)| a == b).count() == 3;
    let mixed = first.letters > 0 && next.letters > 0;
    let long = next.digits >= 5;
    both_on_file
        || same_shape
        || same_length && same_begin
        || mixed && pattern(first) == pattern(next)
        || told && (same_length || mixed && next.digits >= 3 && first.normal.len().abs_diff(next.normal.len()) <= 2)
        || told && first.letters == 0 && next.letters == 0 && long
        || sure && long
}

/// The value with a sign for each letter and digit.
fn pattern(value: &Value) -> String {
    let class = |c: char| match c {
        c if c.is_ascii_digit() => '9',
        c if c.is_alphabetic() => 'A',
        c => c,
    };
    value.normal.chars().map(class).collect()
}
