//! The manager over a storage that fails when it is told to, with a dispatcher that does nothing else.

#![allow(clippy::unwrap_used)] // a test stops at the first surprise

use core::pin::Pin;
use core::time::Duration;
use highwater_eventstreams::{
    Answer, Attempt, Clock, Configuration, Dispatcher, DispatcherFactory, Error, Event,
    EventStreamSpec, Instruction, Listed, Manager, MemoryPersistence, Outcome, Persistence,
    Program, Query, Reset, Run, Runtime, Timestamp, Update, Upserted, WebSocketFactory,
};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

/// Storage in memory, of which one operation fails for now.
#[derive(Debug, Default)]
struct Storage {
    memory: MemoryPersistence,
    broken: Mutex<&'static str>,
}

impl Storage {
    fn fail(&self, operation: &'static str) {
        *self.broken.lock().unwrap() = operation;
    }

    fn run<'a, T>(&'a self, operation: &'static str, done: Answer<'a, T>) -> Answer<'a, T>
    where
        T: Send + 'a,
    {
        if *self.broken.lock().unwrap() == operation {
            return Box::pin(async { Err(Error::Storage("pop".into())) });
        }
        done
    }
}

impl Persistence for Storage {
    fn upsert<'a>(&'a self, spec: &'a EventStreamSpec) -> Answer<'a, Upserted> {
        self.run("upsert", self.memory.upsert(spec))
    }
    fn update<'a>(&'a self, id: &'a str, update: Update) -> Answer<'a, Timestamp> {
        self.run("update", self.memory.update(id, update))
    }
    fn by_id<'a>(&'a self, id: &'a str) -> Answer<'a, Option<EventStreamSpec>> {
        self.run("by_id", self.memory.by_id(id))
    }
    fn by_name<'a>(&'a self, name: &'a str) -> Answer<'a, Option<EventStreamSpec>> {
        self.run("by_name", self.memory.by_name(name))
    }
    fn list<'a>(&'a self, query: &'a Query) -> Answer<'a, Listed> {
        self.run("list", self.memory.list(query))
    }
    fn page(&self, after: Option<i64>, limit: usize) -> Answer<'_, Vec<(i64, EventStreamSpec)>> {
        self.run("page", self.memory.page(after, limit))
    }
    fn delete<'a>(&'a self, id: &'a str) -> Answer<'a, ()> {
        self.run("delete", self.memory.delete(id))
    }
    fn checkpoint<'a>(&'a self, id: &'a str) -> Answer<'a, Option<String>> {
        self.run("checkpoint", self.memory.checkpoint(id))
    }
    fn put_checkpoint<'a>(&'a self, id: &'a str, position: &'a str) -> Answer<'a, ()> {
        self.run("put_checkpoint", self.memory.put_checkpoint(id, position))
    }
    fn delete_checkpoint<'a>(&'a self, id: &'a str) -> Answer<'a, ()> {
        self.run("delete_checkpoint", self.memory.delete_checkpoint(id))
    }
}

/// Takes every batch, unless it is told to hold the next ones, whatever is cancelled.
#[derive(Clone, Debug)]
struct Taker {
    held: watch::Sender<bool>,
}

impl DispatcherFactory for Taker {
    fn validate(&self, _: &EventStreamSpec) -> Result<(), Error> {
        Ok(())
    }
    fn fill_in(&self, _: &mut EventStreamSpec) {}
    fn dispatcher(&self, _: &EventStreamSpec) -> Result<Arc<dyn Dispatcher>, Error> {
        Ok(Arc::new(self.clone()))
    }
}

impl Dispatcher for Taker {
    fn attempt(&self, _: Attempt) -> Pin<Box<dyn Future<Output = Outcome> + Send + '_>> {
        Box::pin(async {
            self.held.subscribe().wait_for(|held| !held).await.unwrap();
            Outcome::Delivered
        })
    }
}

/// Ten events, and then nothing more.
#[derive(Debug)]
struct Ten;

