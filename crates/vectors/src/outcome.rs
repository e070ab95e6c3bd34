//! What came of running a suite.

use core::fmt;

use crate::Departures;

/// What a runner made of a suite, counted by vector.
///
/// Displays as the one line that `cargo xtask vectors` prints.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The suite's name, that of its folder.
    pub suite: String,
    /// Who ran it, such as `native` or `wasm`.
    pub runner: String,
    /// Vectors whose every result is as recorded.
    pub passed: usize,
    /// Vectors that are neither, each as `id: what was wrong`.
    pub failed: Vec<String>,
    /// Vectors that differ as `DEPARTURES.md` says, and may.
    pub departed: usize,
    /// Vectors that this runner does not run.
    pub skipped: usize,
}

/// The result of one vector before departures are considered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything as recorded.
    Same,
    /// Not run here.
    Skipped,
    /// What differed.
    Differs(String),
}

impl Verdict {
    /// The verdict of a check.
    pub fn of<E: fmt::Display>(checked: Result<(), E>) -> Self {
        checked.map_or_else(|why| Self::Differs(why.to_string()), |()| Self::Same)
    }
}

impl Outcome {
    /// An outcome of no vectors yet.
    pub fn new(suite: &str, runner: &str) -> Self {
        Self { suite: suite.into(), runner: runner.into(), ..Self::default() }
    }

    /// Counts a vector. `tags` are the vector's own: only a quirk or a deviation may depart.
    pub fn record<'t>(
        &mut self,
        vector: &str,
        tags: impl IntoIterator<Item = &'t str>,
        verdict: Verdict,
        departures: &Departures,
    ) {
        let departs = departures.find(&self.suite, vector).is_some();
        match verdict {
            Verdict::Skipped => self.skipped += 1,
            Verdict::Same if departs => {
                self.failed.push(format!("{vector}: named as a departure, but does not depart"));
            }
            Verdict::Same => self.passed += 1,
            Verdict::Differs(_) if departs && tags.into_iter().any(may_depart) => {
                self.departed += 1;
            }
            Verdict::Differs(why) if departs => {
                self.failed.push(format!("{vector}: may not depart, no quirk or deviation: {why}"));
            }
            Verdict::Differs(why) => self.failed.push(format!("{vector}: {why}")),
        }
    }

    /// Whether nothing failed.
    pub fn is_good(&self) -> bool {
        self.failed.is_empty()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { suite, runner, passed, failed, departed, skipped } = self;
        let failed = failed.len();
        write!(
            out,
            "{suite} {runner}: {passed} passed, {failed} failed, {departed} departed, {skipped} skipped"
        )
    }
}

/// Tags that mark a recorded behaviour as the recorded program's own.
fn may_depart(tag: &str) -> bool {
    matches!(tag, "quirk" | "upstreamQuirk" | "upstream-quirk" | "upstream-deviation")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome_of(tags: &[&str], verdict: Verdict, listed: bool) -> Outcome {
        let table = if listed { "| sse | a | why | b |\n" } else { "" };
        let mut outcome = Outcome::new("sse", "native");
        outcome.record("a", tags.iter().copied(), verdict, &Departures::parse(table));
        outcome
    }

    #[test]
    fn only_listed_and_tagged_vectors_may_depart() {
        let differs = || Verdict::Differs("x".into());
        assert_eq!(outcome_of(&["quirk"], differs(), true).departed, 1);
        assert!(!outcome_of(&["quirk"], differs(), false).is_good());
        assert!(!outcome_of(&["eol"], differs(), true).is_good());
        assert!(!outcome_of(&["quirk"], Verdict::Same, true).is_good());
    }

    #[test]
    fn prints_as_one_line() {
        assert_eq!(
            outcome_of(&[], Verdict::Same, false).to_string(),
            "sse native: 1 passed, 0 failed, 0 departed, 0 skipped"
        );
    }
}
