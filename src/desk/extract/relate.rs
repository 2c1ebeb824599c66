//! Which label a value belongs to: the one, of any kind, that a reader would tie it to.

use super::rules::{Kind, Label, NumberRules};
use super::scan::{Scan, What};
use super::table;

mod gap;
mod list;
mod plausible;

use gap::Gap;

/// Words that may stand between a label and its value: "numer seryjny tej biblioteki to B824100317".
const NEAR_WORDS: usize = 4;

/// The same for a label of something else, which claims less.
const NEAR_DECOY_WORDS: usize = 2;

/// The same where a colon or "to" stands right before the value.
const LINKED_WORDS: usize = 10;

/// Words that may stand between a weak label and the "nr" before its number: "umowę mamy nr C0488574".
const NUMBERED_WORDS: usize = 3;

/// What a line break counts for in the middle of a text.
const LINE_BREAK_WORDS: usize = 2;

/// Words before a label among which one says that its number is not known.
const UNKNOWN_WORDS: usize = 3;

/// Items within which a bracket closes that has nothing to do with the number.
const BRACKET_ITEMS: usize = 10;

/// A value's label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tie {
    /// The label's item.
    pub(super) label: usize,
    pub(super) how: How,
    pub(super) closeness: Closeness,
}

/// Where the value stands to its label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    After,
    Before,
    Column,
    List,
}

/// How near the value stands to the label, and so how much the label says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closeness {
    /// Nothing but punctuation between them, or a word that says so.
    Beside,
    /// Words between them: the value must look the part.
    Apart,
}

/// How well a place fits a label's value; the greater the better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// Words stand between.
    Apart,
    /// In the next line, or behind a comma.
    Behind,
    /// "8604019 SN" at the end of a line or clause.
    Leading,
    /// "B824100317 - numer seryjny".
    Dashed,
    /// "S/N: B824100317".
    Beside,
    /// "B824100317 (S/N)", "B824100317 to numer seryjny".
    Told,
}

/// For each item the tie of the value there.
pub(super) fn ties(scan: &Scan, rules: &NumberRules) -> Vec<Option<Tie>> {
    let mut relation =
        Relation { scan, rules, ties: vec![None; scan.items.len()], used: vec![false; scan.items.len()] };
    for column in table::columns(scan).into_iter().chain(table::stacks(scan)) {
        let (kind, value) = (relation.kind(column.label), scan.value(column.value));
        let plausible = |(kind, value)| relation.is_plausible(column.label, value, kind, Closeness::Beside);
        if kind.zip(value).is_some_and(plausible) {
            relation.tie(column.label, column.value, How::Column, Closeness::Beside);
        }
    }
    let mut at = 0;
    while at < scan.items.len() {
        at = relation.label(at).max(at + 1);
    }
    relation.ties
}

struct Relation<'s, 'a> {
    scan: &'s Scan<'a>,
    rules: &'a NumberRules,
    ties: Vec<Option<Tie>>,
    /// Labels that have their value.
    used: Vec<bool>,
}

/// A value that a label may have.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    value: usize,
    fit: Fit,
    closeness: Closeness,
}

impl Relation<'_, '_> {
    fn tie(&mut self, label: usize, value: usize, how: How, closeness: Closeness) {
        if let (Some(tie), Some(used)) = (self.ties.get_mut(value), self.used.get_mut(label)) {
            *tie = tie.or(Some(Tie { label, how, closeness }));
            *used = true;
        }
    }

    fn rule(&self, item: usize) -> Option<&Label> {
        match self.scan.items.get(item)?.what {
            What::Label(label) => self.rules.labels.get(label),
            _ => None,
        }
    }

    fn kind(&self, item: usize) -> Option<Kind> {
        self.rule(item).map(|rule| rule.kind)
    }

    fn is_tied(&self, item: usize) -> bool {
        self.ties.get(item).is_some_and(Option::is_some)
    }

