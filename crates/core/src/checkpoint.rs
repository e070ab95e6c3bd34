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
//! | entries | the items in the order of their slots, then the deletions that are remembered |
//!
//! An entry is a number, which is the kind's number times two, plus one for a deletion; if the
//! kind's number is the next that is free, the kind as a text; the key as a text; the version; and
//! unless it is a deletion, the value as a text. A number is LEB128, a version one that is zigzag
//! encoded, a text a number of bytes and the bytes. The last entry ends where the bytes do.
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

    let mut kinds = Vec::new();
    for (_, item) in state.iter() {
        entry(&mut out, &mut kinds, item.kind, item.key, item.version, false);
        text(&mut out, item.value);
    }
    for (kind, key, known) in state.iter_known() {
        if let Known::Tombstone(version) = known {
            entry(&mut out, &mut kinds, kind, key, version, true);
        }
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

/// Reads front to back. What is wrong is kept here, and `None` returned.
#[derive(Clone)]
struct Bytes<'a> {
    all: &'a [u8],
    at: usize,
    what: &'static str,
}

impl<'a> Bytes<'a> {
    fn take(&mut self, count: u64) -> Option<&'a [u8]> {
        let rest = self.all.get(self.at..).unwrap_or_default();
        let taken = usize::try_from(count).ok().and_then(|count| rest.get(..count));
        let Some(taken) = taken else {
            return self.fail("the checkpoint ends early");
        };
        self.at += taken.len();
        Some(taken)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?.first().copied().unwrap_or_default();
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                break;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        self.fail("a number that does not fit in 64 bits")
    }

    fn string(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        self.take(length)
    }

    fn text(&mut self) -> Option<&'a str> {
        let text = core::str::from_utf8(self.string()?).ok();
        text.or_else(|| self.fail("a text that is not UTF-8"))
    }

    fn fail<T>(&mut self, what: &'static str) -> Option<T> {
        self.what = what;
        None
    }

    fn error(&self) -> Error {
        Error::Checkpoint { at: self.at, what: self.what }
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
