//! A person's answer, passed on to the customer.

use jiff::Timestamp;
use serde_json::json;

use super::letter::Letter;
use super::{Keeps, Post, Purpose, ReplyError, customer_token, facts, localised};
use crate::desk::answer::Answer;
use crate::desk::mail::Mail;
use crate::desk::message::Address;
use crate::desk::site::Site;
use crate::desk::ticket::{ClockKind, Ticket};

/// A person's answer on its way to somebody who takes part in the ticket.
#[derive(Clone, Copy)]
pub struct Relay<'a> {
    /// The ticket.
    pub ticket: &'a Ticket,
    /// The person's name.
    pub author: &'a str,
    /// What the person wrote.
    pub answer: &'a Answer,
    /// The person's mail.
    pub mail: &'a Mail,
    /// To whom it goes.
    pub to: &'a Address,
    /// The number of the prepaid label that goes along.
    pub waybill: Option<&'a str>,
}

/// Passes a person's answer on: built again from its words, under the desk's address, with nothing of
/// the person's mail but the name, the text and the files.
pub fn relay(site: &Site, relay: &Relay, now: Timestamp) -> Result<Post, ReplyError> {
    let Relay { ticket, author, answer, mail, to, waybill } = *relay;
    let back = ticket.running(ClockKind::Return).last().map(|clock| site.calendar.local(clock.due));
    let context = json!({
        "ticket": ticket.number.to_string(),
        "subject": site.rules.quotes.without_prefixes(&ticket.subject),
        "engineer": author,
        "text": answer.text,
        "html": answer.html,
        "waybill": waybill.map(|number| json!({
            "number": number,
            "back_by": back.map(|back| json!({ "pl": back.polish(), "en": back.english() })),
        })),
        "desk": facts::desk(site),
    });
    let post = Letter::new(site, Purpose::Relay, &mail.content_hash, to, now)
        .about(ticket)
        .answers_with(&customer_token(site, to, ticket.number))
        .under_name(format!("{author}, {}", site.identity.name))
        .customer_thread(ticket)
        .attach(answer.files.clone())
        .write(&localised("relay", ticket.language), context)?;
    let to_customer = to.address.eq_ignore_ascii_case(&ticket.customer.address);
    Ok(Post { keeps: to_customer.then_some(Keeps::Contact), ..post })
}

/// Tells the Content-IDs of the pictures in the answer to one mail from those to another.
pub fn picture_seed(site: &Site, mail: &Mail) -> String {
    site.token_keys.message_id("picture", &mail.content_hash, "", site.identity.domain())
}
