//! What a sender asks for in words: escalation.

use crate::desk::rules::{RuleFault, Sources};

/// The compiled `rules/wishes.toml`.
#[derive(Clone, Debug)]
pub struct WishRules {}

impl WishRules {
    /// Compiles `wishes.toml`.
    ///
    /// # Errors
    /// Every rule that cannot be compiled.
    pub fn compile(_sources: &Sources) -> Result<WishRules, Vec<RuleFault>> {
        Ok(WishRules {})
    }
}

/// The id of the rule by which the sender asks for escalation; `None` where nobody asks.
pub fn asks_for_escalation(_subject: &str, _now: &str, _rules: &WishRules) -> Option<String> {
    None
}
