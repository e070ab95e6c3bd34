//! LaunchDarkly's server-side streams, `/all` and `/flags`.
//!
//! Source: the Go SDK's consumer: a put replaces everything, versions and deletions included;
//! patches and deletes count by strictly greater version.

use super::{Decoded, ProtocolError, Sink};
use crate::json::{Members, Reader};
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

    pub(crate) fn decode(&mut self, event: &Event<'_>, sink: Sink<'_>) -> Decoded {
        match event.kind {
            "put" if self.flags_only => snapshot_of_flags(event.data, sink),
            "put" => put(event.data, sink),
            "patch" => self.patch(event.data, sink),
            "delete" => self.delete(event.data, sink),
            _ => Ok(sink(Message::Ignored("unknown event"))?),
        }
    }

    /// `/sdk/latest-all`: the data of a put.
    pub(crate) fn polled(&mut self, body: &[u8], sink: Sink<'_>) -> Decoded {
        if self.flags_only {
            return snapshot_of_flags(body, sink);
        }
        let mut reader = Reader::new(body);
        sink(Message::Begin(Transfer::Snapshot))?;
        collections(&mut reader, sink)?;
        reader.end()?;
        Ok(sink(Message::COMMIT)?)
    }

    fn patch(&self, data: &[u8], sink: Sink<'_>) -> Decoded {
        let mut reader = Reader::new(data);
        let mut members = reader.object()?;
        let (mut path, mut item) = (None, None);
        while let Some(name) = members.next(&mut reader)? {
            if name.is("path") {
                path = Some(reader.text()?.decode()?);
            } else if name.is("data") {
                item = Some((reader.mark(), reader.value()?));
            } else {
                reader.value()?;
            }
        }
        reader.end()?;
        let path = path.ok_or_else(|| reader.error("a patch without path"))?;
        let (at, value) = item.ok_or_else(|| reader.error("a patch without data"))?;
        let Some((kind, key)) = self.place(&path) else {
            return Ok(sink(Message::Ignored("unknown path"))?);
        };
        let (version, deleted) =
            header(&mut Reader::new(value)).map_err(|error| offset(error, at))?;
        sink(Message::Begin(Transfer::Changes))?;
        sink(if deleted {
            Message::Delete { kind, key, version }
        } else {
            Message::Upsert { kind, key, version, value }
        })?;
        Ok(sink(Message::COMMIT)?)
    }

    fn delete(&self, data: &[u8], sink: Sink<'_>) -> Decoded {
        let mut reader = Reader::new(data);
        let mut members = reader.object()?;
        let (mut path, mut version) = (None, None);
        while let Some(name) = members.next(&mut reader)? {
            if name.is("path") {
                path = Some(reader.text()?.decode()?);
            } else if name.is("version") {
                version = Some(reader.i64()?);
            } else {
                reader.value()?;
            }
        }
        reader.end()?;
        let path = path.ok_or_else(|| reader.error("a delete without path"))?;
        let version = version.ok_or_else(|| reader.error("a delete without version"))?;
        let Some((kind, key)) = self.place(&path) else {
            return Ok(sink(Message::Ignored("unknown path"))?);
        };
        sink(Message::Begin(Transfer::Changes))?;
        sink(Message::Delete { kind, key, version })?;
        Ok(sink(Message::COMMIT)?)
    }

    /// The kind and key that a path names. A key may hold slashes.
    fn place<'p>(&self, path: &'p str) -> Option<(&'static str, &'p str)> {
        if self.flags_only {
            return Some(("flags", path.strip_prefix('/')?));
        }
        COLLECTIONS.iter().find_map(|&(kind, prefix)| Some((kind, path.strip_prefix(prefix)?)))
    }
}

fn put(data: &[u8], sink: Sink<'_>) -> Decoded {
    let mut reader = Reader::new(data);
    let mut members = reader.object()?;
    let (mut ours, mut found) = (true, false);
    while let Some(name) = members.next(&mut reader)? {
        if name.is("path") {
            ours = reader.text()?.is("/");
        } else if name.is("data") {
            found = true;
            sink(Message::Begin(Transfer::Snapshot))?;
            collections(&mut reader, sink)?;
        } else {
            reader.value()?;
        }
    }
    reader.end()?;
    if !found {
        return Err(reader.error("a put without data").into());
    }
    // Uncommitted, what was collected is dropped with the next beginning.
    Ok(sink(if ours { Message::COMMIT } else { Message::Ignored("unknown path") })?)
}

fn collections(reader: &mut Reader<'_>, sink: Sink<'_>) -> Decoded {
    let mut members = reader.object()?;
    while let Some(name) = members.next(reader)? {
        if let Some((kind, _)) = COLLECTIONS.iter().find(|(kind, _)| name.is(kind)) {
            items(kind, reader, sink)?;
        } else {
            reader.value()?;
        }
    }
    Ok(())
}

/// A whole state that is a bare map of flags.
pub(super) fn snapshot_of_flags(data: &[u8], sink: Sink<'_>) -> Decoded {
    let mut reader = Reader::new(data);
    sink(Message::Begin(Transfer::Snapshot))?;
    items("flags", &mut reader, sink)?;
    reader.end()?;
    Ok(sink(Message::COMMIT)?)
}

fn items(kind: &str, reader: &mut Reader<'_>, sink: Sink<'_>) -> Decoded {
    let Some(mut members) = reader.object_or_null()? else {
        return Ok(());
    };
    while let Some(key) = members.next(reader)? {
        if reader.null()? {
            continue; // a deleted item, as live puts of the original write it
        }
        let key = key.decode()?;
        let start = reader.mark();
        let (version, deleted) = header(reader)?;
        sink(if deleted {
            Message::Delete { kind, key: &key, version }
        } else {
            Message::Upsert { kind, key: &key, version, value: reader.since(start) }
        })?;
    }
    Ok(())
}

/// Reads over an item, for its version (0 if it has none) and whether it says it is deleted.
pub(super) fn header(reader: &mut Reader<'_>) -> Result<(Version, bool), ProtocolError> {
    let (mut version, mut deleted) = (0, false);
    let mut members: Members = reader.object()?;
    while let Some(name) = members.next(reader)? {
        if name.is("version") {
            version = reader.i64()?;
        } else if name.is("deleted") {
            deleted = !reader.null()? && reader.bool()?;
        } else {
            reader.value()?;
        }
    }
    Ok((version, deleted))
}

/// An error in a part of a text, told as an error in the whole.
pub(super) fn offset(error: ProtocolError, by: usize) -> ProtocolError {
    match error {
        ProtocolError::Data(mut error) => {
            error.at += by;
            ProtocolError::Data(error)
        }
        error => error,
    }
}
