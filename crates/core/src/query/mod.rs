//! Live queries: the rows of a state that a condition holds for, in order, kept up to date.

mod condition;
mod edits;
mod field;
mod live;
mod number;
mod parse;
mod sort;
mod tree;
mod value;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Range;

pub use edits::{Edits, Insertion};
pub use live::{Group, LiveQuery};

use crate::error::Error;
use crate::item::Item;
use condition::Condition;
use field::Field;

/// Which items are wanted, in which order, and which part of the list: what a [`LiveQuery`] keeps.
///
/// It is written as a JSON object. All members may be left out:
///
/// | member | what |
/// | --- | --- |
/// | `kind` | only items of this kind |
/// | `where` | only items that this condition holds for |
/// | `sort` | an array of fields to sort by, the first one first |
/// | `group` | a field to sort by before all others, so that equal ones are together, and are counted |
/// | `offset`, `limit` | lists that many rows, after leaving out so many; 0 lists none and still counts |
///
/// A **field** is a JSON pointer (RFC 6901) into the value, or `key`, or `kind`. To sort in falling
/// order, `-` is written before it: `["-/votes", "key"]`. Rows that are equal in all of them are
/// sorted by key, then by kind: the order is total.
///
/// A **condition** is an object whose members must all hold. `{"/a": 1}` asks whether a field is
/// equal to something; `{"/a": {"gt": 1, "lte": 5}}` has operators: `eq`, `ne`, `lt`, `lte`, `gt`,
/// `gte`, `in` (an array of values), `exists` (true or false), `prefix` (of a string), `contains` (a
/// part of a string, or an element of an array). `{"and": […]}`, `{"or": […]}` and `{"not": {…}}`
/// are made of conditions.
///
/// Values of all types have one **order**, for sorting and for operators: null, false, true,
/// numbers (as 64-bit floats), strings (by code points), arrays and objects (by their text). So
/// `{"lt": 5}` holds for null as well; `{"gte": 0, "lt": ""}` holds for numbers alone. A field that
/// is missing comes before null, and passes `ne` and `"exists": false` only. In a value that is not
/// JSON the fields before the damage are found.
///
/// ```
/// use highwater_core::{Error, Instant, LiveQuery, Materializer, Protocol, Query};
/// let mut flags = Materializer::new(Protocol::relay());
/// let put = br#"event: put
/// data: {"data":{"flags":{"a":{"version":1,"on":true},"b":{"version":1,"on":true},"c":{"version":1}}}}
///
/// "#;
/// flags.push(Instant::default(), put)?;
///
/// let query = Query::parse(br#"{"where": {"/on": true}, "sort": ["-/version"]}"#)?;
/// let mut live = LiveQuery::new(query, flags.state());
/// let keys = |live: &LiveQuery, flags: &Materializer| -> Vec<String> {
///     live.rows().map(|slot| flags.state().name(slot).unwrap().1.to_owned()).collect()
/// };
/// assert_eq!(keys(&live, &flags), ["a", "b"]);
///
/// flags.begin();
/// let patch = br#"event: patch
/// data: {"path":"/flags/b","data":{"version":2,"on":true}}
///
/// "#;
/// flags.push(Instant::default(), patch)?;
/// let edits = live.update(flags.state(), flags.changes());
/// assert_eq!((edits.removed[0], edits.inserted[0].at, edits.inserted[0].from), (1, 0, Some(1)));
/// assert_eq!(keys(&live, &flags), ["b", "a"]);
///
/// let error = Query::parse(br#"{"limit": 10, "were": {}}"#).err().unwrap();
/// assert_eq!((error.code(), error.number()), ("bad-query", Some(15)));
/// # Ok::<(), Error>(())
/// ```
pub struct Query {
    kind: Option<Box<str>>,
    condition: Condition,
    /// What rows are sorted by.
    order: Vec<Order>,
    /// The first of [`order`](Self::order) is the group.
    grouped: bool,
    offset: u32,
    limit: u32,
}

struct Order {
    field: Field,
    descending: bool,
}

impl Query {
    /// Reads a query. The error names the place in the text.
    pub fn parse(spec: &[u8]) -> Result<Self, Error> {
        parse::query(spec).map_err(|cause| Error::Query { cause })
    }

    /// The JSON text of what the query groups by, in an item; `None` where it is missing, or is the
    /// key or the kind.
    pub fn group_value<'i>(&self, item: &Item<'i>) -> Option<&'i [u8]> {
        self.order.first().filter(|_| self.grouped)?.field.text(item)
    }

    /// Whether an item is wanted; if so, `key` is what its row is sorted by.
    fn row(&self, item: &Item<'_>, value: &mut Vec<u8>, key: &mut Vec<u8>) -> bool {
        let kind = self.kind.as_ref().is_none_or(|kind| **kind == *item.kind);
        if !kind || !self.condition.holds(item, value) {
            return false;
        }
        key.clear();
        for order in &self.order {
            order.field.read(item, value);
            value::join(value, order.descending, key);
        }
        for name in [item.key, item.kind] {
            value.clear();
            value::encode_text(name, value);
            value::join(value, false, key);
        }
        true
    }

    /// The rows that are listed, of so many.
    fn window(&self, count: u32) -> Range<u32> {
        self.offset.min(count)..self.offset.saturating_add(self.limit).min(count)
    }
}
