//! Rule files in which each rule is one pattern, and says what a text is where it matches.

use std::collections::HashMap;
use std::hash::Hash;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::pattern::{self, Patterns, Tests};
use super::{RuleFault, Sources};
use crate::desk::fold::fold;

/// The compiled rules of one file.
#[derive(Clone, Debug)]
pub(crate) struct RoleRules<R> {
    by_role: HashMap<R, Role>,
}

/// The rules with one role.
#[derive(Clone, Debug)]
struct Role {
    patterns: Patterns,
    rules: Vec<Matched>,
}

/// A rule that matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Matched {
    /// Its id.
    pub(crate) id: String,
    /// What else it says: a status code, for instance.
    pub(crate) says: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File<R> {
    rule: Vec<Rule<R>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule<R> {
    id: String,
    #[allow(dead_code, reason = "for the people who edit the file")]
    why: String,
    #[serde(rename = "as")]
    role: R,
    pattern: String,
    says: Option<String>,
    #[serde(default)]
    test: Tests,
}

impl<R: Copy + Eq + Hash + DeserializeOwned> RoleRules<R> {
    /// Compiles a file.
    ///
    /// # Errors
    /// Every rule that cannot be compiled, and every id that stands twice.
    pub(crate) fn compile(name: &str, sources: &Sources) -> Result<RoleRules<R>, Vec<RuleFault>> {
        let file: File<R> = sources.parse(name).map_err(|fault| vec![fault])?;
        let mut faults = Vec::new();
        let mut sorted: HashMap<R, Vec<&Rule<R>>> = HashMap::new();
        for (at, rule) in file.rule.iter().enumerate() {
            if file.rule.iter().take(at).any(|other| other.id == rule.id) {
                let message = "the id stands twice; give one of the rules another".to_string();
                faults.push(RuleFault { file: name.to_string(), rule: Some(rule.id.clone()), message });
            }
            match pattern::compile(name, &rule.id, &rule.pattern) {
                Ok(_) => sorted.entry(rule.role).or_default().push(rule),
                Err(fault) => faults.push(fault),
            }
        }
        let mut by_role = HashMap::new();
        for (role, rules) in sorted {
            let patterns: Vec<_> = rules.iter().map(|rule| rule.pattern.as_str()).collect();
            let rules = rules.iter().map(|rule| Matched { id: rule.id.clone(), says: rule.says.clone() }).collect();
            match Patterns::new(name, &patterns) {
                Ok(patterns) => _ = by_role.insert(role, Role { patterns, rules }),
                Err(fault) => faults.push(fault),
            }
        }
        if faults.is_empty() { Ok(RoleRules { by_role }) } else { Err(faults) }
    }

    /// The first rule of this role, in the order of the file, that matches the folded text.
    pub(crate) fn first(&self, role: R, folded: &str) -> Option<&Matched> {
        let role = self.by_role.get(&role)?;
        role.patterns.first(folded).and_then(|at| role.rules.get(at))
    }

    /// Whether a rule of this role matches the folded text.
    pub(crate) fn is(&self, role: R, folded: &str) -> bool {
        self.by_role.get(&role).is_some_and(|role| role.patterns.any(folded))
    }

    /// Runs the tests that stand beside the rules of a file.
    pub(crate) fn test(name: &str, sources: &Sources) -> Vec<RuleFault> {
        let file: File<R> = match sources.parse(name) {
            Ok(file) => file,
            Err(fault) => return vec![fault],
        };
        let check = |rule: &Rule<R>| match pattern::compile(name, &rule.id, &rule.pattern) {
            Ok(regex) => pattern::test(name, &rule.id, &rule.test, |text| regex.is_match(fold(text).as_bytes())),
            Err(fault) => vec![fault],
        };
        file.rule.iter().flat_map(check).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Fruit {
        Apple,
        Pear,
    }

    fn sources(text: &str) -> Sources {
        let mut sources = Sources::built_in();
        sources.replace("wishes.toml", text.to_string()).expect("a file of that name");
        sources
    }

    const ORCHARD: &str = r#"
        [[rule]]
        id = "red"
        why = "ripe"
        as = "apple"
        pattern = '\bred\b'
        says = "now"
        test = { hits = ["Réd!"], misses = ["reddish"] }
        [[rule]]
        id = "green"
        why = "not ripe"
        as = "pear"
        pattern = 'green'
        test = { hits = ["GREEN"] }
    "#;

    #[test]
    fn the_first_rule_of_a_role_speaks() {
        let rules = RoleRules::<Fruit>::compile("wishes.toml", &sources(ORCHARD)).expect("rules");
        let red = rules.first(Fruit::Apple, "a red one").expect("a match");
        assert_eq!((red.id.as_str(), red.says.as_deref()), ("red", Some("now")));
        assert_eq!(rules.first(Fruit::Pear, "a red one"), None);
        assert!(rules.is(Fruit::Pear, "green") && !rules.is(Fruit::Apple, "green"));
        assert_eq!(RoleRules::<Fruit>::test("wishes.toml", &sources(ORCHARD)), []);
    }

    #[test]
    fn faults_are_named() {
        let check = |wrong: &str, instead: &str, fault: &str| {
            let sources = sources(&ORCHARD.replace(wrong, instead));
            let mut faults = RoleRules::<Fruit>::compile("wishes.toml", &sources).err().unwrap_or_default();
            faults.extend(RoleRules::<Fruit>::test("wishes.toml", &sources));
            let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
            assert!(faults.iter().any(|said| said.contains(fault)), "{faults:?}");
        };
        check("id = \"green\"", "id = \"red\"", "[red]: the id stands twice");
        check("'green'", "'('", "[green]");
        check("\"GREEN\"", "\"blue\"", "[green]: does not match `blue`");
        check("reddish", "red-haired", "[red]: matches `red-haired`");
        check("as = \"pear\"", "as = \"plum\"", "unknown variant `plum`");
    }
}
