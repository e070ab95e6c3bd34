//! A query over streams in memory.

use super::{Field, Query, Value};
use crate::keyword::Keyword;
use crate::spec::EventStreamSpec;
use core::cmp::Ordering;

/// A stream as far as queries look at it.
pub trait Row {
    /// The value of a field; none if it is null.
    fn value(&self, field: Field) -> Option<Value>;
}

/// What a query finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The streams of this page.
    pub items: Vec<T>,
    /// How many there are on all pages, if that was asked for.
    pub total: Option<u64>,
}

impl Row for EventStreamSpec {
    fn value(&self, field: Field) -> Option<Value> {
        let word = |word: &Option<Keyword>| word.as_ref().map(|word| word.as_str().to_owned());
        let text = match field {
            Field::Id => self.id.clone(),
            Field::Created => return self.created.map(Value::Time),
            Field::Updated => return self.updated.map(Value::Time),
            Field::Name => self.name.clone(),
            Field::Status => word(&self.status),
            Field::Type => word(&self.kind),
            Field::TopicFilter => self.topic_filter.clone(),
            Field::InitialSequenceId => self.initial_sequence_id.clone(),
        };
        text.map(Value::Text)
    }
}

impl Query {
    /// Answers the query from a list in which the newest comes first.
    pub fn page<T: Row>(&self, newest_first: impl IntoIterator<Item = T>) -> Page<T> {
        let mut found: Vec<T> =
            newest_first.into_iter().filter(|row| self.filter.matches(row)).collect();
        found.sort_by(|one, other| self.order(one, other));
        let total = self.count.then_some(found.len() as u64);
        let (skip, limit) = (usize::try_from(self.skip), usize::try_from(self.limit));
        let (skip, limit) = (skip.unwrap_or(usize::MAX), limit.unwrap_or(usize::MAX));
        Page { items: found.into_iter().skip(skip).take(limit).collect(), total }
    }

    /// Null comes before everything else.
    fn order(&self, one: &impl Row, other: &impl Row) -> Ordering {
        let by = self.sort.iter().map(|sort| {
            let order = one.value(sort.field).cmp(&other.value(sort.field));
            if sort.descending { order.reverse() } else { order }
        });
        by.fold(Ordering::Equal, Ordering::then)
    }
}
