//! The figures as rows of a table for spreadsheets.

use super::{Breach, Figures, Tally, Times};

/// The columns, the same for every kind of row.
pub const COLUMNS: [&str; 24] = [
    "row",
    "clock",
    "plan",
    "customer",
    "contract",
    "ticket",
    "round",
    "promised",
    "kept",
    "breached",
    "breached_by_outage",
    "withheld",
    "withdrawn",
    "open",
    "median_seconds",
    "p90_seconds",
    "longest_seconds",
    "start",
    "due",
    "ended_at",
    "ending",
    "late_seconds",
    "outage_seconds",
    "timeline",
];

/// The figures, one row each: `clock`, `plan`, `customer` (how many promises ended how), `times`,
/// `breach`. Cells that a row has no use for are empty.
pub fn rows(figures: &Figures) -> Vec<Vec<String>> {
    let tallies = [("clock", &figures.by_clock), ("plan", &figures.by_plan), ("customer", &figures.by_customer)];
    let mut rows: Vec<Vec<String>> = tallies
        .into_iter()
        .flat_map(|(name, tallies)| tallies.iter().map(move |tally| of_tally(name, tally)))
        .collect();
    rows.extend(figures.times.iter().map(of_times));
    rows.extend(figures.breaches.iter().map(of_breach));
    rows
}

fn of_tally(name: &str, tally: &Tally) -> Vec<String> {
    row(&[
        ("row", name.to_string()),
        ("clock", tally.clock.to_string()),
        ("plan", tally.plan.clone().unwrap_or_default()),
        ("customer", tally.customer.clone().unwrap_or_default()),
        ("promised", tally.promised.to_string()),
        ("kept", tally.kept.to_string()),
        ("breached", tally.breached.to_string()),
        ("breached_by_outage", tally.breached_by_outage.to_string()),
        ("withheld", tally.withheld.to_string()),
        ("withdrawn", tally.withdrawn.to_string()),
        ("open", tally.open.to_string()),
    ])
}

fn of_times(times: &Times) -> Vec<String> {
    row(&[
        ("row", "times".to_string()),
        ("clock", times.clock.to_string()),
        ("kept", times.count.to_string()),
        ("median_seconds", times.median_seconds.to_string()),
        ("p90_seconds", times.p90_seconds.to_string()),
        ("longest_seconds", times.longest_seconds.to_string()),
    ])
}

fn of_breach(breach: &Breach) -> Vec<String> {
    let timeline = breach.timeline.iter().map(|happened| format!("{} {}", happened.at, happened.what));
    row(&[
        ("row", "breach".to_string()),
        ("clock", breach.clock.to_string()),
        ("plan", breach.plan.clone()),
        ("customer", breach.customer.clone()),
        ("contract", breach.contract.clone().unwrap_or_default()),
        ("ticket", breach.ticket.clone()),
        ("round", breach.round.to_string()),
        ("start", breach.start.to_string()),
        ("due", breach.due.to_string()),
        ("ended_at", breach.ended_at.map(|at| at.to_string()).unwrap_or_default()),
        ("ending", breach.ending.map(|ending| ending.to_string()).unwrap_or_default()),
        ("late_seconds", breach.late_seconds.to_string()),
        ("outage_seconds", breach.outage_seconds.to_string()),
        ("timeline", timeline.collect::<Vec<_>>().join(" | ")),
    ])
}

/// The cells in the order of the columns, each safe in a spreadsheet.
fn row(cells: &[(&str, String)]) -> Vec<String> {
    let cell = |column: &str| cells.iter().find(|(name, _)| *name == column).map(|(_, text)| safe(text));
    COLUMNS.iter().map(|column| cell(column).unwrap_or_default()).collect()
}

/// A text that no spreadsheet takes for a formula: one that begins like one, blanks before it or
/// not, gets an apostrophe in front (OWASP, "CSV Injection"; the full-width signs are folded to the
/// plain ones by Excel).
fn safe(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let first = line.trim_start().chars().next();
    let formula = first.is_some_and(|first| "=+-@＝＋－＠|%".contains(first));
    if formula { format!("'{line}") } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for (text, expected) in [
            ("Nordic Sample AB", "Nordic Sample AB"),
            ("=1+1", "'=1+1"),
            ("+48 12", "'+48 12"),
            ("-2", "'-2"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("  =cmd|' /C calc'!A0", "'  =cmd|' /C calc'!A0"),
            ("\t=1", "' =1"),
            ("\r\n=1", "'  =1"),
            ("＝1", "'＝1"),
            ("a=1", "a=1"),
            ("", ""),
        ] {
            assert_eq!(safe(text), expected, "{text:?}");
        }
    }
}
