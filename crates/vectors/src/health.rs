//! The view of the recordings, and how they name errors.

use std::collections::BTreeMap;
use std::sync::Arc;

use highwater::Render;
use highwater_core::{Action, Change, Error as Fault, State, View};
use serde_json::{Map, Value, json};

/// Consul's view of a service's health, as far as the recordings look at it: which instances
/// there are, by identity, and their ports.
#[derive(Default)]
pub(crate) struct Health {
    pub(crate) tags: Vec<String>,
    pub(crate) instances: Arc<Instances>,
    pub(crate) updates: u32,
    pub(crate) resets: u32,
}

impl View for Health {
    fn update(&mut self, changes: &[Change], state: &State) -> Result<(), Box<str>> {
        self.updates += 1;
        let instances = Arc::make_mut(&mut self.instances);
        for change in changes {
            let Some((kind, id)) = state.name(change.slot) else { continue };
            if kind != "ServiceHealth" {
                return Err(format!("unexpected payload {kind}").into());
            }
            let item = state.item(change.slot).filter(|_| change.action != Action::Delete);
            let instance: Option<Value> =
                item.and_then(|item| serde_json::from_slice(item.value).ok());
            let Some(service) = instance.as_ref().map(|instance| &instance["Service"]) else {
                instances.remove(id);
                continue;
            };
            let has = |tag: &String| {
                let tags = service["Tags"].as_array().into_iter().flatten();
                tags.filter_map(Value::as_str).any(|other| other.to_lowercase() == *tag)
            };
            if self.tags.iter().all(has) {
                let port = service["Port"].as_u64().unwrap_or_default();
                instances.insert(id.to_owned(), port);
            } else {
                instances.remove(id);
            }
        }
        Ok(())
    }

    fn reset(&mut self) {
        self.resets += 1;
        self.instances = Arc::default();
    }
}

impl Render for Health {
    type Value = Arc<Instances>;

    fn render(&self) -> Self::Value {
        Arc::clone(&self.instances)
    }
}

/// Ports by identity.
pub(crate) type Instances = BTreeMap<String, u64>;

pub(crate) fn shown(instances: &Instances) -> Value {
    instances.iter().map(|(id, port)| (id.clone(), json!(port))).collect::<Map<_, _>>().into()
}

/// An error as the recordings name it.
pub(crate) fn error(fault: &Fault) -> &str {
    match fault {
        Fault::Closed => "eof",
        Fault::Aborted => "reset",
        Fault::View { .. } => "view_update",
        Fault::Network { what, .. } => what,
        other => other.code(),
    }
}
