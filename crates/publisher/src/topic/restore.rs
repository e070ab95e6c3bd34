//! A topic whose transactions were decided elsewhere: it begins where a log stands, and follows it.

use super::{TOPIC, Topic};
use crate::engine::{Place, Record, Snapshot, Written};
use crate::frame;
use crate::id::Id;
use crate::item::{Options, Slot};
use crate::transaction::Operation;
use bytes::Bytes;
use std::sync::Arc;

impl Topic {
    /// Begins at a place of a log: with the items of a snapshot, and the records after `base` for
    /// readers that come back from there.
    ///
    /// The records are those that follow `base`, up to the snapshot at least; `base` is the
    /// snapshot's own index if the log tells of none.
    pub fn restore(
        name: &str,
        snapshot: Snapshot,
        base: u64,
        records: &[Arc<Record>],
        options: Options,
    ) -> Self {
        let mut topic = Self::new(name, snapshot.place.epoch, options);
        topic.index = base;
        topic.publisher.begin_at(TOPIC, base);
        for item in snapshot.items {
            topic.set(item.id, item.version, item.object.as_str());
        }
        // The items are those of a later moment: each record that touched one leads it there again.
        topic.follow_log(records);
        topic
    }

    /// Takes over records that follow. Those that are known already are passed over; returns whether
    /// all others followed, each the one before it.
    pub fn follow_log(&mut self, records: &[Arc<Record>]) -> bool {
        let known = self.index;
        for record in records.iter().skip_while(|record| record.index <= known) {
            if record.index != self.index + 1 {
                return false;
            }
            let (operations, versions): (Vec<_>, Vec<_>) =
                record.changes.iter().map(operation).unzip();
            self.apply(operations.into_iter().collect(), &versions);
        }
        true
    }

    /// Where it stands.
    pub fn place(&self) -> Place {
        Place { epoch: self.epoch.clone(), index: self.index }
    }

    /// Puts an item in its place without telling anybody.
    fn set(&mut self, id: Id, version: i64, object: &str) {
        let mut event = Vec::new();
        let object = frame::put(&mut event, id.kind(), id.key(), version, object);
        let (kind, key) = id.parts();
        let kind = self.kinds.entry(kind).or_default();
        kind.newest = self.index;
        kind.items.insert(key, Slot { version, event: Bytes::from(event), object });
    }
}

fn operation(Written { id, version, object }: &Written) -> (Operation, i64) {
    let operation = match object {
        Some(object) => Operation::put(id.clone(), object.clone()),
        None => Operation::delete(id.clone()),
    };
    (operation, *version)
}
