//! Delivery reports: which recipient did not get which mail, and why.
//!
//! A report by the standard (RFC 3464 in the envelope of RFC 6522, RFC 6533 beyond ASCII) says
//! all of it in fields. Others say it in words; then two marks together are asked for, so that a
//! person who passes a report on, or writes about one, stays a person.

mod fields;
mod words;

use serde::Deserialize;

use crate::desk::fold::fold;
use crate::desk::message::Message;
use crate::desk::rules::role::{Matched, RoleRules};
use crate::desk::rules::{RuleFault, Sources};
use crate::desk::text::Written;

const FILE: &str = "bounces.toml";

/// The rule by which a report in the standard's form is one.
const STANDARD: &str = "delivery-status";

/// The longest diagnostic kept, in characters: some hosts send a whole page.
const MAX_DIAGNOSTIC: usize = 500;

/// What a delivery report says, as far as it says it.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Bounce {
    /// The address that the mail did not reach, in lower case: as we wrote it, where the report
    /// tells it apart from the one that a host made of it.
    pub recipient: Option<String>,
    /// `failed`, `delayed`, `delivered`, `relayed` or `expanded` (RFC 3464 section 2.3.3).
    pub action: Option<String>,
    /// The enhanced status code (RFC 3463), such as `5.1.1`.
    pub status: Option<String>,
    /// What the refusing host said, in one line.
    pub diagnostic: Option<String>,
    /// The Message-ID of the mail that was not delivered, without angle brackets.
    pub original_message_id: Option<String>,
    /// The rule by which it is a delivery report.
    #[serde(skip)]
    pub rule: String,
}

/// What became of the mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It arrived, or went on to a host that reports nothing.
    Arrived,
    /// The host still tries.
    Waiting,
    /// It is lost, for a reason that may pass: sending it again may help.
    LostForNow,
    /// It is lost, and would be again.
    LostForGood,
}

impl Bounce {
    /// What became of the mail. A report that names neither action nor status was sent on final
    /// failure.
    pub fn outcome(&self) -> Outcome {
        match self.action.as_deref() {
            Some("delivered" | "relayed" | "expanded") => Outcome::Arrived,
            Some("delayed") => Outcome::Waiting,
            _ if self.status.as_deref().is_some_and(may_pass) => Outcome::LostForNow,
            _ => Outcome::LostForGood,
        }
    }
}

/// Whether a status tells of a reason that may pass: class 4, and of class 5 a full mailbox or
/// system, a host that does not answer or a queue time that ran out (RFC 3463 section 3).
fn may_pass(status: &str) -> bool {
    const PASSING: [&str; 5] = ["2.2", "3.1", "4.1", "4.2", "4.7"];
    let (class, detail) = status.split_once('.').unwrap_or((status, ""));
    class == "4" || class == "5" && PASSING.contains(&detail)
}

/// The compiled `rules/bounces.toml`.
#[derive(Clone, Debug)]
pub struct BounceRules(RoleRules<Role>);

/// What a text is where a rule matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Role {
    /// A sender who sends nothing but reports.
    Sender,
    /// A sender who may be a person as well.
    Postmaster,
    /// A header field that only reports have.
    Header,
    /// A subject of reports.
    Subject,
    /// Words by which a report begins.
    Opening,
    /// Words of a host that still tries.
    Delayed,
    /// Words of a host that has delivered.
    Delivered,
    /// A reason, with the status that it stands for.
    Reason,
    /// The line above the copy of the mail.
    Original,
}

impl BounceRules {
    /// Compiles `bounces.toml`.
    ///
    /// # Errors
    /// Every rule that cannot be compiled.
    pub fn compile(sources: &Sources) -> Result<BounceRules, Vec<RuleFault>> {
        RoleRules::compile(FILE, sources).map(BounceRules)
    }

    /// Runs the tests that stand beside the rules.
    pub fn test(sources: &Sources) -> Vec<RuleFault> {
        RoleRules::<Role>::test(FILE, sources)
    }
}

/// Reads a delivery report; `None` where the mail is none.
pub fn bounce(message: &Message, written: &Written, rules: &BounceRules) -> Option<Bounce> {
    let standard = is_standard(message);
    let marks = if standard { OuterMarks::default() } else { OuterMarks::of(message, rules) };
    if !standard && marks.count() == 0 {
        return None;
    }
    let report = words::Report::of(message, written, rules);
    let rule = if standard { STANDARD.to_string() } else { marks.recognise(message, report.opening())? };
    let told = fields::read(message).unwrap_or_default();
    let words = report.read(message);
    let diagnostic = told.diagnostic.or(words.diagnostic);
    let action = told.action.or(words.action);
    // `x.0.0` says no more than the class; the refusing host often said more.
    let clear =
        told.status.filter(|status| !status.ends_with(".0.0") || told_nothing_else(status, diagnostic.as_deref()));
    let status = clear.or_else(|| match (action.as_deref(), &diagnostic) {
        (Some("delayed"), None) => None,
        (_, diagnostic) => report.status(diagnostic.as_deref()),
    });
    let by_status = |status: &String| if status.starts_with('2') { "delivered" } else { "failed" };
    Some(Bounce {
        recipient: told.recipient.or(words.recipient),
        action: action.or_else(|| Some(status.as_ref().map_or("failed", by_status).to_string())),
        status,
        diagnostic,
        original_message_id: original_of_attachments(message)
            .or(told.original_message_id)
            .or(words.original_message_id),
        rule,
    })
}

/// Whether a diagnostic gives no status of the same class.
fn told_nothing_else(status: &str, diagnostic: Option<&str>) -> bool {
    let inner = diagnostic.and_then(status_in);
    inner.is_none_or(|inner| inner.get(..1) != status.get(..1))
}

