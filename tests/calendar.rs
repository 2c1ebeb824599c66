//! The calendar against cases worked out independently, and its properties over four decades.

use std::process::Command;

use hezo_intake::desk::calendar::{Calendar, WindowName, clock_start};
use hezo_intake::desk::rules::Sources;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp, ToSpan};
use proptest::prelude::*;

/// 3,000 cases, times in UTC: `window` (hours in a window), `nbd` (close of the next business day),
/// `return7` (end of the seventh local day).
const CASES: &str = include_str!("service-clock-cases.csv");

#[derive(serde::Deserialize)]
struct Case {
    kind: String,
    window: WindowName,
    start_utc: Timestamp,
    hours: Option<f64>,
    due_utc: Timestamp,
}

fn calendar() -> Calendar {
    Calendar::compile(&Sources::built_in(), &[]).unwrap()
}

fn warsaw() -> TimeZone {
    TimeZoneDatabase::bundled().get("Europe/Warsaw").unwrap()
}

fn at(local: &str) -> Timestamp {
    warsaw().to_timestamp(local.parse::<DateTime>().unwrap()).unwrap()
}

fn window(name: &str) -> WindowName {
    WindowName::new(name)
}

#[test]
fn every_case_worked_out_elsewhere_comes_out_the_same() {
    let calendar = calendar();
    let mut wrong = Vec::new();
    let cases: Vec<Case> = csv::Reader::from_reader(CASES.as_bytes()).deserialize().map(Result::unwrap).collect();
    assert_eq!(cases.len(), 3000);
    for case in cases {
        let due = match case.kind.as_str() {
            "window" => {
                let amount = SignedDuration::from_secs_f64(case.hours.unwrap() * 3600.0);
                let due = calendar.due(case.start_utc, amount, &case.window).at;
                assert_eq!(calendar.elapsed(case.start_utc, due, &case.window), amount, "{}", case.start_utc);
                due
            }
            "nbd" => calendar.next_business_day_close(case.start_utc),
            "return7" => calendar.return_due(case.start_utc),
            other => panic!("unknown kind {other}"),
        };
        if due != case.due_utc {
            wrong.push(format!("{} {} {}: {due}, not {}", case.kind, case.window, case.start_utc, case.due_utc));
        }
    }
    assert!(wrong.is_empty(), "{} wrong: {:#?}", wrong.len(), &wrong[..wrong.len().min(10)]);
}

/// Runs the cases again in processes that believe to be elsewhere.
#[test]
fn the_zone_of_the_host_does_not_matter() {
    for zone in ["Pacific/Kiritimati", "America/St_Johns", "UTC"] {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "calendar::every_case_worked_out_elsewhere_comes_out_the_same"])
            .env("TZ", zone)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("1 passed"), "{zone}: {text}");
    }
}

#[test]
fn the_tests_of_the_rule_file_pass_and_can_fail() {
    assert_eq!(calendar().test(), []);
    let closing_day: Date = "2026-11-23".parse().unwrap();
    assert_eq!(Calendar::compile(&Sources::built_in(), &[closing_day]).unwrap().test(), []);

    let mut sources = Sources::built_in();
    let text = sources.text("windows.toml").replace("09:00-17:00", "09:00-16:00");
    sources.replace("windows.toml", text).unwrap();
    let faults = Calendar::compile(&sources, &[]).unwrap().test();
    assert!(faults.len() >= 6 && faults[0].to_string().contains("[8x5]: test \"after the close"), "{faults:?}");
}

#[test]
fn closing_days_close_windows_with_hours_and_business_days() {
    let closed: Vec<Date> = ["2026-11-23", "2026-11-24"].map(|day| day.parse().unwrap()).to_vec();
    let calendar = Calendar::compile(&Sources::built_in(), &closed).unwrap();
    let friday = at("2026-11-20 16:40");
    let hour = SignedDuration::from_hours(1);
    assert_eq!(calendar.due(friday, hour, &window("8x5")).at, at("2026-11-25 09:40"));
    assert_eq!(calendar.next_business_day_close(friday), at("2026-11-25 17:00"));
    assert_eq!(calendar.due(at("2026-11-23 10:00"), hour, &window("24x7")).at, at("2026-11-23 11:00"));
}

