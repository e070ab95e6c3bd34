//! The manager between the models, and what the script does to it.

use core::time::Duration;
use std::collections::HashMap;
use std::sync::Arc;

use highwater_eventstreams::{
    Clock, Configuration, DispatcherFactory, Error as Fault, EventStreamSpec, Manager,
    MemoryPersistence, Persistence, Program, Reset, Statistics, Timestamp,
};
use serde_json::{Map, Value, json};
use tokio::time::sleep_until;

use super::model::{Scene, Scripted, Storage};
use super::source::Source;
use crate::Error;
use crate::subject::{array, text};

/// Runs a script from its beginning to its end.
pub(super) async fn observe(script: &Value) -> Result<Value, Error> {
    let scene = Scene::new(script["given"].clone());
    let memory = MemoryPersistence::default();
    let storage = Arc::new(Storage { scene: Arc::clone(&scene), memory });
    if let Some(stored) = script["given"]["storedCheckpoint"].as_str() {
        storage.memory.put_checkpoint(ID, stored).await.map_err(|fault| broken(&fault))?;
    }
    let mut world = World {
        configuration: configuration(&script["config"])?,
        clock: Clock::beginning(Timestamp::default()),
        manager: None,
        scene,
        storage,
    };
    world.begin().await?;
    let spec = spec(&script["config"]["stream"])?;
    world.call("create", move |manager| async move { manager.upsert(ID, spec).await.map(drop) });
    for action in array(&script["given"], "actions")? {
        world.wait(action["atMs"].as_u64()).await;
        world.act(action).await?;
    }
    world.wait(script["given"]["endMs"].as_u64()).await;
    world.snapshot().await;
    Ok(world.scene.observed())
}

struct World {
    scene: Arc<Scene>,
    storage: Arc<Storage>,
    configuration: Configuration,
    clock: Clock,
    manager: Option<Manager>,
}

impl World {
    async fn begin(&mut self) -> Result<(), Error> {
        let scripted: Arc<dyn DispatcherFactory> = Arc::new(Scripted(Arc::clone(&self.scene)));
        let program = Program {
            configuration: self.configuration.clone(),
            persistence: Arc::clone(&self.storage) as Arc<dyn Persistence>,
            runtime: Arc::new(Source(Arc::clone(&self.scene))),
            dispatchers: HashMap::from([("websocket".into(), scripted)]),
            clock: self.clock,
        };
        self.manager = Some(Manager::start(program).await.map_err(|fault| broken(&fault))?);
        Ok(())
    }

    async fn wait(&self, until: Option<u64>) {
        settle().await;
        sleep_until(self.scene.until(until.unwrap_or(0))).await;
        settle().await;
    }

    async fn act(&mut self, action: &Value) -> Result<(), Error> {
        let Some(manager) = self.manager.clone() else { return Ok(()) };
        let called = self.scene.now();
        let op = text(action, "op")?;
        let done = |scene: &Scene| {
            let at = scene.now();
            let entry = json!({ "op": op, "calledMs": called, "returnedMs": at, "error": null });
            scene.add("operations", entry);
        };
        let patience = action["callerTimeoutMs"].as_u64().map(Duration::from_millis);
        let patient = patience.map_or(manager.clone(), |patience| manager.within(patience));
        self.manager = Some(patient);
        match op {
            "stop" => self.call(op, |manager| async move { manager.stop_stream(ID).await }),
            "start" => self.call(op, |manager| async move { manager.start_stream(ID).await }),
            "delete" => self.call(op, |manager| async move { manager.delete_stream(ID).await }),
            "reset" => {
                let sequence_id = action["sequenceId"].as_str().map(Into::into);
                let to = Reset { sequence_id, time: None };
                self.call(op, |manager| async move { manager.reset_stream(ID, to).await });
            }
            "upsert" => {
                let spec = spec(&action["spec"])?;
                self.call(op, |manager| async move { manager.upsert(ID, spec).await.map(drop) });
            }
            "snapshot" => self.snapshot().await,
            "managerRestart" => {
                manager.close().await;
                self.begin().await?;
                done(&self.scene);
                return Ok(());
            }
            "kill" => {
                let closing = tokio::spawn(async move { manager.close().await });
                settle().await;
                self.begin().await?;
                done(&self.scene);
                drop(closing);
                return Ok(());
            }
            other => return Err(Error::new(format!("there is no action {other}"))),
        }
        self.manager = Some(manager);
        Ok(())
    }

