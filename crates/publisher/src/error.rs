//! Why a transaction was refused.

use core::fmt;

/// The whole transaction was refused; the topic is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CommitError {
    /// It has no operations.
    Empty,
    /// One operation cannot be done.
    Refused {
        /// Which one, counted from 0.
        operation: usize,
        /// Why.
        refusal: Refusal,
    },
}

/// Why one operation was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// Its condition does not hold.
    Conflict {
        /// The version of the item, if there is one.
        current: Option<i64>,
    },
    /// The version that it gives is not greater than the last one of the item.
    Stale {
        /// The last version, perhaps that of a deletion.
        last: i64,
        /// The version of the item, if there is one.
        current: Option<i64>,
    },
    /// It deletes an item that does not exist.
    NotFound,
    /// The version that it gives is 0 or less.
    NotPositive,
    /// The item is at the greatest version that there is.
    Exhausted,
    /// A list of all items names this one twice.
    Repeated,
}

impl fmt::Display for CommitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a transaction needs at least one operation"),
            Self::Refused { operation, refusal } => write!(f, "operation {operation}: {refusal}"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conflict { current: Some(version) } => {
                write!(f, "the condition does not hold: the item is at version {version}")
            }
            Self::Conflict { current: None } => {
                f.write_str("the condition does not hold: there is no such item")
            }
            Self::Stale { last, .. } => {
                write!(f, "the version must be greater than {last}, the last one of the item")
            }
            Self::NotFound => f.write_str("there is no such item to delete"),
            Self::NotPositive => f.write_str("a version is 1 or greater"),
            Self::Exhausted => f.write_str("the item is at the greatest version that there is"),
            Self::Repeated => f.write_str("the list names this item twice"),
        }
    }
}

impl core::error::Error for CommitError {}
impl core::error::Error for Refusal {}