#[test]
fn a_due_time_explains_itself() {
    let due = calendar().due(at("2026-12-23 16:30"), SignedDuration::from_hours(1), &window("8x5"));
    let expected = [
        "start Wed 2026-12-23 16:30:00 CET",
        "Wed 2026-12-23 16:30:00 CET counts 30m, 30m left",
        "Thu 2026-12-24 is closed: Wigilia Bożego Narodzenia",
        "Fri 2026-12-25 is closed: pierwszy dzień Bożego Narodzenia",
        "Sat 2026-12-26 is closed: no hours on this day of the week",
        "Sun 2026-12-27 is closed: no hours on this day of the week",
        "Mon 2026-12-28 09:00:00 CET counts 30m, 0s left",
        "due Mon 2026-12-28 09:30:00 CET",
    ];
    assert_eq!(due.steps, expected);

    let years = calendar().due(at("2026-12-23 17:00"), SignedDuration::from_hours(100_000), &window("8x5"));
    assert!(years.steps.len() < 70, "{}", years.steps.len());
    assert!(years.steps[1].contains("closed since Wed 2026-12-23 17:00:00 CET"), "{:?}", years.steps[1]);
    assert!(years.steps[years.steps.len() - 2] == "and so on", "{:?}", years.steps.last());

    let unknown = calendar().due(at("2026-12-24 16:30"), SignedDuration::from_hours(1), &window("7x3"));
    assert_eq!(unknown.at, at("2026-12-24 17:30"));
    assert!(unknown.steps[1].contains("no window 7x3"), "{:?}", unknown.steps);
    assert!(!calendar().serves(&window("7x3")) && calendar().serves(&window("24x7")));
}

#[test]
fn the_edges_of_a_window() {
    let (calendar, window, second) = (calendar(), window("8x5"), SignedDuration::from_secs(1));
    for (start, amount, due) in [
        ("2026-11-23 16:59:59", second, "2026-11-23 17:00"),
        ("2026-11-23 17:00", second, "2026-11-24 09:00:01"),
        ("2026-11-23 08:59:59", second, "2026-11-23 09:00:01"),
        ("2026-11-23 09:00", second * 8 * 3600, "2026-11-23 17:00"),
        ("2026-11-21 12:00", SignedDuration::ZERO, "2026-11-21 12:00"),
        ("2026-11-21 12:00", -second, "2026-11-21 12:00"),
    ] {
        assert_eq!(calendar.due(at(start), amount, &window).at, at(due), "{start} {amount:#}");
    }
    let later = at("2026-11-23 12:00");
    assert_eq!(calendar.elapsed(later, at("2026-11-23 11:00"), &window), SignedDuration::ZERO);
    let fraction = later + 900.milliseconds();
    assert_eq!(calendar.due(fraction, SignedDuration::from_millis(1999), &window).at, later + 1.second());
}

#[test]
fn business_days_explain_themselves() {
    let calendar = calendar();
    let noon = Some(Time::constant(12, 0, 0, 0));
    let check = |start: &str, days: u16, cut_off: Option<Time>, due: &str| {
        let worked_out = calendar.business_days_close(at(start), days, cut_off);
        assert_eq!(worked_out.at, at(due), "{start}: {:?}", worked_out.steps);
        worked_out.steps
    };
    check("2026-11-20 23:59:59", 1, None, "2026-11-23 17:00");
    check("2026-11-21 00:00", 1, None, "2026-11-23 17:00");
    check("2026-11-20 10:00", 5, None, "2026-11-27 17:00");
    check("2026-11-20 11:59:59", 1, noon, "2026-11-23 17:00");
    check("2026-11-20 12:00", 1, noon, "2026-11-24 17:00");
    check("2026-11-21 08:00", 1, noon, "2026-11-24 17:00");
    check("2026-11-20 12:00", 2, noon, "2026-11-25 17:00");
    let steps = check("2026-12-23 16:30", 1, noon, "2026-12-29 17:00");
    let expected = [
        "start Wed 2026-12-23 16:30:00 CET",
        "not before 12:00 of a business day, so it counts from the next business day",
        "Thu 2026-12-24 is closed: Wigilia Bożego Narodzenia",
        "Fri 2026-12-25 is closed: pierwszy dzień Bożego Narodzenia",
        "Sat 2026-12-26 is closed: no hours on this day of the week",
        "Sun 2026-12-27 is closed: no hours on this day of the week",
        "Mon 2026-12-28 is a business day",
        "Tue 2026-12-29 is a business day",
        "due Tue 2026-12-29 17:00:00 CET",
    ];
    assert_eq!(steps, expected);
}

