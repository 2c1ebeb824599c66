//! Many patterns tried at one place of a text, all in one go: the time that takes grows with the
//! stretch that is looked at, and hardly with the number of patterns.

use std::sync::Arc;

use regex_automata::hybrid::dfa::{Cache, Config, DFA};
use regex_automata::nfa::thompson;
use regex_automata::util::pool::Pool;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, MatchKind};

/// The largest automaton of all patterns together, in bytes, before it is run. The shipped rules
/// take a hundredth of it.
const SIZE_MAX: usize = 32 << 20;

/// The largest automaton of one pattern, in bytes.
const PATTERN_MAX: usize = 1 << 20;

/// What the automaton may remember while it runs, in bytes; then it forgets and goes on.
const CACHE_MAX: usize = 4 << 20;

type MakeCache = Box<dyn Fn() -> Cache + Send + Sync + std::panic::UnwindSafe + std::panic::RefUnwindSafe>;

/// Patterns that are tried at a place.
#[derive(Clone)]
pub(super) struct Matcher(Arc<Compiled>);

struct Compiled {
    dfa: Arc<DFA>,
    caches: Pool<Cache, MakeCache>,
}

/// A [`Matcher`] in use by one reader.
pub(super) struct Reader<'m> {
    matcher: &'m Matcher,
    cache: regex_automata::util::pool::PoolGuard<'m, Cache, MakeCache>,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Longest {
    /// Which pattern, of equally long ones the first.
    pub(super) pattern: usize,
    /// Where the stretch ends.
    pub(super) end: usize,
}

impl Matcher {
    /// Compiles patterns of ASCII text, in any case.
    ///
    /// # Errors
    /// The first pattern that cannot be compiled and why, or that all together are too large.
    pub(super) fn new(patterns: &[String]) -> Result<Matcher, (Option<usize>, String)> {
        for (at, pattern) in patterns.iter().enumerate() {
            compile(std::slice::from_ref(pattern), PATTERN_MAX).map_err(|why| (Some(at), why))?;
        }
        let dfa = Arc::new(compile(patterns, SIZE_MAX).map_err(|why| (None, why))?);
        let maker = Arc::clone(&dfa);
        let make: MakeCache = Box::new(move || maker.create_cache());
        Ok(Matcher(Arc::new(Compiled { dfa, caches: Pool::new(make) })))
    }

    /// Begins to read.
    pub(super) fn reader(&self) -> Reader<'_> {
        Reader { matcher: self, cache: self.0.caches.get() }
    }
}

impl Reader<'_> {
    /// The longest stretch of `text[..until]` that begins at `start` and has a pattern.
    pub(super) fn longest(&mut self, text: &str, start: usize, until: usize) -> Option<Longest> {
        let until = until.min(text.len());
        if start > until {
            return None;
        }
        let input = Input::new(text).range(start..until).anchored(Anchored::Yes);
        // The automaton neither gives up nor meets a byte that it must not read: no search fails.
        let found = self.matcher.0.dfa.try_search_fwd(&mut self.cache, &input).ok().flatten()?;
        Some(Longest { pattern: found.pattern().as_usize(), end: found.offset() })
    }
}

impl std::fmt::Debug for Matcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Matcher").field("patterns", &self.0.dfa.pattern_len()).finish()
    }
}

fn compile(patterns: &[String], size: usize) -> Result<DFA, String> {
    let config = Config::new().match_kind(MatchKind::All).cache_capacity(CACHE_MAX).skip_cache_capacity_check(true);
    DFA::builder()
        .configure(config)
        .syntax(syntax::Config::new().unicode(false).utf8(false).case_insensitive(true))
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
        let matcher = Matcher::new(&patterns).expect("good patterns");
        let got = matcher.reader().longest(text, start, text.len());
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
        let matcher = Matcher::new(&["[a-z]+".to_string()]).expect("a good pattern");
        assert_eq!(matcher.reader().longest("abcdef", 1, 3), Some(Longest { pattern: 0, end: 3 }));
        assert_eq!(matcher.reader().longest("abc", 5, 9), None);
    }

    #[test]
    fn what_cannot_be_run_is_refused_with_its_reason() {
        for (pattern, why) in
            [("(", "unclosed group"), ("[a-z]{1000}{1000}", "exceeded limit"), (r"(a)\1", "backreferences")]
        {
            let (at, message) = Matcher::new(&["fine".to_string(), pattern.to_string()]).expect_err(pattern);
            assert_eq!(at, Some(1), "{pattern}");
            assert!(message.contains(why), "{pattern}: {message}");
        }
    }

    #[test]
    fn a_pattern_that_others_choke_on_takes_its_time_in_proportion() {
        let matcher = Matcher::new(&["(a*)*(a|aa)+$".to_string(), "(x+x+)+y".to_string()]).expect("good patterns");
        let text = "a".repeat(5_000) + "b" + &"x".repeat(5_000);
        let mut reader = matcher.reader();
        for start in 0..100 {
            assert_eq!(reader.longest(&text, start, text.len()), None);
        }
    }
}
