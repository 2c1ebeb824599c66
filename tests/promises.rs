//! Clocks, states and the ladder, as transcripts in `promises/`: what people do, and below it what comes of
//! it. A clock reads `START to DUE`, a rung when it was done.

use hezo_intake::config::Config;
use hezo_intake::desk::ticket::{ClockKind, LateCause};

use crate::course::{Course, check_file, check_file_at, moment};

#[test]
fn reaction() {
    check_file(include_str!("promises/reaction.txt"));
}

#[test]
fn contracts() {
    check_file(include_str!("promises/contracts.txt"));
}

#[test]
fn delivery() {
    check_file(include_str!("promises/delivery.txt"));
}

#[test]
fn waits() {
    check_file(include_str!("promises/waits.txt"));
}

#[test]
fn states() {
    check_file(include_str!("promises/states.txt"));
}

#[test]
fn escalation() {
    check_file(include_str!("promises/escalation.txt"));
}

#[test]
fn outages() {
    check_file(include_str!("promises/outages.txt"));
}

#[test]
fn second_level() {
    let settings = |config: &mut Config| config.second_level_address = Some("dyrektor@second.example".to_string());
    check_file_at(settings, include_str!("promises/second-level.txt"));
}

#[test]
fn a_machine_that_slept_does_at_once_what_fell_due_meanwhile() {
    let course = Course::new(|_| {});
    course.tell("2026-11-23 09:00 jan writes: Biblioteka stoi.");
    course.set_time(moment("2026-11-23 09:30"));
    course.suspend_until(moment("2026-11-23 11:00"), "reaction-due");
    course.run();
    let ticket = course.ticket(course.newest());
    let reaction = ticket.clock(ClockKind::Reaction).expect("a clock");
    let late = |id: &str| {
        let rung = reaction.rungs.iter().find(|rung| rung.id == id).expect("a rung");
        rung.fired.as_ref().expect("it fired").late.as_ref().map(|late| late.cause)
    };
    let causes = ["reaction-half", "reaction-80", "reaction-due"].map(late);
    assert_eq!(causes, [None, Some(LateCause::Jumped), Some(LateCause::Jumped)]);
    let purposes = course.outbox(ticket.number).into_iter().map(|mail| mail.purpose);
    let told: Vec<String> = purposes.filter(|purpose| ["reminder", "escalation"].contains(&purpose.as_str())).collect();
    assert_eq!(told, ["reminder", "reminder", "reminder", "reminder", "escalation"]);
}
