//! The topics of a server, each with its lock.

use crate::error::ApiError;
use axum::http::StatusCode;
use highwater_publisher::{Epoch, Options, Topic};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// The longest name of a topic, in bytes.
const MAX_NAME: usize = 256;

/// All topics by name. A topic exists from its first write on.
#[derive(Debug)]
pub struct Topics {
    options: Options,
    most: usize,
    channels: RwLock<HashMap<Arc<str>, Arc<Channel>>>,
}

impl Topics {
    pub(crate) fn new(options: Options, most: usize) -> Self {
        Self { options, most, channels: RwLock::default() }
    }

    /// The topic of this name, if it has been written to.
    pub fn find(&self, name: &str) -> Option<Arc<Channel>> {
        self.channels.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// A new life of a topic of this name, not yet published.
    pub fn fresh(&self, name: &str) -> Topic {
        Topic::new(name, Epoch::fresh(), self.options)
    }

    /// Writes to a topic; creates it if there is none and the write succeeds.
    pub(crate) fn write<T>(
        &self,
        name: &str,
        write: impl FnOnce(&mut Topic) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        if let Some(channel) = self.find(name) {
            return channel.with(write);
        }
        let mut channels = self.channels.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(channel) = channels.get(name) {
            return channel.with(write); // somebody else was quicker
        }
        if name.len() > MAX_NAME {
            let message = format!("the name of a topic has at most {MAX_NAME} bytes");
            return Err(ApiError::bad_request("bad-name", message));
        }
        if channels.len() >= self.most {
            let message = format!("there are {} topics, and no more are allowed", self.most);
            return Err(ApiError::new(
                StatusCode::INSUFFICIENT_STORAGE,
                "too-many-topics",
                message,
            ));
        }
        let mut topic = self.fresh(name);
        let done = write(&mut topic)?;
        channels.insert(name.into(), Arc::new(Channel::new(topic)));
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
        let channel = Arc::new(Channel::new(topic));
        let mut channels = self.channels.write().unwrap_or_else(PoisonError::into_inner);
        channels.insert(name, Arc::clone(&channel));
        channel
    }
}

/// A topic that many write to and read from.
///
/// Readers keep their own places in what the topic publishes: they read and wait without the lock.
#[derive(Debug)]
pub struct Channel(Mutex<Topic>);

impl Channel {
    fn new(topic: Topic) -> Self {
        Self(Mutex::new(topic))
    }

    /// Looks at the topic of one moment, or changes it. Must be brief: everyone else waits.
    pub fn with<T>(&self, look: impl FnOnce(&mut Topic) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
