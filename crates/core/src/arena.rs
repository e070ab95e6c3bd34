//! Bytes of many records, in segments.
//!
//! A record is written once, behind the last one, and moved only to make room: a patch of an item
//! is a copy of its new value and nothing else, and a hundred thousand values are a few hundred
//! allocations. What is held stays within one and a half times what is live, and a constant
//! ([`Arena::is_sparse`]); whoever knows all records brings that about, some at a time, by
//! [`Arena::tidy`].

use alloc::vec::Vec;
use core::mem;

/// Where a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) segment: u32,
    pub(crate) at: u32,
}

#[derive(Default)]
pub(crate) struct Arena {
    segments: Vec<Segment>,
    /// The segment that is being filled.
    open: usize,
    /// Segments that hold nothing, to be used again.
    vacant: Vec<u32>,
    /// Bytes of records that were not freed.
    live: usize,
    /// Bytes of segments.
    held: usize,
}

#[derive(Default)]
struct Segment {
    /// Records: the length of each in 4 bytes, and its bytes. Never grows beyond its capacity.
    bytes: Vec<u8>,
    live: usize,
}

impl Arena {
    /// Writes a record. Its length fits in 32 bits: the caller has seen to it.
    pub(crate) fn push(&mut self, record: &[u8]) -> Span {
        let size = HEADER + record.len();
        let fits = |segment: &Segment| segment.bytes.capacity() - segment.bytes.len() >= size;
        if !self.segments.get(self.open).is_some_and(fits) {
            let own = size > OWN;
            let opened = self.make(if own { size } else { SEGMENT });
            if own {
                return self.write(opened, record);
            }
            let filled = mem::replace(&mut self.open, opened);
            if filled != opened {
                self.drop_if_empty(filled);
            }
        }
        self.write(self.open, record)
    }

    /// Reads a record; nothing for a place that holds none.
    #[inline]
    pub(crate) fn get(&self, span: Span) -> &[u8] {
        self.segments.get(span.segment as usize).map_or(&[], |s| record(&s.bytes, span.at))
    }

    /// Gives up a record.
    pub(crate) fn free(&mut self, span: Span) {
        let size = HEADER + self.get(span).len();
        let index = span.segment as usize;
        let Some(segment) = self.segments.get_mut(index) else {
            return;
        };
        segment.live -= size;
        self.live -= size;
        if index != self.open {
            self.drop_if_empty(index);
        } else if segment.live == 0 {
            segment.bytes.clear();
        } else if span.at as usize + size == segment.bytes.len() {
            // The last one written: what is collected and then dropped leaves no gap.
            segment.bytes.truncate(span.at as usize);
        }
    }

    /// Whether more is held than is good.
    pub(crate) fn is_sparse(&self) -> bool {
        self.held > self.live + self.live / 2 + SLACK
    }

    /// Moves a record out of a segment that is mostly gaps. Answers with its place, and how many
    /// bytes were moved.
    pub(crate) fn tidy(&mut self, span: Span) -> (Span, usize) {
        let index = span.segment as usize;
        let sparse = |segment: &Segment| segment.live * 2 < segment.bytes.capacity();
        if index == self.open || !self.segments.get(index).is_some_and(sparse) {
            return (span, 0);
        }
        // Taken out while it is read: the record goes to another segment.
        let bytes = mem::take(&mut self.segments[index].bytes);
        let record = record(&bytes, span.at);
        let (moved, size) = (self.push(record), record.len());
        self.segments[index].bytes = bytes;
        self.free(span);
        (moved, size)
    }

    fn write(&mut self, index: usize, record: &[u8]) -> Span {
        let segment = &mut self.segments[index];
        let at = segment.bytes.len();
        segment.bytes.extend_from_slice(&(record.len() as u32).to_le_bytes());
        segment.bytes.extend_from_slice(record);
        segment.live += HEADER + record.len();
        self.live += HEADER + record.len();
        Span { segment: index as u32, at: at as u32 }
    }

    fn make(&mut self, capacity: usize) -> usize {
        self.held += capacity;
        let segment = Segment { bytes: Vec::with_capacity(capacity), live: 0 };
        if let Some(index) = self.vacant.pop() {
            self.segments[index as usize] = segment;
            index as usize
        } else {
            self.segments.push(segment);
            self.segments.len() - 1
        }
    }

    fn drop_if_empty(&mut self, index: usize) {
        if let Some(segment) = self.segments.get_mut(index)
            && segment.live == 0
            && segment.bytes.capacity() > 0
        {
            self.held -= segment.bytes.capacity();
            segment.bytes = Vec::new();
            self.vacant.push(index as u32);
        }
    }
}

/// The record that begins at this byte of a segment.
#[inline]
fn record(bytes: &[u8], at: u32) -> &[u8] {
    let header = bytes.get(at as usize..).and_then(<[u8]>::split_first_chunk::<HEADER>);
    let Some((length, rest)) = header else {
        return &[];
    };
    rest.get(..u32::from_le_bytes(*length) as usize).unwrap_or_default()
}

const HEADER: usize = 4;
/// A little under a page of wasm memory, so that the allocator's own bytes fit beside it.
const SEGMENT: usize = (64 << 10) - 64;
/// A record larger than this has a segment of its own: no more than an eighth of a segment is
/// ever left over.
const OWN: usize = SEGMENT / 8;
/// What may be held in any case.
const SLACK: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn records_are_read_as_written() {
        let mut arena = Arena::default();
        let sizes = [0, 1, 300, OWN - 1, OWN, OWN + 1, SEGMENT, 3 * SEGMENT, 5];
        let records: Vec<_> = (1u8..).zip(sizes).map(|(byte, size)| vec![byte; size]).collect();
        let spans: Vec<_> = records.iter().map(|record| arena.push(record)).collect();
        for (record, span) in records.iter().zip(spans) {
            assert_eq!(arena.get(span), record);
        }
        assert_eq!(arena.get(Span { segment: 99, at: 7 }), b"");
    }

    #[test]
    fn what_is_held_stays_near_what_is_live() {
        let mut arena = Arena::default();
        let mut spans: Vec<_> =
            (0..10_000u32).map(|number| arena.push(&number.to_le_bytes().repeat(75))).collect();
        let (mut hand, mut most) = (0, 0);
        for round in 0..200_000usize {
            let at = round.wrapping_mul(0x9e37_79b1) % spans.len();
            let bytes = arena.get(spans[at]).to_vec();
            arena.free(spans[at]);
            spans[at] = arena.push(&bytes);
            for _ in 0..if arena.is_sparse() { 50 } else { 0 } {
                hand = (hand + 1) % spans.len();
                spans[hand] = arena.tidy(spans[hand]).0;
            }
            most = most.max(arena.held);
        }
        assert!(most < arena.live * 3 / 2 + 2 * SLACK, "{most} of {}", arena.live);
        for (number, span) in (0u32..).zip(&spans) {
            assert_eq!(arena.get(*span), number.to_le_bytes().repeat(75));
        }
        for span in spans {
            arena.free(span);
        }
        assert_eq!(arena.live, 0);
        assert!(arena.held <= SEGMENT);
    }
}
