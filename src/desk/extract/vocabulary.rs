//! The words that rules are made of, all looked up in one walk over a word's letters, and the typing
//! mistakes that are forgiven in them.

use std::collections::HashSet;

/// Letters of an ending that a `*` accepts: `kontrakt` + `owego`.
const ENDING_MAX: usize = 5;

/// Letters from which on a word is long enough that one typing mistake leaves it recognisable.
const MISTAKE_MIN: usize = 5;

/// Signs of a number that is told from the word before it without a blank: fewer are a model's.
const GLUED_MIN: usize = 6;

/// Small letters and digits.
const SIGNS: usize = 36;

/// A word of the rules, as [`Vocabulary::add`] numbered it.
pub(super) type WordId = u32;

/// What may follow the letters of a rule's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Ending {
    /// Nothing.
    None,
    /// Up to five letters.
    Inflection,
    /// Anything.
    Any,
}

/// A word of the rules that stands in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Met {
    pub(super) word: WordId,
    /// True where a typing mistake was forgiven.
    pub(super) mistyped: bool,
}

/// All words of the rules.
#[derive(Clone, Debug)]
pub(super) struct Vocabulary {
    words: Vec<(String, Ending)>,
    nodes: Vec<Node>,
    /// Words before which anything may stand: `serialnumber` in `productserialnumber`.
    tails: Vec<(String, WordId)>,
    /// By first letter: what a mistyped word is compared with.
    mistypable: Vec<Vec<Stem>>,
    /// Words that exist, one mistake away from a word of a rule: `kontakt` is no `kontrakt`.
    real_words: HashSet<String>,
    /// Words that end where a number begins.
    glued: HashSet<String>,
}

#[derive(Clone, Debug)]
struct Node {
    /// By sign; 0 is none, for nothing leads back to the root.
    next: [u32; SIGNS],
    ends: Vec<(WordId, Ending)>,
}

#[derive(Clone, Debug)]
struct Stem {
    word: WordId,
    letters: String,
    open: bool,
    /// One bit for each letter that it has.
    mask: u64,
}

impl Vocabulary {
    /// No words yet, those that no mistake makes into another, and those that end where a number begins.
    pub(super) fn new(real_words: &[String], glued: &[String]) -> Vocabulary {
        Vocabulary {
            words: Vec::new(),
            nodes: vec![Node::empty()],
            tails: Vec::new(),
            mistypable: vec![Vec::new(); SIGNS],
            real_words: real_words.iter().cloned().collect(),
            glued: glued.iter().cloned().collect(),
        }
    }

    /// Where the number begins that is written right behind a word: 7 in `seryjny8602019`.
    pub(super) fn seam(&self, run: &str) -> Option<usize> {
        let seam = run.bytes().position(|byte| byte.is_ascii_digit())?;
        let (word, number) = run.split_at_checked(seam)?;
        (number.len() >= GLUED_MIN && self.glued.contains(word)).then_some(seam)
    }

    /// Numbers a word before which anything may stand.
    pub(super) fn add_tail(&mut self, letters: &str) -> WordId {
        let word = self.add(letters, Ending::None);
        self.tails.push((letters.to_string(), word));
        word
    }

    /// Numbers a word, given as it stands in folded text.
    pub(super) fn add(&mut self, letters: &str, ending: Ending) -> WordId {
        let same = |(known, known_ending): &(String, Ending)| known == letters && *known_ending == ending;
        if let Some(known) = self.words.iter().position(same) {
            return known as WordId;
        }
        let word = self.words.len() as WordId;
        self.words.push((letters.to_string(), ending));
        let mut at = 0;
        for sign in letters.bytes().filter_map(sign) {
            at = self.child(at, sign);
        }
        if let Some(node) = self.nodes.get_mut(at) {
            node.ends.push((word, ending));
        }
        let is_mistypable = letters.len() >= MISTAKE_MIN && ending != Ending::Any;
        let first = letters.bytes().next().and_then(sign);
        if let Some(stems) = first.filter(|_| is_mistypable).and_then(|first| self.mistypable.get_mut(first)) {
            let open = ending == Ending::Inflection;
            stems.push(Stem { word, letters: letters.to_string(), open, mask: mask(letters) });
        }
        word
    }

    fn child(&mut self, at: usize, sign: usize) -> usize {
        let known = self.nodes.get(at).and_then(|node| node.next.get(sign)).copied().unwrap_or(0);
        if known != 0 {
            return known as usize;
        }
        let new = self.nodes.len();
        self.nodes.push(Node::empty());
        if let Some(next) = self.nodes.get_mut(at).and_then(|node| node.next.get_mut(sign)) {
            *next = new as u32;
        }
        new
    }

