//! Folders, the mails kept from them, and what became of each.

use anyhow::Context;
use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::tickets::TicketId;
use super::{Work, compressed, decompressed, micros, timestamp};
use crate::desk::decision::Disposition;
use crate::desk::ticket_number::TicketNumber;
use crate::mailbox::{Listed, Uid, UidValidity};

/// The reason in the journal of mails that were there at a folder's very first opening.
pub const BEFORE_THE_DESK: &str = "before-the-desk";

/// A watched folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FolderId(pub(super) i64);

/// Where a folder stands when it is opened.
#[derive(Clone, Copy, Debug)]
pub struct OpenedFolder {
    /// The folder.
    pub id: FolderId,
    /// The present epoch of its UIDs.
    pub uid_validity: UidValidity,
    /// Every UID up to this one is done.
    pub cursor: Uid,
    /// Whether the epoch is another than last time: everything is walked again.
    pub walks_again: bool,
}

/// What is known about one mail of a folder when it is decided.
#[derive(Clone, Copy, Debug)]
pub struct JournalEntry<'a> {
    /// The folder.
    pub folder: &'a OpenedFolder,
    /// The mail.
    pub listed: &'a Listed,
    /// The whole mail's hash, where the whole mail was seen.
    pub content_hash: Option<[u8; 32]>,
    /// The header's hash, where the header was read.
    pub header_hash: Option<[u8; 32]>,
    /// Where the sender stood, and what was proven, where the mail was decided.
    pub sender: Option<&'a str>,
}

/// The bytes of a mail, compressed: that is done before the transaction begins in which they are kept.
#[derive(Debug)]
pub struct Packed(Vec<u8>);

impl Packed {
    /// Compresses the bytes of a mail.
    ///
    /// # Errors
    /// There is no memory for it.
    pub fn new(bytes: &[u8]) -> anyhow::Result<Packed> {
        Ok(Packed(compressed(bytes)?))
    }
}

/// What became of a mail, read back.
#[derive(Clone, Debug)]
pub struct Decided {
    /// The mail.
    pub content_hash: Vec<u8>,
    /// What became of it.
    pub disposition: Disposition,
    /// Why.
    pub reason: String,
    /// Where the sender stood, and what was proven.
    pub sender: Option<String>,
}

/// What a folder's journal holds, to be compared with the server.
#[derive(Clone, Debug)]
pub struct Account {
    /// The epoch of the UIDs.
    pub uid_validity: UidValidity,
    /// The UIDs that have a disposition in this epoch, and whether the desk itself moved each elsewhere.
    pub decided: Vec<(Uid, bool)>,
    /// When the folder was last walked to its end.
    pub last_full_pass: Option<Timestamp>,
}

