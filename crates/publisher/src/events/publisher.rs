//! Topics, and what is published to them.

use super::bell::ring_all;
use super::channel::{Begun, Buffer, Channel, Content};
use super::error::{PublishError, RegisterError, SnapshotError, SubscribeError};
use super::event::{Events, Payload, Publication, Subject};
use super::group::Group;
use super::request::{PublisherOptions, SubscribeRequest};
use super::snapshot::{Build, Builder, Cached, Handler};
use super::subscription::Subscription;
use crate::id::Epoch;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use highwater_core::Instant;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Takes transactions of events, and hands each event once to everyone who is subscribed to it.
///
/// Consul's event publisher, with cursors that say of which life they are, a bounded tail for who
/// was gone briefly, and readers that cannot hold up more than the tail. There is no task, clock
/// or socket in here: publishing, subscribing and reading are calls, waiting is a future, and time
/// is [told](Self::tick). A clone is another handle to the same.
///
/// - E4: a reader of a subject gets its events in the order of publishing, each exactly once after
///   its snapshot or its place, and those of one transaction together.
/// - E5: one snapshot of a subject is built at a time, outside every lock.
///
/// ```
/// use highwater_publisher::{
///     Delivery, Epoch, Event, EventPublisher, Payload, Publication, PublisherOptions, Subject, SubscribeRequest,
/// };
/// struct Health(&'static str);
/// impl Payload for Health {
///     type Authorizer = ();
///     fn subject(&self) -> Subject { Subject::named("web") }
///     fn readable_by(&self, (): &()) -> bool { true }
/// }
/// let publisher = EventPublisher::new(Epoch::new("k3v9")?, PublisherOptions::default());
/// publisher.register("health", false, |snapshot: &mut _| {
///     highwater_publisher::Build::append(snapshot, [Event { index: 1, payload: Health("passing") }]);
///     Ok(1)
/// })?;
/// let mut web = publisher.subscribe(&SubscribeRequest::new("health", Subject::named("web")))?;
/// let event = Event { index: 2, payload: Health("critical") };
/// publisher.publish([Publication::Event { topic: "health".into(), event }])?;
/// let mut next = || web.try_next().unwrap();
/// assert!(matches!(next()?, Delivery::Event(event) if event.payload.0 == "passing"));
/// assert!(matches!(next()?, Delivery::EndOfSnapshot(1)));
/// assert!(matches!(next()?, Delivery::Event(event) if event.payload.0 == "critical"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct EventPublisher<P: Payload>(Arc<Shared<P>>);

struct Shared<P: Payload> {
    epoch: Epoch,
    options: PublisherOptions,
    builder: Arc<Builder<P>>,
    clock: Arc<AtomicU64>,
    down: AtomicBool,
    topics: RwLock<BTreeMap<Arc<str>, Arc<Channel<P>>>>,
}

/// What is there of a subject, for metrics and for tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BufferStatus {
    /// The topic.
    pub topic: Arc<str>,
    /// The subject.
    pub subject: Subject,
    /// How many subscriptions there are, ended ones included until they are given up.
    pub references: usize,
    /// Whether a snapshot is there to be handed out again.
    pub cached: bool,
}

impl<P: Payload> EventPublisher<P> {
    /// Without topics. Snapshots are built by who asks first, before its subscription is there.
    pub fn new(epoch: Epoch, options: PublisherOptions) -> Self {
        Self::with_builder(epoch, options, Build::run)
    }

