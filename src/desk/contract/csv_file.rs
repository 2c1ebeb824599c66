//! The list of contracts as a CSV file: UTF-8 or windows-1250, comma or semicolon.

use std::borrow::Cow;
use std::collections::HashMap;

use jiff::civil::Date;

use super::{Contract, Delivery, Plan, ServiceWindow, normalise};

/// The columns, by the names that the head line must have, in any order.
const COLUMNS: [&str; 10] =
    ["contract", "nip", "customer", "plan", "window", "delivery", "valid_from", "valid_to", "serials", "senders"];

/// Faults listed of one file; whoever mends a hundred reads the file again anyway.
const FAULTS_MAX: usize = 100;

/// Something wrong with one line of the list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}{}: {message}", column.as_ref().map(|name| format!(", column {name}")).unwrap_or_default())]
pub struct LineFault {
    /// The line, counted from 1, the head being 1.
    pub line: u64,
    /// The column's name, where the fault is in one.
    pub column: Option<String>,
    /// What is wrong and what to do.
    pub message: String,
}

/// Reads the whole list, or says everything that is wrong with it: nothing is half read.
///
/// # Errors
/// Every bad line (up to a hundred) with its number and column: a missing or unknown column, a
/// value that cannot be read, a contract number that stands twice.
pub fn read_csv(bytes: &[u8]) -> Result<Vec<Contract>, Vec<LineFault>> {
    let text = decode(bytes);
    let head_line = text.lines().next().unwrap_or_default();
    let delimiter = if head_line.matches(';').count() > head_line.matches(',').count() { b';' } else { b',' };
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .has_headers(false)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut records = reader.records();
    let head = match records.next() {
        Some(Ok(head)) => head,
        Some(Err(error)) => return Err(vec![unreadable(1, &error)]),
        None => {
            return Err(vec![fault(1, None, format!("the file is empty; it must begin with {}", COLUMNS.join(",")))]);
        }
    };
    let columns = columns(&head)?;
    let mut faults = Vec::new();
    let mut contracts = Vec::new();
    let mut lines_by_number: HashMap<String, u64> = HashMap::new();
    for record in records {
        if faults.len() >= FAULTS_MAX {
            break;
        }
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                faults.push(unreadable(error.position().map_or(0, csv::Position::line), &error));
                continue;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        if record.iter().all(str::is_empty) {
            continue;
        }
        if record.len() != head.len() {
            let message = format!("{} values where the head names {} columns", record.len(), head.len());
            faults.push(fault(line, None, message));
            continue;
        }
        let row = Row { line, record: &record, columns: &columns };
        match row.contract() {
            Ok(contract) => match lines_by_number.insert(contract.number.clone(), line) {
                Some(first) => {
                    faults.push(fault(line, Some("contract"), format!("stands on line {first} already; keep one")));
                }
                None => contracts.push(contract),
            },
            Err(wrong) => faults.extend(wrong),
        }
    }
    if faults.is_empty() { Ok(contracts) } else { Err(faults) }
}

/// The text: UTF-8 where the bytes are, else windows-1250, what Excel saves on Polish Windows.
fn decode(bytes: &[u8]) -> Cow<'_, str> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => encoding_rs::WINDOWS_1250.decode_without_bom_handling(bytes).0,
    }
}

fn columns(head: &csv::StringRecord) -> Result<HashMap<&'static str, usize>, Vec<LineFault>> {
    let mut found = HashMap::new();
    let mut faults = Vec::new();
    for (at, name) in head.iter().enumerate() {
        match COLUMNS.iter().find(|column| column.eq_ignore_ascii_case(name)) {
            Some(column) if found.insert(*column, at).is_some() => {
                faults.push(fault(1, Some(column), "stands twice in the head; keep one".to_string()));
            }
            Some(_) => {}
            None => {
                let message = format!("there is no such column; the columns are {}", COLUMNS.join(","));
                faults.push(fault(1, Some(name), message));
            }
        }
    }
    for column in COLUMNS.iter().filter(|column| !found.contains_key(*column)) {
        faults.push(fault(1, Some(column), "is missing from the head".to_string()));
    }
    if faults.is_empty() { Ok(found) } else { Err(faults) }
}

/// One line under the head.
struct Row<'a> {
    line: u64,
    record: &'a csv::StringRecord,
    columns: &'a HashMap<&'static str, usize>,
}

