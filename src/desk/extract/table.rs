//! Tables in plain text: a line of column heads, and which column a place below it belongs to.

use super::scan::{Scan, What};

/// Words that a column head may have beside its label: `Serial No. (sticker)`.
const HEAD_WORDS_MAX: usize = 2;

/// A label that heads a column, and a value in that column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Column {
    /// The label's item.
    pub(super) label: usize,
    /// The value's item.
    pub(super) value: usize,
}

/// What parts the cells of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edge {
    Mark(u8),
    /// Two blanks or more; a cell below belongs to the head above it.
    Blanks,
}

struct Line {
    start: usize,
    end: usize,
    /// Its items: from, until.
    items: (usize, usize),
}

struct Head {
    edge: Edge,
    cells: Vec<(usize, usize)>,
    /// The label's item of each cell.
    labels: Vec<Option<usize>>,
    line_start: usize,
}

/// Every value that stands in a column under a label, or in a stack of values below a stack of labels.
pub(super) fn columns(scan: &Scan) -> Vec<Column> {
    let lines = lines(scan);
    let mut columns = under_heads(scan, &lines);
    columns.extend(stacks(scan, &lines));
    columns
}

fn under_heads(scan: &Scan, lines: &[Line]) -> Vec<Column> {
    let mut columns = Vec::new();
    let mut head: Option<Head> = None;
    for line in lines {
        if scan.page.folded.slice(line.start, line.end).trim().is_empty() {
            head = None;
            continue;
        }
        if let Some(new) = head_of(scan, line) {
            head = Some(new);
            continue;
        }
        let Some(open) = &head else { continue };
        let cells = cells(scan, line, open.edge);
        if begins_with_label(scan, line) || open.edge == Edge::Blanks && cells.len() < 2 {
            // "SN: CZ2911K4RT" below the last row: the table is over.
            head = None;
            continue;
        }
        for value in (line.items.0..line.items.1).filter(|at| scan.value(*at).is_some()) {
            let label = scan.items.get(value).and_then(|item| open.label_of(item.start, item.end, &cells, line));
            columns.extend(label.map(|label| Column { label, value }));
        }
    }
    columns
}

/// Labels one below the other and then as many values, as a table comes out that lost its frame:
/// "Model, S/N, Umowa, Q48, B829010029, UM/1008/2026", each in its own line.
fn stacks(scan: &Scan, lines: &[Line]) -> Vec<Column> {
    let lines: Vec<&Line> = lines.iter().filter(|line| line.items.0 < line.items.1).collect();
    let mut columns = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let labels: Vec<usize> = lines.iter().skip(at).map_while(|line| lone_label(scan, line)).collect();
        if labels.len() >= 2 {
            let below = lines.iter().skip(at + labels.len()).take(labels.len());
            let cells: Vec<Option<usize>> = below.map(|line| lone_value(scan, line)).collect();
            // Every cell has its value; only the first, of a label such as "model", may be words.
            if cells.len() == labels.len() && cells.iter().skip(1).all(Option::is_some) {
                let pairs = labels.iter().zip(cells);
                columns.extend(pairs.filter_map(|(label, value)| Some(Column { label: *label, value: value? })));
            }
        }
        at += labels.len().max(1);
    }
    columns
}

/// Whether the line names what follows in it: a label, and its value behind it.
fn begins_with_label(scan: &Scan, line: &Line) -> bool {
    let items = scan.items.get(line.items.0..line.items.1).unwrap_or_default();
    let [first, second, ..] = items else { return false };
    let between = scan.page.folded.slice(first.end, second.start);
    matches!(first.what, What::Label(_))
        && matches!(second.what, What::Value(_))
        && !between.contains(['|', '\t', ';'])
        && !between.contains("  ")
}

fn lone_label(scan: &Scan, line: &Line) -> Option<usize> {
    let items = scan.items.get(line.items.0..line.items.1)?;
    match items.first().map(|item| &item.what) {
        Some(What::Label(_)) if items.len() == 1 => Some(line.items.0),
        _ => None,
    }
}

fn lone_value(scan: &Scan, line: &Line) -> Option<usize> {
    match line.items {
        (from, until) if from + 1 == until => scan.value(from).map(|_| from),
        _ => None,
    }
}

