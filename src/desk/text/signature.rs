//! Signatures, disclaimers and what programs add, within the new text.

use super::Part;
use super::line::Line;
use super::rules::{QuoteRules, Role};
use crate::desk::fold::fold;

/// The most lines of a signature under `-- `; what is longer is text.
const MAX_DELIMITED: usize = 25;
/// The most lines of a signature that nothing but a close or a name announces.
const MAX_UNMARKED: usize = 14;

/// Who writes, as far as the header names them: a line with that name alone opens the signature.
#[derive(Clone, Debug, Default)]
pub(super) struct Author {
    words: Vec<String>,
    initials: String,
    address: String,
}

impl Author {
    /// Takes the display name and the address of the sender.
    pub(super) fn new(name: &str, address: &str) -> Author {
        let split = |text: &str| -> Vec<String> {
            let folded = fold(text);
            folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_string).collect()
        };
        let local = address.split('@').next().unwrap_or_default();
        let mut words = split(name);
        let initials = words.iter().filter_map(|word| word.chars().next()).collect();
        words.extend(split(local).into_iter().filter(|word| word.len() > 2));
        Author { words, initials, address: fold(address) }
    }

    fn is_named(&self, folded: &str) -> bool {
        if !self.address.is_empty() && folded.contains(&self.address) {
            return true;
        }
        let words: Vec<&str> = folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        if words.is_empty() || words.len() > 4 {
            return false;
        }
        let full = words.iter().any(|word| word.chars().count() > 2);
        let known = |word: &&str| {
            let initial = word.chars().count() == 1 && self.words.iter().any(|own| own.starts_with(*word));
            initial || self.words.iter().any(|own| own == word)
        };
        let initials: String = words.concat();
        full && words.iter().all(known) || initials.len() > 1 && initials == self.initials
    }
}

/// Sets signatures and boilerplate apart in the runs of lines that are new.
pub(super) fn mark(lines: &[Line], parts: &mut [Part], author: &Author, rules: &QuoteRules) {
    let mut at = 0;
    while at < parts.len() {
        let is_new = |index: usize| parts.get(index) == Some(&Part::Now);
        if !is_new(at) {
            at += 1;
            continue;
        }
        let end = (at..parts.len()).find(|&index| !is_new(index)).unwrap_or(parts.len());
        if let (Some(lines), Some(parts)) = (lines.get(at..end), parts.get_mut(at..end)) {
            Run { lines, author, rules }.mark(parts);
        }
        at = end;
    }
}

struct Run<'mail> {
    lines: &'mail [Line],
    author: &'mail Author,
    rules: &'mail QuoteRules,
}

