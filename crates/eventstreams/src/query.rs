//! What a list of streams is asked.

use crate::timestamp::Timestamp;

/// Which streams, in which order, and which part of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// What holds of each.
    pub condition: Condition,
    /// The order, most significant first; newest first without any.
    pub sort: Vec<(Field, Direction)>,
    /// How many to leave out.
    pub skip: u64,
    /// How many to give at most.
    pub limit: u64,
    /// Whether to count them all.
    pub count: bool,
}

/// What holds of a stream. Acts on what is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// All of them; nothing is asked if there are none.
    All(Vec<Condition>),
    /// At least one of them.
    Any(Vec<Condition>),
    /// A field compares so.
    Is {
        /// The field.
        field: Field,
        /// How it compares.
        comparison: Comparison,
        /// With what.
        value: Value,
        /// Whether the opposite is meant.
        not: bool,
        /// Whether upper and lower case are the same.
        ignore_case: bool,
    },
}

/// How a field compares with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they say what they are")]
pub enum Comparison {
    Equal,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    Contains,
    StartsWith,
    EndsWith,
}

/// What a field is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Not being there at all.
    Null,
    /// A text.
    Text(String),
    /// A moment.
    Time(Timestamp),
}

/// A field that lists can be asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are the stream's")]
pub enum Field {
    Id,
    Created,
    Updated,
    Name,
    Status,
    Type,
    TopicFilter,
    InitialSequenceId,
}

/// Which end comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The least.
    Ascending,
    /// The greatest.
    Descending,
}

impl Default for Query {
    fn default() -> Self {
        let condition = Condition::All(Vec::new());
        Self { condition, sort: Vec::new(), skip: 0, limit: 25, count: false }
    }
}
