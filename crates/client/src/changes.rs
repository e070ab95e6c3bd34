//! What changed, told transaction by transaction.

use core::fmt;
use std::sync::Arc;

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::{Action, Version};

/// One committed transaction, or a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transaction {
    /// Whether it was a snapshot: all that there is. Its changes are what differs from before.
    pub snapshot: bool,
    /// What became different; empty when everything in it was known already.
    pub changes: Vec<ItemChange>,
    /// The version of the state in which the transaction can be read. Transactions that arrived
    /// together take effect together, and share it.
    pub version: u64,
    /// Where the stream stands at that version.
    pub cursor: Option<Arc<str>>,
}

/// What happened to one item. Its value is in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ItemChange {
    /// The item's kind.
    pub kind: Box<str>,
    /// The item's key.
    pub key: Box<str>,
    /// The version that the change carried.
    pub version: Version,
    /// What happened: never [`Action::Noop`].
    pub action: Action,
}

/// A subscription to the transactions of a store, from [`Store::changes`](crate::Store::changes).
///
/// Each subscriber has a place in a ring of the newest transactions (1,024, unless
/// [`Builder::backlog`](crate::Builder::backlog) says otherwise). The stream never waits for a
/// subscriber, and a slow one costs no memory: when the ring has gone past its place it is told
/// [`Lagged`], once, and goes on with what happens from then on.
#[derive(Debug)]
pub struct Changes {
    receiver: broadcast::Receiver<Arc<Transaction>>,
}

impl Changes {
    pub(crate) const fn new(receiver: broadcast::Receiver<Arc<Transaction>>) -> Self {
        Self { receiver }
    }

    /// The next transaction, as soon as the store has it; `None` when the store has stopped and
    /// all were told. May be dropped while it waits (as in `select!`) without losing anything.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), highwater::Error> {
    /// let store = highwater::connect(serve())?;
    /// let mut changes = store.changes();
    /// let mut names: Vec<String> = Vec::new();
    /// while let Some(next) = changes.next().await {
    ///     match next {
    ///         Ok(transaction) => names.extend(transaction.changes.iter().map(|c| c.key.to_string())),
    ///         Err(lagged) => eprintln!("{lagged}: reading everything again"),
    ///     }
    /// #   break;
    /// }
    /// assert_eq!(names, ["1", "2"]);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn next(&mut self) -> Option<Result<Arc<Transaction>, Lagged>> {
        match self.receiver.recv().await {
            Ok(transaction) => Some(Ok(transaction)),
            Err(RecvError::Lagged(missed)) => {
                // What is left in the ring is old news to somebody who reads the state now.
                let skipped = self.receiver.len() as u64;
                self.receiver = self.receiver.resubscribe();
                Some(Err(Lagged { missed: missed + skipped }))
            }
            Err(RecvError::Closed) => None,
        }
    }
}

/// The subscriber was too slow, and transactions passed it by: read the state again.
///
/// What [`Changes::next`] tells after this happened after this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lagged {
    /// How many transactions passed.
    pub missed: u64,
}

impl fmt::Display for Lagged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} transactions passed a subscriber that was too slow", self.missed)
    }
}

impl core::error::Error for Lagged {}
