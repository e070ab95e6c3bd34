//! Another server's flags: LaunchDarkly, a relay of theirs, or another one of ours.

use crate::relay::environment::Environment;
use core::fmt;
use core::time::Duration;
use form_urlencoded::byte_serialize;
use highwater::{Action, Builder, ItemChange, Protocol, State, Store};
use highwater_publisher::Object;
use highwater_relay::{Collections, Item, Kind, SdkKey, Strictness};
use std::sync::Arc;
use tokio::time::sleep;

/// A server, and what to show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Upstream {
    /// Its address, without a path of a stream.
    pub(crate) url: Arc<str>,
    pub(crate) key: SdkKey,
    pub(crate) words: Words,
    /// What becomes of a put that leaves flags or segments out.
    pub(crate) strictness: Strictness,
}

/// The protocol that is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
#[value(rename_all = "lower")]
pub(crate) enum Words {
    /// `/all`.
    FDv1,
    /// `/sdk/stream`.
    FDv2,
}

impl Upstream {
    fn connect(&self, filter: &str) -> Result<Store, highwater::Error> {
        let (path, protocol) = match self.words {
            Words::FDv1 => match self.strictness {
                Strictness::Strict => ("all", Protocol::relay_strict()),
                Strictness::AsOriginal => ("all", Protocol::relay()),
            },
            Words::FDv2 => ("sdk/stream", Protocol::fdv2_of(&["flag", "segment"])),
        };
        let mut url = format!("{}/{path}", self.url.trim_end_matches('/'));
        if !filter.is_empty() {
            let filter: String = byte_serialize(filter.as_bytes()).collect();
            url = format!("{url}?filter={filter}");
        }
        let builder: Builder = Store::builder(url).protocol(protocol);
        builder.header("authorization", self.key.reveal()).connect()
    }
}

/// Follows the server's stream. The client keeps it up over lost connections; where it gives up,
/// since its key was refused, it is tried again from time to time: keys come and go.
pub(super) async fn follow(environment: &Environment, upstream: &Upstream) {
    loop {
        connected(environment, upstream).await;
        environment.heard();
        sleep(AFTER_REFUSAL).await;
    }
}

async fn connected(environment: &Environment, upstream: &Upstream) {
    let params = environment.params();
    let variant = params.variant();
    let store = match upstream.connect(params.filter.as_str()) {
        Ok(store) => store,
        Err(error) => {
            tracing::error!(environment = %variant, %error, "no source");
            return;
        }
    };
    let (mut changes, mut statuses, mut told) = (store.changes(), store.statuses(), None);
    loop {
        let next = tokio::select! {
            next = changes.next() => next,
            Ok(()) = statuses.changed() => {
                let status = statuses.borrow_and_update().clone();
                if let Some(fault) = &status.fault {
                    // Of one failure there are several statuses.
                    if told.replace(status.failures) != Some(status.failures) {
                        tracing::warn!(environment = %variant, %fault, "source");
                    }
                    environment.heard();
                }
                continue;
            }
        };
        let done = match next {
            Some(Ok(transaction)) if !transaction.snapshot => {
                each(environment, &store, &transaction.changes)
            }
            // A snapshot, or too many changes to have been told one by one.
            Some(_) => everything(environment, &store),
            None => break,
        };
        if let Err(error) = done {
            tracing::error!(environment = %variant, %error, "not taken over");
        }
    }
    let fault = store.status().fault.map(|fault| fault.to_string()).unwrap_or_default();
    tracing::error!(environment = %variant, fault, "the source has ended; what there is stays");
}

/// Takes over a transaction. Where one of its changes is not newer than what is there (to the newest
/// protocol versions mean nothing), everything is taken over.
fn each(environment: &Environment, store: &Store, changes: &[ItemChange]) -> Result<(), Bad> {
    let mut items = Vec::new();
    for change in changes {
        items.extend(store.read(|moment| one(moment.state(), change))?);
    }
    let is_news = |item| environment.with(|streams| streams.store().is_news(item));
    if !items.iter().all(is_news) {
        return everything(environment, store);
    }
    environment.update(&items).map_err(|error| Bad(error.to_string()))
}

/// The item that a change is about. None if another one is there by now: a later change tells of it.
fn one(state: &State, change: &ItemChange) -> Result<Option<Item>, Bad> {
    let Some(kind) = kind(&change.kind) else { return Ok(None) };
    let ItemChange { key, version, action, .. } = change;
    let now = state.get(&change.kind, key);
    let object = match (action, now) {
        (Action::Delete, None) => None,
        (Action::Delete, Some(_)) | (_, None) => return Ok(None),
        (_, Some(item)) if item.version != *version => return Ok(None),
        (_, Some(item)) => Some(object(key, item.value)?),
    };
    Ok(Some(Item { kind, key: key.as_ref().into(), version: *version, object }))
}

fn everything(environment: &Environment, store: &Store) -> Result<(), Bad> {
    let all = store.read(|moment| collections(moment.state()))?;
    environment.change_to(&all).map_err(|error| Bad(error.to_string()))
}

fn collections(state: &State) -> Result<Collections, Bad> {
    let (mut flags, mut segments) = (Vec::new(), Vec::new());
    for (_, item) in state.iter() {
        let Some(kind) = kind(item.kind) else { continue };
        let object = Some(object(item.key, item.value)?);
        let item = Item { kind, key: item.key.into(), version: item.version, object };
        match kind {
            Kind::Flag => flags.push(item),
            Kind::Segment => segments.push(item),
        }
    }
    Ok(Collections { flags: Some(flags), segments: Some(segments) })
}

/// The kind by either of its names.
fn kind(name: &str) -> Option<Kind> {
    Kind::named(name).or_else(|| Kind::ALL.into_iter().find(|kind| kind.collection() == name))
}

fn object(key: &str, value: &[u8]) -> Result<Object, Bad> {
    let text = core::str::from_utf8(value).map_err(|error| Bad(format!("{key:?}: {error}")))?;
    Object::parse(text).map_err(|error| Bad(format!("{key:?}: {error}")))
}

/// What came is not what was promised.
struct Bad(String);

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

const AFTER_REFUSAL: Duration = Duration::from_mins(1);
