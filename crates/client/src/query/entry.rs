//! One materializer, shared by equal requests: when it is let go of.

use core::fmt::Debug;
use core::future::Future;
use core::hash::Hash;
use core::pin::Pin;
use std::sync::{Arc, Weak};

use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};

use super::feed::Feed;
use super::rule::{FeedError, Sight};
use super::store::Inner;

/// A materializer at work. It ends by itself only when it is over for good, and is dropped when
/// nobody needs it any more.
pub type Run = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What is asked for.
pub trait QueryRequest: 'static {
    /// What makes requests equal: whatever the value depends on, also who may see it.
    type Key: Clone + Eq + Hash + Debug + Send + Sync + 'static;
    /// What a query is answered with; the default is that from before any snapshot.
    type Value: Clone + Default + Send + Sync + 'static;

    /// What the request is shared under.
    fn key(&self) -> Self::Key;

    /// Makes a materializer that shows on `feed` what it has.
    fn materialize(&self, feed: Feed<Self::Value>) -> Result<Run, FeedError>;
}

pub(super) struct Entry<T> {
    /// Tells it from an earlier one of the same key.
    pub(super) id: u64,
    pub(super) seen: watch::Receiver<Sight<T>>,
    pub(super) requests: usize,
    /// Since when there is no request.
    pub(super) idle_since: Option<Instant>,
    /// Its materializer has ended.
    pub(super) evicting: bool,
    pub(super) changed: Arc<Notify>,
    pub(super) task: AbortHandle,
}

/// How an entry stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryStatus<K> {
    /// What requests share it under.
    pub key: K,
    /// How many requests are open.
    pub requests: usize,
    /// Whether it waits for a request, and goes when none comes in time.
    pub idle: bool,
    /// Whether its materializer has ended: it goes with its last request.
    pub evicting: bool,
}

/// Keeps the materializer up as long as anybody may need it.
pub(super) async fn keep<R: QueryRequest + ?Sized>(
    inner: Weak<Inner<R>>,
    key: R::Key,
    id: u64,
    changed: Arc<Notify>,
    mut run: Run,
) {
    loop {
        // Without a handle to the store nobody can ask any more.
        let Some(deadline) = inner.upgrade().map(|inner| inner.deadline(&key, id)) else { return };
        tokio::select! {
            () = &mut run => {
                if let Some(inner) = inner.upgrade() {
                    inner.ended(&key, id);
                }
                return;
            }
            () = changed.notified() => {}
            () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                if inner.upgrade().is_none_or(|inner| inner.expire(&key, id)) {
                    return;
                }
            }
        }
    }
}
