//! The topics of a server, each with its lock.

use crate::durable::{Log, Replaced, WriteError};
use crate::error::ApiError;
use axum::http::StatusCode;
use core::time::Duration;
use highwater_publisher::engine::{Append, Appended, Engine, Failure, Place};
use highwater_publisher::{Committed, Epoch, Options, Replacement, Topic, Transaction};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use tokio::sync::MutexGuard;

/// The longest name of a topic, in bytes.
const MAX_NAME: usize = 256;

/// All topics by name. A topic exists from its first write on.
#[derive(Debug)]
pub struct Topics {
    options: Options,
    most: usize,
    channels: RwLock<HashMap<Arc<str>, Arc<Channel>>>,
    /// Held by whoever makes a topic.
    making: Mutex<()>,
    /// Where they outlive the process, if they do.
    log: Option<Log>,
}

impl Topics {
    pub(crate) fn new(options: Options, most: usize, log: Option<Log>) -> Self {
        Self { options, most, channels: RwLock::default(), making: Mutex::default(), log }
    }

    /// The topic of this name, if it has been written to.
    pub fn find(&self, name: &str) -> Option<Arc<Channel>> {
        self.channels.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// A new life of a topic of this name, not yet published.
    pub fn fresh(&self, name: &str) -> Topic {
        Topic::new(name, Epoch::fresh(), self.options)
    }

    /// As [`find`](Self::find), also where another process may have made it.
    pub(crate) async fn get(&self, name: &str) -> Result<Option<Arc<Channel>>, ApiError> {
        match (self.find(name), &self.log) {
            (None, Some(log)) => log.find(self, name).await,
            (found, _) => Ok(found),
        }
    }

    /// The topic that somebody wants to read, at a place that it was told of or later, if that can be.
    pub(crate) async fn read(
        &self,
        name: &str,
        told: Option<&Place>,
    ) -> Result<Arc<Channel>, ApiError> {
        let found = self.get(name).await?;
        let channel = found.ok_or_else(|| ApiError::unknown_topic(name))?;
        if let (Some(log), Some(told)) = (&self.log, told) {
            log.hear(name, &channel, told).await;
        }
        Ok(channel)
    }

    /// Does a transaction; creates the topic if there is none and it succeeds.
    pub(crate) async fn commit(
        &self,
        name: &str,
        transaction: Transaction,
    ) -> Result<Appended, WriteError> {
        if let Some(log) = &self.log {
            return log.append(self, name, Append::new(transaction)).await;
        }
        self.write(name, |topic| {
            let Committed { versions, .. } =
                topic.commit(transaction).map_err(WriteError::Refused)?;
            Ok(Appended { place: topic.place(), versions })
        })
    }

    /// Makes the items the only ones of the topic.
    pub(crate) async fn replace_all(
        &self,
        name: &str,
        items: &[Replacement],
    ) -> Result<Replaced, WriteError> {
        if let Some(log) = &self.log {
            return log.replace_all(self, name, items).await;
        }
        self.write(name, |topic| {
            let done = topic.replace_all(items).map_err(WriteError::Refused)?;
            Ok(Replaced { place: topic.place(), changed: done.is_some() })
        })
    }

    /// Takes up the topics of an engine.
    pub(crate) async fn begin(&self, engine: Arc<dyn Engine>) -> Result<(), Failure> {
        match &self.log {
            Some(log) => log.begin(self, engine).await,
            None => Ok(()),
        }
    }

    /// Whether there is anything to read from and to write to.
    pub(crate) fn ready(&self) -> Result<(), ApiError> {
        self.log.as_ref().map_or(Ok(()), Log::ready)
    }

    /// Whether there may be a topic of this name that there was not before.
    pub(crate) fn check_new(&self, name: &str) -> Result<(), ApiError> {
        if name.len() > MAX_NAME {
            let message = format!("the name of a topic has at most {MAX_NAME} bytes");
            return Err(ApiError::bad_request("bad-name", message));
        }
        if self.channels.read().unwrap_or_else(PoisonError::into_inner).len() < self.most {
            return Ok(());
        }
        let message = format!("there are {} topics, and no more are allowed", self.most);
        Err(ApiError::new(StatusCode::INSUFFICIENT_STORAGE, "too-many-topics", message))
    }

    pub(crate) fn options(&self) -> Options {
        self.options
    }

    /// Writes to a topic in memory.
    fn write<T>(
        &self,
        name: &str,
        write: impl FnOnce(&mut Topic) -> Result<T, WriteError>,
    ) -> Result<T, WriteError> {
        if let Some(channel) = self.find(name) {
            return channel.with(write);
        }
        let _alone = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(channel) = self.find(name) {
            return channel.with(write); // somebody else was quicker
        }
        self.check_new(name)?;
        let mut topic = self.fresh(name);
        let done = write(&mut topic)?;
        self.insert(topic);
        Ok(done)
    }

    /// Ends the readers of a token's holder, in every topic.
    pub(crate) fn close(&self, token: &Arc<str>) {
        for channel in self.all() {
            channel.with(|topic| topic.close(Arc::clone(token)));
        }
    }

    /// How many topics there are, and how many bytes their items have.
    pub(crate) fn size(&self) -> (usize, usize) {
        let all = self.all();
        (all.len(), all.iter().map(|channel| channel.with(|topic| topic.bytes())).sum())
    }

    fn all(&self) -> Vec<Arc<Channel>> {
        let channels = self.channels.read().unwrap_or_else(PoisonError::into_inner);
        channels.values().cloned().collect()
    }

    /// Puts a topic in place, as [`Topics::fresh`] made it.
    pub fn insert(&self, topic: Topic) -> Arc<Channel> {
        let name: Arc<str> = topic.name().into();
        let channel = Arc::new(Channel::new(topic, self.options.heartbeat));
        let mut channels = self.channels.write().unwrap_or_else(PoisonError::into_inner);
        channels.insert(name, Arc::clone(&channel));
        channel
    }
}

/// A topic that many write to and read from.
///
/// Readers keep their own places in what the topic publishes: they read and wait without the lock.
#[derive(Debug)]
pub struct Channel {
    topic: Mutex<Topic>,
    heartbeat: Duration,
    pulling: tokio::sync::Mutex<()>,
}

impl Channel {
    fn new(topic: Topic, heartbeat: Duration) -> Self {
        Self { topic: Mutex::new(topic), heartbeat, pulling: tokio::sync::Mutex::default() }
    }

    /// Looks at the topic of one moment, or changes it. Must be brief: everyone else waits.
    pub fn with<T>(&self, look: impl FnOnce(&mut Topic) -> T) -> T {
        look(&mut self.topic.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// After how much silence its readers hear something.
    pub(crate) fn heartbeat(&self) -> Duration {
        self.heartbeat
    }

    /// The right to move the topic on to where its log is.
    pub(crate) async fn pulling(&self) -> MutexGuard<'_, ()> {
        self.pulling.lock().await
    }
}
