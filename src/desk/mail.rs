//! A mail as the intake hands it over.

use jiff::Timestamp;

use super::message::Message;
use super::trust::Verification;

/// A mail as the intake hands it over.
#[derive(Clone, Debug)]
pub struct Mail {
    /// The mail, parsed.
    pub message: Message,
    /// Its bytes; the header section alone where the mail is too large.
    pub raw: Vec<u8>,
    /// Recognises the same mail seen again.
    pub content_hash: [u8; 32],
    /// When the server received it.
    pub internal_date: Timestamp,
    /// Where it lies, for people: mailbox and folder.
    pub place: String,
    /// Whether it lies where the mail server puts what it takes for junk.
    pub junk: bool,
    /// Set where the mail is larger than the desk reads.
    pub too_large: Option<TooLarge>,
    /// What the program verified of its signatures, where the site wants that.
    pub verification: Option<Verification>,
}

/// A mail of which only the header is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TooLarge {
    /// Its size in bytes.
    pub size: u64,
    /// Its parts, as the server tells them.
    pub structure: String,
}
