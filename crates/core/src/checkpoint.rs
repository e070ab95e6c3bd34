//! A state and its position as bytes, to be kept, or handed to another process, and taken up again.
//!
//! # The format, version 1
//!
//! | bytes | what |
//! | --- | --- |
//! | 4 | `HWCP` |
//! | 1 | the version of the format: 1 |
//! | 8 | how many bytes follow, little endian |
//! | text | the name of the protocol |
//! | text | the last event id; empty if there is none |
//! | 1, text | 1 and the cursor; or 0, and no text |
//! | number | how many entries follow |
//! | entries | the items in the order of their slots, then the deletions that are remembered |
//!
//! An entry is a number, which is the kind's number times two, plus one for a deletion; if the
//! kind's number is the next that is free, the kind as a text; the key as a text; the version; and
//! unless it is a deletion, the value as a text. A number is LEB128, a version one that is zigzag
//! encoded, a text a number of bytes and the bytes. Nothing follows the last entry.
//!
//! There is no checksum: storage and channels have their own. Every length is checked, and keys to
//! be UTF-8, before anything takes effect. Values are judged as those of a stream are.

use alloc::vec::Vec;

use crate::error::Error;
use crate::message::{Message, Transfer, Version};
use crate::protocol::Sink;
use crate::receiver::Known;
use crate::state::State;

/// What a checkpoint holds. All of it has been checked.
pub(crate) struct Checkpoint<'a> {
    pub(crate) last_event_id: &'a str,
    cursor: Option<&'a str>,
    entries: Entries<'a>,
}

/// Writes a checkpoint.
pub(crate) fn write(
    protocol: &str,
    last_event_id: &str,
    cursor: Option<&str>,
    state: &State,
) -> Vec<u8> {
    let size = |kind: &str, key: &str, value: &[u8]| LARGEST + kind.len() + key.len() + value.len();
    let head = HEAD + size(protocol, last_event_id, cursor.unwrap_or_default().as_bytes());
    let items: usize = state.iter().map(|(_, item)| size("", item.key, item.value)).sum();
    let mut out = Vec::with_capacity(head + items);
    out.extend_from_slice(MAGIC);
    out.push(FORMAT);
    out.extend_from_slice(&[0; 8]);
    text(&mut out, protocol.as_bytes());
    text(&mut out, last_event_id.as_bytes());
    out.push(u8::from(cursor.is_some()));
    if let Some(cursor) = cursor {
        text(&mut out, cursor.as_bytes());
    }

    let tombstones = || {
        state.iter_known().filter_map(|(kind, key, known)| match known {
            Known::Tombstone(version) => Some((kind, key, version)),
            _ => None,
        })
    };
    number(&mut out, (state.len() + tombstones().count()) as u64);
    let mut kinds = Vec::new();
    for (_, item) in state.iter() {
        entry(&mut out, &mut kinds, item.kind, item.key, item.version, false);
        text(&mut out, item.value);
    }
    for (kind, key, version) in tombstones() {
        entry(&mut out, &mut kinds, kind, key, version, true);
    }

    let length = (out.len() - HEAD) as u64;
    if let Some(place) = out.get_mut(HEAD - 8..HEAD) {
        place.copy_from_slice(&length.to_le_bytes());
    }
    out
}

impl<'a> Checkpoint<'a> {
    /// Reads a checkpoint of this protocol, to its end.
    pub(crate) fn read(bytes: &'a [u8], protocol: &str) -> Result<Self, Error> {
        let mut bytes = Bytes { all: bytes, at: 0 };
        if bytes.take(MAGIC.len() as u64)? != MAGIC {
            return Err(bytes.error("these bytes are no checkpoint"));
        }
        if bytes.take(1)? != [FORMAT] {
            return Err(bytes.error("a checkpoint of another format version"));
        }
        let length = bytes.take(8)?.iter().rev().fold(0, |sum, &byte| sum << 8 | u64::from(byte));
        if length != bytes.left() {
            return Err(bytes.error("the checkpoint is cut off, or more follows it"));
        }
        if bytes.text()? != protocol {
            return Err(bytes.error("a checkpoint of another protocol"));
        }
        let last_event_id = bytes.text()?;
        let cursor = match bytes.take(1)? {
            [0] => None,
            [1] => Some(bytes.text()?),
            _ => return Err(bytes.error("expected 0 or 1")),
        };
        let left = bytes.number()?;
        let entries = Entries { bytes, left, kinds: Vec::new() };
        let mut unread = entries.clone();
        while unread.next()?.is_some() {}
        if unread.bytes.left() > 0 {
            return Err(unread.bytes.error("bytes after the last entry"));
        }
        Ok(Self { last_event_id, cursor, entries })
    }

