//! What in a mail the rules for robots and people match.

use super::RobotRules;
use super::rules::Role;
use crate::desk::fold::fold;
use crate::desk::message::Message;
use crate::desk::rules::role::Matched;
use crate::desk::text::{Part, Written};

/// Characters of the sender's own text that are looked at.
const LONGEST_TEXT: usize = 20_000;

/// Characters in which words of absence or receipt stand: a note begins with them.
const BEGINNING: usize = 1_500;

/// Sentences that are looked at.
const MOST_SENTENCES: usize = 1_000;

/// Digits from which a number may be a telephone's, an extension left out.
const TELEPHONE: usize = 6;

/// What no rule knows counts from so many letters on, and from one in so many.
const UNKNOWN_LETTERS: usize = 12;
const UNKNOWN_SHARE: usize = 3;

/// Letters of a clause up to which it only goes on with the one before.
const SHORT_CLAUSE: usize = 18;

/// Letters up to which a text says nothing.
const NOTHING: usize = 3;

/// A mail's header fields, sender, subject and text, in the spelling of the rules.
pub(super) struct Marks<'a> {
    rules: &'a RobotRules,
    is_answer: bool,
    headers: Vec<String>,
    sender: String,
    /// As it is, without the signs around a tag in front, and without such tags.
    subjects: [String; 3],
    /// What the sender or its program wrote, in one line: no quote, no forward.
    text: String,
    /// What the mail says, quotes and all, where the sender's own text is empty: a desk that asks
    /// to answer above a line puts its own words below it.
    whole: String,
    /// The sentences of what was written now.
    sentences: Vec<String>,
    /// Their clauses, but for those on what to do if something happens.
    clauses: Vec<String>,
}

impl<'a> Marks<'a> {
    pub(super) fn of(message: &Message, written: &Written, is_answer: bool, rules: &'a RobotRules) -> Marks<'a> {
        let headers = message.headers.iter().map(|header| fold(&format!("{}: {}", header.name, header.value)));
        let sender = message.from.as_ref().map(|from| fold(&format!("{} <{}>", from.name, from.address)));
        let subject = fold(&message.subject);
        let mut text = String::new();
        for section in &written.sections {
            if !matches!(section.part, Part::Quote | Part::Forward) && text.len() < LONGEST_TEXT {
                in_one_line(&section.text, &mut text);
            }
        }
        let mut whole = String::new();
        if !text.contains(char::is_alphabetic) {
            written.sections.iter().for_each(|section| in_one_line(&section.text, &mut whole));
        }
        let now: String = written.text(Part::Now).chars().take(LONGEST_TEXT).collect();
        let sentences: Vec<String> = sentences(&now).into_iter().take(MOST_SENTENCES).map(fold).collect();
        let in_case = |text: &str| rules.0.is(Role::InCase, text);
        let clauses = sentences.iter().filter(|sentence| !in_case(sentence.split(',').next().unwrap_or_default()));
        let clauses = clauses.flat_map(|sentence| sentence.split(',')).filter(|clause| !in_case(clause));
        let clauses = clauses.map(str::to_string).collect();
        Marks {
            rules,
            is_answer,
            headers: headers.collect(),
            sender: sender.unwrap_or_default(),
            subjects: [
                subject.trim_start_matches(['[', '(', '*', ' ', '!', '<']).to_string(),
                without_tags(&subject).to_string(),
                subject,
            ],
            text,
            whole,
            sentences,
            clauses,
        }
    }

    /// The rule of this role that a header field matches.
    pub(super) fn header(&self, role: Role) -> Option<&'a str> {
        self.headers.iter().find_map(|line| self.first(role, line))
    }

