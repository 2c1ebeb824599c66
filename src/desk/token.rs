//! Reply addresses and Message-IDs that only the desk can have written.
//!
//! An engineer answers to `pomoc+r4k.z26-000123-7.ak.<mac>@…`: the token after the `+` names what
//! it permits, which key signed it, the ticket and the engineer, and ends in an HMAC-SHA-256 over
//! all of that. A Message-ID of ours ends in one over its own random-looking beginning. Nothing
//! needs to be stored to recognise either.

use data_encoding::BASE32_DNSSEC;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The shortest secret: as long as the output of SHA-256 (RFC 2104 section 3). Bytes.
pub const SHORTEST_SECRET: usize = 32;

/// The longest local part of an address (RFC 5321 section 4.5.3.1.1). Octets.
pub const LONGEST_LOCAL_PART: usize = 64;

/// Octets that `+` and a token take of the local part, without the engineer's id: purpose, key,
/// a ticket number of up to 14 characters, the dots and the MAC.
pub const TOKEN_WITHOUT_ENGINEER: usize = 1 + 1 + KEY_ID_LENGTH + 1 + 14 + 1 + 1 + MAC_TEXT_LENGTH;

/// Bytes that are kept of an HMAC: 96 bits. The half of the output that RFC 2104 section 5 advises
/// would leave no room in a local part; NIST SP 800-107 section 5.3.3 finds 64 bits enough for
/// most uses, and here every guess costs a mail.
const MAC_LENGTH: usize = 12;

/// Characters of a kept HMAC in base 32.
const MAC_TEXT_LENGTH: usize = 20;

/// Characters that tell one key from another.
const KEY_ID_LENGTH: usize = 2;

/// Bytes of the beginning of a Message-ID: 128 bits, so that two never meet.
const MESSAGE_ID_LENGTH: usize = 16;

/// What a reply address permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The engineer's mail to it is relayed to the customer.
    Relay,
    /// The mail of whoever handles escalations to it is taken for that ticket.
    Escalation,
}

impl Purpose {
    /// The letter that stands for it in the token.
    fn letter(self) -> char {
        match self {
            Purpose::Relay => 'r',
            Purpose::Escalation => 'e',
        }
    }

    fn of_letter(letter: char) -> Option<Purpose> {
        [Purpose::Relay, Purpose::Escalation].into_iter().find(|purpose| purpose.letter() == letter)
    }
}

/// What a genuine reply address says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyToken {
    /// What it permits.
    pub purpose: Purpose,
    /// The ticket, `Z26-000123-7`.
    pub ticket: String,
    /// The engineer it was made for.
    pub engineer_id: String,
}

/// An address that has the shape of a reply address, but was not signed with this key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the reply address is not signed with the present key")]
pub struct Forged;

/// The secret is shorter than [`SHORTEST_SECRET`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the token key is shorter than {SHORTEST_SECRET} bytes")]
pub struct SecretTooShort;

/// The key that signs.
#[derive(Clone)]
pub struct TokenKey {
    keyed: Hmac<Sha256>,
    id: String,
}

impl TokenKey {
    /// Makes the key from the secret's bytes.
    ///
    /// # Errors
    /// The secret is too short to be one.
    pub fn new(secret: &[u8]) -> Result<TokenKey, SecretTooShort> {
        if secret.len() < SHORTEST_SECRET {
            return Err(SecretTooShort);
        }
        let keyed = Hmac::new_from_slice(secret).map_err(|_| SecretTooShort)?;
        let fingerprint = mac(&keyed, "key id", &[]).finalize().into_bytes();
        let id = BASE32_DNSSEC.encode(&fingerprint).chars().take(KEY_ID_LENGTH).collect();
        Ok(TokenKey { keyed, id })
    }

    /// The address at which `engineer_id` answers `ticket`: the desk's, with a token after a `+`
    /// (RFC 5233's detail). The token survives a change of case and needs no quoting. It fits the
    /// local part where the desk's own and the engineer's id leave [`TOKEN_WITHOUT_ENGINEER`].
    pub fn reply_address(&self, desk_address: &str, purpose: Purpose, ticket: &str, engineer_id: &str) -> String {
        let (local, domain) = desk_address.rsplit_once('@').unwrap_or((desk_address, ""));
        let (letter, key, ticket) = (purpose.letter(), &self.id, ticket.to_ascii_lowercase());
        let mac = text(self.reply_mac(letter, &ticket, engineer_id));
        format!("{local}+{letter}{key}.{ticket}.{engineer_id}.{mac}@{domain}")
    }

    /// Reads an address that a mail was sent to. `None` where it has no token at all.
    ///
    /// # Errors
    /// There is a token, but not one that this key signed for what it says.
    pub fn read(&self, address: &str) -> Option<Result<ReplyToken, Forged>> {
        let (local, _) = address.rsplit_once('@')?;
        let (_, token) = local.split_once('+')?;
        let token = token.to_ascii_lowercase();
        let [head, ticket, engineer_id, mac] = token.split('.').collect::<Vec<_>>().try_into().ok()?;
        Some(self.verify(head, ticket, engineer_id, mac).ok_or(Forged))
    }

