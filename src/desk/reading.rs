//! All that a mail says by itself, before anything on file is asked.

use std::collections::BTreeSet;

use super::bounce::{self, Bounce};
use super::classify::{self, Kind, OwnMarks, Verdict};
use super::extract::{self, Numbers, OnFile};
use super::language::{self, Language};
use super::message::Message;
use super::site::Site;
use super::text::{self, Part, Written};
use super::ticket::{self, KnownNumber, NumberKind};
use super::wishes;

/// What a mail says.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Its text, taken apart.
    pub written: Written,
    /// What kind of mail it is, and by which rule.
    pub verdict: Verdict,
    /// The language of what was written now.
    pub language: Language,
    /// The delivery report that it carries.
    pub bounce: Option<Bounce>,
    /// The rule by which it asks for escalation in words.
    pub escalation: Option<String>,
    /// The texts of its attachments.
    pub texts: Vec<extract::Reading>,
}

impl Reading {
    /// Reads a mail.
    pub fn of(message: &Message, site: &Site) -> Reading {
        let written = text::read(message, &site.rules.quotes);
        let verdict = classify::classify(message, &written, &own_marks(message, site), &site.rules.robots);
        let now = written.text(Part::Now);
        let domain = message.from.as_ref().and_then(|from| from.address.rsplit_once('@')).map(|(_, domain)| domain);
        Reading {
            language: language::language(&message.subject, &now, domain),
            bounce: bounce::bounce(message),
            escalation: wishes::asks_for_escalation(&message.subject, &now, &site.rules.wishes),
            texts: texts_of_attachments(message),
            written,
            verdict,
        }
    }

    /// What was written now.
    pub fn now(&self) -> String {
        self.written.text(Part::Now)
    }

    /// The serial, contract and tax numbers, with the contracts on file at hand.
    pub fn numbers(&self, message: &Message, on_file: &OnFile, site: &Site) -> Numbers {
        let names = self.attachment_names(message);
        extract::numbers(&message.subject, &self.written, &names, &self.texts, on_file, &site.rules.numbers)
    }

    /// The look-up keys of all that could be a number on file, sorted.
    pub fn number_keys(&self, message: &Message, site: &Site) -> Vec<String> {
        let names = self.attachment_names(message);
        extract::keys(&message.subject, &self.written, &names, &self.texts, &site.rules.numbers)
    }

    /// What this mail lacks for admission; nothing where it is no request.
    pub fn missing(&self, numbers: &[KnownNumber]) -> Vec<NumberKind> {
        if self.verdict.kind == Kind::Request { ticket::missing(numbers) } else { Vec::new() }
    }

    /// The names of the attachments.
    pub fn attachment_names<'a>(&self, message: &'a Message) -> Vec<&'a str> {
        message.attachments.iter().map(|attachment| attachment.name.as_str()).collect()
    }
}

fn own_marks(message: &Message, site: &Site) -> OwnMarks {
    let identity = &site.identity;
    let mut addresses: BTreeSet<String> = identity.aliases.iter().cloned().collect();
    addresses.insert(identity.address.clone());
    addresses.insert(identity.escalation_address.clone());
    let signed = message.message_id.as_deref().is_some_and(|id| site.token_key.is_ours(id));
    OwnMarks { addresses, signed }
}

/// Text files are read as they are; other formats need a reader of their own.
fn texts_of_attachments(message: &Message) -> Vec<extract::Reading> {
    let text_files = message.attachments.iter().filter(|attachment| attachment.is_text());
    let read = |attachment: &super::message::Attachment| extract::Reading {
        place: extract::Place::AttachmentText,
        name: attachment.name.clone(),
        text: attachment.text(),
    };
    text_files.map(read).collect()
}
