//! Reply tokens and Message-IDs that only the desk can have written.
//!
//! A reply token says for what, about which ticket, by whom and until when it may be used, and ends
//! in an HMAC-SHA-256 over all of that. It stands after the `+` of a reply address
//! (`pomoc+e4k5m0.z26-000123-7.ak.<mac>@…`), or, for a host that knows no such addresses, in front
//! of a Message-ID, from where it comes back in In-Reply-To and References. Every Message-ID of
//! ours ends in an HMAC, too. Nothing needs to be stored to recognise any of them.

use data_encoding::BASE32_DNSSEC;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

/// The shortest secret: as long as the output of SHA-256 (RFC 2104 section 3). Bytes.
pub const SHORTEST_SECRET: usize = 32;

/// The longest local part of an address (RFC 5321 section 4.5.3.1.1). Octets.
pub const LONGEST_LOCAL_PART: usize = 64;

/// Octets that `+` and a token take of the local part, without the person: purpose, key, expiry, a
/// ticket number of up to 14 characters, the dots and the MAC.
pub const TOKEN_WITHOUT_PERSON: usize = 1 + 1 + KEY_ID_LENGTH + EXPIRY_LENGTH + 1 + 14 + 1 + 1 + MAC_TEXT_LENGTH;

/// Characters that stand for a person who has no id: an address, hashed.
pub const PERSON_TAG_LENGTH: usize = 5;

/// Bytes that are kept of an HMAC: 96 bits. The half of the output that RFC 2104 section 5 advises
/// would leave no room in a local part; NIST SP 800-107 section 5.3.3 finds 64 bits enough for
/// most uses, and here every guess costs a mail.
const MAC_LENGTH: usize = 12;

/// Characters of a kept HMAC in base 32.
const MAC_TEXT_LENGTH: usize = 20;

/// Characters that tell one key from another.
const KEY_ID_LENGTH: usize = 2;

/// Characters of the last day, 5 bits each: 89 years.
const EXPIRY_LENGTH: usize = 3;

/// The day from which the last day is counted, 1 January 2020, in days since 1970.
const FIRST_DAY: i64 = 18_262;

/// Characters of a mark.
const MARK_LENGTH: usize = 10;

/// Bytes of the beginning of a Message-ID: 128 bits, so that two never meet.
const MESSAGE_ID_LENGTH: usize = 16;

/// What a token permits. None passes for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Purpose {
    /// The engineer's mail is relayed to the customer, and its orders are carried out.
    Engineer,
    /// The mail of whoever handles escalations is taken for that ticket.
    Escalation,
    /// The customer's mail belongs to that ticket.
    Customer,
    /// A delivery report is about our mail to that person.
    Bounce,
}

/// The letters that stand for the purposes in a token.
const LETTERS: [(Purpose, char); 4] =
    [(Purpose::Engineer, 'e'), (Purpose::Escalation, 's'), (Purpose::Customer, 'c'), (Purpose::Bounce, 'b')];

impl Purpose {
    fn letter(self) -> char {
        LETTERS.iter().find(|(purpose, _)| *purpose == self).map_or('?', |(_, letter)| *letter)
    }

    fn of_letter(letter: char) -> Option<Purpose> {
        LETTERS.iter().find(|(_, known)| *known == letter).map(|(purpose, _)| *purpose)
    }
}

/// What a genuine token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it permits.
    pub purpose: Purpose,
    /// The ticket, `Z26-000123-7`.
    pub ticket: String,
    /// For whom it was made: an engineer's id, or the [tag](TokenKeys::person_tag) of an address.
    pub person: String,
}

/// A token that permits nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What it would permit.
    pub purpose: Purpose,
    /// Why it does not.
    pub why: Refusal,
}

/// Why a token permits nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No key of ours signed what it says.
    Forged,
    /// It is ours, and its last day is over.
    Expired,
}

/// What a token permits, or would.
pub fn purpose(token: &Result<Token, Refused>) -> Purpose {
    match token {
        Ok(token) => token.purpose,
        Err(refused) => refused.purpose,
    }
}

/// A secret is shorter than [`SHORTEST_SECRET`], or there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a token key is missing or shorter than {SHORTEST_SECRET} bytes")]
pub struct SecretTooShort;

/// The keys of the desk: one signs, every one verifies.
#[derive(Clone, Debug)]
pub struct TokenKeys {
    signing: TokenKey,
    earlier: Vec<TokenKey>,
    lifetime_days: u16,
}

#[derive(Clone)]
struct TokenKey {
    keyed: Hmac<Sha256>,
    id: String,
}