impl Run<'_> {
    fn mark(&self, parts: &mut [Part]) {
        self.mark_elements(parts);
        self.mark_boilerplate(parts);
        if !self.mark_delimited(parts) {
            self.mark_closed(parts);
            self.mark_tail(parts);
        }
    }

    fn line(&self, at: usize) -> &str {
        self.lines.get(at).map_or("", |line| line.folded.as_str())
    }

    fn is(&self, role: Role, at: usize) -> bool {
        self.rules.is(role, self.line(at))
    }

    /// Lines in elements that a mail program made for the signature.
    fn mark_elements(&self, parts: &mut [Part]) {
        for (line, part) in self.lines.iter().zip(parts) {
            if line.signature {
                *part = Part::Signature;
            }
        }
    }

    fn mark_boilerplate(&self, parts: &mut [Part]) {
        let mut at = 0;
        while at < self.lines.len() {
            if self.line(at).is_empty() {
                at += 1;
            } else if self.is(Role::Rest, at) {
                return set(parts, at, self.lines.len(), Part::Boilerplate);
            } else if self.is(Role::Disclaimer, at) {
                let end = self.paragraph_end(at);
                set(parts, at, end, Part::Boilerplate);
                let above = parts.get(..at).unwrap_or_default().iter().enumerate();
                let text_above =
                    above.into_iter().any(|(index, part)| *part == Part::Now && !self.line(index).is_empty());
                if text_above {
                    // Below a legal text stand more of them, in other languages.
                    self.mark_legal_rest(end, parts);
                }
                at = end;
            } else if self.is(Role::Banner, at) {
                let mut end = at + 1;
                while self.is_wrapped(end - 1) && !self.line(end).is_empty() {
                    end += 1;
                }
                set(parts, at, end, Part::Boilerplate);
                at = end;
            } else {
                at += 1;
            }
        }
    }

    fn mark_legal_rest(&self, from: usize, parts: &mut [Part]) {
        let mut at = from;
        while at < self.lines.len() {
            let end = self.paragraph_end(at).max(at + 1);
            let has_content = (at..end).any(|index| self.is(Role::Content, index) || self.is(Role::Greeting, index));
            if !has_content {
                set(parts, at, end, Part::Boilerplate);
            }
            at = end;
        }
    }

    /// A long line without a full stop goes on in the next one.
    fn is_wrapped(&self, at: usize) -> bool {
        let line = self.line(at);
        line.len() >= 50 && !line.ends_with(['.', '!', '?', ':', ']'])
    }

    fn paragraph_end(&self, at: usize) -> usize {
        (at..self.lines.len()).find(|&index| self.line(index).is_empty()).unwrap_or(self.lines.len())
    }

    /// Below `-- ` (RFC 3676 section 4.3), also without its blank; below a line of dashes or underscores
    /// only where all is like a signature.
    fn mark_delimited(&self, parts: &mut [Part]) -> bool {
        for at in 0..self.lines.len() {
            let line = self.line(at);
            let delimiter = line == "--";
            let ruler = line.len() >= 3 && line.bytes().all(|b| matches!(b, b'-' | b'_' | b'*' | b'='));
            if !delimiter && !ruler || !is_new(parts, at) {
                continue;
            }
            let below = at + 1..self.lines.len();
            let count = below.clone().filter(|&index| !self.line(index).is_empty()).count();
            let fits = if delimiter {
                count <= MAX_DELIMITED && !below.clone().any(|index| self.is(Role::Content, index))
            } else {
                // A ruler parts a table or a section as well: below it stand contact data, or the sender's name.
                let signs = |index| self.is(Role::Contact, index) || self.author.is_named(self.line(index));
                count <= MAX_UNMARKED
                    && below.clone().any(signs)
                    && below.clone().all(|index| self.is_plausible(index, parts))
            };
            if fits {
                set(parts, at, self.lines.len(), Part::Signature);
                return true;
            }
        }
        false
    }

    /// Below a complimentary close, as far as the lines are like a signature.
    fn mark_closed(&self, parts: &mut [Part]) {
        let mut at = 0;
        while at < self.lines.len() {
            if is_new(parts, at) && self.is(Role::Closing, at) {
                let mut end = at + 1;
                while end < self.lines.len() && end - at <= MAX_UNMARKED && self.is_plausible(end, parts) {
                    end += 1;
                }
                set(parts, at, end, Part::Signature);
                at = end;
            } else {
                at += 1;
            }
        }
    }

    /// At the end, from the sender's own name on, or from company data on that stand apart.
    fn mark_tail(&self, parts: &mut [Part]) {
        let last = (0..self.lines.len()).rev().find(|&at| is_new(parts, at) && !self.line(at).is_empty());
        let Some(last) = last else { return };
        let mut start = last + 1;
        let mut opens = None;
        let mut contacts = 0;
        while let Some(at) = start.checked_sub(1) {
            if !is_new(parts, at) || !self.is_plausible(at, parts) || last - at >= MAX_UNMARKED {
                break;
            }
            start = at;
            if self.line(at).is_empty() {
                continue;
            }
            contacts += usize::from(self.is(Role::Contact, at));
            let named = self.author.is_named(self.line(at));
            let stands_apart = at == 0 || self.line(at - 1).is_empty();
            if named || contacts > 1 && stands_apart && at > 0 {
                opens = Some(at);
            }
        }
        if let Some(at) = opens {
            set(parts, at, last + 1, Part::Signature);
        }
    }

    /// True for a line that may stand in a signature: contact data, or a few words that are no sentence.
    fn is_plausible(&self, at: usize, parts: &[Part]) -> bool {
        if !is_new(parts, at) {
            return true;
        }
        let line = self.line(at);
        if line.is_empty() {
            return true;
        }
        if self.is(Role::Content, at) || is_bare_number(line) {
            return false;
        }
        let words = line.split_whitespace().count();
        let sentence = line.ends_with(['?', '!']) || line.ends_with(['.', ',', ':', ';']) && words >= 5;
        self.is(Role::Contact, at) || words <= 8 && line.len() <= 80 && !sentence
    }
}

fn is_new(parts: &[Part], at: usize) -> bool {
    parts.get(at) == Some(&Part::Now)
}

/// Marks the lines that are still new.
fn set(parts: &mut [Part], from: usize, to: usize, part: Part) {
    let to = to.min(parts.len());
    for place in parts.get_mut(from..to).unwrap_or_default() {
        if *place == Part::Now {
            *place = part;
        }
    }
}

/// One word with digits, as a serial or contract number stands on a line of its own; no telephone number,
/// which is written in groups or with a plus sign.
fn is_bare_number(line: &str) -> bool {
    let digits = line.bytes().filter(u8::is_ascii_digit).count();
    line.len() >= 6 && digits >= 2 && !line.contains(['@', ' ', '+', '.']) && !(digits == 9 && line.len() == 9)
}
