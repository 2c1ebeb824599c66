//! Single values of the configuration file. Each function answers the value, or what is wrong with
//! it and what to write instead, to be read after the name of the key.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Timestamp};
use lettre::Address;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use toml::de::DeValue;

use super::Start;
use crate::desk::token::LONGEST_LOCAL_PART;

/// The zone of a moment without an offset: the desk's.
const ZONE: &str = "Europe/Warsaw";

/// The longest address (RFC 5321 section 4.5.3.1.3, without the angle brackets). Octets.
const LONGEST_ADDRESS: usize = 254;

/// A text in one line.
pub(super) fn text(value: &DeValue<'_>) -> Result<String, String> {
    let text = string(value, "a text in quotes")?.trim();
    if text.is_empty() {
        return Err("is empty; write a text, or leave the key out".to_string());
    }
    if text.chars().any(char::is_control) {
        return Err("holds a control character; write the text in one line".to_string());
    }
    Ok(text.to_string())
}

/// One of a few words.
pub(super) fn choice<T: Copy>(words: &[(&str, T)]) -> impl Fn(&DeValue<'_>) -> Result<T, String> {
    let known: Vec<String> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
    let (words, known) = (words.iter().map(|(word, value)| (word.to_string(), *value)).collect::<Vec<_>>(), known);
    move |value| {
        let found = value.as_str().and_then(|text| words.iter().find(|(word, _)| word == text));
        found.map(|(_, value)| *value).ok_or_else(|| format!("has an unknown value; write {}", known.join(" or ")))
    }
}

/// A mail address, in lower case.
pub(super) fn address(value: &DeValue<'_>) -> Result<String, String> {
    let text = string(value, "an address in quotes")?;
    let local = text.rsplit_once('@').map_or("", |(local, _)| local);
    let plain = text.is_ascii() && !text.contains(|c: char| c.is_control() || c.is_whitespace() || c == '"');
    let fits = local.len() <= LONGEST_LOCAL_PART && text.len() <= LONGEST_ADDRESS;
    if !plain || !fits || text.parse::<Address>().is_err() {
        return Err("is not a mail address; write it bare, such as \"name@firma.example\"".to_string());
    }
    Ok(text.to_ascii_lowercase())
}

/// A host name or an IP address.
pub(super) fn host(value: &DeValue<'_>) -> Result<String, String> {
    let text = string(value, "a host name in quotes")?;
    match ServerName::try_from(text) {
        Ok(_) => Ok(text.to_ascii_lowercase()),
        Err(_) if text.contains(':') => Err("is not a host name; write the port under the key port".to_string()),
        Err(_) => Err("is not a host name; write it bare, such as \"mail.firma.example\"".to_string()),
    }
}

/// A TCP port.
pub(super) fn port(value: &DeValue<'_>) -> Result<u16, String> {
    let port = integer(value).and_then(|number| u16::try_from(number).ok()).filter(|&port| port > 0);
    port.ok_or_else(|| "is not a port; write a number from 1 to 65535, without quotes".to_string())
}

/// A path from the root, since nobody knows a service's working directory.
pub(super) fn path(value: &DeValue<'_>) -> Result<PathBuf, String> {
    let path = PathBuf::from(text(value)?);
    if path.is_absolute() { Ok(path) } else { Err("is not a full path; write it from / on".to_string()) }
}

/// A folder that is there.
pub(super) fn folder(value: &DeValue<'_>) -> Result<PathBuf, String> {
    let path = path(value)?;
    if path.is_dir() { Ok(path) } else { Err("names no folder that can be reached; make it".to_string()) }
}

/// A file that is there.
pub(super) fn file(value: &DeValue<'_>) -> Result<PathBuf, String> {
    let path = path(value)?;
    std::fs::File::open(&path).map_err(|error| {
        let next = match error.kind() {
            std::io::ErrorKind::PermissionDenied => "run this as root, or let the service's user read it",
            _ => "put the file there, mend the path, or take the key out",
        };
        format!("names a file that cannot be read: {error}; {next}")
    })?;
    if path.is_file() { Ok(path) } else { Err("names something that is no file".to_string()) }
}

/// A PEM file with at least one certificate.
pub(super) fn certificates(value: &DeValue<'_>) -> Result<PathBuf, String> {
    let path = file(value)?;
    let certificates = CertificateDer::pem_file_iter(&path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(path),
        _ => Err("holds no readable certificate; it has to be in PEM form, -----BEGIN CERTIFICATE-----".to_string()),
    }
}

