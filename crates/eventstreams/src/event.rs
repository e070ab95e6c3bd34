//! What a stream carries.

mod canonical;
mod encode;

use crate::error::Error;
use core::fmt::Write as _;
use core::ops::Range;
use std::sync::Arc;

/// An event, encoded once for all who get it; a clone shares it.
///
/// ```
/// use highwater_eventstreams::Event;
/// let event = Event::new("orders/7", "000012", r#"{ "total": 12345678901234567890, "a<b": [1.50] }"#)?;
/// assert_eq!(
///     event.json(),
///     r#"{"a\u003cb":[1.50],"sequenceId":"000012","topic":"orders/7","total":12345678901234567890}"#
/// );
/// # Ok::<(), highwater_eventstreams::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event(Arc<Inner>);

#[derive(Debug, PartialEq, Eq)]
struct Inner {
    topic: Box<str>,
    sequence_id: Arc<str>,
    json: String,
}

impl Event {
    /// An event whose data is a JSON object.
    ///
    /// Its members, by name, are those of the event, with `topic` and `sequenceId` in the place of
    /// any that the data may have. Numbers stay as they are written.
    pub fn new(topic: &str, sequence_id: &str, data: &str) -> Result<Self, Error> {
        let json = encode::event(topic, sequence_id, data)
            .map_err(|why| Error::EventData(why.to_string().into()))?;
        Ok(Self(Arc::new(Inner { topic: topic.into(), sequence_id: sequence_id.into(), json })))
    }

    /// What topic filters look at.
    pub fn topic(&self) -> &str {
        &self.0.topic
    }

    /// Where it stands in its source. The texts of later events are greater.
    pub fn sequence_id(&self) -> &Arc<str> {
        &self.0.sequence_id
    }

    /// As it goes on the wire.
    pub fn json(&self) -> &str {
        &self.0.json
    }
}

/// Events that are delivered together, of one stream. A clone shares them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    events: Arc<[Event]>,
    /// Which of them are to be delivered.
    range: Range<usize>,
}

impl Batch {
    /// A batch of these events.
    pub fn new(events: impl Into<Arc<[Event]>>) -> Self {
        let events = events.into();
        Self { range: 0..events.len(), events }
    }

    /// Those that are to be delivered, in order.
    pub fn events(&self) -> &[Event] {
        &self.events[self.range.clone()]
    }

    /// What is left when so many of them have been dealt with.
    #[must_use]
    pub fn after(&self, count: usize) -> Self {
        let Range { start, end } = self.range;
        Self { events: Arc::clone(&self.events), range: end.min(start.saturating_add(count))..end }
    }

    /// So many of them, from the first.
    #[must_use]
    pub fn first(&self, count: usize) -> Self {
        let Range { start, end } = self.range;
        Self {
            events: Arc::clone(&self.events),
            range: start..end.min(start.saturating_add(count)),
        }
    }

    /// The message that delivers it: with its number, if somebody is to answer for it.
    pub fn message(&self, stream: &str, number: Option<u64>) -> String {
        let events = self.events();
        let size: usize = events.iter().map(|event| event.json().len() + 1).sum();
        let mut out = String::with_capacity(size + stream.len() + 80);
        out.push('{');
        if let Some(number) = number {
            write!(out, "\"batchNumber\":{number},").expect("a String takes everything");
        }
        out.push_str("\"stream\":");
        encode::text(&mut out, stream);
        out.push_str(",\"type\":\"event_batch\",\"events\":[");
        for (at, event) in events.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            out.push_str(event.json());
        }
        out.push_str("]}");
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(data: &str) -> String {
        Event::new("t", "1", data).unwrap().json().to_owned()
    }

    #[test]
    fn members_are_sorted_and_the_envelope_wins() {
        assert_eq!(
            json(r#"{"z":1,"a":{"d":null,"c":[true, {"y":2,"x":1}]}}"#),
            r#"{"a":{"c":[true,{"x":1,"y":2}],"d":null},"sequenceId":"1","topic":"t","z":1}"#
        );
        assert_eq!(
            json(r#"{"topic":{"a":1},"sequenceId":7}"#),
            r#"{"sequenceId":"1","topic":"t"}"#
        );
        assert_eq!(
            json(r#"{"b":1,"a":1,"b":{"c":1,"c":2},"a":3}"#),
            r#"{"a":3,"b":{"c":2},"sequenceId":"1","topic":"t"}"#,
            "of one name the last"
        );
        assert_eq!(json("\n { } "), r#"{"sequenceId":"1","topic":"t"}"#);
        assert_eq!(Event::new("", "1", "{}").unwrap().json(), r#"{"sequenceId":"1","topic":""}"#);
    }

    #[test]
    fn what_could_be_markup_is_escaped_and_numbers_are_left_alone() {
        assert_eq!(
            json(r#"{"s":"<&>\u2028\u00e9\n\u0001\/"}"#),
            "{\"s\":\"\\u003c\\u0026\\u003e\\u2028é\\n\\u0001/\",\"sequenceId\":\"1\",\"topic\":\"t\"}"
        );
        assert_eq!(
            json(r#"{"n":[9007199254740993, 1.0, 1e400, -0]}"#),
            r#"{"n":[9007199254740993,1.0,1e400,-0],"sequenceId":"1","topic":"t"}"#
        );
        // Half a character cannot be decoded, and passes as it came.
        assert_eq!(json(r#"{"s":"\ud800"}"#), r#"{"s":"\ud800","sequenceId":"1","topic":"t"}"#);
    }

    #[test]
    fn data_that_is_no_object_is_refused() {
        for data in ["null", "[]", "1", "\"{}\"", "", "{", "{} {}"] {
            let error = Event::new("t", "1", data).unwrap_err();
            assert_eq!((error.code(), error.status()), ("FF00234", 400), "{data}");
        }
    }

    #[test]
    fn depth_costs_no_stack() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(json(&deep).contains(&"[".repeat(100_000)));
    }

    #[test]
    fn a_message_is_as_recorded() {
        let events = [1, 2]
            .map(|n| Event::new("t", &format!("{n:012}"), &format!("{{\"field1\":{n}}}")).unwrap());
        let batch = Batch::new(events.to_vec());
        assert_eq!(
            batch.message("s1", Some(1)),
            r#"{"batchNumber":1,"stream":"s1","type":"event_batch","events":[{"field1":1,"sequenceId":"000000000001","topic":"t"},{"field1":2,"sequenceId":"000000000002","topic":"t"}]}"#
        );
        assert_eq!(
            batch.after(1).message("", None),
            r#"{"stream":"","type":"event_batch","events":[{"field1":2,"sequenceId":"000000000002","topic":"t"}]}"#
        );
        assert_eq!(batch.after(3).events(), []);
    }
}
