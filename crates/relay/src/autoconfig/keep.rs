//! Reading and writing what is kept, beside everything else.

use core::future::pending;
use std::sync::Arc;

use highwater_core::MessageReceiver;
use tokio::sync::watch;
use tokio::task::{JoinHandle, spawn_blocking};

use super::cache::Cache;
use super::log;
use super::source::put_data;
use crate::environment::{EnvironmentRep, FilterRep};

/// Keeps the newest configuration, one write at a time; nobody waits for a disk.
pub(super) struct Keeper {
    loading: Option<JoinHandle<Option<Vec<u8>>>>,
    writing: Option<Writing>,
}

struct Writing {
    newest: watch::Sender<Option<Arc<str>>>,
    task: JoinHandle<()>,
}

impl Keeper {
    /// Begins to read what was kept, if there is a place for it.
    pub(super) fn new(cache: Option<Cache>) -> Self {
        let Some(cache) = cache else {
            return Self { loading: None, writing: None };
        };
        let cache = Arc::new(cache);
        let from = Arc::clone(&cache);
        let loading = spawn_blocking(move || match from.load() {
            Ok(put) => put,
            Err(error) => {
                log::cache("read", from.path(), &error);
                None
            }
        });
        let (newest, puts) = watch::channel(None);
        let task = tokio::spawn(write(cache, puts));
        Self { loading: Some(loading), writing: Some(Writing { newest, task }) }
    }

    /// What was kept, once; never, if nothing was. May be dropped while it waits.
    pub(super) async fn loaded(&mut self) -> Vec<u8> {
        if let Some(loading) = &mut self.loading {
            let loaded = loading.await;
            self.loading = None;
            if let Ok(Some(put)) = loaded {
                return put;
            }
        }
        pending().await
    }

    /// This is the newest configuration.
    pub(super) fn keep(
        &self,
        environments: &MessageReceiver<EnvironmentRep>,
        filters: &MessageReceiver<FilterRep>,
    ) {
        if let Some(Writing { newest, .. }) = &self.writing {
            newest.send_replace(Some(put_data(environments, Some(filters)).into()));
        }
    }

    /// Comes back when the newest is written.
    pub(super) async fn finish(self) {
        if let Some(Writing { newest, task }) = self.writing {
            drop(newest);
            let _ = task.await; // its end is all that matters
        }
    }
}

/// Writes the newest configuration whenever there is one.
async fn write(cache: Arc<Cache>, mut puts: watch::Receiver<Option<Arc<str>>>) {
    while puts.changed().await.is_ok() {
        let Some(put) = puts.borrow_and_update().clone() else { continue };
        let to = Arc::clone(&cache);
        let written = spawn_blocking(move || {
            to.store(put.as_bytes()).unwrap_or_else(|error| log::cache("kept", to.path(), &error));
        });
        let _ = written.await; // what there is to say of it was said
    }
}
