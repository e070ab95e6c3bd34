//! Any stream of JSON: the application says where things are.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::decoding::{Decoding, Word};
use super::promise;
use crate::item::Gate;
use crate::json::{Path, Raw};
use crate::message::{Message, Transfer, Version};

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

    pub(crate) fn decode(&mut self, kind: &str, id: &str, event: &mut Decoding<'_>) {
        let is = |names: &[String]| names.iter().any(|name| name == kind);
        let (snapshot, delete) = (is(&self.snapshot), is(&self.delete));
        if !snapshot && !delete && !is(&self.upsert) {
            return event.ignore("unknown event");
        }
        if snapshot {
            self.all(event);
        } else {
            event.begin(Transfer::Changes);
            if !self.value_last || !self.promised(event, delete) {
                let item = event.json().value();
                event.json().end();
                self.item(event, item, Raw::NONE, delete);
            }
        }
        let cursor = (!id.is_empty()).then_some(id);
        event.tell(Message::Commit { cursor, version: None, basis: None, ordered: false });
    }

    /// Reads an item that is written as was promised; false if it is not.
    fn promised(&mut self, event: &mut Decoding<'_>, delete: bool) -> bool {
        let [key, kind, version, value, deleted] = &self.paths;
        // Of a member that is not looked for, the name is empty.
        let [key_name, kind_name, version_name, value_name] = [key, kind, version, value]
            .map(|path| path.as_ref().and_then(Path::member).unwrap_or_default());
        if !self.flat || deleted.is_some() || key_name.is_empty() || value_name.is_empty() {
            return false;
        }
        let (has_kind, has_version) = (kind.is_some(), version.is_some());
        let names = [kind_name, key_name, version_name, value_name];
        let Some((kind, key, version, value)) = promise::item(event.data(), names) else {
            return false;
        };
        let kind = if has_kind { kind } else { DEFAULT_KIND };
        let version = if has_version { version } else { self.next() };
        event.tell(if delete {
            Message::Delete { kind, key, version }
        } else {
            Message::Upsert { kind, key, version, value }
        });
        true
    }

    fn all(&mut self, event: &mut Decoding<'_>) {
        let whole = event.json().value();
        event.json().end();
        let items = self.items.find(event.json(), whole);
        if !items.is_some() {
            return event.json().fail_at(whole.start(), "no items where they should be");
        }
        event.begin(Transfer::Snapshot);
        let bracket = if event.json().first(items) == b'[' { b'[' } else { b'{' };
        let mut first = true;
        event.json().enter(items);
        event.json().open(bracket);
        while event.json().more(&mut first, bracket) {
            let name = if bracket == b'{' { event.json().name() } else { Raw::NONE };
            let item = event.json().value();
            self.item(event, item, name, false);
            event.json().enter(item);
            event.json().value();
        }
    }

    fn item(&mut self, event: &mut Decoding<'_>, item: Raw, name: Raw, delete: bool) {
        let [key, kind, version, value, deleted] = self.parts(event, item);
        let key = key.or(name);
        event.forget_words();
        let need = |event: &mut Decoding<'_>, raw: Raw, what| {
            if !raw.is_some() {
                event.json().fail_at(item.start(), what);
            }
        };
        need(event, key, "no key where it should be");
        let key = if key == name { event.string(key) } else { text(event, key) };
        let kind = if kind.is_some() { text(event, kind) } else { Word::Known(DEFAULT_KIND) };
        let version = if self.paths[VERSION].is_some() {
            need(event, version, "no version where it should be");
            event.json().i64(version)
        } else {
            self.next()
        };
        let delete = delete || event.json().bytes(deleted) == b"true";
        if !delete {
            need(event, value, "no value where it should be");
        }
        event.item(kind, key, version, (!delete).then_some(value));
    }

    fn parts(&self, event: &mut Decoding<'_>, item: Raw) -> [Raw; PARTS] {
        let mut found = [Raw::NONE; PARTS];
        let json = event.json();
        let each = found.iter_mut().zip(&self.paths);
        for (found, path) in each {
            if let Some(path) = path
                && (!self.flat || path.is_whole())
            {
                *found = path.find(json, item);
            }
        }
        if self.flat && json.first(item) == b'{' {
            let mut first = true;
            json.enter(item);
            json.open(b'{');
            while json.more(&mut first, b'{') {
                let name = json.name();
                let value = json.value();
                for (found, path) in found.iter_mut().zip(&self.paths) {
                    if path.as_ref().and_then(Path::member).is_some_and(|own| json.is(name, own)) {
                        *found = value;
                    }
                }
            }
        }
        found
    }

    fn next(&mut self) -> Version {
        self.count += 1;
        self.count
    }
}

/// Places in the list of paths: of key, kind, version, value and the mark of deletion.
const PARTS: usize = 5;
const VERSION: usize = 2;
const DEFAULT_KIND: &str = "item";

/// A string, or an integer as it is written.
fn text(event: &mut Decoding<'_>, raw: Raw) -> Word {
    if event.json().first(raw) == b'"' {
        return event.text(raw);
    }
    event.json().i64(raw);
    event.joining(|event| {
        let digits = event.json().bytes(raw);
        event.join_bytes(digits);
    })
}
