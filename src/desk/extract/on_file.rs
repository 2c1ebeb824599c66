//! The contracts on file as a dictionary of numbers.

use std::collections::{HashMap, HashSet};

use crate::desk::contract::{Contract, look_up_key};

/// The numbers of the contracts on file that a mail may name.
#[derive(Clone, Debug, Default)]
pub struct OnFile {
    by_key: HashMap<String, Vec<Entry>>,
    nips: HashSet<String>,
}

/// What kind of number an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EntryKind {
    Serial,
    Contract,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    kind: EntryKind,
    value: String,
}

/// An entry that a written number stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Match {
    pub(super) kind: EntryKind,
    /// As on file.
    pub(super) value: String,
    pub(super) how: How,
}

/// How well what was written fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// To the letter.
    Exact,
    /// But for dashes, slashes and dots.
    Dashes,
    /// But for letters and digits that look alike.
    LookAlike,
}

impl OnFile {
    /// The dictionary of these contracts: all of them, or those that the store gave for
    /// [`super::Pages::keys`].
    pub fn from<'a>(contracts: impl IntoIterator<Item = &'a Contract>) -> OnFile {
        let mut on_file = OnFile::default();
        for contract in contracts {
            on_file.add(EntryKind::Contract, &contract.number);
            for serial in &contract.serials {
                on_file.add(EntryKind::Serial, serial);
            }
            on_file.add_nip(&contract.nip);
        }
        on_file
    }

    /// Whether no serial or contract number is on file.
    pub(super) fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// Puts a customer's tax number on file.
    pub(super) fn add_nip(&mut self, nip: &str) {
        self.nips.insert(nip.to_string());
    }

    /// Puts a number, normalised, on file.
    pub(super) fn add(&mut self, kind: EntryKind, value: &str) {
        let entries = self.by_key.entry(look_up_key(value)).or_default();
        let entry = Entry { kind, value: value.to_string() };
        if !entries.contains(&entry) {
            entries.push(entry);
        }
    }

    /// The one entry that `value` (normalised) stands for; `None` where none or several fit.
    pub(super) fn find(&self, value: &str) -> Option<Match> {
        if self.is_empty() {
            return None;
        }
        let entries = self.by_key.get(&look_up_key(value))?;
        let only = |how: How, fits: &dyn Fn(&Entry) -> bool| {
            let mut fitting = entries.iter().filter(|entry| fits(entry));
            let first = fitting.next()?;
            let unique = how == How::Exact || fitting.next().is_none();
            unique.then(|| Match { kind: first.kind, value: first.value.clone(), how })
        };
        if let Some(exact) = only(How::Exact, &|entry| entry.value == value) {
            return Some(exact);
        }
        let bare = letters_and_digits(value);
        if entries.iter().any(|entry| letters_and_digits(&entry.value) == bare) {
            return only(How::Dashes, &|entry| letters_and_digits(&entry.value) == bare);
        }
        only(How::LookAlike, &|_| true)
    }

    /// The entries that `value` (normalised) may stand for, where there are several.
    pub(super) fn alike(&self, value: &str) -> Vec<&str> {
        match self.by_key.get(&look_up_key(value)) {
            Some(entries) if self.find(value).is_none() => entries.iter().map(|entry| entry.value.as_str()).collect(),
            _ => Vec::new(),
        }
    }

    /// True where a customer on file has this tax number.
    pub(super) fn has_nip(&self, nip: &str) -> bool {
        self.nips.contains(nip)
    }
}

fn letters_and_digits(value: &str) -> String {
    value.chars().filter(|c| c.is_alphanumeric()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_entry_fits_or_none() {
        let mut on_file = OnFile::default();
        for serial in ["1914Q-20688", "8472619", "B82471", "882471", "UM-12/5", "UM/12-5"] {
            on_file.add(EntryKind::Serial, serial);
        }
        let find = |value: &str| on_file.find(value).map(|found| (found.value, found.how));
        assert_eq!(find("1914Q-20688"), Some(("1914Q-20688".to_string(), How::Exact)));
        assert_eq!(find("1914Q20688"), Some(("1914Q-20688".to_string(), How::Dashes)));
        assert_eq!(find("I9I4Q-2O688"), Some(("1914Q-20688".to_string(), How::LookAlike)));
        assert_eq!(find("B82471"), Some(("B82471".to_string(), How::Exact)));
        assert_eq!(find("BB2471"), None, "two entries fit");
        assert_eq!(find("UM125"), None, "two entries fit but for the dash");
        assert_eq!(find("8472618"), None);
    }
}