impl Runtime for Ten {
    fn run(&self, run: Run) -> Answer<'_, ()> {
        Box::pin(async move {
            let ids = (1..=10).map(|id| format!("{id:04}"));
            let events = ids.filter(|id| **id > *run.position);
            let events = events.map(|id| Event::new("t", &id, "{}")).collect::<Result<_, _>>()?;
            if run.deliver.deliver(events).await == Instruction::Continue {
                run.cancel.cancelled().await;
            }
            Ok(())
        })
    }
    fn validate(&self, spec: &EventStreamSpec) -> Result<(), Error> {
        let refused = spec.name.as_deref() == Some("refused");
        if refused { Err(Error::Refused("not this one".into())) } else { Ok(()) }
    }
}

struct World {
    storage: Arc<Storage>,
    taker: Taker,
    manager: Manager,
}

impl World {
    async fn new() -> Self {
        let storage = Arc::<Storage>::default();
        let taker = Taker { held: watch::Sender::new(false) };
        let manager = start(&storage, &taker).await.unwrap();
        Self { storage, taker, manager }
    }

    async fn status(&self, name: &str) -> String {
        let status = self.manager.get(name).await.unwrap().spec.status.unwrap();
        status.as_str().into()
    }

    async fn checkpoint(&self, name: &str, position: &str) {
        let id = self.manager.get(name).await.unwrap().spec.id.unwrap();
        while self.storage.memory.checkpoint(&id).await.unwrap().as_deref() != Some(position) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

async fn start(storage: &Arc<Storage>, taker: &Taker) -> Result<Manager, Error> {
    let configuration: Configuration =
        serde_json::from_str(r#"{ "defaults": { "batchTimeout": "1ms" } }"#).unwrap();
    let websocket: Arc<dyn DispatcherFactory> = Arc::new(WebSocketFactory::new(&configuration));
    let taker: Arc<dyn DispatcherFactory> = Arc::new(taker.clone());
    Manager::start(Program {
        configuration,
        persistence: Arc::clone(storage) as Arc<dyn Persistence>,
        runtime: Arc::new(Ten),
        dispatchers: HashMap::from([("taker".into(), taker), ("websocket".into(), websocket)]),
        clock: Clock::default(),
    })
    .await
}

fn spec(json: &str) -> EventStreamSpec {
    serde_json::from_str(json).unwrap()
}

fn taken() -> EventStreamSpec {
    spec(r#"{ "type": "taker" }"#)
}

fn code<T>(done: Result<T, Error>) -> &'static str {
    done.err().map_or("ok", |error| error.code())
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_a_stream_is_said_in_order() {
    let world = World::new().await;
    for (json, expected, status) in [
        (r"{}", "FF00112", 400),
        (r#"{"name":"refused","topicFilter":"((("}"#, "FF00235", 400),
        (r#"{"name":"refused","batchSize":0}"#, "FF00234", 400),
        (r#"{"name":"-x"}"#, "FF00140", 400),
        (r#"{"name":"x_"}"#, "FF00140", 400),
        (r#"{"name":"s","status":"deleted"}"#, "FF00236", 400),
        (r#"{"name":"s","status":"gone"}"#, "FF00236", 400),
        (r#"{"name":"s","batchSize":0}"#, "FF00234", 400),
        (r#"{"name":"s","batchSize":-1}"#, "FF00234", 400),
        (r#"{"name":"s","batchTimeout":""}"#, "FF00234", 400),
        (r#"{"name":"s","retryTimeout":"-1s"}"#, "FF00234", 400),
        (r#"{"name":"s","blockedRetryDelay":0}"#, "FF00234", 400),
        (r#"{"name":"s","errorHandling":"explode"}"#, "FF00234", 400),
        (r#"{"name":"s","type":"pigeon"}"#, "FF00217", 400),
        (r#"{"name":"s","websocket":{"distributionMode":"all"}}"#, "FF00234", 400),
        (r#"{"name":"s","websocket":{"answersFrom":"me"}}"#, "FF00234", 400),
        (r#"{"name":"s","websocket":{"ackTimeout":0}}"#, "FF00234", 400),
        (r#"{"name":"s","id":"7"}"#, "FF00234", 400),
    ] {
        let error = world.manager.upsert("", spec(json)).await.unwrap_err();
        assert_eq!((error.code(), error.status()), (expected, status), "{json}: {error}");
    }
    assert_eq!(world.manager.count(), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_made_renamed_stopped_started_and_deleted() {
    let World { manager, .. } = &World::new().await;
    let (one, created) = manager.upsert("one", taken()).await.unwrap();
    assert!(created && one.spec.created.is_some() && one.spec.batch_size == Some(50));
    assert_eq!(one.spec.batch_timeout.unwrap().to_string(), "1ms");
    let id = one.spec.id.clone().unwrap();
    // The same again changes nothing, and so restarts nothing.
    let before = manager.get("one").await.unwrap().statistics.unwrap().start_time;
    tokio::time::sleep(Duration::from_millis(5)).await;
    let (again, created) =
        manager.upsert(&id.to_uppercase(), spec(r#"{"name":"one","type":"TAKER"}"#)).await.unwrap();
    assert_eq!((created, again.statistics.unwrap().start_time), (false, before));
    // Another name in what is stored renames it, and the time of its making stays.
    let (renamed, created) =
        manager.upsert("one", spec(r#"{"name":"two","type":"taker"}"#)).await.unwrap();
    assert_eq!(
        (created, &renamed.spec.id, renamed.spec.created),
        (false, &Some(id.clone()), one.spec.created)
    );
    assert_eq!(code(manager.get("one").await), "FF00164");
    assert_eq!(
        manager.by_id(&format!("{{{id}}}")).await.unwrap().spec.name.as_deref(),
        Some("two")
    );
    // A name has one stream.
    let taken_already = manager.upsert("", spec(r#"{"name":"two","type":"taker"}"#)).await;
    assert_eq!(taken_already.unwrap_err().status(), 409);
    let listed = manager.list(&Query::default()).await.unwrap().items;
    assert_eq!(listed.len(), 1);
    manager.stop_stream("two").await.unwrap();
    assert_eq!(manager.count(), (1, 0));
    assert!(manager.get("two").await.unwrap().statistics.is_none());
    manager.start_stream(&id).await.unwrap();
    manager.start_stream("two").await.unwrap();
    manager.delete_stream("two").await.unwrap();
    for gone in [
        manager.start_stream(&id).await,
        manager.stop_stream("two").await,
        manager.delete_stream("two").await,
        manager.reset_stream("two", Reset::default()).await,
    ] {
        assert_eq!(code(gone), "FF00164");
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_does_not_wait_interrupts_nothing() {
    let world = World::new().await;
    world.taker.held.send_replace(true);
    world.manager.upsert("s", taken()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(10)).await;
    let hasty = || world.manager.within(Duration::from_millis(10));
    assert_eq!(code(hasty().stop_stream("s").await), "FF00229");
    assert_eq!(world.status("s").await, "stopping");
    assert_eq!(code(hasty().delete_stream("s").await), "FF00229");
    assert_eq!(world.status("s").await, "stopping_deleted");
    assert_eq!(code(world.manager.upsert("s", taken()).await), "FF00231");
    assert_eq!(code(world.manager.reset_stream("s", Reset::default()).await), "FF00231");
    world.taker.held.send_replace(false);
    while world.manager.get("s").await.is_ok() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(world.storage.memory.by_name("s").await, Ok(None));
}

#[tokio::test(start_paused = true)]
async fn a_storage_that_fails_is_told_and_leaves_the_stream_running() {
    let world = World::new().await;
    let (manager, storage) = (&world.manager, &world.storage);
    storage.fail("by_name");
    assert_eq!(code(manager.upsert("s", taken()).await), "FF00177");
    storage.fail("upsert");
    assert_eq!(code(manager.upsert("s", taken()).await), "FF00177");
    storage.fail("");
    manager.upsert("s", taken()).await.unwrap();
    world.checkpoint("s", "0010").await;
    storage.fail("update");
    assert_eq!(code(manager.stop_stream("s").await), "FF00177");
    assert_eq!(code(manager.delete_stream("s").await), "FF00177");
    assert_eq!(world.status("s").await, "started");
    let to = Reset { sequence_id: Some("0004".into()), time: None };
    assert_eq!(code(manager.reset_stream("s", to.clone()).await), "FF00177");
    assert_eq!(manager.count(), (1, 1)); // it goes on, and not as one that only says so
    storage.fail("delete_checkpoint");
    assert_eq!(code(manager.reset_stream("s", to.clone()).await), "FF00177");
    assert_eq!(manager.count(), (1, 1));
    storage.fail("list");
    assert_eq!(code(manager.list(&Query::default()).await), "FF00177");
    storage.fail("");
    manager.reset_stream("s", to).await.unwrap();
    assert_eq!(manager.get("s").await.unwrap().spec.initial_sequence_id.as_deref(), Some("0004"));
    world.checkpoint("s", "0010").await;
    storage.fail("delete");
    assert_eq!(code(manager.delete_stream("s").await), "FF00177");
    storage.fail("");
    manager.delete_stream("s").await.unwrap();
    assert_eq!(code(manager.get("s").await), "FF00164");
}

#[tokio::test(start_paused = true)]
async fn a_manager_takes_up_what_another_left() {
    let world = World::new().await;
    for number in 0..230 {
        let json = format!(r#"{{"name":"s{number}","type":"taker"}}"#);
        world.manager.upsert("", spec(&json)).await.unwrap();
    }
    world.manager.stop_stream("s1").await.unwrap();
    world.checkpoint("s5", "0010").await;
    world.manager.close().await;
    assert_eq!(code(world.manager.start_stream("s0").await), "FF00154");
    // Some were on their way out, some cannot be taken up any more.
    for number in 100..140 {
        let stored = world.storage.memory.by_name(&format!("s{number}")).await.unwrap().unwrap();
        let status = if number < 130 { "deleted" } else { "odd" };
        let stored = EventStreamSpec { status: Some(status.into()), ..stored };
        world.storage.memory.upsert(&stored).await.unwrap();
    }
    let manager = start(&world.storage, &world.taker).await.unwrap();
    assert_eq!(manager.count(), (190, 189));
    assert_eq!(manager.failed().len(), 10);
    assert!(manager.failed().iter().all(|(_, error)| error.code() == "FF00233"));
    assert_eq!(manager.get("s139").await.unwrap().spec.status.unwrap().as_str(), "unknown");
    assert_eq!(code(manager.start_stream("s139").await), "FF00164");
    assert_eq!(world.storage.memory.by_name("s100").await, Ok(None));
    assert_eq!(manager.get("s1").await.unwrap().spec.status.unwrap().as_str(), "stopped");
    world.storage.fail("page");
    assert_eq!(code(start(&world.storage, &world.taker).await), "FF00177");
}

#[tokio::test(start_paused = true)]
async fn a_manager_has_to_know_how_to_try_again() {
    let (runtime, persistence) = (Arc::new(Ten), Arc::<Storage>::default());
    let configuration = serde_json::from_str(r#"{ "retry": { "initialDelay": 0 } }"#).unwrap();
    let (dispatchers, clock) = (HashMap::new(), Clock::default());
    let program = Program { configuration, persistence, runtime, dispatchers, clock };
    assert_eq!(code(Manager::start(program).await), "FF00237");
}

/// One that stops only when its receiver lets go of the batch that it has.
#[tokio::test]
async fn a_slow_change_holds_up_no_other_stream() {
    let world = World::new().await;
    let manager = &world.manager;
    world.taker.held.send_replace(true);
    manager.upsert("slow", taken()).await.unwrap();
    let attempted = |stream: &highwater_eventstreams::EventStream| {
        stream.statistics.as_ref().is_some_and(|told| told.last_dispatch_time.is_some())
    };
    while !attempted(&manager.get("slow").await.unwrap()) {
        tokio::task::yield_now().await;
    }
    let change = |size| {
        let (manager, spec) =
            (manager.clone(), EventStreamSpec { batch_size: Some(size), ..taken() });
        tokio::spawn(async move { manager.upsert("slow", spec).await.unwrap().0.spec.batch_size })
    };
    let changes = [change(2), change(3)];
    for name in ["other", "another"] {
        manager.upsert(name, taken()).await.unwrap();
    }
    assert!(changes.iter().all(|change| !change.is_finished()));
    world.taker.held.send_replace(false);
    for (change, size) in changes.into_iter().zip([2, 3]) {
        assert_eq!(change.await.unwrap(), Some(size));
    }
}
