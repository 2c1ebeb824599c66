//! Which lines of an answer were written now. What stands between our markers is ours; where a
//! program set it in (`>`, a block quote), lines less deep are new, and where it did not, lines that
//! we never wrote are.

use super::marker::{Marker, Markers};
use super::words::{Stream, Words};
use crate::desk::message::Message;
use crate::desk::text::{self, PICTURE, Part, QuoteRules, ShownLine};

/// A line is known by itself from so many words on; a shorter one by its neighbours, too.
const ENOUGH_WORDS: usize = 3;

/// So many lines of the customer's stay above an answer that is written between them.
const MOST_QUOTED: usize = 8;

/// What becomes of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It goes to the customer, or is an order.
    New,
    /// The customer's own, which the new line below answers.
    Quoted,
    /// It stays here.
    Cut,
}

/// What became of a mail's lines.
pub(super) struct Cutting {
    /// Of each.
    pub(super) fates: Vec<Fate>,
    /// The first line that was cut although we never wrote it and no program marks it as a quote: it stands
    /// below something that looks like the head of an earlier mail, and its writer may think that it was sent.
    pub(super) unsent: Option<String>,
}

/// What an engineer was shown of the ticket.
pub(super) struct Shown {
    /// Everything.
    pub(super) all: Stream,
    /// What the customer knows.
    pub(super) customers: Stream,
}

/// Says of each line of a mail what becomes of it.
pub(super) fn cut(
    lines: &[ShownLine],
    message: &Message,
    markers: &Markers,
    shown: &Shown,
    rules: &QuoteRules,
) -> Cutting {
    let words: Vec<Words> = lines.iter().map(|line| Words::without_links(&line.text)).collect();
    let cutter = Cutter { lines, words: &words, shown };
    let places = cutter.places(markers);
    let mut fates: Vec<Fate> = places.iter().enumerate().map(|(at, place)| cutter.fate(at, *place)).collect();
    cutter.cut_heads(&places, &mut fates);
    cutter.cut_signature(message, rules, &mut fates);
    cutter.keep_quotes(&places, &mut fates);
    let unsent = cutter.unsent(&places, &fates).map(|line| line.text.trim().to_string());
    Cutting { fates, unsent }
}

/// Where a line stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In no mail of ours, or above its first marker.
    Outside,
    /// A marker.
    Marker,
    /// Below this marker of a mail that is quoted so deep.
    Below(Marker, usize),
    /// Below the end of a mail that is quoted so deep.
    After(usize),
}

struct Cutter<'a> {
    lines: &'a [ShownLine],
    words: &'a [Words],
    shown: &'a Shown,
}

