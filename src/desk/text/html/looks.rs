//! How the lines of an HTML text look, remembered while they are read.

use html5gum::StartTag;

use super::{Effect, ITEM, Open};
use crate::desk::text::line::{Block, Look, Piece, Style};

/// What is remembered of how the lines look.
#[derive(Default)]
pub(super) struct Looks {
    bold: usize,
    italic: usize,
    links: Vec<String>,
    /// Where in the line being read each style begins.
    pub(super) styles: Vec<(usize, Style)>,
    /// The item of a list that the line being read opens.
    pub(super) item: Option<Block>,
}

impl Looks {
    pub(super) fn begin(&mut self, tag: &StartTag<()>, effect: Effect) -> Option<String> {
        self.bold += usize::from(effect.bold);
        self.italic += usize::from(effect.italic);
        let link = tag.attributes.get(b"href".as_slice()).filter(|_| *tag.name == b"a"[..]);
        let link = link.map(|link| String::from_utf8_lossy(link).trim().to_string());
        self.links.extend(link.clone());
        link
    }

    pub(super) fn end(&mut self, open: &Open) {
        self.bold = self.bold.saturating_sub(usize::from(open.effect.bold));
        self.italic = self.italic.saturating_sub(usize::from(open.effect.italic));
        if open.link.is_some() {
            self.links.pop();
        }
    }

    pub(super) fn style(&self) -> Style {
        Style { bold: self.bold > 0, italic: self.italic > 0, link: self.links.last().cloned(), picture: None }
    }

    /// How the line looks that has just been read as `text`.
    pub(super) fn of_line(&mut self, text: &str, preformatted: bool) -> Look {
        let styles = std::mem::take(&mut self.styles);
        let block = match self.item.take() {
            Some(item) => item,
            None if preformatted => Block::Preformatted,
            None => Block::Text,
        };
        let mark = if matches!(block, Block::Item { .. }) { ITEM.trim_end() } else { "" };
        let shown = text.strip_prefix(mark).unwrap_or(text);
        let shown = if preformatted { shown } else { shown.trim_start() };
        let skipped = text.len() - shown.len();
        let ends = styles.iter().skip(1).map(|(start, _)| *start).chain([usize::MAX]);
        let pieces = styles.iter().zip(ends).filter_map(|((start, style), end)| {
            let start = (*start).max(skipped).min(text.len());
            let characters = text.get(start..end.min(text.len()))?;
            (!characters.is_empty()).then(|| Piece { text: characters.to_string(), style: style.clone() })
        });
        Look { block, pieces: pieces.collect() }
    }
}
