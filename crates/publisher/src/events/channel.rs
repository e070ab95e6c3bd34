//! One topic: its buffers, its tail, its snapshots and who is subscribed.

use super::bell::{Bell, ring_all};
use super::buffer::{Link, List, Place};
use super::error::{SnapshotError, SubscribeError, SubscriptionError};
use super::event::{Events, Payload, Subject};
use super::handle::{Handle, Limit};
use super::request::{PublisherOptions, Start, SubscribeRequest, Verdict};
use super::snapshot::{Build, Builder, Cached, Handler};
use super::subscription::Subscription;
use super::sync::{Guard, Mutex};
use crate::id::Epoch;
use core::sync::atomic::{AtomicU64, Ordering};
use highwater_core::Instant;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

pub(super) struct Channel<P: Payload> {
    pub(super) name: Arc<str>,
    pub(super) wildcard: bool,
    pub(super) handler: Option<Arc<Handler<P>>>,
    pub(super) builder: Arc<Builder<P>>,
    pub(super) options: PublisherOptions,
    /// What time it is, as the publisher was last told.
    pub(super) clock: Arc<AtomicU64>,
    state: Mutex<State<P>>,
}

/// What a place in a list holds.
pub(super) enum Content<P> {
    Events(Events<P>),
    EndOfSnapshot(u64),
    Failed(Arc<SnapshotError>),
    /// The list goes on there.
    Splice(Place<Self>, Arc<Bell>),
}

pub(super) struct State<P: Payload> {
    pub(super) epoch: Epoch,
    first_epoch: Epoch,
    lives: u64,
    /// The newest index that was published in this life.
    pub(super) last: u64,
    /// The newest index that anybody can have.
    pub(super) reach: u64,
    /// The newest index that the tail has let go of.
    pub(super) floor: u64,
    tail: VecDeque<Kept>,
    tail_bytes: usize,
    pub(super) buffers: HashMap<Subject, Buffer<P>>,
    pub(super) snapshots: HashMap<Subject, Cached<P>>,
    pub(super) members: HashMap<Arc<str>, HashMap<u64, Member>>,
    /// Tells subscriptions and builds apart.
    ids: u64,
    pub(super) down: bool,
}

/// A transaction of the tail.
struct Kept {
    index: u64,
    bytes: usize,
    subjects: Vec<Subject>,
}

/// The live list of a subject.
pub(super) struct Buffer<P> {
    pub(super) list: List<Content<P>>,
    pub(super) bell: Arc<Bell>,
    pub(super) references: usize,
}

/// A subscription as the topic knows it.
pub(super) struct Member {
    pub(super) handle: Arc<Handle>,
    pub(super) subject: Subject,
}

/// A subscription that has begun, and the snapshot that it waits for.
#[must_use]
pub struct Begun<P: Payload> {
    /// The subscription.
    pub subscription: Subscription<P>,
    /// The snapshot, if this subscriber is the one who has to build it.
    pub build: Option<Build<P>>,
}

/// Where a list is read from, and by which bell it is heard to grow.
pub(super) type From<P> = (Arc<Link<Content<P>>>, Arc<Bell>);

impl<P: Payload> Channel<P> {
    pub(super) fn new(
        name: Arc<str>,
        epoch: Epoch,
        wildcard: bool,
        handler: Option<Arc<Handler<P>>>,
        builder: Arc<Builder<P>>,
        options: PublisherOptions,
        clock: Arc<AtomicU64>,
    ) -> Self {
        let state = Mutex::new(State {
            first_epoch: epoch.clone(),
            epoch,
            lives: 0,
            last: 0,
            reach: 0,
            floor: 0,
            tail: VecDeque::new(),
            tail_bytes: 0,
            buffers: HashMap::new(),
            snapshots: HashMap::new(),
            members: HashMap::new(),
            ids: 0,
            down: false,
        });
        Self { name, wildcard, handler, builder, options, clock, state }
    }