    /// Ties what belongs to the label at this item; returns the item to go on with.
    fn label(&mut self, at: usize) -> usize {
        let Some(kind) = self.kind(at) else { return at };
        if self.used.get(at).is_none_or(|used| *used) {
            return at;
        }
        if kind != Kind::Decoy && self.is_unknown(at) {
            return at;
        }
        let before = self.value_before(at, kind);
        // "S/N i nr umowy: B824100317, UM/118/2024": labels first, then as many values.
        let mut labels = vec![at];
        if before.is_none_or(|before| before.fit < Fit::Told) {
            while let Some(next) = self.joined_label(labels.last().copied().unwrap_or(at)) {
                labels.push(next);
            }
        }
        let last = labels.last().copied().unwrap_or(at);
        if labels.len() > 1 && self.values_of_several(&labels, before.is_some()) {
            return last + 1;
        }
        let after = self.value_after(at, kind);
        match (before, after) {
            (Some(before), after) if after.is_none_or(|after| before.fit > after.fit) => {
                self.tie(at, before.value, How::Before, before.closeness);
            }
            (_, Some(after)) => {
                self.tie(at, after.value, How::After, after.closeness);
                self.list_after(at, kind, after.value);
            }
            _ => {}
        }
        at + 1
    }

    /// "B824100317 (S/N)", "B824100317 to numer seryjny", "B824100317 - numer seryjny", "B824100317 SN".
    fn value_before(&self, at: usize, kind: Kind) -> Option<Candidate> {
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
        let fit = if direct && bare == "(" && after.starts_with(')') {
            Fit::Told
        } else if linked && !own && before.trim().trim_matches(['(', '-', ',']).is_empty() {
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

    /// The label that "i" or a comma or slash joins to this one, where it is of another kind.
    fn joined_label(&self, at: usize) -> Option<usize> {
        let mut next = at + 1;
        if self.is_word(next, &self.rules.between.joins) {
            next += 1;
        }
        let kind = self.kind(next)?;
        let between = (at..next).all(|item| {
            let between = self.scan.between(item, item + 1);
            between.len() <= 4 && !between.contains('\n') && !between.contains(':') && !between.contains('.')
        });
        let is_other = Some(kind) != self.kind(at);
        // "P/N / S/N: 801084-00-02 / SM240118Q-40001", but not "tel. i S/N".
        let decoy = kind == Kind::Decoy || self.kind(at) == Some(Kind::Decoy);
        let paired = !decoy || self.scan.between(at, next).trim() == "/" && next == at + 1;
        (between && is_other && paired && self.used.get(next) == Some(&false)).then_some(next)
    }

    /// Ties the values of labels that stand together; false where there is none. With one value before
    /// the first label, "C2227546 - numer umowy, seryjny: 3129Q-92947", each label has its own.
    fn values_of_several(&mut self, labels: &[usize], one_before: bool) -> bool {
        let Some(last) = labels.last().copied() else { return false };
        let mut at = last;
        let mut values = Vec::new();
        let mut words = 0;
        while values.len() < labels.len() && words <= NEAR_WORDS {
            at += 1;
            let gap = self.gap(at - 1, at);
            if gap.breaks > 1 && at > last + 1 || gap.crosses {
                break;
            }
            let decoy = labels.get(values.len()).is_some_and(|label| self.kind(*label) == Some(Kind::Decoy));
            match self.scan.items.get(at).map(|item| &item.what) {
                Some(What::Value(value)) if decoy || value.span.is_none_or(|span| !span.firm) => {
                    values.push(at);
                    words = 0;
                }
                Some(What::Word | What::Value(_)) if !self.is_absent(at) => words += 1,
                _ => break,
            }
        }
        let plausible = |label: usize, value: usize, closeness: Closeness| {
            let (kind, value) = (self.kind(label), self.scan.value(value));
            kind.zip(value).is_some_and(|(kind, value)| self.is_plausible(label, value, kind, closeness))
        };
        let told = labels.iter().all(|label| self.kind(*label) != Some(Kind::Decoy)) || self.gap(last, last + 1).linked;
        if told
            && values.len() == labels.len()
            && labels.iter().zip(&values).all(|(label, value)| plausible(*label, *value, Closeness::Beside))
        {
            for (label, value) in labels.iter().zip(values) {
                self.tie(*label, value, How::After, Closeness::Beside);
            }
            return true;
        }
        // One value for two labels: the one that it can be.
        let [only] = values.as_slice() else { return false };
        if one_before || labels.iter().any(|label| self.kind(*label) == Some(Kind::Decoy)) {
            return false;
        }
        let fitting = labels.iter().copied().find(|label| plausible(*label, *only, Closeness::Apart));
        fitting.into_iter().for_each(|label| self.tie(label, *only, How::After, Closeness::Apart));
        fitting.is_some()
    }

    fn value_after(&self, label: usize, kind: Kind) -> Option<Candidate> {
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
                if gap.sentence_ends && self.scan.text(label).rsplit(' ').next().is_some_and(|word| word.len() > 4) {
                    if rule.weak {
                        return None;
                    }
                    words = 1;
                }
            } else if gap.sentence_ends || gap.breaks > 1 {
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
    fn may_cross(&self, label: usize, value: usize) -> bool {
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
    fn bracket_without_number(&self, at: usize) -> Option<usize> {
        let closes = |item: &usize| self.scan.between(*item, item + 1).contains(')');
        let last = (at..at + BRACKET_ITEMS).find(closes)?;
        let what = |item: usize| self.scan.items.get(item).map(|item| &item.what);
        let is_other = (at..=last).any(|item| matches!(what(item), Some(What::Label(_))));
        let is_words = (at..=last).all(|item| matches!(what(item), Some(What::Word)));
        let absent = (at..=last).any(|item| self.is_absent(item));
        let in_line = (at..=last).skip(1).all(|item| self.gap(item - 1, item).breaks == 0);
        (in_line && !absent && (is_other || is_words) && !self.gap(last, last + 1).sentence_ends).then_some(last)
    }

    /// The item behind a label of something else and its value, where that stands inside the phrase:
    /// "numer seryjny modelu XLS-810200 to B824100317", "o numer seryjny dzwonić pod 225554433, to 8605183".
    fn past_other(&self, other: usize, kind: Kind) -> Option<usize> {
        let other_kind = self.kind(other)?;
        if other_kind != Kind::Decoy || kind == Kind::Decoy {
            return None;
        }
        let value = self.value_after(other, other_kind)?.value;
        let in_line = (other..=value).all(|at| self.gap(at, at + 1).breaks == 0);
        in_line.then_some(value + 1)
    }

    /// "numer seryjny to nie 8604035, tylko 8604043": the value behind "tylko".
    fn instead(&self, not: usize, label: usize, kind: Kind) -> Option<usize> {
        self.scan.value(not + 1)?;
        let word = (not + 2..not + 5).find(|at| self.is_word(*at, &self.rules.between.instead))?;
        let value = self.scan.value(word + 1)?;
        let near = (not..=word).all(|at| self.gap(at, at + 1).breaks == 0);
        (near && self.is_plausible(label, value, kind, Closeness::Beside)).then_some(word + 1)
    }

    fn gap(&self, left: usize, right: usize) -> Gap {
        Gap::of(self.scan, left, right)
    }

    fn is_word(&self, item: usize, list: &[String]) -> bool {
        let is_word = matches!(self.scan.items.get(item).map(|item| &item.what), Some(What::Word));
        is_word && list.iter().any(|word| word == self.scan.text(item))
    }

    /// True for the "nr" that goes on with the label, as in "umowa z dnia 12.05.2026, nr UM/840/2026" or
    /// "umowa o numerze UM/840/2026", and not with another word: "umowa, postępowanie nr 4/2026".
    fn is_number_word(&self, at: usize, label: usize) -> bool {
        let leads = || self.is_word(at - 1, &self.rules.between.number_leads) || self.scan.value(at - 1).is_some();
        self.is_word(at, &self.rules.between.number_words) && (at == label + 1 || self.gap(at - 1, at).comma || leads())
    }

    /// "Nie mam numeru seryjnego", "gdzie jest numer seryjny?": no number of it comes.
    fn is_unknown(&self, label: usize) -> bool {
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

    fn is_absent(&self, item: usize) -> bool {
        let text = self.scan.text(item);
        self.rules.between.absent.iter().any(|begin| match begin.strip_suffix('*') {
            Some(begin) => text.starts_with(begin),
            None => text == begin,
        })
    }
}
