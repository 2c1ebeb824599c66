//! What this person wrote now: quotes, forwards, signature and boilerplate are set apart, and
//! nothing is thrown away.

mod heading;
mod html;
mod line;
mod quote;
mod rules;
mod signature;

use crate::desk::message::Message;
use line::Line;
use quote::Context;
use rules::{Prefix, Role};
use signature::Author;

pub use heading::Heading;
pub use line::{Block, Look, Piece, Style};
pub use rules::QuoteRules;

pub(super) use html::PICTURE;

/// The most attached mails whose text is read, nested ones included.
const MAX_ATTACHED: usize = 10;

/// What a piece of a mail's text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Written now, by this sender.
    Now,
    /// Quoted from the earlier conversation, its attribution line included.
    Quote,
    /// Somebody else's mail that the sender passes on: content, not quote.
    Forward,
    /// The sender's signature: name, company, telephones.
    Signature,
    /// What a program or a legal department adds: disclaimers, banners, phone footers.
    Boilerplate,
}

/// One run of lines that are the same [`Part`].
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Section {
    /// What the lines are.
    pub part: Part,
    /// The lines, joined by `\n`, quote marks kept as they stood; no blank lines around.
    pub text: String,
}

/// The text of a mail, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Written {
    /// The sections in the order of the mail; nothing is left out but blank lines between them.
    pub sections: Vec<Section>,
}

impl Written {
    /// The sections of one part, joined by a blank line; empty where there is none.
    pub fn text(&self, part: Part) -> String {
        let texts: Vec<&str> = self.sections.iter().filter(|s| s.part == part).map(|s| s.text.as_str()).collect();
        texts.join("\n\n")
    }
}

/// A line of a mail's text that is shown again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownLine {
    /// What it is.
    pub part: Part,
    /// How many quotes it stands in.
    pub depth: usize,
    /// As it stood, quote marks of plain text included.
    pub text: String,
    /// How it looks.
    pub look: Look,
    /// Whether it is a complimentary close.
    pub is_closing: bool,
}

/// The text of a mail line by line, with how each looks: of the HTML body where there is one, since
/// the plain one is what a program made of it.
pub fn lines(message: &Message, rules: &QuoteRules) -> Vec<ShownLine> {
    let html = message.html.as_deref().map(|html| html::lines_with_looks(html, rules)).unwrap_or_default();
    let says_something = html.iter().any(|line| !line.is_blank());
    let lines = if says_something { html } else { plain_lines(message.plain.as_deref().unwrap_or_default()) };
    let parts = parts(message, &lines, says_something, rules);
    let shown = lines.into_iter().zip(parts).map(|(line, part)| ShownLine {
        part,
        depth: line.depth,
        is_closing: rules.is(Role::Closing, &line.folded),
        text: line.text,
        look: line.look,
    });
    shown.collect()
}

/// What stands above the mails that this one answers or passes on, from the top.
pub fn headings(message: &Message, rules: &QuoteRules) -> Vec<Heading> {
    let html = message.html.as_deref().map(|html| html::lines_with_looks(html, rules)).unwrap_or_default();
    let says_something = html.iter().any(|line| !line.is_blank());
    let lines = if says_something { html } else { plain_lines(message.plain.as_deref().unwrap_or_default()) };
    heading::headings(&lines, rules)
}

/// What lines are that are all taken for new: signature, boilerplate, or new indeed.
pub fn signatures(lines: &[ShownLine], message: &Message, rules: &QuoteRules) -> Vec<Part> {
    let again: Vec<Line> = lines.iter().map(|line| Line::within(line.text.clone(), 0, false)).collect();
    let part = |line: &ShownLine| if line.part == Part::Quote { Part::Now } else { line.part };
    let mut parts: Vec<Part> = lines.iter().map(part).collect();
    signature::mark(&again, &mut parts, &author(message), rules);
    parts
}

