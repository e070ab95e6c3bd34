//! Where streams stand, each written by one process at a time.

use super::{failed, key, within};
use crate::error::Error;
use async_nats::jetstream::kv::{CreateErrorKind, Entry, Operation, Store, UpdateErrorKind};
use core::time::Duration;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::time::timeout;

#[derive(Debug)]
pub(super) struct Checkpoints {
    bucket: Store,
    patience: Duration,
    /// By stream: what this process has of it. Held by whoever asks NATS about the stream.
    held: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Option<Held>>>>>,
}

/// What this process wrote or claimed last.
#[derive(Clone, Copy, Debug)]
struct Held {
    revision: u64,
    fence: u64,
}

/// A checkpoint as it is stored.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Record {
    #[serde(rename = "sequenceId", default, skip_serializing_if = "Option::is_none")]
    position: Option<String>,
    /// Of the process that has the stream.
    #[serde(default)]
    fence: u64,
}

impl Checkpoints {
    pub(super) fn new(bucket: Store, patience: Duration) -> Self {
        Self { bucket, patience, held: Mutex::default() }
    }

    pub(super) async fn read(&self, id: &str) -> Result<Option<String>, Error> {
        let turn = self.turn(id);
        let _turn = turn.lock().await; // after what was asked before
        Ok(self.stored(id).await?.1.position)
    }

    /// Takes the stream over, unless somebody with a greater fence has it.
    pub(super) async fn claim(&self, id: &str, fence: u64) -> Result<Option<String>, Error> {
        let turn = self.turn(id);
        let mut held = turn.lock().await;
        for _ in 0..ATTEMPTS {
            let (revision, stored) = self.stored(id).await?;
            if stored.fence > fence {
                return Err(Error::Superseded);
            }
            let claimed = Record { fence, ..stored };
            if let Some(revision) = self.write(id, &claimed, revision).await? {
                *held = Some(Held { revision, fence });
                return Ok(claimed.position);
            }
        }
        Err(failed("a checkpoint is written again and again"))
    }

    /// Writes a position, unless another process has claimed the stream since, or forgotten the position.
    pub(super) async fn put(&self, id: &str, position: &str) -> Result<(), Error> {
        let turn = self.turn(id);
        let mut held = turn.lock().await;
        let position = Some(position.to_owned());
        for _ in 0..ATTEMPTS {
            let Held { revision, fence } = if let Some(held) = *held {
                held
            } else {
                // Of a program that claims nothing.
                let (revision, stored) = self.stored(id).await?;
                if stored.fence > 0 {
                    return Err(Error::Superseded);
                }
                Held { revision, fence: 0 }
            };
            let record = Record { position: position.clone(), fence };
            if let Some(revision) = self.write(id, &record, revision).await? {
                *held = Some(Held { revision, fence });
                return Ok(());
            }
            // An earlier write of our own whose answer was lost is the only one that may come between.
            let (revision, stored) = self.stored(id).await?;
            if stored.fence != fence || stored.position.is_none() {
                return Err(Error::Superseded);
            }
            *held = Some(Held { revision, fence });
        }
        Err(failed("a checkpoint is written again and again"))
    }

    /// Forgets it, and with it what anybody has claimed: whoever has the stream claims it anew.
    pub(super) async fn delete(&self, id: &str) -> Result<(), Error> {
        let turn = self.turn(id);
        let mut held = turn.lock().await;
        *held = None;
        within(self.patience, self.bucket.delete(key(id))).await
    }

    /// What is stored, and the revision that the next write has to follow.
    async fn stored(&self, id: &str) -> Result<(u64, Record), Error> {
        let entry = within(self.patience, self.bucket.entry(key(id))).await?;
        let Some(Entry { value, revision, operation, .. }) = entry else {
            return Ok((0, Record::default()));
        };
        let record = match operation {
            Operation::Put => serde_json::from_slice(&value)
                .map_err(|error| failed(format!("the checkpoint of {id}: {error}")))?,
            Operation::Delete | Operation::Purge => Record::default(),
        };
        Ok((revision, record))
    }

    /// Writes what follows a revision; `None` if another one is there.
    async fn write(&self, id: &str, record: &Record, after: u64) -> Result<Option<u64>, Error> {
        let text = serde_json::to_vec(record).map_err(failed)?.into();
        if after == 0 {
            return match timeout(self.patience, self.bucket.create(key(id), text)).await {
                Ok(Ok(revision)) => Ok(Some(revision)),
                Ok(Err(error)) if error.kind() == CreateErrorKind::AlreadyExists => Ok(None),
                Ok(Err(error)) => Err(failed(error)),
                Err(late) => Err(failed(late)),
            };
        }
        match timeout(self.patience, self.bucket.update(key(id), text, after)).await {
            Ok(Ok(revision)) => Ok(Some(revision)),
            Ok(Err(error)) if error.kind() == UpdateErrorKind::WrongLastRevision => Ok(None),
            Ok(Err(error)) => Err(failed(error)),
            Err(late) => Err(failed(late)),
        }
    }

    fn turn(&self, id: &str) -> Arc<tokio::sync::Mutex<Option<Held>>> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(held.entry(id.to_owned()).or_default())
    }
}

/// How often a write is tried that another one came before.
const ATTEMPTS: usize = 5;
