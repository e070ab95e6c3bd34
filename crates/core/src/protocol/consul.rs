//! Consul's subscribe stream, one JSON event at a time.
//!
//! Source: Consul's `submatview` handlers and the proto's canonical JSON: 64-bit integers may be
//! strings, and members with default values (the operation "register") may be missing.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};

use super::relay::offset;
use super::{Decoded, ProtocolError, Sink};
use crate::json::{Members, Reader, Text};
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
    /// Offset and text of the array.
    Batch(usize, &'a [u8]),
    Payload(Payload<'a>),
}

enum Payload<'a> {
    Upsert { kind: &'static str, key: String, value: &'a [u8] },
    Delete { kind: &'static str, key: String },
}

impl Consul {
    pub(crate) const fn new(recorded: bool) -> Self {
        Self { phase: Phase::Fresh, recorded }
    }

    pub(crate) fn connected(&mut self, cursor: Option<&str>) {
        let resume = cursor.is_some_and(|index| index != "0");
        self.phase = if resume { Phase::Resume } else { Phase::Fresh };
    }

    pub(crate) fn decode(&mut self, event: &Event<'_>, sink: Sink<'_>) -> Decoded {
        let mut reader = Reader::new(event.data);
        let parsed = parse(&mut reader)?;
        reader.end()?;
        let framing = matches!(parsed.body, Body::EndOfSnapshot | Body::NewSnapshotToFollow);
        match (self.phase, &parsed.body) {
            (Phase::Fresh, _) => {
                sink(Message::Resumed(false))?;
                self.begin(sink)?;
            }
            (Phase::Resume, Body::NewSnapshotToFollow) => {
                sink(Message::Resumed(false))?;
                return self.begin(sink);
            }
            (Phase::Resume, _) => {
                sink(Message::Resumed(true))?;
                self.phase = Phase::Live;
            }
            (Phase::Snapshot | Phase::Live, _) => {}
        }
        if framing && self.recorded && !self.ends_snapshot(&parsed) {
            return self.misplaced(&parsed, sink);
        }
        match parsed.body {
            // In-band: the server gives up on what it was sending and starts over.
            Body::NewSnapshotToFollow => self.begin(sink),
            Body::EndOfSnapshot if self.phase == Phase::Snapshot => {
                self.phase = Phase::Live;
                commit(parsed.index, sink)
            }
            Body::EndOfSnapshot => Err(ProtocolError::Order("no snapshot is to be ended")),
            Body::Batch(..) | Body::Payload(_) if self.phase == Phase::Snapshot => {
                emit(&parsed, sink)
            }
            Body::Batch(..) | Body::Payload(_) => {
                sink(Message::Begin(Transfer::Changes))?;
                emit(&parsed, sink)?;
                commit(parsed.index, sink)
            }
        }
    }

    fn begin(&mut self, sink: Sink<'_>) -> Decoded {
        self.phase = Phase::Snapshot;
        Ok(sink(Message::Begin(Transfer::Snapshot))?)
    }

    fn ends_snapshot(&self, parsed: &Parsed<'_>) -> bool {
        self.phase == Phase::Snapshot && matches!(parsed.body, Body::EndOfSnapshot)
    }

    fn misplaced(&self, parsed: &Parsed<'_>, sink: Sink<'_>) -> Decoded {
        let kind = match parsed.body {
            Body::EndOfSnapshot => "EndOfSnapshot",
            _ => "NewSnapshotToFollow",
        };
        let data =
            Message::Upsert { kind, key: "", version: version(parsed.index), value: b"true" };
        if self.phase == Phase::Snapshot {
            return Ok(sink(data)?);
        }
        sink(Message::Begin(Transfer::Changes))?;
        sink(data)?;
        commit(parsed.index, sink)
    }
}

fn commit(index: u64, sink: Sink<'_>) -> Decoded {
    // Index 0 means: nothing was loaded.
    let cursor = (index != 0).then(|| index.to_string());
    Ok(sink(Message::Commit {
        cursor: cursor.as_deref(),
        version: None,
        basis: None,
        ordered: false,
    })?)
}

fn emit(parsed: &Parsed<'_>, sink: Sink<'_>) -> Decoded {
    match &parsed.body {
        Body::Payload(payload) => payload.emit(parsed.index, sink),
        Body::Batch(at, events) => {
            let mut reader = Reader::new(events);
            let mut elements = reader.array()?;
            while elements.next(&mut reader).map_err(|error| offset(error.into(), *at))? {
                let member = parse(&mut reader).map_err(|error| offset(error, *at))?;
                emit(&member, sink)?;
            }
            Ok(())
        }
        Body::EndOfSnapshot | Body::NewSnapshotToFollow => {
            Err(ProtocolError::Order("framing inside a batch"))
        }
    }
}

impl Payload<'_> {
    fn emit(&self, index: u64, sink: Sink<'_>) -> Decoded {
        let version = version(index);
        Ok(sink(match self {
            Payload::Upsert { kind, key, value } => Message::Upsert { kind, key, version, value },
            Payload::Delete { kind, key } => Message::Delete { kind, key, version },
        })?)
    }
}

/// Indexes beyond the versions' range share the greatest: versions decide nothing here.
fn version(index: u64) -> Version {
    Version::try_from(index).unwrap_or(Version::MAX)
}

