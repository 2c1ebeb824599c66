//! What an S/MIME mail that is signed in one piece holds: the content of a CMS SignedData (RFC 5652
//! section 5.1). The signature itself is not verified here; it is kept with the mail.

/// 1.2.840.113549.1.7.2 and .3, encoded (RFC 5652 sections 5.1 and 6.1).
const SIGNED_DATA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 7, 2];
const ENVELOPED_DATA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 7, 3];
/// 1.2.840.113549.1.9.16.1.23: AuthEnvelopedData (RFC 5083).
const AUTHENTICATED_ENVELOPED_DATA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 9, 16, 1, 23];

const OCTETS: u8 = 0x04;
const OBJECT: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
/// A constructed string of octets: pieces of it.
const OCTETS_IN_PIECES: u8 = 0x24;
/// `[0] EXPLICIT`.
const EXPLICIT: u8 = 0xA0;
/// The most constructed elements within each other.
const DEEPEST: usize = 16;

/// What a CMS object is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cms {
    /// Signed: the mail inside.
    Signed(Vec<u8>),
    /// For the keys of its recipients alone.
    Encrypted,
}

/// Opens a CMS object, in DER or BER; `None` where it is none that is known, or holds no content.
pub(super) fn open(raw: &[u8]) -> Option<Cms> {
    let (outer, _) = expect(raw, SEQUENCE)?;
    let (kind, rest) = expect(outer.content, OBJECT)?;
    match kind.content {
        SIGNED_DATA => {}
        ENVELOPED_DATA | AUTHENTICATED_ENVELOPED_DATA => return Some(Cms::Encrypted),
        _ => return None,
    }
    let (explicit, _) = expect(rest, EXPLICIT)?;
    let (signed, _) = expect(explicit.content, SEQUENCE)?;
    let (_version, rest) = element(signed.content)?;
    let (_digests, rest) = element(rest)?;
    let (enclosed, _) = expect(rest, SEQUENCE)?;
    let (_type, rest) = expect(enclosed.content, OBJECT)?;
    let (explicit, _) = expect(rest, EXPLICIT)?;
    let mut content = Vec::new();
    octets(explicit.content, &mut content, DEEPEST)?;
    (!content.is_empty()).then_some(Cms::Signed(content))
}

struct Element<'a> {
    tag: u8,
    content: &'a [u8],
}

fn expect(raw: &[u8], tag: u8) -> Option<(Element<'_>, &[u8])> {
    element(raw).filter(|(element, _)| element.tag == tag)
}

/// The element at the beginning, and what follows it.
fn element(raw: &[u8]) -> Option<(Element<'_>, &[u8])> {
    element_within(raw, DEEPEST)
}

fn element_within(raw: &[u8], depth: usize) -> Option<(Element<'_>, &[u8])> {
    let (&tag, rest) = raw.split_first()?;
    // Tags above 30 take more bytes; CMS has none.
    if tag & 0x1F == 0x1F {
        return None;
    }
    let (&first, rest) = rest.split_first()?;
    match first {
        // X.690 8.1.3.6: of indefinite length, up to two zeros.
        0x80 => {
            let depth = depth.checked_sub(1)?;
            let mut after = rest;
            while !after.starts_with(&[0, 0]) {
                (_, after) = element_within(after, depth)?;
            }
            let content = rest.get(..rest.len() - after.len())?;
            Some((Element { tag, content }, after.get(2..)?))
        }
        0..=0x7F => split(tag, rest, usize::from(first)),
        _ => {
            let (length, rest) = rest.split_at_checked(usize::from(first & 0x7F))?;
            let length = length.iter().try_fold(0_usize, |sum, byte| {
                sum.checked_mul(256).and_then(|sum| sum.checked_add(usize::from(*byte)))
            })?;
            split(tag, rest, length)
        }
    }
}

fn split(tag: u8, rest: &[u8], length: usize) -> Option<(Element<'_>, &[u8])> {
    let (content, after) = rest.split_at_checked(length)?;
    Some((Element { tag, content }, after))
}

/// A string of octets, in one piece or in many.
fn octets(raw: &[u8], out: &mut Vec<u8>, depth: usize) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    let mut rest = raw;
    while !rest.is_empty() {
        let (piece, after) = element(rest)?;
        match piece.tag {
            OCTETS => out.extend_from_slice(piece.content),
            OCTETS_IN_PIECES => octets(piece.content, out, depth)?,
            _ => return None,
        }
        rest = after;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u8::try_from(content.len()).expect("short");
        [&[tag, 0x81, length], content].concat()
    }

    /// The same in BER, of indefinite length.
    fn open_ended(tag: u8, content: &[u8]) -> Vec<u8> {
        [&[tag, 0x80], content, &[0, 0]].concat()
    }

    fn signed(wrap: fn(u8, &[u8]) -> Vec<u8>, octets: &[u8]) -> Vec<u8> {
        let data = [&wrapped(OBJECT, b"\x2a\x03")[..], &wrap(EXPLICIT, octets)].concat();
        let inner = [&wrapped(2, &[1])[..], &wrap(0x31, &[]), &wrap(SEQUENCE, &data)].concat();
        let outer = [&wrapped(OBJECT, SIGNED_DATA)[..], &wrap(EXPLICIT, &wrap(SEQUENCE, &inner))].concat();
        wrap(SEQUENCE, &outer)
    }

    #[test]
    fn the_mail_inside_comes_out() {
        let whole = signed(wrapped, &wrapped(OCTETS, b"Subject: x"));
        assert_eq!(open(&whole), Some(Cms::Signed(b"Subject: x".to_vec())));
        let pieces = [wrapped(OCTETS, b"Subject"), wrapped(OCTETS, b": x")].concat();
        let streamed = signed(open_ended, &open_ended(OCTETS_IN_PIECES, &pieces));
        assert_eq!(open(&streamed), Some(Cms::Signed(b"Subject: x".to_vec())));
        for end in 0..whole.len() {
            assert_eq!(open(&whole[..end]), None, "{end}");
        }
    }

    #[test]
    fn what_is_encrypted_or_nonsense_is_told_apart() {
        let encrypted = wrapped(SEQUENCE, &wrapped(OBJECT, ENVELOPED_DATA));
        assert_eq!(open(&encrypted), Some(Cms::Encrypted));
        assert_eq!(open(b""), None);
        assert_eq!(open(&[0x30, 0x80].repeat(100_000)), None);
        assert_eq!(open(&[0x30, 0x88, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1]), None);
    }
}
