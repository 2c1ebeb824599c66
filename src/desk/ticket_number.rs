//! Ticket numbers, `Z26-000123-3`, and where they stand in a text.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use regex::Regex;

/// The number of a ticket: `Z` (zgłoszenie), the last two digits of the year, a sequence of at
/// least six digits, a check digit. It is read out on the telephone, hence the check digit and the short
/// groups; a leading `Z` and two hyphens keep it apart from contract and serial numbers.
///
/// The check digit is Damm's (H. M. Damm, *Total anti-symmetrische Quasigruppen*, dissertation,
/// Marburg 2004): it catches every wrong digit and every swap of neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TicketNumber {
    /// 0 to 99.
    year: u8,
    sequence: u32,
}

/// Why a text is no ticket number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotATicketNumber {
    /// It does not look like one.
    #[error("a ticket number looks like Z26-000123-3")]
    Form,
    /// It looks like one, but a digit is wrong or two are swapped.
    #[error("the check digit does not fit: a digit is wrong, or two are swapped")]
    CheckDigit,
}

/// The quasigroup of order 10 in Damm's dissertation: weakly totally anti-symmetric, with
/// zeros in the diagonal.
const DAMM: [[u8; 10]; 10] = [
    [0, 3, 1, 7, 5, 9, 8, 6, 4, 2],
    [7, 0, 9, 2, 1, 5, 4, 8, 6, 3],
    [4, 2, 0, 6, 8, 7, 1, 3, 5, 9],
    [1, 7, 5, 0, 9, 8, 3, 4, 2, 6],
    [6, 1, 2, 3, 0, 4, 5, 9, 7, 8],
    [3, 6, 7, 4, 2, 0, 9, 5, 8, 1],
    [5, 8, 6, 9, 7, 2, 0, 1, 3, 4],
    [8, 9, 4, 5, 3, 6, 2, 0, 1, 7],
    [9, 4, 3, 8, 6, 1, 7, 2, 0, 5],
    [2, 5, 8, 1, 4, 3, 6, 7, 9, 0],
];

/// A ticket number, in any case; its digits do not go on behind it. What stands before it is looked
/// at in [`find_in`], since a Unicode word boundary would slow the search down tenfold.
static NUMBER: LazyLock<Regex> = LazyLock::new(|| constant(r"[Zz][0-9]{2}-[0-9]{6,10}-[0-9]+"));

/// A subject tag of an earlier desk, `[HEZO 104340]`.
static EARLIER_TAG: LazyLock<Regex> = LazyLock::new(|| constant(r"\[ *[Hh][Ee][Zz][Oo] *[#:-]? *([0-9]{3,12}) *\]"));

impl TicketNumber {
    /// The number of a year's ticket. Years a century apart share their numbers.
    pub fn new(year: i16, sequence: u32) -> TicketNumber {
        TicketNumber { year: u8::try_from(year.rem_euclid(100)).unwrap_or_default(), sequence }
    }

    /// The last two digits of the year.
    pub fn year(self) -> u8 {
        self.year
    }

    /// The number within the year.
    pub fn sequence(self) -> u32 {
        self.sequence
    }

    /// As it stands in a subject: `[Z26-000123-3]`.
    pub fn tag(self) -> String {
        format!("[{self}]")
    }

    fn check_digit(self) -> u8 {
        damm(format!("{:02}{:06}", self.year, self.sequence).bytes())
    }
}

impl fmt::Display for TicketNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Z{:02}-{:06}-{}", self.year, self.sequence, self.check_digit())
    }
}

impl FromStr for TicketNumber {
    type Err = NotATicketNumber;

    /// Reads a number as written, in any case, blanks around it allowed; nothing else is guessed.
    fn from_str(text: &str) -> Result<TicketNumber, NotATicketNumber> {
        let text = text.trim();
        let rest = text.strip_prefix(['Z', 'z']).ok_or(NotATicketNumber::Form)?;
        let mut groups = rest.split('-');
        let mut digits = |shortest: usize, longest: usize| {
            let group = groups.next().filter(|group| (shortest..=longest).contains(&group.len()));
            group.filter(|group| group.bytes().all(|byte| byte.is_ascii_digit())).ok_or(NotATicketNumber::Form)
        };
        let (year, sequence, check) = (digits(2, 2)?, digits(6, 10)?, digits(1, 1)?);
        let is_padded_too_far = sequence.len() > 6 && sequence.starts_with('0');
        if groups.next().is_some() || is_padded_too_far {
            return Err(NotATicketNumber::Form);
        }
        if damm(year.bytes().chain(sequence.bytes()).chain(check.bytes())) != 0 {
            return Err(NotATicketNumber::CheckDigit);
        }
        let year = year.parse().map_err(|_| NotATicketNumber::Form)?;
        let sequence = sequence.parse().map_err(|_| NotATicketNumber::Form)?;
        Ok(TicketNumber { year, sequence })
    }
}

