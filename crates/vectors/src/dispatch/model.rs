//! The models that the vectors were recorded with: a dispatcher and a storage that follow a script.

use core::pin::Pin;
use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use highwater_eventstreams::{
    Answer, Attempt, Dispatcher, DispatcherFactory, Error, EventStreamSpec, Listed,
    MemoryPersistence, Outcome, Persistence, Query, Timestamp, Update, Upserted,
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

/// What the script says, and what has been observed.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) given: Value,
    began: Instant,
    lists: Mutex<Lists>,
}

#[derive(Debug, Default)]
struct Lists {
    observed: Value,
    attempts: usize,
    writes: usize,
    reads: usize,
    runs: usize,
}

impl Scene {
    pub(super) fn new(given: Value) -> Arc<Self> {
        let observed = json!({
            "source": [], "dispatches": [], "checkpointWrites": [], "operations": [], "snapshots": [],
        });
        let lists = Mutex::new(Lists { observed, ..Lists::default() });
        Arc::new(Self { given, began: Instant::now(), lists })
    }

    /// Milliseconds since the scenario began.
    pub(super) fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    pub(super) fn until(&self, millis: u64) -> Instant {
        self.began + Duration::from_millis(millis)
    }

    pub(super) fn add(&self, list: &str, entry: Value) {
        if let Some(list) = self.lists().observed[list].as_array_mut() {
            list.push(entry);
        }
    }

    pub(super) fn observed(&self) -> Value {
        self.lists().observed.clone()
    }

    /// The number of a source's run.
    pub(super) fn next_run(&self) -> usize {
        let mut lists = self.lists();
        lists.runs += 1;
        lists.runs - 1
    }

    /// The outcome that comes next; that of the default if the script says nothing of it.
    fn next(&self, list: &str, count: impl FnOnce(&mut Lists) -> &mut usize) -> Value {
        let mut lists = self.lists();
        let count = count(&mut lists);
        *count += 1;
        let outcome = self.given[list][*count - 1].clone();
        if outcome.is_null() { json!({ "takesMs": 0, "result": "ok" }) } else { outcome }
    }

    fn lists(&self) -> MutexGuard<'_, Lists> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn takes(outcome: &Value) {
    match outcome["takesMs"].as_u64() {
        None | Some(0) => {}
        Some(millis) => sleep(Duration::from_millis(millis)).await,
    }
}

fn failed(outcome: &Value) -> Option<&str> {
    (outcome["result"] != "ok").then(|| outcome["error"].as_str().unwrap_or("pop"))
}

/// Delivers as the script says.
#[derive(Clone, Debug)]
pub(super) struct Scripted(pub(super) Arc<Scene>);

impl DispatcherFactory for Scripted {
    fn validate(&self, _: &EventStreamSpec) -> Result<(), Error> {
        Ok(())
    }

    fn fill_in(&self, _: &mut EventStreamSpec) {}

    fn dispatcher(&self, _: &EventStreamSpec) -> Result<Arc<dyn Dispatcher>, Error> {
        Ok(Arc::new(self.clone()))
    }
}

impl Dispatcher for Scripted {
    fn attempt(&self, attempt: Attempt) -> Pin<Box<dyn Future<Output = Outcome> + Send + '_>> {
        Box::pin(async move {
            let scene = &self.0;
            let (start, late) = (scene.now(), attempt.cancel.is_cancelled());
            let outcome = scene.next("dispatcher", |lists| &mut lists.attempts);
            let ended = if outcome["ignoresCancel"] == true {
                takes(&outcome).await;
                true
            } else {
                !late && attempt.cancel.run_until_cancelled(takes(&outcome)).await.is_some()
            };
            let failure = if ended { failed(&outcome) } else { Some("cancelled") };
            let ids = attempt.batch.events().iter().map(|event| &**event.sequence_id());
            let mut entry = json!({
                "startMs": start, "endMs": scene.now(), "attempt": attempt.number,
                "sequenceIds": ids.collect::<Vec<_>>(),
                "result": if failure.is_some() { "fail" } else { "ok" },
            });
            if late {
                entry["contextAlreadyCancelled"] = true.into();
            }
            scene.add("dispatches", entry);
            failure.map_or(Outcome::Delivered, |why| Error::Dispatch(why.into()).into())
        })
    }
}

/// Keeps checkpoints as the script says, and everything else in memory.
#[derive(Debug)]
pub(super) struct Storage {
    pub(super) scene: Arc<Scene>,
    pub(super) memory: MemoryPersistence,
}

/// A write that is told of when it ends, however it does.
struct Write<'a> {
    scene: &'a Scene,
    position: &'a str,
    start: u64,
    result: &'static str,
}

impl Drop for Write<'_> {
    fn drop(&mut self) {
        let &mut Self { scene, position, start, result } = self;
        let end = scene.now();
        let entry =
            json!({ "startMs": start, "endMs": end, "sequenceId": position, "result": result });
        scene.add("checkpointWrites", entry);
    }
}

impl Persistence for Storage {
    fn checkpoint<'a>(&'a self, id: &'a str) -> Answer<'a, Option<String>> {
        Box::pin(async move {
            let outcome = self.scene.next("checkpointReads", |lists| &mut lists.reads);
            takes(&outcome).await;
            match failed(&outcome) {
                Some(why) => Err(Error::Storage(why.into())),
                None => self.memory.checkpoint(id).await,
            }
        })
    }

    fn put_checkpoint<'a>(&'a self, id: &'a str, position: &'a str) -> Answer<'a, ()> {
        let scene = &*self.scene;
        // Nothing happens before somebody waits for it: a stream that is stopping does not.
        let write = Write { scene, position, start: scene.now(), result: "cancelled" };
        Box::pin(async move {
            let mut write = write;
            write.result = "fail";
            let outcome = scene.next("checkpointWrites", |lists| &mut lists.writes);
            takes(&outcome).await;
            if let Some(why) = failed(&outcome) {
                return Err(Error::Storage(why.into()));
            }
            self.memory.put_checkpoint(id, position).await?;
            write.result = "ok";
            Ok(())
        })
    }

    fn upsert<'a>(&'a self, spec: &'a EventStreamSpec) -> Answer<'a, Upserted> {
        self.memory.upsert(spec)
    }

    fn update<'a>(&'a self, id: &'a str, update: Update) -> Answer<'a, Timestamp> {
        self.memory.update(id, update)
    }

    fn by_id<'a>(&'a self, id: &'a str) -> Answer<'a, Option<EventStreamSpec>> {
        self.memory.by_id(id)
    }

    fn by_name<'a>(&'a self, name: &'a str) -> Answer<'a, Option<EventStreamSpec>> {
        self.memory.by_name(name)
    }

    fn list<'a>(&'a self, query: &'a Query) -> Answer<'a, Listed> {
        self.memory.list(query)
    }

    fn page(&self, after: Option<i64>, limit: usize) -> Answer<'_, Vec<(i64, EventStreamSpec)>> {
        self.memory.page(after, limit)
    }

    fn delete<'a>(&'a self, id: &'a str) -> Answer<'a, ()> {
        self.memory.delete(id)
    }

    fn delete_checkpoint<'a>(&'a self, id: &'a str) -> Answer<'a, ()> {
        self.memory.delete_checkpoint(id)
    }
}
