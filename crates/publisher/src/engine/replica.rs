//! A topic in memory: its items, and the tail of its log.

use super::append::Head;
use super::record::{Place, Read, Record, Retention, Snapshot, Stored, Written};
use crate::id::{Epoch, Id};
use crate::object::Object;
use crate::transaction::Known;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// What the records of a topic lead to, for engines that keep it in memory.
///
/// A deletion is remembered, with its version, as long as its record is.
#[derive(Debug)]
pub struct Replica {
    head: Head,
    items: BTreeMap<Id, Slot>,
    tail: VecDeque<Arc<Record>>,
    /// What the records of the tail take.
    bytes: u64,
    /// Deletions, oldest first, to forget them when the tail does.
    deletions: VecDeque<(u64, Id)>,
    retention: Retention,
}

/// An item as it was written last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The version of the item, or of its deletion.
    pub version: i64,
    /// The index of the record that wrote it.
    pub changed: u64,
    /// `None` if it was deleted.
    pub object: Option<Object>,
}

impl Replica {
    /// A topic that has seen nothing.
    pub fn new(epoch: Epoch, retention: Retention) -> Self {
        let head = Head { place: Place { epoch, index: 0 }, fence: 0 };
        Self::restore(head, [], Vec::new(), retention)
    }

    /// A topic that stands at `head`, with items that may be newer, and the records that lead up to it.
    ///
    /// Records that do not lead up to it without a gap are left out.
    pub fn restore(
        head: Head,
        items: impl IntoIterator<Item = (Id, Slot)>,
        records: Vec<Record>,
        retention: Retention,
    ) -> Self {
        let items: BTreeMap<_, _> = items.into_iter().collect();
        let mut tail = VecDeque::new();
        for record in records.into_iter().rev() {
            if record.index + tail.len() as u64 != head.place.index {
                break;
            }
            tail.push_front(Arc::new(record));
        }
        let bytes = tail.iter().map(|record| record.size() as u64).sum();
        let gone = items.iter().filter(|(_, slot)| slot.object.is_none());
        let mut deletions: Vec<_> = gone.map(|(id, slot)| (slot.changed, id.clone())).collect();
        deletions.sort_by_key(|&(changed, _)| changed);
        let mut replica = Self { head, items, tail, bytes, deletions: deletions.into(), retention };
        replica.trim(Record::now());
        replica
    }

    /// Takes over the next record. What it does to items that were written by a later one already is left out.
    pub fn apply(&mut self, record: Arc<Record>) {
        for Written { id, version, object } in &record.changes {
            if self.items.get(id).is_some_and(|slot| slot.changed > record.index) {
                continue;
            }
            if object.is_none() {
                self.deletions.push_back((record.index, id.clone()));
            }
            let slot = Slot { version: *version, changed: record.index, object: object.clone() };
            self.items.insert(id.clone(), slot);
        }
        self.head.advance(&record);
        self.bytes += record.size() as u64;
        self.tail.push_back(record);
        self.trim(Record::now());
    }

    /// Begins another life: the items stay, the log and the deletions are of the past.
    pub fn begin(&mut self, epoch: Epoch) {
        self.head = Head { place: Place { epoch, index: self.head.place.index }, fence: 0 };
        self.tail.clear();
        self.bytes = 0;
        self.forget_deletions();
    }

    /// Where the topic stands.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// What is remembered of an item.
    pub fn known(&self, id: &Id) -> Option<Known> {
        self.items.get(id).map(|slot| Known { version: slot.version, live: slot.object.is_some() })
    }

    /// The index of the newest record that is no longer in the tail.
    pub fn base(&self) -> u64 {
        self.head.place.index - self.tail.len() as u64
    }

    /// See [`Engine::read`](super::Engine::read).
    pub fn read(&self, after: &Place, limit: usize) -> Read {
        let reach = self.base()..=self.head.place.index;
        if after.epoch != self.head.place.epoch || !reach.contains(&after.index) {
            return Read::Gone;
        }
        let mut size = 0;
        let within = |record: &&Arc<Record>| {
            let begun = size > 0;
            size += record.size();
            !begun || size <= limit
        };
        let skip = (after.index - self.base()) as usize;
        Read::Records(self.tail.iter().skip(skip).take_while(within).cloned().collect())
    }

    /// See [`Engine::snapshot`](super::Engine::snapshot).
    pub fn snapshot(&self) -> Snapshot {
        let stored = |(id, slot): (&Id, &Slot)| {
            let object = slot.object.clone()?;
            Some(Stored { id: id.clone(), version: slot.version, object })
        };
        let items = self.items.iter().filter_map(stored).collect();
        Snapshot { place: self.head.place.clone(), items }
    }

    /// The items and deletions that were written after an index.
    pub fn changed_after(&self, index: u64) -> impl Iterator<Item = (&Id, &Slot)> {
        self.items.iter().filter(move |(_, slot)| slot.changed > index)
    }

    fn trim(&mut self, now: u64) {
        let oldest = self.retention.oldest(now);
        while let Some(record) = self.tail.front()
            && self.tail.len() > 1
            && (self.tail.len() as u64 > self.retention.transactions
                || self.bytes > self.retention.bytes
                || record.time < oldest)
        {
            self.bytes -= record.size() as u64;
            self.tail.pop_front();
        }
        self.forget_deletions();
    }

    fn forget_deletions(&mut self) {
        let base = self.base();
        while let Some((index, id)) = self.deletions.pop_front_if(|(index, _)| *index <= base) {
            // Unless it was written again since.
            if self
                .items
                .get(&id)
                .is_some_and(|slot| slot.changed == index && slot.object.is_none())
            {
                self.items.remove(&id);
            }
        }
    }
}
