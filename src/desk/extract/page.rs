//! A text of the mail, read once from left to right: labels, runs of letters, runs with digits in
//! them, and stretches that are no number of ours by their very form.

use super::fold::Folded;
use super::phrase::Words;
use super::rules::{Kind, NumberRules};
use super::{Section, Spot};

/// How far a stretch that is no number reaches at most, but for addresses of the web.
const STRETCH_MAX: usize = 256;

/// Letters of the longest word that may be a piece of a number: `HEZO`, `PLN`.
const LETTERS_MAX: usize = 5;

/// How near a digit must be for a stretch to be worth trying.
const DIGIT_WITHIN: usize = 48;

/// Several sections that belong together, and what they consist of.
#[derive(Clone, Debug)]
pub(super) struct Page {
    source: String,
    /// Where the source's lines end.
    line_ends: Vec<usize>,
    pub(super) folded: Folded,
    sections: Vec<Bound>,
    pub(super) pieces: Vec<Piece>,
    /// The shapes that a word on the page makes enough without a label.
    pub(super) contexts: Vec<(Kind, usize)>,
}

/// Where a section begins in the source and in the folded text.
#[derive(Clone, Debug)]
struct Bound {
    source: usize,
    folded: usize,
    section: Section,
}

/// A stretch of the folded text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) what: PieceKind,
    pub(super) has_digit: bool,
    /// Whether it may be one of several pieces of a number.
    pub(super) is_part: bool,
    /// Whether what parts it from the piece before may stand within a number.
    pub(super) follows: bool,
}

/// What a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PieceKind {
    /// A label: its rule, and where its last word begins.
    Label(usize, usize),
    Letters,
    Digits,
    /// A stretch that is no number of ours: its rule.
    Stretch(usize),
}

impl Page {
    /// Reads the sections as one text, a blank line between them.
    pub(super) fn new(sections: Vec<(Section, &str)>, rules: &NumberRules) -> Page {
        let mut source = String::with_capacity(sections.iter().map(|(_, text)| text.len() + 2).sum());
        let mut bounds = Vec::new();
        for (section, text) in sections {
            if !source.is_empty() {
                source.push_str("\n\n");
            }
            bounds.push(Bound { source: source.len(), folded: 0, section });
            source.push_str(text);
        }
        let folded = Folded::new(&source);
        for bound in &mut bounds {
            bound.folded = folded.place_of(bound.source);
        }
        let mut contexts = Vec::new();
        let pieces = pieces(&folded, rules, &mut contexts);
        let line_ends = source.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect();
        Page { source, line_ends, folded, sections: bounds, pieces, contexts }
    }

    /// The section that a place of the folded text is in.
    pub(super) fn section(&self, at: usize) -> Option<&Section> {
        self.bound(at).map(|bound| &bound.section)
    }

    /// Which of the page's sections a place of the folded text is in.
    pub(super) fn section_number(&self, at: usize) -> usize {
        self.sections.partition_point(|bound| bound.folded <= at)
    }

    fn bound(&self, at: usize) -> Option<&Bound> {
        self.section_number(at).checked_sub(1).and_then(|number| self.sections.get(number))
    }

    /// What the sender wrote where the folded text has `start..end`.
    pub(super) fn written(&self, start: usize, end: usize) -> &str {
        self.folded.written(&self.source, start, end)
    }

    /// Where in the text of its place the folded stretch stands.
    pub(super) fn spot(&self, start: usize, end: usize) -> Spot {
        let (from, until) = self.folded.span(&self.source, start, end);
        let Some(bound) = self.bound(start) else {
            return Spot { source: String::new(), span: (from, until), line: 1 };
        };
        let lines_before = |at: usize| self.line_ends.partition_point(|end| *end < at);
        let line = lines_before(from).saturating_sub(lines_before(bound.source));
        let shift = |at: usize| at.saturating_sub(bound.source) + bound.section.offset;
        let span = (shift(from), shift(until));
        Spot { source: bound.section.source.clone(), span, line: bound.section.line + line }
    }

    /// Where words begin in a stretch of the folded text.
    pub(super) fn word_starts(&self, start: usize, end: usize) -> impl Iterator<Item = usize> {
        let bytes = self.folded.slice(start, end).as_bytes();
        let begins = move |at: &usize| {
            let is_sign = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_alphanumeric);
            is_sign(*at) && !at.checked_sub(1).is_some_and(is_sign)
        };
        (0..bytes.len()).filter(begins).map(move |at| start + at)
    }

    /// Where the line ends that a place of the folded text is in.
    pub(super) fn line_end(&self, at: usize) -> usize {
        let rest = self.folded.slice(at, self.folded.text.len());
        at + rest.find('\n').unwrap_or(rest.len())
    }

    /// The line, as written, that a place of the folded text is in.
    pub(super) fn line(&self, at: usize) -> &str {
        let start = self.folded.slice(0, at).rfind('\n').map_or(0, |before| before + 1);
        self.written(start, self.line_end(at).max(start + 1))
    }
}

