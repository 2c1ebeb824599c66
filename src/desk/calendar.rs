//! Service windows, public holidays, and the times that promises fall due.
//!
//! All sums are on whole seconds of the UTC line; local time only says when a window opens and
//! closes. A window is half-open: its opening belongs to it, its closing does not, so that a
//! request at 17:00:00 waits for the next opening. A *due* time is the moment at which the last
//! second has run out, so it can fall exactly on a closing, and never on an opening.
//!
//! For every start `s` and amount `a > 0`: `elapsed(s, due(s, a)) == a`; and for every `e > s`
//! after an opening and not after its closing: `due(s, elapsed(s, e)) == e`.

mod days;
mod holidays;
mod local;
mod windows;
mod year;

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::ops::Range;

use jiff::civil::{Date, DateTime, Time};
use jiff::{SignedDuration, Timestamp, ToSpan};

pub use holidays::holidays;
pub use local::LocalTime;
pub use windows::WindowName;
pub use year::{ClockChange, DayOff, WindowHours, Year};

use crate::desk::rules::{self, RuleFault, Sources};
use windows::{Hours, Test, Window, Windows};

/// An explanation tells no more days than this; the sum itself goes on.
const MAX_EXPLAINED_DAYS: usize = 60;

/// The most days on end that the desk is closed.
const LONGEST_CLOSED: usize = 60;

/// The desk's opening hours.
#[derive(Clone, Debug)]
pub struct Calendar {
    rules: Windows,
    closing_days: BTreeSet<Date>,
    version: String,
}

/// When a promise falls due, and why then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The moment.
    pub at: Timestamp,
    /// The way to it, one sentence each, in local time, for engineers and disputes.
    pub steps: Vec<String>,
}

impl Calendar {
    /// Reads `windows.toml`. `closing_days` are days on which every window with hours is closed
    /// besides the public holidays. The time zone's rules are those of the system at this moment.
    ///
    /// # Errors
    /// Every fault of the file.
    pub fn compile(sources: &Sources, closing_days: &[Date]) -> Result<Calendar, Vec<RuleFault>> {
        let closing_days: BTreeSet<Date> = closing_days.iter().copied().collect();
        let days: Vec<String> = closing_days.iter().map(Date::to_string).collect();
        let version = rules::version(&[sources.text(windows::FILE), &days.join(" ")]);
        Ok(Calendar { rules: Windows::read(sources)?, closing_days, version })
    }

    /// Runs the tests that stand in `windows.toml`, without the site's own closing days: those that
    /// fail.
    pub fn test(&self) -> Vec<RuleFault> {
        let plain = Calendar { closing_days: BTreeSet::new(), ..self.clone() };
        plain.rules.tests.iter().filter_map(|test| plain.failure(test)).collect()
    }

    /// Whether there is a window of this name.
    pub fn serves(&self, window: &WindowName) -> bool {
        self.rules.windows.contains_key(window)
    }

    /// The names of all windows.
    pub fn windows(&self) -> impl Iterator<Item = &WindowName> {
        self.rules.windows.keys()
    }

    /// Tells one state of the rule file and the closing days from another; stands beside every
    /// due time that was worked out with it.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The window whose days are the business days.
    pub fn business_window(&self) -> &WindowName {
        &self.rules.business_name
    }

    /// The moment by which `amount` of the window has passed since `start`. No amount is due at
    /// once. A window of an unknown name counts as always open, the strictest reading of a promise.
    /// Where time ends (year 9999) before the amount does, that is the due time. The work grows with
    /// the days from start to due.
    pub fn due(&self, start: Timestamp, amount: SignedDuration, window: &WindowName) -> Due {
        let (start, amount) = (whole_second(start), SignedDuration::from_secs(amount.as_secs()));
        let mut steps = vec![format!("start {}", self.moment(start))];
        let at = match self.rules.windows.get(window) {
            _ if amount <= SignedDuration::ZERO => start,
            Some(Window::Hours(hours)) => self.walk(start, amount, hours, &mut steps),
            Some(Window::Always) => {
                steps.push(format!("{amount:#} pass; {window} is always open"));
                after(start, amount)
            }
            None => {
                steps.push(format!("{amount:#} pass; there is no window {window}, so it counts as always open"));
                after(start, amount)
            }
        };
        steps.push(format!("due {}", self.moment(at)));
        Due { at, steps }
    }

