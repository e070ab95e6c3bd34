//! Entries found by kind and key, each in a slot of its own that it keeps.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::hash::{Hash, Hasher};

use hashbrown::HashTable;
use rustc_hash::FxHasher;

use crate::receiver::Known;

/// The place of an item in a [`State`](crate::State).
///
/// An item keeps its slot for as long as anything is known of it, its deletion included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(pub(crate) u32);

impl Slot {
    /// The slot as an index, from 0.
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// The slot with this index.
    pub const fn from_index(index: u32) -> Self {
        Self(index)
    }
}

/// The number of a kind, or of whatever else divides a table.
pub(crate) type Part = u32;

pub(crate) struct Entry<T> {
    pub(crate) part: Part,
    pub(crate) key: Box<str>,
    pub(crate) known: Known,
    /// There exactly when `known` is live.
    pub(crate) item: Option<T>,
    /// The last pass that met this entry.
    pub(crate) mark: u32,
}

pub(crate) struct Table<T> {
    slots: Vec<Option<Entry<T>>>,
    index: HashTable<u32>,
    free: Vec<u32>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { slots: Vec::new(), index: HashTable::new(), free: Vec::new() }
    }
}

impl<T> Table<T> {
    pub(crate) fn find(&self, part: Part, key: &str) -> Option<Slot> {
        let same = |&slot: &u32| self.is(slot, part, key);
        self.index.find(hash(part, key), same).copied().map(Slot)
    }

    /// The slot of an entry, made (of nothing known) if there is none.
    pub(crate) fn slot(&mut self, part: Part, key: &str) -> Slot {
        if let Some(slot) = self.find(part, key) {
            return slot;
        }
        let entry = Entry { part, key: key.into(), known: Known::Unknown, item: None, mark: 0 };
        let slot = if let Some(slot) = self.free.pop() {
            self.slots[slot as usize] = Some(entry);
            slot
        } else {
            self.slots.push(Some(entry));
            // 2^32 keys would not fit in memory.
            (self.slots.len() - 1) as u32
        };
        let Self { slots, index, .. } = self;
        index.insert_unique(hash(part, key), slot, |&slot| rehash(slots, slot));
        Slot(slot)
    }

    pub(crate) fn get(&self, slot: Slot) -> Option<&Entry<T>> {
        self.slots.get(slot.index())?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, slot: Slot) -> Option<&mut Entry<T>> {
        self.slots.get_mut(slot.index())?.as_mut()
    }

    /// Gives up a slot, and all that was known there.
    pub(crate) fn free(&mut self, slot: Slot) {
        let Some(entry) = self.slots.get_mut(slot.index()).and_then(Option::take) else {
            return;
        };
        let hash = hash(entry.part, &entry.key);
        if let Ok(found) = self.index.find_entry(hash, |&other| other == slot.0) {
            found.remove();
        }
        self.free.push(slot.0);
    }

    /// All entries, in the order of their slots.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Slot, &Entry<T>)> {
        (0..).map(Slot).zip(&self.slots).filter_map(|(slot, entry)| Some((slot, entry.as_ref()?)))
    }

    /// All slots there are or were.
    pub(crate) fn slots(&self) -> impl Iterator<Item = Slot> + use<T> {
        (0..self.slots.len() as u32).map(Slot)
    }

    fn is(&self, slot: u32, part: Part, key: &str) -> bool {
        let entry = self.slots[slot as usize].as_ref();
        entry.is_some_and(|entry| entry.part == part && *entry.key == *key)
    }
}

fn hash(part: Part, key: &str) -> u64 {
    let mut hasher = FxHasher::default();
    part.hash(&mut hasher);
    hasher.write(key.as_bytes());
    hasher.finish()
}

fn rehash<T>(slots: &[Option<Entry<T>>], slot: u32) -> u64 {
    slots[slot as usize].as_ref().map_or(0, |entry| hash(entry.part, &entry.key))
}
