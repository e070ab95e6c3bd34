//! Collecting a transfer, and letting it take effect.

use alloc::vec::Vec;

use super::record::{Entry, Record};
use super::{Brief, Collected, State};
use crate::arena::Span;
use crate::bytes::owned;
use crate::index::hash;
use crate::item::{Change, Noop, Outcome};
use crate::message::{Transfer, Version};
use crate::names::{Part, Slot};
use crate::receiver::{Action, Known};
use crate::same::same;
use crate::time::Instant;

/// What finds the slot of a name, beside its key.
#[derive(Clone, Copy)]
pub(crate) struct NameOf {
    pub(super) part: Part,
    pub(super) hash: u32,
}

impl State {
    /// The slot for this kind and key, made if there is none.
    pub(crate) fn slot(&mut self, kind: &str, key: &str) -> Slot {
        let part = self.part(kind);
        self.slot_of(NameOf { part, hash: hash(part, key.as_bytes()) }, key.as_bytes())
    }

    /// What finds the slot of a name, once the number of its kind is given out; `None` if it is no
    /// text.
    #[inline]
    pub(crate) fn name_of(&mut self, kind: &[u8], key: &[u8]) -> Option<NameOf> {
        if !key.is_ascii() {
            core::str::from_utf8(key).ok()?;
        }
        let part = match self.part_of(kind) {
            Some(part) => part,
            None => self.part(core::str::from_utf8(kind).ok()?),
        };
        Some(NameOf { part, hash: hash(part, key) })
    }

    /// The slot of a name, made if there is none.
    #[inline]
    pub(crate) fn slot_of(&mut self, NameOf { part, hash }: NameOf, key: &[u8]) -> Slot {
        let slot = self.names.slot_hashed(part, hash, key);
        self.cover(slot);
        slot
    }

    #[inline]
    fn cover(&mut self, slot: Slot) {
        if slot.index() >= self.epochs.len() {
            self.epochs.push(0);
            self.marks.push(0);
        }
    }

    /// The number of a kind, given out if it has none.
    pub(crate) fn part(&mut self, kind: &str) -> Part {
        self.part_of(kind.as_bytes()).unwrap_or_else(|| {
            self.kinds.push(owned(kind));
            (self.kinds.len() - 1) as Part
        })
    }

    /// Where the value is that a slot holds.
    #[inline]
    pub(super) fn span(&self, slot: Slot) -> Option<Span> {
        self.names.get(slot)?.now.value()
    }

    /// Collects what there is of a transaction, which is not to be brief after all.
    pub(crate) fn collect(&mut self, brief: &mut Brief, chunk: &[u8]) {
        brief.each(chunk, |name, version, key, value| {
            let slot = self.slot_of(name, key);
            match value {
                Some(value) => self.upsert(slot, version, value, false),
                None => self.forget(slot, version),
            }
        });
        brief.clear();
    }

    /// Writes a value where the one is that it takes the place of: nobody reads meanwhile.
    #[inline]
    pub(super) fn replace(
        &mut self,
        slot: Slot,
        version: Version,
        value: Option<&[u8]>,
    ) -> Option<Action> {
        // What an earlier transaction has replaced may not have been cleared away.
        self.settle(slot);
        let entry = self.names.get_mut(slot)?;
        let (known, last) = (entry.now.known(), entry.now.value());
        if let (Known::Live(known), Some(span), Some(value)) = (known, last, value)
            && known == version
            && same(self.values.get(span), value)
        {
            return None;
        }
        let record = match (value, last) {
            (Some(value), Some(span)) => Record::live(version, self.values.replace(span, value)),
            (Some(value), None) => Record::live(version, self.values.push(value)),
            (None, _) => Record::forgotten(version),
        };
        entry.now = record;
        self.tombstones -= usize::from(matches!(known, Known::Tombstone(_)));
        if last.is_some()
            && let Some(epoch) = self.epochs.get_mut(slot.index())
        {
            *epoch = epoch.wrapping_add(1);
        }
        if value.is_some() {
            self.live += usize::from(last.is_none());
            return Some(if last.is_some() { Action::Update } else { Action::Insert });
        }
        self.vacant.push(slot);
        let span = last?;
        self.values.free(span);
        self.live -= 1;
        Some(Action::Delete)
    }

    /// Whether anything was collected that has not taken effect.
    pub(super) fn is_collecting(&self) -> bool {
        let Collected { changes, silent, count, .. } = &self.collected;
        *count > 0 || !changes.is_empty() || !silent.is_empty()
    }

    /// How many messages were collected.
    pub(crate) const fn collected(&self) -> usize {
        self.collected.count
    }