impl Row<'_> {
    fn contract(&self) -> Result<Contract, Vec<LineFault>> {
        let mut faults = Vec::new();
        let mut wrong = |column: &str, message: String| faults.push(fault(self.line, Some(column), message));
        let number = normalise(self.value("contract"));
        if number.is_empty() {
            wrong("contract", "is empty; every line needs the contract's number".to_string());
        }
        let nip: String = self.value("nip").chars().filter(char::is_ascii_digit).collect();
        if nip.len() != 10 {
            wrong("nip", "is not ten digits".to_string());
        }
        let plan = match self.value("plan").to_ascii_uppercase().as_str() {
            "SOS" => Some(Plan::Sos),
            "AHB" => Some(Plan::Ahb),
            _ => None,
        };
        if plan.is_none() {
            wrong("plan", "is neither SOS nor AHB".to_string());
        }
        let window = match self.value("window").to_ascii_lowercase().as_str() {
            "8x5" => Some(ServiceWindow::EightByFive),
            "24x7" => Some(ServiceWindow::Always),
            _ => None,
        };
        if window.is_none() {
            wrong("window", "is neither 8x5 nor 24x7".to_string());
        }
        let delivery = match self.value("delivery").to_ascii_uppercase().as_str() {
            "8H" => Some(Delivery::EightHours),
            "NBD" => Some(Delivery::NextBusinessDay),
            _ => None,
        };
        if delivery.is_none() {
            wrong("delivery", "is neither 8h nor NBD".to_string());
        }
        let mut date = |column: &'static str| {
            let read = self.value(column).parse::<Date>().ok();
            if read.is_none() {
                wrong(column, "is not a date such as 2026-04-30".to_string());
            }
            read
        };
        let (valid_from, valid_to) = (date("valid_from"), date("valid_to"));
        if let (Some(first), Some(last)) = (valid_from, valid_to)
            && last < first
        {
            wrong("valid_to", "lies before valid_from".to_string());
        }
        let senders: Vec<String> = self.list("senders").map(str::to_lowercase).collect();
        if senders.iter().any(|sender| !sender.contains('@')) {
            wrong("senders", "holds an entry that is neither an address nor @domain".to_string());
        }
        let serials: Vec<String> = self.list("serials").map(normalise).filter(|serial| !serial.is_empty()).collect();
        match (plan, window, delivery, valid_from, valid_to) {
            (Some(plan), Some(window), Some(delivery), Some(valid_from), Some(valid_to)) if faults.is_empty() => {
                let customer = self.value("customer").to_string();
                Ok(Contract { number, nip, customer, plan, window, delivery, valid_from, valid_to, serials, senders })
            }
            _ => Err(faults),
        }
    }

    fn value(&self, column: &str) -> &str {
        self.columns.get(column).and_then(|at| self.record.get(*at)).unwrap_or_default()
    }

    fn list(&self, column: &str) -> impl Iterator<Item = &str> {
        self.value(column).split(';').map(str::trim).filter(|entry| !entry.is_empty())
    }
}

fn fault(line: u64, column: Option<&str>, message: String) -> LineFault {
    LineFault { line, column: column.map(str::to_string), message }
}

fn unreadable(line: u64, error: &csv::Error) -> LineFault {
    fault(line, None, format!("cannot be read as CSV: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "contract,nip,customer,plan,window,delivery,valid_from,valid_to,serials,senders";

    #[track_caller]
    fn check(lines: &[&str], faults: &[&str]) {
        let said = read_csv(lines.join("\n").as_bytes()).err().unwrap_or_default();
        let said: Vec<String> = said.iter().map(LineFault::to_string).collect();
        assert_eq!(said, faults);
    }

    #[test]
    fn a_line_becomes_a_contract() {
        let line = "um/118/2024,774-381-89-19,Borowik,AHB,8x5,nbd,2024-05-20,2027-05-19,1821p-00467; (H)-FG1234567890,IT@Borowik.example";
        let contracts = read_csv(format!("{HEAD}\n{line}\n\n").as_bytes()).expect("a good list");
        let [contract] = contracts.as_slice() else { panic!("{contracts:?}") };
        assert_eq!(contract.number, "UM/118/2024");
        assert_eq!(contract.nip, "7743818919");
        assert_eq!(contract.serials, ["1821P-00467", "FG1234567890"]);
        assert_eq!(contract.senders, ["it@borowik.example"]);
        assert_eq!((contract.plan, contract.window), (Plan::Ahb, ServiceWindow::EightByFive));
        assert_eq!(contract.valid_to, jiff::civil::date(2027, 5, 19));
    }

    #[test]
    fn excel_saves_semicolons_in_windows_1250() {
        let mut bytes = HEAD.replace(',', ";").into_bytes();
        bytes.extend_from_slice(
            b"\r\nUM/1;6127380589;D\xeabomax;SOS;24x7;8h;2025-01-01;2026-01-01;\"A1;A2\";@d.example\r\n",
        );
        let contracts = read_csv(&bytes).expect("a good list");
        assert_eq!(contracts[0].customer, "Dębomax");
        assert_eq!(contracts[0].serials, ["A1", "A2"]);
    }

    #[test]
    fn every_bad_line_is_named_with_its_column() {
        check(&[], &[&format!("line 1: the file is empty; it must begin with {HEAD}")]);
        check(
            &[
                HEAD,
                "UM/1,123,K,SOS,8x5,NBD,2024-05-20,2027-05-19,,@k.example",
                "UM/2,7743818919,K,GOLD,9x5,NBD,20.05.2024,2027-05-19,,k.example",
                "UM/3,7743818919,K,SOS,8x5,NBD,2028-05-20,2027-05-19,,",
                "UM/4,7743818919,K",
                ",7743818919,K,SOS,8x5,4h,2024-05-20,2027-05-19,,",
            ],
            &[
                "line 2, column nip: is not ten digits",
                "line 3, column plan: is neither SOS nor AHB",
                "line 3, column window: is neither 8x5 nor 24x7",
                "line 3, column valid_from: is not a date such as 2026-04-30",
                "line 3, column senders: holds an entry that is neither an address nor @domain",
                "line 4, column valid_to: lies before valid_from",
                "line 5: 3 values where the head names 10 columns",
                "line 6, column contract: is empty; every line needs the contract's number",
                "line 6, column delivery: is neither 8h nor NBD",
            ],
        );
        let good = "UM/1,7743818919,K,SOS,8x5,NBD,2024-05-20,2027-05-19,,";
        check(&[HEAD, good, good], &["line 3, column contract: stands on line 2 already; keep one"]);
        check(
            &["contract,nip,customer,plan,window,delivery,valid_from,valid_to,serials,mail"],
            &[
                &format!("line 1, column mail: there is no such column; the columns are {HEAD}"),
                "line 1, column senders: is missing from the head",
            ],
        );
    }
}
