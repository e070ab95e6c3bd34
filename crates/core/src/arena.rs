//! Bytes of many records, in segments.
//!
//! A record is written once, where another of about its size was given up or behind the last one,
//! and moved only to make room: a patch of an item is a copy of its new value and nothing else, and
//! a hundred thousand values are a few hundred allocations. What is held stays within one and a half
//! times what is live, and a constant ([`Arena::is_sparse`]). As long as sizes stay much the same,
//! gaps see to that; for the rest, whoever knows all records brings it about, some at a time, by
//! [`Arena::tidy`].

use alloc::vec::Vec;
use core::mem;

/// Where a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) segment: u32,
    /// In units, from the start of the segment.
    pub(crate) at: u16,
    /// Units that are its own and not used.
    pub(crate) spare: u16,
    pub(crate) length: u32,
}

#[derive(Default)]
pub(crate) struct Arena {
    segments: Vec<Segment>,
    /// The segment that is being filled.
    open: usize,
    /// Segments that hold nothing, to be used again.
    vacant: Vec<u32>,
    /// Where records were given up, by their units. Nothing depends on any of them being there.
    gaps: Vec<Vec<Gap>>,
    noted: usize,
    /// Bytes of records that were not freed.
    live: usize,
    /// Bytes of segments.
    held: usize,
}

#[derive(Default)]
struct Segment {
    /// Records, end to end. Never grows beyond its capacity.
    bytes: Vec<u8>,
    live: usize,
    /// How many records were not freed: some have no bytes.
    count: u32,
    /// How often it was emptied.
    life: u32,
}

/// Room for a record; or not any more, if the segment has been emptied since.
#[derive(Clone, Copy)]
struct Gap {
    segment: u32,
    life: u32,
    at: u16,
}

impl Arena {
    /// Writes a record. Its length fits in 32 bits: the caller has seen to it.
    pub(crate) fn push(&mut self, record: &[u8]) -> Span {
        self.fill(record).unwrap_or_else(|| self.append(record))
    }

    /// Reads a record; nothing for a place that holds none.
    #[inline]
    pub(crate) fn get(&self, span: Span) -> &[u8] {
        self.segments.get(span.segment as usize).map_or(&[], |segment| span.of(&segment.bytes))
    }

    /// Gives up a record. Its bytes are not looked at: they may be far away by now.
    pub(crate) fn free(&mut self, span: Span) {
        let (index, size) = (span.segment as usize, span.length as usize);
        let Some(segment) = self.segments.get_mut(index) else {
            return;
        };
        segment.live -= size;
        segment.count -= 1;
        self.live -= size;
        let (units, start) = (span.units(), span.start());
        if segment.count == 0 {
            segment.life = segment.life.wrapping_add(1);
            if index == self.open {
                segment.bytes.clear();
            } else {
                self.drop_if_empty(index);
            }
        } else if start + units * UNIT == segment.bytes.len() {
            // The last one written: what is collected and then dropped leaves no gap.
            segment.bytes.truncate(start);
        } else {
            let gap = Gap { segment: span.segment, life: segment.life, at: span.at };
            self.note(units, gap);
        }
    }

    /// Reads a little of a record everywhere, so that the processor has it at hand.
    #[inline]
    pub(crate) fn touch(&self, span: Span) -> u8 {
        self.get(span).iter().step_by(64).fold(0, |seen, byte| seen ^ byte)
    }

    /// Writes a record in the place of another, which nobody needs any more; or elsewhere, if it does
    /// not fit in there.
    pub(crate) fn replace(&mut self, span: Span, record: &[u8]) -> Span {
        let (room, wanted) = (span.units(), units(record.len()));
        let open = span.segment as usize == self.open;
        if let Some(segment) = self.segments.get_mut(span.segment as usize)
            && (wanted..wanted + NEAR).contains(&room)
            && (open || !segment.is_sparse())
            && let Some(place) = segment.bytes.get_mut(span.start()..span.start() + record.len())
        {
            place.copy_from_slice(record);
            let (length, last) = (record.len(), span.length as usize);
            segment.live = segment.live + length - last;
            self.live = self.live + length - last;
            return Span { spare: (room - wanted) as u16, length: length as u32, ..span };
        }
        self.free(span);
        self.push(record)
    }

    /// Whether more is held than is good.
    pub(crate) fn is_sparse(&self) -> bool {
        self.held > self.live + self.live / 2 + SLACK
    }

    /// Moves a record out of a segment that is mostly gaps. Answers with its place, and how many
    /// bytes were moved.
    pub(crate) fn tidy(&mut self, span: Span) -> (Span, usize) {
        let index = span.segment as usize;
        let open = self.open;
        let segment = self.segments.get_mut(index).filter(|_| index != open);
        let Some(segment) = segment.filter(|segment| segment.is_sparse()) else {
            return (span, 0);
        };
        // Taken out while it is read: the record goes to another segment.
        let bytes = mem::take(&mut segment.bytes);
        let moved = self.append(span.of(&bytes));
        if let Some(segment) = self.segments.get_mut(index) {
            segment.bytes = bytes;
        }
        self.free(span);
        (moved, moved.length as usize)
    }

