//! Recognises the same mail delivered or moved again.

use sha2::{Digest, Sha256};

/// Fields that a delivery adds or changes (RFC 5321 section 4.4, RFC 8601, RFC 8617, RFC 7208), and
/// those that mail stores and filters keep in the mail itself. A trailing `-` means a prefix.
const TRACE: &[&str] = &[
    "return-path",
    "received",
    "received-spf",
    "delivered-to",
    "x-delivered-to",
    "x-original-to",
    "envelope-to",
    "x-envelope-to",
    "x-envelope-from",
    "delivery-date",
    "authentication-results",
    "arc-",
    "x-spam-",
    "x-rspamd-",
    "x-virus-",
    "x-ms-exchange-organization-",
    "x-ms-exchange-crosstenant-",
    "x-forefront-",
    "x-microsoft-antispam",
    "x-microsoft-antispam-",
    "status",
    "x-status",
    "x-uid",
    "x-uidl",
    "x-keywords",
    "x-mozilla-",
    "x-gm-thrid",
    "x-gm-msgid",
    "x-gm-labels",
    "x-getmail-",
    "x-imap",
    "content-length",
    "lines",
];

/// SHA-256 of the mail without trace fields (Return-Path, Received, Delivered-To, X-Original-To,
/// Envelope-To, Authentication-Results, ARC-*, Received-SPF, X-Spam-*, Status, X-UID and the like)
/// and with every CRLF or lone CR counted as LF: the same for the same mail delivered or moved again.
pub fn content_hash(raw: &[u8]) -> [u8; 32] {
    digest(raw, true)
}

/// The same over the header section alone, for mails whose body was never fetched.
pub fn header_hash(raw: &[u8]) -> [u8; 32] {
    digest(raw, false)
}

fn digest(raw: &[u8], with_body: bool) -> [u8; 32] {
    let mut hash = Sha256::new();
    let mut rest = raw;
    let mut skipping = false;
    let mut in_header = true;
    while !rest.is_empty() && (in_header || with_body) {
        let end = rest.iter().position(|&b| b == b'\n').map_or(rest.len(), |at| at + 1);
        let (line, after) = rest.split_at(end);
        rest = after;
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if in_header {
            let folded = line.first().is_some_and(|b| matches!(b, b' ' | b'\t'));
            if line.is_empty() {
                in_header = false;
                if !with_body {
                    break;
                }
            } else if !folded {
                skipping = is_trace(line);
            }
            if skipping && in_header {
                continue;
            }
        }
        // Servers and files differ in the blank lines at the very end.
        if rest.is_empty() && line.is_empty() {
            break;
        }
        hash.update(line);
        hash.update(b"\n");
    }
    hash.finalize().into()
}

fn is_trace(line: &[u8]) -> bool {
    let name = line.split(|&b| b == b':').next().unwrap_or_default();
    let name = String::from_utf8_lossy(name).trim().to_ascii_lowercase();
    TRACE.iter().any(|trace| if trace.ends_with('-') { name.starts_with(trace) } else { name == *trace })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIL: &str = "From: a@x.example\r\nSubject: b\r\n c\r\n\r\nbody\r\nReceived: in the body\r\n";

    #[test]
    fn delivery_changes_nothing() {
        let again =
            format!("Return-Path: <a@x.example>\nReceived: from y\n\tby z\nX-UID: 7\n{}", MAIL.replace('\r', ""));
        assert_eq!(content_hash(MAIL.as_bytes()), content_hash(again.as_bytes()));
        assert_eq!(header_hash(MAIL.as_bytes()), header_hash(again.as_bytes()));
    }

    #[test]
    fn a_header_fetched_alone_is_known_again_with_its_body() {
        let (header, _) = MAIL.split_once("body").expect("a body");
        assert_eq!(header_hash(header.as_bytes()), header_hash(MAIL.as_bytes()));
        let without_blank_line = header.strip_suffix("\r\n").expect("a blank line");
        assert_eq!(header_hash(without_blank_line.as_bytes()), header_hash(MAIL.as_bytes()));
    }

    #[test]
    fn another_word_changes_all() {
        let body = MAIL.replace("body", "Body");
        assert_ne!(content_hash(MAIL.as_bytes()), content_hash(body.as_bytes()));
        assert_eq!(header_hash(MAIL.as_bytes()), header_hash(body.as_bytes()));
        let subject = MAIL.replace(" c", " d");
        assert_ne!(header_hash(MAIL.as_bytes()), header_hash(subject.as_bytes()));
        let trace_in_body = MAIL.replace("in the body", "elsewhere");
        assert_ne!(content_hash(MAIL.as_bytes()), content_hash(trace_in_body.as_bytes()));
    }
}