    /// Collects: the item is there. `gated`: versions decide.
    pub(crate) fn upsert(&mut self, slot: Slot, version: Version, value: &[u8], gated: bool) {
        let Some(&Entry { now, pass, .. }) = self.names.get(slot) else {
            return;
        };
        let before = now.known();
        // A slot that was never used cannot be missing.
        if pass != 0 || before != Known::Unknown {
            self.name_it(slot);
        }
        let mut known = before;
        let same = || now.value().is_some_and(|span| same(self.values.get(span), value));
        let action = if gated {
            known.upsert(version)
        } else if before == Known::Live(version) && same() {
            return self.nothing(slot, version, false, Noop::Unchanged);
        } else if before.is_live() {
            Action::Update
        } else {
            Action::Insert
        };
        match (action, before) {
            (Action::Noop, Known::Tombstone(known)) => {
                self.nothing(slot, version, false, Noop::Deleted(known));
            }
            (Action::Noop, Known::Live(known)) if known > version => {
                self.nothing(slot, version, false, Noop::Stale(known));
            }
            (Action::Noop, _) => self.nothing(slot, version, false, Noop::Duplicate),
            _ => {
                let value = self.values.push(value);
                self.put(slot, before, Record::live(version, value));
                self.change(slot, action, version);
            }
        }
    }

    /// Collects: the item is gone.
    pub(crate) fn delete(&mut self, slot: Slot, version: Version, gated: bool) {
        self.name_it(slot);
        let before = self.newest(slot);
        let mut known = before;
        let action = if gated {
            known.delete(version)
        } else {
            known = Known::Tombstone(version);
            if before.is_live() { Action::Delete } else { Action::Noop }
        };
        if known == Known::Tombstone(version) && known != before {
            self.put(slot, before, Record::tombstone(version));
            self.collected.graves.push((slot, version));
        }
        let noop = match (action, before) {
            (Action::Delete, _) => return self.change(slot, action, version),
            (_, Known::Live(known)) if known > version => Noop::Stale(known),
            (_, Known::Live(_)) => Noop::Duplicate,
            (_, Known::Tombstone(known)) if known >= version => Noop::Deleted(known),
            _ => Noop::Absent,
        };
        if known != before {
            self.collected.silent.push(slot);
        }
        self.nothing(slot, version, true, noop);
    }

    /// Collects: the item is gone, and nobody need remember it.
    pub(crate) fn forget(&mut self, slot: Slot, version: Version) {
        if self.drop_known(slot, version) {
            self.change(slot, Action::Delete, version);
        } else {
            self.nothing(slot, version, true, Noop::Absent);
        }
    }

    /// Collects: the item is listed, and what is known of it stays.
    pub(crate) fn keep(&mut self, slot: Slot, refused: Option<Version>) {
        self.name_it(slot);
        self.vacant.push(slot);
        let noop = if refused.is_some() { Noop::Refused } else { Noop::Kept };
        self.nothing(slot, refused.unwrap_or_default(), false, noop);
    }

    /// Collects: of this part (or of all), everything was named; the rest is to be forgotten.
    pub(crate) fn sweep(&mut self, part: Option<Part>) {
        let known = self.live + self.tombstones;
        let mut missing = known.saturating_sub(self.collected.named);
        for slot in self.names.slots() {
            if missing == 0 {
                break;
            }
            if self.marks.get(slot.index()) == Some(&self.pass) {
                continue;
            }
            let Some(record) = self.record(slot).filter(|r| r.known() != Known::Unknown) else {
                continue;
            };
            let version = record.version;
            missing -= 1;
            if part.is_some_and(|part| self.names.part(slot) != Some(part)) {
                continue;
            }
            self.name_it(slot);
            if self.drop_known(slot, version) {
                self.change(slot, Action::Delete, version);
                self.collected.count -= 1; // it was no message
            }
        }
    }

    /// Lets what was collected take effect, as a whole. What it did is appended to `changes`;
    /// the answer is whether items are gone.
    pub(crate) fn commit(&mut self, now: Instant, changes: &mut Vec<Change>) -> bool {
        let removes = self.collected.removes;
        if self.collected.moving > 0 {
            for change in &self.collected.changes {
                if let Some(epoch) = self.epochs.get_mut(change.slot.index()) {
                    *epoch = epoch.wrapping_add(1);
                }
            }
        }
        self.live = self.live.wrapping_add_signed(self.collected.live);
        self.tombstones = self.tombstones.wrapping_add_signed(self.collected.tombstones);
        self.revision += u64::from(!self.collected.changes.is_empty());
        self.next_pass();
        for (slot, version) in self.collected.graves.drain(..) {
            self.graves.push_back((slot, version, now));
        }
        self.clear_away();
        if changes.is_empty() {
            core::mem::swap(changes, &mut self.collected.changes);
        } else {
            changes.append(&mut self.collected.changes);
        }
        self.collected.silent.clear();
        self.start();
        self.bury(now);
        removes
    }

