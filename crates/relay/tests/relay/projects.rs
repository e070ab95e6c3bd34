//! What runs, of environments and filters.

use std::collections::BTreeMap;
use std::sync::Arc;

use highwater_relay::{
    Action, EnvironmentId, EnvironmentParams, FilterId, Message, ProjectRouter, VariantId,
};

use crate::common::{environment, filter};

/// A router, and what has become of all that it told to do.
#[derive(Default)]
struct World {
    router: ProjectRouter,
    running: BTreeMap<VariantId, Arc<EnvironmentParams>>,
}

impl World {
    /// Does what a message leads to, and says it.
    fn tell(&mut self, message: Message) -> Vec<String> {
        let actions = self.router.handle(message);
        let said = actions.iter().map(|action| match action {
            Action::Add(params) => format!("add {}", params.variant()),
            Action::Update(params) => format!("update {}", params.variant()),
            Action::Delete(variant) => format!("delete {variant}"),
            other => format!("{other:?}"),
        });
        let said = said.collect();
        for action in actions {
            match action {
                Action::Add(params) => {
                    let before = self.running.insert(params.variant(), params);
                    assert!(before.is_none(), "added twice: {before:?}");
                }
                Action::Update(params) => {
                    let before = self.running.insert(params.variant(), params);
                    assert!(before.is_some(), "updated, and not there");
                }
                Action::Delete(variant) => {
                    assert!(self.running.remove(&variant).is_some(), "deleted, and not there");
                }
                _ => {}
            }
        }
        said
    }

    fn add(&mut self, id: &str, project: &str, version: i64) -> Vec<String> {
        self.tell(Message::AddEnvironment(environment(id, project, version)))
    }

    fn update(&mut self, id: &str, project: &str, version: i64) -> Vec<String> {
        self.tell(Message::UpdateEnvironment(environment(id, project, version)))
    }

    fn delete(&mut self, id: &str) -> Vec<String> {
        self.tell(Message::DeleteEnvironment(EnvironmentId::new(id), None))
    }

    fn add_filter(&mut self, id: &str, project: &str, key: &str) -> Vec<String> {
        self.tell(Message::AddFilter(FilterId::new(id), filter(project, key)))
    }

    fn delete_filter(&mut self, id: &str) -> Vec<String> {
        self.tell(Message::DeleteFilter(FilterId::new(id), None))
    }
}

#[test]
fn environments_times_filters_run() {
    let mut world = World::default();
    world.add("a", "p", 1);
    world.add_filter("p.f", "p", "f");
    assert_eq!(world.add("b", "p", 1), ["add b", "add b/f"]);
    assert_eq!(world.add_filter("p.g", "p", "g"), ["add a/g", "add b/g"]);
    assert_eq!(world.add("c", "other", 1), ["add c"]);
    assert_eq!(world.running.len(), 2 * (2 + 1) + 1);
    assert_eq!(world.update("a", "p", 2), ["update a", "update a/f", "update a/g"]);
    assert_eq!(world.delete_filter("p.f"), ["delete a/f", "delete b/f"]);
    assert_eq!(world.delete("a"), ["delete a", "delete a/g"]);
    assert_eq!(world.router.projects().count(), 2);
}

#[test]
fn ids_that_are_not_known_have_no_effect() {
    let mut world = World::default();
    world.add("a", "p", 1);
    assert_eq!(world.delete("b"), [""; 0]);
    assert_eq!(world.delete_filter("p.f"), [""; 0]);
    world.add_filter("p.f", "p", "f");
    world.delete("a");
    assert_eq!(world.delete_filter("p.f"), [""; 0]);
    assert_eq!(world.router.projects().count(), 0);
}

#[test]
fn a_filter_that_comes_late_sees_the_keys_of_the_day() {
    let mut world = World::default();
    world.add("a", "p", 1);
    world.update("a", "p", 2);
    world.add_filter("p.f", "p", "f");
    assert!(
        world.running.values().all(|params| {
            params.mobile_key.as_ref().is_some_and(|key| key.reveal() == "mob-a-2")
        })
    );
}

#[test]
fn an_environment_moves_with_its_project() {
    let mut world = World::default();
    world.add("a", "p", 1);
    world.add_filter("p.f", "p", "f");
    world.add_filter("p.both", "p", "both");
    world.add_filter("q.both", "q", "both");
    world.add_filter("q.g", "q", "g");
    let said = ["update a", "update a/both", "add a/g", "delete a/f"];
    assert_eq!(world.update("a", "q", 2), said);
    assert!(world.running.values().all(|params| &*params.project == "q"));
    assert_eq!(world.delete_filter("p.both"), [""; 0]);
    assert_eq!(world.delete("a"), ["delete a", "delete a/both", "delete a/g"]);
}

#[test]
fn a_key_that_two_filters_have_is_one() {
    let mut world = World::default();
    world.add("a", "p", 1);
    assert_eq!(world.add_filter("one", "p", "f"), ["add a/f"]);
    assert_eq!(world.add_filter("two", "p", "f"), [""; 0]);
    assert_eq!(world.delete_filter("one"), [""; 0]);
    assert_eq!(world.delete_filter("two"), ["delete a/f"]);
}

/// Every sequence of four of these messages, from a world with something in it: what runs is what
/// follows from what there is.
#[test]
fn what_runs_follows_from_what_there_is() {
    type Told = fn(&mut World) -> Vec<String>;
    let messages: [Told; 9] = [
        |w| w.update("a", "p", 1),
        |w| w.update("a", "q", 2),
        |w| w.add("b", "p", 1),
        |w| w.delete("a"),
        |w| w.delete("b"),
        |w| w.add_filter("p.f", "p", "f"),
        |w| w.add_filter("q.f", "q", "f"),
        |w| w.delete_filter("p.f"),
        |w| w.add_filter("again", "p", "f"),
    ];
    let count = messages.len();
    for mut number in 0..count.pow(4) {
        let mut world = World::default();
        world.add("a", "p", 0);
        world.add_filter("p.f", "p", "f");
        for _ in 0..4 {
            messages[number % count](&mut world);
            number /= count;
        }
        let there: BTreeMap<_, _> =
            world.router.variants().map(|params| (params.variant(), params)).collect();
        assert_eq!(there, world.running);
    }
}
