//! LaunchDarkly Relay's automatic configuration: which environments and filters there are.
//!
//! Source: Relay's `StreamManager`. Member names are compared exactly, as JSON does.

use alloc::borrow::Cow;

use super::relay::{needed, one};
use super::{Decoded, Emit, Fault};
use crate::json::{Raw, fields_or_null};
use crate::message::{Event, Message, Transfer, Version};

const ENVIRONMENTS: &str = "environments";
const FILTERS: &str = "filters";

/// Decodes an event of the stream.
pub(super) fn decode(event: &Event<'_>, emit: Emit<'_>) -> Decoded {
    match event.kind {
        "put" => put(event.data, emit),
        "patch" => patch(event.data, emit),
        "delete" => delete(event.data, emit),
        "reconnect" => emit(Message::Reconnect),
        _ => emit(Message::Ignored("unknown event")),
    }
}

/// All environments, then all filters; what is not listed is gone.
fn put(data: &[u8], emit: Emit<'_>) -> Decoded {
    let [path, lists] = fields_or_null(data, ["path", "data"])?;
    let path = text(path)?;
    let lists = members(lists, [ENVIRONMENTS, FILTERS])?;
    emit(Message::Begin(Transfer::Snapshot))?;
    for (kind, list) in [ENVIRONMENTS, FILTERS].into_iter().zip(lists) {
        if let Some(list) = list {
            entries(kind, list, emit)?;
        }
        emit(Message::Listed { kind })?;
    }
    // Uncommitted, what was collected is dropped with the next beginning.
    emit(if path == "/" { Message::COMMIT } else { Message::Ignored("unknown path") })
}

fn entries(kind: &str, list: Raw<'_>, emit: Emit<'_>) -> Decoded {
    if list.is_null() {
        return Ok(());
    }
    let mut reader = list.reader();
    let mut members = reader.object()?;
    while let Some(key) = members.next(&mut reader)? {
        let key = key.decode()?;
        let item = reader.raw()?;
        let (id, version) = header(kind, item)?;
        // An entry that names itself otherwise is skipped, and protects what is known of its key.
        emit(if id.is_none_or(|id| id == key) {
            Message::Upsert { kind, key: &key, version, value: item.bytes() }
        } else {
            Message::Keep { kind, key: &key }
        })?;
    }
    Ok(())
}

fn patch(data: &[u8], emit: Emit<'_>) -> Decoded {
    let [path, item] = fields_or_null(data, ["path", "data"])?;
    let path = text(path)?;
    let Some((kind, key)) = place(&path) else {
        return emit(Message::Ignored("unknown path"));
    };
    let item = needed(item, data, "a patch without data")?;
    let (id, version) = header(kind, item)?;
    if id.is_some_and(|id| id != key) {
        return emit(Message::Ignored("the path and the environment disagree on its id"));
    }
    one(Message::Upsert { kind, key, version, value: item.bytes() }, emit)
}

fn delete(data: &[u8], emit: Emit<'_>) -> Decoded {
    let [path, version] = fields_or_null(data, ["path", "version"])?;
    let (path, version) = (text(path)?, integer(version)?);
    match place(&path) {
        Some((kind, key)) => one(Message::Delete { kind, key, version }, emit),
        None => emit(Message::Ignored("unknown path")),
    }
}

/// `/environments/ID` or `/filters/ID`. The id is what follows the last slash.
fn place(path: &str) -> Option<(&'static str, &str)> {
    [(ENVIRONMENTS, "/environments/"), (FILTERS, "/filters/")].into_iter().find_map(
        |(kind, prefix)| {
            let id = path.strip_prefix(prefix)?;
            (!id.as_bytes().contains(&b'/')).then_some((kind, id))
        },
    )
}

/// The id that an item gives itself, where it does, and its version. An item that is not of the
/// right shape spoils its whole event.
fn header<'a>(kind: &str, item: Raw<'a>) -> Result<(Option<Cow<'a, str>>, Version), Fault> {
    if kind == FILTERS {
        // A filter's id is in its path alone.
        let [version, project, key] = members(Some(item), ["version", "projKey", "key"])?;
        texts([project, key])?;
        return Ok((None, integer(version)?));
    }
    let names = ["envID", "version", "defaultTtl", "secureMode", "sdkKey"];
    let [id, version, ttl, secure, sdk] = members(Some(item), names)?;
    texts(members(Some(item), ["envKey", "envName", "mobKey", "projKey", "projName"])?)?;
    integer(ttl)?;
    if let Some(secure) = secure.filter(|secure| !secure.is_null()) {
        secure.reader().bool()?;
    }
    let [value, expiring] = members(sdk, ["value", "expiring"])?;
    let [old, timestamp] = members(expiring, ["value", "timestamp"])?;
    texts([value, old])?;
    integer(timestamp)?;
    Ok((Some(text(id)?), integer(version)?))
}

/// Members of an object; `null`, and no object at all, is one without.
fn members<'a, const N: usize>(
    object: Option<Raw<'a>>,
    names: [&str; N],
) -> Result<[Option<Raw<'a>>; N], Fault> {
    match object.filter(|object| !object.is_null()) {
        Some(object) => Ok(object.fields(names)?),
        None => Ok([None; N]),
    }
}

fn texts<const N: usize>(all: [Option<Raw<'_>>; N]) -> Decoded {
    all.into_iter().try_for_each(|raw| text(raw).map(drop))
}

/// A string; `null`, and nothing, is an empty one.
fn text(raw: Option<Raw<'_>>) -> Result<Cow<'_, str>, Fault> {
    match raw.filter(|raw| !raw.is_null()) {
        Some(raw) => Ok(raw.text()?),
        None => Ok(Cow::Borrowed("")),
    }
}

/// An integer; `null`, and nothing, is zero.
fn integer(raw: Option<Raw<'_>>) -> Result<i64, Fault> {
    match raw.filter(|raw| !raw.is_null()) {
        Some(raw) => Ok(raw.i64()?),
        None => Ok(0),
    }
}
