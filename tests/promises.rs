//! Clocks, states and the ladder, as transcripts in `promises/`: what people do, and below it what comes of
//! it. A clock reads `START to DUE`, a rung when it was done.

use crate::course::check_file;

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
