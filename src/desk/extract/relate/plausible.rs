//! Whether a value can be what a label says.

use super::{Closeness, Relation};
use crate::desk::extract::rules::Kind;
use crate::desk::extract::scan::Value;

impl Relation<'_, '_> {
    /// Whether the value can be what the label at this item says.
    pub(super) fn is_plausible(&self, label: usize, value: &Value, kind: Kind, closeness: Closeness) -> bool {
        let firm = value.span.is_some_and(|span| span.firm);
        if kind == Kind::Decoy {
            let digits = self.rule(label).is_some_and(|rule| rule.digits);
            return (value.digits >= 2 || firm) && !(digits && value.letters > 0);
        }
        if value.on_file.is_some() {
            return true;
        }
        let (weak, shaped) = self.rule(label).map_or((false, false), |rule| (rule.weak, rule.shaped));
        let doubtful = value.span.is_some() && (closeness == Closeness::Apart || weak);
        let size = value.digits + value.letters;
        match (kind, closeness) {
            _ if firm || doubtful => false,
            (Kind::Tax, _) => self.rules.tax_shapes.of(&value.normal).is_some(),
            _ if size > 40 || is_year(value) => false,
            (Kind::Serial, _) if value.serial_shape.is_some() => true,
            (Kind::Contract, _) if value.contract_shape.is_some() => true,
            _ if shaped => false,
            (Kind::Serial, Closeness::Beside) => size >= 5 && value.digits >= 2 && size <= 30,
            (Kind::Serial, Closeness::Apart) => {
                (6..=30).contains(&size) && (value.letters == 0 || value.digits >= 3) && value.contract_shape.is_none()
            }
            (_, Closeness::Beside) => size >= 4 && value.digits >= 3,
            (_, Closeness::Apart) => {
                let parted = value.normal.contains(['/', '-']);
                value.serial_shape.is_none() && (value.letters == 0 && size >= 6 || parted && value.digits >= 5)
            }
        }
    }
}

fn is_year(value: &Value) -> bool {
    value.letters == 0 && value.normal.len() == 4 && (value.normal.starts_with("19") || value.normal.starts_with("20"))
}
