//! A pattern tried on a mail: what a rule with it would find, beside what the rules find now.

use super::on_file::OnFile;
use super::page::Page;
use super::rules::{NumberRules, edged};
use super::{Pages, Place, Spot};
use crate::desk::rules::automaton::Automaton;

/// Stretches that are told of one mail.
const HITS_MAX: usize = 1_000;

/// A pattern as it would stand in a rule.
#[derive(Clone, Debug)]
pub struct Attempt(Automaton);

/// A stretch that has the pattern.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Hit {
    /// As it is written.
    pub written: String,
    /// Where it stands.
    pub place: Place,
    /// Where exactly.
    pub spot: Spot,
    /// The line that it is in.
    pub context: String,
    /// What the rules say of it now: `serial by sn`, `refused by date`; `None` where they say nothing.
    pub now: Option<String>,
}

impl Attempt {
    /// Compiles a pattern, as it would stand under `[[shape]]` or `[[span]]`.
    ///
    /// # Errors
    /// It is no regular expression, one that no automaton can run, or too large.
    pub fn new(pattern: &str) -> Result<Attempt, String> {
        if !pattern.is_ascii() {
            return Err("mail is matched without diacritics: write `z` for `ż`".to_string());
        }
        // By itself first: the words of a fault are then of this pattern, not of the edges put around it.
        regex::Regex::new(pattern).map_err(|error| error.to_string())?;
        Automaton::of_ascii(&[edged(pattern)]).map(Attempt).map_err(|(_, message)| message)
    }

    /// What it finds in a mail, in the order of the mail; at most 1,000 stretches.
    pub fn find(&self, pages: &Pages, rules: &NumberRules) -> Vec<Hit> {
        let numbers = pages.numbers(&OnFile::default(), rules);
        let kinds = [("serial", &numbers.serials), ("contract", &numbers.contracts), ("nip", &numbers.nips)];
        let found = kinds
            .iter()
            .flat_map(|(kind, list)| list.iter().map(move |found| (&found.spot, format!("{kind} by {}", found.rule))));
        let refused = numbers.refused.iter().map(|refused| (&refused.spot, format!("refused by {}", refused.rule)));
        let said: Vec<(&Spot, String)> = found.chain(refused).collect();
        let hits = pages.pages.iter().flat_map(|page| self.hits(page)).take(HITS_MAX);
        let with_now = hits.map(|hit| {
            let now = said.iter().find(|(spot, _)| spot.overlaps(&hit.spot)).map(|(_, said)| said.clone());
            Hit { now, ..hit }
        });
        with_now.collect()
    }

    fn hits(&self, page: &Page) -> Vec<Hit> {
        let mut reader = self.0.reader();
        let mut hits = Vec::new();
        let mut from = 0;
        for piece in &page.pieces {
            let starts = page.word_starts(piece.start, piece.end);
            for start in starts {
                if start < from || hits.len() == HITS_MAX {
                    continue;
                }
                let Some(found) = reader.longest(&page.folded.text, start, page.line_end(start)) else { continue };
                let Some(section) = page.section(start).filter(|_| found.end > start) else { continue };
                from = found.end;
                hits.push(Hit {
                    written: page.written(start, found.end).to_string(),
                    place: section.place,
                    spot: page.spot(start, found.end),
                    context: page.line(start).trim().to_string(),
                    now: None,
                });
            }
        }
        hits
    }
}

impl Spot {
    fn overlaps(&self, other: &Spot) -> bool {
        self.source == other.source && self.span.0 < other.span.1 && other.span.0 < self.span.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::rules::Sources;
    use crate::desk::text::{Part, Section, Written};

    #[test]
    fn a_pattern_shows_what_it_finds_and_what_is_known_of_it() {
        let rules = NumberRules::compile(&Sources::built_in()).expect("the rules compile");
        let text = "Żółw\nS/N: AB12345, data 12.05.2026, inny CD-67890.\nAB12345X".to_string();
        let written = Written { sections: vec![Section { part: Part::Now, text }] };
        let pages = Pages::new("AB99999", &written, &[], &[], &rules);
        let attempt = Attempt::new("[a-z]{2}-?[0-9]{5}").expect("a good pattern");
        let hits = attempt.find(&pages, &rules);
        let told: Vec<_> = hits.iter().map(|hit| (hit.written.as_str(), hit.spot.line, hit.now.as_deref())).collect();
        assert_eq!(told, [("AB99999", 1, None), ("AB12345", 2, Some("serial by sn")), ("CD-67890", 2, None)]);
        assert_eq!(hits[1].context, "S/N: AB12345, data 12.05.2026, inny CD-67890.");
        let dates = Attempt::new(r"[0-9]{2}\.[0-9]{2}\.[0-9]{4}").expect("a good pattern").find(&pages, &rules);
        assert_eq!(dates[0].now.as_deref(), Some("refused by date"));
    }

    #[test]
    fn a_pattern_that_cannot_be_used_says_why() {
        for (pattern, why) in [("[a-", "unclosed"), ("ż", "diacritics"), (r"(?=a)", "look")] {
            let message = Attempt::new(pattern).expect_err(pattern);
            assert!(message.contains(why), "{pattern}: {message}");
        }
    }
}
