//! What each value of a text is, by its ties, its form and the contracts on file.

use std::collections::HashSet;

use super::check_digit::is_nip;
use super::on_file::{EntryKind, How as Fit, OnFile};
use super::page::Page;
use super::relate::{Closeness, How, Tie, ties};
use super::rules::{Beside, Kind, Label, NumberRules, Shape};
use super::scan::{Item, Scan, Value, What};
use super::{Found, Mended, Numbers, Place, Section, Strength};
use crate::desk::ticket::NumberKind;

mod finds;

use finds::Finds;

/// Rule id of what was found because it is on file.
const ON_FILE: &str = "on-file";

/// Rule id of what was found because a bar code holds little else.
const BARCODE: &str = "barcode";

/// Rule id of a number that may be meant.
const BARE: &str = "bare-number";

/// Digits from which on a bare number on file is hardly a chance: a small one is a room or a year.
const BARE_DIGITS_MIN: usize = 6;

/// How far into its line a number stands at most that a line's beginning is asked about.
const LINE_HEAD_MAX: usize = 160;

/// Finds the numbers of all pages.
pub(super) fn judge(pages: &[Page], on_file: &OnFile, rules: &NumberRules) -> Numbers {
    let contexts: HashSet<(Kind, &str)> = pages
        .iter()
        .flat_map(|page| &page.contexts)
        .filter_map(|(kind, at)| {
            let shapes = if *kind == Kind::Serial { &rules.serial_shapes } else { &rules.contract_shapes };
            Some((*kind, shapes.rules.get(*at)?.id.as_str()))
        })
        .collect();
    let mut finds = Finds::default();
    let mut order = 0;
    for page in pages {
        let scan = Scan::new(page, rules, on_file);
        for (at, tie) in ties(&scan, rules).into_iter().enumerate() {
            order += 1;
            let Some((item, value, section)) = parts(&scan, at) else { continue };
            let judge = Judge { scan: &scan, section, contexts: &contexts, on_file, rules };
            let verdict = judge.verdict(at, value, tie);
            finds.add(verdict, (at, order), value, &judge, item);
        }
    }
    finds.numbers()
}

fn parts<'s, 'a>(scan: &'s Scan<'a>, at: usize) -> Option<(&'s Item<'a>, &'s Value<'a>, &'a Section)> {
    let item = scan.items.get(at)?;
    Some((item, scan.value(at)?, scan.page.section(item.start)?))
}

/// Why a value is what it is.
struct Reason {
    rule: String,
    evidence: String,
    strength: Strength,
}

enum Verdict {
    Is(NumberKind, Reason),
    /// Nothing says so, but it could be one of these.
    MayBe(Vec<NumberKind>, Reason),
    Refused(String),
    Nothing,
}

struct Judge<'s, 'a> {
    scan: &'s Scan<'a>,
    section: &'s Section,
    contexts: &'s HashSet<(Kind, &'s str)>,
    on_file: &'s OnFile,
    rules: &'s NumberRules,
}

impl Judge<'_, '_> {
    fn verdict(&self, at: usize, value: &Value, tie: Option<Tie>) -> Verdict {
        let label = tie.and_then(|tie| match self.scan.items.get(tie.label)?.what {
            What::Label(label) => self.rules.labels.get(label).map(|label| (tie, label)),
            _ => None,
        });
        let kind = label.map(|(_, label)| label.kind);
        if let Some(verdict) = self.by_file(value, label.map(|(_, label)| label)) {
            return verdict;
        }
        if let Some(span) = value.span.filter(|span| span.firm) {
            return Verdict::Refused(span.id.clone());
        }
        // A label next to a number that can only be of the other kind was meant for another one.
        let serial_alone = value.serial_shape.filter(|shape| shape.alone && value.contract_shape.is_none());
        let contract_alone = value.contract_shape.filter(|shape| shape.alone && value.serial_shape.is_none());
        match (kind, label) {
            (Some(Kind::Serial), Some(label)) if contract_alone.is_none() => {
                self.labelled(NumberKind::Serial, label, value)
            }
            (Some(Kind::Contract), Some(label)) if serial_alone.is_none() => {
                self.labelled(NumberKind::Contract, label, value)
            }
            (Some(Kind::Tax), Some(label)) => self.labelled(NumberKind::Nip, label, value),
            _ => {
                if let Some(shape) = serial_alone {
                    return by_shape(NumberKind::Serial, shape);
                }
                // "zamówienie H-2026-00118" is the customer's own.
                if let Some(shape) = contract_alone.filter(|_| kind != Some(Kind::Decoy)) {
                    return by_shape(NumberKind::Contract, shape);
                }
                if let Some((_, label)) = label {
                    return Verdict::Refused(label.id.clone());
                }
                if let Some(span) = value.span {
                    return Verdict::Refused(span.id.clone());
                }
                self.unlabelled(value, at)
            }
        }
    }

