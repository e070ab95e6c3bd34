//! The view of the recordings, and how they name errors.

use std::collections::BTreeMap;
use std::sync::Arc;

use highwater::Render;
use highwater::health::ServiceHealth;
use highwater_core::{Change, Error as Fault, State, View};
use serde_json::{Map, Value, json};

/// The view of a service's health, as far as the recordings look at it: which instances there are,
/// and their ports.
#[derive(Default)]
pub(crate) struct Health {
    pub(crate) view: ServiceHealth,
    pub(crate) updates: u32,
    pub(crate) resets: u32,
}

impl View for Health {
    fn update(&mut self, changes: &[Change], state: &State) -> Result<(), Box<str>> {
        self.updates += 1;
        self.view.update(changes, state)
    }

    fn reset(&mut self) {
        self.resets += 1;
        self.view.reset();
    }
}

impl Render for Health {
    type Value = Arc<Instances>;

    fn render(&self) -> Self::Value {
        let instances = self.view.instances().iter();
        Arc::new(instances.map(|it| (it.identity.to_string(), it.service.port.into())).collect())
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
