//! One life of a topic.

mod commit;

use crate::error::{CommitError, Refusal};
use crate::frame::{self, CHANGES, FULL, Intent, UP_TO_DATE};
use crate::id::{Epoch, Id};
use crate::item::{Committed, Item, Options, Replacement, Slot};
use crate::log::Log;
use crate::reader::{Batch, Reader, Subscription, Verdict};
use crate::transaction::{Operation, Transaction};
use bytes::Bytes;
use core::time::Duration;
use highwater_core::Position;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;

/// Versioned items under an epoch and an index, with the log of how they came about.
///
/// **P1**: the index grows by exactly one with each committed transaction; nothing else changes it.
/// **P2**: an item's version only grows, also over a deletion for as long as the log remembers it.
/// **P3**: a refused transaction changes nothing.
/// **P4**: whoever applies the snapshot or the frames that it is given is at the same state as everyone else.
///
/// There is no clock, no lock and no task in here: the caller brings them.
#[derive(Debug)]
pub struct Topic {
    name: Arc<str>,
    epoch: Epoch,
    index: u64,
    kinds: BTreeMap<Arc<str>, Kind>,
    /// Deleted items: the version and the index of the deletion.
    tombstones: HashMap<Id, (i64, u64)>,
    /// The same deletions, oldest first, to forget them when the log does.
    deletions: VecDeque<(u64, Id)>,
    log: Log,
    /// Snapshots of the present index, by kind filter.
    snapshots: Vec<(Option<Arc<str>>, Bytes)>,
    heartbeat: Duration,
}

impl Topic {
    /// Begins a life: no items, index 0.
    pub fn new(name: &str, epoch: Epoch, options: Options) -> Self {
        Self {
            name: name.into(),
            epoch,
            index: 0,
            kinds: BTreeMap::new(),
            tombstones: HashMap::new(),
            deletions: VecDeque::new(),
            log: Log::new(options.log_transactions, options.log_bytes),
            snapshots: Vec::new(),
            heartbeat: options.heartbeat,
        }
    }

    /// Does all operations, or none and says why.
    ///
    /// A version that is not given is the new index, or one more than the item's last version if that is greater.
    pub fn commit(&mut self, transaction: Transaction) -> Result<Committed, CommitError> {
        let versions = self.decide(&transaction)?;
        self.apply(transaction, &versions);
        Ok(Committed { index: self.index, versions })
    }

    /// Makes the given items the only ones, in one transaction of what differs.
    ///
    /// Nothing differs: nothing is committed, and the answer is `None`.
    pub fn replace_all(
        &mut self,
        items: Vec<Replacement>,
    ) -> Result<Option<Committed>, CommitError> {
        let mut seen = HashSet::with_capacity(items.len());
        if let Some(operation) = items.iter().position(|item| !seen.insert(&item.id)) {
            return Err(CommitError::Refused { operation, refusal: Refusal::Repeated });
        }
        let kept =
            |item: &Item<'_>| Id::new(item.kind, item.key).ok().filter(|id| !seen.contains(id));
        let gone: Vec<_> =
            self.items(None).filter_map(|item| kept(&item)).map(Operation::delete).collect();

        let (mut positions, mut transaction) = (Vec::new(), Transaction::new());
        for (position, Replacement { id, object, version }) in items.into_iter().enumerate() {
            let same = self.item(id.kind(), id.key()).is_some_and(|item| {
                item.object == object.as_str().as_bytes()
                    && version.is_none_or(|version| version == item.version)
            });
            if !same {
                positions.push(position);
                transaction.push(Operation { version, ..Operation::put(id, object) });
            }
        }
        transaction.operations.extend(gone);
        if transaction.is_empty() {
            return Ok(None);
        }
        self.commit(transaction).map(Some).map_err(|error| match error {
            // Name the item of the caller's list, not the operation of ours.
            CommitError::Refused { operation, refusal } => CommitError::Refused {
                operation: positions.get(operation).copied().unwrap_or(operation),
                refusal,
            },
            other @ CommitError::Empty => other,
        })
    }

    /// Takes in a reader: a new one, or one that comes back with the cursor where it was (`basis`).
    ///
    /// A cursor that means nothing here is no error: the reader gets everything.
    pub fn subscribe(&mut self, basis: Option<&str>, kind: Option<&str>) -> Subscription {
        let Some(basis) = basis.filter(|basis| !basis.is_empty()) else {
            return self.full(kind, "payload-missing");
        };
        let known = Position::parse(basis)
            .filter(|at| at.epoch == self.epoch.as_str() && at.index <= self.index);
        let Some(Position { index, .. }) = known else {
            return self.full(kind, "cant-catchup");
        };
        let newest = kind.map_or(self.index, |kind| self.newest(kind));
        let (verdict, code, reason) = if newest <= index {
            (Verdict::UpToDate, UP_TO_DATE, "up-to-date")
        } else if index >= self.log.base() {
            (Verdict::Changes, CHANGES, "stale")
        } else {
            return self.full(kind, "cant-catchup");
        };
        let index = if verdict == Verdict::UpToDate { self.index } else { index };
        let reader = Reader { epoch: self.epoch.clone(), index, kind: kind.map(Arc::from) };
        Subscription { verdict, frames: vec![self.intent(code, reason)], reader }
    }

