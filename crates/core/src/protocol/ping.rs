//! LaunchDarkly's client-side streams: a ping says that the evaluated flags changed.
//!
//! Servers that evaluate send the flags themselves, as puts, patches and deletes; those are
//! understood too.

use super::relay::{header, snapshot_of_flags};
use super::{Decoded, Sink};
use crate::json::Reader;
use crate::message::{Event, Message, Transfer};

/// Decodes an event of the stream.
pub(super) fn decode(event: &Event<'_>, sink: Sink<'_>) -> Decoded {
    match event.kind {
        "ping" => Ok(sink(Message::Invalidate)?),
        "put" => snapshot_of_flags(event.data, sink),
        "patch" | "delete" => change(event, sink),
        _ => Ok(sink(Message::Ignored("unknown event"))?),
    }
}

/// Decodes what was fetched.
pub(super) fn polled(body: &[u8], sink: Sink<'_>) -> Decoded {
    snapshot_of_flags(body, sink)
}

/// `{"key":KEY,"version":N,…}`: the flag itself, or the fact that it is gone.
fn change(event: &Event<'_>, sink: Sink<'_>) -> Decoded {
    let (version, deleted) = header(&mut Reader::new(event.data))?;
    let mut reader = Reader::new(event.data);
    let mut members = reader.object()?;
    let mut key = None;
    while let Some(name) = members.next(&mut reader)? {
        if name.is("key") {
            key = Some(reader.text()?.decode()?);
        } else {
            reader.value()?;
        }
    }
    reader.end()?;
    let key = key.ok_or_else(|| reader.error("a flag without key"))?;
    sink(Message::Begin(Transfer::Changes))?;
    sink(if deleted || event.kind == "delete" {
        Message::Delete { kind: "flags", key: &key, version }
    } else {
        Message::Upsert { kind: "flags", key: &key, version, value: event.data.trim_ascii() }
    })?;
    Ok(sink(Message::COMMIT)?)
}
