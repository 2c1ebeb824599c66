//! A page's pieces put together: labels, words, and values, which is everything that has a digit
//! until somebody says what it is.

use std::cell::RefCell;

use super::on_file::{How, Match, OnFile};
use super::page::{Page, Piece, PieceKind, is_seam};
use super::phrase::Words;
use super::rules::{NumberRules, Shape, Shapes, Span};
use crate::desk::contract::normalise;
use crate::desk::rules::automaton::Reader;

mod join;

/// Pieces of one number that blanks may part: `PL 678 484 78 86`, `HEZO / QSP / 2024 / 00219`.
const PIECES_MAX: usize = 6;

/// Characters of the longest number: an IBAN with its blanks has 34, a KSeF number 36.
const LENGTH_MAX: usize = 48;

/// HEZO's own mark before a serial number, in use until June 2024, as it is written and folded.
const PREFIX: &str = "(H)-";
const PREFIX_FOLDED: &str = "(h)-";

/// The label that people write without a blank before the number.
const SN: &str = "sn";

/// Digits of a number behind [`SN`] from which on it is one, rather than the name of a model.
const GLUED_DIGITS_MIN: usize = 6;

/// A page and what it consists of.
pub(super) struct Scan<'a> {
    pub(super) page: &'a Page,
    pub(super) items: Vec<Item<'a>>,
}

/// A stretch of the folded text.
pub(super) struct Item<'a> {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) what: What<'a>,
}

/// What an item is.
pub(super) enum What<'a> {
    /// An index into the rules' labels.
    Label(usize),
    Word,
    Value(Value<'a>),
}

/// Something with a digit in it, and what it looks like.
pub(super) struct Value<'a> {
    /// As numbers are compared.
    pub(super) normal: String,
    pub(super) digits: usize,
    pub(super) letters: usize,
    pub(super) on_file: Option<Match>,
    pub(super) serial_shape: Option<&'a Shape>,
    pub(super) contract_shape: Option<&'a Shape>,
    pub(super) span: Option<&'a Span>,
}

impl<'a> Scan<'a> {
    /// Puts the pieces together.
    pub(super) fn new(page: &'a Page, rules: &'a NumberRules, on_file: &OnFile) -> Scan<'a> {
        let items = Cutter::new(page, rules, on_file).items();
        Scan { page, items }
    }

    /// The value at this item, where it is one.
    pub(super) fn value(&self, at: usize) -> Option<&Value<'a>> {
        match &self.items.get(at)?.what {
            What::Value(value) => Some(value),
            _ => None,
        }
    }

    /// The item's folded text.
    pub(super) fn text(&self, at: usize) -> &'a str {
        self.items.get(at).map_or("", |item| self.page.folded.slice(item.start, item.end))
    }

    /// The text between two items.
    pub(super) fn between(&self, left: usize, right: usize) -> &'a str {
        match (self.items.get(left), self.items.get(right)) {
            (Some(left), Some(right)) => self.page.folded.slice(left.end, right.start),
            (Some(left), None) => self.page.folded.slice(left.end, self.page.folded.text.len()),
            _ => "",
        }
    }
}

/// Every number, in the form in which numbers are compared, that a page may hold.
pub(super) fn numbers_in(page: &Page, rules: &NumberRules, mut each: impl FnMut(&str)) {
    let on_file = OnFile::default();
    let cutter = Cutter::new(page, rules, &on_file);
    let mut give = |start: usize, end: usize| {
        let normal = normalise(page.written(start, end));
        if normal.bytes().any(|byte| byte.is_ascii_digit()) {
            each(&normal);
        }
    };
    for (at, piece) in page.pieces.iter().enumerate() {
        let mut has_digit = false;
        for (count, start, end) in cutter.joined_from(at) {
            has_digit |= page.pieces.get(at + count - 1).is_some_and(|last| last.has_digit);
            if has_digit {
                give(start, end);
            }
        }
        if piece.has_digit {
            parts(page, piece.start, piece.end).into_iter().for_each(|(start, end)| give(start, end));
        }
    }
}

