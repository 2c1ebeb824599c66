//! Tickets by the words in them.

use rusqlite::params_from_iter;
use rusqlite::types::Value;

use super::Work;
use super::tickets::TicketId;

impl Work<'_> {
    /// The tickets in which every one of these words begins some word: of the subject, of the customer's name or
    /// address, of an entry, of a number. Newest first. Diacritics do not count. A word of several parts
    /// (`UM/118/2024`) is looked for as it stands. Words without a letter or digit are passed over.
    pub fn tickets_with(&self, words: &[String], most: usize) -> anyhow::Result<Vec<TicketId>> {
        let each: Vec<String> = words.iter().filter_map(|word| expression(word)).collect();
        if each.is_empty() {
            return Ok(Vec::new());
        }
        let found = |place: usize| {
            format!(
                "SELECT CASE rowid % 4 WHEN 0 THEN rowid / 4
                        WHEN 1 THEN (SELECT ticket_id FROM entry WHERE id = search.rowid / 4)
                        ELSE (SELECT ticket_id FROM number WHERE id = search.rowid / 4) END
                 FROM search WHERE search MATCH ?{place}"
            )
        };
        let all: Vec<String> = (2..each.len() + 2).map(found).collect();
        let select =
            format!("SELECT id FROM ticket WHERE id IN ({}) ORDER BY id DESC LIMIT ?1", all.join(" INTERSECT "));
        let values = std::iter::once(Value::from(most as i64)).chain(each.into_iter().map(Value::from));
        let mut select = self.transaction.prepare(&select)?;
        let rows = select.query_map(params_from_iter(values), |row| row.get(0).map(TicketId))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// A word in the language of FTS5: its parts in this order, the last as a beginning.
fn expression(word: &str) -> Option<String> {
    let has_letters = word.chars().any(char::is_alphanumeric);
    let folded = word.replace('ł', "l").replace('Ł', "L").replace('"', "\"\"");
    has_letters.then(|| format!("\"{folded}\"*"))
}
