//! Transactions that are brief: nothing of them is collected before their end is there.
//!
//! Most are. Their texts stay where they came until it is known that the transaction follows those
//! before it; then each is copied once, to where the value is that it takes the place of. One that
//! was seen before costs next to nothing.

use alloc::vec::Vec;

use super::{NameOf, State};
use crate::item::Change;
use crate::message::Version;
use crate::names::Slot;
use crate::receiver::Action;

/// Such a transaction, as far as it has come.
#[derive(Default)]
pub(crate) struct Brief {
    items: Vec<Item>,
    /// Texts that are not in the chunk at hand.
    kept: Vec<u8>,
    /// So many of the first items have theirs there.
    left: usize,
}

/// An item that it puts, or deletes.
struct Item {
    name: NameOf,
    /// Found when the transaction is at its end.
    slot: Slot,
    version: Version,
    key: Place,
    value: Option<Place>,
}

/// Where a text is: in the chunk at hand, or behind [`KEPT`] among those that are kept.
#[derive(Clone, Copy)]
struct Place {
    at: u32,
    length: u32,
}

impl Brief {
    pub(crate) const fn len(&self) -> usize {
        self.items.len()
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Whether a value of this size may be part of it.
    pub(crate) const fn takes(size: usize) -> bool {
        size <= MOST
    }

    /// An item is put, or deleted if it has no value. The texts are in this chunk, most of them.
    #[cfg_attr(feature = "full", inline)]
    #[cfg_attr(not(feature = "full"), inline(never))]
    pub(crate) fn push(
        &mut self,
        name: NameOf,
        version: Version,
        key: &[u8],
        value: Option<&[u8]>,
        chunk: &[u8],
    ) {
        let key = self.place(key, chunk);
        let value = value.map(|value| self.place(value, chunk));
        self.items.push(Item { name, slot: Slot(u32::MAX), version, key, value });
    }

    /// Tells each item, in order: its name, version and key, and its value unless it is deleted.
    pub(crate) fn each(
        &self,
        chunk: &[u8],
        mut then: impl FnMut(NameOf, Version, &[u8], Option<&[u8]>),
    ) {
        for &Item { name, version, key, value, .. } in &self.items {
            let value = value.map(|value| value.of(chunk, &self.kept));
            then(name, version, key.of(chunk, &self.kept), value);
        }
    }

    /// A chunk is at its end: its texts are kept. False, and nothing is done, if that is too much.
    pub(crate) fn leave(&mut self, chunk: &[u8]) -> bool {
        let new = self.items.get_mut(self.left..).unwrap_or_default();
        let size = |item: &Item| (item.key.length + item.value.map_or(0, |v| v.length)) as usize;
        if self.kept.len() + new.iter().map(size).sum::<usize>() > MOST {
            return false;
        }
        for item in new {
            for place in [Some(&mut item.key), item.value.as_mut()].into_iter().flatten() {
                if place.at < KEPT {
                    *place = keep(&mut self.kept, place.of(chunk, &[]));
                }
            }
        }
        self.left = self.items.len();
        true
    }

    /// Forgets it.
    pub(crate) fn clear(&mut self) {
        self.items.clear();
        self.kept.clear();
        self.left = 0;
        if self.items.capacity() > MANY {
            *self = Self::default();
        }
    }

    #[inline]
    fn place(&mut self, text: &[u8], chunk: &[u8]) -> Place {
        let at = text.as_ptr().addr().wrapping_sub(chunk.as_ptr().addr());
        let room = chunk.len().checked_sub(at).filter(|_| at < KEPT as usize);
        if room >= Some(text.len()) {
            Place { at: at as u32, length: text.len() as u32 }
        } else {
            keep(&mut self.kept, text)
        }
    }
}

#[cold]
fn keep(kept: &mut Vec<u8>, text: &[u8]) -> Place {
    let at = KEPT | kept.len() as u32;
    kept.extend_from_slice(text);
    Place { at, length: text.len() as u32 }
}

impl Place {
    #[cfg_attr(feature = "full", inline)]
    #[cfg_attr(not(feature = "full"), inline(never))]
    fn of<'b>(self, chunk: &'b [u8], kept: &'b [u8]) -> &'b [u8] {
        let bytes = if self.at < KEPT { chunk } else { kept };
        let at = (self.at & !KEPT) as usize;
        bytes.get(at..at + self.length as usize).unwrap_or_default()
    }
}

impl State {
    /// Lets a transaction take effect, as a whole. What it did is appended to `changes`; the answer is
    /// whether items are gone.
    pub(crate) fn apply(
        &mut self,
        brief: &mut Brief,
        chunk: &[u8],
        changes: &mut Vec<Change>,
    ) -> bool {
        self.look_up(brief, chunk);
        let (before, mut removes) = (changes.len(), false);
        for &Item { slot, version, value, .. } in &brief.items {
            let value = value.map(|value| value.of(chunk, &brief.kept));
            if let Some(action) = self.replace(slot, version, value) {
                changes.push(Change { slot, action, version });
                removes |= action == Action::Delete;
            }
        }
        self.revision += u64::from(changes.len() > before);
        brief.clear();
        removes
    }

    /// Finds the slot of each item.
    ///
    /// All that there is to read is in memory that is far away. In loops that decide nothing by what
    /// they read the processor waits for many places at once: of the index, then of the names, then of
    /// the values that are to be replaced. (In functions apart, as they are faster in WebAssembly.)
    fn look_up(&mut self, brief: &mut Brief, chunk: &[u8]) {
        let mut seen = 0;
        for item in &brief.items {
            seen ^= self.names.touch(item.name.hash);
        }
        seen ^= self.guess(brief);
        for item in &mut brief.items {
            let key = item.key.of(chunk, &brief.kept);
            if !self.names.is(item.slot, item.name.part, key) {
                item.slot = self.slot_of(item.name, key);
            }
        }
        core::hint::black_box(seen ^ self.touch(brief));
    }

    #[inline(never)]
    fn guess(&self, brief: &mut Brief) -> u32 {
        let mut seen = 0;
        for item in &mut brief.items {
            let (slot, read) = self.names.guess(item.name.hash);
            item.slot = slot;
            seen ^= read;
        }
        seen
    }

    #[inline(never)]
    fn touch(&self, brief: &Brief) -> u32 {
        let spans = brief.items.iter().filter_map(|item| self.span(item.slot));
        spans.fold(0, |seen, span| seen ^ u32::from(self.values.touch(span)))
    }
}

const KEPT: u32 = 1 << 31;
/// So many bytes of texts are kept, at most: a transaction that has more is not brief.
const MOST: usize = super::BRIEF;
/// Room for more items than this is not kept.
const MANY: usize = 4096;
