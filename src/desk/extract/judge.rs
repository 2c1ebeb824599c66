//! What each value of a text is, by its ties, its form and the contracts on file.

use super::check_digit::is_nip;
use super::on_file::{EntryKind, How as Fit, OnFile};
use super::relate::{How, Tie, ties};
use super::rules::{Kind, NumberRules, Shape};
use super::scan::{Item, Scan, Value, What};
use super::{FOUND_MAX, Found, Numbers, Place, Refused, Source};

/// Rule id of what was found because it is on file.
const ON_FILE: &str = "on-file";

/// Rule id of what was found because a bar code holds little else.
const BARCODE: &str = "barcode";

/// Which shapes have a word of their vendor somewhere in the mail.
pub(super) struct Context(Vec<String>);

impl Context {
    /// Looks through all words of the mail.
    pub(super) fn of<'s, 'a: 's>(scans: impl Iterator<Item = &'s Scan<'a>>, rules: &NumberRules) -> Context {
        let shapes = rules.serial_shapes.rules.iter().chain(&rules.contract_shapes.rules);
        let mut open: Vec<&Shape> = shapes.filter(|shape| !shape.context.is_empty()).collect();
        let mut met = Vec::new();
        for scan in scans {
            for item in &scan.items {
                if open.is_empty() {
                    break;
                }
                let text = scan.folded.slice(item.start, item.end);
                let words = text.split(|c: char| !c.is_ascii_alphanumeric());
                open.retain(|shape| {
                    let meets =
                        words.clone().any(|word| shape.context.iter().any(|begin| word.starts_with(begin.as_str())));
                    if meets {
                        met.push(shape.id.clone());
                    }
                    !meets
                });
            }
        }
        Context(met)
    }

    fn is_enough(&self, shape: &Shape) -> bool {
        shape.alone || self.0.contains(&shape.id)
    }
}

/// Adds what the text holds to `numbers`.
pub(super) fn judge(
    source: &Source,
    scan: &Scan,
    context: &Context,
    on_file: &OnFile,
    rules: &NumberRules,
    numbers: &mut Numbers,
) {
    let judge = Judge { source, scan, context, on_file, rules };
    let ties = ties(scan, rules);
    for (item, tie) in scan.items.iter().zip(ties) {
        let What::Value(value) = &item.what else { continue };
        match judge.verdict(value, tie) {
            Verdict::Is { kind, rule, evidence } => {
                let on_file = value.on_file.as_ref();
                let list = match kind {
                    Kind::Serial => &mut numbers.serials,
                    Kind::Contract => &mut numbers.contracts,
                    Kind::Tax => &mut numbers.nips,
                    Kind::Decoy => continue,
                };
                // A value may stand in a thousand places; the first few thousand are enough to tell.
                if list.len() >= FOUND_MAX * 4 {
                    continue;
                }
                let is_on_file = match kind {
                    Kind::Tax => judge.on_file.has_nip(&nip_digits(&value.normal)),
                    _ => on_file.is_some(),
                };
                list.push(Found {
                    value: judge.reported(value, kind),
                    written: judge.written(item),
                    place: source.place,
                    rule,
                    evidence,
                    on_file: is_on_file,
                });
            }
            Verdict::Refused(rule) if numbers.refused.len() < super::REFUSED_MAX => {
                numbers.refused.push(Refused { value: value.normal.clone(), place: source.place, rule });
            }
            Verdict::Refused(_) | Verdict::Nothing => {}
        }
    }
}

enum Verdict {
    Is { kind: Kind, rule: String, evidence: String },
    Refused(String),
    Nothing,
}

struct Judge<'s, 'a> {
    source: &'s Source<'s>,
    scan: &'s Scan<'a>,
    context: &'s Context,
    on_file: &'s OnFile,
    rules: &'s NumberRules,
}

impl Judge<'_, '_> {
    fn verdict(&self, value: &Value, tie: Option<Tie>) -> Verdict {
        let label = tie.and_then(|tie| match self.scan.items.get(tie.label)?.what {
            What::Label(label) => self.rules.labels.get(label).map(|label| (tie, label)),
            _ => None,
        });
        let kind = label.map(|(_, label)| label.kind);
        if let Some(verdict) = self.by_file(value, kind) {
            return verdict;
        }
        if let Some(span) = value.span.filter(|span| span.firm) {
            return Verdict::Refused(span.id.clone());
        }
        let labelled = |kind: Kind| match label {
            Some((tie, label)) => {
                Verdict::Is { kind, rule: label.id.clone(), evidence: self.label_evidence(tie, value, kind) }
            }
            None => Verdict::Nothing,
        };
        let by_shape = |kind: Kind, shape: &Shape| Verdict::Is {
            kind,
            rule: shape.id.clone(),
            evidence: format!("looks like {}", shape.of),
        };
        // A label next to a number that can only be of the other kind was meant for another one.
        let serial_alone = value.serial_shape.filter(|shape| shape.alone && value.contract_shape.is_none());
        let contract_alone = value.contract_shape.filter(|shape| shape.alone && value.serial_shape.is_none());
        match kind {
            Some(Kind::Serial) if contract_alone.is_none() => labelled(Kind::Serial),
            Some(Kind::Contract) if serial_alone.is_none() => labelled(Kind::Contract),
            Some(Kind::Tax) => labelled(Kind::Tax),
            _ => {
                if let Some(shape) = serial_alone {
                    return by_shape(Kind::Serial, shape);
                }
                if let Some(shape) = contract_alone {
                    return by_shape(Kind::Contract, shape);
                }
                if let Some((_, label)) = label {
                    return Verdict::Refused(label.id.clone());
                }
                if let Some(span) = value.span {
                    return Verdict::Refused(span.id.clone());
                }
                self.unlabelled(value)
            }
        }
    }

