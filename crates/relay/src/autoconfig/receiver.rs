//! From events to messages: what is known of environments and filters, and what is news.

use std::collections::HashSet;

use highwater_core::{Action, Error, Event, MessageReceiver, Protocol};
use serde::Deserialize;

use super::message::{Heard, Message, Note};
use super::said::{Entry, Item, Said, What};
use crate::environment::{EnvironmentRep, FilterRep};

/// What is taken from the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strictness {
    /// What is whole and can be used (R2). A put that leaves a list out changes nothing; an item without
    /// what it takes to serve it is refused before its version counts, so that it can be said again.
    #[default]
    Strict,
    /// Whatever the original takes: a list that a put leaves out is an empty one, and an environment
    /// may do without keys.
    AsOriginal,
}

/// Knows the versions of environments and filters, and so what is news.
///
/// It outlives connections: what one has told, another does not undo.
///
/// ```
/// use highwater_core::Event;
/// use highwater_relay::{ConfigReceiver, Message, Strictness};
/// let mut receiver = ConfigReceiver::new(Strictness::Strict);
/// let data = br#"{"path":"/environments/e1","data":
///     {"envID":"e1","sdkKey":{"value":"sdk-12345678"},"version":3}}"#;
/// let heard = receiver.hear(&Event { kind: "patch", data, id: "" })?;
/// assert!(matches!(&heard.messages[..], [Message::AddEnvironment(rep)] if rep.version == 3));
/// # Ok::<(), highwater_core::Error>(())
/// ```
pub struct ConfigReceiver {
    protocol: Protocol,
    environments: MessageReceiver<EnvironmentRep>,
    filters: MessageReceiver<FilterRep>,
    strictness: Strictness,
}

impl ConfigReceiver {
    /// A receiver that knows nothing.
    pub fn new(strictness: Strictness) -> Self {
        let protocol = Protocol::named("autoconfig").expect("the core is built with its protocols");
        let (environments, filters) = (MessageReceiver::new(), MessageReceiver::new());
        Self { protocol, environments, filters, strictness }
    }

    /// Takes in an event. After an error nothing of it has taken effect, and the connection that it
    /// came from is not to be read any further.
    pub fn hear(&mut self, event: &Event<'_>) -> Result<Heard, Error> {
        let mut said = Said::new(self.strictness);
        self.protocol.decode(event, &mut |message| {
            said.take(message);
            Ok(())
        })?;
        let mut heard = Heard { reconnect: said.reconnect, ..Heard::default() };
        if said.reconnect {
            heard.notes.push(Note::Reconnect);
        } else if let Some(why) = said.ignored {
            heard.notes.push(Note::ignored(event.kind, why));
        } else if said.snapshot {
            self.put(said, &mut heard);
        } else {
            apply(&mut self.environments, said.environments, &mut heard);
            apply(&mut self.filters, said.filters, &mut heard);
        }
        Ok(heard)
    }

    /// What is known of environments.
    pub const fn environments(&self) -> &MessageReceiver<EnvironmentRep> {
        &self.environments
    }

    /// What is known of filters.
    pub const fn filters(&self) -> &MessageReceiver<FilterRep> {
        &self.filters
    }

    /// All environments, those that are gone, all filters, those that are gone, and the end.
    fn put(&mut self, said: Said, heard: &mut Heard) {
        if let Some(missing) = said.missing().filter(|_| self.strictness == Strictness::Strict) {
            return heard.notes.push(Note::Incomplete { missing });
        }
        let count = said.environments.len();
        if count == 0 {
            heard.notes.push(Note::Empty);
        } else if said.environments.iter().all(|entry| matches!(entry.what, What::Refused(_))) {
            apply(&mut self.environments, said.environments, heard);
            return heard.notes.push(Note::NoneUsable { count });
        }
        replace(&mut self.environments, said.environments, heard);
        replace(&mut self.filters, said.filters, heard);
        heard.messages.push(Message::ReceivedAllEnvironments);
    }
}

/// These are all that there are. One that is listed and cannot be used stays what it was.
fn replace<T: Item>(table: &mut MessageReceiver<T>, all: Vec<Entry<T>>, heard: &mut Heard) {
    let listed: HashSet<String> = all.iter().map(|entry| entry.key.clone()).collect();
    apply(table, all, heard);
    let gone = table.retain(|id| listed.contains(id));
    heard.messages.extend(gone.iter().map(|id| T::deleted(id, None)));
}

fn apply<T: Item>(table: &mut MessageReceiver<T>, entries: Vec<Entry<T>>, heard: &mut Heard) {
    for Entry { key, version, what } in entries {
        let stale = table.known(&key).version().is_some_and(|known| version <= known);
        let (action, item) = match what {
            What::There(item) => (table.upsert(&key, item.clone(), version), Some(item)),
            What::Gone => (table.delete(&key, version), None),
            What::Misnamed => {
                heard.notes.push(Note::Mismatch { key: key.into() });
                continue;
            }
            What::Refused(why) => {
                heard.notes.push(Note::Refused { kind: T::KIND, key: key.into(), why });
                continue;
            }
        };
        match (action, item) {
            (Action::Insert, Some(item)) => heard.messages.push(item.added(&key)),
            (Action::Update, Some(item)) => heard.messages.extend(item.updated()),
            (Action::Delete, _) => heard.messages.push(T::deleted(&key, Some(version))),
            _ if stale => heard.notes.push(Note::Stale { kind: T::KIND, key: key.into(), version }),
            // A deletion of what was never there is remembered, and nobody's business.
            _ => {}
        }
    }
}
