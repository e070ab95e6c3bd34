//! Materializers by request, shared and counted.

use core::future::{Future, pending};
use core::time::Duration;
use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep};

use super::entry::{Entry, EntryStatus, QueryRequest, keep};
use super::feed::Feed;
use super::rule::{Answer, Cause, Failure, Query, Sight};
use super::updates::Updates;
use super::wait::Wanted;

/// Answers blocking queries, out of one materializer for all equal requests.
///
/// A materializer is made for the first request and lives as long as there are any, and then for
/// the idle time, so that who asks again finds it current. One that ends by itself, after an error
/// that nothing heals, goes with its last request. A clone is another handle to the same; with the
/// last one all materializers end.
///
/// - Q1: value and index of an answer are of one moment.
/// - Q2: equal requests have one materializer, however many come at once.
/// - Q3: an entry without requests is gone after the idle time, and not before.
///
/// ```
/// use highwater::{Feed, FeedError, QueryRequest, QueryStore, Run, Wanted};
/// struct Clock;
/// impl QueryRequest for Clock {
///     type Key = &'static str;
///     type Value = &'static str;
///     fn key(&self) -> Self::Key { "clock" }
///     fn materialize(&self, feed: Feed<Self::Value>) -> Result<Run, FeedError> {
///         Ok(Box::pin(async move {
///             feed.update(1, "tick");
///             feed.update(2, "tock");
///             core::future::pending().await
///         }))
///     }
/// }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), highwater::Failure<&'static str>> {
/// let store = QueryStore::default();
/// let answer = store.get(&Clock, Wanted::newer_than(1)).await?;
/// assert_eq!((answer.index, answer.value), (2, "tock"));
/// # Ok(())
/// # }
/// ```
pub struct QueryStore<R: QueryRequest + ?Sized>(Arc<Inner<R>>);

pub(super) struct Inner<R: QueryRequest + ?Sized> {
    entries: Mutex<Entries<R>>,
    idle: Duration,
}

struct Entries<R: QueryRequest + ?Sized> {
    by_key: HashMap<R::Key, Entry<R::Value>>,
    made: u64,
}

impl<R: QueryRequest + ?Sized> QueryStore<R> {
    /// With the time that an entry without requests stays. The default is 20 minutes.
    pub fn new(idle: Duration) -> Self {
        let entries = Entries { by_key: HashMap::new(), made: 0 };
        Self(Arc::new(Inner { entries: Mutex::new(entries), idle }))
    }

    /// Waits for what is wanted; after the timeout, if there is one, the last value is the answer.
    ///
    /// To lose interest, drop the future.
    pub async fn get(
        &self,
        request: &R,
        wanted: Wanted,
    ) -> Result<Answer<R::Value>, Failure<R::Value>> {
        self.get_until(request, wanted, pending()).await
    }

    /// As [`get`](Self::get), until `cancelled`: the failure has the last value.
    pub async fn get_until(
        &self,
        request: &R,
        wanted: Wanted,
        cancelled: impl Future<Output = ()>,
    ) -> Result<Answer<R::Value>, Failure<R::Value>> {
        let mut open = self.0.open(request).map_err(Failure::bare)?;
        let query = match Query::begin(wanted.min_index, &open.sight()) {
            Ok(answer) => return Ok(answer),
            Err(query) => query,
        };
        let deadline = async {
            match wanted.timeout {
                Some(timeout) => sleep(timeout).await,
                None => pending().await,
            }
        };
        let mut asked = query.clone();
        tokio::select! {
            biased;
            answer = open.answer(&mut asked) => answer,
            () = cancelled => Err(query.end(Cause::Cancelled, &open.sight())),
            () = deadline => {
                let sight = open.sight();
                Ok(Answer { index: sight.index, value: sight.value.clone(), cached: false })
            }
        }
    }

    /// Follows a request: its value as soon as it is newer than `index`, then each time that it
    /// has changed. From 0 on, that begins with the value that there is.
    pub fn notify(&self, request: &R, index: u64) -> Result<Updates<R>, Failure<R::Value>> {
        Ok(Updates::new(self.0.open(request).map_err(Failure::bare)?, index))
    }

    /// All entries that there are.
    pub fn entries(&self) -> Vec<EntryStatus<R::Key>> {
        let entries = self.0.lock();
        let status = |(key, entry): (&R::Key, &Entry<_>)| EntryStatus {
            key: key.clone(),
            requests: entry.requests,
            idle: entry.idle_since.is_some(),
            evicting: entry.evicting,
        };
        entries.by_key.iter().map(status).collect()
    }
}

