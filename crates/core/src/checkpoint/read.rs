//! Reading a checkpoint.

use alloc::vec::Vec;

use super::{FORMAT, MAGIC};
use crate::bytes::Bytes;
use crate::error::Error;
use crate::message::{Message, Transfer};
use crate::protocol::Sink;

/// What a checkpoint holds. All of it has been checked.
pub(crate) struct Checkpoint<'a> {
    pub(crate) last_event_id: &'a str,
    cursor: Option<&'a str>,
    entries: Entries<'a>,
}

impl<'a> Checkpoint<'a> {
    /// Reads a checkpoint of this protocol, to its end.
    pub(crate) fn read(bytes: &'a [u8], protocol: &str) -> Result<Self, Error> {
        let mut bytes = Bytes { all: bytes, at: 0, what: "" };
        let Some((last_event_id, cursor)) = Self::head(&mut bytes, protocol) else {
            return Err(bytes.error());
        };
        let entries = Entries { bytes, kinds: Vec::new() };
        // Once to the end, so that nothing of a bad one takes effect.
        let mut unread = entries.clone();
        while unread.next().is_some() {}
        if !unread.bytes.what.is_empty() {
            return Err(unread.bytes.error());
        }
        Ok(Self { last_event_id, cursor, entries })
    }

    fn head(bytes: &mut Bytes<'a>, protocol: &str) -> Option<(&'a str, Option<&'a str>)> {
        if bytes.take(4)? != MAGIC {
            return bytes.fail("these bytes are no checkpoint");
        }
        if bytes.take(1)? != [FORMAT] {
            return bytes.fail("a checkpoint of another format version");
        }
        let length = bytes.take(8)?.iter().rev().fold(0, |sum, &byte| sum << 8 | u64::from(byte));
        let left = (bytes.all.len() - bytes.at) as u64;
        if length != left {
            return bytes.fail("the checkpoint is cut off, or more follows it");
        }
        if bytes.text()? != protocol {
            return bytes.fail("a checkpoint of another protocol");
        }
        let last_event_id = bytes.text()?;
        let cursor = match bytes.take(1)? {
            [0] => None,
            [1] => Some(bytes.text()?),
            _ => return bytes.fail("expected 0 or 1"),
        };
        Some((last_event_id, cursor))
    }

    /// Tells what it holds, as a snapshot.
    pub(crate) fn tell(&self, sink: Sink<'_>) -> Result<(), Error> {
        sink(Message::Begin(Transfer::Snapshot))?;
        let mut entries = self.entries.clone();
        while let Some(message) = entries.next() {
            sink(message)?;
        }
        // As our own server's, a cursor that does not lead on is one that was seen before.
        let cursor = self.cursor;
        sink(Message::Commit { cursor, version: None, basis: None, ordered: true })
    }
}

#[derive(Clone)]
struct Entries<'a> {
    bytes: Bytes<'a>,
    kinds: Vec<&'a str>,
}

impl<'a> Entries<'a> {
    /// The next entry; `None` at the end, or where something is wrong.
    fn next(&mut self) -> Option<Message<'a>> {
        let bytes = &mut self.bytes;
        if bytes.at == bytes.all.len() {
            return None;
        }
        let head = bytes.number()?;
        if head >> 1 == self.kinds.len() as u64 {
            self.kinds.push(bytes.text()?);
        }
        let kind = usize::try_from(head >> 1).ok().and_then(|kind| self.kinds.get(kind).copied());
        let Some(kind) = kind else {
            return bytes.fail("a kind that was not named");
        };
        let key = bytes.text()?;
        let zigzag = bytes.number()?;
        let version = (zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed();
        Some(if head & 1 == 1 {
            Message::Delete { kind, key, version }
        } else {
            Message::Upsert { kind, key, version, value: bytes.string()? }
        })
    }
}
