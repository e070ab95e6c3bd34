//! From messages to actions, by projects.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Action;
use super::manager::{EnvironmentManager, filtered};
use crate::autoconfig::Message;
use crate::credentials::EnvironmentId;
use crate::environment::{EnvironmentParams, FilterKey, VariantId};

/// Gives environments and filters to their projects, and tells what that changes of what runs.
///
/// ```
/// use highwater_relay::{Action, EnvironmentRep, Message, ProjectRouter};
/// let environment = EnvironmentRep::parse(br#"{"envID":"e1","projKey":"p"}"#)?;
/// let mut router = ProjectRouter::default();
/// let actions = router.handle(Message::AddEnvironment(environment));
/// assert!(matches!(&actions[..], [Action::Add(params)] if params.id.as_str() == "e1"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ProjectRouter {
    projects: BTreeMap<Arc<str>, EnvironmentManager>,
}

impl ProjectRouter {
    /// Takes in a message. What is to be done about it is to be done in this order.
    pub fn handle(&mut self, message: Message) -> Vec<Action> {
        match message {
            Message::AddEnvironment(rep) | Message::UpdateEnvironment(rep) => {
                self.environment(&rep.params)
            }
            Message::DeleteEnvironment(id, _) => deletions(&id, self.take(&id)),
            Message::AddFilter(id, rep) => {
                let project = self.projects.entry(rep.params.project).or_default();
                project.add_filter(id, rep.params.key)
            }
            Message::DeleteFilter(id, _) => {
                let all = self.projects.values_mut();
                let actions = all.flat_map(|project| project.delete_filter(&id)).collect();
                self.tidy();
                actions
            }
            Message::ReceivedAllEnvironments => vec![Action::ReceivedAll],
        }
    }

    /// The projects, by key.
    pub fn projects(&self) -> impl Iterator<Item = (&str, &EnvironmentManager)> {
        self.projects.iter().map(|(key, project)| (&**key, project))
    }

    /// All that runs.
    pub fn variants(&self) -> impl Iterator<Item = Arc<EnvironmentParams>> {
        self.projects.values().flat_map(EnvironmentManager::variants)
    }

    /// An environment that is new, has changed, or has moved to another project.
    fn environment(&mut self, params: &Arc<EnvironmentParams>) -> Vec<Action> {
        let mut before = self.take(&params.id);
        let project = self.projects.entry(Arc::clone(&params.project)).or_default();
        project.insert(Arc::clone(params));
        let mut actions = Vec::new();
        for key in project.keys() {
            let variant = filtered(params, &key);
            let ran = before.remove(&key);
            actions.push(if ran { Action::Update(variant) } else { Action::Add(variant) });
        }
        actions.extend(deletions(&params.id, before));
        actions
    }

    /// Takes an environment out of its project, if it is in one: the keys through which it was seen.
    fn take(&mut self, id: &EnvironmentId) -> BTreeSet<FilterKey> {
        let home = self
            .projects
            .values_mut()
            .find_map(|project| project.remove(id).then(|| project.keys()));
        self.tidy();
        home.unwrap_or_default()
    }

    fn tidy(&mut self) {
        self.projects.retain(|_, project| !project.is_empty());
    }
}

fn deletions(id: &EnvironmentId, keys: BTreeSet<FilterKey>) -> Vec<Action> {
    let variant = |filter| VariantId { environment: id.clone(), filter };
    keys.into_iter().map(|key| Action::Delete(variant(key))).collect()
}
