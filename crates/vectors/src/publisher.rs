//! Suite `publisher`: Consul's event publisher, one call at a time.
//!
//! Script: the scenario, without what is expected. Observed: `{"steps":[…]}`, for each step what
//! the recorded one expects of its kind, or null.

use core::time::Duration;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use highwater_core::Instant;
use highwater_publisher::{
    Build, Delivery, Epoch, Event, EventPublisher, Payload, Publication, PublisherOptions,
    SnapshotError, Subject as Part, SubscribeError, SubscribeRequest, Subscription,
    SubscriptionError, Tail,
};
use serde_json::{Map, Value, json};

use crate::subject::{array, beside, each, same, text, unjudged};
use crate::{Departures, Error, Outcome, Subject};

const SUITE: &str = "publisher";

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
        "snapshots": scenario["snapshots"],
        "steps": unjudged(steps),
    }))?;
    for (place, step, observed) in beside(steps, &observed)? {
        if let Some(expect) = step.get("expect") {
            same(&place, observed, expect)?;
        }
    }
    Ok(())
}

/// Runs a script on the publisher.
pub(crate) fn observe(script: &Value) -> Result<Value, Error> {
    let mut world = World::new(script)?;
    let steps = array(script, "steps")?.iter().map(|step| world.step(step));
    Ok(json!({ "steps": steps.collect::<Result<Vec<_>, _>>()? }))
}

struct World {
    publisher: EventPublisher<Fact>,
    store: Arc<Mutex<Store>>,
    subscriptions: HashMap<String, (Subscription<Fact>, String)>,
    ttl: Duration,
    now: Instant,
}

/// What the snapshot handlers answer from.
#[derive(Default)]
struct Store {
    snapshots: HashMap<String, Value>,
    calls: BTreeMap<String, u64>,
}

struct Fact {
    subject: Part,
    value: Value,
    readable_by: Option<Vec<String>>,
}

impl Payload for Fact {
    type Authorizer = str;

    fn subject(&self) -> Part {
        self.subject.clone()
    }

    fn readable_by(&self, token: &str) -> bool {
        self.readable_by.as_ref().is_none_or(|tokens| tokens.iter().any(|other| other == token))
    }
}

impl World {
    fn new(script: &Value) -> Result<Self, Error> {
        let config = &script["config"];
        let ttl = Duration::from_millis(config["snapshot_cache_ttl_ms"].as_u64().unwrap_or(0));
        let transactions = config["tail"].as_u64().and_then(|count| usize::try_from(count).ok());
        let tail = Tail { transactions: transactions.unwrap_or(0), bytes: 1 << 20 };
        let epoch = Epoch::new("life").map_err(|error| Error::new(error.to_string()))?;
        let publisher = EventPublisher::new(
            epoch,
            PublisherOptions { snapshot_ttl: ttl, snapshot_behind: 0, tail },
        );
        let store = Arc::<Mutex<Store>>::default();
        for topic in array(config, "topics")? {
            let name = text(topic, "name")?;
            let answers = Arc::clone(&store);
            publisher
                .register(name, topic["wildcard"] == true, move |build| snapshot(&answers, build))
                .map_err(|error| Error::new(error.to_string()))?;
        }
        let world =
            Self { publisher, store, subscriptions: HashMap::new(), ttl, now: Instant::default() };
        for snapshot in array(script, "snapshots")? {
            world.set_snapshot(snapshot)?;
        }
        Ok(world)
    }

    fn step(&mut self, step: &Value) -> Result<Value, Error> {
        match text(step, "op")? {
            "subscribe" => return self.subscribe(step),
            "drain" => return self.drain(step),
            "internals" => return Ok(self.internals()),
            "publish" => self
                .publisher
                .publish(
                    array(step, "events")?
                        .iter()
                        .map(publication)
                        .collect::<Result<Vec<_>, _>>()?,
                )
                .map_err(|error| Error::new(error.to_string()))?,
            "unsubscribe" => {
                if let Some((subscription, _)) = self.subscriptions.get_mut(text(step, "sub")?) {
                    subscription.unsubscribe();
                }
            }
            "set_snapshot" => self.set_snapshot(&step["snapshot"])?,
            "refresh_topic" => {
                return Ok(answer(self.publisher.refresh_topic(text(step, "topic")?), |error| {
                    match error {
                        SubscribeError::UnknownTopic { .. } => "topic_not_registered".into(),
                        other => other.to_string(),
                    }
                }));
            }
            "refresh_all" => self.publisher.refresh_all(),
            "shutdown" => self.publisher.shut_down(),
            "advance_ms" => {
                let millis = step["ms"].as_u64().ok_or_else(|| Error::new("no number ms"))?;
                self.pass(Duration::from_millis(millis));
            }
            "expire_snapshot_cache" => self.pass(self.ttl),
            op => return Err(Error::new(format!("unknown step {op}"))),
        }
        Ok(Value::Null)
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now + time;
        self.publisher.tick(self.now);
    }

    fn set_snapshot(&self, snapshot: &Value) -> Result<(), Error> {
        let key = format!("{}/{}", text(snapshot, "topic")?, text(snapshot, "subject")?);
        self.store().snapshots.insert(key, snapshot.clone());
        Ok(())
    }

