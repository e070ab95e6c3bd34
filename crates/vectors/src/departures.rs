//! Where we mean to differ from what was recorded.

use std::fs;
use std::io::ErrorKind;

use crate::{Error, suite};

/// The rows of `tests/vectors/DEPARTURES.md`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Departures(Vec<Departure>);

/// A vector that we depart from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Departure {
    /// The suite it is in.
    pub suite: String,
    /// The vector's id.
    pub vector: String,
    /// Why we do otherwise.
    pub reason: String,
    /// Our own vector, which says what we do instead.
    pub ours: String,
}

impl Departures {
    /// Those of this repository; none if the file is not there.
    pub fn load() -> Result<Self, Error> {
        let path = suite::repository_root().join("DEPARTURES.md");
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Self::parse(&text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(Error::unreadable(&path, &error)),
        }
    }

    /// Those in a Markdown table `| suite | vector | reason | ours |`; other lines are prose.
    pub fn parse(markdown: &str) -> Self {
        let rows = markdown.lines().filter_map(|line| {
            let cells = line.trim().strip_prefix('|')?.strip_suffix('|')?.split('|');
            let cells: Vec<_> = cells.map(|cell| cell.trim().trim_matches('`')).collect();
            let [suite, vector, reason, ours] = cells[..] else {
                return None;
            };
            let heading = suite == "suite" || suite.chars().all(|c| matches!(c, '-' | ':'));
            (!heading).then(|| Departure {
                suite: suite.into(),
                vector: vector.into(),
                reason: reason.into(),
                ours: ours.into(),
            })
        });
        Self(rows.collect())
    }

    /// The row of a vector, if there is one. A row's `*` at the end stands for any ending.
    pub fn find(&self, suite: &str, vector: &str) -> Option<&Departure> {
        let is_named = |row: &&Departure| match row.vector.strip_suffix('*') {
            Some(start) => vector.starts_with(start),
            None => row.vector == vector,
        };
        self.0.iter().filter(|row| row.suite == suite).find(is_named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_rows_of_the_table_and_nothing_else() {
        let table = "# Departures\n\nProse | here.\n\n| suite | vector | reason | ours |\n\
                     | --- | :-- | --- | --- |\n| `waiter` | `w-1` | it loops | `ours/w-1` |\n";
        let departures = Departures::parse(table);
        let row = departures.find("waiter", "w-1").unwrap();
        assert_eq!((&*row.reason, &*row.ours), ("it loops", "ours/w-1"));
        assert_eq!(departures.0.len(), 1);
    }

    #[test]
    fn a_row_may_name_the_start_of_a_vector() {
        let departures = Departures::parse("| s | a-1-* | why | ours |\n");
        assert!(departures.find("s", "a-1-x").is_some());
        assert!(departures.find("s", "a-10-x").is_none());
        assert!(departures.find("other", "a-1-x").is_none());
    }
}
