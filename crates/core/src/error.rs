//! What can go wrong, and what follows from it.

use alloc::boxed::Box;
#[cfg(feature = "full")]
use core::fmt;

use crate::bytes::Text;
#[cfg(feature = "full")]
use crate::json::JsonError;
use crate::time::{Duration, millis};

/// What [`Error::code`] answers with.
#[cfg(feature = "full")]
pub type Code = &'static str;
/// The place of an error's code among those that there are here.
#[cfg(not(feature = "full"))]
pub type Code = u8;
/// The code of an end that was no fault.
#[cfg(feature = "full")]
pub(crate) const GOODBYE: Code = "goodbye";
#[cfg(not(feature = "full"))]
pub(crate) const GOODBYE: Code = Code::MAX;

/// What a fault asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The connection is made again; the state stays and the stream resumes where it was left.
    Retry,
    /// The connection is made again, and asks for everything: the position is not to be trusted.
    Reset,
    /// Trying again cannot help. The state stays readable; the session has stopped.
    Terminal,
}

/// A fault of a stream: what was wrong, where, and (by [`Error::class`]) what follows.
///
/// Faults are values. None of them loses anything that was committed before.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    #[cfg(feature = "full")]
    /// An event's data is not JSON, or not of the shape that the protocol gives it.
    /// Likely cause: a proxy that cuts or rewrites, or another protocol than the one chosen.
    Data {
        /// The event's type.
        event: Box<str>,
        /// What was wrong, and at which byte of the data.
        cause: JsonError,
    },
    #[cfg(feature = "full")]
    /// An event, or a line of NDJSON, is larger than the limit.
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
        /// The byte of the stream at which it was passed.
        at: u64,
    },
    #[cfg(feature = "full")]
    /// A value was not JSON when it was judged (on arrival, with [`Judge::OnArrival`]).
    ///
    /// [`Judge::OnArrival`]: crate::Judge::OnArrival
    Value {
        /// The item's kind.
        kind: Box<str>,
        /// The item's key.
        key: Box<str>,
        /// What was wrong, and at which byte of the value.
        cause: JsonError,
    },
    #[cfg(feature = "full")]
    /// An event stands where the protocol does not allow it.
    Order {
        /// The event's type.
        event: Box<str>,
        /// What the protocol wants instead.
        what: &'static str,
    },
    /// A transaction builds on one that never came. Asking again from the cursor heals it.
    Gap {
        /// The cursor that the transaction builds on.
        basis: Box<Text>,
    },
    #[cfg(feature = "full")]
    /// The application's view refused a transaction.
    View {
        /// The view's words.
        what: Box<str>,
    },
    /// The server answered with a status that is not a stream.
    Status {
        /// The HTTP status.
        code: u16,
        /// Whether the protocol forbids trying again.
        terminal: bool,
    },
    /// The server answered with something that is not a stream of this protocol.
    ContentType {
        /// What it sent instead; empty when it named nothing.
        found: Box<Text>,
    },
    #[cfg(feature = "full")]
    /// A query is not written as a [`Query`](crate::Query) is.
    Query {
        /// What was wrong, and at which byte of the query.
        cause: JsonError,
    },
    #[cfg(feature = "full")]
    /// Bytes are not a checkpoint that can be taken up. Nothing of it took effect.
    /// Likely cause: it was written by another version, or for another protocol, or cut off.
    Checkpoint {
        /// Where, in the bytes.
        at: usize,
        /// What was wrong there.
        what: &'static str,
    },
    /// The connection could not be made, or broke.
    Network {
        /// The transport's words.
        what: Box<Text>,
        /// Whether the transport called it temporary; `None` when it did not say.
        #[cfg(feature = "full")]
        temporary: Option<bool>,
    },
    /// The server closed the stream.
    Closed,
    #[cfg(feature = "full")]
    /// The server asked for everything to be read again (Consul's `Aborted`).
    Aborted,
    #[cfg(feature = "full")]
    /// The server said that it fails.
    Server {
        /// Its words.
        reason: Box<str>,
    },
    /// Nothing, not even a heartbeat, came for this long.
    Silent {
        /// How long.
        after: Duration,
    },
    /// A snapshot began and did not end in time.
    SnapshotTimeout {
        /// The time that it had.
        after: Duration,
    },
    /// Connections are made, and end at once, one after the other.
    /// Likely cause: a server that restarts, a proxy that closes what it does not know, or a state
    /// that nobody can send whole.
    Loop {
        /// How many in a row.
        times: u32,
        /// The code of the last one's end.
        last: Code,
    },
    /// No answer to a connection attempt.
    ConnectTimeout {
        /// The time that it had.
        after: Duration,
    },
    /// The stream is not written as our own server promises to, and this module reads no other:
    /// the one with everything has to. Nothing of the event took effect.
    #[cfg(any(test, not(feature = "full")))]
    Foreign {
        /// The event's type.
        event: Box<Text>,
        /// Its data.
        data: Box<[u8]>,
    },
}

