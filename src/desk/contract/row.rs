//! One line of the list becomes a contract, or every fault of the line is named.

use std::borrow::Cow;
use std::collections::HashSet;

use jiff::civil::Date;

use super::{Contract, normalise};
use crate::desk::plan::Plans;

/// The columns of the list, by the names that its head must have, in any order.
pub const COLUMNS: [&str; 10] =
    ["contract", "nip", "customer", "plan", "window", "delivery", "valid_from", "valid_to", "serials", "senders"];

/// The longest contract or serial number. No vendor's has more than 40 characters; what is longer
/// is a list that was not parted. Characters.
const LONGEST_NUMBER: usize = 64;

/// The longest customer's name; it stands in mails. Characters.
const LONGEST_NAME: usize = 200;

/// The longest address: 64 octets, the @, and 255 (RFC 5321 section 4.5.3.1). Bytes.
const LONGEST_SENDER: usize = 320;

/// What stands in one cell: its text, or why it has none.
pub type Cell<'a> = Result<Cow<'a, str>, String>;

/// Something wrong with one cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellFault {
    /// The column's name.
    pub column: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

/// Reads the contract of one line. `cell` gives what stands under a column's name; `plans` says what
/// there is to be bought.
///
/// # Errors
/// Every fault of the line.
pub fn contract<'a>(cell: &dyn Fn(&str) -> Cell<'a>, plans: &Plans) -> Result<Contract, Vec<CellFault>> {
    let mut line = Line { cell, faults: Vec::new() };
    let number = line.read("contract", number);
    let nip = line.read("nip", nip);
    let customer = line.read("customer", customer);
    let plan = line.read("plan", |text| plans.sold(text));
    let window = line.read("window", |text| plans.sold_with_window(plan, text));
    let delivery = line.read("delivery", |text| plans.sold_with_delivery(plan, text));
    let valid_from = line.read("valid_from", date);
    let valid_to = line.read("valid_to", date);
    if let (Some(first), Some(last)) = (valid_from, valid_to)
        && last < first
    {
        line.fault("valid_to", "lies before valid_from".to_string());
    }
    let serials = line.read("serials", serials);
    let senders = line.read("senders", senders);
    let Line { faults, .. } = line;
    let read = || {
        Some(Contract {
            number: number?,
            nip: nip?,
            customer: customer?,
            plan: plan?.id.clone(),
            window: window?,
            delivery: delivery?,
            valid_from: valid_from?,
            valid_to: valid_to?,
            serials: serials?,
            senders: senders?,
        })
    };
    if faults.is_empty() { read().ok_or(faults) } else { Err(faults) }
}

struct Line<'c, 'a> {
    cell: &'c dyn Fn(&str) -> Cell<'a>,
    faults: Vec<CellFault>,
}

impl Line<'_, '_> {
    fn read<T>(&mut self, column: &'static str, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        match (self.cell)(column).and_then(|text| read(text.trim())) {
            Ok(value) => Some(value),
            Err(message) => {
                self.fault(column, message);
                None
            }
        }
    }

    fn fault(&mut self, column: &'static str, message: String) {
        self.faults.push(CellFault { column, message });
    }
}

fn number(text: &str) -> Result<String, String> {
    let number = normalise(text);
    if number.is_empty() {
        return Err("is empty; every line needs the contract's number".to_string());
    }
    if number.chars().count() > LONGEST_NUMBER {
        return Err(format!("has more than {LONGEST_NUMBER} characters"));
    }
    Ok(number)
}

fn nip(text: &str) -> Result<String, String> {
    let bare = text.strip_prefix("PL").or(text.strip_prefix("pl")).unwrap_or(text);
    let digits: String = bare.chars().filter(|c| !matches!(c, '-' | ' ' | '\u{a0}')).collect();
    let ten = digits.len() == 10 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if ten { Ok(digits) } else { Err("is not ten digits".to_string()) }
}

/// Line breaks and control characters become blanks: the name stands in single lines of mails.
fn customer(text: &str) -> Result<String, String> {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let name = words.collect::<Vec<_>>().join(" ");
    if name.chars().count() > LONGEST_NAME {
        return Err(format!("has more than {LONGEST_NAME} characters"));
    }
    Ok(name)
}

fn date(text: &str) -> Result<Date, String> {
    // Only the plain form: jiff also reads times and zones, of which a day is no part.
    let plain = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let date = if plain { text.parse().ok() } else { None };
    date.ok_or_else(|| "is not a date such as 2026-04-30".to_string())
}

fn serials(text: &str) -> Result<Vec<String>, String> {
    let mut seen = HashSet::new();
    let mut serials = Vec::new();
    for entry in entries(text) {
        // A list parted by commas would become one long number that no mail ever names.
        if entry.contains(',') {
            return Err("holds a comma within an entry; part the entries by ;".to_string());
        }
        let serial = normalise(entry);
        if serial.chars().count() > LONGEST_NUMBER {
            return Err(format!("holds an entry of more than {LONGEST_NUMBER} characters; part the entries by ;"));
        }
        if !serial.is_empty() && seen.insert(serial.clone()) {
            serials.push(serial);
        }
    }
    Ok(serials)
}

fn senders(text: &str) -> Result<Vec<String>, String> {
    let mut senders: Vec<String> = Vec::new();
    for entry in entries(text) {
        let sender = entry.to_lowercase();
        if !is_sender(&sender) {
            return Err("holds an entry that is neither an address nor @domain; part the entries by ;".to_string());
        }
        if !senders.contains(&sender) {
            senders.push(sender);
        }
    }
    Ok(senders)
}

