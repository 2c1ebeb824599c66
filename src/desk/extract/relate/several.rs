//! Labels that stand together, and then as many values: "S/N i nr umowy: B824100317, UM/118/2024".

use super::{Closeness, How, NEAR_WORDS, Relation};
use crate::desk::extract::rules::Kind;
use crate::desk::extract::scan::What;

impl Relation<'_, '_> {
    /// The label that "i" or a comma or slash joins to this one, where it is of another kind.
    pub(super) fn joined_label(&self, at: usize) -> Option<usize> {
        let mut next = at + 1;
        if self.is_word(next, &self.rules.between.joins) {
            next += 1;
        }
        let kind = self.kind(next)?;
        let between = (at..next).all(|item| {
            let between = self.scan.between(item, item + 1);
            between.len() <= 4 && !between.contains('\n') && !between.contains(':') && !between.contains('.')
        });
        let is_other = Some(kind) != self.kind(at);
        // "P/N / S/N: 801084-00-02 / SM240118Q-40001", but not "tel. i S/N".
        let decoy = kind == Kind::Decoy || self.kind(at) == Some(Kind::Decoy);
        let paired = !decoy || self.scan.between(at, next).trim() == "/" && next == at + 1;
        (between && is_other && paired && self.used.get(next) == Some(&false)).then_some(next)
    }

    /// Ties the values of labels that stand together; false where there is none. With one value before
    /// the first label, "C2227546 - numer umowy, seryjny: 3129Q-92947", each label has its own.
    pub(super) fn values_of_several(&mut self, labels: &[usize], one_before: bool) -> bool {
        let Some(last) = labels.last().copied() else { return false };
        let mut at = last;
        let mut values = Vec::new();
        let mut words = 0;
        while values.len() < labels.len() && words <= NEAR_WORDS {
            at += 1;
            let gap = self.gap(at - 1, at);
            if gap.breaks > 1 && at > last + 1 || gap.crosses {
                break;
            }
            let decoy = labels.get(values.len()).is_some_and(|label| self.kind(*label) == Some(Kind::Decoy));
            match self.scan.items.get(at).map(|item| &item.what) {
                Some(What::Value(value)) if decoy || value.span.is_none_or(|span| !span.firm) => {
                    values.push(at);
                    words = 0;
                }
                Some(What::Word | What::Value(_)) if !self.is_absent(at) => words += 1,
                _ => break,
            }
        }
        let plausible = |label: usize, value: usize, closeness: Closeness| {
            let (kind, value) = (self.kind(label), self.scan.value(value));
            kind.zip(value).is_some_and(|(kind, value)| self.is_plausible(label, value, kind, closeness))
        };
        let told = labels.iter().all(|label| self.kind(*label) != Some(Kind::Decoy)) || self.gap(last, last + 1).linked;
        if told
            && values.len() == labels.len()
            && labels.iter().zip(&values).all(|(label, value)| plausible(*label, *value, Closeness::Beside))
        {
            for (label, value) in labels.iter().zip(values) {
                self.tie(*label, value, How::After, Closeness::Beside);
            }
            return true;
        }
        // One value for two labels: the one that it can be.
        let [only] = values.as_slice() else { return false };
        if one_before || labels.iter().any(|label| self.kind(*label) == Some(Kind::Decoy)) {
            return false;
        }
        let fitting = labels.iter().copied().find(|label| plausible(*label, *only, Closeness::Apart));
        fitting.into_iter().for_each(|label| self.tie(label, *only, How::After, Closeness::Apart));
        fitting.is_some()
    }
}
