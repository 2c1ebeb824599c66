//! A moment as people on the spot read it.

use jiff::Zoned;

/// The weekday before a date in Polish texts, Monday first (the abbreviations of CLDR's `pl`).
const POLISH_WEEKDAYS: [&str; 7] = ["pn.", "wt.", "śr.", "czw.", "pt.", "sob.", "niedz."];

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
    fn times_in_two_languages() {
        check("2026-11-23T08:40:59Z", "pn. 23.11.2026 09:40", "Mon 23 Nov 2026, 09:40");
        check("2026-07-05T22:05:00Z", "pn. 06.07.2026 00:05", "Mon 6 Jul 2026, 00:05");
        check("2026-11-28T22:59:59Z", "sob. 28.11.2026 23:59", "Sat 28 Nov 2026, 23:59");
        check("2026-10-25T00:30:00Z", "niedz. 25.10.2026 02:30 CEST", "Sun 25 Oct 2026, 02:30 CEST");
        check("2026-10-25T01:30:00Z", "niedz. 25.10.2026 02:30 CET", "Sun 25 Oct 2026, 02:30 CET");
        check("2026-10-25T02:30:00Z", "niedz. 25.10.2026 03:30", "Sun 25 Oct 2026, 03:30");
    }
}
