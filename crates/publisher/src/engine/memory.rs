//! The engine that keeps everything in the process, and loses it with the process.

use super::{
    Answer, Append, AppendError, Appended, Bell, Engine, Lease, Leases, Place, Read, Record,
    Replica, Retention, Snapshot, Watch,
};
use crate::id::Epoch;
use core::future::ready;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Topics in memory. Each begins a new epoch with its first append, so that no cursor outlives the process.
#[derive(Debug)]
pub struct Memory {
    options: MemoryOptions,
    topics: Mutex<HashMap<Box<str>, Topic>>,
    leases: Leases,
    token: AtomicU64,
}

/// What it keeps.
#[derive(Clone, Copy, Debug)]
pub struct MemoryOptions {
    /// How much of each topic's log.
    pub retention: Retention,
    /// How long a lease lasts.
    pub lease: Duration,
}

impl Default for MemoryOptions {
    fn default() -> Self {
        Self { retention: Retention::default(), lease: Duration::from_secs(10) }
    }
}

#[derive(Debug)]
struct Topic {
    replica: Replica,
    bell: Bell,
}

impl Memory {
    /// No topics.
    pub fn new(options: MemoryOptions) -> Self {
        Self {
            options,
            topics: Mutex::default(),
            leases: Leases::new(options.lease),
            token: AtomicU64::new(0),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Topic>> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn append_now(&self, name: &str, append: &Append) -> Result<Appended, AppendError> {
        let mut topics = self.lock();
        let topic = topics.get(name);
        let record =
            append.decide(topic.map(|topic| topic.replica.head()), Record::now(), |id| {
                Ok(topic.and_then(|topic| topic.replica.known(id)))
            })?;
        let topic = topics.entry(name.into()).or_insert_with(|| {
            let replica = Replica::new(Epoch::fresh(), self.options.retention);
            Topic { bell: Bell::new(replica.head().place.clone()), replica }
        });
        let appended = topic.replica.head().appended(&record);
        topic.replica.apply(Arc::new(record));
        topic.bell.ring(appended.place.clone());
        Ok(appended)
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new(MemoryOptions::default())
    }
}

impl Engine for Memory {
    fn topics(&self) -> Answer<'_, Vec<String>> {
        let names = self.lock().keys().map(ToString::to_string).collect();
        Box::pin(ready(Ok(names)))
    }

    fn append<'a>(&'a self, topic: &'a str, append: Append) -> Answer<'a, Appended, AppendError> {
        Box::pin(async move { self.append_now(topic, &append) })
    }

    fn read<'a>(&'a self, topic: &'a str, after: &'a Place, limit: usize) -> Answer<'a, Read> {
        let read = self.lock().get(topic).map(|topic| topic.replica.read(after, limit));
        Box::pin(ready(Ok(read.unwrap_or(Read::Gone))))
    }

    fn snapshot<'a>(&'a self, topic: &'a str) -> Answer<'a, Option<Snapshot>> {
        Box::pin(ready(Ok(self.lock().get(topic).map(|topic| topic.replica.snapshot()))))
    }

    fn watch<'a>(&'a self, topic: &'a str) -> Answer<'a, Option<Watch>> {
        Box::pin(ready(Ok(self.lock().get(topic).map(|topic| topic.bell.watch()))))
    }

    fn acquire<'a>(&'a self, name: &'a str) -> Answer<'a, Option<Lease>> {
        let token = self.token.fetch_add(1, Ordering::Relaxed) + 1;
        Box::pin(ready(Ok(self.leases.acquire(name, token))))
    }

    fn renew<'a>(&'a self, lease: &'a Lease) -> Answer<'a, bool> {
        Box::pin(ready(Ok(self.leases.renew(lease))))
    }

    fn release(&self, lease: Lease) -> Answer<'_, ()> {
        self.leases.release(&lease);
        Box::pin(ready(Ok(())))
    }
}
