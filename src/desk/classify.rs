//! What kind of mail this is, with the rule that says so, and whether a robot may answer it.
//!
//! Header fields speak before words, and the words of robots before those of people: where a
//! robot shows itself by a field, it is one whatever it says; where no field speaks, it takes
//! words that people do not write, and none that people do. A doubt counts as a person: what is
//! taken for a robot's gets no ticket, what is taken for a person's only costs a look.

mod marks;
mod rules;

use std::collections::BTreeSet;

use crate::desk::bounce::{self, Bounce};
use crate::desk::extract::{Found, Numbers, Place};
use crate::desk::message::Message;
use crate::desk::text::Written;
use marks::Marks;
use rules::Role;

pub use rules::RobotRules;

/// The rule where nothing speaks against a person.
const PERSON: &str = "person";

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
    /// True where the mail came through a list, in which case it is a person's if a contract
    /// names its sender: see [`Verdict::of_named_sender`].
    #[serde(skip)]
    pub through_list: bool,
    /// Of mail under our own address: the rule by which a robot wrote it, as where a shared mailbox
    /// answers that nobody is there.
    #[serde(skip)]
    pub own_robot: Option<String>,
}

impl Verdict {
    fn new(kind: Kind, rule: &str) -> Verdict {
        let answer = Answer { send: kind == Kind::Request, rule: rule.to_string() };
        Verdict { kind, rule: rule.to_string(), answer, through_list: false, own_robot: None }
    }

    /// A person's mail, answered unless a rule withholds it.
    fn of_person(withheld_by: Option<&str>) -> Verdict {
        let answer = Answer { send: withheld_by.is_none(), rule: withheld_by.unwrap_or(PERSON).to_string() };
        Verdict { answer, ..Verdict::new(Kind::Request, PERSON) }
    }

    /// The verdict once it is known that a contract names the sender: through a list, too, it is
    /// then a person who writes to us. The list gets no answer all the same.
    pub fn of_named_sender(&self) -> Verdict {
        match self.through_list {
            true => Verdict::of_person(Some(&self.rule)),
            false => self.clone(),
        }
    }
}

/// What the caller knows that the mail alone does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnMarks {
    /// Our own addresses (desk, aliases, escalation), in lower case.
    pub addresses: BTreeSet<String>,
    /// True where our signature is in this mail's Message-ID and From is an address of ours.
    pub signed: bool,
    /// True where the mail answers one with our signature in its Message-ID.
    pub answers_ours: bool,
    /// True where the subject says that the mail answers another.
    pub is_answer: bool,
    /// True where it says so, or names a ticket of ours, or a field names the mail that is answered.
    pub answers_something: bool,
}

impl OwnMarks {
    /// Whether an address is one of ours, with or without a detail behind `+`.
    fn has(&self, address: &str) -> bool {
        let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
        let plain = local.split('+').next().unwrap_or_default();
        self.addresses.contains(address) || self.addresses.contains(&format!("{plain}@{domain}"))
    }
}

/// Says what kind of mail this is. `numbers` finds the mail's numbers; it is asked only where they
/// decide.
pub fn classify(
    message: &Message,
    written: &Written,
    bounce: Option<&Bounce>,
    own: &OwnMarks,
    numbers: &dyn Fn() -> Numbers,
    rules: &RobotRules,
) -> Verdict {
    if own.signed {
        return Verdict::new(Kind::Own, "our-signature");
    }
    if let Some(bounce) = bounce {
        return Verdict::new(Kind::Bounce, &bounce.rule);
    }
    let marks = Marks::of(message, written, own.is_answer, rules);
    let from_us = message.from.as_ref().is_some_and(|from| own.has(&from.address));
    // A form on our own pages writes under our address for the one in Reply-To.
    let for_another = message.reply_to.as_ref().is_some_and(|reply_to| !own.has(&reply_to.address));
    if from_us && !(for_another && marks.robot().is_none()) {
        let robot = answering_robot(message, &marks, own, numbers).map(|(_, rule)| rule).or_else(|| marks.robot());
        return Verdict { own_robot: robot.map(str::to_string), ..Verdict::new(Kind::Own, "our-address") };
    }
    let by_hand = is_by_hand(message) && bounce::report_type(message).is_none();
    if !by_hand && let Some((kind, rule)) = answering_robot(message, &marks, own, numbers) {
        return Verdict::new(kind, rule);
    }
    if let Some(rule) = marks.header(Role::List) {
        return through_list(rule, &marks, own, numbers);
    }
    if !by_hand && let Some(rule) = marks.robot().or_else(|| robot_by_words(&marks, numbers)) {
        return Verdict::new(Kind::Bulk, rule);
    }
    let silence = from_us.then_some("our-address").or_else(|| marks.header(Role::Silence));
    Verdict::of_person(silence.or_else(|| marks.hint()))
}

/// Whether the sender's program says that no robot wrote the mail: `Auto-Submitted: no` (RFC 3834 section 5), with or
/// without comments.
fn is_by_hand(message: &Message) -> bool {
    let Some(value) = message.header("Auto-Submitted") else { return false };
    let mut depth = 0_usize;
    let bare = value.chars().filter(|c| {
        let inside = depth > 0 || *c == '(';
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        !inside
    });
    let bare: String = bare.collect();
    bare.split(';').next().is_some_and(|keyword| keyword.trim().eq_ignore_ascii_case("no"))
}

