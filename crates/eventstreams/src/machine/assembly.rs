//! From events to batches.

use super::backoff::Backoff;
use super::settings::Settings;
use crate::event::Event;
use crate::timestamp::Timestamp;
use std::collections::VecDeque;
use std::sync::Arc;

/// What the source has handed over and nobody has sent yet.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    queue: VecDeque<Event>,
    /// Whether the source waits until the queue has room.
    offered: bool,
    batch: Vec<Event>,
    due: Option<Timestamp>,
    /// The last event that was taken from the queue.
    seen: Option<Arc<str>>,
    /// The last one that was taken before the batch began.
    before: Option<Arc<str>>,
    /// How many have been passed over since a checkpoint was written.
    pub(super) unmatched: u64,
    /// The pauses of a source that ends by itself.
    pub(super) restarts: Option<Backoff>,
}

impl Assembly {
    /// Nothing has been seen after this position.
    pub(super) fn begin(&mut self, position: Option<Arc<str>>) {
        self.seen = position;
    }

    pub(super) fn offer(&mut self, events: Vec<Event>) {
        self.queue.extend(events);
        self.offered = true;
    }

    /// Whether the source can go on that could not before.
    pub(super) fn accept(&mut self, capacity: usize) -> bool {
        let accepted = self.offered && self.queue.len() <= capacity;
        self.offered &= !accepted;
        accepted
    }

    /// Forgets what will come again.
    pub(super) fn discard(&mut self) {
        self.queue.clear();
        self.offered = false;
        self.batch.clear();
        self.due = None;
        self.unmatched = 0;
    }

    /// Takes an event from the queue into the batch, or passes it over. Its ID, if there was one.
    pub(super) fn take(&mut self, now: Timestamp, settings: &Settings) -> Option<Arc<str>> {
        let event = self.queue.pop_front()?;
        let id = Arc::clone(event.sequence_id());
        let before = self.seen.replace(Arc::clone(&id));
        if settings.filter.as_ref().is_some_and(|filter| !filter.matches(event.topic())) {
            self.unmatched += 1;
            return Some(id);
        }
        if self.batch.is_empty() {
            self.before = before;
            self.due = Some(now.after(settings.batch_timeout.wait()));
        }
        self.batch.push(event);
        Some(id)
    }

    /// The batch as it is, to be sent.
    pub(super) fn batch(&mut self) -> Vec<Event> {
        self.due = None;
        core::mem::take(&mut self.batch)
    }

    /// When the batch has waited long enough.
    pub(super) fn due(&self) -> Option<Timestamp> {
        self.due
    }

    pub(super) fn is_full(&self, settings: &Settings) -> bool {
        self.batch.len() >= settings.batch_size
    }

    /// The position that is to be stored because so many events were passed over: the newest one
    /// with nothing before it that has still to be sent (ES2).
    pub(super) fn overdue(&self, settings: &Settings) -> Option<Arc<str>> {
        let overdue = self.unmatched > settings.unmatched_event_threshold;
        let safe = if self.batch.is_empty() { &self.seen } else { &self.before };
        safe.clone().filter(|_| overdue)
    }

    /// The last event that was taken from the queue.
    pub(super) fn seen(&self) -> Option<Arc<str>> {
        self.seen.clone()
    }

    /// How many events are here.
    pub(super) fn len(&self) -> usize {
        self.queue.len() + self.batch.len()
    }
}
