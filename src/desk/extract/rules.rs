//! The files that say what numbers look like and what they are called: `serial.toml`,
//! `contract.toml`, `tax.toml`, `decoys.toml`, `between.toml`.

use regex::bytes::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};
use serde::Deserialize;

use super::phrase::Phrases;
use crate::desk::rules::{RuleFault, Sources};

mod examples;

use examples::Example;

/// The file of what is no number of ours.
const DECOYS: &str = "decoys.toml";

/// The compiled rules for numbers.
#[derive(Clone, Debug)]
pub struct NumberRules {
    pub(super) phrases: Phrases,
    pub(super) labels: Vec<Label>,
    pub(super) serial_shapes: Shapes,
    pub(super) contract_shapes: Shapes,
    pub(super) tax_shapes: Shapes,
    pub(super) spans: Spans,
    pub(super) between: Between,
    examples: Vec<(&'static str, Example)>,
}

/// What a label says that its value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Serial,
    Contract,
    Tax,
    Decoy,
}

/// A label's rule; its phrases are in [`NumberRules::phrases`].
#[derive(Clone, Debug)]
pub(super) struct Label {
    pub(super) kind: Kind,
    pub(super) id: String,
    pub(super) weak: bool,
    pub(super) plural: bool,
}

/// The shapes of whole values, of one kind.
#[derive(Clone, Debug)]
pub(super) struct Shapes {
    set: RegexSet,
    pub(super) rules: Vec<Shape>,
}

/// A shape's rule.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Shape {
    pub(super) id: String,
    why: String,
    /// Whose numbers look so, for people.
    pub(super) of: String,
    /// On the whole value, in any case.
    pattern: String,
    /// True where nothing else looks so: no label is needed.
    #[serde(default)]
    pub(super) alone: bool,
    /// Beginnings of words, one of which in the mail makes the shape enough without a label.
    #[serde(default)]
    pub(super) context: Vec<String>,
}

/// Stretches of text that are no number of ours, by what they look like.
#[derive(Clone, Debug)]
pub(super) struct Spans {
    set: RegexSet,
    rules: Vec<(Span, Regex)>,
}

/// A stretch's rule.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Span {
    pub(super) id: String,
    why: String,
    /// In the running text, small letters without diacritics.
    pattern: String,
    /// True where even a label beside it does not make it a number of ours.
    #[serde(default)]
    pub(super) firm: bool,
}

/// A stretch found.
#[derive(Clone, Copy, Debug)]
pub(super) struct SpanHit<'a> {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) rule: &'a Span,
}

