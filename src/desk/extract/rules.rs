//! The files that say what numbers look like and what they are called: `serial.toml`,
//! `contract.toml`, `tax.toml`, `decoys.toml`, `between.toml`.

use std::collections::HashMap;

use serde::Deserialize;

use super::phrase::Phrases;
use super::vocabulary::{Ending, Vocabulary, WordId};
use crate::desk::rules::automaton::{Automaton, Reader};
use crate::desk::rules::{RuleFault, Sources};

mod between;
mod examples;

pub(super) use between::Between;
use examples::Example;

/// The file of what is no number of ours.
const DECOYS: &str = "decoys.toml";

/// The compiled rules for numbers.
#[derive(Clone, Debug)]
pub struct NumberRules {
    pub(super) vocabulary: Vocabulary,
    pub(super) phrases: Phrases,
    pub(super) labels: Vec<Label>,
    pub(super) serial_shapes: Shapes,
    pub(super) contract_shapes: Shapes,
    pub(super) tax_shapes: Shapes,
    pub(super) spans: Spans,
    pub(super) between: Between,
    pub(super) beside: Vec<Beside>,
    pub(super) parts: Vec<DevicePart>,
    /// The shapes that a word anywhere in the mail makes enough without a label.
    pub(super) contexts: HashMap<WordId, Vec<(Kind, usize)>>,
    examples: Vec<(&'static str, Example)>,
}

/// What a label says that its value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    /// The word alone says little: its number stands right beside it.
    pub(super) weak: bool,
    /// More than one number follows.
    pub(super) plural: bool,
    /// Its number has a vendor's shape, or is on file.
    pub(super) shaped: bool,
    /// Its number has no letters.
    pub(super) digits: bool,
}

/// The shapes of whole values, of one kind.
#[derive(Clone, Debug)]
pub(super) struct Shapes {
    automaton: Automaton,
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

/// Words behind which a bare number is what they stand for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Beside {
    pub(super) id: String,
    why: String,
    pub(super) words: Vec<String>,
    /// The fewest digits.
    pub(super) digits_from: usize,
}

/// What a line of a device's output begins with where it tells of a part of the device.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DevicePart {
    pub(super) id: String,
    why: String,
    /// Beginnings of lines, small letters without diacritics.
    pub(super) lines: Vec<String>,
}

/// Stretches of text that are no number of ours, by what they look like.
#[derive(Clone, Debug)]
pub(super) struct Spans {
    pub(super) automaton: Automaton,
    pub(super) rules: Vec<Span>,
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
    #[serde(default)]
    shaped: bool,
    #[serde(default)]
    digits: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NumberFile {
    #[serde(default)]
    label: Vec<LabelRule>,
    #[serde(default)]
    shape: Vec<Shape>,
    #[serde(default)]
    beside: Vec<Beside>,
    #[serde(default)]
    span: Vec<Span>,
    #[serde(default)]
    part: Vec<DevicePart>,
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
        let mut vocabulary = Vocabulary::new(&between.real_words, &between.glued);
        let mut phrases = Phrases::new(&between.small_words);
        let mut labels = Vec::new();
        let mut examples = Vec::new();
        let mut shapes = Vec::new();
        let mut spans = Vec::new();
        let (mut beside, mut parts) = (Vec::new(), Vec::new());
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
                    if let Err(message) = phrases.add(labels.len(), phrase, &mut vocabulary) {
                        faults.add(name, Some(&rule.id), message);
                    }
                }
                let LabelRule { id, weak, plural, shaped, digits, .. } = rule;
                labels.push(Label { kind, id, weak, plural, shaped, digits });
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
            if kind != Kind::Serial && !file.beside.is_empty() {
                faults.add(name, None, "a [[beside]] is about serial numbers; it belongs into serial.toml".to_string());
            }
            file.beside.iter().for_each(|rule| faults.id(name, &rule.id, &rule.why));
            beside.extend(file.beside);
            if kind != Kind::Decoy && !file.part.is_empty() {
                faults.add(name, None, "a [[part]] says what is no device; it belongs into decoys.toml".to_string());
            }
            file.part.iter().for_each(|part| faults.id(name, &part.id, &part.why));
            parts.extend(file.part);
            file.span.iter().for_each(|span| faults.id(name, &span.id, &span.why));
            spans.extend(file.span);
            examples.extend(file.test.into_iter().map(|example| (name, example.read_from(sources.text(name)))));
        }
        // Of equally long stretches the first counts: a firm rule is the better reason.
        spans.sort_by_key(|span| !span.firm);
        let edged: Vec<String> = spans.iter().map(|span| edged(&span.pattern)).collect();
        let automaton = faults.automaton(DECOYS, &edged, |at| spans.get(at).map(|span| span.id.clone()));
        let mut shapes = shapes.into_iter().flatten();
        match (automaton, shapes.next(), shapes.next(), shapes.next()) {
            (Some(automaton), Some(serial_shapes), Some(contract_shapes), Some(tax_shapes))
                if faults.list.is_empty() =>
            {
                let mut contexts: HashMap<WordId, Vec<(Kind, usize)>> = HashMap::new();
                for (kind, shapes) in [(Kind::Serial, &serial_shapes), (Kind::Contract, &contract_shapes)] {
                    for (at, word) in shapes.contexts() {
                        contexts.entry(vocabulary.add(word, Ending::Any)).or_default().push((kind, at));
                    }
                }
                let spans = Spans { automaton, rules: spans };
                Ok(NumberRules {
                    vocabulary,
                    phrases,
                    labels,
                    serial_shapes,
                    contract_shapes,
                    tax_shapes,
                    spans,
                    between,
                    beside,
                    parts,
                    contexts,
                    examples,
                })
            }
            _ => Err(faults.list),
        }
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
            let spans = self.spans.rules.iter().filter(|_| kind == Kind::Decoy).map(|span| &span.id);
            let beside = self.beside.iter().filter(|_| kind == Kind::Serial).map(|rule| &rule.id);
            let parts = self.parts.iter().filter(|_| kind == Kind::Decoy).map(|part| &part.id);
            for id in labels.chain(beside).chain(parts).chain(shapes.iter().map(|shape| &shape.id)).chain(spans) {
                if !self.examples.iter().any(|(_, example)| example.is_hit_of(id, kind == Kind::Decoy)) {
                    faults.push(fault(file, Some(id), "no [[test]] shows what this rule finds".to_string()));
                }
            }
        }
        faults
    }
}

