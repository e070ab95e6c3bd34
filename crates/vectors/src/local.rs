//! Suite `local`: the publisher and a materializer joined in one process.
//!
//! Script: the scenario, without what is expected. Observed: `{"steps":[…]}`, what there is after
//! each when everything has settled, retries included.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use highwater::{Feed, Profile, Sight, Waiter};
use highwater_publisher::{
    AclError, Build, Epoch, Event, EventPublisher, Fold, FoldRefusal, LocalMaterializer, Payload,
    Publication, PublisherOptions, SnapshotError, Subject as Part, SubscribeRequest, Subscription,
    Tail,
};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::health::{Instances, shown};
use crate::subject::{array, each, same_members, text, unjudged};
use crate::{Departures, Error, Outcome, Subject};

const SUITE: &str = "local";

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
    let observed = subject.observe(&json!({
        "suite": SUITE,
        "config": scenario["config"],
        "snapshot": scenario["snapshot"],
        "steps": unjudged(steps),
    }))?;
    same_members(steps, &observed)
}

/// Runs a script on the publisher and its local materializer.
pub(crate) fn observe(script: &Value) -> Result<Value, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .map_err(|error| Error::new(format!("no runtime: {error}")))?;
    runtime.block_on(async {
        let mut world = World::new(script)?;
        let mut steps = Vec::new();
        for step in array(script, "steps")? {
            world.step(step)?;
            settle().await;
            steps.push(world.shown());
        }
        Ok(json!({ "steps": steps }))
    })
}

/// Lets time pass until every retry that is due has been made, several times over.
async fn settle() {
    for _ in 0..20 {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        tokio::time::advance(Duration::from_secs(20)).await;
    }
}

struct World {
    publisher: EventPublisher<Instance>,
    token: String,
    scene: Arc<Scene>,
    materializer: Option<(JoinHandle<()>, Seen)>,
    others: Vec<Subscription<Instance>>,
}

type Seen = watch::Receiver<Sight<Arc<Instances>>>;

/// What the script sets and the materializer leaves behind.
#[derive(Default)]
struct Scene(Mutex<Props>);

#[derive(Default)]
struct Props {
    snapshot: Value,
    acl: String,
    requests: Vec<u64>,
    updates: u64,
    resets: u64,
}

impl Scene {
    fn lock(&self) -> MutexGuard<'_, Props> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Instance {
    node: String,
    port: Option<u64>,
    readable_by: Option<Vec<String>>,
}

impl Payload for Instance {
    type Authorizer = str;

    fn subject(&self) -> Part {
        Part::named(SERVICE)
    }

    fn readable_by(&self, token: &str) -> bool {
        self.readable_by.as_ref().is_none_or(|tokens| tokens.iter().any(|other| other == token))
    }
}

/// Counts its calls, and keeps ports by node.
struct Ports {
    scene: Arc<Scene>,
    ports: Arc<BTreeMap<String, u64>>,
}

impl Fold<Instance> for Ports {
    type Value = Arc<Instances>;

    fn update(&mut self, events: &[Arc<Event<Instance>>]) -> Result<(), Box<FoldRefusal>> {
        self.scene.lock().updates += 1;
        let ports = Arc::make_mut(&mut self.ports);
        for Instance { node, port, .. } in events.iter().map(|event| &event.payload) {
            match port {
                Some(port) => ports.insert(node.clone(), *port),
                None => ports.remove(node),
            };
        }
        Ok(())
    }

    fn reset(&mut self) {
        self.scene.lock().resets += 1;
        self.ports = Arc::default();
    }

    fn render(&self) -> Self::Value {
        Arc::clone(&self.ports)
    }
}

impl World {
    fn new(script: &Value) -> Result<Self, Error> {
        let config = &script["config"];
        let epoch = Epoch::new("life").map_err(|error| Error::new(error.to_string()))?;
        let ttl = config["snapshot_cache_ttl_ms"].as_u64().unwrap_or(0);
        let snapshot_ttl = Duration::from_millis(ttl);
        let publisher = EventPublisher::new(
            epoch,
            PublisherOptions { snapshot_ttl, snapshot_behind: 0, tail: Tail::NONE },
        );
        let scene = Arc::<Scene>::default();
        let answers = Arc::clone(&scene);
        publisher
            .register(TOPIC, false, move |build| snapshot(&answers, build))
            .map_err(|error| Error::new(error.to_string()))?;
        scene.lock().snapshot = script["snapshot"].clone();
        let token = text(config, "token")?.to_owned();
        Ok(Self { publisher, token, scene, materializer: None, others: Vec::new() })
    }