/// The small words between labels and values.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Between {
    /// "to", "is": what follows is the value.
    pub(super) links: Vec<String>,
    /// "i", "and": between labels, or between values of one label.
    pub(super) joins: Vec<String>,
    /// Beginnings of words that say that the value is not given: "podamy", "unknown".
    pub(super) absent: Vec<String>,
    real_words: Vec<String>,
    small_words: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LabelRule {
    id: String,
    why: String,
    phrases: Vec<String>,
    #[serde(default)]
    weak: bool,
    #[serde(default)]
    plural: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NumberFile {
    #[serde(default)]
    label: Vec<LabelRule>,
    #[serde(default)]
    shape: Vec<Shape>,
    #[serde(default)]
    span: Vec<Span>,
    #[serde(default)]
    test: Vec<Example>,
}

impl NumberRules {
    /// Compiles the five files.
    ///
    /// # Errors
    /// Every file that cannot be read, every id that stands twice, every rule that cannot be
    /// compiled or lacks its reason.
    pub fn compile(sources: &Sources) -> Result<NumberRules, Vec<RuleFault>> {
        let mut faults = Faults { list: Vec::new(), ids: Vec::new() };
        let between = faults.or(sources.parse::<Between>("between.toml")).unwrap_or_else(Between::empty);
        let mut phrases = Phrases::new(between.real_words.clone(), between.small_words.clone());
        let mut labels = Vec::new();
        let mut examples = Vec::new();
        let mut shapes = Vec::new();
        let mut spans = Vec::new();
        for (name, kind) in [
            ("serial.toml", Kind::Serial),
            ("contract.toml", Kind::Contract),
            ("tax.toml", Kind::Tax),
            (DECOYS, Kind::Decoy),
        ] {
            let Some(file) = faults.or(sources.parse::<NumberFile>(name)) else { continue };
            for rule in file.label {
                faults.id(name, &rule.id, &rule.why);
                for phrase in &rule.phrases {
                    if let Err(message) = phrases.add(labels.len(), phrase) {
                        faults.add(name, Some(&rule.id), message);
                    }
                }
                labels.push(Label { kind, id: rule.id, weak: rule.weak, plural: rule.plural });
            }
            if kind == Kind::Decoy && !file.shape.is_empty() {
                faults.add(
                    name,
                    None,
                    "a [[shape]] belongs to a kind of number; what is none is a [[span]]".to_string(),
                );
            } else if kind != Kind::Decoy && !file.span.is_empty() {
                faults.add(name, None, "a [[span]] says what is no number; it belongs into decoys.toml".to_string());
            }
            if kind != Kind::Decoy {
                shapes.push(faults.shapes(name, file.shape));
            }
            spans.extend(file.span.into_iter().filter_map(|span| faults.span(name, span)));
            examples.extend(file.test.into_iter().map(|example| (name, example)));
        }
        if !faults.list.is_empty() {
            return Err(faults.list);
        }
        let set = RegexSetBuilder::new(spans.iter().map(|(rule, _)| edged(&rule.pattern))).unicode(false).build();
        let set = set.map_err(|error| vec![fault(DECOYS, None, error.to_string())])?;
        let mut shapes = shapes.into_iter().flatten();
        let (Some(serial_shapes), Some(contract_shapes), Some(tax_shapes)) =
            (shapes.next(), shapes.next(), shapes.next())
        else {
            return Err(faults.list);
        };
        let spans = Spans { set, rules: spans };
        Ok(NumberRules { phrases, labels, serial_shapes, contract_shapes, tax_shapes, spans, between, examples })
    }

    /// Runs the tests inside the files: each `[[test]]`, and that no rule is without one.
    pub fn test(&self) -> Vec<RuleFault> {
        let mut faults: Vec<RuleFault> =
            self.examples.iter().filter_map(|(file, example)| example.run(self, file)).collect();
        let files = [
            ("serial.toml", &self.serial_shapes.rules, Kind::Serial),
            ("contract.toml", &self.contract_shapes.rules, Kind::Contract),
            ("tax.toml", &self.tax_shapes.rules, Kind::Tax),
            (DECOYS, &Vec::new(), Kind::Decoy),
        ];
        for (file, shapes, kind) in files {
            let labels = self.labels.iter().filter(|label| label.kind == kind).map(|label| &label.id);
            let spans = self.spans.rules.iter().filter(|_| kind == Kind::Decoy).map(|(span, _)| &span.id);
            for id in labels.chain(shapes.iter().map(|shape| &shape.id)).chain(spans) {
                if !self.examples.iter().any(|(_, example)| example.is_hit_of(id, kind == Kind::Decoy)) {
                    faults.push(fault(file, Some(id), "no [[test]] shows what this rule finds".to_string()));
                }
            }
        }
        faults
    }
}

impl Shapes {
    /// The first shape that the whole value has.
    pub(super) fn of(&self, value: &str) -> Option<&Shape> {
        self.set.matches(value.as_bytes()).iter().next().and_then(|at| self.rules.get(at))
    }
}

impl Spans {
    /// Every stretch of the text, ordered by where it starts.
    pub(super) fn find(&self, text: &str) -> Vec<SpanHit<'_>> {
        let mut hits = Vec::new();
        for at in self.set.matches(text.as_bytes()) {
            let Some((rule, regex)) = self.rules.get(at) else { continue };
            // A `+` or a bracket may open a stretch; its number begins behind it.
            let found = regex.find_iter(text.as_bytes()).map(|hit| {
                let marks = hit.as_bytes().iter().take_while(|byte| !byte.is_ascii_alphanumeric()).count();
                SpanHit { start: hit.start() + marks, end: hit.end(), rule }
            });
            hits.extend(found);
        }
        hits.sort_by_key(|hit| (hit.start, std::cmp::Reverse(hit.end)));
        hits
    }
}

impl Between {
    fn empty() -> Between {
        Between { links: vec![], joins: vec![], absent: vec![], real_words: vec![], small_words: vec![] }
    }
}

struct Faults {
    list: Vec<RuleFault>,
    ids: Vec<String>,
}

impl Faults {
    fn add(&mut self, file: &str, rule: Option<&str>, message: String) {
        self.list.push(fault(file, rule, message));
    }

    fn or<T>(&mut self, read: Result<T, RuleFault>) -> Option<T> {
        read.map_err(|fault| self.list.push(fault)).ok()
    }

    fn id(&mut self, file: &str, id: &str, why: &str) {
        if why.trim().is_empty() {
            self.add(file, Some(id), "has no `why`".to_string());
        }
        if self.ids.iter().any(|known| known == id) {
            self.add(file, Some(id), "the id stands twice; each rule has its own".to_string());
        }
        self.ids.push(id.to_string());
    }

    fn shapes(&mut self, file: &str, rules: Vec<Shape>) -> Option<Shapes> {
        let whole: Vec<String> = rules.iter().map(|rule| format!("^(?:{})$", rule.pattern)).collect();
        for (rule, pattern) in rules.iter().zip(&whole) {
            self.id(file, &rule.id, &rule.why);
            if let Err(error) = RegexBuilder::new(pattern).unicode(false).case_insensitive(true).build() {
                self.add(file, Some(&rule.id), error.to_string());
            }
        }
        let set = RegexSetBuilder::new(&whole).unicode(false).case_insensitive(true).build().ok()?;
        Some(Shapes { set, rules })
    }

    fn span(&mut self, file: &str, rule: Span) -> Option<(Span, Regex)> {
        self.id(file, &rule.id, &rule.why);
        match RegexBuilder::new(&edged(&rule.pattern)).unicode(false).build() {
            Ok(regex) => Some((rule, regex)),
            Err(error) => {
                self.add(file, Some(&rule.id), error.to_string());
                None
            }
        }
    }
}

/// The pattern, not beginning or ending inside a word.
fn edged(pattern: &str) -> String {
    format!(r"\b{{start-half}}(?:{pattern})\b{{end-half}}")
}

fn fault(file: &str, rule: Option<&str>, message: String) -> RuleFault {
    RuleFault { file: file.to_string(), rule: rule.map(str::to_string), message }
}
