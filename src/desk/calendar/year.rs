//! A year of the calendar, for people who plan.

use jiff::civil::{Date, Time};
use jiff::{Timestamp, ToSpan};

use super::windows::{DAYS, Hours, Window};
use super::{Calendar, WindowName, holidays};

/// One year: when each window is open, and which days are off.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Year {
    /// The year.
    pub year: i16,
    /// The time zone of all local times.
    pub zone: String,
    /// Tells one state of the windows and closing days from another.
    pub version: String,
    /// The window whose days are the business days.
    pub business_window: WindowName,
    /// How many business days there are.
    pub business_days: usize,
    /// The windows.
    pub windows: Vec<WindowHours>,
    /// Holidays and closing days, by date.
    pub days_off: Vec<DayOff>,
    /// The changes of the clock.
    pub clock_changes: Vec<ClockChange>,
}

/// When a window is open.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct WindowHours {
    /// Its name.
    pub window: WindowName,
    /// `mon-fri 09:00-17:00`, or `always`.
    pub hours: Vec<String>,
    /// Whether it is open on public holidays.
    pub open_on_holidays: bool,
    /// How many hours it is open in the year.
    pub open_hours: i64,
}

/// A day that is off.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct DayOff {
    /// The day.
    pub date: Date,
    /// `mon` to `sun`.
    pub weekday: &'static str,
    /// The name of the holiday; of a closing day of the configuration, that it is one.
    pub name: String,
    /// Whether the business window would be open otherwise.
    pub closes: bool,
}

/// A change of the clock.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ClockChange {
    /// When.
    pub at: Timestamp,
    /// The local time from then on, `2026-10-25 02:00 CET`.
    pub local: String,
}

impl Calendar {
    /// A year of the calendar; `None` where no date has it.
    pub fn year_of(&self, year: i16) -> Option<Year> {
        let (first, last) = (Date::new(year, 1, 1).ok()?, Date::new(year, 12, 31).ok()?);
        let days: Vec<Date> = first.series(1.day()).take_while(|day| *day <= last).collect();
        let begin = self.instant(first.to_datetime(Time::midnight()))?;
        let end = self.instant(last.to_datetime(Time::midnight()).checked_add(1.day()).ok()?)?;
        let windows = self.rules.windows.iter().map(|(name, window)| WindowHours {
            window: name.clone(),
            hours: match window {
                Window::Always => vec!["always".to_string()],
                Window::Hours(hours) => in_words(hours),
            },
            open_on_holidays: match window {
                Window::Always => true,
                Window::Hours(hours) => !hours.closed_on_public_holidays,
            },
            open_hours: self.elapsed(begin, end, name).as_hours(),
        });
        let changes = self.rules.zone.following(begin).take_while(|change| change.timestamp() < end);
        let changes = changes.map(|change| ClockChange {
            at: change.timestamp(),
            local: self.local(change.timestamp()).0.strftime("%F %R %Z").to_string(),
        });
        Some(Year {
            year,
            zone: self.rules.zone.iana_name().unwrap_or_default().to_string(),
            version: self.version.clone(),
            business_window: self.rules.business_name.clone(),
            business_days: days.iter().filter(|day| self.is_business_day(**day)).count(),
            windows: windows.collect(),
            days_off: self.days_off(year),
            clock_changes: changes.collect(),
        })
    }

    fn is_business_day(&self, day: Date) -> bool {
        self.opening_times(&self.rules.business, day).next().is_some()
    }

    fn days_off(&self, year: i16) -> Vec<DayOff> {
        let holidays = holidays(year).into_iter().map(|(date, name)| (date, name.to_string()));
        let closing = self.closing_days.iter().filter(|day| day.year() == year);
        let closing = closing.map(|date| (*date, "closing day of the desk".to_string()));
        let mut off: Vec<(Date, String)> = holidays.chain(closing).collect();
        off.sort_by_key(|(date, _)| *date);
        let off = off.into_iter().map(|(date, name)| DayOff {
            date,
            weekday: week_day_name(date),
            closes: !super::week_day(&self.rules.business, date).is_empty() && !self.is_business_day(date),
            name,
        });
        off.collect()
    }
}

fn week_day_name(date: Date) -> &'static str {
    let day = usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or_default();
    DAYS.get(day).copied().unwrap_or_default()
}

/// The hours as the rule file writes them, days with the same hours together.
fn in_words(hours: &Hours) -> Vec<String> {
    let time = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    let mut lines: Vec<(usize, usize, String)> = Vec::new();
    for (day, spans) in hours.week.iter().enumerate().filter(|(_, spans)| !spans.is_empty()) {
        let spans: Vec<String> = spans.iter().map(|span| format!("{}-{}", time(span.start), time(span.end))).collect();
        let spans = spans.join(", ");
        match lines.last_mut() {
            Some((_, last, same)) if *last + 1 == day && *same == spans => *last = day,
            _ => lines.push((day, day, spans)),
        }
    }
    let name = |day: usize| DAYS.get(day).copied().unwrap_or_default();
    let lines = lines.into_iter().map(|(first, last, spans)| match first == last {
        true => format!("{} {spans}", name(first)),
        false => format!("{}-{} {spans}", name(first), name(last)),
    });
    lines.collect()
}