    /// The last opening of the business window, or midday of a day on which it opens, at or before a moment.
    pub fn last_opening_or_midday(&self, at: Timestamp) -> Option<Timestamp> {
        let Some(Window::Hours(hours)) = self.rules.windows.get(&self.rules.business_name) else { return None };
        let days = std::iter::successors(Some(self.date(at)), |day| day.yesterday().ok()).take(LONGEST_CLOSED);
        let mut rounds = days.map(|day| {
            let openings = self.opening_times(hours, day).map(|(open, _)| open);
            let midday = self.closed(hours, day).is_none().then(|| self.instant(day.at(12, 0, 0, 0))).flatten();
            openings.chain(midday).filter(|round| *round <= at).max()
        });
        rounds.find_map(|round| round)
    }

    /// How much of the window lies between two moments; none where `end` is not after `start`. The work
    /// grows with the days between them.
    pub fn elapsed(&self, start: Timestamp, end: Timestamp, window: &WindowName) -> SignedDuration {
        let (start, end) = (whole_second(start), whole_second(end));
        let Some(Window::Hours(hours)) = self.rules.windows.get(window) else {
            return end.duration_since(start).max(SignedDuration::ZERO);
        };
        let days_until_end = self.days_from(start).take_while(|day| *day <= self.date(end));
        let open = days_until_end.flat_map(|day| self.opening_times(hours, day));
        open.map(|(open, close)| close.min(end).duration_since(open.max(start)).max(SignedDuration::ZERO))
            .fold(SignedDuration::ZERO, SignedDuration::saturating_add)
    }

    /// A moment in the desk's time zone, for texts.
    pub fn local(&self, at: Timestamp) -> LocalTime {
        LocalTime(at.to_zoned(self.rules.zone.clone()))
    }

    /// The moment at which `amount` of these hours has passed since `start`.
    fn walk(&self, start: Timestamp, amount: SignedDuration, hours: &Hours, steps: &mut Vec<String>) -> Timestamp {
        let mut left = amount;
        for (number, day) in self.days_from(start).enumerate() {
            let mut explain = |step: String| match number.cmp(&MAX_EXPLAINED_DAYS) {
                Ordering::Less => steps.push(step),
                Ordering::Equal => steps.push("and so on".to_string()),
                Ordering::Greater => {}
            };
            if let Some(reason) = self.closed(hours, day) {
                explain(format!("{} is closed: {reason}", day.strftime("%a %F")));
                continue;
            }
            for (open, close) in self.opening_times(hours, day) {
                let from = open.max(start);
                let available = close.duration_since(from);
                if available <= SignedDuration::ZERO {
                    explain(format!("closed since {}", self.moment(close)));
                    continue;
                }
                let counted = available.min(left);
                left = left.saturating_sub(counted);
                explain(format!("{} counts {counted:#}, {left:#} left", self.moment(from)));
                if left.is_zero() {
                    return after(from, counted);
                }
            }
        }
        Timestamp::MAX
    }

