//! How soon after acceptance parts arrive or on-site work begins.

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;

/// How soon after acceptance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeliveryTime {
    /// Within so many hours of the contract's window.
    Hours(u16),
    /// By the close of the next business day.
    NextBusinessDay,
}

impl DeliveryTime {
    /// The hours, where it is counted in hours.
    pub fn within(self) -> Option<SignedDuration> {
        match self {
            DeliveryTime::Hours(hours) => Some(SignedDuration::from_hours(i64::from(hours))),
            DeliveryTime::NextBusinessDay => None,
        }
    }
}

impl fmt::Display for DeliveryTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeliveryTime::Hours(hours) => write!(f, "{hours}h"),
            DeliveryTime::NextBusinessDay => f.write_str("NBD"),
        }
    }
}

impl serde::Serialize for DeliveryTime {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// A text that names no delivery time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no delivery time; write NBD, or hours such as 8h")]
pub struct NoDeliveryTime(String);

impl FromStr for DeliveryTime {
    type Err = NoDeliveryTime;

    /// Reads `NBD` or `8h`, in any case.
    fn from_str(text: &str) -> Result<DeliveryTime, NoDeliveryTime> {
        let small = text.trim().to_ascii_lowercase();
        if small == "nbd" {
            return Ok(DeliveryTime::NextBusinessDay);
        }
        let digits = small.strip_suffix('h').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        let hours = digits.and_then(|digits| digits.parse().ok()).filter(|hours| *hours > 0);
        hours.map(DeliveryTime::Hours).ok_or_else(|| NoDeliveryTime(text.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_written() {
        let check = |text: &str, expected: &str| {
            let read = text.parse::<DeliveryTime>().map_or_else(|error| error.to_string(), |time| time.to_string());
            assert!(read.starts_with(expected), "{text}: {read}");
        };
        check("8h", "8h");
        check(" NBD", "NBD");
        check("nbd", "NBD");
        check("4H", "4h");
        for none in ["", "h", "0h", "8", "+8h", "8 h", "99999h", "NBDs"] {
            check(none, &format!("`{none}` is no delivery time"));
        }
    }
}