    /// Drops what was collected.
    pub(crate) fn abandon(&mut self) {
        if !self.is_collecting() {
            return;
        }
        // Backwards, as they were written: the values leave no gap.
        while let Some(change) = self.collected.changes.pop() {
            self.take_back(change.slot);
        }
        while let Some(slot) = self.collected.silent.pop() {
            self.take_back(slot);
        }
        self.collected.graves.clear();
        self.next_pass();
        self.start();
    }

    /// Forgets everything, now. The answer is whether there was anything.
    pub(crate) fn clear(&mut self, changes: &mut Vec<Change>) -> bool {
        self.abandon();
        self.begin(Transfer::Snapshot);
        self.sweep(None);
        self.commit(Instant::default(), changes)
    }

    /// A transfer begins, which names everything that there is, or else changes.
    pub(crate) fn begin(&mut self, transfer: Transfer) {
        self.collected.lists = transfer == Transfer::Snapshot;
    }

    /// Begins or ends the keeping of outcomes.
    pub(crate) fn keep_outcomes(&mut self, on: bool) {
        self.collected.outcomes.keep(on);
    }

    /// What became of the messages collected so far.
    pub(crate) fn take_outcomes(&mut self) -> Vec<Outcome> {
        self.collected.outcomes.take()
    }

    /// The transfer after this one has not begun.
    fn start(&mut self) {
        self.collected.moving = 0;
        self.collected.removes = false;
        self.collected.count = 0;
        self.collected.live = 0;
        self.collected.tombstones = 0;
        self.collected.named = 0;
        drop(self.collected.outcomes.take());
    }

    fn next_pass(&mut self) {
        self.pass = self.pass.wrapping_add(1);
        if self.pass == 0 {
            // Once in four billion transactions numbers are used again: nothing old may be left.
            for slot in self.names.slots() {
                self.settle(slot);
                if let Some(entry) = self.names.get_mut(slot) {
                    entry.pass = 0;
                }
            }
            self.marks.fill(0);
            self.pass = 1;
        }
    }

    /// Notes that the transfer has named the slot, if what it does not name is to be forgotten.
    fn name_it(&mut self, slot: Slot) {
        let pass = self.pass;
        if !self.collected.lists {
            return;
        }
        let Some(mark) = self.marks.get_mut(slot.index()) else {
            return;
        };
        if core::mem::replace(mark, pass) != pass {
            let known = self.record(slot).is_some_and(|record| record.known() != Known::Unknown);
            self.collected.named += usize::from(known);
        }
    }

    fn take_back(&mut self, slot: Slot) {
        let Some(entry) = self.names.get_mut(slot).filter(|entry| entry.pass == self.pass) else {
            return;
        };
        let before = self.replaced.take(&mut entry.before).unwrap_or(Record::UNKNOWN);
        let taken = core::mem::replace(&mut entry.now, before);
        entry.pass = 0;
        self.release(Some(taken));
        self.vacant.push(slot);
    }

    /// Collects a record, where this was known before.
    fn put(&mut self, slot: Slot, before: Known, record: Record) {
        let Some(entry) = self.names.get_mut(slot) else {
            return;
        };
        // What nobody can see any more: a record of the same transfer, or one from before the last.
        let hidden = if entry.pass == self.pass {
            Some(entry.now)
        } else {
            let hidden = self.replaced.take(&mut entry.before);
            entry.before = self.replaced.keep(entry.now);
            entry.pass = self.pass;
            self.collected.moving += usize::from(before.is_live());
            hidden
        };
        entry.now = record;
        self.release(hidden);
        let one = |is: bool| isize::from(is);
        let tombstone = |known| one(matches!(known, Known::Tombstone(_)));
        let after = record.known();
        self.collected.live += one(after.is_live()) - one(before.is_live());
        self.collected.tombstones += tombstone(after) - tombstone(before);
    }

    /// Collects that nothing is known any more; true if the item was there.
    fn drop_known(&mut self, slot: Slot, version: Version) -> bool {
        let known = self.newest(slot);
        self.vacant.push(slot);
        if known != Known::Unknown {
            self.put(slot, known, Record::forgotten(version));
        }
        if !known.is_live() {
            self.collected.silent.push(slot);
        }
        known.is_live()
    }

    fn change(&mut self, slot: Slot, action: Action, version: Version) {
        self.collected.count += 1;
        self.collected.changes.push(Change { slot, action, version });
        let delete = action == Action::Delete;
        self.collected.removes |= delete;
        let outcome = || Outcome { slot, action, version, delete, noop: None };
        self.collected.outcomes.note(outcome);
    }

    fn nothing(&mut self, slot: Slot, version: Version, delete: bool, noop: Noop) {
        self.collected.count += 1;
        let action = Action::Noop;
        let outcome = || Outcome { slot, action, version, delete, noop: Some(noop) };
        self.collected.outcomes.note(outcome);
        if self.newest(slot) == Known::Unknown {
            self.vacant.push(slot);
        }
    }

    fn newest(&self, slot: Slot) -> Known {
        self.names.get(slot).map_or(Known::Unknown, |entry| entry.now.known())
    }
}