#[cfg(any(test, not(feature = "full")))]
impl Error {
    /// The bytes are not framed as our own server does.
    pub(crate) fn unlike() -> Self {
        Self::Foreign { event: Box::default(), data: Box::default() }
    }
}

impl Error {
    /// What follows from the fault.
    pub const fn class(&self) -> Class {
        match self {
            Self::Status { terminal: true, .. } => Class::Terminal,
            #[cfg(feature = "full")]
            Self::View { .. } | Self::Aborted => Class::Reset,
            _ => Class::Retry,
        }
    }

    /// The place of its code among those that there are here.
    #[cfg(not(feature = "full"))]
    pub const fn code(&self) -> Code {
        match self {
            Self::Gap { .. } => 0,
            Self::Status { .. } => 1,
            Self::ContentType { .. } => 2,
            Self::Network { .. } => 3,
            Self::Closed => 4,
            Self::Silent { .. } => 5,
            Self::SnapshotTimeout { .. } => 6,
            Self::Loop { .. } => 7,
            Self::ConnectTimeout { .. } => 8,
            Self::Foreign { .. } => 9,
        }
    }

    /// Of a status whether it is terminal (1); of a loop the last one's code.
    #[cfg(not(feature = "full"))]
    pub const fn detail(&self) -> Code {
        match self {
            Self::Status { terminal, .. } => *terminal as Code,
            Self::Loop { last, .. } => *last,
            _ => 0,
        }
    }

    /// A short name that programs may compare.
    #[cfg(feature = "full")]
    pub const fn code(&self) -> Code {
        match self {
            #[cfg(feature = "full")]
            Self::Data { .. } => "bad-data",
            #[cfg(feature = "full")]
            Self::TooLarge { .. } => "too-large",
            #[cfg(feature = "full")]
            Self::Value { .. } => "bad-value",
            #[cfg(feature = "full")]
            Self::Order { .. } => "out-of-order",
            Self::Gap { .. } => "gap",
            #[cfg(feature = "full")]
            Self::View { .. } => "view",
            Self::Status { .. } => "status",
            Self::ContentType { .. } => "content-type",
            #[cfg(feature = "full")]
            Self::Query { .. } => "bad-query",
            #[cfg(feature = "full")]
            Self::Checkpoint { .. } => "bad-checkpoint",
            Self::Network { .. } => "network",
            Self::Closed => "closed",
            #[cfg(any(test, not(feature = "full")))]
            Self::Foreign { .. } => "foreign",
            #[cfg(feature = "full")]
            Self::Aborted => "aborted",
            #[cfg(feature = "full")]
            Self::Server { .. } => "server",
            Self::Silent { .. } => "silent",
            Self::SnapshotTimeout { .. } => "snapshot-timeout",
            Self::Loop { .. } => "loop",
            Self::ConnectTimeout { .. } => "connect-timeout",
        }
    }

    /// The words of the fault: what was found, or what was wanted.
    pub fn what(&self) -> &Text {
        match self {
            #[cfg(feature = "full")]
            Self::Data { cause, .. } | Self::Value { cause, .. } | Self::Query { cause } => {
                cause.what
            }
            #[cfg(feature = "full")]
            Self::Order { what, .. } | Self::Checkpoint { what, .. } => what,
            #[cfg(feature = "full")]
            Self::Server { reason: what } | Self::View { what } => what,
            Self::Gap { basis: what }
            | Self::Network { what, .. }
            | Self::ContentType { found: what } => what,
            #[cfg(feature = "full")]
            Self::Loop { last, .. } => last,
            _ => Default::default(),
        }
    }

    /// The event, or `kind/key`'s kind, that the fault was met in; empty for others.
    pub fn place(&self) -> &str {
        match self {
            #[cfg(feature = "full")]
            Self::Data { event, .. } | Self::Order { event, .. } => event,
            #[cfg(feature = "full")]
            Self::Value { kind, .. } => kind,
            _ => "",
        }
    }

