//! The public holidays of Polish law, computed for any year.
//!
//! Source: act of 18 January 1951 on days off work (*ustawa o dniach wolnych od pracy*), art. 1
//! point 1, consolidated text Dz.U. 2025 poz. 296; the names are those of the act. Sundays, its
//! point 2, are not listed here: a window is closed on the weekdays that it does not name. A day
//! that a regulation adds under art. 1a, or one that a company gives for a holiday on a Saturday,
//! is a closing day of the configuration.

use jiff::ToSpan;
use jiff::civil::Date;

/// A holiday of the act.
struct Holiday {
    name: &'static str,
    falls: Falls,
    /// The first year in which the day was off, and the last.
    first: i16,
    last: i16,
}

enum Falls {
    /// Month and day.
    On(i8, i8),
    /// This many days after Easter Sunday.
    AfterEaster(i8),
}

use Falls::{AfterEaster, On};

/// Days off in every year that matters here: the act as it stood when mail began.
const ALWAYS: (i16, i16) = (i16::MIN, i16::MAX);

/// In the order of the year's months; Easter falls between 22 March and 25 April.
const HOLIDAYS: &[Holiday] = &[
    holiday("Nowy Rok", On(1, 1), ALWAYS),
    // Dz.U. 2010 nr 224 poz. 1459 art. 2, in force from 1 January 2011 (off before that until 1960).
    holiday("Święto Trzech Króli", On(1, 6), (2011, i16::MAX)),
    holiday("pierwszy dzień Wielkiej Nocy", AfterEaster(0), ALWAYS),
    holiday("drugi dzień Wielkiej Nocy", AfterEaster(1), ALWAYS),
    holiday("Święto Państwowe", On(5, 1), ALWAYS),
    // Dz.U. 1990 nr 28 poz. 160, in force from 28 April 1990.
    holiday("Święto Narodowe Trzeciego Maja", On(5, 3), (1990, i16::MAX)),
    holiday("pierwszy dzień Zielonych Świątek", AfterEaster(49), ALWAYS),
    holiday("dzień Bożego Ciała", AfterEaster(60), ALWAYS),
    // Dz.U. 1989 nr 29 poz. 154 art. 74, in force from 23 May 1989.
    holiday("Wniebowzięcie Najświętszej Maryi Panny", On(8, 15), (1989, i16::MAX)),
    holiday("Wszystkich Świętych", On(11, 1), ALWAYS),
    // Dz.U. 1989 nr 6 poz. 34.
    holiday("Narodowe Święto Niepodległości", On(11, 11), (1989, i16::MAX)),
    // Act of 7 November 2018, one day only, for the hundredth year of independence.
    holiday("Święto Narodowe z okazji Setnej Rocznicy Odzyskania Niepodległości", On(11, 12), (2018, 2018)),
    // Act of 6 December 2024, Dz.U. 2024 poz. 1965, in force from 1 February 2025.
    holiday("Wigilia Bożego Narodzenia", On(12, 24), (2025, i16::MAX)),
    holiday("pierwszy dzień Bożego Narodzenia", On(12, 25), ALWAYS),
    holiday("drugi dzień Bożego Narodzenia", On(12, 26), ALWAYS),
];

const fn holiday(name: &'static str, falls: Falls, (first, last): (i16, i16)) -> Holiday {
    Holiday { name, falls, first, last }
}

/// The public holidays of one year with the names that the act gives them, in ascending order. True
/// to the law from 1991 on; empty for a year that no date can have.
pub fn holidays(year: i16) -> Vec<(Date, &'static str)> {
    let easter = easter_sunday(year);
    let mut days: Vec<(Date, &'static str)> =
        HOLIDAYS.iter().filter_map(|holiday| Some((holiday.in_year(year, easter)?, holiday.name))).collect();
    days.sort_unstable();
    days
}

/// The name of the public holiday on this day, if it is one.
pub(super) fn holiday_on(date: Date) -> Option<&'static str> {
    let easter = easter_sunday(date.year());
    HOLIDAYS.iter().find(|holiday| holiday.in_year(date.year(), easter) == Some(date)).map(|holiday| holiday.name)
}