    fn subscribe(&mut self, step: &Value) -> Result<Value, Error> {
        let token = text(step, "token")?;
        let request = SubscribeRequest::new(text(step, "topic")?, part(text(step, "subject")?));
        let index = step["index"].as_u64().ok_or_else(|| Error::new("no number index"))?;
        let subscribed = self.publisher.subscribe(&request.token(token).index(index));
        let subscribed = subscribed.map(|subscription| {
            let name = step["sub"].as_str().unwrap_or_default().to_owned();
            self.subscriptions.insert(name, (subscription, token.to_owned()));
        });
        Ok(answer(subscribed, |error| match error {
            SubscribeError::UnknownTopic { .. } => "unknown_topic".into(),
            SubscribeError::WildcardNotSupported { .. } => "wildcard_not_supported".into(),
            SubscribeError::ShuttingDown => "shutting_down".into(),
            other => other.to_string(),
        }))
    }

    fn drain(&mut self, step: &Value) -> Result<Value, Error> {
        let name = text(step, "sub")?;
        let (subscription, token) = self
            .subscriptions
            .get_mut(name)
            .ok_or_else(|| Error::new(format!("no subscription {name}")))?;
        let mut out = Vec::new();
        loop {
            match subscription.try_next() {
                None => break,
                Some(Err(error)) => {
                    out.push(json!({ "type": "error", "error": ended(&error) }));
                    break;
                }
                Some(Ok(delivery)) if step["acl"] == true => {
                    out.extend(delivery.readable_by(token).as_ref().map(shown));
                }
                Some(Ok(delivery)) => out.push(shown(&delivery)),
            }
        }
        Ok(out.into())
    }

    fn internals(&self) -> Value {
        let buffers = self.publisher.buffers();
        let key = |topic: &str, subject: &Part| format!("{topic}/{}", shown_part(subject));
        let references: Map<_, _> = buffers
            .iter()
            .map(|buffer| (key(&buffer.topic, &buffer.subject), buffer.references.into()))
            .collect();
        let cached = buffers.iter().filter(|buffer| buffer.cached);
        let mut cached: Vec<_> = cached.map(|buffer| key(&buffer.topic, &buffer.subject)).collect();
        cached.sort();
        json!({
            "buffer_refs": references,
            "cached_snapshots": cached,
            "snapshot_calls": self.store().calls,
        })
    }

    fn store(&self) -> std::sync::MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn snapshot(store: &Mutex<Store>, build: &mut Build<Fact>) -> Result<u64, Box<SnapshotError>> {
    let key = format!("{}/{}", build.topic(), shown_part(build.subject()));
    let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
    *store.calls.entry(key.clone()).or_default() += 1;
    let Some(snapshot) = store.snapshots.get(&key) else { return Ok(0) };
    for batch in array(snapshot, "batches")? {
        let events: Vec<_> =
            batch.as_array().into_iter().flatten().map(event).collect::<Result<_, _>>()?;
        build.append(events);
    }
    match snapshot["error"].as_str() {
        Some(error) => Err(error.into()),
        None => Ok(snapshot["index"].as_u64().unwrap_or(0)),
    }
}

fn publication(entry: &Value) -> Result<Publication<Fact>, Error> {
    if let Some(tokens) = entry["close_tokens"].as_array() {
        let tokens = tokens.iter().filter_map(Value::as_str).map(Arc::from).collect();
        return Ok(Publication::Close { tokens });
    }
    Ok(Publication::Event { topic: text(entry, "topic")?.into(), event: event(entry)? })
}

fn event(entry: &Value) -> Result<Event<Fact>, Error> {
    let index = entry["index"].as_u64().ok_or_else(|| Error::new("no number index"))?;
    let tokens = entry["readable_by"].as_array();
    let readable_by = tokens.map(|tokens| {
        tokens.iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
    });
    let subject = part(text(entry, "subject")?);
    Ok(Event { index, payload: Fact { subject, value: entry["value"].clone(), readable_by } })
}

fn part(subject: &str) -> Part {
    if subject == "*" { Part::Wildcard } else { Part::named(subject) }
}

fn shown_part(subject: &Part) -> &str {
    match subject {
        Part::Named(name) => name,
        Part::Wildcard => "*",
        Part::Whole => "",
    }
}

fn shown(delivery: &Delivery<Fact>) -> Value {
    let event = |event: &Event<Fact>| {
        let Fact { subject, value, .. } = &event.payload;
        json!({ "index": event.index, "subject": shown_part(subject), "value": value })
    };
    match delivery {
        Delivery::Event(one) => {
            let mut shown = event(one);
            shown["type"] = "event".into();
            shown
        }
        Delivery::Batch { index, events } => {
            let events: Vec<_> = events.iter().map(|one| event(one)).collect();
            json!({ "type": "batch", "index": index, "events": events })
        }
        Delivery::EndOfSnapshot(index) => json!({ "type": "end_of_snapshot", "index": index }),
        Delivery::NewSnapshotToFollow => json!({ "type": "new_snapshot_to_follow", "index": 0 }),
    }
}

fn ended(error: &SubscriptionError) -> String {
    match error {
        SubscriptionError::ForceClosed => "force_closed".into(),
        SubscriptionError::AclChanged => "acl_changed".into(),
        SubscriptionError::ShuttingDown => "shutting_down".into(),
        SubscriptionError::Unsubscribed => "unsubscribed".into(),
        SubscriptionError::Snapshot(error) => error.to_string(),
        other => other.to_string(),
    }
}

fn answer<E>(result: Result<(), E>, name: impl Fn(E) -> String) -> Value {
    match result {
        Ok(()) => json!({ "ok": true }),
        Err(error) => json!({ "error": name(error) }),
    }
}
