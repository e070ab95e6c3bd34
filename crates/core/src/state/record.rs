//! What a slot holds, and what a transfer would have it hold.

use alloc::vec::Vec;

use crate::arena::Span;
use crate::message::Version;
use crate::receiver::Known;

/// What is known of an item.
#[derive(Clone, Copy)]
pub(super) struct Record {
    pub(super) version: Version,
    /// Where the value is; in a segment that there is not: why there is none.
    at: Span,
}

/// What a slot holds, and where that is which it took the place of.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    /// What the last message left.
    pub(super) now: Record,
    /// The transfer that it came with: it is in effect when that is over.
    pub(super) pass: u32,
    /// What it took the place of, in [`Replaced`]; [`NOTHING`] if nothing was known.
    pub(super) before: u32,
}

/// Records that others take the place of: as long as those are not in effect, and until somebody
/// clears them away.
#[derive(Default)]
pub(super) struct Replaced {
    records: Vec<Record>,
    vacant: Vec<u32>,
}

/// No place in [`Replaced`].
pub(super) const NOTHING: u32 = u32::MAX;

impl Record {
    pub(super) const UNKNOWN: Self = Self { version: 0, at: NO_RECORD };

    /// Nothing is known any more. (The version is that of the message which said so.)
    pub(super) const fn forgotten(version: Version) -> Self {
        Self { version, at: NO_RECORD }
    }

    pub(super) const fn tombstone(version: Version) -> Self {
        Self { version, at: TOMBSTONE }
    }

    pub(super) const fn live(version: Version, at: Span) -> Self {
        Self { version, at }
    }

    #[inline]
    pub(super) const fn known(&self) -> Known {
        match self.at.segment {
            UNKNOWN_SEGMENT => Known::Unknown,
            TOMBSTONE_SEGMENT => Known::Tombstone(self.version),
            _ => Known::Live(self.version),
        }
    }

    #[inline]
    pub(super) const fn value(&self) -> Option<Span> {
        if self.at.segment >= TOMBSTONE_SEGMENT { None } else { Some(self.at) }
    }
}

impl Default for Entry {
    /// Nothing is known.
    fn default() -> Self {
        Self { now: Record::UNKNOWN, pass: 0, before: NOTHING }
    }
}

impl Replaced {
    /// Keeps a record, if it says anything. Answers with its place.
    pub(super) fn keep(&mut self, record: Record) -> u32 {
        if record.known() == Known::Unknown {
            return NOTHING;
        }
        if let Some(place) = self.vacant.pop() {
            if let Some(vacant) = self.records.get_mut(place as usize) {
                *vacant = record;
            }
            place
        } else {
            self.records.push(record);
            (self.records.len() - 1) as u32
        }
    }

    /// What is kept in a place; nothing is known in none.
    #[inline]
    pub(super) fn get(&self, place: u32) -> &Record {
        self.records.get(place as usize).unwrap_or(&Record::UNKNOWN)
    }

    /// Takes what is kept in a place, which is none afterwards.
    pub(super) fn take(&mut self, place: &mut u32) -> Option<Record> {
        let found = *self.records.get(*place as usize)?;
        self.vacant.push(*place);
        *place = NOTHING;
        if self.vacant.len() == self.records.len() && self.records.len() > FEW {
            *self = Self::default();
        }
        Some(found)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.vacant.len() == self.records.len()
    }
}

/// So many are kept room for.
const FEW: usize = 1024;
const UNKNOWN_SEGMENT: u32 = u32::MAX;
const TOMBSTONE_SEGMENT: u32 = u32::MAX - 1;
const NO_RECORD: Span = Span { segment: UNKNOWN_SEGMENT, at: 0, spare: 0, length: 0 };
const TOMBSTONE: Span = Span { segment: TOMBSTONE_SEGMENT, at: 0, spare: 0, length: 0 };
