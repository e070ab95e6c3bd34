//! All items of a stream, each at its newest version, as the bytes that came.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::item::{Change, Gate, Item, Noop, Tombstones};
use crate::message::{Transfer, Version};
use crate::receiver::{Action, Known};
use crate::table::{Entry, Part, Slot, Table};
use crate::time::Instant;

/// The default view: every item at its newest version, values as raw JSON.
///
/// Only a [`Materializer`](crate::Materializer) writes to it, a whole transaction at a time.
#[derive(Default)]
pub struct State {
    table: Table<Box<[u8]>>,
    kinds: Vec<Box<str>>,
    /// Per slot: moves whenever its value does, and never goes back.
    epochs: Vec<u32>,
    live: usize,
    revision: u64,
    pass: u32,
    bounds: Tombstones,
    /// Deletions by age; some are outdated.
    graves: VecDeque<(Slot, Version, Instant)>,
    /// Slots of which nothing is known any more, to be given up when nobody names them.
    vacant: Vec<Slot>,
    forgotten: u64,
}

/// One step of a transfer that is being collected.
pub(crate) enum Op {
    Upsert { slot: Slot, version: Version, value: Box<[u8]> },
    Delete { slot: Slot, version: Version },
    Keep { slot: Slot, refused: Option<Version> },
    Listed { part: Part },
}

impl State {
    pub(crate) fn new(bounds: Tombstones) -> Self {
        Self { bounds, ..Self::default() }
    }