impl Cutter<'_> {
    fn places(&self, markers: &Markers) -> Vec<Place> {
        let mut place = Place::Outside;
        let place_of = |line: &ShownLine| {
            let Some(marker) = markers.find(&line.text) else { return place };
            let depth = match place {
                Place::Below(_, depth) | Place::After(depth) if marker != Marker::Begin => depth.min(line.depth),
                _ => line.depth,
            };
            place = if marker == Marker::End { Place::After(depth) } else { Place::Below(marker, depth) };
            Place::Marker
        };
        let mut places: Vec<Place> = self.lines.iter().map(place_of).collect();
        // The words of a marker that a program wrapped stand in the line above its mark.
        for at in 1..places.len() {
            if places.get(at) == Some(&Place::Marker) && self.goes_on(at - 1) {
                places.get_mut(at - 1).into_iter().for_each(|place| *place = Place::Marker);
            }
        }
        places
    }

    fn fate(&self, at: usize, place: Place) -> Fate {
        let Some(line) = self.lines.get(at) else { return Fate::Cut };
        let is_new = match place {
            Place::Marker => false,
            Place::Outside => matches!(line.part, Part::Now | Part::Forward | Part::Signature),
            // Nobody writes among the facts without setting the words apart.
            Place::Below(Marker::Begin, depth) => line.depth < depth && !self.is_ours(at),
            // Where a program marks what it quotes, only the rest of a line that it wrapped is unmarked.
            Place::Below(_, depth) | Place::After(depth) if depth > 0 => line.depth < depth && !self.is_rest(at),
            Place::After(_) => line.depth == 0 && !self.is_rest(at),
            Place::Below(..) => line.depth == 0 && !self.is_ours(at),
        };
        // We never put a picture into a text: one that stands there is new.
        let says = || self.words.get(at).is_some_and(|words| words.count() > 0) || line.text.contains(PICTURE);
        let follows = || at.checked_sub(1).is_some_and(|above| self.fate(above, place) == Fate::New);
        if is_new && (place == Place::Outside || says() || follows()) { Fate::New } else { Fate::Cut }
    }

    /// Whether this line and the next were one of ours.
    fn goes_on(&self, at: usize) -> bool {
        let tail = self
            .words
            .get(at)
            .into_iter()
            .flat_map(|words| words.iter().rev().take(ENOUGH_WORDS).collect::<Vec<_>>().into_iter().rev());
        let head = self.words.get(at + 1).into_iter().flat_map(|words| words.iter().take(ENOUGH_WORDS));
        self.words.get(at).is_some_and(|words| words.count() > 0) && self.shown.all.holds(tail.chain(head))
    }

    /// Whether this line goes on with the one directly above, as one of ours did.
    fn is_rest(&self, at: usize) -> bool {
        at.checked_sub(1).is_some_and(|above| self.goes_on(above))
    }

    /// Whether we wrote this line, or a program cut it out of one of ours.
    fn is_ours(&self, at: usize) -> bool {
        let Some(words) = self.words.get(at) else { return false };
        let all = &self.shown.all;
        if words.count() == 0 {
            return false;
        }
        if words.count() >= ENOUGH_WORDS {
            return all.holds(words.iter());
        }
        let has_words = |words: &&Words| words.count() > 0;
        let above = self.words.get(..at).unwrap_or_default().iter().rev().find(has_words);
        let below = self.words.get(at + 1..).unwrap_or_default().iter().find(has_words);
        let mut tail: Vec<&str> =
            above.map(|words| words.iter().rev().take(ENOUGH_WORDS).collect()).unwrap_or_default();
        tail.reverse();
        let head = below.map(|words| words.iter().take(ENOUGH_WORDS).collect::<Vec<_>>()).unwrap_or_default();
        let joined = |first: &[&str], second: &[&str]| all.holds(first.iter().chain(second).copied());
        let own: Vec<&str> = words.iter().collect();
        !tail.is_empty() && joined(&tail, &own) || !head.is_empty() && joined(&own, &head)
    }

    /// The lines directly above a mail of ours that name its sender and date belong to it, whatever
    /// they were taken for.
    fn cut_heads(&self, places: &[Place], fates: &mut [Fate]) {
        for at in 0..places.len() {
            let begins = places.get(at) == Some(&Place::Marker) && places.get(at + 1) != Some(&Place::Outside);
            let first = at == 0 || places.get(at - 1) == Some(&Place::Outside);
            if !begins || !first {
                continue;
            }
            for above in (0..at).rev() {
                let Some(line) = self.lines.get(above) else { break };
                if !line.text.trim().is_empty() && matches!(line.part, Part::Now | Part::Signature | Part::Boilerplate)
                {
                    break;
                }
                fates.get_mut(above).into_iter().for_each(|fate| *fate = Fate::Cut);
            }
        }
    }

    /// The engineer's signature and what programs add carry an address of the engineer's own and the
    /// name of the program. The complimentary close stays; the name comes again below it.
    fn cut_signature(&self, message: &Message, rules: &QuoteRules, fates: &mut [Fate]) {
        let is_new = |at: &usize| fates.get(*at) == Some(&Fate::New);
        let new: Vec<usize> = (0..self.lines.len()).filter(is_new).collect();
        let lines: Vec<ShownLine> = new.iter().filter_map(|at| self.lines.get(*at)).cloned().collect();
        for (at, part) in new.iter().zip(text::signatures(&lines, message, rules)) {
            let Some(line) = self.lines.get(*at) else { continue };
            let stays = match part {
                Part::Signature => line.is_closing && !line.text.contains('@'),
                Part::Boilerplate => false,
                Part::Now | Part::Quote | Part::Forward => true,
            };
            if !stays {
                fates.get_mut(*at).into_iter().for_each(|fate| *fate = Fate::Cut);
            }
        }
    }

    /// The first line that its writer may think was sent. What names a sender or a time is an earlier mail's head.
    fn unsent(&self, places: &[Place], fates: &[Fate]) -> Option<&ShownLine> {
        (0..self.lines.len()).filter(|at| fates.get(*at) == Some(&Fate::Cut)).find_map(|at| {
            let (line, words) = (self.lines.get(at)?, self.words.get(at)?);
            let in_the_open = places.get(at) == Some(&Place::Outside) && line.part == Part::Quote && line.depth == 0;
            let is_head = line.text.contains([':', '@']);
            let strange = words.count() >= ENOUGH_WORDS && !self.shown.all.holds(words.iter());
            (in_the_open && !is_head && strange).then_some(line)
        })
    }

    /// Where answers are written between the customer's lines, those stay above them.
    fn keep_quotes(&self, places: &[Place], fates: &mut [Fate]) {
        let is_customers = |at: usize| {
            let quoted = match places.get(at) {
                Some(Place::Below(Marker::Text, _)) => true,
                Some(Place::Outside) => self.lines.get(at).is_some_and(|line| line.part == Part::Quote),
                _ => false,
            };
            let words = self.words.get(at);
            quoted && words.is_some_and(|words| words.count() > 0 && self.shown.customers.holds(words.iter()))
        };
        let says = |at: usize| self.words.get(at).is_some_and(|words| words.count() > 0);
        let kept: Vec<(usize, bool)> = (0..fates.len())
            .filter(|at| says(*at))
            .filter_map(|at| match fates.get(at) {
                Some(Fate::New) => Some((at, true)),
                _ if is_customers(at) => Some((at, false)),
                _ => None,
            })
            .collect();
        // Customer's lines below an answer: only then do they part one answer from another.
        let first_quoted = kept.iter().position(|(_, new)| !new).unwrap_or(kept.len());
        let first_answer = kept.iter().skip(first_quoted).position(|(_, new)| *new).map(|at| at + first_quoted);
        let Some(first_answer) = first_answer else { return };
        if kept.iter().skip(first_answer).all(|(_, new)| *new) {
            return;
        }
        for (index, (_, new)) in kept.iter().enumerate().skip(first_answer) {
            if !new {
                continue;
            }
            // The paragraph directly above.
            let mut below = None;
            let above = kept.get(..index).unwrap_or_default().iter().rev().take_while(|(_, new)| !new);
            for (at, _) in above.take(MOST_QUOTED) {
                if below.is_some_and(|below| at + 1 != below) {
                    break;
                }
                below = Some(*at);
                fates.get_mut(*at).into_iter().for_each(|fate| *fate = Fate::Quoted);
            }
        }
    }
}
