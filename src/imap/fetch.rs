//! Brings mails in: many small ones for one command, a large one piece by piece, so that no more is held
//! than was allowed.

use std::collections::{BTreeMap, BTreeSet};

use async_imap::imap_proto::{AttributeValue, MessageSection, Response, SectionPath};

use super::connection::{Command, Connection};
use super::error::Error;
use super::listing::set_of;
use crate::mailbox::{Extent, Fetched, Uid};

/// Bytes of each mail that is fetched together with others. A longer one is fetched by itself.
const TOGETHER: u32 = 256 * 1024;

/// A part of a mail that can be asked for.
#[derive(Clone, Copy)]
enum Section {
    Whole,
    Header,
}

/// What the server answered to the request for a piece.
enum Piece {
    /// So many bytes were added, and this is the size that the server claims for the mail.
    Added {
        count: usize,
        claimed_size: Option<u64>,
    },
    Gone,
    Refused(String),
}

/// Fetches mails, for one command as far as they are short. What the server says to that command is only
/// believed of the mails that it brings whole; each of the others is asked for by itself.
pub(super) async fn all(
    connection: &mut Connection,
    uids: &[Uid],
    extent: Extent,
) -> Result<Vec<(Uid, Fetched)>, Error> {
    let section = match extent {
        Extent::Whole { .. } => Section::Whole,
        Extent::Header => Section::Header,
    };
    let mut short = if uids.len() > 1 { together(connection, uids, section).await? } else { BTreeMap::new() };
    let mut fetched = Vec::with_capacity(uids.len());
    for uid in uids {
        let one = match (short.remove(&uid.0), extent) {
            (Some(mail), Extent::Whole { limit }) if mail.len() as u64 <= limit => Fetched::Bytes(mail),
            (Some(header), Extent::Header) => Fetched::Bytes(header),
            (_, Extent::Whole { limit }) => whole(connection, *uid, limit).await?,
            (None, Extent::Header) => header(connection, *uid).await?,
        };
        fetched.push((*uid, one));
    }
    Ok(fetched)
}

/// Those of the mails that are short, by UID.
async fn together(
    connection: &mut Connection,
    uids: &[Uid],
    section: Section,
) -> Result<BTreeMap<u64, Vec<u8>>, Error> {
    const NAME: &str = "UID FETCH";
    let command = Command::new(NAME, format!("{} (UID {}<0.{TOGETHER}>)", set_of(uids), section.item()));
    let mut brought = BTreeMap::new();
    let outcome = connection
        .run(command, |response| {
            let Response::Fetch(_, attributes) = response else { return Ok(()) };
            let uid = attributes.iter().find_map(|attribute| match attribute {
                AttributeValue::Uid(uid) => Some(u64::from(*uid)),
                _ => None,
            });
            let body = attributes.iter().find_map(|attribute| match attribute {
                AttributeValue::BodySection { section: told, index, data } if section.is(told.as_ref()) => {
                    Some((index.unwrap_or(0), data))
                }
                _ => None,
            });
            let Some((origin, data)) = body else { return Ok(()) };
            let Some(uid) = uid.filter(|uid| uids.contains(&Uid(*uid))) else {
                return Err(Error::nonsense(NAME, "it brings another mail than was asked for"));
            };
            let Some(data) = data else { return Ok(()) };
            if origin != 0 || data.len() > TOGETHER as usize || brought.insert(uid, data.to_vec()).is_some() {
                return Err(Error::nonsense(NAME, "it brings another piece of the mail than was asked for"));
            }
            Ok(())
        })
        .await;
    match outcome {
        // NO says that some could not be had; which, shows when they are asked for one by one.
        Ok(()) | Err(Error::No { .. }) => {}
        Err(error) => return Err(error),
    }
    brought.retain(|_, mail| mail.len() < TOGETHER as usize);
    Ok(brought)
}

/// Fetches a mail unless it is longer than `limit` bytes. The size that the server tells decides
/// nothing: some only estimate it. A mail ends where a piece is shorter than asked for.
pub(super) async fn whole(connection: &mut Connection, uid: Uid, limit: u64) -> Result<Fetched, Error> {
    let asked = connection.limits().chunk;
    let mut mail = Vec::new();
    loop {
        let is_first = mail.is_empty();
        match piece(connection, uid, Section::Whole, &mut mail, asked).await? {
            Piece::Gone => return Ok(Fetched::Gone),
            Piece::Refused(words) => return Ok(Fetched::Refused(words)),
            Piece::Added { .. } if mail.len() as u64 > limit => {
                drop(mail);
                return too_large(connection, uid).await;
            }
            Piece::Added { count, .. } if count < asked as usize => return Ok(Fetched::Bytes(mail)),
            Piece::Added { claimed_size, .. } if is_first => {
                let claimed = claimed_size.unwrap_or(0);
                if claimed > limit && reaches_beyond(connection, uid, limit).await? {
                    drop(mail);
                    return too_large(connection, uid).await;
                }
                // Room for all of it at once, or growing would hold two copies.
                mail.reserve_exact(usize::try_from(claimed.min(limit)).unwrap_or(0).saturating_sub(mail.len()));
            }
            Piece::Added { .. } => {}
        }
    }
}