fn is_sender(text: &str) -> bool {
    let bare = text.len() <= LONGEST_SENDER
        && !text.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, ',' | '<' | '>' | '"'));
    let domain = text.split_once('@').map(|(_, domain)| domain);
    bare && domain.is_some_and(|domain| !domain.is_empty() && !domain.contains('@'))
}

/// The entries of a list: parted by `;`, or by the line breaks that people make within a cell.
fn entries(text: &str) -> impl Iterator<Item = &str> {
    text.split([';', '\n', '\r']).map(str::trim).filter(|entry| !entry.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [&str; 10] =
        ["UM/1", "7743818919", "K", "SOS", "8x5", "NBD", "2024-05-20", "2027-05-19", "A1;A2", "@k.example"];

    fn read(changes: &[(&str, &str)]) -> Result<Contract, Vec<CellFault>> {
        let cell = |column: &str| {
            let changed = changes.iter().find(|(name, _)| *name == column).map(|(_, text)| *text);
            let at = COLUMNS.iter().position(|name| *name == column).expect("a column");
            Ok(Cow::Borrowed(changed.unwrap_or(GOOD[at])))
        };
        contract(&cell, &Plans::built_in())
    }

    #[track_caller]
    fn check(column: &str, text: &str, expected: &str) {
        let said = match read(&[(column, text)]) {
            Ok(contract) => serde_json::to_value(contract).expect("JSON")[column].to_string(),
            Err(faults) => {
                faults.iter().map(|fault| format!("{}: {}", fault.column, fault.message)).collect::<Vec<_>>().join("|")
            }
        };
        assert_eq!(said, expected, "{column} = {text:?}");
    }

    #[test]
    fn a_cell_is_read_or_its_fault_is_named() {
        check("contract", " um / 118 / 2024 ", "\"UM/118/2024\"");
        check("contract", " - ", "contract: is empty; every line needs the contract's number");
        check("contract", &"9".repeat(65), "contract: has more than 64 characters");
        check("nip", "774-381-89-19", "\"7743818919\"");
        check("nip", "PL 7743818919", "\"7743818919\"");
        check("nip", "774381891", "nip: is not ten digits");
        check("nip", "7743818919a", "nip: is not ten digits");
        check("nip", "٧٧٤٣٨١٨٩١٩", "nip: is not ten digits");
        check("customer", "Fabryka\r\nMebli \u{7} S.A.", "\"Fabryka Mebli S.A.\"");
        check("customer", "", "\"\"");
        check("customer", &"ż".repeat(201), "customer: has more than 200 characters");
        check("plan", "sos", "\"SOS\"");
        check("plan", "GOLD", "plan: is none of the plans AHB, ALLCARE, COCARE, NONE, SOS");
        check("window", "24X7", "\"24x7\"");
        check("window", "9x5", "window: is none of the windows that SOS is sold with: 24x7, 8x5");
        check("delivery", "nbd", "\"NBD\"");
        check("delivery", "4h", "delivery: is none of the delivery times that SOS is sold with: 8h, NBD");
        check("valid_to", "2027-05-19", "\"2027-05-19\"");
        check("valid_to", "2024-05-20", "\"2024-05-20\"");
        check("valid_to", "2024-05-19", "valid_to: lies before valid_from");
        check("valid_to", "2027-02-29", "valid_to: is not a date such as 2026-04-30");
        check("valid_from", "20.05.2024", "valid_from: is not a date such as 2026-04-30");
        check("valid_from", "2024-05-20T10:00", "valid_from: is not a date such as 2026-04-30");
        check("valid_from", "", "valid_from: is not a date such as 2026-04-30");
        check("serials", "1821p-00467; (H)-FG1234567890;;1821P-00467", r#"["1821P-00467","FG1234567890"]"#);
        check("serials", "A1\nA2\r\nA3", r#"["A1","A2","A3"]"#);
        check("serials", "", "[]");
        check("serials", "A1, A2", "serials: holds a comma within an entry; part the entries by ;");
        check(
            "serials",
            &"A1 ".repeat(40),
            "serials: holds an entry of more than 64 characters; part the entries by ;",
        );
        check("senders", "IT@K.example; @k.example;it@k.example", r#"["it@k.example","@k.example"]"#);
        let no_sender = "senders: holds an entry that is neither an address nor @domain; part the entries by ;";
        for text in ["k.example", "@", "a@b@c", "it@k.example, noc@k.example", "IT <it@k.example>"] {
            check("senders", text, no_sender);
        }
    }

    #[test]
    fn a_contract_buys_what_the_plans_say() {
        let other = read(&[("plan", "Cocare"), ("window", "9X5")]).expect("a plan of plans.toml");
        assert_eq!((other.plan.as_str(), other.window.as_str()), ("COCARE", "9x5"));
        let faults = read(&[("plan", "COCARE"), ("delivery", "8h")]).expect_err("sold otherwise");
        let said: Vec<&str> = faults.iter().map(|fault| fault.message.as_str()).collect();
        let window = "is none of the windows that COCARE is sold with: 9x5";
        assert_eq!(said, [window, "is none of the delivery times that COCARE is sold with: NBD"]);
    }

    #[test]
    fn every_fault_of_a_line_is_named() {
        let faults = read(&[("plan", "GOLD"), ("window", "9x6"), ("valid_to", "soon")]).expect_err("three faults");
        assert_eq!(faults.iter().map(|fault| fault.column).collect::<Vec<_>>(), ["plan", "window", "valid_to"]);
        let cell = |column: &str| if column == "nip" { Err("no".to_string()) } else { Ok(Cow::Borrowed("")) };
        let unreadable = contract(&cell, &Plans::built_in());
        assert!(unreadable.expect_err("faults").contains(&CellFault { column: "nip", message: "no".to_string() }));
    }
}
