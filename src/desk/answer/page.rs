//! The new text built again, as plain text and as HTML of a handful of elements: paragraphs, lines,
//! lists, bold and slanted words, tables, quotes, pictures. Nothing else of the engineer's HTML can
//! get through, since nothing else is known here.

use crate::desk::text::{Block, PICTURE, Part, Piece, ShownLine};

/// Lists stand in each other no deeper than this.
const MOST_LEVELS: usize = 8;

/// A line that goes to the customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PageLine {
    /// The line.
    pub(super) line: ShownLine,
    /// Whether it is the customer's own, which the line below answers.
    pub(super) quoted: bool,
}

/// A picture that goes along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Picture {
    /// Under which Content-ID the engineer's mail shows it.
    pub(super) shown_as: String,
    /// Under which Content-ID ours does.
    pub(super) content_id: String,
    /// Its file name.
    pub(super) name: String,
}

/// The lines as plain text.
pub(super) fn text(lines: &[PageLine], pictures: &[Picture]) -> String {
    let mut out: Vec<String> = Vec::new();
    // How many items each open list has so far, the outermost first.
    let mut counts: Vec<usize> = Vec::new();
    let (mut was_preformatted, mut was_quoted) = (false, false);
    for PageLine { line, quoted } in tidy(lines) {
        match line.look.block {
            Block::Item { level, .. } => {
                counts.resize(level.min(MOST_LEVELS), 0);
                counts.last_mut().into_iter().for_each(|count| *count += 1);
            }
            _ => counts.clear(),
        }
        let shown = plain(line, pictures, counts.last().copied().unwrap_or_default());
        let shown = if *quoted { format!("> {}", without_marks(&shown)) } else { shown };
        let is_blank = shown.trim().is_empty();
        let is_preformatted = line.look.block == Block::Preformatted;
        let stands_apart = is_blank || is_preformatted != was_preformatted || *quoted && !was_quoted;
        if stands_apart && out.last().is_some_and(|last| !last.is_empty()) {
            out.push(String::new());
        }
        if !is_blank {
            (was_preformatted, was_quoted) = (is_preformatted, *quoted);
            out.push(shown.trim_end().to_string());
        }
    }
    out.join("\n").trim_end().to_string()
}

/// Without the blank lines between the items of a list, which programs put there for the distance.
fn tidy(lines: &[PageLine]) -> Vec<&PageLine> {
    let is_blank = |line: &PageLine| line.line.text.trim().is_empty();
    let is_item = |line: &PageLine| matches!(line.line.look.block, Block::Item { .. });
    let mut tidy: Vec<&PageLine> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let below = lines.get(at..).unwrap_or_default().iter().find(|line| !is_blank(line));
        let above = tidy.last().copied();
        if !(is_blank(line) && above.is_some_and(is_item) && below.is_some_and(is_item)) {
            tidy.push(line);
        }
    }
    tidy
}

/// The lines as the inner part of an HTML body.
pub(super) fn html(lines: &[PageLine], pictures: &[Picture]) -> String {
    let mut page = Page { out: String::new(), open: Vec::new(), pictures };
    for PageLine { line, quoted } in tidy(lines) {
        page.line(line, *quoted);
    }
    page.close_to(0);
    page.out
}

fn plain(line: &ShownLine, pictures: &[Picture], counted: usize) -> String {
    match &line.look.block {
        Block::Row(cells) => cells.iter().map(|cell| plain_pieces(cell, pictures)).collect::<Vec<_>>().join(" | "),
        _ if line.look.pieces.is_empty() => line.text.replace(PICTURE, ""),
        Block::Item { ordered, level } => {
            let indent = "  ".repeat(level.saturating_sub(1).min(MOST_LEVELS));
            let mark = if *ordered { format!("{counted}.") } else { "-".to_string() };
            format!("{indent}{mark} {}", plain_pieces(&line.look.pieces, pictures))
        }
        Block::Text | Block::Preformatted => plain_pieces(&line.look.pieces, pictures),
    }
}

fn plain_pieces(pieces: &[Piece], pictures: &[Picture]) -> String {
    let mut out = String::new();
    for (index, piece) in pieces.iter().enumerate() {
        match &piece.style.picture {
            Some(id) => {
                let picture = pictures.iter().find(|picture| picture.shown_as == *id);
                out.push_str(&picture.map_or(String::new(), |picture| format!("[{}]", picture.name)));
            }
            None => out.push_str(&piece.text),
        }
        out.push_str(&link_behind(pieces, index));
    }
    out
}

/// The address that a link leads to, behind the last piece of its words, where the words do not say
/// it themselves. Only a page's address: what else a link can do is left out.
fn link_behind(pieces: &[Piece], index: usize) -> String {
    let link = |at: usize| pieces.get(at).and_then(|piece| piece.style.link.as_deref());
    let Some(target) = link(index).filter(|target| link(index + 1) != Some(*target)) else { return String::new() };
    let same = pieces.iter().take(index + 1).rev().take_while(|piece| piece.style.link.as_deref() == Some(target));
    let mut words: Vec<&str> = same.map(|piece| piece.text.as_str()).collect();
    words.reverse();
    let bare = |text: &str| text.trim().trim_end_matches('/').rsplit("://").next().unwrap_or_default().to_lowercase();
    let is_page = ["http://", "https://"].iter().any(|scheme| target.to_ascii_lowercase().starts_with(scheme));
    if !is_page || bare(&words.concat()) == bare(target) { String::new() } else { format!(" ({target})") }
}

