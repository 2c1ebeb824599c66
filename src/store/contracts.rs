//! The contracts on file, in versions: every import writes only what it changes, and what was on
//! file at any moment can still be told.
//!
//! Rows of a version may be written in many short transactions; they count from the moment on in
//! which [`Work::publish`] commits the version. Until then nobody sees them.

use anyhow::Context;
use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::{Row, params};

use super::{Work, micros, timestamp};
use crate::desk::calendar::WindowName;
use crate::desk::contract::{Contract, look_up_key};

/// Rows of an unfinished import that are set aside in one transaction.
const LEFTOVERS_AT_ONCE: usize = 2_000;

/// One import of the list.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ListVersion {
    /// Counted from 1.
    pub version: u32,
    /// When it was imported.
    pub imported_at: Timestamp,
    /// The file's name.
    pub source: String,
    /// SHA-256 of the file.
    #[serde(skip)]
    pub content_hash: [u8; 32],
    /// What it changed.
    #[serde(flatten)]
    pub counts: Counts,
}

/// What an import changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Contracts that were not on file.
    pub added: u32,
    /// Contracts of which a field differs.
    pub changed: u32,
    /// Contracts that are on file no more.
    pub gone: u32,
    /// Contracts that stay as they are.
    pub unchanged: u32,
}

/// A contract's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContractId(pub(super) i64);

/// By what contracts are found, in the order in which it is best written: [`ContractKeys::sort`].
#[derive(Clone, Debug, Default)]
pub struct ContractKeys {
    /// Their numbers and those of their devices.
    pub numbers: Vec<NumberKey>,
    /// Their senders.
    pub senders: Vec<SenderKey>,
}

/// A number by which a contract is found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NumberKey {
    key: String,
    strictness: u32,
    id: ContractId,
    serial: String,
}

/// A sender by whom a contract is found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SenderKey {
    sender: String,
    strictness: u32,
    id: ContractId,
}

impl ContractKeys {
    /// Adds those of a contract that has this row.
    pub fn add(&mut self, contract: &Contract, id: ContractId) {
        let strictness = contract.strictness();
        let number = |number: &str, serial: &str| {
            let (key, serial) = (look_up_key(number), serial.to_string());
            NumberKey { key, strictness, id, serial }
        };
        self.numbers.push(number(&contract.number, ""));
        self.numbers.extend(contract.serials.iter().map(|serial| number(serial, serial)));
        let senders = contract.senders.iter().cloned();
        self.senders.extend(senders.map(|sender| SenderKey { sender, strictness, id }));
    }

    /// Puts them in the order of the indexes.
    pub fn sort(&mut self) {
        self.numbers.sort_unstable();
        self.senders.sort_unstable();
    }
}

/// Of the versions in which a contract stood as it does.
const ON_FILE: &str = "since <= ?1 AND (until IS NULL OR until > ?1)";

const COLUMNS: &str =
    "id, number, nip, customer, plan, service_window, delivery, valid_from, valid_to, senders, serials";

