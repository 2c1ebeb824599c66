//! A mailbox is worked on by one service of a machine: two with databases of their own would answer each
//! mail twice. A claim is a socket in Linux's abstract namespace (unix(7)), which vanishes with its holder
//! however that ends; services on other machines are beyond it.

use std::collections::HashMap;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::sync::{Mutex, PoisonError};

use anyhow::bail;
use data_encoding::HEXLOWER;
use rustix::net::sockopt;
use sha2::{Digest, Sha256};

/// The mailboxes that are this process's.
#[derive(Debug, Default)]
pub struct Claims(Mutex<HashMap<String, UnixListener>>);

impl Claims {
    /// Claims a mailbox, named by where it is; one that is this process's already stays so.
    ///
    /// # Errors
    /// Another process of this user or of root holds it.
    pub fn claim(&self, mailbox: &str) -> anyhow::Result<()> {
        let mut claims = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if claims.contains_key(mailbox) {
            return Ok(());
        }
        // The name may be no longer than a hash of what it stands for.
        let name = format!("hezo-intake {}", HEXLOWER.encode(&Sha256::digest(mailbox)));
        let address = SocketAddr::from_abstract_name(name)?;
        match UnixListener::bind_addr(&address) {
            Ok(listener) => _ = claims.insert(mailbox.to_string(), listener),
            Err(_) => {
                let Some((holder, user)) = holder(&address) else { return Ok(()) };
                // Anybody may bind such a name: what a stranger holds keeps no service from its work.
                if user == 0 || user == rustix::process::geteuid().as_raw() {
                    bail!(
                        "process {holder} works on this mailbox already ({mailbox}); two would answer each mail twice: stop one of them"
                    );
                }
                tracing::warn!(holder, "another user's process holds the name by which a mailbox is claimed");
            }
        }
        Ok(())
    }
}

/// The process and the user behind a claim; `None` where it has ended meanwhile.
fn holder(address: &SocketAddr) -> Option<(i32, u32)> {
    let stream = UnixStream::connect_addr(address).ok()?;
    let peer = sockopt::socket_peercred(&stream).ok()?;
    Some((peer.pid.as_raw_nonzero().get(), peer.uid.as_raw()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mailbox_is_one_services() {
        let (one, other) = (Claims::default(), Claims::default());
        one.claim("imap.claim.example:993 desk").expect("it is free");
        one.claim("imap.claim.example:993 desk").expect("it is its own");
        other.claim("imap.claim.example:993 other").expect("another mailbox is free");
        let refused = other.claim("imap.claim.example:993 desk").expect_err("it is held").to_string();
        assert!(refused.contains(&format!("process {}", std::process::id())), "{refused}");
        drop(one);
        other.claim("imap.claim.example:993 desk").expect("it is free again");
    }
}
