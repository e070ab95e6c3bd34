//! What changed, told transaction by transaction.

use std::rc::Rc;

use highwater_core::{Materializer, View};

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
    pub cursor: Option<Rc<str>>,
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

/// The transactions that the last input committed.
pub(super) fn transactions<V: View>(materializer: &Materializer<V>) -> Vec<Transaction> {
    let state = materializer.state();
    let cursor: Option<Rc<str>> = materializer.cursor().map(Into::into);
    let mut begin = 0;
    let commits = materializer.commits().iter();
    commits
        .map(|commit| {
            let own = materializer.changes().get(begin..commit.end).unwrap_or_default();
            begin = commit.end;
            let changes = own.iter().filter(|change| change.action != Action::Noop);
            Transaction {
                snapshot: commit.snapshot,
                changes: changes
                    .map(|change| {
                        let (kind, key) = state.name(change.slot).unwrap_or_default();
                        let (version, action) = (change.version, change.action);
                        ItemChange { kind: kind.into(), key: key.into(), version, action }
                    })
                    .collect(),
                version: state.revision(),
                cursor: cursor.clone(),
            }
        })
        .collect()
}