impl TokenKeys {
    /// Makes the keys from the secrets' bytes. The first signs; the others are keys of earlier days
    /// whose tokens are still good. A token is good for `lifetime_days` after the day it was made.
    ///
    /// # Errors
    /// A secret is too short to be one, or there is none.
    pub fn new<'s>(
        secrets: impl IntoIterator<Item = &'s [u8]>,
        lifetime_days: u16,
    ) -> Result<TokenKeys, SecretTooShort> {
        let keys = secrets.into_iter().map(TokenKey::new).collect::<Result<Vec<_>, _>>()?;
        let mut keys = keys.into_iter();
        let signing = keys.next().ok_or(SecretTooShort)?;
        Ok(TokenKeys { signing, earlier: keys.collect(), lifetime_days })
    }

    /// The address under which `token` is used: the desk's, with the token after a `+` (RFC 5233's
    /// detail). The token survives a change of case and needs no quoting. It fits the local part
    /// where the desk's own and the person leave [`TOKEN_WITHOUT_PERSON`].
    pub fn reply_address(&self, desk_address: &str, token: &Token, now: Timestamp) -> String {
        let (local, domain) = desk_address.rsplit_once('@').unwrap_or((desk_address, ""));
        let said = self.said(token, now);
        let mac = text(self.signing.token_mac(&said));
        format!("{local}+{said}.{mac}@{domain}")
    }

    /// Reads the token of an address that a mail was sent to, at the moment it arrived. `None` where
    /// there is none.
    ///
    /// # Errors
    /// There is one, but it permits nothing.
    pub fn read_address(&self, address: &str, at: Timestamp) -> Option<Result<Token, Refused>> {
        let (local, _) = address.rsplit_once('@')?;
        let (_, detail) = local.split_once('+')?;
        let detail = detail.to_ascii_lowercase();
        let (said, mac) = detail.rsplit_once('.')?;
        let said = Said::read(said)?;
        let verify = |key: &TokenKey| key.id == said.key_id && is_mac(key.token_mac(said.text), mac);
        Some(said.judge(self.any(verify), at))
    }

    /// The Message-ID, without angle brackets, of the mail with this purpose (`ack`, `relay`, …)
    /// that `cause` makes us send to `recipient`: the same on every retry, to be guessed by nobody,
    /// and ours to be recognised by [`TokenKeys::is_ours`].
    pub fn message_id(&self, purpose: &str, cause: &[u8], recipient: &str, domain: &str) -> String {
        let beginning = self.signing.beginning(purpose, cause, recipient);
        let domain = domain.to_ascii_lowercase();
        let mac = text(self.signing.message_id_mac(&beginning, &domain));
        format!("{beginning}.{mac}@{domain}")
    }

    /// The same with a token in front, so that whoever answers the mail uses the token.
    pub fn message_id_with(
        &self,
        token: &Token,
        now: Timestamp,
        purpose: &str,
        cause: &[u8],
        recipient: &str,
        domain: &str,
    ) -> String {
        let beginning = format!("{}.{}", self.said(token, now), self.signing.beginning(purpose, cause, recipient));
        let domain = domain.to_ascii_lowercase();
        let mac = text(self.signing.message_id_mac(&beginning, &domain));
        format!("{beginning}.{mac}@{domain}")
    }

    /// Reads the token of a Message-ID that a mail refers to. `None` where there is none.
    ///
    /// # Errors
    /// There is one, but it permits nothing.
    pub fn read_message_id(&self, message_id: &str, at: Timestamp) -> Option<Result<Token, Refused>> {
        let bare = bare(message_id);
        let (left, domain) = bare.rsplit_once('@')?;
        let (signed, mac) = left.rsplit_once('.')?;
        let (said, _) = signed.rsplit_once('.')?;
        let said = Said::read(said)?;
        let verify = |key: &TokenKey| key.id == said.key_id && is_mac(key.message_id_mac(signed, domain), mac);
        Some(said.judge(self.any(verify), at))
    }

    /// True for a Message-ID that one of the keys signed, with or without angle brackets.
    pub fn is_ours(&self, message_id: &str) -> bool {
        let bare = bare(message_id);
        let parts = bare.rsplit_once('@').and_then(|(left, domain)| Some((left.rsplit_once('.')?, domain)));
        parts.is_some_and(|((signed, mac), domain)| self.any(|key| is_mac(key.message_id_mac(signed, domain), mac)))
    }

    /// Short marks over what is said, that only the desk can have written: the one to write, then
    /// those of earlier keys. 50 bits, in small letters and digits: whoever guesses one gains no more
    /// than that his own words are cut.
    pub fn marks(&self, said: &str) -> Vec<String> {
        let keys = [&self.signing].into_iter().chain(&self.earlier);
        let mark = |key: &TokenKey| text(mac(&key.keyed, "mark", &[said.as_bytes()]));
        keys.map(|key| mark(key).chars().take(MARK_LENGTH).collect()).collect()
    }

    /// Stands for an address in a token: 25 bits that nobody can work out without the key.
    pub fn person_tag(&self, address: &str) -> String {
        self.signing.person_tag(address)
    }

    /// Whether a genuine token was made for this address.
    pub fn is_for(&self, token: &Token, address: &str) -> bool {
        self.any(|key| key.person_tag(address) == token.person)
    }

    fn any(&self, holds: impl Fn(&TokenKey) -> bool) -> bool {
        holds(&self.signing) || self.earlier.iter().any(holds)
    }

    /// All that a token says, before its MAC.
    fn said(&self, token: &Token, now: Timestamp) -> String {
        let (letter, key, ticket) = (token.purpose.letter(), &self.signing.id, token.ticket.to_ascii_lowercase());
        let last_day = day(now) + i64::from(self.lifetime_days);
        format!("{letter}{key}{}.{ticket}.{}", expiry(last_day), token.person)
    }
}