    /// The rules' words that this word of a folded text is; where it is none to the letter, those
    /// that it is with one mistake.
    pub(super) fn look_up(&self, word: &str, met: &mut Vec<Met>) {
        let bytes = word.as_bytes();
        let mut at = 0;
        let mut is_known = false;
        for (length, byte) in bytes.iter().enumerate() {
            let next = sign(*byte).and_then(|sign| self.nodes.get(at)?.next.get(sign)).copied().unwrap_or(0);
            if next == 0 {
                break;
            }
            at = next as usize;
            let Some(node) = self.nodes.get(at) else { break };
            let rest = bytes.get(length + 1..).unwrap_or_default();
            for (word, ending) in node.ends.iter().filter(|(_, ending)| ending.fits(rest)) {
                met.push(Met { word: *word, mistyped: false });
                is_known |= *ending != Ending::Any;
            }
        }
        if !is_known && let Some((_, word)) = self.tails.iter().find(|(letters, _)| word.ends_with(letters.as_str())) {
            met.push(Met { word: *word, mistyped: false });
        } else if !is_known && bytes.len() + 1 >= MISTAKE_MIN {
            self.look_up_mistyped(word, met);
        }
    }

    fn look_up_mistyped(&self, word: &str, met: &mut Vec<Met>) {
        let bytes = word.as_bytes();
        let stems = bytes.first().copied().and_then(sign).and_then(|first| self.mistypable.get(first));
        let mask = mask(word);
        for stem in stems.into_iter().flatten() {
            // One mistake leaves out one letter at most.
            let lacks_one_at_most = (stem.mask & !mask).count_ones() <= 1;
            if lacks_one_at_most && stem.is_mistyped_as(bytes) && !self.is_real(word) {
                met.push(Met { word: stem.word, mistyped: true });
            }
        }
    }

    fn is_real(&self, word: &str) -> bool {
        (MISTAKE_MIN - 1..=word.len())
            .any(|length| word.get(..length).is_some_and(|head| self.real_words.contains(head)))
    }
}

impl Ending {
    fn fits(self, rest: &[u8]) -> bool {
        match self {
            Ending::None => rest.is_empty(),
            Ending::Inflection => is_inflection(rest),
            Ending::Any => true,
        }
    }
}

impl Node {
    fn empty() -> Node {
        Node { next: [0; SIGNS], ends: Vec::new() }
    }
}

impl Stem {
    fn is_mistyped_as(&self, word: &[u8]) -> bool {
        let length = self.letters.len();
        let longest = if self.open { length + 1 + ENDING_MAX } else { length + 1 };
        if word.len() + 1 < length || word.len() > longest {
            return false;
        }
        (length - 1..=length + 1).any(|at| match word.split_at_checked(at) {
            Some((head, ending)) => {
                (ending.is_empty() || self.open && is_inflection(ending)) && one_mistake(self.letters.as_bytes(), head)
            }
            None => false,
        })
    }
}

fn sign(byte: u8) -> Option<usize> {
    match byte {
        b'a'..=b'z' => Some(usize::from(byte - b'a')),
        b'0'..=b'9' => Some(usize::from(byte - b'0') + 26),
        _ => None,
    }
}

fn mask(word: &str) -> u64 {
    word.bytes().filter_map(sign).fold(0, |mask, sign| mask | 1 << sign)
}

fn is_inflection(ending: &[u8]) -> bool {
    ending.len() <= ENDING_MAX && ending.iter().all(u8::is_ascii_lowercase)
}

/// True where one letter was left out, doubled, changed, or swapped with its neighbour.
fn one_mistake(right: &[u8], typed: &[u8]) -> bool {
    let same = right.iter().zip(typed).take_while(|(a, b)| a == b).count();
    let (right, typed) = (right.get(same..).unwrap_or_default(), typed.get(same..).unwrap_or_default());
    match (right, typed) {
        ([_, rest @ ..], typed) if rest == typed => true,
        (right, [_, rest @ ..]) if rest == right => true,
        ([_, right @ ..], [_, typed @ ..]) if right == typed => true,
        ([a, b, right @ ..], [c, d, typed @ ..]) => a == d && b == c && right == typed,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(word: &str, found: &[(&str, bool)]) {
        let mut vocabulary = Vocabulary::new(&["kontakt".to_string()], &[]);
        for (letters, ending) in [
            ("numer", Ending::Inflection),
            ("numery", Ending::None),
            ("kontrakt", Ending::Inflection),
            ("umowa", Ending::None),
            ("ex4", Ending::Any),
            ("nr", Ending::None),
        ] {
            vocabulary.add(letters, ending);
        }
        vocabulary.add_tail("serialno");
        let mut met = Vec::new();
        vocabulary.look_up(word, &mut met);
        let names = met.iter().map(|met| (vocabulary.words[met.word as usize].0.as_str(), met.mistyped));
        assert_eq!(names.collect::<Vec<_>>(), found, "{word}");
    }

    #[test]
    fn a_word_is_looked_up_to_the_letter_and_then_with_one_mistake() {
        check("numeru", &[("numer", false)]);
        check("numery", &[("numer", false), ("numery", false)]);
        check("nmuer", &[("numer", true)]);
        check("numre", &[("numer", true)]);
        check("kontrkatem", &[("kontrakt", true)]);
        check("kontaktu", &[]);
        check("umowaa", &[("umowa", true)]);
        check("umowami", &[]);
        check("ex4300", &[("ex4", false)]);
        check("nrr", &[]);
        check("serialno", &[("serialno", false)]);
        check("boxserialno", &[("serialno", false)]);
        check("serialnote", &[]);
        check("", &[]);
        check("a\u{17c}", &[]);
    }
}
