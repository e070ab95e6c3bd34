//! LaunchDarkly Relay's automatic configuration: which environments and filters there are.
//!
//! Source: Relay's `StreamManager`. Member names are compared exactly, as JSON does.

use alloc::borrow::Cow;

use super::relay::offset;
use super::{Decoded, ProtocolError, Sink};
use crate::json::Reader;
use crate::message::{Event, Message, Transfer, Version};

const ENVIRONMENTS: &str = "environments";
const FILTERS: &str = "filters";

/// Decodes an event of the stream.
pub(super) fn decode(event: &Event<'_>, sink: Sink<'_>) -> Decoded {
    match event.kind {
        "put" => put(event.data, sink),
        "patch" => patch(event.data, sink),
        "delete" => delete(event.data, sink),
        "reconnect" => Ok(sink(Message::Reconnect)?),
        _ => Ok(sink(Message::Ignored("unknown event"))?),
    }
}

/// All environments, then all filters; what is not listed is gone.
fn put(data: &[u8], sink: Sink<'_>) -> Decoded {
    let mut reader = Reader::new(data);
    let mut path = Cow::Borrowed("");
    let (mut environments, mut filters) = (None, None);
    if let Some(mut members) = reader.object_or_null()? {
        while let Some(name) = members.next(&mut reader)? {
            if name.is("path") {
                path = text(&mut reader)?;
            } else if name.is("data") {
                (environments, filters) = (None, None);
                let Some(mut members) = reader.object_or_null()? else {
                    continue;
                };
                while let Some(name) = members.next(&mut reader)? {
                    if name.is(ENVIRONMENTS) {
                        environments = Some((reader.mark(), reader.value()?));
                    } else if name.is(FILTERS) {
                        filters = Some((reader.mark(), reader.value()?));
                    } else {
                        reader.value()?;
                    }
                }
            } else {
                reader.value()?;
            }
        }
    }
    reader.end()?;
    sink(Message::Begin(Transfer::Snapshot))?;
    for (kind, list, read) in
        [(ENVIRONMENTS, environments, environment as Read), (FILTERS, filters, filter as Read)]
    {
        if let Some((at, list)) = list {
            entries(kind, list, read, sink).map_err(|error| offset(error, at))?;
        }
        sink(Message::Listed { kind })?;
    }
    // Uncommitted, what was collected is dropped with the next beginning.
    Ok(sink(if path == "/" { Message::COMMIT } else { Message::Ignored("unknown path") })?)
}

