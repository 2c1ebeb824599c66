//! What the text between two items says.

use crate::desk::extract::scan::Scan;

/// What stands between two neighbouring items.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Gap {
    /// Line breaks.
    pub(super) breaks: usize,
    pub(super) sentence_ends: bool,
    /// A colon or an equals sign.
    pub(super) linked: bool,
    pub(super) comma: bool,
    /// A bracket opens and does not close.
    pub(super) opens: bool,
    /// A question ends, or a colon and nothing behind it: the field is empty.
    pub(super) empty: bool,
    /// They stand in different sections of the mail.
    pub(super) crosses: bool,
}

impl Gap {
    /// Reads what stands between two items.
    pub(super) fn of(scan: &Scan, left: usize, right: usize) -> Gap {
        let between = scan.between(left, right);
        if between == " " {
            return Gap::default();
        }
        let mut sentence_ends = false;
        let mut bytes = between.bytes().peekable();
        while let Some(byte) = bytes.next() {
            sentence_ends |= matches!(byte, b'.' | b'!' | b'?') && bytes.peek().is_none_or(u8::is_ascii_whitespace);
        }
        // The dot after an abbreviation ends no sentence, nor do the dots that lead to a form's field.
        let after_short = matches!(scan.items.get(left), Some(item) if item.end - item.start <= 3);
        let section = |item: usize| scan.items.get(item).map(|item| scan.page.section_number(item.start));
        Gap {
            breaks: between.bytes().filter(|byte| *byte == b'\n').count(),
            sentence_ends: sentence_ends && !after_short && !between.contains(".."),
            linked: between.contains([':', '=']),
            comma: between.contains([',', ';']) || between.contains(" / "),
            empty: between.trim_start().starts_with('?') || is_empty_field(between) || form_ends(scan, right, between),
            opens: between.contains('(') && !between.contains(')'),
            crosses: section(left).zip(section(right)).is_some_and(|(left, right)| left != right),
        }
    }
}

/// "S/N: - / ", "Numer seryjny: ......., ": a colon, perhaps a dash or dots, and then the next thing.
fn is_empty_field(between: &str) -> bool {
    let Some((_, after)) = between.split_once([':', '=']) else { return false };
    let rest = after.trim_start_matches(' ');
    let filled = rest.trim_start_matches(['-', '?']);
    let filled = if filled.starts_with("..") { filled.trim_start_matches('.') } else { filled };
    let dashed = filled.len() < rest.len();
    let rest = filled.trim_start_matches(' ');
    rest.starts_with([',', ';', '|']) || dashed && rest.starts_with(['/', '\n', '.'])
}

/// "Numer seryjny: ............" and then a word: a form that nobody filled in.
fn form_ends(scan: &Scan, right: usize, between: &str) -> bool {
    between.contains("...") && scan.value(right).is_none()
}
