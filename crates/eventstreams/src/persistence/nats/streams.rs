//! Streams as entries of a bucket, all of them in memory.

use super::{failed, key, within};
use crate::error::Error;
use crate::keyword::Keyword;
use crate::persistence::{Changed, Update, Upserted};
use crate::spec::EventStreamSpec;
use crate::timestamp::Timestamp;
use async_nats::jetstream::kv::{CreateErrorKind, Entry, Operation, Store, UpdateErrorKind};
use core::time::Duration;
use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

#[derive(Debug)]
pub(super) struct Streams {
    bucket: Store,
    patience: Duration,
    /// By key: what is stored, or was deleted, as far as this process has heard.
    known: Mutex<HashMap<String, Known>>,
    /// One change at a time: of this process.
    changing: tokio::sync::Mutex<()>,
    loaded: watch::Sender<bool>,
    listeners: Mutex<Vec<mpsc::UnboundedSender<Changed>>>,
}

#[derive(Clone, Debug)]
struct Known {
    revision: u64,
    row: Option<Row>,
}

/// A stream as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Row {
    /// Its place in the order in which streams were stored first.
    seq: i64,
    spec: EventStreamSpec,
}

impl Streams {
    pub(super) fn new(bucket: Store, patience: Duration) -> Self {
        Self {
            bucket,
            patience,
            known: Mutex::default(),
            changing: tokio::sync::Mutex::default(),
            loaded: watch::Sender::new(false),
            listeners: Mutex::default(),
        }
    }

    /// Waits until all streams are known.
    pub(super) async fn loaded(&self) -> Result<(), Error> {
        let mut loaded = self.loaded.subscribe();
        let there = loaded.wait_for(|loaded| *loaded);
        timeout(2 * self.patience, there).await.map(drop).map_err(failed)
    }

    pub(super) fn changes(&self) -> mpsc::UnboundedReceiver<Changed> {
        let (listener, changes) = mpsc::unbounded_channel();
        self.listeners().push(listener);
        changes
    }

    /// Hears of every change, whoever makes it.
    pub(super) async fn follow(self: std::sync::Arc<Self>) {
        loop {
            if let Err(error) = self.watch().await {
                tracing::warn!(%error, "changes of event streams are not heard of");
            }
            sleep(PAUSE).await;
        }
    }

    async fn watch(&self) -> Result<(), Error> {
        // What is there already comes first; what was deleted, too.
        let count = within(self.patience, self.bucket.status()).await?.values();
        let mut entries = within(self.patience, self.bucket.watch_with_history(">")).await?;
        if count == 0 {
            self.is_loaded();
        }
        while let Some(entry) = entries.next().await {
            let entry = entry.map_err(failed)?;
            let is_last = entry.delta == 0;
            self.heard(entry);
            if is_last {
                self.is_loaded();
            }
        }
        Ok(())
    }

    fn is_loaded(&self) {
        if !self.loaded.send_replace(true) {
            self.tell(&Changed::Any);
        }
    }

    /// Takes up an entry, if it is news.
    fn heard(&self, entry: Entry) {
        let Entry { key, value, revision, operation, .. } = entry;
        let row = match operation {
            Operation::Put => match serde_json::from_slice::<Row>(&value) {
                Ok(row) => Some(row),
                Err(error) => {
                    tracing::error!(key, %error, "an event stream is unreadable in NATS");
                    return;
                }
            },
            Operation::Delete | Operation::Purge => None,
        };
        self.know(key, Known { revision, row });
    }

    fn know(&self, key: String, news: Known) {
        let id = |known: &Known| known.row.as_ref().and_then(|row| row.spec.id.clone());
        let mut changed: Vec<_> = id(&news).into_iter().collect();
        {
            let mut known = self.known();
            if known.get(&key).is_some_and(|known| known.revision >= news.revision) {
                return;
            }
            changed.extend(known.insert(key, news).as_ref().and_then(id));
        }
        changed.dedup();
        for id in changed {
            self.tell(&Changed::Stream(id));
        }
    }

    fn tell(&self, changed: &Changed) {
        self.listeners().retain(|listener| listener.send(changed.clone()).is_ok());
    }

    /// The stream that is meant. Of two of one ID, which a process left that renamed a stream and
    /// died, the newer.
    pub(super) fn find(
        &self,
        mut is_meant: impl FnMut(&EventStreamSpec) -> bool,
    ) -> Option<EventStreamSpec> {
        self.row(|spec| is_meant(spec)).map(|(_, _, row)| row.spec)
    }

    /// All streams, oldest first.
    pub(super) fn sorted(&self) -> Vec<(i64, EventStreamSpec)> {
        let known = self.known();
        let mut newest: HashMap<&str, &Row> = HashMap::new();
        for row in known.values().filter_map(|known| known.row.as_ref()) {
            let place = newest.entry(row.spec.id.as_deref().unwrap_or_default()).or_insert(row);
            if place.spec.updated < row.spec.updated {
                *place = row;
            }
        }
        let mut all: Vec<_> = newest.values().map(|row| (row.seq, row.spec.clone())).collect();
        all.sort_by_key(|(seq, _)| *seq);
        all
    }

    /// Key, revision and content of the entry that is meant.
    fn row(
        &self,
        mut is_meant: impl FnMut(&EventStreamSpec) -> bool,
    ) -> Option<(String, u64, Row)> {
        let known = self.known();
        let rows = known
            .iter()
            .filter_map(|(key, known)| Some((key, known.revision, known.row.as_ref()?)));
        rows.filter(|(_, _, row)| is_meant(&row.spec))
            .max_by_key(|(_, _, row)| row.spec.updated)
            .map(|(key, revision, row)| (key.clone(), revision, row.clone()))
    }