    /// A number on file is what the file says, unless it is plain digits that the mail calls
    /// something else, or has to be mended without anything that speaks for it.
    fn by_file(&self, value: &Value, label: Option<&Label>) -> Option<Verdict> {
        let weak = label.is_some_and(|label| label.weak);
        let label = label.map(|label| label.kind);
        let nip = nip_digits(&value.normal);
        if value.on_file.is_none()
            && label != Some(Kind::Serial)
            && self.on_file.has_nip(&nip)
            && let Some(shape) = self.rules.tax_shape(&value.normal)
        {
            let reason = Reason { rule: shape.id.clone(), evidence: "on file".to_string(), strength: Strength::OnFile };
            return Some(Verdict::Is(NumberKind::Nip, reason));
        }
        let entry = value.on_file.as_ref()?;
        let kind = match entry.kind {
            EntryKind::Serial => NumberKind::Serial,
            EntryKind::Contract => NumberKind::Contract,
        };
        let claimed = matches!(label, Some(Kind::Serial | Kind::Contract));
        let digits_only = value.letters == 0;
        // A word such as "zgłoszenie" or "log" is no name for a number that is on file to the letter.
        let meant = weak && entry.how == Fit::Exact && value.digits > BARE_DIGITS_MIN;
        let called = matches!(label, Some(Kind::Decoy | Kind::Tax)) && !meant;
        let elsewhere = called || value.span.is_some() || !self.section.bare;
        let small = value.digits < BARE_DIGITS_MIN;
        let doubtful = entry.how == Fit::LookAlike && (digits_only || value.span.is_some_and(|span| span.firm));
        if !claimed && (digits_only && (elsewhere || small) || doubtful) {
            return None;
        }
        let evidence = match entry.how {
            Fit::Exact => "on file".to_string(),
            Fit::Dashes => format!("on file, mended from {}: dashes", value.normal),
            Fit::LookAlike => format!("on file, mended from {}: letters and digits that look alike", value.normal),
        };
        Some(Verdict::Is(kind, Reason { rule: ON_FILE.to_string(), evidence, strength: Strength::OnFile }))
    }

    fn labelled(&self, kind: NumberKind, (tie, label): (Tie, &Label), value: &Value) -> Verdict {
        let shape = match kind {
            NumberKind::Serial => value.serial_shape,
            NumberKind::Contract => value.contract_shape,
            NumberKind::Nip => None,
        };
        let surely = tie.closeness == Closeness::Beside || shape.is_some();
        let strength = if surely { Strength::Labelled } else { Strength::Told };
        let evidence = self.label_evidence(tie, value, kind, shape);
        Verdict::Is(kind, Reason { rule: label.id.clone(), evidence, strength })
    }

