//! A batch on its way.

use super::backoff::Backoff;
use crate::event::Batch;
use crate::timestamp::Timestamp;
use std::sync::Arc;

/// A batch that is being delivered, and how that has gone.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) batch: Batch,
    /// The last event that was seen before it was sent: everything up to there is dealt with when it is.
    pub(super) end: Option<Arc<str>>,
    /// When the first attempt began.
    pub(super) began: Timestamp,
    pub(super) failures: u64,
    pub(super) backoff: Backoff,
    /// The pauses of a batch that has not failed yet.
    fresh: Backoff,
    /// Whether the receiver has named its first event as the one that it does not take.
    named: bool,
}

impl Delivery {
    pub(super) fn new(
        now: Timestamp,
        batch: Batch,
        end: Option<Arc<str>>,
        backoff: Backoff,
    ) -> Self {
        let fresh = backoff.clone();
        Self { batch, end, began: now, failures: 0, backoff, fresh, named: false }
    }

    /// Notes a failure, of one event if the receiver has named it: those before it were taken, and
    /// what is left begins anew. The last position that was taken, if any was.
    pub(super) fn fail(&mut self, now: Timestamp, event: Option<usize>) -> Option<Arc<str>> {
        let event = event.filter(|&event| event < self.batch.events().len());
        self.named = event.is_some();
        let before = event.and_then(|event| event.checked_sub(1));
        let taken = before.map(|last| {
            let taken = Arc::clone(self.batch.events()[last].sequence_id());
            self.batch = self.batch.after(last + 1);
            (self.began, self.failures, self.backoff) = (now, 0, self.fresh.clone());
            taken
        });
        self.failures += 1;
        taken
    }

    /// What is given up if it has to be: the event that was named, or the whole batch.
    pub(super) fn hopeless(&self) -> Batch {
        if self.named { self.batch.first(1) } else { self.batch.clone() }
    }
}
