//! What is published, and what a subscription hears.

use std::sync::Arc;

/// The part of a topic that an event is about, or that a subscription is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// The topic is not split up.
    Whole,
    /// A named part. Names are compared as they are.
    Named(Arc<str>),
    /// All parts: to be subscribed to, not to be published to.
    Wildcard,
}

impl Subject {
    /// A named part.
    pub fn named(name: &str) -> Self {
        Self::Named(name.into())
    }
}

/// What an event carries.
pub trait Payload: Send + Sync + 'static {
    /// Who reads, as far as permissions go.
    type Authorizer: ?Sized;

    /// The part of the topic that it is about; never [`Subject::Wildcard`].
    fn subject(&self) -> Subject;

    /// Whether this reader may see it.
    fn readable_by(&self, authorizer: &Self::Authorizer) -> bool;

    /// What it counts for in the tail's bound of bytes.
    fn bytes(&self) -> usize {
        size_of_val(self)
    }
}

/// Something that happened at an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event<P> {
    /// The index of the transaction.
    pub index: u64,
    /// What happened.
    pub payload: P,
}

/// An entry of the list that [`publish`](crate::EventPublisher::publish) takes.
#[derive(Clone, Debug)]
pub enum Publication<P> {
    /// An event of a topic.
    Event {
        /// The topic.
        topic: Arc<str>,
        /// The event.
        event: Event<P>,
    },
    /// Ends the subscriptions of these tokens, with
    /// [`SubscriptionError::AclChanged`](crate::SubscriptionError::AclChanged). Nobody is told of it otherwise.
    Close {
        /// The tokens' secrets.
        tokens: Vec<Arc<str>>,
    },
}

/// Events that stand together, shared by all who read them.
pub type Events<P> = Arc<[Arc<Event<P>>]>;

/// What a subscription hears next.
#[derive(Clone, Debug)]
pub enum Delivery<P> {
    /// One event.
    Event(Arc<Event<P>>),
    /// The events of one transaction.
    Batch {
        /// The index of the first of them.
        index: u64,
        /// The events, in order.
        events: Events<P>,
    },
    /// The snapshot is whole, and is that of this index.
    EndOfSnapshot(u64),
    /// What the reader has is outdated: it forgets it, and gets everything.
    NewSnapshotToFollow,
}

impl<P: Payload> Delivery<P> {
    pub(super) fn of(events: Events<P>) -> Self {
        match &*events {
            [event] => Self::Event(Arc::clone(event)),
            _ => Self::Batch { index: events.first().map_or(0, |event| event.index), events },
        }
    }

    /// The index that a reader is at who has taken this in.
    pub fn index(&self) -> u64 {
        match self {
            Self::Event(event) => event.index,
            Self::Batch { index, .. } | Self::EndOfSnapshot(index) => *index,
            Self::NewSnapshotToFollow => 0,
        }
    }

    /// What of it this reader may see: nothing, or the event, or of a batch the readable part.
    ///
    /// A batch stays one, also of a single event. Framing may be seen by everybody. Nobody else's
    /// copy changes.
    pub fn readable_by(self, authorizer: &P::Authorizer) -> Option<Self> {
        match self {
            Self::Event(event) => {
                event.payload.readable_by(authorizer).then_some(Self::Event(event))
            }
            Self::Batch { index, events } => {
                let readable = |event: &&Arc<Event<P>>| event.payload.readable_by(authorizer);
                if events.iter().all(|event| readable(&event)) {
                    return Some(Self::Batch { index, events });
                }
                let events: Events<P> = events.iter().filter(readable).cloned().collect();
                (!events.is_empty()).then_some(Self::Batch { index, events })
            }
            framing @ (Self::EndOfSnapshot(_) | Self::NewSnapshotToFollow) => Some(framing),
        }
    }
}
