//! Any stream of JSON: the application says where things are.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{Decoded, Emit, Fault, promise};
use crate::item::Gate;
use crate::json::{Path, Raw, Reader, Text};
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
    /// The stream promises to write each item as `{KIND, KEY, VERSION, VALUE}`: those of them that
    /// have a path, in this order, without spaces, and nothing behind the value. Then nobody looks
    /// into the value, which is several times as fast; a member behind it would be taken for a part
    /// of it. An item that begins otherwise is read as usual.
    pub value_last: bool,
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
            value_last: false,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Json {
    upsert: Vec<String>,
    delete: Vec<String>,
    snapshot: Vec<String>,
    items: Path,
    /// Where an item's key, kind, version, value and mark of deletion are.
    paths: [Option<Path>; PARTS],
    /// Each of them is a member of the item itself, or all of it: one pass finds them.
    flat: bool,
    value_last: bool,
    /// Stands in for versions where the stream has none.
    count: Version,
}

impl Json {
    pub(crate) fn new(spec: JsonSpec) -> Self {
        let JsonSpec { upsert, delete, snapshot, key, kind, version, value, deleted, .. } = spec;
        let paths = [Some(key), kind, version, Some(value), deleted]
            .map(|pointer| pointer.map(|pointer| Path::new(&pointer)));
        Self {
            upsert,
            delete,
            snapshot,
            items: Path::new(&spec.items),
            flat: paths.iter().flatten().all(|path| path.is_whole() || path.member().is_some()),
            paths,
            value_last: spec.value_last,
            count: 0,
        }
    }

    pub(crate) const fn gate(&self) -> Gate {
        if self.paths[VERSION].is_some() { Gate::PerKeySnapshotReplaces } else { Gate::Cursor }
    }

    pub(crate) fn event_types(&self) -> Vec<&str> {
        self.upsert.iter().chain(&self.delete).chain(&self.snapshot).map(String::as_str).collect()
    }

    pub(crate) const fn restored(&mut self, version: Version) {
        self.count = version;
    }

    pub(crate) const fn has_snapshots(&self) -> bool {
        !self.snapshot.is_empty()
    }

    pub(crate) fn decode(&mut self, event: &Event<'_>, emit: Emit<'_>) -> Decoded {
        let is = |names: &[String]| names.iter().any(|name| name == event.kind);
        let (snapshot, delete) = (is(&self.snapshot), is(&self.delete));
        if !snapshot && !delete && !is(&self.upsert) {
            return emit(Message::Ignored("unknown event"));
        }
        if snapshot {
            emit(Message::Begin(Transfer::Snapshot))?;
            self.all(event.data, emit)?;
        } else {
            emit(Message::Begin(Transfer::Changes))?;
            if !self.value_last || !self.promised(event.data, delete, emit)? {
                let mut whole = Reader::new(event.data);
                let item = whole.raw()?;
                whole.end()?;
                self.item(item, None, delete, emit)?;
            }
        }
        let cursor = (!event.id.is_empty()).then_some(event.id);
        emit(Message::Commit { cursor, version: None, basis: None, ordered: false })
    }

    /// Reads an item that is written as was promised; false if it is not.
    fn promised(&mut self, data: &[u8], delete: bool, emit: Emit<'_>) -> Result<bool, Fault> {
        let member = |at: usize| self.paths[at].as_ref().map(Path::member);
        let (Some(Some(key)), Some(Some(value)), None) =
            (member(KEY), member(VALUE), member(DELETED))
        else {
            return Ok(false);
        };
        let (Some(kind), Some(version)) =
            (member(KIND).unwrap_or(Some("")), member(VERSION).unwrap_or(Some("")))
        else {
            return Ok(false);
        };
        let named = !kind.is_empty();
        let found = promise::item(data, [kind, key, version, value]);
        let Some((kind, key, version, value)) = found else {
            return Ok(false);
        };
        let kind = if named { kind } else { DEFAULT_KIND };
        let version = if self.paths[VERSION].is_some() { version } else { self.next() };
        emit(if delete {
            Message::Delete { kind, key, version }
        } else {
            Message::Upsert { kind, key, version, value }
        })?;
        Ok(true)
    }

