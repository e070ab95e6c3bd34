//! Which items a query is about.

use alloc::vec::Vec;
use core::cmp::Ordering;

use super::field::Field;
use super::value;
use crate::item::Item;
use crate::json::Reader;

/// Conditions on an item's fields, one inside the other, laid out flat: each before its parts.
#[derive(Default)]
pub(super) struct Condition {
    parts: Vec<Part>,
    /// What fields are compared with, encoded.
    operands: Vec<u8>,
}

struct Part {
    kind: Kind,
    /// Of a group: the end of its parts. Of a test: where the operand is.
    start: usize,
    end: usize,
}

enum Kind {
    Group(Group),
    Test(Field, Test),
}

/// What a group makes of its parts: `then` as soon as one of them is `at`, else the opposite.
#[derive(Clone, Copy)]
pub(super) struct Group {
    at: bool,
    then: bool,
}

impl Group {
    pub(super) const ALL: Self = Self { at: false, then: false };
    pub(super) const ANY: Self = Self { at: true, then: true };
    pub(super) const NOT_ALL: Self = Self { at: false, then: true };
}

/// How a field is held against an operand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Test {
    /// It compares in one of these ways: a set of [`LESS`], [`EQUAL`], [`GREATER`] and [`ABSENT`].
    Compare(u8),
    /// It is there, if the operand is true; it is not, if that is false.
    Exists,
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
    /// Opens a group, to which all belongs that is added before it is closed.
    pub(super) fn open(&mut self, group: Group) -> usize {
        self.parts.push(Part { kind: Kind::Group(group), start: 0, end: 0 });
        self.parts.len() - 1
    }

    pub(super) fn close(&mut self, group: usize) {
        let end = self.parts.len();
        if let Some(part) = self.parts.get_mut(group) {
            part.end = end;
        }
    }

    /// Adds a test against an operand.
    pub(super) fn test(&mut self, field: Field, test: Test, raw: &[u8]) {
        let start = self.operands.len();
        value::encode(raw, &mut self.operands);
        let end = self.operands.len();
        self.parts.push(Part { kind: Kind::Test(field, test), start, end });
    }

    /// Whether it holds for an item; an empty one always does.
    pub(super) fn holds(&self, item: &Item<'_>, value: &mut Vec<u8>) -> bool {
        self.parts.is_empty() || self.part(&mut 0, item, value)
    }

    /// Whether the part at `at` holds, which is then behind it.
    fn part(&self, at: &mut usize, item: &Item<'_>, value: &mut Vec<u8>) -> bool {
        let Some(part) = self.parts.get(*at) else {
            return false;
        };
        *at += 1;
        match &part.kind {
            Kind::Group(group) => {
                while *at < part.end {
                    if self.part(at, item, value) == group.at {
                        *at = part.end;
                        return group.then;
                    }
                }
                !group.then
            }
            Kind::Test(field, test) => {
                field.read(item, value);
                test.passes(value, self.operands.get(part.start..part.end).unwrap_or_default())
            }
        }
    }
}

impl Test {
    fn passes(self, value: &[u8], operand: &[u8]) -> bool {
        match self {
            Self::Compare(ways) => {
                let way = match value.cmp(operand) {
                    _ if value == value::MISSING => ABSENT,
                    Ordering::Less => LESS,
                    Ordering::Equal => EQUAL,
                    Ordering::Greater => GREATER,
                };
                ways & way != 0
            }
            Self::Exists => (value == value::MISSING) == (operand == value::FALSE),
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
        ([value::OTHER, array @ ..], _) if array.first() == Some(&b'[') => {
            let mut reader = Reader::new(array);
            let (mut first, mut element) = (true, Vec::new());
            reader.open(b'[');
            while reader.more(&mut first, b'[') {
                let raw = reader.value();
                element.clear();
                if value::encode(reader.bytes(raw), &mut element) && element == operand {
                    return true;
                }
            }
            false
        }
        _ => false,
    }
}