impl Head {
    fn label_of(&self, start: usize, end: usize, cells: &[(usize, usize)], line: &Line) -> Option<usize> {
        let column = match self.edge {
            Edge::Mark(_) if cells.len() < 2 => return None,
            Edge::Mark(_) => cells.iter().position(|cell| cell.0 <= start && start <= cell.1)?,
            Edge::Blanks => {
                let (start, end) = (start - line.start, end - line.start);
                self.cells.iter().position(|cell| {
                    let (from, to) = (cell.0 - self.line_start, cell.1 - self.line_start);
                    start < to && from < end
                })?
            }
        };
        self.labels.get(column).copied().flatten()
    }
}

fn lines(scan: &Scan) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut start = 0;
    let mut first = 0;
    for text in scan.page.folded.text.split('\n') {
        let end = start + text.len();
        let count = scan.items.get(first..).unwrap_or_default().iter().take_while(|item| item.start < end).count();
        lines.push(Line { start, end, items: (first, first + count) });
        first += count;
        start = end + 1;
    }
    lines
}

/// The line as a head: two cells or more, one of them a label and hardly anything else, and no value.
fn head_of(scan: &Scan, line: &Line) -> Option<Head> {
    let items = scan.items.get(line.items.0..line.items.1)?;
    let is_value = |what: &What| match what {
        What::Value(value) => {
            let long = value.digits >= 4 || value.digits >= 2 && value.digits + value.letters >= 5;
            long || value.on_file.is_some() || value.serial_shape.is_some()
        }
        _ => false,
    };
    if !items.iter().any(|item| matches!(item.what, What::Label(_))) || items.iter().any(|item| is_value(&item.what)) {
        return None;
    }
    let text = scan.page.folded.slice(line.start, line.end);
    let edge = [b'\t', b'|', b';', b','].into_iter().find(|mark| text.as_bytes().contains(mark));
    let edge = edge.map_or(Edge::Blanks, Edge::Mark);
    let cells = cells(scan, line, edge);
    if cells.len() < 2 {
        return None;
    }
    let label_in = |cell: &(usize, usize)| {
        let mut inside =
            (line.items.0..line.items.1).zip(items).filter(|(_, item)| cell.0 <= item.start && item.end <= cell.1);
        let labels: Vec<usize> =
            inside.clone().filter(|(_, item)| matches!(item.what, What::Label(_))).map(|(at, _)| at).collect();
        let words = inside.by_ref().filter(|(_, item)| matches!(item.what, What::Word)).count();
        // A sentence with commas has labels too; in a head they stand nearly alone.
        match labels.as_slice() {
            [label] if words <= HEAD_WORDS_MAX => Some(*label),
            _ => None,
        }
    };
    let labels: Vec<Option<usize>> = cells.iter().map(label_in).collect();
    let labelled = labels.iter().flatten().count();
    let enough = match edge {
        Edge::Mark(b',') => labelled * 2 >= cells.len() && labelled >= 2,
        _ => labelled >= 1,
    };
    enough.then_some(Head { edge, cells, labels, line_start: line.start })
}

/// From and until of each cell, in the whole text.
fn cells(scan: &Scan, line: &Line, edge: Edge) -> Vec<(usize, usize)> {
    let text = scan.page.folded.slice(line.start, line.end);
    let mut cells = Vec::new();
    match edge {
        Edge::Mark(mark) => {
            let mut from = line.start;
            for (at, _) in text.bytes().enumerate().filter(|(_, byte)| *byte == mark) {
                cells.push((from, line.start + at));
                from = line.start + at + 1;
            }
            cells.push((from, line.end));
        }
        Edge::Blanks => {
            let mut from: Option<usize> = None;
            let mut blanks = 0;
            for (at, byte) in text.bytes().enumerate() {
                if byte == b' ' {
                    blanks += 1;
                    continue;
                }
                if blanks >= 2
                    && let Some(start) = from.take()
                {
                    cells.push((line.start + start, line.start + at - blanks));
                }
                from.get_or_insert(at);
                blanks = 0;
            }
            cells.extend(from.map(|start| (line.start + start, line.end)));
        }
    }
    cells
}
