//! Many patterns in one automaton, whose states are made as texts need them: the time that a look takes grows
//! with the text and hardly with the number of patterns, and no pattern makes it grow faster.

use std::sync::Arc;

use regex_automata::hybrid::dfa::{Cache, Config, DFA};
use regex_automata::nfa::thompson;
use regex_automata::util::pool::{Pool, PoolGuard};
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, MatchKind, PatternSet};

/// The largest automaton of all patterns together, in bytes, before it is run. The shipped rules
/// take a hundredth of it.
const SIZE_MAX: usize = 32 << 20;

/// The largest automaton of one pattern, in bytes.
const PATTERN_MAX: usize = 1 << 20;

/// What the automaton may remember while it runs, in bytes; then it forgets and goes on.
const CACHE_MAX: usize = 2 << 20;

type MakeCache = Box<dyn Fn() -> Cache + Send + Sync + std::panic::UnwindSafe + std::panic::RefUnwindSafe>;

/// Patterns that are looked for together.
#[derive(Clone)]
pub(crate) struct Automaton(Arc<Compiled>);

struct Compiled {
    dfa: Arc<DFA>,
    caches: Pool<Cache, MakeCache>,
}

/// An [`Automaton`] in use by one reader.
pub(crate) struct Reader<'a> {
    dfa: &'a DFA,
    cache: PoolGuard<'a, Cache, MakeCache>,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Longest {
    /// Which pattern, of equally long ones the first.
    pub(crate) pattern: usize,
    /// Where the stretch ends.
    pub(crate) end: usize,
}

impl Automaton {
    /// Compiles patterns of bytes.
    ///
    /// # Errors
    /// Why one of them cannot be compiled, or that all together are too large.
    pub(crate) fn new(patterns: &[String], syntax: syntax::Config) -> Result<Automaton, String> {
        let dfa = Arc::new(compile(patterns, syntax, SIZE_MAX)?);
        let maker = Arc::clone(&dfa);
        let make: MakeCache = Box::new(move || maker.create_cache());
        Ok(Automaton(Arc::new(Compiled { dfa, caches: Pool::new(make) })))
    }

    /// The same, of ASCII text in any case, each pattern tried by itself first.
    ///
    /// # Errors
    /// The first pattern that cannot be compiled and why, or that all together are too large.
    pub(crate) fn of_ascii(patterns: &[String]) -> Result<Automaton, (Option<usize>, String)> {
        let syntax = syntax::Config::new().unicode(false).utf8(false).case_insensitive(true);
        for (at, pattern) in patterns.iter().enumerate() {
            compile(std::slice::from_ref(pattern), syntax, PATTERN_MAX).map_err(|why| (Some(at), why))?;
        }
        Automaton::new(patterns, syntax).map_err(|why| (None, why))
    }

    /// Begins to read.
    pub(crate) fn reader(&self) -> Reader<'_> {
        Reader { dfa: &self.0.dfa, cache: self.0.caches.get() }
    }
}

// The automaton neither gives up nor meets a byte that it must not read: no search fails.
impl Reader<'_> {
    /// The longest stretch of `text[..until]` that begins at `start` and has a pattern.
    pub(crate) fn longest(&mut self, text: &str, start: usize, until: usize) -> Option<Longest> {
        let until = until.min(text.len());
        if start > until {
            return None;
        }
        let input = Input::new(text).range(start..until).anchored(Anchored::Yes);
        let found = self.dfa.try_search_fwd(&mut self.cache, &input).ok().flatten()?;
        Some(Longest { pattern: found.pattern().as_usize(), end: found.offset() })
    }

    /// Whether a pattern is anywhere in the text.
    pub(crate) fn any(&mut self, text: &str) -> bool {
        let input = Input::new(text).earliest(true);
        self.dfa.try_search_fwd(&mut self.cache, &input).is_ok_and(|found| found.is_some())
    }

    /// Every pattern that is anywhere in the text.
    pub(crate) fn all(&mut self, text: &str) -> PatternSet {
        let mut found = PatternSet::new(self.dfa.pattern_len());
        let _ = self.dfa.try_which_overlapping_matches(&mut self.cache, &Input::new(text), &mut found);
        found
    }
}

impl std::fmt::Debug for Automaton {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Automaton").field("patterns", &self.0.dfa.pattern_len()).finish()
    }
}

fn compile(patterns: &[String], syntax: syntax::Config, size: usize) -> Result<DFA, String> {
    let config = Config::new().match_kind(MatchKind::All).cache_capacity(CACHE_MAX).skip_cache_capacity_check(true);
    DFA::builder()
        .configure(config)
        .syntax(syntax)
        .thompson(thompson::Config::new().nfa_size_limit(Some(size)).utf8(false))
        .build_many(patterns)
        .map_err(|error| format!("{:#}", anyhow::Error::new(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(patterns: &[&str], text: &str, start: usize, found: Option<(usize, &str)>) {
        let patterns: Vec<String> = patterns.iter().map(ToString::to_string).collect();
        let automaton = Automaton::of_ascii(&patterns).expect("good patterns");
        let got = automaton.reader().longest(text, start, text.len());
        assert_eq!(got.map(|got| (got.pattern, &text[start..got.end])), found, "{patterns:?} in {text}");
    }

    #[test]
    fn the_longest_stretch_wins_and_of_equal_ones_the_first_pattern() {
        check(&["[0-9]+", "[0-9]+-[0-9]+"], "a 12-34-", 2, Some((1, "12-34")));
        check(&["[0-9]{2}", "1[0-9]"], "12", 0, Some((0, "12")));
        check(&[r"[a-z]+\b{end-half}"], "abc1", 0, None);
        check(&[r"[a-z]+\b{end-half}"], "abc-", 0, Some((0, "abc")));
        check(&["fg[0-9]+"], "FG12", 0, Some((0, "FG12")));
        check(&["b"], "ab", 0, None);
    }

    #[test]
    fn a_stretch_ends_where_the_reader_says() {
        let automaton = Automaton::of_ascii(&["[a-z]+".to_string()]).expect("a good pattern");
        assert_eq!(automaton.reader().longest("abcdef", 1, 3), Some(Longest { pattern: 0, end: 3 }));
        assert_eq!(automaton.reader().longest("abc", 5, 9), None);
    }

    #[test]
    fn what_cannot_be_run_is_refused_with_its_reason() {
        for (pattern, why) in
            [("(", "unclosed group"), ("[a-z]{1000}{1000}", "exceeded limit"), (r"(a)\1", "backreferences")]
        {
            let (at, message) = Automaton::of_ascii(&["fine".to_string(), pattern.to_string()]).expect_err(pattern);
            assert_eq!(at, Some(1), "{pattern}");
            assert!(message.contains(why), "{pattern}: {message}");
        }
    }

    #[test]
    fn a_pattern_that_others_choke_on_takes_its_time_in_proportion() {
        let automaton =
            Automaton::of_ascii(&["(a*)*(a|aa)+$".to_string(), "(x+x+)+y".to_string()]).expect("good patterns");
        let text = "a".repeat(5_000) + "b" + &"x".repeat(5_000);
        let mut reader = automaton.reader();
        for start in 0..100 {
            assert_eq!(reader.longest(&text, start, text.len()), None);
        }
    }
}
