//! The signed lines in a mail to an engineer, by which its parts are known again in an answer.

use crate::desk::fold::fold;
use crate::desk::ticket_number::TicketNumber;
use crate::desk::token::TokenKeys;

/// What begins at a marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Marker {
    /// What no customer may read. It stands above everything in a mail to an engineer.
    Begin,
    /// What the customer wrote, or has been written to.
    Text,
    /// Nothing more of the mail.
    End,
}

/// The markers of one ticket's mails to engineers.
#[derive(Clone, Debug)]
pub struct Markers {
    ticket: TicketNumber,
    marks: Vec<(String, Marker)>,
}

/// The markers with the words that people read.
const WORDS: [(Marker, &str, &str); 3] = [
    (Marker::Begin, "begin", "=== Odpowiadaj powyżej tej linii / reply above this line ==="),
    (Marker::Text, "text", "--- Treść / text ---"),
    (Marker::End, "end", "=== Koniec powiadomienia / end of the notice ==="),
];

impl Markers {
    /// The markers of this ticket.
    pub fn of(ticket: TicketNumber, keys: &TokenKeys) -> Markers {
        let marks = WORDS.iter().flat_map(|(marker, name, _)| {
            let said = format!("{name} {ticket}");
            keys.marks(&said).into_iter().map(|mark| (mark, *marker))
        });
        Markers { ticket, marks: marks.collect() }
    }

    /// The line to write: words, and a mark over the ticket that nobody else can make.
    pub fn line(&self, marker: Marker) -> String {
        let words = WORDS.iter().find(|(known, ..)| *known == marker).map_or("", |(.., words)| words);
        let mark = self.marks.iter().find(|(_, known)| *known == marker).map_or("", |(mark, _)| mark);
        format!("{words} {}/{mark}", self.ticket)
    }

    /// The marker in a line, whatever became of its words, its quote marks and its line breaks: the
    /// mark alone counts. Of several, the last.
    pub fn find(&self, line: &str) -> Option<Marker> {
        let folded = fold(line);
        let words = folded.split(|c: char| !c.is_ascii_alphanumeric());
        words.rev().find_map(|word| self.marks.iter().find(|(mark, _)| mark == word)).map(|(_, marker)| *marker)
    }

    /// The part of a text that we wrote which no customer may read: all but what stands between
    /// [`Marker::Text`] and [`Marker::End`].
    pub fn internal(&self, text: &str) -> String {
        self.lines(text, |at| at != Some(Marker::Text))
    }

    /// The other part.
    pub fn known_to_customer(&self, text: &str) -> String {
        self.lines(text, |at| at == Some(Marker::Text))
    }

    fn lines(&self, text: &str, wanted: impl Fn(Option<Marker>) -> bool) -> String {
        let mut at = None;
        let mut lines = Vec::new();
        for line in text.lines() {
            match self.find(line) {
                Some(marker) => at = Some(marker),
                None if wanted(at) => lines.push(line),
                None => {}
            }
        }
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn markers(ticket: &str, secrets: &[[u8; 32]]) -> Markers {
        let keys = TokenKeys::new(secrets.iter().map(|secret| secret.as_slice()), 180).expect("keys");
        Markers::of(ticket.parse().expect("a number"), &keys)
    }

    const ONE: &str = "Z26-000001-9";

    #[track_caller]
    fn check(line: &str, expected: Option<Marker>) {
        assert_eq!(markers(ONE, &[[1; 32]]).find(line), expected, "{line}");
    }

    #[test]
    fn only_the_mark_counts() {
        let begin = markers(ONE, &[[1; 32]]).line(Marker::Begin);
        check(&begin, Some(Marker::Begin));
        check(&format!("> > {}", begin.to_uppercase()), Some(Marker::Begin));
        check(&begin.replace("===", "„“"), Some(Marker::Begin));
        let (_, mark) = begin.split_once('/').and_then(|(_, rest)| rest.split_once('/')).expect("a mark");
        check(&format!("linii, {mark}."), Some(Marker::Begin));
        check(&format!("x{mark}"), None);
        check(&begin.replace(mark, "0000000000"), None);
        check("=== Odpowiadaj powyżej tej linii / reply above this line ===", None);
        check(&markers(ONE, &[[1; 32]]).line(Marker::End), Some(Marker::End));
    }

    #[test]
    fn another_ticket_or_key_has_others_and_an_earlier_key_still_counts() {
        check(&markers("Z26-000002-4", &[[1; 32]]).line(Marker::Begin), None);
        check(&markers(ONE, &[[2; 32]]).line(Marker::Begin), None);
        let old = markers(ONE, &[[1; 32]]).line(Marker::Text);
        assert_eq!(markers(ONE, &[[2; 32], [1; 32]]).find(&old), Some(Marker::Text));
    }

    #[test]
    fn a_mail_of_ours_is_parted() {
        let markers = markers(ONE, &[[1; 32]]);
        let line = |marker| markers.line(marker);
        let text = format!(
            "From: x\n{}\nfakty\n{}\ntekst\n{}\nFrom: y",
            line(Marker::Begin),
            line(Marker::Text),
            line(Marker::End)
        );
        assert_eq!(markers.internal(&text), "From: x\nfakty\nFrom: y");
        assert_eq!(markers.known_to_customer(&text), "tekst");
    }
}
