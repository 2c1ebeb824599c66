//! Raw bytes become our own [`Message`]. Alone knows the mail parser; never fails, and lists
//! problems instead.

mod body;
mod bytes;
mod charset;
mod enclosed;
mod flowed;
mod hash;
mod header;
mod invitation;
mod limits;
mod signed;
mod tnef;

use jiff::Timestamp;
use mail_parser::{DateTime, MessageParser};

pub use hash::{content_hash, header_hash};
pub use limits::Limits;
use limits::UNREAD;

/// What the names of our own control fields begin with. From outside they mean nothing: no rule
/// ever sees one.
const OWN_PREFIX: &str = "X-HEZO-";

/// The most mailboxes of `From` that are kept: one is honest, two are enough to see that it is not.
const MOST_AUTHORS: usize = 10;

/// The most fields that are read behind the limit of header fields: each of those that matter, twice.
const MOST_LATE_FIELDS: usize = 18;

/// A mail as the desk sees it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Message {
    /// The Message-ID without angle brackets; `None` where it is missing or empty.
    pub message_id: Option<String>,
    /// Message-IDs of `In-Reply-To`, without angle brackets.
    pub in_reply_to: Vec<String>,
    /// Message-IDs of `References`, without angle brackets, oldest first.
    pub references: Vec<String>,
    /// The first mailbox of `From`.
    pub from: Option<Address>,
    /// All mailboxes of all `From` fields: an honest mail has one.
    pub authors: Vec<Address>,
    /// The first mailbox of `Reply-To`.
    pub reply_to: Option<Address>,
    /// All mailboxes of `To`.
    pub to: Vec<Address>,
    /// All mailboxes of `Cc`.
    pub cc: Vec<Address>,
    /// The decoded subject, in one line; empty where there is none.
    pub subject: String,
    /// The `Date` header, where it can be read.
    pub date: Option<Timestamp>,
    /// Every header field of the mail, in order, name as written, value unfolded and decoded.
    pub headers: Vec<Header>,
    /// The text/plain body parts, decoded and joined; `None` where there is none.
    pub plain: Option<String>,
    /// The text/html body parts, decoded and joined; `None` where there is none.
    pub html: Option<String>,
    /// True where the plain body is `format=flowed` (RFC 3676).
    pub flowed: bool,
    /// Everything else: files, inline pictures, attached mails.
    pub attachments: Vec<Attachment>,
    /// The delivery report, where the mail is or carries one (RFC 3464).
    pub delivery_status: Option<String>,
    /// What was wrong with the mail, each in one sentence without personal data.
    pub problems: Vec<String>,
}

/// A mailbox of RFC 5322 section 3.4.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Address {
    /// The display name, decoded; empty where there is none.
    pub name: String,
    /// `local@domain`, the domain (and for comparison the local part too) in lower case.
    pub address: String,
}

/// One header field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The name as written.
    pub name: String,
    /// The value, unfolded, encoded words decoded.
    pub value: String,
    /// The value before its encoded words were decoded, where it has any: in a field that a program
    /// reads, a decoded word could pass for what the program itself wrote.
    pub encoded: Option<String>,
}

impl Header {
    /// Whether the field has this name, in any case.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// The value, unfolded, encoded words left as they are.
    pub fn undecoded(&self) -> &str {
        self.encoded.as_deref().unwrap_or(&self.value)
    }
}

/// A part of the mail that is not its body text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// The file name, cleaned; empty where there is none.
    pub name: String,
    /// `type/subtype` in lower case.
    pub media_type: String,
    /// The Content-ID without angle brackets, for pictures that an HTML body shows.
    pub content_id: Option<String>,
    /// The decoded bytes. For message/rfc822 the attached mail itself.
    pub content: Vec<u8>,
}

impl Attachment {
    /// Whether it is a text file.
    pub fn is_text(&self) -> bool {
        self.media_type.starts_with("text/")
    }

    /// The content of a text file.
    pub fn text(&self) -> String {
        text_of(&self.content)
    }
}

impl Message {
    /// The value of the first header field with this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let named = self.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        named.map(|header| header.value.as_str())
    }
}

impl Message {
    /// Reads a mail. Never fails: what cannot be read is left empty and said in `problems`.
    pub fn parse(raw: &[u8]) -> Message {
        Message::read(raw, &Limits::default())
    }

    /// The same, within a site's limits.
    pub fn read(raw: &[u8], limits: &Limits) -> Message {
        Message::read_within(raw, limits, 0)
    }

    /// The same, of a mail that stands so deep in envelopes.
    fn read_within(raw: &[u8], limits: &Limits, depth: usize) -> Message {
        let mut message = Message::default();
        let raw = body::without_mbox_line(raw);
        let ended = body::end_lines(raw);
        let raw: &[u8] = ended.as_deref().unwrap_or(raw);
        let headed = body::end_header(raw);
        let raw: &[u8] = headed.as_deref().unwrap_or(raw);
        if headed.is_some() {
            message.problems.push("the header section has no end; what is no header field was read as text".into());
        }
        let within = limits::readable(raw, limits, &mut message.problems);
        let is_whole = within.len() == raw.len();
        let mended = body::mend_boundary(within);
        let raw: &[u8] = mended.as_deref().unwrap_or(within);
        if mended.is_some() {
            message.problems.push("the mail has several parts but no boundary that parts them; one was guessed".into());
        }
        let closed = body::close_parts(raw);
        let raw: &[u8] = closed.as_deref().unwrap_or(raw);
        if closed.is_some() && is_whole {
            message.problems.push("the last part of the mail has no end; it was read to the end of the mail".into());
        }
        let Some(parsed) = MessageParser::new().parse(raw) else {
            message.problems.push("the mail has no header field".into());
            message.plain = (!raw.is_empty()).then(|| text_of(raw)).filter(|text| !text.trim().is_empty());
            return message;
        };
        message.read_header(raw, limits, &parsed);
        body::read(&mut message, raw, &parsed);
        enclosed::open(&mut message, limits, depth);
        let Message { plain, html, problems, .. } = &mut message;
        [plain, html].into_iter().for_each(|text| limits::shorten(text, limits, problems));
        message
    }

