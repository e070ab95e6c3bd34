//! Who changes what is stored of which stream: those of the same wait for each other, and nobody else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OwnedMutexGuard;

/// Names and IDs, each held by one at a time.
///
/// Who needs several takes all names, sorted, before an ID: so nobody waits in a circle.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>);

/// Held until it is dropped.
pub(super) type Turn = OwnedMutexGuard<()>;

impl Turns {
    pub(super) async fn of_names<const N: usize>(&self, names: [&str; N]) -> Vec<Turn> {
        let mut names: Vec<_> = names.into_iter().filter(|name| !name.is_empty()).collect();
        names.sort_unstable();
        names.dedup();
        let mut turns = Vec::new();
        for name in names {
            turns.push(self.of(format!("name {name}")).await);
        }
        turns
    }

    pub(super) async fn of_id(&self, id: &str) -> Turn {
        self.of(format!("id {id}")).await
    }

    async fn of(&self, what: String) -> Turn {
        let turn = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            turns.retain(|_, turn| Arc::strong_count(turn) > 1); // nobody has or wants the others
            Arc::clone(turns.entry(what).or_default())
        };
        turn.lock_owned().await
    }
}
