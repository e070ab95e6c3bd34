//! Engines to test, and words to test them with.

use crate::nats::Nats;
use core::any::Any;
use core::time::Duration;
use highwater_engines::{JetStream, JetStreamOptions, Sqlite, SqliteOptions};
use highwater_publisher::engine::{
    Append, AppendError, Appended, Engine, Memory, MemoryOptions, Place, Read, Record, Retention,
    Watch,
};
use highwater_publisher::{CommitError, Id, Object, Operation, Refusal};
use std::sync::Arc;
use std::time::Instant;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) retention: Retention,
    pub(crate) lease: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { retention: Retention::default(), lease: Duration::from_mins(1) }
    }
}

/// Two ends of one log; the same one where there is only one process.
pub(crate) struct Made {
    ends: [Arc<dyn Engine>; 2],
    _keep: Option<Box<dyn Any + Send + Sync>>,
}

impl Made {
    pub(crate) fn ends(&self) -> [&dyn Engine; 2] {
        [&*self.ends[0], &*self.ends[1]]
    }
}

#[expect(clippy::unused_async, reason = "one that is far away has to be waited for")]
pub(crate) async fn memory(Settings { retention, lease }: Settings) -> Option<Made> {
    let engine: Arc<dyn Engine> = Arc::new(Memory::new(MemoryOptions { retention, lease }));
    Some(Made { ends: [Arc::clone(&engine), engine], _keep: None })
}

#[expect(clippy::unused_async, reason = "one that is far away has to be waited for")]
pub(crate) async fn sqlite(Settings { retention, lease }: Settings) -> Option<Made> {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteOptions { retention, lease, marker: None, ..SqliteOptions::default() };
    let engine: Arc<dyn Engine> = Arc::new(Sqlite::open(folder.path(), &options).unwrap());
    Some(Made { ends: [Arc::clone(&engine), engine], _keep: Some(Box::new(folder)) })
}

/// Two processes, as far as NATS can tell.
pub(crate) async fn jetstream(Settings { retention, lease }: Settings) -> Option<Made> {
    let nats = Nats::start()?;
    let patience = Duration::from_secs(30);
    let options = JetStreamOptions { retention, lease, patience, ..JetStreamOptions::default() };
    let one: Arc<dyn Engine> =
        Arc::new(JetStream::open(&nats.url(), options.clone()).await.unwrap());
    let other: Arc<dyn Engine> = Arc::new(JetStream::open(&nats.url(), options).await.unwrap());
    Some(Made { ends: [one, other], _keep: Some(Box::new(nats)) })
}

pub(crate) fn id(key: &str) -> Id {
    Id::new("flag", key).unwrap()
}

pub(crate) fn number(n: u64) -> Object {
    Object::parse(&format!("{{\"n\":{n}}}")).unwrap()
}

pub(crate) fn put(key: &str, n: u64) -> Operation {
    Operation::put(id(key), number(n))
}

pub(crate) fn delete(key: &str) -> Operation {
    Operation::delete(id(key))
}

pub(crate) fn all<const N: usize>(operations: [Operation; N]) -> Append {
    Append::new(operations.into())
}

pub(crate) async fn done(engine: &dyn Engine, topic: &str, append: Append) -> Appended {
    engine.append(topic, append).await.unwrap()
}

/// The operation that was refused, and why.
pub(crate) async fn refused(engine: &dyn Engine, append: Append) -> (usize, Refusal) {
    match engine.append("t", append).await {
        Err(AppendError::Refused(CommitError::Refused { operation, refusal })) => {
            (operation, refusal)
        }
        other => panic!("not refused: {other:?}"),
    }
}

pub(crate) async fn records(
    engine: &dyn Engine,
    topic: &str,
    after: &Place,
    limit: usize,
) -> Vec<Arc<Record>> {
    match engine.read(topic, after, limit).await.unwrap() {
        Read::Records(records) => records,
        Read::Gone => panic!("{topic} after {after} is gone"),
    }
}

/// The place, and each item as `key@version=value`.
pub(crate) async fn state(engine: &dyn Engine, topic: &str) -> (Place, Vec<String>) {
    let snapshot = engine.snapshot(topic).await.unwrap().expect("the topic is there");
    let items = snapshot.items.iter();
    let text =
        items.map(|item| format!("{}@{}={}", item.id.key(), item.version, item.object.as_str()));
    (snapshot.place.clone(), text.collect())
}

/// The place of the same epoch at an index.
pub(crate) fn at(place: &Place, index: u64) -> Place {
    Place { index, ..place.clone() }
}

/// Watches a topic that this end may have to hear of first.
pub(crate) async fn watch(engine: &dyn Engine, topic: &str) -> Watch {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        if let Some(watch) = engine.watch(topic).await.unwrap() {
            return watch;
        }
        assert!(Instant::now() < deadline, "it is not told of {topic}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
