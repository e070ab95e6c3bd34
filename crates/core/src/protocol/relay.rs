//! LaunchDarkly's server-side streams, `/all` and `/flags`.
//!
//! Source: the Go SDK's consumer: a put replaces everything, versions and deletions included;
//! patches and deletes count by strictly greater version.

use super::decoding::{Decoding, Word};
use crate::json::Raw;
use crate::message::{Transfer, Version};

#[derive(Debug)]
pub(crate) struct Relay {
    flags_only: bool,
    /// A put that leaves a collection out is a fault: nobody means to delete everything by saying
    /// nothing. To the SDKs it is an empty one.
    strict: bool,
}

/// The collections of `/all`, the paths of their items, and what is wrong with a put that leaves
/// them out.
const COLLECTIONS: [(&str, &str, &str); 2] = [
    ("flags", "/flags/", "a put without flags"),
    ("segments", "/segments/", "a put without segments"),
];

impl Relay {
    pub(crate) const fn all() -> Self {
        Self { flags_only: false, strict: false }
    }

    pub(crate) const fn strict() -> Self {
        Self { flags_only: false, strict: true }
    }

    pub(crate) const fn flags_only() -> Self {
        Self { flags_only: true, strict: false }
    }

    pub(crate) const fn name(&self) -> &'static str {
        if self.flags_only { "flags" } else { "relay" }
    }

    pub(crate) fn decode(&self, kind: &str, event: &mut Decoding<'_>) {
        match kind {
            "put" if self.flags_only => snapshot_of_flags(event),
            "put" => self.put(event),
            "patch" => self.patch(event),
            "delete" => self.delete(event),
            _ => event.ignore("unknown event"),
        }
    }

    /// `/sdk/latest-all`: the data of a put.
    pub(crate) fn polled(&self, event: &mut Decoding<'_>) {
        if self.flags_only {
            return snapshot_of_flags(event);
        }
        event.begin(Transfer::Snapshot);
        self.collections(event);
        event.json().end();
        event.commit();
    }

    fn put(&self, event: &mut Decoding<'_>) {
        let (mut first, mut ours, mut found) = (true, true, false);
        event.json().open(b'{');
        while event.json().more(&mut first, b'{') {
            let name = event.json().name();
            if event.json().is(name, "data") {
                found = true;
                event.begin(Transfer::Snapshot);
                self.collections(event);
            } else {
                let value = event.json().value();
                if event.json().is(name, "path") {
                    event.text(value);
                    ours = event.json().is(value, "/");
                }
            }
        }
        event.json().end();
        event.need(if found { Raw::SOME } else { Raw::NONE }, "a put without data");
        // Uncommitted, what was collected is dropped with the next beginning.
        if ours { event.commit() } else { event.ignore("unknown path") }
    }

    fn collections(&self, event: &mut Decoding<'_>) {
        let (mut first, mut found) = (true, [!self.strict; COLLECTIONS.len()]);
        event.json().open(b'{');
        while event.json().more(&mut first, b'{') {
            let name = event.json().name();
            let json = event.json();
            let ours =
                COLLECTIONS.iter().zip(&mut found).find(|((kind, ..), _)| json.is(name, kind));
            match ours {
                Some(((kind, ..), found)) => {
                    *found = true;
                    items(kind, event);
                }
                None => drop(json.value()),
            }
        }
        for ((.., what), found) in COLLECTIONS.iter().zip(found) {
            event.need(if found { Raw::SOME } else { Raw::NONE }, what);
        }
    }

    fn patch(&self, event: &mut Decoding<'_>) {
        let [path, item] = event.whole(["path", "data"]);
        event.need(path, "a patch without path");
        event.need(item, "a patch without data");
        let path = event.text(path);
        let Some((kind, key)) = self.place(event, path) else {
            return event.ignore("unknown path");
        };
        event.json().enter(item);
        let (version, deleted) = header(event);
        event.one(kind, key, version, (!deleted).then_some(item));
    }

    fn delete(&self, event: &mut Decoding<'_>) {
        let [path, version] = event.whole(["path", "version"]);
        event.need(path, "a delete without path");
        event.need(version, "a delete without version");
        let (path, version) = (event.text(path), event.json().i64(version));
        match self.place(event, path) {
            Some((kind, key)) => event.one(kind, key, version, None),
            None => event.ignore("unknown path"),
        }
    }

    /// The kind and key that a path names. A key may hold slashes.
    fn place(&self, event: &mut Decoding<'_>, path: Word) -> Option<(Word, Word)> {
        if self.flags_only {
            return Some((Word::Known("flags"), event.behind(path, "/")?));
        }
        COLLECTIONS
            .iter()
            .find_map(|&(kind, prefix, _)| Some((Word::Known(kind), event.behind(path, prefix)?)))
    }
}

/// A whole state that is a bare map of flags.
pub(super) fn snapshot_of_flags(event: &mut Decoding<'_>) {
    event.begin(Transfer::Snapshot);
    items("flags", event);
    event.json().end();
    event.commit();
}

fn items(kind: &'static str, event: &mut Decoding<'_>) {
    if event.json().peek() == b'n' {
        event.json().value();
        return;
    }
    let mut first = true;
    event.json().open(b'{');
    while event.json().more(&mut first, b'{') {
        let key = event.json().name();
        if event.json().peek() == b'n' {
            event.json().value();
            continue; // a deleted item, as live puts of the original write it
        }
        event.forget_words();
        let key = event.string(key);
        let start = event.json().mark();
        let (version, deleted) = header(event);
        let item = event.json().since(start);
        event.item(Word::Known(kind), key, version, (!deleted).then_some(item));
    }
}

/// Reads over an item, for its version (0 if it has none) and whether it says it is deleted.
pub(super) fn header(event: &mut Decoding<'_>) -> (Version, bool) {
    let mut found = [Raw::NONE; 2];
    event.json().fields(&["version", "deleted"], &mut found);
    let [version, deleted] = found;
    let version = if version.is_some() { event.json().i64(version) } else { 0 };
    let deleted = !event.is_nothing(deleted) && event.json().bool(deleted);
    (version, deleted)
}
