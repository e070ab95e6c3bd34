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

/// Names, each with what belongs to it.
pub(crate) struct Names<T> {
    keys: Arena,
    list: Pages<Name<T>>,
    index: Index,
    /// The last slot that was given up, and through [`Name::hash`] those before it.
    free: u32,
}

struct Name<T> {
    /// `FREE` in a slot that was given up.
    part: Part,
    hash: u32,
    key: Span,
    /// Kept beside the name: who looks for one wants the other.
    item: T,
}

const FREE: Part = Part::MAX;
const LAST: u32 = u32::MAX;

impl<T> Default for Names<T> {
    fn default() -> Self {
        Self { keys: Arena::default(), list: Pages::default(), index: Index::default(), free: LAST }
    }
}

impl<T: Default> Names<T> {
    #[inline]
    pub(crate) fn find(&self, part: Part, key: &str) -> Option<Slot> {
        self.find_hashed(part, hash(part, key.as_bytes()), key)
    }

    /// The slot of a name, given to it if it has none.
    #[inline]
    pub(crate) fn slot(&mut self, part: Part, key: &str) -> Slot {
        let hash = hash(part, key.as_bytes());
        self.find_hashed(part, hash, key).unwrap_or_else(|| self.add(part, hash, key))
    }

    /// The name that has this slot.
    pub(crate) fn name(&self, slot: Slot) -> Option<(Part, &str)> {
        let name = self.at(slot)?;
        Some((name.part, core::str::from_utf8(self.keys.get(name.key)).unwrap_or_default()))
    }

    /// The part of the name that has this slot.
    pub(crate) fn part(&self, slot: Slot) -> Option<Part> {
        self.at(slot).map(|name| name.part)
    }

    /// What belongs to the name that has this slot.
    #[inline]
    pub(crate) fn get(&self, slot: Slot) -> Option<&T> {
        self.list.get(slot.0).map(|name| &name.item)
    }

    /// The same, to be changed.
    #[inline]
    pub(crate) fn get_mut(&mut self, slot: Slot) -> Option<&mut T> {
        self.list.get_mut(slot.0).map(|name| &mut name.item)
    }

    /// Gives up a slot, and what belongs to it.
    pub(crate) fn remove(&mut self, slot: Slot) {
        let Some(name) = self.list.get_mut(slot.0).filter(|name| name.part != FREE) else {
            return;
        };
        self.index.remove(name.hash, slot.0);
        self.keys.free(name.key);
        name.item = T::default();
        name.part = FREE;
        name.hash = core::mem::replace(&mut self.free, slot.0);
    }

    /// Leaves the next slot out: nothing has it until [`open_gaps`](Self::open_gaps).
    #[cfg(feature = "full")]
    pub(crate) fn leave_gap(&mut self) {
        let key = Span { segment: LAST, at: 0, length: 0 };
        self.list.push(Name { part: FREE, hash: LAST, key, item: T::default() });
    }

    /// Has the slots that were left out given to names to come.
    #[cfg(feature = "full")]
    pub(crate) fn open_gaps(&mut self) {
        for slot in 0..self.list.len() {
            if let Some(name) = self.list.get_mut(slot).filter(|name| name.part == FREE) {
                name.hash = core::mem::replace(&mut self.free, slot);
            }
        }
    }

    /// All slots there are or were.
    pub(crate) fn slots(&self) -> impl Iterator<Item = Slot> + use<T> {
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

    fn at(&self, slot: Slot) -> Option<&Name<T>> {
        self.list.get(slot.0).filter(|name| name.part != FREE)
    }

    #[inline]
    fn find_hashed(&self, part: Part, hash: u32, key: &str) -> Option<Slot> {
        let same = |slot| {
            let name = self.list.get(slot);
            name.is_some_and(|name| name.part == part && self.keys.get(name.key) == key.as_bytes())
        };
        self.index.find(hash, same).map(Slot)
    }

    #[cold]
    fn add(&mut self, part: Part, hash: u32, key: &str) -> Slot {
        let name = Name { part, hash, key: self.keys.push(key.as_bytes()), item: T::default() };
        let slot = self.free;
        let slot = if let Some(place) = self.list.get_mut(slot) {
            self.free = place.hash;
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
}