    fn verify(&self, head: &str, ticket: &str, engineer_id: &str, mac: &str) -> Option<ReplyToken> {
        let letter = head.chars().next()?;
        let purpose = Purpose::of_letter(letter)?;
        let key_is_ours = head.strip_prefix(letter) == Some(self.id.as_str());
        let signed = is_mac(self.reply_mac(letter, ticket, engineer_id), mac);
        let (ticket, engineer_id) = (ticket.to_ascii_uppercase(), engineer_id.to_string());
        (key_is_ours && signed).then_some(ReplyToken { purpose, ticket, engineer_id })
    }

    fn reply_mac(&self, letter: char, ticket: &str, engineer_id: &str) -> Hmac<Sha256> {
        let letter = letter.to_string();
        let fields = [&letter, &self.id, ticket, engineer_id].map(str::as_bytes);
        mac(&self.keyed, "reply address", &fields)
    }

    /// The Message-ID, without angle brackets, of the mail with this purpose (`ack`, `relay`, …)
    /// that `cause` makes us send to `recipient`: the same on every retry, to be guessed by nobody,
    /// and ours to be recognised by [`TokenKey::is_ours`].
    pub fn message_id(&self, purpose: &str, cause: &[u8], recipient: &str, domain: &str) -> String {
        let whole = mac(&self.keyed, "message id", &[purpose.as_bytes(), cause, recipient.as_bytes()]);
        let bytes = whole.finalize().into_bytes();
        let kept = bytes.get(..MESSAGE_ID_LENGTH).unwrap_or_default();
        let beginning = BASE32_DNSSEC.encode(kept);
        let domain = domain.to_ascii_lowercase();
        let mac = text(self.message_id_mac(&beginning, &domain));
        format!("{beginning}.{mac}@{domain}")
    }

    /// True for a Message-ID that [`TokenKey::message_id`] made with this key, with or without
    /// angle brackets.
    pub fn is_ours(&self, message_id: &str) -> bool {
        let bare = message_id.trim().trim_start_matches('<').trim_end_matches('>').to_ascii_lowercase();
        let parts = bare.split_once('@').and_then(|(left, domain)| Some((left.split_once('.')?, domain)));
        parts.is_some_and(|((beginning, mac), domain)| is_mac(self.message_id_mac(beginning, domain), mac))
    }

    fn message_id_mac(&self, beginning: &str, domain: &str) -> Hmac<Sha256> {
        mac(&self.keyed, "message id mark", &[beginning.as_bytes(), domain.as_bytes()])
    }
}

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// An HMAC over `use_for` and the fields. Each field is preceded by its length, so that no two
/// lists of fields are the same bytes; `use_for` keeps one use of the key apart from another.
fn mac(keyed: &Hmac<Sha256>, use_for: &str, fields: &[&[u8]]) -> Hmac<Sha256> {
    let start = keyed.clone().chain_update("hezo-intake ").chain_update(use_for).chain_update([0]);
    fields.iter().fold(start, |mac, field| mac.chain_update((field.len() as u64).to_be_bytes()).chain_update(field))
}

/// What is kept of an HMAC, as small letters and digits.
fn text(mac: Hmac<Sha256>) -> String {
    let bytes = mac.finalize().into_bytes();
    BASE32_DNSSEC.encode(bytes.get(..MAC_LENGTH).unwrap_or_default())
}

