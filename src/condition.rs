//! How the service is at this moment, written down beside the database for `status`: what stands in no database,
//! since it is this process's own (what fails, loops, counts since the start), or since the database is what fails.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::office::Office;
use crate::systemd::Manager;

/// The file within the state directory.
const FILE: &str = "condition.json";

/// A running service writes far more often than this.
pub const STALE_AFTER: SignedDuration = SignedDuration::from_secs(60);

/// How the service is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    /// When, by the machine's clock.
    pub at: Timestamp,
    /// Whether every folder was walked since the start.
    pub is_ready: bool,
    /// What does not work.
    pub outages: Vec<Outage>,
    /// How many loops run.
    pub loops: usize,
    /// The loops that should have been heard of.
    pub stuck: Vec<String>,
    /// Mails read since the start, by what kind of mail they are.
    pub mails_by_kind: BTreeMap<String, u64>,
    /// Mails on the server without a disposition, for each folder that was compared.
    pub accounting_gap: Vec<Gap>,
    /// How long the steps of a mail took, since the start.
    pub times: BTreeMap<String, Times>,
}

/// A part that does not work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outage {
    /// `mailbox`, `sending`, `second-route` or `database`.
    pub part: String,
    /// Which one of its kind; empty where there is only one.
    pub subject: String,
    /// Since when.
    pub since: Timestamp,
    /// The last reason.
    pub reason: String,
    /// Whether it will not pass by itself.
    pub wants_a_person: bool,
}

/// What a folder lacks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gap {
    /// The mailbox's name in the configuration.
    pub mailbox: String,
    /// The folder's name; empty for a Maildir.
    pub folder: String,
    /// Mails without a disposition.
    pub mails: u64,
}

/// How long a step took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Times {
    /// How many mails took it.
    pub mails: u64,
    /// In the mean. Seconds.
    pub mean_seconds: f64,
    /// At most. Seconds.
    pub longest_seconds: f64,
}

impl Condition {
    /// How the service is now.
    pub fn of(office: &Office, manager: &Manager) -> Condition {
        let outages = office.outages.all().into_iter().map(|(part, failure)| Outage {
            part: part.kind().to_string(),
            subject: part.subject().to_string(),
            since: failure.since,
            reason: failure.reason,
            wants_a_person: failure.wants_a_person,
        });
        let counted = office.metrics.counted();
        Condition {
            at: Timestamp::now(),
            is_ready: manager.is_ready(),
            outages: outages.collect(),
            loops: office.pulse.loops(),
            stuck: office.pulse.broken(Instant::now()),
            mails_by_kind: counted.kinds,
            accounting_gap: counted
                .gaps
                .into_iter()
                .map(|((mailbox, folder), mails)| Gap { mailbox, folder, mails })
                .collect(),
            times: counted.times,
        }
    }

    /// Why only a restart may help, one reason a line.
    pub fn hangs(&self) -> Vec<String> {
        self.stuck.iter().map(|name| format!("the loop {name} is stuck")).collect()
    }

    /// Why the service does not do its work at this moment, one reason a line; `moment` writes a time.
    pub fn reasons(&self, moment: impl Fn(Timestamp) -> String) -> Vec<String> {
        let mut reasons = self.hangs();
        if !self.is_ready {
            reasons.push("starting: not every folder was walked yet".to_string());
        }
        reasons.extend(self.outages.iter().map(|Outage { part, subject, since, reason, .. }| {
            let place = format!("{part} {subject}");
            format!("{} fails since {}: {reason}", place.trim_end(), moment(*since))
        }));
        reasons
    }

    /// Whether it says the same as another, written at another time.
    pub fn is_as(&self, other: &Condition) -> bool {
        Condition { at: other.at, ..self.clone() } == *other
    }

    /// Writes it down. It may be lost with the machine's power: a start writes it anew.
    ///
    /// # Errors
    /// Nothing can be written there.
    pub fn write(&self, state_dir: &Path) -> anyhow::Result<()> {
        let (path, new) = (state_dir.join(FILE), state_dir.join(format!("{FILE}.new")));
        let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(serde_json::to_string(self)?.as_bytes())?;
        Ok(std::fs::rename(new, path)?)
    }

    /// What was written last; `None` where there is nothing, or something of another version.
    pub fn read(state_dir: &Path) -> Option<Condition> {
        serde_json::from_slice(&std::fs::read(state_dir.join(FILE)).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let dir = tempfile::tempdir().expect("a folder");
        assert_eq!(Condition::read(dir.path()), None);
        let at: Timestamp = "2026-11-23T08:00:00Z".parse().expect("a moment");
        let condition = Condition {
            at,
            is_ready: true,
            outages: vec![Outage {
                part: "mailbox".to_string(),
                subject: "support INBOX".to_string(),
                since: at,
                reason: "no answer".to_string(),
                wants_a_person: false,
            }],
            loops: 4,
            stuck: Vec::new(),
            mails_by_kind: BTreeMap::from([("request".to_string(), 3)]),
            accounting_gap: Vec::new(),
            times: BTreeMap::new(),
        };
        condition.write(dir.path()).expect("the file");
        assert_eq!(Condition::read(dir.path()).as_ref(), Some(&condition));
        let reasons = condition.reasons(|at| at.to_string());
        assert_eq!(reasons, ["mailbox support INBOX fails since 2026-11-23T08:00:00Z: no answer"]);
        assert!(condition.is_as(&Condition { at: at + SignedDuration::from_secs(9), ..condition.clone() }));
        assert!(!condition.is_as(&Condition { is_ready: false, ..condition.clone() }));
    }
}
