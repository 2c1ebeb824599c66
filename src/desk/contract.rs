//! Contracts on file: reading the list that sales keeps, and the key by which a number is looked up.

use jiff::civil::Date;

mod csv_file;

pub use csv_file::{LineFault, read_csv};

/// A service contract, one line of the list on file.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Contract {
    /// The contract number, normalised as [`normalise`] does.
    pub number: String,
    /// The customer's tax number, ten digits.
    pub nip: String,
    /// The customer's name.
    pub customer: String,
    /// What the contract buys.
    pub plan: Plan,
    /// When reports are taken.
    pub window: ServiceWindow,
    /// How soon the repair or delivery is promised.
    pub delivery: Delivery,
    /// The first day.
    pub valid_from: Date,
    /// The last day.
    pub valid_to: Date,
    /// The devices, normalised as [`normalise`] does.
    pub serials: Vec<String>,
    /// Who may report: addresses, or `@domain`, in lower case.
    pub senders: Vec<String>,
}

/// The two plans of the terms of service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Plan {
    /// HEZO SOS: service on site.
    #[serde(rename = "SOS")]
    Sos,
    /// HEZO AHB: advanced hardware backup, parts and no on-site work.
    #[serde(rename = "AHB")]
    Ahb,
}

/// The service window of a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum ServiceWindow {
    /// 09:00 to 17:00 Europe/Warsaw, Monday to Friday, without public holidays.
    #[serde(rename = "8x5")]
    EightByFive,
    /// Always.
    #[serde(rename = "24x7")]
    Always,
}

/// The delivery time of a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Delivery {
    /// Eight hours from acceptance.
    #[serde(rename = "8h")]
    EightHours,
    /// The next business day.
    #[serde(rename = "NBD")]
    NextBusinessDay,
}

/// A number in the one form in which numbers are compared: upper case, blanks removed, surrounding
/// punctuation and an `(H)-` prefix off, every kind of dash a `-`, other dashes and slashes kept.
pub fn normalise(number: &str) -> String {
    let kept = number.chars().filter_map(|c| match c {
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' => None,
        '\u{2010}'..='\u{2015}' | '\u{2212}' => Some('-'),
        '\u{2044}' | '\u{2215}' => Some('/'),
        c if c.is_whitespace() => None,
        c => Some(c),
    });
    let upper: String = kept.flat_map(char::to_uppercase).collect();
    let bare = upper.strip_prefix("(H)").unwrap_or(&upper);
    bare.trim_matches(|c: char| !c.is_alphanumeric()).to_string()
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
    number.chars().filter(|c| c.is_alphanumeric()).map(same).collect()
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
}