struct Cutter<'c, 'a> {
    page: &'a Page,
    pieces: &'c [Piece],
    rules: &'a NumberRules,
    on_file: &'c OnFile,
    /// The automata of the shapes, in use: each value asks both.
    serial_shapes: RefCell<Reader<'a>>,
    contract_shapes: RefCell<Reader<'a>>,
}

impl<'c, 'a> Cutter<'c, 'a> {
    fn new(page: &'a Page, rules: &'a NumberRules, on_file: &'c OnFile) -> Cutter<'c, 'a>
    where
        'a: 'c,
    {
        let serial_shapes = RefCell::new(rules.serial_shapes.reader());
        let contract_shapes = RefCell::new(rules.contract_shapes.reader());
        Cutter { page, pieces: &page.pieces, rules, on_file, serial_shapes, contract_shapes }
    }

    fn items(&self) -> Vec<Item<'a>> {
        let mut items = Vec::new();
        let mut at = 0;
        while let Some(piece) = self.pieces.get(at) {
            match piece.what {
                PieceKind::Label(label, last_word) => at += self.label(at, piece, label, last_word, &mut items),
                _ => at += self.value_or_word(at, piece, &mut items),
            }
        }
        items
    }

    /// A label; returns how many pieces it takes. In "umowa HEZO QSP 2026 00950" the label's last word
    /// is the number's first.
    fn label(&self, at: usize, piece: &Piece, label: usize, last_word: usize, items: &mut Vec<Item<'a>>) -> usize {
        let mut number = None;
        if last_word > piece.start {
            for (more, _, end) in self.joined_from(at + 1).take(PIECES_MAX - 1) {
                let count = more + 1;
                let between = self.page.folded.slice(piece.end, self.pieces.get(at + 1).map_or(0, |next| next.start));
                let value = self.value(last_word, end, None);
                if is_seam(between) && end - last_word <= LENGTH_MAX && self.is_known(&value) {
                    number = Some((count, Item { start: last_word, end, what: What::Value(value) }));
                }
            }
        }
        let end = if number.is_some() { self.trimmed(piece.start, last_word) } else { piece.end };
        items.push(Item { start: piece.start, end, what: What::Label(label) });
        let Some((count, item)) = number else { return 1 };
        items.push(item);
        count
    }

    fn value_or_word(&self, at: usize, piece: &Piece, items: &mut Vec<Item<'a>>) -> usize {
        if let Some((count, item)) = self.joined_value(at) {
            items.push(item);
            return count;
        }
        match piece.what {
            PieceKind::Digits => self.single(piece, items),
            PieceKind::Stretch(rule) => {
                let value = self.value(piece.start, piece.end, self.rules.spans.rules.get(rule));
                items.push(Item { start: piece.start, end: piece.end, what: What::Value(value) });
            }
            _ => items.push(Item { start: piece.start, end: piece.end, what: What::Word }),
        }
        1
    }

    fn value(&self, start: usize, end: usize, span: Option<&'a Span>) -> Value<'a> {
        let mut normal = normalise(self.page.written(start, end));
        normal.retain(|c| !matches!(c, '(' | ')'));
        let prefixed = self.is_prefixed(start).then(|| format!("{PREFIX}{normal}"));
        let looks = prefixed.as_ref().unwrap_or(&normal);
        let shape = |shapes: &'a Shapes, reader: &RefCell<Reader>| {
            shapes.of_with(&mut reader.borrow_mut(), looks).and_then(|at| shapes.rules.get(at))
        };
        Value {
            digits: normal.bytes().filter(u8::is_ascii_digit).count(),
            letters: normal.chars().filter(|c| c.is_alphabetic()).count(),
            on_file: self.on_file.find(&normal),
            serial_shape: shape(&self.rules.serial_shapes, &self.serial_shapes),
            contract_shape: shape(&self.rules.contract_shapes, &self.contract_shapes),
            span,
            normal,
        }
    }

