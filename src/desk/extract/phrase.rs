//! Labels: short phrases of a few words.
//!
//! A phrase is words parted by a blank, a `/` or a `.`; a word is alternatives parted by `|`, each with a
//! `*` where any ending of up to five letters may follow, or before it where anything may stand there; `%` is any word but the small ones ("to", "z"). In
//! the text a blank stands for blanks, dots, dashes and the like, or one line break; `/` and `.` for themselves. A
//! phrase that ends in a dot is an abbreviation: in the text a dot or a colon follows.

use std::collections::{HashMap, HashSet};

use super::vocabulary::{Ending, Met, Vocabulary, WordId};

/// Ways to read one phrase, all its alternatives multiplied; the longest in the rules has some hundred.
const WAYS_MAX: usize = 4_096;

/// What a `%` counts for among mistakes: any phrase that names the word fits better.
const ANY_WORD_COST: usize = 10;

/// A run of letters and digits in the folded text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) start: usize,
    pub(super) end: usize,
}

/// The words of a text, and which of the rules' words each is.
pub(super) struct Words<'t> {
    pub(super) text: &'t str,
    pub(super) words: Vec<Word>,
    met: Vec<Met>,
    /// For each word, and for the end, where its entries in `met` begin.
    first_met: Vec<usize>,
}

impl<'t> Words<'t> {
    /// Cuts a folded text into words and looks each up.
    pub(super) fn new(text: &'t str, vocabulary: &Vocabulary) -> Words<'t> {
        let mut all = Words { text, words: Vec::new(), met: Vec::new(), first_met: Vec::new() };
        let bytes = text.as_bytes();
        let mut at = 0;
        while let Some(skipped) = bytes.get(at..).and_then(|rest| rest.iter().position(u8::is_ascii_alphanumeric)) {
            let start = at + skipped;
            let rest = bytes.get(start..).unwrap_or_default();
            let end = start + rest.iter().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(rest.len());
            let run = text.get(start..end).unwrap_or_default();
            let seam = vocabulary.seam(run).map(|seam| start + seam);
            for (start, end) in [Some((start, seam.unwrap_or(end))), seam.map(|seam| (seam, end))].into_iter().flatten()
            {
                all.first_met.push(all.met.len());
                all.words.push(Word { start, end });
                vocabulary.look_up(text.get(start..end).unwrap_or_default(), &mut all.met);
            }
            at = end;
        }
        all.first_met.push(all.met.len());
        all
    }

    /// The rules' words that the word `at` is.
    pub(super) fn met(&self, at: usize) -> &[Met] {
        match (self.first_met.get(at), self.first_met.get(at + 1)) {
            (Some(from), Some(until)) => self.met.get(*from..*until).unwrap_or_default(),
            _ => &[],
        }
    }

    /// Every one of the rules' words in the text.
    pub(super) fn all_met(&self) -> &[Met] {
        &self.met
    }

    /// The text of the word `at`.
    pub(super) fn word(&self, at: usize) -> &str {
        self.words.get(at).and_then(|word| self.text.get(word.start..word.end)).unwrap_or_default()
    }

    /// The text between the word `at` and the next one.
    pub(super) fn after(&self, at: usize) -> &str {
        let end = self.words.get(at + 1).map_or(self.text.len(), |next| next.start);
        self.words.get(at).and_then(|word| self.text.get(word.end..end)).unwrap_or_default()
    }
}

/// A phrase found in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    /// What was given to [`Phrases::add`].
    pub(super) owner: usize,
    /// The words covered, counted from the one that was asked for.
    pub(super) words: usize,
}

/// All phrases, looked for together.
#[derive(Clone, Debug)]
pub(super) struct Phrases {
    /// State 0 is where every phrase begins.
    states: Vec<State>,
    /// Words that `%` does not stand for.
    small_words: HashSet<String>,
}

#[derive(Clone, Debug, Default)]
struct State {
    next: HashMap<WordId, Vec<Step>>,
    next_of_any: Vec<Step>,
    owner: Option<usize>,
    /// The owner of a phrase that ends in a dot.
    abbreviation_of: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    glue: Glue,
    state: usize,
}

/// What may stand before a word of a phrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Glue {
    Soft,
    Exactly(u8),
}

#[derive(Clone, Debug)]
enum Alternative {
    Any,
    Word(WordId),
}

impl Phrases {
    /// No phrases yet.
    pub(super) fn new(small_words: &[String]) -> Phrases {
        Phrases { states: vec![State::default()], small_words: small_words.iter().cloned().collect() }
    }