/// A robot that answers, or reports that its mail was read.
fn answering_robot<'a>(
    message: &Message,
    marks: &Marks<'a>,
    own: &OwnMarks,
    numbers: &dyn Fn() -> Numbers,
) -> Option<(Kind, &'a str)> {
    let report = bounce::report_type(message);
    match report.as_deref() {
        Some("disposition-notification") => return Some((Kind::AutoReply, "disposition-notification")),
        Some("feedback-report") => return Some((Kind::Bulk, "feedback-report")),
        Some(_) => return Some((Kind::Bulk, "report")),
        None => {}
    }
    if let Some(rule) = marks.header(Role::AutoReply) {
        return Some((Kind::AutoReply, rule));
    }
    if marks.is_calendar_reply(message) {
        return Some((Kind::AutoReply, "calendar-reply"));
    }
    // The subject may repeat ours with the customer's numbers; only new ones speak for a person.
    let new_number = || gives(&numbers(), |found| found.place == Place::Text);
    let says_why = || marks.absence().is_some() && !marks.says_else();
    // People, too, write "out of office" and nothing else above what they report.
    let says_more = || marks.reports_in_text() || marks.says_the_unknown();
    let reports = || marks.robot().is_none() && marks.is_short_subject() && says_more();
    let answers = || !reports() && (says_why() || !new_number());
    if let Some(rule) = marks.subject(Role::ReplySubject).filter(|_| answers()) {
        return Some((Kind::AutoReply, rule));
    }
    let robot = marks.robot();
    // A device may be absent, too.
    let absence = marks.subject(Role::AbsenceSubject).filter(|_| marks.subject(Role::NoticeSubject).is_none());
    let word = match absence.or_else(|| marks.absence_in_subject().filter(|_| robot.is_none())) {
        Some(rule) if robot.is_some() => Some(rule),
        // "Out of office service not working".
        Some(_) if marks.subject(Role::Fault).is_some() => None,
        Some(rule) => {
            let marked = marks.hint().or_else(|| marks.header(Role::Silence)).is_some();
            let else_too = marks.says_else() || !marked && (marks.says_the_unknown() || marks.asks()) || new_number();
            let says_why =
                marks.absence().or_else(|| marks.text(Role::Reassurance)).is_some() || marks.refers_to_others();
            (marks.says_nothing() || says_why && !else_too).then_some(rule)
        }
        // Newsletters and notices speak of holidays and thanks too.
        None if marks.header(Role::List).is_some() || marks.subject(Role::NoticeSubject).is_some() => None,
        None if robot.is_some() => marks.absence().filter(|_| own.answers_something || !marks.sounds_an_alarm()),
        None if marks.hint().is_some() => marks.absence().filter(|_| !marks.says_else() && !new_number()),
        None => None,
    };
    word.map(|rule| (Kind::AutoReply, rule))
}

/// A mail through a list: bulk, unless it can be seen that a person writes to us.
fn through_list(rule: &str, marks: &Marks, own: &OwnMarks, numbers: &dyn Fn() -> Numbers) -> Verdict {
    let robot = marks.header(Role::Robot).or_else(|| marks.hint()).or_else(|| marks.subject(Role::NoticeSubject));
    if let Some(robot) = robot {
        return Verdict::new(Kind::Bulk, robot);
    }
    if own.answers_ours || gives(&numbers(), |found| found.place != Place::Quote) {
        return Verdict::of_person(Some(rule));
    }
    Verdict { through_list: true, ..Verdict::new(Kind::Bulk, rule) }
}

/// A robot that no header field shows.
fn robot_by_words<'a>(marks: &Marks<'a>, numbers: &dyn Fn() -> Numbers) -> Option<&'a str> {
    let by_name = marks.sender(Role::RobotSender);
    let words = [Role::Notice, Role::Notification, Role::Unsubscribe].into_iter().find_map(|role| marks.text(role));
    let first = by_name.or_else(|| marks.subject(Role::NoticeSubject)).or(words);
    first.or_else(|| marks.sender(Role::NoReply))?;
    let numbers = numbers();
    // Devices know their serial number, but no contract of ours.
    if numbers.contracts.iter().any(|found| found.place != Place::Quote) {
        return None;
    }
    let reports = marks.pleads() && marks.has_fault() && !(by_name.is_some() && marks.greets_as_a_program());
    let greets_or_pleads = marks.greets() || marks.pleads();
    let notice = marks.subject(Role::NoticeSubject).or_else(|| marks.text(Role::Notice));
    if let Some(rule) = notice
        && !(if by_name.is_some() { reports } else { greets_or_pleads })
    {
        return Some(rule);
    }
    if let Some(rule) = by_name
        && marks.subject(Role::AlarmSubject).is_some()
        && (marks.greets_as_a_program() || !(marks.pleads() || marks.greets() && marks.has_fault()))
    {
        return Some(rule);
    }
    if let Some(rule) = marks.text(Role::Notification).filter(|_| !reports) {
        return Some(rule);
    }
    let gives_number = gives(&numbers, |found| found.place != Place::Quote);
    if let Some(rule) = marks.text(Role::Unsubscribe).filter(|_| !reports && !gives_number) {
        return Some(rule);
    }
    let for_a_person = reports || gives_number && (marks.pleads() || marks.has_fault());
    marks.sender(Role::NoReply).filter(|_| !for_a_person)
}

/// Whether there is a serial or contract number of this sort.
fn gives(numbers: &Numbers, sort: impl Fn(&Found) -> bool) -> bool {
    numbers.serials.iter().chain(&numbers.contracts).any(sort)
}
