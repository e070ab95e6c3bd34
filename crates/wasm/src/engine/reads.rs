//! Reading a state: slots, places in memory, and what has changed.
//!
//! Items are addressed by slots: an item keeps its slot for as long as it is there. Places in
//! memory hold until the next call that takes something in. While a view is being told of a
//! transaction there is nothing to read here: it has what it was told.

use core::mem;

use highwater_core::{Action, Known, Session, Slot};

use super::input::Input;
use super::output::Output;
use super::view::Hook;
use super::{BUSY, PORT, export, with_session};

export! {
    /// The slot of an item that is there: kind and key are in the input.
    fn find(handle: u32) -> u32 {
        let mut input = Input::take();
        let (kind, key) = (input.next(), input.next());
        with_session(handle, |session| {
            let slot = session.state().find(input.text(kind), input.text(key))?;
            session.state().value(slot).map(|_| slot.index() as u32)
        })
        .flatten()
        .unwrap_or(BUSY)
    }

    /// Where the JSON of an item is: its place and length are the numbers. 0: it is not there.
    fn value(handle: u32, slot: u32) -> u32 {
        with_session(handle, |session| {
            let Some((_, value)) = session.state().value(Slot::from_index(slot)) else {
                return 0;
            };
            numbers(|numbers| numbers.extend([value.as_ptr() as u32, value.len() as u32]));
            1
        })
        .unwrap_or(0)
    }

    /// The values of so many slots of the input, end to end: the answer is how long they are
    /// together, the numbers are how long each is in UTF-16 units; or, for one that is not there
    /// or is not UTF-8, [`BUSY`].
    fn values(handle: u32, count: usize) -> u32 {
        let input = Input::take();
        with_session(handle, |session| {
            let mut text = PORT.with(|port| mem::take(&mut port.text));
            text.clear();
            numbers(|numbers| {
                for slot in input.words(count) {
                    let value = session.state().value(Slot::from_index(slot));
                    let value = value.and_then(|(_, value)| core::str::from_utf8(value).ok());
                    text.extend_from_slice(value.unwrap_or_default().as_bytes());
                    numbers.push(value.map_or(BUSY, units));
                }
            });
            let length = text.len() as u32;
            PORT.with(|port| port.text = text);
            length
        })
        .unwrap_or(0)
    }

    /// The item's version, where there is one.
    fn version(handle: u32, slot: u32) -> i64 {
        let version = |session: &mut Session<Hook>| {
            session.state().value(Slot::from_index(slot)).map(|(version, _)| version)
        };
        with_session(handle, version).flatten().unwrap_or_default()
    }

    /// Kinds and keys of so many slots of the input, `[kind, key, …]`: also of those that the last
    /// input deleted.
    fn names(handle: u32, count: usize) -> u32 {
        let input = Input::take();
        with_session(handle, |session| {
            Output::write(|out| out.list(|out| {
                for slot in input.words(count) {
                    let (kind, key) =
                        session.state().name(Slot::from_index(slot)).unwrap_or_default();
                    out.text(kind);
                    out.text(key);
                }
            }))
        })
        .unwrap_or(BUSY)
    }

    /// Where the epochs of all slots begin in memory: 32 bits each.
    fn epochs(handle: u32) -> *const u32 {
        with_session(handle, |session| session.state().epochs().as_ptr())
            .unwrap_or(core::ptr::null())
    }

    /// How many items there are.
    fn size(handle: u32) -> u32 {
        with_session(handle, |session| session.state().len() as u32).unwrap_or(0)
    }

    /// Moves with every transaction that changed anything.
    fn revision(handle: u32) -> f64 {
        with_session(handle, |session| session.state().revision() as f64).unwrap_or(0.0)
    }

    /// The slots of all items, or of those of the kind in the input: the numbers, and how many.
    fn slots(handle: u32) -> u32 {
        let mut input = Input::take();
        let kind = input.next();
        with_session(handle, |session| {
            let kind = kind.map(|_| input.text(kind));
            let slots = session.state().slots(kind);
            numbers(|numbers| numbers.extend(slots.map(|slot| slot.index() as u32)))
        })
        .unwrap_or(0)
    }

    /// What the last input changed: the numbers, and how many there are. For each transaction a
    /// header, `count * 2`, plus one if it was a snapshot, and then that many changes,
    /// `slot * 4 + action`: 0 for an insertion, 1 for an update, 2 for a deletion.
    fn changes(handle: u32) -> u32 {
        with_session(handle, |session| {
            let (changes, commits) =
                (session.materializer().changes(), session.materializer().commits());
            numbers(|numbers| {
                numbers.reserve(changes.len() + commits.len());
                let mut begin = 0;
                for commit in commits {
                    let own = changes.get(begin..commit.end).unwrap_or_default();
                    begin = commit.end;
                    numbers.push(((own.len() as u32) << 1) | u32::from(commit.snapshot));
                    numbers.extend(own.iter().map(|change| {
                        let action = match change.action {
                            Action::Insert => 0,
                            Action::Update => 1,
                            Action::Delete | Action::Noop => 2,
                        };
                        ((change.slot.index() as u32) << 2) | action
                    }));
                }
            })
        })
        .unwrap_or(0)
    }

    /// Deletions that are remembered: `[kind, key, version, …]`.
    fn tombstones(handle: u32) -> u32 {
        with_session(handle, |session| {
            Output::write(|out| out.list(|out| {
                for (kind, key, known) in session.state().iter_known() {
                    if let Known::Tombstone(version) = known {
                        out.text(kind);
                        out.text(key);
                        out.exact(version);
                    }
                }
            }))
        })
        .unwrap_or(BUSY)
    }
}

/// Writes the numbers, and answers with how many there are.
pub(super) fn numbers(then: impl FnOnce(&mut alloc::vec::Vec<u32>)) -> u32 {
    let mut list = PORT.with(|port| mem::take(&mut port.numbers));
    list.clear();
    then(&mut list);
    let count = list.len() as u32;
    PORT.with(|port| port.numbers = list);
    count
}

/// How long the text is in JavaScript.
pub(super) fn units(text: &str) -> u32 {
    // Every character has one unit, and those of four bytes have two.
    text.bytes().map(|byte| u32::from(byte & 0xc0 != 0x80) + u32::from(byte >= 0xf0)).sum()
}
