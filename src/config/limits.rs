//! Reads how much of a mail is looked at.

use std::time::Duration;

use jiff::SignedDuration;

use super::section::Section;
use super::value;
use crate::desk::message::Limits;

/// Bounds of the counts: real mail must fit, and the parser must end.
const HEADER_FIELDS: (u32, u32) = (50, 100_000);
const ADDRESSES: (u32, u32) = (10, 100_000);
const PARTS: (u32, u32) = (20, 100_000);
const DEPTH: (u32, u32) = (10, 1_000);
const ATTACHED_MAILS: (u32, u32) = (1, 10_000);

/// Bounds of `header_length`. Bytes.
const HEADER_LENGTH: (u64, u64) = (1_000, 2_000_000);

/// Bounds of `text`. Bytes.
const TEXT: (u64, u64) = (10_000, 50_000_000);

/// Bounds of `time`.
const TIME: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(10 * 60));

/// Reads `[limits]`; a key that is left out keeps its default.
pub(super) fn limits(section: Section<'_>) -> Limits {
    let default = Limits::default();
    let count = |key, (least, most): (u32, u32), default: usize| {
        let read: Option<u32> = section.optional(key, value::number(least, most));
        read.and_then(|read| usize::try_from(read).ok()).unwrap_or(default)
    };
    let length = section.optional("header_length", value::size(HEADER_LENGTH.0, HEADER_LENGTH.1));
    let text = section.optional("text", value::size(TEXT.0, TEXT.1));
    let time = section.optional("time", value::duration(TIME.0, TIME.1));
    let limits = Limits {
        header_fields: count("header_fields", HEADER_FIELDS, default.header_fields),
        header_length: length.and_then(|length| usize::try_from(length).ok()).unwrap_or(default.header_length),
        addresses: count("addresses", ADDRESSES, default.addresses),
        parts: count("parts", PARTS, default.parts),
        depth: count("depth", DEPTH, default.depth),
        text: text.and_then(|text| usize::try_from(text).ok()).unwrap_or(default.text),
        attached_mails: count("attached_mails", ATTACHED_MAILS, default.attached_mails),
        time: time.and_then(|time| SignedDuration::try_from(time).ok()).unwrap_or(default.time),
    };
    section.finish();
    limits
}
