//! The text of a query.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::condition::{ABSENT, Condition, EQUAL, GREATER, Group, LESS, Test};
use super::field::Field;
use super::{Order, Query};
use crate::json::{self, JsonError, Reader, Text};

pub(super) fn query(spec: &[u8]) -> Result<Query, JsonError> {
    json::check(spec)?;
    let query = Query {
        kind: None,
        condition: Condition::default(),
        order: Vec::new(),
        grouped: false,
        offset: 0,
        limit: u32::MAX,
    };
    let error = JsonError { at: 0, what: "" };
    let mut parser = Parser { reader: Reader::new(spec), query, error };
    parser.query().ok_or(parser.error)?;
    Ok(parser.query)
}

/// Reads a query front to back. What is wrong is kept here, and `None` returned: that is half of
/// the code that it takes to hand it on.
struct Parser<'s> {
    reader: Reader<'s>,
    query: Query,
    error: JsonError,
}

impl<'s> Parser<'s> {
    fn query(&mut self) -> Option<()> {
        self.members(&mut |own, name| {
            const WORDS: &[&str] = &["kind", "where", "sort", "group", "limit", "offset"];
            let what = "a query has kind, where, sort, group, limit and offset";
            match own.word(name, WORDS, what)? {
                0 => {
                    let kind = own.text()?;
                    own.query.kind = Some(own.decoded(kind)?.into());
                }
                1 => own.condition(Group::ALL, DEEPEST)?,
                2 => own.elements(&mut Self::order)?,
                3 => {
                    own.order()?;
                    own.query.grouped = true;
                    // It comes before all that was read before it.
                    own.query.order.rotate_right(1);
                }
                4 => own.query.limit = own.count()?,
                _ => own.query.offset = own.count()?,
            }
            Some(())
        })
    }

    /// Reads a condition.
    fn condition(&mut self, group: Group, depth: usize) -> Option<()> {
        let Some(depth) = depth.checked_sub(1) else {
            return self.fail("conditions nested too deeply");
        };
        let group = self.query.condition.open(group);
        self.members(&mut |own, name| {
            if name.is("not") {
                own.condition(Group::NOT_ALL, depth)
            } else if name.is("and") || name.is("or") {
                let parts = if name.is("or") { Group::ANY } else { Group::ALL };
                let parts = own.query.condition.open(parts);
                own.elements(&mut |own| own.condition(Group::ALL, depth))?;
                own.query.condition.close(parts);
                Some(())
            } else {
                own.tests(name)
            }
        })?;
        self.query.condition.close(group);
        Some(())
    }

    /// Reads what is asked of one field: `{"operator": operand, …}`, or a value to be equal to.
    fn tests(&mut self, field: Text<'s>) -> Option<()> {
        if self.peek()? != b'{' {
            return self.test(field, Test::Compare(EQUAL));
        }
        self.members(&mut |own, name| {
            const WORDS: &[&str] =
                &["eq", "ne", "lt", "lte", "gt", "gte", "exists", "prefix", "contains", "in"];
            const TESTS: &[Test] = &[
                Test::Compare(EQUAL),
                Test::Compare(LESS | GREATER | ABSENT),
                Test::Compare(LESS),
                Test::Compare(LESS | EQUAL),
                Test::Compare(GREATER),
                Test::Compare(GREATER | EQUAL),
                Test::Exists,
                Test::Prefix,
                Test::Contains,
            ];
            let what = "expected eq, ne, lt, lte, gt, gte, exists, prefix, contains or in";
            let word = own.word(name, WORDS, what)?;
            if let Some(&test) = TESTS.get(word) {
                return own.test(field, test);
            }
            let group = own.query.condition.open(Group::ANY);
            own.elements(&mut |own| own.test(field, Test::Compare(EQUAL)))?;
            own.query.condition.close(group);
            Some(())
        })
    }

    /// Reads a value to hold a field against.
    fn test(&mut self, field: Text<'s>, test: Test) -> Option<()> {
        let next = self.peek()?;
        let wrong = match test {
            Test::Exists if !matches!(next, b't' | b'f') => Some("expected true or false"),
            Test::Prefix if next != b'"' => Some("expected a string"),
            _ if matches!(next, b'[' | b'{') => {
                Some("expected a string, a number, true, false or null")
            }
            _ => None,
        };
        if let Some(what) = wrong {
            return self.fail(what);
        }
        let name = self.decoded(field)?;
        let field = self.field(field.at, &name)?;
        let value = self.reader.value();
        let operand = self.got(value)?;
        let added = self.query.condition.test(field, test, operand);
        self.got(added)
    }

    /// Reads a field to sort by, and adds it.
    fn order(&mut self) -> Option<()> {
        let name = self.text()?;
        let text = self.decoded(name)?;
        let pointer = text.strip_prefix('-');
        let field = self.field(name.at, pointer.unwrap_or(&text))?;
        self.query.order.push(Order { field, descending: pointer.is_some() });
        Some(())
    }

    fn field(&mut self, at: usize, name: &str) -> Option<Field> {
        match Field::parse(name) {
            Ok(field) => Some(field),
            Err(what) => self.fail_at(at, what),
        }
    }

    fn count(&mut self) -> Option<u32> {
        let start = self.reader.mark();
        let count = self.reader.i64();
        let count = u32::try_from(self.got(count)?).ok();
        count.or_else(|| self.fail_at(start, "expected a count: an integer from 0 up"))
    }

    /// Which of these words a name is.
    fn word(&mut self, name: Text<'s>, words: &[&str], what: &'static str) -> Option<usize> {
        let word = words.iter().position(|word| name.is(word));
        word.or_else(|| self.fail_at(name.at, what))
    }

    /// Reads an object, of which `each` reads the values.
    fn members(&mut self, each: &mut dyn FnMut(&mut Self, Text<'s>) -> Option<()>) -> Option<()> {
        let members = self.reader.object();
        let mut members = self.got(members)?;
        loop {
            let name = members.next(&mut self.reader);
            match self.got(name)? {
                Some(name) => each(self, name)?,
                None => return Some(()),
            }
        }
    }

    /// Reads an array, of which `each` reads the elements.
    fn elements(&mut self, each: &mut dyn FnMut(&mut Self) -> Option<()>) -> Option<()> {
        let elements = self.reader.array();
        let mut elements = self.got(elements)?;
        loop {
            let more = elements.next(&mut self.reader);
            if !self.got(more)? {
                return Some(());
            }
            each(self)?;
        }
    }

    fn decoded(&mut self, text: Text<'s>) -> Option<Cow<'s, str>> {
        let decoded = text.decode();
        self.got(decoded)
    }

    fn text(&mut self) -> Option<Text<'s>> {
        let text = self.reader.text();
        self.got(text)
    }

    fn peek(&mut self) -> Option<u8> {
        let next = self.reader.peek();
        self.got(next)
    }

    fn got<T>(&mut self, result: Result<T, JsonError>) -> Option<T> {
        match result {
            Ok(got) => Some(got),
            Err(error) => {
                self.error = error;
                None
            }
        }
    }

    fn fail<T>(&mut self, what: &'static str) -> Option<T> {
        let at = self.reader.mark();
        self.fail_at(at, what)
    }

    fn fail_at<T>(&mut self, at: usize, what: &'static str) -> Option<T> {
        self.error = JsonError { at, what };
        None
    }
}

/// How deep conditions may be nested: they are read, and asked, by recursion.
const DEEPEST: usize = 32;
