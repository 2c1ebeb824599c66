use super::*;
use crate::desk::rules::Sources;

#[test]
fn the_rules_say_what_their_tests_say() {
    assert_eq!(QuoteRules::test(&Sources::built_in()), []);
}
