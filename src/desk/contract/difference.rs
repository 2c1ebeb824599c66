//! What a new list changes about a contract, field by field.

use std::collections::HashSet;

use super::{Contract, row};

/// One field that a new list changes.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Change {
    /// The column's name.
    pub column: &'static str,
    /// What it said; of a list, the entries that it no longer has.
    pub before: Vec<String>,
    /// What it says now; of a list, the entries that are new.
    pub after: Vec<String>,
}

/// The fields in which two versions of a contract differ, in the order of the columns. The order
/// within a list says nothing.
pub fn differences(before: &Contract, after: &Contract) -> Vec<Change> {
    row::COLUMNS.into_iter().filter_map(|column| difference(column, before, after)).collect()
}

fn difference(column: &'static str, before: &Contract, after: &Contract) -> Option<Change> {
    let text = |contract: &Contract| match column {
        "contract" => contract.number.clone(),
        "nip" => contract.nip.clone(),
        "customer" => contract.customer.clone(),
        "plan" => contract.plan.clone(),
        "window" => contract.window.to_string(),
        "delivery" => contract.delivery.to_string(),
        "valid_from" => contract.valid_from.to_string(),
        _ => contract.valid_to.to_string(),
    };
    let (gone, new) = match column {
        "serials" => (without(&before.serials, &after.serials), without(&after.serials, &before.serials)),
        "senders" => (without(&before.senders, &after.senders), without(&after.senders, &before.senders)),
        _ if text(before) == text(after) => return None,
        _ => (vec![text(before)], vec![text(after)]),
    };
    (!gone.is_empty() || !new.is_empty()).then_some(Change { column, before: gone, after: new })
}

fn without(list: &[String], others: &[String]) -> Vec<String> {
    if list == others {
        return Vec::new();
    }
    let others: HashSet<&String> = others.iter().collect();
    list.iter().filter(|entry| !others.contains(entry)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::desk::calendar::WindowName;
    use crate::desk::plan::DeliveryTime;

    fn base() -> Contract {
        Contract {
            number: "UM/1".to_string(),
            nip: "7743818919".to_string(),
            customer: "K".to_string(),
            plan: "SOS".to_string(),
            window: WindowName::new("8x5"),
            delivery: DeliveryTime::NextBusinessDay,
            valid_from: date(2024, 5, 20),
            valid_to: date(2027, 5, 19),
            serials: vec!["A1".to_string(), "A2".to_string()],
            senders: vec!["@k.example".to_string()],
        }
    }

    #[track_caller]
    fn check(after: Contract, expected: &[&str]) {
        let told = differences(&base(), &after).into_iter();
        let told = told.map(|change| format!("{} {:?} {:?}", change.column, change.before, change.after));
        assert_eq!(told.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn fields_are_compared_one_by_one() {
        check(base(), &[]);
        check(Contract { plan: "AHB".to_string(), ..base() }, &[r#"plan ["SOS"] ["AHB"]"#]);
        check(
            Contract { valid_to: date(2028, 5, 19), customer: "L".to_string(), ..base() },
            &[r#"customer ["K"] ["L"]"#, r#"valid_to ["2027-05-19"] ["2028-05-19"]"#],
        );
        check(Contract { serials: vec!["A2".to_string(), "A3".to_string()], ..base() }, &[r#"serials ["A1"] ["A3"]"#]);
        check(Contract { serials: vec!["A2".to_string(), "A1".to_string()], ..base() }, &[]);
        check(Contract { senders: Vec::new(), ..base() }, &[r#"senders ["@k.example"] []"#]);
    }
}