    /// Calls the manager in a task of its own. Of making the stream only a failure is told.
    fn call<F>(&self, op: &str, call: impl FnOnce(Manager) -> F)
    where
        F: Future<Output = Result<(), Fault>> + Send + 'static,
    {
        let Some(manager) = self.manager.clone() else { return };
        let (scene, op, called) = (Arc::clone(&self.scene), op.to_owned(), self.scene.now());
        let call = call(manager);
        tokio::spawn(async move {
            let error = call.await.err().map(|error| error.code());
            if op != "create" || error.is_some() {
                let returned = scene.now();
                scene.add(
                    "operations",
                    json!({
                        "op": op, "calledMs": called, "returnedMs": returned, "error": error,
                    }),
                );
            }
        });
    }

    async fn snapshot(&self) {
        let Some(manager) = &self.manager else { return };
        let at = self.scene.now();
        let entry = match manager.by_id(ID).await {
            Err(error) => json!({ "atMs": at, "error": error.code() }),
            Ok(stream) => {
                let memory = &self.storage.memory;
                let stored = memory.by_id(ID).await.ok().flatten().and_then(|spec| spec.status);
                let word = |word: Option<highwater_eventstreams::Keyword>| {
                    word.map(|word| word.as_str().to_owned())
                };
                json!({
                    "atMs": at,
                    "status": word(stream.spec.status),
                    "persistedStatus": word(stored),
                    "storedCheckpoint": memory.checkpoint(ID).await.ok().flatten(),
                    "statistics": stream.statistics.as_ref().map(statistics),
                })
            }
        };
        self.scene.add("snapshots", entry);
    }
}

/// Lets every task come to the end of what it can do now.
async fn settle() {
    for _ in 0..500 {
        tokio::task::yield_now().await;
    }
}

fn statistics(statistics: &Statistics) -> Value {
    let millis = |moment: Timestamp| moment.as_nanos() / 1_000_000;
    json!({
        "startTimeMs": millis(statistics.start_time),
        "lastDispatchTimeMs": statistics.last_dispatch_time.map(millis),
        "lastDispatchAttempts": statistics.last_dispatch_attempts,
        "lastDispatchFailure": statistics.last_dispatch_failure,
        "lastDispatchComplete": statistics.last_dispatch_status,
        "highestDetected": statistics.highest_detected,
        "highestDispatched": statistics.highest_dispatched,
        "checkpoint": statistics.checkpoint,
    })
}

/// Members whose names end with their unit, without it.
fn without_units(value: &Value) -> Value {
    let members = value.as_object().into_iter().flatten();
    let plain = members
        .map(|(name, value)| (name.strip_suffix("Ms").unwrap_or(name).to_owned(), value.clone()));
    Value::Object(plain.collect::<Map<_, _>>())
}

fn configuration(config: &Value) -> Result<Configuration, Error> {
    let configuration = json!({
        "retry": without_units(&config["retry"]),
        "checkpoints": config["checkpoints"],
    });
    serde_json::from_value(configuration).map_err(|error| Error::new(error.to_string()))
}

fn spec(stream: &Value) -> Result<EventStreamSpec, Error> {
    let mut spec: EventStreamSpec = serde_json::from_value(without_units(stream))
        .map_err(|error| Error::new(error.to_string()))?;
    spec.name.get_or_insert_with(|| "stream".into());
    Ok(spec)
}

fn broken(fault: &Fault) -> Error {
    Error::new(fault.to_string())
}

/// The ID that a scenario's stream has throughout.
const ID: &str = "7f1a2b3c-0000-4000-8000-000000000001";
