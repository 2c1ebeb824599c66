use super::*;
use crate::desk::rules::Sources;

fn rules() -> QuoteRules {
    QuoteRules::compile(&Sources::built_in()).expect("the built-in rules compile")
}

#[test]
fn the_rules_say_what_their_tests_say() {
    assert_eq!(QuoteRules::test(&Sources::built_in()), []);
}
