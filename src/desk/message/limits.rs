//! What is looked at before a mail is parsed, so that none can keep the parser busy for long.

/// The most header fields taken. Real mail has under a hundred; RFC 5322 sets no limit.
pub(super) const MAX_HEADERS: usize = 1_000;
/// The longest header field taken, in bytes. A To field of 500 mailboxes has about 25,000.
pub(super) const MAX_HEADER_LENGTH: u32 = 100_000;
/// The most multipart boundaries. For each, the parser may walk the rest of the mail.
const MAX_BOUNDARIES: usize = 100;
/// The most Content-Type fields, nested mails included.
const MAX_PARTS: usize = 2_000;
/// The longest header section that is parsed, in bytes.
const MAX_HEADER_SECTION: usize = 2_000_000;

/// The part of the mail that can be parsed within the limits; says in `problems` what is left out.
pub(super) fn readable<'mail>(raw: &'mail [u8], problems: &mut Vec<String>) -> &'mail [u8] {
    let header_end = super::body::header_end(raw);
    if header_end > MAX_HEADER_SECTION {
        problems.push(format!("the header section is longer than {MAX_HEADER_SECTION} bytes; the rest is unread"));
        return raw.get(..MAX_HEADER_SECTION).unwrap_or(raw);
    }
    let (mut boundaries, mut parts) = (0, 0);
    let mut rest = raw;
    let mut offset = 0;
    // Both words stand after a line start or a blank; a walk over the letter `b` and `c` would do as well.
    while let Some(at) = rest.iter().position(|&b| b == b'=' || b == b':') {
        let before = rest.get(at.saturating_sub(12)..at).unwrap_or_default();
        if before.len() == 12 && before.eq_ignore_ascii_case(b"content-type") {
            parts += 1;
        } else if before.get(before.len().saturating_sub(8)..).is_some_and(|w| w.eq_ignore_ascii_case(b"boundary")) {
            boundaries += 1;
        }
        if boundaries > MAX_BOUNDARIES || parts > MAX_PARTS {
            problems.push(format!(
                "the mail has more than {MAX_PARTS} parts or {MAX_BOUNDARIES} boundaries; the rest is unread"
            ));
            return raw.get(..offset + at).unwrap_or(raw);
        }
        rest = rest.get(at + 1..).unwrap_or_default();
        offset += at + 1;
    }
    raw
}