    fn read_header(&mut self, raw: &[u8], limits: &Limits, parsed: &mail_parser::Message) {
        let fields = parsed.headers();
        let Limits { header_fields, header_length, addresses, .. } = limits;
        if fields.len() > *header_fields {
            self.problems.push(format!("the mail has more than {header_fields} header fields; {UNREAD}"));
        }
        let longest = u32::try_from(*header_length).unwrap_or(u32::MAX);
        let late = fields.iter().skip(*header_fields).filter(|field| is_of_the_letterhead(field.name()));
        for field in fields.iter().take(*header_fields).chain(late.take(MOST_LATE_FIELDS)) {
            let end = field.offset_end.min(field.offset_start.saturating_add(longest));
            let value = raw.get(field.offset_start as usize..end as usize).unwrap_or_default();
            if end < field.offset_end {
                self.say(format!("a header field is longer than {header_length} bytes; {UNREAD}"));
            }
            let value = header::unfold(value);
            if !self.take(field.name(), &value, field.value().as_datetime(), *addresses) {
                self.say(format!("a header field names more than {addresses} addresses; {UNREAD}"));
            }
            let name = field.name();
            if name.get(..OWN_PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(OWN_PREFIX)) {
                self.problems.push("a header field that only the desk itself may write was left out".into());
                continue;
            }
            let decoded = header::decode_words(&value);
            let encoded = (decoded != value).then_some(value);
            self.headers.push(Header { name: name.to_string(), value: decoded, encoded });
        }
        if self.from.is_none() {
            self.problems.push("the mail names no sender".into());
        }
    }

    /// What a limit has left out of it, each in one sentence.
    pub fn unread(&self) -> impl Iterator<Item = &String> {
        self.problems.iter().filter(|problem| problem.ends_with(UNREAD))
    }

    /// Says what is wrong, once.
    fn say(&mut self, problem: impl Into<String>) {
        let problem = problem.into();
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// Takes what the fields of our own say; where a field is repeated, the first one counts. False
    /// where a field names too many addresses.
    fn take(&mut self, name: &str, value: &str, date: Option<&DateTime>, most: usize) -> bool {
        let mut all = true;
        let mut addresses = |left: usize| {
            let mut found = header::addresses(value, most.saturating_add(1));
            all = found.len() <= left;
            found.truncate(left);
            found
        };
        let set = |place: &mut Vec<_>, found: Vec<_>| {
            if place.is_empty() {
                *place = found;
            }
        };
        match name.to_ascii_lowercase().as_str() {
            "message-id" if self.message_id.is_none() => {
                self.message_id = header::message_ids(value).into_iter().next()
            }
            "in-reply-to" => set(&mut self.in_reply_to, header::message_ids(value)),
            "references" => set(&mut self.references, header::message_ids(value)),
            "subject" if self.subject.is_empty() => {
                let subject = header::decode_words(value);
                let subject = charset::undo_double_encoding(&subject).unwrap_or(subject);
                self.subject = header::one_line(&subject);
            }
            "from" if self.authors.len() < MOST_AUTHORS => {
                self.authors.extend(addresses(most).into_iter().take(MOST_AUTHORS));
                self.from = self.authors.first().cloned();
            }
            "reply-to" if self.reply_to.is_none() => self.reply_to = addresses(most).into_iter().next(),
            "to" => self.to.extend(addresses(most.saturating_sub(self.to.len()))),
            "cc" => self.cc.extend(addresses(most.saturating_sub(self.cc.len()))),
            "date" if self.date.is_none() => {
                let valid = date.filter(|date| date.is_valid());
                self.date = valid.and_then(|date| Timestamp::from_second(date.to_timestamp()).ok());
                if self.date.is_none() {
                    self.problems.push("the Date field cannot be read".into());
                }
            }
            _ => {}
        }
        all
    }
}

/// Whether a field says who writes to whom about what, so that it is read behind any number of others.
fn is_of_the_letterhead(name: &str) -> bool {
    const LETTERHEAD: [&str; 9] =
        ["from", "to", "cc", "reply-to", "subject", "date", "message-id", "in-reply-to", "references"];
    LETTERHEAD.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Text of unknown charset, with LF line ends and without NUL and invisible characters.
fn text_of(bytes: &[u8]) -> String {
    clean(charset::decode(bytes, None).map_or_else(String::new, |decoded| decoded.text))
}

/// LF line ends; NUL and invisible characters taken out.
fn clean(text: String) -> String {
    let text = if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text };
    // Most texts have not even a byte with which such a character begins.
    let may_have = text.bytes().any(|byte| matches!(byte, b'\0' | 0xC2 | 0xE2 | 0xEF));
    if may_have && text.contains(|c| c == '\0' || header::is_unseen(c)) {
        return text.chars().filter(|&c| c != '\0' && !header::is_unseen(c)).collect();
    }
    text
}

#[cfg(test)]
#[path = "message/tests.rs"]
mod tests;
