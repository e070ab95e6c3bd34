//! Consul's subscribe stream, one JSON event at a time.
//!
//! Source: Consul's `submatview` handlers and the proto's canonical JSON: 64-bit integers may be
//! strings, and members with default values (the operation "register") may be missing.

use super::decoding::{Decoding, Word};
use crate::json::Raw;
use crate::message::{Message, Transfer, Version};

#[derive(Debug)]
pub(crate) struct Consul {
    phase: Phase,
    /// Framing out of place goes to the view, as it does at the source.
    recorded: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The connection asked for everything, and nothing has come.
    Fresh,
    /// Events are collected until the snapshot's end.
    Snapshot,
    /// The connection asked to go on, and nothing has come.
    Resume,
    Live,
}

/// What an event is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Body {
    EndOfSnapshot,
    NewSnapshotToFollow,
    /// The array, if there is one.
    Batch(Raw),
    /// The kind, the change, and the name of the member that it is about; empty: of itself.
    Change(&'static str, Raw, &'static str),
    /// Only where the view is to see even that.
    Nothing,
}

impl Consul {
    pub(crate) const fn new(recorded: bool) -> Self {
        Self { phase: Phase::Fresh, recorded }
    }

    pub(crate) fn connected(&mut self, cursor: Option<&str>) {
        let resume = cursor.is_some_and(|index| index != "0");
        self.phase = if resume { Phase::Resume } else { Phase::Fresh };
    }

    pub(crate) fn joined(&mut self) {
        self.phase = Phase::Live;
    }

    pub(crate) fn decode(&mut self, event: &mut Decoding<'_>) {
        let whole = event.json().value();
        event.json().end();
        let (index, body) = parse(event, whole, self.recorded);
        if event.fault().is_some() {
            return;
        }
        match self.phase {
            Phase::Fresh => {
                event.tell(Message::Resumed(false));
                self.begin(event);
            }
            Phase::Resume if body == Body::NewSnapshotToFollow => {
                event.tell(Message::Resumed(false));
                return self.begin(event);
            }
            Phase::Resume => {
                event.tell(Message::Resumed(true));
                self.phase = Phase::Live;
            }
            Phase::Snapshot | Phase::Live => {}
        }
        let collecting = self.phase == Phase::Snapshot;
        match body {
            Body::EndOfSnapshot if collecting => {
                self.phase = Phase::Live;
                commit(event, index);
            }
            // In-band: the server gives up on what it was sending and starts over.
            Body::NewSnapshotToFollow if !self.recorded => self.begin(event),
            Body::EndOfSnapshot if !self.recorded => {
                event.misplaced("no snapshot is to be ended");
            }
            _ => {
                if !collecting {
                    event.begin(Transfer::Changes);
                }
                self.tell(event, index, body);
                if !collecting {
                    commit(event, index);
                }
            }
        }
    }

    fn begin(&mut self, event: &mut Decoding<'_>) {
        self.phase = Phase::Snapshot;
        event.begin(Transfer::Snapshot);
    }

    fn tell(&self, event: &mut Decoding<'_>, index: u64, body: Body) {
        let kind = match body {
            Body::Change(kind, raw, subject) => return change(event, index, kind, raw, subject),
            Body::Batch(events) => {
                if !events.is_some() {
                    return;
                }
                let mut first = true;
                event.json().enter(events);
                event.json().open(b'[');
                while event.json().more(&mut first, b'[') {
                    let raw = event.json().value();
                    let (index, body) = parse(event, raw, self.recorded);
                    self.tell(event, index, body);
                    event.json().enter(raw);
                    event.json().value();
                }
                return;
            }
            Body::EndOfSnapshot => "EndOfSnapshot",
            Body::NewSnapshotToFollow => "NewSnapshotToFollow",
            Body::Nothing => "",
        };
        if !self.recorded {
            return event.misplaced("framing inside a batch");
        }
        // For the view to refuse, as it does at the source.
        event.tell(Message::Upsert { kind, key: "", version: version(index), value: b"true" });
    }
}

fn commit(event: &mut Decoding<'_>, index: u64) {
    // Index 0 means: nothing was loaded.
    let mut digits = [0; 20];
    let cursor = if index == 0 { None } else { Some(decimal(index, &mut digits)) };
    event.tell(Message::Commit { cursor, version: None, basis: None, ordered: false });
}

