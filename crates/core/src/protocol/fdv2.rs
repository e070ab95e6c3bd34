//! Flag delivery v2: transactions framed by an intent and a transfer.
//!
//! Source: LaunchDarkly's FDv2 protocol handler; our own additions (`highwater`, `basis`) are
//! members that other clients pass over.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::str;

use super::{Decoded, ProtocolError, Sink};
use crate::json::{Reader, Text};
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

    pub(crate) fn decode(&mut self, event: &Event<'_>, sink: Sink<'_>) -> Decoded {
        match event.kind {
            "put-object" | "delete-object" if self.mode == Mode::Inactive => {
                sink(Message::Ignored("no intent yet"))?;
            }
            "put-object" => self.put(event.data, sink)?,
            "delete-object" => delete(event.data, sink)?,
            "payload-transferred" => self.transferred(event.data, sink)?,
            "server-intent" => self.intent(event.data, sink)?,
            "error" => error(event.data, sink)?,
            "goodbye" => {
                let reason = member(event.data, "reason")?;
                self.mode = Mode::Inactive;
                sink(Message::Goodbye { reason: &reason })?;
            }
            "heart-beat" => sink(Message::Heartbeat)?,
            _ => sink(Message::Ignored("unknown event"))?,
        }
        Ok(())
    }

    /// A poll answers with the same events, in one array.
    pub(crate) fn polled(&mut self, body: &[u8], sink: Sink<'_>) -> Decoded {
        self.connected();
        let mut reader = Reader::new(body);
        let mut members = reader.object()?;
        while let Some(name) = members.next(&mut reader)? {
            if !name.is("events") {
                reader.value()?;
                continue;
            }
            let mut events = reader.array()?;
            while events.next(&mut reader)? {
                let (mut kind, mut data) = (None, None);
                let mut members = reader.object()?;
                while let Some(name) = members.next(&mut reader)? {
                    if name.is("event") {
                        kind = Some(reader.text()?.decode()?);
                    } else if name.is("data") {
                        data = Some(reader.value()?);
                    } else {
                        reader.value()?;
                    }
                }
                let (Some(kind), Some(data)) = (kind, data) else {
                    return Err(reader.error("an event without event or data").into());
                };
                self.decode(&Event { kind: &kind, data, id: "" }, sink)?;
            }
        }
        Ok(reader.end()?)
    }

    fn intent(&mut self, data: &[u8], sink: Sink<'_>) -> Decoded {
        let mut reader = Reader::new(data);
        let mut members = reader.object()?;
        let (mut code, mut target, mut promise) = (None, None, None);
        let mut found = false;
        while let Some(name) = members.next(&mut reader)? {
            if name.is("payloads") {
                let mut payloads = reader.array()?;
                while payloads.next(&mut reader)? {
                    if core::mem::replace(&mut found, true) {
                        reader.value()?; // only the first counts
                    } else {
                        (code, target) = payload(&mut reader)?;
                    }
                }
            } else if name.is("highwater") {
                promise = Some(promised(&mut reader)?);
            } else {
                reader.value()?;
            }
        }
        reader.end()?;
        if !found {
            return Err(ProtocolError::Order("a server-intent names no payload"));
        }
        let transfer = match code {
            Some(code) if code.is("xfer-full") => Some(Transfer::Snapshot),
            Some(code) if code.is("xfer-changes") => Some(Transfer::Changes),
            Some(code) if code.is("none") => None,
            _ => return Ok(sink(Message::Ignored("unknown intent"))?),
        };
        if let Some(heartbeat) = promise {
            self.promised = true;
            sink(Message::HeartbeatEvery(heartbeat))?;
        }
        if let Some(target) = target {
            sink(Message::Target(target))?;
        }
        self.mode = if transfer == Some(Transfer::Snapshot) { Mode::Full } else { Mode::Changes };
        sink(Message::Resumed(self.mode == Mode::Changes))?;
        sink(Message::Begin(transfer.unwrap_or(Transfer::Changes)))?;
        if transfer.is_none() {
            sink(Message::UpToDate)?;
        }
        Ok(())
    }

    fn put(&self, data: &[u8], sink: Sink<'_>) -> Decoded {
        // Only under the promise: a member after the value would be taken for a part of it.
        if self.promised
            && let Some((kind, key, version, value)) = promised_put(data)
        {
            return Ok(sink(Message::Upsert { kind, key, version, value })?);
        }
        let mut reader = Reader::new(data);
        let mut members = reader.object()?;
        let (mut kind, mut key, mut version, mut value) = (None, None, None, None);
        while let Some(name) = members.next(&mut reader)? {
            if name.is("kind") {
                kind = Some(reader.text()?.decode()?);
            } else if name.is("key") {
                key = Some(reader.text()?.decode()?);
            } else if name.is("version") {
                version = Some(reader.i64()?);
            } else if name.is("object") {
                value = Some(reader.value()?);
            } else {
                reader.value()?;
            }
        }
        reader.end()?;
        let (Some(kind), Some(key), Some(version), Some(value)) = (kind, key, version, value)
        else {
            return Ok(sink(Message::Ignored("a put-object with a member missing"))?);
        };
        if !self.kinds.is_empty() && !self.kinds.iter().any(|known| **known == *kind) {
            return Ok(sink(Message::Ignored("unknown kind"))?);
        }
        Ok(sink(Message::Upsert { kind: &kind, key: &key, version, value })?)
    }

    fn transferred(&mut self, data: &[u8], sink: Sink<'_>) -> Decoded {
        if self.mode == Mode::Inactive {
            return Err(ProtocolError::Order("a payload-transferred needs a server-intent first"));
        }
        let mut reader = Reader::new(data);
        let mut members = reader.object()?;
        let (mut state, mut version, mut basis) = (None, None, None);
        while let Some(name) = members.next(&mut reader)? {
            if name.is("state") {
                state = Some(reader.text()?.decode()?);
            } else if name.is("version") {
                version = Some(reader.i64()?);
            } else if name.is("basis") {
                basis = Some(reader.text()?.decode()?);
            } else {
                reader.value()?;
            }
        }
        reader.end()?;
        let (Some(state), Some(_)) = (&state, version) else {
            self.mode = Mode::Inactive;
            let reason = "a payload-transferred with a member missing";
            return Ok(sink(Message::Failed { payload: "", reason })?);
        };
        self.mode = Mode::Changes;
        Ok(sink(Message::Commit {
            cursor: Some(state),
            version,
            basis: basis.as_deref(),
            ordered: self.promised,
        })?)
    }
}