fn without_marks(text: &str) -> &str {
    text.trim_start_matches(['>', ' '])
}

/// An element that stands open while the page is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Element {
    Quote,
    Paragraph,
    Preformatted,
    Table,
    List { ordered: bool },
    Item,
}

impl Element {
    fn tags(self) -> (&'static str, &'static str) {
        match self {
            Element::Quote => ("<blockquote>", "</blockquote>\n"),
            Element::Paragraph => ("<p>", "</p>\n"),
            Element::Preformatted => ("<pre>", "</pre>\n"),
            Element::Table => ("<table border=\"1\" cellpadding=\"4\">\n", "</table>\n"),
            Element::List { ordered: false } => ("<ul>", "</ul>\n"),
            Element::List { ordered: true } => ("<ol>", "</ol>\n"),
            Element::Item => ("<li>", "</li>\n"),
        }
    }
}

struct Page<'a> {
    out: String,
    open: Vec<Element>,
    pictures: &'a [Picture],
}

impl Page<'_> {
    fn line(&mut self, line: &ShownLine, quoted: bool) {
        let is_quote = self.open.first() == Some(&Element::Quote);
        if is_quote != quoted {
            self.close_to(0);
            if quoted {
                self.begin(Element::Quote);
            }
        }
        let outer = usize::from(quoted);
        let says = !line.text.trim().is_empty();
        match &line.look.block {
            Block::Row(cells) => {
                self.within(outer, Element::Table);
                self.out.push_str("<tr>");
                for cell in cells {
                    self.out.push_str("<td>");
                    self.pieces(cell);
                    self.out.push_str("</td>");
                }
                self.out.push_str("</tr>\n");
            }
            Block::Item { ordered, level } => self.item(outer, *ordered, (*level).min(MOST_LEVELS), line),
            Block::Preformatted if says => {
                if self.within(outer, Element::Preformatted) {
                    self.out.push('\n');
                }
                self.content(line);
            }
            _ if says => {
                if self.within(outer, Element::Paragraph) {
                    self.out.push_str("<br>\n");
                }
                self.content(line);
            }
            _ => self.close_to(outer),
        }
    }

    fn item(&mut self, outer: usize, ordered: bool, level: usize, line: &ShownLine) {
        let list = Element::List { ordered };
        let is_list = self.open.get(outer).is_some_and(|element| matches!(element, Element::List { .. }));
        if !is_list {
            self.close_to(outer);
        }
        // Each level is a list and an item in it.
        self.close_to(outer + 2 * level - 1);
        if self.open.get(outer + 2 * level - 2).is_some_and(|element| *element != list) {
            self.close_to(outer + 2 * level - 2);
        }
        while self.open.len() < outer + 2 * level {
            let element = if (self.open.len() - outer).is_multiple_of(2) { list } else { Element::Item };
            self.begin(element);
        }
        self.content(line);
    }

    /// Goes on in this element, or begins it; true where it stood open.
    fn within(&mut self, outer: usize, element: Element) -> bool {
        let stands_open = self.open.get(outer) == Some(&element) && self.open.len() == outer + 1;
        if !stands_open {
            self.close_to(outer);
            self.begin(element);
        }
        stands_open
    }

    fn content(&mut self, line: &ShownLine) {
        if line.look.pieces.is_empty() {
            let text = if line.part == Part::Quote || line.depth > 0 { without_marks(&line.text) } else { &line.text };
            self.out.push_str(&escaped(&text.replace(PICTURE, "")));
        } else {
            self.pieces(&line.look.pieces);
        }
    }

    fn pieces(&mut self, pieces: &[Piece]) {
        for (index, piece) in pieces.iter().enumerate() {
            if let Some(id) = &piece.style.picture {
                if let Some(picture) = self.pictures.iter().find(|picture| picture.shown_as == *id) {
                    let (id, name) = (escaped(&picture.content_id), escaped(&picture.name));
                    self.out.push_str(&format!("<img src=\"cid:{id}\" alt=\"{name}\">"));
                }
                continue;
            }
            let (bold, italic) = (piece.style.bold, piece.style.italic);
            self.out.push_str(if bold { "<b>" } else { "" });
            self.out.push_str(if italic { "<i>" } else { "" });
            self.out.push_str(&escaped(&piece.text));
            self.out.push_str(if italic { "</i>" } else { "" });
            self.out.push_str(if bold { "</b>" } else { "" });
            self.out.push_str(&escaped(&link_behind(pieces, index)));
        }
    }

    fn begin(&mut self, element: Element) {
        self.out.push_str(element.tags().0);
        self.open.push(element);
    }

    fn close_to(&mut self, count: usize) {
        while self.open.len() > count {
            let Some(element) = self.open.pop() else { return };
            self.out.push_str(element.tags().1);
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
