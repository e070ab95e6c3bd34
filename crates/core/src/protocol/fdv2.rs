//! Flag delivery v2: transactions framed by an intent and a transfer.
//!
//! Source: LaunchDarkly's FDv2 protocol handler; our own additions (`highwater`, `basis`) are
//! members that other clients pass over.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::vec::Vec;

use super::{Decoded, Emit, Fault, promise};
use crate::json::{Raw, fields};
use crate::message::{Event, Message, Transfer};

/// Where an FDv2 stream stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// No intent yet: objects mean nothing.
    Inactive,
    /// A whole state is being transferred.
    Full,
    /// Changes follow.
    Changes,
}

#[derive(Debug)]
pub(crate) struct Fdv2 {
    mode: Mode,
    /// The kinds that put objects may have; empty: any.
    kinds: Vec<Box<str>>,
    /// The server is our own, and keeps the promises that ours makes.
    promised: bool,
}

impl Fdv2 {
    pub(crate) const fn new(kinds: Vec<Box<str>>) -> Self {
        Self { mode: Mode::Inactive, kinds, promised: false }
    }

    pub(crate) const fn mode(&self) -> Mode {
        self.mode
    }

    pub(crate) fn connected(&mut self) {
        self.mode = Mode::Inactive;
        self.promised = false;
    }

    pub(crate) fn decode(&mut self, event: &Event<'_>, emit: Emit<'_>) -> Decoded {
        match event.kind {
            "put-object" | "delete-object" if self.mode == Mode::Inactive => {
                emit(Message::Ignored("no intent yet"))
            }
            "put-object" => self.put(event.data, emit),
            "payload-transferred" => self.transferred(event.data, emit),
            "delete-object" => delete(event.data, emit),
            "server-intent" => self.intent(event.data, emit),
            "error" => error(event.data, emit),
            "goodbye" => {
                let [reason] = fields(event.data, ["reason"])?;
                let reason = text_or_empty(reason)?;
                self.mode = Mode::Inactive;
                emit(Message::Goodbye { reason: &reason })
            }
            "heart-beat" => emit(Message::Heartbeat),
            _ => emit(Message::Ignored("unknown event")),
        }
    }

    /// A poll answers with the same events, in one array.
    pub(crate) fn polled(&mut self, body: &[u8], emit: Emit<'_>) -> Decoded {
        self.connected();
        let [Some(events)] = fields(body, ["events"])? else {
            return Ok(());
        };
        let mut reader = events.reader();
        let mut events = reader.array()?;
        while events.next(&mut reader)? {
            let event = reader.raw()?;
            let [Some(kind), Some(data)] = event.fields(["event", "data"])? else {
                return Err(reader.error("an event without event or data").into());
            };
            self.decode(&Event { kind: &kind.text()?, data: data.bytes(), id: "" }, emit)?;
        }
        Ok(())
    }

    fn intent(&mut self, data: &[u8], emit: Emit<'_>) -> Decoded {
        let [payloads, promise] = fields(data, ["payloads", "highwater"])?;
        let none = Err(Fault::Order("a server-intent names no payload"));
        let Some(payloads) = payloads else { return none };
        let mut reader = payloads.reader();
        if !reader.array()?.next(&mut reader)? {
            return none;
        }
        // Only the first counts.
        let [code, target] = reader.raw()?.fields(["intentCode", "target"])?;
        let is = |word: &str| code.is_some_and(|code| code.is(word));
        let full = is("xfer-full");
        if !full && !is("xfer-changes") && !is("none") {
            return emit(Message::Ignored("unknown intent"));
        }
        if let Some(promise) = promise {
            let [heartbeat] = promise.fields(["heartbeat"])?;
            let every = heartbeat.map_or(Ok(0), |every| every.reader().u64())?;
            self.promised = true;
            emit(Message::HeartbeatEvery(every))?;
        }
        if let Some(target) = target
            && let Ok(target) = u64::try_from(target.i64()?)
        {
            emit(Message::Target(target))?;
        }
        self.mode = if full { Mode::Full } else { Mode::Changes };
        emit(Message::Resumed(!full))?;
        emit(Message::Begin(if full { Transfer::Snapshot } else { Transfer::Changes }))?;
        if is("none") { emit(Message::UpToDate) } else { Ok(()) }
    }

    fn put(&self, data: &[u8], emit: Emit<'_>) -> Decoded {
        // Only under the promise: a member after the value would be taken for a part of it.
        if self.promised
            && let Some((kind, key, version, value)) =
                promise::item(data, ["kind", "key", "version", "object"])
        {
            return emit(Message::Upsert { kind, key, version, value });
        }
        let names = ["kind", "key", "version", "object"];
        let [Some(kind), Some(key), Some(version), Some(value)] = fields(data, names)? else {
            return emit(Message::Ignored("a put-object with a member missing"));
        };
        let (kind, key, version) = (kind.text()?, key.text()?, version.i64()?);
        if !self.kinds.is_empty() && !self.kinds.iter().any(|known| **known == *kind) {
            return emit(Message::Ignored("unknown kind"));
        }
        emit(Message::Upsert { kind: &kind, key: &key, version, value: value.bytes() })
    }

    fn transferred(&mut self, data: &[u8], emit: Emit<'_>) -> Decoded {
        if self.mode == Mode::Inactive {
            return Err(Fault::Order("a payload-transferred needs a server-intent first"));
        }
        let ordered = self.promised;
        if ordered && let Some((state, version, basis)) = promise::transferred(data) {
            self.mode = Mode::Changes;
            let (cursor, version) = (Some(state), Some(version));
            return emit(Message::Commit { cursor, version, basis, ordered });
        }
        let [state, version, basis] = fields(data, ["state", "version", "basis"])?;
        let (Some(state), Some(version)) = (state, version) else {
            self.mode = Mode::Inactive;
            let reason = "a payload-transferred with a member missing";
            return emit(Message::Failed { payload: "", reason });
        };
        let (state, version) = (state.text()?, Some(version.i64()?));
        let basis = basis.map(|basis| basis.text()).transpose()?;
        self.mode = Mode::Changes;
        emit(Message::Commit { cursor: Some(&state), version, basis: basis.as_deref(), ordered })
    }
}

fn delete(data: &[u8], emit: Emit<'_>) -> Decoded {
    let [Some(kind), Some(key), Some(version)] = fields(data, ["kind", "key", "version"])? else {
        return emit(Message::Ignored("a delete-object with a member missing"));
    };
    let (kind, key, version) = (kind.text()?, key.text()?, version.i64()?);
    emit(Message::Delete { kind: &kind, key: &key, version })
}

/// Writers differ on the spelling of the id's name.
fn error(data: &[u8], emit: Emit<'_>) -> Decoded {
    let [payload, other, reason] = fields(data, ["payload_id", "payloadId", "reason"])?;
    let (payload, reason) = (text_or_empty(payload.or(other))?, text_or_empty(reason)?);
    emit(Message::Failed { payload: &payload, reason: &reason })
}

fn text_or_empty(raw: Option<Raw<'_>>) -> Result<Cow<'_, str>, Fault> {
    let text = raw.filter(Raw::is_text);
    Ok(text.map_or(Ok(Cow::Borrowed("")), |raw| raw.text())?)
}
