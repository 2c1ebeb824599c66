//! What a mailbox is to the intake: what is new after this cursor, wait for a hint, file this mail.
//!
//! [`crate::imap`] and [`crate::maildir`] are mailboxes; neither knows the store.

use std::time::Duration;

use jiff::Timestamp;

/// Identifies a mail within one folder and one [`UidValidity`] (RFC 9051 section 2.3.1.1). For a
/// Maildir, a hash of the file's base name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uid(pub u64);

/// The epoch of a folder's UIDs (RFC 9051 section 2.3.1.1). 1 for every Maildir.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UidValidity(pub u64);

/// A mail that the folder holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Which mail.
    pub uid: Uid,
    /// Size in bytes as the server tells it; some servers only estimate.
    pub size: u64,
    /// When the server received it (INTERNALDATE; a Maildir file's time of change).
    pub internal_date: Timestamp,
}

/// How much of a mail to fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// The whole mail, unless it turns out to be longer than this many bytes.
    Whole {
        /// The most bytes to hold.
        limit: u64,
    },
    /// The header section alone.
    Header,
}

/// What a fetch of one mail gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// The bytes asked for.
    Bytes(Vec<u8>),
    /// The mail is longer than the limit: its header section, and its BODYSTRUCTURE as text
    /// (empty where the mailbox has none).
    TooLarge {
        /// The header section.
        header: Vec<u8>,
        /// The structure as the server tells it.
        structure: String,
    },
    /// The mail is no longer there.
    Gone,
    /// The server has the mail but will not hand it out; its own words.
    Refused(String),
}

/// Where a mail goes once it is committed.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Filing {
    /// It stays as it is.
    #[default]
    Leave,
    /// It stays with this keyword.
    Keyword(String),
    /// It is moved to this folder, which is made where it is missing.
    Move(String),
}

/// Why waiting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// The mailbox says that something changed.
    Hint,
    /// Nothing was said in the time given.
    TimedOut,
}

/// A folder of a mailbox that answers questions. After an error the connection is of no more use:
/// call [`Folder::open`] again.
pub trait Folder: Send {
    /// Connects if need be, opens the folder read-write without marking anything as seen, and
    /// tells its present epoch.
    fn open(&mut self) -> impl Future<Output = anyhow::Result<UidValidity>> + Send;

    /// All mails whose UID is above `after`, in ascending order. A list that was cut short is an
    /// error, never a shorter list. (A Maildir lists everything, whatever `after` says, in the order
    /// of arrival: its UIDs are hashes.)
    fn list(&mut self, after: Uid) -> impl Future<Output = anyhow::Result<Vec<Listed>>> + Send;

    /// Fetches one mail without marking it as seen.
    fn fetch(&mut self, uid: Uid, extent: Extent) -> impl Future<Output = anyhow::Result<Fetched>> + Send;

    /// Fetches several mails without marking them as seen, and gives for each what [`Folder::fetch`] would.
    fn fetch_all(
        &mut self,
        uids: &[Uid],
        extent: Extent,
    ) -> impl Future<Output = anyhow::Result<Vec<(Uid, Fetched)>>> + Send {
        async move {
            let mut fetched = Vec::with_capacity(uids.len());
            for uid in uids {
                fetched.push((*uid, self.fetch(*uid, extent).await?));
            }
            Ok(fetched)
        }
    }

    /// Files one mail. Filing a mail that is gone is no error: it was done before.
    fn file(&mut self, uid: Uid, filing: &Filing) -> impl Future<Output = anyhow::Result<()>> + Send;

    /// Files several mails.
    fn file_all(&mut self, uids: &[Uid], filing: &Filing) -> impl Future<Output = anyhow::Result<()>> + Send {
        async move {
            for uid in uids {
                self.file(*uid, filing).await?;
            }
            Ok(())
        }
    }

    /// Waits until the mailbox hints at a change, at most `at_most`.
    fn wait(&mut self, at_most: Duration) -> impl Future<Output = anyhow::Result<Woken>> + Send;

    /// Signs off politely, within a second.
    fn close(&mut self) -> impl Future<Output = ()> + Send;
}
