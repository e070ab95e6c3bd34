//! From an engine's log into memory.

use crate::topics::Channel;
use core::time::Duration;
use highwater_publisher::engine::{Engine, Failure, Place, Read, Record};
use highwater_publisher::{Epoch, Options, Topic};
use std::sync::Arc;
use tokio::time::sleep;

/// An engine, and what is kept in memory of its topics. A clone is another handle to the same.
#[derive(Clone, Debug)]
pub(super) struct Feed {
    pub(super) engine: Arc<dyn Engine>,
    pub(super) options: Options,
}

impl Feed {
    /// A topic as the log has it, with as much of its tail as there is; `None` if it is not there.
    pub(super) async fn load(&self, name: &str) -> Result<Option<Topic>, Failure> {
        let Some(snapshot) = self.engine.snapshot(name).await? else { return Ok(None) };
        let (base, records) = self.tail(name, &snapshot.place).await?;
        Ok(Some(Topic::restore(name, snapshot, base, &records, self.options)))
    }

    /// Moves a topic on to a place that it is to reach, or as far as the log tells.
    pub(super) async fn pull(
        &self,
        name: &str,
        channel: &Channel,
        to: &Place,
    ) -> Result<(), Failure> {
        let _alone = channel.pulling().await;
        loop {
            let at = channel.with(|topic| topic.place());
            if at.epoch == to.epoch && at.index >= to.index {
                return Ok(());
            }
            let follows = match self.engine.read(name, &at, CHUNK).await? {
                Read::Records(none) if none.is_empty() => return Ok(()),
                Read::Records(records) => channel.with(|topic| topic.follow_log(&records)),
                Read::Gone => false,
            };
            if !follows {
                // Too far behind, or another life: its readers are cut over to a new snapshot.
                let topic = self.load(name).await?;
                let topic = topic.unwrap_or_else(|| Topic::new(name, Epoch::fresh(), self.options));
                channel.with(|present| *present = topic);
                return Ok(());
            }
        }
    }

    /// Keeps a topic up with its log, for ever.
    pub(super) async fn follow(self, name: Box<str>, channel: Arc<Channel>) {
        loop {
            if let Err(failure) = self.follow_on(&name, &channel).await {
                tracing::warn!(topic = name, %failure, "a topic is not followed, for now");
            }
            sleep(PAUSE).await;
        }
    }

    /// Comes back when the topic is gone, or cannot be read.
    async fn follow_on(&self, name: &str, channel: &Channel) -> Result<(), Failure> {
        let Some(mut watch) = self.engine.watch(name).await? else {
            return Ok(());
        };
        loop {
            self.pull(name, channel, &watch.newest()).await?;
            if !watch.moved().await {
                tracing::error!(topic = name, "the storage has lost a topic");
                let gone = Topic::new(name, Epoch::fresh(), self.options);
                channel.with(|present| *present = gone);
                return Ok(());
            }
        }
    }

    /// The records that lead up to a place, and the index that they follow.
    async fn tail(&self, name: &str, to: &Place) -> Result<(u64, Vec<Arc<Record>>), Failure> {
        let most = self.options.log_transactions as u64;
        // The newest index that is known to be too old, and the oldest that is not.
        let (mut gone, mut base) = (to.index.saturating_sub(most), to.index);
        let mut at = gone;
        while gone < base {
            match self.read(name, to, at, 0).await? {
                Read::Records(_) => base = at,
                Read::Gone => gone = at + 1,
            }
            at = gone + (base - gone) / 2;
        }
        match self.read(name, to, base, usize::MAX).await? {
            Read::Records(records) => Ok((base, records)),
            Read::Gone => Ok((to.index, Vec::new())), // trimmed meanwhile
        }
    }

    async fn read(&self, name: &str, of: &Place, at: u64, limit: usize) -> Result<Read, Failure> {
        self.engine.read(name, &Place { index: at, ..of.clone() }, limit).await
    }
}

/// How many bytes of the log are applied under a topic's lock at once, about.
const CHUNK: usize = 256 << 10;
const PAUSE: Duration = Duration::from_secs(1);
