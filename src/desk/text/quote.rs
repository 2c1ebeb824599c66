//! Where the earlier conversation and forwarded mails begin and end.

use super::Part;
use super::line::Line;
use super::rules::{Field, QuoteRules, Role};
use super::signature::Author;

/// The most lines that an attribution is wrapped over.
const MAX_ATTRIBUTION_LINES: usize = 4;
/// The longest attribution, in bytes of folded text.
const MAX_ATTRIBUTION: usize = 500;
/// The most lines of a block of header lines.
const MAX_BLOCK_LINES: usize = 40;
/// The most lines that one recipient list in such a block is wrapped over.
const MAX_WRAPPED_LINES: usize = 4;

/// Words of a line from which on it is one of a sentence.
const PROSE_WORDS: usize = 4;

/// What the header of the mail says about its text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'mail> {
    /// The subject says that this is a forward.
    pub(super) forward: bool,
    /// The subject says that this is a reply, or the header names the mail replied to.
    pub(super) reply: bool,
    /// Both do.
    pub(super) surely_reply: bool,
    /// The lines come from an HTML text in which a program marks quotes; people indent with the same element.
    pub(super) quotes: bool,
    /// Who signs.
    pub(super) author: &'mail Author,
}

/// Says of each line what it is: new, quoted or forwarded. Signatures come later.
pub(super) fn mark(lines: &[Line], context: Context, rules: &QuoteRules) -> Vec<Part> {
    let told = context.quotes || context.reply || context.forward;
    let marks_count = told || has_marked_prose(lines) || has_attributed_marks(lines, rules);
    let mut parts = vec![Part::Now; lines.len()];
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let next = if line.is_blank() {
            at + 1
        } else if rules.is(Role::Forward, &line.folded) && opens_region(lines, at) {
            let end = forward_end(lines, at, rules);
            fill(&mut parts, at, end, Part::Forward);
            end
        } else if let Some((block, end)) = opens_mail(lines, at, rules).filter(|_| opens_region(lines, at)) {
            let part = judge(lines, &parts, block, context, rules);
            fill(&mut parts, at, end, part);
            end
        } else if line.depth > 0 {
            if marks_count {
                fill(&mut parts, at, at + 1, Part::Quote);
            }
            at + 1
        } else {
            attributed(lines, at, &mut parts, context, rules).unwrap_or(at + 1)
        };
        at = next.max(at + 1);
    }
    blank_lines_join(lines, &mut parts);
    parts
}

/// True where the text above says nothing new: nothing, a salutation, a signature.
pub(super) fn says_nothing(lines: &[Line], parts: &[Part], author: &Author, rules: &QuoteRules) -> bool {
    let mut parts = parts.to_vec();
    super::signature::mark(lines, &mut parts, author, rules);
    let new = lines.iter().zip(&parts).filter(|(line, part)| **part == Part::Now && !line.is_blank());
    new.into_iter()
        .all(|(line, _)| rules.is(Role::Greeting, &line.folded) || !line.folded.contains(char::is_alphanumeric))
}

fn fill(parts: &mut [Part], from: usize, to: usize, part: Part) {
    let to = to.min(parts.len());
    if let Some(range) = parts.get_mut(from..to) {
        range.fill(part);
    }
}

/// True where a line is the first of its quote, or stands in none: a marker within a quote is part
/// of it.
fn opens_region(lines: &[Line], at: usize) -> bool {
    let Some(line) = lines.get(at) else { return false };
    let before = lines.get(..at).unwrap_or_default().iter().rev().find(|line| !line.is_blank());
    line.depth == 0 || before.is_none_or(|before| before.depth < line.depth)
}

/// The end of the quote that a line stands in; of the mail, where it stands in none.
fn region_end(lines: &[Line], at: usize) -> usize {
    let depth = lines.get(at).map_or(0, |line| line.depth);
    let rest = lines.get(at..).unwrap_or_default();
    rest.iter().position(|line| !line.is_blank() && line.depth < depth).map_or(lines.len(), |length| at + length)
}

fn forward_end(lines: &[Line], at: usize, rules: &QuoteRules) -> usize {
    let end = region_end(lines, at);
    let inside = lines.get(at + 1..end).unwrap_or_default();
    let closed = inside.iter().position(|line| rules.is(Role::ForwardEnd, &line.folded));
    closed.map_or(end, |length| at + length + 2)
}

/// The mail that is answered or passed on begins here, with a separator, a block of header lines or
/// both: gives the first line and the end.
fn opens_mail(lines: &[Line], at: usize, rules: &QuoteRules) -> Option<(usize, usize)> {
    let line = lines.get(at)?;
    let opens = if rules.is(Role::Original, &line.folded) {
        true
    } else if is_rule(&line.folded) {
        let below = (at + 1..lines.len()).find(|&index| lines.get(index).is_some_and(|line| !line.is_blank()))?;
        header_block(lines, below, 2, rules).is_some()
    } else {
        header_block(lines, at, 3, rules).is_some()
    };
    opens.then(|| (at, region_end(lines, at)))
}

/// A line of underscores, dashes or equals signs.
fn is_rule(folded: &str) -> bool {
    folded.len() >= 5 && folded.bytes().all(|b| matches!(b, b'_' | b'-' | b'=' | b'*'))
}

