//! The tail of a topic: its newest transactions, encoded.

use crate::frame;
use bytes::Bytes;
use core::ops::Range;
use std::collections::VecDeque;
use std::sync::Arc;

/// Committed transactions in order, without gaps, bounded by count and by bytes.
///
/// The newest one always stays, whatever its size: readers that are not behind need it.
#[derive(Debug)]
pub(crate) struct Log {
    entries: VecDeque<Entry>,
    /// The index of the newest transaction that is no longer here.
    base: u64,
    bytes: usize,
    most_transactions: usize,
    most_bytes: usize,
}

impl Log {
    pub(crate) fn new(most_transactions: usize, most_bytes: usize) -> Self {
        Self { entries: VecDeque::new(), base: 0, bytes: 0, most_transactions, most_bytes }
    }

    pub(crate) fn base(&self) -> u64 {
        self.base
    }

    pub(crate) fn push(&mut self, entry: Entry) {
        self.bytes += entry.frame.len();
        self.entries.push_back(entry);
        while self.entries.len() > 1
            && (self.entries.len() > self.most_transactions || self.bytes > self.most_bytes)
        {
            if let Some(oldest) = self.entries.pop_front() {
                self.bytes -= oldest.size();
                self.base += 1;
            }
        }
    }

    /// The frames after `index` in order, up to `limit` bytes but at least one, and the index that they reach.
    pub(crate) fn read(
        &mut self,
        index: u64,
        epoch: &str,
        kind: Option<&str>,
        limit: usize,
    ) -> (Vec<Bytes>, u64) {
        let (mut frames, mut reached, mut size) = (Vec::new(), index.max(self.base), 0);
        let skip = (reached - self.base) as usize;
        for entry in self.entries.iter_mut().skip(skip) {
            if size >= limit && !frames.is_empty() {
                break;
            }
            reached += 1;
            let before = entry.size();
            if let Some(frame) = entry.frame(reached, epoch, kind) {
                size += frame.len();
                frames.push(frame);
            }
            self.bytes += entry.size() - before;
        }
        (frames, reached)
    }
}

/// One transaction as it goes on the wire.
#[derive(Debug)]
pub(crate) struct Entry {
    frame: Bytes,
    parts: Vec<Part>,
}

impl Entry {
    pub(crate) fn new(frame: Bytes, parts: Vec<Part>) -> Self {
        Self { frame, parts }
    }

    /// The bytes for a reader of all kinds, or of one kind if the transaction has any of it.
    fn frame(&mut self, index: u64, epoch: &str, kind: Option<&str>) -> Option<Bytes> {
        let Some(kind) = kind else {
            return Some(self.frame.clone());
        };
        let part = self.parts.iter_mut().find(|part| &*part.kind == kind)?;
        let encode = || {
            let mut out = self.frame[part.events.clone()].to_vec();
            frame::transferred(&mut out, epoch, index, Some(part.previous));
            Bytes::from(out)
        };
        Some(part.frame.get_or_insert_with(encode).clone())
    }

    fn size(&self) -> usize {
        let parts = self.parts.iter().filter_map(|part| part.frame.as_ref());
        self.frame.len() + parts.map(Bytes::len).sum::<usize>()
    }
}

/// What one transaction did to one kind.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) kind: Arc<str>,
    /// Its events: a transaction's events are grouped by kind, so they stand together.
    pub(crate) events: Range<usize>,
    /// The transaction before this one that had the kind.
    pub(crate) previous: u64,
    /// The frame for readers of the kind, encoded for the first of them.
    pub(crate) frame: Option<Bytes>,
}
