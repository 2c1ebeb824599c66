//! `Thread-Index` and `Thread-Topic`, by which Outlook and Exchange gather the mails of a
//! conversation (MS-OXOMSG sections 2.2.1.3 and 2.2.1.5).

use data_encoding::BASE64;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

/// Seconds from 1601, where FILETIME begins, to 1970 (MS-DTYP section 2.3.3).
const FROM_1601: i64 = 11_644_473_600;

/// Where a conversation begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Root {
    /// Tells it from all others.
    pub(super) id: [u8; 16],
    /// When its first mail was written.
    pub(super) begun: Timestamp,
}

impl Root {
    /// The conversation that hangs under this Message-ID.
    pub(super) fn of(message_id: &str, begun: Timestamp) -> Root {
        let mut id = [0; 16];
        id.iter_mut().zip(Sha256::digest(message_id)).for_each(|(octet, hashed)| *octet = hashed);
        Root { id, begun }
    }

    /// The index of a mail of this conversation: 22 octets for the first, 5 more for a later one.
    /// The octets of the header are 0x01 and the five that follow it in a FILETIME, which begins
    /// with 0x01 itself until 2057, as Outlook writes them; then the id.
    pub(super) fn index(&self, now: Timestamp) -> String {
        let begun = file_time(self.begun);
        let mut octets: Vec<u8> = begun.to_be_bytes().into_iter().take(6).collect();
        octets.extend(self.id);
        if now > self.begun {
            octets.extend(response(file_time(now).saturating_sub(begun)));
        }
        BASE64.encode(&octets)
    }
}

/// A response level: one bit of scale, 31 bits of time since the first mail, and 8 bits that would
/// tell apart what was written at the same moment. With a scale of 0 the time is counted in units
/// of 2^18 · 100 ns (26 ms) and reaches 1.7 years, with 1 in units of 2^23 (0.8 s).
fn response(difference: u64) -> [u8; 5] {
    let most = (1_u64 << 31) - 1;
    let (scale, time) = match difference >> 18 {
        time if time <= most => (0, time),
        _ => (1_u32 << 31, (difference >> 23).min(most)),
    };
    let [a, b, c, d] = (scale | u32::try_from(time).unwrap_or(u32::MAX >> 1)).to_be_bytes();
    [a, b, c, d, 0]
}

/// Units of 100 ns since 1601.
fn file_time(at: Timestamp) -> u64 {
    let seconds = u64::try_from(at.as_second().saturating_add(FROM_1601)).unwrap_or_default();
    seconds * 10_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn octets(begun: &str, now: &str) -> Vec<u8> {
        let conversation = Root { id: [7; 16], begun: begun.parse().expect("a moment") };
        let index = conversation.index(now.parse().expect("a moment"));
        BASE64.decode(index.as_bytes()).expect("base 64")
    }

    #[test]
    fn the_first_mail_has_a_header_alone() {
        let first = octets("2026-11-23T08:05:00Z", "2026-11-23T08:05:00Z");
        // 2026-11-23T08:05:00Z is FILETIME 0x01dd1f6f… : worked out by hand from 134,398,947,000,000,000.
        let time: u64 = 13_439_894_700 * 10_000_000;
        assert_eq!(first.len(), 22);
        assert_eq!(first[..6], time.to_be_bytes()[..6]);
        assert_eq!(first[0], 1);
        assert_eq!(first[6..], [7; 16]);
    }

    #[test]
    fn a_later_one_says_how_much_later() {
        let later = octets("2026-11-23T08:05:00Z", "2026-11-23T08:06:00Z");
        assert_eq!(later.len(), 27);
        assert_eq!(later[..22], octets("2026-11-23T08:05:00Z", "2026-11-23T08:05:00Z"));
        // A minute is 600,000,000 units; without the low 18 bits 2,288.
        assert_eq!(later[22..], [0, 0, 0x08, 0xf0, 0]);
        let years = octets("2026-11-23T08:05:00Z", "2029-11-23T08:05:00Z");
        assert_eq!(years[22] >> 7, 1, "beyond 1.7 years the other scale holds");
    }
}
