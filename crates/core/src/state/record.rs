//! What a slot holds, and what a transfer would have it hold.

use crate::FULL;
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

/// Two records of a slot: one that was there, and one that takes its place from a pass on.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    now: Record,
    next: Record,
    /// The pass that `next` came with; 0 when there is none.
    pass: u32,
}

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
            TOMBSTONE_SEGMENT if FULL => Known::Tombstone(self.version),
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
        Self { now: Record::UNKNOWN, next: Record::UNKNOWN, pass: 0 }
    }
}

impl Entry {
    /// The record that holds before this pass takes effect.
    #[inline]
    pub(super) const fn before(&self, pass: u32) -> &Record {
        if self.pass == 0 || self.pass == pass { &self.now } else { &self.next }
    }

    /// The record that the last message left, in effect or not.
    #[inline]
    pub(super) const fn newest(&self) -> &Record {
        if self.pass == 0 { &self.now } else { &self.next }
    }

    /// Whether a record was collected in this pass.
    pub(super) const fn is_of(&self, pass: u32) -> bool {
        self.pass == pass
    }

    /// Collects a record in this pass. Answers with the one that nobody can see any more, if
    /// there is one.
    pub(super) fn collect(&mut self, record: Record, pass: u32) -> Option<Record> {
        let hidden = match self.pass {
            0 => None,
            same if same == pass => Some(self.next),
            _ => self.settle(pass),
        };
        self.next = record;
        self.pass = pass;
        hidden
    }

    /// Takes back what was collected in this pass.
    pub(super) fn take_back(&mut self, pass: u32) -> Option<Record> {
        if self.pass != pass {
            return None;
        }
        self.pass = 0;
        Some(self.next)
    }

    /// Puts the record that is in effect in the first place. Answers with the one it replaces.
    pub(super) fn settle(&mut self, pass: u32) -> Option<Record> {
        if self.pass == 0 || self.pass == pass {
            return None;
        }
        self.pass = 0;
        Some(core::mem::replace(&mut self.now, self.next))
    }

    /// Forgets all about a settled entry.
    pub(super) fn forget(&mut self) {
        self.now = Record::UNKNOWN;
    }

    /// Notes that a value was moved. There is only one: the entry is settled.
    pub(super) fn moved(&mut self, to: Span) {
        self.now.at = to;
    }
}

const UNKNOWN_SEGMENT: u32 = u32::MAX;
const TOMBSTONE_SEGMENT: u32 = u32::MAX - 1;
const NO_RECORD: Span = Span { segment: UNKNOWN_SEGMENT, at: 0, length: 0 };
const TOMBSTONE: Span = Span { segment: TOMBSTONE_SEGMENT, at: 0, length: 0 };
