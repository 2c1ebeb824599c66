//! The rules of `robots.toml`.

use serde::Deserialize;

use crate::desk::rules::role::RoleRules;
use crate::desk::rules::{RuleFault, Sources};

const FILE: &str = "robots.toml";

/// The compiled `rules/robots.toml`.
#[derive(Clone, Debug)]
pub struct RobotRules(pub(super) RoleRules<Role>);

/// What a text is where a rule matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Role {
    /// A header field of a robot's answer.
    AutoReply,
    /// A header field of a robot.
    Robot,
    /// A header field of mail that was sent to many.
    Mass,
    /// A header field of mail whose answers nobody reads.
    Hint,
    /// A header field of lists.
    List,
    /// A header field that asks for silence.
    Silence,
    /// A sender that says that nobody reads answers.
    NoReply,
    /// A sender with a robot's name.
    RobotSender,
    /// What only programs write in front of a subject when they answer.
    ReplySubject,
    /// A subject with words of absence or receipt.
    AbsenceSubject,
    /// A subject that only monitoring and notifying programs write.
    NoticeSubject,
    /// A subject of alarms and of people.
    AlarmSubject,
    /// Words of absence or receipt.
    Absence,
    /// What notes of absence or receipt say besides, and people say, too.
    Reassurance,
    /// Words that only monitoring programs and devices write.
    Notice,
    /// Words that programs write to their users.
    Notification,
    /// How to leave a mailing.
    Unsubscribe,
    /// Words of somebody whose device is broken.
    Fault,
    /// Words of somebody who wants something from us.
    Plea,
    /// How people begin.
    Greeting,
    /// How devices and services begin that know no name.
    ProgramGreeting,
    /// Salutations and closes, which say nothing of their own.
    Courtesy,
    /// Begins a sentence about what to do if something happens.
    InCase,
}

impl RobotRules {
    /// Compiles `robots.toml`.
    ///
    /// # Errors
    /// Every rule that cannot be compiled.
    pub fn compile(sources: &Sources) -> Result<RobotRules, Vec<RuleFault>> {
        RoleRules::compile(FILE, sources).map(RobotRules)
    }

    /// Runs the tests that stand beside the rules.
    pub fn test(sources: &Sources) -> Vec<RuleFault> {
        RoleRules::<Role>::test(FILE, sources)
    }
}
