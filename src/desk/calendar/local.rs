//! A moment as people on the spot read it.

use jiff::Zoned;
use jiff::civil::Date;

/// The weekday before a date in Polish texts, Monday first (the abbreviations of CLDR's `pl`).
const POLISH_WEEKDAYS: [&str; 7] = ["pn.", "wt.", "śr.", "czw.", "pt.", "sob.", "niedz."];

/// The weekday with its preposition, Monday first: "we" before the one that begins with "wt".
const POLISH_ON_WEEKDAY: [&str; 7] =
    ["w poniedziałek", "we wtorek", "w środę", "w czwartek", "w piątek", "w sobotę", "w niedzielę"];

/// The months in the genitive, as they stand after the day.
const POLISH_OF_MONTH: [&str; 12] = [
    "stycznia",
    "lutego",
    "marca",
    "kwietnia",
    "maja",
    "czerwca",
    "lipca",
    "sierpnia",
    "września",
    "października",
    "listopada",
    "grudnia",
];

/// A moment in the desk's time zone, for texts. Seconds are left out: a deadline is shown early
/// rather than late. In the hour that comes twice when summer time ends, the zone is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalTime(pub(super) Zoned);

impl LocalTime {
    /// `pn. 23.11.2026 09:40`.
    pub fn polish(&self) -> String {
        let weekday = usize::try_from(self.0.weekday().to_monday_zero_offset()).unwrap_or_default();
        let weekday = POLISH_WEEKDAYS.get(weekday).copied().unwrap_or_default();
        format!("{weekday} {}{}", self.0.strftime("%d.%m.%Y %H:%M"), self.zone())
    }

    /// `Mon 23 Nov 2026, 09:40`.
    pub fn english(&self) -> String {
        format!("{}{}", self.0.strftime("%a %-d %b %Y, %H:%M"), self.zone())
    }

    /// `godz. 09:40 w poniedziałek, 23 listopada`, to stand after "do".
    pub fn polish_words(&self) -> String {
        let weekday = usize::try_from(self.0.weekday().to_monday_zero_offset()).unwrap_or_default();
        let weekday = POLISH_ON_WEEKDAY.get(weekday).copied().unwrap_or_default();
        let month = usize::try_from(self.0.month() - 1).unwrap_or_default();
        let month = POLISH_OF_MONTH.get(month).copied().unwrap_or_default();
        let hour = self.0.strftime("%H:%M");
        format!("godz. {hour}{} {weekday}, {} {month}", self.zone(), self.0.day())
    }

    /// `09:40 on Monday, 23 November, Polish time`, to stand after "by".
    pub fn english_words(&self) -> String {
        let zone = match self.zone() {
            zone if zone.is_empty() => ", Polish time".to_string(),
            zone => format!(",{zone}"),
        };
        format!("{}{zone}", self.0.strftime("%H:%M on %A, %-d %B"))
    }

    /// `30 września 2026`.
    pub fn polish_day(day: Date) -> String {
        let month = usize::try_from(day.month() - 1).unwrap_or_default();
        format!("{} {} {}", day.day(), POLISH_OF_MONTH.get(month).copied().unwrap_or_default(), day.year())
    }

    /// `30 September 2026`.
    pub fn english_day(day: Date) -> String {
        day.strftime("%-d %B %Y").to_string()
    }

    fn zone(&self) -> String {
        let twice = self.0.time_zone().to_ambiguous_timestamp(self.0.datetime()).is_ambiguous();
        if twice { format!(" {}", self.0.strftime("%Z")) } else { String::new() }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::tz::{TimeZone, TimeZoneDatabase};

    use super::*;

    fn check(at: &str, polish: &str, english: &str) {
        let zone: TimeZone = TimeZoneDatabase::bundled().get("Europe/Warsaw").unwrap();
        let local = LocalTime(at.parse::<Timestamp>().unwrap().to_zoned(zone));
        assert_eq!((local.polish().as_str(), local.english().as_str()), (polish, english));
    }

    #[test]
    fn deadlines_in_words() {
        let words = |at: &str| {
            let zone: TimeZone = TimeZoneDatabase::bundled().get("Europe/Warsaw").unwrap();
            let local = LocalTime(at.parse::<Timestamp>().unwrap().to_zoned(zone));
            (local.polish_words(), local.english_words())
        };
        for (at, polish, english) in [
            (
                "2026-11-23T09:15:00Z",
                "godz. 10:15 w poniedziałek, 23 listopada",
                "10:15 on Monday, 23 November, Polish time",
            ),
            ("2026-12-01T08:05:00Z", "godz. 09:05 we wtorek, 1 grudnia", "09:05 on Tuesday, 1 December, Polish time"),
            ("2026-03-04T23:00:00Z", "godz. 00:00 w czwartek, 5 marca", "00:00 on Thursday, 5 March, Polish time"),
            (
                "2026-10-25T01:30:00Z",
                "godz. 02:30 CET w niedzielę, 25 października",
                "02:30 on Sunday, 25 October, CET",
            ),
        ] {
            assert_eq!(words(at), (polish.to_string(), english.to_string()));
        }
        let day: Date = "2026-09-30".parse().unwrap();
        assert_eq!(LocalTime::polish_day(day), "30 września 2026");
        assert_eq!(LocalTime::english_day(day), "30 September 2026");
    }

    #[test]
    fn times_in_two_languages() {
        check("2026-11-23T08:40:59Z", "pn. 23.11.2026 09:40", "Mon 23 Nov 2026, 09:40");
        check("2026-07-05T22:05:00Z", "pn. 06.07.2026 00:05", "Mon 6 Jul 2026, 00:05");
        check("2026-11-28T22:59:59Z", "sob. 28.11.2026 23:59", "Sat 28 Nov 2026, 23:59");
        check("2026-10-25T00:30:00Z", "niedz. 25.10.2026 02:30 CEST", "Sun 25 Oct 2026, 02:30 CEST");
        check("2026-10-25T01:30:00Z", "niedz. 25.10.2026 02:30 CET", "Sun 25 Oct 2026, 02:30 CET");
        check("2026-10-25T02:30:00Z", "niedz. 25.10.2026 03:30", "Sun 25 Oct 2026, 03:30");
    }
}
