//! HTML becomes lines of text. Nothing is rendered, nothing is fetched; the walk is linear and has
//! no recursion, however deep the document.

mod element;
mod looks;
mod row;

use std::collections::HashMap;

use html5gum::emitters::default::DefaultEmitter;
use html5gum::{StartTag, Token, Tokenizer};

use super::line::{Block, Line, Style};
use super::rules::{Container, QuoteRules};
use element::{is_block, is_inline, is_tight};
use looks::Looks;
use row::Row;

/// Elements nested deeper are flattened: no mail program nests so deep on purpose.
const MAX_DEPTH: usize = 400;
/// Tables nested deeper are read as plain lines.
const MAX_ROWS: usize = 40;
/// What stands before an item of a list.
const ITEM: &str = "- ";

/// Stands for a picture in the text of a line (Unicode: "object replacement character").
pub(crate) const PICTURE: char = '\u{FFFC}';

/// The lines of an HTML text.
pub(super) fn lines(html: &str, rules: &QuoteRules) -> Vec<Line> {
    walk(html, Page::new(rules, false))
}

/// The same with how each line looks, and with a [`PICTURE`] where one of the mail's own stands.
pub(super) fn lines_with_looks(html: &str, rules: &QuoteRules) -> Vec<Line> {
    walk(html, Page::new(rules, true))
}

fn walk(html: &str, mut page: Page) -> Vec<Line> {
    let mut emitter = DefaultEmitter::default();
    emitter.naively_switch_states(true);
    for Ok(token) in Tokenizer::new_with_emitter(html, emitter) {
        match token {
            Token::StartTag(tag) => page.open(&tag),
            Token::EndTag(tag) => page.close(&tag.name),
            Token::String(text) => page.text(&String::from_utf8_lossy(&text)),
            _ => {}
        }
    }
    page.finish()
}

/// What an open element does to the text in it.
#[derive(Clone, Copy, Default, PartialEq)]
struct Effect {
    hidden: bool,
    preformatted: bool,
    quote: bool,
    signature: bool,
    row: bool,
    bold: bool,
    italic: bool,
}

struct Open {
    name: Vec<u8>,
    effect: Effect,
    link: Option<String>,
}

struct Page<'rules> {
    rules: &'rules QuoteRules,
    open: Vec<Open>,
    counts: HashMap<Vec<u8>, usize>,
    hidden: usize,
    preformatted: usize,
    depth: usize,
    signature: usize,
    lines: Vec<Line>,
    rows: Vec<Row>,
    current: String,
    looks: Option<Looks>,
}

