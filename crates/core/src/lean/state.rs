//! All items of a stream, each at its newest version, as the bytes that came.
//!
//! A first snapshot is written where it belongs as it comes, and seen by nobody before its end; a
//! transaction after it ([`Brief`]) takes effect as a whole. So nothing that is replaced has to be
//! kept, and only items that are there have records.

#[path = "../state/brief.rs"]
mod brief;

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::arena::{Arena, Span};
use crate::bytes::{Text, owned, utf8};
use crate::index::hash;
#[cfg(test)]
use crate::item::Item;
use crate::message::Version;
use crate::names::{Names, Part, Slot};
use crate::receiver::Action;
use crate::same::same;
pub(crate) use brief::Brief;

/// The default view: every item at its newest version, values as raw JSON.
#[derive(Default)]
pub struct State {
    names: Names<Record>,
    kinds: Vec<Box<Text>>,
    values: Arena,
    /// By slot: moves whenever a value is replaced or goes, and never goes back.
    epochs: Vec<u32>,
    live: usize,
    revision: u64,
    /// A snapshot is on its way that nobody is to see.
    hidden: bool,
    /// Slots without items, to be given up when nobody names them.
    vacant: Vec<Slot>,
    /// Where the clearing away has come to, and how many more slots it has to look at.
    hand: u32,
    untidy: u32,
}

/// An item, if there is one.
#[derive(Clone, Copy, Default)]
struct Record {
    version: Version,
    value: Option<Span>,
}

/// What finds the slot of a name, beside its key.
#[derive(Clone, Copy)]
pub(crate) struct NameOf {
    pub(super) part: Part,
    pub(super) hash: u32,
}

impl State {
    /// The slot of this kind and key, if the item is there.
    pub fn find(&self, kind: &Text, key: &Text) -> Option<Slot> {
        self.names.find(self.part_of(kind.as_ref())?, key).filter(|_| !self.hidden)
    }

