//! What an engineer hands in for a customer: a customer's mail that is passed on to the desk, or a call
//! by telephone (`#new jan@fabryka.example`).

use super::answer::Markers;
use super::attachment::{self, Contents};
use super::command::{self, Order};
use super::forwarded;
use super::message::{Address, Message};
use super::reading::Reading;
use super::site::Site;
use super::text::{Part, Written};
use super::ticket_number;
use super::token::{Purpose, Refused, Token};

/// What a mail that tells of a call is about, where its subject does not say.
const CALL: &str = "Zgłoszenie telefoniczne";

/// A request that came to an engineer.
#[derive(Clone, Debug)]
pub struct HandedIn {
    /// How.
    pub how: How,
    /// Whose it is.
    pub customer: Address,
    /// The request, as if its customer had sent it to the desk.
    pub message: Message,
    /// What it says.
    pub reading: Reading,
    /// The lines that are meant as orders.
    pub orders: Vec<String>,
    /// What the engineer wrote above it.
    pub remark: String,
    /// Whether mails of other customers are attached beside it.
    pub has_several_customers: bool,
}

/// How a request came to an engineer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// As a mail, which is passed on.
    Forwarded,
    /// By telephone; the words are the engineer's.
    ByHand,
}

impl HandedIn {
    /// Whether a mail that brought back this token hands something in: an answer to a ticket does so
    /// only where it says `#new`; what is passed on to a customer may be in it, too.
    pub fn counts(&self, token: Option<&Result<Token, Refused>>) -> bool {
        match token {
            None => true,
            Some(Ok(token)) => self.how == How::ByHand && token.purpose == Purpose::Engineer,
            Some(Err(_)) => false,
        }
    }
}

/// What a mail of an engineer's hands in; `contents` is what was read of its attachments, in their order.
pub fn handed_in(message: &Message, written: &Written, contents: &[Contents], site: &Site) -> Option<HandedIn> {
    let from = message.from.as_ref()?;
    site.engineer_by_address(&from.address)?;
    let now = written.text(Part::Now);
    let (orders, rest): (Vec<&str>, Vec<&str>) = orders_and_text(&now, site);
    let orders: Vec<String> = orders.into_iter().map(str::to_string).collect();
    let text = rest.join("\n").trim().to_string();
    let called = orders.iter().find_map(|line| customer_of(line, message, site));
    match called {
        Some(customer) if !site.is_internal(&customer.address) => Some(by_hand(message, customer, orders, text, site)),
        Some(_) => None,
        None => passed_on(message, written, contents, orders, text, site),
    }
}

/// The lines above a text that are meant as orders.
pub fn orders(now: &str, site: &Site) -> Vec<String> {
    orders_and_text(now, site).0.into_iter().map(str::to_string).collect()
}

/// The orders above a text, and the text.
fn orders_and_text<'t>(now: &'t str, site: &Site) -> (Vec<&'t str>, Vec<&'t str>) {
    let is_order = |line: &str| line.trim().is_empty() || command::is_order(line, &site.rules.orders);
    let count = now.lines().take_while(|line| is_order(line)).count();
    let orders = now.lines().take(count).map(str::trim).filter(|line| !line.is_empty());
    (orders.collect(), now.lines().skip(count).collect())
}

fn customer_of(line: &str, message: &Message, site: &Site) -> Option<Address> {
    let now = site.calendar.civil(message.date.unwrap_or_default());
    let read = command::read(&[line.to_string()], &site.rules.orders, now).ok()?;
    match read.into_iter().next()? {
        Order::New(name, address) => Some(Address { name, address }),
        _ => None,
    }
}

fn by_hand(message: &Message, customer: Address, orders: Vec<String>, text: String, site: &Site) -> HandedIn {
    let answers = site.rules.quotes.is_answer(&message.subject);
    let subject = message.subject.trim();
    let subject = if answers || subject.is_empty() { CALL } else { subject };
    let message = Message { subject: subject.to_string(), plain: Some(text), ..of(&customer, message) };
    let reading = Reading::of(&message, &[], site);
    HandedIn {
        how: How::ByHand,
        customer,
        message,
        reading,
        orders,
        remark: String::new(),
        has_several_customers: false,
    }
}

/// A mail that is passed on: one that answers the customer directly quotes the customer, too.
fn passed_on(
    message: &Message,
    written: &Written,
    contents: &[Contents],
    orders: Vec<String>,
    remark: String,
    site: &Site,
) -> Option<HandedIn> {
    let rules = &site.rules.quotes;
    let has_forward = written.sections.iter().any(|section| section.part == Part::Forward);
    let is_whole = message.attachments.iter().any(|file| file.media_type == "message/rfc822");
    if !rules.is_forward(&message.subject) && (rules.is_answer(&message.subject) || !has_forward && !is_whole) {
        return None;
    }
    // A notification of ours, passed on, quotes the customer, too.
    let numbers = ticket_number::find_in(&message.subject);
    let is_notice =
        |line: &str| numbers.iter().any(|number| Markers::of(*number, &site.token_keys).find(line).is_some());
    if written.sections.iter().flat_map(|section| section.text.lines()).any(is_notice) {
        return None;
    }
    let forwarded = forwarded::forwarded(message, |address| site.is_internal(address), rules)?;
    let customer = forwarded.from;
    let subject = forwarded.subject.unwrap_or_else(|| rules.without_prefixes(&message.subject).to_string());
    let (inner, contents) = match forwarded.original {
        Some(original) => {
            let contents = attachment::contents_of(&original, message, contents);
            (original, contents)
        }
        None => {
            let (plain, attachments) = (Some(forwarded.text), message.attachments.clone());
            (Message { subject, plain, attachments, ..of(&customer, message) }, contents.to_vec())
        }
    };
    let reading = Reading::of(&inner, &contents, site);
    let has_several_customers = forwarded::has_several_customers(message, |address| site.is_internal(address));
    Some(HandedIn { how: How::Forwarded, customer, message: inner, reading, orders, remark, has_several_customers })
}

/// An empty mail of the customer's, sent when the engineer's was.
fn of(customer: &Address, message: &Message) -> Message {
    Message { from: Some(customer.clone()), authors: vec![customer.clone()], date: message.date, ..Message::default() }
}
