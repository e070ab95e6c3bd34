//! Leases as entries of a bucket, which NATS lets go when they are not renewed; and who is alive at all.

use super::Shared;
use super::error::unavailable;
use super::subjects::token;
use async_nats::jetstream::Context;
use async_nats::jetstream::kv::{CreateErrorKind, Store, UpdateErrorKind};
use async_nats::jetstream::stream;
use bytes::Bytes;
use core::time::Duration;
use highwater_publisher::engine::{Failure, Lease};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::time::{Instant, sleep};

/// The bucket, and what this process holds of it.
#[derive(Debug)]
pub(super) struct Leases {
    bucket: Store,
    ttl: Duration,
    /// The revision that a lease was renewed at last, by its token.
    held: Mutex<HashMap<u64, u64>>,
}

impl Leases {
    pub(super) async fn open(
        context: &Context,
        name: &str,
        ttl: Duration,
        num_replicas: usize,
    ) -> Result<Self, Failure> {
        let bucket = format!("{name}-leases");
        // The stream that a bucket is. The client's own way to make one asks for what older servers do not tell.
        let stream = stream::Config {
            name: format!("KV_{bucket}"),
            subjects: vec![format!("$KV.{bucket}.>")],
            max_messages_per_subject: 1,
            max_age: ttl,
            duplicate_window: ttl.min(Duration::from_mins(2)),
            discard: stream::DiscardPolicy::New,
            num_replicas,
            allow_rollup: true,
            allow_direct: true,
            deny_delete: true,
            ..stream::Config::default()
        };
        context.get_or_create_stream(stream).await.map_err(unavailable)?;
        let store = context.get_key_value(bucket).await.map_err(unavailable)?;
        Ok(Self { bucket: store, ttl, held: Mutex::default() })
    }

    pub(super) async fn acquire(&self, name: &str) -> Result<Option<Lease>, Failure> {
        match self.bucket.create(key(name), Bytes::new()).await {
            Ok(revision) => {
                self.held().insert(revision, revision);
                Ok(Some(Lease::new(name, revision, self.ttl)))
            }
            Err(error) if error.kind() == CreateErrorKind::AlreadyExists => Ok(None),
            Err(error) => Err(unavailable(error)),
        }
    }

    pub(super) async fn renew(&self, lease: &Lease) -> Result<bool, Failure> {
        let Some(revision) = self.held().get(&lease.token()).copied() else { return Ok(false) };
        match self.bucket.update(key(lease.name()), Bytes::new(), revision).await {
            Ok(revision) => {
                self.held().insert(lease.token(), revision);
                Ok(true)
            }
            Err(error) if error.kind() == UpdateErrorKind::WrongLastRevision => {
                self.held().remove(&lease.token());
                Ok(false)
            }
            Err(error) => Err(unavailable(error)),
        }
    }

    pub(super) async fn release(&self, lease: &Lease) -> Result<(), Failure> {
        let Some(revision) = self.held().remove(&lease.token()) else { return Ok(()) };
        match self.bucket.delete_expect_revision(key(lease.name()), Some(revision)).await {
            Err(error) if error.kind() != UpdateErrorKind::WrongLastRevision => {
                Err(unavailable(error))
            }
            _ => Ok(()),
        }
    }

    fn held(&self) -> std::sync::MutexGuard<'_, HashMap<u64, u64>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// Reads all topics; begins new epochs if no process is alive that would know of a loss.
    pub(super) async fn arrive(&self) -> Result<(), Failure> {
        let deadline = Instant::now() + self.leases.ttl + self.log.options.patience;
        loop {
            match self.leases.bucket.create(ALIVE, STARTING).await {
                Ok(_) => {
                    self.begin_again(true).await?;
                    return self.is_alive().await;
                }
                Err(error) if error.kind() != CreateErrorKind::AlreadyExists => {
                    return Err(unavailable(error));
                }
                Err(_) => match self.leases.bucket.get(ALIVE).await.map_err(unavailable)? {
                    Some(value) if value == READY => return self.begin_again(false).await,
                    // Somebody else arrives: either that ends, or it is taken for dead.
                    _ if Instant::now() < deadline => sleep(Duration::from_millis(50)).await,
                    _ => return Err(unavailable("another process has been starting for too long")),
                },
            }
        }
    }

    /// Says again and again that somebody is alive who knows how far the log has come.
    pub(super) async fn stay_alive(self: Arc<Self>) {
        loop {
            sleep(self.leases.ttl / 3).await;
            if let Err(failure) = self.is_alive().await {
                tracing::debug!(%failure, "nobody hears that this process is alive");
            }
        }
    }

    async fn is_alive(&self) -> Result<(), Failure> {
        self.leases.bucket.put(ALIVE, READY).await.map(drop).map_err(unavailable)
    }
}

fn key(name: &str) -> String {
    format!("lease.{}", token(name))
}

const ALIVE: &str = "alive";
const STARTING: Bytes = Bytes::from_static(b"starting");
const READY: Bytes = Bytes::from_static(b"ready");
