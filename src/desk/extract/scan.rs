//! A text cut once, from left to right, into labels, words and values: everything that has a
//! digit is a value until somebody says what it is.

use super::fold::Folded;
use super::on_file::{How, Match, OnFile};
use super::phrase::{Word, words};
use super::rules::{Kind, NumberRules, Shape, Span, SpanHit};
use crate::desk::contract::normalise;

/// Pieces of one number that blanks may part: `PL 678 484 78 86`, `HEZO / QSP / 2024 / 00219`.
const PIECES_MAX: usize = 6;

/// Characters of the longest number: an IBAN with its blanks has 34, a KSeF number 36.
const LENGTH_MAX: usize = 48;

/// A text and what it consists of.
pub(super) struct Scan<'a> {
    pub(super) folded: Folded<'a>,
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

/// An item before the values are put together.
#[derive(Clone, Copy)]
struct Piece<'a> {
    start: usize,
    end: usize,
    what: PieceKind<'a>,
}

#[derive(Clone, Copy)]
enum PieceKind<'a> {
    Label(usize),
    Letters,
    Digits,
    Span(&'a Span),
}

impl<'a> Scan<'a> {
    /// Cuts the text.
    pub(super) fn new(source: &'a str, rules: &'a NumberRules, on_file: &OnFile) -> Scan<'a> {
        let folded = Folded::new(source);
        let pieces = pieces(&folded, rules);
        let cutter = Cutter { folded: &folded, pieces: &pieces, rules, on_file };
        let items = cutter.items();
        Scan { folded, items }
    }

    /// The value at this item, where it is one.
    pub(super) fn value(&self, at: usize) -> Option<&Value<'a>> {
        match &self.items.get(at)?.what {
            What::Value(value) => Some(value),
            _ => None,
        }
    }

    /// The text between two neighbouring items.
    pub(super) fn between(&self, left: usize, right: usize) -> &str {
        match (self.items.get(left), self.items.get(right)) {
            (Some(left), Some(right)) => self.folded.slice(left.end, right.start),
            (Some(left), None) => self.folded.slice(left.end, self.folded.text.len()),
            _ => "",
        }
    }
}

/// Every number, in the form in which numbers are compared, that a text may hold.
pub(super) fn numbers_in(source: &str, rules: &NumberRules, mut each: impl FnMut(&str)) {
    let folded = Folded::new(source);
    let pieces = pieces(&folded, rules);
    let on_file = OnFile::default();
    let cutter = Cutter { folded: &folded, pieces: &pieces, rules, on_file: &on_file };
    for at in 0..pieces.len() {
        for count in 1..=PIECES_MAX {
            let Some((start, end)) = cutter.joined(at, count) else { break };
            let normal = normalise(folded.written(start, end));
            if normal.bytes().any(|byte| byte.is_ascii_digit()) {
                each(&normal);
            }
            if count == 1 {
                for (start, end) in parts(&folded, start, end) {
                    each(&normalise(folded.written(start, end)));
                }
            }
        }
    }
}

fn pieces<'a>(folded: &Folded, rules: &'a NumberRules) -> Vec<Piece<'a>> {
    let words = words(folded);
    let spans = rules.spans.find(&folded.text);
    let mut spans = spans.iter().peekable();
    let mut pieces: Vec<Piece> = Vec::new();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let last = chunk(folded, &words, at, rules);
        let end = words.get(last).map_or(word.end, |word| word.end);
        let span = span_at(&mut spans, word.start, end);
        let (end, what, next) = if let Some(span) = span {
            let next = words.get(at..).unwrap_or_default().iter().take_while(|word| word.start < span.end).count();
            (span.end, PieceKind::Span(span.rule), at + next)
        } else if let Some(hit) = rules.phrases.find(folded, &words, at) {
            let next = at + hit.words;
            (words.get(next - 1).map_or(end, |word| word.end), PieceKind::Label(hit.owner), next)
        } else {
            let has_digit = folded.slice(word.start, end).bytes().any(|byte| byte.is_ascii_digit());
            (end, if has_digit { PieceKind::Digits } else { PieceKind::Letters }, last + 1)
        };
        pieces.push(Piece { start: word.start, end, what });
        at = next;
    }
    pieces
}

/// The longest stretch that starts here and reaches to `end` at least. A shorter one is a part of
/// a longer number: `12/05/2026` in `12/05/2026/HEZO` is no date.
fn span_at<'s, 'a: 's>(
    spans: &mut std::iter::Peekable<impl Iterator<Item = &'s SpanHit<'a>>>,
    start: usize,
    end: usize,
) -> Option<SpanHit<'a>> {
    let mut found: Option<SpanHit> = None;
    while let Some(hit) = spans.peek().filter(|hit| hit.start <= start) {
        // A firm rule is the better reason where two are equally long.
        let better = |known: &SpanHit| hit.end > known.end || hit.end == known.end && hit.rule.firm && !known.rule.firm;
        if hit.start == start && hit.end >= end && found.as_ref().is_none_or(better) {
            found = Some(**hit);
        }
        spans.next();
    }
    found
}

