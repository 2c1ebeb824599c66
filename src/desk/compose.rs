//! The typed builder of every mail that goes out: fields in, bytes out, the same fields always
//! giving the same bytes. No clock, no randomness, no host name: Message-ID and date are handed in,
//! MIME boundaries derive from the Message-ID.
//!
//! What comes from outside can neither add a header field nor break out of its part:
//!
//! | Field | What is wrong in it |
//! |---|---|
//! | addresses | refused: an address is either right or useless |
//! | our Message-ID, extra headers, the date | refused: it would be our own mistake |
//! | display names, subject, file names | cleaned: control, bidirectional and invisible characters go, white space is joined, length is capped, and no RFC 2047 encoded word of the sender's survives |
//! | In-Reply-To, References, Content-ID | an id that is none is left out; it only helps mail programs to sort |
//! | media types | `application/octet-stream` |
//! | text, HTML | control characters but tab and line end go; encoded so that no line can be taken for a boundary |
//! | whole mails | attached as message/rfc822, or as a plain file where RFC 2046 does not allow that |

mod field;
mod part;

use std::collections::BTreeSet;

use jiff::Timestamp;
use mail_builder::MessageBuilder;
use mail_builder::headers::address;
use mail_builder::headers::date::Date;
use mail_builder::headers::message_id::MessageId;
use mail_builder::headers::raw::Raw;
use mail_builder::headers::text::Text;

use crate::desk::message::{Address, Attachment};

/// Characters of a subject. Longer ones are cut; a ticket's tag stands in front.
pub const MAX_SUBJECT_CHARACTERS: usize = 200;

/// Characters of a display name.
pub const MAX_NAME_CHARACTERS: usize = 100;

/// The field by which a mail asks programs for silence (MS-OXCMAIL 2.1.3.2.20).
pub const SILENCE: &str = "X-Auto-Response-Suppress";

/// Header fields that [`compose`] writes itself or leaves to the servers on the way; an extra header
/// cannot have such a name. Neither can one that begins with `Content-` or `Resent-`.
const RESERVED: &[&str] = &[
    "auto-submitted",
    "bcc",
    "cc",
    "date",
    "dkim-signature",
    "from",
    "in-reply-to",
    "message-id",
    "mime-version",
    "received",
    "references",
    "reply-to",
    "return-path",
    "sender",
    "subject",
    "thread-topic",
    "to",
    "x-auto-response-suppress",
];

/// A mail to one recipient.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outgoing {
    /// `local@domain`, without angle brackets.
    pub message_id: String,
    /// The `Date` header; written in UTC, to the second.
    pub date: Timestamp,
    /// The sender.
    pub from: Address,
    /// The recipient.
    pub to: Address,
    /// The address that answers go to, where it is not the sender's.
    pub reply_to: Option<String>,
    /// The subject, in one line.
    pub subject: String,
    /// The Message-ID of the mail that this one answers, without angle brackets.
    pub in_reply_to: Option<String>,
    /// The `References` of the mail that this one answers, oldest first, without angle brackets.
    /// `in_reply_to` is added behind them (RFC 5322 section 3.6.4).
    pub references: Vec<String>,
    /// Set on every mail that no person wrote. Such a mail also asks Exchange for no automatic
    /// answer (`X-Auto-Response-Suppress: All`, MS-OXCMAIL 2.1.3.2.20).
    pub auto_submitted: Option<AutoSubmitted>,
    /// Set on a mail that its recipient is to answer and whose arrival no program is to: it asks
    /// Exchange for no absence note and no other automatic answer.
    pub asks_for_no_automatic_answer: bool,
    /// The conversation that Outlook is to gather the mail under.
    pub conversation: Option<Conversation>,
    /// Extra header fields, name and value in printable ASCII, each name once.
    pub headers: Vec<(String, String)>,
    /// The plain text body.
    pub text: String,
    /// The HTML body. The composer trusts it: whoever makes it escapes what comes from outside.
    pub html: Option<String>,
    /// Files. A picture whose Content-ID the HTML shows (`cid:`) goes with the HTML, all else below.
    pub attachments: Vec<Attachment>,
    /// Whole mails as received, attached below the files.
    pub forwarded: Vec<Vec<u8>>,
}

/// A conversation of Outlook's (MS-OXOMSG sections 2.2.1.3 and 2.2.1.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// `Thread-Topic`: the subject without prefixes.
    pub topic: String,
    /// `Thread-Index`, in base 64.
    pub index: String,
}

