//! A page's pieces put together: labels, words, and values, which is everything that has a digit
//! until somebody says what it is.

use super::on_file::{How, Match, OnFile};
use super::page::{Page, Piece, PieceKind};
use super::rules::{Kind, NumberRules, Shape, Span};
use crate::desk::contract::normalise;

/// Pieces of one number that blanks may part: `PL 678 484 78 86`, `HEZO / QSP / 2024 / 00219`.
const PIECES_MAX: usize = 6;

/// Characters of the longest number: an IBAN with its blanks has 34, a KSeF number 36.
const LENGTH_MAX: usize = 48;

/// Letters of the longest word that may be a piece of a number: `HEZO`, `PLN`.
const LETTERS_MAX: usize = 5;

/// Words between a label and the colon before its number: "Numer umowy (HEZO): QSP 417/2025".
const LABEL_WORDS: usize = 2;

/// HEZO's own mark before a serial number, in use until June 2024.
const PREFIX: &str = "(H)-";

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
        let items = Cutter { page, pieces: &page.pieces, rules, on_file }.items();
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
    let cutter = Cutter { page, pieces: &page.pieces, rules, on_file: &on_file };
    for (at, piece) in page.pieces.iter().enumerate() {
        // A number has a digit within its pieces.
        let near = page.pieces.get(at..).unwrap_or_default().iter().take(PIECES_MAX);
        if near.clone().all(|piece| matches!(piece.what, PieceKind::Letters | PieceKind::Label(..))) {
            continue;
        }
        for count in 1..=PIECES_MAX {
            let Some((start, end)) = cutter.joined(at, count) else { break };
            let normal = normalise(page.written(start, end));
            if normal.bytes().any(|byte| byte.is_ascii_digit()) {
                each(&normal);
            }
        }
        for (start, end) in parts(page, piece.start, piece.end) {
            each(&normalise(page.written(start, end)));
        }
    }
}

struct Cutter<'c, 'a> {
    page: &'a Page,
    pieces: &'c [Piece],
    rules: &'a NumberRules,
    on_file: &'c OnFile,
}