impl<R: QueryRequest + ?Sized> Inner<R> {
    fn lock(&self) -> MutexGuard<'_, Entries<R>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a request, and makes its materializer if it is the first.
    fn open(self: &Arc<Self>, request: &R) -> Result<Open<R>, Cause> {
        let key = request.key();
        let mut entries = self.lock();
        let Entries { by_key, made } = &mut *entries;
        let entry = match by_key.entry(key.clone()) {
            Slot::Occupied(slot) if slot.get().evicting => return Err(Cause::Evicting),
            Slot::Occupied(slot) => slot.into_mut(),
            Slot::Vacant(slot) => {
                let runtime = Handle::try_current().map_err(|_| Cause::NoRuntime)?;
                let (feed, seen) = Feed::new(R::Value::default());
                let run = request.materialize(feed).map_err(Cause::NotMade)?;
                *made += 1;
                let (id, changed) = (*made, Arc::<Notify>::default());
                let kept =
                    keep::<R>(Arc::downgrade(self), key.clone(), id, Arc::clone(&changed), run);
                slot.insert(Entry {
                    id,
                    seen,
                    requests: 0,
                    idle_since: None,
                    evicting: false,
                    changed,
                    task: runtime.spawn(kept).abort_handle(),
                })
            }
        };
        entry.requests += 1;
        entry.idle_since = None;
        entry.changed.notify_one();
        let (id, seen) = (entry.id, entry.seen.clone());
        drop(entries);
        Ok(Open { inner: Arc::clone(self), key, id, seen })
    }

    fn close(&self, key: &R::Key, id: u64) {
        let mut entries = self.lock();
        let Some(entry) = entries.by_key.get_mut(key).filter(|entry| entry.id == id) else {
            return;
        };
        entry.requests -= 1;
        if entry.requests > 0 {
            return;
        }
        if entry.evicting {
            entries.by_key.remove(key);
        } else {
            entry.idle_since = Some(Instant::now());
            entry.changed.notify_one();
        }
    }

    /// When the entry goes, if nobody asks for it.
    pub(super) fn deadline(&self, key: &R::Key, id: u64) -> Option<Instant> {
        let entries = self.lock();
        let entry = entries.by_key.get(key).filter(|entry| entry.id == id)?;
        Some(entry.idle_since? + self.idle)
    }

    /// Lets the entry go, if its time has come.
    pub(super) fn expire(&self, key: &R::Key, id: u64) -> bool {
        let mut entries = self.lock();
        let due = |entry: &Entry<_>| {
            entry.id == id && entry.idle_since.is_some_and(|since| since.elapsed() >= self.idle)
        };
        let due = entries.by_key.get(key).is_some_and(due);
        if due {
            entries.by_key.remove(key);
        }
        due
    }

    /// The materializer has ended by itself.
    pub(super) fn ended(&self, key: &R::Key, id: u64) {
        let mut entries = self.lock();
        let Some(entry) = entries.by_key.get_mut(key).filter(|entry| entry.id == id) else {
            return;
        };
        entry.evicting = true;
        if entry.requests == 0 {
            entries.by_key.remove(key);
        }
    }
}

/// An open request.
pub(super) struct Open<R: QueryRequest + ?Sized> {
    inner: Arc<Inner<R>>,
    key: R::Key,
    id: u64,
    seen: watch::Receiver<Sight<R::Value>>,
}

impl<R: QueryRequest + ?Sized> Open<R> {
    pub(super) fn sight(&mut self) -> watch::Ref<'_, Sight<R::Value>> {
        self.seen.borrow_and_update()
    }

    /// Waits until something answers the query. A materializer that has ended without a word
    /// leaves it to the caller to lose interest.
    pub(super) async fn answer(
        &mut self,
        query: &mut Query<R::Value>,
    ) -> Result<Answer<R::Value>, Failure<R::Value>> {
        loop {
            if let Some(answer) = query.look(&self.seen.borrow_and_update()) {
                return answer;
            }
            if self.seen.changed().await.is_err() {
                // Its last word may have come with its end.
                let last = query.look(&self.seen.borrow());
                return match last {
                    Some(answer) => answer,
                    None => pending().await,
                };
            }
        }
    }
}

impl<R: QueryRequest + ?Sized> Drop for Open<R> {
    fn drop(&mut self) {
        self.inner.close(&self.key, self.id);
    }
}

impl<R: QueryRequest + ?Sized> Drop for Inner<R> {
    fn drop(&mut self) {
        let entries = self.entries.get_mut().unwrap_or_else(PoisonError::into_inner);
        for entry in entries.by_key.values() {
            entry.task.abort();
        }
    }
}

impl<R: QueryRequest + ?Sized> Default for QueryStore<R> {
    fn default() -> Self {
        Self::new(IDLE)
    }
}

impl<R: QueryRequest + ?Sized> Clone for QueryStore<R> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<R: QueryRequest + ?Sized> core::fmt::Debug for QueryStore<R> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.entries()).finish()
    }
}

const IDLE: Duration = Duration::from_mins(20);
