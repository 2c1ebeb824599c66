//! A person's data: where they stand, and how they go. Rows stay, so that counts and promises stay what they
//! were and a mail seen again is known; what could be read in them goes.

use std::collections::{BTreeSet, HashSet};

use regex::{Regex, RegexBuilder};
use rusqlite::params;
use serde::Serialize;

use super::blank::BLANK;
use super::erasures::Erasure;
use super::mails::addresses_in;
use super::tickets::TicketId;
use super::{Store, Work};
use crate::desk::message::Message;
use crate::desk::ticket_number::TicketNumber;

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
    /// Other tickets in which the person's name stands, or that of somebody with the same name: nothing is done to
    /// them.
    pub tickets_with_the_name: Vec<String>,
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
    names: BTreeSet<String>,
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

fn as_text<S: serde::Serializer>(number: &TicketNumber, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(number)
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
                found.names.extend(name_in(raw, &address));
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
        for id in &found.whole {
            let select = "SELECT customer_name FROM ticket WHERE id = ?1";
            let name: String = self.transaction.prepare_cached(select)?.query_row([id.0], |row| row.get(0))?;
            found.names.extend(full_name(&name));
        }
        found.tickets_with_the_name = self.tickets_with_a_name(&found)?;
        found.places = self.places(&found.hashes)?;
        found.contracts = self.contracts_naming(&address)?;
        Ok(found)
    }

    /// Erases what was found of an address, and remembers that.
    pub fn erase(&self, address: &str, found: &Erased, erasure: &Erasure) -> anyhow::Result<()> {
        let address = address.to_lowercase();
        found.whole.iter().try_for_each(|id| self.blank_ticket(*id))?;
        let pattern = pattern(&address, &found.names)?;
        for id in &found.part {
            let entries = "UPDATE entry SET text = '', author = ?3, message_id = NULL
                           WHERE ticket_id = ?1 AND author = ?2 COLLATE NOCASE";
            self.transaction.execute(entries, params![id.0, address, BLANK])?;
            let participant = "DELETE FROM participant WHERE ticket_id = ?1 AND address = ?2";
            self.transaction.execute(participant, params![id.0, address])?;
            self.blank_in_texts(*id, &pattern)?;
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

    /// The numbers of the tickets, apart from those that lose the person's words, in whose texts one of the names
    /// stands.
    fn tickets_with_a_name(&self, found: &Erased) -> anyhow::Result<Vec<String>> {
        let select = "SELECT id, subject FROM ticket WHERE instr(subject, ?1) > 0
                      UNION SELECT ticket_id, text FROM entry WHERE instr(text, ?1) > 0";
        let mut select = self.transaction.prepare_cached(select)?;
        let mut tickets = BTreeSet::new();
        for name in &found.names {
            let pattern = in_any_case(&of_name(name))?;
            let longest = name.split_whitespace().map(stem).max_by_key(|stem| stem.len()).unwrap_or_default();
            let texts = select.query_map([longest], |row| Ok((TicketId(row.get(0)?), row.get::<_, String>(1)?)))?;
            let texts = texts.collect::<Result<Vec<_>, _>>()?;
            for (id, _) in texts.into_iter().filter(|(_, text)| pattern.is_match(text)) {
                let number = self.ticket_number(id)?;
                let is_known = found.ticket_ids().any(|known| known == id);
                if !is_known && found.left.iter().all(|left| left.ticket != number) {
                    tickets.insert(number.to_string());
                }
            }
        }
        Ok(tickets.into_iter().collect())
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

/// The name that stands beside the address in the From of a mail.
fn name_in(raw: &[u8], address: &str) -> Option<String> {
    let from = Message::parse(raw).from.filter(|from| from.address.eq_ignore_ascii_case(address))?;
    full_name(&from.name)
}

/// A name of two words or more: one word alone is many people's.
fn full_name(name: &str) -> Option<String> {
    let name = name.trim();
    (name.split_whitespace().count() > 1 && !name.contains('@')).then(|| name.to_string())
}

/// Finds an address, as it stands in links, too, and names: in any case of their letters, in every inflection, the
/// words of a name in either order and however far apart.
fn pattern(address: &str, names: &BTreeSet<String>) -> anyhow::Result<Regex> {
    let addresses = [address.to_string(), address.replace('@', "%40")];
    let all: Vec<String> =
        addresses.iter().map(|address| regex::escape(address)).chain(names.iter().map(|name| of_name(name))).collect();
    in_any_case(&all.join("|"))
}

fn in_any_case(pattern: &str) -> anyhow::Result<Regex> {
    Ok(RegexBuilder::new(pattern).case_insensitive(true).build()?)
}

fn of_name(name: &str) -> String {
    let word = |word: &str| format!(r"{}\w{{0,5}}", regex::escape(stem(word)));
    let words: Vec<String> = name.split_whitespace().map(word).collect();
    let turned: Vec<String> = words.iter().rev().cloned().collect();
    format!(r"\b(?:{}|{})\b", words.join(r"\s+"), turned.join(r",?\s+"))
}

/// What of a name stays the same in Polish inflection: "Kowalsk" of Kowalski, Kowalska, Kowalskiego.
fn stem(word: &str) -> &str {
    let stem = word.trim_end_matches(['a', 'e', 'i', 'o', 'y']);
    if stem.chars().count() > 1 { stem } else { word }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_found_in_every_inflection() {
        let names = BTreeSet::from(["Jan Kowalski".to_string(), "Anna Maj".to_string()]);
        let pattern = pattern("jan@x.example", &names).expect("a pattern");
        for text in [
            "Od Jana Kowalskiego.",
            "JAN\nKOWALSKI",
            "Kowalski, Jan",
            "z Anną Maj",
            "Maj Anna",
            "mailto:jan%40x.example?subject=a",
            "Jan@X.example",
        ] {
            assert!(pattern.is_match(text), "{text}");
        }
        for text in ["Jan Nowak", "Kowalski", "w maju Jan", "anna@x.example"] {
            assert!(!pattern.is_match(text), "{text}");
        }
    }
}
