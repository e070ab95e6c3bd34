//! Reading a state: slots, places in memory, and what has changed.
//!
//! Items are addressed by slots: an item keeps its slot for as long as it is there. Places in
//! memory hold until the next call that takes something in.

use highwater_core::{Action, Slot, Text, raw};

use super::input::Input;
use super::{Machine, NONE, export, put_numbers, put_text, take_numbers, take_text};

export! {
    /// The slot of an item that is there, or [`NONE`]: kind and key are in the input.
    fn find(session: &Machine) -> u32 {
        let mut input = Input::take();
        let (kind, key) = (input.next(), input.next());
        let state = session.state();
        let slot = state.find(input.text(kind), input.text(key));
        slot.filter(|&slot| state.value(slot).is_some()).map_or(NONE, |slot| slot.index() as u32)
    }

    /// Where the JSON of an item begins in memory; nothing if it is not there.
    fn value(session: &Machine, slot: u32) -> *const u8 {
        let value = session.state().value(Slot::from_index(slot));
        value.map_or(core::ptr::null(), |(_, value)| value.as_ptr())
    }

    /// How many bytes it is.
    fn length(session: &Machine, slot: u32) -> u32 {
        session.state().value(Slot::from_index(slot)).map_or(0, |(_, value)| value.len() as u32)
    }

    /// The values of so many slots of the input, end to end: the answer is how long they are
    /// together, the numbers are how long each is in UTF-16 units; or [`NONE`] for one that is not
    /// there, or is to be had alone.
    fn values(session: &Machine, count: usize) -> u32 {
        let input = Input::take();
        let (mut text, mut numbers) = (take_text(), take_numbers());
        for at in 0..count {
            let slot = Slot::from_index(input.word(at * 4).unwrap_or(NONE));
            let value = session.state().value(slot).map(|(_, value)| value);
            let units = value.map_or(NONE, value_units);
            if units != NONE {
                text.extend_from_slice(value.unwrap_or_default());
            }
            numbers.push(units);
        }
        put_numbers(numbers);
        put_text(text)
    }

    /// The item's version, where there is one.
    fn version(session: &Machine, slot: u32) -> i64 {
        session.state().value(Slot::from_index(slot)).map_or(0, |(version, _)| version)
    }

    /// Names of so many slots of the input, also of those that the last input deleted: the text is
    /// the keys, end to end, and the numbers are, for each, its kind and how long its key is in
    /// UTF-16 units.
    fn names(session: &Machine, count: usize) -> u32 {
        let input = Input::take();
        let (mut text, mut numbers) = (take_text(), take_numbers());
        for at in 0..count {
            let slot = Slot::from_index(input.word(at * 4).unwrap_or(NONE));
            let (kind, key) = session.state().place(slot).unwrap_or_default();
            text.extend_from_slice(raw(key));
            numbers.push(kind);
            numbers.push(units(key));
        }
        put_numbers(numbers);
        put_text(text)
    }

    /// The text is the kind that has this number.
    fn kind(session: &Machine, number: u32) -> u32 {
        let mut text = take_text();
        let kind = session.state().kinds().nth(number as usize);
        text.extend_from_slice(raw(kind.unwrap_or_default()));
        put_text(text)
    }

    /// Where the epochs of all slots begin in memory: 32 bits each.
    fn epochs(session: &Machine) -> *const u32 {
        session.state().epochs().as_ptr()
    }

    /// How many items there are.
    fn size(session: &Machine) -> u32 {
        session.state().len() as u32
    }

    /// Moves with every transaction that changed anything.
    fn revision(session: &Machine) -> f64 {
        session.state().revision() as f64
    }

    /// The slots of all items, or of those of the kind in the input: the numbers, and how many.
    fn slots(session: &Machine) -> u32 {
        let mut input = Input::take();
        let kind = input.next();
        let kind = kind.map(|_| input.text(kind));
        let mut numbers = take_numbers();
        for slot in session.state().slots(kind) {
            numbers.push(slot.index() as u32);
        }
        put_numbers(numbers)
    }

    /// What the last input changed: the numbers, and how many there are. For each transaction a
    /// header, `count * 2`, plus one if it was a snapshot, and then that many changes,
    /// `slot * 4 + action`: 0 for an insertion, 1 for an update, 2 for a deletion.
    fn changes(session: &Machine) -> u32 {
        let materializer = session.materializer();
        let changes = materializer.changes();
        let mut numbers = take_numbers();
        numbers.reserve(changes.len() + materializer.commits().len());
        let mut begin = 0;
        for commit in materializer.commits() {
            let own = changes.get(begin..commit.end).unwrap_or_default();
            begin = commit.end;
            numbers.push(((own.len() as u32) << 1) | u32::from(commit.snapshot));
            for change in own {
                let action = match change.action {
                    Action::Insert => 0,
                    Action::Update => 1,
                    Action::Delete | Action::Noop => 2,
                };
                numbers.push(((change.slot.index() as u32) << 2) | action);
            }
        }
        put_numbers(numbers)
    }
}

/// How long a value is in JavaScript; or [`NONE`] if it is not UTF-8, or if there is no telling.
fn value_units(value: &[u8]) -> u32 {
    // Nearly all are ASCII, and that is quickly seen.
    if value.is_ascii() {
        return value.len() as u32;
    }
    #[cfg(feature = "full")]
    return core::str::from_utf8(value).map_or(NONE, units);
    #[cfg(not(feature = "full"))]
    NONE
}

/// How long the text is in JavaScript.
pub(super) fn units(text: &Text) -> u32 {
    // Every character has one unit, and those of four bytes have two.
    let mut units = 0;
    for &byte in raw(text) {
        units += u32::from(byte & 0xc0 != 0x80) + u32::from(byte >= 0xf0);
    }
    units
}
