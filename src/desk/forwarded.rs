//! A customer's mail that somebody passes on: who wrote it, read out of the attached or the quoted
//! original.

use super::message::{Address, Message};
use super::text::{self, Heading, QuoteRules};

/// The most attached mails that are looked into, one within the other.
const MOST_NESTED: usize = 5;

/// A mail that was passed on.
#[derive(Clone, Debug, PartialEq)]
pub struct Forwarded {
    /// Who wrote it.
    pub from: Address,
    /// Its subject, where it says one.
    pub subject: Option<String>,
    /// What it says.
    pub text: String,
    /// The mail itself, where it is attached whole.
    pub original: Option<Message>,
}

/// The first mail passed on in this one whose sender is none of ours. Where colleagues pass a mail
/// from one to the other, that is the customer's at the bottom.
pub fn forwarded(message: &Message, is_ours: impl Fn(&str) -> bool, rules: &QuoteRules) -> Option<Forwarded> {
    attached(message, &is_ours, rules, MOST_NESTED).or_else(|| quoted(message, &is_ours, rules))
}

/// Whether mails of several customers are attached: whose ticket it is, nobody can tell.
pub fn has_several_customers(message: &Message, is_ours: impl Fn(&str) -> bool) -> bool {
    let mails = message.attachments.iter().filter(|file| file.media_type == "message/rfc822");
    let senders = mails.filter_map(|file| Message::parse(&file.content).from).map(|from| from.address);
    let mut senders: Vec<String> = senders.filter(|address| !is_ours(address)).collect();
    senders.sort();
    senders.dedup();
    senders.len() > 1
}

fn attached(message: &Message, is_ours: &impl Fn(&str) -> bool, rules: &QuoteRules, left: usize) -> Option<Forwarded> {
    let left = left.checked_sub(1)?;
    let mails = message.attachments.iter().filter(|file| file.media_type == "message/rfc822");
    mails.map(|file| Message::parse(&file.content)).find_map(|mail| {
        let from = mail.from.clone()?;
        if is_ours(&from.address) {
            return attached(&mail, is_ours, rules, left).or_else(|| quoted(&mail, is_ours, rules));
        }
        let written = text::read(&mail, rules);
        let text: Vec<&str> = written.sections.iter().map(|section| section.text.as_str()).collect();
        let (subject, text) = (Some(mail.subject.clone()), text.join("\n\n"));
        Some(Forwarded { from, subject, text, original: Some(mail) })
    })
}

fn quoted(message: &Message, is_ours: &impl Fn(&str) -> bool, rules: &QuoteRules) -> Option<Forwarded> {
    let headings = text::headings(message, rules);
    let heading =
        headings.into_iter().find(|heading| heading.from.as_ref().is_some_and(|from| !is_ours(&from.address)))?;
    let Heading { from, subject, text } = heading;
    Some(Forwarded { from: from?, subject, text, original: None })
}

#[cfg(test)]
mod tests;