fn author(message: &Message) -> Author {
    message.from.as_ref().map_or_else(Author::default, |from| Author::new(&from.name, &from.address))
}

/// Takes the text of a mail apart.
pub fn read(message: &Message, rules: &QuoteRules) -> Written {
    let (lines, html) = body(message, rules);
    let parts = parts(message, &lines, html, rules);
    let prefix = rules.prefix(&message.subject);
    let mut written = Written { sections: sections(&lines, &parts) };
    // A reply or a delivery report carries old mail along; anybody else who attaches one passes it on.
    if prefix != Some(Prefix::Reply) && message.delivery_status.is_none() {
        let mut left = MAX_ATTACHED;
        written.sections.extend(attached(message, rules, &mut left));
    }
    written
}

fn parts(message: &Message, lines: &[Line], html: bool, rules: &QuoteRules) -> Vec<Part> {
    let author = author(message);
    let prefix = rules.prefix(&message.subject);
    let answers = !message.in_reply_to.is_empty() || !message.references.is_empty();
    let context = Context {
        forward: prefix == Some(Prefix::Forward),
        reply: prefix == Some(Prefix::Reply) || answers,
        surely_reply: prefix == Some(Prefix::Reply) && answers,
        quotes: html && rules.marks_quotes(message.html.as_deref().unwrap_or_default()),
        author: &author,
    };
    let mut parts = quote::mark(lines, context, rules);
    signature::mark(lines, &mut parts, &author, rules);
    parts
}

/// The lines of the body that says more, and whether it is the HTML one.
fn body(message: &Message, rules: &QuoteRules) -> (Vec<Line>, bool) {
    let plain = message.plain.as_deref().unwrap_or_default();
    let Some(html) = message.html.as_deref() else { return (plain_lines(plain), false) };
    let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).take(400).count();
    let stub = letters(plain) == 0 || plain.len() < 600 && rules.is(Role::Stub, &super::fold::fold(plain.trim()));
    // A table that the plain text tore apart keeps its column heads only in the HTML.
    let torn = html.matches("<td").take(6).count() == 6 && !plain.contains(['\t', '|']);
    if stub || torn {
        let lines = html::lines(html, rules);
        let table = lines.iter().any(|line| line.text.contains(" | "));
        let says_more = lines.iter().any(|line| !line.is_blank());
        if says_more && (stub || table) {
            return (lines, true);
        }
    }
    (plain_lines(plain), false)
}

fn plain_lines(text: &str) -> Vec<Line> {
    text.split('\n').map(Line::plain).collect()
}

fn sections(lines: &[Line], parts: &[Part]) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for (line, &part) in lines.iter().zip(parts) {
        match sections.last_mut() {
            Some(section) if section.part == part => {
                section.text.push('\n');
                section.text.push_str(&line.text);
            }
            _ => sections.push(Section { part, text: line.text.clone() }),
        }
    }
    for section in &mut sections {
        let text = section.text.trim_end().trim_start_matches(['\n', '\r']);
        if text.len() != section.text.len() {
            section.text = text.to_string();
        }
    }
    sections.retain(|section| !section.text.trim().is_empty());
    sections
}

/// The texts of attached mails, as forwards.
fn attached(message: &Message, rules: &QuoteRules, left: &mut usize) -> Vec<Section> {
    let mut found = Vec::new();
    for file in message.attachments.iter().filter(|file| file.media_type == "message/rfc822") {
        if *left == 0 {
            break;
        }
        *left -= 1;
        let inner = Message::parse(&file.content);
        let (lines, _) = body(&inner, rules);
        let lines: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        let text = format!("Subject: {}\n\n{}", inner.subject, lines.join("\n").trim());
        found.push(Section { part: Part::Forward, text: text.trim().to_string() });
        found.extend(attached(&inner, rules, left));
    }
    found
}

#[cfg(test)]
#[path = "text/tests.rs"]
mod tests;
