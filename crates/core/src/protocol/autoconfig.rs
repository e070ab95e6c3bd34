//! LaunchDarkly Relay's automatic configuration: which environments and filters there are.
//!
//! Source: Relay's `StreamManager`. Member names are compared exactly, as JSON does.

use super::decoding::{Decoding, Word};
use crate::json::Raw;
use crate::message::{Message, Transfer, Version};

const ENVIRONMENTS: &str = "environments";
const FILTERS: &str = "filters";

/// Decodes an event of the stream.
pub(super) fn decode(kind: &str, event: &mut Decoding<'_>) {
    match kind {
        "put" => put(event),
        "patch" => patch(event),
        "delete" => delete(event),
        "reconnect" => event.tell(Message::Reconnect),
        _ => event.ignore("unknown event"),
    }
}

/// All environments, then all filters; what is not listed is gone. (A list that is not there is not
/// told, so that who wants to can tell it from an empty one.)
fn put(event: &mut Decoding<'_>) {
    let [path, lists] = event.whole_or_null(["path", "data"]);
    let path = event.text_or_null(path);
    let lists = event.fields_or_null(lists, [ENVIRONMENTS, FILTERS]);
    event.begin(Transfer::Snapshot);
    for (kind, list) in [ENVIRONMENTS, FILTERS].into_iter().zip(lists) {
        if !event.is_nothing(list) {
            entries(kind, list, event);
            event.tell(Message::Listed { kind });
        }
    }
    // Uncommitted, what was collected is dropped with the next beginning.
    if event.say(path) == "/" { event.commit() } else { event.ignore("unknown path") }
}

fn entries(kind: &'static str, list: Raw, event: &mut Decoding<'_>) {
    let mut first = true;
    event.json().enter(list);
    event.json().open(b'{');
    while event.json().more(&mut first, b'{') {
        let key = event.json().name();
        event.forget_words();
        let key = event.string(key);
        let item = event.json().value();
        let (id, version) = header(kind, item, event);
        // An entry that names itself otherwise is skipped, and protects what is known of its key.
        if event.is_same(id, key) {
            event.item(Word::Known(kind), key, version, Some(item));
        } else {
            event.keep(Word::Known(kind), key);
        }
        event.json().enter(item);
        event.json().value();
    }
}

fn patch(event: &mut Decoding<'_>) {
    let [path, item] = event.whole_or_null(["path", "data"]);
    let path = event.text_or_null(path);
    let Some((kind, key)) = place(event, path) else {
        return event.ignore("unknown path");
    };
    event.need(item, "a patch without data");
    let (id, version) = header(kind, item, event);
    if event.is_same(id, key) {
        event.one(Word::Known(kind), key, version, Some(item));
    } else {
        event.ignore("the path and the environment disagree on its id");
    }
}

fn delete(event: &mut Decoding<'_>) {
    let [path, version] = event.whole_or_null(["path", "version"]);
    let (path, version) = (event.text_or_null(path), event.integer_or_null(version));
    match place(event, path) {
        Some((kind, key)) => event.one(Word::Known(kind), key, version, None),
        None => event.ignore("unknown path"),
    }
}

/// `/environments/ID` or `/filters/ID`. An id has no slash.
fn place(event: &mut Decoding<'_>, path: Word) -> Option<(&'static str, Word)> {
    let places = [(ENVIRONMENTS, "/environments/"), (FILTERS, "/filters/")];
    places.into_iter().find_map(|(kind, prefix)| {
        let id = event.behind(path, prefix)?;
        (!event.say(id).as_bytes().contains(&b'/')).then_some((kind, id))
    })
}

/// The id that an item gives itself, where it does, and its version. An item that is not of the
/// right shape spoils its whole event.
fn header(kind: &str, item: Raw, event: &mut Decoding<'_>) -> (Option<Word>, Version) {
    if kind == FILTERS {
        // A filter's id is in its path alone.
        let [version, project, key] = event.fields_or_null(item, ["version", "projKey", "key"]);
        texts(event, &[project, key]);
        return (None, event.integer_or_null(version));
    }
    let names = ["envID", "version", "defaultTtl", "secureMode", "sdkKey"];
    let [id, version, ttl, secure, sdk] = event.fields_or_null(item, names);
    let names = ["envKey", "envName", "mobKey", "projKey", "projName"];
    let others = event.fields_or_null(item, names);
    let [value, expiring] = event.fields_or_null(sdk, ["value", "expiring"]);
    let [old, timestamp] = event.fields_or_null(expiring, ["value", "timestamp"]);
    texts(event, &others);
    texts(event, &[value, old]);
    event.integer_or_null(ttl);
    event.integer_or_null(timestamp);
    if !event.is_nothing(secure) {
        event.json().bool(secure);
    }
    (Some(event.text_or_null(id)), event.integer_or_null(version))
}

/// Makes sure that these are strings, where they are anything.
fn texts(event: &mut Decoding<'_>, all: &[Raw]) {
    for &raw in all {
        let word = event.text_or_null(raw);
        event.say(word);
    }
}
