//! Consul's subscribe stream, one JSON event at a time.
//!
//! Source: Consul's `submatview` handlers and the proto's canonical JSON: 64-bit integers may be
//! strings, and members with default values (the operation "register") may be missing.

use alloc::string::String;
use alloc::vec::Vec;

use super::{Decoded, Emit, Fault};
use crate::json::{Raw, Reader};
use crate::message::{Event, Message, Transfer, Version};

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

/// An event without what frames it.
struct Parsed<'a> {
    index: u64,
    body: Body<'a>,
}

enum Body<'a> {
    EndOfSnapshot,
    NewSnapshotToFollow,
    /// The array.
    Batch(Option<Raw<'a>>),
    Payload(Payload<'a>),
    /// Only where the view is to see even that.
    Nothing,
}

struct Payload<'a> {
    kind: &'static str,
    key: String,
    /// The item is gone.
    delete: bool,
    value: &'a [u8],
}

impl Consul {
    pub(crate) const fn new(recorded: bool) -> Self {
        Self { phase: Phase::Fresh, recorded }
    }

    pub(crate) fn connected(&mut self, cursor: Option<&str>) {
        let resume = cursor.is_some_and(|index| index != "0");
        self.phase = if resume { Phase::Resume } else { Phase::Fresh };
    }

    pub(crate) fn decode(&mut self, event: &Event<'_>, emit: Emit<'_>) -> Decoded {
        let mut reader = Reader::new(event.data);
        let raw = reader.raw()?;
        reader.end()?;
        let parsed = parse(raw, self.recorded)?;
        match (self.phase, &parsed.body) {
            (Phase::Fresh, _) => {
                emit(Message::Resumed(false))?;
                self.begin(emit)?;
            }
            (Phase::Resume, Body::NewSnapshotToFollow) => {
                emit(Message::Resumed(false))?;
                return self.begin(emit);
            }
            (Phase::Resume, _) => {
                emit(Message::Resumed(true))?;
                self.phase = Phase::Live;
            }
            (Phase::Snapshot | Phase::Live, _) => {}
        }
        let collecting = self.phase == Phase::Snapshot;
        match parsed.body {
            Body::EndOfSnapshot if collecting => {
                self.phase = Phase::Live;
                commit(parsed.index, emit)
            }
            // In-band: the server gives up on what it was sending and starts over.
            Body::NewSnapshotToFollow if !self.recorded => self.begin(emit),
            Body::EndOfSnapshot if !self.recorded => {
                Err(Fault::Order("no snapshot is to be ended"))
            }
            _ => {
                if !collecting {
                    emit(Message::Begin(Transfer::Changes))?;
                }
                self.tell(&parsed, emit)?;
                if collecting { Ok(()) } else { commit(parsed.index, emit) }
            }
        }
    }

    fn begin(&mut self, emit: Emit<'_>) -> Decoded {
        self.phase = Phase::Snapshot;
        emit(Message::Begin(Transfer::Snapshot))
    }

    fn tell(&self, parsed: &Parsed<'_>, emit: Emit<'_>) -> Decoded {
        let version = version(parsed.index);
        let kind = match &parsed.body {
            Body::Payload(Payload { kind, key, delete: true, .. }) => {
                return emit(Message::Delete { kind, key, version });
            }
            Body::Payload(Payload { kind, key, value, .. }) => {
                return emit(Message::Upsert { kind, key, version, value });
            }
            Body::Batch(events) => {
                let Some(events) = events else { return Ok(()) };
                let mut reader = events.reader();
                let mut elements = reader.array()?;
                while elements.next(&mut reader)? {
                    self.tell(&parse(reader.raw()?, self.recorded)?, emit)?;
                }
                return Ok(());
            }
            Body::EndOfSnapshot => "EndOfSnapshot",
            Body::NewSnapshotToFollow => "NewSnapshotToFollow",
            Body::Nothing => "",
        };
        if !self.recorded {
            return Err(Fault::Order("framing inside a batch"));
        }
        // For the view to refuse, as it does at the source.
        emit(Message::Upsert { kind, key: "", version, value: b"true" })
    }
}

