//! Which mails a folder holds.

use std::collections::BTreeMap;

use async_imap::imap_proto::{AttributeValue, Response};
use jiff::Timestamp;
use jiff::fmt::strtime;

use super::connection::{Command, Connection};
use super::error::Error;
use crate::mailbox::{Listed, Uid};

/// What the server has told of one mail so far.
#[derive(Default)]
struct Told {
    size: Option<u64>,
    internal_date: Option<Timestamp>,
}

/// All mails above `after`. A mail without a size is listed with 0, one without a date with that
/// of the mail before it, since UIDs rise as mails arrive (RFC 3501 section 2.3.1.1); with none
/// before it, that of the next; with no date at all, the present moment.
pub(super) async fn list(connection: &mut Connection, after: Uid) -> Result<Vec<Listed>, Error> {
    // What arrives from here on may be missing from the list; what arrived before is in it.
    connection.take_arrival();
    let Some(first) = after.0.checked_add(1).filter(|first| u32::try_from(*first).is_ok()) else {
        return Ok(Vec::new());
    };
    let mut told: BTreeMap<u64, Told> = BTreeMap::new();
    let command = Command::new("UID FETCH", format!("{first}:* (UID RFC822.SIZE INTERNALDATE)"));
    connection
        .run(command, |response| {
            if let Response::Fetch(_, attributes) = response {
                take(&mut told, attributes)?;
            }
            Ok(())
        })
        .await?;
    // `n:*` includes the last mail even where its UID is below n (RFC 3501 section 6.4.8).
    let told = told.split_off(&first);
    Ok(complete(told))
}

/// Mails as a command names them, neighbours as a range (RFC 3501 section 9, `sequence-set`). They rise.
pub(super) fn set_of(uids: &[Uid]) -> String {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for uid in uids {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(uid.0) => *last = uid.0,
            _ => ranges.push((uid.0, uid.0)),
        }
    }
    let ranges =
        ranges.iter().map(|(first, last)| if first == last { first.to_string() } else { format!("{first}:{last}") });
    ranges.collect::<Vec<_>>().join(",")
}

fn take(told: &mut BTreeMap<u64, Told>, attributes: &[AttributeValue<'_>]) -> Result<(), Error> {
    let (mut uid, mut size, mut internal_date) = (None, None, None);
    for attribute in attributes {
        match attribute {
            AttributeValue::Uid(value) => uid = Some(u64::from(*value)),
            AttributeValue::Rfc822Size(value) => size = Some(u64::from(*value)),
            AttributeValue::InternalDate(text) => internal_date = timestamp(text),
            _ => {}
        }
    }
    match uid {
        Some(uid) => {
            let entry = told.entry(uid).or_default();
            entry.size = size.or(entry.size);
            entry.internal_date = internal_date.or(entry.internal_date);
            Ok(())
        }
        // News of flags may come without UID; an entry of the list may not.
        None if size.is_none() && internal_date.is_none() => Ok(()),
        None => Err(Error::nonsense("UID FETCH", "a mail is listed without its UID")),
    }
}

fn complete(told: BTreeMap<u64, Told>) -> Vec<Listed> {
    let first_date = told.values().find_map(|told| told.internal_date);
    let mut nearest_date = first_date.unwrap_or_else(Timestamp::now);
    let mut listed = Vec::with_capacity(told.len());
    for (uid, told) in told {
        nearest_date = told.internal_date.unwrap_or(nearest_date);
        listed.push(Listed { uid: Uid(uid), size: told.size.unwrap_or(0), internal_date: nearest_date });
    }
    listed
}

/// Reads a date-time such as ` 1-Jul-2026 09:05:00 +0200` (RFC 3501 section 9).
fn timestamp(text: &str) -> Option<Timestamp> {
    strtime::parse("%d-%b-%Y %H:%M:%S %z", text.trim()).ok()?.to_timestamp().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read() {
        let table = [
            (" 1-Jul-2026 09:05:00 +0200", Some("2026-07-01T07:05:00Z")),
            ("01-Jul-2026 09:05:00 +0000", Some("2026-07-01T09:05:00Z")),
            ("31-Dec-1999 23:59:59 -1130", Some("2000-01-01T11:29:59Z")),
            ("31-Feb-2026 00:00:00 +0000", None),
            ("", None),
            ("łąka", None),
        ];
        for (text, expected) in table {
            assert_eq!(timestamp(text).map(|date| date.to_string()).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn neighbours_are_a_range() {
        let set = |uids: &[u64]| set_of(&uids.iter().copied().map(Uid).collect::<Vec<_>>());
        assert_eq!([set(&[7]), set(&[1, 2, 3, 5, 7, 8])], ["7", "1:3,5,7:8"]);
    }

    #[test]
    fn a_missing_date_is_the_neighbours() {
        let date = |second| Timestamp::from_second(second).ok();
        let told = [(1, None), (2, date(20)), (3, None), (4, date(40))]
            .map(|(uid, internal_date)| (uid, Told { size: None, internal_date }));
        let dates: Vec<i64> = complete(told.into()).iter().map(|listed| listed.internal_date.as_second()).collect();
        assert_eq!(dates, [20, 20, 20, 40]);
    }
}
