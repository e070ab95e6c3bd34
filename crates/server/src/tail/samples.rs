//! Streams for the tests of views.

use super::view::Kept;
use highwater::{MaterializerOptions, Protocol, View};
use highwater_core::{Instant, Materializer};

/// A view that has taken in this much of a stream of the native protocol.
pub(super) fn stream<V: View>(view: V, text: &str) -> (Materializer<Kept<V>>, Kept<V>) {
    let view = Kept::new(view);
    let options = MaterializerOptions::default();
    let mut store = Materializer::with_view(Protocol::fdv2(), view.clone(), options);
    store.connected();
    store.push(Instant::default(), text.as_bytes()).unwrap();
    (store, view)
}

pub(super) fn snapshot(items: &str, index: i64) -> String {
    let payload = format!(r#"{{"id":"t","target":{index},"intentCode":"xfer-full","reason":"t"}}"#);
    format!("event: server-intent\ndata: {{\"payloads\":[{payload}]}}\n\n") + &change(items, index)
}

pub(super) fn change(items: &str, index: i64) -> String {
    let end = format!(r#"{{"state":"e.{index}","version":{index}}}"#);
    format!("{items}event: payload-transferred\ndata: {end}\n\n")
}

pub(super) fn put(kind: &str, key: &str, version: i64, value: &str) -> String {
    let (kind, key) = (serde_json::json!(kind), serde_json::json!(key));
    let item = format!(r#"{{"kind":{kind},"key":{key},"version":{version},"object":{value}}}"#);
    format!("event: put-object\ndata: {item}\n\n")
}

pub(super) fn delete(kind: &str, key: &str, version: i64) -> String {
    let item = format!(r#"{{"kind":"{kind}","key":"{key}","version":{version}}}"#);
    format!("event: delete-object\ndata: {item}\n\n")
}