/// The ticket numbers in a text, in order, each once: in brackets or bare, even with letters glued
/// on behind, as some mail programs do to subjects. One with a letter or digit right before it, a
/// digit right behind it, or a check digit that does not fit, is none.
pub fn find_in(text: &str) -> Vec<TicketNumber> {
    let mut numbers = Vec::new();
    for found in NUMBER.find_iter(text) {
        let before = text.get(..found.start()).and_then(|before| before.chars().next_back());
        if before.is_some_and(char::is_alphanumeric) {
            continue;
        }
        if let Ok(number) = found.as_str().parse() {
            numbers.push(number);
        }
    }
    first_of_each(numbers)
}

/// The tags of an earlier desk in a text, in order, each once, in the form `HEZO 104340`. They are
/// recorded and thread nothing.
pub fn earlier_tags(text: &str) -> Vec<String> {
    let found = EARLIER_TAG.captures_iter(text);
    first_of_each(found.filter_map(|found| Some(format!("HEZO {}", found.get(1)?.as_str()))).collect())
}

fn constant(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a constant pattern, compiled by the tests")
}

fn first_of_each<T: Clone + Eq + std::hash::Hash>(mut items: Vec<T>) -> Vec<T> {
    let mut seen = std::collections::HashSet::new();
    items.retain(|item| seen.insert(item.clone()));
    items
}

