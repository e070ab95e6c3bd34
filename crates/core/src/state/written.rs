//! Slots, epochs, revision and the numbers of kinds, for another process.

use alloc::vec::Vec;

use super::State;
use crate::bytes::{number, text};
use crate::names::Slot;

impl State {
    /// Writes the revision, the kinds, and for each slot its epoch and whether there is an item in it.
    pub(crate) fn write_places(&self, out: &mut Vec<u8>) {
        number(out, self.revision());
        number(out, self.kinds().count() as u64);
        for kind in self.kinds() {
            text(out, kind.as_bytes());
        }
        number(out, self.epochs().len() as u64);
        for (slot, &epoch) in (0..).zip(self.epochs()) {
            let there = self.value(Slot(slot)).is_some();
            number(out, u64::from(epoch) << 1 | u64::from(there));
        }
    }
}
