//! What a topic and a subscription of it share: how the subscription ends.

use super::bell::Bell;
use super::error::SubscriptionError;
use super::sync::{Mutex, Once};
use std::sync::Arc;

pub(super) struct Handle {
    /// The first reason wins, and stays.
    ending: Once<Ending>,
    /// The bell of the snapshot that the subscription reads or has read.
    snapshot: Mutex<Option<Arc<Bell>>>,
}

#[derive(Clone, Debug)]
pub(super) struct Ending {
    pub(super) reason: SubscriptionError,
    /// What may still be read; nothing without it.
    pub(super) limit: Option<Limit>,
}

/// The place of an end in a list: after all items before the one of this ordinal, and so many
/// events of that one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    pub(super) ordinal: u64,
    pub(super) events: usize,
}

impl Handle {
    pub(super) fn end(&self, reason: SubscriptionError, limit: Option<Limit>) {
        self.ending.set(Ending { reason, limit });
    }

    pub(super) fn ending(&self) -> Option<Ending> {
        self.ending.look(Clone::clone)
    }

    pub(super) fn reads(&self, bell: &Arc<Bell>) {
        *self.snapshot.lock() = Some(Arc::clone(bell));
    }

    pub(super) fn snapshot_bell(&self) -> Option<Arc<Bell>> {
        self.snapshot.lock().clone()
    }
}

impl Default for Handle {
    fn default() -> Self {
        Self { ending: Once::new(), snapshot: Mutex::new(None) }
    }
}
