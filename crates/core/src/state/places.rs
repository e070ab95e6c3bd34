//! Slots, epochs, revision and the numbers of kinds as another process had them: what it noted of slots holds here too.

use alloc::vec::Vec;

use super::State;
use crate::bytes::Bytes;

/// What was written of places.
#[derive(Default)]
pub(crate) struct Places<'a> {
    revision: u64,
    kinds: Vec<&'a str>,
    epochs: Vec<u32>,
    /// Slots with items, in their order.
    items: Vec<u32>,
}

impl<'a> Places<'a> {
    pub(crate) fn read(bytes: &mut Bytes<'a>) -> Option<Self> {
        let mut places = Self { revision: bytes.number()?, ..Self::default() };
        for _ in 0..bytes.number()? {
            places.kinds.push(bytes.text()?);
        }
        for slot in 0..bytes.number()? {
            let place = bytes.number()?;
            places.epochs.push((place >> 1) as u32);
            if place & 1 == 1 {
                places.items.push(slot as u32);
            }
        }
        Some(places)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.epochs.is_empty()
    }

    /// Where the item is to be that comes after so many.
    pub(crate) fn of(&self, item: usize) -> Option<u32> {
        self.items.get(item).copied()
    }
}

impl State {
    /// Has these numbers for kinds, in a state that is new.
    pub(crate) fn number_kinds(&mut self, places: &Places<'_>) {
        for kind in &places.kinds {
            self.part(kind);
        }
    }

    /// Has the next new name in this slot, in a state that is new.
    pub(crate) fn leave_gap_before(&mut self, slot: u32) {
        while (self.epochs.len() as u32) < slot {
            self.names.leave_gap();
            self.epochs.push(0);
            self.marks.push(0);
        }
    }

    /// Takes up the rest, when all items are there.
    pub(crate) fn take_places(&mut self, places: Places<'_>) {
        self.leave_gap_before(places.epochs.len() as u32);
        self.names.open_gaps();
        self.epochs = places.epochs;
        self.revision = places.revision;
    }
}