    /// Held briefly: no snapshot is built, nobody is woken and nothing is encoded under it.
    pub(super) fn state(&self) -> Guard<'_, State<P>> {
        self.state.lock()
    }

    /// As if the tail had let go of everything up to an index.
    #[cfg(not(loom))] // as the engines
    pub(super) fn begin_at(&self, index: u64) {
        let mut state = self.state();
        (state.last, state.reach, state.floor) = (index, index, index);
    }

    pub(super) fn now(&self) -> Instant {
        Instant::from_millis(self.clock.load(Ordering::Relaxed))
    }

    pub(super) fn begin(
        self: &Arc<Self>,
        request: &SubscribeRequest,
    ) -> Result<Begun<P>, SubscribeError> {
        let subject = &request.subject;
        if *subject == Subject::Wildcard && !self.wildcard {
            return Err(SubscribeError::WildcardNotSupported { topic: Arc::clone(&self.name) });
        }
        let keeps = !self.options.tail.is_none();
        let mut state = self.state();
        if state.down {
            return Err(SubscribeError::ShuttingDown);
        }
        state.buffer(subject, keeps).references += 1;
        let handle = Arc::<Handle>::default();
        let (verdict, (start, bell), build) =
            if let Some((verdict, from)) = state.resume(subject, &request.start, keeps) {
                (verdict, from, None)
            } else {
                let (from, build) = self.snapshot(&mut state, subject, &handle);
                (Verdict::Full, from, build)
            };
        state.ids += 1;
        let id = state.ids;
        let member = Member { handle: Arc::clone(&handle), subject: subject.clone() };
        state.members.entry(Arc::clone(&request.token)).or_default().insert(id, member);
        let epoch = state.epoch.clone();
        drop(state);

        let live = verdict != Verdict::Full;
        // Without the lock: a resume may have to walk the whole tail, which `start` holds.
        let start = match request.start {
            Start::At { index, .. } if live => start.before(index),
            _ => start,
        };
        let place = Place::new(start, live && keeps);
        let subscription = Subscription {
            channel: Arc::clone(self),
            subject: subject.clone(),
            token: Arc::clone(&request.token),
            id,
            handle,
            place,
            bell,
            live,
            announce: !live && !matches!(request.start, Start::Nothing),
            ticket: None,
            epoch,
            verdict,
            seen: 0,
        };
        Ok(Begun { subscription, build })
    }

    /// The snapshot of a subject: the one that there is, the one that is being built, or a new one.
    pub(super) fn snapshot(
        self: &Arc<Self>,
        state: &mut State<P>,
        subject: &Subject,
        handle: &Handle,
    ) -> (From<P>, Option<Build<P>>) {
        let now = self.now();
        if let Some(cached) = state.snapshots.get(subject).filter(|cached| cached.is_usable(now)) {
            handle.reads(&cached.bell);
            return ((Arc::clone(&cached.start), Arc::clone(&cached.bell)), None);
        }
        state.ids += 1;
        let id = state.ids;
        let buffer = state.buffer(subject, !self.options.tail.is_none());
        let splice = (Arc::clone(buffer.list.base()), Arc::clone(&buffer.bell));
        let (build, cached) = Build::new(Arc::clone(self), subject.clone(), id, splice);
        let from = (Arc::clone(&cached.start), Arc::clone(&cached.bell));
        handle.reads(&cached.bell);
        state.snapshots.insert(subject.clone(), cached);
        (from, Some(build))
    }

    pub(super) fn leave(&self, token: &str, id: u64, subject: &Subject) {
        let mut state = self.state();
        if let Some(members) = state.members.get_mut(token) {
            members.remove(&id);
            if members.is_empty() {
                state.members.remove(token);
            }
        }
        if let Some(buffer) = state.buffers.get_mut(subject) {
            buffer.references -= 1;
            state.drop_unused(subject, self.options.tail.is_none());
        }
    }

    /// Begins another life: nothing of the old one is handed out any more.
    pub(super) fn refresh(&self) {
        let mut state = self.state();
        let keeps = !self.options.tail.is_none();
        state.lives += 1;
        state.epoch = state.first_epoch.later(state.lives);
        (state.last, state.reach, state.floor) = (0, 0, 0);
        state.snapshots.clear();
        state.tail.clear();
        state.tail_bytes = 0;
        state.buffers.retain(|_, buffer| buffer.references > 0);
        for buffer in state.buffers.values_mut() {
            buffer.list = List::new(keeps);
        }
        let bells = state.end_all(&SubscriptionError::ForceClosed, false);
        drop(state);
        ring_all(bells);
    }

    pub(super) fn shut_down(&self) {
        let mut state = self.state();
        state.down = true;
        let bells = state.end_all(&SubscriptionError::ShuttingDown, !self.options.tail.is_none());
        state.snapshots.clear();
        drop(state);
        ring_all(bells);
    }

    pub(super) fn expire(&self) {
        let now = self.now();
        self.state().snapshots.retain(|_, cached| !cached.has_expired(now));
    }
}

