//! What is wrong with a database that does not work, and what an operator does about it.

use std::path::Path;

use rusqlite::ErrorCode::{
    CannotOpen, DatabaseBusy, DatabaseCorrupt, DatabaseLocked, DiskFull, NotADatabase, PermissionDenied, ReadOnly,
};

/// An error of the database, with what to do about it before it. It can still be found in the chain.
pub(super) fn told(error: rusqlite::Error, path: &Path) -> anyhow::Error {
    let words = words(&error, path);
    anyhow::Error::new(error).context(words)
}

/// The same for what failed in the midst of some work.
pub(super) fn told_of_work(error: anyhow::Error, path: &Path) -> anyhow::Error {
    let cause = error.chain().find_map(|cause| cause.downcast_ref::<rusqlite::Error>());
    match cause.map(|cause| words(cause, path)) {
        Some(words) => error.context(words),
        None => error,
    }
}

/// The database is damaged.
pub(super) fn damaged(path: &Path) -> anyhow::Error {
    anyhow::Error::msg(damaged_words(&path.display()))
}

fn damaged_words(path: &impl std::fmt::Display) -> String {
    format!(
        "the database {path} is damaged, or is none: stop the service and put the newest copy in its place \
         (hezo-intake restore DIR; the timer's are in /var/backups/hezo-intake); the damaged file is laid beside it"
    )
}

fn words(error: &rusqlite::Error, path: &Path) -> String {
    let path = path.display();
    match error.sqlite_error_code() {
        Some(NotADatabase | DatabaseCorrupt) => damaged_words(&path),
        Some(CannotOpen | PermissionDenied) => format!(
            "the database {path} cannot be opened: run this as root or as the service's user, and see that this user \
             may read and write it and the folder that it lies in"
        ),
        Some(ReadOnly) => format!(
            "the database {path} cannot be written: run this as root or as the service's user, and see that the file \
             system is not read-only"
        ),
        Some(DatabaseBusy | DatabaseLocked) => format!(
            "the database {path} is held by another program: let a long command end (erase, restore), or find who \
             holds it with: fuser -v {path}"
        ),
        Some(DiskFull) => format!("the database {path} cannot grow: make room on its disk; what waits is done then"),
        _ => format!("the database {path} does not work: see that its disk has room and may be written"),
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    #[track_caller]
    fn check(content: &[u8], expected: &str) {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("desk.sqlite");
        std::fs::write(&path, content).expect("a file");
        let connection = Connection::open(&path).expect("it opens whatever it is");
        let asked = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0));
        let said = format!("{:#}", told(asked.expect_err("no database"), &path));
        assert!(said.contains(expected) && said.contains("desk.sqlite"), "{said}");
    }

    #[test]
    fn a_damaged_file_leads_to_the_copies() {
        check(&[0x5a; 4096], "hezo-intake restore DIR");
        check(b"SQLite format 3\0and nothing behind it that would fit", "hezo-intake restore DIR");
    }

    #[test]
    fn a_file_that_may_not_be_opened_leads_to_its_owner() {
        let error = Connection::open("/nowhere/desk.sqlite").expect_err("no folder");
        assert!(format!("{:#}", told(error, Path::new("/nowhere/desk.sqlite"))).contains("service's user"));
    }
}