    /// True where HEZO's old prefix stands before the number.
    fn is_prefixed(&self, start: usize) -> bool {
        let before = self.page.folded.slice(start.saturating_sub(PREFIX.len()), start);
        before == PREFIX_FOLDED || before.ends_with("(h)") || before.ends_with("(h) ")
    }

    /// One run of characters: usually a value, but `A/B` may be two, and a known one may stand
    /// inside, as in `showtech-FG100FTK22014881`.
    fn single(&self, piece: &Piece, items: &mut Vec<Item<'a>>) {
        let value = self.value(piece.start, piece.end, None);
        if value.on_file.is_none() && value.serial_shape.is_none() && value.contract_shape.is_none() {
            let mut inner: Vec<Item> = Vec::new();
            for (start, end) in parts(self.page, piece.start, piece.end) {
                let part = self.value(start, end, None);
                let known = part.on_file.as_ref().is_some_and(|found| found.how == How::Exact)
                    || part.serial_shape.is_some_and(|shape| shape.alone);
                let after_last = inner.last().is_none_or(|last| last.end <= start);
                let label = if known { None } else { self.glued(piece, start, &part, items.last()) };
                if let Some(label) = label {
                    inner.push(Item { start: piece.start, end: start, what: What::Label(label) });
                }
                if (known || label.is_some()) && after_last {
                    inner.push(Item { start, end, what: What::Value(part) });
                }
            }
            let text = self.page.folded.slice(piece.start, piece.end);
            let of_a_list = |part: &str| part.len() >= 5 && part.bytes().filter(u8::is_ascii_digit).count() >= 3;
            if inner.is_empty() && text.contains('/') && text.split('/').all(of_a_list) {
                let of_list = split(self.page, piece.start, piece.end, b"/").into_iter();
                inner.extend(of_list.map(|(start, end)| {
                    let what = What::Value(self.value(start, end, None));
                    Item { start, end, what }
                }));
            }
            if !inner.is_empty() {
                items.append(&mut inner);
                return;
            }
        }
        items.push(Item { start: piece.start, end: piece.end, what: What::Value(value) });
    }

    /// The label that is written right before the number, as in `SNB824100317`, where no other label stands before
    /// both: "S/N: SN8602019" says that the letters belong to the number.
    fn glued(&self, piece: &Piece, start: usize, number: &Value, before: Option<&Item>) -> Option<usize> {
        let looks_so = number.serial_shape.is_some() || number.letters == 0 && number.digits >= GLUED_DIGITS_MIN;
        let told = matches!(before.map(|item| &item.what), Some(What::Label(_)));
        if piece.start + SN.len() != start || !looks_so || told {
            return None;
        }
        let words = Words::new(SN, &self.rules.vocabulary);
        self.rules.phrases.find(&words, 0).map(|hit| hit.owner)
    }

    /// `end` without the marks before it.
    fn trimmed(&self, start: usize, end: usize) -> usize {
        let text = self.page.folded.slice(start, end);
        start + text.trim_end_matches(|c: char| !c.is_ascii_alphanumeric()).len()
    }
}

/// Parts of a run that may be numbers of their own: between slashes and dots, between dashes, and
/// what follows an `SN` that is glued to it.
fn parts(page: &Page, start: usize, end: usize) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let text = page.folded.slice(start, end);
    if text.contains(['/', '.']) {
        found.extend(split(page, start, end, b"/."));
    }
    if text.contains('-') {
        found.extend(split(page, start, end, b"-/."));
    }
    if text.starts_with(SN) {
        found.push((start + SN.len(), end));
    }
    found.retain(|(start, end)| end - start >= 6);
    found
}

fn split(page: &Page, start: usize, end: usize, marks: &[u8]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut from = start;
    for (at, byte) in page.folded.slice(start, end).bytes().enumerate() {
        if marks.contains(&byte) {
            found.push((from, start + at));
            from = start + at + 1;
        }
    }
    found.push((from, end));
    found
}
