//! What can be wrong with a query.

use super::Field;
use core::fmt;

/// Why a query is refused. All of it is for who wrote the query to put right.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FilterError {
    /// The JSON is unreadable, or has another shape than that of a query.
    Json {
        /// What is wrong with it, and where.
        why: String,
    },
    /// There is no such field.
    Field {
        /// As it was written.
        name: String,
    },
    /// A value that the field cannot have.
    Value {
        /// The field.
        field: Field,
        /// As it was written.
        value: String,
    },
    /// Null where there is nothing to compare with.
    Null {
        /// The field.
        field: Field,
    },
    /// Part of a text, or its case, in a field that has no text.
    NotText {
        /// The field.
        field: Field,
    },
    /// A modifier on an operation that takes none.
    Modifier {
        /// The operation.
        operation: &'static str,
        /// The field.
        field: Field,
    },
    /// The same in JSON.
    Member {
        /// The operation.
        operation: &'static str,
        /// What it does not take.
        members: &'static str,
    },
    /// A value in JSON that is neither text nor a number nor a boolean.
    ValueType {
        /// As it was written.
        value: String,
    },
    /// More are passed over than may be.
    Skip {
        /// How many may be.
        most: u64,
    },
    /// More are asked for than may be.
    Limit {
        /// How many may be.
        most: u64,
    },
    /// More values than a query may have.
    TooLong {
        /// How many it may have.
        most: usize,
    },
}

impl FilterError {
    /// The code by which FireFly knows it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Json { .. } => "FF00127",
            Self::Field { .. } => "FF00142",
            Self::TooLong { .. } => "FF00134",
            Self::Value { .. } => "FF00143",
            Self::Null { .. } => "FF00144",
            Self::NotText { .. } => "FF00145",
            Self::Skip { .. } => "FF00191",
            Self::Limit { .. } => "FF00192",
            Self::Modifier { .. } => "FF00193",
            Self::Member { .. } => "FF00240",
            Self::ValueType { .. } => "FF00241",
        }
    }
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json { why } => write!(f, "the query is not understood: {why}"),
            Self::Field { name } => write!(f, "there is no field '{name}' to filter by"),
            Self::Value { field, value } => {
                write!(f, "'{value}' is nothing to compare field '{field}' with")
            }
            Self::Null { field } => {
                write!(f, "null is nothing to compare field '{field}' with, other than by = and !=")
            }
            Self::NotText { field } => write!(
                f,
                "field '{field}' is no text: neither a part of it nor its case can be compared"
            ),
            Self::Modifier { operation, field } => {
                write!(f, "operation '{operation}' on field '{field}' takes no modifiers")
            }
            Self::Member { operation, members } => {
                write!(f, "operation '{operation}' does not take {members}")
            }
            Self::ValueType { value } => {
                write!(f, "a value is a text, a number or a boolean, and not {value}")
            }
            Self::Skip { most } => write!(f, "at most {most} can be skipped"),
            Self::Limit { most } => write!(f, "the limit is at most {most}"),
            Self::TooLong { most } => write!(f, "a filter compares with at most {most} values"),
        }
    }
}

impl core::error::Error for FilterError {}
