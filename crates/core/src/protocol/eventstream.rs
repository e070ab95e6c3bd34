//! Batches of an event stream, as workers get them over `/ws` or by webhook: one message of JSON each.
//!
//! A batch that is delivered again, in whole or in part, changes nothing: the cursor is the sequence
//! ID of the last event that took effect, and no event up to it does so a second time.

use alloc::string::String;

use super::decoding::{Decoding, Word};
use crate::json::Raw;
use crate::message::{Message, Transfer, Version};

#[derive(Debug, Default)]
pub(super) struct EventStream {
    /// The sequence ID up to which everything has taken effect.
    cursor: String,
    /// That of the event at hand; kept for its memory.
    newest: String,
}

impl EventStream {
    /// What the state at hand contains. What was refused is not among it, and may come again.
    pub(super) fn stands_at(&mut self, cursor: Option<&str>) {
        self.cursor.clear();
        self.cursor.push_str(cursor.unwrap_or_default());
    }

    /// Takes the events of a batch as one transaction.
    pub(super) fn decode(&mut self, event: &mut Decoding<'_>) {
        let [kind, events] = event.whole(["type", "events"]);
        if !kind.is_some() || !event.json().is(kind, "event_batch") {
            return event.ignore("not a batch");
        }
        event.need(events, "a batch without events");
        event.begin(Transfer::Changes);
        let (mut first, mut news) = (true, false);
        event.json().enter(events);
        event.json().open(b'[');
        while event.json().more(&mut first, b'[') {
            event.forget_words();
            let raw = event.json().value();
            news |= self.take(event, raw);
            event.json().enter(raw);
            event.json().value();
        }
        if !news {
            // Uncommitted, nothing of it takes effect: there is nothing.
            return event.ignore("no event that is new");
        }
        let cursor = Some(self.newest.as_str());
        event.tell(Message::Commit { cursor, version: None, basis: None, ordered: false });
    }

    /// Takes an event, unless it has taken effect before.
    fn take(&mut self, event: &mut Decoding<'_>, raw: Raw) -> bool {
        let [sequence, topic, kind, key] =
            event.fields(raw, ["sequenceId", "topic", "kind", "key"]);
        let [version, object, deleted] = event.fields(raw, ["version", "object", "deleted"]);
        event.need(sequence, "an event without sequenceId");
        let sequence = event.text(sequence);
        let sequence = event.say(sequence);
        if sequence <= self.cursor.as_str() {
            return false;
        }
        self.newest.clear();
        self.newest.push_str(sequence);
        let is_text = |event: &mut Decoding<'_>, raw| event.json().first(raw) == b'"';
        if is_text(event, kind) && is_text(event, key) {
            let (kind, key) = (event.text(kind), event.text(key));
            let gone = event.json().bytes(deleted) == b"true";
            let value = if object.is_some() { object } else { raw };
            let version = integer(event, version);
            event.item(kind, key, version, (!gone).then_some(value));
        } else {
            // Of a source that knows nothing of items: the newest event of each topic.
            let topic = event.text_or_null(topic);
            let (kind, key) = parts(event, topic);
            event.item(kind, key, 0, Some(raw));
        }
        true
    }
}

/// What stands before and behind the first slash.
fn parts(event: &mut Decoding<'_>, topic: Word) -> (Word, Word) {
    let text = String::from(event.say(topic));
    let Some((kind, key)) = text.split_once('/') else {
        return (Word::Known("event"), topic);
    };
    let kind = event.joining(|event| event.join(kind));
    (kind, event.joining(|event| event.join(key)))
}

/// An integer, or zero: versions decide nothing here.
fn integer(event: &mut Decoding<'_>, raw: Raw) -> Version {
    core::str::from_utf8(event.json().bytes(raw))
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or_default()
}
