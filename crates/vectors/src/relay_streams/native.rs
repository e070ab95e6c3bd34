//! The suite's scripts on our own streams, with a clock that goes only in `wait`.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

use highwater_core::Instant;
use highwater_publisher::{Object, Options};
use highwater_relay::{
    Collections, Credential, EnvStreams, EnvironmentId, Item, Joined, Kind, MobileKey, Next, Pace,
    SdkKey, Store, Stream, StreamProvider,
};
use serde_json::{Map, Value, json};
use tokio::runtime::{Builder, Runtime};

use crate::Error;
use crate::subject::{array, text};

/// Runs a script.
pub(crate) fn observe(script: &Value) -> Result<Value, Error> {
    let runtime = Builder::new_current_thread().build();
    let millis = |member: &str| script[member].as_u64().map(Duration::from_millis);
    let mut world = World {
        runtime: runtime.map_err(|error| Error::new(error.to_string()))?,
        pace: Pace { heartbeat: millis("heartbeat_ms"), longest: millis("max_conn_ms") },
        now: Instant::from_millis(0),
        streams: BTreeMap::new(),
        clients: BTreeMap::new(),
    };
    let steps = array(script, "ops")?.iter().map(|op| world.step(op));
    Ok(json!({ "steps": steps.collect::<Result<Vec<_>, _>>()? }))
}

struct World {
    runtime: Runtime,
    pace: Pace,
    now: Instant,
    /// By name of the environment; the empty one where only one is spoken of.
    streams: BTreeMap<String, EnvStreams>,
    clients: BTreeMap<String, Stream>,
}

/// What clients hear in a step.
#[derive(Default)]
struct Heard {
    bytes: BTreeMap<String, Vec<u8>>,
    closed: Vec<String>,
}

impl World {
    fn step(&mut self, op: &Value) -> Result<Value, Error> {
        let mut heard = Heard::default();
        let mut status = None;
        match text(op, "op")? {
            "store" => {
                let mut store = store();
                if op["initialized"] == true {
                    let all = collections(op)?;
                    store.replace(&all).map_err(|error| Error::new(error.to_string()))?;
                }
                self.streams(op).exchange(store);
            }
            "add_credential" => drop(self.streams(op).add_credential(credential(op)?)),
            "remove_credential" => self.streams(op).remove_credential(&credential(op)?),
            "connect" => status = Some(self.connect(op, &mut heard)?),
            "disconnect" => drop(self.clients.remove(text(op, "client")?)),
            "send_all" => {
                let all = collections(op)?;
                self.streams(op).send_all(&all);
            }
            "send_item" => {
                let item = item(text(op, "kind")?, &op["item"])?;
                self.streams(op).send_item(&item);
            }
            "invalidate" => self.streams(op).invalidate(),
            "wait" => self.wait(op["ms"].as_u64().unwrap_or_default(), &mut heard),
            "close_env" => drop(self.streams.remove(op["env"].as_str().unwrap_or_default())),
            other => return Err(Error::new(format!("no such operation: {other}"))),
        }
        self.listen(&mut heard);
        let bytes = heard.bytes.into_iter();
        let bytes: Map<_, _> =
            bytes.map(|(client, bytes)| (client, String::from_utf8_lossy(&bytes).into())).collect();
        Ok(json!({ "status": status, "bytes": bytes, "closed": heard.closed }))
    }

    fn streams(&mut self, op: &Value) -> &mut EnvStreams {
        let name = op["env"].as_str().unwrap_or_default().to_owned();
        let new = || EnvStreams::new(store(), Options::default()).exact();
        self.streams.entry(name).or_insert_with(new)
    }

    fn connect(&mut self, op: &Value, heard: &mut Heard) -> Result<u16, Error> {
        let (client, credential) = (text(op, "client")?, credential(op)?);
        let provider = match text(op, "stream")? {
            "all" => StreamProvider::All,
            "flags" => StreamProvider::Flags,
            "mobile-ping" => StreamProvider::MobilePing,
            "js-ping" => StreamProvider::JsPing,
            other => return Err(Error::new(format!("no such stream: {other}"))),
        };
        let Some(Joined { initial, reader }) = self.streams(op).join(provider, &credential) else {
            heard.closed.push(client.to_owned());
            return Ok(404);
        };
        let first = self.runtime.block_on(initial.bytes());
        self.clients.insert(client.to_owned(), Stream::new(first, reader, self.pace, self.now));
        Ok(200)
    }

    fn wait(&mut self, ms: u64, heard: &mut Heard) {
        let end = self.now + Duration::from_millis(ms);
        while let Some(next) = self.listen(heard).filter(|next| *next <= end) {
            self.now = next;
        }
        self.now = end;
    }

    /// Has all clients hear what there is; says when one of them is to look again.
    fn listen(&mut self, heard: &mut Heard) -> Option<Instant> {
        let mut wake: Option<Instant> = None;
        let now = self.now;
        self.clients.retain(|client, stream| {
            loop {
                match stream.next(now) {
                    Next::Send(frame) => {
                        heard.bytes.entry(client.clone()).or_default().extend_from_slice(&frame);
                    }
                    Next::Wait(until) => {
                        wake = wake.into_iter().chain(until).min();
                        return true;
                    }
                    Next::Behind | Next::End => {
                        heard.closed.push(client.clone());
                        return false;
                    }
                }
            }
        });
        wake
    }
}

fn store() -> Store {
    Store::new("e", Options::default())
}

fn credential(op: &Value) -> Result<Credential, Error> {
    let key: Arc<str> = text(op, "credential")?.into();
    let credential = match text(op, "credential_kind")? {
        "sdk" => SdkKey::new(key).map(Credential::Sdk),
        "mobile" => MobileKey::new(key).map(Credential::Mobile),
        "env" => Some(Credential::Environment(EnvironmentId::new(key))),
        _ => None,
    };
    credential.ok_or_else(|| Error::new(format!("no such credential: {op}")))
}

fn collections(op: &Value) -> Result<Collections, Error> {
    let items = |kind: &str| match &op[kind] {
        Value::Array(items) => {
            items.iter().map(|json| item(kind, json)).collect::<Result<_, _>>().map(Some)
        }
        _ => Ok(None),
    };
    Ok(Collections { flags: items("flags")?, segments: items("segments")? })
}

fn item(collection: &str, json: &Value) -> Result<Item, Error> {
    let kind = Kind::ALL.into_iter().find(|kind| kind.collection() == collection);
    let object = json["data"].as_str().map(Object::parse).transpose();
    Ok(Item {
        kind: kind.ok_or_else(|| Error::new(format!("no such kind: {collection}")))?,
        key: text(json, "key")?.into(),
        version: json["version"].as_i64().unwrap_or_default(),
        object: object.map_err(|error| Error::new(error.to_string()))?,
    })
}
