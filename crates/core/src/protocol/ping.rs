//! LaunchDarkly's client-side streams: a ping says that the evaluated flags changed.
//!
//! Servers that evaluate send the flags themselves, as puts, patches and deletes; those are
//! understood too.

use super::relay::{header, needed, one, snapshot_of_flags};
use super::{Decoded, Emit};
use crate::json::{Reader, fields};
use crate::message::{Event, Message};

/// Decodes an event of the stream.
pub(super) fn decode(event: &Event<'_>, emit: Emit<'_>) -> Decoded {
    match event.kind {
        "ping" => emit(Message::Invalidate),
        "put" => snapshot_of_flags(event.data, emit),
        "patch" | "delete" => change(event, emit),
        _ => emit(Message::Ignored("unknown event")),
    }
}

/// Decodes what was fetched.
pub(super) fn polled(body: &[u8], emit: Emit<'_>) -> Decoded {
    snapshot_of_flags(body, emit)
}

/// `{"key":KEY,"version":N,…}`: the flag itself, or the fact that it is gone.
fn change(event: &Event<'_>, emit: Emit<'_>) -> Decoded {
    let [key] = fields(event.data, ["key"])?;
    let (version, deleted) = header(&mut Reader::new(event.data))?;
    let key = needed(key, event.data, "a flag without key")?.text()?;
    one(
        if deleted || event.kind == "delete" {
            Message::Delete { kind: "flags", key: &key, version }
        } else {
            let value = event.data.trim_ascii();
            Message::Upsert { kind: "flags", key: &key, version, value }
        },
        emit,
    )
}
