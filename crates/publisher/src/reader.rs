//! Readers of a topic.

use crate::id::Epoch;
use bytes::Bytes;
use std::sync::Arc;

/// A place in a topic's sequence of transactions; all that a topic's reader costs.
///
/// Made by [`Topic::subscribe`](crate::Topic::subscribe), moved by [`Topic::read`](crate::Topic::read).
#[derive(Clone, Debug)]
pub struct Reader {
    pub(crate) epoch: Epoch,
    pub(crate) index: u64,
    pub(crate) kind: Option<Arc<str>>,
}

impl Reader {
    /// The index of the last transaction that was read.
    pub fn index(&self) -> u64 {
        self.index
    }
}

/// The answer to a reader that comes, or comes back.
#[derive(Clone, Debug)]
pub struct Subscription {
    /// How it goes on.
    pub verdict: Verdict,
    /// What it has to be told before anything else: the intent, and the snapshot if there is one.
    pub frames: Vec<Bytes>,
    /// Where it reads from afterwards. After [`Verdict::Changes`] the missed transactions are
    /// read from here like any other.
    pub reader: Reader,
}

/// What a reader has not seen yet.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// A frame a transaction; after a cut-over the intent and the snapshot.
    pub frames: Vec<Bytes>,
    /// Whether the reader was too far behind, and starts again.
    pub cut_over: bool,
}

/// How a reader goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// From the beginning, with a snapshot.
    Full,
    /// From where it was: the log still has all that it missed.
    Changes,
    /// From where it was: it missed nothing.
    UpToDate,
}
