//! Suite `store`: Consul's store of materializers, on a clock that goes only when told to.
//!
//! Script: the scenario, without what is expected. Observed: `{"steps":[…]}`, the store after each.

mod stream;

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use highwater::{
    Answer, Cause, Class, Failure, Feed, FeedError, QueryRequest, QueryStore, Run, Wanted,
};
use serde_json::{Map, Value, json};
use tokio::sync::{mpsc, oneshot};

use self::stream::{Command, run as run_stream};
use crate::health::{Instances, error, shown};
use crate::subject::{array, each, same_members, text, unjudged};
use crate::{Departures, Error, Outcome, Subject};

const SUITE: &str = "store";

/// Runs every scenario.
pub fn run(
    runner: &str,
    subject: &mut dyn Subject,
    departures: &Departures,
) -> Result<Outcome, Error> {
    each(SUITE, "id", runner, subject, departures, check)
}

fn check(subject: &mut dyn Subject, scenario: &Value) -> Result<(), Error> {
    let steps = array(scenario, "steps")?;
    let observed = subject.observe(
        &json!({ "suite": SUITE, "config": scenario["config"], "steps": unjudged(steps) }),
    )?;
    same_members(steps, &observed)
}

/// Runs a script on the native client's store.
pub(crate) fn observe(script: &Value) -> Result<Value, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .map_err(|error| Error::new(format!("no runtime: {error}")))?;
    runtime.block_on(async {
        let ttl = script["config"]["idle_ttl_ms"].as_u64();
        let ttl = ttl.ok_or_else(|| Error::new("no number idle_ttl_ms"))?;
        let store = QueryStore::new(Duration::from_millis(ttl));
        let mut world = World { store, shared: Arc::default(), cancel: BTreeMap::new() };
        let mut steps = Vec::new();
        for step in array(script, "steps")? {
            world.step(step).await?;
            settle().await;
            steps.push(world.shown());
        }
        Ok(json!({ "steps": steps }))
    })
}

/// Lets every task come to the end of what it can do now.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

struct World {
    store: QueryStore<Wish>,
    shared: Arc<Shared>,
    cancel: BTreeMap<String, oneshot::Sender<()>>,
}

/// What the script and the materializers share.
#[derive(Default)]
struct Shared(Mutex<Scene>);

#[derive(Default)]
struct Scene {
    fail_next: bool,
    started: u64,
    stopped: u64,
    streams: BTreeMap<String, mpsc::UnboundedSender<Command>>,
    calls: BTreeMap<String, Value>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Scene> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Wish {
    key: String,
    shared: Arc<Shared>,
}

impl QueryRequest for Wish {
    type Key = String;
    type Value = Arc<Instances>;

    fn key(&self) -> String {
        self.key.clone()
    }

    fn materialize(&self, feed: Feed<Self::Value>) -> Result<Run, FeedError> {
        let mut scene = self.shared.lock();
        if core::mem::take(&mut scene.fail_next) {
            return Err(FeedError::new(Class::Retry, "it was to fail"));
        }
        scene.started += 1;
        let (sender, commands) = mpsc::unbounded_channel();
        scene.streams.insert(self.key.clone(), sender);
        let ended = Ended(Arc::clone(&self.shared));
        Ok(Box::pin(async move {
            run_stream(feed, commands).await;
            drop(ended);
        }))
    }
}

/// Counts a materializer that ends, however it ends.
struct Ended(Arc<Shared>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.lock().stopped += 1;
    }
}

impl World {
    async fn step(&mut self, step: &Value) -> Result<(), Error> {
        match text(step, "op")? {
            "get" => self.get(step)?,
            "notify" => self.notify(step)?,
            "cancel" => drop(self.cancel.remove(text(step, "id")?)),
            "feed" => self.command(step, Command::Event(step["event"].to_string()))?,
            "feed_error" => self.command(step, Command::Fail(text(step, "error")?.into()))?,
            "terminate" => self.command(step, Command::Terminate)?,
            "fail_next_new" => self.shared.lock().fail_next = true,
            "advance_ms" => {
                let millis = step["ms"].as_u64().ok_or_else(|| Error::new("no number ms"))?;
                tokio::time::advance(Duration::from_millis(millis)).await;
            }
            op => return Err(Error::new(format!("unknown step {op}"))),
        }
        Ok(())
    }

