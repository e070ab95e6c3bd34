//! Topics that outlive the process: an engine keeps them, and what is read and streamed here
//! follows its log in memory.

mod answer;
mod arguments;
mod feed;

pub(crate) use arguments::{Chosen, EngineArguments};

use crate::error::ApiError;
use crate::topics::{Channel, Topics};
use axum::http::StatusCode;
use core::time::Duration;
use feed::Feed;
use highwater_publisher::engine::{Append, Appended, Base, Engine, Failure, Place};
use highwater_publisher::{CommitError, Replacement, Topic};
use std::sync::{Arc, OnceLock};
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::Instant;

pub(crate) use answer::WriteError;

/// The log of all topics, from when its engine is there.
#[derive(Debug, Default)]
pub(crate) struct Log {
    feed: OnceLock<Feed>,
    /// A task for each topic that keeps it up with the log. Locked while a topic is taken up.
    followers: Mutex<JoinSet<()>>,
}

/// Where a topic is after a list of items was made its only ones.
pub(crate) struct Replaced {
    pub(crate) place: Place,
    /// Whether anything differed.
    pub(crate) changed: bool,
}

impl Log {
    /// Whether there is anything to read from and to write to.
    pub(crate) fn ready(&self) -> Result<(), ApiError> {
        self.feed().map(drop)
    }

    /// Takes up the topics of an engine, and then is ready.
    pub(crate) async fn begin(
        &self,
        topics: &Topics,
        engine: Arc<dyn Engine>,
    ) -> Result<(), Failure> {
        let feed = Feed { engine, options: topics.options() };
        for name in feed.engine.topics().await? {
            self.take_up(topics, &feed, &name).await?;
        }
        let _ = self.feed.set(feed); // one that was there before stays
        Ok(())
    }

    /// A topic that is not in memory yet: somebody else has made it, since this process began.
    pub(crate) async fn find(
        &self,
        topics: &Topics,
        name: &str,
    ) -> Result<Option<Arc<Channel>>, ApiError> {
        let feed = self.feed()?;
        let found = match feed.engine.watch(name).await {
            Ok(None) => Ok(None),
            Ok(Some(_)) => self.take_up(topics, feed, name).await,
            Err(failure) => Err(failure),
        };
        found.map_err(|failure| answer::failed(&failure))
    }

    /// Hears what the log tells up to a place that a client was told, perhaps by another process.
    pub(crate) async fn hear(&self, name: &str, channel: &Channel, place: &Place) {
        let Ok(feed) = self.feed() else { return };
        let ahead =
            |topic: &mut Topic| *topic.epoch() == place.epoch && topic.index() < place.index;
        if channel.with(ahead) {
            // The engine itself may have to wait for it.
            let _ = feed.engine.read(name, place, 0).await;
            report(name, feed.pull(name, channel, place).await);
        }
    }

    /// Appends a transaction, which is in memory, too, when this comes back.
    pub(crate) async fn append(
        &self,
        topics: &Topics,
        name: &str,
        append: Append,
    ) -> Result<Appended, WriteError> {
        let feed = self.feed()?;
        if topics.find(name).is_none() {
            topics.check_new(name)?;
        }
        let done = feed.engine.append(name, append).await?;
        self.catch_up(topics, feed, name, &done.place).await;
        Ok(done)
    }

    /// Makes a list of items the only ones: compares with what is in memory, and appends what
    /// differs if the log is at the same place; else again.
    pub(crate) async fn replace_all(
        &self,
        topics: &Topics,
        name: &str,
        items: &[Replacement],
    ) -> Result<Replaced, WriteError> {
        let deadline = Instant::now() + PATIENCE;
        let nothing = topics.fresh(name);
        loop {
            let seen = |topic: &Topic| topic.replacing(items).map_err(WriteError::Refused);
            let (base, mut replacing) = match topics.get(name).await? {
                Some(channel) => channel.with(|topic| {
                    seen(topic).map(|replacing| (Base::At(topic.place()), replacing))
                })?,
                None => (Base::Absent, seen(&nothing)?),
            };
            let transaction = core::mem::take(&mut replacing.transaction);
            let differs = !transaction.is_empty();
            // Also if nothing differs: the engine knows whether this is the newest place.
            let append = Append::new(transaction).on(base.clone());
            match (self.append(topics, name, append).await, base) {
                (Ok(done), _) => return Ok(Replaced { place: done.place, changed: true }),
                (Err(WriteError::Refused(CommitError::Empty)), base) if !differs => {
                    let place = if let Base::At(place) = base { place } else { nothing.place() };
                    return Ok(Replaced { place, changed: false });
                }
                (Err(WriteError::Refused(error)), _) => {
                    return Err(WriteError::Refused(replacing.refused(error)));
                }
                (Err(WriteError::Moved(now)), _) if Instant::now() < deadline => {
                    if let Some(now) = now {
                        self.catch_up(topics, self.feed()?, name, &now).await;
                    }
                }
                (Err(error), _) => return Err(error),
            }
        }
    }

    fn feed(&self) -> Result<&Feed, ApiError> {
        let away = || {
            let message = "the storage of this server is not there yet";
            let error = ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "starting", message);
            error.retry_after(Duration::from_secs(1))
        };
        self.feed.get().ok_or_else(away)
    }

    /// What was acknowledged is acknowledged, whether it can be shown already or not.
    async fn catch_up(&self, topics: &Topics, feed: &Feed, name: &str, place: &Place) {
        let caught_up = match topics.find(name) {
            Some(channel) => feed.pull(name, &channel, place).await,
            None => self.take_up(topics, feed, name).await.map(drop),
        };
        report(name, caught_up);
    }

    /// Reads a topic into memory and follows it, unless that is done already.
    async fn take_up(
        &self,
        topics: &Topics,
        feed: &Feed,
        name: &str,
    ) -> Result<Option<Arc<Channel>>, Failure> {
        let mut followers = self.followers.lock().await;
        if let Some(channel) = topics.find(name) {
            return Ok(Some(channel));
        }
        let Some(topic) = feed.load(name).await? else { return Ok(None) };
        let channel = topics.insert(topic);
        followers.spawn(feed.clone().follow(name.into(), Arc::clone(&channel)));
        Ok(Some(channel))
    }
}

fn report(name: &str, done: Result<(), Failure>) {
    if let Err(failure) = done {
        tracing::warn!(topic = name, %failure, "what is shown of a topic is behind its log");
    }
}

/// How long others may be quicker, again and again.
const PATIENCE: Duration = Duration::from_secs(5);
