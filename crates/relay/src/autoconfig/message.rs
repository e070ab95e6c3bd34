//! What the stream says, once versions have decided; and what an operator should hear of.

use core::fmt;

use highwater_core::Version;

use crate::credentials::EnvironmentId;
use crate::environment::{EnvironmentRep, FilterId, FilterRep};

/// What is to be done about environments and filters.
///
/// Of each id something is updated or deleted only after it was added, and deleted once for each time
/// that it was added.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Message {
    /// There is a new environment.
    AddEnvironment(EnvironmentRep),
    /// An environment has changed.
    UpdateEnvironment(EnvironmentRep),
    /// An environment is gone: as of this version, or because the list of all has it no longer.
    DeleteEnvironment(EnvironmentId, Option<Version>),
    /// There is a new filter. (One that changes is not told of: its key is what it is.)
    AddFilter(FilterId, FilterRep),
    /// A filter is gone, as an environment is.
    DeleteFilter(FilterId, Option<Version>),
    /// All that there is has been told.
    ReceivedAllEnvironments,
}

/// What one event of the stream led to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// In this order.
    pub messages: Vec<Message>,
    /// What an operator should hear of.
    pub notes: Vec<Note>,
    /// The server asks for a new connection.
    pub reconnect: bool,
}

/// Something that an operator should hear of. None of it shows a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// An event of a type that is not known was ignored.
    UnknownEvent {
        /// Its type.
        event: Box<str>,
    },
    /// An event about something that is not known was ignored.
    UnknownPath {
        /// Its type.
        event: Box<str>,
    },
    /// An item is named otherwise than it names itself, and was ignored.
    Mismatch {
        /// How it is named; empty in a patch.
        key: Box<str>,
    },
    /// An item was not newer than what is known of it, and was ignored.
    Stale {
        /// `environments` or `filters`.
        kind: &'static str,
        /// Its id.
        key: Box<str>,
        /// Its version.
        version: Version,
    },
    /// An item cannot be used, and was ignored: as if nothing had been said of it.
    Refused {
        /// `environments` or `filters`.
        kind: &'static str,
        /// Its id.
        key: Box<str>,
        /// What is wrong with it.
        why: Refusal,
    },
    /// None of the environments of a put can be used: the put was ignored.
    NoneUsable {
        /// How many there were.
        count: usize,
    },
    /// A put does not list all that there is to list: it was ignored.
    Incomplete {
        /// The list that is not there.
        missing: &'static str,
    },
    /// A put lists no environment: all that there were are gone.
    Empty,
    /// The server asks for a new connection.
    Reconnect,
}

/// Why an item cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// It cannot be read: a member is of another type, or a key that is listed is empty.
    Unreadable,
    /// An environment without an id.
    NoId,
    /// An environment without an SDK key.
    NoSdkKey,
    /// A key that no request could carry.
    BadKey {
        /// Which one.
        which: &'static str,
    },
    /// There are several keys, and the one at present is not among them.
    NotListed {
        /// Which one.
        which: &'static str,
    },
    /// A time to live below zero.
    NegativeTtl,
    /// A filter without a key.
    NoFilterKey,
}

/// How much an operator should care.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// For who looks for something.
    Detail,
    /// For the record.
    Info,
    /// Something is wrong at the other end.
    Warning,
    /// Something is wrong, and what was said took no effect.
    Error,
}

impl Note {
    /// What the core says of an event that has no effect.
    pub(super) fn ignored(event: &str, why: &str) -> Self {
        match (event, why) {
            (_, "unknown path") => Self::UnknownPath { event: event.into() },
            ("patch", _) => Self::Mismatch { key: Box::default() },
            _ => Self::UnknownEvent { event: event.into() },
        }
    }

    /// How much an operator should care.
    pub fn weight(&self) -> Weight {
        match self {
            Self::Stale { .. } => Weight::Detail,
            Self::UnknownPath { event } if **event != *"put" => Weight::Detail,
            Self::UnknownPath { .. } | Self::Reconnect => Weight::Info,
            Self::UnknownEvent { .. } | Self::Mismatch { .. } | Self::Empty => Weight::Warning,
            Self::Refused { .. } | Self::NoneUsable { .. } | Self::Incomplete { .. } => {
                Weight::Error
            }
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownEvent { event } => write!(f, "ignored an event of unknown type {event:?}"),
            Self::UnknownPath { event } => {
                write!(f, "ignored a {event} whose path is none that is known")
            }
            Self::Mismatch { key } if key.is_empty() => {
                f.write_str("ignored a patch whose path and environment disagree on its id")
            }
            Self::Mismatch { key } => {
                write!(f, "ignored the environment listed as {key:?}: it names itself otherwise")
            }
            Self::Stale { kind, key, version } => {
                write!(f, "out-of-order update: {kind}/{key} at version {version}")
            }
            Self::Refused { kind, key, why } => write!(f, "refused {kind}/{key}: {why}"),
            Self::NoneUsable { count } => write!(
                f,
                "refused a put: none of its {count} environments can be used; what there was stays"
            ),
            Self::Incomplete { missing } => {
                write!(f, "refused a put without {missing}; what there was stays")
            }
            Self::Empty => f.write_str("a put lists no environment: all that there were are gone"),
            Self::Reconnect => f.write_str("the server asks for a new connection"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable => {
                f.write_str("a member is of another type, or a key that is listed is empty")
            }
            Self::NoId => f.write_str("it has no id"),
            Self::NoSdkKey => f.write_str("it has no SDK key"),
            Self::BadKey { which } => {
                write!(f, "its {which} is none that a request could carry")
            }
            Self::NotListed { which } => {
                write!(f, "it lists several keys, and its {which} is not among them")
            }
            Self::NegativeTtl => f.write_str("its time to live is below zero"),
            Self::NoFilterKey => f.write_str("the filter has no key"),
        }
    }
}
