//! The text of a query.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::condition::{ABSENT, Condition, EQUAL, GREATER, LESS, Test};
use super::field::{Field, Fields, KEY, KIND};
use super::{Order, Query, value};
use crate::json::{self, JsonError, Reader, Text};

type Result<T> = core::result::Result<T, JsonError>;

pub(super) fn query(spec: &[u8]) -> Result<Query> {
    json::check(spec)?;
    let mut reader = Reader::new(spec);
    let mut query = Query {
        kind: None,
        condition: Condition::All(Vec::new()),
        order: Vec::new(),
        grouped: false,
        offset: 0,
        limit: u32::MAX,
        fields: Fields::new(),
    };
    let mut sort = Vec::new();
    let mut members = reader.object()?;
    while let Some(name) = members.next(&mut reader)? {
        if name.is("kind") {
            query.kind = Some(reader.text()?.decode()?.into());
        } else if name.is("where") {
            query.condition = condition(&mut reader, &mut query.fields, DEEPEST)?;
        } else if name.is("sort") {
            if reader.peek()? == b'[' {
                let mut elements = reader.array()?;
                while elements.next(&mut reader)? {
                    sort.push(order(&mut reader, &mut query.fields)?);
                }
            } else {
                sort.push(order(&mut reader, &mut query.fields)?);
            }
        } else if name.is("group") {
            query.order = Vec::from([order(&mut reader, &mut query.fields)?]);
            query.grouped = true;
        } else if name.is("limit") {
            query.limit = count(&mut reader)?;
        } else if name.is("offset") {
            query.offset = count(&mut reader)?;
        } else {
            return Err(at(&name, "a query has kind, where, sort, group, limit and offset"));
        }
    }
    query.order.append(&mut sort);
    Ok(query)
}

fn condition(reader: &mut Reader<'_>, fields: &mut Fields, depth: usize) -> Result<Condition> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(reader.error("conditions nested too deeply"));
    };
    let mut all = Vec::new();
    let mut members = reader.object()?;
    while let Some(name) = members.next(reader)? {
        if name.is("not") {
            all.push(Condition::Not(Box::new(condition(reader, fields, depth)?)));
        } else if name.is("and") || name.is("or") {
            let mut parts = Vec::new();
            let mut elements = reader.array()?;
            while elements.next(reader)? {
                parts.push(condition(reader, fields, depth)?);
            }
            all.push(if name.is("or") { Condition::Any(parts) } else { Condition::All(parts) });
        } else {
            let field = field(&name, fields)?;
            tests(reader, field, &mut all)?;
        }
    }
    Ok(Condition::All(all))
}

/// Reads what is asked of one field: `{"operator": operand, …}`, or a value to be equal to.
fn tests(reader: &mut Reader<'_>, field: Field, all: &mut Vec<Condition>) -> Result<()> {
    if reader.peek()? != b'{' {
        let operands = Vec::from([operand(reader)?]);
        all.push(Condition::Test { field, test: Test::Compare(EQUAL), operands });
        return Ok(());
    }
    let mut members = reader.object()?;
    while let Some(name) = members.next(reader)? {
        let mut operands = Vec::new();
        let test = if let Some((_, test)) = TESTS.iter().find(|(word, _)| name.is(word)) {
            if *test == Test::Prefix && reader.peek()? != b'"' {
                return Err(reader.error("expected a string"));
            }
            operands.push(operand(reader)?);
            *test
        } else if name.is("in") {
            let mut elements = reader.array()?;
            while elements.next(reader)? {
                operands.push(operand(reader)?);
            }
            Test::Compare(EQUAL)
        } else if name.is("exists") {
            // All that is there compares somehow, with whatever it may be.
            operands.push(Box::default());
            Test::Compare(if reader.bool()? { LESS | EQUAL | GREATER } else { ABSENT })
        } else {
            let what = "expected eq, ne, lt, lte, gt, gte, in, exists, prefix or contains";
            return Err(at(&name, what));
        };
        all.push(Condition::Test { field, test, operands });
    }
    Ok(())
}

/// Reads a value to compare with.
fn operand(reader: &mut Reader<'_>) -> Result<Box<[u8]>> {
    if matches!(reader.peek()?, b'[' | b'{') {
        return Err(reader.error("expected a string, a number, true, false or null"));
    }
    let mut encoded = Vec::new();
    value::encode(reader.value()?, &mut encoded)?;
    Ok(encoded.into())
}

/// Reads a field to sort by: its pointer, or `{"by": pointer, "desc": true}`.
fn order(reader: &mut Reader<'_>, fields: &mut Fields) -> Result<Order> {
    if reader.peek()? == b'"' {
        let field = field(&reader.text()?, fields)?;
        return Ok(Order { field, descending: false });
    }
    let start = reader.error("expected by, a JSON pointer");
    let (mut by, mut descending) = (None, false);
    let mut members = reader.object()?;
    while let Some(name) = members.next(reader)? {
        if name.is("by") {
            by = Some(field(&reader.text()?, fields)?);
        } else if name.is("desc") {
            descending = reader.bool()?;
        } else {
            return Err(at(&name, "expected by or desc"));
        }
    }
    Ok(Order { field: by.ok_or(start)?, descending })
}

fn field(name: &Text<'_>, fields: &mut Fields) -> Result<Field> {
    if name.is("key") {
        Ok(KEY)
    } else if name.is("kind") {
        Ok(KIND)
    } else {
        fields.pointer(&name.decode()?).map_err(|what| at(name, what))
    }
}

fn count(reader: &mut Reader<'_>) -> Result<u32> {
    let error = JsonError { at: reader.mark(), what: "expected a count: an integer from 0 up" };
    u32::try_from(reader.i64()?).map_err(|_| error)
}

fn at(name: &Text<'_>, what: &'static str) -> JsonError {
    JsonError { at: name.at, what }
}

const TESTS: [(&str, Test); 8] = [
    ("eq", Test::Compare(EQUAL)),
    ("ne", Test::Compare(LESS | GREATER | ABSENT)),
    ("lt", Test::Compare(LESS)),
    ("lte", Test::Compare(LESS | EQUAL)),
    ("gt", Test::Compare(GREATER)),
    ("gte", Test::Compare(GREATER | EQUAL)),
    ("prefix", Test::Prefix),
    ("contains", Test::Contains),
];

/// How deep conditions may be nested: they are read, and asked, by recursion.
const DEEPEST: usize = 32;
