//! A line of a mail's text, with what its surroundings say of it.

use super::fold::fold;

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
        Line { text, depth: depth + marks, signature, folded, indented }
    }

    /// True where nothing stands in it.
    pub(super) fn is_blank(&self) -> bool {
        self.folded.is_empty()
    }
}
