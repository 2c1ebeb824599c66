//! Contracts on file: what one promises and when, and the keys by which they are found.

mod difference;
mod row;

use jiff::civil::Date;

use super::calendar::WindowName;
use super::plan::DeliveryTime;

pub use difference::{Change, differences};
pub use row::{COLUMNS, Cell, CellFault, contract};

/// What a window that never closes is open. Hours.
const HOURS_OF_A_WEEK: u32 = 24 * 7;

/// A service contract, one line of the list on file.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Contract {
    /// The contract number, normalised as [`normalise`] does.
    #[serde(rename = "contract")]
    pub number: String,
    /// The customer's tax number, ten digits.
    pub nip: String,
    /// The customer's name.
    pub customer: String,
    /// What the contract buys: the id of a plan of `plans.toml`.
    pub plan: String,
    /// When reports are taken.
    pub window: WindowName,
    /// How soon the repair or delivery is promised.
    pub delivery: DeliveryTime,
    /// The first day.
    pub valid_from: Date,
    /// The last day; the contract holds until its end.
    pub valid_to: Date,
    /// The devices, normalised as [`normalise`] does.
    pub serials: Vec<String>,
    /// Who may report: addresses, or `@domain`, in lower case.
    pub senders: Vec<String>,
}

/// What the list on file says about a mail or a ticket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Excerpt {
    /// The version of the list that was asked; `None` where none was ever imported, so that
    /// nothing can be said.
    pub version: Option<u32>,
    /// The contracts that a number, a sender or a tax number leads to, each once. Of their serials
    /// only those that were asked for are here: a contract may have a hundred thousand.
    pub contracts: Vec<Contract>,
}

/// Where a contract stands on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It holds.
    Active,
    /// It ran out with its last day.
    Expired,
    /// Its first day lies ahead.
    NotYetValid,
}

impl Contract {
    /// Where the contract stands on this local day; first and last day belong to it.
    pub fn standing(&self, day: Date) -> Standing {
        if day < self.valid_from {
            Standing::NotYetValid
        } else if day <= self.valid_to {
            Standing::Active
        } else {
            Standing::Expired
        }
    }

    /// How much the contract promises: the less, the stricter. A window of more hours a week, which
    /// its name tells (`8x5`, `24x7`), outweighs the delivery time, since every promise is counted in it.
    pub fn strictness(&self) -> u32 {
        let closed = HOURS_OF_A_WEEK.saturating_sub(weekly_hours(self.window.as_str()));
        let delivery = match self.delivery {
            DeliveryTime::Hours(hours) => u32::from(hours),
            DeliveryTime::NextBusinessDay => u32::from(u16::MAX) + 1,
        };
        closed * (u32::from(u16::MAX) + 2) + delivery
    }

    /// Whether the contract names this sender: by address, or by `@domain`.
    pub fn names_sender(&self, sender: &str) -> bool {
        let keys = sender_keys(sender);
        self.senders.iter().any(|named| keys.contains(&named.to_lowercase()))
    }

    /// Whether this device, normalised, is under the contract.
    pub fn names_serial(&self, serial: &str) -> bool {
        self.serials.iter().any(|named| named == serial)
    }
}

impl Excerpt {
    /// The contract of this number, normalised.
    pub fn contract(&self, number: &str) -> Option<&Contract> {
        self.contracts.iter().find(|contract| contract.number == number)
    }

    /// Adds what another excerpt of the same version holds.
    pub fn extend(&mut self, other: &Excerpt) {
        self.version = self.version.or(other.version);
        for contract in &other.contracts {
            match self.contracts.iter_mut().find(|known| known.number == contract.number) {
                Some(known) => {
                    let new = contract.serials.iter().filter(|serial| !known.names_serial(serial)).cloned();
                    let new: Vec<String> = new.collect();
                    known.serials.extend(new);
                }
                None => self.contracts.push(contract.clone()),
            }
        }
    }
}