impl<'rules> Page<'rules> {
    fn new(rules: &'rules QuoteRules, looks: bool) -> Page<'rules> {
        Page {
            looks: looks.then(Looks::default),
            rules,
            open: Vec::new(),
            counts: HashMap::new(),
            hidden: 0,
            preformatted: 0,
            depth: 0,
            signature: 0,
            lines: Vec::new(),
            rows: Vec::new(),
            current: String::new(),
        }
    }

    fn open(&mut self, tag: &StartTag<()>) {
        let name: &[u8] = &tag.name;
        match name {
            b"br" => return self.end_line(),
            b"hr" => {
                self.break_line();
                return self.blank_line();
            }
            b"body" => {
                // A head that was never closed must not hide the body.
                while let Some(open) = self.open.pop() {
                    self.end_effect(&open);
                }
                self.counts.clear();
            }
            b"img" => return self.picture(tag),
            b"meta" | b"link" | b"input" | b"wbr" | b"col" | b"base" | b"area" | b"source" | b"embed" => {
                return;
            }
            b"td" | b"th" => {
                self.break_line();
                if let Some(row) = self.rows.last_mut() {
                    row.cells.push(Vec::new());
                }
            }
            b"p" | b"h1" | b"h2" | b"h3" | b"h4" | b"h5" | b"h6" | b"ul" | b"ol" | b"table" | b"blockquote" | b"dl" => {
                self.break_line();
                if name != b"p" || !is_tight(tag) {
                    self.blank_line();
                }
            }
            b"li" => {
                self.break_line();
                self.item();
            }
            _ if is_block(name) => self.break_line(),
            _ => {}
        }
        if name == b"blockquote" {
            self.quote_stands_for_its_container();
        }
        let effect = self.effect(tag);
        if tag.self_closing && is_inline(name) || self.open.len() >= MAX_DEPTH {
            return;
        }
        if effect.quote {
            // What stands before a quote is no part of it.
            self.break_line();
        }
        if effect.row {
            self.rows.push(Row::default());
        }
        self.hidden += usize::from(effect.hidden);
        self.preformatted += usize::from(effect.preformatted);
        self.depth += usize::from(effect.quote);
        self.signature += usize::from(effect.signature);
        *self.counts.entry(name.to_vec()).or_default() += 1;
        let link = self.looks.as_mut().and_then(|looks| looks.begin(tag, effect));
        self.open.push(Open { name: name.to_vec(), effect, link });
    }

    /// Gmail puts the attribution and the quote into a container of their own. Who answers between the lines writes
    /// into that container, too: from the quote on only the quote is one.
    fn quote_stands_for_its_container(&mut self) {
        if !self.open.last().is_some_and(|open| open.effect.quote && open.name != b"blockquote") {
            return;
        }
        self.break_line();
        if let Some(container) = self.open.last_mut() {
            container.effect.quote = false;
            self.depth -= 1;
        }
    }

    fn close(&mut self, name: &[u8]) {
        match name {
            b"li" | b"ul" | b"ol" if self.current == ITEM => {
                self.current.clear();
                self.looks.iter_mut().for_each(|looks| looks.item = None);
            }
            b"p" | b"ul" | b"ol" | b"table" | b"blockquote" | b"h1" | b"h2" | b"h3" => self.break_line(),
            _ if is_block(name) || matches!(name, b"td" | b"th" | b"li") => self.break_line(),
            _ => {}
        }
        if self.counts.get(name).copied().unwrap_or(0) == 0 {
            return;
        }
        // An inline end tag closes no block: `<b><div></b>` leaves the block open.
        if is_inline(name) {
            let inner = self.open.iter().rev().take_while(|open| is_inline(&open.name));
            if !inner.into_iter().any(|open| open.name == name) {
                return;
            }
        }
        while let Some(open) = self.open.pop() {
            if let Some(count) = self.counts.get_mut(&open.name) {
                *count = count.saturating_sub(1);
            }
            self.end_effect(&open);
            if open.name == name {
                break;
            }
        }
        if matches!(name, b"p" | b"table" | b"blockquote" | b"ul" | b"ol") && !matches!(name, b"p") {
            self.blank_line();
        }
    }

    fn end_effect(&mut self, open: &Open) {
        let effect = open.effect;
        if effect.quote || effect.signature || effect.row {
            self.break_line();
        }
        self.hidden -= usize::from(effect.hidden);
        self.preformatted -= usize::from(effect.preformatted);
        self.depth -= usize::from(effect.quote);
        self.signature -= usize::from(effect.signature);
        if let Some(looks) = &mut self.looks {
            looks.end(open);
        }
        if effect.row
            && let Some(row) = self.rows.pop()
        {
            let lines = row.into_lines();
            self.sink().extend(lines);
        }
    }

    fn text(&mut self, text: &str) {
        if self.hidden > 0 {
            return;
        }
        self.style();
        if self.preformatted > 0 {
            for (index, line) in text.split('\n').enumerate() {
                if index > 0 {
                    self.end_line();
                    self.style();
                }
                self.current.extend(line.chars().filter(|c| !is_unseen(*c) && *c != '\r'));
            }
            return;
        }
        for c in text.chars() {
            match c {
                ' ' | '\t' | '\n' | '\r' | '\x0C' => {
                    if !self.current.is_empty() && !self.current.ends_with(' ') {
                        self.current.push(' ');
                    }
                }
                '\u{A0}' => self.current.push(' '),
                '\0' => {}
                _ if is_unseen(c) => {}
                _ => self.current.push(c),
            }
        }
    }

    fn effect(&self, tag: &StartTag<()>) -> Effect {
        let attribute =
            |name: &[u8]| tag.attributes.get(name).map(|value| String::from_utf8_lossy(value).to_ascii_lowercase());
        let name: &[u8] = &tag.name;
        let style = attribute(b"style").unwrap_or_default();
        let style: String = style.chars().filter(|c| !c.is_whitespace()).collect();
        let invisible =
            ["display:none", "mso-hide:all", "visibility:hidden", "font-size:0px", "font-size:0;", "max-height:0px"];
        let mut effect = Effect {
            hidden: matches!(
                name,
                b"head" | b"style" | b"script" | b"title" | b"template" | b"svg" | b"object" | b"noframes"
            ) || tag.attributes.contains_key(b"hidden".as_slice())
                || invisible.iter().any(|way| style.contains(way)),
            preformatted: name == b"pre" || style.contains("white-space:pre"),
            // An indent of Gmail's editor is a block quote without a border.
            quote: name == b"blockquote" && !style.contains("border:none"),
            signature: false,
            row: name == b"tr" && self.rows.len() < MAX_ROWS,
            bold: matches!(name, b"b" | b"strong" | b"th" | b"h1" | b"h2" | b"h3" | b"h4" | b"h5" | b"h6")
                || ["font-weight:bold", "font-weight:700", "font-weight:600"].iter().any(|way| style.contains(way)),
            italic: matches!(name, b"i" | b"em") || style.contains("font-style:italic"),
        };
        for value in
            [attribute(b"class"), attribute(b"id"), attribute(b"name"), attribute(b"data-marker")].into_iter().flatten()
        {
            for word in value.split_ascii_whitespace() {
                match self.rules.container(word) {
                    Some(Container::Quote) => effect.quote = true,
                    Some(Container::Signature) => effect.signature = true,
                    None => {}
                }
            }
        }
        effect
    }

    fn end_line(&mut self) {
        let text = std::mem::take(&mut self.current);
        let preformatted = self.preformatted > 0;
        let text = text.trim_end();
        let look = self.looks.as_mut().map(|looks| looks.of_line(text, preformatted)).unwrap_or_default();
        let text = if preformatted { text.to_string() } else { text.trim_start().to_string() };
        let line = Line { look, ..Line::within(text, self.depth, self.signature > 0) };
        self.sink().push(line);
    }

    fn break_line(&mut self) {
        // The mark of an item waits for its text.
        if self.current == ITEM {
            return;
        }
        if !self.current.trim().is_empty() {
            return self.end_line();
        }
        // Word writes an empty line as a paragraph with a blank that does not break.
        let is_written = !self.current.is_empty();
        self.current.clear();
        if is_written && self.looks.is_some() {
            self.blank_line();
        }
    }

    fn item(&mut self) {
        if self.current != ITEM {
            self.current.push_str(ITEM);
        }
        let count = |name: &[u8]| self.counts.get(name).copied().unwrap_or(0);
        let level = (count(b"ul") + count(b"ol")).max(1);
        let mut lists = self.open.iter().rev().map(|open| open.name.as_slice());
        let ordered = lists.find(|name| matches!(*name, b"ul" | b"ol")) == Some(b"ol");
        if let Some(looks) = &mut self.looks {
            looks.item = Some(Block::Item { ordered, level });
        }
    }

    fn picture(&mut self, tag: &StartTag<()>) {
        let source = tag.attributes.get(b"src".as_slice()).map(|source| String::from_utf8_lossy(source).into_owned());
        let shown = source.and_then(|source| Some(source.trim().strip_prefix("cid:")?.to_string()));
        let (Some(looks), Some(id)) = (&mut self.looks, shown.filter(|_| self.hidden == 0)) else { return };
        looks.styles.push((self.current.len(), Style { picture: Some(id), ..Style::default() }));
        self.current.push(PICTURE);
        looks.styles.push((self.current.len(), looks.style()));
    }

    /// What follows in the line being read has the style of the elements that are open now.
    fn style(&mut self) {
        let Some(looks) = &mut self.looks else { return };
        let style = looks.style();
        if looks.styles.last().is_none_or(|(_, last)| *last != style) {
            looks.styles.push((self.current.len(), style));
        }
    }

    fn blank_line(&mut self) {
        let line = Line::within(String::new(), self.depth, self.signature > 0);
        let sink = self.sink();
        if sink.last().is_some_and(|last| !last.is_blank()) {
            sink.push(line);
        }
    }

    fn sink(&mut self) -> &mut Vec<Line> {
        match self.rows.last_mut() {
            Some(row) => {
                if row.cells.is_empty() {
                    row.cells.push(Vec::new());
                }
                // The vector has an element now.
                row.cells.last_mut().unwrap_or(&mut self.lines)
            }
            None => &mut self.lines,
        }
    }

    fn finish(mut self) -> Vec<Line> {
        self.break_line();
        while let Some(open) = self.open.pop() {
            self.end_effect(&open);
        }
        self.lines
    }
}

fn is_unseen(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}
