//! Streams and checkpoints in NATS, for servers that share one.

mod checkpoints;
mod streams;

use super::{Answer, Changed, Listed, Persistence, Update, Upserted};
use crate::error::Error;
use crate::filter::Query;
use crate::spec::EventStreamSpec;
use crate::timestamp::Timestamp;
use async_nats::jetstream::{self, kv::Store, stream};
use async_nats::{Client, ConnectOptions};
use checkpoints::Checkpoints;
use core::fmt::Write as _;
use core::time::Duration;
use std::path::PathBuf;
use std::sync::Arc;
use streams::Streams;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Keeps streams in two buckets of NATS JetStream, which several processes may share.
///
/// Streams are entries by name, changed by comparing revisions, and followed: what another process
/// changes is known here at once. A checkpoint is written by whoever has
/// [claimed](Persistence::claim_checkpoint) it last, and by nobody else: each write names the revision
/// of the one before it, and a claim is such a write, with the claimant's fence, which only grows.
///
/// When NATS is away, everything that writes fails until it is back.
#[derive(Debug)]
pub struct NatsPersistence {
    streams: Arc<Streams>,
    checkpoints: Arc<Checkpoints>,
    follower: tokio::task::AbortHandle,
}

/// Where in NATS streams are kept.
#[derive(Clone, Debug)]
pub struct NatsOptions {
    /// The first part of the buckets' names.
    pub name: String,
    /// On how many NATS servers they are kept, if they are made.
    pub replicas: usize,
    /// How long an answer is waited for.
    pub patience: Duration,
    /// A file of credentials (`.creds`), if NATS asks for them.
    pub credentials: Option<PathBuf>,
}

impl Default for NatsOptions {
    fn default() -> Self {
        Self {
            name: "highwater".into(),
            replicas: 1,
            patience: Duration::from_secs(5),
            credentials: None,
        }
    }
}

impl NatsPersistence {
    /// Connects to NATS (`nats://host:port`, several with commas between), makes the buckets if they
    /// are not there, and reads all streams.
    pub async fn connect(servers: &str, options: NatsOptions) -> Result<Self, Error> {
        let client = dial(servers, &options).await?;
        let context = jetstream::new(client);
        let streams = bucket(&context, "eventstreams", &options).await?;
        let checkpoints = bucket(&context, "checkpoints", &options).await?;
        let streams = Arc::new(Streams::new(streams, options.patience));
        let follower = tokio::spawn(Arc::clone(&streams).follow()).abort_handle();
        let checkpoints = Arc::new(Checkpoints::new(checkpoints, options.patience));
        let persistence = Self { streams, checkpoints, follower };
        persistence.streams.loaded().await?;
        Ok(persistence)
    }
}

impl Drop for NatsPersistence {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

impl Persistence for NatsPersistence {
    fn upsert<'a>(&'a self, spec: &'a EventStreamSpec) -> Answer<'a, Upserted> {
        let (streams, spec) = (Arc::clone(&self.streams), spec.clone());
        carried_out(async move { streams.upsert(spec).await })
    }

    fn update<'a>(&'a self, id: &'a str, update: Update) -> Answer<'a, Timestamp> {
        let (streams, id) = (Arc::clone(&self.streams), id.to_owned());
        carried_out(async move { streams.update(&id, update).await })
    }

    fn by_id<'a>(&'a self, id: &'a str) -> Answer<'a, Option<EventStreamSpec>> {
        Box::pin(async move { Ok(self.streams.find(|spec| spec.id.as_deref() == Some(id))) })
    }

    fn by_name<'a>(&'a self, name: &'a str) -> Answer<'a, Option<EventStreamSpec>> {
        Box::pin(async move { Ok(self.streams.find(|spec| spec.name.as_deref() == Some(name))) })
    }

    fn list<'a>(&'a self, query: &'a Query) -> Answer<'a, Listed> {
        Box::pin(async move {
            let newest_first = self.streams.sorted().into_iter().rev().map(|(_, spec)| spec);
            let page = query.page(newest_first);
            Ok(Listed { items: page.items, total: page.total })
        })
    }