/// The last word of the run that begins here and is joined by single `-`, `/` and `.`.
fn chunk(folded: &Folded, words: &[Word], first: usize, rules: &NumberRules) -> usize {
    let letters = |word: &Word| folded.slice(word.start, word.end).bytes().all(|byte| byte.is_ascii_alphabetic());
    let mut last = first;
    while let (Some(word), Some(next)) = (words.get(last), words.get(last + 1)) {
        let joined = match folded.slice(word.end, next.start) {
            "-" => true,
            "/" => rules.phrases.find(folded, words, last + 1).is_none(),
            // A file's ending, or a sentence without its blank, is no part of a number.
            "." => !(letters(word) && word.end - word.start > 2 || letters(next) && next.end - next.start > 2),
            _ => false,
        };
        if !joined {
            break;
        }
        last += 1;
    }
    last
}

struct Cutter<'c, 'a> {
    folded: &'c Folded<'a>,
    pieces: &'c [Piece<'a>],
    rules: &'a NumberRules,
    on_file: &'c OnFile,
}

impl<'a> Cutter<'_, 'a> {
    fn items(&self) -> Vec<Item<'a>> {
        let mut items = Vec::new();
        let mut at = 0;
        while let Some(piece) = self.pieces.get(at) {
            if let PieceKind::Label(label) = piece.what {
                items.push(Item { start: piece.start, end: piece.end, what: What::Label(label) });
                at += 1;
                // In "umowa nr UMOWA/2026/118" the second word is the number's beginning.
                continue;
            }
            if let Some((count, item)) = self.joined_value(at) {
                items.push(item);
                at += count;
                continue;
            }
            at += 1;
            match piece.what {
                PieceKind::Digits => self.single(piece, &mut items),
                PieceKind::Span(span) => {
                    let value = self.value(piece.start, piece.end, Some(span));
                    items.push(Item { start: piece.start, end: piece.end, what: What::Value(value) });
                }
                _ => items.push(Item { start: piece.start, end: piece.end, what: What::Word }),
            }
        }
        items
    }

    fn value(&self, start: usize, end: usize, span: Option<&'a Span>) -> Value<'a> {
        let normal = normalise(self.folded.written(start, end));
        Value {
            digits: normal.bytes().filter(u8::is_ascii_digit).count(),
            letters: normal.chars().filter(|c| c.is_alphabetic()).count(),
            on_file: self.on_file.find(&normal),
            serial_shape: self.rules.serial_shapes.of(&normal),
            contract_shape: self.rules.contract_shapes.of(&normal),
            span,
            normal,
        }
    }

    /// One run of characters: usually a value, but `A/B` may be two, and a known one may stand
    /// inside, as in `showtech-FG100FTK22014881`.
    fn single(&self, piece: &Piece<'a>, items: &mut Vec<Item<'a>>) {
        let value = self.value(piece.start, piece.end, None);
        if value.on_file.is_none() && value.serial_shape.is_none() && value.contract_shape.is_none() {
            let mut inner: Vec<Item> = Vec::new();
            for (start, end) in parts(self.folded, piece.start, piece.end) {
                let part = self.value(start, end, None);
                let known = part.on_file.as_ref().is_some_and(|found| found.how == How::Exact)
                    || part.serial_shape.is_some_and(|shape| shape.alone);
                let after_last = inner.last().is_none_or(|last| last.end <= start);
                if known && after_last {
                    inner.push(Item { start, end, what: What::Value(part) });
                }
            }
            if inner.is_empty() {
                let text = self.folded.slice(piece.start, piece.end);
                let of_a_list = |part: &str| part.len() >= 5 && part.bytes().filter(u8::is_ascii_digit).count() >= 3;
                if text.contains('/') && text.split('/').all(of_a_list) {
                    inner.extend(
                        split(self.folded, piece.start, piece.end, b"/").into_iter().map(|(start, end)| Item {
                            start,
                            end,
                            what: What::Value(self.value(start, end, None)),
                        }),
                    );
                }
            }
            if !inner.is_empty() {
                items.append(&mut inner);
                return;
            }
        }
        items.push(Item { start: piece.start, end: piece.end, what: What::Value(value) });
    }

    /// Several pieces that are one number: because it is on file, or has its shape, or because a
    /// label stands before groups of digits.
    fn joined_value(&self, at: usize) -> Option<(usize, Item<'a>)> {
        let mut best = None;
        let mut any_digit = self.pieces.get(at).is_some_and(|piece| !matches!(piece.what, PieceKind::Letters));
        for count in 2..=PIECES_MAX {
            let Some((start, end)) = self.joined(at, count) else { break };
            any_digit |= !matches!(self.pieces.get(at + count - 1).map(|piece| piece.what), Some(PieceKind::Letters));
            if !any_digit {
                continue;
            }
            let value = self.value(start, end, None);
            let known = match &value.on_file {
                Some(found) => found.how != How::LookAlike || value.letters > 0 && value.digits >= 3,
                None => value.serial_shape.is_some_and(|shape| shape.alone) || value.contract_shape.is_some(),
            };
            if known || self.is_grouped(at, count, &value) {
                best = Some((count, Item { start, end, what: What::Value(value) }));
            }
        }
        best
    }

    /// The stretch of `count` pieces that blanks, or a blank beside a dash or slash, part; `None`
    /// where they are no candidates for one number.
    fn joined(&self, at: usize, count: usize) -> Option<(usize, usize)> {
        let pieces = self.pieces.get(at..at + count)?;
        let (first, last) = (pieces.first()?, pieces.last()?);
        if last.end - first.start > LENGTH_MAX {
            return None;
        }
        let candidates = pieces.iter().all(|piece| match piece.what {
            PieceKind::Label(_) => false,
            PieceKind::Span(span) => count == 1 || !span.firm,
            PieceKind::Letters => piece.end - piece.start <= 5,
            PieceKind::Digits => true,
        });
        let parted = pieces.windows(2).all(|pair| match pair {
            [left, right] => {
                let between = self.folded.slice(left.end, right.start);
                let marks = between.bytes().filter(|byte| matches!(byte, b'-' | b'/')).count();
                let breaks = between.bytes().filter(|byte| *byte == b'\n').count();
                let blank = between.bytes().all(|byte| matches!(byte, b'-' | b'/' | b' ' | b'\n'));
                blank && between.len() <= 3 && marks <= 1 && breaks <= marks && !between.contains("  ")
            }
            _ => true,
        });
        (candidates && parted).then_some((first.start, last.end))
    }

    /// Groups of two to four digits right after a label, `SN 1013 007 741`; ten after a label of
    /// the tax number.
    fn is_grouped(&self, at: usize, count: usize, value: &Value) -> bool {
        let before = at.checked_sub(1).and_then(|before| self.pieces.get(before));
        let Some(Piece { end, what: PieceKind::Label(label), .. }) = before else { return false };
        let Some(pieces) = self.pieces.get(at..at + count) else { return false };
        let start = pieces.first().map_or(0, |first| first.start);
        let beside = self.folded.slice(*end, start).bytes().all(|byte| !byte.is_ascii_alphanumeric());
        match self.rules.labels.get(*label).map(|label| label.kind) {
            Some(Kind::Tax) => beside && self.rules.tax_shapes.of(&value.normal).is_some(),
            Some(Kind::Serial | Kind::Contract) => {
                let group = |piece: &Piece| {
                    let text = self.folded.slice(piece.start, piece.end);
                    (2..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
                };
                let begins = pieces.first().is_some_and(|first| first.end - first.start <= 5);
                let spaced = pieces.windows(2).all(|pair| match pair {
                    [left, right] => self.folded.slice(left.end, right.start) == " ",
                    _ => true,
                });
                beside && begins && spaced && value.digits >= 7 && pieces.iter().skip(1).all(group)
            }
            _ => false,
        }
    }
}

/// Parts of a run that may be numbers of their own: between slashes and dots, between dashes, and
/// what follows an `SN` that is glued to it.
fn parts(folded: &Folded, start: usize, end: usize) -> Vec<(usize, usize)> {
    let mut parts = Vec::new();
    let text = folded.slice(start, end);
    if text.contains(['/', '.']) {
        parts.extend(split(folded, start, end, b"/."));
    }
    if text.contains('-') {
        parts.extend(split(folded, start, end, b"-/."));
    }
    if text.starts_with("sn") {
        parts.push((start + 2, end));
    }
    parts.retain(|(start, end)| end - start >= 6);
    parts
}

fn split(folded: &Folded, start: usize, end: usize, marks: &[u8]) -> Vec<(usize, usize)> {
    let mut parts = Vec::new();
    let mut from = start;
    for (at, byte) in folded.slice(start, end).bytes().enumerate() {
        if marks.contains(&byte) {
            parts.push((from, start + at));
            from = start + at + 1;
        }
    }
    parts.push((from, end));
    parts
}
