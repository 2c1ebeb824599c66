//! What a delivery report says in words, for people: Postfix, Exim, qmail, sendmail, Exchange,
//! Gmail and many others, each in its own form and language.

use super::{Bounce, BounceRules, Role, address, one_line, status_in};
use crate::desk::fold::fold;
use crate::desk::message::Message;
use crate::desk::rules::role::Matched;
use crate::desk::text::Written;

/// Lines read of a report; the copy of the mail below may be long.
const MOST_LINES: usize = 400;

/// Characters of a line that are read.
const LONGEST_LINE: usize = 2_000;

/// Characters in which the opening words stand.
const OPENING: usize = 2_500;

/// The reply codes with which hosts refuse (RFC 5321 section 4.2.3, RFC 4954, and those that hosts
/// made up).
const REFUSALS: [&str; 29] = [
    "421", "422", "431", "432", "441", "442", "446", "447", "449", "450", "451", "452", "454", "455", "500", "501",
    "502", "503", "504", "510", "511", "512", "521", "523", "530", "535", "541", "571", "55",
];

/// A report's text, taken apart.
pub(super) struct Report<'a> {
    rules: &'a BounceRules,
    /// What the host says, a line each.
    said: Vec<Line>,
    /// The copy of the mail that it returns.
    original: Vec<String>,
    /// The reason that its words give.
    reason: Option<&'a Matched>,
}

struct Line {
    text: String,
    folded: String,
}

impl<'a> Report<'a> {
    pub(super) fn of(message: &Message, written: &Written, rules: &'a BounceRules) -> Report<'a> {
        let lines = written.sections.iter().flat_map(|section| section.text.lines());
        let mut report = Report { rules, said: Vec::new(), original: Vec::new(), reason: None };
        let mut copied = false;
        for line in lines.take(MOST_LINES) {
            let text: String = line.chars().take(LONGEST_LINE).collect();
            let folded = fold(&text);
            copied = copied || rules.0.is(Role::Original, folded.trim());
            if copied {
                report.original.push(text);
            } else {
                report.said.push(Line { text, folded });
            }
        }
        report.reason = rules.0.first(Role::Reason, &report.words(message));
        report
    }

    /// The words by which it begins.
    pub(super) fn opening(&self) -> Option<&'a Matched> {
        self.rules.0.first(Role::Opening, &self.beginning())
    }

    /// Subject and first words.
    fn words(&self, message: &Message) -> String {
        format!("{} {}", fold(&message.subject), self.beginning())
    }

    /// The first words, in one line, since hosts wrap theirs.
    fn beginning(&self) -> String {
        let mut beginning = String::new();
        for line in &self.said {
            if beginning.len() > OPENING {
                break;
            }
            beginning.push_str(line.folded.trim());
            beginning.push(' ');
        }
        beginning
    }

    /// What the words say but for the status.
    pub(super) fn read(&self, message: &Message) -> Bounce {
        let words = self.words(message);
        let recipient = self.recipient(message);
        let diagnostic = self.refusal().or_else(|| self.line_of(self.reason?));
        let diagnostic = diagnostic.or_else(|| self.below(recipient.as_deref()?));
        let action = if self.rules.0.is(Role::Delayed, &words) {
            Some("delayed")
        } else if self.rules.0.is(Role::Delivered, &words) {
            Some("delivered")
        } else {
            None
        };
        Bounce {
            recipient,
            action: action.map(str::to_string),
            status: None,
            diagnostic,
            original_message_id: self.original_message_id(message),
            rule: String::new(),
        }
    }

    /// The status that a diagnostic tells, else the one that the words of the report stand for.
    pub(super) fn status(&self, diagnostic: Option<&str>) -> Option<String> {
        let folded = fold(diagnostic.unwrap_or_default());
        if let Some(status) = status_in(&folded) {
            return Some(status);
        }
        let reason = self.rules.0.first(Role::Reason, &folded).or(self.reason);
        let status = reason.and_then(|rule| rule.says.as_deref());
        match reply_code(&folded).and_then(|(code, _)| code.chars().next()) {
            // The code knows whether the reason may pass, the words know the reason.
            Some(class) => Some(format!("{class}{}", status.and_then(|status| status.get(1..)).unwrap_or(".0.0"))),
            None => status.map(str::to_string),
        }
    }

    /// The first address that is neither the reporting host's nor that of the one who wrote.
    fn recipient(&self, message: &Message) -> Option<String> {
        if let Some(failed) = message.header("X-Failed-Recipients") {
            return failed.split(',').find_map(address);
        }
        let ours = |found: &String| {
            let named = message.to.iter().chain(&message.cc).chain(&message.from).chain(&message.reply_to);
            let daemon = ["postmaster@", "mailer-daemon@", "abuse@"].iter().any(|role| found.starts_with(role));
            daemon || named.into_iter().any(|known| known.address == *found)
        };
        let said = self.said.iter().filter(|line| !is_header_line(&line.folded));
        let said = said.flat_map(|line| addresses_in(&line.text)).find(|found| !ours(found));
        said.or_else(|| {
            let to = self.original.iter().filter(|line| fold(line).starts_with("to:"));
            to.flat_map(|line| addresses_in(line)).find(|found| !ours(found))
        })
    }

    /// The refusing host's own words: the line with its reply code, and what goes on below it.
    fn refusal(&self) -> Option<String> {
        let at = self.said.iter().position(|line| reply_code(&line.text).is_some())?;
        let whole = self.joined(at);
        let (_, start) = reply_code(&whole)?;
        Some(tidy(whole.get(start..).unwrap_or_default())).filter(|said| !said.is_empty())
    }

