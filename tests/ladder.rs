//! Every rung of the ladder: not before its time, at its time, once, whatever ends the program in between.

use crate::course;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use std::{fs, io};

use crate::course::Course;
use hezo_intake::config::{AlertCommand, Config, Outgoing};
use hezo_intake::desk::message::Message;
use hezo_intake::desk::rulebook::Rulebook;
use hezo_intake::desk::rules::Sources;
use hezo_intake::desk::ticket::{Fired, LateCause};
use jiff::{SignedDuration, Timestamp};

/// A rung, the course of a ticket up to it, and what it does.
struct Case {
    rung: &'static str,
    before: &'static str,
    /// Local time.
    at: &'static str,
    mails: &'static [&'static str],
    alerts: usize,
    outgoing: Way,
}

/// Whether mail leaves.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Open,
    Closed,
    SecondOpen,
}

const REMINDERS: &[&str] = &["reminder", "reminder"];

const SENT: &str = "2026-11-20 16:40 jan writes: Biblioteka stoi.";

const ACCEPTED: &str = "\
2026-11-20 09:30 jan writes: Biblioteka stoi. Nr seryjny: B824100317. Umowa serwisowa nr H-2026-00008.
2026-11-20 09:40 anna: Proszę o log.
2026-11-20 10:00 do: accept";

const SENT_BACK: &str = "\
2026-11-23 09:10 jan writes: Biblioteka stoi. Nr seryjny: B824100317. Umowa serwisowa nr H-2026-00008.
2026-11-23 09:20 anna: Wyślemy część.
2026-11-23 09:30 do: accept
2026-11-23 09:40 do: delivered
2026-11-23 10:00 do: waybill 123";

const CASES: [Case; 13] = [
    Case {
        rung: "acknowledge-half",
        before: "2026-11-22 23:00 jan writes: Biblioteka stoi.",
        at: "2026-11-22 23:30",
        mails: REMINDERS,
        alerts: 0,
        outgoing: Way::Closed,
    },
    Case {
        rung: "acknowledge-second-route",
        before: "2026-11-22 23:00 jan writes: Biblioteka stoi.",
        at: "2026-11-22 23:45",
        mails: &[],
        alerts: 0,
        outgoing: Way::SecondOpen,
    },
    Case {
        rung: "acknowledge-alert",
        before: "2026-11-22 23:00 jan writes: Biblioteka stoi.",
        at: "2026-11-22 23:54",
        mails: REMINDERS,
        alerts: 1,
        outgoing: Way::Closed,
    },
    Case {
        rung: "reaction-half",
        before: SENT,
        at: "2026-11-23 09:10",
        mails: REMINDERS,
        alerts: 0,
        outgoing: Way::Open,
    },
    Case {
        rung: "reaction-80",
        before: SENT,
        at: "2026-11-23 09:28",
        mails: REMINDERS,
        alerts: 0,
        outgoing: Way::Open,
    },
    Case {
        rung: "reaction-due",
        before: SENT,
        at: "2026-11-23 09:40",
        mails: &["escalation"],
        alerts: 1,
        outgoing: Way::Open,
    },
    Case {
        rung: "follow-up-due",
        before: "2026-11-20 14:00 jan writes: Biblioteka stoi.
2026-11-20 14:10 anna: Proszę o log.
2026-11-20 15:00 jan answers: Oto log.",
        at: "2026-11-23 11:00",
        mails: &["escalation"],
        alerts: 0,
        outgoing: Way::Open,
    },
    Case {
        rung: "delivery-75",
        before: ACCEPTED,
        at: "2026-11-23 13:15",
        mails: REMINDERS,
        alerts: 0,
        outgoing: Way::Open,
    },
    Case {
        rung: "delivery-due",
        before: ACCEPTED,
        at: "2026-11-23 17:00",
        mails: &["escalation"],
        alerts: 1,
        outgoing: Way::Open,
    },
    Case {
        rung: "return-soon",
        before: SENT_BACK,
        at: "2026-11-28 09:00",
        mails: &["customer-reminder"],
        alerts: 0,
        outgoing: Way::Open,
    },
    Case {
        rung: "return-due",
        before: SENT_BACK,
        at: "2026-11-30 23:59:59",
        mails: REMINDERS,
        alerts: 0,
        outgoing: Way::Open,
    },
    Case {
        rung: "resolution-due",
        before: "2026-11-20 14:50 jan writes: Biblioteka stoi.
2026-11-20 15:00 anna: Proszę o log.",
        at: "2026-11-27 17:00",
        mails: &["escalation"],
        alerts: 0,
        outgoing: Way::Open,
    },
    Case {
        rung: "hand-over-due",
        before: SENT,
        at: "2026-11-23 10:10",
        mails: &["escalation"],
        alerts: 1,
        outgoing: Way::Open,
    },
];

