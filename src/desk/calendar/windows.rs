//! `rules/windows.toml`: read, checked, and every fault of it told at once.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use jiff::SignedDuration;
use jiff::civil::DateTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde::Deserialize;
use toml::Spanned;

use crate::desk::rules::{RuleFault, Sources};

/// The rule file that holds the service windows.
pub(super) const FILE: &str = "windows.toml";

/// The days of a week, Monday first, as the file writes them.
pub(super) const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// The name of a service window, such as `8x5`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, Deserialize)]
#[serde(transparent)]
pub struct WindowName(String);

impl WindowName {
    /// A name as contracts and plans write it. Whether such a window exists is for
    /// [`Calendar::serves`](super::Calendar::serves) to say.
    pub fn new(name: impl Into<String>) -> WindowName {
        WindowName(name.into())
    }

    /// The name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WindowName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the file says, checked.
#[derive(Clone, Debug)]
pub(super) struct Windows {
    pub(super) zone: TimeZone,
    pub(super) windows: BTreeMap<WindowName, Window>,
    /// The hours whose days are the business days.
    pub(super) business: Hours,
    pub(super) business_name: WindowName,
    pub(super) return_days: u16,
    pub(super) tests: Vec<Test>,
}

/// When a window is open.
#[derive(Clone, Debug)]
pub(super) enum Window {
    Always,
    Hours(Hours),
}

/// Opening hours by the day of the week.
#[derive(Clone, Debug)]
pub(super) struct Hours {
    /// From Monday: minutes after midnight, half-open, ascending, without overlap.
    pub(super) week: [Vec<Range<u16>>; 7],
    pub(super) closed_on_public_holidays: bool,
}

/// One `[[window.test]]`, its times local.
#[derive(Clone, Debug)]
pub(super) struct Test {
    pub(super) window: WindowName,
    pub(super) written: WrittenTest,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenFile {
    zone: String,
    business_window: String,
    return_days: u16,
    #[serde(default)]
    window: Vec<WrittenWindow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenWindow {
    id: Spanned<String>,
    /// For the reader of the file.
    #[serde(rename = "why")]
    _why: String,
    #[serde(default)]
    always: bool,
    #[serde(default)]
    hours: Vec<String>,
    public_holidays: Option<PublicHolidays>,
    #[serde(default)]
    test: Vec<WrittenTest>,
}

#[derive(Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum PublicHolidays {
    Open,
    Closed,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenTest {
    pub(super) why: String,
    pub(super) start: DateTime,
    pub(super) amount: SignedDuration,
    pub(super) due: DateTime,
}

impl Windows {
    /// Reads the file.
    ///
    /// # Errors
    /// Every fault of it.
    pub(super) fn read(sources: &Sources) -> Result<Windows, Vec<RuleFault>> {
        let written: WrittenFile = sources.parse(FILE).map_err(|fault| vec![fault])?;
        let mut faults = Vec::new();
        let (mut windows, mut tests) = (BTreeMap::new(), Vec::new());
        for window in written.window {
            let line = sources.line(FILE, window.id.span().start);
            let name = WindowName::new(window.id.get_ref());
            let mut refuse = |message: &str| faults.push(fault(Some(name.as_str()), format!("line {line}: {message}")));
            match window.check() {
                Ok(checked) => match windows.insert(name.clone(), checked) {
                    None => tests.extend(window.test.into_iter().map(|written| Test { window: name.clone(), written })),
                    Some(_) => refuse("a second window with this id; rename one of them"),
                },
                Err(message) => refuse(&message),
            }
        }
        let zone = time_zone(&written.zone).map_err(|message| faults.push(fault(None, message))).ok();
        let business = business_hours(&windows, &written.business_window);
        let business = business.map_err(|message| faults.push(fault(None, message))).ok();
        match (zone, business) {
            (Some(zone), Some(business)) if faults.is_empty() => {
                let business_name = WindowName::new(written.business_window);
                Ok(Windows { zone, windows, business, business_name, return_days: written.return_days, tests })
            }
            _ => Err(faults),
        }
    }
}

/// A fault of this file, in the window of this id if in one.
pub(super) fn fault(window: Option<&str>, message: String) -> RuleFault {
    RuleFault { file: FILE.to_string(), rule: window.map(str::to_string), message }
}

impl WrittenWindow {
    fn check(&self) -> Result<Window, String> {
        if self.always {
            if !self.hours.is_empty() || self.public_holidays.is_some() {
                return Err("`always` leaves no room for `hours` or `public_holidays`; remove them".to_string());
            }
            return Ok(Window::Always);
        }
        if self.hours.is_empty() {
            return Err("the window has no hours; add `hours = [\"mon-fri 09:00-17:00\"]` or `always = true`".into());
        }
        let Some(public_holidays) = self.public_holidays else {
            return Err("add `public_holidays = \"closed\"` or `\"open\"`".to_string());
        };
        let mut week: [Vec<Range<u16>>; 7] = Default::default();
        for entry in &self.hours {
            let (days, span) = opening(entry)?;
            for day in days {
                week[day].push(span.clone());
            }
        }
        for (spans, day) in week.iter_mut().zip(DAYS) {
            spans.sort_unstable_by_key(|span| span.start);
            if spans.windows(2).any(|pair| pair[0].end > pair[1].start) {
                return Err(format!("two of its `hours` overlap on {day}; make one of them"));
            }
        }
        Ok(Window::Hours(Hours { week, closed_on_public_holidays: public_holidays == PublicHolidays::Closed }))
    }
}

/// Reads `mon-fri 09:00-17:00`: the days of the week from Monday, and the minutes after midnight.
fn opening(entry: &str) -> Result<(std::ops::RangeInclusive<usize>, Range<u16>), String> {
    let unreadable = || format!("cannot read `{entry}`; write it like `mon-fri 09:00-17:00` or `sat 10:00-14:00`");
    let (days, hours) = entry.split_once(' ').ok_or_else(unreadable)?;
    let (first, last) = days.split_once('-').unwrap_or((days, days));
    let day = |name| DAYS.iter().position(|day| *day == name).ok_or_else(unreadable);
    let (first, last) = (day(first)?, day(last)?);
    let (open, close) = hours.split_once('-').ok_or_else(unreadable)?;
    let (open, close) = (minute_of_day(open).ok_or_else(unreadable)?, minute_of_day(close).ok_or_else(unreadable)?);
    if first > last {
        return Err(format!("`{entry}` runs over the end of the week; write it as two entries"));
    }
    if open >= close {
        return Err(format!("`{entry}` closes before it opens; write a window across midnight as two entries"));
    }
    Ok((first..=last, open..close))
}

/// `HH:MM` from 00:00 to 24:00 as minutes after midnight.
fn minute_of_day(time: &str) -> Option<u16> {
    let (hours, minutes) = time.split_once(':')?;
    let two_digits =
        |text: &str| (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?;
    let (hours, minutes): (u16, u16) = (two_digits(hours)?, two_digits(minutes)?);
    let minute = hours * 60 + minutes;
    (minutes < 60 && minute <= 24 * 60).then_some(minute)
}

/// The system's time zone data, which is updated without a release of ours; the bundled copy where
/// the system has none.
fn time_zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name)
        .or_else(|_| TimeZoneDatabase::bundled().get(name))
        .map_err(|_| format!("`zone`: there is no time zone `{name}`; use a name of the IANA list, as Europe/Warsaw"))
}

fn business_hours(windows: &BTreeMap<WindowName, Window>, name: &str) -> Result<Hours, String> {
    match windows.get(&WindowName::new(name)) {
        Some(Window::Hours(hours)) => Ok(hours.clone()),
        Some(Window::Always) => {
            Err(format!("`business_window`: `{name}` never closes, so it has no business days; name one with hours"))
        }
        None => Err(format!("`business_window`: there is no (valid) window `{name}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Changes the built-in file and tells the faults, or "" where there is none.
    fn check(old: &str, new: &str, expected: &str) {
        let mut sources = Sources::built_in();
        let text = sources.text(FILE).replacen(old, new, 1);
        assert_ne!(text, sources.text(FILE), "{old:?} is in the file");
        sources.replace(FILE, text).unwrap();
        let faults = Windows::read(&sources).err().unwrap_or_default();
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert!(faults.len() == usize::from(!expected.is_empty()), "{faults:?}");
        assert!(faults.join("\n").contains(expected), "{faults:?} should contain {expected:?}");
    }

    #[test]
    fn a_wrong_file_is_refused_with_its_place() {
        let hours = r#"hours = ["mon-fri 08:00-17:00"]"#;
        let closed = "public_holidays = \"closed\"\n\n[[window.test]]\nwhy = \"opens";
        let both = r#"hours = ["mon-fri 08:00-17:00"]"#.to_string() + "\nalways = true";
        let text = Sources::built_in().text(FILE).to_string();
        let line = Sources::built_in().line(FILE, text.find(r#"id = "9x5""#).unwrap());
        let no_hours = format!("[9x5]: line {line}: the window has no hours");
        let twice = format!("[8x5]: line {line}: a second window");
        for (old, new, expected) in [
            (hours, "hours = []", no_hours.as_str()),
            (hours, "", &no_hours),
            (hours, &both, "`always` leaves no room"),
            (hours, r#"hours = ["mon-fri 17:00-08:00"]"#, "closes before it opens"),
            (hours, r#"hours = ["mon-fri 09:00-09:00"]"#, "closes before it opens"),
            (hours, r#"hours = ["sat-mon 09:00-17:00"]"#, "over the end of the week"),
            (hours, r#"hours = ["mon 09:00-12:00", "mon-tue 11:59-17:00"]"#, "overlap on mon"),
            (hours, r#"hours = ["mon 09:00-24:01"]"#, "cannot read"),
            (hours, r#"hours = ["mon 9-17"]"#, "cannot read"),
            (hours, r#"hours = ["mon 09:60-17:00"]"#, "cannot read"),
            (hours, r#"hours = ["Monday 09:00-17:00"]"#, "cannot read"),
            (hours, r#"hours = ["mon\u00e9 +9:00-17:00"]"#, "cannot read"),
            (closed, "\n\n[[window.test]]\nwhy = \"opens", "add `public_holidays"),
            (r#"id = "9x5""#, r#"id = "8x5""#, &twice),
            (r#"zone = "Europe/Warsaw""#, r#"zone = "Europe/Warschau""#, "no time zone `Europe/Warschau`"),
            (r#"business_window = "8x5""#, r#"business_window = "24x7""#, "never closes"),
            (r#"business_window = "8x5""#, r#"business_window = "7x5""#, "no (valid) window `7x5`"),
            ("return_days = 7", "return_days = -7", "return_days = -7"),
            ("always = true", "allways = true", "allways"),
            ("amount = \"1h\"", "amount = \"an hour\"", "an hour"),
            ("2026-11-20 16:40", "2026-02-30 16:40", "2026-02-30"),
            (hours, r#"hours = ["mon 00:00-12:00", "mon-sun 12:00-24:00"]"#, ""),
        ] {
            check(old, new, expected);
        }
    }

    #[test]
    fn every_fault_is_told_at_once() {
        let mut sources = Sources::built_in();
        let text = sources.text(FILE).replace("Europe/Warsaw", "Mars").replace("08:00", "18:00").replace("7\n", "8\n");
        sources.replace(FILE, text).unwrap();
        assert_eq!(Windows::read(&sources).unwrap_err().len(), 2);
    }
}
