use super::*;

#[test]
fn the_rules_say_what_their_tests_say() {
    assert_eq!(BounceRules::test(&Sources::built_in()), []);
}

#[test]
fn status_codes_are_told_from_addresses_and_versions() {
    let cases = [
        ("550 5.1.1 no such user", Some("5.1.1")),
        ("5.7.26 (unauthenticated)", Some("5.7.26")),
        ("no mailbox (#5.1.1)", Some("5.1.1")),
        ("host mx[192.0.2.4] said: 450-4.7.1 wait", Some("4.7.1")),
        ("from 4.0.2.1", None),
        ("version 15.1.2 and 5.1", None),
        ("5.1.", None),
        ("", None),
    ];
    for (text, want) in cases {
        assert_eq!(status_in(text).as_deref(), want, "{text}");
    }
}

#[test]
fn outcomes() {
    let cases = [
        (Some("failed"), Some("5.1.1"), Outcome::LostForGood),
        (Some("failed"), Some("5.2.2"), Outcome::LostForNow),
        (Some("failed"), Some("4.4.7"), Outcome::LostForNow),
        (Some("failed"), None, Outcome::LostForGood),
        (None, None, Outcome::LostForGood),
        (Some("delayed"), Some("4.4.1"), Outcome::Waiting),
        (Some("delivered"), Some("2.0.0"), Outcome::Arrived),
        (Some("relayed"), None, Outcome::Arrived),
    ];
    for (action, status, want) in cases {
        let bounce =
            Bounce { action: action.map(str::to_string), status: status.map(str::to_string), ..Bounce::default() };
        assert_eq!(bounce.outcome(), want, "{action:?} {status:?}");
    }
}
