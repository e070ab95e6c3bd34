//! How a process hears of what any process has appended.

use super::Shared;
use super::error::{corrupt, unavailable};
use super::log::message_id;
use super::topic::{Taken, Topic};
use super::wire::Batch;
use async_nats::jetstream::Message;
use async_nats::jetstream::consumer::{DeliverPolicy, pull};
use core::sync::atomic::Ordering;
use core::time::Duration;
use futures_util::StreamExt as _;
use highwater_publisher::Epoch;
use highwater_publisher::engine::Failure;
use std::sync::Arc;
use tokio::time::{sleep, timeout};

impl Shared {
    /// Follows all logs until the engine is dropped, through every loss of the connection.
    pub(super) async fn follow(self: Arc<Self>) {
        let mut connections = self.connections.clone();
        loop {
            connections.mark_unchanged();
            tokio::select! {
                // What was asked over an old connection is not answered; and a consumer notices only
                // after some time that its server is a new one.
                Ok(()) = connections.changed() => {}
                outcome = self.follow_on() => {
                    if let Err(failure) = outcome {
                        tracing::debug!(%failure, "following the log anew");
                    }
                    sleep(PAUSE).await;
                }
            }
        }
    }

    /// Follows the logs from where they were left; ends when something is wrong.
    async fn follow_on(&self) -> Result<(), Failure> {
        // In this order: what is seen meanwhile is no loss.
        let seen = self.seen.load(Ordering::Relaxed);
        let last = self.log.last().await?;
        if last < seen {
            tracing::error!(last, seen, "NATS has lost transactions: new epochs begin");
            self.begin_again(true).await?;
        }
        let config = pull::OrderedConfig {
            filter_subject: self.log.subjects.logs(),
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: self.reached() + 1 },
            ..pull::OrderedConfig::default()
        };
        let consumer = self.log.stream.create_consumer(config).await.map_err(unavailable)?;
        let mut messages = consumer.messages().await.map_err(unavailable)?;
        while let Some(message) = messages.next().await {
            self.take(&message.map_err(unavailable)?).await?;
        }
        Ok(())
    }

    async fn take(&self, message: &Message) -> Result<(), Failure> {
        let sequence = message.info().map_err(corrupt)?.stream_sequence;
        let batch = Batch::decode(&message.payload).map_err(corrupt)?;
        let name = batch.topic.clone();
        let taken = {
            let mut topics = self.topics();
            let topic = match topics.get_mut(&*name) {
                Some(topic) => Some(topic),
                None if batch.after == 0 => {
                    let topic = Topic::new(batch.epoch.clone(), self.log.options.retention);
                    Some(topics.entry(name.clone()).or_insert(topic))
                }
                None => None,
            };
            let id = message_id(message);
            topic.map_or(Taken::Gap, |topic| topic.take(sequence, id.as_deref(), batch))
        };
        if taken == Taken::Gap {
            self.load(&name).await?;
        }
        self.has_reached(sequence);
        Ok(())
    }

    /// Reads a topic anew; one that is gone is forgotten.
    pub(super) async fn load(&self, name: &str) -> Result<(), Failure> {
        let loaded = self.log.load(name).await?;
        self.has_seen(loaded.as_ref().map_or(0, |topic| topic.log));
        let mut topics = self.topics();
        match (topics.get_mut(name), loaded) {
            // What this process has added meanwhile is not undone.
            (Some(topic), Some(loaded)) if loaded.log > topic.log => topic.replace(loaded),
            (Some(_), Some(_)) | (None, None) => {}
            (Some(_), None) => drop(topics.remove(name)),
            (None, Some(loaded)) => drop(topics.insert(name.to_owned(), loaded)),
        }
        Ok(())
    }

    /// Reads all topics of the stream; on `renew` each begins another epoch.
    pub(super) async fn begin_again(&self, renew: bool) -> Result<(), Failure> {
        let last = self.log.last().await?;
        let mut names = Vec::new();
        let mut logs = self
            .log
            .stream
            .info_with_subjects(self.log.subjects.logs())
            .await
            .map_err(unavailable)?;
        while let Some(found) = logs.next().await {
            let (subject, _) = found.map_err(unavailable)?;
            if let Some((_, text)) = self.log.newest(&subject).await? {
                names.push(Batch::decode(&text).map_err(corrupt)?.topic);
            }
        }
        self.topics().retain(|name, _| names.contains(name));
        for name in &names {
            // Not what this process remembers of it, which is what the stream has lost.
            if renew && let Some(topic) = self.topics().get_mut(&**name) {
                topic.log = 0;
            }
            self.load(name).await?;
            if renew {
                self.renew_epoch(name).await?;
            }
        }
        self.is_at(last);
        Ok(())
    }

    /// Begins another epoch of a topic, unless somebody else does.
    async fn renew_epoch(&self, name: &str) -> Result<(), Failure> {
        let Some(after) = self.topics().get(name).map(|topic| topic.log) else { return Ok(()) };
        let epoch = Epoch::fresh();
        let text = Batch::opening(name, &epoch, after);
        let message = super::append::message(&super::append::fresh_id(), text);
        let sent = self.log.put(self.log.subjects.log(name), after, message);
        match timeout(self.log.options.patience, sent).await {
            Ok(Ok(sequence)) => {
                let batch = Batch { topic: name.to_owned(), epoch, after, records: Vec::new() };
                if let Some(topic) = self.topics().get_mut(name) {
                    topic.take(sequence, None, batch);
                }
                Ok(())
            }
            // Somebody else has written: after the loss, and after beginning anew as we would have.
            Ok(Err(super::error::Lost::Passed)) => self.load(name).await,
            Ok(Err(lost)) => Err(unavailable(format!("a new epoch could not begin: {lost:?}"))),
            Err(late) => Err(unavailable(late)),
        }
    }
}

const PAUSE: Duration = Duration::from_millis(100);