#[test]
fn every_rung_of_the_ladder_has_its_case() {
    let rulebook = Rulebook::compile(&Sources::built_in(), &[]).expect("the built-in rules compile");
    let rungs: Vec<&str> = rulebook.ladder.steps().iter().map(|step| step.id.as_str()).collect();
    let cases: Vec<&str> = CASES.iter().map(|case| case.rung).collect();
    assert_eq!(rungs, cases);
}

#[test]
fn acknowledge() {
    check("acknowledge-");
}

#[test]
fn reaction() {
    check("reaction-");
}

#[test]
fn follow_up() {
    check("follow-up-");
}

#[test]
fn delivery() {
    check("delivery-");
}

#[test]
fn return_of_device() {
    check("return-");
}

#[test]
fn resolution() {
    check("resolution-");
}

#[test]
fn hand_over() {
    check("hand-over-");
}

fn check(rungs: &str) {
    for case in CASES.iter().filter(|case| case.rung.starts_with(rungs)) {
        println!("{}", case.rung);
        fires_once_at_its_time_and_survives_a_crash_behind_it(case);
        fires_late_after_a_crash_before_it(case);
    }
}

/// The program ends between the commit and the sending: what was decided leaves after the next start, once.
fn fires_once_at_its_time_and_survives_a_crash_behind_it(case: &Case) {
    let (course, at) = (Stage::of(case), course::moment(case.at));
    course.work_until(second_before(at));
    course.run();
    assert_eq!(course.fired(case.rung), None, "{} fires before its time", case.rung);
    let mails = course.mails();
    let alerts = course.alerts();
    course.set_time(at);
    course.act_on_due();
    course.start_again();
    let fired = course.fired(case.rung).expect("it fires at its time");
    assert_eq!(fired.late, None, "{} is in time", case.rung);
    course.run();
    course.run();
    course.start_again();
    course.run();
    assert_eq!(course.fired(case.rung), Some(fired), "{} fires once", case.rung);
    assert_eq!(new(&mails, &course.mails()), case.mails, "the mails of {}", case.rung);
    assert_eq!(course.alerts() - alerts, case.alerts, "the alerts of {}", case.rung);
    if case.outgoing == Way::SecondOpen {
        assert!(course.second_route().contains(&"jan@kunde.example".to_string()), "the acknowledgement has left");
    }
}

/// The program ends a second before, and starts five minutes after.
fn fires_late_after_a_crash_before_it(case: &Case) {
    let (course, at) = (Stage::of(case), course::moment(case.at));
    course.work_until(second_before(at));
    course.run();
    let (mails, late) = (course.mails(), course.late());
    course.set_time(at.checked_add(SignedDuration::from_mins(5)).expect("a moment"));
    course.start_again();
    course.run();
    course.run();
    let lateness = course.fired(case.rung).and_then(|fired| fired.late).expect("it fires late");
    assert_eq!(lateness.cause, LateCause::Stopped, "{}", case.rung);
    assert!((300..330).contains(&lateness.seconds), "{} is {} s late", case.rung, lateness.seconds);
    assert_eq!(new(&mails, &course.mails()), case.mails, "the mails of {}", case.rung);
    // Customers are not told of it.
    let internal = case.mails.iter().filter(|purpose| **purpose != "customer-reminder").count();
    if case.outgoing == Way::Open {
        assert_eq!(course.late() - late, internal, "{} says how late it is, and why", case.rung);
    }
}

