//! Which items a query is about.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cmp::Ordering;

use super::field::{Field, Values};
use super::value;
use crate::json::Reader;

/// A condition on an item's fields.
pub(super) enum Condition {
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    Test {
        field: Field,
        test: Test,
        /// Encoded: it is enough that one of them passes.
        operands: Vec<Box<[u8]>>,
    },
}

/// How a field is held against an operand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Test {
    /// It compares in one of these ways: a set of [`LESS`], [`EQUAL`], [`GREATER`] and [`ABSENT`].
    Compare(u8),
    /// It is a string that begins with the operand.
    Prefix,
    /// It is a string with the operand in it, or an array with it among its elements.
    Contains,
}

pub(super) const LESS: u8 = 1;
pub(super) const EQUAL: u8 = 2;
pub(super) const GREATER: u8 = 4;
/// The field is missing, so that there is nothing to compare.
pub(super) const ABSENT: u8 = 8;

impl Condition {
    pub(super) fn holds(&self, values: &Values) -> bool {
        match self {
            Self::All(all) => all.iter().all(|condition| condition.holds(values)),
            Self::Any(any) => any.iter().any(|condition| condition.holds(values)),
            Self::Not(condition) => !condition.holds(values),
            Self::Test { field, test, operands } => {
                let value = values.get(*field);
                operands.iter().any(|operand| test.passes(value, operand))
            }
        }
    }
}

impl Test {
    fn passes(self, value: &[u8], operand: &[u8]) -> bool {
        match self {
            Self::Compare(ways) => {
                let way = if value == value::MISSING {
                    ABSENT
                } else {
                    match value.cmp(operand) {
                        Ordering::Less => LESS,
                        Ordering::Equal => EQUAL,
                        Ordering::Greater => GREATER,
                    }
                };
                ways & way != 0
            }
            // The type byte of a string is a part of its prefix.
            Self::Prefix => value.starts_with(operand),
            Self::Contains => contains(value, operand),
        }
    }
}

fn contains(value: &[u8], operand: &[u8]) -> bool {
    match (value, operand) {
        ([value::TEXT, text @ ..], [value::TEXT, part @ ..]) => {
            part.is_empty() || text.windows(part.len()).any(|window| window == part)
        }
        ([value::OTHER, array @ ..], _) => has_element(array, operand).unwrap_or(false),
        _ => false,
    }
}

/// Whether an array has this element; `None` if it is no array.
fn has_element(array: &[u8], wanted: &[u8]) -> Option<bool> {
    let mut reader = Reader::new(array);
    let mut elements = reader.array().ok()?;
    let mut element = Vec::new();
    while elements.next(&mut reader).ok()? {
        element.clear();
        value::encode(reader.value().ok()?, &mut element).ok()?;
        if element == wanted {
            return Some(true);
        }
    }
    Some(false)
}
