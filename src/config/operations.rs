//! Reads what concerns those who run the service.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use toml::de::DeValue;

use super::section::Section;
use super::value;
use crate::log::Form;

/// How the service is watched.
#[derive(Clone, Debug, Default)]
pub struct Operations {
    /// How events are written.
    pub log: Form,
    /// Where the health pages are; `None` where there are none.
    pub health: Option<Listen>,
}

/// Where the health pages are: on this machine alone, since they ask nobody for a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// A loopback address and a port.
    Loopback(SocketAddr),
    /// A socket in the file system.
    Socket(PathBuf),
}

/// Reads the keys and sections.
pub(super) fn operations(top: &Section<'_>) -> Operations {
    let log = top.optional("log", value::choice(&[("lines", Form::Lines), ("json", Form::Json)]));
    let health = top.section("health").and_then(|section| {
        let listen = section.required("listen", "\"127.0.0.1:9713\"", listen);
        section.finish();
        listen
    });
    Operations { log: log.unwrap_or_default(), health }
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