    /// The line in which a reason stands.
    fn line_of(&self, reason: &Matched) -> Option<String> {
        let by = |line: &Line| self.rules.0.first(Role::Reason, without_addressee(&line.folded));
        let at = self.said.iter().position(|line| by(line) == Some(reason));
        let at = at.or_else(|| self.said.iter().position(|line| by(line).is_some()))?;
        Some(tidy(without_addressee(&self.joined(at)))).filter(|said| !said.is_empty())
    }

    /// What stands behind or below the recipient.
    fn below(&self, recipient: &str) -> Option<String> {
        let at = self.said.iter().position(|line| line.folded.contains(recipient))?;
        let behind = self.joined(at);
        let behind = without_addressee(&behind);
        if !behind.is_empty() && behind != self.said.get(at)?.text.trim() {
            return Some(tidy(behind));
        }
        let below = self.said.iter().skip(at + 1).map(|line| line.text.trim());
        let mut below = below.filter(|line| !line.is_empty() && !line.ends_with(':') && !line.starts_with('('));
        below.next().map(tidy).filter(|said| !said.is_empty())
    }

    /// A line with the indented ones below it that go on with it.
    fn joined(&self, at: usize) -> String {
        let indent = |line: &Line| line.text.len() - line.text.trim_start().len();
        let Some(first) = self.said.get(at) else { return String::new() };
        let mut whole = first.text.trim().to_string();
        for line in self.said.iter().skip(at + 1) {
            let goes_on = indent(line) > 0 && indent(line) >= indent(first) && !line.text.trim().is_empty();
            if !goes_on || address(&line.text).is_some() || whole.len() > LONGEST_LINE {
                break;
            }
            whole.push(' ');
            whole.push_str(line.text.trim());
        }
        whole
    }

    /// From the copy of the mail, else from what the report says that it answers.
    fn original_message_id(&self, message: &Message) -> Option<String> {
        let lines: Vec<&str> =
            self.said.iter().map(|line| line.text.as_str()).chain(self.original.iter().map(String::as_str)).collect();
        let named = lines.iter().position(|line| line.trim_start().to_ascii_lowercase().starts_with("message-id:"));
        let copied = named.and_then(|at| {
            // The id may stand on the next line, folded.
            let text: String = lines.iter().skip(at).take(2).copied().collect();
            let (_, after) = text.split_once('<')?;
            let (id, _) = after.split_once('>')?;
            Some(id.chars().filter(|c| !c.is_whitespace()).collect::<String>()).filter(|id| !id.is_empty())
        });
        copied.or_else(|| message.in_reply_to.first().cloned()).or_else(|| message.references.last().cloned())
    }
}

/// Whether a line is a header field of the mail, as some hosts list them without a line above.
fn is_header_line(folded: &str) -> bool {
    const FIELDS: [&str; 8] =
        ["message-id:", "from:", "sender:", "return-path:", "od:", "von:", "reply-to:", "x-postfix-sender:"];
    FIELDS.iter().any(|field| folded.trim_start().starts_with(field))
}

/// The addresses of a line, in order, each once cleaned of what stands around it.
fn addresses_in(text: &str) -> Vec<String> {
    let parted = text.split(|c: char| c.is_whitespace() || "<>()[]{},;:\"'„”“’«»|".contains(c));
    let sound = |word: &str| {
        let word = word.trim_matches(['.', '-', '*', '!', '?']);
        let (_, domain) = word.rsplit_once('@')?;
        let plausible = domain.contains('.') && !domain.contains(['/', '=', '%']);
        if plausible { address(word) } else { None }
    };
    parted.filter_map(sound).collect()
}

/// A reply code with which a host refuses, and where it begins.
fn reply_code(text: &str) -> Option<(String, usize)> {
    let bytes = text.as_bytes();
    for (at, _) in text.match_indices(['4', '5']) {
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        if before.is_some_and(|b| b.is_ascii_alphanumeric() || b".-/_@+=".contains(b)) {
            continue;
        }
        let Some(code) = text.get(at..at + 3).filter(|code| code.bytes().all(|b| b.is_ascii_digit())) else { continue };
        if !REFUSALS.iter().any(|known| code.starts_with(known)) {
            continue;
        }
        let mut after = text.get(at + 3..).unwrap_or_default().chars();
        let parted = matches!(after.next(), Some(' ' | '-'));
        let said = after.next().is_some_and(|c| c.is_alphabetic() || "<#*'\"(".contains(c));
        let coded =
            text.get(at + 4..).is_some_and(|rest| status_in(rest).is_some_and(|status| rest.starts_with(&status)));
        if parted && (said || coded) {
            return Some((code.to_string(), at));
        }
    }
    None
}

/// `<jan@firma.example>: no such user`: what stands behind the address.
fn without_addressee(line: &str) -> &str {
    let line = line.trim();
    match line.split_once(": ") {
        Some((addressee, rest)) if address(addressee).is_some() => rest.trim(),
        _ if address(line.trim_end_matches(':')).is_some() => "",
        _ => line,
    }
}

/// In one line, without the marks that hosts put around another's words.
fn tidy(said: &str) -> String {
    let mut said = one_line(said);
    if let Some(at) = said.find(" (in reply to ") {
        said.truncate(at);
    }
    let mut bare = said.trim_end_matches(['#', ' ', '\'', '"', '”', '’', '»']);
    if bare.matches(')').count() > bare.matches('(').count() {
        bare = bare.trim_end_matches(')');
    }
    bare.trim().to_string()
}
