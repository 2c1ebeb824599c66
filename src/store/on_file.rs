//! What is on file about the numbers and the sender of a mail: a few look-ups by index, however long
//! the list is.

use std::collections::BTreeMap;

use anyhow::Context;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use rusqlite::params;

use super::Work;
use super::contracts::{ContractId, contract_without_serials};
use crate::desk::contract::{Contract, Excerpt, look_up_key, nip_of_key, sender_keys};
use crate::desk::ticket::Ticket;

/// Contracts that one key leads to, the strictest first: some vendors' dummy serials (`0000000000`)
/// stand under many.
const MOST_OF_A_KEY: usize = 100;

/// Contracts that a sender or a tax number leads to, the active and strictest first: a reseller's
/// domain may stand under thousands.
const MOST_OF_A_SENDER: usize = 20;

/// Contracts that one question leads to in all.
const MOST_CONTRACTS: usize = 2_000;

/// What is asked of the list.
#[derive(Clone, Debug)]
pub struct Question {
    keys: Vec<String>,
    senders: Vec<String>,
    at: Timestamp,
}

impl Work<'_> {
    /// What the newest version of the list says.
    pub fn on_file(&self, question: &Question) -> anyhow::Result<Excerpt> {
        match self.contract_list()? {
            Some(list) => self.on_file_in(list.version, question),
            None => Ok(Excerpt::default()),
        }
    }

    /// What this version of the list says.
    pub fn on_file_in(&self, version: u32, question: &Question) -> anyhow::Result<Excerpt> {
        let mut found = Found::default();
        for key in &question.keys {
            self.by_key(key, version, &mut found)?;
        }
        // One day to either side: which of them hold on the local day is for the desk to say.
        let day = question.at.to_zoned(TimeZone::UTC).date();
        let (earliest, latest) = (day.saturating_sub(1.day()).to_string(), day.saturating_add(1.day()).to_string());
        for (ranked, from, value) in question.conditions() {
            for holds in ["", "NOT "] {
                let select = format!(
                    "SELECT contract.id FROM {from}
                     AND since <= ?2 AND (until IS NULL OR until > ?2)
                     AND {holds}(valid_from <= ?4 AND valid_to >= ?3)
                     ORDER BY {ranked}.strictness LIMIT ?5"
                );
                let mut select = self.transaction.prepare_cached(&select)?;
                let asked = params![value, version, earliest, latest, MOST_OF_A_SENDER as i64];
                let rows = select.query_map(asked, |row| row.get(0).map(ContractId))?;
                for id in rows {
                    found.add(id?);
                }
            }
        }
        let mut contracts = Vec::with_capacity(found.serials_by_id.len());
        for (id, serials) in found.serials_by_id {
            contracts.push(Contract { serials, ..self.contract_head(id)? });
        }
        Ok(Excerpt { version: Some(version), contracts })
    }

    fn by_key(&self, key: &str, version: u32, found: &mut Found) -> anyhow::Result<()> {
        let select = "SELECT contract_id, serial FROM contract_key CROSS JOIN contract ON contract.id = contract_id
                      WHERE key = ?1 AND since <= ?2 AND (until IS NULL OR until > ?2)
                      ORDER BY contract_key.strictness, contract_id, serial LIMIT ?3";
        let mut select = self.transaction.prepare_cached(select)?;
        let mut rows = select.query(params![key, version, MOST_OF_A_KEY as i64])?;
        while let Some(row) = rows.next()? {
            let serial = row.get_ref(1)?.as_str().context("a serial is no text")?;
            if let Some(serials) = found.add(ContractId(row.get(0)?))
                && !serial.is_empty()
            {
                serials.push(serial.to_string());
            }
        }
        Ok(())
    }

    fn contract_head(&self, id: ContractId) -> anyhow::Result<Contract> {
        let select = "SELECT id, number, nip, customer, plan, service_window, delivery, valid_from, valid_to, senders
                      FROM contract WHERE id = ?1";
        let mut select = self.transaction.prepare_cached(select)?;
        let mut rows = select.query([id.0])?;
        contract_without_serials(rows.next()?.context("a contract has vanished from the database")?)
    }
}

impl Question {
    /// Asks for these [look-up keys](crate::desk::contract::look_up_key) of contract, serial and tax
    /// numbers, and for these addresses. Contracts that hold at the moment `at` go first.
    pub fn new(mut keys: Vec<String>, senders: &[&str], at: Timestamp) -> Question {
        keys.sort_unstable();
        keys.dedup();
        let mut senders: Vec<String> = senders.iter().flat_map(|sender| sender_keys(sender)).collect();
        senders.sort_unstable();
        senders.dedup();
        Question { keys, senders, at }
    }

    /// Asks for everything that may be about a ticket: its numbers and its customer, on the day on
    /// which it was opened.
    pub fn about(ticket: &Ticket) -> Question {
        let keys = ticket.numbers.iter().map(|number| look_up_key(&number.value)).collect();
        Question::new(keys, &[&ticket.customer.address], ticket.opened_at)
    }

    /// For each sender and tax number the table whose index ranks the contracts, where to look, and
    /// what for.
    fn conditions(&self) -> Vec<(&'static str, &'static str, &str)> {
        let by_sender = "contract_sender CROSS JOIN contract ON contract.id = contract_id WHERE sender = ?1";
        let by_nip = "contract WHERE nip = ?1";
        let senders = self.senders.iter().map(|sender| ("contract_sender", by_sender, sender.as_str()));
        let nips = self.keys.iter().filter_map(|key| nip_of_key(key));
        senders.chain(nips.map(|nip| ("contract", by_nip, nip))).collect()
    }
}

/// The contracts found so far, with those of their serials that were asked for.
#[derive(Default)]
struct Found {
    serials_by_id: BTreeMap<ContractId, Vec<String>>,
}

impl Found {
    /// `None` where there are too many already.
    fn add(&mut self, id: ContractId) -> Option<&mut Vec<String>> {
        if self.serials_by_id.len() >= MOST_CONTRACTS && !self.serials_by_id.contains_key(&id) {
            return None;
        }
        Some(self.serials_by_id.entry(id).or_default())
    }
}
