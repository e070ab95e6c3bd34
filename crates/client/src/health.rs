//! A service's healthy instances, out of Consul's subscribe stream.
//!
//! Source: Consul's health view (`agent/rpcclient/health`): an instance that is registered and no
//! longer fits is taken out, and an event of another kind is refused.

use core::fmt;
use std::collections::BTreeMap;
use std::sync::Arc;

use highwater_core::{Action, Change, State, View};
use serde::{Deserialize, Deserializer};

use crate::Render;

/// The instances of a service that fit: the events of kind `ServiceHealth`, folded.
///
/// What is not asked for does not count: without tags, node metadata, a filter or [`Checks`] every
/// instance fits. A transaction with an event of another kind, or an instance that cannot be read,
/// is refused, and the stream is read anew.
///
/// ```
/// use highwater::health::{Checks, ServiceHealth};
/// use highwater_core::{Instant, Materializer, MaterializerOptions, Protocol};
///
/// let web = ServiceHealth::new().tag("v2").checks(Checks::Passing);
/// let mut stream = Materializer::with_view(Protocol::consul(), web, MaterializerOptions::default());
/// stream.read_lines(true);
/// stream.push(Instant::default(), br#"
/// {"Index":"7","ServiceHealth":{"CheckServiceNode":{"Node":{"Node":"n1","Address":"10.0.0.1"},"Service":{"ID":"web-1","Service":"web","Port":80,"Tags":["V2"]},"Checks":[{"CheckID":"http","Status":"passing"}]}}}
/// {"Index":"7","ServiceHealth":{"CheckServiceNode":{"Node":{"Node":"n2","Address":"10.0.0.2"},"Service":{"ID":"web-2","Service":"web","Port":80,"Tags":["v2"]},"Checks":[{"CheckID":"http","Status":"critical"}]}}}
/// {"Index":"7","EndOfSnapshot":true}
/// "#)?;
/// let instances = stream.view().instances();
/// let addresses: Vec<_> = instances.iter().map(|it| (it.address(), it.service.port)).collect();
/// assert_eq!(addresses, [("10.0.0.1", 80)]);
/// # Ok::<(), highwater::Fault>(())
/// ```
///
/// Over a network it is the view of a store, `Store::builder(url).view(…)`, and as
/// `Store::builder(url).view(…).materialize(feed)` what a [`QueryRequest`](crate::QueryRequest)
/// shares between those who ask for the same.
#[derive(Clone, Default)]
pub struct ServiceHealth {
    checks: Checks,
    connect: bool,
    tags: Vec<String>,
    node_meta: Vec<(String, String)>,
    filter: Option<Filter>,
    instances: Arc<Instances>,
}

type Filter = Arc<dyn Fn(&Instance) -> bool + Send + Sync>;

impl ServiceHealth {
    /// Every instance.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only instances whose checks are like that.
    #[must_use]
    pub fn checks(mut self, checks: Checks) -> Self {
        self.checks = checks;
        self
    }

    /// Only instances with this tag, in whatever case, beside those named before.
    #[must_use]
    pub fn tag(mut self, tag: &str) -> Self {
        self.tags.push(tag.to_lowercase());
        self
    }

    /// Only instances on nodes that say this of themselves, beside what was named before.
    #[must_use]
    pub fn node_meta(mut self, name: &str, value: &str) -> Self {
        self.node_meta.push((name.into(), value.into()));
        self
    }

    /// Only instances for which this is true; of several, the last one counts.
    #[must_use]
    pub fn filter(mut self, filter: impl Fn(&Instance) -> bool + Send + Sync + 'static) -> Self {
        self.filter = Some(Arc::new(filter));
        self
    }

    /// The stream is of what can be reached by Connect: its terminating gateways stand for
    /// services elsewhere, so tags, node metadata and the filter are not asked of them.
    #[must_use]
    pub fn connect(mut self) -> Self {
        self.connect = true;
        self
    }

    /// What there is.
    pub fn instances(&self) -> &Instances {
        &self.instances
    }

    fn fits(&self, instance: &Instance) -> bool {
        if !self.checks.admit(&instance.checks) {
            return false;
        }
        if self.connect && instance.service.kind == "terminating-gateway" {
            return true;
        }
        let tags = &instance.service.tags;
        self.tags.iter().all(|tag| tags.iter().any(|other| other.to_lowercase() == *tag))
            && self
                .node_meta
                .iter()
                .all(|(name, value)| instance.node.meta.get(name) == Some(value))
            && self.filter.as_ref().is_none_or(|filter| filter(instance))
    }
}

impl fmt::Debug for ServiceHealth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceHealth")
            .field("checks", &self.checks)
            .field("tags", &self.tags)
            .field("node_meta", &self.node_meta)
            .field("filter", &self.filter.is_some())
            .field("instances", &self.instances)
            .finish_non_exhaustive()
    }
}

