//! Whose data were erased, without the addresses: so that a restored copy forgets them again, and what an
//! erasure left is not forgotten.

use jiff::Timestamp;
use rusqlite::params;
use sha2::{Digest, Sha256};

use super::tickets::TicketId;
use super::{Work, micros, timestamp};
use crate::desk::ticket_number::TicketNumber;

/// An address whose data were erased, as a restored copy learns of it: without the address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// Makes the hash of this erasure unlike any other's.
    pub salt: [u8; 16],
    /// SHA-256 of the salt and the address in lower case.
    pub address_hash: [u8; 32],
    /// When.
    pub at: Timestamp,
    /// The tickets that were left then, since they were open or held: the erasure is not done before they went, too.
    pub left: Vec<TicketNumber>,
}

impl Erasure {
    /// The erasure of an address, with a salt that was drawn for it; nothing is left so far.
    pub fn of(address: &str, salt: [u8; 16], at: Timestamp) -> Erasure {
        Erasure { salt, address_hash: hash(&salt, address), at, left: Vec::new() }
    }

    /// The tickets that were left, separated by spaces; empty where there are none.
    pub fn left_as_text(&self) -> String {
        self.left.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    /// Reads what [`Erasure::left_as_text`] wrote.
    ///
    /// # Errors
    /// It is something else.
    pub fn left_in(text: &str) -> anyhow::Result<Vec<TicketNumber>> {
        let read = |number: &str| number.parse().map_err(|_| anyhow::anyhow!("{number} is no ticket's number"));
        text.split_whitespace().map(read).collect()
    }

    /// Whether it was this address.
    pub fn is_of(&self, address: &str) -> bool {
        hash(&self.salt, address) == self.address_hash
    }
}

fn hash(salt: &[u8; 16], address: &str) -> [u8; 32] {
    Sha256::new().chain_update(salt).chain_update(address.to_lowercase()).finalize().into()
}

impl Work<'_> {
    /// Remembers an erasure. Remembered twice, it is one.
    pub fn remember(&self, erasure: &Erasure) -> anyhow::Result<()> {
        let insert = "INSERT INTO erasure (salt, address_hash, at, tickets_left) VALUES (?1, ?2, ?3, ?4)
                      ON CONFLICT (salt) DO UPDATE SET tickets_left = excluded.tickets_left";
        let Erasure { salt, address_hash, at, .. } = erasure;
        self.transaction.execute(insert, params![salt, address_hash, micros(*at), erasure.left_as_text()])?;
        Ok(())
    }

    /// The erasures so far.
    pub fn erasures(&self) -> anyhow::Result<Vec<Erasure>> {
        // A database of the schema before does not know what was left.
        let select = |left| format!("SELECT salt, address_hash, at, {left} FROM erasure ORDER BY at");
        let mut select = match self.transaction.prepare(&select("tickets_left")) {
            Ok(select) => select,
            Err(_) => self.transaction.prepare(&select("''"))?,
        };
        let rows = select
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, i64>(2)?, row.get::<_, String>(3)?)))?;
        rows.map(|row| {
            let (salt, address_hash, at, left) = row?;
            Ok(Erasure { salt, address_hash, at: timestamp(at)?, left: Erasure::left_in(&left)? })
        })
        .collect()
    }

    /// The erasures of which tickets were left that are not blank yet, each with these.
    pub fn unfinished_erasures(&self) -> anyhow::Result<Vec<(Erasure, Vec<TicketId>)>> {
        let mut unfinished = Vec::new();
        for erasure in self.erasures()?.into_iter().filter(|erasure| !erasure.left.is_empty()) {
            let mut tickets = Vec::new();
            for number in &erasure.left {
                let id = self.find_ticket(*number)?;
                tickets
                    .extend(id.map(|id| self.is_blank(id).map(|blank| (!blank).then_some(id))).transpose()?.flatten());
            }
            if !tickets.is_empty() {
                unfinished.push((erasure, tickets));
            }
        }
        Ok(unfinished)
    }
}
