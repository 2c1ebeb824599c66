//! Mails that wait for a person, and why: what is wrong with each, until when somebody must have looked,
//! and what can be done about it.

use jiff::Timestamp;

use super::ticket_number::TicketNumber;

/// The reason why a mail waits that lies where the mail server puts what it takes for junk.
pub const JUNK_FOLDER: &str = "junk-folder";

/// Why a mail waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// It names no sender, or cannot be had or decided.
    Unreadable,
    /// It is larger, or has more of something, than the desk reads: its ticket knows the rest alone.
    OverLimit,
    /// It claims to be an engineer's, and that is not proven.
    ForgedEngineer,
    /// Its sender's own domain asks that it be refused; it is a ticket, and its sender was told nothing.
    FailedAuthentication,
    /// An engineer's answer that may not leave as it is.
    HeldAnswer,
    /// The site's filter or the mail server takes it for spam.
    Spam,
    /// Many similar ones came; they are one ticket.
    Storm,
    /// A robot's, of somebody whom no contract names.
    Bulk,
    /// Something else, as its reason says.
    Other,
}

/// A cause, as the database and lists name it.
const CAUSES: [(Cause, &str); 9] = [
    (Cause::Unreadable, "unreadable"),
    (Cause::OverLimit, "over-limit"),
    (Cause::ForgedEngineer, "forged-engineer"),
    (Cause::FailedAuthentication, "failed-authentication"),
    (Cause::HeldAnswer, "held-answer"),
    (Cause::Spam, "spam"),
    (Cause::Storm, "storm"),
    (Cause::Bulk, "bulk"),
    (Cause::Other, "other"),
];

impl Cause {
    /// The stable name.
    pub fn name(self) -> &'static str {
        CAUSES.iter().find(|(cause, _)| *cause == self).map_or("", |(_, name)| name)
    }

    /// The cause of that name.
    pub fn named(name: &str) -> Cause {
        CAUSES.iter().find(|(_, known)| *known == name).map_or(Cause::Other, |(cause, _)| *cause)
    }

    /// The cause behind a reason of the journal.
    pub fn of(reason: &str) -> Cause {
        match reason {
            "no-sender" | "cannot-be-decided" | "ends-the-program" | "the-server-refuses-it" => Cause::Unreadable,
            "empty-answer"
            | "parts-disagree"
            | "mails-of-several-customers"
            | "internal-text-in-answer"
            | "answer-too-large"
            | "ticket-takes-no-answer" => Cause::HeldAnswer,
            "takes-too-long" => Cause::OverLimit,
            "spam-header" | JUNK_FOLDER => Cause::Spam,
            "header-field-stands-twice" | "forged-reply-address" => Cause::ForgedEngineer,
            _ if reason.starts_with("order-") => Cause::HeldAnswer,
            _ if reason.starts_with("engineer-") || reason.starts_with("reply-address-") => Cause::ForgedEngineer,
            _ => Cause::Other,
        }
    }

    /// Whether the mail has a clock of its own while it waits, where it is about a ticket or about none.
    /// Spam and robots have none, and what is a ticket, or an answer on one, has the ticket's.
    pub fn has_clock(self, about_a_ticket: bool) -> bool {
        match self {
            Cause::Spam | Cause::Bulk => false,
            Cause::Unreadable | Cause::ForgedEngineer | Cause::Other => true,
            Cause::OverLimit | Cause::FailedAuthentication | Cause::HeldAnswer | Cause::Storm => !about_a_ticket,
        }
    }

    /// Whether the mail is a ticket already.
    pub fn is_ticket(self) -> bool {
        matches!(self, Cause::OverLimit | Cause::FailedAuthentication | Cause::Storm)
    }
}

/// A mail that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    /// Why, in kinds.
    pub cause: Cause,
    /// Why, as the journal says it.
    pub reason: String,
    /// Whom `From` names; empty where it names nobody.
    pub sender: String,
    /// Its subject.
    pub subject: String,
    /// Where it lies, for people.
    pub place: String,
    /// When the server received it.
    pub received: Timestamp,
    /// When it was sent, as its clock counts.
    pub sent: Timestamp,
    /// The ticket that it is about.
    pub about: Option<TicketNumber>,
    /// Its own clock.
    pub watch: Option<Watch>,
}

/// The clock of a mail that waits: the reaction time, as of any other request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watch {
    /// When a person must have looked.
    pub due: Timestamp,
    /// When the engineers are reminded.
    pub remind_at: Option<Timestamp>,
    /// When it goes to escalation.
    pub escalate_at: Option<Timestamp>,
}

/// A mail that waits, as the store knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The number under which people name it.
    pub id: i64,
    /// What waits.
    pub parked: Parked,
    /// Since when.
    pub parked_at: Timestamp,
    /// What became of it; `None` while it waits.
    pub settled: Option<Settled>,
}

/// What became of a mail that waited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// When.
    pub at: Timestamp,
    /// How.
    pub how: Settling,
    /// By whom.
    pub by: String,
    /// Why, in their words.
    pub why: String,
}

/// How a mail ceases to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Settling {
    /// It became a ticket, or went to one.
    Released,
    /// A person laid it aside.
    Discarded,
    /// The answer that it was has left in another mail.
    Answered,
}

impl Settling {
    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Settling::Released => "released",
            Settling::Discarded => "discarded",
            Settling::Answered => "answered",
        }
    }

    /// The one of that name.
    pub fn named(name: &str) -> Option<Settling> {
        [Settling::Released, Settling::Discarded, Settling::Answered].into_iter().find(|how| how.name() == name)
    }
}

/// Tells people which mail is meant: `P12`.
pub fn name(id: i64) -> String {
    format!("P{id}")
}

/// The id behind such a name, with or without the letter.
pub fn id(name: &str) -> Option<i64> {
    let digits = name.trim().trim_start_matches(['P', 'p']);
    digits.parse().ok().filter(|id| *id > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_a_name_that_leads_back() {
        for (cause, name) in CAUSES {
            assert_eq!((Cause::named(name), cause.name()), (cause, name));
        }
        assert_eq!(Cause::of("order-refused"), Cause::HeldAnswer);
        assert_eq!(Cause::of("reply-address-expired"), Cause::ForgedEngineer);
        assert_eq!(Cause::of("something-new"), Cause::Other);
    }

    #[test]
    fn a_mail_is_named_by_a_letter_and_a_number() {
        assert_eq!((id("P12"), id("12"), id("p7"), id("P"), id("-3")), (Some(12), Some(12), Some(7), None, None));
        assert_eq!(name(12), "P12");
    }
}