impl Work<'_> {
    /// The newest version of the list.
    pub fn contract_list(&self) -> anyhow::Result<Option<ListVersion>> {
        self.contract_list_at(Timestamp::MAX)
    }

    /// The version of the list that was on file at this moment.
    pub fn contract_list_at(&self, at: Timestamp) -> anyhow::Result<Option<ListVersion>> {
        self.list_version("imported_at <= ?1", micros(at))
    }

    fn list_version(&self, condition: &str, value: i64) -> anyhow::Result<Option<ListVersion>> {
        let select = format!(
            "SELECT version, imported_at, source, content_hash, added, changed, gone, unchanged
             FROM contract_list WHERE {condition} ORDER BY version DESC LIMIT 1"
        );
        let mut select = self.transaction.prepare_cached(&select)?;
        let mut rows = select.query([value])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        Ok(Some(ListVersion {
            version: row.get(0)?,
            imported_at: timestamp(row.get(1)?)?,
            source: row.get(2)?,
            content_hash: row.get(3)?,
            counts: Counts { added: row.get(4)?, changed: row.get(5)?, gone: row.get(6)?, unchanged: row.get(7)? },
        }))
    }

    /// How many contracts a version has.
    pub fn contract_count(&self, version: u32) -> anyhow::Result<usize> {
        let select = format!("SELECT count(*) FROM contract WHERE {ON_FILE}");
        Ok(self.transaction.prepare_cached(&select)?.query_row([version], |row| row.get::<_, i64>(0))? as usize)
    }

    /// The contract of this number, normalised, in a version, with everything that belongs to it.
    pub fn contract(&self, number: &str, version: u32) -> anyhow::Result<Option<(ContractId, Contract)>> {
        let select = format!("SELECT {COLUMNS} FROM contract WHERE {ON_FILE} AND number = ?2");
        let mut select = self.transaction.prepare_cached(&select)?;
        let mut rows = select.query(params![version, number])?;
        rows.next()?.map(|row| Ok((ContractId(row.get(0)?), whole_contract(row)?))).transpose()
    }

    /// The numbers of the contracts in a version that look like this one.
    pub fn contracts_alike(&self, number: &str, version: u32) -> anyhow::Result<Vec<String>> {
        let select = format!(
            "SELECT DISTINCT number FROM contract_key JOIN contract ON contract.id = contract_id
             WHERE {ON_FILE} AND key = ?2 AND serial = '' ORDER BY number LIMIT 10"
        );
        let mut select = self.transaction.prepare_cached(&select)?;
        let rows = select.query_map(params![version, look_up_key(number)], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Gives the first `most` contracts of a version to `each`, by number.
    pub fn contracts(
        &self,
        version: u32,
        most: usize,
        mut each: impl FnMut(Contract) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let select = format!("SELECT {COLUMNS} FROM contract WHERE {ON_FILE} ORDER BY number LIMIT ?2");
        let mut select = self.transaction.prepare_cached(&select)?;
        let mut rows = select.query(params![version, i64::try_from(most).unwrap_or(i64::MAX)])?;
        while let Some(row) = rows.next()? {
            each(whole_contract(row)?)?;
        }
        Ok(())
    }

    /// The versions from which on a contract of this number changed: each with whether it was on
    /// file from then on. The oldest first.
    pub fn contract_history(&self, number: &str) -> anyhow::Result<Vec<(ListVersion, bool)>> {
        let select = "SELECT since, until FROM contract WHERE number = ?1 AND (until IS NULL OR until > since)
                      ORDER BY since";
        let mut select = self.transaction.prepare_cached(select)?;
        let rows = select.query_map([number], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let spans: Vec<(u32, Option<u32>)> = rows.collect::<Result<_, _>>()?;
        let mut turns: Vec<(u32, bool)> = Vec::new();
        for (since, until) in spans {
            turns.retain(|(version, _)| *version != since);
            turns.push((since, true));
            turns.extend(until.map(|until| (until, false)));
        }
        let mut history = Vec::new();
        for (version, on_file) in turns {
            // A version without a list is still being written.
            if let Some(list) = self.list_version("version = ?1", i64::from(version))? {
                history.push((list, on_file));
            }
        }
        Ok(history)
    }

    /// The rows of a version, by number, without what they hold.
    pub fn contract_ids(&self, version: u32) -> anyhow::Result<Vec<ContractId>> {
        let select = format!("SELECT id FROM contract WHERE {ON_FILE} ORDER BY number");
        let mut select = self.transaction.prepare_cached(&select)?;
        let rows = select.query_map([version], |row| row.get(0).map(ContractId))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// A contract by its row.
    pub fn contract_by_id(&self, id: ContractId) -> anyhow::Result<Contract> {
        let select = format!("SELECT {COLUMNS} FROM contract WHERE id = ?1");
        let mut select = self.transaction.prepare_cached(&select)?;
        let mut rows = select.query([id.0])?;
        whole_contract(rows.next()?.context("a contract has vanished from the database")?)
    }

    /// Writes a contract that stands so from this version on. It is found once its [`ContractKeys`] are
    /// written, too.
    pub fn add_contract(&self, version: u32, contract: &Contract) -> anyhow::Result<ContractId> {
        let insert = "INSERT INTO contract
            (number, since, nip, customer, plan, service_window, delivery, valid_from, valid_to, strictness, senders, serials)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
        let id = self.transaction.prepare_cached(insert)?.insert(params![
            contract.number,
            version,
            contract.nip,
            contract.customer,
            contract.plan,
            contract.window.as_str(),
            contract.delivery.to_string(),
            contract.valid_from.to_string(),
            contract.valid_to.to_string(),
            contract.strictness(),
            contract.senders.join(LIST_MARK),
            contract.serials.join(LIST_MARK),
        ])?;
        Ok(ContractId(id))
    }

    /// Writes keys by which contracts are found. In the order of the keys this costs a small part of
    /// what it costs in any other: neighbours share their pages.
    pub fn add_contract_keys(&self, keys: &[NumberKey]) -> anyhow::Result<()> {
        let insert =
            "INSERT OR IGNORE INTO contract_key (key, strictness, contract_id, serial) VALUES (?1, ?2, ?3, ?4)";
        let mut insert = self.transaction.prepare_cached(insert)?;
        for NumberKey { key, strictness, id, serial } in keys {
            insert.execute(params![key, strictness, id.0, serial])?;
        }
        Ok(())
    }

    /// The same for senders.
    pub fn add_contract_senders(&self, keys: &[SenderKey]) -> anyhow::Result<()> {
        let insert = "INSERT OR IGNORE INTO contract_sender (sender, strictness, contract_id) VALUES (?1, ?2, ?3)";
        let mut insert = self.transaction.prepare_cached(insert)?;
        for SenderKey { sender, strictness, id } in keys {
            insert.execute(params![sender, strictness, id.0])?;
        }
        Ok(())
    }

    /// A contract no longer stands so from this version on.
    pub fn end_contract(&self, version: u32, id: ContractId) -> anyhow::Result<()> {
        let update = "UPDATE contract SET until = ?1 WHERE id = ?2";
        self.transaction.prepare_cached(update)?.execute(params![version, id.0])?;
        Ok(())
    }

    /// Makes a version count.
    pub fn publish(&self, list: &ListVersion) -> anyhow::Result<()> {
        let insert = "INSERT INTO contract_list
            (version, imported_at, source, content_hash, added, changed, gone, unchanged)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        self.transaction.execute(
            insert,
            params![
                list.version,
                micros(list.imported_at),
                list.source,
                list.content_hash,
                list.counts.added,
                list.counts.changed,
                list.counts.gone,
                list.counts.unchanged,
            ],
        )?;
        Ok(())
    }

    /// Sets aside a part of what an import that was never finished wrote beyond this version. True
    /// where there may be more.
    pub fn set_aside_leftovers(&self, version: u32) -> anyhow::Result<bool> {
        // Rows are numbered as they are written, so those of the last import are the last ones. One
        // that ends in the version that it begins with never counts.
        let select = "SELECT id, since, until IS NOT NULL AND until <= since FROM contract ORDER BY id DESC";
        let mut set_aside = 0;
        {
            let mut select = self.transaction.prepare_cached(select)?;
            let mut rows = select.query([])?;
            while let Some(row) = rows.next()? {
                let (id, since, aside): (i64, u32, bool) = (row.get(0)?, row.get(1)?, row.get(2)?);
                if since <= version || set_aside == LEFTOVERS_AT_ONCE {
                    break;
                }
                if !aside {
                    self.end_contract(since, ContractId(id))?;
                    set_aside += 1;
                }
            }
        }
        let update = "UPDATE contract SET until = NULL WHERE id IN
                      (SELECT id FROM contract WHERE until > ?1 AND since <= ?1 LIMIT ?2)";
        let revived = self.transaction.execute(update, params![version, LEFTOVERS_AT_ONCE as i64])?;
        Ok(set_aside == LEFTOVERS_AT_ONCE || revived == LEFTOVERS_AT_ONCE)
    }
}

/// Parts the entries of a list in one column; no entry holds it.
const LIST_MARK: &str = ";";

/// Reads a row of [`COLUMNS`].
fn whole_contract(row: &Row) -> anyhow::Result<Contract> {
    let serials = row.get_ref(10)?.as_str().context("a contract's serials are no text")?;
    Ok(Contract { serials: list(serials), ..contract_without_serials(row)? })
}

/// Reads the first columns of [`COLUMNS`].
pub(super) fn contract_without_serials(row: &Row) -> anyhow::Result<Contract> {
    let text = |column: usize| row.get_ref(column)?.as_str().context("a contract's row holds no text");
    Ok(Contract {
        number: text(1)?.to_string(),
        nip: text(2)?.to_string(),
        customer: text(3)?.to_string(),
        plan: text(4)?.to_string(),
        window: WindowName::new(text(5)?),
        delivery: text(6)?.parse().context("a contract has an unknown delivery")?,
        valid_from: date(text(7)?)?,
        valid_to: date(text(8)?)?,
        serials: Vec::new(),
        senders: list(text(9)?),
    })
}

fn date(text: &str) -> anyhow::Result<Date> {
    text.parse().context("a contract has an unreadable date")
}

fn list(text: &str) -> Vec<String> {
    text.split(LIST_MARK).filter(|entry| !entry.is_empty()).map(str::to_string).collect()
}