/// Reads one entry of a list: the id that it gives itself, where it does, and its version.
type Read = for<'a> fn(&mut Reader<'a>) -> Result<(Option<Cow<'a, str>>, Version), ProtocolError>;

fn entries(kind: &str, list: &[u8], read: Read, sink: Sink<'_>) -> Decoded {
    let mut reader = Reader::new(list);
    let Some(mut members) = reader.object_or_null()? else {
        return Ok(());
    };
    while let Some(key) = members.next(&mut reader)? {
        let key = key.decode()?;
        let start = reader.mark();
        let (id, version) = read(&mut reader)?;
        // An entry that names itself otherwise is skipped, and protects what is known of its key.
        sink(if id.is_none_or(|id| id == key) {
            Message::Upsert { kind, key: &key, version, value: reader.since(start) }
        } else {
            Message::Keep { kind, key: &key }
        })?;
    }
    Ok(())
}

fn patch(data: &[u8], sink: Sink<'_>) -> Decoded {
    let mut reader = Reader::new(data);
    let mut path = Cow::Borrowed("");
    let mut item = None;
    if let Some(mut members) = reader.object_or_null()? {
        while let Some(name) = members.next(&mut reader)? {
            if name.is("path") {
                path = text(&mut reader)?;
            } else if name.is("data") {
                item = Some((reader.mark(), reader.value()?));
            } else {
                reader.value()?;
            }
        }
    }
    reader.end()?;
    let Some((kind, key)) = place(&path) else {
        return Ok(sink(Message::Ignored("unknown path"))?);
    };
    let (at, value) = item.ok_or_else(|| reader.error("a patch without data"))?;
    let read = if kind == ENVIRONMENTS { environment } else { filter };
    let (id, version) = read(&mut Reader::new(value)).map_err(|error| offset(error, at))?;
    if id.is_some_and(|id| id != key) {
        return Ok(sink(Message::Ignored("the path and the environment disagree on its id"))?);
    }
    sink(Message::Begin(Transfer::Changes))?;
    sink(Message::Upsert { kind, key, version, value })?;
    Ok(sink(Message::COMMIT)?)
}

fn delete(data: &[u8], sink: Sink<'_>) -> Decoded {
    let mut reader = Reader::new(data);
    let mut path = Cow::Borrowed("");
    let mut version = 0;
    if let Some(mut members) = reader.object_or_null()? {
        while let Some(name) = members.next(&mut reader)? {
            if name.is("path") {
                path = text(&mut reader)?;
            } else if name.is("version") {
                version = integer(&mut reader)?;
            } else {
                reader.value()?;
            }
        }
    }
    reader.end()?;
    let Some((kind, key)) = place(&path) else {
        return Ok(sink(Message::Ignored("unknown path"))?);
    };
    sink(Message::Begin(Transfer::Changes))?;
    sink(Message::Delete { kind, key, version })?;
    Ok(sink(Message::COMMIT)?)
}

/// `/environments/ID` or `/filters/ID`. The id is what follows the last slash.
fn place(path: &str) -> Option<(&'static str, &str)> {
    let (prefix, id) = path.rsplit_once('/')?;
    match prefix {
        "/environments" => Some((ENVIRONMENTS, id)),
        "/filters" => Some((FILTERS, id)),
        _ => None,
    }
}

/// Checks that an environment is of the right shape: one that is not spoils its whole event.
fn environment<'a>(
    reader: &mut Reader<'a>,
) -> Result<(Option<Cow<'a, str>>, Version), ProtocolError> {
    let mut id = Cow::Borrowed("");
    let mut version = 0;
    if let Some(mut members) = reader.object_or_null()? {
        while let Some(name) = members.next(reader)? {
            let is = |names: &[&str]| names.iter().any(|other| name.is(other));
            if name.is("envID") {
                id = text(reader)?;
            } else if name.is("version") {
                version = integer(reader)?;
            } else if is(&["envKey", "envName", "mobKey", "projKey", "projName"]) {
                text(reader)?;
            } else if name.is("defaultTtl") {
                integer(reader)?;
            } else if name.is("secureMode") {
                let _ = reader.null()? || reader.bool()?;
            } else if name.is("sdkKey") {
                sdk_key(reader)?;
            } else {
                reader.value()?;
            }
        }
    }
    Ok((Some(id), version))
}

fn sdk_key(reader: &mut Reader<'_>) -> Decoded {
    let Some(mut members) = reader.object_or_null()? else {
        return Ok(());
    };
    while let Some(name) = members.next(reader)? {
        if name.is("value") {
            text(reader)?;
        } else if name.is("expiring") {
            let Some(mut members) = reader.object_or_null()? else {
                continue;
            };
            while let Some(name) = members.next(reader)? {
                if name.is("value") {
                    text(reader)?;
                } else if name.is("timestamp") {
                    integer(reader)?;
                } else {
                    reader.value()?;
                }
            }
        } else {
            reader.value()?;
        }
    }
    Ok(())
}

/// A filter's id is in its path alone.
fn filter<'a>(reader: &mut Reader<'a>) -> Result<(Option<Cow<'a, str>>, Version), ProtocolError> {
    let mut version = 0;
    if let Some(mut members) = reader.object_or_null()? {
        while let Some(name) = members.next(reader)? {
            if name.is("version") {
                version = integer(reader)?;
            } else if name.is("projKey") || name.is("key") {
                text(reader)?;
            } else {
                reader.value()?;
            }
        }
    }
    Ok((None, version))
}

/// A string; `null` is an empty one.
fn text<'a>(reader: &mut Reader<'a>) -> Result<Cow<'a, str>, ProtocolError> {
    Ok(if reader.null()? { Cow::Borrowed("") } else { reader.text()?.decode()? })
}

/// An integer; `null` is zero.
fn integer(reader: &mut Reader<'_>) -> Result<i64, ProtocolError> {
    Ok(if reader.null()? { 0 } else { reader.i64()? })
}