    /// Tells what it holds, as a snapshot.
    pub(crate) fn tell(&self, sink: Sink<'_>) -> Result<(), Error> {
        sink(Message::Begin(Transfer::Snapshot))?;
        let mut entries = self.entries.clone();
        while let Some(message) = entries.next()? {
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
    left: u64,
    kinds: Vec<&'a str>,
}

impl<'a> Entries<'a> {
    fn next(&mut self) -> Result<Option<Message<'a>>, Error> {
        let Some(left) = self.left.checked_sub(1) else {
            return Ok(None);
        };
        self.left = left;
        let head = self.bytes.number()?;
        let (kind, gone) = (head >> 1, head & 1 == 1);
        if kind == self.kinds.len() as u64 {
            let kind = self.bytes.text()?;
            self.kinds.push(kind);
        }
        let kind = usize::try_from(kind).ok().and_then(|kind| self.kinds.get(kind).copied());
        let kind = kind.ok_or_else(|| self.bytes.error("a kind that was not named"))?;
        let key = self.bytes.text()?;
        let zigzag = self.bytes.number()?;
        let version = (zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed();
        Ok(Some(if gone {
            Message::Delete { kind, key, version }
        } else {
            Message::Upsert { kind, key, version, value: self.bytes.string()? }
        }))
    }
}

#[derive(Clone, Copy)]
struct Bytes<'a> {
    all: &'a [u8],
    at: usize,
}

impl<'a> Bytes<'a> {
    fn take(&mut self, count: u64) -> Result<&'a [u8], Error> {
        let rest = self.all.get(self.at..).unwrap_or_default();
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let taken = rest.get(..count).ok_or_else(|| self.error("the checkpoint ends early"))?;
        self.at += count;
        Ok(taken)
    }

    fn number(&mut self) -> Result<u64, Error> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?.first().copied().unwrap_or_default();
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                break;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(self.error("a number that does not fit in 64 bits"))
    }

    fn string(&mut self) -> Result<&'a [u8], Error> {
        let length = self.number()?;
        self.take(length)
    }

    fn text(&mut self) -> Result<&'a str, Error> {
        core::str::from_utf8(self.string()?).map_err(|_| self.error("a text that is not UTF-8"))
    }

    fn left(&self) -> u64 {
        (self.all.len() - self.at) as u64
    }

    fn error(&self, what: &'static str) -> Error {
        Error::Checkpoint { at: self.at, what }
    }
}

fn entry<'a>(
    out: &mut Vec<u8>,
    kinds: &mut Vec<&'a str>,
    kind: &'a str,
    key: &str,
    version: Version,
    gone: bool,
) {
    // A handful of kinds: a scan is faster than a hash.
    let known = kinds.iter().position(|&known| known == kind);
    number(out, (known.unwrap_or(kinds.len()) as u64) << 1 | u64::from(gone));
    if known.is_none() {
        kinds.push(kind);
        text(out, kind.as_bytes());
    }
    text(out, key.as_bytes());
    number(out, (version << 1 ^ version >> 63).cast_unsigned());
}

fn number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn text(out: &mut Vec<u8>, text: &[u8]) {
    number(out, text.len() as u64);
    out.extend_from_slice(text);
}

const MAGIC: &[u8; 4] = b"HWCP";
const FORMAT: u8 = 1;
const HEAD: usize = MAGIC.len() + 1 + 8;
/// What the numbers of an entry take at most, but for lengths beyond 2^35.
const LARGEST: usize = 24;