fn commit(index: u64, emit: Emit<'_>) -> Decoded {
    // Index 0 means: nothing was loaded.
    let mut digits = [0; 20];
    let cursor = if index == 0 { None } else { Some(decimal(index, &mut digits)) };
    emit(Message::Commit { cursor, version: None, basis: None, ordered: false })
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

fn parse(event: Raw<'_>, recorded: bool) -> Result<Parsed<'_>, Fault> {
    let [index, end, new, batch, health, entry, service] = event.fields([
        "Index",
        "EndOfSnapshot",
        "NewSnapshotToFollow",
        "EventBatch",
        "ServiceHealth",
        "ConfigEntry",
        "Service",
    ])?;
    let index = index.map_or(Ok(0), |index| index.reader().u64())?;
    let is = |raw: Option<Raw<'_>>| raw.map_or(Ok(false), |raw| raw.reader().bool());
    let body = if is(end)? {
        Body::EndOfSnapshot
    } else if is(new)? {
        Body::NewSnapshotToFollow
    } else if let Some(batch) = batch {
        let [events] = batch.fields(["Events"])?;
        Body::Batch(events)
    } else if let Some(health) = health {
        Body::Payload(change(health, "ServiceHealth", "CheckServiceNode")?)
    } else if let Some(entry) = entry {
        Body::Payload(change(entry, "ConfigEntry", "ConfigEntry")?)
    } else if let Some(service) = service {
        Body::Payload(change(service, "Service", "")?)
    } else if recorded {
        Body::Nothing
    } else {
        return Err(event.reader().error("an event without a payload").into());
    };
    Ok(Parsed { index, body })
}

/// `{"Op":…, SUBJECT:{…}}`; without a subject's name the members stand beside `Op`.
fn change<'a>(
    raw: Raw<'a>,
    kind: &'static str,
    subject: &'static str,
) -> Result<Payload<'a>, Fault> {
    let [op, found] = raw.fields(["Op", subject])?;
    let delete = op.map_or(Ok(false), operation)?;
    let subject = if subject.is_empty() { Some(raw) } else { found };
    let key = match (subject, kind) {
        (None, _) => String::new(),
        (Some(subject), "ServiceHealth") => instance(subject)?,
        (Some(subject), _) => named(subject)?,
    };
    let value = subject.map_or(&b"{}"[..], |subject| subject.bytes());
    Ok(Payload { kind, key, delete, value })
}

/// Register and upsert are 0, deregister and delete are 1; by name or by number.
fn operation(op: Raw<'_>) -> Result<bool, Fault> {
    if !op.is_text() {
        return Ok(op.i64()? == 1);
    }
    let is = |names: [&str; 2]| names.iter().any(|name| op.is(name));
    match () {
        () if is(["Deregister", "Delete"]) => Ok(true),
        () if is(["Register", "Upsert"]) => Ok(false),
        () => Err(op.reader().error("an unknown operation").into()),
    }
}

/// An instance's identity: partition/peer/node/namespace/service id.
fn instance(raw: Raw<'_>) -> Result<String, Fault> {
    let [node, service] = raw.fields(["Node", "Service"])?;
    let mut key = joined(node, &["Partition", "PeerName", "Node"])?;
    key.push('/');
    key.push_str(&joined(service, &["Namespace", "ID"])?);
    Ok(key)
}

/// A name, behind its namespace if it has one.
fn named(raw: Raw<'_>) -> Result<String, Fault> {
    let mut key = joined(Some(raw), &["Namespace", "Name"])?;
    if key.starts_with('/') {
        key.remove(0);
    }
    Ok(key)
}

/// The text members of an object, or of its enterprise metadata, with slashes between them.
fn joined(raw: Option<Raw<'_>>, names: &[&str]) -> Result<String, Fault> {
    let empty: Vec<Option<Raw<'_>>> = names.iter().map(|_| None).collect();
    let (mut found, mut inner) = (empty.clone(), empty);
    if let Some(raw) = raw.filter(|raw| !raw.is_null()) {
        raw.reader().fields(names, &mut found)?;
        let [metadata] = raw.fields(["EnterpriseMeta"])?;
        if let Some(metadata) = metadata.filter(|raw| !raw.is_null()) {
            metadata.reader().fields(names, &mut inner)?;
        }
    }
    let mut all = String::new();
    for (at, (found, inner)) in found.into_iter().zip(inner).enumerate() {
        if at > 0 {
            all.push('/');
        }
        if let Some(text) = inner.filter(Raw::is_text).or(found.filter(Raw::is_text)) {
            all.push_str(&text.text()?);
        }
    }
    Ok(all)
}
