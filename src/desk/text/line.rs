//! A line of a mail's text, with what its surroundings say of it.

use crate::desk::fold::fold;

/// How a line looks where it is shown again: nothing but what a line of text can also say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// What kind of block it stands in.
    pub block: Block,
    /// The line in pieces of one style each, without the mark of a list; empty for plain text.
    pub pieces: Vec<Piece>,
}

impl Look {
    /// The pieces of the line, or of the cells of its row.
    pub fn all_pieces(&self) -> impl Iterator<Item = &Piece> {
        let cells: &[Vec<Piece>] = if let Block::Row(cells) = &self.block { cells } else { &[] };
        self.pieces.iter().chain(cells.iter().flatten())
    }
}

/// What kind of block a line stands in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Block {
    /// A line of a paragraph.
    #[default]
    Text,
    /// The first line of an item of a list.
    Item {
        /// Whether the items are counted.
        ordered: bool,
        /// 1 for a list that stands in no other.
        level: usize,
    },
    /// A row of a table: its cells.
    Row(Vec<Vec<Piece>>),
    /// A line whose blanks count.
    Preformatted,
}

/// A run of characters of one style.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Piece {
    /// The characters.
    pub text: String,
    /// Their style.
    pub style: Style,
}

/// How characters look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Heavier than the rest.
    pub bold: bool,
    /// Slanted.
    pub italic: bool,
    /// Where they lead to.
    pub link: Option<String>,
    /// The Content-ID of the picture that stands for the one character of this piece.
    pub picture: Option<String>,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// As it stood, quote marks included.
    pub(super) text: String,
    /// How many quotes it stands in.
    pub(super) depth: usize,
    /// True in an element that a mail program made for the signature.
    pub(super) signature: bool,
    /// The text without quote marks, folded, blanks around taken off.
    pub(super) folded: String,
    /// True where the text is set in by two blanks or more.
    pub(super) indented: bool,
    /// How it looks, where that was asked for.
    pub(super) look: Look,
}

impl Line {
    /// A line of plain text: its depth is the number of `>` in front.
    pub(super) fn plain(text: &str) -> Line {
        Line::within(text.trim_end().to_string(), 0, false)
    }

    /// A line that stands in so many quotes already, besides the `>` in front of it.
    pub(super) fn within(text: String, depth: usize, signature: bool) -> Line {
        let (mut marks, mut content) = (0, text.as_str());
        while let Some(rest) = content.strip_prefix('>').or_else(|| content.strip_prefix(" >").filter(|_| marks > 0)) {
            marks += 1;
            content = rest;
        }
        let indented = content.starts_with("  ") || content.starts_with('\t');
        let folded = fold(content.trim());
        Line { text, depth: depth + marks, signature, folded, indented, look: Look::default() }
    }

    /// True where nothing stands in it.
    pub(super) fn is_blank(&self) -> bool {
        self.folded.is_empty()
    }
}
