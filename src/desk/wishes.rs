//! What a sender asks for in words: escalation.

use serde::Deserialize;

use crate::desk::fold::fold;
use crate::desk::rules::role::RoleRules;
use crate::desk::rules::{RuleFault, Sources};

const FILE: &str = "wishes.toml";

/// Sentences of a mail that are looked at.
const MOST_SENTENCES: usize = 2_000;

/// Characters of a sentence that are looked at.
const LONGEST_SENTENCE: usize = 600;

/// The compiled `rules/wishes.toml`.
#[derive(Clone, Debug)]
pub struct WishRules(RoleRules<Role>);

/// What a sentence is where a rule matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Role {
    /// It asks for escalation.
    Asks,
    /// It asks for the way to our superiors.
    AsksForSuperior,
    /// It is about a superior who is not ours.
    OtherSuperior,
    /// It asks for escalation where it is the subject.
    AsksInSubject,
    /// It says that the sender escalates.
    Announces,
    /// It is about something else, or says the opposite.
    Not,
    /// It makes what it says depend on something.
    Depends,
}

impl WishRules {
    /// Compiles `wishes.toml`.
    ///
    /// # Errors
    /// Every rule that cannot be compiled.
    pub fn compile(sources: &Sources) -> Result<WishRules, Vec<RuleFault>> {
        RoleRules::compile(FILE, sources).map(WishRules)
    }

    /// Runs the tests that stand beside the rules.
    pub fn test(sources: &Sources) -> Vec<RuleFault> {
        RoleRules::<Role>::test(FILE, sources)
    }

    /// The rule by which a folded sentence asks for escalation.
    fn asks(&self, sentence: &str) -> Option<String> {
        if self.0.is(Role::Not, sentence) {
            return None;
        }
        let unless = |role, except| self.0.first(role, sentence).filter(|_| !self.0.is(except, sentence));
        let asks = self.0.first(Role::Asks, sentence);
        let asks = asks.or_else(|| unless(Role::AsksForSuperior, Role::OtherSuperior));
        asks.or_else(|| unless(Role::Announces, Role::Depends)).map(|rule| rule.id.clone())
    }
}

/// The id of the rule by which the sender asks for escalation; `None` where nobody asks. `answers`
/// is true where the subject is that of a mail answered or passed on, which the sender did not write.
pub fn asks_for_escalation(subject: &str, answers: bool, now: &str, rules: &WishRules) -> Option<String> {
    let subject = fold(subject);
    let heading = || {
        let rule = rules.0.first(Role::AsksInSubject, &subject).filter(|_| !rules.0.is(Role::Not, &subject));
        rule.map(|rule| rule.id.clone()).or_else(|| rules.asks(&subject))
    };
    let in_subject = if answers { None } else { heading() };
    in_subject.or_else(|| sentences(now).take(MOST_SENTENCES).find_map(|sentence| rules.asks(&sentence)))
}

/// The sentences of a text, folded. A line break ends one only where an empty line follows, since
/// programs wrap lines; a full stop only before a blank.
fn sentences(text: &str) -> impl Iterator<Item = String> {
    let paragraphs = text.split("\n\n");
    paragraphs.flat_map(|paragraph| {
        let folded = fold(paragraph).split_whitespace().collect::<Vec<_>>().join(" ");
        let mut sentences = vec![String::new()];
        let mut previous = ' ';
        for c in folded.chars() {
            let ended = c == ' ' && matches!(previous, '.' | '!' | '?' | ';');
            let full = sentences.last().is_some_and(|sentence| sentence.len() >= LONGEST_SENTENCE);
            if ended || full {
                sentences.push(String::new());
            }
            if let Some(sentence) = sentences.last_mut() {
                sentence.push(c);
            }
            previous = c;
        }
        sentences
    })
}
