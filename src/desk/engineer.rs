//! Somebody who answers customers.

use super::message::Address;

/// Somebody who answers customers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Engineer {
    /// A short stable id: one to twelve small letters and digits.
    pub id: String,
    /// The name that customers see.
    pub name: String,
    /// The address that the engineer writes from and is written to, in lower case.
    pub address: String,
    /// False for one who has left: named in old tickets, but neither written to nor obeyed.
    pub active: bool,
}

impl Engineer {
    /// The engineer as the recipient of a mail.
    pub fn mailbox(&self) -> Address {
        Address { name: self.name.clone(), address: self.address.clone() }
    }
}