    /// As [`new`](Self::new), with another way to have snapshots built, such as
    /// `|build| drop(spawn_blocking(|| build.run()))`.
    pub fn with_builder(
        epoch: Epoch,
        options: PublisherOptions,
        builder: impl Fn(Build<P>) + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Shared {
            epoch,
            options,
            builder: Arc::new(builder),
            clock: Arc::default(),
            down: AtomicBool::new(false),
            topics: RwLock::default(),
        }))
    }

    /// Makes a topic of it, whose snapshots are those of `handler`; `wildcard` allows to subscribe
    /// to all its subjects at once.
    pub fn register(
        &self,
        topic: &str,
        wildcard: bool,
        handler: impl Fn(&mut Build<P>) -> Result<u64, Box<SnapshotError>> + Send + Sync + 'static,
    ) -> Result<(), RegisterError> {
        self.insert(topic, wildcard, Some(Arc::new(handler)))
    }

    /// As [`register`](Self::register), of a topic whose snapshots are built by who
    /// [begins](Self::begin) a subscription. Its slow readers are told so instead of cut over.
    pub fn register_bare(&self, topic: &str, wildcard: bool) -> Result<(), RegisterError> {
        self.insert(topic, wildcard, None)
    }

    fn insert(
        &self,
        topic: &str,
        wildcard: bool,
        handler: Option<Arc<Handler<P>>>,
    ) -> Result<(), RegisterError> {
        let Shared { epoch, options, builder, clock, down, topics } = &*self.0;
        if topic.is_empty() {
            return Err(RegisterError::NoName);
        }
        let mut topics = topics.write().unwrap_or_else(PoisonError::into_inner);
        if down.load(Ordering::Acquire) {
            return Err(RegisterError::ShuttingDown);
        }
        if topics.contains_key(topic) {
            return Err(RegisterError::Twice);
        }
        let name: Arc<str> = topic.into();
        let (builder, clock) = (Arc::clone(builder), Arc::clone(clock));
        let channel = Channel::new(
            Arc::clone(&name),
            epoch.clone(),
            wildcard,
            handler,
            builder,
            *options,
            clock,
        );
        topics.insert(name, Arc::new(channel));
        Ok(())
    }

    /// Begins a topic that nothing was published to at an index: what came before it is not told.
    #[cfg(not(loom))] // as the engines
    pub(crate) fn begin_at(&self, topic: &str, index: u64) {
        if let Ok(channel) = self.channel(topic) {
            channel.begin_at(index);
        }
    }

    /// Says what time it is. Snapshots that have been handed out for long enough are let go of.
    pub fn tick(&self, now: Instant) {
        let before = self.0.clock.fetch_max(now.as_millis(), Ordering::Relaxed);
        if before < now.as_millis() {
            self.channels().iter().for_each(|channel| channel.expire());
        }
    }

    /// Subscribes, and has the snapshot built if it takes one.
    pub fn subscribe(&self, request: &SubscribeRequest) -> Result<Subscription<P>, SubscribeError> {
        let Begun { subscription, build } = self.begin(request)?;
        if let Some(build) = build {
            (self.0.builder)(build);
        }
        Ok(subscription)
    }

    /// Subscribes, and leaves it to the caller to [build](Build::run) the snapshot.
    pub fn begin(&self, request: &SubscribeRequest) -> Result<Begun<P>, SubscribeError> {
        self.channel(&request.topic)?.begin(request)
    }

    /// Publishes a transaction: all of the list or, if anything is wrong with it, nothing.
    ///
    /// Whoever reads a subject gets its events of the list together, in order. A close acts in its
    /// place: the subscriptions that it ends have what stands before it, and nothing of what
    /// stands after it. (Without a [tail](crate::Tail) it acts before everything.)
    pub fn publish(
        &self,
        list: impl IntoIterator<Item = Publication<P>>,
    ) -> Result<(), PublishError> {
        if self.0.down.load(Ordering::Acquire) {
            return Err(PublishError::ShuttingDown);
        }
        let topics = self.0.topics.read().unwrap_or_else(PoisonError::into_inner);
        let mut groups: BTreeMap<&str, Group<P>> = BTreeMap::new();
        let mut closes = Vec::new();
        for (position, publication) in list.into_iter().enumerate() {
            match publication {
                Publication::Close { tokens } => closes.push((position, tokens)),
                Publication::Event { topic, event } => {
                    let Some((name, channel)) = topics.get_key_value(&topic) else {
                        return Err(PublishError::UnknownTopic { topic });
                    };
                    let group = groups.entry(name).or_insert_with(|| Group::new(channel));
                    group.add(position, event)?;
                }
            }
        }
        if !closes.is_empty() {
            for (name, channel) in &*topics {
                groups.entry(name).or_insert_with(|| Group::new(channel));
            }
        }
        // All locks, in the order of names, so that the list is seen whole or not at all.
        let mut open = Vec::with_capacity(groups.len());
        for group in groups.into_values() {
            let state = group.channel.state();
            if state.down {
                return Err(PublishError::ShuttingDown);
            }
            group.check(state.last)?;
            open.push((state, group));
        }
        let mut bells = Vec::new();
        // First the ends: whoever finds an event has to find, too, that it is not to read it.
        for (state, group) in &mut open {
            for (position, tokens) in &closes {
                group.close(state, *position, tokens, &mut bells);
            }
            group.append(state, &mut bells);
        }
        drop(open);
        ring_all(bells);
        Ok(())
    }

    /// Begins another life of a topic, as after a restore: its buffers and snapshots are dropped,
    /// its subscriptions end with [`SubscriptionError::ForceClosed`](crate::SubscriptionError::ForceClosed), and no old position means
    /// anything any more.
    pub fn refresh_topic(&self, topic: &str) -> Result<(), SubscribeError> {
        self.channel(topic)?.refresh();
        Ok(())
    }

    /// As [`refresh_topic`](Self::refresh_topic), of every topic.
    pub fn refresh_all(&self) {
        self.channels().iter().for_each(|channel| channel.refresh());
    }

    /// Ends every subscription, with [`SubscriptionError::ShuttingDown`](crate::SubscriptionError::ShuttingDown) after what was published;
    /// nothing can be published or subscribed to any more.
    pub fn shut_down(&self) {
        let topics = self.0.topics.write().unwrap_or_else(PoisonError::into_inner);
        self.0.down.store(true, Ordering::Release);
        topics.values().for_each(|channel| channel.shut_down());
    }

    /// The life that a topic is in.
    pub fn epoch(&self, topic: &str) -> Option<Epoch> {
        Some(self.channel(topic).ok()?.state().epoch.clone())
    }

    /// The newest index that a topic's tail has let go of; 0 at first.
    pub fn floor(&self, topic: &str) -> Option<u64> {
        Some(self.channel(topic).ok()?.state().floor)
    }

    /// What a topic's tail has of a subject, oldest first.
    pub fn retained(&self, topic: &str, subject: &Subject) -> Vec<Events<P>> {
        let Ok(channel) = self.channel(topic) else { return Vec::new() };
        let base =
            channel.state().buffers.get(subject).map(|buffer| Arc::clone(buffer.list.base()));
        let mut out = Vec::new();
        let mut next = base.and_then(|link| link.next());
        while let Some(entry) = next {
            if let Content::Events(events) = entry.content {
                out.push(events);
            }
            next = entry.link.next();
        }
        out
    }

    /// All buffers that there are.
    pub fn buffers(&self) -> Vec<BufferStatus> {
        let status = |channel: &Arc<Channel<P>>| {
            let state = channel.state();
            let of = |(subject, buffer): (&Subject, &Buffer<P>)| BufferStatus {
                topic: Arc::clone(&channel.name),
                subject: subject.clone(),
                references: buffer.references,
                cached: state.snapshots.get(subject).is_some_and(Cached::is_ready),
            };
            state.buffers.iter().map(of).collect::<Vec<_>>()
        };
        self.channels().iter().flat_map(status).collect()
    }

    fn channel(&self, topic: &str) -> Result<Arc<Channel<P>>, SubscribeError> {
        let topics = self.0.topics.read().unwrap_or_else(PoisonError::into_inner);
        let unknown = || SubscribeError::UnknownTopic { topic: topic.into() };
        topics.get(topic).cloned().ok_or_else(unknown)
    }

    fn channels(&self) -> Vec<Arc<Channel<P>>> {
        let topics = self.0.topics.read().unwrap_or_else(PoisonError::into_inner);
        topics.values().cloned().collect()
    }
}

impl<P: Payload> Clone for EventPublisher<P> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<P: Payload> core::fmt::Debug for EventPublisher<P> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("EventPublisher").field("epoch", &self.0.epoch).finish_non_exhaustive()
    }
}
