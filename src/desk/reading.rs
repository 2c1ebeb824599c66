//! All that a mail says by itself, before anything on file is asked.

use std::collections::BTreeSet;

use super::attachment::{self, Contents, Unread};
use super::bounce::{self, Bounce};
use super::classify::{self, Kind, OwnMarks, Verdict};
use super::extract::{self, Numbers, OnFile, Pages};
use super::handed_in::{self, HandedIn};
use super::language::{self, Language};
use super::message::Message;
use super::site::Site;
use super::text::{self, Part, Written};
use super::ticket::{self, KnownNumber, NumberKind};
use super::ticket_number;
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
    /// What it hands in for a customer, where an engineer wrote it.
    pub handed_in: Option<Box<HandedIn>>,
    /// The texts of its attachments.
    pub texts: Vec<extract::Reading>,
    /// The attachments that were not read as a whole.
    pub unread: Vec<Unread>,
    /// All its texts, those of its attachments too, cut into what numbers are told from.
    pub pages: Pages,
}

impl Reading {
    /// Reads a mail; `contents` is what was read of its [files](attachment::files), in their order.
    pub fn of(message: &Message, contents: &[Contents], site: &Site) -> Reading {
        let files = attachment::files(message);
        let written = text::read(message, &site.rules.quotes);
        let bounce = bounce::bounce(message, &written, &site.rules.bounces);
        let texts = attachment::readings(&files, contents);
        let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
        let pages = Pages::new(&message.subject, &written, &names, &texts, &site.rules.numbers);
        let numbers = || pages.numbers(&OnFile::default(), &site.rules.numbers);
        let answers = site.rules.quotes.is_answer(&message.subject);
        let names_ours = answers || !ticket_number::find_in(&message.subject).is_empty();
        let answers_something = names_ours || !(message.in_reply_to.is_empty() && message.references.is_empty());
        let own = OwnMarks { is_answer: answers, answers_something, ..own_marks(message, site) };
        let verdict = classify::classify(message, &written, bounce.as_ref(), &own, &numbers, &site.rules.robots);
        let now = written.text(Part::Now);
        Reading {
            language: language::language(message, &written, answers),
            escalation: wishes::asks_for_escalation(&message.subject, answers, &now, &site.rules.wishes),
            handed_in: handed_in::handed_in(message, &written, contents, site).map(Box::new),
            bounce,
            texts,
            unread: attachment::unread(&files, contents),
            pages,
            written,
            verdict,
        }
    }

    /// The reading once it is known that a contract names the sender.
    pub fn of_named_sender(mut self) -> Reading {
        self.verdict = self.verdict.of_named_sender();
        self
    }

    /// What was written now.
    pub fn now(&self) -> String {
        self.written.text(Part::Now)
    }

    /// The serial, contract and tax numbers, with the contracts on file at hand.
    pub fn numbers(&self, on_file: &OnFile, site: &Site) -> Numbers {
        self.pages.numbers(on_file, &site.rules.numbers)
    }

    /// The look-up keys of all that could be a number on file, sorted.
    pub fn number_keys(&self, site: &Site) -> Vec<String> {
        self.pages.keys(&site.rules.numbers)
    }

    /// What this mail lacks for admission; nothing where it is no request.
    pub fn missing(&self, numbers: &[KnownNumber]) -> Vec<NumberKind> {
        if self.verdict.kind == Kind::Request { ticket::missing(numbers) } else { Vec::new() }
    }
}

fn own_marks(message: &Message, site: &Site) -> OwnMarks {
    let identity = &site.identity;
    let mut addresses: BTreeSet<String> = identity.aliases.iter().cloned().collect();
    addresses.insert(identity.address.clone());
    addresses.insert(identity.escalation_address.clone());
    addresses.extend(site.second_level_address.clone());
    // Whoever got a mail of ours knows its Message-ID, and may send another mail under it.
    let from_us = message.from.as_ref().is_some_and(|from| from.address == identity.address);
    let signed = from_us && message.message_id.as_deref().is_some_and(|id| site.token_keys.is_ours(id));
    let mut answered = message.in_reply_to.iter().chain(&message.references);
    let answers_ours = answered.any(|id| site.token_keys.is_ours(id));
    OwnMarks { addresses, signed, answers_ours, ..OwnMarks::default() }
}
