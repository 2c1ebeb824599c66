//! The folder in which a server keeps what the desk sends: there a mail is looked for of which nobody
//! knows whether the server took it.

use std::time::Duration;

use anyhow::Context;

use crate::config::Server;
use crate::desk::message::Message;
use crate::imap::{ImapFolder, Limits};
use crate::mailbox::{Extent, Fetched, Folder};

/// How long a look may take. The mail waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

/// So many mails that the server finds are read, the newest first: an id is never used twice.
const MOST_READ: usize = 10;

/// A folder of sent mails on an IMAP server.
#[derive(Clone, Debug)]
pub struct SentFolder {
    server: Server,
    folder: String,
}

impl SentFolder {
    /// The folder of this name; connects to nothing yet.
    pub fn new(server: &Server, folder: &str) -> SentFolder {
        SentFolder { server: server.clone(), folder: folder.to_string() }
    }

    /// Whether a mail with this Message-ID is there.
    ///
    /// # Errors
    /// The server does not answer, in time or at all.
    pub async fn holds(&self, message_id: &str) -> anyhow::Result<bool> {
        let looking = tokio::time::timeout(PATIENCE, self.look_for(message_id));
        looking.await.context("the folder of sent mails could not be searched in time")?
    }

    async fn look_for(&self, message_id: &str) -> anyhow::Result<bool> {
        let mut folder = ImapFolder::new(&self.server, &self.folder, Limits::default());
        folder.open().await?;
        let mut found = false;
        for uid in folder.search(message_id).await?.into_iter().rev().take(MOST_READ) {
            // The server looks for a part of the field; a mail that only names the id is another one.
            if let Fetched::Bytes(header) = folder.fetch(uid, Extent::Header).await? {
                found |= Message::parse(&header).message_id.as_deref() == Some(message_id);
            }
        }
        folder.close().await;
        Ok(found)
    }
}
