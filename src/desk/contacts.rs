//! The other ways to a customer, for whoever has to make contact when a mail of ours did not arrive.
//!
//! They are facts for engineers. Nothing is ever sent there by itself: whom a mail merely names, nobody
//! has asked whether the matter is theirs.

use std::collections::HashSet;

use serde::Serialize;

use super::contract::Contract;
use super::message::Message;
use super::site::Site;
use super::telephone;
use super::ticket::{EntryKind, NumberKind, Ticket};

/// How many of a ticket's mails are read, the newest.
const MOST_MAILS: usize = 5;

/// How many addresses are told.
const MOST_ADDRESSES: usize = 20;

/// The ways to a customer other than the address that failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Contacts {
    /// As the customer wrote them.
    pub telephones: Vec<String>,
    /// The strongest first, each once.
    pub addresses: Vec<OtherAddress>,
}

/// An address, and how it belongs to the customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OtherAddress {
    /// In lower case.
    pub address: String,
    /// How it belongs to the customer.
    pub why: Why,
    /// The contract that names it.
    pub contract: Option<String>,
}

/// How an address belongs to a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// It takes part in the ticket.
    TakesPart,
    /// A contract that the ticket is about names it.
    NamedInContract,
    /// A customer's mail went to it, too.
    Copied,
    /// A customer asked for answers there.
    ReplyTo,
    /// It wrote about the ticket without taking part.
    Wrote,
}

impl Contacts {
    /// The ways to the customer of a ticket; `originals` are its mails, the oldest first, and `failed` is the
    /// address that they are for in place of.
    pub fn of(ticket: &Ticket, originals: &[Vec<u8>], failed: &str, site: &Site) -> Contacts {
        let telephones = telephone::of_customer(originals, ticket, site);
        let mut told = HashSet::from([failed.to_lowercase()]);
        let found =
            participants(ticket).chain(named(ticket)).chain(in_mails(ticket, originals)).chain(strangers(ticket));
        let other = found.filter(|found| found.address.contains('@') && !site.is_internal(&found.address));
        let new = other.filter(|found| told.insert(found.address.clone()));
        Contacts { telephones, addresses: new.take(MOST_ADDRESSES).collect() }
    }
}

fn other(address: &str, why: Why) -> OtherAddress {
    OtherAddress { address: address.to_lowercase(), why, contract: None }
}

fn participants(ticket: &Ticket) -> impl Iterator<Item = OtherAddress> {
    ticket.participants.iter().map(|address| other(address, Why::TakesPart))
}

/// Whom the ticket's contracts name: those of its own numbers, and those that name its customer. A whole
/// domain is nobody in particular.
fn named(ticket: &Ticket) -> impl Iterator<Item = OtherAddress> {
    let of_ticket = |contract: &&Contract| {
        let mut numbers = ticket.numbers.iter().filter(|known| known.kind == NumberKind::Contract);
        numbers.any(|known| known.value == contract.number) || contract.names_sender(&ticket.customer.address)
    };
    ticket.on_file.into_iter().filter(of_ticket).flat_map(|contract| {
        let people = contract.senders.iter().filter(|named| !named.starts_with('@'));
        let of_contract = |named: &String| OtherAddress {
            contract: Some(contract.number.clone()),
            ..other(named, Why::NamedInContract)
        };
        people.map(of_contract)
    })
}

/// Whom the newest mails of those who take part name beside their sender.
fn in_mails(ticket: &Ticket, originals: &[Vec<u8>]) -> impl Iterator<Item = OtherAddress> {
    let newest = originals.iter().rev().take(MOST_MAILS).map(|raw| Message::parse(raw));
    let theirs = newest.filter(|message| message.from.as_ref().is_some_and(|from| ticket.takes_part(&from.address)));
    theirs.flat_map(|message| {
        let copied = message.cc.iter().chain(&message.to).map(|copied| other(&copied.address, Why::Copied));
        let asked = message.reply_to.iter().map(|reply_to| other(&reply_to.address, Why::ReplyTo));
        copied.chain(asked).collect::<Vec<_>>()
    })
}

fn strangers(ticket: &Ticket) -> impl Iterator<Item = OtherAddress> {
    let unconfirmed = ticket.entries.iter().filter(|entry| entry.kind == EntryKind::Unconfirmed);
    unconfirmed.map(|entry| other(&entry.author, Why::Wrote))
}
