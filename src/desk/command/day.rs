//! Days and times as people write them in a line.

use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Time, Weekday};

use super::rules::Words;
use crate::desk::fold::fold;

/// To which side a day without a year, or a day of the week, is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// What is over.
    Back,
    /// What lies ahead.
    Ahead,
}

/// A moment that fills the whole text, in local time: a time of today, or a day with one.
pub(super) fn moment(text: &str, now: DateTime, direction: Direction, words: &Words) -> Option<DateTime> {
    let tokens: Vec<String> = tokens(text);
    let (read, rest) = read(&tokens, now.date(), direction, words);
    let (day, time) = read?;
    (rest.is_empty()).then(|| day.to_datetime(time.unwrap_or(Time::midnight()))).filter(|_| time.is_some())
}

/// A day, perhaps with a time, and the rest of a text.
pub(super) type Until<'a> = (Option<(Date, Option<Time>)>, &'a str);

/// `until DAY [TIME] [reason]`: the day and time, and the rest of the text as it was written. Without a
/// day all is the reason; `None` where an `until` has no day, or a time that is none.
pub(super) fn until<'a>(text: &'a str, now: DateTime, words: &Words) -> Option<Until<'a>> {
    let tokens: Vec<String> = tokens(text);
    let begins = tokens.first().is_some_and(|first| words.until.contains(first));
    let after = if begins { tokens.get(1..).unwrap_or_default() } else { &tokens };
    let (read, rest) = read(after, now.date(), Direction::Ahead, words);
    // Without `until`, a day says so by itself; a time or a number may be part of the reason.
    let Some((day, time)) = read.filter(|_| begins || after.first().is_some_and(|first| first.len() > 5)) else {
        return (!begins).then_some((None, text));
    };
    let used = tokens.len() - rest.len();
    let reason = text.split_whitespace().nth(used).and_then(|word| Some(text.get(place(text, word)..)?.trim()));
    let reason = reason.unwrap_or_default();
    let is_a_time = |word: &str| word.split_once(':').is_some_and(|(hour, _)| hour.bytes().all(|b| b.is_ascii_digit()));
    let spoilt = time.is_none() && reason.split_whitespace().next().is_some_and(is_a_time);
    (!spoilt).then_some((Some((day, time)), reason))
}

/// Where a word of a text begins.
fn place(text: &str, word: &str) -> usize {
    (word.as_ptr() as usize).saturating_sub(text.as_ptr() as usize)
}

fn tokens(text: &str) -> Vec<String> {
    text.split_whitespace().map(|word| fold(word).trim_end_matches(',').to_string()).collect()
}

type Read<'a> = (Option<(Date, Option<Time>)>, &'a [String]);

/// A day, a time, or both, at the beginning, and what is left.
fn read<'a>(tokens: &'a [String], today: Date, direction: Direction, words: &Words) -> Read<'a> {
    let mut rest = tokens;
    let (mut day, mut at) = (None, None);
    loop {
        while let Some((first, more)) = rest.split_first()
            && words.at.contains(first)
            && !more.is_empty()
        {
            rest = more;
        }
        let Some(first) = rest.first() else { break };
        if at.is_none()
            && let Some(found) = time(first)
        {
            (at, rest) = (Some(found), rest.get(1..).unwrap_or_default());
        } else if day.is_none()
            && let Some((found, used)) = date(rest, today, direction, words)
        {
            (day, rest) = (Some(found), rest.get(used..).unwrap_or_default());
        } else if day.is_none()
            && at.is_none()
            && let Some((found, found_at)) =
                first.split_once('t').and_then(|(day, at)| Some((day.parse().ok()?, time(at)?)))
        {
            (day, at, rest) = (Some(found), Some(found_at), rest.get(1..).unwrap_or_default());
        } else {
            break;
        }
    }
    match (day, at) {
        (None, None) => (None, tokens),
        (day, at) => (Some((day.unwrap_or(today), at)), rest),
    }
}

/// `9:25`, `09:25`.
fn time(token: &str) -> Option<Time> {
    let (hour, minute) = token.split_once(':')?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let fits = (1..=2).contains(&hour.len()) && minute.len() == 2 && digits(hour) && digits(minute);
    fits.then(|| Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()).flatten()
}

/// A day, and how many tokens it took.
fn date(tokens: &[String], today: Date, direction: Direction, words: &Words) -> Option<(Date, usize)> {
    let first = tokens.first()?;
    let is = |known: &[String]| known.contains(first);
    let days = &words.days;
    if let Ok(day) = first.parse::<Date>() {
        return (first.len() == 10).then_some((day, 1));
    }
    let named = [(&days.yesterday, -1), (&days.today, 0), (&days.tomorrow, 1), (&days.after_tomorrow, 2)];
    if let Some((_, ahead)) = named.iter().find(|(known, _)| is(known)) {
        return Some((today.checked_add(ahead.days()).ok()?, 1));
    }
    if let Some(index) = days.weekdays.iter().position(|known| is(known)) {
        let weekday = Weekday::from_monday_zero_offset(i8::try_from(index).ok()?).ok()?;
        let sign = if direction == Direction::Ahead { 1 } else { -1 };
        return Some((today.nth_weekday(sign, weekday).ok()?, 1));
    }
    // 25.11.2026, 25.11.26, 25.11., 25.11
    let numbers: Option<Vec<i16>> = first.trim_end_matches('.').split('.').map(|part| part.parse().ok()).collect();
    match numbers.as_deref() {
        Some([day, month]) => return Some((nearest(*day, *month, today, direction)?, 1)),
        Some([day, month, year]) => return Some((civil(*day, *month, full(*year))?, 1)),
        _ => {}
    }
    // 25 listopada, 25 listopada 2026
    let day = first.trim_end_matches('.').parse().ok()?;
    let second = tokens.get(1)?;
    let month = days.months.iter().position(|known| known.contains(second))?;
    let month = i16::try_from(month + 1).ok()?;
    match tokens.get(2).and_then(|year| year.parse::<i16>().ok()).filter(|year| *year > 2000) {
        Some(year) => Some((civil(day, month, year)?, 3)),
        None => Some((nearest(day, month, today, direction)?, 2)),
    }
}

fn full(year: i16) -> i16 {
    if (0..100).contains(&year) { 2000 + year } else { year }
}

fn civil(day: i16, month: i16, year: i16) -> Option<Date> {
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// The nearest such day on that side of today, today included.
fn nearest(day: i16, month: i16, today: Date, direction: Direction) -> Option<Date> {
    let this_year = civil(day, month, today.year());
    let other = |years: i16| civil(day, month, today.year().checked_add(years)?);
    match direction {
        Direction::Ahead => this_year.filter(|day| *day >= today).or_else(|| other(1)),
        Direction::Back => this_year.filter(|day| *day <= today).or_else(|| other(-1)),
    }
}