    /// The item of this kind and key, if it is there.
    pub fn get(&self, kind: &str, key: &str) -> Option<Item<'_>> {
        self.item(self.find(kind, key)?)
    }

    /// What is known of this kind and key, deletions included.
    pub fn known(&self, kind: &str, key: &str) -> Known {
        let entry = self.find(kind, key).and_then(|slot| self.table.get(slot));
        entry.map_or(Known::Unknown, |entry| entry.known)
    }

    /// The slot of this kind and key, if anything is known of it.
    pub fn find(&self, kind: &str, key: &str) -> Option<Slot> {
        self.table.find(self.part_of(kind)?, key)
    }

    /// The item in this slot, if it is there.
    pub fn item(&self, slot: Slot) -> Option<Item<'_>> {
        let entry = self.table.get(slot)?;
        let Known::Live(version) = entry.known else {
            return None;
        };
        let value = entry.item.as_deref()?;
        Some(Item { kind: self.kind_of(entry), key: &entry.key, version, value })
    }

    /// The kind and key that this slot belongs to, whether or not the item is there.
    pub fn name(&self, slot: Slot) -> Option<(&str, &str)> {
        self.table.get(slot).map(|entry| (self.kind_of(entry), &*entry.key))
    }

    /// All items, in the order of their slots.
    pub fn iter(&self) -> impl Iterator<Item = (Slot, Item<'_>)> {
        self.table.iter().filter_map(|(slot, _)| Some((slot, self.item(slot)?)))
    }

    /// Everything that is known, deletions included.
    pub fn iter_known(&self) -> impl Iterator<Item = (&str, &str, Known)> {
        let entries = self.table.iter().map(|(_, entry)| entry);
        let known = entries.filter(|entry| entry.known != Known::Unknown);
        known.map(|entry| (self.kind_of(entry), &*entry.key, entry.known))
    }

    /// How many items are there.
    pub const fn len(&self) -> usize {
        self.live
    }

    /// Whether no item is there.
    pub const fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// Moves with every transaction that changed anything.
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// Per slot, a number that moves exactly when the slot's value does.
    pub fn epochs(&self) -> &[u32] {
        &self.epochs
    }

    /// How many deletions were forgotten because of the bounds: so many times could a late
    /// message have brought an item back.
    pub const fn tombstones_forgotten(&self) -> u64 {
        self.forgotten
    }

    /// The slot for this kind and key, made if there is none.
    pub(crate) fn slot(&mut self, kind: &str, key: &str) -> Slot {
        let part = self.part(kind);
        let slot = self.table.slot(part, key);
        if slot.index() >= self.epochs.len() {
            self.epochs.resize(slot.index() + 1, 0);
        }
        slot
    }

    /// The number of a kind, given out if it has none.
    pub(crate) fn part(&mut self, kind: &str) -> Part {
        self.part_of(kind).unwrap_or_else(|| {
            self.kinds.push(kind.into());
            (self.kinds.len() - 1) as Part
        })
    }

    /// Applies a whole transaction. What it did is appended to `changes`.
    pub(crate) fn apply(
        &mut self,
        transfer: Transfer,
        ops: impl Iterator<Item = Op>,
        gate: Gate,
        now: Instant,
        changes: &mut Vec<Change>,
    ) {
        self.pass = self.pass.wrapping_add(1).max(1);
        let snapshot = transfer == Transfer::Snapshot;
        let gated = match gate {
            Gate::PerKey => true,
            Gate::PerKeySnapshotReplaces => !snapshot,
            Gate::Cursor => false,
        };
        let before = changes.len();
        for op in ops {
            match op {
                Op::Upsert { slot, version, value } => {
                    changes.push(self.upsert(slot, version, value, gated));
                }
                Op::Delete { slot, version } if gate == Gate::Cursor => {
                    changes.push(self.forget(slot, version));
                }
                Op::Delete { slot, version } => {
                    changes.push(self.delete(slot, version, gated, now));
                }
                Op::Keep { slot, refused } => {
                    let noop = if refused.is_some() { Noop::Refused } else { Noop::Kept };
                    self.mark(slot);
                    self.vacant.push(slot);
                    let version = refused.unwrap_or_default();
                    changes.push(Change {
                        slot,
                        action: Action::Noop,
                        version,
                        delete: false,
                        noop: Some(noop),
                    });
                }
                Op::Listed { part } => self.sweep(Some(part), changes),
            }
        }
        if snapshot {
            self.sweep(None, changes);
        }
        if changes[before..].iter().any(|change| change.action != Action::Noop) {
            self.revision += 1;
        }
        self.bury(now);
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self, changes: &mut Vec<Change>) {
        self.apply(
            Transfer::Snapshot,
            core::iter::empty(),
            Gate::Cursor,
            Instant::default(),
            changes,
        );
    }

    /// Notes slots that a dropped transfer may have made for nothing.
    pub(crate) fn abandon(&mut self, ops: impl Iterator<Item = Op>) {
        self.vacant.extend(ops.filter_map(|op| match op {
            Op::Upsert { slot, .. } | Op::Delete { slot, .. } | Op::Keep { slot, .. } => Some(slot),
            Op::Listed { .. } => None,
        }));
    }

    /// Gives up the slots of which nothing is known. Only when no change and no collected step
    /// names one any more.
    pub(crate) fn reclaim(&mut self) {
        for slot in self.vacant.drain(..) {
            if self.table.get(slot).is_some_and(|entry| entry.known == Known::Unknown) {
                self.table.free(slot);
            }
        }
    }

    fn upsert(&mut self, slot: Slot, version: Version, value: Box<[u8]>, gated: bool) -> Change {
        let noop =
            |noop| Change { slot, action: Action::Noop, version, delete: false, noop: Some(noop) };
        let pass = self.pass;
        let Some(entry) = self.table.get_mut(slot) else {
            return noop(Noop::Absent);
        };
        entry.mark = pass;
        let before = entry.known;
        let action = if gated {
            entry.known.upsert(version)
        } else if before == Known::Live(version) && entry.item.as_deref() == Some(&*value) {
            return noop(Noop::Unchanged);
        } else {
            entry.known = Known::Live(version);
            if before.is_live() { Action::Update } else { Action::Insert }
        };
        match (action, before) {
            (Action::Noop, Known::Tombstone(known)) => noop(Noop::Deleted(known)),
            (Action::Noop, Known::Live(known)) if known > version => noop(Noop::Stale(known)),
            (Action::Noop, _) => noop(Noop::Duplicate),
            _ => {
                entry.item = Some(value);
                self.moved(slot, action);
                Change { slot, action, version, delete: false, noop: None }
            }
        }
    }

    fn delete(&mut self, slot: Slot, version: Version, gated: bool, now: Instant) -> Change {
        let noop =
            |noop| Change { slot, action: Action::Noop, version, delete: true, noop: Some(noop) };
        let pass = self.pass;
        let Some(entry) = self.table.get_mut(slot) else {
            return noop(Noop::Absent);
        };
        entry.mark = pass;
        let before = entry.known;
        let action = if gated {
            entry.known.delete(version)
        } else {
            entry.known = Known::Tombstone(version);
            if before.is_live() { Action::Delete } else { Action::Noop }
        };
        if entry.known == Known::Tombstone(version) && entry.known != before {
            self.graves.push_back((slot, version, now));
        }
        match (action, before) {
            (Action::Delete, _) => {
                entry.item = None;
                self.moved(slot, action);
                Change { slot, action, version, delete: true, noop: None }
            }
            (_, Known::Live(known)) if known > version => noop(Noop::Stale(known)),
            (_, Known::Live(_)) => noop(Noop::Duplicate),
            (_, Known::Tombstone(known)) if known >= version => noop(Noop::Deleted(known)),
            _ => noop(Noop::Absent),
        }
    }

    fn forget(&mut self, slot: Slot, version: Version) -> Change {
        let action = self.table.get_mut(slot).map_or(Action::Noop, |entry| {
            entry.item = None;
            entry.known.forget()
        });
        self.vacant.push(slot);
        if action == Action::Noop {
            return Change { slot, action, version, delete: true, noop: Some(Noop::Absent) };
        }
        self.moved(slot, action);
        Change { slot, action, version, delete: true, noop: None }
    }

    /// Forgets what this pass did not meet, of one kind or of all.
    fn sweep(&mut self, part: Option<Part>, changes: &mut Vec<Change>) {
        for slot in self.table.slots() {
            let Some(entry) = self.table.get(slot) else {
                continue;
            };
            if entry.mark == self.pass || part.is_some_and(|part| part != entry.part) {
                continue;
            }
            let version = entry.known.version().unwrap_or_default();
            let change = self.forget(slot, version);
            if change.action == Action::Delete {
                changes.push(change);
            }
        }
    }

    /// Forgets deletions beyond the bounds, oldest first.
    fn bury(&mut self, now: Instant) {
        while let Some(&(slot, version, since)) = self.graves.front() {
            let current =
                self.table.get(slot).is_some_and(|entry| entry.known == Known::Tombstone(version));
            let over = self.graves.len() > self.bounds.count || now.since(since) > self.bounds.age;
            if current && !over {
                break;
            }
            self.graves.pop_front();
            if current {
                self.forget(slot, version);
                self.forgotten += 1;
            }
        }
    }

    fn moved(&mut self, slot: Slot, action: Action) {
        if let Some(epoch) = self.epochs.get_mut(slot.index()) {
            *epoch = epoch.wrapping_add(1);
        }
        match action {
            Action::Insert => self.live += 1,
            Action::Delete => self.live -= 1,
            Action::Update | Action::Noop => {}
        }
    }

    fn mark(&mut self, slot: Slot) {
        if let Some(entry) = self.table.get_mut(slot) {
            entry.mark = self.pass;
        }
    }

    fn part_of(&self, kind: &str) -> Option<Part> {
        // A handful of kinds: a scan is faster than a hash.
        self.kinds.iter().position(|known| **known == *kind).map(|at| at as Part)
    }

    fn kind_of(&self, entry: &Entry<Box<[u8]>>) -> &str {
        self.kinds.get(entry.part as usize).map_or("", |kind| kind)
    }
}
