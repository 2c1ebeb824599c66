//! Reads how long data are kept, and which are kept whatever their age.

use toml::de::DeValue;

use super::section::Section;
use super::value;
use crate::desk::ticket_number::TicketNumber;

/// How long data are kept. A full year is a whole calendar year of the desk's zone after the one in which a
/// ticket was closed: what was closed in May 2026 and is kept for three full years goes on 1 January 2030.
#[derive(Clone, Debug)]
pub struct Retention {
    /// Mails as they came and as they left.
    pub mails_full_years: u16,
    /// The names, addresses and words of closed tickets.
    pub tickets_full_years: u16,
    /// Copies of the database. Days.
    pub backups_days: u16,
    /// What is kept whatever its age, also from erasures.
    pub legal_hold: Vec<Hold>,
}

/// What is kept for a dispute or an authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hold {
    /// A ticket with its mails.
    Ticket(TicketNumber),
    /// Every ticket in which this address takes part, in lower case.
    Address(String),
}

/// Claims between businesses lapse after three years, at the end of a calendar year (Polish Civil Code,
/// article 118).
const DEFAULT_MAILS_FULL_YEARS: u16 = 3;

/// All other claims lapse after six years, likewise.
const DEFAULT_TICKETS_FULL_YEARS: u16 = 6;

/// Two weeks of nightly copies, and as much again for those that were carried away.
const DEFAULT_BACKUPS_DAYS: u16 = 35;

/// Bounds of both numbers of years.
const FULL_YEARS: (u16, u16) = (0, 50);

/// Bounds of `backups_days`.
const BACKUPS_DAYS: (u16, u16) = (1, 3650);

impl Default for Retention {
    fn default() -> Retention {
        Retention {
            mails_full_years: DEFAULT_MAILS_FULL_YEARS,
            tickets_full_years: DEFAULT_TICKETS_FULL_YEARS,
            backups_days: DEFAULT_BACKUPS_DAYS,
            legal_hold: Vec::new(),
        }
    }
}

/// Reads the section.
pub(super) fn retention(section: Section<'_>) -> Retention {
    let years = |key| section.optional(key, value::whole(FULL_YEARS.0, FULL_YEARS.1));
    let mails_full_years = years("mails_full_years").unwrap_or(DEFAULT_MAILS_FULL_YEARS);
    let tickets_full_years = years("tickets_full_years").unwrap_or(DEFAULT_TICKETS_FULL_YEARS.max(mails_full_years));
    if tickets_full_years < mails_full_years {
        let message = "is shorter than mails_full_years, and the mails hold the same names and words; write at least \
                       as many years";
        section.fault("tickets_full_years", message);
    }
    let backups_days = section.optional("backups_days", value::whole(BACKUPS_DAYS.0, BACKUPS_DAYS.1));
    let legal_hold = section.list("legal_hold", hold).unwrap_or_default();
    section.finish();
    Retention {
        mails_full_years,
        tickets_full_years,
        backups_days: backups_days.unwrap_or(DEFAULT_BACKUPS_DAYS),
        legal_hold,
    }
}

fn hold(value: &DeValue<'_>) -> Result<Hold, String> {
    let text = value::string(value, "a ticket number or an address in quotes")?;
    if text.contains('@') {
        return value::address(value).map(Hold::Address);
    }
    text.parse().map(Hold::Ticket).map_err(|error| format!("is neither a ticket number nor an address: {error}"))
}
