//! Which slot belongs to which name: a key within a part (a kind, for instance).

use crate::arena::{Arena, Span};
use crate::index::{Index, hash};
use crate::pages::Pages;

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

/// The number of a kind, or of whatever else divides names.
pub(crate) type Part = u32;

#[derive(Default)]
pub(crate) struct Names {
    keys: Arena,
    list: Pages<Name>,
    index: Index,
    /// The last slot that was given up, and through [`Name::key`]`.segment` those before it.
    free: Option<u32>,
}

struct Name {
    /// `FREE` in a slot that was given up.
    part: Part,
    hash: u32,
    key: Span,
}

const FREE: Part = Part::MAX;
const LAST: u32 = u32::MAX;

impl Names {
    #[inline]
    pub(crate) fn find(&self, part: Part, key: &str) -> Option<Slot> {
        self.find_hashed(part, hash(part, key.as_bytes()), key)
    }

    /// The slot of a name, given to it if it has none.
    pub(crate) fn slot(&mut self, part: Part, key: &str) -> Slot {
        let hash = hash(part, key.as_bytes());
        if let Some(slot) = self.find_hashed(part, hash, key) {
            return slot;
        }
        let name = Name { part, hash, key: self.keys.push(key.as_bytes()) };
        let reused = self.free.and_then(|slot| Some((slot, self.list.get_mut(slot)?)));
        let slot = if let Some((slot, place)) = reused {
            self.free = Some(place.key.segment).filter(|&next| next != LAST);
            *place = name;
            slot
        } else {
            self.list.push(name);
            // 2^32 names would not fit in memory.
            self.list.len() - 1
        };
        self.index.insert(hash, slot);
        Slot(slot)
    }

    /// The name that has this slot.
    pub(crate) fn get(&self, slot: Slot) -> Option<(Part, &str)> {
        let name = self.list.get(slot.0).filter(|name| name.part != FREE)?;
        Some((name.part, core::str::from_utf8(self.keys.get(name.key)).unwrap_or_default()))
    }

    /// The part of the name that has this slot.
    pub(crate) fn part(&self, slot: Slot) -> Option<Part> {
        self.list.get(slot.0).map(|name| name.part).filter(|&part| part != FREE)
    }

    /// Gives up a slot.
    pub(crate) fn remove(&mut self, slot: Slot) {
        let Some(name) = self.list.get_mut(slot.0).filter(|name| name.part != FREE) else {
            return;
        };
        self.index.remove(name.hash, slot.0);
        self.keys.free(name.key);
        name.part = FREE;
        name.key.segment = self.free.replace(slot.0).unwrap_or(LAST);
    }

    /// All slots there are or were.
    pub(crate) fn slots(&self) -> impl Iterator<Item = Slot> + use<> {
        (0..self.list.len()).map(Slot)
    }

    /// Whether room is to be made by [`tidy`](Self::tidy).
    pub(crate) fn is_sparse(&self) -> bool {
        self.keys.is_sparse()
    }

    /// Moves the key of a slot, if that makes room.
    pub(crate) fn tidy(&mut self, slot: Slot) {
        if let Some(name) = self.list.get_mut(slot.0).filter(|name| name.part != FREE) {
            (name.key, _) = self.keys.tidy(name.key);
        }
    }

    #[inline]
    fn find_hashed(&self, part: Part, hash: u32, key: &str) -> Option<Slot> {
        let same = |slot| {
            let name = self.list.get(slot);
            name.is_some_and(|name| name.part == part && self.keys.get(name.key) == key.as_bytes())
        };
        self.index.find(hash, same).map(Slot)
    }
}