impl<'a> IntoIterator for &'a Excerpt {
    type Item = &'a Contract;
    type IntoIter = std::slice::Iter<'a, Contract>;

    fn into_iter(self) -> Self::IntoIter {
        self.contracts.iter()
    }
}

/// The hours a week of a window whose name tells them; none where it does not.
fn weekly_hours(window: &str) -> u32 {
    let parts = window.split_once('x').and_then(|(hours, days)| Some((hours.parse().ok()?, days.parse().ok()?)));
    parts.filter(|(hours, days)| *hours <= 24 && *days <= 7).map_or(0, |(hours, days): (u32, u32)| hours * days)
}

/// The Latin letter that a Cyrillic one looks like, as a keyboard of that layout puts it into a number
/// (Unicode Technical Standard 39, confusables).
pub fn latin(c: char) -> Option<char> {
    Some(match c {
        'А' | 'а' => 'A',
        'В' | 'в' => 'B',
        'Е' | 'е' => 'E',
        'К' | 'к' => 'K',
        'М' | 'м' => 'M',
        'Н' | 'н' => 'H',
        'О' | 'о' => 'O',
        'Р' | 'р' => 'P',
        'С' | 'с' => 'C',
        'Т' | 'т' => 'T',
        'У' | 'у' => 'Y',
        'Х' | 'х' => 'X',
        'І' | 'і' => 'I',
        'Ѕ' | 'ѕ' => 'S',
        _ => return None,
    })
}

/// A number in the one form in which numbers are compared: upper case, blanks removed, surrounding
/// punctuation and an `(H)-` prefix off, every kind of dash a `-`, other dashes and slashes kept.
pub fn normalise(number: &str) -> String {
    let mut normal = String::with_capacity(number.len());
    if number.is_ascii() {
        // Nearly every number, and each text has many that may be one: this counts in the reading of a mail.
        normal.extend(number.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_uppercase()));
        return bare(normal);
    }
    let kept = number.chars().filter_map(|c| match c {
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' => None,
        '\u{2010}'..='\u{2015}' | '\u{2212}' => Some('-'),
        '\u{2044}' | '\u{2215}' => Some('/'),
        c if c.is_whitespace() => None,
        c => Some(latin(c).unwrap_or(c)),
    });
    normal.extend(kept.flat_map(char::to_uppercase));
    bare(normal)
}

fn bare(mut upper: String) -> String {
    let kept = upper.strip_prefix("(H)").unwrap_or(&upper).trim_start_matches(|c: char| !c.is_alphanumeric());
    let begins = upper.len() - kept.len();
    upper.truncate(begins + kept.trim_end_matches(|c: char| !c.is_alphanumeric()).len());
    if begins > 0 {
        upper.drain(..begins);
    }
    upper
}

/// The key under which the store files a serial or contract number and is asked for it: letters
/// and digits only, look-alikes (O and 0, I, L and 1, S and 5, B and 8, Z and 2) made one. Several
/// numbers may share a key; who asks compares the numbers themselves.
pub fn look_up_key(number: &str) -> String {
    let same = |c: char| match c.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        'S' => '5',
        'B' => '8',
        'Z' => '2',
        c => c,
    };
    let mut key = String::with_capacity(number.len());
    key.extend(number.chars().filter(|c| c.is_alphanumeric()).map(same));
    key
}

/// The keys under which a sender may be on file: the address, and `@domain`.
pub fn sender_keys(sender: &str) -> Vec<String> {
    let address = sender.to_lowercase();
    let domain = address.rsplit_once('@').map(|(_, domain)| format!("@{domain}"));
    std::iter::once(address).chain(domain).collect()
}