    fn command(&self, step: &Value, command: Command) -> Result<(), Error> {
        let entry = text(step, "entry")?;
        let scene = self.shared.lock();
        let gone = || Error::new(format!("nothing reads the stream of {entry}"));
        scene.streams.get(entry).ok_or_else(gone)?.send(command).map_err(|_| gone())
    }

    fn wish(&self, step: &Value) -> Result<Wish, Error> {
        let parts = ["type", "datacenter", "token", "key"].map(|part| text(step, part));
        let parts = parts.into_iter().collect::<Result<Vec<_>, _>>()?;
        Ok(Wish { key: parts.join("/"), shared: Arc::clone(&self.shared) })
    }

    fn get(&mut self, step: &Value) -> Result<(), Error> {
        let (wish, id) = (self.wish(step)?, text(step, "id")?.to_owned());
        let wanted = Wanted::newer_than(step["min_index"].as_u64().unwrap_or(0));
        let timeout = step["timeout_ms"].as_u64().map(Duration::from_millis);
        let wanted = timeout.map_or(wanted, |timeout| wanted.within(timeout));
        let (cancel, cancelled) = oneshot::channel();
        self.cancel.insert(id.clone(), cancel);
        self.shared.lock().calls.insert(id.clone(), json!({ "state": "blocked" }));
        let (store, shared) = (self.store.clone(), Arc::clone(&self.shared));
        tokio::spawn(async move {
            let result = store.get_until(&wish, wanted, async { drop(cancelled.await) }).await;
            let mut shown = told(&result);
            shown["state"] = "done".into();
            shared.lock().calls.insert(id, shown);
        });
        Ok(())
    }

    fn notify(&mut self, step: &Value) -> Result<(), Error> {
        let (wish, id) = (self.wish(step)?, text(step, "id")?.to_owned());
        let after = step["min_index"].as_u64().unwrap_or(0);
        let (cancel, mut cancelled) = oneshot::channel();
        self.cancel.insert(id.clone(), cancel);
        self.shared.lock().calls.insert(id.clone(), json!({ "updates": [] }));
        let (store, shared) = (self.store.clone(), Arc::clone(&self.shared));
        tokio::spawn(async move {
            let mut updates = match store.notify(&wish, after) {
                Ok(updates) => updates,
                Err(failure) => {
                    let mut shown = told(&Err(failure));
                    shown["state"] = "done".into();
                    shared.lock().calls.insert(id, shown);
                    return;
                }
            };
            loop {
                let update = tokio::select! {
                    update = updates.next() => update,
                    _ = &mut cancelled => return,
                };
                let Some(update) = update else { return };
                let mut shown = told(&update);
                shown["id"] = id.clone().into();
                if let Some(Value::Array(all)) =
                    shared.lock().calls.get_mut(&id).map(|call| &mut call["updates"])
                {
                    all.push(shown);
                }
            }
        });
        Ok(())
    }

    fn shown(&self) -> Value {
        let entries = self.store.entries().into_iter().map(|entry| {
            let shown = json!({ "requests": entry.requests, "idle_timer": entry.idle });
            (entry.key, shown)
        });
        let entries: Map<_, _> = entries.collect();
        let scene = self.shared.lock();
        json!({
            "entries": entries,
            "calls": scene.calls,
            "materializers_started": scene.started,
            "materializers_stopped": scene.stopped,
        })
    }
}

fn told(result: &Result<Answer<Arc<Instances>>, Failure<Arc<Instances>>>) -> Value {
    match result {
        Ok(answer) => json!({
            "cached": answer.cached, "error": null, "index": answer.index, "value": shown(&answer.value),
        }),
        Err(failure) => {
            let cause = match &failure.cause {
                Cause::Told(told) => told.cause.downcast_ref().map_or("another error", error),
                Cause::Cancelled => "canceled",
                Cause::Evicting => "evicting",
                Cause::NotMade(_) => "new_failed",
                _ => "another cause",
            };
            let value = failure.value.as_ref().map(|value| shown(value));
            json!({ "cached": false, "error": cause, "index": failure.index, "value": value })
        }
    }
}
