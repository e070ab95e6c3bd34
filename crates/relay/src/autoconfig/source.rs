//! Auto-config for others: what there is, and every change to it, as events.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use highwater_core::{Action, MessageReceiver, Version};
use serde::Serialize;
use tokio::sync::broadcast;

use super::message::Message;
use crate::credentials::EnvironmentId;
use crate::environment::{EnvironmentRep, FilterId, FilterRep};

/// A configuration that other relays follow.
///
/// It is fed by whoever knows the environments, or by a stream that this relay follows itself, and
/// tells a put to who comes, then every change. Versions decide, here as at the other end. Before all is
/// known ([`replace`](Self::replace), or a put of the stream's) nobody is told anything.
///
/// ```
/// use highwater_relay::{AutoConfigSource, EnvironmentRep, Speaks};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), serde_json::Error> {
/// let source = AutoConfigSource::new();
/// assert!(source.subscribe(Speaks::Filters).is_none());
/// source.replace([], []);
/// let mut events = source.subscribe(Speaks::Filters).expect("there is a whole configuration");
/// let put = events.next().await.expect("it begins with a put");
/// assert!(put.starts_with(b"event: put\ndata: {\"path\":\"/\""));
/// source.put_environment(EnvironmentRep::parse(br#"{"envID":"e1","version":1}"#)?);
/// let patch = events.next().await.expect("it goes on");
/// assert!(patch.starts_with(b"event: patch\ndata: {\"path\":\"/environments/e1\""));
/// # Ok(())
/// # }
/// ```
pub struct AutoConfigSource {
    inner: Mutex<Inner>,
}

/// What a follower hears: first a put, then what changes.
pub struct Subscription {
    put: Option<Bytes>,
    changes: broadcast::Receiver<Change>,
    speaks: Speaks,
}

/// What a follower understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaks {
    /// Environments (protocol version 1).
    Environments,
    /// Filters as well (protocol version 2).
    Filters,
}

struct Inner {
    environments: MessageReceiver<EnvironmentRep>,
    filters: MessageReceiver<FilterRep>,
    /// There is a whole configuration.
    complete: bool,
    /// The put that says it, for each kind of follower, once somebody has asked.
    puts: [Option<Bytes>; 2],
    /// Gone when the source is closed.
    changes: Option<broadcast::Sender<Change>>,
}

#[derive(Clone)]
enum Change {
    Put([Bytes; 2]),
    Environment(Bytes),
    Filter(Bytes),
}

impl AutoConfigSource {
    /// A source that knows nothing, and tells nobody anything before it does.
    pub fn new() -> Self {
        Self {
            inner: Mutex::new(Inner {
                environments: MessageReceiver::new(),
                filters: MessageReceiver::new(),
                complete: false,
                puts: [None, None],
                changes: Some(broadcast::Sender::new(BACKLOG)),
            }),
        }
    }

    /// These are all that there are. One that is not newer than what is known of it stays what it is;
    /// of those the ones that say something else are returned, as `environments/ID` or `filters/ID`.
    /// Likely cause: something was changed, and its version was not.
    pub fn replace(
        &self,
        environments: impl IntoIterator<Item = EnvironmentRep>,
        filters: impl IntoIterator<Item = (FilterId, FilterRep)>,
    ) -> Vec<String> {
        let mut inner = self.inner();
        let environments: BTreeMap<_, _> =
            environments.into_iter().map(|rep| (rep.params.id.clone(), rep)).collect();
        let filters: BTreeMap<_, _> = filters.into_iter().collect();
        inner.environments.retain(|id| environments.contains_key(&EnvironmentId::new(id)));
        inner.filters.retain(|id| filters.contains_key(&FilterId::new(id)));
        let mut stale = Vec::new();
        for (id, rep) in environments {
            let (id, version) = (id.as_str(), rep.version);
            inner.environments.upsert(id, rep.clone(), version);
            if inner.environments.get(id) != Some(&rep) {
                stale.push(format!("{ENVIRONMENTS}/{id}"));
            }
        }
        for (id, rep) in filters {
            let (id, version) = (id.as_str(), rep.version);
            inner.filters.upsert(id, rep.clone(), version);
            if inner.filters.get(id) != Some(&rep) {
                stale.push(format!("{FILTERS}/{id}"));
            }
        }
        inner.completed();
        stale
    }

    /// There is an environment, or a newer version of it. Whether that is news.
    pub fn put_environment(&self, rep: EnvironmentRep) -> bool {
        self.inner().tell(&Message::UpdateEnvironment(rep))
    }

    /// An environment is gone since this version. Whether that is news.
    pub fn delete_environment(&self, id: EnvironmentId, version: Version) -> bool {
        self.inner().tell(&Message::DeleteEnvironment(id, Some(version)))
    }

    /// There is a filter, or a newer version of it. Whether that is news.
    pub fn put_filter(&self, id: FilterId, rep: FilterRep) -> bool {
        self.inner().tell(&Message::AddFilter(id, rep))
    }

    /// A filter is gone since this version. Whether that is news.
    pub fn delete_filter(&self, id: FilterId, version: Version) -> bool {
        self.inner().tell(&Message::DeleteFilter(id, Some(version)))
    }

    /// Follows another stream: these are the messages of one of its events. A put is handed on as a
    /// put, so that what it leaves out is forgotten along the whole chain.
    pub fn relay(&self, messages: &[Message]) {
        let mut inner = self.inner();
        if messages.contains(&Message::ReceivedAllEnvironments) {
            for message in messages {
                inner.take(message);
            }
            if messages.len() > 1 || !inner.complete {
                inner.completed();
            }
        } else {
            for message in messages {
                inner.tell(message);
            }
        }
    }

