//! Actions on their way to whoever carries them out: a queue for each environment.

use core::future::Future;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use super::Action;
use crate::environment::VariantId;

/// Whoever runs environments.
pub trait Environments: Send + Sync + 'static {
    /// Carries out an action. Those about one environment (or variant) come one after the other, those
    /// about several at the same time; [`Action::ReceivedAll`] when all before it are done.
    fn apply(&self, action: Action) -> impl Future<Output = ()> + Send;
}

/// Queues of actions, one for each environment (or variant) that there is something to do about.
///
/// R4: what is to be done about one is done in order, and waits for no other.
///
/// A queue never grows beyond two: what a later action overtakes is left out. An update is folded into
/// the addition or update before it, and an addition that nobody has seen goes with its deletion.
pub struct Queues<E> {
    shared: Arc<Shared<E>>,
    /// Held by all that was pushed since the last [`Action::ReceivedAll`].
    round: Option<Round>,
}

struct Shared<E> {
    environments: Arc<E>,
    lanes: Mutex<HashMap<VariantId, VecDeque<Pending>>>,
}

struct Pending {
    action: Action,
    _held: mpsc::Sender<()>,
}

/// Ends when nobody holds its sender any more.
struct Round {
    held: mpsc::Sender<()>,
    over: mpsc::Receiver<()>,
}

impl<E: Environments> Queues<E> {
    /// Queues that lead to these.
    pub fn new(environments: Arc<E>) -> Self {
        let lanes = Mutex::default();
        Self { shared: Arc::new(Shared { environments, lanes }), round: None }
    }

    /// Puts an action into its queue. Must be called within a Tokio runtime.
    pub fn push(&mut self, action: Action) {
        let round = self.round.get_or_insert_with(Round::begin);
        let Some(variant) = action.variant() else {
            self.received_all(action);
            return;
        };
        let pending = Pending { action, _held: round.held.clone() };
        match self.shared.lanes().entry(variant) {
            Entry::Occupied(mut lane) => fold(lane.get_mut(), pending),
            Entry::Vacant(lane) => {
                let work = work(Arc::clone(&self.shared), lane.key().clone());
                lane.insert(VecDeque::from([pending]));
                tokio::spawn(work);
            }
        }
    }

    fn received_all(&mut self, action: Action) {
        let Some(Round { held, mut over }) = self.round.take() else { return };
        drop(held);
        let shared = Arc::clone(&self.shared);
        tokio::spawn(async move {
            // Nobody sends; the end comes when all is done.
            while over.recv().await.is_some() {}
            shared.environments.apply(action).await;
        });
    }
}

impl Round {
    fn begin() -> Self {
        let (held, over) = mpsc::channel(1);
        Self { held, over }
    }
}

impl<E> Shared<E> {
    fn lanes(&self) -> MutexGuard<'_, HashMap<VariantId, VecDeque<Pending>>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next thing to do about a variant. When there is none, its queue is gone.
    fn next(&self, variant: &VariantId) -> Option<Pending> {
        let mut lanes = self.lanes();
        let next = lanes.get_mut(variant)?.pop_front();
        if next.is_none() {
            lanes.remove(variant);
        }
        next
    }
}

/// Does what there is to do about a variant, one after the other.
async fn work<E: Environments>(shared: Arc<Shared<E>>, variant: VariantId) {
    while let Some(Pending { action, _held }) = shared.next(&variant) {
        let environments = Arc::clone(&shared.environments);
        // On its own: should it panic, the next action still has its turn.
        let done = tokio::spawn(async move { environments.apply(action).await });
        if done.await.is_err() {
            tracing::error!("auto-config: an action on {variant} failed, which is a fault of ours");
        }
    }
}

/// Puts an action behind those that wait, and leaves out what it overtakes.
fn fold(waiting: &mut VecDeque<Pending>, next: Pending) {
    match (waiting.back_mut().map(|last| &mut last.action), next.action) {
        (Some(Action::Add(params) | Action::Update(params)), Action::Update(newer)) => {
            *params = newer;
        }
        (Some(last @ Action::Update(_)), deletion @ Action::Delete(_)) => *last = deletion,
        (Some(Action::Add(_)), Action::Delete(_)) => {
            waiting.pop_back();
        }
        (_, action) => waiting.push_back(Pending { action, ..next }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::EnvironmentParams;

    fn folded(actions: &[&str]) -> String {
        let params = |name: &str| {
            Arc::new(EnvironmentParams { name: name.into(), ..EnvironmentParams::default() })
        };
        let mut waiting = VecDeque::new();
        for action in actions {
            let action = match action.split_at(1) {
                ("+", name) => Action::Add(params(name)),
                ("=", name) => Action::Update(params(name)),
                _ => Action::Delete(VariantId::default()),
            };
            fold(&mut waiting, Pending { action, _held: Round::begin().held });
        }
        let shown = waiting.iter().map(|pending| match &pending.action {
            Action::Add(params) => format!("+{}", params.name),
            Action::Update(params) => format!("={}", params.name),
            _ => "-".into(),
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    /// Panics at the first action, and counts the others.
    struct Shaky(tokio::sync::watch::Sender<u32>);

    impl Environments for Shaky {
        async fn apply(&self, _: Action) {
            let first = *self.0.borrow() == 0;
            self.0.send_modify(|count| *count += 1);
            assert!(!first, "a panic that the test asks for");
        }
    }

    #[tokio::test]
    async fn an_action_that_panics_holds_up_no_other() {
        let (count, mut done) = tokio::sync::watch::channel(0);
        let mut queues = Queues::new(Arc::new(Shaky(count)));
        for number in 1..=2 {
            queues.push(Action::Delete(VariantId::default()));
            assert!(done.wait_for(|count| *count == number).await.is_ok());
        }
        queues.push(Action::ReceivedAll);
        assert!(done.wait_for(|count| *count == 3).await.is_ok());
    }

    #[test]
    fn what_is_overtaken_is_left_out() {
        assert_eq!(folded(&["+1", "=2", "=3"]), "+3");
        assert_eq!(folded(&["=1", "=2"]), "=2");
        assert_eq!(folded(&["=1", "-"]), "-");
        assert_eq!(folded(&["+1", "-"]), "");
        assert_eq!(folded(&["+1", "=2", "-"]), "");
        assert_eq!(folded(&["-", "+1", "=2"]), "- +2");
        assert_eq!(folded(&["-", "+1", "-"]), "-");
        assert_eq!(folded(&["-", "+1", "-", "+2", "=3"]), "- +3");
    }
}
