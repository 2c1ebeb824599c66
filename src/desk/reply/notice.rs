//! What engineers are told of a ticket: a customer's mail, a colleague's answer or note.

use jiff::Timestamp;
use serde_json::json;

use super::letter::Letter;
use super::{MOST_ATTACHED_BYTES, Post, Purpose, ReplyError, engineer_token, facts, within};
use crate::desk::answer::Answer;
use crate::desk::engineer::Engineer;
use crate::desk::mail::Mail;
use crate::desk::message::Attachment;
use crate::desk::reading::Reading;
use crate::desk::site::Site;
use crate::desk::ticket::{Entry, Ticket};
use crate::desk::trust::Standing;

/// A customer's mail, for an engineer.
#[derive(Clone, Copy)]
pub struct Notice<'a> {
    /// The ticket, with the mail's numbers on it.
    pub ticket: &'a Ticket,
    /// The mail.
    pub mail: &'a Mail,
    /// What it says.
    pub reading: &'a Reading,
    /// Where its sender stands.
    pub standing: Option<&'a Standing>,
    /// Whether its sender takes part in the ticket.
    pub takes_part: bool,
    /// Who handed it in, where its sender did not send it to the desk.
    pub handed_in: Option<&'a HandedInBy<'a>>,
    /// Who is told.
    pub engineer: &'a Engineer,
}

/// An engineer who handed a request in.
#[derive(Clone, Copy, Debug)]
pub struct HandedInBy<'a> {
    /// Who.
    pub engineer: &'a Engineer,
    /// What the engineer wrote above it.
    pub remark: &'a str,
    /// Whether the words of the request are the engineer's, too, and no customer may see them.
    pub by_hand: bool,
    /// The orders above a mail that was passed on, and what each does.
    pub orders: &'a [(&'a str, &'a str)],
}

/// Tells an engineer of a customer's mail: all facts, the text, the attachments, and a reply
/// address that is this engineer's and this ticket's alone.
pub fn notice(site: &Site, notice: &Notice, now: Timestamp) -> Result<Post, ReplyError> {
    let Notice { ticket, mail, reading, standing, takes_part, handed_in, engineer } = *notice;
    let (files, held_back, can_run) = files(mail, site);
    let context = json!({
        "facts": facts::block(site, ticket),
        "marker": facts::markers(site, ticket),
        "subject": mail.message.subject,
        "sender": facts::sender(mail, standing),
        "unconfirmed": (!takes_part).then(|| mail.message.from.as_ref().map(|from| from.address.clone())),
        "handed_in_by": handed_in.map(|handed| &handed.engineer.name),
        "remark": handed_in.map(|handed| handed.remark).filter(|remark| !remark.is_empty()),
        "inside": !takes_part || handed_in.is_some_and(|handed| handed.by_hand),
        "wishes_escalation": reading.escalation.is_some(),
        "original_too_large": mail.raw.len() > MOST_ATTACHED_BYTES,
        "place": mail.place,
        "too_large": mail.too_large.as_ref().map(|large| json!({
            "megabytes": large.size / 1_000_000, "structure": large.structure, "place": mail.place,
        })),
        "held_back": held_back,
        "can_run": can_run,
        "unread": facts::unread(reading),
        "problems": left_out(mail),
        "text": facts::readable(&reading.written),
        "desk": facts::desk(site),
    });
    let customer = if ticket.customer.name.is_empty() { &ticket.customer.address } else { &ticket.customer.name };
    Letter::new(site, Purpose::Notice, &mail.content_hash, &engineer.mailbox(), now)
        .about(ticket)
        .under_name(format!("{customer} ({})", ticket.number))
        .answers_with(&engineer_token(engineer, ticket.number))
        .internal_thread(ticket)
        .for_a_person()
        .with_links(ticket)
        .attach(files)
        .write("notice", context)
}

/// Tells an engineer what a colleague answered, or noted: then no customer may see it.
#[expect(clippy::too_many_arguments, reason = "one mail, its parts side by side like the others")]
pub fn copy(
    site: &Site,
    ticket: &Ticket,
    author: &Engineer,
    answer: &Answer,
    noted: bool,
    mail: &Mail,
    engineer: &Engineer,
    now: Timestamp,
) -> Result<Post, ReplyError> {
    let context = json!({
        "facts": facts::block(site, ticket),
        "marker": facts::markers(site, ticket),
        "author": author.name,
        "noted": noted,
        "text": answer.text,
        "desk": facts::desk(site),
    });
    let letter = Letter::new(site, Purpose::Copy, &mail.content_hash, &engineer.mailbox(), now)
        .about(ticket)
        .under_name(format!("{} ({})", author.name, ticket.number))
        .answers_with(&engineer_token(engineer, ticket.number))
        .internal_thread(ticket)
        .for_a_person()
        .with_links(ticket);
    let files = answer.files.clone();
    let letter = if noted { letter.attach_internal(files) } else { letter.attach(files) };
    letter.write("copy", context)
}

/// Tells an engineer that a colleague answered at the same time.
pub fn crossed(
    site: &Site,
    ticket: &Ticket,
    answered: &Entry,
    mail: &Mail,
    engineer: &Engineer,
    now: Timestamp,
) -> Result<Post, ReplyError> {
    let author = site.engineer(&answered.author).map_or(answered.author.as_str(), |author| &author.name);
    let context = json!({
        "facts": facts::block(site, ticket),
        "marker": facts::markers(site, ticket),
        "author": author,
        "at": site.calendar.local(answered.at).polish(),
        "text": answered.text,
        "desk": facts::desk(site),
    });
    let cause = [mail.content_hash.as_slice(), answered.message_id.as_deref().unwrap_or_default().as_bytes()].concat();
    Letter::new(site, Purpose::Crossed, &cause, &engineer.mailbox(), now)
        .about(ticket)
        .under_name(format!("{author} ({})", ticket.number))
        .answers_with(&engineer_token(engineer, ticket.number))
        .internal_thread(ticket)
        .for_a_person()
        .with_links(ticket)
        .write("crossed", context)
}

/// What of a mail was not read. That a charset had to be guessed, or a boundary, helps nobody.
fn left_out(mail: &Mail) -> Vec<&String> {
    let kept = mail.message.problems.iter().filter(|problem| problem.contains("it is kept"));
    mail.message.unread().chain(kept).collect()
}

/// The files of a mail that fit, the names of those that do not, and the names of those that can run: a notice
/// is opened by everybody, and anybody can write to the desk.
fn files(mail: &Mail, site: &Site) -> (Vec<Attachment>, Vec<String>, Vec<String>) {
    let can_run = |file: &Attachment| site.rules.executables.rule(file).is_some();
    let (running, attachments): (Vec<_>, Vec<_>) = mail.message.attachments.iter().cloned().partition(can_run);
    let name = |file: &Attachment| file.name.clone();
    let names: Vec<String> = attachments.iter().map(name).collect();
    let fitting = within(attachments, MOST_ATTACHED_BYTES, |attachment| attachment.content.len());
    let held_back = names.into_iter().skip(fitting.len()).collect();
    let running = running.iter().map(|file| if file.name.is_empty() { file.media_type.clone() } else { name(file) });
    (fitting, held_back, running.collect())
}
