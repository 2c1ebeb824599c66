//! Secrets: out of a file of their own, never out of the configuration file or an environment
//! variable, and never printed.

use std::fmt;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use toml::de::DeValue;

use super::value;
use crate::desk::token::SHORTEST_SECRET;

/// The longest secret that is read. Bytes.
const LONGEST_SECRET: u64 = 4096;

/// A value that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Secret {
        Secret(value.into())
    }

    /// Hands the value out.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// Where secrets are that are named by a bare name.
#[derive(Clone, Copy)]
pub(super) enum Credentials<'a> {
    /// In the folder that systemd handed over.
    HandedOver(&'a Path),
    /// Beside the configuration file, from where systemd would take them.
    Beside(&'a Path),
    /// Nowhere.
    Nowhere,
}

/// Reads the password in the file that the value names.
///
/// The messages never repeat the value: it may be the password itself, put there by mistake.
pub(super) fn password(credentials: Credentials<'_>) -> impl Fn(&DeValue<'_>) -> Result<Secret, String> {
    move |value| {
        let secret = read(value, credentials)?;
        if secret.contains(char::is_control) {
            return Err("names a file with more than one line or with control characters; write the password alone \
                        into it"
                .to_string());
        }
        Ok(Secret(secret))
    }
}

/// Reads the keys in the file that the value names, one a line.
pub(super) fn token_keys(credentials: Credentials<'_>) -> impl Fn(&DeValue<'_>) -> Result<Vec<Secret>, String> {
    move |value| {
        let keys: Vec<Secret> = read(value, credentials)?.lines().map(Secret::new).collect();
        if keys.iter().any(|key| key.0.len() < SHORTEST_SECRET) {
            return Err(format!(
                "names a file with a key of less than {SHORTEST_SECRET} bytes; make one with: openssl rand -hex 32"
            ));
        }
        Ok(keys)
    }
}

fn read(value: &DeValue<'_>, credentials: Credentials<'_>) -> Result<String, String> {
    let named = value::string(value, "a path or the name of a credential in quotes")?;
    let path = locate(Path::new(named), credentials)?;
    // The value is not repeated here either.
    let where_it_lies = if named.starts_with('/') { "there" } else { "beside the configuration" };
    let advice = format!("write the secret into a file of that name {where_it_lies}, with: (umask 077; editor FILE)");
    let file = File::open(&path).map_err(|error| match error.kind() {
        // It is there: whoever writes it anew loses what it holds.
        ErrorKind::PermissionDenied => {
            format!("names a file that cannot be opened: {error}; run this as the user whom it belongs to, or as root")
        }
        _ => format!("names a file that cannot be opened: {error}; {advice}"),
    })?;
    let about = file.metadata().map_err(|error| format!("names a file that cannot be examined: {error}"))?;
    if !about.is_file() {
        return Err("names something that is no file".to_string());
    }
    // systemd grants access to its credentials by other means than the mode.
    let from_systemd = matches!(credentials, Credentials::HandedOver(folder) if path.starts_with(folder));
    if !from_systemd && about.permissions().mode() & 0o077 != 0 {
        return Err("names a file that others may read; take that from them with: chmod 600".to_string());
    }
    let mut secret = String::new();
    let length = file.take(LONGEST_SECRET + 1).read_to_string(&mut secret);
    let length = length.map_err(|error| format!("names a file that cannot be read as text: {error}"))?;
    if length as u64 > LONGEST_SECRET {
        return Err(format!("names a file of more than {LONGEST_SECRET} bytes, which is no secret"));
    }
    let line_end = if secret.ends_with("\r\n") { 2 } else { usize::from(secret.ends_with('\n')) };
    secret.truncate(secret.len() - line_end);
    if secret.is_empty() { Err("names an empty file; write the secret into it".to_string()) } else { Ok(secret) }
}

fn locate(named: &Path, credentials: Credentials<'_>) -> Result<PathBuf, String> {
    if named.is_absolute() {
        return Ok(named.to_path_buf());
    }
    if !value::is_bare_name(named) {
        return Err("is neither a full path nor the bare name of a credential".to_string());
    }
    match credentials {
        Credentials::HandedOver(folder) | Credentials::Beside(folder) => Ok(folder.join(named)),
        Credentials::Nowhere => {
            let message = "is the name of a credential, but systemd handed none over; add LoadCredential= to the \
                           service, or write a full path";
            Err(message.to_string())
        }
    }
}
