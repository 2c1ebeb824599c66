//! Reads what concerns those who run the service.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::de::DeValue;

use super::section::Section;
use super::{desk, value};
use crate::desk::site::Identity;
use crate::log::Form;

/// How the service is watched.
#[derive(Clone, Debug, Default)]
pub struct Operations {
    /// How events are written.
    pub log: Form,
    /// Where the health pages are; `None` where there are none.
    pub health: Option<Listen>,
    /// Who is told that the desk does not work, and when.
    pub alarm: Alarm,
}

/// Who is told that the desk does not work, and when.
#[derive(Clone, Debug)]
pub struct Alarm {
    /// By mail; the engineers where nobody is named.
    pub address: Option<String>,
    /// A failure that is over sooner is not told. A refused sign-in is told at once.
    pub after: Duration,
}

impl Default for Alarm {
    fn default() -> Alarm {
        Alarm { address: None, after: DEFAULT_ALARM_AFTER }
    }
}

/// Bounds of `after`.
const ALARM_AFTER: (Duration, Duration) = (Duration::ZERO, Duration::from_secs(3600));

/// `after` where nothing else is written: servers restart, and connections break.
const DEFAULT_ALARM_AFTER: Duration = Duration::from_secs(5 * 60);

/// Where the health pages are: on this machine alone, since they ask nobody for a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// A loopback address and a port.
    Loopback(SocketAddr),
    /// A socket in the file system.
    Socket(PathBuf),
}

/// Reads the keys and sections.
pub(super) fn operations(top: &Section<'_>, desk: Option<&Identity>) -> Operations {
    let log = top.optional("log", value::choice(&[("lines", Form::Lines), ("json", Form::Json)]));
    let health = top.section("health").and_then(|section| {
        let listen = section.required("listen", "\"127.0.0.1:9713\"", listen);
        section.finish();
        listen
    });
    let alarm = top.section("alarm").map(|section| {
        let address = section.optional("address", value::address);
        let own = |address: &String| desk.is_some_and(|desk| desk::is_own(address, desk));
        if address.as_ref().is_some_and(own) {
            let message = "is an address of the desk itself, so that an alarm would become a mail to be answered; write a \
                           person's";
            section.fault("address", message);
        }
        let after = section.optional("after", value::duration(ALARM_AFTER.0, ALARM_AFTER.1));
        section.finish();
        Alarm { address, after: after.unwrap_or(DEFAULT_ALARM_AFTER) }
    });
    Operations { log: log.unwrap_or_default(), health, alarm: alarm.unwrap_or_default() }
}

fn listen(value: &DeValue<'_>) -> Result<Listen, String> {
    let text = value::string(value, "an address in quotes")?;
    if let Some(path) = text.strip_prefix("unix:") {
        return match Path::new(path) {
            path if path.is_absolute() => Ok(Listen::Socket(path.to_path_buf())),
            _ => Err("is not a full path; write \"unix:/run/hezo-intake/health.sock\"".to_string()),
        };
    }
    let message = "is not an address; write \"127.0.0.1:9713\" or \"unix:/run/hezo-intake/health.sock\"";
    let address: SocketAddr = text.parse().map_err(|_| message.to_string())?;
    if !address.ip().is_loopback() {
        return Err("can be reached from other machines, and the health pages ask for no password; write a loopback \
                    address, and put a proxy with a password before it where another machine has to see it"
            .to_string());
    }
    Ok(Listen::Loopback(address))
}
