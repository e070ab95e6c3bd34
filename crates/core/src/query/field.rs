//! What a query looks at in an item, all of it read in one pass over the item's text.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Range;

use super::value;
use crate::item::Item;
use crate::json::{JsonError, Reader};

/// The number of a field.
pub(super) type Field = usize;

/// The item's key.
pub(super) const KEY: Field = 0;
/// The item's kind.
pub(super) const KIND: Field = 1;

/// JSON pointers as a tree: what they have in common is walked once.
pub(super) struct Fields {
    root: Step,
    count: usize,
}

#[derive(Default)]
struct Step {
    name: Box<str>,
    /// The field that is here.
    field: Option<Field>,
    below: Vec<Self>,
}

/// The fields of one item, as [`value`] encodes them.
#[derive(Default)]
pub(super) struct Values {
    bytes: Vec<u8>,
    places: Vec<Place>,
}

/// Where a field is; nowhere, if it is missing.
#[derive(Clone, Default)]
struct Place {
    /// Encoded, in [`Values::bytes`].
    encoded: Range<usize>,
    /// In the item's value.
    text: Range<usize>,
}

impl Fields {
    pub(super) fn new() -> Self {
        Self { root: Step::default(), count: KIND + 1 }
    }

    /// The field that a pointer names; an error if it is none.
    pub(super) fn pointer(&mut self, pointer: &str) -> Result<Field, &'static str> {
        let mut steps = pointer.split('/');
        if steps.next() != Some("") {
            return Err("expected a JSON pointer (it begins with /), key or kind");
        }
        let mut at = &mut self.root;
        for (depth, step) in steps.enumerate() {
            if depth == DEEPEST {
                return Err("a pointer of more than 64 steps");
            }
            let mut tildes = step.split('~').skip(1);
            if !tildes.all(|rest| rest.starts_with(['0', '1'])) {
                return Err("in a pointer, ~ is written ~0, and / in a name ~1");
            }
            let name = step.replace("~1", "/").replace("~0", "~");
            let place = at.below.iter().position(|step| *step.name == *name);
            let place = place.unwrap_or_else(|| {
                at.below.push(Step { name: name.into(), ..Step::default() });
                at.below.len() - 1
            });
            at = &mut at.below[place];
        }
        let field = *at.field.get_or_insert(self.count);
        self.count = self.count.max(field + 1);
        Ok(field)
    }

    /// Reads the fields of an item. Of a value that is not JSON, all are missing.
    pub(super) fn read(&self, item: &Item<'_>, values: &mut Values) {
        values.bytes.clear();
        values.places.clear();
        values.places.resize(self.count, Place::default());
        for (field, name) in [(KEY, item.key), (KIND, item.kind)] {
            let start = values.bytes.len();
            value::encode_text(name, &mut values.bytes);
            values.places[field].encoded = start..values.bytes.len();
        }
        if self.count > KIND + 1 {
            let mut reader = Reader::new(item.value);
            let read = self.root.read(&mut reader, values).and_then(|()| reader.end());
            if read.is_err() {
                values.places.iter_mut().skip(KIND + 1).for_each(|place| *place = Place::default());
            }
        }
    }
}

impl Step {
    /// Reads the value that is next.
    fn read(&self, reader: &mut Reader<'_>, values: &mut Values) -> Result<(), JsonError> {
        let start = reader.mark();
        match reader.peek()? {
            b'{' if !self.below.is_empty() => {
                let mut members = reader.object()?;
                while let Some(name) = members.next(reader)? {
                    self.enter(|step| name.is(&step.name), reader, values)?;
                }
            }
            b'[' if !self.below.is_empty() => {
                let mut elements = reader.array()?;
                let mut index = 0_u32;
                while elements.next(reader)? {
                    self.enter(|step| step.is_index(index), reader, values)?;
                    index += 1;
                }
            }
            _ => drop(reader.value()?),
        }
        if let Some(field) = self.field {
            values.put(field, start, reader.since(start));
        }
        Ok(())
    }

    fn enter(
        &self,
        is: impl Fn(&Self) -> bool,
        reader: &mut Reader<'_>,
        values: &mut Values,
    ) -> Result<(), JsonError> {
        let Some(step) = self.below.iter().find(|step| is(step)) else {
            return reader.value().map(drop);
        };
        // Of members with one name the last counts, with all that is below it.
        step.forget(values);
        step.read(reader, values)
    }

    fn forget(&self, values: &mut Values) {
        if let Some(field) = self.field {
            values.places[field] = Place::default();
        }
        self.below.iter().for_each(|step| step.forget(values));
    }

    fn is_index(&self, index: u32) -> bool {
        let canonical = *self.name == *"0" || !self.name.starts_with(['0', '+']);
        canonical && self.name.parse() == Ok(index)
    }
}

impl Values {
    /// The value of a field; empty if it is missing.
    pub(super) fn get(&self, field: Field) -> &[u8] {
        let place = self.places.get(field);
        place.and_then(|place| self.bytes.get(place.encoded.clone())).unwrap_or(value::MISSING)
    }

    /// Where in the item's value the text of a field is; nowhere, for the key and the kind too.
    pub(super) fn text(&self, field: Field) -> Range<usize> {
        self.places.get(field).map(|place| place.text.clone()).unwrap_or_default()
    }

    fn put(&mut self, field: Field, at: usize, text: &[u8]) {
        let start = self.bytes.len();
        if value::encode(text, &mut self.bytes).is_err() {
            self.bytes.truncate(start); // a string that is not UTF-8 is missing
        } else if let Some(place) = self.places.get_mut(field) {
            *place = Place { encoded: start..self.bytes.len(), text: at..at + text.len() };
        }
    }
}

/// How many steps a pointer may have: they are walked by recursion.
const DEEPEST: usize = 64;
