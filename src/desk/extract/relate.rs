//! Which label a value belongs to: the nearest one, of any kind, that a reader would tie it to.

use super::rules::{Kind, NumberRules};
use super::scan::{Scan, Value, What};
use super::table;

/// Words that may stand between a label and its value: "numer seryjny tej biblioteki to B824100317".
const NEAR_WORDS: usize = 4;

/// The same where a colon or "to" stands right before the value.
const LINKED_WORDS: usize = 10;

/// Words that may stand between the values of one label: "1821P-00467 (magazyn), 1821P-00471".
const LIST_WORDS: usize = 5;

/// What a line break counts for in the middle of a text.
const LINE_BREAK_WORDS: usize = 2;

/// A value's label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tie {
    /// The label's item.
    pub(super) label: usize,
    pub(super) how: How,
}

/// Where the value stands to its label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    After,
    Before,
    Column,
    List,
}

/// For each item the tie of the value there.
pub(super) fn ties(scan: &Scan, rules: &NumberRules) -> Vec<Option<Tie>> {
    let mut relation =
        Relation { scan, rules, ties: vec![None; scan.items.len()], used: vec![false; scan.items.len()] };
    for column in table::columns(scan) {
        let (kind, value) = (relation.kind(column.label), scan.value(column.value));
        if kind
            .zip(value)
            .is_some_and(|(kind, value)| relation.is_plausible(column.label, value, kind, Closeness::Beside))
        {
            relation.tie(column.label, column.value, How::Column);
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

/// What the text between two items says.
struct Gap {
    breaks: usize,
    sentence_ends: bool,
    linked: bool,
}

impl Relation<'_, '_> {
    fn tie(&mut self, label: usize, value: usize, how: How) {
        if let (Some(tie), Some(used)) = (self.ties.get_mut(value), self.used.get_mut(label)) {
            *tie = tie.or(Some(Tie { label, how }));
            *used = true;
        }
    }

    fn kind(&self, item: usize) -> Option<Kind> {
        match self.scan.items.get(item)?.what {
            What::Label(label) => self.rules.labels.get(label).map(|label| label.kind),
            _ => None,
        }
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
        if let Some(value) = self.value_before(at, kind) {
            self.tie(at, value, How::Before);
            return at;
        }
        // "S/N i nr umowy: B824100317, UM/118/2024": labels first, then as many values.
        let mut labels = vec![at];
        while let Some(next) = self.joined_label(labels.last().copied().unwrap_or(at)) {
            labels.push(next);
        }
        let last = labels.last().copied().unwrap_or(at);
        if labels.len() > 1 {
            self.values_of_several(&labels);
        } else if let Some(first) = self.value_after(at, kind) {
            self.tie(at, first, How::After);
            self.list_after(at, kind, first);
        }
        last + 1
    }

    /// "B824100317 (S/N)", "B824100317 to numer seryjny".
    fn value_before(&self, at: usize, kind: Kind) -> Option<usize> {
        let mut value = at.checked_sub(1)?;
        let mut linked = false;
        while let What::Word = self.scan.items.get(value)?.what {
            if at - value > 2 {
                return None;
            }
            linked |= self.is_word(value, &self.rules.between.links);
            let before = self.gap(value.checked_sub(1)?, value);
            if before.breaks > 0 || before.sentence_ends {
                return None;
            }
            value -= 1;
        }
        let candidate = self.scan.value(value)?;
        let before = self.scan.between(value, value + 1);
        let after = self.scan.between(at, at + 1).trim_start_matches('.');
        let in_brackets = before.trim() == "(" && after.starts_with(')');
        // A label with its own value beside it, as in "1013006120 to model Q48", speaks of that one.
        let own = self.scan.value(at + 1).is_some() && after.bytes().all(|byte| matches!(byte, b' ' | b':' | b'='));
        let linked = linked && !own && before.trim().trim_matches(['(', '-', ',']).is_empty();
        let dashed = matches!(before, " - " | " = ") && (after.is_empty() || after.starts_with([',', ';', '\n', ')']));
        let fits = (in_brackets || linked || dashed) && !self.is_tied(value);
        (fits && self.is_plausible(at, candidate, kind, Closeness::Beside)).then_some(value)
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
        let is_other = Some(kind) != self.kind(at) && kind != Kind::Decoy && self.kind(at) != Some(Kind::Decoy);
        (between && is_other && self.used.get(next) == Some(&false)).then_some(next)
    }

    fn values_of_several(&mut self, labels: &[usize]) {
        let Some(last) = labels.last().copied() else { return };
        let mut at = last;
        let mut values = Vec::new();
        let mut words = 0;
        while values.len() < labels.len() && words <= NEAR_WORDS {
            at += 1;
            let gap = self.gap(at - 1, at);
            match self.scan.items.get(at).map(|item| &item.what) {
                Some(What::Value(value)) if value.span.is_none_or(|span| !span.firm) => {
                    values.push(at);
                    words = 0;
                }
                Some(What::Word | What::Value(_)) if !self.is_absent(at) => words += 1,
                _ => break,
            }
            if gap.breaks > 1 && at > last + 1 {
                break;
            }
        }
        if values.len() == labels.len() {
            for (label, value) in labels.iter().zip(values) {
                self.tie(*label, value, How::After);
            }
        } else if let [value] = values.as_slice() {
            // One value for two labels: the one that it can be.
            let fitting = labels.iter().find(|label| {
                let kind = self.kind(**label);
                let value = self.scan.value(*value);
                kind.zip(value).is_some_and(|(kind, value)| self.is_plausible(**label, value, kind, Closeness::Apart))
            });
            if let Some(label) = fitting {
                self.tie(*label, *value, How::After);
            }
        }
    }

    fn value_after(&self, label: usize, kind: Kind) -> Option<usize> {
        let weak = self.rule(label).is_some_and(|rule| rule.weak);
        let near = if weak { 1 } else { NEAR_WORDS };
        let mut words = 0;
        let mut linked = false;
        let mut at = label + 1;
        while words <= LINKED_WORDS {
            let gap = self.gap(at - 1, at);
            if at > label + 1 {
                if gap.sentence_ends || gap.breaks > 1 {
                    return None;
                }
                words += gap.breaks * LINE_BREAK_WORDS;
            }
            linked |= gap.linked;
            match &self.scan.items.get(at)?.what {
                What::Label(_) => return None,
                What::Word if self.is_absent(at) => return None,
                What::Word => {
                    linked = self.is_word(at, &self.rules.between.links);
                    words += usize::from(!linked);
                }
                What::Value(value) => {
                    let closeness = match words {
                        0 => Closeness::Beside,
                        _ if linked && !weak => Closeness::Beside,
                        words if words <= near => Closeness::Apart,
                        _ if linked => Closeness::Apart,
                        _ => return None,
                    };
                    let open =
                        !self.is_tied(at) || self.ties.get(at).copied().flatten().is_some_and(|tie| tie.label == label);
                    if open && self.is_plausible(label, value, kind, closeness) {
                        return Some(at);
                    }
                    words += 1;
                    linked = false;
                }
            }
            at += 1;
        }
        None
    }

    /// Further values of the same label: those that look like the first.
    fn list_after(&mut self, label: usize, kind: Kind, first: usize) {
        let plural = self.rule(label).is_some_and(|rule| rule.plural);
        let (mut at, mut words, mut joined) = (first, 0, false);
        loop {
            let gap = self.gap(at, at + 1);
            at += 1;
            let Some(item) = self.scan.items.get(at) else { return };
            let next_line = gap.breaks == 1;
            if gap.breaks > 1 && !plural || gap.sentence_ends && !next_line {
                return;
            }
            match &item.what {
                What::Label(_) => return,
                What::Word if self.is_absent(at) => return,
                What::Word => {
                    joined |= self.is_word(at, &self.rules.between.joins);
                    words += 1;
                }
                What::Value(value) => {
                    // A telephone number goes on after a blank; a further serial needs its comma.
                    let goes_on =
                        kind == Kind::Decoy && words == 0 && gap.breaks == 0 && is_run(self.scan.between(at - 1, at));
                    let first = self.scan.value(first);
                    let like = first.is_some_and(|first| is_like(first, value, plural || joined));
                    if (goes_on || like)
                        && !self.is_tied(at)
                        && self.is_plausible(label, value, kind, Closeness::Beside)
                    {
                        self.tie(label, at, How::List);
                        (words, joined) = (0, false);
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

    fn rule(&self, item: usize) -> Option<&super::rules::Label> {
        match self.scan.items.get(item)?.what {
            What::Label(label) => self.rules.labels.get(label),
            _ => None,
        }
    }

    fn gap(&self, left: usize, right: usize) -> Gap {
        let between = self.scan.between(left, right);
        let mut sentence_ends = false;
        let mut bytes = between.bytes().peekable();
        while let Some(byte) = bytes.next() {
            sentence_ends |= matches!(byte, b'.' | b'!' | b'?') && bytes.peek().is_none_or(u8::is_ascii_whitespace);
        }
        // The dot after an abbreviation ends no sentence, and bullets such as "1." are values.
        let after_short = matches!(self.scan.items.get(left), Some(item) if item.end - item.start <= 3);
        Gap {
            breaks: between.bytes().filter(|byte| *byte == b'\n').count(),
            sentence_ends: sentence_ends && !after_short,
            linked: between.contains([':', '=']),
        }
    }

    fn text(&self, item: usize) -> &str {
        self.scan.items.get(item).map_or("", |item| self.scan.folded.slice(item.start, item.end))
    }

    fn is_word(&self, item: usize, list: &[String]) -> bool {
        let is_word = matches!(self.scan.items.get(item).map(|item| &item.what), Some(What::Word));
        is_word && list.iter().any(|word| word == self.text(item))
    }

    fn is_absent(&self, item: usize) -> bool {
        let text = self.text(item);
        self.rules.between.absent.iter().any(|begin| match begin.strip_suffix('*') {
            Some(begin) => text.starts_with(begin),
            None => text == begin,
        })
    }

    fn is_plausible(&self, label: usize, value: &Value, kind: Kind, closeness: Closeness) -> bool {
        let firm = value.span.is_some_and(|span| span.firm);
        let doubtful =
            value.span.is_some() && (closeness == Closeness::Apart || self.rule(label).is_some_and(|rule| rule.weak));
        if kind == Kind::Decoy {
            return value.digits >= 2 || firm;
        }
        if value.on_file.is_some() {
            return true;
        }
        let size = value.digits + value.letters;
        match (kind, closeness) {
            _ if firm => false,
            _ if doubtful => false,
            (Kind::Tax, _) => self.rules.tax_shapes.of(&value.normal).is_some(),
            _ if size > 40 || is_year(value) => false,
            (Kind::Serial, _) if value.serial_shape.is_some() => true,
            (Kind::Serial, Closeness::Beside) => size >= 5 && value.digits >= 2 && size <= 30,
            (Kind::Serial, Closeness::Apart) => {
                (6..=30).contains(&size) && (value.letters == 0 || value.digits >= 3) && value.contract_shape.is_none()
            }
            (_, _) if value.contract_shape.is_some() => true,
            (_, Closeness::Beside) => size >= 4 && value.digits >= 3,
            (_, Closeness::Apart) => {
                let parted = value.normal.contains(['/', '-']);
                value.serial_shape.is_none() && (value.letters == 0 && size >= 6 || parted && value.digits >= 5)
            }
        }
    }
}

/// How near the value stands to the label, and so how much the label says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Closeness {
    /// Nothing but punctuation between them.
    Beside,
    /// Words between them: the value must look the part.
    Apart,
}

fn is_year(value: &Value) -> bool {
    value.letters == 0 && value.normal.len() == 4 && (value.normal.starts_with("19") || value.normal.starts_with("20"))
}

/// True for the marks inside a number written in groups.
fn is_run(between: &str) -> bool {
    between.len() <= 3 && between.bytes().all(|byte| matches!(byte, b' ' | b'-' | b'/' | b'(' | b')' | b'.'))
}

/// True where a second value of a list looks like the first. Between bare digits that is not much,
/// so there the list must be told by a plural or an "and", or the numbers begin alike.
fn is_like(first: &Value, next: &Value, told: bool) -> bool {
    let both_on_file = match (&first.on_file, &next.on_file) {
        (Some(first), Some(next)) => first.kind == next.kind,
        _ => false,
    };
    let same_shape = match (first.serial_shape.or(first.contract_shape), next.serial_shape.or(next.contract_shape)) {
        (Some(first), Some(next)) => first.id == next.id,
        _ => false,
    };
    let pattern = |value: &Value| -> String {
        let class = |c: char| {
            if c.is_ascii_digit() {
                '9'
            } else if c.is_alphabetic() {
                'A'
            } else {
                c
            }
        };
        value.normal.chars().map(class).collect()
    };
    let same_length = first.normal.len() == next.normal.len();
    let same_begin = first.normal.chars().zip(next.normal.chars()).take(3).filter(|(a, b)| a == b).count() == 3;
    let mixed = first.letters > 0 && next.letters > 0;
    both_on_file
        || same_shape
        || same_length && same_begin
        || mixed && pattern(first) == pattern(next)
        || told && (same_length || mixed && next.digits >= 3 && first.normal.len().abs_diff(next.normal.len()) <= 2)
        || told && first.letters == 0 && next.letters == 0 && next.digits >= 5
}
