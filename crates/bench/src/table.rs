//! Figures as a Markdown table.

use core::fmt;

pub(crate) struct Table {
    heading: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(first: &'static str, columns: impl Iterator<Item = &'static str>) -> Self {
        let heading = [first].into_iter().chain(columns).map(str::to_owned).collect();
        Self { heading, rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, name: &str, cells: Vec<String>) {
        let mut row = vec![name.to_owned()];
        row.extend(cells);
        self.rows.push(row);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "| {} |", self.heading.join(" | "))?;
        writeln!(out, "|{}", " --- |".repeat(self.heading.len()))?;
        self.rows.iter().try_for_each(|row| writeln!(out, "| {} |", row.join(" | ")))
    }
}

/// The lower quartile, the median and the upper quartile of some figures, at least one.
pub(crate) fn quartiles(figures: impl Iterator<Item = f64>) -> [f64; 3] {
    let mut sorted: Vec<_> = figures.collect();
    sorted.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| sorted[(sorted.len() - 1) * quarter / 4])
}