impl NumberRules {
    /// Whether a text says yes to "is it this number?", and nothing against it.
    pub fn agrees(&self, text: &str) -> bool {
        self.between.agrees(text)
    }

    /// The shape of a tax number that the whole value has.
    pub(super) fn tax_shape(&self, value: &str) -> Option<&Shape> {
        self.tax_shapes.of(value).and_then(|at| self.tax_shapes.rules.get(at))
    }
}

impl Shapes {
    /// The first shape that the whole value has.
    pub(super) fn of(&self, value: &str) -> Option<usize> {
        self.of_with(&mut self.reader(), value)
    }

    /// The same, with an automaton that is in use for many values.
    pub(super) fn of_with(&self, reader: &mut Reader, value: &str) -> Option<usize> {
        reader.longest(value, 0, value.len()).map(|found| found.pattern)
    }

    /// Begins to look at values.
    pub(super) fn reader(&self) -> Reader<'_> {
        self.automaton.reader()
    }

    fn contexts(&self) -> impl Iterator<Item = (usize, &str)> {
        self.rules.iter().enumerate().flat_map(|(at, shape)| shape.context.iter().map(move |word| (at, word.as_str())))
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
        rules.iter().for_each(|rule| self.id(file, &rule.id, &rule.why));
        for (rule, word) in rules.iter().flat_map(|rule| rule.context.iter().map(move |word| (rule, word))) {
            if word.is_empty() || !word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
                let message = format!("the context `{word}` is not small letters without diacritics, or digits");
                self.add(file, Some(&rule.id), message);
            }
        }
        let whole: Vec<String> = rules.iter().map(|rule| format!("(?:{})$", rule.pattern)).collect();
        let automaton = self.automaton(file, &whole, |at| rules.get(at).map(|rule| rule.id.clone()))?;
        Some(Shapes { automaton, rules })
    }

    fn automaton(
        &mut self,
        file: &str,
        patterns: &[String],
        id: impl Fn(usize) -> Option<String>,
    ) -> Option<Automaton> {
        let refuse = |(at, message): (Option<usize>, String)| {
            let rule = at.and_then(&id);
            self.add(file, rule.as_deref(), format!("the pattern cannot be used: {message}"));
        };
        Automaton::of_ascii(patterns).map_err(refuse).ok()
    }
}

/// The pattern, not beginning or ending inside a word.
pub(super) fn edged(pattern: &str) -> String {
    format!(r"\b{{start-half}}(?:{pattern})\b{{end-half}}")
}

fn fault(file: &str, rule: Option<&str>, message: String) -> RuleFault {
    RuleFault { file: file.to_string(), rule: rule.map(str::to_string), message }
}
