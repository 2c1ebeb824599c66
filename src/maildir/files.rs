//! The files of a Maildir: where they are, what they hold, where they go.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, DirBuilder, DirEntry, File};
use std::io::{self, ErrorKind, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use anyhow::bail;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::Place;
use crate::imap::folder_name;
use crate::mailbox::{Extent, Fetched, Listed, Uid};

/// The most bytes of a header section that are read.
const LONGEST_HEADER: u64 = 1024 * 1024;

/// Makes the Maildir and its three folders, where they are missing, for the owner alone. The
/// folder above must exist.
pub(super) fn create(maildir: &Path) -> io::Result<()> {
    for folder in [maildir, &maildir.join("tmp"), &maildir.join("new"), &maildir.join("cur")] {
        match DirBuilder::new().mode(0o700).create(folder) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            _ if !folder.is_dir() => return Err(ErrorKind::NotADirectory.into()),
            _ => {}
        }
    }
    Ok(())
}

/// Where each mail is.
pub(super) fn places(maildir: &Path) -> io::Result<HashMap<Uid, Place>> {
    let mut places = HashMap::new();
    each_file(maildir, |uid, place, _| {
        places.insert(uid, place);
        Ok(())
    })?;
    Ok(places)
}

/// Where each mail is, and all mails in the order of their arrival.
pub(super) fn list(maildir: &Path) -> io::Result<(HashMap<Uid, Place>, Vec<Listed>)> {
    let (mut places, mut listed) = (HashMap::new(), HashMap::new());
    each_file(maildir, |uid, place, entry| {
        let metadata = match entry.metadata() {
            // Another program was faster; it has renamed the file, or removed the mail.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            metadata => metadata?,
        };
        if metadata.is_file() {
            let internal_date = Timestamp::try_from(metadata.modified()?).unwrap_or(Timestamp::UNIX_EPOCH);
            places.insert(uid, place);
            listed.insert(uid, Listed { uid, size: metadata.len(), internal_date });
        }
        Ok(())
    })?;
    let mut listed: Vec<Listed> = listed.into_values().collect();
    listed.sort_by_key(|mail| (mail.internal_date, mail.uid));
    Ok((places, listed))
}

/// Calls `each` for every mail, `new/` first: a mail that is moved on meanwhile is met twice rather
/// than never.
fn each_file(maildir: &Path, mut each: impl FnMut(Uid, Place, &DirEntry) -> io::Result<()>) -> io::Result<()> {
    for (folder, is_current) in [("new", false), ("cur", true)] {
        for entry in fs::read_dir(maildir.join(folder))? {
            let entry = entry?;
            let name = entry.file_name();
            if !name.as_bytes().starts_with(b".") {
                each(uid(&name), Place { is_current, name }, &entry)?;
            }
        }
    }
    Ok(())
}

/// The first 63 bits of the SHA-256 of the name before its flags: SQLite's integers have 63.
fn uid(name: &OsStr) -> Uid {
    let digest = Sha256::digest(base(name));
    let first_bytes = digest.iter().take(8).fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
    Uid(first_bytes >> 1)
}

/// The part of a file name that never changes, before `:2,` and the flags.
fn base(name: &OsStr) -> &[u8] {
    name.as_bytes().split(|byte| *byte == b':').next().unwrap_or_default()
}

/// Reads a mail, and never more of it than allowed.
pub(super) fn read(path: &Path, extent: Extent) -> io::Result<Fetched> {
    let mut file = File::open(path)?;
    let limit = match extent {
        Extent::Whole { limit } => limit,
        Extent::Header => return Ok(Fetched::Bytes(header(start_of(&mut file, LONGEST_HEADER)?))),
    };
    let mail = start_of(&mut file, limit.saturating_add(1))?;
    if mail.len() as u64 > limit {
        let start = if limit < LONGEST_HEADER { start_of(&mut File::open(path)?, LONGEST_HEADER)? } else { mail };
        return Ok(Fetched::TooLarge { header: header(start), structure: String::new() });
    }
    Ok(Fetched::Bytes(mail))
}

/// At most the first `most` bytes; room is made for the file's length, so that growing does not hold
/// a second copy.
fn start_of(file: &mut File, most: u64) -> io::Result<Vec<u8>> {
    let expected = file.metadata()?.len().saturating_add(1).min(most);
    let mut bytes = Vec::with_capacity(usize::try_from(expected).unwrap_or(0));
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Cuts behind the first empty line, or else at [`LONGEST_HEADER`].
fn header(mut start: Vec<u8>) -> Vec<u8> {
    let mut length = 0;
    for line in start.split_inclusive(|byte| *byte == b'\n') {
        length += line.len();
        if matches!(line, b"\n" | b"\r\n") {
            break;
        }
    }
    let longest = usize::try_from(LONGEST_HEADER).unwrap_or(usize::MAX);
    start.truncate(length.min(longest));
    start
}

/// The folder's name on disk: Maildir++ puts a dot before each level and, like IMAP, writes modified
/// UTF-7 (<https://www.courier-mta.org/imap/README.maildirquota.html>).
pub(super) fn subfolder(name: &str) -> anyhow::Result<String> {
    if name.split('/').any(|level| level.is_empty() || level.contains('.')) {
        bail!("{name:?} is no folder of a Maildir: no level of its name may be empty or hold a dot");
    }
    Ok(format!(".{}", folder_name::encode(name).replace('/', ".")))
}

/// Moves a mail to `cur/`, of this Maildir or of a subfolder. It keeps its flags.
pub(super) fn file(maildir: &Path, place: &Place, subfolder: Option<&str>) -> io::Result<()> {
    let target = match subfolder {
        None if place.is_current => return Ok(()),
        None => maildir.to_owned(),
        Some(subfolder) => {
            let target = maildir.join(subfolder);
            create(&target)?;
            File::create(target.join("maildirfolder"))?;
            target
        }
    };
    let mut name = place.name.clone().into_vec();
    if !name.contains(&b':') {
        name.extend_from_slice(b":2,");
    }
    fs::rename(place.path(maildir), target.join("cur").join(OsStr::from_bytes(&name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_keeps_its_uid_whatever_its_flags() {
        let same = ["1784000000.M1P2.host", "1784000000.M1P2.host:2,", "1784000000.M1P2.host:2,FS"];
        let uids = same.map(|name| uid(OsStr::new(name)));
        assert!(uids.iter().all(|uid| *uid == uids[0]));
        assert_ne!(uids[0], uid(OsStr::new("1784000000.M1P2.hosu")));
        assert!(uids[0].0 <= i64::MAX as u64);
    }

    #[test]
    fn the_header_ends_at_the_first_empty_line() {
        let table: [(&str, &str); 5] = [
            ("A: b\r\n\r\nbody\r\n\r\n", "A: b\r\n\r\n"),
            ("A: b\n\nbody", "A: b\n\n"),
            ("\nbody", "\n"),
            ("A: b\nno body", "A: b\nno body"),
            ("", ""),
        ];
        for (mail, expected) in table {
            assert_eq!(header(mail.into()), expected.as_bytes());
        }
    }

    #[test]
    fn subfolders_are_named_as_maildir_does() {
        let table = [
            ("Done", Some(".Done")),
            ("Zgłoszenia/Błędy", Some(".Zg&AUI-oszenia.B&AUIBGQ-dy")),
            ("", None),
            ("..", None),
            ("a//b", None),
            ("/etc", None),
        ];
        for (name, expected) in table {
            assert_eq!(subfolder(name).ok().as_deref(), expected, "{name}");
        }
    }
}