/// The digits of a number. (`to_string` would bring all of formatting along.)
fn decimal(mut number: u64, digits: &mut [u8; 20]) -> &str {
    let mut first = digits.len();
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
        first -= 1;
        if number == 0 {
            break;
        }
    }
    core::str::from_utf8(digits.get(first..).unwrap_or_default()).unwrap_or_default()
}

/// Indexes beyond the versions' range share the greatest: versions decide nothing here.
fn version(index: u64) -> Version {
    Version::try_from(index).unwrap_or(Version::MAX)
}

fn parse(event: &mut Decoding<'_>, raw: Raw, recorded: bool) -> (u64, Body) {
    let [index, end, new, batch] =
        event.fields(raw, ["Index", "EndOfSnapshot", "NewSnapshotToFollow", "EventBatch"]);
    let [health, entry, service] = event.fields(raw, ["ServiceHealth", "ConfigEntry", "Service"]);
    let json = event.json();
    let index = if index.is_some() { json.u64(index) } else { 0 };
    let body = if end.is_some() && json.bool(end) {
        Body::EndOfSnapshot
    } else if new.is_some() && json.bool(new) {
        Body::NewSnapshotToFollow
    } else if batch.is_some() {
        let [events] = event.fields(batch, ["Events"]);
        Body::Batch(events)
    } else if health.is_some() {
        Body::Change("ServiceHealth", health, "CheckServiceNode")
    } else if entry.is_some() {
        Body::Change("ConfigEntry", entry, "ConfigEntry")
    } else if recorded && !service.is_some() {
        Body::Nothing
    } else {
        if !service.is_some() {
            json.fail_at(raw.end(), "an event without a payload");
        }
        Body::Change("Service", service, "")
    };
    (index, body)
}

/// `{"Op":…, SUBJECT:{…}}`; without a subject's name the members stand beside `Op`.
fn change(
    event: &mut Decoding<'_>,
    index: u64,
    kind: &'static str,
    raw: Raw,
    subject: &'static str,
) {
    let [op, found] = event.fields(raw, ["Op", subject]);
    let delete = op.is_some() && operation(event, op);
    let item = if subject.is_empty() { raw } else { found };
    let version = version(index);
    if !item.is_some() {
        // Nobody can say what changed; the view may judge it.
        let key = "";
        return event.tell(if delete {
            Message::Delete { kind, key, version }
        } else {
            Message::Upsert { kind, key, version, value: b"{}" }
        });
    }
    let key = event.joining(|event| {
        if kind == "ServiceHealth" {
            // An instance's identity: partition/peer/node/namespace/service id.
            let [node, service] = event.fields(item, ["Node", "Service"]);
            join(event, node, ["Partition", "PeerName", "Node"]);
            event.join("/");
            join(event, service, ["Namespace", "ID", ""]);
        } else {
            // A name, behind its namespace if it has one.
            join(event, item, ["Namespace", "Name", ""]);
        }
    });
    let key = if kind == "ServiceHealth" { key } else { event.behind(key, "/").unwrap_or(key) };
    event.item(Word::Known(kind), key, version, (!delete).then_some(item));
}

/// Register and upsert are 0, deregister and delete are 1; by name or by number.
fn operation(event: &mut Decoding<'_>, op: Raw) -> bool {
    let json = event.json();
    if json.first(op) != b'"' {
        return json.i64(op) == 1;
    }
    let delete = json.is(op, "Deregister") || json.is(op, "Delete");
    if !delete && !json.is(op, "Register") && !json.is(op, "Upsert") {
        json.fail_at(op.start(), "an unknown operation");
    }
    delete
}

/// Joins the text members of an object, or of its enterprise metadata, with slashes between them.
fn join(event: &mut Decoding<'_>, raw: Raw, names: [&str; 3]) {
    let found = event.fields_or_null(raw, names);
    let [metadata] = event.fields_or_null(raw, ["EnterpriseMeta"]);
    let inner = event.fields_or_null(metadata, names);
    for (at, (found, inner)) in found.into_iter().zip(inner).enumerate() {
        if at > 0 && !names[at].is_empty() {
            event.join("/");
        }
        let json = event.json();
        let text = if json.first(inner) == b'"' { inner } else { found };
        if json.first(text) == b'"' {
            event.join_text(text);
        }
    }
}