    fn all(&mut self, data: &[u8], emit: Emit<'_>) -> Decoded {
        let mut whole = Reader::new(data);
        whole.value()?;
        whole.end()?;
        let items = self.items.find(Reader::new(data))?;
        let items = items.ok_or_else(|| missing(data, "no items where they should be"))?;
        let mut reader = items.reader();
        if reader.peek()? == b'[' {
            let mut elements = reader.array()?;
            while elements.next(&mut reader)? {
                let item = reader.raw()?;
                self.item(item, None, false, emit)?;
            }
        } else {
            let mut members = reader.object()?;
            while let Some(name) = members.next(&mut reader)? {
                let item = reader.raw()?;
                self.item(item, Some(name), false, emit)?;
            }
        }
        Ok(())
    }

    fn item(
        &mut self,
        item: Raw<'_>,
        name: Option<Text<'_>>,
        delete: bool,
        emit: Emit<'_>,
    ) -> Decoded {
        let data = item.bytes();
        let [key, kind, version, value, deleted] = self.parts(item)?;
        let key = match (key, name) {
            (Some(key), _) => text(key)?,
            (None, Some(name)) => name.decode()?,
            (None, None) => return Err(missing(data, "no key where it should be")),
        };
        let kind = kind.map_or(Ok(Cow::Borrowed(DEFAULT_KIND)), text)?;
        let version = if self.paths[VERSION].is_some() {
            version.ok_or_else(|| missing(data, "no version where it should be"))?.i64()?
        } else {
            self.next()
        };
        if delete || deleted.is_some_and(|deleted| deleted.bytes() == b"true") {
            return emit(Message::Delete { kind: &kind, key: &key, version });
        }
        let value = value.ok_or_else(|| missing(data, "no value where it should be"))?.bytes();
        emit(Message::Upsert { kind: &kind, key: &key, version, value })
    }

    fn parts<'a>(&self, item: Raw<'a>) -> Result<[Option<Raw<'a>>; PARTS], Fault> {
        let mut found = [None; PARTS];
        let each = found.iter_mut().zip(&self.paths);
        if !self.flat {
            for (found, path) in each {
                if let Some(path) = path {
                    *found = path.find(item.reader())?;
                }
            }
            return Ok(found);
        }
        for (found, path) in each {
            *found = path.as_ref().filter(|path| path.is_whole()).map(|_| item);
        }
        if !item.is_object() {
            return Ok(found);
        }
        let mut reader = item.reader();
        let mut members = reader.object()?;
        while let Some(name) = members.next(&mut reader)? {
            let raw = reader.raw()?;
            for (found, path) in found.iter_mut().zip(&self.paths) {
                if path.as_ref().and_then(Path::member).is_some_and(|member| name.is(member)) {
                    *found = Some(raw);
                }
            }
        }
        Ok(found)
    }

    fn next(&mut self) -> Version {
        self.count += 1;
        self.count
    }
}

/// Places in the list of paths.
const PARTS: usize = 5;
const KEY: usize = 0;
const KIND: usize = 1;
const VERSION: usize = 2;
const VALUE: usize = 3;
const DELETED: usize = 4;

const DEFAULT_KIND: &str = "item";

fn missing(data: &[u8], what: &'static str) -> Fault {
    let white = data.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    Fault::at(white, what)
}

/// A string, or a number as it is written.
fn text(raw: Raw<'_>) -> Result<Cow<'_, str>, Fault> {
    if raw.is_text() {
        return Ok(raw.text()?);
    }
    raw.i64()?;
    core::str::from_utf8(raw.bytes())
        .map(Cow::Borrowed)
        .map_err(|_| raw.reader().error("expected a string or an integer").into())
}
