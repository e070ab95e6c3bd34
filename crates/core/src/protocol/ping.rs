//! LaunchDarkly's client-side streams: a ping says that the evaluated flags changed.
//!
//! Servers that evaluate send the flags themselves, as puts, patches and deletes; those are
//! understood too.

use super::decoding::{Decoding, Word};
use super::relay::snapshot_of_flags;
use crate::message::Message;

/// Decodes an event of the stream.
pub(super) fn decode(kind: &str, event: &mut Decoding<'_>) {
    match kind {
        "ping" => event.tell(Message::Invalidate),
        "put" => snapshot_of_flags(event),
        "patch" => change(event, false),
        "delete" => change(event, true),
        _ => event.ignore("unknown event"),
    }
}

/// `{"key":KEY,"version":N,…}`: the flag itself, or the fact that it is gone.
fn change(event: &mut Decoding<'_>, delete: bool) {
    let start = event.json().mark();
    let [key, version, deleted] = event.fields_here(["key", "version", "deleted"]);
    let item = event.json().since(start);
    event.json().end();
    event.need(key, "a flag without key");
    let version = if version.is_some() { event.json().i64(version) } else { 0 };
    let delete = delete | (!event.is_nothing(deleted) && event.json().bool(deleted));
    let key = event.text(key);
    event.one(Word::Known("flags"), key, version, (!delete).then_some(item));
}
