//! Events as the older protocols have them: `put`, `patch`, `delete` and `ping`.
//!
//! Values go through as they came, byte for byte.

use super::update::{Collections, Item, Kind};
use bytes::Bytes;
use highwater_publisher::Object;
use std::io::Write as _;

/// A named event whose data is written by `data`, which writes no line end.
fn event(name: &str, data: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut out = Vec::new();
    print(&mut out, format_args!("event: {name}\ndata: "));
    data(&mut out);
    out.extend_from_slice(b"\n\n");
    out.into()
}

/// `/all`: the collections that there are, deleted items as `null`.
pub(super) fn all_put(given: &Collections) -> Bytes {
    let empty = Collections { flags: Some(Vec::new()), segments: Some(Vec::new()) };
    let Collections { flags, segments } =
        if given.flags.is_none() && given.segments.is_none() { &empty } else { given };
    event("put", |out| {
        out.extend_from_slice(b"{\"path\":\"/\",\"data\":");
        let there = [(Kind::Flag, flags), (Kind::Segment, segments)];
        let there = there.into_iter().filter_map(|(kind, items)| Some((kind, items.as_ref()?)));
        object(out, there.map(|(kind, items)| (kind.collection(), items)), |out, items| {
            map(out, items);
        });
        out.push(b'}');
    })
}

/// `/all`: both collections, as their items' keys and values.
pub(super) fn all_initial(
    flags: &[(impl AsRef<str>, Bytes)],
    segments: &[(impl AsRef<str>, Bytes)],
) -> Bytes {
    event("put", |out| {
        out.extend_from_slice(b"{\"path\":\"/\",\"data\":");
        latest(out, flags, segments);
        out.push(b'}');
    })
}

/// Both collections by themselves.
pub(super) fn latest(
    out: &mut Vec<u8>,
    flags: &[(impl AsRef<str>, Bytes)],
    segments: &[(impl AsRef<str>, Bytes)],
) {
    out.extend_from_slice(b"{\"flags\":");
    values(out, flags);
    out.extend_from_slice(b",\"segments\":");
    values(out, segments);
    out.push(b'}');
}

/// `/all`: one item.
pub(super) fn all_item(item: &Item) -> Bytes {
    patch_or_delete(item, &format!("/{}/{}", item.kind.collection(), item.key))
}

/// `/flags`: the flags that there are, deleted ones as `null`.
pub(super) fn flags_put(given: &Collections) -> Bytes {
    event("put", |out| map(out, given.flags.as_deref().unwrap_or_default()))
}

/// `/flags`: all flags, as their keys and values.
pub(super) fn flags_initial(flags: &[(impl AsRef<str>, Bytes)]) -> Bytes {
    event("put", |out| values(out, flags))
}

/// `/flags`: one item; nothing of a segment.
pub(super) fn flags_item(item: &Item) -> Option<Bytes> {
    (item.kind == Kind::Flag).then(|| patch_or_delete(item, &format!("/{}", item.key)))
}

/// Streams of clients: look again. The data is a space: with none, browsers would drop the event.
pub(super) const PING: Bytes = Bytes::from_static(b"event: ping\ndata:  \n\n");

fn patch_or_delete(item: &Item, path: &str) -> Bytes {
    let name = if item.object.is_some() { "patch" } else { "delete" };
    event(name, |out| {
        out.extend_from_slice(b"{\"path\":");
        text(out, path);
        match &item.object {
            Some(object) => print(out, format_args!(",\"data\":{}}}", object.as_str())),
            None => print(out, format_args!(",\"version\":{}}}", item.version)),
        }
    })
}

fn map(out: &mut Vec<u8>, items: &[Item]) {
    let members = items.iter().map(|item| (&*item.key, item.object.as_ref()));
    object(out, members, |out, value| {
        out.extend_from_slice(value.map_or("null", Object::as_str).as_bytes());
    });
}

/// A collection by itself.
pub(super) fn values(out: &mut Vec<u8>, items: &[(impl AsRef<str>, Bytes)]) {
    out.reserve(items.iter().map(|(key, value)| key.as_ref().len() + value.len() + 4).sum());
    let members = items.iter().map(|(key, value)| (key.as_ref(), value));
    object(out, members, |out, value| out.extend_from_slice(value));
}

fn object<'a, T>(
    out: &mut Vec<u8>,
    members: impl Iterator<Item = (&'a str, T)>,
    value: impl Fn(&mut Vec<u8>, T),
) {
    out.push(b'{');
    for (position, (key, member)) in members.enumerate() {
        if position > 0 {
            out.push(b',');
        }
        text(out, key);
        out.push(b':');
        value(out, member);
    }
    out.push(b'}');
}

/// A JSON string: quoted, escaped, without a line end.
fn text(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text)
        .expect("a string always has a JSON form, and a Vec takes all bytes");
}

fn print(out: &mut Vec<u8>, arguments: core::fmt::Arguments<'_>) {
    out.write_fmt(arguments).expect("a Vec takes all bytes");
}
