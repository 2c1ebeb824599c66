//! The rules of `quotes.toml`: how programs and people mark what is not their own new text.

use std::collections::HashMap;

use serde::Deserialize;

use crate::desk::fold::fold;
use crate::desk::rules::pattern::{self, Patterns, Tests};
use crate::desk::rules::{RuleFault, Sources};
use crate::desk::ticket_number::TicketNumber;

const FILE: &str = "quotes.toml";

/// The compiled `rules/quotes.toml`.
#[derive(Clone, Debug)]
pub struct QuoteRules {
    patterns: HashMap<Role, Patterns>,
    labels: HashMap<String, Field>,
    reply_prefixes: Vec<String>,
    forward_prefixes: Vec<String>,
    containers: HashMap<String, Container>,
}

/// What a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Role {
    /// A line that says who wrote what is quoted below, sure enough to cut unmarked text below it.
    Attribution,
    /// The same, but counts only over lines that are marked as quoted.
    AttributionOverMarks,
    /// The same, but counts only in a mail that answers another.
    AttributionInAnswers,
    /// A line that parts the new text from the mail answered or passed on.
    Original,
    /// A line above a mail that is passed on.
    Forward,
    /// The line under a mail that was passed on.
    ForwardEnd,
    /// The names of one header field in a block of header lines.
    Label,
    /// A subject prefix of replies.
    ReplyPrefix,
    /// A subject prefix of forwards.
    ForwardPrefix,
    /// Class or id of an HTML element that holds a quote.
    QuoteContainer,
    /// Class or id of an HTML element that holds a signature.
    SignatureContainer,
    /// A plain body that only points to the HTML one.
    Stub,
    /// A line that a program puts above or below the text.
    Banner,
    /// The first line of a legal text.
    Disclaimer,
    /// A line from which on everything is a program's.
    Rest,
    /// A complimentary close.
    Closing,
    /// A line as in signatures: contact and company data.
    Contact,
    /// A line that belongs to the text, also below a close.
    Content,
    /// A salutation, which alone says nothing new.
    Greeting,
}

/// A header field in a block of header lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Field {
    From,
    Date,
    To,
    Subject,
    Other,
}

/// What an HTML element is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Container {
    Quote,
    Signature,
}

/// The prefix at the front of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prefix {
    Reply,
    Forward,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    rule: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    id: String,
    #[allow(dead_code, reason = "for the people who edit the file")]
    why: String,
    #[serde(rename = "as")]
    role: Role,
    field: Option<Field>,
    pattern: Option<String>,
    #[serde(default)]
    words: Vec<String>,
    #[serde(default)]
    test: Tests,
}

impl QuoteRules {
    /// Compiles `quotes.toml`.
    ///
    /// # Errors
    /// Every rule that cannot be compiled.
    pub fn compile(sources: &Sources) -> Result<QuoteRules, Vec<RuleFault>> {
        let file: File = sources.parse(FILE).map_err(|fault| vec![fault])?;
        let mut faults = Vec::new();
        let mut by_role: HashMap<Role, Vec<&str>> = HashMap::new();
        let mut rules = QuoteRules {
            patterns: HashMap::new(),
            labels: HashMap::new(),
            reply_prefixes: Vec::new(),
            forward_prefixes: Vec::new(),
            containers: HashMap::new(),
        };
        for rule in &file.rule {
            let words = rule.words.iter().cloned();
            match (rule.role, &rule.pattern, rule.field) {
                (Role::Label, None, Some(field)) => rules.labels.extend(words.map(|word| (word, field))),
                (Role::ReplyPrefix, None, None) => rules.reply_prefixes.extend(words),
                (Role::ForwardPrefix, None, None) => rules.forward_prefixes.extend(words),
                (Role::QuoteContainer, None, None) => rules.containers.extend(words.map(|w| (w, Container::Quote))),
                (Role::SignatureContainer, None, None) => {
                    rules.containers.extend(words.map(|word| (word, Container::Signature)));
                }
                (role, Some(pattern), None) if rule.words.is_empty() && !takes_words(role) => {
                    match pattern::compile(FILE, &rule.id, pattern) {
                        Ok(_) => by_role.entry(role).or_default().push(pattern),
                        Err(fault) => faults.push(fault),
                    }
                }
                _ => faults.push(RuleFault {
                    file: FILE.to_string(),
                    rule: Some(rule.id.clone()),
                    message: "takes either `pattern`, or `words` (with `field` for a label), by what `as` says"
                        .to_string(),
                }),
            }
        }
        for (role, patterns) in by_role {
            match Patterns::new(FILE, &patterns) {
                Ok(patterns) => _ = rules.patterns.insert(role, patterns),
                Err(fault) => faults.push(fault),
            }
        }
        if faults.is_empty() { Ok(rules) } else { Err(faults) }
    }