    /// Why these hours do not open at all on this day; `None` where they do.
    fn closed(&self, hours: &Hours, day: Date) -> Option<&'static str> {
        if self.closing_days.contains(&day) {
            return Some("closing day of the desk");
        }
        if week_day(hours, day).is_empty() {
            return Some("no hours on this day of the week");
        }
        if hours.closed_on_public_holidays { holidays::holiday_on(day) } else { None }
    }

    /// The half-open intervals of one local day. One that a change of the clock leaves empty is
    /// left out.
    fn opening_times(&self, hours: &Hours, day: Date) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        let spans = if self.closed(hours, day).is_none() { week_day(hours, day) } else { &[] };
        let times = spans.iter().filter_map(move |span| {
            Some((self.instant(minute_of(day, span.start)?)?, self.instant(minute_of(day, span.end)?)?))
        });
        times.filter(|(open, close)| open < close)
    }

    /// The local date of a moment and all that follow.
    fn days_from(&self, at: Timestamp) -> impl Iterator<Item = Date> {
        std::iter::successors(Some(self.date(at)), |day| day.tomorrow().ok())
    }

    /// The local year of a moment.
    pub fn year(&self, at: Timestamp) -> i16 {
        self.date(at).year()
    }

    /// The local date of a moment.
    pub fn date(&self, at: Timestamp) -> Date {
        self.rules.zone.to_datetime(at).date()
    }

    /// The local time of a moment.
    pub fn civil(&self, at: Timestamp) -> DateTime {
        self.rules.zone.to_datetime(at)
    }

    /// The moment of a local time. One that the start of summer time skips is as much later as the
    /// clock was set forward; of one that comes twice, the first (RFC 5545 section 3.3.5).
    pub fn instant(&self, local: DateTime) -> Option<Timestamp> {
        self.rules.zone.to_timestamp(local).ok()
    }

    /// A moment to the second, for explanations.
    pub fn moment(&self, at: Timestamp) -> String {
        at.to_zoned(self.rules.zone.clone()).strftime("%a %F %T %Z").to_string()
    }

    /// What is wrong with a test of the file.
    fn failure(&self, test: &Test) -> Option<RuleFault> {
        let (window, written) = (&test.window, &test.written);
        let at = match (self.instant(written.start), self.instant(written.due)) {
            (Some(start), Some(due)) if self.due(start, written.amount, window).at == due => return None,
            (Some(start), Some(_)) => self.moment(self.due(start, written.amount, window).at),
            _ => "beyond the calendar".to_string(),
        };
        let message = format!(
            "test \"{}\": {:#} from {} is due {at}, not {}; correct the window or the test",
            written.why, written.amount, written.start, written.due
        );
        Some(windows::fault(Some(window.as_str()), message))
    }
}

/// When the reaction clock of a mail starts, and why then: at its `Date`, unless that is later than
/// the server's INTERNALDATE or more than `max_transit` before it; then, or without a `Date`, at the
/// INTERNALDATE (terms of service: the clock starts when the customer sent the mail; but a `Date`
/// can be wrong or forged).
pub fn clock_start(
    date_header: Option<Timestamp>,
    internal_date: Timestamp,
    max_transit: SignedDuration,
) -> (Timestamp, &'static str) {
    let Some(date) = date_header else {
        return (internal_date, "arrival: the mail has no readable Date");
    };
    if date > internal_date {
        return (internal_date, "arrival: the Date is later than the arrival");
    }
    if internal_date.duration_since(date) > max_transit {
        return (internal_date, "arrival: the Date is too long before the arrival");
    }
    (date, "the Date of the mail")
}

fn week_day(hours: &Hours, day: Date) -> &[Range<u16>] {
    let week_day = usize::try_from(day.weekday().to_monday_zero_offset()).unwrap_or_default();
    hours.week.get(week_day).map_or(&[], Vec::as_slice)
}

/// The local time this many minutes after midnight; 1440 is the midnight that ends the day.
fn minute_of(day: Date, minute: u16) -> Option<DateTime> {
    day.to_datetime(Time::midnight()).checked_add(i64::from(minute).minutes()).ok()
}

fn after(start: Timestamp, amount: SignedDuration) -> Timestamp {
    start.checked_add(amount).unwrap_or(Timestamp::MAX)
}

/// The whole second that a moment lies in: counting starts no later than the moment itself.
fn whole_second(at: Timestamp) -> Timestamp {
    let second = at.as_second() - i64::from(at.subsec_nanosecond() < 0);
    Timestamp::from_second(second).unwrap_or(at)
}
