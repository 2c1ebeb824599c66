//! Finds a mail by its Message-ID.

use async_imap::imap_proto::{MailboxDatum, Response};

use super::connection::{Command, Connection};
use super::error::Error;
use super::folder_name::quote;
use crate::mailbox::Uid;

/// The mails in whose Message-ID field the server sees this id. Plain SEARCH, which every server has; it
/// looks for a part of the field, so that the caller reads the field itself.
pub(super) async fn by_message_id(connection: &mut Connection, message_id: &str) -> Result<Vec<Uid>, Error> {
    let mut found = Vec::new();
    let command = Command::new("UID SEARCH", format!("HEADER Message-ID {}", quote(message_id)));
    connection
        .run(command, |response| {
            if let Response::MailboxData(MailboxDatum::Search(uids)) = response {
                found.extend(uids.iter().map(|uid| Uid(u64::from(*uid))));
            }
            Ok(())
        })
        .await?;
    Ok(found)
}