impl Holiday {
    fn in_year(&self, year: i16, easter: Option<Date>) -> Option<Date> {
        if !(self.first..=self.last).contains(&year) {
            return None;
        }
        match self.falls {
            On(month, day) => Date::new(year, month, day).ok(),
            AfterEaster(days) => easter?.checked_add(days.days()).ok(),
        }
    }
}

/// Easter Sunday of the Gregorian calendar: the "anonymous" algorithm (Nature, 20 April 1876, as in
/// J. Meeus, Astronomical Algorithms, chapter 8).
fn easter_sunday(year: i16) -> Option<Date> {
    let y = i32::from(year);
    let golden = y.rem_euclid(19);
    let (century, of_century) = (y.div_euclid(100), y.rem_euclid(100));
    let leap_centuries = century.div_euclid(4);
    let correction = (century - (century + 8).div_euclid(25) + 1).div_euclid(3);
    let epact = (19 * golden + century - leap_centuries - correction + 15).rem_euclid(30);
    let weekday = (32 + 2 * century.rem_euclid(4) + 2 * of_century.div_euclid(4) - epact - of_century.rem_euclid(4))
        .rem_euclid(7);
    let late = (golden + 11 * epact + 22 * weekday) / 451;
    let days = epact + weekday - 7 * late + 114;
    Date::new(year, i8::try_from(days / 31).ok()?, i8::try_from(days % 31 + 1).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The weekdays (Monday to Friday) off in a year, as `MM-DD`.
    fn check(year: i16, easter: &str, weekdays_off: &str) {
        assert_eq!(easter_sunday(year).unwrap().strftime("%m-%d").to_string(), easter, "Easter {year}");
        let weekdays: Vec<String> = holidays(year)
            .iter()
            .filter(|(date, _)| date.weekday().to_monday_zero_offset() < 5)
            .map(|(date, _)| date.strftime("%m-%d").to_string())
            .collect();
        assert_eq!(weekdays.join(" "), weekdays_off, "{year}");
    }

    #[test]
    fn the_years_of_the_law() {
        check(2010, "04-04", "01-01 04-05 05-03 06-03 11-01 11-11");
        check(2011, "04-24", "01-06 04-25 05-03 06-23 08-15 11-01 11-11 12-26");
        check(2018, "04-01", "01-01 04-02 05-01 05-03 05-31 08-15 11-01 11-12 12-25 12-26");
        check(2024, "03-31", "01-01 04-01 05-01 05-03 05-30 08-15 11-01 11-11 12-25 12-26");
        check(2025, "04-20", "01-01 01-06 04-21 05-01 06-19 08-15 11-11 12-24 12-25 12-26");
        check(2026, "04-05", "01-01 01-06 04-06 05-01 06-04 11-11 12-24 12-25");
        check(2027, "03-28", "01-01 01-06 03-29 05-03 05-27 11-01 11-11 12-24");
        check(2028, "04-16", "01-06 04-17 05-01 05-03 06-15 08-15 11-01 12-25 12-26");
        check(2029, "04-01", "01-01 04-02 05-01 05-03 05-31 08-15 11-01 12-24 12-25 12-26");
        check(2030, "04-21", "01-01 04-22 05-01 05-03 06-20 08-15 11-01 11-11 12-24 12-25 12-26");
    }

    #[test]
    fn easter_is_a_sunday_within_its_bounds_in_every_year() {
        for year in -9999..=9999 {
            let easter = easter_sunday(year).unwrap();
            assert_eq!(easter.weekday(), jiff::civil::Weekday::Sunday, "{easter}");
            let bounds = Date::new(year, 3, 22).unwrap()..=Date::new(year, 4, 25).unwrap();
            assert!(bounds.contains(&easter), "{easter}");
        }
    }

    #[test]
    fn fourteen_days_since_2025_and_each_is_found_by_its_date() {
        assert_eq!(holidays(2026).len(), 14);
        assert!(holidays(2026).iter().all(|&(date, name)| holiday_on(date) == Some(name)));
        assert_eq!(holiday_on(Date::constant(2026, 12, 23)), None);
    }

    #[test]
    fn no_year_breaks_it() {
        for year in [i16::MIN, -9999, 0, 9999, i16::MAX] {
            assert_eq!(holidays(year).is_empty(), !(-9999..=9999).contains(&year), "{year}");
        }
    }
}