#[test]
fn days_before_and_after_keep_the_local_hour() {
    let (calendar, nine) = (calendar(), Time::constant(9, 0, 0, 0));
    let due = at("2026-10-26 23:59:59");
    assert_eq!(calendar.days_before(due, 2, nine), at("2026-10-24 09:00"));
    assert_eq!(calendar.days_after(at("2026-10-24 09:00"), 2), at("2026-10-26 09:00"));
    assert_eq!(
        calendar.days_before(Timestamp::MIN, 2, nine).max(Timestamp::MIN),
        calendar.days_before(Timestamp::MIN, 2, nine)
    );
    assert!(calendar.days_after(Timestamp::MAX, 2) <= Timestamp::MAX);
}

#[test]
fn another_file_or_closing_day_is_another_version() {
    let version = |sources: &Sources, days: &[Date]| Calendar::compile(sources, days).unwrap().version().to_string();
    let built_in = Sources::built_in();
    let mut other = Sources::built_in();
    other.replace("windows.toml", format!("{}# a remark\n", built_in.text("windows.toml"))).unwrap();
    let versions =
        [version(&built_in, &[]), version(&built_in, &["2026-11-23".parse().unwrap()]), version(&other, &[])];
    assert_eq!(versions.iter().collect::<std::collections::BTreeSet<_>>().len(), 3, "{versions:?}");
    assert_eq!(versions[0], calendar().version());
}

#[test]
fn windows_of_other_shapes() {
    let text = r#"
zone = "Europe/Warsaw"
business_window = "two shifts"
return_days = 7
[[window]]
id = "two shifts"
why = "a break at noon, and half a Saturday"
hours = ["mon-fri 08:00-12:00", "mon-fri 12:30-16:00", "sat 10:00-12:00"]
public_holidays = "closed"
[[window]]
id = "24x5"
why = "whole days, holidays too"
hours = ["mon-fri 00:00-24:00"]
public_holidays = "open"
[[window]]
id = "night"
why = "over the hour of the clock change"
hours = ["sun 01:00-04:00"]
public_holidays = "open"
[[window]]
id = "gap"
why = "inside the hour that is skipped"
hours = ["sun 02:30-03:00"]
public_holidays = "open"
"#;
    let mut sources = Sources::built_in();
    sources.replace("windows.toml", text.to_string()).unwrap();
    let calendar = Calendar::compile(&sources, &[]).unwrap();
    for (name, start, hours, due) in [
        ("two shifts", "2026-11-27 11:30", 1, "2026-11-27 13:00"),
        ("two shifts", "2026-11-27 15:30", 1, "2026-11-28 10:30"),
        ("two shifts", "2026-11-28 11:30", 1, "2026-11-30 08:30"),
        ("24x5", "2026-12-25 23:30", 1, "2026-12-28 00:30"),
        ("24x5", "2026-12-24 23:30", 1, "2026-12-25 00:30"),
        ("night", "2027-03-28 00:00", 2, "2027-03-28 04:00"),
        ("night", "2026-10-25 00:00", 4, "2026-10-25 04:00"),
        ("gap", "2027-03-28 00:00", 1, "2027-04-11 03:00"),
    ] {
        assert_eq!(
            calendar.due(at(start), SignedDuration::from_hours(hours), &window(name)).at,
            at(due),
            "{name} {start}"
        );
    }
    assert_eq!(calendar.next_business_day_close(at("2026-11-27 15:30")), at("2026-11-28 12:00"));
}

