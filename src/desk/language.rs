//! In which language the sender wrote, and is answered.

/// A language that the desk answers in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Language {
    /// Polish.
    #[serde(rename = "pl")]
    Polish,
    /// English; also for writers of any other language.
    #[serde(rename = "en")]
    English,
}

/// The language of what was written now.
pub fn language(_subject: &str, _now: &str, _from_domain: Option<&str>) -> Language {
    Language::Polish
}