/// Compares in constant time. Only the full length will do: a shorter MAC would be easier to guess.
fn is_mac(mac: Hmac<Sha256>, text: &str) -> bool {
    let bytes = BASE32_DNSSEC.decode(text.as_bytes());
    bytes.is_ok_and(|bytes| bytes.len() == MAC_LENGTH && mac.verify_truncated_left(&bytes).is_ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DESK: &str = "pomoc@desk.example";

    fn key(seed: u8) -> TokenKey {
        TokenKey::new(&[seed; SHORTEST_SECRET]).expect("long enough")
    }

    fn address() -> String {
        key(1).reply_address(DESK, Purpose::Relay, "Z26-000123-7", "ak")
    }

    /// What `address` is read as: the ticket and engineer, "forged" or "none".
    #[track_caller]
    fn check(address: &str, expected: &str) {
        let read = match key(1).read(address) {
            None => "none".to_string(),
            Some(Err(Forged)) => "forged".to_string(),
            Some(Ok(token)) => format!("{:?} {} {}", token.purpose, token.ticket, token.engineer_id),
        };
        assert_eq!(read, expected, "{address}");
    }

    #[test]
    fn reply_addresses() {
        let good = address();
        check(&good, "Relay Z26-000123-7 ak");
        check(&good.to_ascii_uppercase(), "Relay Z26-000123-7 ak");
        check(&key(1).reply_address(DESK, Purpose::Escalation, "Z26-000123-7", "ak"), "Escalation Z26-000123-7 ak");
        check(&good.replace("+r", "+e"), "forged");
        check(&good.replace("z26-000123-7", "z26-000124-5"), "forged");
        check(&good.replace(".ak.", ".jn."), "forged");
        check(&good.replace("@", "0@"), "forged");
        check(&key(2).reply_address(DESK, Purpose::Relay, "Z26-000123-7", "ak"), "forged");
        check("pomoc+r00.z26-000123-7.ak.@desk.example", "forged");
        check("pomoc+...@desk.example", "forged");
        check("pomoc+łódź.z.ą.ę@desk.example", "forged");
        check(DESK, "none");
        check("pomoc+newsletter@desk.example", "none");
        check("pomoc+r.z26-000123-7@desk.example", "none");
        check("", "none");
        check("@", "none");
        check("+@", "none");
    }

    #[test]
    fn a_shortened_mac_is_refused() {
        let good = address();
        let (local, domain) = good.split_once('@').expect("an address");
        for kept in 1..MAC_TEXT_LENGTH {
            check(&format!("{}@{domain}", &local[..local.len() - kept]), "forged");
        }
    }

    #[test]
    fn every_single_change_is_refused() {
        let good = address();
        let token = good.find('+').expect("a token") + 1..good.find('@').expect("an address");
        for place in token {
            for other in (0x21..0x7f).map(char::from).filter(|&c| c != '@') {
                let changed = format!("{}{other}{}", &good[..place], &good[place + 1..]);
                if !changed.eq_ignore_ascii_case(&good) {
                    assert!(!matches!(key(1).read(&changed), Some(Ok(_))), "{changed}");
                }
            }
        }
    }

    #[test]
    fn the_longest_reply_address_fits() {
        let room = LONGEST_LOCAL_PART - TOKEN_WITHOUT_ENGINEER - 12;
        let desk = format!("{}@desk.example", "d".repeat(room));
        let address = key(1).reply_address(&desk, Purpose::Relay, "Z26-00000123-7", "engineer1234");
        let (local, _) = address.split_once('@').expect("an address");
        assert_eq!(local.len(), LONGEST_LOCAL_PART, "{address}");
        assert!(local.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'+')), "{address}");
        check(&address, "Relay Z26-00000123-7 engineer1234");
    }

    #[test]
    fn message_ids() {
        let id = key(1).message_id("ack", b"cause", "jan@firma.example", "Desk.example");
        assert!(id.ends_with("@desk.example"), "{id}");
        assert_eq!(id, key(1).message_id("ack", b"cause", "jan@firma.example", "desk.example"), "the same on a retry");
        let others = [
            key(1).message_id("relay", b"cause", "jan@firma.example", "desk.example"),
            key(1).message_id("ack", b"Cause", "jan@firma.example", "desk.example"),
            key(1).message_id("ack", b"cause", "ewa@firma.example", "desk.example"),
            key(1).message_id("ac", b"kcause", "jan@firma.example", "desk.example"),
        ];
        for other in &others {
            assert_ne!(&id, other);
            assert!(key(1).is_ours(other), "{other}");
        }
        let ours = [id.clone(), format!("<{id}>"), id.to_ascii_uppercase()];
        ours.iter().for_each(|ours| assert!(key(1).is_ours(ours), "{ours}"));
        let foreign = [
            key(2).message_id("ack", b"cause", "jan@firma.example", "desk.example"),
            id.replace("desk.example", "other.example"),
            format!("a{id}"),
            id.replacen('.', "", 1),
            "20261122.1@firma.example".to_string(),
            "@".to_string(),
            String::new(),
        ];
        foreign.iter().for_each(|foreign| assert!(!key(1).is_ours(foreign), "{foreign}"));
    }

    #[test]
    fn a_short_secret_is_refused_and_none_is_printed() {
        assert_eq!(TokenKey::new(&[7; SHORTEST_SECRET - 1]).err(), Some(SecretTooShort));
        assert!(!format!("{:?}", key(7)).contains("keyed"));
    }

    proptest! {
        #[test]
        fn round_trip(sequence in 0_u32..10_000_000, engineer in "[a-z0-9]{1,12}") {
            let ticket = format!("Z26-{sequence:06}-1");
            let address = key(3).reply_address(DESK, Purpose::Relay, &ticket, &engineer);
            let token = ReplyToken { purpose: Purpose::Relay, ticket, engineer_id: engineer };
            prop_assert_eq!(key(3).read(&address), Some(Ok(token)));
        }

        #[test]
        fn foreign_addresses_are_never_ours(address in any::<String>()) {
            prop_assert!(!matches!(key(3).read(&address), Some(Ok(_))));
            prop_assert!(!key(3).is_ours(&address));
        }
    }
}
