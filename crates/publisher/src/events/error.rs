//! Why something was refused, or came to its end.

use core::fmt;
use std::sync::Arc;

/// Why a topic could not be registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegisterError {
    /// The topic has no name.
    NoName,
    /// There is a topic of this name already.
    Twice,
    /// The publisher was shut down.
    ShuttingDown,
}

/// Why a list was not published: nothing of it was.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PublishError {
    /// Nobody registered the topic.
    UnknownTopic {
        /// Its name.
        topic: Arc<str>,
    },
    /// An event says that it is about all subjects.
    WildcardSubject {
        /// Its topic.
        topic: Arc<str>,
    },
    /// The topic has a tail, whose indexes have to grow with each list, and these do not.
    IndexRegress {
        /// The topic.
        topic: Arc<str>,
        /// The index that came.
        index: u64,
        /// The newest index before it.
        last: u64,
    },
    /// The publisher was shut down.
    ShuttingDown,
}

/// Why nobody was subscribed, or nothing refreshed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubscribeError {
    /// Nobody registered the topic.
    UnknownTopic {
        /// Its name.
        topic: Arc<str>,
    },
    /// The topic cannot be subscribed to as a whole.
    WildcardNotSupported {
        /// The topic.
        topic: Arc<str>,
    },
    /// The publisher was shut down.
    ShuttingDown,
}

/// Why a subscription has nothing more to tell, now and on every later call.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SubscriptionError {
    /// The topic was refreshed: forget the state and subscribe again, from nothing.
    ForceClosed,
    /// What the token may see has changed: look the token up again and subscribe again.
    AclChanged,
    /// The publisher is shutting down.
    ShuttingDown,
    /// The subscription was given up.
    Unsubscribed,
    /// The reader is further behind than the topic's tail reaches, and the topic's snapshots are
    /// built by who subscribes: subscribe again, from nothing.
    TooSlow,
    /// The snapshot could not be built.
    Snapshot(Arc<SnapshotError>),
}

/// What a handler says when it has no snapshot.
pub type SnapshotError = dyn core::error::Error + Send + Sync;

impl fmt::Display for RegisterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoName => "a topic needs a name",
            Self::Twice => "there is a topic of this name already",
            Self::ShuttingDown => SHUTTING_DOWN,
        })
    }
}

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownTopic { topic } => write!(f, "there is no topic '{topic}'"),
            Self::WildcardSubject { topic } => {
                write!(f, "an event of '{topic}' is about all subjects: it has to name one")
            }
            Self::IndexRegress { topic, index, last } => {
                write!(f, "index {index} of '{topic}' does not follow on {last}")
            }
            Self::ShuttingDown => f.write_str(SHUTTING_DOWN),
        }
    }
}

impl fmt::Display for SubscribeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownTopic { topic } => write!(f, "there is no topic '{topic}'"),
            Self::WildcardNotSupported { topic } => {
                write!(f, "'{topic}' can only be subscribed to subject by subject")
            }
            Self::ShuttingDown => f.write_str(SHUTTING_DOWN),
        }
    }
}

impl fmt::Display for SubscriptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ForceClosed => {
                f.write_str("the topic was refreshed: subscribe again from nothing")
            }
            Self::AclChanged => {
                f.write_str("the token's permissions have changed: subscribe again")
            }
            Self::ShuttingDown => f.write_str(SHUTTING_DOWN),
            Self::Unsubscribed => f.write_str("the subscription was given up"),
            Self::TooSlow => {
                f.write_str("the reader is too far behind: subscribe again from nothing")
            }
            Self::Snapshot(error) => write!(f, "no snapshot: {error}"),
        }
    }
}

impl core::error::Error for RegisterError {}
impl core::error::Error for PublishError {}
impl core::error::Error for SubscribeError {}

impl core::error::Error for SubscriptionError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Snapshot(error) => Some(&**error),
            _ => None,
        }
    }
}

/// A build that was given up before its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Abandoned;

impl fmt::Display for Abandoned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("whoever built it gave up")
    }
}

impl core::error::Error for Abandoned {}

const SHUTTING_DOWN: &str = "the publisher is shutting down";