impl View for ServiceHealth {
    fn update(&mut self, changes: &[Change], state: &State) -> Result<(), Box<str>> {
        for change in changes {
            let Some((kind, identity)) = state.name(change.slot) else { continue };
            if kind != "ServiceHealth" {
                return Err(
                    format!("an event of kind {kind:?} among those of ServiceHealth").into()
                );
            }
            let item = state.item(change.slot).filter(|_| change.action != Action::Delete);
            let instance = item.map(|item| serde_json::from_slice::<Instance>(item.value));
            let instance =
                instance.transpose().map_err(|error| format!("instance {identity}: {error}"))?;
            let instance = instance.filter(|instance| self.fits(instance));
            let (place, all) = (Place::of(identity), &mut Arc::make_mut(&mut self.instances).0);
            if let Some(instance) = instance {
                all.insert(place, Arc::new(Instance { identity: identity.into(), ..instance }));
            } else {
                all.remove(&place);
            }
        }
        Ok(())
    }

    fn reset(&mut self) {
        self.instances = Arc::default();
    }
}

impl Render for ServiceHealth {
    type Value = Arc<Instances>;

    fn render(&self) -> Self::Value {
        Arc::clone(&self.instances)
    }
}

/// Which checks an instance must have passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checks {
    /// None.
    #[default]
    Any,
    /// None may be critical.
    NotCritical,
    /// Each must be passing.
    Passing,
}

impl Checks {
    fn admit(self, checks: &[Check]) -> bool {
        match self {
            Self::Any => true,
            Self::NotCritical => checks.iter().all(|check| check.status != "critical"),
            Self::Passing => checks.iter().all(|check| check.status == "passing"),
        }
    }
}

/// Instances, by the name of their node, and on one node by the id of their service.
#[derive(Clone, Debug, Default)]
pub struct Instances(BTreeMap<Place, Arc<Instance>>);

impl Instances {
    /// All of them, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Instance> {
        self.0.values().map(|instance| &**instance)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Where an instance stands among the others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    node: Box<str>,
    service: Box<str>,
    identity: Box<str>,
}

impl Place {
    /// An identity is partition/peer/node/namespace/service id; only the last may hold a slash.
    fn of(identity: &str) -> Self {
        let mut parts = identity.splitn(5, '/').skip(2);
        let node = parts.next().unwrap_or_default().into();
        let service = parts.nth(1).unwrap_or_default().into();
        Self { node, service, identity: identity.into() }
    }
}

/// A service on a node, with its checks: what of Consul's `CheckServiceNode` callers need.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[non_exhaustive]
pub struct Instance {
    /// Partition, peer, node, namespace and service id, with slashes between them.
    #[serde(skip)]
    pub identity: Box<str>,
    /// The machine.
    #[serde(deserialize_with = "or_default")]
    pub node: Node,
    /// What runs there.
    #[serde(deserialize_with = "or_default")]
    pub service: Service,
    /// Its checks, and its node's.
    #[serde(deserialize_with = "or_default")]
    pub checks: Vec<Check>,
}

impl Instance {
    /// Where to reach it: its own address, or its node's if it has none.
    pub fn address(&self) -> &str {
        if self.service.address.is_empty() { &self.node.address } else { &self.service.address }
    }
}

/// A machine on which services run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[non_exhaustive]
pub struct Node {
    /// Its name.
    #[serde(rename = "Node", deserialize_with = "or_default")]
    pub name: String,
    /// Its address.
    #[serde(deserialize_with = "or_default")]
    pub address: String,
    /// What it says of itself.
    #[serde(deserialize_with = "or_default")]
    pub meta: BTreeMap<String, String>,
}

/// A service, as one instance of it is registered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[non_exhaustive]
pub struct Service {
    /// `terminating-gateway` and the like; empty for a plain service.
    #[serde(deserialize_with = "or_default")]
    pub kind: String,
    /// The instance's id on its node.
    #[serde(rename = "ID", deserialize_with = "or_default")]
    pub id: String,
    /// The service's name.
    #[serde(rename = "Service", deserialize_with = "or_default")]
    pub name: String,
    /// Its own address, if it is not its node's.
    #[serde(deserialize_with = "or_default")]
    pub address: String,
    /// Its port, or 0.
    #[serde(deserialize_with = "or_default")]
    pub port: u16,
    /// Its tags.
    #[serde(deserialize_with = "or_default")]
    pub tags: Vec<String>,
    /// What it says of itself.
    #[serde(deserialize_with = "or_default")]
    pub meta: BTreeMap<String, String>,
}

/// A check and how it came out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[non_exhaustive]
pub struct Check {
    /// Its id.
    #[serde(rename = "CheckID", deserialize_with = "or_default")]
    pub id: String,
    /// `passing`, `warning` or `critical`.
    #[serde(deserialize_with = "or_default")]
    pub status: String,
}

/// Go writes `null` for what is empty.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    from: D,
) -> Result<T, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}
