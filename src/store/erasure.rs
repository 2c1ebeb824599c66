//! A person's data: where they stand, and how they go. Rows stay, so that counts and promises stay what they
//! were and a mail seen again is known; what could be read in them goes.

use std::collections::{BTreeSet, HashSet};

use jiff::Timestamp;
use rusqlite::params;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::mails::addresses_in;
use super::tickets::TicketId;
use super::{Store, Work, micros, timestamp};
use crate::desk::ticket_number::TicketNumber;

/// What stands in an address's place. Nothing is ever delivered there (RFC 2606 section 2).
const BLANK_ADDRESS: &str = "erased@erased.invalid";

/// What stands in other texts in an address's place.
const BLANK: &str = "(erased)";

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

/// What stands where of one person.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Erased {
    /// Tickets of this customer: they lose all names and words.
    pub tickets: Vec<String>,
    /// Tickets in which the person took part or is named: they lose the person's words and address.
    pub tickets_of_others: Vec<String>,
    /// What stays, and why.
    pub left: Vec<Left>,
    /// Where the mails lie on the server, which this program does not delete.
    pub places: Vec<Place>,
    /// Contracts on file at present that name the address: the list is the site's to change.
    pub contracts: Vec<String>,
    /// How many mails that came in lose their bytes.
    pub mails: usize,
    /// How many mails of ours lose recipient and bytes.
    pub sent: usize,
    #[serde(skip)]
    whole: Vec<TicketId>,
    #[serde(skip)]
    part: Vec<TicketId>,
    #[serde(skip)]
    hashes: Vec<Vec<u8>>,
    #[serde(skip)]
    rows: Vec<i64>,
}

/// A ticket that is left as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Left {
    /// The ticket.
    #[serde(serialize_with = "as_text")]
    pub ticket: TicketNumber,
    /// `open` or `legal hold`.
    pub reason: &'static str,
}

/// A mail on the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The mailbox's name in the configuration.
    pub mailbox: String,
    /// The folder in which it was seen.
    pub folder: String,
    /// Its number there.
    pub uid: u64,
    /// Whether it was moved elsewhere afterwards.
    pub moved: bool,
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

    /// Whether it was this address.
    pub fn is_of(&self, address: &str) -> bool {
        hash(&self.salt, address) == self.address_hash
    }
}

impl Erased {
    /// Whether nothing is to be erased.
    pub fn is_nothing(&self) -> bool {
        self.whole.is_empty() && self.part.is_empty() && self.hashes.is_empty() && self.rows.is_empty()
    }

    /// Whether this mail that came in is the person's or names the person.
    pub fn has_mail(&self, hash: &[u8]) -> bool {
        self.hashes.iter().any(|one| one == hash)
    }

    /// Whether this mail of ours went to the person or names the person.
    pub fn has_sent(&self, row: i64) -> bool {
        self.rows.binary_search(&row).is_ok()
    }

    /// The tickets of the person's own, which lose all names and words.
    pub fn own_tickets(&self) -> &[TicketId] {
        &self.whole
    }

    /// The tickets in which the person stands.
    pub fn ticket_ids(&self) -> impl Iterator<Item = TicketId> + '_ {
        self.whole.iter().chain(&self.part).copied()
    }
}

/// Reads what [`Erasure::left_as_text`] wrote.
///
/// # Errors
/// It is something else.
pub fn numbers_in(text: &str) -> anyhow::Result<Vec<TicketNumber>> {
    text.split_whitespace()
        .map(|number| number.parse().map_err(|_| anyhow::anyhow!("{number} is no ticket's number")))
        .collect()
}

fn as_text<S: serde::Serializer>(number: &TicketNumber, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(number)
}

fn hash(salt: &[u8; 16], address: &str) -> [u8; 32] {
    Sha256::new().chain_update(salt).chain_update(address.to_lowercase()).finalize().into()
}

