//! Who the sender is, how sure that is, and what the sender therefore may do.
//!
//! Identity is `From`, and only where a mail has exactly one with exactly one address. How sure it
//! is follows from what the site's own border host or the program itself has verified (`proof`),
//! never from what the mail claims. Together with what is on file this gives a rung of the ladder,
//! and [`LADDER`] says what each rung may do.

mod proof;
mod received;
mod results;
mod settings;

use std::fmt;

use super::facts::Facts;
use super::message::{Address, Message};
use super::site::Site;
use super::ticket::Ticket;

pub use proof::{Dmarc, Means, Proof, Sealed, Verification};
pub use settings::{Authentication, Border, Internal, Stamps};

/// How sure it is who the sender is; the higher, the more it may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rung {
    /// Nothing is known of the address, or its own domain says that the mail is not from there.
    Unknown,
    /// The address takes part in the ticket, or a contract names it; that it wrote the mail is not
    /// proven.
    KnownAddress,
    /// It is proven that the mail is from this address's domain.
    Authenticated,
    /// That is proven, and a contract on file names the address.
    NamedInContract,
    /// That is proven, and the address is that of an engineer who is active.
    Engineer,
}

/// What a sender may do to a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// Nothing beyond adding to it.
    Nothing,
    /// Bring colleagues in, whom the same contract names.
    Participants,
    /// Everything: answers go to the customer, orders are carried out.
    Everything,
}

/// What a rung may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct May {
    /// Open a ticket.
    pub open: bool,
    /// Add to a ticket in which the address takes part: its words and numbers count as the
    /// customer's. Without this they are an unconfirmed entry, for engineers to see.
    pub append: bool,
    /// Be told by the program what is on file: of its contract, and whether it is valid.
    pub see: bool,
    /// Be acknowledged in full, with the hour until which a person makes contact. Without this the
    /// acknowledgement is the neutral one.
    pub acknowledged_in_full: bool,
    /// Change a ticket.
    pub change: Change,
}

/// What each rung may do.
pub const LADDER: [(Rung, May); 5] = [
    (Rung::Unknown, may(true, false, false, false, Change::Nothing)),
    (Rung::KnownAddress, may(true, true, false, false, Change::Nothing)),
    (Rung::Authenticated, may(true, true, false, true, Change::Nothing)),
    (Rung::NamedInContract, may(true, true, true, true, Change::Participants)),
    (Rung::Engineer, may(true, true, true, true, Change::Everything)),
];

const fn may(open: bool, append: bool, see: bool, acknowledged_in_full: bool, change: Change) -> May {
    May { open, append, see, acknowledged_in_full, change }
}

impl Rung {
    /// What this rung may do.
    pub fn may(self) -> May {
        let nothing = may(false, false, false, false, Change::Nothing);
        LADDER.iter().find(|(rung, _)| *rung == self).map_or(nothing, |(_, may)| *may)
    }

    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Rung::Unknown => "unknown",
            Rung::KnownAddress => "known-address",
            Rung::Authenticated => "authenticated",
            Rung::NamedInContract => "named-in-contract",
            Rung::Engineer => "engineer",
        }
    }
}

impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Where a sender stands, and what that rests on.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Standing {
    /// The rung.
    pub rung: Rung,
    /// What was proven.
    pub proof: Proof,
}

impl fmt::Display for Standing {
    /// In one line, for the journal and for people: `authenticated (proven: dmarc)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.rung, self.proof)
    }
}

/// The sender of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// Whom `From` names.
    pub address: Address,
    /// What was proven of that.
    pub proof: Proof,
}

impl Sender {
    /// The sender of this mail; `None` where it names none. `verification` is what the program
    /// itself verified, where it did.
    pub fn of(message: &Message, verification: Option<&Verification>, site: &Site) -> Option<Sender> {
        let address = message.from.clone()?;
        let proof = proof::prove(message, verification, &site.authentication);
        Some(Sender { address, proof })
    }

    /// Where the sender stands with regard to a ticket, or to the desk as a whole where the mail is
    /// about none. `confirmed` is true where the mail brought back a token that was made for this
    /// very address: somebody there has read what we wrote to it.
    pub fn standing(&self, facts: &Facts, ticket: Option<&Ticket>, confirmed: bool, site: &Site) -> Standing {
        Standing { rung: self.rung(facts, ticket, confirmed, site), proof: self.proof.clone() }
    }

    fn rung(&self, facts: &Facts, ticket: Option<&Ticket>, confirmed: bool, site: &Site) -> Rung {
        let address = &self.address.address;
        let is_engineer = site.engineer_by_address(address).is_some_and(|engineer| engineer.active);
        let named = facts.names(address);
        match &self.proof {
            Proof::Proven { .. } if is_engineer => Rung::Engineer,
            Proof::Proven { .. } if named => Rung::NamedInContract,
            Proof::Proven { .. } => Rung::Authenticated,
            Proof::Refuted { .. } if !confirmed => Rung::Unknown,
            _ if named || ticket.is_some_and(|ticket| ticket.takes_part(address)) => Rung::KnownAddress,
            _ => Rung::Unknown,
        }
    }
}

#[cfg(test)]
mod tests;