/// The end of a block of header lines that begins here and names the sender and at least `least`
/// fields in all.
fn header_block(lines: &[Line], at: usize, least: usize, rules: &QuoteRules) -> Option<usize> {
    let depth = lines.get(at)?.depth;
    rules.label(&lines.get(at)?.folded)?;
    let mut fields: Vec<Field> = Vec::new();
    let (mut end, mut blank, mut wrapped) = (at, 0, 0);
    for (index, line) in lines.iter().enumerate().skip(at).take(MAX_BLOCK_LINES) {
        if line.depth != depth {
            break;
        }
        if line.is_blank() {
            blank += 1;
            if blank > 1 {
                break;
            }
            continue;
        }
        match rules.label(&line.folded) {
            Some(field) => {
                if !fields.contains(&field) {
                    fields.push(field);
                }
                (end, blank, wrapped) = (index + 1, 0, 0);
            }
            // The rest of a long list of recipients.
            None if blank == 0 && wrapped < MAX_WRAPPED_LINES => wrapped += 1,
            None => break,
        }
    }
    (fields.contains(&Field::From) && fields.len() >= least).then_some(end)
}

/// A mail under a block of header lines is a forward where the subject says so or nothing new stands
/// above it, else a quote.
fn judge(lines: &[Line], parts: &[Part], at: usize, context: Context, rules: &QuoteRules) -> Part {
    if context.forward {
        return Part::Forward;
    }
    let above = (lines.get(..at).unwrap_or_default(), parts.get(..at).unwrap_or_default());
    if !context.surely_reply && says_nothing(above.0, above.1, context.author, rules) {
        Part::Forward
    } else {
        Part::Quote
    }
}

/// Marks an attribution and the quote below it; gives where to go on, `None` where there is none.
fn attributed(lines: &[Line], at: usize, parts: &mut [Part], context: Context, rules: &QuoteRules) -> Option<usize> {
    let (end, sure) = attribution(lines, at, context.reply, rules)?;
    let depth = lines.get(at)?.depth;
    let below = (end..lines.len()).find(|&index| lines.get(index).is_some_and(|line| !line.is_blank()));
    let Some(below) = below else {
        // Nothing is quoted: the program left the line standing.
        fill(parts, at, end, if sure { Part::Quote } else { Part::Now });
        return Some(end);
    };
    let first = lines.get(below)?;
    if first.depth > depth {
        fill(parts, at, end, Part::Quote);
        return Some(end);
    }
    // `In March Jan wrote:` at the top of a mail that answers none is the sender's own sentence.
    let named = lines.get(at..end).unwrap_or_default().iter().any(|line| line.folded.contains('@'));
    let loose = !named && !context.reply && !context.forward && !first.indented;
    if !sure || loose && says_nothing(lines.get(..at)?, parts.get(..at)?, context.author, rules) {
        return None;
    }
    if first.indented {
        let rest = lines.get(below..)?;
        let length = rest.iter().position(|line| !line.is_blank() && !line.indented).unwrap_or(rest.len());
        fill(parts, at, below + length, Part::Quote);
        return Some(below + length);
    }
    let part = judge(lines, parts, at, context, rules);
    fill(parts, at, lines.len(), part);
    Some(lines.len())
}

/// An attribution that begins here, wrapped or not: its end, and whether it is sure enough to cut
/// text that is not marked as quoted.
fn attribution(lines: &[Line], at: usize, answers: bool, rules: &QuoteRules) -> Option<(usize, bool)> {
    let depth = lines.get(at)?.depth;
    let mut joined = String::new();
    for (index, line) in lines.iter().enumerate().skip(at).take(MAX_ATTRIBUTION_LINES) {
        if line.is_blank() || line.depth != depth || joined.len() + line.folded.len() > MAX_ATTRIBUTION {
            return None;
        }
        if !joined.is_empty() {
            joined.push(' ');
        }
        joined.push_str(&line.folded);
        if !line.folded.ends_with(':') {
            continue;
        }
        if rules.is(Role::Attribution, &joined) {
            return Some((index + 1, true));
        }
        if answers && rules.is(Role::AttributionInAnswers, &joined) {
            return Some((index + 1, true));
        }
        if index == at && rules.is(Role::AttributionOverMarks, &joined) {
            return Some((index + 1, false));
        }
    }
    None
}

/// True where somebody is named over lines that begin with `>`: those are quotes then, and no prompt
/// of a console.
fn has_attributed_marks(lines: &[Line], rules: &QuoteRules) -> bool {
    (0..lines.len()).any(|at| {
        lines.get(at).is_some_and(|line| line.depth == 0 && !line.is_blank())
            && attribution(lines, at, false, rules).is_some_and(|(end, _)| {
                let below = lines.get(end..).unwrap_or_default().iter().find(|line| !line.is_blank());
                below.is_some_and(|line| line.depth > 0)
            })
    })
}

/// True where two marked lines, one below the other, are sentences: consoles show commands behind the same sign.
fn has_marked_prose(lines: &[Line]) -> bool {
    let is_prose = |line: &Line| {
        let words = line.folded.split_whitespace().filter(|word| word.bytes().all(|byte| byte.is_ascii_alphabetic()));
        line.depth > 0 && words.count() >= PROSE_WORDS
    };
    lines.windows(2).any(|pair| pair.iter().all(is_prose))
}

/// A blank line belongs to what stands above it.
fn blank_lines_join(lines: &[Line], parts: &mut [Part]) {
    let mut above = Part::Now;
    for (line, part) in lines.iter().zip(parts) {
        if line.is_blank() {
            *part = above;
        }
        above = *part;
    }
}