/// The `report-type` of a `multipart/report` (RFC 6522), in lower case; empty where it names none.
pub(super) fn report_type(message: &Message) -> Option<String> {
    let declared = fold(message.header("Content-Type")?);
    let parameters = declared.trim_start().strip_prefix("multipart/report")?;
    let named = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        (name.trim() == "report-type").then(|| value.trim().trim_matches('"').to_string())
    });
    Some(named.unwrap_or_default())
}

/// Whether the mail says of itself that it is a delivery report in the standard's form.
fn is_standard(message: &Message) -> bool {
    match report_type(message).as_deref() {
        Some("delivery-status" | "global-delivery-status") => true,
        Some("") => message.delivery_status.is_some(),
        _ => false,
    }
}

/// What shows a report before its text is read, each the rule that matched.
#[derive(Default)]
struct OuterMarks<'a> {
    header: Option<&'a Matched>,
    subject: Option<&'a Matched>,
    mailer: Option<&'a Matched>,
    postmaster: Option<&'a Matched>,
}

impl<'a> OuterMarks<'a> {
    fn of(message: &Message, rules: &'a BounceRules) -> OuterMarks<'a> {
        if report_type(message).is_some_and(|kind| !kind.is_empty()) {
            return OuterMarks::default();
        }
        let sender = message.from.as_ref().map(|from| fold(&format!("{} <{}>", from.name, from.address)));
        let sender = sender.or_else(|| message.header("From").map(fold)).unwrap_or_default();
        let mut lines = message.headers.iter().map(|header| fold(&format!("{}: {}", header.name, header.value)));
        OuterMarks {
            header: lines.find_map(|line| rules.0.first(Role::Header, &line)),
            subject: rules.0.first(Role::Subject, &fold(&message.subject)),
            mailer: rules.0.first(Role::Sender, &sender),
            postmaster: rules.0.first(Role::Postmaster, &sender),
        }
    }

    fn all(&self) -> [Option<&'a Matched>; 3] {
        [self.header, self.subject, self.mailer.or(self.postmaster)]
    }

    fn count(&self) -> usize {
        self.all().iter().flatten().count()
    }

    /// The rule by which the mail is a report, if these marks and its first words are enough.
    fn recognise(&self, message: &Message, opening: Option<&Matched>) -> Option<String> {
        if message.delivery_status.is_some() {
            return Some(STANDARD.to_string());
        }
        let marks = self.count() + usize::from(opening.is_some());
        // People, too, write of failed deliveries; a report says of whose.
        let in_words_alone = self.header.is_none() && self.mailer.is_none() && self.postmaster.is_none();
        if in_words_alone && !has_null_sender(message) && !names_another(message) {
            return None;
        }
        let enough = marks >= 2 || self.mailer.is_some() && has_null_sender(message);
        let decisive = self.header.or(opening).or(self.subject).or(self.mailer)?;
        enough.then(|| decisive.id.clone())
    }
}

/// Whether the text names an address other than its sender's.
fn names_another(message: &Message) -> bool {
    let own = message.from.as_ref().map_or("", |from| from.address.as_str());
    let texts = [&message.plain, &message.html].into_iter().flatten();
    let words = texts.flat_map(|text| text.split(|c: char| c.is_whitespace() || "<>()[],;:\"'".contains(c)));
    words.filter(|word| word.contains('@')).filter_map(address).any(|word| word.trim_end_matches('.') != own)
}

/// Whether the mail came with the null reverse-path, as RFC 5321 section 4.5.5 asks of reports.
fn has_null_sender(message: &Message) -> bool {
    message.header("Return-Path").is_some_and(|path| path.split_whitespace().collect::<String>() == "<>")
}

/// The Message-ID of the mail that the report carries, whole or only its header.
fn original_of_attachments(message: &Message) -> Option<String> {
    const RETURNED: [&str; 4] = ["message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers"];
    let mut returned = message.attachments.iter().filter(|file| RETURNED.contains(&file.media_type.as_str()));
    returned.find_map(|file| Message::parse(&file.content).message_id)
}

/// In one line, no longer than a person reads.
fn one_line(text: &str) -> String {
    let visible: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(4 * MAX_DIAGNOSTIC).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(MAX_DIAGNOSTIC).collect()
}

/// An address in the form in which addresses are compared.
fn address(written: &str) -> Option<String> {
    let bare = written.trim().trim_matches(['<', '>', '"', '\'', ' ']).to_lowercase();
    let (local, domain) = bare.rsplit_once('@')?;
    let sound =
        !local.is_empty() && !domain.is_empty() && !bare.contains(|c: char| c.is_whitespace() || c.is_control());
    sound.then_some(bare)
}

/// The first enhanced status code (RFC 3463 section 2) of a text.
fn status_in(text: &str) -> Option<String> {
    let mut previous = ' ';
    for (at, c) in text.char_indices() {
        let starts = matches!(c, '2' | '4' | '5') && !previous.is_ascii_alphanumeric() && previous != '.';
        previous = c;
        if !starts {
            continue;
        }
        let rest = text.get(at..).unwrap_or_default();
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let code = rest.get(..end).unwrap_or_default().trim_end_matches('.');
        let parts: Vec<&str> = code.split('.').collect();
        if parts.len() == 3
            && parts.iter().all(|part| (1..=3).contains(&part.len()))
            && parts.first() == Some(&code.get(..1).unwrap_or_default())
        {
            return Some(code.to_string());
        }
    }
    None
}

#[cfg(test)]
#[path = "bounce/tests.rs"]
mod tests;