    fn unlabelled(&self, value: &Value, at: usize) -> Verdict {
        let nip = nip_digits(&value.normal);
        if let Some(shape) = self.rules.tax_shape(&value.normal).filter(|shape| shape.alone && is_nip(&nip)) {
            let evidence = format!("looks like {}, and the check digit fits", shape.of);
            let reason = Reason { rule: shape.id.clone(), evidence, strength: Strength::Shaped };
            return Verdict::Is(NumberKind::Nip, reason);
        }
        if !self.section.bare {
            return Verdict::Nothing;
        }
        let shapes = [
            (NumberKind::Contract, Kind::Contract, value.contract_shape),
            (NumberKind::Serial, Kind::Serial, value.serial_shape),
        ];
        for (kind, of, shape) in shapes {
            let Some(shape) = shape else { continue };
            let meant = self.contexts.contains(&(of, shape.id.as_str()));
            if shape.alone || meant || self.is_code() {
                return by_shape(kind, shape);
            }
        }
        if let Some((rule, word)) = self.beside(value, at) {
            let evidence = format!("right behind “{word}”");
            let reason = Reason { rule: rule.id.clone(), evidence, strength: Strength::Told };
            return Verdict::Is(NumberKind::Serial, reason);
        }
        let size = value.digits + value.letters;
        if self.is_code() && (6..=20).contains(&size) && (value.letters == 0 || value.digits >= 3) {
            let evidence = "the bar code holds nothing else".to_string();
            let reason = Reason { rule: BARCODE.to_string(), evidence, strength: Strength::Bare };
            return Verdict::Is(NumberKind::Serial, reason);
        }
        self.candidate(value)
    }