    /// What the reader has not seen yet, about `limit` bytes at a time; no frames when it has seen all.
    ///
    /// A reader that the log no longer reaches is cut over to a new snapshot.
    pub fn read(&mut self, reader: &mut Reader, limit: usize) -> Batch {
        if reader.epoch == self.epoch && reader.index == self.index {
            return Batch::default();
        }
        let kind = reader.kind.as_deref();
        let newest = kind.map_or(self.index, |kind| self.newest(kind));
        let lost = if reader.epoch != self.epoch || reader.index > self.index {
            Some("cant-catchup")
        } else {
            (reader.index < self.log.base() && reader.index < newest).then_some("too-slow")
        };
        if let Some(reason) = lost {
            let Subscription { frames, reader: moved, .. } = self.full(kind, reason);
            *reader = moved;
            return Batch { frames, cut_over: true };
        }
        if newest <= reader.index {
            reader.index = self.index;
            return Batch::default();
        }
        let (frames, index) = self.log.read(reader.index, self.epoch.as_str(), kind, limit);
        reader.index = index;
        Batch { frames, cut_over: false }
    }

    /// The newest frames that the log has for the reader, oldest first, whether it has seen them or not.
    pub fn recent(&mut self, reader: &Reader, transactions: usize) -> Vec<Bytes> {
        let (mut frames, _) =
            self.log.read(0, self.epoch.as_str(), reader.kind.as_deref(), usize::MAX);
        frames.drain(..frames.len().saturating_sub(transactions));
        frames
    }

    /// The name that the intent carries.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many transactions this life has seen.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The place to resume from, as text.
    pub fn cursor(&self) -> String {
        Position { epoch: self.epoch.as_str(), index: self.index }.to_cursor()
    }

    /// The name of this life.
    pub fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    /// One item.
    pub fn item(&self, kind: &str, key: &str) -> Option<Item<'_>> {
        let (kind, Kind { items, .. }) = self.kinds.get_key_value(kind)?;
        let (key, slot) = items.get_key_value(key)?;
        Some(slot.item(kind, key))
    }

    /// The last version of an item, also of one that was deleted, as far as the log remembers it.
    pub fn last_version(&self, id: &Id) -> Option<i64> {
        self.known(id).map(|(version, _)| version)
    }

    /// All items, or those of one kind, sorted by kind and key.
    pub fn items(&self, kind: Option<&str>) -> impl Iterator<Item = Item<'_>> {
        let kinds =
            self.kinds.iter().filter(move |(name, _)| kind.is_none_or(|kind| kind == &***name));
        kinds.flat_map(|(kind, Kind { items, .. })| {
            items.iter().map(|(key, slot)| slot.item(kind, key))
        })
    }

    /// The last version of an item, and whether the item is there.
    fn known(&self, id: &Id) -> Option<(i64, bool)> {
        let live = self.item(id.kind(), id.key()).map(|item| (item.version, true));
        live.or_else(|| self.tombstones.get(id).map(|&(version, _)| (version, false)))
    }

    /// The newest transaction that had the kind; for a kind that nobody remembers, the newest that it could have been.
    fn newest(&self, kind: &str) -> u64 {
        self.kinds.get(kind).map_or(self.log.base(), |kind| kind.newest)
    }

    fn full(&mut self, kind: Option<&str>, reason: &'static str) -> Subscription {
        let frames = vec![self.intent(FULL, reason), self.snapshot(kind)];
        let reader =
            Reader { epoch: self.epoch.clone(), index: self.index, kind: kind.map(Arc::from) };
        Subscription { verdict: Verdict::Full, frames, reader }
    }

    /// All items and the end of the payload, encoded once for all who ask before the next transaction.
    fn snapshot(&mut self, kind: Option<&str>) -> Bytes {
        if let Some((_, bytes)) = self.snapshots.iter().find(|(of, _)| of.as_deref() == kind) {
            return bytes.clone();
        }
        let mut out = Vec::new();
        for (_, Kind { items, .. }) in
            self.kinds.iter().filter(|(name, _)| kind.is_none_or(|kind| kind == &***name))
        {
            for slot in items.values() {
                out.extend_from_slice(&slot.event);
            }
        }
        frame::transferred(&mut out, self.epoch.as_str(), self.index, None);
        let bytes = Bytes::from(out);
        // Only kinds that exist are remembered, so that made-up ones cost nothing.
        if kind.is_none_or(|kind| self.kinds.contains_key(kind)) {
            self.snapshots.push((kind.map(Arc::from), bytes.clone()));
        }
        bytes
    }

    fn intent(&self, code: &'static str, reason: &'static str) -> Bytes {
        let mut out = Vec::new();
        let (topic, epoch, index) = (&*self.name, self.epoch.as_str(), self.index);
        frame::intent(
            &mut out,
            &Intent { topic, epoch, index, code, reason, heartbeat: self.heartbeat },
        );
        out.into()
    }
}

#[derive(Debug, Default)]
struct Kind {
    items: BTreeMap<Arc<str>, Slot>,
    /// The index of the newest transaction that had this kind.
    newest: u64,
}
