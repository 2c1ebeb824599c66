//! Reads `escalation.toml`.

use std::collections::HashSet;

use jiff::SignedDuration;
use jiff::civil::{DateTime, Time};
use serde::Deserialize;
use toml::Spanned;

use super::{Audience, Ladder, LadderStep, Moment};
use crate::desk::calendar::{Calendar, WindowName};
use crate::desk::plan::{Basis, Promise};
use crate::desk::rules::{RuleFault, Sources};
use crate::desk::ticket::{Clock, ClockKind};

/// The rule file that holds the ladder.
const FILE: &str = "escalation.toml";

/// The hour of rungs that fire days before, where the file names none: the opening of 8x5.
const MORNING: Time = Time::constant(9, 0, 0, 0);

/// What the file says, checked.
pub(super) struct Written {
    pub(super) steps: Vec<LadderStep>,
    pub(super) tests: Vec<Test>,
}

/// One `[[rung.test]]`, its times local.
#[derive(Clone, Debug)]
pub(super) struct Test {
    step: String,
    written: WrittenTest,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenFile {
    #[serde(default)]
    rung: Vec<WrittenRung>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRung {
    id: Spanned<String>,
    /// For the reader of the file.
    #[serde(rename = "why")]
    _why: String,
    clock: String,
    at: String,
    hour: Option<Time>,
    #[serde(default)]
    grace: SignedDuration,
    #[serde(default)]
    tell: Vec<Audience>,
    template: Option<String>,
    #[serde(default)]
    alert: bool,
    #[serde(default)]
    second_route: bool,
    #[serde(default)]
    test: Vec<WrittenTest>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenTest {
    why: String,
    window: Option<WindowName>,
    start: DateTime,
    due: DateTime,
    at: DateTime,
}

impl Written {
    /// Reads the file.
    ///
    /// # Errors
    /// Every fault of it.
    pub(super) fn read(sources: &Sources) -> Result<Written, Vec<RuleFault>> {
        let written: WrittenFile = sources.parse(FILE).map_err(|fault| vec![fault])?;
        let mut faults = Vec::new();
        let (mut steps, mut tests, mut ids) = (Vec::new(), Vec::new(), HashSet::new());
        for rung in written.rung {
            let line = sources.line(FILE, rung.id.span().start);
            let id = rung.id.get_ref().clone();
            let mut refuse = |message: &str| faults.push(fault(&id, format!("line {line}: {message}")));
            if !ids.insert(id.clone()) {
                refuse("a second rung with this id; rename one of them");
            }
            match rung.check(sources) {
                Ok(step) => steps.push(step),
                Err(wrong) => wrong.iter().for_each(|message| refuse(message)),
            }
            tests.extend(rung.test.into_iter().map(|written| Test { step: id.clone(), written }));
        }
        if faults.is_empty() { Ok(Written { steps, tests }) } else { Err(faults) }
    }
}

impl WrittenRung {
    fn check(&self, sources: &Sources) -> Result<LadderStep, Vec<String>> {
        let mut wrong = Vec::new();
        let clock = self.clock.parse::<ClockKind>().map_err(|_| {
            let known: Vec<&str> = ClockKind::ALL.iter().map(|kind| kind.name()).collect();
            wrong.push(format!("there is no clock `{}`; there are {}", self.clock, known.join(", ")));
        });
        let moment = moment(&self.at, self.hour).map_err(|message| wrong.push(message));
        let template = self.template.clone().unwrap_or_default();
        if self.tell.is_empty() && !self.alert && !self.second_route {
            wrong.push(
                "the rung goes to nobody; add `tell = [\"engineers\"]`, `alert = true`, or take it out".to_string(),
            );
        }
        // An answer to one template goes to the customer, to another it must not.
        let kinds: HashSet<u8> = self.tell.iter().map(|audience| audience.kind()).collect();
        if kinds.len() > 1 {
            let message =
                "engineers, escalation and customers are told by one rung, with one template; make a rung of each";
            wrong.push(message.to_string());
        }
        if self.second_route && clock.as_ref().is_ok_and(|clock| *clock != ClockKind::Acknowledge) {
            wrong.push("`second_route` is for the acknowledge clock alone".to_string());
        }
        if self.grace.is_negative() {
            wrong.push("`grace` is less than nothing".to_string());
        }
        if !self.tell.is_empty() || self.alert {
            wrong.extend(self.missing_templates(&template, sources));
        }
        match (clock, moment) {
            (Ok(clock), Ok(moment)) if wrong.is_empty() => Ok(LadderStep {
                id: self.id.get_ref().clone(),
                clock,
                moment,
                grace: self.grace,
                tell: self.tell.clone(),
                template,
                alert: self.alert,
                second_route: self.second_route,
            }),
            _ => Err(wrong),
        }
    }

    fn missing_templates(&self, template: &str, sources: &Sources) -> Vec<String> {
        if template.is_empty() {
            return vec!["what are they told? Add `template`, a file of templates/ without its ending".to_string()];
        }
        let names = match self.tell.as_slice() {
            [Audience::Customer] => vec![format!("{template}.pl.txt"), format!("{template}.en.txt")],
            _ => vec![format!("{template}.txt")],
        };
        let missing = names.into_iter().filter(|name| sources.text(&format!("templates/{name}")).is_empty());
        missing.map(|name| format!("there is no templates/{name}; write it, or name another `template`")).collect()
    }
}

/// Reads `50%`, `2d before` or `4h after`.
fn moment(text: &str, hour: Option<Time>) -> Result<Moment, String> {
    let unreadable = || format!("cannot read `at = \"{text}\"`; write it like \"50%\", \"2d before\" or \"4h after\"");
    let moment = if let Some(percent) = text.strip_suffix('%') {
        let percent = percent.parse::<u16>().ok().filter(|percent| (1..=1000).contains(percent));
        Moment::Share(percent.ok_or_else(unreadable)?)
    } else if let Some(days) = text.strip_suffix("d before") {
        let days = days.parse::<u16>().ok().filter(|days| (1..=366).contains(days));
        return Ok(Moment::Before { days: days.ok_or_else(unreadable)?, hour: hour.unwrap_or(MORNING) });
    } else if let Some(amount) = text.strip_suffix(" after") {
        let amount = amount.parse::<SignedDuration>().ok().filter(|amount| amount.as_secs() > 0);
        Moment::After(amount.ok_or_else(unreadable)?)
    } else {
        return Err(unreadable());
    };
    if hour.is_some() {
        return Err("`hour` belongs to days before; take it out".to_string());
    }
    Ok(moment)
}

impl Test {
    /// What is wrong with it.
    pub(super) fn failure(&self, ladder: &Ladder, calendar: &Calendar) -> Option<RuleFault> {
        let WrittenTest { why, at: expected, .. } = &self.written;
        let fires = self.fires(ladder, calendar);
        if fires.is_some() && fires == calendar.instant(*expected) {
            return None;
        }
        let said = fires.map_or("beyond the calendar".to_string(), |at| calendar.moment(at));
        let message = format!("test \"{why}\": fires {said}, not {expected}; correct the rung or the test");
        Some(fault(&self.step, message))
    }

    fn fires(&self, ladder: &Ladder, calendar: &Calendar) -> Option<jiff::Timestamp> {
        let step = ladder.step(&self.step)?;
        let (start, due) = (calendar.instant(self.written.start)?, calendar.instant(self.written.due)?);
        let window = self.written.window.clone();
        let amount = match &window {
            Some(window) => calendar.elapsed(start, due, window),
            None => due.duration_since(start),
        };
        let promise = Promise { due, window, amount, steps: Vec::new(), basis: Basis::default() };
        Some(step.at(&Clock::new(step.clock, 1, start, "", promise, start), calendar))
    }
}

fn fault(step: &str, message: String) -> RuleFault {
    RuleFault { file: FILE.to_string(), rule: Some(step.to_string()), message }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Changes the built-in file and tells the faults and failing tests, or "" where there is none.
    fn check(old: &str, new: &str, expected: &str) {
        let mut sources = Sources::built_in();
        let text = sources.text(FILE).replacen(old, new, 1);
        assert_ne!(text, sources.text(FILE), "{old:?} is in the file");
        sources.replace(FILE, text).unwrap();
        let calendar = Calendar::compile(&sources, &[]).unwrap();
        let faults = match Ladder::compile(&sources) {
            Ok(ladder) => ladder.test(&calendar),
            Err(faults) => faults,
        };
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(faults.len(), expected.lines().count(), "{faults:?}");
        let told = faults.iter().zip(expected.lines()).all(|(fault, expected)| fault.contains(expected));
        assert!(told, "{faults:?} should contain {expected:?}");
    }

    #[test]
    fn a_wrong_file_is_refused_with_its_place() {
        let text = Sources::built_in().text(FILE).to_string();
        let line = |id: &str| Sources::built_in().line(FILE, text.find(id).unwrap());
        let nobody =
            format!("[acknowledge-half]: line {}: the rung goes to nobody", line(r#"id = "acknowledge-half""#));
        let half = "at = \"50%\"\ntell";
        let tell = "tell = [\"engineers\"]\n";
        for (old, new, expected) in [
            (tell, "", nobody.as_str()),
            (tell, "tell = []\n", &nobody),
            (tell, "tell = [\"boss\"]\n", "boss"),
            (
                "tell = [\"customer\"]",
                "tell = [\"customer\", \"engineers\"]",
                "make a rung of each\ntemplates/return-reminder.txt",
            ),
            (
                "template = \"return-reminder\"",
                "template = \"return-remainder\"",
                "templates/return-remainder.pl.txt\ntemplates/return-remainder.en.txt",
            ),
            ("template = \"reminder\"", "template = \"\"", "what are they told?"),
            ("template = \"acknowledgement-late\"\n", "", "what are they told?"),
            ("clock = \"follow-up\"", "clock = \"followup\"", "there is no clock `followup`"),
            ("at = \"75%\"\ngrace", "at = \"0%\"\ngrace", "cannot read `at = \"0%\"`"),
            ("at = \"75%\"\ngrace", "at = \"three quarters\"\ngrace", "cannot read"),
            ("at = \"75%\"\ngrace", "at = \"-5m after\"\ngrace", "cannot read"),
            ("at = \"75%\"\ngrace", "at = \"75%\"\nhour = \"09:00\"\ngrace", "`hour` belongs to days before"),
            ("at = \"75%\"\ngrace", "at = \"80%\"\ngrace", "[acknowledge-second-route]: test \"a quarter"),
            ("grace = \"3m\"", "grace = \"-3m\"", "`grace` is less than nothing"),
            ("hour = \"09:00\"\n", "hour = \"10:00\"\n", "[return-soon]: test \"in the morning"),
            ("hour = \"09:00\"\n", "", ""),
            ("id = \"reaction-80\"", "id = \"reaction-half\"", "[reaction-half]: line"),
            (half, "at = \"50%\"\nsecond_route = true\ntell", "`second_route` is for the acknowledge clock"),
        ] {
            check(old, new, expected);
        }
    }

    #[test]
    fn the_built_in_file_passes_its_tests() {
        let sources = Sources::built_in();
        let calendar = Calendar::compile(&sources, &[]).unwrap();
        assert_eq!(Ladder::compile(&sources).unwrap().test(&calendar), []);
    }
}
