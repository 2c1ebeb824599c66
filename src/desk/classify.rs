//! What kind of mail this is, with the rule that says so, and whether a robot may answer it.

use std::collections::BTreeSet;

use crate::desk::message::Message;
use crate::desk::rules::{RuleFault, Sources};
use crate::desk::text::Written;

/// What kind of mail this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A person writes; every doubt counts as this.
    Request,
    /// A robot's answer to a mail: an absence note, another desk's receipt.
    AutoReply,
    /// A delivery report.
    Bounce,
    /// Other automatic mail: newsletters, lists, alarms, notices.
    Bulk,
    /// Our own mail come back.
    Own,
}

/// Whether an automatic answer may go out.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Answer {
    /// True where an automatic answer may go out.
    pub send: bool,
    /// The rule that says no; `person` where nothing does.
    pub rule: String,
}

/// What was decided, and why.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Verdict {
    /// The kind of mail.
    pub kind: Kind,
    /// The id of the rule that decided; `person` where none spoke.
    pub rule: String,
    /// Whether an automatic answer may go out.
    pub answer: Answer,
}

/// How to recognise our own mail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnMarks {
    /// Our own addresses (desk, aliases, escalation), in lower case.
    pub addresses: BTreeSet<String>,
    /// True where the caller found our signature in this mail's Message-ID or marker.
    pub signed: bool,
}

/// The compiled `rules/robots.toml`.
#[derive(Clone, Debug)]
pub struct RobotRules {}

impl RobotRules {
    /// Compiles `robots.toml`.
    ///
    /// # Errors
    /// Every rule that cannot be compiled.
    pub fn compile(_sources: &Sources) -> Result<RobotRules, Vec<RuleFault>> {
        Ok(RobotRules {})
    }
}

/// Says what kind of mail this is.
pub fn classify(_message: &Message, _written: &Written, _own: &OwnMarks, _rules: &RobotRules) -> Verdict {
    let answer = Answer { send: true, rule: "person".to_string() };
    Verdict { kind: Kind::Request, rule: "person".to_string(), answer }
}