    fn page(&self, after: Option<i64>, limit: usize) -> Answer<'_, Vec<(i64, EventStreamSpec)>> {
        Box::pin(async move {
            let all = self.streams.sorted().into_iter();
            Ok(all.filter(|(place, _)| Some(*place) > after).take(limit).collect())
        })
    }

    fn delete<'a>(&'a self, id: &'a str) -> Answer<'a, ()> {
        let (streams, id) = (Arc::clone(&self.streams), id.to_owned());
        carried_out(async move { streams.delete(&id).await })
    }

    fn checkpoint<'a>(&'a self, id: &'a str) -> Answer<'a, Option<String>> {
        let (checkpoints, id) = (Arc::clone(&self.checkpoints), id.to_owned());
        carried_out(async move { checkpoints.read(&id).await })
    }

    fn claim_checkpoint<'a>(&'a self, id: &'a str, fence: u64) -> Answer<'a, Option<String>> {
        let (checkpoints, id) = (Arc::clone(&self.checkpoints), id.to_owned());
        carried_out(async move { checkpoints.claim(&id, fence).await })
    }

    fn put_checkpoint<'a>(&'a self, id: &'a str, position: &'a str) -> Answer<'a, ()> {
        let checkpoints = Arc::clone(&self.checkpoints);
        let (id, position) = (id.to_owned(), position.to_owned());
        carried_out(async move { checkpoints.put(&id, &position).await })
    }

    fn delete_checkpoint<'a>(&'a self, id: &'a str) -> Answer<'a, ()> {
        let (checkpoints, id) = (Arc::clone(&self.checkpoints), id.to_owned());
        carried_out(async move { checkpoints.delete(&id).await })
    }

    fn changes(&self) -> Option<mpsc::UnboundedReceiver<Changed>> {
        Some(self.streams.changes())
    }
}

/// In a task of its own, which comes to its end whoever waits for it.
fn carried_out<'a, T: Send + 'static>(
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Answer<'a, T> {
    Box::pin(async move {
        let ended = tokio::spawn(work).await;
        ended.unwrap_or_else(|ended| Err(Error::Storage(ended.to_string().into())))
    })
}

async fn dial(servers: &str, options: &NatsOptions) -> Result<Client, Error> {
    let mut connect =
        ConnectOptions::new().name(&options.name).connection_timeout(options.patience);
    if let Some(file) = &options.credentials {
        connect = connect.credentials_file(file).await.map_err(failed)?;
    }
    let servers: Vec<&str> = servers.split(',').map(str::trim).collect();
    connect.connect(servers).await.map_err(failed)
}

async fn bucket(
    context: &jetstream::Context,
    what: &str,
    options: &NatsOptions,
) -> Result<Store, Error> {
    let name = format!("{}-{what}", options.name);
    // The stream that a bucket is. The client's own way to make one asks for what older servers do not tell.
    let stream = stream::Config {
        name: format!("KV_{name}"),
        subjects: vec![format!("$KV.{name}.>")],
        max_messages_per_subject: 1,
        discard: stream::DiscardPolicy::New,
        num_replicas: options.replicas,
        allow_rollup: true,
        deny_delete: true,
        ..stream::Config::default()
    };
    within(options.patience, context.get_or_create_stream(stream)).await?;
    within(options.patience, context.get_key_value(name)).await
}

/// A name as a key: bytes that keys cannot have as `=` and two digits.
fn key(name: &str) -> String {
    let mut key = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_".contains(&byte) {
            key.push(byte.into());
        } else {
            let _ = write!(key, "={byte:02X}"); // a String takes everything
        }
    }
    key
}

async fn within<T, E: core::fmt::Display>(
    patience: Duration,
    answer: impl IntoFuture<Output = Result<T, E>>,
) -> Result<T, Error> {
    match timeout(patience, answer).await {
        Ok(answer) => answer.map_err(failed),
        Err(late) => Err(failed(late)),
    }
}

fn failed(error: impl core::fmt::Display) -> Error {
    Error::Storage(format!("NATS: {error}").into())
}
