//! What was measured, with what the same machine can do at most beside it.

use std::time::Duration;

use comfy_table::Table as Grid;

/// One row.
struct Row {
    work: String,
    reached: String,
    floor: String,
    ratio: String,
    goal: String,
}

/// The table that is printed at the end.
#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
}

impl Table {
    /// A row of words.
    pub(crate) fn row(&mut self, work: &str, reached: &str, floor: &str, ratio: &str, goal: &str) {
        eprintln!("{work}: {reached}; floor {floor}; {ratio}; goal {goal}");
        let text = ToString::to_string;
        self.rows.push(Row {
            work: text(work),
            reached: text(reached),
            floor: text(floor),
            ratio: text(ratio),
            goal: text(goal),
        });
    }

    /// A row of `count` things done in these times, beside a floor of times on the same things.
    pub(crate) fn rates(
        &mut self,
        work: &str,
        count: usize,
        ours: &[Duration],
        floor: (&str, &[Duration]),
        goal: &str,
    ) {
        let (name, times) = floor;
        let ratios: Vec<f64> =
            times.iter().zip(ours).map(|(floor, ours)| floor.as_secs_f64() / ours.as_secs_f64()).collect();
        let floor = if times.is_empty() { name.to_string() } else { format!("{name} {}", rate(count, times)) };
        self.row(work, &rate(count, ours), &floor, &spread(&ratios, 2), goal);
    }

    /// Prints it.
    pub(crate) fn print(&self) {
        let mut grid = Grid::new();
        grid.set_header(["work", "reached", "floor in this run", "of the floor", "goal"]);
        for row in &self.rows {
            grid.add_row([&row.work, &row.reached, &row.floor, &row.ratio, &row.goal]);
        }
        println!("{grid}");
    }
}

/// How many a second: the median of the rounds, and their range.
pub(crate) fn rate(count: usize, times: &[Duration]) -> String {
    let rates: Vec<f64> = times.iter().map(|time| count as f64 / time.as_secs_f64()).collect();
    format!("{}/s", spread(&rates, 0))
}

/// The median, and the range.
pub(crate) fn spread(values: &[f64], digits: usize) -> String {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted[..] {
        [] => "-".to_string(),
        [only] => format!("{only:.digits$}"),
        [first, .., last] => {
            let median = sorted[sorted.len() / 2];
            format!("{median:.digits$} ({first:.digits$}-{last:.digits$})")
        }
    }
}

/// The value that so many of a hundred do not exceed.
pub(crate) fn percentile(values: &[f64], percent: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(at).copied().unwrap_or_default()
}
