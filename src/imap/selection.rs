//! Opens a folder, and says which ones there are where it does not exist.

use async_imap::imap_proto::{MailboxDatum, NameAttribute, Response, ResponseCode, Status};

use super::connection::{Command, Connection};
use super::error::Error;
use super::folder_name;
use crate::mailbox::UidValidity;

/// What the server tells about an open folder.
#[derive(Debug)]
pub(super) struct Selected {
    /// The epoch of its UIDs.
    pub(super) validity: UidValidity,
    /// The flags and keywords that are kept; `\*` stands for any. `None` where the server does not
    /// say, which means any (RFC 3501 section 7.1).
    pub(super) permanent_flags: Option<Vec<String>>,
}

/// Opens a folder read-write.
pub(super) async fn select(connection: &mut Connection, folder: &str) -> Result<Selected, Error> {
    let (mut validity, mut permanent_flags) = (None, None);
    let selecting = connection.run(Command::new("SELECT", folder_name::quoted(folder)), |response| {
        if let Response::Data { status: Status::Ok, outcome } = response {
            match &outcome.code {
                Some(ResponseCode::UidValidity(value)) => validity = Some(UidValidity(u64::from(*value))),
                Some(ResponseCode::PermanentFlags(flags)) => {
                    permanent_flags = Some(flags.iter().map(|flag| flag.to_string()).collect());
                }
                _ => {}
            }
        }
        Ok(())
    });
    match selecting.await {
        Ok(()) => {}
        Err(refusal @ Error::No { .. }) => return Err(unknown(connection, folder).await?.unwrap_or(refusal)),
        Err(error) => return Err(error),
    }
    // What SELECT counts is no arrival.
    connection.take_arrival();
    let Some(validity) = validity else {
        return Err(Error::nonsense("SELECT", "no UIDVALIDITY, so that its UIDs identify nothing"));
    };
    Ok(Selected { validity, permanent_flags })
}

/// The error for a folder that does not exist, or `None` if it does.
async fn unknown(connection: &mut Connection, folder: &str) -> Result<Option<Error>, Error> {
    let mut existing = Vec::new();
    let listing = connection.run(Command::new("LIST", "\"\" \"*\""), |response| {
        if let Response::MailboxData(MailboxDatum::List(listed)) = response
            && !listed.name_attributes.contains(&NameAttribute::NoSelect)
        {
            existing.push(folder_name::decode(&listed.name).unwrap_or_else(|| listed.name.to_string()));
        }
        Ok(())
    });
    match listing.await {
        Ok(()) if existing.iter().any(|name| name == folder) => Ok(None),
        Ok(()) => Ok(Some(Error::UnknownFolder { folder: folder.to_owned(), existing })),
        Err(Error::No { .. } | Error::Bad { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
