//! Snapshots: built once for all who wait for them, outside every lock.

use super::bell::Bell;
use super::buffer::{Link, List, Place};
use super::channel::{Channel, Content, From};
use super::error::{Abandoned, SnapshotError};
use super::event::{Event, Payload, Subject};
use super::request::{PublisherOptions, Tail};
use highwater_core::Instant;
use std::sync::Arc;

/// Says what there is of a subject: [appends](Build::append) it, and answers at which index that is.
pub type Handler<P> =
    dyn Fn(&mut Build<P>) -> Result<u64, Box<SnapshotError>> + Send + Sync + 'static;

/// Has snapshots built: at once, or on another thread.
pub type Builder<P> = dyn Fn(Build<P>) + Send + Sync + 'static;

/// A snapshot that has to be built.
///
/// Whoever subscribes to the same subject meanwhile waits for this one, and reads it as it grows.
/// Publishing goes on, and so does everything else. Dropped before its end, it has failed.
pub struct Build<P: Payload> {
    channel: Arc<Channel<P>>,
    subject: Subject,
    id: u64,
    list: List<Content<P>>,
    bell: Arc<Bell>,
    /// The live list from before the snapshot: held, so that nothing is lost between the two.
    live: From<P>,
    bytes: usize,
    done: bool,
}

impl<P: Payload> Build<P> {
    pub(super) fn new(
        channel: Arc<Channel<P>>,
        subject: Subject,
        id: u64,
        live: From<P>,
    ) -> (Self, Cached<P>) {
        let (list, bell) = (List::new(false), Arc::<Bell>::default());
        let (start, shared) = (Arc::clone(list.end()), Arc::clone(&bell));
        let cached = Cached { id, start, bell: shared, behind: Tail::NONE, ready: None };
        (Self { channel, subject, id, list, bell, live, bytes: 0, done: false }, cached)
    }

    /// The topic.
    pub fn topic(&self) -> &str {
        &self.channel.name
    }

    /// The subject; [`Subject::Wildcard`] for all of them.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// Adds events that are read together. Those who wait can read them from now on.
    pub fn append(&mut self, events: impl IntoIterator<Item = Event<P>>) {
        let events: Vec<_> = events.into_iter().map(Arc::new).collect();
        self.bytes += events.iter().map(|event| event.payload.bytes()).sum::<usize>();
        if let Some(first) = events.first() {
            self.list.append(first.index, Content::Events(events.into()));
            self.bell.ring();
        }
    }

    /// Asks the topic's handler. A topic without one leaves that to who subscribed: this gives it up.
    pub fn run(mut self) {
        if let Some(handler) = self.channel.handler.clone() {
            match handler(&mut self) {
                Ok(index) => self.finish(index),
                Err(error) => self.fail(error),
            }
        }
    }

    /// The snapshot is whole, and is that of `index`.
    ///
    /// Readers are told 1 for 0: a subject that does not exist yet has a snapshot all the same.
    pub fn finish(mut self, index: u64) {
        self.list.append(index, Content::EndOfSnapshot(index.max(1)));
        let (live, bell) = &self.live;
        let link = live.before(index);
        let splice = Place::new(link, !self.channel.options.tail.is_none());
        self.list.append(index, Content::Splice(splice.clone(), Arc::clone(bell)));
        self.done = true;
        let (PublisherOptions { snapshot_ttl: ttl, snapshot_behind, tail }, now) =
            (self.channel.options, self.channel.now());
        // Half of the tail is left to those who take their time to read it.
        let may_be_behind = (!tail.is_none()).then(|| Tail {
            transactions: tail.transactions / 2,
            bytes: (self.bytes.saturating_mul(snapshot_behind) / 100).min(tail.bytes / 2),
        });
        let mut state = self.channel.state();
        if let Some(cached) = state.snapshots.get_mut(&self.subject).filter(|c| c.id == self.id) {
            cached.ready = Some(Ready { expires: now + ttl, may_be_behind, splice });
            let expired = cached.has_expired(now);
            state.reach = state.reach.max(index);
            if expired {
                state.snapshots.remove(&self.subject);
            }
        }
        drop(state);
        self.bell.ring();
    }

    /// There is no snapshot. Whoever waits for it gets what was appended, then this error; whoever
    /// comes later gets another try.
    pub fn fail(mut self, error: Box<SnapshotError>) {
        self.give_up(error.into());
    }

    fn give_up(&mut self, error: Arc<SnapshotError>) {
        self.done = true;
        self.list.append(0, Content::Failed(error));
        let mut state = self.channel.state();
        if state.snapshots.get(&self.subject).is_some_and(|cached| cached.id == self.id) {
            state.snapshots.remove(&self.subject);
        }
        drop(state);
        self.bell.ring();
    }
}

impl<P: Payload> Drop for Build<P> {
    fn drop(&mut self) {
        if !self.done {
            self.give_up(Arc::new(Abandoned));
        }
    }
}

/// A snapshot that others can read too.
pub(super) struct Cached<P> {
    id: u64,
    pub(super) start: Arc<Link<Content<P>>>,
    pub(super) bell: Arc<Bell>,
    /// What was published since.
    behind: Tail,
    /// Nothing while it is being built.
    ready: Option<Ready<P>>,
}

struct Ready<P> {
    expires: Instant,
    /// What may be published before it counts as outdated; `None` where its age alone counts.
    may_be_behind: Option<Tail>,
    splice: Place<Content<P>>,
}

impl<P> Cached<P> {
    /// Whether it need not be built anew: it is being built, or young enough and still leads to
    /// the live list.
    pub(super) fn is_usable(&self, now: Instant) -> bool {
        let leads_on = |ready: &Ready<P>| ready.splice.link().is_some();
        self.ready.as_ref().is_none_or(leads_on) && !self.has_expired(now)
    }

    /// Whether it was handed out for long enough. With a tail, one that little was published after
    /// is as good as a new one, however old.
    pub(super) fn has_expired(&self, now: Instant) -> bool {
        let is_behind = |most: Tail| {
            self.behind.transactions > most.transactions || self.behind.bytes > most.bytes
        };
        let expired =
            |ready: &Ready<P>| now >= ready.expires && ready.may_be_behind.is_none_or(is_behind);
        self.ready.as_ref().is_some_and(expired)
    }

    /// Notes a transaction.
    pub(super) fn falls_behind(&mut self, bytes: usize) {
        self.behind.transactions += 1;
        self.behind.bytes += bytes;
    }

    pub(super) fn is_ready(&self) -> bool {
        self.ready.is_some()
    }
}
