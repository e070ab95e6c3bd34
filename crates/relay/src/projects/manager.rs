//! The environments of one project.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Action;
use crate::credentials::EnvironmentId;
use crate::environment::{EnvironmentParams, FilterId, FilterKey};

/// Environments and filters of one project: each environment runs as a whole, and once for each key
/// that a filter has.
///
/// R3: what runs follows from what there is, and from nothing else: a filter that comes late sees an
/// environment as it is by then, and a key that two filters have is one.
#[derive(Clone, Debug, Default)]
pub struct EnvironmentManager {
    environments: BTreeMap<EnvironmentId, Arc<EnvironmentParams>>,
    filters: BTreeMap<FilterId, FilterKey>,
}

impl EnvironmentManager {
    /// Adds a filter. One of the same id is deleted first.
    pub fn add_filter(&mut self, id: FilterId, key: FilterKey) -> Vec<Action> {
        let mut actions = self.delete_filter(&id);
        if !self.keys().contains(&key) {
            let variants = self.environments.values();
            actions.extend(variants.map(|params| Action::Add(filtered(params, &key))));
        }
        self.filters.insert(id, key);
        actions
    }

    /// Deletes a filter, if it is of this project.
    pub fn delete_filter(&mut self, id: &FilterId) -> Vec<Action> {
        let Some(key) = self.filters.remove(id).filter(|key| !self.keys().contains(key)) else {
            return Vec::new();
        };
        let variants = self.environments.values();
        variants.map(|params| Action::Delete(filtered(params, &key).variant())).collect()
    }

    /// The keys that environments are seen through, the empty one among them.
    pub fn keys(&self) -> BTreeSet<FilterKey> {
        self.filters.values().cloned().chain([FilterKey::default()]).collect()
    }

    /// The environments, without variants.
    pub fn environments(&self) -> impl Iterator<Item = &Arc<EnvironmentParams>> {
        self.environments.values()
    }

    /// All that runs.
    pub fn variants(&self) -> impl Iterator<Item = Arc<EnvironmentParams>> {
        let keys = self.keys();
        self.environments.values().flat_map(move |params| {
            keys.iter().map(|key| filtered(params, key)).collect::<Vec<_>>()
        })
    }

    /// Takes an environment in, or its new parameters.
    pub(super) fn insert(&mut self, params: Arc<EnvironmentParams>) {
        self.environments.insert(params.id.clone(), params);
    }

    /// Lets go of an environment. Whether it was there.
    pub(super) fn remove(&mut self, id: &EnvironmentId) -> bool {
        self.environments.remove(id).is_some()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.environments.is_empty() && self.filters.is_empty()
    }
}

/// An environment seen through a filter, or as a whole.
pub(super) fn filtered(params: &Arc<EnvironmentParams>, key: &FilterKey) -> Arc<EnvironmentParams> {
    if params.filter == *key { Arc::clone(params) } else { Arc::new(params.filtered(key.clone())) }
}
