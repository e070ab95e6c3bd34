//! How a transaction becomes state: first decided as a whole, then applied.

use super::{TOPIC, Topic};
use crate::error::CommitError;
use crate::events::Publication;
use crate::frame;
use crate::id::Id;
use crate::item::Slot;
use crate::part::{Changes, Part, Whole};
use crate::transaction::{Change, Known, Operation, Transaction};
use bytes::Bytes;
use core::ops::Range;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

impl Topic {
    /// The version that each operation leads to, or the first refusal. Changes nothing.
    pub(super) fn decide(&self, transaction: &Transaction) -> Result<Vec<i64>, CommitError> {
        if transaction.is_empty() {
            return Err(CommitError::Empty);
        }
        // What the operations before this one have done.
        let mut staged: HashMap<&Id, Known> = HashMap::new();
        let mut versions = Vec::with_capacity(transaction.operations.len());
        for (position, operation) in transaction.operations.iter().enumerate() {
            let known = staged.get(&operation.id).copied().or_else(|| self.known(&operation.id));
            let version = operation
                .decide(known, self.index + 1)
                .map_err(|refusal| CommitError::Refused { operation: position, refusal })?;
            let live = matches!(operation.change, Change::Put(_));
            staged.insert(&operation.id, Known { version, live });
            versions.push(version);
        }
        Ok(versions)
    }

    pub(super) fn apply(&mut self, transaction: Transaction, versions: &[i64]) {
        self.index += 1;
        let mut operations: Vec<_> =
            transaction.operations.into_iter().zip(versions.iter().copied()).collect();
        // Stable: the order within a kind stays, and each kind's events stand together.
        operations.sort_by(|(a, _), (b, _)| a.id.kind().cmp(b.id.kind()));

        let (mut out, mut parts) = (Vec::new(), Vec::<(Arc<str>, Range<usize>, u64)>::new());
        for (Operation { id, change, .. }, version) in operations {
            let start = out.len();
            let kind = self.apply_one(&mut out, id, change, version);
            match parts.last_mut() {
                Some((last, events, _)) if *last == kind => events.end = out.len(),
                _ => {
                    let touched = self.kinds.entry(kind.clone()).or_default();
                    let previous = core::mem::replace(&mut touched.newest, self.index);
                    parts.push((kind, start..out.len(), previous));
                }
            }
        }
        let end = out.len();
        frame::transferred(&mut out, self.epoch.as_str(), self.index, Some(self.index - 1));
        let (epoch, index) = (self.epoch.clone(), self.index);
        self.publish(Whole { epoch, index, frame: out.into(), end }, parts);
        self.forget_deletions();
    }

    fn publish(&self, whole: Whole, parts: Vec<(Arc<str>, Range<usize>, u64)>) {
        let (index, whole) = (whole.index, Arc::new(whole));
        let topic: Arc<str> = TOPIC.into();
        let publication = |(kind, events, previous)| {
            let whole = Arc::clone(&whole);
            let changes = Changes { kind, whole, events, previous, frame: OnceLock::new() };
            let event = Part::Changes(changes).at(index);
            Publication::Event { topic: Arc::clone(&topic), event }
        };
        let published = self.publisher.publish(parts.into_iter().map(publication));
        published.expect("the topic is registered, kinds are names, and the index has grown");
    }

    fn apply_one(&mut self, out: &mut Vec<u8>, id: Id, change: Change, version: i64) -> Arc<str> {
        match change {
            Change::Put(object) => {
                let start = out.len();
                let text = frame::put(out, id.kind(), id.key(), version, object.as_str());
                self.tombstones.remove(&id);
                let (kind, key) = id.parts();
                // A copy: a slice would keep the whole transaction alive for as long as one of its items.
                let event = Bytes::copy_from_slice(&out[start..]);
                let slot = Slot { version, event, object: text.start - start..text.end - start };
                self.kinds.entry(kind.clone()).or_default().items.insert(key, slot);
                kind
            }
            Change::Delete => {
                frame::delete(out, id.kind(), id.key(), version);
                self.tombstones.insert(id.clone(), (version, self.index));
                self.deletions.push_back((self.index, id.clone()));
                let (kind, key) = id.parts();
                self.kinds.entry(kind.clone()).or_default().items.remove(&key);
                kind
            }
        }
    }

    /// Drops the memory of deletions that the log has dropped, and of kinds that have nothing left.
    fn forget_deletions(&mut self) {
        let base = self.publisher.floor(TOPIC).unwrap_or_default();
        while let Some((_, id)) = self.deletions.pop_front_if(|(index, _)| *index <= base) {
            if self.tombstones.get(&id).is_some_and(|&(_, index)| index <= base) {
                self.tombstones.remove(&id);
            }
            if self
                .kinds
                .get(id.kind())
                .is_some_and(|kind| kind.items.is_empty() && kind.newest <= base)
            {
                self.kinds.remove(id.kind());
            }
        }
    }
}