    /// The key of the item that the fault was met in, if it was met in one.
    pub fn key(&self) -> Option<&str> {
        match self {
            #[cfg(feature = "full")]
            Self::Value { key, .. } => Some(key),
            _ => None,
        }
    }

    /// The number that belongs to the fault: a byte offset, a status, a limit in bytes, or a time
    /// in milliseconds.
    pub fn number(&self) -> Option<u64> {
        #[cfg(feature = "full")]
        let number = |size: usize| u64::try_from(size).ok();
        match self {
            #[cfg(feature = "full")]
            Self::Data { cause, .. } | Self::Value { cause, .. } | Self::Query { cause } => {
                number(cause.at)
            }
            #[cfg(feature = "full")]
            Self::TooLarge { limit, .. } => number(*limit),
            #[cfg(feature = "full")]
            Self::Checkpoint { at, .. } => number(*at),
            Self::Status { code, .. } => Some(u64::from(*code)),
            Self::Loop { times, .. } => Some(u64::from(*times)),
            Self::Silent { after }
            | Self::SnapshotTimeout { after }
            | Self::ConnectTimeout { after } => Some(millis(*after)),
            _ => None,
        }
    }

    /// Whether a first failure of this sort is kept quiet: it says of itself that it will pass.
    pub(crate) const fn is_temporary(&self) -> bool {
        match self {
            #[cfg(feature = "full")]
            Self::Aborted => true,
            #[cfg(feature = "full")]
            Self::Network { temporary, .. } => matches!(temporary, Some(true)),
            _ => false,
        }
    }

    /// Whether the fault is in the data: then the position may be to blame.
    pub(crate) const fn is_of_data(&self) -> bool {
        match self {
            #[cfg(feature = "full")]
            Self::Data { .. } | Self::Order { .. } => true,
            _ => false,
        }
    }
}

#[cfg(feature = "full")]
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            #[cfg(feature = "full")]
            Self::Data { event, cause } => {
                write!(f, "the data of event '{event}': {} at byte {}", cause.what, cause.at)
            }
            #[cfg(feature = "full")]
            Self::TooLarge { limit, at } => {
                write!(f, "an event larger than {limit} bytes, at byte {at} of the stream")
            }
            #[cfg(feature = "full")]
            Self::Value { kind, key, cause } => {
                write!(f, "the value of {kind}/{key}: {} at byte {}", cause.what, cause.at)
            }
            #[cfg(feature = "full")]
            Self::Order { event, what } => write!(f, "event '{event}' out of order: {what}"),
            Self::Gap { basis } => write!(f, "the transactions up to {basis} never came"),
            #[cfg(feature = "full")]
            Self::View { what } => write!(f, "the view refused a transaction: {what}"),
            Self::Status { code, terminal: true } => {
                write!(f, "the server answered {code}, which trying again cannot heal")
            }
            Self::Status { code, .. } => write!(f, "the server answered {code}"),
            Self::ContentType { found } => {
                write!(f, "the answer is no event stream but '{found}'")
            }
            #[cfg(feature = "full")]
            Self::Query { cause } => write!(f, "the query: {} at byte {}", cause.what, cause.at),
            #[cfg(feature = "full")]
            Self::Checkpoint { at, what } => {
                write!(f, "the checkpoint cannot be taken up: {what}, at byte {at}")
            }
            Self::Network { what, .. } => write!(f, "the connection failed: {what}"),
            #[cfg(any(test, not(feature = "full")))]
            Self::Foreign { .. } => f.write_str("the stream is not of our own server"),
            Self::Closed => f.write_str("the server closed the stream"),
            #[cfg(feature = "full")]
            Self::Aborted => f.write_str("the server asked for a new snapshot"),
            #[cfg(feature = "full")]
            Self::Server { reason } => write!(f, "the server reported: {reason}"),
            Self::Silent { after } => write!(f, "nothing came for {} ms", after.as_millis()),
            Self::SnapshotTimeout { after } => {
                write!(f, "the snapshot did not end within {} ms", after.as_millis())
            }
            Self::Loop { times, last } => {
                write!(f, "{times} connections in a row ended within a second (the last: {last})")
            }
            Self::ConnectTimeout { after } => {
                write!(f, "no answer within {} ms", after.as_millis())
            }
        }
    }
}

#[cfg(feature = "full")]
impl core::error::Error for Error {}