fn second_before(at: Timestamp) -> Timestamp {
    at.checked_sub(SignedDuration::from_secs(1)).expect("a moment")
}

/// Which mails there are more than before, by purpose.
fn new(before: &[String], after: &[String]) -> Vec<String> {
    let mut left = before.to_vec();
    let more = after.iter().filter(|purpose| match left.iter().position(|known| known == *purpose) {
        Some(known) => {
            left.remove(known);
            false
        }
        None => true,
    });
    more.cloned().collect()
}

/// A course with an alert command, a second level and the way out that the case wants, told up to the case.
struct Stage(Course);

impl std::ops::Deref for Stage {
    type Target = Course;

    fn deref(&self) -> &Course {
        &self.0
    }
}

impl Stage {
    fn of(case: &Case) -> Stage {
        let settings = |config: &mut Config| {
            let folder = config.state_dir.parent().expect("a folder").to_path_buf();
            config.second_level_address = Some("dyrektor@second.example".to_string());
            config.alert = Some(AlertCommand {
                program: "/bin/sh".into(),
                arguments: vec!["-c".to_string(), format!("cat >>'{0}/alerts'; echo >>'{0}/alerts'", folder.display())],
                time_limit: Duration::from_secs(10),
            });
            if case.outgoing != Way::Open {
                fs::write(folder.join("closed"), "").expect("a file");
                config.outgoing = Outgoing::Maildir(folder.join("closed/outgoing"));
            }
            if case.outgoing == Way::SecondOpen {
                config.fallback = Some(Outgoing::Maildir(folder.join("second")));
            }
        };
        let stage = Stage(Course::new(settings));
        stage.tell(case.before);
        stage
    }

    /// How the rung fired, on the only ticket.
    fn fired(&self, rung: &str) -> Option<Fired> {
        let ticket = self.ticket(self.newest());
        let found = ticket.clocks.iter().flat_map(|clock| &clock.rungs).find(|known| known.id == rung);
        found.and_then(|rung| rung.fired.clone())
    }

    fn mails(&self) -> Vec<String> {
        self.outbox(self.newest()).into_iter().map(|mail| mail.purpose).collect()
    }

    fn alerts(&self) -> usize {
        let text = fs::read_to_string(self.folder().join("alerts")).unwrap_or_default();
        let ids: Vec<String> = text
            .lines()
            .filter(|line| !line.is_empty())
            .map(|line| {
                let alert: serde_json::Value = serde_json::from_str(line).expect("a JSON value a line");
                assert!(!alert["text"].as_str().expect("a text").is_empty());
                alert["id"].as_str().expect("an id").to_string()
            })
            .collect();
        let mut counts: BTreeMap<&String, usize> = BTreeMap::new();
        ids.iter().for_each(|id| *counts.entry(id).or_default() += 1);
        assert!(counts.values().all(|count| *count == 1), "each alert once: {counts:?}");
        ids.len()
    }

    /// How many mails that left say that they are late.
    fn late(&self) -> usize {
        let texts = left(&self.folder().join("outgoing")).into_iter().filter_map(|mail| mail.plain);
        texts.filter(|text| text.contains("min po czasie: program nie działał")).count()
    }

    /// To whom mail left by the second way.
    fn second_route(&self) -> Vec<String> {
        left(&self.folder().join("second")).into_iter().flat_map(|mail| mail.to).map(|to| to.address).collect()
    }
}

fn left(maildir: &Path) -> Vec<Message> {
    let entries = fs::read_dir(maildir.join("new")).into_iter().flatten();
    let raw: io::Result<Vec<Vec<u8>>> = entries.map(|entry| fs::read(entry?.path())).collect();
    raw.expect("the mails").iter().map(|raw| Message::parse(raw)).collect()
}
