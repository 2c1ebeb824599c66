//! The short mails that answer an engineer's orders.

use jiff::Timestamp;
use serde_json::json;

use super::letter::Letter;
use super::{Post, Purpose, ReplyError, engineer_token, facts};
use crate::desk::answer::HeldBack;
use crate::desk::command::Usage;
use crate::desk::compose::AutoSubmitted;
use crate::desk::engineer::Engineer;
use crate::desk::mail::Mail;
use crate::desk::site::Site;
use crate::desk::ticket::Ticket;

/// What became of an engineer's mail.
#[derive(Clone, Debug, Default)]
pub struct Done<'a> {
    /// The orders: as they were written, and what each does.
    pub orders: Vec<(&'a str, &'a str)>,
    /// The addresses that the text went to.
    pub relayed_to: Vec<&'a str>,
    /// Whether the text stays inside.
    pub noted: bool,
    /// Whether a waybill was sent without any file.
    pub lacks_label: bool,
    /// The files that were not sent on.
    pub held_back: &'a [HeldBack],
    /// The first line of the text that was cut off although it may be the engineer's own.
    pub unsent: Option<&'a str>,
    /// Every order that there is, where that was asked for.
    pub help: &'a [Usage],
    /// Whether the whole ticket was asked for.
    pub history: bool,
    /// The customer's mails as they came, where they were asked for.
    pub originals: Vec<Vec<u8>>,
}

/// What kept an engineer's mail from being carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The line; empty where it is the whole mail.
    pub line: String,
    /// The stable name of the reason.
    pub why: &'static str,
    /// What the reason is about.
    pub detail: String,
    /// How what the line may have meant is written.
    pub meant: Vec<String>,
}

/// Tells an engineer what was done.
pub fn done(
    site: &Site,
    ticket: &Ticket,
    done: &Done,
    mail: &Mail,
    engineer: &Engineer,
    now: Timestamp,
) -> Result<Post, ReplyError> {
    let orders = done.orders.iter().map(|(written, does)| json!({ "written": written, "does": does }));
    let held_back = done.held_back.iter().map(|file| json!({ "name": file.name, "why": file.why }));
    let entries = ticket.entries.iter().filter(|_| done.history);
    let forwarded = super::within(done.originals.clone(), super::MOST_ATTACHED_BYTES, Vec::len);
    let context = json!({
        "facts": facts::block(site, ticket),
        "marker": facts::markers(site, ticket),
        "orders": orders.collect::<Vec<_>>(),
        "relayed_to": done.relayed_to,
        "noted": done.noted,
        "lacks_label": done.lacks_label,
        "held_back": held_back.collect::<Vec<_>>(),
        "unsent": done.unsent,
        "help": done.help,
        "history": entries.map(|entry| facts::history(site, entry)).collect::<Vec<_>>(),
        "left_out": done.originals.len() - forwarded.len(),
        "desk": facts::desk(site),
    });
    letter(site, ticket, mail, engineer, now).forward(forwarded).write("done", context)
}

/// Tells an engineer that nothing of a mail was carried out, and why. A mail that would have opened a ticket
/// has none.
pub fn not_done(
    site: &Site,
    ticket: Option<&Ticket>,
    faults: &[Fault],
    mail: &Mail,
    engineer: &Engineer,
    now: Timestamp,
) -> Result<Post, ReplyError> {
    let told = faults
        .iter()
        .map(|fault| json!({ "line": fault.line, "why": fault.why, "detail": fault.detail, "meant": fault.meant }));
    let context = json!({
        "facts": ticket.map(|ticket| facts::block(site, ticket)),
        "marker": ticket.map(|ticket| facts::markers(site, ticket)),
        "subject": mail.message.subject,
        "faults": told.collect::<Vec<_>>(),
        "engineers": site.active_engineers().map(|engineer| engineer.name.as_str()).collect::<Vec<_>>(),
        "desk": facts::desk(site),
    });
    match ticket {
        Some(ticket) => letter(site, ticket, mail, engineer, now),
        None => automatic(site, mail, engineer, now),
    }
    .write("not-done", context)
}

fn letter<'a>(site: &'a Site, ticket: &Ticket, mail: &Mail, engineer: &Engineer, now: Timestamp) -> Letter<'a> {
    automatic(site, mail, engineer, now)
        .about(ticket)
        .under_name(format!("{} ({})", site.identity.name, ticket.number))
        .answers_with(&engineer_token(engineer, ticket.number))
        .internal_thread(ticket)
}

fn automatic<'a>(site: &'a Site, mail: &Mail, engineer: &Engineer, now: Timestamp) -> Letter<'a> {
    Letter::new(site, Purpose::Ordered, &mail.content_hash, &engineer.mailbox(), now).automatic(AutoSubmitted::Replied)
}