#[test]
fn where_the_reaction_clock_starts() {
    let arrival: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
    let check = |date: Option<&str>, start: &str, reason: &str| {
        let date = date.map(|date| date.parse().unwrap());
        let (at, why) = clock_start(date, arrival, SignedDuration::from_hours(2));
        assert_eq!((at.to_string().as_str(), why), (start, reason));
    };
    let own = "the Date of the mail";
    check(Some("2026-11-23T09:58:00Z"), "2026-11-23T09:58:00Z", own);
    check(Some("2026-11-23T10:00:00Z"), "2026-11-23T10:00:00Z", own);
    check(Some("2026-11-23T08:00:00Z"), "2026-11-23T08:00:00Z", own);
    let (old, new) =
        ("arrival: the Date is too long before the arrival", "arrival: the Date is later than the arrival");
    check(Some("2026-11-23T07:59:59Z"), "2026-11-23T10:00:00Z", old);
    check(Some("1970-01-01T00:00:00Z"), "2026-11-23T10:00:00Z", old);
    check(Some("-009999-01-02T01:59:59Z"), "2026-11-23T10:00:00Z", old);
    check(Some("2026-11-23T10:00:01Z"), "2026-11-23T10:00:00Z", new);
    check(Some("2099-01-01T00:00:00Z"), "2026-11-23T10:00:00Z", new);
    check(None, "2026-11-23T10:00:00Z", "arrival: the mail has no readable Date");
}

#[test]
fn the_ends_of_time_break_nothing() {
    let calendar = calendar();
    for name in ["8x5", "24x7", "?"] {
        for at in [Timestamp::MIN, Timestamp::MIN + 1.nanosecond(), Timestamp::MAX, Timestamp::MAX - 1.nanosecond()] {
            for amount in [SignedDuration::MIN, SignedDuration::ZERO, SignedDuration::from_hours(1)] {
                calendar.due(at, amount, &window(name));
            }
            calendar.next_business_day_close(at);
            calendar.return_due(at);
            let _ = (calendar.local(at).polish(), calendar.local(at).english());
        }
        assert_eq!(calendar.due(Timestamp::MAX, SignedDuration::MAX, &window(name)).at, Timestamp::MAX);
        let last_days = Timestamp::MAX - 240.hours();
        assert_eq!(calendar.due(last_days, SignedDuration::MAX, &window(name)).at, Timestamp::MAX);
        assert!(calendar.elapsed(last_days, Timestamp::MAX, &window(name)) > SignedDuration::from_hours(1));
        assert_eq!(calendar.elapsed(Timestamp::MAX, Timestamp::MIN, &window(name)), SignedDuration::ZERO);
    }
}

/// Moments of 2024 to 2060: anywhere, and close to midnight, to an opening, to a closing, and to
/// both changes of the clock.
fn moment() -> impl Strategy<Value = Timestamp> {
    let day = (0i64..37 * 365).prop_map(|days| Date::constant(2024, 1, 1).checked_add(days.days()).unwrap());
    let anywhere = (day.clone(), 0i64..86_400).prop_map(|(day, second)| (day, second));
    let edge = prop_oneof![Just(0i64), Just(9 * 3600), Just(17 * 3600), Just(24 * 3600)];
    let near_edge = (day, edge, -2i64..=2).prop_map(|(day, edge, off)| (day, edge + off));
    let change = (2024i16..=2060, prop_oneof![Just(3i8), Just(10)], -7200i64..7200).prop_map(|(year, month, off)| {
        let last = Date::new(year, month, 31).unwrap();
        let sunday = last.checked_sub(i64::from(last.weekday().to_sunday_zero_offset()).days()).unwrap();
        (sunday, 2 * 3600 + off)
    });
    prop_oneof![anywhere, near_edge, change].prop_map(|(day, second)| {
        let local = day.to_datetime(jiff::civil::Time::midnight()).checked_add(second.seconds()).unwrap();
        warsaw().to_timestamp(local).unwrap()
    })
}