    fn step(&mut self, step: &Value) -> Result<(), Error> {
        let failed = |error: &dyn core::error::Error| Error::new(error.to_string());
        match text(step, "op")? {
            "start" => self.start(),
            "publish" => {
                let list = array(step, "events")?.iter().map(publication);
                let list = list.collect::<Result<Vec<_>, _>>()?;
                self.publisher.publish(list).map_err(|error| failed(&error))?;
            }
            "set_snapshot" => self.scene.lock().snapshot = step["snapshot"].clone(),
            "set_acl" => self.scene.lock().acl = text(step, "result")?.into(),
            "refresh_topic" => {
                self.publisher.refresh_topic(TOPIC).map_err(|error| failed(&error))?;
            }
            "keep_buffer_alive" => {
                let request = SubscribeRequest::new(TOPIC, Part::named(SERVICE)).token("keeper");
                let kept = self.publisher.subscribe(&request).map_err(|error| failed(&error))?;
                self.others.push(kept);
            }
            "shutdown" => self.publisher.shut_down(),
            op => return Err(Error::new(format!("unknown step {op}"))),
        }
        Ok(())
    }

    fn start(&mut self) {
        let (feed, seen) = Feed::new(Arc::default());
        let fold = Ports { scene: Arc::clone(&self.scene), ports: Arc::default() };
        let (token, scene) = (self.token.clone(), Arc::clone(&self.scene));
        let resolve = move || match &*scene.lock().acl {
            "not_found" => Err(AclError::NotFound),
            "error" => Err(AclError::Unavailable("it was to fail".into())),
            _ => Ok(Arc::from(&*token)),
        };
        let (token, scene) = (self.token.clone(), Arc::clone(&self.scene));
        let request = move |index| {
            scene.lock().requests.push(index);
            SubscribeRequest::new(TOPIC, Part::named(SERVICE)).token(&*token).index(index)
        };
        let waiter = Waiter::new(Profile::CONSUL);
        let local = LocalMaterializer::new(self.publisher.clone(), fold, resolve, request, waiter);
        self.materializer = Some((tokio::spawn(local.run(feed)), seen));
    }

    fn shown(&self) -> Value {
        let Props { requests, updates, resets, .. } = &*self.scene.lock();
        let running = self.materializer.as_ref().is_some_and(|(task, _)| !task.is_finished());
        let (index, view) = self.materializer.as_ref().map_or((0, json!({})), |(_, seen)| {
            let sight = seen.borrow();
            (sight.index, shown(&sight.value))
        });
        json!({
            "index": index,
            "request_indexes": requests,
            "request_indexes_all_zero": requests.iter().all(|&index| index == 0),
            "resets": resets,
            "running": running,
            "updates": updates,
            "view": view,
        })
    }
}

fn snapshot(scene: &Scene, build: &mut Build<Instance>) -> Result<u64, Box<SnapshotError>> {
    let snapshot = scene.lock().snapshot.clone();
    for entry in array(&snapshot, "events")? {
        build.append([event(entry)?]);
    }
    match snapshot["error"].as_str() {
        Some(error) => Err(error.into()),
        None => Ok(snapshot["index"].as_u64().unwrap_or(0)),
    }
}

fn publication(entry: &Value) -> Result<Publication<Instance>, Error> {
    if let Some(tokens) = entry["close_tokens"].as_array() {
        let tokens = tokens.iter().filter_map(Value::as_str).map(Arc::from).collect();
        return Ok(Publication::Close { tokens });
    }
    Ok(Publication::Event { topic: TOPIC.into(), event: event(entry)? })
}

fn event(entry: &Value) -> Result<Event<Instance>, Error> {
    let index = entry["index"].as_u64().ok_or_else(|| Error::new("no number index"))?;
    let registers = text(entry, "op")? == "register";
    let port = registers.then(|| entry["port"].as_u64().unwrap_or(0));
    let tokens = entry["readable_by"].as_array();
    let readable_by = tokens.map(|tokens| {
        tokens.iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
    });
    let payload = Instance { node: text(entry, "node")?.to_owned(), port, readable_by };
    Ok(Event { index, payload })
}

const TOPIC: &str = "ServiceHealth";
const SERVICE: &str = "web";
