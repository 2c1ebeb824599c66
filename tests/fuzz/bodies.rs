//! What must hold of any bytes at all, one function for each part that reads what strangers sent. The ordinary
//! tests run them over damaged mails; the targets of `cargo fuzz` beside this file run them over what a
//! coverage-guided fuzzer makes up.

#![allow(dead_code, unreachable_pub, reason = "each fuzz target runs one of them")]

use std::path::Path;

use hezo_intake::config::Config;
use hezo_intake::desk::bounce;
use hezo_intake::desk::classify::Kind;
use hezo_intake::desk::extract::{Numbers, OnFile};
use hezo_intake::desk::message::Message;
use hezo_intake::desk::reading::Reading;
use hezo_intake::desk::site::Site;
use hezo_intake::desk::text;
use hezo_intake::desk::token::{Purpose, Token, TokenKeys};
use hezo_intake::office;
use jiff::Timestamp;

thread_local! {
    static SITE: Site = office::site(&Config::embedded(Path::new(""))).expect("the rules compile");
}

/// A target's name, and what must hold of the bytes that it is given.
pub type Body = (&'static str, fn(&[u8]));

/// Every body.
pub const ALL: [Body; 6] = [
    ("message", message),
    ("text", text),
    ("classify", classify),
    ("bounce", bounce),
    ("extract", extract),
    ("token", token),
];

/// A mail is read to an end, twice to the same, within bounds that follow from its size.
pub fn message(raw: &[u8]) {
    let message = Message::parse(raw);
    assert_eq!(message, Message::parse(raw));
    // A byte becomes three at most where a charset is decoded; attached mails are read once more as text.
    let files: usize = message.attachments.iter().map(|file| file.content.len()).sum();
    assert!(files <= bound(raw), "{files} bytes of files out of {}", raw.len());
    assert!(message.attachments.len() <= 2_500 && message.problems.len() <= 50);
    let unsafe_name = |name: &str| name.contains(['/', '\\', '\0', '\u{202e}']) || name.starts_with('.');
    assert!(message.attachments.iter().all(|file| !unsafe_name(&file.name)));
    assert!(!message.subject.contains(['\r', '\n', '\0']), "the subject is one line");
}

/// Nothing is thrown away that was text, and no text comes from nowhere.
pub fn text(raw: &[u8]) {
    SITE.with(|site| {
        let message = Message::parse(raw);
        let written = text::read(&message, &site.rules.quotes);
        assert_eq!(written, text::read(&message, &site.rules.quotes));
        let length: usize = written.sections.iter().map(|section| section.text.len()).sum();
        assert!(length <= bound(raw), "{length} bytes of text out of {}", raw.len());
        let Message { plain, html, .. } = &message;
        let says = |text: &str| text.chars().any(char::is_alphanumeric);
        let lost = html.is_none() && plain.as_deref().is_some_and(says) && written.sections.is_empty();
        assert!(!lost, "a plain text has no section");
        // What is shown again to a customer is taken apart by the same rules.
        let _ = text::lines(&message, &site.rules.quotes);
        let _ = text::headings(&message, &site.rules.quotes);
    });
}

/// No robot is answered, and each verdict names its rule.
pub fn classify(raw: &[u8]) {
    reading(raw, |message, reading| {
        let verdict = &reading.verdict;
        assert!(!verdict.rule.is_empty() && !verdict.answer.rule.is_empty());
        assert!(!verdict.answer.send || verdict.kind == Kind::Request, "{verdict:?}");
        let replied = |value: &str| value.trim().eq_ignore_ascii_case("auto-replied");
        let is_marked = message.header("Auto-Submitted").is_some_and(replied);
        assert!(!is_marked || !verdict.answer.send, "{verdict:?}");
        assert_eq!(verdict.kind == Kind::Bounce, reading.bounce.is_some() && verdict.kind != Kind::Own);
    });
}

/// A report says of each thing what it can be, or nothing.
pub fn bounce(raw: &[u8]) {
    SITE.with(|site| {
        let message = Message::parse(raw);
        let written = text::read(&message, &site.rules.quotes);
        let Some(report) = bounce::bounce(&message, &written, &site.rules.bounces) else { return };
        assert!(!report.rule.is_empty());
        let is_address = |address: &String| address.contains('@') && !address.contains(char::is_whitespace);
        assert!(report.recipient.as_ref().is_none_or(is_address), "{report:?}");
        let is_status = |status: &String| status.split('.').count() == 3 && status.starts_with(['2', '4', '5']);
        assert!(report.status.as_ref().is_none_or(is_status), "{report:?}");
        let is_line = |text: &String| text.chars().count() <= 500 && !text.contains(char::is_control);
        assert!(report.diagnostic.as_ref().is_none_or(is_line), "{report:?}");
        let is_id = |id: &String| !id.is_empty() && !id.contains(['<', '>', '\r', '\n']);
        assert!(report.original_message_id.as_ref().is_none_or(is_id), "{report:?}");
        let _ = report.outcome();
    });
}

/// Each number stands somewhere, by a rule, in the spelling of the file.
pub fn extract(raw: &[u8]) {
    SITE.with(|site| {
        reading(raw, |_, reading| {
            let numbers = reading.numbers(&OnFile::default(), site);
            let Numbers { serials, contracts, nips, candidates, refused, .. } = &numbers;
            for found in serials.iter().chain(contracts).chain(nips) {
                assert!(!found.value.is_empty() && !found.rule.is_empty() && !found.evidence.is_empty(), "{found:?}");
                assert!(found.value.chars().all(|c| !c.is_control() && c.to_uppercase().eq([c])), "{found:?}");
                assert!(found.spot.span.0 < found.spot.span.1 && found.spot.line > 0, "{found:?}");
            }
            assert!(candidates.len() <= 50 && refused.len() <= 200);
            assert_eq!(reading.numbers(&OnFile::default(), site), numbers, "twice the same");
        });
    });
}

/// Nothing counts as ours but what we wrote, letter for letter; servers change its case alone.
pub fn token(raw: &[u8]) {
    let keys = TokenKeys::new([b"a key for tests, which protects nothing".as_slice()], 180).expect("a key");
    let now: Timestamp = "2026-11-23T09:00:00Z".parse().expect("a time");
    let genuine = Token { purpose: Purpose::Engineer, ticket: "Z26-000123-7".to_string(), person: "anna".to_string() };
    let address = keys.reply_address("pomoc@desk.example", &genuine, now);
    let message_id = keys.message_id("notice", b"cause", "anna@desk.example", "desk.example");
    let text = String::from_utf8_lossy(raw);
    // As it is, and laid over the beginning, the middle and the end of what we wrote.
    let laid_over = |ours: &str, at: usize| {
        let mut bytes = ours.as_bytes().to_vec();
        let end = bytes.len().min(at + raw.len());
        bytes.splice(at.min(end)..end, raw.iter().copied());
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let forms = |ours: &str| [0, ours.len() / 2, ours.len().saturating_sub(3)].map(|at| laid_over(ours, at));
    for read in forms(&address).iter().map(String::as_str).chain([text.as_ref()]) {
        let local = |address: &str| address.rsplit_once('@').map(|(local, _)| local.to_ascii_lowercase());
        if let Some(Ok(token)) = keys.read_address(read, now) {
            let detail = |text: &str| local(text).and_then(|local| Some(local.split_once('+')?.1.to_string()));
            assert_eq!((token, detail(read)), (genuine.clone(), detail(&address)), "{read:?} is not ours");
        }
    }
    for read in forms(&message_id).iter().map(String::as_str).chain([text.as_ref()]) {
        let bare = |id: &str| id.trim().trim_matches(['<', '>']).to_ascii_lowercase();
        assert!(!keys.is_ours(read) || bare(read) == bare(&message_id), "{read:?} is not ours");
    }
}

fn reading(raw: &[u8], holds: impl Fn(&Message, &Reading)) {
    SITE.with(|site| {
        let message = Message::parse(raw);
        holds(&message, &Reading::of(&message, &[], site));
    });
}

/// The most bytes that so large a mail may become.
fn bound(raw: &[u8]) -> usize {
    40_000 + 12 * raw.len()
}