/// Reads a payload's intent code and target.
fn payload<'a>(reader: &mut Reader<'a>) -> Result<(Option<Text<'a>>, Option<u64>), ProtocolError> {
    let (mut code, mut target) = (None, None);
    let mut members = reader.object()?;
    while let Some(name) = members.next(reader)? {
        if name.is("intentCode") {
            code = Some(reader.text()?);
        } else if name.is("target") {
            target = u64::try_from(reader.i64()?).ok();
        } else {
            reader.value()?;
        }
    }
    Ok((code, target))
}

/// Reads our own server's promise: the heartbeat interval that it announces.
fn promised(reader: &mut Reader<'_>) -> Result<u64, ProtocolError> {
    let mut heartbeat = 0;
    let mut members = reader.object()?;
    while let Some(name) = members.next(reader)? {
        if name.is("heartbeat") {
            heartbeat = reader.u64()?;
        } else {
            reader.value()?;
        }
    }
    Ok(heartbeat)
}

fn delete(data: &[u8], sink: Sink<'_>) -> Decoded {
    let mut reader = Reader::new(data);
    let mut members = reader.object()?;
    let (mut kind, mut key, mut version) = (None, None, None);
    while let Some(name) = members.next(&mut reader)? {
        if name.is("kind") {
            kind = Some(reader.text()?.decode()?);
        } else if name.is("key") {
            key = Some(reader.text()?.decode()?);
        } else if name.is("version") {
            version = Some(reader.i64()?);
        } else {
            reader.value()?;
        }
    }
    reader.end()?;
    let (Some(kind), Some(key), Some(version)) = (kind, key, version) else {
        return Ok(sink(Message::Ignored("a delete-object with a member missing"))?);
    };
    Ok(sink(Message::Delete { kind: &kind, key: &key, version })?)
}

/// Writers differ on the spelling of the id's name.
fn error(data: &[u8], sink: Sink<'_>) -> Decoded {
    let payload = match member(data, "payload_id")? {
        id if id.is_empty() => member(data, "payloadId")?,
        id => id,
    };
    let reason = member(data, "reason")?;
    Ok(sink(Message::Failed { payload: &payload, reason: &reason })?)
}

/// A text member of an object; empty if it has none.
fn member<'a>(data: &'a [u8], wanted: &str) -> Result<alloc::borrow::Cow<'a, str>, ProtocolError> {
    let mut reader = Reader::new(data);
    let mut members = reader.object()?;
    let mut found = alloc::borrow::Cow::Borrowed("");
    while let Some(name) = members.next(&mut reader)? {
        if name.is(wanted) && reader.peek()? == b'"' {
            found = reader.text()?.decode()?;
        } else {
            reader.value()?;
        }
    }
    reader.end()?;
    Ok(found)
}

/// Reads `{"kind":"…","key":"…","version":N,"object":…}` without looking into the object.
/// `None` when it is not exactly that: the full reader decides then.
fn promised_put(data: &[u8]) -> Option<(&str, &str, i64, &[u8])> {
    let rest = data.strip_prefix(b"{\"kind\":\"")?;
    let (kind, rest) = plain(rest)?;
    let (key, rest) = plain(rest.strip_prefix(b",\"key\":\"")?)?;
    let rest = rest.strip_prefix(b",\"version\":")?;
    let (version, rest) = rest.split_at(rest.iter().position(|&byte| byte == b',')?);
    let version = str::from_utf8(version).ok()?;
    // No sign but a minus, no leading zero: what JSON allows.
    let digits = version.strip_prefix('-').unwrap_or(version);
    let canonical =
        digits.bytes().all(|b| b.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    let version = canonical.then(|| version.parse().ok())??;
    let value = rest.strip_prefix(b",\"object\":")?.strip_suffix(b"}")?;
    (!value.is_empty()).then_some((kind, key, version, value))
}

/// A string up to its closing quote, if it has no escapes.
fn plain(rest: &[u8]) -> Option<(&str, &[u8])> {
    let end = memchr::memchr2(b'"', b'\\', rest)?;
    if rest[end] != b'"' || rest[..end].iter().any(|&byte| byte < 0x20) {
        return None;
    }
    Some((str::from_utf8(&rest[..end]).ok()?, &rest[end + 1..]))
}
