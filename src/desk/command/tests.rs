use jiff::civil::{date, time};

use super::*;
use crate::desk::rules::Sources;

fn rules() -> OrderRules {
    OrderRules::compile(&Sources::built_in()).expect("the built-in orders compile")
}

fn now() -> DateTime {
    date(2026, 11, 23).at(10, 0, 0, 0)
}

#[test]
fn the_orders_say_what_their_tests_say() {
    assert_eq!(rules().test(), []);
}

#[test]
fn orders() {
    let rules = rules();
    let check = |line: &str, expected: Option<Order>| assert_eq!(order(line, &rules, now()), expected, "{line}");
    let at = |day: i8, hour: i8, minute: i8| Some(date(2026, 11, day).at(hour, minute, 0, 0));
    let wait =
        |until: Option<(Date, Option<Time>)>, reason: &str| Some(Order::Wait { until, reason: reason.to_string() });
    check("#Przyjmij 8h", Some(Order::Accept(Some(DeliveryTime::Hours(8)))));
    check("＃ accept: NBD.", Some(Order::Accept(Some(DeliveryTime::NextBusinessDay))));
    check("#delivered 9:15", Some(Order::Delivered(at(23, 9, 15))));
    check("#dostarczono wczoraj o 16:05", Some(Order::Delivered(at(22, 16, 5))));
    check("#onsite w piątek o godz. 8:00", Some(Order::OnSite(at(20, 8, 0))));
    check("#phone 20.11. 12:00", Some(Order::Phone(at(20, 12, 0))));
    check("#phone 2026-11-20T12:00", Some(Order::Phone(at(20, 12, 0))));
    check("#phone 20.11.", None);
    check("#phone 25:00", None);
    check("#wait until tomorrow", wait(Some((date(2026, 11, 24), None)), ""));
    check("#czekaj do piątku 12:00 na log", wait(Some((date(2026, 11, 27), Some(time(12, 0, 0, 0)))), "na log"));
    check("#czekaj do 3 stycznia", wait(Some((date(2027, 1, 3), None)), ""));
    check("#czekaj 25.11.2026, klient na urlopie", wait(Some((date(2026, 11, 25), None)), "klient na urlopie"));
    for wrong in
        ["until 31.02.2027", "until 2026-13-01", "do 32.11", "till Fridya", "until next week", "do piątku 25:00"]
    {
        check(&format!("#wait {wrong}"), None);
    }
    check("#czekaj na 2 napędy", wait(None, "na 2 napędy"));
    check("#serial nr b824100317", Some(Order::Serial("B824100317".to_string())));
    check("#waybill nr 0081 7250 00ab", Some(Order::Waybill("0081725000AB".to_string())));
    check("#add \"Ewa Nowa\" <Ewa@Fabryka.example>", Some(Order::Add("ewa@fabryka.example".to_string())));
    check("#new Jan <jan@fabryka.example>", Some(Order::New("Jan".to_string(), "jan@fabryka.example".to_string())));
    check("#add <jan@x.example\u{202e}>", None);
    check("#assign  Marek Serwisant ", Some(Order::Assign("Marek Serwisant".to_string())));
    check("accept", None);
}

#[test]
fn what_is_not_understood_says_what_it_may_have_meant() {
    let rules = rules();
    let lines = ["#acept 8h", "#take", "#merge 17", "#gibberish"].map(String::from);
    let faults = read(&lines, &rules, now()).expect_err("three of them");
    let meant: Vec<(&str, Vec<&str>)> =
        faults.iter().map(|fault| (fault.line.as_str(), fault.meant.iter().map(String::as_str).collect())).collect();
    let expected =
        [("#acept 8h", vec!["#przyjmij [8h|NBD]"]), ("#merge 17", vec!["#połącz NUMER"]), ("#gibberish", vec![])];
    assert_eq!(meant, expected);
    assert_eq!(read(&lines[1..2], &rules, now()), Ok(vec![Order::Take]));
}

#[test]
fn what_is_meant_as_an_order() {
    let rules = rules();
    for (line, above, within) in [
        ("#note", true, true),
        ("# note", true, true),
        ("#ntoe", true, true),
        ("#Temat", true, false),
        ("# Temat", false, false),
        ("#1 napęd", false, false),
        ("##", false, false),
        ("# show version", true, false),
        ("#show version", true, true),
        ("nr #note", false, true),
        ("*#note*", false, true),
        ("- #accept nbd", false, true),
        ("# #note", false, true),
        ("nr #17", false, false),
    ] {
        assert_eq!((is_order(line, &rules), is_late_order(line, &rules, now())), (above, within), "{line}");
    }
}