impl Store {
    /// Rewrites the file without what was deleted, and empties the log beside it.
    ///
    /// # Errors
    /// The disk has no room for a second file.
    pub fn rewrite(&self) -> anyhow::Result<()> {
        self.connection.execute_batch("VACUUM")?;
        let busy: i64 = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        anyhow::ensure!(busy == 0, "somebody reads the database at this moment: the log beside it was not emptied");
        Ok(())
    }
}

impl Work<'_> {
    /// Where an address stands. Tickets of which `stays` gives a reason are left out, with their mails.
    /// `shown` hears of mails read and all mails.
    pub fn person(
        &self,
        address: &str,
        stays: impl Fn(&Work, TicketId) -> anyhow::Result<Option<&'static str>>,
        shown: impl Fn(u64, u64),
    ) -> anyhow::Result<Erased> {
        let address = address.to_lowercase();
        let mut found = Erased::default();
        let select = "SELECT id, customer_address = ?1 COLLATE NOCASE FROM ticket
                      WHERE customer_address = ?1 COLLATE NOCASE OR id IN (SELECT ticket_id FROM participant WHERE address = ?1)
                      OR id IN (SELECT ticket_id FROM entry
                                WHERE author = ?1 COLLATE NOCASE OR instr(lower(text), ?1) > 0) ORDER BY id";
        let mut select = self.transaction.prepare(select)?;
        let mut rows = select.query([&address])?;
        let mut stay = HashSet::new();
        while let Some(row) = rows.next()? {
            let (id, is_customer) = (TicketId(row.get(0)?), row.get::<_, bool>(1)?);
            let number = self.ticket_number(id)?;
            match stays(self, id)? {
                Some(reason) => {
                    stay.insert(id.0);
                    found.left.push(Left { ticket: number, reason });
                }
                None if is_customer => {
                    found.whole.push(id);
                    found.tickets.push(number.to_string());
                }
                None => {
                    found.part.push(id);
                    found.tickets_of_others.push(number.to_string());
                }
            }
        }
        let whole: HashSet<i64> = found.whole.iter().map(|id| id.0).collect();
        let all = self.mails_and_sent()?;
        let mut done = 0;
        self.each_mail(|hash, raw, _| {
            done += 1;
            shown(done, all);
            let tickets = self.tickets_of_mail(hash)?;
            let names = || addresses_in(raw).contains(&address);
            if tickets.is_disjoint(&stay) && (!tickets.is_disjoint(&whole) || names()) {
                found.hashes.push(hash.to_vec());
            }
            Ok(())
        })?;
        self.each_sent(|id, ticket, recipient, raw, _| {
            done += 1;
            shown(done, all);
            let (stays, goes) =
                (ticket.is_some_and(|id| stay.contains(&id)), ticket.is_some_and(|id| whole.contains(&id)));
            if !stays && (goes || recipient.eq_ignore_ascii_case(&address) || addresses_in(raw).contains(&address)) {
                found.rows.push(id);
            }
            Ok(())
        })?;
        (found.mails, found.sent) = (found.hashes.len(), found.rows.len());
        found.places = self.places(&found.hashes)?;
        found.contracts = self.contracts_naming(&address)?;
        Ok(found)
    }

    /// Erases what was found of an address, and remembers that.
    pub fn erase(&self, address: &str, found: &Erased, erasure: &Erasure) -> anyhow::Result<()> {
        let address = address.to_lowercase();
        found.whole.iter().try_for_each(|id| self.blank_ticket(*id))?;
        for id in &found.part {
            let entries = "UPDATE entry SET text = '', author = ?3, message_id = NULL
                           WHERE ticket_id = ?1 AND author = ?2 COLLATE NOCASE";
            self.transaction.execute(entries, params![id.0, address, BLANK])?;
            let participant = "DELETE FROM participant WHERE ticket_id = ?1 AND address = ?2";
            self.transaction.execute(participant, params![id.0, address])?;
            self.blank_in_texts("entry", "text", *id, &address)?;
            self.blank_in_texts("alert", "json", *id, &address)?;
        }
        self.blank_mails(&found.hashes, erasure.at)?;
        self.blank_sent(&found.rows)?;
        self.blank_recipients(&found.rows)?;
        // Of a mail that the server never handed out only these words are known.
        let parked =
            "UPDATE parked SET sender = '', subject = '' WHERE sender = ?1 COLLATE NOCASE AND content_hash IS NULL";
        self.transaction.execute(parked, [&address])?;
        let ended = "DELETE FROM contract_sender WHERE sender = ?1
                     AND contract_id IN (SELECT id FROM contract WHERE until IS NOT NULL)";
        self.transaction.execute(ended, [&address])?;
        let ended = "UPDATE contract SET senders = trim(replace(';' || senders || ';', ';' || ?1 || ';', ';'), ';')
                     WHERE until IS NOT NULL AND instr(';' || senders || ';', ';' || ?1 || ';') > 0";
        self.transaction.execute(ended, [&address])?;
        // What an earlier erasure of the address had left is this one's to finish.
        for earlier in self.erasures()?.into_iter().filter(|earlier| earlier.is_of(&address)) {
            self.remember(&Erasure { left: Vec::new(), ..earlier })?;
        }
        let left = found.left.iter().map(|left| left.ticket).collect();
        self.remember(&Erasure { left, ..erasure.clone() })
    }

    /// A ticket loses every name and word; numbers of devices and contracts, times and promises stay.
    pub fn blank_ticket(&self, id: TicketId) -> anyhow::Result<()> {
        let ticket = "UPDATE ticket SET customer_name = '', customer_address = ?2, subject = '', wait_reason = iif(wait_reason IS NULL, NULL, '')
                      WHERE id = ?1";
        self.transaction.execute(ticket, params![id.0, BLANK_ADDRESS])?;
        let entries = "UPDATE entry SET text = '', message_id = NULL, author = iif(instr(author, '@') > 0, ?2, author)
                       WHERE ticket_id = ?1";
        self.transaction.execute(entries, params![id.0, BLANK])?;
        for statement in [
            "DELETE FROM participant WHERE ticket_id = ?1",
            "DELETE FROM thread WHERE ticket_id = ?1",
            // The tax number of a person in business is the person's.
            "DELETE FROM number WHERE ticket_id = ?1 AND kind = 'nip'",
            "UPDATE clock SET customer = NULL WHERE ticket_id = ?1",
            "UPDATE alert SET json = '{}', last_error = NULL, state = iif(state = 'pending', 'failed', state) WHERE ticket_id = ?1",
        ] {
            self.transaction.execute(statement, [id.0])?;
        }
        let sent: Vec<i64> = {
            let mut select = self.transaction.prepare("SELECT id FROM outbox WHERE ticket_id = ?1")?;
            select.query_map([id.0], |row| row.get(0))?.collect::<Result<_, _>>()?
        };
        self.blank_sent(&sent)?;
        self.blank_recipients(&sent)
    }

    /// Whether a ticket has lost its names already.
    pub(super) fn is_blank(&self, id: TicketId) -> anyhow::Result<bool> {
        let select = "SELECT customer_address = ?2 FROM ticket WHERE id = ?1";
        Ok(self.transaction.prepare_cached(select)?.query_row(params![id.0, BLANK_ADDRESS], |row| row.get(0))?)
    }

    /// Mails that came in, by content hash, lose their bytes.
    pub fn blank_mails(&self, mails: &[Vec<u8>], now: Timestamp) -> anyhow::Result<()> {
        let mut update = self.transaction.prepare_cached("UPDATE mail SET bytes = x'' WHERE content_hash = ?1")?;
        mails.iter().try_for_each(|hash| update.execute([hash]).map(|_| ()))?;
        // What still waited for a person can be looked at no more.
        let update = "UPDATE parked SET sender = '', subject = '', settled_as = coalesce(settled_as, 'discarded'),
                      settled_by = coalesce(settled_by, 'retention'), settled_at = coalesce(settled_at, ?2)
                      WHERE content_hash = ?1";
        let mut update = self.transaction.prepare_cached(update)?;
        mails.iter().try_for_each(|hash| update.execute(params![hash, micros(now)]).map(|_| ()))?;
        Ok(())
    }

    /// Mails of ours, by their rows, lose their bytes.
    pub fn blank_sent(&self, sent: &[i64]) -> anyhow::Result<()> {
        let update = "UPDATE outbox SET bytes = x'', shown = NULL, last_error = NULL WHERE id = ?1";
        let mut update = self.transaction.prepare_cached(update)?;
        sent.iter().try_for_each(|id| update.execute([id]).map(|_| ()))?;
        Ok(())
    }

    fn blank_recipients(&self, sent: &[i64]) -> anyhow::Result<()> {
        // What was not sent by now has nobody to go to.
        let update = "UPDATE outbox SET recipient = ?2, state = iif(state = 'sent', 'sent', 'failed') WHERE id = ?1";
        let mut update = self.transaction.prepare_cached(update)?;
        sent.iter().try_for_each(|id| update.execute(params![id, BLANK_ADDRESS]).map(|_| ()))?;
        Ok(())
    }

    /// Puts other words in an address's place in the texts of a ticket, in any case of its letters.
    fn blank_in_texts(&self, table: &str, column: &str, id: TicketId, address: &str) -> anyhow::Result<()> {
        let select =
            format!("SELECT id, {column} FROM {table} WHERE ticket_id = ?1 AND instr(lower({column}), ?2) > 0");
        let texts: Vec<(i64, String)> = {
            let mut select = self.transaction.prepare(&select)?;
            select.query_map(params![id.0, address], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?
        };
        let pattern = regex::RegexBuilder::new(&regex::escape(address)).case_insensitive(true).build()?;
        let update = format!("UPDATE {table} SET {column} = ?2 WHERE id = ?1");
        for (row, text) in texts {
            self.transaction.execute(&update, params![row, pattern.replace_all(&text, BLANK)])?;
        }
        Ok(())
    }

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
            Ok(Erasure { salt, address_hash, at: timestamp(at)?, left: numbers_in(&left)? })
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

    /// Every address that stands anywhere, for a restored copy that has to forget some of them.
    pub fn all_addresses(&self, shown: impl Fn(u64, u64)) -> anyhow::Result<BTreeSet<String>> {
        let select = "SELECT lower(customer_address) FROM ticket UNION SELECT lower(address) FROM participant
                      UNION SELECT lower(author) FROM entry UNION SELECT lower(recipient) FROM outbox
                      UNION SELECT lower(sender) FROM parked";
        let mut select = self.transaction.prepare(select)?;
        let mut addresses: BTreeSet<String> =
            select.query_map([], |row| row.get(0))?.collect::<Result<_, rusqlite::Error>>()?;
        let all = self.mails_and_sent()?;
        let mut done = 0;
        self.each_mail(|_, raw, _| {
            done += 1;
            shown(done, all);
            addresses.extend(addresses_in(raw));
            Ok(())
        })?;
        Ok(addresses)
    }

    /// Whether an address takes part in a ticket.
    pub fn takes_part(&self, id: TicketId, address: &str) -> anyhow::Result<bool> {
        let select = "SELECT EXISTS (SELECT 1 FROM ticket WHERE id = ?1 AND customer_address = ?2 COLLATE NOCASE)
                      OR EXISTS (SELECT 1 FROM participant WHERE ticket_id = ?1 AND address = ?2)";
        Ok(self.transaction.prepare_cached(select)?.query_row(params![id.0, address], |row| row.get(0))?)
    }

    /// Whether a ticket is laid aside for good.
    pub fn is_closed(&self, id: TicketId) -> anyhow::Result<bool> {
        let select = "SELECT state IN ('closed', 'merged') FROM ticket WHERE id = ?1";
        Ok(self.transaction.prepare_cached(select)?.query_row([id.0], |row| row.get(0))?)
    }

    fn contracts_naming(&self, address: &str) -> anyhow::Result<Vec<String>> {
        let select = "SELECT DISTINCT number FROM contract JOIN contract_sender ON contract_id = contract.id
                      WHERE sender = ?1 AND until IS NULL ORDER BY number";
        let mut select = self.transaction.prepare(select)?;
        let rows = select.query_map([address], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