    /// Adds a phrase that, where found, is reported as `owner`. Of equal phrases the first counts.
    ///
    /// # Errors
    /// Says what is wrong with the phrase.
    pub(super) fn add(&mut self, owner: usize, phrase: &str, vocabulary: &mut Vocabulary) -> Result<(), String> {
        let mut words = Vec::new();
        let mut glue = Glue::Soft;
        for piece in phrase.split_inclusive([' ', '/', '.']) {
            let word = piece.trim_end_matches([' ', '/', '.']);
            let read = alternatives(word, vocabulary).map_err(|why| format!("the phrase `{phrase}` {why}"))?;
            words.push((glue, read));
            glue = match piece.as_bytes().last() {
                Some(&mark @ (b'/' | b'.')) => Glue::Exactly(mark),
                _ => Glue::Soft,
            };
        }
        match words.first() {
            None => return Err("an empty phrase would be found everywhere".to_string()),
            Some((_, first)) if first.iter().any(|one| matches!(one, Alternative::Any)) => {
                return Err(format!("the phrase `{phrase}` may not begin with %"));
            }
            Some(_) => {}
        }
        let ways = words.iter().try_fold(1_usize, |ways, (_, read)| ways.checked_mul(read.len()));
        if ways.is_none_or(|ways| ways > WAYS_MAX) {
            return Err(format!("the phrase `{phrase}` can be read in more than {WAYS_MAX} ways; make it two"));
        }
        let mut from = vec![0];
        for (glue, alternatives) in &words {
            from = self.lead(&from, *glue, alternatives);
        }
        for state in from {
            if let Some(state) = self.states.get_mut(state) {
                let place = if phrase.ends_with('.') { &mut state.abbreviation_of } else { &mut state.owner };
                place.get_or_insert(owner);
            }
        }
        Ok(())
    }

    /// Where the alternatives lead from these states.
    fn lead(&mut self, from: &[usize], glue: Glue, alternatives: &[Alternative]) -> Vec<usize> {
        let mut reached = Vec::new();
        for at in from {
            for alternative in alternatives {
                let new = self.states.len();
                let Some(state) = self.states.get_mut(*at) else { continue };
                let steps = match alternative {
                    Alternative::Any => &mut state.next_of_any,
                    Alternative::Word(word) => state.next.entry(*word).or_default(),
                };
                match steps.iter().find(|step| step.glue == glue) {
                    Some(known) => reached.push(known.state),
                    None => {
                        steps.push(Step { glue, state: new });
                        self.states.push(State::default());
                        reached.push(new);
                    }
                }
            }
        }
        reached
    }

    /// The longest phrase that begins with the word `at`; of equally long ones that with fewer
    /// mistakes, then the first added.
    pub(super) fn find(&self, words: &Words, at: usize) -> Option<Hit> {
        let mut frontier: Vec<(usize, usize)> = Vec::new();
        let start = self.states.first()?;
        for met in words.met(at) {
            let steps = start.next.get(&met.word).into_iter().flatten();
            frontier.extend(steps.map(|step| (step.state, usize::from(met.mistyped))));
        }
        let mut best = None;
        let mut length = 1;
        while !frontier.is_empty() {
            let is_cut_short = words.after(at + length - 1).starts_with(['.', ':']);
            if let Some(owner) = self.best_of(&frontier, is_cut_short)
                && !(length > 1 && goes_on_in_number(words, at + length - 1))
            {
                best = Some(Hit { owner, words: length });
            }
            frontier = self.advance(&frontier, words, at + length);
            length += 1;
        }
        best
    }

    fn best_of(&self, frontier: &[(usize, usize)], is_cut_short: bool) -> Option<usize> {
        let owner = |state: &State| state.owner.or(state.abbreviation_of.filter(|_| is_cut_short));
        let owners = frontier.iter().filter_map(|(at, mistakes)| Some((*mistakes, owner(self.states.get(*at)?)?)));
        owners.min().map(|(_, owner)| owner)
    }

    fn advance(&self, frontier: &[(usize, usize)], words: &Words, at: usize) -> Vec<(usize, usize)> {
        let mut next = Vec::new();
        let between = words.after(at - 1);
        let text = words.word(at);
        if text.is_empty() || between.len() > 6 {
            return next;
        }
        for (state, mistakes) in frontier {
            let Some(state) = self.states.get(*state) else { continue };
            if !state.next_of_any.is_empty() && self.is_any(text) {
                let steps = state.next_of_any.iter().filter(|step| step.glue.fits(between));
                next.extend(steps.map(|step| (step.state, mistakes + ANY_WORD_COST)));
            }
            for met in words.met(at) {
                let steps = state.next.get(&met.word).into_iter().flatten().filter(|step| step.glue.fits(between));
                next.extend(steps.map(|step| (step.state, mistakes + usize::from(met.mistyped))));
            }
        }
        next
    }

    fn is_any(&self, word: &str) -> bool {
        word.bytes().all(|byte| byte.is_ascii_alphabetic()) && !self.small_words.contains(word)
    }
}

/// True where the label's last word is the beginning of the number: HEZO in `nr HEZO/QSP/2024/00219`. The
/// slash of `s/n` is the label's own.
fn goes_on_in_number(words: &Words, last: usize) -> bool {
    let letters = words.word(last).bytes().all(|byte| byte.is_ascii_alphabetic());
    let own = matches!(words.after(last - 1).trim(), "/" | ".");
    if own || !letters || words.word(last + 1).is_empty() {
        return false;
    }
    match words.after(last) {
        "/" | "-" => true,
        // With blanks the parts must be as short as those of a number, and one of digits: "HEZO / QSP / 2024".
        " / " => {
            let parts = (last..last + 4).take_while(|at| *at == last || words.after(at - 1) == " / ");
            let mut parts = parts.map(|at| words.word(at));
            parts.clone().all(|part| part.len() <= 5)
                && parts.any(|part| part.bytes().any(|byte| byte.is_ascii_digit()))
        }
        _ => false,
    }
}

