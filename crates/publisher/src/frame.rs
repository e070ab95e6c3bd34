//! Bytes as they go on the wire: `FDv2` over SSE.
//!
//! Members of `put-object` stand in the order kind, key, version, object with nothing after the
//! object and no spaces; the first `server-intent` promises so, and readers rely on it.

use bytes::Bytes;
use core::ops::Range;
use core::time::Duration;
use std::io::Write as _;

/// What a connection is told first, or when it is cut over.
pub(crate) struct Intent<'a> {
    pub(crate) topic: &'a str,
    pub(crate) epoch: &'a str,
    pub(crate) index: u64,
    pub(crate) code: &'static str,
    pub(crate) reason: &'static str,
    pub(crate) heartbeat: Duration,
}

pub(crate) fn intent(out: &mut Vec<u8>, intent: &Intent<'_>) {
    let Intent { topic, epoch, index, code, reason, heartbeat } = intent;
    out.extend_from_slice(b"event: server-intent\n");
    if *code == UP_TO_DATE {
        print(out, format_args!("id: {epoch}.{index}\n"));
    }
    out.extend_from_slice(b"data: {\"payloads\":[{\"id\":");
    text(out, topic);
    print(
        out,
        format_args!(
            ",\"target\":{index},\"intentCode\":\"{code}\",\"reason\":\"{reason}\"}}],\
             \"highwater\":{{\"version\":1,\"resumed\":{},\"heartbeat\":{}}}}}\n\n",
            *code != FULL,
            heartbeat.as_millis()
        ),
    );
}

/// Returns where the object stands in `out`.
pub(crate) fn put(
    out: &mut Vec<u8>,
    kind: &str,
    key: &str,
    version: i64,
    object: &str,
) -> Range<usize> {
    out.extend_from_slice(PUT);
    out.extend_from_slice(b"{\"kind\":");
    text(out, kind);
    out.extend_from_slice(b",\"key\":");
    text(out, key);
    print(out, format_args!(",\"version\":{version},\"object\":"));
    let start = out.len();
    out.extend_from_slice(object.as_bytes());
    let end = out.len();
    out.extend_from_slice(b"}\n\n");
    start..end
}

/// The data of an event that [`put`] wrote, with a line's end.
pub(crate) fn line(put: &Bytes) -> Bytes {
    put.slice(PUT.len()..put.len() - 1)
}

pub(crate) fn delete(out: &mut Vec<u8>, kind: &str, key: &str, version: i64) {
    out.extend_from_slice(b"event: delete-object\ndata: {\"kind\":");
    text(out, kind);
    out.extend_from_slice(b",\"key\":");
    text(out, key);
    print(out, format_args!(",\"version\":{version}}}\n\n"));
}

/// Ends a snapshot (without a basis) or a transaction (with the index that it follows).
pub(crate) fn transferred(out: &mut Vec<u8>, epoch: &str, index: u64, basis: Option<u64>) {
    print(
        out,
        format_args!(
            "event: payload-transferred\nid: {epoch}.{index}\ndata: {{\"state\":\"{epoch}.{index}\",\"version\":{index}"
        ),
    );
    if let Some(basis) = basis {
        print(out, format_args!(",\"basis\":\"{epoch}.{basis}\""));
    }
    out.extend_from_slice(b"}\n\n");
}

const PUT: &[u8] = b"event: put-object\ndata: ";

pub(crate) const FULL: &str = "xfer-full";
pub(crate) const CHANGES: &str = "xfer-changes";
pub(crate) const UP_TO_DATE: &str = "none";

/// A JSON string: quoted, escaped, without a line end.
fn text(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text)
        .expect("a string always has a JSON form, and a Vec takes all bytes");
}

fn print(out: &mut Vec<u8>, arguments: core::fmt::Arguments<'_>) {
    out.write_fmt(arguments).expect("a Vec takes all bytes");
}
