//! Which label a value belongs to: the one, of any kind, that a reader would tie it to.

use super::rules::{Kind, Label, NumberRules};
use super::scan::{Scan, What};
use super::table;

mod after;
mod before;
mod gap;
mod list;
mod plausible;
mod several;
mod words;

use gap::Gap;

/// Words that may stand between a label and its value: "numer seryjny tej biblioteki to B824100317".
const NEAR_WORDS: usize = 4;

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
    for column in table::columns(scan) {
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

    fn gap(&self, left: usize, right: usize) -> Gap {
        Gap::of(self.scan, left, right)
    }
}