impl Work<'_> {
    /// Opens a folder that was opened before; in a new epoch the cursor begins anew.
    pub fn open_folder(&self, mailbox: &str, name: &str, epoch: UidValidity) -> anyhow::Result<Option<OpenedFolder>> {
        let select = "SELECT id, uid_validity, cursor FROM folder WHERE mailbox = ?1 AND name = ?2";
        let mut select = self.transaction.prepare_cached(select)?;
        let known: Option<(i64, i64, i64)> =
            select.query_row([mailbox, name], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()?;
        let Some((id, known_epoch, cursor)) = known else { return Ok(None) };
        let walks_again = known_epoch != epoch.0 as i64;
        if walks_again {
            let update = "UPDATE folder SET uid_validity = ?2, cursor = 0 WHERE id = ?1";
            self.transaction.execute(update, params![id, epoch.0 as i64])?;
        }
        let cursor = if walks_again { Uid(0) } else { Uid(cursor as u64) };
        Ok(Some(OpenedFolder { id: FolderId(id), uid_validity: epoch, cursor, walks_again }))
    }

    /// Records a folder at its very first opening. `old` are the mails that were there before the
    /// desk: they are noted, and nothing is done about them.
    pub fn first_opening(
        &self,
        mailbox: &str,
        name: &str,
        epoch: UidValidity,
        old: &[Listed],
        now: Timestamp,
    ) -> anyhow::Result<OpenedFolder> {
        let insert = "INSERT INTO folder (mailbox, name, uid_validity) VALUES (?1, ?2, ?3) RETURNING id";
        let id = self.transaction.query_row(insert, params![mailbox, name, epoch.0 as i64], |row| row.get(0))?;
        let folder = OpenedFolder { id: FolderId(id), uid_validity: epoch, cursor: Uid(0), walks_again: false };
        for listed in old {
            let entry = JournalEntry { folder: &folder, listed, content_hash: None, header_hash: None, sender: None };
            self.journal(&entry, &Disposition::Noted, BEFORE_THE_DESK, now)?;
            self.filed(&folder, listed.uid, false, now)?;
        }
        Ok(folder)
    }

    /// The mails from before the desk whose headers were not read yet.
    pub fn unread_headers(&self, folder: &OpenedFolder) -> anyhow::Result<Vec<Uid>> {
        let select =
            "SELECT uid FROM journal WHERE folder_id = ?1 AND uid_validity = ?2 AND header_hash IS NULL ORDER BY uid";
        self.uids(select, folder)
    }

    /// The header of a mail from before the desk was read.
    pub fn header_read(&self, folder: &OpenedFolder, uid: Uid, header_hash: &[u8; 32]) -> anyhow::Result<()> {
        let update = "UPDATE journal SET header_hash = ?4 WHERE folder_id = ?1 AND uid_validity = ?2 AND uid = ?3";
        let of = params![folder.id.0, folder.uid_validity.0 as i64, uid.0 as i64, header_hash];
        self.transaction.prepare_cached(update)?.execute(of)?;
        Ok(())
    }

    /// Those of the listed mails that have no disposition yet.
    pub fn undecided(&self, folder: &OpenedFolder, listed: Vec<Listed>) -> anyhow::Result<Vec<Listed>> {
        let mut undecided = Vec::new();
        for mail in listed {
            if !self.is_decided(folder, mail.uid)? {
                undecided.push(mail);
            }
        }
        Ok(undecided)
    }

    /// Whether a mail has a disposition.
    pub fn is_decided(&self, folder: &OpenedFolder, uid: Uid) -> anyhow::Result<bool> {
        let select = "SELECT 1 FROM journal WHERE folder_id = ?1 AND uid_validity = ?2 AND uid = ?3";
        let mut select = self.transaction.prepare_cached(select)?;
        Ok(select.exists(params![folder.id.0, folder.uid_validity.0 as i64, uid.0 as i64])?)
    }

    /// Keeps the bytes of a mail.
    pub fn keep(&self, content_hash: &[u8; 32], packed: &Packed, now: Timestamp) -> anyhow::Result<()> {
        let insert = "INSERT INTO mail (content_hash, bytes, kept_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
        self.transaction.prepare_cached(insert)?.execute(params![content_hash, packed.0, micros(now)])?;
        Ok(())
    }

    /// The bytes of a kept mail; `None` where they were erased, too.
    pub fn kept(&self, content_hash: &[u8]) -> anyhow::Result<Option<Vec<u8>>> {
        let select = "SELECT bytes FROM mail WHERE content_hash = ?1 AND length(bytes) > 0";
        let mut select = self.transaction.prepare_cached(select)?;
        let bytes: Option<Vec<u8>> = select.query_row([content_hash], |row| row.get(0)).optional()?;
        bytes.map(|bytes| decompressed(&bytes)).transpose()
    }

    /// The bytes of a kept mail, and when it was kept.
    pub fn kept_with_time(&self, content_hash: &[u8]) -> anyhow::Result<Option<(Vec<u8>, Timestamp)>> {
        let select = "SELECT bytes, kept_at FROM mail WHERE content_hash = ?1 AND length(bytes) > 0";
        let mut select = self.transaction.prepare_cached(select)?;
        let row: Option<(Vec<u8>, i64)> =
            select.query_row([content_hash], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        row.map(|(bytes, kept_at)| Ok((decompressed(&bytes)?, timestamp(kept_at)?))).transpose()
    }

    /// Whether a mail with this header was there before the desk: a folder made anew brings it
    /// back under another UID and date.
    pub fn was_before_the_desk(&self, header_hash: &[u8; 32]) -> anyhow::Result<bool> {
        let select = "SELECT 1 FROM journal WHERE header_hash = ?1 AND content_hash IS NULL AND reason = ?2";
        let mut select = self.transaction.prepare_cached(select)?;
        Ok(select.exists(params![header_hash, BEFORE_THE_DESK])?)
    }

    /// Records what became of a mail. A second disposition of one UID is an error.
    pub fn journal(
        &self,
        entry: &JournalEntry,
        disposition: &Disposition,
        reason: &str,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        let ticket = disposition.ticket().map(|number| self.ticket_id(number)).transpose()?;
        let insert = "INSERT INTO journal
            (folder_id, uid_validity, uid, internal_date, content_hash, header_hash, disposition, reason, sender, ticket_id, decided_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
        self.transaction.prepare_cached(insert)?.execute(params![
            entry.folder.id.0,
            entry.folder.uid_validity.0 as i64,
            entry.listed.uid.0 as i64,
            micros(entry.listed.internal_date),
            entry.content_hash,
            entry.header_hash,
            disposition.name(),
            reason,
            entry.sender,
            ticket.map(|ticket| ticket.0),
            micros(now),
        ])?;
        Ok(())
    }

    /// What became of the mails decided at or after this moment, the earliest first.
    pub fn decided_since(&self, since: Timestamp) -> anyhow::Result<Vec<Decided>> {
        let select = "SELECT content_hash, disposition, reason, ticket_id, sender FROM journal
                      WHERE decided_at >= ?1 AND content_hash IS NOT NULL ORDER BY decided_at";
        let mut select = self.transaction.prepare_cached(select)?;
        let mut rows = select.query([micros(since)])?;
        let mut decided = Vec::new();
        while let Some(row) = rows.next()? {
            let ticket: Option<i64> = row.get(3)?;
            let ticket = ticket.map(|id| self.ticket_number(TicketId(id))).transpose()?;
            let name: String = row.get(1)?;
            let disposition = disposition(&name, ticket).with_context(|| format!("unknown disposition {name}"))?;
            decided.push(Decided { content_hash: row.get(0)?, disposition, reason: row.get(2)?, sender: row.get(4)? });
        }
        Ok(decided)
    }

    /// The folder was walked to its end: every UID up to `last` is done.
    pub fn walked(&self, folder: &OpenedFolder, last: Option<Uid>, now: Timestamp) -> anyhow::Result<()> {
        let update = "UPDATE folder SET cursor = max(cursor, ?2), last_full_pass = ?3 WHERE id = ?1";
        let last = last.unwrap_or(folder.cursor);
        self.transaction.prepare_cached(update)?.execute(params![folder.id.0, last.0 as i64, micros(now)])?;
        Ok(())
    }

    /// Mails that were decided and are still to be filed.
    pub fn unfiled(&self, folder: &OpenedFolder) -> anyhow::Result<Vec<Uid>> {
        let select =
            "SELECT uid FROM journal WHERE folder_id = ?1 AND uid_validity = ?2 AND filed_at IS NULL ORDER BY uid";
        self.uids(select, folder)
    }

    fn uids(&self, select: &str, folder: &OpenedFolder) -> anyhow::Result<Vec<Uid>> {
        let mut select = self.transaction.prepare_cached(select)?;
        let of = params![folder.id.0, folder.uid_validity.0 as i64];
        let rows = select.query_map(of, |row| row.get::<_, i64>(0))?;
        rows.map(|uid| Ok(Uid(uid? as u64))).collect()
    }

    /// A mail was filed: `moved` out of the folder, or not.
    pub fn filed(&self, folder: &OpenedFolder, uid: Uid, moved: bool, now: Timestamp) -> anyhow::Result<()> {
        let update =
            "UPDATE journal SET filed_at = ?4, moved = ?5 WHERE folder_id = ?1 AND uid_validity = ?2 AND uid = ?3";
        let of = params![folder.id.0, folder.uid_validity.0 as i64, uid.0 as i64, micros(now), moved];
        self.transaction.prepare_cached(update)?.execute(of)?;
        Ok(())
    }

    /// What the journal holds of a folder; `None` where it was never opened.
    pub fn account(&self, mailbox: &str, name: &str) -> anyhow::Result<Option<Account>> {
        let select = "SELECT id, uid_validity, last_full_pass FROM folder WHERE mailbox = ?1 AND name = ?2";
        let folder: Option<(i64, i64, Option<i64>)> = self
            .transaction
            .query_row(select, [mailbox, name], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        let Some((id, epoch, last_full_pass)) = folder else { return Ok(None) };
        let select = "SELECT uid, moved FROM journal WHERE folder_id = ?1 AND uid_validity = ?2 ORDER BY uid";
        let mut select = self.transaction.prepare(select)?;
        let rows = select.query_map(params![id, epoch], |row| Ok((Uid(row.get::<_, i64>(0)? as u64), row.get(1)?)))?;
        Ok(Some(Account {
            uid_validity: UidValidity(epoch as u64),
            decided: rows.collect::<Result<_, _>>()?,
            last_full_pass: last_full_pass.map(timestamp).transpose()?,
        }))
    }
}

fn disposition(name: &str, ticket: Option<TicketNumber>) -> Option<Disposition> {
    Some(match (name, ticket) {
        ("opened", Some(number)) => Disposition::Opened(number),
        ("attached", Some(number)) => Disposition::Attached(number),
        ("noted", _) => Disposition::Noted,
        ("parked", _) => Disposition::Parked,
        ("duplicate", ticket) => Disposition::Duplicate(ticket),
        _ => return None,
    })
}
