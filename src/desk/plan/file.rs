//! Reads `plans.toml`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use jiff::civil::{DateTime, Time};
use serde::Deserialize;
use toml::Spanned;

use super::{Concern, DeliveryTime, Plan, Plans, Terms};
use crate::desk::calendar::{Calendar, WindowName};
use crate::desk::rules::{RuleFault, Sources};

/// The rule file that holds the plans.
pub(super) const FILE: &str = "plans.toml";

/// No plan may promise a later first contact (terms of service, "czas reakcji").
const LONGEST_REACTION: SignedDuration = SignedDuration::from_hours(1);

/// What the file says, checked.
pub(super) struct Written {
    pub(super) plans: BTreeMap<String, Plan>,
    pub(super) without_contract: Terms,
    pub(super) tests: Vec<Test>,
}

/// One `[[plan.test]]`, its times local.
#[derive(Clone, Debug)]
pub(super) struct Test {
    plan: String,
    written: WrittenTest,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenFile {
    without_contract: Spanned<WrittenDefault>,
    #[serde(default)]
    plan: Vec<WrittenPlan>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenDefault {
    plan: String,
    window: WindowName,
    delivery: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPlan {
    id: Spanned<String>,
    /// For the reader of the file.
    #[serde(rename = "why")]
    _why: String,
    #[serde(default)]
    windows: Vec<WindowName>,
    delivery: Vec<String>,
    cut_off: Option<Time>,
    on_site: bool,
    reaction: SignedDuration,
    question: Option<SignedDuration>,
    follow_up: SignedDuration,
    resolution: u16,
    #[serde(default)]
    test: Vec<WrittenTest>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenTest {
    why: String,
    promise: WrittenPromise,
    window: WindowName,
    delivery: Option<String>,
    start: DateTime,
    due: DateTime,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum WrittenPromise {
    Reaction,
    Question,
    FollowUp,
    Delivery,
    Resolution,
}

impl Written {
    /// Reads the file.
    ///
    /// # Errors
    /// Every fault of it.
    pub(super) fn read(sources: &Sources, calendar: &Calendar) -> Result<Written, Vec<RuleFault>> {
        let written: WrittenFile = sources.parse(FILE).map_err(|fault| vec![fault])?;
        let mut faults = Vec::new();
        let ids: BTreeSet<String> = written.plan.iter().map(|plan| plan.id.get_ref().clone()).collect();
        let (mut plans, mut tests) = (BTreeMap::new(), Vec::new());
        for plan in written.plan {
            let line = sources.line(FILE, plan.id.span().start);
            let id = plan.id.get_ref().clone();
            let mut refuse = |message: &str| faults.push(fault(Some(&id), format!("line {line}: {message}")));
            match plan.check(calendar) {
                Err(wrong) => wrong.iter().for_each(|message| refuse(message)),
                Ok(checked) => match plans.insert(id.clone(), checked) {
                    Some(_) => refuse("a second plan with this id; rename one of them"),
                    None => tests.extend(plan.test.into_iter().map(|written| Test { plan: id.clone(), written })),
                },
            }
        }
        let line = sources.line(FILE, written.without_contract.span().start);
        let default = written.without_contract.get_ref();
        // A plan that is there but faulty was told already.
        let told = ids.contains(&default.plan) && !plans.contains_key(&default.plan);
        let without_contract = match plans.get(&default.plan) {
            Some(plan) => terms(plan, &default.window, Some(&default.delivery)),
            None => Err(format!("there is no plan {}", default.plan)),
        };
        if let Err(message) = &without_contract
            && !told
        {
            faults.push(fault(None, format!("line {line}: `without_contract`: {message}")));
        }
        match without_contract {
            Ok(without_contract) if faults.is_empty() => Ok(Written { plans, without_contract, tests }),
            _ => Err(faults),
        }
    }
}

impl WrittenPlan {
    fn check(&self, calendar: &Calendar) -> Result<Plan, Vec<String>> {
        let mut wrong = Vec::new();
        if self.windows.is_empty() {
            wrong.push("no window serves this plan; add `windows = [\"8x5\"]`".to_string());
        }
        for window in self.windows.iter().filter(|window| !calendar.serves(window)) {
            let known: Vec<&str> = calendar.windows().map(WindowName::as_str).collect();
            wrong.push(format!(
                "no window {window} serves this plan; windows.toml has {}; add it there or take it out here",
                known.join(", ")
            ));
        }
        let deliveries: Vec<_> = self.delivery.iter().map(|text| text.parse::<DeliveryTime>()).collect();
        wrong.extend(
            deliveries.iter().filter_map(|read| read.as_ref().err()).map(|error| format!("`delivery`: {error}")),
        );
        let limits =
            [("reaction", Some(self.reaction)), ("question", self.question), ("follow_up", Some(self.follow_up))];
        for (key, limit) in limits {
            if limit.is_some_and(|limit| limit.as_secs() <= 0) {
                wrong.push(format!("`{key}` leaves no time; write at least a minute, as \"1m\""));
            }
        }
        if self.reaction > LONGEST_REACTION {
            wrong.push(
                "`reaction`: the terms of service promise one hour at most for every plan; write \"1h\"".to_string(),
            );
        }
        if self.resolution == 0 {
            wrong.push("`resolution` leaves no time; write at least 1 business day".to_string());
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        Ok(Plan {
            id: self.id.get_ref().clone(),
            windows: self.windows.clone(),
            deliveries: deliveries.into_iter().flatten().collect(),
            cut_off: self.cut_off,
            on_site: self.on_site,
            reaction: self.reaction,
            question: self.question.unwrap_or(self.reaction),
            follow_up: self.follow_up,
            resolution_days: self.resolution,
        })
    }
}

/// One of the forms in which a plan is sold.
fn terms(plan: &Plan, window: &WindowName, delivery: Option<&String>) -> Result<Terms, String> {
    if !plan.windows.contains(window) {
        return Err(format!("plan {} is not sold with the window {window}", plan.id));
    }
    let delivery = delivery.map(|text| text.parse::<DeliveryTime>()).transpose().map_err(|error| error.to_string())?;
    if let Some(delivery) = delivery.filter(|delivery| !plan.deliveries.contains(delivery)) {
        return Err(format!("plan {} is not sold with the delivery {delivery}", plan.id));
    }
    Ok(Terms { plan: plan.clone(), window: window.clone(), delivery, contract: None })
}

impl Test {
    /// What is wrong with it.
    pub(super) fn failure(&self, plans: &Plans, calendar: &Calendar) -> Option<RuleFault> {
        let due = self.due(plans, calendar);
        let expected = calendar.instant(self.written.due);
        if due.is_ok() && due.as_ref().ok().copied() == expected {
            return None;
        }
        let said = due.map_or_else(|message| message, |due| format!("is due {}", calendar.moment(due)));
        let message =
            format!("test \"{}\": {said}, not {}; correct the plan or the test", self.written.why, self.written.due);
        Some(fault(Some(&self.plan), message))
    }

    fn due(&self, plans: &Plans, calendar: &Calendar) -> Result<jiff::Timestamp, String> {
        let WrittenTest { promise, window, delivery, start, .. } = &self.written;
        let plan = plans.plans.get(&self.plan).ok_or("the plan is gone")?;
        let terms = terms(plan, window, delivery.as_ref())?;
        let start = calendar.instant(*start).ok_or("start is beyond the calendar")?;
        let promise = match promise {
            WrittenPromise::Reaction => plans.reaction(&[terms], start, Concern::Fault, calendar),
            WrittenPromise::Question => plans.reaction(&[terms], start, Concern::Question, calendar),
            WrittenPromise::FollowUp => plans.follow_up(&[terms], start, calendar),
            WrittenPromise::Resolution => plans.resolution(&[terms], start, calendar),
            WrittenPromise::Delivery => {
                plans.delivery(&[terms], start, None, calendar).ok_or("has no delivery time; add `delivery`")?
            }
        };
        Ok(promise.due)
    }
}

fn fault(plan: Option<&str>, message: String) -> RuleFault {
    RuleFault { file: FILE.to_string(), rule: plan.map(str::to_string), message }
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
        let faults = match Plans::compile(&sources, &calendar) {
            Ok(plans) => plans.test(&calendar),
            Err(faults) => faults,
        };
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert!(faults.len() == usize::from(!expected.is_empty()), "{faults:?}");
        assert!(faults.join("\n").contains(expected), "{faults:?} should contain {expected:?}");
    }

    #[test]
    fn a_wrong_file_is_refused_with_its_place() {
        let text = Sources::built_in().text(FILE).to_string();
        let line = |id: &str| Sources::built_in().line(FILE, text.find(id).unwrap());
        let cocare = format!("[COCARE]: line {}: no window", line(r#"id = "COCARE""#));
        for (old, new, expected) in [
            (
                "windows = [\"9x5\"]",
                "windows = [\"9x6\"]",
                format!("{cocare} 9x6 serves this plan; windows.toml has").as_str(),
            ),
            ("windows = [\"9x5\"]", "windows = []", &format!("{cocare} serves this plan")),
            ("windows = [\"9x5\"]\n", "", &format!("{cocare} serves this plan")),
            ("cut_off = \"15:00\"", "cut_off = \"25:00\"", "25:00"),
            ("cut_off = \"15:00\"", "cut_off = \"16:00\"", "test \"at the cut-off"),
            ("delivery = [\"8h\", \"NBD\"]", "delivery = [\"8h\", \"NBD\", \"soon\"]", "`soon` is no delivery time"),
            ("reaction = \"1h\"", "reaction = \"2h\"", "one hour at most"),
            ("reaction = \"1h\"", "reaction = \"0s\"", "`reaction` leaves no time"),
            ("question = \"8h\"", "question = \"-8h\"", "`question` leaves no time"),
            ("resolution = 5", "resolution = 0", "`resolution` leaves no time"),
            ("question = \"8h\"\n", "", "test \"a question asked at noon"),
            ("id = \"AHB\"", "id = \"SOS\"", "[SOS]: line"),
            ("plan = \"NONE\"", "plan = \"NOTHING\"", "`without_contract`: there is no plan NOTHING"),
            (
                "window = \"8x5\"\ndelivery = \"NBD\"\n",
                "window = \"24x7\"\ndelivery = \"NBD\"\n",
                "is not sold with the window",
            ),
            ("delivery = \"8h\"\n", "", "has no delivery time"),
            ("promise = \"question\"", "promise = \"answer\"", "answer"),
            ("on_site = true\n", "", "on_site"),
            ("on_site = true\n", "on_side = true\n", "on_side"),
            ("on_site = true\n", "on_site = false\n", ""),
        ] {
            check(old, new, expected);
        }
    }

    #[test]
    fn the_built_in_file_passes_its_tests() {
        let sources = Sources::built_in();
        let calendar = Calendar::compile(&sources, &[]).unwrap();
        assert_eq!(Plans::compile(&sources, &calendar).unwrap().test(&calendar), []);
    }
}
