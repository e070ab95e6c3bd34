//! All items of a stream, each at its newest version, as the bytes that came.
//!
//! A transfer is collected into the very entries that it is about, beside what they hold: what
//! becomes of each message is decided when it comes, and the commit of a hundred thousand of them
//! is the turn of a number ([`State::pass`]). What was replaced is cleared away afterwards, some of
//! it at each input.

mod brief;
mod collect;
mod places;
mod record;
mod tend;

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::arena::Arena;
use crate::item::{Change, Item, Tombstones};
use crate::message::Version;
use crate::names::{Names, Part, Slot};
use crate::receiver::Known;
use crate::same::same;
use crate::time::Instant;
use crate::trace::Outcomes;
pub(crate) use brief::Brief;
pub(crate) use collect::NameOf;
pub(crate) use places::Places;
use record::{Entry, Record, Replaced};

/// The default view: every item at its newest version, values as raw JSON.
///
/// Only a [`Materializer`](crate::Materializer) writes to it, a whole transaction at a time.
#[derive(Default)]
pub struct State {
    names: Names<Entry>,
    kinds: Vec<Box<str>>,
    values: Arena,
    replaced: Replaced,
    /// By slot: moves whenever a value is replaced or goes, and never goes back.
    epochs: Vec<u32>,
    /// By slot: the last pass whose transfer named it.
    marks: Vec<u32>,
    /// The number of the pass that is being collected. Entries of earlier ones have taken effect.
    pass: u32,
    collected: Collected,
    live: usize,
    tombstones: usize,
    revision: u64,
    bounds: Tombstones,
    /// Deletions by age; some are outdated.
    graves: VecDeque<(Slot, Version, Instant)>,
    /// Slots of which nothing is known any more, to be given up when nobody names them.
    vacant: Vec<Slot>,
    forgotten: u64,
    /// Where the clearing away has come to, and how many more slots it has to look at.
    hand: u32,
    untidy: u32,
}

/// A transfer, as far as it has come.
#[derive(Default)]
struct Collected {
    changes: Vec<Change>,
    /// Slots whose record is to change though the item does not.
    silent: Vec<Slot>,
    graves: Vec<(Slot, Version)>,
    /// How many of the changes replace or remove an item that is there.
    moving: usize,
    /// Whether any of them removes one.
    removes: bool,
    /// How many messages there were.
    count: usize,
    /// What the transfer makes of the numbers of items and tombstones.
    live: isize,
    tombstones: isize,
    /// Whether what it does not name is to be forgotten; and how many of what is known it has named.
    lists: bool,
    named: usize,
    /// Everything that became of messages, while somebody wants to know.
    outcomes: Outcomes,
}

impl State {
    pub(crate) fn new(bounds: Tombstones) -> Self {
        Self { bounds, pass: 1, ..Self::default() }
    }

    /// The item of this kind and key, if it is there.
    pub fn get(&self, kind: &str, key: &str) -> Option<Item<'_>> {
        self.item(self.find(kind, key)?)
    }

    /// What is known of this kind and key, deletions included.
    pub fn known(&self, kind: &str, key: &str) -> Known {
        let record = self.find(kind, key).and_then(|slot| self.record(slot));
        record.map_or(Known::Unknown, Record::known)
    }

    /// The slot of this kind and key, if anything is known of it.
    pub fn find(&self, kind: &str, key: &str) -> Option<Slot> {
        self.names.find(self.part_of(kind.as_bytes())?, key)
    }

    /// The item in this slot, if it is there.
    pub fn item(&self, slot: Slot) -> Option<Item<'_>> {
        let (version, value) = self.value(slot)?;
        let (kind, key) = self.name(slot)?;
        Some(Item { kind, key, version, value })
    }

    /// The version and value of the item in this slot, if it is there: all of it but its name.
    pub fn value(&self, slot: Slot) -> Option<(Version, &[u8])> {
        let record = self.record(slot)?;
        Some((record.version, self.values.get(record.value()?)))
    }

    /// The kind and key that this slot belongs to, whether or not the item is there.
    pub fn name(&self, slot: Slot) -> Option<(&str, &str)> {
        let (part, key) = self.names.name(slot)?;
        Some((self.kinds.get(part as usize)?, key))
    }

    /// As [`name`](Self::name), with the number of the kind: its place among [`kinds`](Self::kinds).
    pub fn place(&self, slot: Slot) -> Option<(u32, &str)> {
        self.names.name(slot)
    }

    /// All kinds that there were, in the order in which they came.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.kinds.iter().map(|kind| &**kind)
    }

    /// All items, in the order of their slots.
    pub fn iter(&self) -> impl Iterator<Item = (Slot, Item<'_>)> {
        self.names.slots().filter_map(|slot| Some((slot, self.item(slot)?)))
    }

    /// The slots of all items of a kind, in their order; or of all items.
    pub fn slots(&self, kind: Option<&str>) -> impl Iterator<Item = Slot> {
        // No kind has this number.
        let part = kind.map(|kind| self.part_of(kind.as_bytes()).unwrap_or(Part::MAX));
        self.names.slots().filter(move |&slot| {
            self.record(slot).is_some_and(|record| record.value().is_some())
                && part.is_none_or(|part| self.names.part(slot) == Some(part))
        })
    }

    /// Everything that is known, deletions included.
    pub fn iter_known(&self) -> impl Iterator<Item = (&str, &str, Known)> {
        self.all_known().filter_map(|(slot, known)| {
            let (kind, key) = self.name(slot)?;
            Some((kind, key, known))
        })
    }

    /// The same, by slots.
    pub(crate) fn all_known(&self) -> impl Iterator<Item = (Slot, Known)> {
        self.names.slots().filter_map(|slot| {
            let known = self.record(slot)?.known();
            (known != Known::Unknown).then_some((slot, known))
        })
    }

    /// How many items are there.
    pub const fn len(&self) -> usize {
        self.live
    }

    /// Whether no item is there.
    pub const fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// Moves with every transaction that changed anything.
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// Per slot, a number that moves exactly when a value of the slot's is replaced or goes.
    pub fn epochs(&self) -> &[u32] {
        &self.epochs
    }

    /// How many deletions were forgotten because of the bounds: so many times could a late
    /// message have brought an item back.
    pub const fn tombstones_forgotten(&self) -> u64 {
        self.forgotten
    }

    /// What the slot holds, as of the last commit.
    #[inline]
    fn record(&self, slot: Slot) -> Option<&Record> {
        let entry = self.names.get(slot)?;
        let collected = entry.pass == self.pass;
        Some(if collected { self.replaced.get(entry.before) } else { &entry.now })
    }

    #[inline]
    fn part_of(&self, kind: &[u8]) -> Option<Part> {
        // A handful of kinds: a scan is faster than a hash.
        self.kinds.iter().position(|known| same(known.as_bytes(), kind)).map(|at| at as Part)
    }
}

/// A transaction of more bytes of texts than this is not brief.
const BRIEF: usize = 64 << 10;
