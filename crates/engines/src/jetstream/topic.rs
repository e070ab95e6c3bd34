//! A topic as this process has seen it.

use super::wire::{Batch, Mark};
use highwater_publisher::engine::{Bell, Head, Place, Replica, Retention, Slot};
use highwater_publisher::{Epoch, Id};
use std::collections::VecDeque;
use std::sync::Arc;

/// The state after a message of the topic's log.
#[derive(Debug)]
pub(super) struct Topic {
    pub(super) replica: Replica,
    pub(super) bell: Bell,
    /// The sequence of the newest message that is in the state.
    pub(super) log: u64,
    /// The messages whose records are still told: their sequence and last index.
    told: VecDeque<(u64, u64)>,
    /// The newest messages that this process has sent, and what became of them.
    sent: Option<Sent>,
}

#[derive(Debug)]
struct Sent {
    id: String,
    after: u64,
    arrived: Option<bool>,
}

/// What a message was to a topic.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// News, and it is in the state now.
    News,
    /// In the state already.
    Known,
    /// Not what follows: something is missing between.
    Gap,
}

impl Topic {
    /// A topic before its first message.
    pub(super) fn new(epoch: Epoch, retention: Retention) -> Self {
        let head = Head { place: Place { epoch, index: 0 }, fence: 0 };
        Self::restore(Mark { log: 0, head }, [], Vec::new(), retention)
    }

    /// A topic at a mark, with items that are perhaps newer, and the messages up to the mark that are still there.
    pub(super) fn restore(
        mark: Mark,
        items: impl IntoIterator<Item = (Id, Slot)>,
        before: Vec<(u64, Batch)>,
        retention: Retention,
    ) -> Self {
        let bell = Bell::new(mark.head.place.clone());
        let last = |(log, batch): &(u64, Batch)| Some((*log, batch.records.last()?.index));
        let told = before.iter().filter_map(last).collect();
        let records = before.into_iter().flat_map(|(_, batch)| batch.records).collect();
        let replica = Replica::restore(mark.head, items, records, retention);
        let mut topic = Self { replica, bell, log: mark.log, told, sent: None };
        topic.forget_told();
        topic
    }

    /// Takes a message that follows, from whoever it is. `id` is the one that it was sent with.
    pub(super) fn take(&mut self, log: u64, id: Option<&str>, batch: Batch) -> Taken {
        if log <= self.log {
            return Taken::Known;
        }
        let next = self.head().place.index + 1;
        let follows = batch.after == self.log
            && (batch.epoch == self.head().place.epoch || batch.records.is_empty())
            && batch.records.iter().zip(next..).all(|(record, index)| record.index == index);
        if !follows {
            return Taken::Gap;
        }
        if let Some(sent) = &mut self.sent
            && sent.after == self.log
        {
            sent.arrived = Some(id == Some(&sent.id));
        }
        if batch.epoch != self.head().place.epoch {
            self.replica.begin(batch.epoch);
            self.told.clear();
        }
        for record in batch.records {
            self.replica.apply(Arc::new(record));
        }
        self.log = log;
        self.told.push_back((log, self.head().place.index));
        self.forget_told();
        self.bell.ring(self.head().place.clone());
        Taken::News
    }

    /// Expects the message of this id to be the next, or never to come.
    pub(super) fn sends(&mut self, id: &str) {
        self.sent = Some(Sent { id: id.to_owned(), after: self.log, arrived: None });
    }

    /// Whether the message of this id came; `None` as long as it still can.
    pub(super) fn arrived(&self, id: &str) -> Option<bool> {
        self.sent.as_ref().filter(|sent| sent.id == id).and_then(|sent| sent.arrived)
    }

    /// Goes on as another reading of the same topic; whoever watches is told.
    pub(super) fn replace(&mut self, other: Self) {
        let Self { replica, log, told, .. } = other;
        (self.replica, self.log, self.told) = (replica, log, told);
        self.bell.ring(self.head().place.clone());
    }

    pub(super) fn head(&self) -> &Head {
        self.replica.head()
    }

    /// The sequence from which on the log's messages are still told.
    pub(super) fn oldest_told(&self) -> Option<u64> {
        self.told.front().map(|&(log, _)| log)
    }

    fn forget_told(&mut self) {
        let base = self.replica.base();
        while self.told.len() > 1 && self.told.pop_front_if(|&mut (_, last)| last <= base).is_some()
        {
        }
    }
}
