//! Reads how the site's filter marks what it takes for spam.

use toml::de::DeValue;

use super::section::Section;
use super::value;
use crate::desk::site::SpamHeader;

/// Reads `[spam]`.
pub(super) fn spam(section: Section<'_>) -> Option<SpamHeader> {
    let name = section.required("header", "\"X-Spam-Flag\"", field_name);
    let value = section.required("value", "\"YES\"", value::text);
    section.finish();
    Some(SpamHeader { name: name?, value: value? })
}

/// A name of RFC 5322 section 2.2.
fn field_name(value: &DeValue<'_>) -> Result<String, String> {
    let name = value::string(value, "a header field's name in quotes")?;
    if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':') {
        return Ok(name.to_string());
    }
    Err("is a name that no header field can have".to_string())
}