/// Fetches the header section.
pub(super) async fn header(connection: &mut Connection, uid: Uid) -> Result<Fetched, Error> {
    let asked = connection.limits().header;
    let mut header = Vec::new();
    Ok(match piece(connection, uid, Section::Header, &mut header, asked).await? {
        Piece::Added { .. } => Fetched::Bytes(header),
        Piece::Gone => Fetched::Gone,
        Piece::Refused(words) => Fetched::Refused(words),
    })
}

async fn too_large(connection: &mut Connection, uid: Uid) -> Result<Fetched, Error> {
    Ok(match header(connection, uid).await? {
        Fetched::Bytes(header) => Fetched::TooLarge { header, structure: connection.body_structure(uid.0).await? },
        otherwise => otherwise,
    })
}

/// Whether the mail has a byte behind the first `limit`: a look there saves fetching what would
/// be thrown away.
async fn reaches_beyond(connection: &mut Connection, uid: Uid, limit: u64) -> Result<bool, Error> {
    let mut beyond = Vec::new();
    let piece = piece_at(connection, uid, Section::Whole, limit, &mut beyond, 1).await?;
    Ok(matches!(piece, Piece::Added { count: 1, .. }))
}

async fn piece(
    connection: &mut Connection,
    uid: Uid,
    section: Section,
    held: &mut Vec<u8>,
    asked: u32,
) -> Result<Piece, Error> {
    piece_at(connection, uid, section, held.len() as u64, held, asked).await
}

/// Asks for `asked` bytes from `offset` on and adds them to `held`. Anything but these very bytes
/// is an error.
async fn piece_at(
    connection: &mut Connection,
    uid: Uid,
    section: Section,
    offset: u64,
    held: &mut Vec<u8>,
    asked: u32,
) -> Result<Piece, Error> {
    const NAME: &str = "UID FETCH";
    let (uid, item) = (uid.0, section.item());
    let size = if offset == 0 { " RFC822.SIZE" } else { "" };
    let command = Command::new(NAME, format!("{uid} (UID{size} {item}<{offset}.{asked}>)"));
    let (mut count, mut claimed_size, mut is_nil) = (None, None, false);
    let outcome = connection
        .run(command, |response| {
            let Response::Fetch(_, attributes) = response else { return Ok(()) };
            let mut told_uid = None;
            let mut body = None;
            for attribute in attributes {
                match attribute {
                    AttributeValue::Uid(value) => told_uid = Some(u64::from(*value)),
                    AttributeValue::Rfc822Size(value) => claimed_size = Some(u64::from(*value)),
                    AttributeValue::BodySection { section: told, index, data } if section.is(told.as_ref()) => {
                        body = Some((u64::from(index.unwrap_or(0)), data));
                    }
                    _ => {}
                }
            }
            let Some((origin, data)) = body else { return Ok(()) };
            if told_uid != Some(uid) {
                return Err(Error::nonsense(NAME, "it brings another mail than was asked for"));
            }
            let Some(data) = data else {
                is_nil = true;
                return Ok(());
            };
            if origin != offset || data.len() > asked as usize || count.is_some() {
                return Err(Error::nonsense(NAME, "it brings another piece of the mail than was asked for"));
            }
            held.reserve_exact(data.len());
            held.extend_from_slice(data);
            count = Some(data.len());
            Ok(())
        })
        .await;
    match (outcome, count) {
        (Ok(()), Some(count)) => Ok(Piece::Added { count, claimed_size }),
        (Ok(()), None) if is_nil => Ok(Piece::Refused("NIL in place of the mail".to_owned())),
        (Ok(()), None) if existing(connection, &[Uid(uid)]).await?.is_empty() => Ok(Piece::Gone),
        (Ok(()), None) => Ok(Piece::Refused("the mail is listed but was not sent".to_owned())),
        (Err(Error::No { words, .. }), _) => Ok(Piece::Refused(words)),
        (Err(error), _) => Err(error),
    }
}

/// Which of these mails the folder still lists.
pub(super) async fn existing(connection: &mut Connection, uids: &[Uid]) -> Result<Vec<Uid>, Error> {
    let mut found = BTreeSet::new();
    connection
        .run(Command::new("UID FETCH", format!("{} (UID)", set_of(uids))), |response| {
            if let Response::Fetch(_, attributes) = response {
                found.extend(attributes.iter().filter_map(|attribute| match attribute {
                    AttributeValue::Uid(uid) => Some(u64::from(*uid)),
                    _ => None,
                }));
            }
            Ok(())
        })
        .await?;
    Ok(uids.iter().copied().filter(|uid| found.contains(&uid.0)).collect())
}

impl Section {
    /// What to ask for; PEEK leaves \Seen alone (RFC 3501 section 6.4.5).
    fn item(self) -> &'static str {
        match self {
            Section::Whole => "BODY.PEEK[]",
            Section::Header => "BODY.PEEK[HEADER]",
        }
    }

    fn is(self, told: Option<&SectionPath>) -> bool {
        match self {
            Section::Whole => told.is_none(),
            Section::Header => matches!(told, Some(SectionPath::Full(MessageSection::Header))),
        }
    }
}
