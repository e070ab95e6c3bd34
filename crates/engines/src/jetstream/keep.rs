//! How the log stays short: one process writes the items down, and lets go of what led to them.

use super::Shared;
use super::error::{Lost, corrupt, unavailable};
use super::wire::{Mark, decode_item, encode_item};
use async_nats::header::NATS_ROLLUP;
use async_nats::jetstream::consumer::DeliverPolicy;
use async_nats::jetstream::message::PublishMessage;
use futures_util::future::try_join_all;
use highwater_publisher::Id;
use highwater_publisher::engine::{Failure, Lease};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::time::{sleep, timeout};

/// What the one who keeps knows of what was written down. Whoever was slow and is no longer the one
/// finds that its messages do not follow, and begins anew: nothing newer is written over.
#[derive(Debug)]
struct Kept {
    /// The mark, and the sequence of its message.
    mark: Option<Mark>,
    mark_at: u64,
    /// The sequence of each item's message.
    items: HashMap<Id, u64>,
    /// Items that are written down as deleted.
    deleted: Vec<(Id, u64)>,
}

impl Shared {
    /// Keeps the logs short until the engine is dropped, whenever nobody else does.
    pub(super) async fn keep(self: Arc<Self>) {
        let (mut lease, mut kept) = (None, HashMap::new());
        loop {
            sleep(self.log.options.lease / 3).await;
            if let Err(failure) = self.keep_once(&mut lease, &mut kept).await {
                tracing::debug!(%failure, "the log was not shortened");
                kept.clear();
            }
        }
    }

    async fn keep_once(
        &self,
        lease: &mut Option<Lease>,
        kept: &mut HashMap<String, Kept>,
    ) -> Result<(), Failure> {
        if let Some(held) = lease.take()
            && self.leases.renew(&held).await?
        {
            *lease = Some(held);
        } else {
            kept.clear();
            *lease = self.leases.acquire("keeper").await?;
        }
        if lease.is_none() {
            return Ok(());
        }
        let names: Vec<String> = self.topics().keys().cloned().collect();
        for name in names {
            self.keep_topic(&name, kept).await?;
        }
        Ok(())
    }

    /// Writes down the items of a topic, if enough has come since the last time.
    async fn keep_topic(
        &self,
        name: &str,
        kept: &mut HashMap<String, Kept>,
    ) -> Result<(), Failure> {
        let Some((log, head)) =
            self.topics().get(name).map(|topic| (topic.log, topic.head().clone()))
        else {
            return Ok(());
        };
        if !kept.contains_key(name) {
            kept.insert(name.to_owned(), self.kept(name).await?);
        }
        let Some(topic) = kept.get_mut(name) else { return Ok(()) };
        let before = topic.mark.as_ref().map_or(0, |mark| mark.head.place.index);
        let renewed =
            topic.mark.as_ref().is_some_and(|mark| mark.head.place.epoch != head.place.epoch);
        if head.place.index < before + self.log.options.keep_after && !renewed {
            return Ok(());
        }
        // Of this moment or later: what comes meanwhile is in the log after the mark.
        let changed: Vec<_> = match self.topics().get(name) {
            Some(topic) if renewed => topic.replica.changed_after(0),
            Some(topic) => topic.replica.changed_after(before),
            None => return Ok(()),
        }
        .map(|(id, slot)| (id.clone(), slot.clone()))
        .collect();
        for some in changed.chunks(AT_ONCE) {
            let written = some.iter().map(|(id, slot)| {
                let after = topic.items.get(id).copied().unwrap_or(0);
                self.write_down(self.log.subjects.item(name, id), after, encode_item(id, slot))
            });
            for ((id, slot), at) in some.iter().zip(try_join_all(written).await?) {
                topic.items.insert(id.clone(), at);
                if slot.object.is_none() {
                    topic.deleted.push((id.clone(), slot.changed));
                }
            }
        }
        let mark = Mark { log, head };
        topic.mark_at =
            self.write_down(self.log.subjects.mark(name), topic.mark_at, mark.encode()).await?;
        topic.mark = Some(mark);
        self.let_go(name, topic, log).await
    }

    /// Lets go of messages that nobody is told of any more, and of deletions that are forgotten.
    async fn let_go(&self, name: &str, kept: &mut Kept, mark: u64) -> Result<(), Failure> {
        let (oldest, forgotten): (_, Vec<Id>) = match self.topics().get(name) {
            Some(topic) => {
                let gone = |(id, _): &&(Id, u64)| topic.replica.known(id).is_none();
                let forgotten = kept.deleted.iter().filter(gone).map(|(id, _)| id.clone());
                (topic.oldest_told(), forgotten.collect())
            }
            None => return Ok(()),
        };
        // The message of the mark stays: it is what the next one follows.
        if let Some(oldest) = oldest {
            self.purge(self.log.subjects.log(name), oldest.min(mark)).await?;
        }
        for id in forgotten {
            let item = self.log.subjects.item(name, &id);
            // Not what somebody else has written there since.
            if let Some(at) = kept.items.remove(&id) {
                self.purge(item, at + 1).await?;
            }
            kept.deleted.retain(|(other, _)| *other != id);
        }
        Ok(())
    }

    /// Lets go of the messages of a subject that come before one.
    async fn purge(&self, subject: String, before: u64) -> Result<(), Failure> {
        // To NATS "before the first" is all there are.
        if before <= 1 {
            return Ok(());
        }
        let purge = self.log.stream.purge().sequence(before).filter(subject);
        purge.await.map(drop).map_err(unavailable)
    }

    /// Reads what is written down of a topic.
    async fn kept(&self, name: &str) -> Result<Kept, Failure> {
        let mark = self.log.newest(&self.log.subjects.mark(name)).await?;
        let mark_at = mark.as_ref().map_or(0, |&(at, _)| at);
        let mark = mark.map(|(_, text)| Mark::decode(&text)).transpose().map_err(corrupt)?;
        let (mut items, mut deleted) = (HashMap::new(), Vec::new());
        let items_of = self.log.subjects.items(name);
        self.log
            .each(items_of, DeliverPolicy::LastPerSubject, false, |at, message| {
                let (id, slot) = decode_item(&message.payload).map_err(corrupt)?;
                if slot.object.is_none() {
                    deleted.push((id.clone(), slot.changed));
                }
                items.insert(id, at);
                Ok(())
            })
            .await?;
        Ok(Kept { mark, mark_at, items, deleted })
    }

    /// Puts a message in the place of the one before it on its subject.
    async fn write_down(&self, subject: String, after: u64, text: Vec<u8>) -> Result<u64, Failure> {
        let message = PublishMessage::build().payload(text.into()).header(NATS_ROLLUP, "sub");
        match timeout(self.log.options.patience, self.log.put(subject, after, message)).await {
            Ok(Ok(at)) => Ok(at),
            Ok(Err(Lost::NotTaken(failure) | Lost::Refused(failure))) => Err(failure),
            Ok(Err(lost)) => Err(unavailable(format!("what was written down is not: {lost:?}"))),
            Err(late) => Err(unavailable(late)),
        }
    }
}

/// Messages under way at a time.
const AT_ONCE: usize = 256;
