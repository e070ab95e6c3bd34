//! Clearing away what was replaced, some of it at a time.

use super::State;
use super::record::Record;
use crate::item::Change;
use crate::names::Slot;
use crate::receiver::Known;
use crate::time::Instant;

impl State {
    /// Gives up slots and bytes that nobody needs, up to some microseconds' worth. Only when no
    /// change and nothing collected names a slot any more that may be given up.
    pub(crate) fn tend(&mut self) {
        if !self.is_collecting() {
            for _ in 0..SLOTS {
                let Some(slot) = self.vacant.pop() else {
                    break;
                };
                let record = self.record(slot).map(Record::known);
                if record == Some(Known::Unknown) {
                    self.settle(slot);
                    self.names.remove(slot);
                }
            }
        }
        let slots = self.epochs.len() as u32;
        let sparse = self.values.is_sparse() || self.names.is_sparse();
        if sparse && self.untidy == 0 {
            self.untidy = slots;
        }
        let (mut looks, mut bytes) = (SLOTS, BYTES);
        while self.untidy > 0 && looks > 0 && bytes > 0 {
            looks -= 1;
            self.untidy -= 1;
            self.hand = if self.hand + 1 < slots { self.hand + 1 } else { 0 };
            let slot = Slot(self.hand);
            self.settle(slot);
            if sparse {
                self.names.tidy(slot);
                bytes = bytes.saturating_sub(self.tidy_value(slot));
            }
        }
    }

    /// After a commit: what little was replaced is given up at once, and much by and by.
    pub(super) fn clear_away(&mut self) {
        if self.replaced.is_empty() {
            return;
        }
        let changed = self.collected.changes.len();
        let at_once = changed <= SLOTS;
        for at in 0..if at_once { changed } else { 0 } {
            if let Some(&Change { slot, .. }) = self.collected.changes.get(at) {
                self.settle(slot);
            }
        }
        if !at_once {
            self.untidy = self.epochs.len() as u32;
        }
    }

    /// Forgets deletions beyond the bounds, oldest first.
    pub(super) fn bury(&mut self, now: Instant) {
        while let Some(&(slot, version, since)) = self.graves.front() {
            let known = self.record(slot).map(Record::known);
            let current = known == Some(Known::Tombstone(version));
            let over = self.graves.len() > self.bounds.count || now.since(since) > self.bounds.age;
            if current && !over {
                break;
            }
            self.graves.pop_front();
            if current {
                self.settle(slot);
                if let Some(entry) = self.names.get_mut(slot) {
                    entry.now = Record::UNKNOWN;
                }
                self.tombstones -= 1;
                self.vacant.push(slot);
                self.forgotten += 1;
            }
        }
    }

    /// Gives up what the record in effect has replaced.
    pub(super) fn settle(&mut self, slot: Slot) {
        let entry = self.names.get_mut(slot).filter(|entry| entry.pass != self.pass);
        let hidden = entry.and_then(|entry| self.replaced.take(&mut entry.before));
        self.release(hidden);
    }

    pub(super) fn release(&mut self, hidden: Option<Record>) {
        if let Some(span) = hidden.and_then(|record| record.value()) {
            self.values.free(span);
        }
    }

    /// Moves a value if that makes room, and answers with how many bytes that was.
    fn tidy_value(&mut self, slot: Slot) -> usize {
        // One that is being collected stays where it is until it has taken effect.
        let Some(entry) = self.names.get_mut(slot).filter(|entry| entry.pass != self.pass) else {
            return 0;
        };
        let Some(span) = entry.now.value() else {
            return 0;
        };
        let (moved, size) = self.values.tidy(span);
        entry.now = Record::live(entry.now.version, moved);
        size
    }
}

/// How many slots are looked at for an input, and how many bytes are moved.
const SLOTS: usize = 2048;
const BYTES: usize = 64 << 10;