    /// The item in this slot, if it is there.
    #[cfg(test)]
    pub fn item(&self, slot: Slot) -> Option<Item<'_>> {
        let (version, value) = self.value(slot)?;
        let (part, key) = self.place(slot)?;
        let kind = self.kinds.get(part as usize)?;
        Some(Item { kind, key, version, value })
    }

    /// The version and value of the item in this slot, if it is there.
    pub fn value(&self, slot: Slot) -> Option<(Version, &[u8])> {
        let record = self.names.get(slot)?;
        Some((record.version, self.values.get(record.value?)))
    }

    /// The number of the kind, its place among [`kinds`](Self::kinds), and the key that this slot
    /// belongs to, whether or not the item is there.
    pub fn place(&self, slot: Slot) -> Option<(u32, &Text)> {
        self.names.name(slot)
    }

    /// All kinds that there were, in the order in which they came.
    pub fn kinds(&self) -> impl Iterator<Item = &Text> {
        self.kinds.iter().map(|kind| &**kind)
    }

    /// All items, in the order of their slots.
    #[cfg(test)]
    pub fn iter(&self) -> impl Iterator<Item = (Slot, Item<'_>)> {
        self.slots(None).filter_map(|slot| Some((slot, self.item(slot)?)))
    }

    /// The slots of all items of a kind, in their order; or of all items.
    pub fn slots(&self, kind: Option<&Text>) -> impl Iterator<Item = Slot> {
        // No kind has this number.
        let part = kind.map(|kind| self.part_of(kind.as_ref()).unwrap_or(Part::MAX));
        self.names.slots().filter(move |&slot| {
            !self.hidden
                && self.span(slot).is_some()
                && part.is_none_or(|part| self.names.part(slot) == Some(part))
        })
    }

    /// How many items are there.
    pub const fn len(&self) -> usize {
        if self.hidden { 0 } else { self.live }
    }

    /// Whether no item is there.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Moves with every transaction that changed anything.
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// Per slot, a number that moves exactly when a value of the slot's is replaced or goes.
    pub fn epochs(&self) -> &[u32] {
        if self.hidden { &[] } else { &self.epochs }
    }

    /// Begins a snapshot; false if there was ever anything, which it would have to be compared with.
    pub(crate) fn hide(&mut self) -> bool {
        self.hidden = self.epochs.is_empty();
        self.hidden
    }

    /// The snapshot is at its end.
    pub(crate) fn show(&mut self) {
        self.revision += u64::from(self.live > 0);
        self.hidden = false;
    }

    /// Drops a snapshot that is on its way.
    pub(crate) fn abandon(&mut self) {
        if self.hidden {
            *self = Self::default();
        }
    }

    /// How many items of a snapshot are there that nobody sees.
    pub(crate) const fn collected(&self) -> usize {
        if self.hidden { self.live } else { 0 }
    }

    /// What finds the slot of a name, once the number of its kind is given out; `None` if it is no
    /// text.
    pub(crate) fn name_of(&mut self, kind: &[u8], key: &[u8]) -> Option<NameOf> {
        if !key.is_ascii() {
            utf8(key)?;
        }
        let part = if let Some(part) = self.part_of(kind) {
            part
        } else {
            self.kinds.push(owned(utf8(kind)?));
            (self.kinds.len() - 1) as Part
        };
        Some(NameOf { part, hash: hash(part, key) })
    }

    /// The slot of a name, made if there is none.
    #[inline(never)]
    pub(crate) fn slot_of(&mut self, NameOf { part, hash }: NameOf, key: &[u8]) -> Slot {
        let slot = self.names.slot_hashed(part, hash, key);
        if slot.index() >= self.epochs.len() {
            self.epochs.push(0);
        }
        slot
    }

    /// Where the value is that a slot holds.
    #[inline]
    fn span(&self, slot: Slot) -> Option<Span> {
        self.names.get(slot)?.value
    }

    /// Writes a value where the one is that it takes the place of, or takes that away.
    #[inline(never)]
    pub(crate) fn replace(
        &mut self,
        slot: Slot,
        version: Version,
        value: Option<&[u8]>,
    ) -> Option<Action> {
        let record = self.names.get_mut(slot)?;
        let last = record.value;
        let (span, action) = match (value, last) {
            (Some(value), Some(span)) => {
                if record.version == version && same(self.values.get(span), value) {
                    return None;
                }
                (Some(self.values.replace(span, value)), Action::Update)
            }
            (Some(value), None) => {
                self.live += 1;
                (Some(self.values.push(value)), Action::Insert)
            }
            (None, _) => {
                self.vacant.push(slot);
                self.values.free(last?);
                self.live -= 1;
                (None, Action::Delete)
            }
        };
        *record = Record { version, value: span };
        if last.is_some()
            && let Some(epoch) = self.epochs.get_mut(slot.index())
        {
            *epoch = epoch.wrapping_add(1);
        }
        Some(action)
    }

    /// Gives up slots and bytes that nobody needs, up to some microseconds' worth. Only when no
    /// change names a slot any more that may be given up.
    pub(crate) fn tend(&mut self) {
        for _ in 0..SLOTS {
            let Some(slot) = self.vacant.pop() else {
                break;
            };
            if self.span(slot).is_none() {
                self.names.remove(slot);
            }
        }
        let slots = self.epochs.len() as u32;
        let sparse = self.values.is_sparse() || self.names.is_sparse();
        if sparse && self.untidy == 0 {
            self.untidy = slots;
        }
        let (mut looks, mut bytes) = (SLOTS, BYTES);
        while sparse && self.untidy > 0 && looks > 0 && bytes > 0 {
            looks -= 1;
            self.untidy -= 1;
            self.hand = if self.hand + 1 < slots { self.hand + 1 } else { 0 };
            let slot = Slot(self.hand);
            self.names.tidy(slot);
            if let Some(Some(span)) = self.names.get_mut(slot).map(|record| &mut record.value) {
                let (moved, size) = self.values.tidy(*span);
                *span = moved;
                bytes = bytes.saturating_sub(size);
            }
        }
    }

    #[inline(never)]
    fn part_of(&self, kind: &[u8]) -> Option<Part> {
        // A handful of kinds: a scan is faster than a hash.
        self.kinds.iter().position(|known| same((**known).as_ref(), kind)).map(|at| at as Part)
    }
}

/// A transaction of more bytes of texts than this is for the module with everything.
const BRIEF: usize = 1 << 20;
/// How many slots are looked at for an input, and how many bytes are moved.
const SLOTS: usize = 2048;
const BYTES: usize = 64 << 10;