    /// Runs the tests that stand beside the rules.
    pub fn test(sources: &Sources) -> Vec<RuleFault> {
        let file: File = match sources.parse(FILE) {
            Ok(file) => file,
            Err(fault) => return vec![fault],
        };
        let check = |rule: &Rule| match &rule.pattern {
            Some(text) => match pattern::compile(FILE, &rule.id, text) {
                Ok(regex) => pattern::test(FILE, &rule.id, &rule.test, |text| regex.is_match(fold(text).as_bytes())),
                Err(fault) => vec![fault],
            },
            None => pattern::test(FILE, &rule.id, &rule.test, |text| rule.words.contains(&fold(text))),
        };
        file.rule.iter().flat_map(check).collect()
    }

    /// True where a rule of this role matches the folded text.
    pub(super) fn is(&self, role: Role, folded: &str) -> bool {
        self.patterns.get(&role).is_some_and(|patterns| patterns.any(folded))
    }

    /// The header field that a folded line of a header block names.
    pub(super) fn label(&self, folded: &str) -> Option<Field> {
        const DECORATION: [char; 5] = ['*', '|', '_', ' ', '#'];
        let line = folded.trim_start_matches(DECORATION);
        let (label, _) = line.split_once(':').filter(|(label, _)| label.len() <= 40)?;
        self.labels.get(label.trim_end_matches(DECORATION)).copied()
    }

    /// What the class or id of an HTML element says. Outlook puts `x_` before those of quoted mails.
    pub(super) fn container(&self, word: &str) -> Option<Container> {
        self.containers.get(word.trim_start_matches("x_")).copied()
    }

    /// Whether a page has quotes that a program made: elements that say so, or that it gives a name.
    pub(super) fn marks_quotes(&self, html: &str) -> bool {
        let named = |(word, what): (&String, &Container)| *what == Container::Quote && html.contains(word.as_str());
        html.contains("cite") || html.contains("CITE") || self.containers.iter().any(named)
    }

    /// Whether a subject is that of a mail answered or passed on.
    pub(in crate::desk) fn is_answer(&self, subject: &str) -> bool {
        self.prefix(subject).is_some()
    }

    /// Whether a subject is that of a mail passed on.
    pub(in crate::desk) fn is_forward(&self, subject: &str) -> bool {
        self.prefix(subject) == Some(Prefix::Forward)
    }

    /// A subject without the prefixes and ticket tags in front of it.
    pub(in crate::desk) fn without_prefixes<'s>(&self, subject: &'s str) -> &'s str {
        let mut rest = subject.trim();
        loop {
            let of_ours = |tag: &str| tag.trim().parse::<TicketNumber>().is_ok();
            let tag = rest.strip_prefix('[').and_then(|tag| tag.split_once(']')).filter(|(tag, _)| of_ours(tag));
            let prefix = rest.split_once(':').filter(|(prefix, _)| self.prefix(&format!("{prefix}:")).is_some());
            match tag.or(prefix) {
                Some((_, after)) if !after.trim().is_empty() => rest = after.trim_start(),
                _ => return rest,
            }
        }
    }

    /// The first prefix of a subject, tags in square brackets left aside.
    pub(super) fn prefix(&self, subject: &str) -> Option<Prefix> {
        let folded = fold(subject);
        let mut rest = folded.trim_start();
        while let Some((_, after)) = rest.strip_prefix('[').and_then(|tag| tag.split_once(']')) {
            rest = after.trim_start();
        }
        let (prefix, _) = rest.split_once(':')?;
        // `Re[2]:`, `Odp.:`, `RE (2):`
        let word = prefix.trim_end_matches(|c: char| "[]()0123456789. ".contains(c));
        if self.forward_prefixes.iter().any(|known| known == word) {
            return Some(Prefix::Forward);
        }
        self.reply_prefixes.iter().any(|known| known == word).then_some(Prefix::Reply)
    }
}

fn takes_words(role: Role) -> bool {
    use Role::{ForwardPrefix, Label, QuoteContainer, ReplyPrefix, SignatureContainer};
    matches!(role, Label | ReplyPrefix | ForwardPrefix | QuoteContainer | SignatureContainer)
}
