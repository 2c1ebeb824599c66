//! The names of the files in a ZIP archive, without unpacking it.

/// The most names that are read of one archive.
const MOST_NAMES: usize = 10_000;

/// What a member begins with in the archive and in its directory, where the length of its name stands behind
/// that, and where the name (APPNOTE.TXT sections 4.3.7 and 4.3.12).
const HEADERS: [(&[u8], usize, usize); 2] = [(b"PK\x03\x04", 26, 30), (b"PK\x01\x02", 28, 46)];

/// The names of all members; none where it is no archive. Programs go by either kind of header, so both are
/// read, wherever they stand: the directory may lie, or be gone.
pub(super) fn names(archive: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    // What unpacks itself has a program in front, and is one by its first bytes.
    let mut rest = if archive.starts_with(b"PK") { archive } else { return names };
    while let Some(at) = rest.iter().position(|&byte| byte == b'P') {
        rest = rest.get(at..).unwrap_or_default();
        names.extend(HEADERS.into_iter().filter_map(|header| name(rest, header)));
        if names.len() >= MOST_NAMES {
            break;
        }
        rest = rest.get(1..).unwrap_or_default();
    }
    names
}

fn name(header: &[u8], (mark, length_at, name_at): (&[u8], usize, usize)) -> Option<String> {
    if !header.starts_with(mark) {
        return None;
    }
    let length = header.get(length_at..length_at + 2)?;
    let length = usize::from(u16::from_le_bytes(length.try_into().ok()?));
    let name = header.get(name_at..name_at.checked_add(length)?)?;
    Some(String::from_utf8_lossy(name).into_owned())
}