/// The digit that makes the whole come to zero; zero if it already does.
fn damm(digits: impl Iterator<Item = u8>) -> u8 {
    digits.fold(0, |interim, digit| {
        let column = usize::from(digit.wrapping_sub(b'0'));
        DAMM.get(usize::from(interim)).and_then(|row| row.get(column)).copied().unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_and_read() {
        let check = |year: i16, sequence: u32, text: &str| {
            let number = TicketNumber::new(year, sequence);
            assert_eq!(number.to_string(), text);
            assert_eq!(text.parse(), Ok(number));
            assert_eq!((number.year(), number.sequence()), (year.rem_euclid(100) as u8, sequence));
        };
        check(2026, 123, "Z26-000123-3");
        check(2026, 0, "Z26-000000-8");
        check(2000, 0, "Z00-000000-0");
        check(2026, 999_999, "Z26-999999-4");
        check(2026, 1_000_000, "Z26-1000000-6");
        check(2099, u32::MAX, "Z99-4294967295-8");
        check(-1, 1, "Z99-000001-7");
    }

    #[test]
    fn only_case_and_blanks_around_are_forgiven() {
        use NotATicketNumber::{CheckDigit, Form};
        let right = Ok(TicketNumber::new(2026, 123));
        for (text, expected) in [
            ("Z26-000123-3", right),
            (" z26-000123-3\t", right),
            ("Z26-000123-4", Err(CheckDigit)),
            ("Z26-000132-3", Err(CheckDigit)),
            ("Z62-000123-3", Err(CheckDigit)),
            ("", Err(Form)),
            ("Z", Err(Form)),
            ("26-000123-3", Err(Form)),
            ("Z26-00123-3", Err(Form)),
            ("Z26-0000123-3", Err(Form)),
            ("Z26-000123-", Err(Form)),
            ("Z26-000123", Err(Form)),
            ("Z26-000123-33", Err(Form)),
            ("Z26-000123-3-3", Err(Form)),
            ("Z26-O00123-3", Err(Form)),
            ("Z26 000123 3", Err(Form)),
            ("Z2\u{666}-000123-3", Err(Form)),
            ("Z26-+00123-3", Err(Form)),
            ("[Z26-000123-3]", Err(Form)),
            ("Z26-9999999999-4", Err(CheckDigit)),
        ] {
            assert_eq!(text.parse::<TicketNumber>(), expected, "{text:?}");
        }
        let beyond = (0..10).filter(|check| format!("Z26-9999999999-{check}").parse::<TicketNumber>().is_ok());
        assert_eq!(beyond.count(), 0, "a sequence that no ticket can have");
    }

    #[test]
    fn every_wrong_digit_and_every_swap_of_neighbours_is_caught() {
        for sequence in (0..1_000_000).step_by(9_973).chain([0, 1, 123, 999_999, 1_000_000]) {
            let right = TicketNumber::new(2026, sequence).to_string();
            let digits: Vec<usize> =
                right.char_indices().filter(|(_, c)| c.is_ascii_digit()).map(|(at, _)| at).collect();
            let changed = |at: usize, digit: u8| {
                let mut bytes = right.clone().into_bytes();
                bytes[at] = digit;
                String::from_utf8(bytes).unwrap()
            };
            for (index, &at) in digits.iter().enumerate() {
                let digit = right.as_bytes()[at];
                for wrong in (b'0'..=b'9').filter(|wrong| *wrong != digit) {
                    assert!(changed(at, wrong).parse::<TicketNumber>().is_err(), "{right}: {}", changed(at, wrong));
                }
                let Some(&next) = digits.get(index + 1) else { continue };
                let mut swapped = right.clone().into_bytes();
                swapped.swap(at, next);
                let swapped = String::from_utf8(swapped).unwrap();
                assert!(swapped == right || swapped.parse::<TicketNumber>().is_err(), "{right}: {swapped}");
            }
        }
    }

    #[test]
    fn numbers_are_found_in_subjects() {
        let check = |text: &str, expected: &[u32]| {
            let expected: Vec<TicketNumber> = expected.iter().map(|n| TicketNumber::new(2026, *n)).collect();
            assert_eq!(find_in(text), expected, "{text:?}");
        };
        let other = TicketNumber::new(2026, 7);
        check("[Z26-000123-3] Awaria", &[123]);
        check("ODP: Re[2]: [Z26-000123-3]pomoc", &[123]);
        check("pomoc[Z26-000123-3]", &[123]);
        check("re: [z26-000123-3]", &[123]);
        check("[ Z26-000123-3 ]", &[123]);
        check("dotyczy Z26-000123-3, pilne", &[123]);
        check("Z26-000123-3pomoc", &[123]);
        check("(Z26-000123-3)żółw", &[123]);
        check(&format!("[Z26-000123-3] {other} {} [Z26-000123-3]", other.tag()), &[123, 7]);
        check("[Z26-000123-4] wrong check digit", &[]);
        check("Z26-000123-33", &[]);
        check("[Z26-000123-4] ale też [Z26-000123-3]", &[123]);
        check("AZ26-000123-3 żZ26-000123-3 0Z26-000123-3", &[]);
        check("pomoc-Z26-000123-3", &[123]);
        check("Z26\u{2013}000123\u{2013}3", &[]);
        check("[HEZO 104340] Awaria", &[]);
        check("", &[]);
        check(&"Z26-000000-".repeat(10_000), &[]);
    }

    #[test]
    fn tags_of_an_earlier_desk_are_found() {
        let check = |text: &str, expected: &[&str]| assert_eq!(earlier_tags(text), expected, "{text:?}");
        check("[HEZO 104340] Awaria", &["HEZO 104340"]);
        check("Re: [hezo #104340]pomoc [HEZO 104340]", &["HEZO 104340"]);
        check("[HEZO 104340] [HEZO-104341]", &["HEZO 104340", "HEZO 104341"]);
        check("HEZO 104340", &[]);
        check("[HEZO 1 04340] [HEZO] [HEZO 12] [XHEZO 104340]", &[]);
        check("[HEZO 1234567890123]", &[]);
        check("[Z26-000123-3]", &[]);
    }

    #[test]
    fn the_table_is_a_quasigroup_without_symmetry() {
        for row in 0..10u8 {
            let mut of_row = DAMM[usize::from(row)].to_vec();
            let mut of_column: Vec<u8> = DAMM.iter().map(|of| of[usize::from(row)]).collect();
            of_row.sort_unstable();
            of_column.sort_unstable();
            assert_eq!((of_row, of_column), ((0..10).collect(), (0..10).collect()), "row and column {row}");
            assert_eq!(DAMM[usize::from(row)][usize::from(row)], 0);
        }
        let times = |x: u8, y: u8| DAMM[usize::from(x)][usize::from(y)];
        for (c, x, y) in (0..1000).map(|n: u16| ((n / 100) as u8, (n / 10 % 10) as u8, (n % 10) as u8)) {
            assert!(x == y || times(times(c, x), y) != times(times(c, y), x), "({c} * {x}) * {y}");
        }
        assert_eq!(damm(b"572".iter().copied()), 4, "Damm's own example");
    }
}