    pub(super) fn sender(&self, role: Role) -> Option<&'a str> {
        self.first(role, &self.sender)
    }

    pub(super) fn subject(&self, role: Role) -> Option<&'a str> {
        self.subjects.iter().find_map(|subject| self.first(role, subject))
    }

    pub(super) fn text(&self, role: Role) -> Option<&'a str> {
        self.first(role, &self.text)
    }

    /// A header field by which the mail is a robot's.
    pub(super) fn robot(&self) -> Option<&'a str> {
        self.header(Role::Robot).or_else(|| self.header(Role::Mass))
    }

    /// A sign that nobody reads answers.
    pub(super) fn hint(&self) -> Option<&'a str> {
        self.header(Role::Hint).or_else(|| self.sender(Role::NoReply))
    }

    /// Words of absence or receipt in a subject that answers nothing and speaks of no fault.
    pub(super) fn absence_in_subject(&self) -> Option<&'a str> {
        if self.is_answer || self.subject(Role::NoticeSubject).or_else(|| self.subject(Role::Fault)).is_some() {
            return None;
        }
        self.subject(Role::Absence)
    }

    /// Words of absence or receipt near the beginning.
    pub(super) fn absence(&self) -> Option<&'a str> {
        let text = if self.whole.is_empty() { &self.text } else { &self.whole };
        self.first(Role::Absence, text.get(..text.floor_char_boundary(BEGINNING)).unwrap_or_default())
    }

    /// Whether somebody says that a device is broken.
    pub(super) fn has_fault(&self) -> bool {
        self.any(&self.clauses, Role::Fault) || self.subject(Role::Fault).is_some()
    }

    /// Whether the text alone says that a device is broken, or wants something. Between quotation marks a robot
    /// repeats our subject.
    pub(super) fn reports_in_text(&self) -> bool {
        let own = self.clauses.iter().map(|clause| clause.split('"').step_by(2).collect::<Vec<_>>().join(" "));
        let speaks = |clause: &str| [Role::Fault, Role::Plea].into_iter().any(|role| self.rules.0.is(role, clause));
        self.asks() || own.into_iter().any(|clause| speaks(&clause))
    }

    /// Whether a program tells of a device: it, too, may be away, closed or back.
    pub(super) fn sounds_an_alarm(&self) -> bool {
        self.text(Role::Notice).or_else(|| self.sender(Role::RobotSender)).is_some()
    }

    /// Whether the text says whom to turn to meanwhile, with a telephone or an address.
    pub(super) fn refers_to_others(&self) -> bool {
        let reaches = |sentence: &&String| {
            sentence.contains('@') || sentence.bytes().filter(u8::is_ascii_digit).count() >= TELEPHONE
        };
        self.sentences.iter().filter(reaches).any(|sentence| self.rules.0.is(Role::InCase, sentence))
    }

    /// Whether the text asks something: notes tell.
    pub(super) fn asks(&self) -> bool {
        self.clauses
            .iter()
            .any(|clause| clause.trim_end_matches([' ', '"', ')']).ends_with('?') || clause.contains("? "))
    }

    /// Whether the subject is a phrase in front of nothing: robots put ours behind a colon.
    pub(super) fn is_short_subject(&self) -> bool {
        self.subjects.iter().all(|subject| !subject.contains(':'))
    }

    /// Whether somebody wants something from us.
    pub(super) fn pleads(&self) -> bool {
        self.any(&self.sentences, Role::Plea)
    }

    pub(super) fn greets(&self) -> bool {
        self.rules.0.is(Role::Greeting, self.text.trim_start())
    }

    /// Whether the text begins as only devices and services do.
    pub(super) fn greets_as_a_program(&self) -> bool {
        self.rules.0.is(Role::ProgramGreeting, self.text.trim_start())
    }

    /// Whether the text speaks of a fault or of something that we are to do.
    pub(super) fn says_else(&self) -> bool {
        self.any(&self.clauses, Role::Fault) || self.any(&self.clauses, Role::Plea)
    }

    /// Whether the text says more than a few words that no rule knows.
    pub(super) fn says_the_unknown(&self) -> bool {
        use Role::{Absence, AbsenceSubject, Courtesy, Greeting, Notification, Reassurance, ReplySubject};
        let roles = [Absence, Reassurance, Greeting, Courtesy, Notification, ReplySubject, AbsenceSubject];
        let is_known = |clause: &str| roles.iter().any(|&role| self.rules.0.is(role, clause));
        let (mut unknown, mut goes_on) = (0, false);
        for clause in &self.clauses {
            // "as soon as possible" behind "we will answer": behind a comma a clause begins with its blank.
            let follows = clause.starts_with(' ') && clause.len() <= SHORT_CLAUSE;
            goes_on = is_known(clause) || goes_on && follows;
            unknown += if goes_on { 0 } else { clause.len() };
        }
        let all: usize = self.sentences.iter().map(String::len).sum();
        unknown >= UNKNOWN_LETTERS && unknown * UNKNOWN_SHARE > all
    }

    pub(super) fn says_nothing(&self) -> bool {
        self.text.chars().filter(|c| c.is_alphabetic()).count() <= NOTHING
    }

    /// An answer to an invitation (RFC 5546 section 3.2.3) in which nobody wrote anything.
    pub(super) fn is_calendar_reply(&self, message: &Message) -> bool {
        let calendars = message.attachments.iter().filter(|file| file.media_type == "text/calendar");
        let replies = calendars.filter(|file| fold(&file.text()).lines().any(|line| line.trim() == "method:reply"));
        replies.count() > 0 && !self.says_else() && self.sentences.len() <= 3
    }

    fn any(&self, pieces: &[String], role: Role) -> bool {
        pieces.iter().any(|piece| self.rules.0.is(role, piece))
    }

    fn first(&self, role: Role, folded: &str) -> Option<&'a str> {
        self.rules.0.first(role, folded).map(|Matched { id, .. }| id.as_str())
    }
}

