//! Delivery reports: which recipient did not get which mail, and why.

use crate::desk::message::Message;

/// What a delivery report says, as far as it says it.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Bounce {
    /// The address that the mail did not reach, in lower case.
    pub recipient: Option<String>,
    /// `failed`, `delayed`, `delivered`, `relayed` or `expanded` (RFC 3464 section 2.3.3).
    pub action: Option<String>,
    /// The enhanced status code (RFC 3463), such as `5.1.1`.
    pub status: Option<String>,
    /// What the refusing host said, in one line.
    pub diagnostic: Option<String>,
    /// The Message-ID of the mail that was not delivered, without angle brackets.
    pub original_message_id: Option<String>,
}

/// Reads a delivery report; `None` where the mail is none.
pub fn bounce(_message: &Message) -> Option<Bounce> {
    None
}
