//! Reads the configuration file key by key, and goes on after a fault, so that the operator sees
//! all of them at once.

use std::cell::RefCell;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::TOP_LEVEL_KEYS;
use super::fault::Fault;

/// The faults found so far in one file.
pub(super) struct Notes<'a> {
    file: &'a str,
    text: &'a str,
    faults: RefCell<Vec<Fault>>,
}

impl<'a> Notes<'a> {
    /// No faults in `text` yet.
    pub(super) fn new(file: &'a str, text: &'a str) -> Notes<'a> {
        Notes { file, text, faults: RefCell::default() }
    }

    /// Notes a fault at this byte of the text.
    pub(super) fn fault(&self, offset: usize, key: &str, message: impl Into<String>) {
        let before = self.text.as_bytes().iter().take(offset);
        let line = 1 + before.filter(|&&byte| byte == b'\n').count();
        let (file, key, message) = (self.file.to_string(), key.to_string(), message.into());
        self.faults.borrow_mut().push(Fault { file, line, key, message });
    }

    /// Everything that was noted.
    pub(super) fn into_faults(self) -> Vec<Fault> {
        self.faults.into_inner()
    }
}

/// One table of the file.
pub(super) struct Section<'a> {
    notes: &'a Notes<'a>,
    /// `mailbox[0]`; empty for the top of the file.
    path: String,
    offset: usize,
    table: &'a DeTable<'a>,
    asked_for: RefCell<Vec<&'static str>>,
    refused: RefCell<Vec<&'static str>>,
}

impl<'a> Section<'a> {
    /// The top of the file.
    pub(super) fn top(notes: &'a Notes<'a>, table: &'a DeTable<'a>) -> Section<'a> {
        Section::new(notes, String::new(), 0, table)
    }

    /// Reads a key that may be missing. `None` also where its value is wrong, which is noted.
    pub(super) fn optional<T>(
        &self,
        key: &'static str,
        read: impl FnOnce(&DeValue<'a>) -> Result<T, String>,
    ) -> Option<T> {
        let value = self.value(key)?;
        read(value.get_ref()).map_err(|message| self.fault(key, message)).ok()
    }

    /// Reads a key that must be there; where it is missing, the fault shows `example`.
    pub(super) fn required<T>(
        &self,
        key: &'static str,
        example: &str,
        read: impl FnOnce(&DeValue<'a>) -> Result<T, String>,
    ) -> Option<T> {
        if !self.has(key) {
            self.fault(key, format!("is missing; write {key} = {example}"));
        }
        self.optional(key, read)
    }

    /// Reads a list of values, empty where the key is missing; each wrong value is noted.
    pub(super) fn list<T>(
        &self,
        key: &'static str,
        read: impl Fn(&DeValue<'a>) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        let value = self.value(key)?;
        let DeValue::Array(values) = value.get_ref() else {
            self.fault(key, "is not a list; write the values in brackets, with commas between them");
            return None;
        };
        let read_one = |(index, value): (usize, &Spanned<DeValue<'a>>)| {
            let name = format!("{}[{index}]", self.name(key));
            read(value.get_ref()).map_err(|message| self.notes.fault(value.span().start, &name, message)).ok()
        };
        Some(values.iter().enumerate().filter_map(read_one).collect())
    }

    /// The table of this name.
    pub(super) fn section(&self, key: &'static str) -> Option<Section<'a>> {
        let value = self.value(key)?;
        let DeValue::Table(table) = value.get_ref() else {
            self.fault(key, format!("is not a section; write [{key}] and its keys below"));
            return None;
        };
        Some(Section::new(self.notes, self.name(key), value.span().start, table))
    }

    /// The tables of this name, each with `[[name]]` above it.
    pub(super) fn sections(&self, key: &'static str) -> Vec<Section<'a>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let tables = match value.get_ref() {
            DeValue::Array(values) => values.iter().map(|value| (value.span(), value.get_ref().as_table())).collect(),
            _ => Vec::new(),
        };
        if tables.is_empty() || tables.iter().any(|(_, table)| table.is_none()) {
            self.fault(key, format!("is not a list of sections; write [[{key}]] in double brackets above each"));
        }
        let section = |(index, (span, table)): (usize, (std::ops::Range<usize>, Option<&'a DeTable<'a>>))| {
            let path = format!("{}[{index}]", self.name(key));
            Some(Section::new(self.notes, path, span.start, table?))
        };
        tables.into_iter().enumerate().filter_map(section).collect()
    }

    /// True where the key is written, whatever its value.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// The name of this section, `mailbox[0]`.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Notes a fault of a key of this section, at the key's line, or at the section's where the key
    /// is missing.
    pub(super) fn fault(&self, key: &str, message: impl Into<String>) {
        let offset = self.table.get_key_value(key).map_or(self.offset, |(key, _)| key.span().start);
        self.notes.fault(offset, &self.name(key), message);
    }

    /// Notes each of these keys that is written as not belonging here.
    pub(super) fn refuse(&self, keys: &[&'static str], message: &str) {
        for &key in keys {
            self.refused.borrow_mut().push(key);
            if self.has(key) {
                self.fault(key, message);
            }
        }
    }

    /// Notes every key that was never asked for: a slip of the pen would otherwise leave a default
    /// in force without a word.
    pub(super) fn finish(self) {
        let known = self.asked_for.borrow();
        for (key, _) in self.table {
            let key = key.get_ref().as_ref();
            if known.contains(&key) || self.refused.borrow().contains(&key) {
                continue;
            }
            let nearest = known.iter().map(|known| (distance(key, known), known)).min();
            let message = match nearest {
                Some((steps, known)) if steps * 3 <= known.len() => {
                    format!("is no key of this section; did you mean {known}?")
                }
                _ if TOP_LEVEL_KEYS.contains(&key) => {
                    "belongs at the top of the file, above the first [section]".to_string()
                }
                _ => format!("is no key of this section; there are {}", known.join(", ")),
            };
            self.fault(key, message);
        }
    }

    fn new(notes: &'a Notes<'a>, path: String, offset: usize, table: &'a DeTable<'a>) -> Section<'a> {
        Section { notes, path, offset, table, asked_for: RefCell::default(), refused: RefCell::default() }
    }

    fn value(&self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.asked_for.borrow_mut().push(key);
        self.table.get(key)
    }

    fn name(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_string() } else { format!("{}.{key}", self.path) }
    }
}

/// How many letters one must insert, take out or replace to come from one key to the other
/// (Levenshtein). Only the first letters of a long key count, which bounds the work.
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().take(40).collect(), to.chars().take(40).collect());
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, letter) in from.iter().enumerate() {
        let mut next = vec![index + 1];
        for ((other, above_left), above) in to.iter().zip(&row).zip(row.iter().skip(1)) {
            let left = next.last().copied().unwrap_or_default();
            next.push((above_left + usize::from(letter != other)).min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}