fn parse<'a>(reader: &mut Reader<'a>) -> Result<Parsed<'a>, ProtocolError> {
    let (mut index, mut body) = (0, None);
    let mut members = reader.object()?;
    while let Some(name) = members.next(reader)? {
        if name.is("Index") {
            index = reader.u64()?;
        } else if name.is("EndOfSnapshot") {
            if reader.bool()? {
                body = Some(Body::EndOfSnapshot);
            }
        } else if name.is("NewSnapshotToFollow") {
            if reader.bool()? {
                body = Some(Body::NewSnapshotToFollow);
            }
        } else if name.is("EventBatch") {
            body = Some(batch(reader)?);
        } else if name.is("ServiceHealth") {
            body = Some(Body::Payload(change(reader, "ServiceHealth", "CheckServiceNode")?));
        } else if name.is("ConfigEntry") {
            body = Some(Body::Payload(change(reader, "ConfigEntry", "ConfigEntry")?));
        } else if name.is("Service") {
            body = Some(Body::Payload(change(reader, "Service", "")?));
        } else {
            reader.value()?;
        }
    }
    let body = body.ok_or_else(|| reader.error("an event without a payload"))?;
    Ok(Parsed { index, body })
}

fn batch<'a>(reader: &mut Reader<'a>) -> Result<Body<'a>, ProtocolError> {
    let mut events = None;
    let mut members = reader.object()?;
    while let Some(name) = members.next(reader)? {
        if name.is("Events") {
            events = Some((reader.mark(), reader.value()?));
        } else {
            reader.value()?;
        }
    }
    let (at, events) = events.unwrap_or((0, b"[]"));
    Ok(Body::Batch(at, events))
}

/// `{"Op":…, SUBJECT:{…}}`; without a subject's name the members stand beside `Op`.
fn change<'a>(
    reader: &mut Reader<'a>,
    kind: &'static str,
    subject: &'static str,
) -> Result<Payload<'a>, ProtocolError> {
    let start = reader.mark();
    let (mut delete, mut value) = (false, None);
    let mut members = reader.object()?;
    while let Some(name) = members.next(reader)? {
        if name.is("Op") {
            delete = operation(reader)?;
        } else if name.is(subject) {
            value = Some(reader.value()?);
        } else {
            reader.value()?;
        }
    }
    let value = if subject.is_empty() { reader.since(start) } else { value.unwrap_or(b"{}") };
    let key = match kind {
        "ServiceHealth" => instance(value)?,
        _ => named(value)?,
    };
    Ok(if delete { Payload::Delete { kind, key } } else { Payload::Upsert { kind, key, value } })
}

/// Register and upsert are 0, deregister and delete are 1; by name or by number.
fn operation(reader: &mut Reader<'_>) -> Result<bool, ProtocolError> {
    if reader.peek()? != b'"' {
        return Ok(reader.i64()? == 1);
    }
    let op = reader.text()?;
    match () {
        () if op.is("Deregister") || op.is("Delete") => Ok(true),
        () if op.is("Register") || op.is("Upsert") => Ok(false),
        () => Err(reader.error("an unknown operation").into()),
    }
}

/// An instance's identity: partition/peer/node/namespace/service id.
fn instance(value: &[u8]) -> Result<String, ProtocolError> {
    let mut part: [Cow<'_, str>; 5] = Default::default();
    let mut reader = Reader::new(value);
    let mut members = reader.object()?;
    while let Some(name) = members.next(&mut reader)? {
        if name.is("Node") {
            each_text(&mut reader, |name, text| {
                let at = [("Partition", 0), ("PeerName", 1), ("Node", 2)];
                put(&mut part, &at, name, text)
            })?;
        } else if name.is("Service") {
            each_text(&mut reader, |name, text| {
                put(&mut part, &[("Namespace", 3), ("ID", 4)], name, text)
            })?;
        } else {
            reader.value()?;
        }
    }
    Ok(part.join("/"))
}

/// A name, behind its namespace if it has one.
fn named(value: &[u8]) -> Result<String, ProtocolError> {
    let mut part: [Cow<'_, str>; 2] = Default::default();
    let at = [("Namespace", 0), ("Name", 1)];
    each_text(&mut Reader::new(value), |name, text| put(&mut part, &at, name, text))?;
    let [namespace, name] = part;
    Ok(if namespace.is_empty() { name.into_owned() } else { [namespace, name].join("/") })
}

fn put<'a>(
    parts: &mut [Cow<'a, str>],
    places: &[(&str, usize)],
    name: Text<'_>,
    text: Text<'a>,
) -> Decoded {
    if let Some(&(_, at)) = places.iter().find(|(known, _)| name.is(known)) {
        parts[at] = text.decode()?;
    }
    Ok(())
}

/// Calls `take` for every text member of an object and of its enterprise metadata.
fn each_text<'a>(
    reader: &mut Reader<'a>,
    mut take: impl FnMut(Text<'a>, Text<'a>) -> Decoded,
) -> Decoded {
    let Some(mut members): Option<Members> = reader.object_or_null()? else {
        return Ok(());
    };
    let mut inner: Option<Members> = None;
    loop {
        let next = match &mut inner {
            Some(inner) => inner.next(reader)?,
            None => members.next(reader)?,
        };
        let Some(name) = next else {
            if inner.take().is_some() {
                continue;
            }
            return Ok(());
        };
        match reader.peek()? {
            b'"' => {
                let text = reader.text()?;
                take(name, text)?;
            }
            b'{' if inner.is_none() && name.is("EnterpriseMeta") => {
                inner = reader.object_or_null()?;
            }
            _ => drop(reader.value()?),
        }
    }
}
