//! Runs a script of connections on the relay's stream manager and router, in virtual time.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use highwater_core::{Instant, Known, MessageReceiver};
use highwater_relay::{
    Action, EnvironmentParams, Message, ProjectRouter, Retry, StreamInput, StreamManager,
    StreamOptions, StreamOutput, StreamPhase, Strictness, WhenRefused,
};
use serde_json::{Map, Value, json};

use crate::Error;
use crate::subject::array;

/// Runs a script as the original would: it takes what it gets, and stops when it is refused.
pub(crate) fn observe(script: &Value) -> Result<Value, Error> {
    let mut world = World::start();
    let mut connections = Vec::new();
    let mut ready = false;
    for connection in array(script, "connections")? {
        let status = connection["status"].as_u64().and_then(|s| u16::try_from(s).ok());
        let status = status.ok_or_else(|| Error::new("a connection without status"))?;
        if !world.until_connecting() {
            break;
        }
        world.input(StreamInput::Opened { status, retry_after: None });
        ready |= world.manager.phase() == StreamPhase::Valid;
        let mut chunks = Vec::new();
        for chunk in array(connection, "chunks")? {
            let chunk = STANDARD.decode(chunk.as_str().unwrap_or_default());
            let chunk = chunk.map_err(|error| Error::new(error.to_string()))?;
            world.input(StreamInput::Bytes(&chunk));
            let calls = core::mem::take(&mut world.calls);
            let actions = core::mem::take(&mut world.actions);
            chunks.push(json!({ "calls": calls, "actions": actions }));
        }
        let dropped = status == 200 && !world.connected;
        if connection["closes"] == true {
            world.input(StreamInput::Ended);
        }
        connections.push(json!({ "chunks": chunks, "dropped": dropped }));
    }
    world.until_connecting();
    let receiver = world.manager.receiver();
    Ok(json!({
        "requests": world.requests,
        "connections": connections,
        "environments": world.running,
        "env_receiver": table(receiver.environments()),
        "filter_receiver": table(receiver.filters()),
        "ready": ready,
    }))
}

struct World {
    manager: StreamManager,
    router: ProjectRouter,
    running: BTreeMap<String, Value>,
    calls: Vec<Value>,
    actions: Vec<Value>,
    requests: usize,
    now: Instant,
    wake: Option<Instant>,
    connected: bool,
}

impl World {
    fn start() -> Self {
        let retry = Retry { when_refused: WhenRefused::Stop, ..Retry::default() };
        let strictness = Strictness::AsOriginal;
        let manager =
            StreamManager::new(StreamOptions { strictness, retry, ..StreamOptions::default() });
        let mut world = Self {
            manager,
            router: ProjectRouter::default(),
            running: BTreeMap::new(),
            calls: Vec::new(),
            actions: Vec::new(),
            requests: 0,
            now: Instant::from_millis(1_000_000),
            wake: None,
            connected: false,
        };
        world.input(StreamInput::Start);
        world
    }

    /// Lets the time pass that the manager wants to wait. False when it has a stream, or has stopped.
    fn until_connecting(&mut self) -> bool {
        while !self.connected {
            let Some(wake) = self.wake.take() else { return false };
            self.now = self.now.max(wake);
            self.input(StreamInput::Wake);
        }
        self.manager.phase() != StreamPhase::Valid
    }

    fn input(&mut self, input: StreamInput<'_>) {
        self.manager.handle(self.now, input);
        while let Some(output) = self.manager.poll() {
            match output {
                StreamOutput::Connect { .. } => {
                    self.requests += 1;
                    self.connected = true;
                }
                StreamOutput::Disconnect => {
                    self.connected = false;
                    self.wake = None;
                }
                StreamOutput::WakeAt(at) => self.wake = Some(at),
                StreamOutput::Heard(heard) => {
                    for message in heard.messages {
                        self.calls.extend(call(&message));
                        for action in self.router.handle(message) {
                            self.act(action);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn act(&mut self, action: Action) {
        let name = action.variant().map(|variant| variant.to_string()).unwrap_or_default();
        let known = self.running.contains_key(&name);
        match action {
            Action::Add(params) => {
                self.actions.push(json!({ "act": "add", "env": name }));
                self.running.insert(name, shown(&params));
            }
            Action::Update(params) => {
                self.actions.push(json!({ "act": "update", "env": name, "known": known }));
                self.running.insert(name, shown(&params));
            }
            Action::Delete(_) => {
                self.actions.push(json!({ "act": "delete", "env": name, "known": known }));
                self.running.remove(&name);
            }
            _ => {}
        }
    }
}

/// What the original's handler was called with.
fn call(message: &Message) -> Option<Value> {
    Some(match message {
        Message::AddEnvironment(rep) => {
            let id = rep.params.id.as_str();
            json!({ "call": "addEnvironment", "id": id, "params": shown(&rep.params) })
        }
        Message::UpdateEnvironment(rep) => {
            let id = rep.params.id.as_str();
            json!({ "call": "updateEnvironment", "id": id, "params": shown(&rep.params) })
        }
        Message::DeleteEnvironment(id, _) => {
            json!({ "call": "deleteEnvironment", "id": id.as_str() })
        }
        Message::AddFilter(id, rep) => json!({
            "call": "addFilter", "id": id.as_str(),
            "key": rep.params.key.as_str(), "projKey": *rep.params.project,
        }),
        Message::DeleteFilter(id, _) => json!({ "call": "deleteFilter", "id": id.as_str() }),
        Message::ReceivedAllEnvironments => json!({ "call": "receivedAllEnvironments" }),
        _ => return None,
    })
}

fn shown(params: &EnvironmentParams) -> Value {
    let mut shown = json!({
        "envId": params.id.as_str(), "envKey": *params.key, "envName": *params.name,
        "filterKey": params.filter.as_str(),
        "mobKey": params.mobile_key.as_ref().map_or("", |key| key.reveal()),
        "projKey": *params.project, "projName": *params.project_name,
        "sdkKey": params.sdk_key.as_ref().map_or("", |key| key.reveal()),
        "secureMode": params.secure_mode, "ttlMs": params.ttl_minutes * 60_000,
    });
    if let Some(expiring) = &params.expiring {
        shown["expiringSdkKey"] = expiring.key.reveal().into();
        shown["expiresAtMs"] = expiring.until.0.into();
    }
    shown
}

/// What is known of each id.
fn table<T>(receiver: &MessageReceiver<T>) -> Value {
    let rows = receiver.iter().map(|(id, known, _)| {
        let tombstone = matches!(known, Known::Tombstone(_));
        (id.to_owned(), json!({ "tombstone": tombstone, "version": known.version() }))
    });
    rows.collect::<Map<_, _>>().into()
}
