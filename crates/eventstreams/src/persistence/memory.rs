//! Streams that are forgotten with the process.

use super::{Answer, Listed, Persistence, Update, Upserted};
use crate::error::Error;
use crate::filter::{Page, Query};
use crate::keyword::Keyword;
use crate::spec::EventStreamSpec;
use crate::timestamp::Timestamp;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Streams and checkpoints in memory: for tests, and for programs that need no more.
#[derive(Debug, Default)]
pub struct MemoryPersistence(Mutex<Tables>);

#[derive(Debug, Default)]
struct Tables {
    /// By the order in which they were stored first.
    streams: BTreeMap<i64, EventStreamSpec>,
    checkpoints: HashMap<String, String>,
    last: i64,
}

impl MemoryPersistence {
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    fn find(&self, holds: impl Fn(&EventStreamSpec) -> bool) -> Option<(i64, &EventStreamSpec)> {
        self.streams.iter().find(|(_, spec)| holds(spec)).map(|(key, spec)| (*key, spec))
    }

    fn key(&self, id: &str) -> Option<i64> {
        self.find(|spec| spec.id.as_deref() == Some(id)).map(|(key, _)| key)
    }

    fn upsert(&mut self, spec: &EventStreamSpec) -> Result<Upserted, Error> {
        let id = spec.id.as_deref().ok_or(Error::Missing("id"))?;
        let name = spec.name.as_deref().ok_or(Error::Missing("name"))?;
        let key = self.key(id);
        let taken = self.find(|spec| spec.name.as_deref() == Some(name));
        if taken.is_some_and(|(other, _)| Some(other) != key) {
            return Err(Error::NameTaken(name.into()));
        }
        let updated = Timestamp::now();
        let created = key.and_then(|key| self.streams[&key].created).unwrap_or(updated);
        let stored =
            EventStreamSpec { created: Some(created), updated: Some(updated), ..spec.clone() };
        let place = key.unwrap_or_else(|| {
            self.last += 1;
            self.last
        });
        self.streams.insert(place, stored);
        Ok(Upserted { inserted: key.is_none(), created, updated })
    }

    fn update(&mut self, id: &str, update: Update) -> Result<Timestamp, Error> {
        let key = self.key(id).ok_or(Error::NotFound)?;
        let spec = self.streams.get_mut(&key).ok_or(Error::NotFound)?;
        if let Some(status) = update.status {
            spec.status = Some(Keyword::from(status.as_str()));
        }
        if let Some(position) = update.initial_sequence_id {
            spec.initial_sequence_id = position;
        }
        if let Some(time) = update.initial_time {
            spec.initial_time = time;
        }
        let last = spec.updated.map_or(0, Timestamp::as_nanos);
        let updated = Timestamp::now().max(Timestamp::from_nanos(last + 1));
        spec.updated = Some(updated);
        Ok(updated)
    }
}

fn ready<'a, T: Send + 'a>(done: impl FnOnce() -> Result<T, Error> + Send + 'a) -> Answer<'a, T> {
    Box::pin(async move { done() })
}

impl Persistence for MemoryPersistence {
    fn upsert<'a>(&'a self, spec: &'a EventStreamSpec) -> Answer<'a, Upserted> {
        ready(|| self.tables().upsert(spec))
    }

    fn update<'a>(&'a self, id: &'a str, update: Update) -> Answer<'a, Timestamp> {
        ready(|| self.tables().update(id, update))
    }

    fn by_id<'a>(&'a self, id: &'a str) -> Answer<'a, Option<EventStreamSpec>> {
        ready(move || {
            let tables = self.tables();
            let found = tables.find(|spec| spec.id.as_deref() == Some(id));
            Ok(found.map(|(_, spec)| spec.clone()))
        })
    }

    fn by_name<'a>(&'a self, name: &'a str) -> Answer<'a, Option<EventStreamSpec>> {
        ready(move || {
            let tables = self.tables();
            let found = tables.find(|spec| spec.name.as_deref() == Some(name));
            Ok(found.map(|(_, spec)| spec.clone()))
        })
    }

    fn list<'a>(&'a self, query: &'a Query) -> Answer<'a, Listed> {
        ready(|| {
            let Page { items, total } = query.page(self.tables().streams.values().rev().cloned());
            Ok(Listed { items, total })
        })
    }

    fn page(&self, after: Option<i64>, limit: usize) -> Answer<'_, Vec<(i64, EventStreamSpec)>> {
        ready(move || {
            let tables = self.tables();
            let later = tables.streams.range(after.map_or(i64::MIN, |after| after + 1)..);
            Ok(later.take(limit).map(|(key, spec)| (*key, spec.clone())).collect())
        })
    }

    fn delete<'a>(&'a self, id: &'a str) -> Answer<'a, ()> {
        ready(|| {
            let mut tables = self.tables();
            if let Some(key) = tables.key(id) {
                tables.streams.remove(&key);
            }
            Ok(())
        })
    }

    fn checkpoint<'a>(&'a self, id: &'a str) -> Answer<'a, Option<String>> {
        ready(|| Ok(self.tables().checkpoints.get(id).cloned()))
    }

    fn put_checkpoint<'a>(&'a self, id: &'a str, position: &'a str) -> Answer<'a, ()> {
        ready(|| {
            self.tables().checkpoints.insert(id.into(), position.into());
            Ok(())
        })
    }

    fn delete_checkpoint<'a>(&'a self, id: &'a str) -> Answer<'a, ()> {
        ready(|| {
            self.tables().checkpoints.remove(id);
            Ok(())
        })
    }
}
