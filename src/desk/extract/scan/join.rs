//! Pieces that are one number: `HEZO / QSP / 2024 / 00219`, `SN 1013 007 741`.

use super::{Cutter, Item, LENGTH_MAX, PIECES_MAX, Value, What};
use crate::desk::contract::normalise;
use crate::desk::extract::on_file::How;
use crate::desk::extract::page::{Piece, PieceKind};
use crate::desk::extract::rules::Kind;

/// Words between a label and the colon before its number: "Numer umowy (HEZO): QSP 417/2025".
const LABEL_WORDS: usize = 3;

impl<'a> Cutter<'_, 'a> {
    /// Several pieces that are one number: because it is on file, or has its shape, or because a
    /// label stands before its groups.
    pub(super) fn joined_value(&self, at: usize) -> Option<(usize, Item<'a>)> {
        let near = self.pieces.get(at + 1..).unwrap_or_default().iter().take(PIECES_MAX - 1);
        let first = self.pieces.get(at)?;
        let is_wordy = |piece: &Piece| matches!(piece.what, PieceKind::Letters | PieceKind::Label(..));
        if is_wordy(first) && near.clone().all(is_wordy) {
            return None;
        }
        let mut best = None;
        // Where the first piece is known by itself, only the file says that it goes on.
        let mut alone = None;
        let mut is_letters = first.what == PieceKind::Letters;
        for (count, start, end) in self.joined_from(at).skip(1) {
            let last = self.pieces.get(at + count - 1)?;
            is_letters &= last.what == PieceKind::Letters;
            // "2102359579DMHC000288 nie odpowiada": only a number on file ends in a word.
            if is_letters || last.what == PieceKind::Letters && self.on_file.is_empty() {
                continue;
            }
            let value = self.value(start, end, None);
            let on_file = value.on_file.as_ref().is_some_and(|found| found.how != How::LookAlike);
            let fits = on_file || {
                let stands_alone = *alone.get_or_insert_with(|| {
                    !is_letters_only(first) && self.is_known(&self.value(first.start, first.end, None))
                });
                !stands_alone
                    && last.what != PieceKind::Letters
                    && (self.is_known(&value) || self.is_grouped(at, count))
            };
            if fits {
                best = Some((count, Item { start, end, what: What::Value(value) }));
            }
        }
        best
    }

    pub(super) fn is_known(&self, value: &Value) -> bool {
        match &value.on_file {
            Some(found) => found.how != How::LookAlike || value.letters > 0 && value.digits >= 3,
            None => value.serial_shape.is_some_and(|shape| shape.alone) || value.contract_shape.is_some(),
        }
    }

    /// The stretches that begin with a piece and may be one number, the shortest first: of how many pieces each is,
    /// and from where until where. Blanks, or a blank beside a dash or slash, part the pieces.
    pub(super) fn joined_from(&self, at: usize) -> impl Iterator<Item = (usize, usize, usize)> {
        let pieces = self.pieces.get(at..).unwrap_or_default();
        let start = pieces.first().map_or(0, |first| first.start);
        let goes_on = move |(before, piece): &(usize, &Piece)| {
            piece.is_part && (*before == 0 || piece.follows) && piece.end - start <= LENGTH_MAX
        };
        let joined = pieces.iter().take(PIECES_MAX).enumerate().take_while(goes_on);
        joined.map(move |(before, piece)| (before + 1, start, piece.end))
    }

    /// Groups right after a label: of two to four digits for a serial or contract number, `SN 1013 007
    /// 741`; parted by slashes for a contract number, `HZ / 2026 / 0512`; ten digits for a tax number.
    pub(super) fn is_grouped(&self, at: usize, count: usize) -> bool {
        let Some(pieces) = self.pieces.get(at..at + count) else { return false };
        let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else { return false };
        let Some(label) = self.label_before(at) else { return false };
        let folded = &self.page.folded;
        let text = |piece: &Piece| folded.slice(piece.start, piece.end);
        let seams = |fits: fn(&str) -> bool| {
            pieces.windows(2).all(|pair| match pair {
                [left, right] => fits(folded.slice(left.end, right.start)),
                _ => true,
            })
        };
        let kind = self.rules.labels.get(label).map(|label| label.kind);
        let in_groups = || {
            let group = |text: &str| (2..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
            let begins = first.end - first.start <= 5;
            let digits = pieces.iter().flat_map(|piece| text(piece).bytes()).filter(u8::is_ascii_digit).count();
            begins && digits >= 7 && seams(|between| between == " ") && pieces.iter().skip(1).all(|p| group(text(p)))
        };
        let in_fields = || {
            let year = |text: &str| text.len() == 4 && text.starts_with("20");
            let short = pieces.iter().all(|piece| text(piece).len() <= 6);
            let told = count > 2 || pieces.iter().any(|piece| year(text(piece)));
            short && told && seams(|between| matches!(between.trim(), "/" | "-"))
        };
        // "umowa nr QSP 417/2025", but not "umowa SOS 41005001": the plan is no part of the number.
        let with_letters = || {
            let letters = text(first);
            let capitals = self.page.written(first.start, first.end).bytes().all(|byte| byte.is_ascii_uppercase());
            let between = &self.rules.between;
            let is_plan = between.plans.iter().chain(&between.links).any(|word| word == letters);
            let number = pieces.get(1).map_or("", text);
            let begins = number.bytes().next().is_some_and(|byte| byte.is_ascii_digit());
            count == 2 && (2..=4).contains(&letters.len()) && capitals && !is_plan && begins && number.contains('/')
        };
        // "B824 100317", "1821P 00467", read off a label.
        let in_halves = || {
            let half = text(first).bytes().filter(u8::is_ascii_digit).count();
            let begins = (4..=5).contains(&text(first).len()) && half >= 3 && half < text(first).len();
            let rest = text(last);
            let ends = (5..=7).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_digit());
            count == 2 && begins && ends && seams(|between| between == " ")
        };
        // "FCW 2612 G0Q8": a vendor's shape, the first group in capitals.
        let in_shape = || {
            let capitals = self.page.written(first.start, first.end).bytes().all(|byte| !byte.is_ascii_lowercase());
            capitals && self.value(first.start, last.end, None).serial_shape.is_some()
        };
        match kind {
            Some(Kind::Tax) => {
                let normal = normalise(self.page.written(first.start, last.end));
                self.rules.tax_shapes.of(&normal).is_some()
            }
            Some(Kind::Serial) => in_groups() || in_halves() || in_shape(),
            Some(Kind::Contract) => in_groups() || in_fields() || with_letters(),
            _ => false,
        }
    }

    /// The label that stands before this piece: right before it, or some words before its colon.
    pub(super) fn label_before(&self, at: usize) -> Option<usize> {
        let first = self.pieces.get(at)?;
        for back in 1..=LABEL_WORDS + 1 {
            let before = self.pieces.get(at.checked_sub(back)?)?;
            match before.what {
                // "przeczytany przez telefon: FCW 2612 G0Q8": what has letters is no telephone number.
                PieceKind::Label(label, _)
                    if first.what == PieceKind::Letters
                        && self.rules.labels.get(label).is_some_and(|label| label.digits) => {}
                PieceKind::Label(label, _) => {
                    let between = self.page.folded.slice(before.end, first.start);
                    return (back == 1 || between.trim_end().ends_with(':')).then_some(label);
                }
                PieceKind::Letters => {}
                _ => return None,
            }
        }
        None
    }
}

fn is_letters_only(piece: &Piece) -> bool {
    matches!(piece.what, PieceKind::Letters | PieceKind::Label(..))
}
