//! What a site has settled, as far as the desk needs it.

use jiff::SignedDuration;

use super::budget::Budget;
use super::calendar::Calendar;
use super::engineer::Engineer;
use super::escalation::{Ladder, Level};
use super::message::{Limits, Message};
use super::plan::Plans;
use super::routing::Routing;
use super::rulebook::Rules;
use super::token::TokenKeys;
use super::trust::Authentication;

/// Everything that stays the same from one mail to the next.
pub struct Site {
    /// The desk as customers know it.
    pub identity: Identity,
    /// Who answers customers.
    pub engineers: Vec<Engineer>,
    /// The compiled files of `rules/`.
    pub rules: Rules,
    /// Service windows and holidays.
    pub calendar: Calendar,
    /// Sign reply tokens and Message-IDs.
    pub token_keys: TokenKeys,
    /// Where the token of a mail stands.
    pub reply_tokens: ReplyTokens,
    /// What counts as proof of a sender.
    pub authentication: Authentication,
    /// How much of a mail is read.
    pub limits: Limits,
    /// How the site's filter marks what it takes for spam.
    pub spam: Option<SpamHeader>,
    /// How many automatic mails may leave.
    pub budget: Budget,
    /// What each plan promises.
    pub plans: Plans,
    /// What is done about each clock, and when.
    pub ladder: Ladder,
    /// Who is told of a ticket.
    pub routing: Routing,
    /// How much earlier than its arrival a mail may claim to have been sent.
    pub max_transit: SignedDuration,
    /// Within how much of the window a person is to take an escalated ticket over.
    pub escalation_ack: SignedDuration,
    /// Where a ticket goes that nobody at escalation has taken over, in lower case.
    pub second_level_address: Option<String>,
    /// How many days after it was resolved a ticket closes by itself.
    pub close_after_days: u16,
    /// Whether there is an alert command.
    pub has_alert_command: bool,
    /// Whether there is a second way out for mail.
    pub has_second_route: bool,
}

/// How a site's filter marks what it takes for spam.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpamHeader {
    /// The field's name.
    pub name: String,
    /// What its value begins with, in any case.
    pub value: String,
}

impl SpamHeader {
    /// Whether a mail is marked so.
    pub fn matches(&self, message: &Message) -> bool {
        let begins = |value: &str| {
            value.trim_start().get(..self.value.len()).is_some_and(|start| start.eq_ignore_ascii_case(&self.value))
        };
        message.headers.iter().any(|header| header.is(&self.name) && begins(header.undecoded()))
    }
}

/// Where the token stands that an answer brings back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyTokens {
    /// In the address that answers go to, after a `+`.
    Plus,
    /// In the Message-ID, for a host that does not deliver `desk+anything`.
    MessageId,
}

/// The desk as customers know it.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Shown as the sender's name.
    pub name: String,
    /// The address customers write to; also the sender of every mail. In lower case.
    pub address: String,
    /// Other addresses under which the desk receives mail, in lower case.
    pub aliases: Vec<String>,
    /// Where overdue tickets go, in lower case.
    pub escalation_address: String,
    /// The telephone of the desk.
    pub phone: String,
    /// The telephone for escalations.
    pub escalation_phone: String,
    /// The portal, as customers type it.
    pub portal: String,
}

impl Identity {
    /// The domain of the desk's address.
    pub fn domain(&self) -> &str {
        self.address.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

impl Site {
    /// The engineer who has this address.
    pub fn engineer_by_address(&self, address: &str) -> Option<&Engineer> {
        self.engineers.iter().find(|engineer| engineer.address.eq_ignore_ascii_case(address))
    }

    /// Where an escalated ticket goes; the second level only where there is one.
    pub fn escalation_address(&self, level: Level) -> Option<&str> {
        match level {
            Level::First => Some(&self.identity.escalation_address),
            Level::Second => self.second_level_address.as_deref(),
        }
    }

    /// Whether an address is one of the desk's own or an engineer's.
    pub fn is_internal(&self, address: &str) -> bool {
        let Identity { address: desk, aliases, escalation_address, .. } = &self.identity;
        let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
        let plain = format!("{}@{domain}", local.split('+').next().unwrap_or_default());
        let own = aliases.iter().chain([desk, escalation_address]).chain(&self.second_level_address);
        let is_own = own.into_iter().any(|own| own.eq_ignore_ascii_case(address) || own.eq_ignore_ascii_case(&plain));
        is_own || self.engineer_by_address(address).is_some()
    }

    /// The engineer with this id.
    pub fn engineer(&self, id: &str) -> Option<&Engineer> {
        self.engineers.iter().find(|engineer| engineer.id == id)
    }

    /// Those who are written to.
    pub fn active_engineers(&self) -> impl Iterator<Item = &Engineer> {
        self.engineers.iter().filter(|engineer| engineer.active)
    }
}