impl<'a> Cutter<'_, 'a> {
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
            for count in 2..=PIECES_MAX {
                let Some((_, end)) = self.joined(at + 1, count - 1) else { break };
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
        let shape = |shapes: &'a super::rules::Shapes| shapes.of(looks).and_then(|at| shapes.rules.get(at));
        Value {
            digits: normal.bytes().filter(u8::is_ascii_digit).count(),
            letters: normal.chars().filter(|c| c.is_alphabetic()).count(),
            on_file: self.on_file.find(&normal),
            serial_shape: shape(&self.rules.serial_shapes),
            contract_shape: shape(&self.rules.contract_shapes),
            span,
            normal,
        }
    }

    /// True where HEZO's old prefix stands before the number.
    fn is_prefixed(&self, start: usize) -> bool {
        let before = self.page.folded.slice(start.saturating_sub(PREFIX.len()), start);
        before == PREFIX.to_ascii_lowercase() || before.ends_with("(h)") || before.ends_with("(h) ")
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
                if known && after_last {
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

    /// Several pieces that are one number: because it is on file, or has its shape, or because a
    /// label stands before its groups.
    fn joined_value(&self, at: usize) -> Option<(usize, Item<'a>)> {
        let near = self.pieces.get(at + 1..).unwrap_or_default().iter().take(PIECES_MAX - 1);
        let first = self.pieces.get(at)?;
        let is_wordy = |piece: &Piece| matches!(piece.what, PieceKind::Letters | PieceKind::Label(..));
        if is_wordy(first) && near.clone().all(is_wordy) {
            return None;
        }
        let mut best = None;
        // Where the first piece is known by itself, only the file says that it goes on.
        let mut alone = None;
        let mut is_letters = first.what == PieceKind::Letters;
        for count in 2..=PIECES_MAX {
            let Some((start, end)) = self.joined(at, count) else { break };
            let last = self.pieces.get(at + count - 1)?;
            is_letters &= last.what == PieceKind::Letters;
            if is_letters {
                continue;
            }
            let value = self.value(start, end, None);
            let on_file = value.on_file.as_ref().is_some_and(|found| found.how != How::LookAlike);
            let fits = on_file || {
                let stands_alone = *alone.get_or_insert_with(|| {
                    !is_letters_only(first) && self.is_known(&self.value(first.start, first.end, None))
                });
                // "2102359579DMHC000288 nie odpowiada": a number does not end in a word.
                !stands_alone
                    && last.what != PieceKind::Letters
                    && (self.is_known(&value) || self.is_grouped(at, count))
            };
            if fits {
                best = Some((count, Item { start, end, what: What::Value(value) }));
            }
        }
        best
    }

    fn is_known(&self, value: &Value) -> bool {
        match &value.on_file {
            Some(found) => found.how != How::LookAlike || value.letters > 0 && value.digits >= 3,
            None => value.serial_shape.is_some_and(|shape| shape.alone) || value.contract_shape.is_some(),
        }
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
            PieceKind::Label(..) => false,
            PieceKind::Letters => self
                .page
                .folded
                .slice(piece.start, piece.end)
                .split(['-', '/', '.'])
                .all(|word| word.len() <= LETTERS_MAX),
            PieceKind::Stretch(_) | PieceKind::Digits => true,
        });
        let parted = pieces.windows(2).all(|pair| match pair {
            [left, right] => is_seam(self.page.folded.slice(left.end, right.start)),
            _ => true,
        });
        (candidates && parted).then_some((first.start, last.end))
    }

    /// Groups right after a label: of two to four digits for a serial or contract number, `SN 1013 007
    /// 741`; parted by slashes for a contract number, `HZ / 2026 / 0512`; ten digits for a tax number.
    fn is_grouped(&self, at: usize, count: usize) -> bool {
        let Some(pieces) = self.pieces.get(at..at + count) else { return false };
        let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else { return false };
        let Some(label) = self.label_before(at) else { return false };
        let folded = &self.page.folded;
        let text = |piece: &Piece| folded.slice(piece.start, piece.end);
        let seams = |fits: fn(&str) -> bool| {
            pieces.windows(2).all(|pair| match pair {
                [left, right] => fits(folded.slice(left.end, right.start)),
                _ => true,
            })
        };
        let kind = self.rules.labels.get(label).map(|label| label.kind);
        let in_groups = || {
            let group = |text: &str| (2..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
            let begins = first.end - first.start <= 5;
            let digits = pieces.iter().flat_map(|piece| text(piece).bytes()).filter(u8::is_ascii_digit).count();
            begins && digits >= 7 && seams(|between| between == " ") && pieces.iter().skip(1).all(|p| group(text(p)))
        };
        let in_fields = || {
            let year = |text: &str| text.len() == 4 && text.starts_with("20");
            let short = pieces.iter().all(|piece| text(piece).len() <= 6);
            let told = count > 2 || pieces.iter().any(|piece| year(text(piece)));
            short && told && seams(|between| matches!(between.trim(), "/" | "-"))
        };
        // "umowa nr QSP 417/2025", but not "umowa SOS 41005001": the plan is no part of the number.
        let with_letters = || {
            let letters = text(first);
            let capitals = self.page.written(first.start, first.end).bytes().all(|byte| byte.is_ascii_uppercase());
            let between = &self.rules.between;
            let is_plan = between.plans.iter().chain(&between.links).any(|word| word == letters);
            let number = pieces.get(1).map_or("", text);
            let begins = number.bytes().next().is_some_and(|byte| byte.is_ascii_digit());
            count == 2 && (2..=4).contains(&letters.len()) && capitals && !is_plan && begins && number.contains('/')
        };
        match kind {
            Some(Kind::Tax) => {
                let normal = normalise(self.page.written(first.start, last.end));
                self.rules.tax_shapes.of(&normal).is_some()
            }
            Some(Kind::Serial) => in_groups(),
            Some(Kind::Contract) => in_groups() || in_fields() || with_letters(),
            _ => false,
        }
    }

    /// The label that stands before this piece: right before it, or some words before its colon.
    fn label_before(&self, at: usize) -> Option<usize> {
        let first = self.pieces.get(at)?;
        for back in 1..=LABEL_WORDS + 1 {
            let before = self.pieces.get(at.checked_sub(back)?)?;
            match before.what {
                PieceKind::Label(label, _) => {
                    let between = self.page.folded.slice(before.end, first.start);
                    return (back == 1 || between.trim_end().ends_with(':')).then_some(label);
                }
                PieceKind::Letters => {}
                _ => return None,
            }
        }
        None
    }

    /// `end` without the marks before it.
    fn trimmed(&self, start: usize, end: usize) -> usize {
        let text = self.page.folded.slice(start, end);
        start + text.trim_end_matches(|c: char| !c.is_ascii_alphanumeric()).len()
    }
}

fn is_letters_only(piece: &Piece) -> bool {
    matches!(piece.what, PieceKind::Letters | PieceKind::Label(..))
}

/// What may part the pieces of one number: a blank, a dash or slash with or without one, and a line
/// break only beside such a mark.
fn is_seam(between: &str) -> bool {
    let marks = between.bytes().filter(|byte| matches!(byte, b'-' | b'/')).count();
    let breaks = between.bytes().filter(|byte| *byte == b'\n').count();
    let blank = between.bytes().all(|byte| matches!(byte, b'-' | b'/' | b' ' | b'\n'));
    blank && between.len() <= 3 && marks <= 1 && breaks <= marks && !between.contains("  ")
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
    if text.starts_with("sn") {
        found.push((start + 2, end));
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
