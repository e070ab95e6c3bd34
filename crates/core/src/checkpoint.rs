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

mod read;

use alloc::vec::Vec;
use core::ops::Range;

use crate::bytes::{number, text};
use crate::message::Version;
use crate::names::Slot;
use crate::receiver::Known;
use crate::state::State;
pub(crate) use read::Checkpoint;

/// Writes a checkpoint.
pub(crate) fn write(
    protocol: &str,
    last_event_id: &str,
    cursor: Option<&str>,
    state: &State,
) -> Vec<u8> {
    let items: usize = state.iter().map(|(_, i)| LARGEST + i.key.len() + i.value.len()).sum();
    let mut out = Vec::with_capacity(HEAD + items);
    out.extend_from_slice(MAGIC);
    out.push(FORMAT);
    out.extend_from_slice(&[0; 8]);
    text(&mut out, protocol.as_bytes());
    text(&mut out, last_event_id.as_bytes());
    out.push(u8::from(cursor.is_some()));
    if let Some(cursor) = cursor {
        text(&mut out, cursor.as_bytes());
    }

    let mut entries = Entries { out, kinds: Vec::new() };
    for (slot, item) in state.iter() {
        entries.add(state, slot, item.version, false);
        text(&mut entries.out, item.value);
    }
    for (slot, known) in state.all_known() {
        if let Known::Tombstone(version) = known {
            entries.add(state, slot, version, true);
        }
    }

    let mut out = entries.out;
    let length = (out.len() - LENGTH.end) as u64;
    if let Some(place) = out.get_mut(LENGTH) {
        place.copy_from_slice(&length.to_le_bytes());
    }
    out
}

struct Entries {
    out: Vec<u8>,
    /// The numbers that the state has for kinds, in the order in which they are met here.
    kinds: Vec<u32>,
}

impl Entries {
    fn add(&mut self, state: &State, slot: Slot, version: Version, gone: bool) {
        let Self { out, kinds } = self;
        let (kind, key) = state.place(slot).unwrap_or_default();
        // A handful of kinds: a scan is faster than a hash.
        let known = kinds.iter().position(|&known| known == kind);
        number(out, (known.unwrap_or(kinds.len()) as u64) << 1 | u64::from(gone));
        if known.is_none() {
            kinds.push(kind);
            text(out, state.kinds().nth(kind as usize).unwrap_or_default().as_bytes());
        }
        text(out, key.as_bytes());
        number(out, (version << 1 ^ version >> 63).cast_unsigned());
    }
}

const MAGIC: &[u8; 4] = b"HWCP";
const FORMAT: u8 = 1;
/// Where it says how many bytes follow.
const LENGTH: Range<usize> = MAGIC.len() + 1..MAGIC.len() + 1 + 8;
/// What stands before the entries is hardly more.
const HEAD: usize = 256;
/// What the numbers of an entry take at most, but for lengths beyond 2^35.
const LARGEST: usize = 24;
