//! The text of a query.

use alloc::string::String;
use alloc::vec::Vec;

use super::condition::{ABSENT, Condition, EQUAL, GREATER, Group, LESS, Test};
use super::field::Field;
use super::{Order, Query};
use crate::json::{self, JsonError, Raw, Reader, unescape};

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
    let mut parser = Parser { reader: Reader::new(spec), query };
    parser.query();
    parser.reader.fault().map_or(Ok(parser.query), Err)
}

/// Reads a query front to back. The reader keeps what is wrong, and ends there.
struct Parser<'s> {
    reader: Reader<'s>,
    query: Query,
}

impl Parser<'_> {
    fn query(&mut self) {
        self.members(&mut |own, name| {
            const WORDS: &[&str] = &["kind", "where", "sort", "group", "limit", "offset"];
            let what = "a query has kind, where, sort, group, limit and offset";
            match own.word(name, WORDS, what) {
                Some(0) => own.query.kind = Some(own.text().1.into_boxed_str()),
                Some(1) => own.condition(Group::ALL, DEEPEST),
                Some(2) => own.elements(&mut Self::order),
                Some(3) => {
                    own.query.grouped = true;
                    let before = own.query.order.len();
                    own.order();
                    // It comes before all that was read before it.
                    let read = own.query.order.len() - before;
                    own.query.order.rotate_right(read);
                }
                Some(4) => own.query.limit = own.count(),
                Some(_) => own.query.offset = own.count(),
                None => {}
            }
        });
    }

    /// Reads a condition.
    fn condition(&mut self, group: Group, depth: usize) {
        let Some(depth) = depth.checked_sub(1) else {
            return self.fail("conditions nested too deeply");
        };
        let group = self.query.condition.open(group);
        self.members(&mut |own, name| match own.find(name, &["not", "and", "or"]) {
            Some(0) => own.condition(Group::NOT_ALL, depth),
            Some(word) => {
                let parts = if word == 2 { Group::ANY } else { Group::ALL };
                let parts = own.query.condition.open(parts);
                own.elements(&mut |own| own.condition(Group::ALL, depth));
                own.query.condition.close(parts);
            }
            None => own.tests(name),
        });
        self.query.condition.close(group);
    }

    /// Reads what is asked of one field: `{"operator": operand, …}`, or a value to be equal to.
    fn tests(&mut self, field: Raw) {
        if self.reader.peek() != b'{' {
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
            let Some(word) = own.word(name, WORDS, what) else {
                return;
            };
            if let Some(&test) = TESTS.get(word) {
                return own.test(field, test);
            }
            let group = own.query.condition.open(Group::ANY);
            own.elements(&mut |own| own.test(field, Test::Compare(EQUAL)));
            own.query.condition.close(group);
        });
    }

    /// Reads a value to hold a field against.
    fn test(&mut self, field: Raw, test: Test) {
        let next = self.reader.peek();
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
        let name = self.said(field);
        if let Some(field) = self.field(field, &name) {
            let operand = self.reader.value();
            self.query.condition.test(field, test, self.reader.bytes(operand));
        }
    }

    /// Reads a field to sort by, and adds it.
    fn order(&mut self) {
        let (raw, name) = self.text();
        let pointer = name.strip_prefix('-');
        if let Some(field) = self.field(raw, pointer.unwrap_or(&name)) {
            self.query.order.push(Order { field, descending: pointer.is_some() });
        }
    }

    fn field(&mut self, raw: Raw, name: &str) -> Option<Field> {
        Field::parse(name).map_err(|what| self.reader.fail_at(raw.start() + 1, what)).ok()
    }

    fn count(&mut self) -> u32 {
        let raw = self.reader.value();
        let count = self.reader.i64(raw);
        u32::try_from(count).unwrap_or_else(|_| {
            self.reader.fail_at(raw.start(), "expected a count: an integer from 0 up");
            0
        })
    }

    /// Which of these words a name is; that it is one of them.
    fn word(&mut self, name: Raw, words: &[&str], what: &'static str) -> Option<usize> {
        let word = self.find(name, words);
        if word.is_none() {
            self.reader.fail_at(name.start() + 1, what);
        }
        word
    }

    fn find(&self, name: Raw, words: &[&str]) -> Option<usize> {
        words.iter().position(|word| self.reader.is(name, word))
    }

    /// Reads an object, of which `each` reads the values.
    fn members(&mut self, each: &mut dyn FnMut(&mut Self, Raw)) {
        let mut first = true;
        self.reader.open(b'{');
        while self.reader.more(&mut first, b'{') {
            let name = self.reader.name();
            each(self, name);
        }
    }

    /// Reads an array, of which `each` reads the elements.
    fn elements(&mut self, each: &mut dyn FnMut(&mut Self)) {
        let mut first = true;
        self.reader.open(b'[');
        while self.reader.more(&mut first, b'[') {
            each(self);
        }
    }

    /// Reads a string: where it is, and what it says.
    fn text(&mut self) -> (Raw, String) {
        if self.reader.peek() != b'"' {
            self.fail("expected a string");
        }
        let raw = self.reader.value();
        (raw, self.said(raw))
    }

    /// What a string says; the whole text is known to be UTF-8.
    fn said(&self, string: Raw) -> String {
        let mut out = Vec::new();
        unescape(self.reader.content(string), &mut out);
        String::from_utf8(out).unwrap_or_default()
    }

    fn fail(&mut self, what: &'static str) {
        let at = self.reader.mark();
        self.reader.fail_at(at, what);
    }
}

/// How deep conditions may be nested: they are read, and asked, by recursion.
const DEEPEST: usize = 32;
