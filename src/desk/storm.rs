//! Many similar requests of one sender: one ticket with a counter, not a hundred tickets.
//!
//! A monitoring system that repeats its alarm, a script gone wild, or somebody who wants to bury the
//! desk. No mail is dropped: each is kept and added to the one ticket.

use std::collections::BTreeSet;

use super::ticket_number::TicketNumber;

/// Of a sender whom no contract names, so many times the limit fold however different they are: who
/// varies every word means harm.
const UNSIMILAR_FACTOR: usize = 5;

/// Two texts are similar that have four of five words in common.
const SIMILAR_OF_FIVE: usize = 4;

/// A ticket that the sender opened or added to within the last hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recent {
    /// Its number.
    pub ticket: TicketNumber,
    /// Its subject.
    pub subject: String,
    /// The text of its first mail.
    pub text: String,
    /// Its serial and contract numbers.
    pub numbers: Vec<String>,
    /// Whether a mail was folded into it.
    pub folded: bool,
}

/// A further request.
#[derive(Clone, Copy, Debug)]
pub struct Another<'a> {
    /// Its subject.
    pub subject: &'a str,
    /// What was written now.
    pub text: &'a str,
    /// Whether a contract on file names its sender.
    pub named: bool,
    /// Its serial and contract numbers.
    pub numbers: &'a [&'a str],
}

/// How many of a sender's recent tickets have to be looked at to tell a storm.
pub fn tickets_to_look_at(limit: u32) -> u32 {
    limit.saturating_mul(u32::try_from(UNSIMILAR_FACTOR).unwrap_or(u32::MAX))
}

/// The ticket that the request is folded into; `None` where it is one of its own. `recent` is the
/// newest first, `limit` how many similar ones are tickets of their own.
pub fn folds_into<'a>(recent: &'a [Recent], another: &Another, limit: usize) -> Option<&'a Recent> {
    let words = words(another.subject, another.text);
    let similar: Vec<&Recent> =
        recent.iter().filter(|one| alike(&words, &self::words(&one.subject, &one.text))).collect();
    // Who reports a dozen devices one by one writes the same words a dozen times.
    let known = |number: &&str| recent.iter().any(|one| one.numbers.iter().any(|known| known == number));
    let many = similar.len() >= limit || similar.iter().any(|one| one.folded);
    let storm = many && another.numbers.iter().all(known);
    let flood = !another.named && recent.len() >= limit.saturating_mul(UNSIMILAR_FACTOR);
    let into = |tickets: &[&'a Recent]| {
        let folded = tickets.iter().copied().find(|one| one.folded);
        folded.or(tickets.first().copied())
    };
    match (storm, flood) {
        (true, _) => into(&similar),
        (false, true) => into(&recent.iter().collect::<Vec<_>>()),
        (false, false) => None,
    }
}

/// The words of a text without those that hold a digit: counters, times and numbers change from one
/// mail of a robot to the next.
fn words(subject: &str, text: &str) -> BTreeSet<String> {
    let words = subject.split_whitespace().chain(text.split_whitespace());
    let words = words.map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase());
    words.filter(|word| !word.is_empty() && !word.contains(|c: char| c.is_numeric())).collect()
}

fn alike(one: &BTreeSet<String>, other: &BTreeSet<String>) -> bool {
    let common = one.intersection(other).count();
    let all = one.len() + other.len() - common;
    common * 5 >= all * SIMILAR_OF_FIVE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recent(sequence: u32, subject: &str, text: &str, folded: bool) -> Recent {
        let (subject, text) = (subject.to_string(), text.to_string());
        Recent { ticket: TicketNumber::new(2026, sequence), subject, text, numbers: vec!["B1".to_string()], folded }
    }

    /// The sequence number of the ticket that the request is folded into, with a limit of 3.
    #[track_caller]
    fn check(recent: &[Recent], subject: &str, text: &str, named: bool, number: &str, expected: Option<u32>) {
        let found = folds_into(recent, &Another { subject, text, named, numbers: &[number] }, 3);
        assert_eq!(found.map(|one| one.ticket.sequence()), expected, "{subject}: {text}");
    }

    #[test]
    fn similar_mails_fold_and_others_do_not() {
        let alarm = |sequence: u32, folded: bool| {
            let text = format!("Dysk {sequence} na serwerze db{sequence} nie odpowiada od godziny 10:0{sequence}.");
            recent(sequence, &format!("ALARM {sequence}: dysk"), &text, folded)
        };
        let three = [alarm(3, false), alarm(2, false), alarm(1, false)];
        let text = "Dysk 9 na serwerze db9 nie odpowiada od godziny 11:09.";
        check(&three, "ALARM 9: dysk", text, true, "B1", Some(3));
        check(&three[..2], "ALARM 9: dysk", text, true, "B1", None);
        check(&[alarm(3, true)], "ALARM 9: dysk", text, true, "B1", Some(3));
        check(&three, "ALARM 9: dysk", text, true, "B2", None);
        check(&three, "ALARM 9: dysk", text, false, "B2", None);
        check(&three, "Awaria biblioteki", "Biblioteka nie oddaje taśmy, proszę o pomoc.", true, "B1", None);
        let mixed = [alarm(6, false), recent(5, "x", "y", false), alarm(4, true), alarm(3, false), alarm(2, false)];
        check(&mixed, "ALARM 9: dysk", text, true, "B1", Some(4));
        check(
            &[recent(1, "", "", false), recent(2, "", "", false), recent(3, "1", "2", false)],
            "",
            "",
            true,
            "B1",
            Some(1),
        );
    }

    #[test]
    fn a_flood_of_a_stranger_folds_however_different() {
        let letter = |n: u32| char::from(b'a' + n as u8).to_string();
        let flood: Vec<Recent> = (0..15).map(|n| recent(n, &letter(n), &letter(n), false)).collect();
        check(&flood, "z", "z", false, "B2", Some(0));
        check(&flood[..14], "z", "z", false, "B2", None);
        check(&flood, "z", "z", true, "B1", None);
    }
}
