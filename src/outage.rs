//! What does not work at this moment, since when and why. A mailbox that does not answer stops nothing
//! else; it is remembered here, so that the health pages and the alarms can say so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tokio::sync::Notify;

/// What can fail as a whole.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "subject")]
pub enum Part {
    /// A folder of a mailbox, `support INBOX`.
    Mailbox(String),
    /// The server that takes our mail.
    Sending,
    /// The server that takes what the first does not.
    SecondRoute,
    /// The database.
    Database,
}

impl Part {
    /// A folder of a mailbox; a Maildir's has no name.
    pub fn mailbox(mailbox: &str, folder: &str) -> Part {
        Part::Mailbox(format!("{mailbox} {folder}").trim_end().to_string())
    }

    /// The stable name of its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Part::Mailbox(_) => "mailbox",
            Part::Sending => "sending",
            Part::SecondRoute => "second-route",
            Part::Database => "database",
        }
    }

    /// Which one of its kind; empty where there is only one.
    pub fn subject(&self) -> &str {
        match self {
            Part::Mailbox(subject) => subject,
            Part::Sending | Part::SecondRoute | Part::Database => "",
        }
    }

    /// The part of that name.
    pub fn named(kind: &str, subject: &str) -> Option<Part> {
        let known = [Part::Mailbox(subject.to_string()), Part::Sending, Part::SecondRoute, Part::Database];
        known.into_iter().find(|part| part.kind() == kind)
    }
}

/// A failure that lasts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Since when.
    pub since: Timestamp,
    /// The last reason, without personal data.
    pub reason: String,
    /// Whether it will not pass by itself: a refused sign-in wants a person.
    pub wants_a_person: bool,
}

impl Failure {
    /// Whether it has lasted long enough to be called an outage at this moment: servers restart, and
    /// connections break.
    pub fn is_outage(&self, patience: SignedDuration, now: Timestamp) -> bool {
        self.wants_a_person || now.duration_since(self.since) >= patience
    }
}

/// The failures that last.
#[derive(Default)]
pub struct Outages {
    failures: Mutex<BTreeMap<Part, Failure>>,
    worked: Mutex<BTreeSet<Part>>,
    /// Rings when a failure begins, changes or ends.
    pub bell: Arc<Notify>,
}

impl Outages {
    /// A part has failed, again or for the first time; whether it is the first is returned.
    pub fn failed(&self, part: Part, reason: String, wants_a_person: bool, now: Timestamp) -> bool {
        let mut failures = self.failures();
        // What stands in the database has no more digits.
        let now = Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now);
        let since = failures.get(&part).map_or(now, |failure| failure.since);
        let failure = Failure { since, reason, wants_a_person };
        let former = failures.insert(part, failure.clone());
        let is_first = former.is_none();
        if former != Some(failure) {
            self.bell.notify_one();
        }
        is_first
    }

    /// A part works. Returns what ended with that.
    pub fn works(&self, part: &Part) -> Option<Failure> {
        let ended = self.failures().remove(part);
        let is_first = self.worked.lock().unwrap_or_else(PoisonError::into_inner).insert(part.clone());
        if ended.is_some() || is_first {
            self.bell.notify_one();
        }
        ended
    }

    /// Whether a part was seen to work since the start.
    pub fn has_worked(&self, part: &Part) -> bool {
        self.worked.lock().unwrap_or_else(PoisonError::into_inner).contains(part)
    }

    /// Everything that fails at this moment.
    pub fn all(&self) -> Vec<(Part, Failure)> {
        self.failures().iter().map(|(part, failure)| (part.clone(), failure.clone())).collect()
    }

    /// Takes out what concerns parts that are not there any more, after the settings changed.
    pub fn keep(&self, is_there: impl Fn(&Part) -> bool) {
        self.failures().retain(|part, _| is_there(part));
    }

    fn failures(&self) -> std::sync::MutexGuard<'_, BTreeMap<Part, Failure>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_becomes_an_outage_when_it_lasts() {
        let outages = Outages::default();
        let began: Timestamp = "2026-11-23T08:00:00Z".parse().expect("a moment");
        let at = |minutes| began + SignedDuration::from_mins(minutes);
        let mailbox = Part::Mailbox("support INBOX".to_string());
        outages.failed(mailbox.clone(), "refused".to_string(), false, at(0));
        outages.failed(mailbox.clone(), "still refused".to_string(), false, at(3));
        let [(part, failure)] = outages.all().try_into().expect("one failure");
        assert_eq!((part, failure.since, failure.reason.as_str()), (mailbox.clone(), at(0), "still refused"));
        let patience = SignedDuration::from_mins(5);
        assert!(!failure.is_outage(patience, at(4)) && failure.is_outage(patience, at(5)));
        // A refused sign-in is one at once.
        outages.failed(mailbox.clone(), "the token is revoked".to_string(), true, at(4));
        assert!(outages.all()[0].1.is_outage(patience, at(4)));
        assert_eq!(outages.works(&mailbox).map(|ended| ended.since), Some(at(0)));
        assert_eq!((outages.works(&mailbox), outages.all().len()), (None, 0));
    }
}