fn alternatives(word: &str, vocabulary: &mut Vocabulary) -> Result<Vec<Alternative>, String> {
    let mut read = |one: &str| {
        if one == "%" {
            return Ok(Alternative::Any);
        }
        let (one, any_beginning) = one.strip_prefix('*').map_or((one, false), |one| (one, true));
        let (letters, ending) = match one.strip_suffix('*') {
            Some(letters) => (letters, Ending::Inflection),
            None => (one, Ending::None),
        };
        let plain = !letters.is_empty()
            && letters.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
            && !(ending == Ending::Inflection && (letters.len() < 2 || any_beginning))
            && !(any_beginning && letters.len() < 5);
        let why = "has a word that is not small letters without diacritics, or digits";
        match (plain, any_beginning) {
            (true, true) => Ok(Alternative::Word(vocabulary.add_tail(letters))),
            (true, false) => Ok(Alternative::Word(vocabulary.add(letters, ending))),
            (false, _) => Err(why.to_string()),
        }
    };
    word.split('|').map(&mut read).collect()
}

impl Glue {
    fn fits(self, between: &str) -> bool {
        match self {
            Glue::Exactly(mark) => {
                let mut rest = between.bytes().filter(|byte| *byte != b' ');
                rest.next() == Some(mark) && rest.next().is_none()
            }
            // At most one line break, and nothing that ends a sentence or a cell.
            Glue::Soft => {
                between.bytes().filter(|byte| *byte == b'\n').count() <= 1
                    && between.bytes().all(|byte| matches!(byte, b' ' | b'\n' | b'.' | b'-' | b'#' | b'*' | b'"'))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(phrase: &str, text: &str, found: bool) {
        let mut vocabulary = Vocabulary::new(&["kontakt".to_string(), "contact".to_string()], &[]);
        let mut phrases = Phrases::new(&["to".to_string()]);
        phrases.add(0, phrase, &mut vocabulary).expect("a good phrase");
        let folded = super::super::fold::Folded::new(text);
        let words = Words::new(&folded.text, &vocabulary);
        let hit = (0..words.words.len()).any(|at| phrases.find(&words, at).is_some());
        assert_eq!(hit, found, "{phrase}: {text}");
    }

    #[test]
    fn inflections_glue_and_mistakes() {
        let phrase = "numer*|nr seryjn*";
        for text in
            ["Numeru seryjnego", "nr. seryjny", "NR_SERYJNY", "numer\n> seryjny", "numer serynjy", "nmuer seryny"]
        {
            check(phrase, text, true);
        }
        for text in ["numer; seryjny", "numer\n\nseryjny", "numer tej serii", "nrseryjny", "numer seria"] {
            check(phrase, text, false);
        }
        check("s/n", "S / N 12", true);
        check("s/n", "s n 12", false);
        check("s/n", "S/N / 12", true);
        check("s.n", "S.N. 12", true);
        check("kontrakt*", "kontraktowego", true);
        check("kontrakt*", "kontrkat", true);
        check("kontrakt*", "kontaktowy", false);
        check("contract", "contact", false);
        check("umowa", "mowa", false);
        check("nr %", "nr klienta", true);
        check("nr %", "nr 12", false);
        check("nr %", "nr to", false);
        check("nr hezo", "nr HEZO 12345", true);
        check("nr hezo", "nr HEZO/12345", false);
        check("nr hezo", "nr HEZO / QSP / 2024", false);
        check("nr hezo", "nr HEZO / PESEL 2024", true);
        check("nr umowy", "nr umowy - 12345", true);
    }

    #[test]
    fn of_equal_phrases_the_one_without_mistakes_counts() {
        let mut vocabulary = Vocabulary::new(&[], &[]);
        let mut phrases = Phrases::new(&[]);
        phrases.add(7, "numery seryjn*", &mut vocabulary).expect("a good phrase");
        phrases.add(8, "numer* seryjn*", &mut vocabulary).expect("a good phrase");
        for (text, owner) in [("numer seryjny", 8), ("numery seryjne", 7), ("nnumer seryjny", 8)] {
            let words = Words::new(text, &vocabulary);
            assert_eq!(phrases.find(&words, 0).map(|hit| hit.owner), Some(owner), "{text}");
        }
    }

    #[test]
    fn a_bad_phrase_is_refused() {
        for phrase in ["", "% nr", "numer Seryjny", "nr  seryjny", "n*", "sérial", "*no", "*serial*"] {
            assert!(Phrases::new(&[]).add(0, phrase, &mut Vocabulary::new(&[], &[])).is_err(), "{phrase}");
        }
    }
}