fn any_window() -> impl Strategy<Value = WindowName> {
    prop_oneof![Just(window("8x5")), Just(window("9x5")), Just(window("24x7"))]
}

fn amount() -> impl Strategy<Value = SignedDuration> {
    prop_oneof![Just(1i64), Just(8 * 3600), Just(8 * 3600 + 1), 1i64..400 * 3600].prop_map(SignedDuration::from_secs)
}

/// Whether the second before `at` is open: so computed second by second, `at` is in (open, close].
fn closes_or_is_open(calendar: &Calendar, at: Timestamp, window: &WindowName) -> bool {
    calendar.elapsed(at - 1.second(), at, window) == SignedDuration::from_secs(1)
}

proptest! {
    #[test]
    fn elapsed_undoes_due(start in moment(), amount in amount(), window in any_window()) {
        let calendar = calendar();
        let due = calendar.due(start, amount, &window).at;
        prop_assert_eq!(calendar.elapsed(start, due, &window), amount);
        prop_assert!(closes_or_is_open(&calendar, due, &window));
    }

    #[test]
    fn due_undoes_elapsed(start in moment(), later in 1i64..60 * 86_400, window in any_window()) {
        let calendar = calendar();
        let end = start + later.seconds();
        prop_assume!(closes_or_is_open(&calendar, end, &window));
        let elapsed = calendar.elapsed(start, end, &window);
        prop_assert_eq!(calendar.due(start, elapsed, &window).at, end);
    }

    #[test]
    fn later_starts_and_longer_amounts_are_due_later(
        start in moment(), later in 0i64..40 * 86_400, amount in amount(), more in 0i64..86_400, window in any_window()
    ) {
        let calendar = calendar();
        let due = calendar.due(start, amount, &window).at;
        prop_assert!(calendar.due(start + later.seconds(), amount, &window).at >= due);
        let longer = amount + SignedDuration::from_secs(more);
        prop_assert_eq!(calendar.due(start, longer, &window).at == due, more == 0);
        prop_assert!(calendar.due(start, longer, &window).at >= due);
        prop_assert!(calendar.next_business_day_close(start + later.seconds()) >= calendar.next_business_day_close(start));
        prop_assert!(calendar.return_due(start + later.seconds()) >= calendar.return_due(start));
    }

    #[test]
    fn business_days_are_whole_and_in_order(
        start in moment(), later in 0i64..40 * 86_400, days in 1u16..12, hour in 0i8..24, cuts_off in any::<bool>()
    ) {
        let calendar = calendar();
        let cut_off = cuts_off.then(|| Time::constant(hour, 0, 0, 0));
        let due = calendar.business_days_close(start, days, cut_off).at;
        prop_assert_eq!(calendar.business_days_close(start, 1, None).at, calendar.next_business_day_close(start));
        prop_assert!(calendar.business_days_close(start + later.seconds(), days, cut_off).at >= due);
        prop_assert_eq!(calendar.next_business_day_close(due), calendar.business_days_close(start, days + 1, cut_off).at);
        prop_assert!(due >= calendar.business_days_close(start, days, None).at);
        prop_assert!(due <= calendar.business_days_close(start, days + 1, None).at);
    }

    #[test]
    fn elapsed_adds_up(
        start in moment(), first in 0i64..10 * 86_400, second in 0i64..10 * 86_400, window in any_window()
    ) {
        let calendar = calendar();
        let (middle, end) = (start + first.seconds(), start + (first + second).seconds());
        let parts = calendar.elapsed(start, middle, &window) + calendar.elapsed(middle, end, &window);
        prop_assert_eq!(calendar.elapsed(start, end, &window), parts);
    }

    #[test]
    fn always_is_elapsed_time(start in moment(), amount in amount()) {
        prop_assert_eq!(calendar().due(start, amount, &window("24x7")).at, start + amount);
    }
}