    /// A number on file is what the file says, unless it is plain digits that the mail calls
    /// something else, or has to be mended without anything that speaks for it.
    fn by_file(&self, value: &Value, label: Option<Kind>) -> Option<Verdict> {
        let entry = value.on_file.as_ref()?;
        let kind = match entry.kind {
            EntryKind::Serial => Kind::Serial,
            EntryKind::Contract => Kind::Contract,
        };
        let claimed = matches!(label, Some(Kind::Serial | Kind::Contract));
        let digits_only = value.letters == 0;
        let elsewhere = matches!(label, Some(Kind::Decoy | Kind::Tax)) || value.span.is_some() || !self.source.bare;
        let doubtful = entry.how == Fit::LookAlike && (digits_only || value.span.is_some_and(|span| span.firm));
        if !claimed && (digits_only && elsewhere || doubtful) {
            return None;
        }
        let evidence = match entry.how {
            Fit::Exact => "on file".to_string(),
            Fit::Dashes => format!("on file, mended from {}: dashes", value.normal),
            Fit::LookAlike => format!("on file, mended from {}: letters and digits that look alike", value.normal),
        };
        Some(Verdict::Is { kind, rule: ON_FILE.to_string(), evidence })
    }

    fn unlabelled(&self, value: &Value) -> Verdict {
        let nip = nip_digits(&value.normal);
        let nip_shape = self.rules.tax_shapes.of(&value.normal);
        if let Some(shape) = nip_shape
            && is_nip(&nip)
            && (shape.alone || self.on_file.has_nip(&nip))
        {
            let evidence = format!("looks like {}, and the check digit fits", shape.of);
            return Verdict::Is { kind: Kind::Tax, rule: shape.id.clone(), evidence };
        }
        if !self.source.bare {
            return Verdict::Nothing;
        }
        for (kind, shape) in [(Kind::Contract, value.contract_shape), (Kind::Serial, value.serial_shape)] {
            if let Some(shape) = shape.filter(|shape| self.context.is_enough(shape) || self.is_code()) {
                let evidence = format!("looks like {}", shape.of);
                return Verdict::Is { kind, rule: shape.id.clone(), evidence };
            }
        }
        let size = value.digits + value.letters;
        if self.is_code() && (6..=20).contains(&size) && (value.letters == 0 || value.digits >= 3) {
            let evidence = "the bar code holds nothing else".to_string();
            return Verdict::Is { kind: Kind::Serial, rule: BARCODE.to_string(), evidence };
        }
        Verdict::Nothing
    }

    /// True in a bar code that is one bare number.
    fn is_code(&self) -> bool {
        self.source.place == Place::Barcode && self.scan.items.len() == 1
    }

    fn label_evidence(&self, tie: Tie, value: &Value, kind: Kind) -> String {
        let label = self.scan.items.get(tie.label).map_or("", |item| self.scan.folded.written(item.start, item.end));
        let label = label.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut evidence = match tie.how {
            How::After => format!("after “{label}”"),
            How::Before => format!("before “{label}”"),
            How::Column => format!("in the column “{label}”"),
            How::List => format!("in the list after “{label}”"),
        };
        if kind == Kind::Tax && !is_nip(&nip_digits(&value.normal)) {
            evidence.push_str(", but the check digit does not fit");
        }
        if let Some(shape) = value.serial_shape.filter(|_| kind == Kind::Serial) {
            evidence.push_str(&format!(", looks like {}", shape.of));
        }
        evidence
    }

    fn reported(&self, value: &Value, kind: Kind) -> String {
        match (&value.on_file, kind) {
            (_, Kind::Tax) => nip_digits(&value.normal),
            (Some(entry), _) => entry.value.clone(),
            (None, _) => value.normal.clone(),
        }
    }

    fn written(&self, item: &Item) -> String {
        self.scan.folded.written(item.start, item.end).to_string()
    }
}

/// The digits of a tax number without `PL`, blanks and dashes.
fn nip_digits(normal: &str) -> String {
    normal.chars().filter(char::is_ascii_digit).collect()
}