/// A text cut into sentences. A full stop behind a day or a month ends none: `24. August`, `24.08. bis`.
fn sentences(text: &str) -> Vec<&str> {
    let mut sentences = Vec::new();
    let mut start = 0;
    for (at, c) in text.char_indices() {
        let ends = match c {
            '!' | '\n' | ';' => true,
            '.' => !is_in_date(text.get(..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default()),
            _ => false,
        };
        if ends {
            sentences.push(text.get(start..at).unwrap_or_default());
            start = at + c.len_utf8();
        }
    }
    sentences.push(text.get(start..).unwrap_or_default());
    sentences.into_iter().map(str::trim).filter(|sentence| !sentence.is_empty()).collect()
}

/// Whether a full stop between these is one of a date: behind one or two digits, and before what no sentence
/// begins with, or a month, which German writes with a capital.
fn is_in_date(before: &str, behind: &str) -> bool {
    const MONTHS: [&str; 14] =
        ["jan", "jän", "feb", "mär", "mar", "apr", "mai", "jun", "jul", "aug", "sep", "okt", "nov", "dez"];
    let digits = before.chars().rev().take_while(char::is_ascii_digit).count();
    let word = behind.trim_start_matches([' ', '\u{a0}']);
    let month = word.chars().take(3).collect::<String>().to_lowercase();
    let begins_none = word.starts_with(|c: char| c.is_ascii_digit() || c.is_lowercase());
    (1..=2).contains(&digits) && (begins_none || MONTHS.contains(&month.as_str()))
}

/// Adds a text in one line, folded.
fn in_one_line(text: &str, line: &mut String) {
    for word in fold(text).split_whitespace() {
        if line.len() > LONGEST_TEXT {
            return;
        }
        line.push_str(word);
        line.push(' ');
    }
}

/// A subject without tags in square brackets or between asterisks in front.
fn without_tags(subject: &str) -> &str {
    let mut rest = subject.trim_start();
    for (open, close) in [('[', ']'); 5].into_iter().chain([('*', '*')]) {
        if let Some((_, after)) = rest.strip_prefix(open).and_then(|tag| tag.split_once(close)) {
            rest = after.trim_start_matches([close, ' ', ':', '-']);
        }
    }
    rest
}