impl<P: Payload> State<P> {
    /// Where to read from, for a subscriber that need not begin again: at its place, or before it.
    fn resume(&self, subject: &Subject, start: &Start, keeps: bool) -> Option<(Verdict, From<P>)> {
        let Start::At { epoch, index } = start else { return None };
        let Buffer { list, bell, .. } = self.buffers.get(subject)?;
        if epoch.as_deref().is_some_and(|epoch| epoch != self.epoch.as_str()) {
            return None;
        }
        // Of a subject without items, the floor is the newest index that it can have had.
        let missed_none = match (keeps, list.head()) {
            (true, head) => head.unwrap_or(self.floor) <= *index && *index <= self.reach,
            (false, head) => head == Some(*index),
        };
        let (verdict, link) = if missed_none {
            (Verdict::UpToDate, list.end())
        } else if keeps && (self.floor..=self.reach).contains(index) {
            (Verdict::Changes, list.base())
        } else {
            return None;
        };
        Some((verdict, (Arc::clone(link), Arc::clone(bell))))
    }

    pub(super) fn buffer(&mut self, subject: &Subject, keeps: bool) -> &mut Buffer<P> {
        self.buffers.entry(subject.clone()).or_insert_with(|| Buffer {
            list: List::new(keeps),
            bell: Arc::default(),
            references: 0,
        })
    }

    /// Drops the buffer of a subject that nobody reads and that has nothing for those to come,
    /// and the snapshot that leads to it.
    fn drop_unused(&mut self, subject: &Subject, recorded: bool) {
        let unused =
            |buffer: &Buffer<P>| buffer.references == 0 && (recorded || buffer.list.is_empty());
        if self.buffers.get(subject).is_some_and(unused) {
            self.buffers.remove(subject);
            self.snapshots.remove(subject);
        }
    }

    /// Notes a transaction in the tail, and lets go of what is beyond it.
    pub(super) fn keep(
        &mut self,
        index: u64,
        bytes: usize,
        subjects: Vec<Subject>,
        options: &PublisherOptions,
    ) {
        self.tail_bytes += bytes;
        self.tail.push_back(Kept { index, bytes, subjects });
        while self.tail.len() > options.tail.transactions.max(1)
            || (self.tail.len() > 1 && self.tail_bytes > options.tail.bytes)
        {
            let Some(Kept { index, bytes, subjects }) = self.tail.pop_front() else { break };
            self.tail_bytes -= bytes;
            self.floor = index;
            for subject in subjects {
                if let Some(buffer) = self.buffers.get_mut(&subject) {
                    buffer.list.forget(index);
                    self.drop_unused(&subject, false);
                }
            }
        }
    }

    /// Ends a subscription, unless something else has ended it before, and says who is to be woken.
    pub(super) fn end(
        &self,
        member: &Member,
        reason: &SubscriptionError,
        limit: Option<Limit>,
        bells: &mut Vec<Arc<Bell>>,
    ) {
        member.handle.end(reason.clone(), limit);
        bells.extend(member.handle.snapshot_bell());
        bells.extend(self.buffers.get(&member.subject).map(|buffer| Arc::clone(&buffer.bell)));
    }

    /// Ends all subscriptions: at once, or after what was published so far.
    fn end_all(&mut self, reason: &SubscriptionError, in_place: bool) -> Vec<Arc<Bell>> {
        let members = core::mem::take(&mut self.members);
        let mut bells = Vec::new();
        for member in members.values().flat_map(HashMap::values) {
            let limit = in_place.then(|| self.limit(&member.subject));
            self.end(member, reason, limit, &mut bells);
        }
        bells
    }

    /// All that was published so far.
    pub(super) fn limit(&self, subject: &Subject) -> Limit {
        let ordinal = self.buffers.get(subject).map_or(0, |buffer| buffer.list.ordinal());
        Limit { ordinal: ordinal + 1, events: 0 }
    }
}

// Not derived: a payload need not be `Clone` to be shared.
impl<P> Clone for Content<P> {
    fn clone(&self) -> Self {
        match self {
            Self::Events(events) => Self::Events(Arc::clone(events)),
            Self::EndOfSnapshot(index) => Self::EndOfSnapshot(*index),
            Self::Failed(error) => Self::Failed(Arc::clone(error)),
            Self::Splice(Place::Held(link), bell) => {
                Self::Splice(Place::Held(Arc::clone(link)), Arc::clone(bell))
            }
            Self::Splice(Place::Watched(link), bell) => {
                Self::Splice(Place::Watched(link.clone()), Arc::clone(bell))
            }
        }
    }
}
