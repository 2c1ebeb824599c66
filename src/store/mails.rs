//! All mails that are kept, one after the other, and who is named in them.

use std::collections::{BTreeSet, HashSet};

use jiff::Timestamp;

use super::erasure::Place;
use super::tickets::TicketId;
use super::{Work, decompressed, timestamp};
use crate::desk::message::Message;
use crate::desk::ticket_number::TicketNumber;

/// Mails within mails are read to this depth.
const DEEPEST: usize = 10;

impl Work<'_> {
    /// Hears of every mail that is kept: its content hash, its bytes, when it was kept.
    pub fn each_mail(&self, mut hear: impl FnMut(&[u8], &[u8], Timestamp) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let select = "SELECT content_hash, bytes, kept_at FROM mail WHERE length(bytes) > 0";
        let mut select = self.transaction.prepare(select)?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let bytes = decompressed(row.get_ref(1)?.as_blob()?)?;
            hear(row.get_ref(0)?.as_blob()?, &bytes, timestamp(row.get(2)?)?)?;
        }
        Ok(())
    }

    /// Hears of every mail of ours that is kept: its row, its ticket, its recipient, its bytes, when it was
    /// written.
    pub fn each_sent(
        &self,
        mut hear: impl FnMut(i64, Option<i64>, &str, &[u8], Timestamp) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let select =
            "SELECT id, ticket_id, recipient, bytes, created_at FROM outbox WHERE length(bytes) > 0 ORDER BY id";
        let mut select = self.transaction.prepare(select)?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let (recipient, bytes): (String, _) = (row.get(2)?, decompressed(row.get_ref(3)?.as_blob()?)?);
            hear(row.get(0)?, row.get(1)?, &recipient, &bytes, timestamp(row.get(4)?)?)?;
        }
        Ok(())
    }

    /// The mails of a ticket in the order of time, those that came in and those of ours, each with its moment.
    pub fn mails_of(&self, id: TicketId) -> anyhow::Result<Vec<(Timestamp, Vec<u8>)>> {
        let select = "SELECT m.bytes, e.at FROM (SELECT content_hash, min(at) AS at FROM entry
                          WHERE ticket_id = ?1 AND content_hash IS NOT NULL GROUP BY content_hash) e
                      JOIN mail m USING (content_hash) WHERE length(m.bytes) > 0
                      UNION ALL SELECT bytes, coalesce(sent_at, created_at) FROM outbox
                      WHERE ticket_id = ?1 AND length(bytes) > 0 ORDER BY 2";
        let mut select = self.transaction.prepare_cached(select)?;
        let rows = select.query_map([id.0], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, i64>(1)?)))?;
        rows.map(|row| {
            let (bytes, at) = row?;
            Ok((timestamp(at)?, decompressed(&bytes)?))
        })
        .collect()
    }

    /// Every ticket, the oldest first.
    pub fn all_tickets(&self) -> anyhow::Result<Vec<(TicketId, TicketNumber)>> {
        let mut select = self.transaction.prepare("SELECT id, year, sequence FROM ticket ORDER BY id")?;
        let rows =
            select.query_map([], |row| Ok((TicketId(row.get(0)?), TicketNumber::new(row.get(1)?, row.get(2)?))))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How many mails [`Work::each_mail`] and [`Work::each_sent`] tell of.
    pub(super) fn mails_and_sent(&self) -> anyhow::Result<u64> {
        let select = "SELECT (SELECT count(*) FROM mail) + (SELECT count(*) FROM outbox)";
        Ok(self.transaction.query_row(select, [], |row| row.get::<_, i64>(0))? as u64)
    }

    /// The tickets that a mail which came in belongs to.
    pub(super) fn tickets_of_mail(&self, hash: &[u8]) -> anyhow::Result<HashSet<i64>> {
        let select = "SELECT ticket_id FROM entry WHERE content_hash = ?1
                      UNION SELECT ticket_id FROM journal WHERE content_hash = ?1 AND ticket_id IS NOT NULL";
        let mut select = self.transaction.prepare_cached(select)?;
        let rows = select.query_map([hash], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Where mails lie on the server, as far as is known.
    pub(super) fn places(&self, hashes: &[Vec<u8>]) -> anyhow::Result<Vec<Place>> {
        let select = "SELECT f.mailbox, f.name, j.uid, j.moved FROM journal j JOIN folder f ON f.id = j.folder_id
                      AND f.uid_validity = j.uid_validity WHERE j.content_hash = ?1";
        let mut select = self.transaction.prepare_cached(select)?;
        let mut places = Vec::new();
        for hash in hashes {
            let mut rows = select.query([hash])?;
            while let Some(row) = rows.next()? {
                let uid = row.get::<_, i64>(2)? as u64;
                places.push(Place { mailbox: row.get(0)?, folder: row.get(1)?, uid, moved: row.get(3)? });
            }
        }
        places.sort_by(|one, other| {
            (&one.mailbox, &one.folder, one.uid).cmp(&(&other.mailbox, &other.folder, other.uid))
        });
        Ok(places)
    }
}

/// Every address in a mail, in lower case: of its header fields, its text, its text files, and the mails
/// attached to it.
pub(super) fn addresses_in(raw: &[u8]) -> BTreeSet<String> {
    let mut addresses = BTreeSet::new();
    collect_from(raw, DEEPEST, &mut addresses);
    addresses
}

fn collect_from(raw: &[u8], deepest: usize, addresses: &mut BTreeSet<String>) {
    let message = Message::parse(raw);
    let texts = [&message.plain, &message.html].into_iter().flatten().map(String::as_str);
    for text in texts.chain(message.headers.iter().map(|header| header.value.as_str())) {
        collect(text, addresses);
    }
    for attachment in message.attachments.iter().filter(|file| file.is_text() || file.media_type == "message/rfc822") {
        if attachment.is_text() {
            collect(&attachment.text(), addresses);
        } else if deepest > 0 {
            collect_from(&attachment.content, deepest - 1, addresses);
        }
    }
}

/// The words with an @ of a text, without the marks around them.
fn collect(text: &str, addresses: &mut BTreeSet<String>) {
    let parts = |c: char| c.is_whitespace() || "<>()[],;:\"'&|".contains(c);
    let words = text.split(parts).filter(|word| word.contains('@'));
    let inside = |c: char| !c.is_alphanumeric();
    addresses.extend(words.map(|word| word.trim_matches(inside).to_lowercase()));
}