    /// Whether there is a whole configuration.
    pub fn is_complete(&self) -> bool {
        self.inner().complete
    }

    /// Follows the source; `None` before there is a whole configuration, and after the end.
    pub fn subscribe(&self, speaks: Speaks) -> Option<Subscription> {
        let mut inner = self.inner();
        let changes = inner.changes.as_ref().filter(|_| inner.complete)?.subscribe();
        let put = Some(inner.put(speaks));
        Some(Subscription { put, changes, speaks })
    }

    /// Ends what everybody hears, once it has been heard.
    pub fn close(&self) {
        self.inner().changes = None;
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for AutoConfigSource {
    fn default() -> Self {
        Self::new()
    }
}

impl Subscription {
    /// The next event, as it is written; `None` at the end, and when the follower is so far behind that
    /// it has to begin again. May be dropped while it waits.
    pub async fn next(&mut self) -> Option<Bytes> {
        if let Some(put) = self.put.take() {
            return Some(put);
        }
        loop {
            match (self.changes.recv().await.ok()?, self.speaks) {
                (Change::Put(puts), speaks) => return Some(puts[speaks as usize].clone()),
                (Change::Environment(event), _) | (Change::Filter(event), Speaks::Filters) => {
                    return Some(event);
                }
                (Change::Filter(_), Speaks::Environments) => {}
            }
        }
    }
}

impl Inner {
    /// Takes a message in, and tells it if it is news.
    fn tell(&mut self, message: &Message) -> bool {
        let change = self.take(message);
        let news = change.is_some();
        if let (Some(change), Some(changes)) = (change, &self.changes) {
            let _ = changes.send(change); // nobody follows at present
        }
        news
    }

    /// Takes a message in: how to tell it, if it is news.
    fn take(&mut self, message: &Message) -> Option<Change> {
        let change = match message {
            Message::AddEnvironment(rep) | Message::UpdateEnvironment(rep) => {
                let id = rep.params.id.as_str();
                let action = self.environments.upsert(id, rep.clone(), rep.version);
                (action != Action::Noop).then(|| Change::Environment(patch(ENVIRONMENTS, id, rep)))
            }
            Message::DeleteEnvironment(id, Some(version)) => {
                let action = self.environments.delete(id.as_str(), *version);
                let event = || deletion(ENVIRONMENTS, id.as_str(), *version);
                (action != Action::Noop).then(|| Change::Environment(event()))
            }
            Message::DeleteEnvironment(id, None) => {
                self.environments.forget(id.as_str());
                None
            }
            Message::AddFilter(id, rep) => {
                let action = self.filters.upsert(id.as_str(), rep.clone(), rep.version);
                let event = || patch(FILTERS, id.as_str(), rep);
                (action != Action::Noop).then(|| Change::Filter(event()))
            }
            Message::DeleteFilter(id, Some(version)) => {
                let action = self.filters.delete(id.as_str(), *version);
                let event = || deletion(FILTERS, id.as_str(), *version);
                (action != Action::Noop).then(|| Change::Filter(event()))
            }
            Message::DeleteFilter(id, None) => {
                self.filters.forget(id.as_str());
                None
            }
            Message::ReceivedAllEnvironments => None,
        };
        self.puts = [None, None];
        change
    }

    /// What is known now is all that there is.
    fn completed(&mut self) {
        self.complete = true;
        self.puts = [None, None];
        let puts = [Speaks::Environments, Speaks::Filters].map(|speaks| self.put(speaks));
        if let Some(changes) = &self.changes {
            let _ = changes.send(Change::Put(puts)); // nobody follows at present
        }
    }

    /// The put that says what there is: made once, however many ask.
    fn put(&mut self, speaks: Speaks) -> Bytes {
        let Self { environments, filters, puts, .. } = self;
        let put = || {
            let filters = (speaks == Speaks::Filters).then_some(&*filters);
            event("put", &put_data(environments, filters))
        };
        puts[speaks as usize].get_or_insert_with(put).clone()
    }
}

/// The data of a put of all that is known: keys and all.
pub(super) fn put_data(
    environments: &MessageReceiver<EnvironmentRep>,
    filters: Option<&MessageReceiver<FilterRep>>,
) -> String {
    fn there<T>(table: &MessageReceiver<T>) -> BTreeMap<&str, &T> {
        table.iter().filter_map(|(id, _, item)| Some((id, item?))).collect()
    }
    let (environments, filters) = (there(environments), filters.map(there));
    json(&Put { path: "/", data: Lists { environments, filters } })
}

fn patch(kind: &str, id: &str, data: &impl Serialize) -> Bytes {
    event("patch", &json(&Patch { path: format!("/{kind}/{id}"), data }))
}

fn deletion(kind: &str, id: &str, version: Version) -> Bytes {
    event("delete", &json(&Deletion { path: format!("/{kind}/{id}"), version }))
}

/// An event as it is written. JSON of one line has no line to break.
fn event(kind: &str, data: &str) -> Bytes {
    format!("event: {kind}\ndata: {data}\n\n").into()
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("texts and numbers are JSON")
}

#[derive(Serialize)]
struct Put<'a> {
    path: &'a str,
    data: Lists<'a>,
}

#[derive(Serialize)]
struct Lists<'a> {
    environments: BTreeMap<&'a str, &'a EnvironmentRep>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filters: Option<BTreeMap<&'a str, &'a FilterRep>>,
}

#[derive(Serialize)]
struct Patch<T> {
    path: String,
    data: T,
}

#[derive(Serialize)]
struct Deletion {
    path: String,
    version: Version,
}

const ENVIRONMENTS: &str = "environments";
const FILTERS: &str = "filters";

/// A follower this far behind has to begin again.
const BACKLOG: usize = 128;
