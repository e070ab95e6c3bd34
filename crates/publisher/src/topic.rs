//! One life of a topic.

mod commit;
mod replace;
#[cfg(not(loom))] // as the engines
mod restore;

pub use replace::Replacing;

use crate::error::CommitError;
use crate::events::{
    Begun, EventPublisher, Publication, PublisherOptions, Subject, SubscribeRequest,
    SubscriptionError, Tail, Verdict,
};
use crate::frame::{self, CHANGES, FULL, Intent, UP_TO_DATE};
use crate::id::{Epoch, Id};
use crate::item::{Committed, Item, Options, Slot};
use crate::part::Part;
use crate::reader::{Batch, Encoding, Joined, Joining, Reader};
use crate::transaction::{Known, Transaction};
use bytes::Bytes;
use core::time::Duration;
use highwater_core::Position;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

/// Versioned items under an epoch and an index, with the log of how they came about.
///
/// **P1**: the index grows by exactly one with each committed transaction; nothing else changes it.
/// **P2**: an item's version only grows, also over a deletion for as long as the log remembers it,
/// unless it is [imposed](crate::Operation::imposed).
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
    /// Carries the transactions to the readers, and keeps the newest ones.
    publisher: EventPublisher<Part>,
    heartbeat: Duration,
}

impl Topic {
    /// Begins a life: no items, index 0.
    pub fn new(name: &str, epoch: Epoch, options: Options) -> Self {
        let tail = Tail { transactions: options.log_transactions.max(1), bytes: options.log_bytes };
        let kept = PublisherOptions { snapshot_ttl: Duration::ZERO, snapshot_behind: SHARED, tail };
        let publisher = EventPublisher::new(epoch.clone(), kept);
        publisher.register_bare(TOPIC, true).expect("it has a name and is the only one");
        Self {
            name: name.into(),
            epoch,
            index: 0,
            kinds: BTreeMap::new(),
            tombstones: HashMap::new(),
            deletions: VecDeque::new(),
            publisher,
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

    /// Takes in a reader: a new one, or one that comes back with the cursor where it was (`basis`).
    ///
    /// A cursor that means nothing here is no error: the reader gets everything.
    pub fn subscribe(&mut self, basis: Option<&str>, kind: Option<&str>) -> Joined {
        self.join(basis, kind).finish().with_snapshot()
    }

    /// As [`subscribe`](Self::subscribe), without encoding anything: that is left to
    /// [`Joining`], for which the topic is not needed.
    pub fn join(&mut self, basis: Option<&str>, kind: Option<&str>) -> Joining {
        self.join_as("".into(), basis, kind)
    }

    /// As [`join`](Self::join), for the holder of a token: [`close`](Self::close) ends its readers.
    pub fn join_as(&mut self, token: Arc<str>, basis: Option<&str>, kind: Option<&str>) -> Joining {
        let basis = basis.filter(|basis| !basis.is_empty());
        let reason = if basis.is_none() { "payload-missing" } else { "cant-catchup" };
        self.take_in(token, basis, kind.map(Arc::from), reason)
    }

    /// Ends the readers of a token's holder: each hears [`SubscriptionError::AclChanged`] after
    /// what was committed before, and nothing of what is committed afterwards.
    pub fn close(&mut self, token: Arc<str>) {
        let closed = self.publisher.publish([Publication::Close { tokens: vec![token] }]);
        closed.expect("a close names no topic, and the publisher is shut down only when dropped");
    }

    /// Takes in a reader that cannot read on: everything, for the reason that it gives.
    pub fn rejoin(&mut self, reader: &Reader, error: &SubscriptionError) -> Joining {
        let slow = matches!(error, SubscriptionError::TooSlow) && reader.epoch == self.epoch;
        let reason = if slow { "too-slow" } else { "cant-catchup" };
        self.take_in(Arc::clone(reader.subscription.token()), None, reader.kind.clone(), reason)
    }

    /// A reader that has everything there is at this moment.
    pub fn follow(&mut self) -> Reader {
        let now = self.cursor();
        self.take_in("".into(), Some(&now), None, "up-to-date").reader
    }

    /// What the reader has not seen yet, about `limit` bytes at a time; no frames when it has seen all.
    ///
    /// A reader that the log no longer reaches is cut over to a new snapshot.
    pub fn read(&mut self, reader: &mut Reader, limit: usize) -> Batch {
        let error = if reader.epoch == self.epoch {
            match reader.take(limit) {
                Ok(batch) => return batch,
                Err(error) => error,
            }
        } else {
            SubscriptionError::ForceClosed
        };
        let Joined { frames, reader: moved, .. } =
            self.rejoin(reader, &error).finish().with_snapshot();
        *reader = moved;
        Batch { frames, whole: true }
    }

    /// The newest frames that the log has for the reader, oldest first, whether it has seen them or not.
    pub fn recent(&self, reader: &Reader, transactions: usize) -> Vec<Bytes> {
        let of_kind = reader.kind.is_some();
        let kept = self.publisher.retained(TOPIC, &subject(reader.kind.as_ref()));
        let skip = kept.len().saturating_sub(transactions);
        let newest = kept.iter().skip(skip).filter_map(|events| events.first());
        newest.map(|event| event.payload.frame(of_kind)).collect()
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
        self.known(id).map(|known| known.version)
    }

    /// All items, or those of one kind, sorted by kind and key.
    pub fn items(&self, kind: Option<&str>) -> impl Iterator<Item = Item<'_>> {
        let kinds =
            self.kinds.iter().filter(move |(name, _)| kind.is_none_or(|kind| kind == &***name));
        kinds.flat_map(|(kind, Kind { items, .. })| {
            items.iter().map(|(key, slot)| slot.item(kind, key))
        })
    }

    /// The same, each as a line of JSON with its end: `{"kind":…,"key":…,"version":…,"object":…}`.
    ///
    /// The lines are shared with the topic, and stay as they are when it moves on.
    pub fn lines(&self, kind: Option<&str>) -> Vec<Bytes> {
        self.slots(kind).map(|slot| frame::line(&slot.event)).collect()
    }

    /// The values of the items of a kind, sorted by key, shared with the topic.
    pub fn objects(&self, kind: &str) -> impl Iterator<Item = (Arc<str>, Bytes)> {
        let slots = self.kinds.get(kind).into_iter().flat_map(|kind| kind.items.iter());
        slots.map(|(key, slot)| (Arc::clone(key), slot.event.slice(slot.object.clone())))
    }

    /// How many bytes a snapshot of all items has, about.
    pub fn bytes(&self) -> usize {
        self.kinds.values().map(|kind| kind.items.bytes).sum()
    }

    fn known(&self, id: &Id) -> Option<Known> {
        let live = self.item(id.kind(), id.key());
        let live = live.map(|item| Known { version: item.version, live: true });
        let gone = |&(version, _): &(i64, u64)| Known { version, live: false };
        live.or_else(|| self.tombstones.get(id).map(gone))
    }

    fn take_in(
        &mut self,
        token: Arc<str>,
        basis: Option<&str>,
        kind: Option<Arc<str>>,
        reason: &'static str,
    ) -> Joining {
        let request = SubscribeRequest::new(TOPIC, subject(kind.as_ref())).token(token);
        let request = match basis {
            Some(basis) => request.cursor(basis),
            None => request,
        };
        let Begun { subscription, build } = self
            .publisher
            .begin(&request)
            .expect("it is registered with its wildcard, and shut down only when dropped");
        let verdict = subscription.verdict();
        let (code, reason) = match verdict {
            Verdict::Full => (FULL, reason),
            Verdict::Changes => (CHANGES, "stale"),
            Verdict::UpToDate => (UP_TO_DATE, "up-to-date"),
        };
        let items = |kind: Option<&str>| self.slots(kind).map(|slot| slot.event.clone()).collect();
        let encoding = build.map(|build| Encoding {
            build,
            items: items(kind.as_deref()),
            epoch: self.epoch.clone(),
            index: self.index,
        });
        let index = match (verdict, basis.and_then(Position::parse)) {
            (Verdict::Changes, Some(Position { index, .. })) => index,
            _ => self.index,
        };
        let reader = Reader { subscription, epoch: self.epoch.clone(), index, kind };
        Joining { verdict, intent: self.intent(code, reason), reader, encoding }
    }

    fn slots(&self, kind: Option<&str>) -> impl Iterator<Item = &Slot> {
        let kinds =
            self.kinds.iter().filter(move |(name, _)| kind.is_none_or(|kind| kind == &***name));
        kinds.flat_map(|(_, Kind { items, .. })| items.values())
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

impl Drop for Topic {
    /// The life is over: readers hear of it, and come back to the next.
    fn drop(&mut self) {
        self.publisher.shut_down();
    }
}

fn subject(kind: Option<&Arc<str>>) -> Subject {
    kind.map_or(Subject::Wildcard, |kind| Subject::Named(Arc::clone(kind)))
}

/// Until so many percent of it were published afterwards, a snapshot is sent to others too, and
/// the rest after it. So all snapshots that are encoded while much is published come to no more
/// than twice what is published, however many ask for one.
const SHARED: usize = 50;

/// What its own publisher calls it.
const TOPIC: &str = "topic";

#[derive(Debug, Default)]
struct Kind {
    items: Items,
    /// The index of the newest transaction that had this kind.
    newest: u64,
}

/// Items by key, and how many bytes their events have.
#[derive(Debug, Default)]
struct Items {
    slots: BTreeMap<Arc<str>, Slot>,
    bytes: usize,
}

impl Items {
    fn insert(&mut self, key: Arc<str>, slot: Slot) {
        self.bytes += slot.event.len();
        let before = self.slots.insert(key, slot);
        self.bytes -= before.map_or(0, |slot| slot.event.len());
    }

    fn remove(&mut self, key: &str) {
        let before = self.slots.remove(key);
        self.bytes -= before.map_or(0, |slot| slot.event.len());
    }
}

impl core::ops::Deref for Items {
    type Target = BTreeMap<Arc<str>, Slot>;

    fn deref(&self) -> &Self::Target {
        &self.slots
    }
}
