//! Marks of the mails that are being read, as files, which outlive the process. A mail that ended the
//! program (a stack that overflowed, memory that ran out) would end it again after each start: after
//! `MOST` deaths it is read no more. While a mail that may have been the cause is read, no other is.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use data_encoding::HEXLOWER;

/// Deaths of the program while it read one mail, after which it is parked unread.
const MOST: u32 = 3;

/// The folder of the marks within the state directory.
const FOLDER: &str = "reading";

/// The readings that are under way.
#[derive(Debug)]
pub struct Attempts {
    folder: PathBuf,
    others: RwLock<()>,
}

/// One reading under way; its mark goes when this value does.
pub struct Attempt<'a> {
    mark: PathBuf,
    _others: Others<'a>,
}

enum Others<'a> {
    Read { _lock: RwLockReadGuard<'a, ()> },
    Wait { _lock: RwLockWriteGuard<'a, ()> },
}

impl Attempts {
    /// The marks of this state directory.
    pub fn new(state_dir: &Path) -> Attempts {
        Attempts { folder: state_dir.join(FOLDER), others: RwLock::default() }
    }

    /// Begins to read the mail with this content; `None` where the program has ended too often at that.
    pub fn begin(&self, content_hash: &[u8; 32]) -> Option<Attempt<'_>> {
        let mark = self.folder.join(HEXLOWER.encode(content_hash));
        let ended: u32 = fs::read_to_string(&mark).ok().and_then(|count| count.parse().ok()).unwrap_or_default();
        if ended >= MOST {
            // A person may have it read again.
            let _ = fs::remove_file(&mark);
            return None;
        }
        let others = if ended == 0 {
            Others::Read { _lock: self.others.read().unwrap_or_else(PoisonError::into_inner) }
        } else {
            Others::Wait { _lock: self.others.write().unwrap_or_else(PoisonError::into_inner) }
        };
        // On a full disk a mail is read without a mark.
        let _ = fs::create_dir_all(&self.folder);
        let _ = fs::write(&mark, (ended + 1).to_string());
        Some(Attempt { mark, _others: others })
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.mark);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_that_ends_the_program_is_read_no_more() {
        let state = tempfile::tempdir().expect("a folder");
        let (bad, good) = ([1; 32], [2; 32]);
        for _ in 0..MOST {
            let life = Attempts::new(state.path());
            drop(life.begin(&good).expect("another is read"));
            // The process ends, and nothing is dropped.
            std::mem::forget(life.begin(&bad).expect("it is read"));
        }
        let life = Attempts::new(state.path());
        assert!(life.begin(&bad).is_none());
        assert!(life.begin(&good).is_some());
        assert!(life.begin(&bad).is_some(), "where a person wants it, it is read again");
    }
}
