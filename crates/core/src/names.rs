//! Which slot belongs to which name: a key within a part (a kind, for instance).

use crate::arena::{Arena, Span};
use crate::bytes::{Text, known, raw};
use crate::index::{Index, hash};
use crate::pages::Pages;
use crate::same::same;

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

// Not across two lines of the processor's cache.
#[repr(align(64))]
struct Name<T> {
    /// `FREE` in a slot that was given up.
    part: Part,
    hash: u32,
    key: Key,
    /// Kept beside the name: who looks for one wants the other.
    item: T,
}

/// A key: in its place if it is short, so that to compare it needs no look elsewhere.
#[derive(Clone, Copy)]
enum Key {
    Here { length: u8, bytes: [u8; HERE] },
    There(Span),
}

const HERE: usize = 14;

impl Key {
    #[inline]
    fn of<'k>(&'k self, keys: &'k Arena) -> &'k [u8] {
        match self {
            Self::Here { length, bytes } => bytes.get(..usize::from(*length)).unwrap_or_default(),
            Self::There(span) => keys.get(*span),
        }
    }
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
    pub(crate) fn find(&self, part: Part, key: &Text) -> Option<Slot> {
        let key = raw(key);
        self.find_hashed(part, hash(part, key), key)
    }

    /// The slot of a name, given to it if it has none.
    #[inline]
    pub(crate) fn slot(&mut self, part: Part, key: &str) -> Slot {
        let hash = hash(part, key.as_bytes());
        let found = self.find_hashed(part, hash, key.as_bytes());
        found.unwrap_or_else(|| self.add(part, hash, key.as_bytes()))
    }

    /// The same, of the hash of a name and its bytes, which are a text.
    #[inline]
    pub(crate) fn slot_hashed(&mut self, part: Part, hash: u32, key: &[u8]) -> Slot {
        self.find_hashed(part, hash, key).unwrap_or_else(|| self.add(part, hash, key))
    }

    /// Reads where a hash would be found, so that the processor has it at hand.
    #[inline]
    pub(crate) fn touch(&self, hash: u32) -> u32 {
        self.index.touch(hash)
    }

    /// The slot that a name with this hash probably has, and something of what is there, for the
    /// same reason.
    #[inline]
    pub(crate) fn guess(&self, hash: u32) -> (Slot, u32) {
        let slot = self.index.find(hash, |_| true).unwrap_or(LAST);
        (Slot(slot), self.list.get(slot).map_or(0, |name| name.hash))
    }

    /// Whether this slot belongs to this name.
    #[inline]
    pub(crate) fn is(&self, slot: Slot, part: Part, key: &[u8]) -> bool {
        let name = self.list.get(slot.0);
        name.is_some_and(|name| name.part == part && same(name.key.of(&self.keys), key))
    }

    /// The name that has this slot.
    pub(crate) fn name(&self, slot: Slot) -> Option<(Part, &Text)> {
        let name = self.at(slot)?;
        Some((name.part, known(name.key.of(&self.keys))))
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
        if let Key::There(span) = name.key {
            self.keys.free(span);
        }
        name.item = T::default();
        name.part = FREE;
        name.hash = core::mem::replace(&mut self.free, slot.0);
    }

    /// Leaves the next slot out: nothing has it until [`open_gaps`](Self::open_gaps).
    #[cfg(feature = "full")]
    pub(crate) fn leave_gap(&mut self) {
        let key = Key::Here { length: 0, bytes: [0; HERE] };
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
        if let Some(name) = self.list.get_mut(slot.0).filter(|name| name.part != FREE)
            && let Key::There(span) = &mut name.key
        {
            (*span, _) = self.keys.tidy(*span);
        }
    }

    fn at(&self, slot: Slot) -> Option<&Name<T>> {
        self.list.get(slot.0).filter(|name| name.part != FREE)
    }

    #[inline]
    fn find_hashed(&self, part: Part, hash: u32, key: &[u8]) -> Option<Slot> {
        self.index.find(hash, |slot| self.is(Slot(slot), part, key)).map(Slot)
    }

    #[cold]
    fn add(&mut self, part: Part, hash: u32, key: &[u8]) -> Slot {
        let mut bytes = [0; HERE];
        let key = if let Some(here) = bytes.get_mut(..key.len()) {
            here.copy_from_slice(key);
            Key::Here { length: key.len() as u8, bytes }
        } else {
            Key::There(self.keys.push(key))
        };
        let name = Name { part, hash, key, item: T::default() };
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