/// A length of time within bounds, such as `60s` or `1h 30m`.
pub(super) fn duration(least: Duration, most: Duration) -> impl Fn(&DeValue<'_>) -> Result<Duration, String> {
    move |value| {
        let text = string(value, "a length of time in quotes, such as \"60s\" or \"2h\"")?;
        let parsed = text.parse::<SignedDuration>().ok().and_then(|duration| Duration::try_from(duration).ok());
        let duration = parsed.ok_or("is not a length of time; write one such as \"60s\", \"5m\" or \"1h 30m\"")?;
        within(duration, least, most, |duration| match SignedDuration::try_from(duration) {
            Ok(duration) => format!("\"{duration:#}\""),
            Err(_) => format!("{duration:?}"),
        })
    }
}

/// True or false.
pub(super) fn yes_or_no(value: &DeValue<'_>) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| "is neither; write true or false, without quotes".to_string())
}

/// A whole number within bounds.
pub(super) fn number<T>(least: T, most: T) -> impl Fn(&DeValue<'_>) -> Result<T, String>
where
    T: Copy + PartialOrd + TryFrom<i64> + std::fmt::Display,
{
    move |value| {
        let number = integer(value).ok_or("is no whole number; write one without quotes")?;
        match T::try_from(number) {
            Ok(number) => within(number, least, most, |number| number.to_string()),
            Err(_) => Err(format!("is out of bounds; write at least {least} and at most {most}")),
        }
    }
}

/// A whole number within bounds.
pub(super) fn whole(least: u16, most: u16) -> impl Fn(&DeValue<'_>) -> Result<u16, String> {
    move |value| {
        let number = integer(value).and_then(|number| u16::try_from(number).ok());
        let number =
            number.ok_or_else(|| format!("is not a whole number; write one from {least} to {most}, without quotes"))?;
        within(number, least, most, |number| number.to_string())
    }
}

/// A number of bytes within bounds, such as `50 MB`.
pub(super) fn size(least: u64, most: u64) -> impl Fn(&DeValue<'_>) -> Result<u64, String> {
    move |value| {
        let text = string(value, "a size in quotes, such as \"50 MB\"")?;
        let bytes = bytes(text).ok_or("is not a size; write a whole number with kB, MB, KiB or MiB after it")?;
        within(bytes, least, most, |bytes| format!("{bytes} bytes"))
    }
}

/// A day, `2026-05-02`, with or without quotes.
pub(super) fn date(value: &DeValue<'_>) -> Result<Date, String> {
    let text = match value {
        DeValue::Datetime(datetime) => datetime.to_string(),
        _ => value.as_str().unwrap_or_default().to_string(),
    };
    // jiff reads the day out of a longer text, too.
    let day = text.parse().ok().filter(|_| text.len() == "2026-05-02".len());
    day.ok_or_else(|| "is not a day; write it as 2026-05-02".to_string())
}

/// From when on mails are new. A day begins at midnight.
pub(super) fn start(value: &DeValue<'_>) -> Result<Start, String> {
    let at = match value {
        DeValue::String(text) if text == "now" => return Ok(Start::Now),
        DeValue::String(text) if text == "all" => return Ok(Start::All),
        DeValue::Datetime(datetime) => datetime.to_string(),
        _ => value.as_str().unwrap_or_default().to_string(),
    };
    let local = |local: DateTime| local.in_tz(ZONE).ok().map(|zoned| zoned.timestamp());
    let moment = at.parse::<Timestamp>().ok().or_else(|| at.parse().ok().and_then(local));
    let message =
        "is not a start; write \"now\", \"all\", a day such as 2026-05-02 or a moment such as 2026-05-02T09:00:00";
    moment.map(Start::At).ok_or_else(|| message.to_string())
}

/// True for this machine's own names: only there may mail and passwords go unprotected.
pub(super) fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// True for a name that is no path: one in systemd's directory of credentials.
pub(super) fn is_bare_name(path: &Path) -> bool {
    matches!(path.components().collect::<Vec<_>>().as_slice(), [std::path::Component::Normal(_)])
}

/// The text of a value that has to be one.
pub(super) fn string<'v>(value: &'v DeValue<'_>, what: &str) -> Result<&'v str, String> {
    value.as_str().ok_or_else(|| {
        let kind = value.type_str();
        let article = if kind.starts_with(['a', 'i']) { "an" } else { "a" };
        format!("is {article} {kind}; write {what}")
    })
}

fn integer(value: &DeValue<'_>) -> Option<i64> {
    let integer = value.as_integer()?;
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

/// Decimal units as disks are sold with, binary ones as mail servers are set with.
fn bytes(text: &str) -> Option<u64> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let factor = match unit.trim() {
        "B" => 1,
        "kB" => 1000,
        "MB" => 1_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

fn within<T: PartialOrd>(value: T, least: T, most: T, show: impl Fn(T) -> String) -> Result<T, String> {
    if value < least || value > most {
        return Err(format!("is out of bounds; write at least {} and at most {}", show(least), show(most)));
    }
    Ok(value)
}
