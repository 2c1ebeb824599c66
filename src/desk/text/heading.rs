//! Blocks of header lines above a mail that is answered or passed on: who wrote it, and about what.

use super::line::Line;
use super::rules::{Field, QuoteRules, Role};
use crate::desk::message::Address;

/// The most lines of such a block, blank ones included.
const MAX_BLOCK: usize = 30;
/// The longest label, in characters.
const MAX_LABEL: usize = 40;
/// The most lines that one value is wrapped over.
const MAX_WRAPPED: usize = 3;

/// What stands above a mail that is answered or passed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heading {
    /// Who wrote it; `None` where only a name stands there.
    pub from: Option<Address>,
    /// Its subject.
    pub subject: Option<String>,
    /// What stands below the block, to the end of the mail.
    pub text: String,
}

/// Every block, from the top.
pub(super) fn headings(lines: &[Line], rules: &QuoteRules) -> Vec<Heading> {
    let mut headings = Vec::new();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let marked = rules.is(Role::Forward, &line.folded) || rules.is(Role::Original, &line.folded);
        let in_one_line = if marked { fields_in(&line.text, rules) } else { Vec::new() };
        let found = match in_one_line.is_empty() {
            // Yahoo writes the marker and all fields in one line.
            false => Some((in_one_line, at + 1)),
            true => block(lines, at, rules)
                .map(|(fields, end)| (fields.into_iter().map(|(field, value, _)| (field, value)).collect(), end)),
        };
        let link = link_of_sender(lines, at, rules);
        match found {
            Some((fields, end)) => {
                headings.push(heading(&fields, link, lines.get(end..).unwrap_or_default(), rules));
                at = end;
            }
            None => at += 1,
        }
    }
    headings
}

fn heading(fields: &[(Field, String)], link: Option<Address>, below: &[Line], rules: &QuoteRules) -> Heading {
    let value = |wanted: Field| fields.iter().find(|(field, _)| *field == wanted).map(|(_, value)| value.clone());
    let from = value(Field::From).and_then(|value| {
        let name = name(&value);
        address(&value)
            .map(|address| Address { name: name.clone(), address })
            .or(link.map(|link| Address { name, ..link }))
    });
    let end = below.iter().position(|line| rules.is(Role::ForwardEnd, &line.folded)).unwrap_or(below.len());
    let text: Vec<&str> = below.iter().take(end).map(|line| line.text.trim_start_matches(['>', ' '])).collect();
    Heading { from, subject: value(Field::Subject), text: text.join("\n").trim().to_string() }
}

/// A field of a block, its value, and its line.
type Told = (Field, String, usize);

/// The fields of a block that begins here, and where it ends: the sender and at least one more.
fn block(lines: &[Line], at: usize, rules: &QuoteRules) -> Option<(Vec<Told>, usize)> {
    rules.label(&lines.get(at)?.folded)?;
    let mut fields: Vec<Told> = Vec::new();
    let (mut end, mut blank, mut wrapped) = (at, 0, 0);
    for (index, line) in lines.iter().enumerate().skip(at).take(MAX_BLOCK) {
        if line.is_blank() {
            blank += 1;
            if blank > 1 {
                break;
            }
            continue;
        }
        match rules.label(&line.folded) {
            Some(field) => {
                fields.push((field, value_of(&line.text), index));
                (end, blank, wrapped) = (index + 1, 0, 0);
            }
            None if blank == 0 && wrapped < MAX_WRAPPED => {
                wrapped += 1;
                if let Some((field, value, _)) = fields.last_mut()
                    && (value.is_empty() || *field == Field::From && !value.contains('@'))
                {
                    // The value stands in the line below its label.
                    value.push(' ');
                    value.push_str(line.text.trim_start_matches(['>', ' ', '|', '*']).trim());
                    end = index + 1;
                }
            }
            None => break,
        }
    }
    let names = |wanted: Field| fields.iter().any(|(field, ..)| *field == wanted);
    let known = [Field::From, Field::Date, Field::To, Field::Subject];
    let count = known.into_iter().filter(|field| names(*field)).count();
    (names(Field::From) && count >= 2).then_some((fields, end))
}

fn value_of(text: &str) -> String {
    let value = text.split_once([':', '：']).map_or("", |(_, value)| value);
    value.trim_matches(|c: char| c.is_whitespace() || "*|_".contains(c)).to_string()
}

/// The address behind the sender's name, where a link alone says it.
fn link_of_sender(lines: &[Line], at: usize, rules: &QuoteRules) -> Option<Address> {
    let (fields, _) = block(lines, at, rules)?;
    let (.., index) = fields.iter().find(|(field, ..)| *field == Field::From)?;
    let mut pieces = lines.get(*index)?.look.all_pieces();
    let target = pieces.find_map(|piece| piece.style.link.as_deref()?.strip_prefix("mailto:"))?;
    address(target).map(|address| Address { name: String::new(), address })
}

/// Labels and values in one line: `Od: Jan <jan@x.example>Do: …Temat: …`.
fn fields_in(text: &str, rules: &QuoteRules) -> Vec<(Field, String)> {
    // Nothing may stand between one value and the next label but the label's capital.
    let starts = text.char_indices().filter(|(_, c)| c.is_uppercase()).map(|(at, _)| at);
    let labelled = starts.filter_map(|at| {
        let rest = text.get(at..)?;
        let (colon, _) = rest.char_indices().take(MAX_LABEL).find(|(_, c)| *c == ':')?;
        let label = rest.get(..=colon)?;
        let field = rules.label(&crate::desk::fold::fold(label)).filter(|_| label.split_whitespace().count() <= 2)?;
        Some((at, at + label.len(), field))
    });
    let labelled: Vec<(usize, usize, Field)> = labelled.collect();
    let ends = labelled.iter().skip(1).map(|(at, ..)| *at).chain([text.len()]);
    let fields = labelled.iter().zip(ends);
    let fields: Vec<(Field, String)> =
        fields.filter_map(|((_, from, field), to)| Some((*field, text.get(*from..to)?.trim().to_string()))).collect();
    let has_sender = fields.iter().any(|(field, value)| *field == Field::From && value.contains('@'));
    if has_sender { fields } else { Vec::new() }
}

/// The first address in a value: `Jan <jan@x.example>`, `Jan [mailto:jan@x.example]`, `jan@x.example`.
fn address(value: &str) -> Option<String> {
    let words = value.split(|c: char| c.is_whitespace() || "<>[]()\"',;?".contains(c));
    let words = words.map(|word| word.strip_prefix("mailto:").unwrap_or(word).trim_matches(['.', ':']));
    let address = words.into_iter().find(|word| {
        word.split_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.') && !domain.contains('@'))
    })?;
    Some(address.to_lowercase())
}

/// What stands before the address.
fn name(value: &str) -> String {
    let name = value.split(['<', '[', '(']).next().unwrap_or_default();
    let name = name.trim().trim_matches(['"', '\'', '„', '”']).trim();
    if name.contains('@') { String::new() } else { name.to_string() }
}