impl TokenKey {
    fn new(secret: &[u8]) -> Result<TokenKey, SecretTooShort> {
        if secret.len() < SHORTEST_SECRET {
            return Err(SecretTooShort);
        }
        let keyed = Hmac::new_from_slice(secret).map_err(|_| SecretTooShort)?;
        let fingerprint = mac(&keyed, "key id", &[]).finalize().into_bytes();
        let id = BASE32_DNSSEC.encode(&fingerprint).chars().take(KEY_ID_LENGTH).collect();
        Ok(TokenKey { keyed, id })
    }

    fn token_mac(&self, said: &str) -> Hmac<Sha256> {
        mac(&self.keyed, "reply token", &[said.as_bytes()])
    }

    fn beginning(&self, purpose: &str, cause: &[u8], recipient: &str) -> String {
        let whole = mac(&self.keyed, "message id", &[purpose.as_bytes(), cause, recipient.as_bytes()]);
        let bytes = whole.finalize().into_bytes();
        BASE32_DNSSEC.encode(bytes.get(..MESSAGE_ID_LENGTH).unwrap_or_default())
    }

    fn message_id_mac(&self, signed: &str, domain: &str) -> Hmac<Sha256> {
        mac(&self.keyed, "message id mark", &[signed.as_bytes(), domain.as_bytes()])
    }

    fn person_tag(&self, address: &str) -> String {
        let whole = mac(&self.keyed, "person", &[address.to_lowercase().as_bytes()]);
        BASE32_DNSSEC.encode(&whole.finalize().into_bytes()).chars().take(PERSON_TAG_LENGTH).collect()
    }
}

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What stands in a token, whoever wrote it.
struct Said<'a> {
    text: &'a str,
    purpose: Purpose,
    key_id: &'a str,
    last_day: i64,
    ticket: &'a str,
    person: &'a str,
}

impl<'a> Said<'a> {
    /// `None` where the text has not the shape of a token.
    fn read(text: &'a str) -> Option<Said<'a>> {
        let [head, ticket, person] = text.split('.').collect::<Vec<_>>().try_into().ok()?;
        let letter = head.chars().next()?;
        let purpose = Purpose::of_letter(letter)?;
        let (key_id, expiry) = head.strip_prefix(letter)?.split_at_checked(KEY_ID_LENGTH)?;
        let digits = expiry.chars().map(|c| c.to_digit(32)).collect::<Option<Vec<_>>>()?;
        if digits.len() != EXPIRY_LENGTH {
            return None;
        }
        let last_day = FIRST_DAY + digits.iter().fold(0, |days, digit| days * 32 + i64::from(*digit));
        Some(Said { text, purpose, key_id, last_day, ticket, person })
    }

    fn judge(&self, signed: bool, at: Timestamp) -> Result<Token, Refused> {
        let refused = |why| Err(Refused { purpose: self.purpose, why });
        if !signed {
            return refused(Refusal::Forged);
        }
        if day(at) > self.last_day {
            return refused(Refusal::Expired);
        }
        let (ticket, person) = (self.ticket.to_ascii_uppercase(), self.person.to_string());
        Ok(Token { purpose: self.purpose, ticket, person })
    }
}

/// Days since 1970, in UTC.
fn day(at: Timestamp) -> i64 {
    at.as_second().div_euclid(86_400)
}

/// A day in three digits of base 32.
fn expiry(last_day: i64) -> String {
    let days = (last_day - FIRST_DAY).clamp(0, 32_i64.pow(EXPIRY_LENGTH as u32) - 1) as u32;
    let digits = (0..EXPIRY_LENGTH as u32).rev().map(|place| days / 32_u32.pow(place) % 32);
    digits.filter_map(|digit| char::from_digit(digit, 32)).collect()
}

/// A Message-ID in small letters, without angle brackets.
fn bare(message_id: &str) -> String {
    message_id.trim().trim_start_matches('<').trim_end_matches('>').to_ascii_lowercase()
}

/// An HMAC over the fields. Each field is preceded by its length, so that no two lists of fields are
/// the same bytes; `use_for` keeps one use of the key apart from another.
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
mod tests;
