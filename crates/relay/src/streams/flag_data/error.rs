//! What is wrong with flag data, and where.

use core::fmt;

/// Why a text is no flag data, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlagDataError {
    /// Empty if there is but one text.
    pub(super) file: Box<str>,
    pub(super) place: Place,
    pub(super) what: Box<str>,
}

/// A place in a text: the line from 1, and how many of its characters are before it, or which one it
/// is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Place {
    pub(super) const START: Self = Self { line: 1, column: 0 };

    /// That of a part of the text, before its first character.
    pub(super) fn of(text: &str, part: &str) -> Self {
        let at = part.as_ptr().addr().saturating_sub(text.as_ptr().addr());
        let before = text.get(..at).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count());
        Self { line, column }
    }

    /// That of the first character.
    pub(super) fn first(self) -> Self {
        Self { column: self.column + 1, ..self }
    }
}

impl FlagDataError {
    pub(super) fn new(place: Place, what: impl Into<Box<str>>) -> Self {
        Self { file: "".into(), place, what: what.into() }
    }

    /// An error in a part of JSON that begins after a place.
    pub(super) fn json(error: &serde_json::Error, Place { line, column }: Place) -> Self {
        let place = if error.line() <= 1 {
            Place { line, column: column + error.column() }
        } else {
            Place { line: line + error.line() - 1, column: error.column() }
        };
        let said = error.to_string();
        Self::new(place, said.rsplit_once(" at line ").map_or(&*said, |(what, _)| what))
    }

    pub(super) fn yaml(error: &serde_saphyr::Error) -> Self {
        let error = error.without_snippet();
        let number = |of: u64| usize::try_from(of).unwrap_or(usize::MAX);
        let place = error.location().map_or(Place::START.first(), |at| Place {
            line: number(at.line()),
            column: number(at.column()),
        });
        let said = error.to_string();
        Self::new(place, said.rsplit_once(" at line ").map_or(&*said, |(what, _)| what))
    }

    pub(super) fn in_file(self, name: &str) -> Self {
        Self { file: name.into(), ..self }
    }
}

impl fmt::Display for FlagDataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, place: Place { line, column }, what } = self;
        let space = if file.is_empty() { "" } else { " " };
        write!(f, "{file}{space}line {line} column {column}: {what}")
    }
}

impl core::error::Error for FlagDataError {}
