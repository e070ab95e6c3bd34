//! Why an engine did not do what it was asked.

use super::record::Place;
use crate::error::CommitError;
use core::error::Error;
use core::fmt;
use core::time::Duration;
use std::sync::Arc;

/// What lies beneath: shared, because one fault of the storage fails many appends.
pub type Cause = Arc<dyn Error + Send + Sync>;

/// The transaction is not in the log, except perhaps for [`AppendError::Undecided`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AppendError {
    /// An operation cannot be done; the refusal tells the current version where that matters.
    Refused(CommitError),
    /// The topic is not where the append wants it to be.
    Moved {
        /// Where it is; `None` if there is no such topic.
        now: Option<Place>,
    },
    /// A later holder of the lease has written to the topic.
    Fenced {
        /// The greatest fence that the topic has seen.
        newest: u64,
    },
    /// The transaction is too large to be one record of this engine.
    TooLarge {
        /// How long its record is.
        bytes: usize,
        /// How long one can be.
        most: usize,
    },
    /// It was handed over and nothing was heard of it again: it may be in the log, or not.
    Undecided {
        /// When it may be worth looking.
        retry_after: Duration,
    },
    /// The storage.
    Failure(Failure),
}

/// The storage does not do its part.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Failure {
    /// It cannot be reached now. What was read before may still be read.
    Unavailable {
        /// When it may be worth trying again.
        retry_after: Duration,
        /// What was heard of it last.
        cause: Cause,
    },
    /// It has no room left. Reads go on; appends succeed again once there is room.
    Full(Cause),
    /// It is held by another process.
    InUse(Cause),
    /// It holds something that was not written by this program, or not by one that this one understands.
    Corrupt(Cause),
    /// It answered with another error.
    Storage(Cause),
}

impl fmt::Display for AppendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refused) => refused.fmt(f),
            Self::Moved { now: Some(place) } => write!(f, "the topic is at {place}"),
            Self::Moved { now: None } => f.write_str("there is no such topic"),
            Self::Fenced { newest } => {
                write!(f, "the lease was lost: the topic was written to under fence {newest}")
            }
            Self::TooLarge { bytes, most } => {
                write!(f, "the transaction takes {bytes} bytes, and {most} are allowed")
            }
            Self::Undecided { .. } => {
                f.write_str("the storage did not confirm the transaction: it may be done or not")
            }
            Self::Failure(failure) => failure.fmt(f),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable { cause, .. } => write!(f, "the storage is out of reach: {cause}"),
            Self::Full(cause) => write!(f, "the storage is full: {cause}"),
            Self::InUse(cause) => write!(f, "the storage is in use by another process: {cause}"),
            Self::Corrupt(cause) => write!(f, "the storage cannot be read: {cause}"),
            Self::Storage(cause) => write!(f, "the storage failed: {cause}"),
        }
    }
}

impl Error for AppendError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failure(failure) => failure.source(),
            _ => None,
        }
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unavailable { cause, .. }
            | Self::Full(cause)
            | Self::InUse(cause)
            | Self::Corrupt(cause)
            | Self::Storage(cause) => Some(&**cause),
        }
    }
}

impl From<CommitError> for AppendError {
    fn from(refused: CommitError) -> Self {
        Self::Refused(refused)
    }
}

impl From<Failure> for AppendError {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}