/// Why no person wrote this mail (RFC 3834 section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AutoSubmitted {
    /// It answers a mail by itself: `auto-replied`.
    Replied,
    /// A clock or rule made it: `auto-generated`.
    Generated,
}

/// A field that cannot stand in a mail. The message names the field and what is wrong, never the
/// value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot compose the mail: {field} {problem}")]
pub struct ComposeError {
    /// The field.
    pub field: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// Writes a mail: RFC 5322 and MIME, CRLF line ends, lines of at most 998 octets, header fields in
/// ASCII but for addresses that are not (RFC 6532; such a mail needs a server with SMTPUTF8). It
/// needs 8BITMIME only where a forwarded mail is 8-bit itself.
///
/// # Errors
/// An address, the Message-ID, the date or an extra header that cannot be written as it is.
pub fn compose(mail: &Outgoing) -> Result<Vec<u8>, ComposeError> {
    let message_id = field::own_message_id(&mail.message_id)?;
    if mail.date < Timestamp::UNIX_EPOCH {
        return Err(refusal("Date", "is before 1970"));
    }
    let mut builder = MessageBuilder::new().from(mailbox("From", &mail.from)?).to(mailbox("To", &mail.to)?);
    if let Some(reply_to) = &mail.reply_to {
        builder = builder.reply_to(address::Address::from(field::address("Reply-To", reply_to)?));
    }
    let subject = field::clean(&mail.subject, MAX_SUBJECT_CHARACTERS);
    builder = builder.subject(Text::new(subject)).date(Date::new(mail.date.as_second())).message_id(message_id);

    let parent = mail.in_reply_to.as_deref().filter(|id| field::is_message_id(id));
    if let Some(parent) = parent {
        builder = builder.in_reply_to(parent);
    }
    let references = field::references(&mail.references, parent);
    if !references.is_empty() {
        builder = builder.references(MessageId::new_list(references.into_iter()));
    }
    if let Some(reason) = mail.auto_submitted {
        builder = builder.header("Auto-Submitted", Raw::new(reason.keyword()));
        builder = builder.header(SILENCE, Raw::new("All"));
    } else if mail.asks_for_no_automatic_answer {
        builder = builder.header(SILENCE, Raw::new("OOF, AutoReply"));
    }
    if let Some(Conversation { topic, index }) = &mail.conversation {
        builder = builder.header("Thread-Topic", Text::new(field::clean(topic, MAX_SUBJECT_CHARACTERS)));
        builder = builder.header("Thread-Index", Raw::new(extra_header("Thread-Index", index)?));
    }
    let mut names = BTreeSet::new();
    for (name, value) in &mail.headers {
        let value = extra_header(name, value)?;
        if !names.insert(name.to_ascii_lowercase()) {
            return Err(refusal(name, "stands there twice"));
        }
        builder = builder.header(name.as_str(), Raw::new(value));
    }

    let mut bytes = Vec::new();
    builder.body(part::body(mail)).serialize(&mut bytes);
    Ok(bytes)
}

impl AutoSubmitted {
    fn keyword(self) -> &'static str {
        match self {
            AutoSubmitted::Replied => "auto-replied",
            AutoSubmitted::Generated => "auto-generated",
        }
    }
}

fn refusal(field: &str, problem: &'static str) -> ComposeError {
    ComposeError { field: field.to_string(), problem }
}

fn mailbox<'a>(field: &str, mailbox: &'a Address) -> Result<address::Address<'a>, ComposeError> {
    let address = field::address(field, &mailbox.address)?;
    let name = field::clean(&mailbox.name, MAX_NAME_CHARACTERS);
    Ok(address::Address::new_address(Some(name).filter(|name| !name.is_empty()), address))
}

/// The value of an extra header, if the field can be written: a name of letters, digits and `-`, a
/// value of at most 900 printable ASCII characters, so that no line grows beyond 998 (RFC 5322
/// section 2.1.1).
fn extra_header<'a>(name: &str, value: &'a str) -> Result<&'a str, ComposeError> {
    let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.len() <= 60
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !is_name {
        return Err(refusal("an extra header", "has a name that is none"));
    }
    let lower = name.to_ascii_lowercase();
    if RESERVED.contains(&lower.as_str()) || lower.starts_with("content-") || lower.starts_with("resent-") {
        return Err(refusal(name, "is a field that only the composer or a server writes"));
    }
    let value = value.trim_matches(' ');
    if value.is_empty() || value.len() > 900 || !value.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Err(refusal(name, "is not 1 to 900 printable ASCII characters"));
    }
    Ok(value)
}
