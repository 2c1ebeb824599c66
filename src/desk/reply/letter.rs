//! One mail on its way to being written.

use jiff::Timestamp;

use super::links::{self, Target};
use super::{Post, Purpose, ReplyError, conversation};
use crate::desk::answer::FILE;
use crate::desk::compose::{self, AutoSubmitted, Conversation, Outgoing};
use crate::desk::message::{Address, Attachment, Message};
use crate::desk::site::{ReplyTokens, Site};
use crate::desk::text;
use crate::desk::ticket::{EntryKind, Ticket};
use crate::desk::ticket_number::TicketNumber;
use crate::desk::token::Token;

/// The headers of a mail, gathered before its text is filled in.
pub(super) struct Letter<'a> {
    site: &'a Site,
    ticket: Option<TicketNumber>,
    purpose: Purpose,
    cause: Vec<u8>,
    recipient: String,
    internal_files: Vec<String>,
    topic: Option<String>,
    outgoing: Outgoing,
}

impl<'a> Letter<'a> {
    /// A mail from the desk. `cause` identifies what it is written for: the same cause, purpose
    /// and recipient give the same Message-ID.
    pub(super) fn new(site: &'a Site, purpose: Purpose, cause: &[u8], to: &Address, now: Timestamp) -> Letter<'a> {
        let identity = &site.identity;
        let outgoing = Outgoing {
            message_id: site.token_keys.message_id(purpose.name(), cause, &to.address, identity.domain()),
            date: now,
            from: Address { name: identity.name.clone(), address: identity.address.clone() },
            to: to.clone(),
            ..Outgoing::default()
        };
        Letter {
            site,
            ticket: None,
            purpose,
            cause: cause.to_vec(),
            recipient: to.address.clone(),
            internal_files: Vec::new(),
            topic: None,
            outgoing,
        }
    }

    /// The mail is about this ticket.
    pub(super) fn about(mut self, ticket: &Ticket) -> Self {
        self.ticket = Some(ticket.number);
        self
    }

    /// The mail answers this one (RFC 5322 section 3.6.4). Earlier ids of the conversation are the
    /// sender's own words, and are repeated to proven ones alone.
    pub(super) fn answering(mut self, message: &Message, with_references: bool) -> Self {
        if with_references {
            self.outgoing.references = message.references.clone();
        }
        self.outgoing.in_reply_to = message.message_id.clone();
        self
    }

    /// A program wrote the mail (RFC 3834 section 5).
    pub(super) fn automatic(mut self, how: AutoSubmitted) -> Self {
        self.outgoing.auto_submitted = Some(how);
        self
    }

    /// The name that the recipient sees as the sender's.
    pub(super) fn under_name(mut self, name: String) -> Self {
        self.outgoing.from.name = name;
        self
    }

    /// Answers bring this token back.
    pub(super) fn answers_with(mut self, token: &Token) -> Self {
        let Site { identity, token_keys, reply_tokens, .. } = self.site;
        let now = self.outgoing.date;
        match reply_tokens {
            ReplyTokens::Plus => {
                self.outgoing.reply_to = Some(token_keys.reply_address(&identity.address, token, now));
            }
            ReplyTokens::MessageId => {
                let (purpose, domain) = (self.purpose.name(), identity.domain());
                let id = token_keys.message_id_with(token, now, purpose, &self.cause, &self.recipient, domain);
                self.outgoing.message_id = id;
            }
        }
        self
    }

    /// Answers go to this address.
    pub(super) fn answers_to(mut self, address: String) -> Self {
        self.outgoing.reply_to = Some(address);
        self
    }

    /// All mails of a ticket to one engineer hang under one root, which need not exist: clients
    /// gather mails by a common reference.
    pub(super) fn internal_thread(mut self, ticket: &Ticket) -> Self {
        let number = ticket.number.to_string();
        let domain = self.site.identity.domain();
        let root = self.site.token_keys.message_id("thread", number.as_bytes(), &self.recipient, domain);
        let topic = self.site.rules.quotes.without_prefixes(&ticket.subject);
        let conversation = conversation::Root::of(&root, ticket.opened_at);
        self.outgoing.conversation = Some(Conversation {
            topic: format!("{} {topic}", ticket.number.tag()),
            index: conversation.index(self.outgoing.date),
        });
        self.outgoing.in_reply_to = Some(root.clone());
        self.outgoing.references = vec![root];
        self
    }

    /// Its recipient is to answer it, and no program is to: it carries no mark of an automatic mail,
    /// by which programs would hide it, and asks for no absence note.
    pub(super) fn for_a_person(mut self) -> Self {
        self.outgoing.asks_for_no_automatic_answer = true;
        self
    }

    /// The mail goes on with the conversation that the customer sees.
    pub(super) fn customer_thread(mut self, ticket: &Ticket) -> Self {
        let seen =
            |kind: EntryKind| matches!(kind, EntryKind::Customer | EntryKind::Acknowledged | EntryKind::Answered);
        let ids = ticket.entries.iter().filter(|entry| seen(entry.kind));
        let last = ticket.entries.iter().rev().find(|entry| entry.kind == EntryKind::Customer);
        self.outgoing.references = ids.filter_map(|entry| entry.message_id.clone()).collect();
        self.outgoing.in_reply_to = last.and_then(|entry| entry.message_id.clone());
        self
    }

    /// The frequent orders stand in it, each as an answer that is ready to be sent.
    pub(super) fn with_links(mut self, ticket: &Ticket) -> Self {
        let topic = self.site.rules.quotes.without_prefixes(&ticket.subject);
        self.topic = Some(format!("Re: {} {topic}", ticket.number.tag()));
        self
    }

    fn links(&self) -> Vec<serde_json::Value> {
        let Some(subject) = &self.topic else { return Vec::new() };
        let Outgoing { reply_to, message_id, .. } = &self.outgoing;
        let target = Target {
            address: reply_to.as_deref().unwrap_or(&self.site.identity.address),
            subject,
            in_reply_to: reply_to.is_none().then_some(message_id.as_str()),
        };
        let links = self.site.rules.orders.links().iter();
        links.map(|link| serde_json::json!({ "label": link.label, "href": target.of(link) })).collect()
    }

    /// Files go along.
    pub(super) fn attach(mut self, files: Vec<Attachment>) -> Self {
        self.outgoing.attachments = files;
        self
    }

    /// Files go along that no customer may see.
    pub(super) fn attach_internal(mut self, files: Vec<Attachment>) -> Self {
        self.internal_files.extend(files.iter().map(|file| file.name.clone()));
        self.outgoing.attachments.extend(files);
        self
    }

    /// Whole mails go along.
    pub(super) fn forward(mut self, mails: Vec<Vec<u8>>) -> Self {
        self.outgoing.forwarded = mails;
        self
    }

    /// Fills in subject, text and HTML from the templates of this name.
    pub(super) fn write(mut self, template: &str, mut context: serde_json::Value) -> Result<Post, ReplyError> {
        if let Some(context) = context.as_object_mut() {
            context.insert("links".to_string(), self.links().into());
        }
        // The ticket may know this very mail already.
        let Outgoing { references, message_id, .. } = &mut self.outgoing;
        references.retain(|id| id != message_id);
        let page = self.site.rules.templates.fill(template, &context)?;
        self.outgoing.subject = page.subject;
        self.outgoing.text = page.text;
        let of_links = page.html.is_none() && self.topic.is_some();
        self.outgoing.html = if of_links { Some(links::page(&self.outgoing.text)) } else { page.html };
        Ok(Post {
            ticket: self.ticket,
            purpose: self.purpose,
            message_id: self.outgoing.message_id.clone(),
            keeps: None,
            second_route: false,
            bytes: compose::compose(&self.outgoing)?,
            shown: self.purpose.is_internal().then(|| self.shown(of_links)),
            recipient: self.recipient,
        })
    }

    /// Header, text and HTML as a mail program shows them; a page that is `of_links` is our own.
    fn shown(&self, of_links: bool) -> String {
        let Outgoing { message_id, from, reply_to, subject, references, text, html, .. } = &self.outgoing;
        let mut lines = vec![format!("From: {}", from.name), format!("Subject: {subject}")];
        lines.extend(reply_to.iter().chain(references).chain([message_id]).cloned());
        lines.extend(self.internal_files.iter().map(|name| format!("{FILE}{name}")));
        lines.push(text.clone());
        if of_links {
            lines.push(links::shown(text));
        } else if html.is_some() {
            let page = Message { html: html.clone(), ..Message::default() };
            lines.extend(text::lines(&page, &self.site.rules.quotes).into_iter().map(|line| line.text));
        }
        lines.join("\n")
    }
}