fn pieces(folded: &Folded, rules: &NumberRules, contexts: &mut Vec<(Kind, usize)>) -> Vec<Piece> {
    let words = Words::new(&folded.text, &rules.vocabulary);
    for met in words.all_met() {
        contexts.extend(rules.contexts.get(&met.word).into_iter().flatten());
    }
    contexts.sort_unstable();
    contexts.dedup();
    let near = near_digits(&words);
    let mut reader = rules.spans.automaton.reader();
    let mut stretch = |start: usize, until: usize| {
        let found = starts(&folded.text, start).filter_map(|from| {
            let found = reader.longest(&folded.text, from, from + STRETCH_MAX)?;
            let whole = if found.end == from + STRETCH_MAX { end_of_run(&folded.text, found.end) } else { found.end };
            Some((whole, found.pattern))
        });
        found.filter(|(end, _)| *end >= until).max_by_key(|(end, rule)| (*end, std::cmp::Reverse(*rule)))
    };
    let mut pieces: Vec<Piece> = Vec::new();
    let mut at = 0;
    while let Some(word) = words.words.get(at) {
        let last = run(&words, at, rules);
        let end = words.words.get(last).map_or(word.end, |word| word.end);
        let found = if near.get(at) == Some(&true) { stretch(word.start, end) } else { None };
        let (end, what, next) = if let Some((end, rule)) = found {
            let covered = words.words.get(at..).unwrap_or_default().iter().take_while(|word| word.start < end).count();
            (end, PieceKind::Stretch(rule), at + covered)
        } else if let Some(hit) = rules.phrases.find(&words, at).filter(|_| !closes_tag(&folded.text, word.start)) {
            let last = words.words.get(at + hit.words - 1).copied().unwrap_or(*word);
            (last.end, PieceKind::Label(hit.owner, last.start), at + hit.words)
        } else {
            let has_digit = has_digit(folded.slice(word.start, end));
            (end, if has_digit { PieceKind::Digits } else { PieceKind::Letters }, last + 1)
        };
        let text = folded.slice(word.start, end);
        let is_part = match what {
            PieceKind::Label(..) => false,
            PieceKind::Letters => text.split(['-', '/', '.']).all(|word| word.len() <= LETTERS_MAX),
            PieceKind::Stretch(_) | PieceKind::Digits => true,
        };
        let follows = pieces.last().is_some_and(|before| is_seam(folded.slice(before.end, word.start)));
        pieces.push(Piece { start: word.start, end, what, has_digit: has_digit(text), is_part, follows });
        at = next;
    }
    pieces
}

fn has_digit(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit())
}

/// What may part the pieces of one number: a blank, a dash or slash with or without one, and a line
/// break only beside such a mark.
pub(super) fn is_seam(between: &str) -> bool {
    if between == " " {
        return true;
    }
    let marks = between.bytes().filter(|byte| matches!(byte, b'-' | b'/')).count();
    let breaks = between.bytes().filter(|byte| *byte == b'\n').count();
    let blank = between.bytes().all(|byte| matches!(byte, b'-' | b'/' | b' ' | b'\n'));
    blank && between.len() <= 3 && marks <= 1 && breaks <= marks && !between.contains("  ")
}

/// For each word whether a digit, or an address's mark, is near enough that a stretch may begin here.
fn near_digits(words: &Words) -> Vec<bool> {
    let mut near = vec![false; words.words.len()];
    let mut next = usize::MAX;
    for (at, word) in words.words.iter().enumerate().rev() {
        if words.after(at).starts_with(['@', ':']) {
            next = word.end;
        }
        if let Some(digit) = words.word(at).bytes().position(|byte| byte.is_ascii_digit()) {
            next = word.start + digit;
        }
        if let Some(near) = near.get_mut(at) {
            *near = next.saturating_sub(word.start) <= DIGIT_WITHIN;
        }
    }
    near
}

/// Where a stretch may begin whose first letter or digit stands at `start`: there, or at a `+`, `(` or
/// `[` before it.
fn starts(text: &str, start: usize) -> impl Iterator<Item = usize> {
    let before = |back: usize| start.checked_sub(back).and_then(|at| Some((at, *text.as_bytes().get(at)?)));
    let mark = |found: Option<(usize, u8)>| found.filter(|(_, byte)| matches!(byte, b'+' | b'(' | b'['));
    let first = mark(before(1)).map(|(at, _)| at);
    let blank = before(1).is_some_and(|(_, byte)| byte == b' ');
    let second = if first.is_some() || blank { mark(before(2)).map(|(at, _)| at) } else { None };
    [Some(start), first, second].into_iter().flatten()
}

fn end_of_run(text: &str, from: usize) -> usize {
    let rest = text.as_bytes().get(from..).unwrap_or_default();
    from + rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len())
}

fn closes_tag(text: &str, start: usize) -> bool {
    start.checked_sub(2).and_then(|from| text.get(from..start)) == Some("</")
}

/// The last word of the run that begins here and is joined by single `-`, `/` and `.`.
fn run(words: &Words, first: usize, rules: &NumberRules) -> usize {
    let letters = |at: usize| words.word(at).bytes().all(|byte| byte.is_ascii_alphabetic());
    let mut last = first;
    while last + 1 < words.words.len() {
        let joined = match words.after(last) {
            "-" => true,
            "/" => rules.phrases.find(words, last + 1).is_none(),
            // A file's ending, or a sentence without its blank, is no part of a number.
            "." => {
                let long = |at: usize| letters(at) && words.word(at).len() > 2;
                !(long(last) || long(last + 1))
            }
            _ => false,
        };
        if !joined {
            break;
        }
        last += 1;
    }
    last
}
