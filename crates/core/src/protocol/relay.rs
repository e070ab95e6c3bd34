//! LaunchDarkly's server-side streams, `/all` and `/flags`.
//!
//! Source: the Go SDK's consumer: a put replaces everything, versions and deletions included;
//! patches and deletes count by strictly greater version.

use super::{Decoded, Emit, Fault};
use crate::json::{Raw, Reader, fields};
use crate::message::{Event, Message, Transfer, Version};

#[derive(Debug)]
pub(crate) struct Relay {
    flags_only: bool,
}

/// The collections of `/all`, and the paths of their items.
const COLLECTIONS: [(&str, &str); 2] = [("flags", "/flags/"), ("segments", "/segments/")];

impl Relay {
    pub(crate) const fn all() -> Self {
        Self { flags_only: false }
    }

    pub(crate) const fn flags_only() -> Self {
        Self { flags_only: true }
    }

    pub(crate) const fn name(&self) -> &'static str {
        if self.flags_only { "flags" } else { "relay" }
    }

    pub(crate) fn decode(&self, event: &Event<'_>, emit: Emit<'_>) -> Decoded {
        match event.kind {
            "put" if self.flags_only => snapshot_of_flags(event.data, emit),
            "put" => put(event.data, emit),
            "patch" => self.patch(event.data, emit),
            "delete" => self.delete(event.data, emit),
            _ => emit(Message::Ignored("unknown event")),
        }
    }

    /// `/sdk/latest-all`: the data of a put.
    pub(crate) fn polled(&self, body: &[u8], emit: Emit<'_>) -> Decoded {
        if self.flags_only {
            return snapshot_of_flags(body, emit);
        }
        let mut reader = Reader::new(body);
        emit(Message::Begin(Transfer::Snapshot))?;
        collections(&mut reader, emit)?;
        reader.end()?;
        emit(Message::COMMIT)
    }

    fn patch(&self, data: &[u8], emit: Emit<'_>) -> Decoded {
        let [path, item] = fields(data, ["path", "data"])?;
        let path = needed(path, data, "a patch without path")?.text()?;
        let item = needed(item, data, "a patch without data")?;
        let Some((kind, key)) = self.place(&path) else {
            return emit(Message::Ignored("unknown path"));
        };
        let (version, deleted) = header(&mut item.reader())?;
        one(
            if deleted {
                Message::Delete { kind, key, version }
            } else {
                Message::Upsert { kind, key, version, value: item.bytes() }
            },
            emit,
        )
    }

    fn delete(&self, data: &[u8], emit: Emit<'_>) -> Decoded {
        let [path, version] = fields(data, ["path", "version"])?;
        let path = needed(path, data, "a delete without path")?.text()?;
        let version = needed(version, data, "a delete without version")?.i64()?;
        match self.place(&path) {
            Some((kind, key)) => one(Message::Delete { kind, key, version }, emit),
            None => emit(Message::Ignored("unknown path")),
        }
    }

    /// The kind and key that a path names. A key may hold slashes.
    fn place<'p>(&self, path: &'p str) -> Option<(&'static str, &'p str)> {
        if self.flags_only {
            return Some(("flags", path.strip_prefix('/')?));
        }
        COLLECTIONS.iter().find_map(|&(kind, prefix)| Some((kind, path.strip_prefix(prefix)?)))
    }
}

/// A transaction of one message.
pub(super) fn one(message: Message<'_>, emit: Emit<'_>) -> Decoded {
    emit(Message::Begin(Transfer::Changes))?;
    emit(message)?;
    emit(Message::COMMIT)
}

/// A member that must be there; if it is not, that is told at the end of the data.
pub(super) fn needed<'a>(
    raw: Option<Raw<'a>>,
    data: &[u8],
    what: &'static str,
) -> Result<Raw<'a>, Fault> {
    raw.ok_or_else(|| Fault::at(data.len(), what))
}

fn put(data: &[u8], emit: Emit<'_>) -> Decoded {
    let mut reader = Reader::new(data);
    let mut members = reader.object()?;
    let (mut ours, mut found) = (true, false);
    while let Some(name) = members.next(&mut reader)? {
        if name.is("path") {
            ours = reader.text()?.is("/");
        } else if name.is("data") {
            found = true;
            emit(Message::Begin(Transfer::Snapshot))?;
            collections(&mut reader, emit)?;
        } else {
            reader.value()?;
        }
    }
    reader.end()?;
    if !found {
        return Err(reader.error("a put without data").into());
    }
    // Uncommitted, what was collected is dropped with the next beginning.
    emit(if ours { Message::COMMIT } else { Message::Ignored("unknown path") })
}

fn collections(reader: &mut Reader<'_>, emit: Emit<'_>) -> Decoded {
    let mut members = reader.object()?;
    while let Some(name) = members.next(reader)? {
        if let Some((kind, _)) = COLLECTIONS.iter().find(|(kind, _)| name.is(kind)) {
            items(kind, reader, emit)?;
        } else {
            reader.value()?;
        }
    }
    Ok(())
}

/// A whole state that is a bare map of flags.
pub(super) fn snapshot_of_flags(data: &[u8], emit: Emit<'_>) -> Decoded {
    let mut reader = Reader::new(data);
    emit(Message::Begin(Transfer::Snapshot))?;
    items("flags", &mut reader, emit)?;
    reader.end()?;
    emit(Message::COMMIT)
}

fn items(kind: &str, reader: &mut Reader<'_>, emit: Emit<'_>) -> Decoded {
    if reader.null()? {
        return Ok(());
    }
    let mut members = reader.object()?;
    while let Some(key) = members.next(reader)? {
        if reader.null()? {
            continue; // a deleted item, as live puts of the original write it
        }
        let key = key.decode()?;
        let start = reader.mark();
        let (version, deleted) = header(reader)?;
        emit(if deleted {
            Message::Delete { kind, key: &key, version }
        } else {
            Message::Upsert { kind, key: &key, version, value: reader.since(start) }
        })?;
    }
    Ok(())
}

/// Reads over an item, for its version (0 if it has none) and whether it says it is deleted.
pub(super) fn header(reader: &mut Reader<'_>) -> Result<(Version, bool), Fault> {
    let mut found = [None; 2];
    reader.fields(&["version", "deleted"], &mut found)?;
    let [version, deleted] = found;
    let version = version.map_or(Ok(0), |version| version.i64())?;
    let deleted = deleted.filter(|deleted| !deleted.is_null());
    Ok((version, deleted.map_or(Ok(false), |deleted| deleted.reader().bool())?))
}