    /// The rule by which the value's line tells of a part of a device.
    fn part(&self, item: &Item) -> Option<&str> {
        let before = self.scan.page.folded.slice(item.start.saturating_sub(LINE_HEAD_MAX), item.start);
        let head = match before.rsplit_once('\n') {
            Some((_, head)) => head,
            None if item.start <= LINE_HEAD_MAX => before,
            None => return None,
        };
        let head = head.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
        let begins = |line: &String| {
            head.strip_prefix(line.as_str()).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphabetic()))
        };
        self.rules.parts.iter().find(|part| part.lines.iter().any(begins)).map(|part| part.id.as_str())
    }

    /// True where a word such as "nr" stands right before the value.
    fn is_numbered(&self, at: usize) -> bool {
        let Some(before) = at.checked_sub(1) else { return false };
        let between = self.scan.between(before, at);
        let beside = between.len() <= 3 && !between.contains(['\n', ',', ';']);
        beside && self.rules.between.number_words.iter().any(|word| word == self.scan.text(before))
    }

    /// The rule and the word that a bare number of digits stands right behind.
    fn beside(&self, value: &Value, at: usize) -> Option<(&Beside, &str)> {
        let parted = |left: usize| {
            let between = self.scan.between(left, left + 1);
            between.len() <= 3 && between.bytes().all(|byte| matches!(byte, b' ' | b'-' | b':' | b'"' | b'('))
        };
        let mut before = at.checked_sub(1).filter(|before| parted(*before))?;
        // "macierz B - 8606068", "serwer 2: 8606068".
        if self.scan.text(before).len() <= 2 {
            before = before.checked_sub(1).filter(|before| parted(*before))?;
        }
        let text = self.scan.text(before);
        let is_number = |rule: &Beside| value.letters == 0 && value.digits >= rule.digits_from;
        let is_meant = |rule: &&Beside| {
            (is_number(rule) || value.serial_shape.is_some()) && rule.words.iter().any(|word| word == text)
        };
        self.rules.beside.iter().find(is_meant).map(|rule| (rule, text))
    }

    /// What could be meant, for the engineers to see.
    fn candidate(&self, value: &Value) -> Verdict {
        for (kind, shape) in [(NumberKind::Contract, value.contract_shape), (NumberKind::Serial, value.serial_shape)] {
            if let Some(shape) = shape {
                let evidence = format!("looks like {}, but the mail has no word that goes with it", shape.of);
                let reason = Reason { rule: shape.id.clone(), evidence, strength: Strength::Shaped };
                return Verdict::MayBe(vec![kind], reason);
            }
        }
        let size = value.digits + value.letters;
        let is_number = (5..=30).contains(&size) && value.digits >= 3;
        if !is_number {
            return Verdict::Nothing;
        }
        let on_file = self.on_file.alike(&value.normal);
        let mut evidence = "a bare number".to_string();
        if !on_file.is_empty() {
            evidence.push_str(&format!(", like {} on file", on_file.join(", ")));
        }
        let kinds = if size >= 7 { vec![NumberKind::Serial] } else { Vec::new() };
        Verdict::MayBe(kinds, Reason { rule: BARE.to_string(), evidence, strength: Strength::Bare })
    }

    /// True in a bar code that is one bare number.
    fn is_code(&self) -> bool {
        self.section.place == Place::Barcode && self.scan.items.len() == 1
    }

    fn label_evidence(&self, tie: Tie, value: &Value, kind: NumberKind, shape: Option<&Shape>) -> String {
        let label = self.scan.items.get(tie.label).map_or("", |item| self.scan.page.written(item.start, item.end));
        let label = label.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut evidence = match tie.how {
            How::After => format!("after “{label}”"),
            How::Before => format!("before “{label}”"),
            How::Column => format!("in the column “{label}”"),
            How::List => format!("in the list after “{label}”"),
        };
        if kind == NumberKind::Nip && !is_nip(&nip_digits(&value.normal)) {
            evidence.push_str(", but the check digit does not fit");
        }
        if let Some(shape) = shape {
            evidence.push_str(&format!(", looks like {}", shape.of));
        }
        let on_file = self.on_file.alike(&value.normal);
        if !on_file.is_empty() {
            evidence.push_str(&format!(", could be {} on file", on_file.join(" or ")));
        }
        evidence
    }

    /// "9988776 albo 9988777": whether the value stands on either side of such a word.
    fn is_alternative(&self, at: usize) -> bool {
        let joined = |word: usize, other: usize| {
            let is_or = self.rules.between.alternatives.iter().any(|or| or == self.scan.text(word));
            let blank = |left: usize| self.scan.between(left, left + 1).bytes().all(|byte| matches!(byte, b' ' | b','));
            is_or && self.scan.value(other).is_some() && blank(word.min(other)) && blank(word.max(other) - 1)
        };
        joined(at + 1, at + 2) || at.checked_sub(2).is_some_and(|other| joined(at - 1, other))
    }

    fn found(&self, at: usize, value: &Value, kind: Option<NumberKind>, reason: Reason) -> Option<Found> {
        let item = self.scan.items.get(at)?;
        let by_file = reason.strength == Strength::OnFile && kind != Some(NumberKind::Nip);
        let entry = value.on_file.as_ref().filter(|_| by_file);
        let on_file = match kind {
            Some(NumberKind::Nip) => self.on_file.has_nip(&nip_digits(&value.normal)),
            _ => entry.is_some(),
        };
        Some(Found {
            value: match (kind, entry) {
                (Some(NumberKind::Nip), _) => nip_digits(&value.normal),
                (_, Some(entry)) => entry.value.clone(),
                (_, None) => value.normal.clone(),
            },
            written: self.scan.page.written(item.start, item.end).to_string(),
            place: self.section.place,
            spot: self.scan.page.spot(item.start, item.end),
            rule: reason.rule,
            evidence: reason.evidence,
            strength: reason.strength,
            on_file,
            mended: entry.and_then(|entry| match entry.how {
                Fit::Exact => None,
                Fit::Dashes => Some(Mended::Dashes),
                Fit::LookAlike => Some(Mended::LookAlike),
            }),
            alternative: self.is_alternative(at),
        })
    }
}

fn by_shape(kind: NumberKind, shape: &Shape) -> Verdict {
    let evidence = format!("looks like {}", shape.of);
    Verdict::Is(kind, Reason { rule: shape.id.clone(), evidence, strength: Strength::Shaped })
}

/// The digits of a tax number without `PL`, blanks and dashes.
fn nip_digits(normal: &str) -> String {
    normal.chars().filter(char::is_ascii_digit).collect()
}