    /// Writes a record where another was given up, if there is such a place of about its size.
    fn fill(&mut self, record: &[u8]) -> Option<Span> {
        let wanted = units(record.len());
        let near = self.gaps.iter_mut().enumerate().skip(wanted).take(NEAR);
        for (units, gaps) in near {
            while let Some(Gap { segment: index, life, at }) = gaps.pop() {
                self.noted -= 1;
                let segment = self.segments.get_mut(index as usize)?;
                // What is mostly gaps had better be emptied.
                if segment.life != life || segment.is_sparse() {
                    continue;
                }
                let start = usize::from(at) * UNIT;
                let Some(place) = segment.bytes.get_mut(start..start + record.len()) else {
                    continue;
                };
                place.copy_from_slice(record);
                segment.live += record.len();
                segment.count += 1;
                self.live += record.len();
                let spare = (units - wanted) as u16;
                return Some(Span { segment: index, at, spare, length: record.len() as u32 });
            }
        }
        None
    }

    /// Writes a record behind the last one.
    fn append(&mut self, record: &[u8]) -> Span {
        let size = units(record.len()) * UNIT;
        let fits = |segment: &Segment| segment.bytes.capacity() - segment.bytes.len() >= size;
        if !self.segments.get(self.open).is_some_and(fits) {
            let own = size > OWN;
            let opened = self.make(if own { size } else { SEGMENT });
            if own {
                return self.write(opened, record, size);
            }
            let filled = mem::replace(&mut self.open, opened);
            if filled != opened {
                self.drop_if_empty(filled);
            }
        }
        self.write(self.open, record, size)
    }

    fn write(&mut self, index: usize, record: &[u8], size: usize) -> Span {
        let mut span = Span { segment: index as u32, at: 0, spare: 0, length: 0 };
        // It was made, or was open.
        let Some(segment) = self.segments.get_mut(index) else {
            return span;
        };
        let start = segment.bytes.len();
        segment.bytes.extend_from_slice(record);
        segment.bytes.resize(start + size, 0);
        segment.live += record.len();
        segment.count += 1;
        self.live += record.len();
        span.at = (start / UNIT) as u16;
        span.length = record.len() as u32;
        span
    }

    fn note(&mut self, units: usize, gap: Gap) {
        if self.noted >= MOST {
            // Most of them have been passed over for long: they are of no use.
            self.gaps = Vec::new();
            self.noted = 0;
        }
        if units >= self.gaps.len() {
            self.gaps.resize_with(units + 1, Vec::new);
        }
        if let Some(gaps) = self.gaps.get_mut(units) {
            gaps.push(gap);
            self.noted += 1;
        }
    }

    fn make(&mut self, capacity: usize) -> usize {
        self.held += capacity;
        let bytes = Vec::with_capacity(capacity);
        let vacant = self.vacant.pop().unwrap_or(u32::MAX) as usize;
        if let Some(segment) = self.segments.get_mut(vacant) {
            segment.bytes = bytes;
            vacant
        } else {
            self.segments.push(Segment { bytes, ..Segment::default() });
            self.segments.len() - 1
        }
    }

    fn drop_if_empty(&mut self, index: usize) {
        if let Some(segment) = self.segments.get_mut(index)
            && segment.count == 0
            && segment.bytes.capacity() > 0
        {
            self.held -= segment.bytes.capacity();
            segment.bytes = Vec::new();
            self.vacant.push(index as u32);
        }
    }
}

impl Segment {
    fn is_sparse(&self) -> bool {
        self.live * 2 < self.bytes.capacity()
    }
}

impl Span {
    #[inline]
    fn of(self, bytes: &[u8]) -> &[u8] {
        let start = self.start();
        bytes.get(start..start + self.length as usize).unwrap_or_default()
    }

    const fn start(self) -> usize {
        self.at as usize * UNIT
    }

    /// How many units are its own.
    const fn units(self) -> usize {
        units(self.length as usize) + self.spare as usize
    }
}

/// How many units a record takes.
const fn units(size: usize) -> usize {
    size.div_ceil(UNIT)
}

/// Records begin at multiples of so many bytes.
const UNIT: usize = 8;
/// Of what the wasm allocator can carve out of one page, and out of what a list's page leaves of
/// two: it looks for such sizes in steps of 1 KiB, its own bytes included.
const SEGMENT: usize = (63 << 10) - 64;
/// A record larger than this has a segment of its own: no more than an eighth of a segment is
/// ever left over.
const OWN: usize = SEGMENT / 8;
/// A gap is used for records of up to so many units less.
const NEAR: usize = 8;
/// So many gaps are remembered.
const MOST: usize = 1 << 14;
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
        assert_eq!(arena.get(Span { segment: 99, at: 7, spare: 0, length: 1 }), b"");
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
