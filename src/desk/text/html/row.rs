//! Rows of tables.

use crate::desk::text::line::{Block, Line, Look, Piece, Style};

/// A table row longer than this, in characters, is layout and no row of values.
const MAX_ROW_LENGTH: usize = 600;
/// A cell of more lines than this is layout and no value.
const MAX_CELL_LINES: usize = 4;

/// The cells of a table row being read.
#[derive(Default)]
pub(super) struct Row {
    pub(super) cells: Vec<Vec<Line>>,
}

impl Row {
    /// A row of values is one line, its cells parted by ` | `; a row that lays out a page is its cells
    /// one under the other.
    pub(super) fn into_lines(self) -> Vec<Line> {
        let cells = &self.cells;
        let length: usize = cells.iter().flatten().map(|line| line.text.len() + 3).sum();
        let small = cells.iter().all(|cell| cell.iter().filter(|line| !line.is_blank()).count() <= MAX_CELL_LINES);
        let same = |line: &Line| cells.iter().flatten().all(|other| other.depth == line.depth);
        let first = cells.iter().flatten().find(|line| !line.is_blank()).cloned();
        match first {
            Some(first) if cells.len() > 1 && small && length <= MAX_ROW_LENGTH && same(&first) => {
                let cells = cells.iter().map(|cell| {
                    let texts: Vec<&str> =
                        cell.iter().map(|line| line.text.trim()).filter(|text| !text.is_empty()).collect();
                    texts.join(" ")
                });
                let text = cells.collect::<Vec<_>>().join(" | ");
                let look = Look {
                    block: Block::Row(self.cells.iter().map(|cell| pieces(cell)).collect()),
                    pieces: Vec::new(),
                };
                vec![Line { look, ..Line::within(text, first.depth, first.signature) }]
            }
            _ => self.cells.into_iter().flatten().collect(),
        }
    }
}

/// The lines of a cell as one.
fn pieces(cell: &[Line]) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for line in cell.iter().filter(|line| !line.is_blank()) {
        if !pieces.is_empty() {
            pieces.push(Piece { text: " ".to_string(), style: Style::default() });
        }
        pieces.extend(line.look.pieces.iter().cloned());
    }
    pieces
}