    fn by_id(&self, id: &str) -> Option<(String, u64, Row)> {
        self.row(|spec| spec.id.as_deref() == Some(id))
    }

    pub(super) async fn upsert(&self, spec: EventStreamSpec) -> Result<Upserted, Error> {
        let _changing = self.changing.lock().await;
        let id = spec.id.clone().ok_or(Error::Missing("id"))?;
        let name = spec.name.clone().ok_or(Error::Missing("name"))?;
        let new_key = key(&name);
        for _ in 0..ATTEMPTS {
            let before = self.by_id(&id);
            let now = Timestamp::now();
            let (seq, created, updated) = match &before {
                Some((_, _, row)) => {
                    let last = row.spec.updated.unwrap_or(now);
                    let created = row.spec.created.unwrap_or(now);
                    (row.seq, created, now.max(Timestamp::from_nanos(last.as_nanos() + 1)))
                }
                None => (self.next_seq(now), now, now),
            };
            let spec =
                EventStreamSpec { created: Some(created), updated: Some(updated), ..spec.clone() };
            let row = Row { seq, spec };
            let upserted = Upserted { inserted: before.is_none(), created, updated };
            match before {
                Some((key, revision, _)) if key == new_key => {
                    if self.replace(&key, revision, row).await? {
                        return Ok(upserted);
                    }
                }
                before => {
                    if !self.create(&new_key, row).await? {
                        self.look(&new_key).await?;
                        let other = self.row(|spec| spec.name.as_ref() == Some(&name));
                        match other {
                            Some((_, _, row)) if row.spec.id.as_ref() != Some(&id) => {
                                return Err(Error::NameTaken(name.into()));
                            }
                            _ => continue,
                        }
                    }
                    if let Some((old, revision, _)) = before {
                        self.remove(&old, revision).await?;
                    }
                    return Ok(upserted);
                }
            }
        }
        Err(failed("a stream is changed again and again"))
    }

    pub(super) async fn update(&self, id: &str, update: Update) -> Result<Timestamp, Error> {
        let _changing = self.changing.lock().await;
        for _ in 0..ATTEMPTS {
            let (key, revision, mut row) = self.by_id(id).ok_or(Error::NotFound)?;
            let Update { status, initial_sequence_id, initial_time } = update.clone();
            let spec = &mut row.spec;
            if let Some(status) = status {
                spec.status = Some(Keyword::from(status.as_str()));
            }
            if let Some(position) = initial_sequence_id {
                spec.initial_sequence_id = position;
            }
            if let Some(time) = initial_time {
                spec.initial_time = time;
            }
            let last = spec.updated.map_or(0, Timestamp::as_nanos);
            let updated = Timestamp::now().max(Timestamp::from_nanos(last + 1));
            spec.updated = Some(updated);
            if self.replace(&key, revision, row).await? {
                return Ok(updated);
            }
        }
        Err(failed("a stream is changed again and again"))
    }

    pub(super) async fn delete(&self, id: &str) -> Result<(), Error> {
        let _changing = self.changing.lock().await;
        for _ in 0..ATTEMPTS {
            // Also one that a change of name has left.
            let Some((key, revision, _)) = self.by_id(id) else { return Ok(()) };
            self.remove(&key, revision).await?;
        }
        Err(failed("a stream is changed again and again"))
    }

    async fn create(&self, key: &str, row: Row) -> Result<bool, Error> {
        let text = serde_json::to_vec(&row).map_err(failed)?.into();
        match timeout(self.patience, self.bucket.create(key, text)).await {
            Ok(Ok(revision)) => {
                self.know(key.into(), Known { revision, row: Some(row) });
                Ok(true)
            }
            Ok(Err(error)) if error.kind() == CreateErrorKind::AlreadyExists => Ok(false),
            Ok(Err(error)) => Err(failed(error)),
            Err(late) => Err(failed(late)),
        }
    }

    /// False if somebody else has changed it, which is known then.
    async fn replace(&self, key: &str, after: u64, row: Row) -> Result<bool, Error> {
        let text = serde_json::to_vec(&row).map_err(failed)?.into();
        match timeout(self.patience, self.bucket.update(key, text, after)).await {
            Ok(Ok(revision)) => {
                self.know(key.into(), Known { revision, row: Some(row) });
                Ok(true)
            }
            Ok(Err(error)) if error.kind() == UpdateErrorKind::WrongLastRevision => {
                self.look(key).await?;
                Ok(false)
            }
            Ok(Err(error)) => Err(failed(error)),
            Err(late) => Err(failed(late)),
        }
    }

    async fn remove(&self, key: &str, after: u64) -> Result<(), Error> {
        let removed = self.bucket.delete_expect_revision(key, Some(after));
        match timeout(self.patience, removed).await {
            Ok(Err(error)) if error.kind() != UpdateErrorKind::WrongLastRevision => {
                Err(failed(error))
            }
            Err(late) => Err(failed(late)),
            // Gone, or another's.
            Ok(_) => self.look(key).await,
        }
    }

    /// Reads an entry that is not as it was thought.
    async fn look(&self, key: &str) -> Result<(), Error> {
        if let Some(entry) = within(self.patience, self.bucket.entry(key)).await? {
            self.heard(entry);
        }
        Ok(())
    }

    fn next_seq(&self, now: Timestamp) -> i64 {
        let known = self.known();
        let rows = known.values().filter_map(|known| known.row.as_ref());
        rows.map(|row| row.seq + 1).max().unwrap_or(0).max(now.as_nanos())
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listeners(&self) -> MutexGuard<'_, Vec<mpsc::UnboundedSender<Changed>>> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How often a change is tried that another one came before.
const ATTEMPTS: usize = 5;
/// Before changes are listened for again.
const PAUSE: Duration = Duration::from_millis(500);