/// The tax number that a [look-up key](look_up_key) may be: ten digits, with or without the
/// country's `PL` before them.
pub fn nip_of_key(key: &str) -> Option<&str> {
    // The key of "PL" is "P1".
    let digits = if key.len() == 12 { key.strip_prefix("P1")? } else { key };
    (digits.len() == 10 && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_in_one_form() {
        for (written, normal) in [
            ("(H)-FG1234567890", "FG1234567890"),
            (" hezo / qsp / 2024 / 00219.", "HEZO/QSP/2024/00219"),
            ("H\u{2011}2026\u{2011}01318", "H-2026-01318"),
            ("\"b824 100 317\"", "B824100317"),
            ("", ""),
            ("(H)", ""),
        ] {
            assert_eq!(normalise(written), normal, "{written}");
        }
    }

    #[test]
    fn look_alikes_share_a_key() {
        assert_eq!(look_up_key("I9l4Q-2O688"), look_up_key("1914Q-20688"));
        assert_eq!(look_up_key("HEZO/QSP/2O25/OO417"), look_up_key("hezo-qsp-2025-00417"));
        assert_ne!(look_up_key("1914Q-20688"), look_up_key("1914Q-20689"));
    }

    #[test]
    fn a_tax_number_is_known_by_its_key() {
        for (written, nip) in [
            ("678-484-78-86", Some("6784847886")),
            ("PL6784847886", Some("6784847886")),
            ("PL 678 484 78 86", Some("6784847886")),
            ("67848478861", None),
            ("PX6784847886", None),
            ("678484788X", None),
            ("", None),
        ] {
            assert_eq!(nip_of_key(&look_up_key(written)), nip, "{written}");
        }
    }

    fn contract() -> Contract {
        Contract {
            number: "UM/1".to_string(),
            nip: "7743818919".to_string(),
            customer: "K".to_string(),
            plan: "SOS".to_string(),
            window: WindowName::new("24x7"),
            delivery: DeliveryTime::NextBusinessDay,
            valid_from: jiff::civil::date(2024, 5, 20),
            valid_to: jiff::civil::date(2027, 5, 19),
            serials: vec!["A1".to_string()],
            senders: vec!["@k.example".to_string(), "it@l.example".to_string()],
        }
    }

    #[test]
    fn first_and_last_day_belong_to_a_contract() {
        for (day, standing) in [
            ("2024-05-19", Standing::NotYetValid),
            ("2024-05-20", Standing::Active),
            ("2027-05-19", Standing::Active),
            ("2027-05-20", Standing::Expired),
        ] {
            assert_eq!(contract().standing(day.parse().expect("a day")), standing, "{day}");
        }
    }

    #[test]
    fn a_sender_is_named_by_address_or_by_domain() {
        for (sender, named) in [
            ("anna@k.example", true),
            ("Anna@K.Example", true),
            ("it@l.example", true),
            ("anna@l.example", false),
            ("anna@sub.k.example", false),
            ("anna@k.example@l.example", false),
            ("k.example", false),
            ("", false),
        ] {
            assert_eq!(contract().names_sender(sender), named, "{sender}");
        }
    }

    #[test]
    fn the_window_outweighs_the_delivery() {
        let strictness = |window, delivery: &str| {
            let delivery = delivery.parse().expect("a delivery time");
            Contract { window: WindowName::new(window), delivery, ..contract() }.strictness()
        };
        let rising = [
            strictness("24x7", "4h"),
            strictness("24x7", "8h"),
            strictness("24x7", "NBD"),
            strictness("9x5", "8h"),
            strictness("8x5", "8h"),
            strictness("8x5", "NBD"),
            strictness("evenings", "8h"),
        ];
        assert!(rising.is_sorted_by(|one, next| one < next), "{rising:?}");
    }

    #[test]
    fn two_excerpts_become_one() {
        let mut excerpt = Excerpt { version: None, contracts: vec![contract()] };
        let more = Contract { serials: vec!["A1".to_string(), "A2".to_string()], ..contract() };
        let other = Contract { number: "UM/2".to_string(), ..contract() };
        excerpt.extend(&Excerpt { version: Some(3), contracts: vec![more, other] });
        assert_eq!(excerpt.version, Some(3));
        assert_eq!(excerpt.contracts.len(), 2);
        assert_eq!(excerpt.contract("UM/1").map(|contract| contract.serials.len()), Some(2));
    }
}
