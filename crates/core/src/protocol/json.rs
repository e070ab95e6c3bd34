//! Any stream of JSON: the application says where things are.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{Decoded, ProtocolError, Sink};
use crate::item::Gate;
use crate::json::{Reader, pointer};
use crate::message::{Event, Message, Transfer, Version};

/// How to read a stream that knows nothing of Highwater.
///
/// Paths are JSON pointers (RFC 6901) into an event's data; the empty one means all of it.
///
/// ```
/// use highwater_core::{Instant, JsonSpec, Materializer, Protocol};
/// let prices = JsonSpec { key: "/symbol".into(), version: Some("/at".into()), ..JsonSpec::default() };
/// let mut prices = Materializer::new(Protocol::json(prices));
/// for event in ["{\"symbol\":\"A\",\"at\":2}", "{\"symbol\":\"A\",\"at\":1}"] {
///     prices.push(Instant::default(), format!("data: {event}\n\n").as_bytes())?;
/// }
/// assert_eq!(prices.state().get("item", "A").unwrap().version, 2); // the late one was dropped
/// # Ok::<(), highwater_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonSpec {
    /// Types of the events that carry one changed item. Default: `message`.
    pub upsert: Vec<String>,
    /// Types of the events that say that an item is gone. Default: none.
    pub delete: Vec<String>,
    /// Types of the events that carry everything: an array of items, or an object whose values
    /// are items. Default: none.
    pub snapshot: Vec<String>,
    /// Where the items of a snapshot are. Default: the whole data.
    pub items: String,
    /// Where an item's key is: a string or an integer. Default: `/key`.
    pub key: String,
    /// Where its kind is; without it, or where it is missing, the kind is `item`.
    pub kind: Option<String>,
    /// Where its version is: an integer. Without it every event counts as newer than the last.
    pub version: Option<String>,
    /// Where its value is. Default: the whole item.
    pub value: String,
    /// Where a `true` says that the item is gone.
    pub deleted: Option<String>,
}

impl Default for JsonSpec {
    fn default() -> Self {
        Self {
            upsert: Vec::from(["message".to_string()]),
            delete: Vec::new(),
            snapshot: Vec::new(),
            items: String::new(),
            key: "/key".to_string(),
            kind: None,
            version: None,
            value: String::new(),
            deleted: None,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Json {
    spec: JsonSpec,
    /// Stands in for versions where the stream has none.
    count: Version,
}

impl Json {
    pub(crate) const fn new(spec: JsonSpec) -> Self {
        Self { spec, count: 0 }
    }

    pub(crate) const fn gate(&self) -> Gate {
        if self.spec.version.is_some() { Gate::PerKeySnapshotReplaces } else { Gate::Cursor }
    }

    pub(crate) fn event_types(&self) -> Vec<&str> {
        let JsonSpec { upsert, delete, snapshot, .. } = &self.spec;
        upsert.iter().chain(delete).chain(snapshot).map(String::as_str).collect()
    }

    pub(crate) const fn has_snapshots(&self) -> bool {
        !self.spec.snapshot.is_empty()
    }

    pub(crate) fn decode(&mut self, event: &Event<'_>, sink: Sink<'_>) -> Decoded {
        let is = |names: &[String]| names.iter().any(|name| name == event.kind);
        let (snapshot, delete) = (is(&self.spec.snapshot), is(&self.spec.delete));
        if !snapshot && !delete && !is(&self.spec.upsert) {
            return Ok(sink(Message::Ignored("unknown event"))?);
        }
        let mut whole = Reader::new(event.data);
        whole.value()?;
        whole.end()?;
        if snapshot {
            sink(Message::Begin(Transfer::Snapshot))?;
            self.items(event.data, sink)?;
        } else {
            sink(Message::Begin(Transfer::Changes))?;
            self.item(event.data, None, delete, sink)?;
        }
        let cursor = (!event.id.is_empty()).then_some(event.id);
        Ok(sink(Message::Commit { cursor, version: None, basis: None, ordered: false })?)
    }

    fn items(&mut self, data: &[u8], sink: Sink<'_>) -> Decoded {
        let path = self.spec.items.clone();
        let items =
            find(data, &path)?.ok_or_else(|| missing(data, "no items where they should be"))?;
        let mut reader = Reader::new(items);
        if reader.peek()? == b'[' {
            let mut elements = reader.array()?;
            while elements.next(&mut reader)? {
                let item = reader.value()?;
                self.item(item, None, false, sink)?;
            }
        } else {
            let mut members = reader.object()?;
            while let Some(name) = members.next(&mut reader)? {
                let item = reader.value()?;
                self.item(item, Some(name.decode()?), false, sink)?;
            }
        }
        Ok(())
    }

    fn item(
        &mut self,
        data: &[u8],
        name: Option<Cow<'_, str>>,
        delete: bool,
        sink: Sink<'_>,
    ) -> Decoded {
        let spec = &self.spec;
        let key = match find(data, &spec.key)? {
            Some(raw) => text(raw)?,
            None => name.ok_or_else(|| missing(data, "no key where it should be"))?,
        };
        let kind = spec.kind.as_deref().map(|path| find(data, path)).transpose()?.flatten();
        let kind = kind.map(text).transpose()?.unwrap_or(Cow::Borrowed("item"));
        let version = if let Some(path) = &spec.version {
            let raw =
                find(data, path)?.ok_or_else(|| missing(data, "no version where it should be"))?;
            Reader::new(raw).i64()?
        } else {
            self.count += 1;
            self.count
        };
        let deleted = spec.deleted.as_deref().map(|path| find(data, path)).transpose()?.flatten();
        if delete || deleted == Some(b"true") {
            return Ok(sink(Message::Delete { kind: &kind, key: &key, version })?);
        }
        let value =
            find(data, &spec.value)?.ok_or_else(|| missing(data, "no value where it should be"))?;
        Ok(sink(Message::Upsert { kind: &kind, key: &key, version, value })?)
    }
}

fn find<'a>(data: &'a [u8], path: &str) -> Result<Option<&'a [u8]>, ProtocolError> {
    Ok(pointer(data, path)?)
}

fn missing(data: &[u8], what: &'static str) -> ProtocolError {
    let at = data.len().min(data.iter().take_while(|byte| byte.is_ascii_whitespace()).count());
    ProtocolError::Data(crate::json::JsonError { at, what })
}

/// A string, or a number as it is written.
fn text(raw: &[u8]) -> Result<Cow<'_, str>, ProtocolError> {
    let mut reader = Reader::new(raw);
    if reader.peek()? == b'"' {
        return Ok(reader.text()?.decode()?);
    }
    reader.i64()?;
    core::str::from_utf8(raw)
        .map(Cow::Borrowed)
        .map_err(|_| reader.error("expected a string or an integer").into())
}
