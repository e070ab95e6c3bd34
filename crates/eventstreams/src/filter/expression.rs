//! The tree that both forms of the language become.

use super::field::Holds;
use super::{Field, FilterError, Row, Value};
use core::cmp::Ordering;

/// What a stream has to be like.
///
/// A field that is null is unlike everything but null, and also not unlike anything: as in SQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// All of these; nothing, if there is none.
    All(Vec<Self>),
    /// One of these at least.
    Any(Vec<Self>),
    /// A field compared with something.
    Compare {
        /// The field.
        field: Field,
        /// How it is compared, and with what.
        test: Test,
        /// Whether the opposite is asked for.
        negated: bool,
    },
}

/// How a field is compared, and with what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// It is null.
    Null,
    /// It is this.
    Equal(Value),
    /// It is before or after this.
    Ordered(Order, Value),
    /// It is one of these.
    In(Vec<Value>),
    /// Its text, or a part of it, is this.
    Text {
        /// Which part.
        part: Match,
        /// Whether capital and small letters of ASCII are the same.
        ignore_case: bool,
        /// What it is.
        text: String,
    },
}

/// A part of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// The whole of it.
    Whole,
    /// Some part of it.
    Contains,
    /// Its beginning.
    Starts,
    /// Its end.
    Ends,
}

/// Before or after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Expression {
    /// A field that is null, or is not.
    pub(super) fn null(field: Field, negated: bool) -> Self {
        Self::Compare { field, test: Test::Null, negated }
    }

    /// A field, or a part of it, that is this text, or is not.
    pub(super) fn text(
        field: Field,
        part: Match,
        ignore_case: bool,
        negated: bool,
        wanted: &str,
    ) -> Result<Self, FilterError> {
        let test = if part == Match::Whole && !ignore_case {
            Test::Equal(Value::parse(field, wanted)?)
        } else if field.holds() == Holds::Time {
            return Err(FilterError::NotText { field });
        } else {
            Value::parse(field, wanted)?;
            Test::Text { part, ignore_case, text: wanted.to_owned() }
        };
        Ok(Self::Compare { field, test, negated })
    }

    /// A field that is before or after a value.
    pub(super) fn ordered(field: Field, order: Order, wanted: &str) -> Result<Self, FilterError> {
        let test = Test::Ordered(order, Value::parse(field, wanted)?);
        Ok(Self::Compare { field, test, negated: false })
    }

    /// A field that is one of some values, or none of them.
    pub(super) fn within(
        field: Field,
        values: &[String],
        negated: bool,
    ) -> Result<Self, FilterError> {
        let values = values.iter().map(|value| Value::parse_listed(field, value));
        let test = Test::In(values.collect::<Result<_, _>>()?);
        Ok(Self::Compare { field, test, negated })
    }

    /// Whether a stream is like this.
    pub fn matches(&self, row: &impl Row) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.matches(row)),
            Self::Any(parts) => parts.iter().any(|part| part.matches(row)),
            Self::Compare { field, test, negated } => {
                test.holds(row.value(*field).as_ref()).is_some_and(|holds| holds != *negated)
            }
        }
    }

    /// With how many values it compares, at least as many as it has parts.
    pub(super) fn tests(&self) -> usize {
        match self {
            Self::All(parts) | Self::Any(parts) => 1 + parts.iter().map(Self::tests).sum::<usize>(),
            Self::Compare { test: Test::In(values), .. } => 1 + values.len(),
            Self::Compare { .. } => 1,
        }
    }
}

impl Test {
    /// Nothing where SQL says null.
    fn holds(&self, value: Option<&Value>) -> Option<bool> {
        match self {
            Self::Null => Some(value.is_none()),
            Self::Equal(other) => value.map(|value| value == other),
            Self::Ordered(order, other) => value.map(|value| order.holds(value.cmp(other))),
            Self::In(values) if values.is_empty() => Some(false),
            Self::In(values) => value.map(|value| values.contains(value)),
            Self::Text { part, ignore_case, text } => match value? {
                Value::Text(value) if *ignore_case => {
                    Some(part.holds(&value.to_ascii_lowercase(), &text.to_ascii_lowercase()))
                }
                Value::Text(value) => Some(part.holds(value, text)),
                Value::Time(_) => None,
            },
        }
    }
}

impl Match {
    fn holds(self, whole: &str, part: &str) -> bool {
        match self {
            Self::Whole => whole == part,
            Self::Contains => whole.contains(part),
            Self::Starts => whole.starts_with(part),
            Self::Ends => whole.ends_with(part),
        }
    }
}

impl Order {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }

    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}
