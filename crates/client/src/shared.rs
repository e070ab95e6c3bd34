//! What the handles of a store and its task share: the session, and who is told of it.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use highwater_core::{Effect, Input, Session, View};
use tokio::sync::{Notify, broadcast, watch};

use crate::changes::{ItemChange, Transaction};
use crate::status::{Clock, Status};
use crate::{Action, Phase};

/// - C1: the session is driven under one lock, and whoever is told of a change can read it: status
///   and transactions are sent before the lock is let go.
/// - C2: nothing that is sent waits for anybody.
pub(crate) struct Shared<V> {
    kept: RwLock<Kept<V>>,
    status: watch::Sender<Status>,
    clock: Clock,
    /// A handle gave the session something to do.
    called: Notify,
}

struct Kept<V> {
    session: Session<V>,
    /// Gone once the session has stopped, so that subscribers come to their end.
    changes: Option<broadcast::Sender<Arc<Transaction>>>,
}

impl<V: View> Shared<V> {
    pub(crate) fn new(session: Session<V>, backlog: usize) -> Self {
        let changes = Some(broadcast::Sender::new(backlog));
        Self {
            kept: RwLock::new(Kept { session, changes }),
            status: watch::Sender::new(Status::new()),
            clock: Clock::start(),
            called: Notify::new(),
        }
    }

    /// Takes in what happened, and tells what came of it.
    pub(crate) fn input(&self, input: Input<'_>) {
        let mut kept = self.write();
        let Kept { session, changes } = &mut *kept;
        session.handle(self.clock.now(), input);
        let status = session.status();
        let stopped = status.phase == Phase::Stopped;
        if let Some(sender) = changes {
            // Naming what changed costs as much as storing it: not for nobody.
            if sender.receiver_count() > 0 {
                for transaction in transactions(session) {
                    let _ = sender.send(Arc::new(transaction)); // the last receiver just left
                }
            }
            if stopped {
                *changes = None;
            }
        }
        let len = session.state().len();
        self.status.send_if_modified(|last| last.follow(&session.status(), len, &self.clock));
    }

    /// An input from a handle: the task has to look what is to be done.
    pub(crate) fn call(&self, input: Input<'_>) {
        self.input(input);
        self.called.notify_one();
    }

    /// Comes back when a handle has called since the last time.
    pub(crate) async fn called(&self) {
        self.called.notified().await;
    }

    /// The next thing for the task to do.
    pub(crate) fn poll(&self) -> Option<Effect> {
        self.write().session.poll()
    }

    pub(crate) const fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(crate) const fn status(&self) -> &watch::Sender<Status> {
        &self.status
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Arc<Transaction>> {
        let kept = self.read();
        let over = || broadcast::channel(1).1;
        kept.changes.as_ref().map_or_else(over, broadcast::Sender::subscribe)
    }

    pub(crate) fn look<R>(&self, look: impl FnOnce(&Session<V>) -> R) -> R {
        look(&self.read().session)
    }

    // A lock is poisoned when a view of the application's panicked; that ends the task, and the
    // session is stopped on the way out. What was committed before can still be read.

    fn read(&self) -> RwLockReadGuard<'_, Kept<V>> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Kept<V>> {
        self.kept.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The transactions of the last input.
fn transactions<V: View>(session: &Session<V>) -> impl Iterator<Item = Transaction> {
    let materializer = session.materializer();
    let state = session.state();
    let cursor: Option<Arc<str>> = materializer.cursor().map(Arc::from);
    let mut start = 0;
    materializer.commits().iter().map(move |commit| {
        let changes = materializer.changes().get(start..commit.end).unwrap_or_default();
        start = commit.end;
        let named = changes.iter().filter(|change| change.action != Action::Noop);
        let named = named.filter_map(|change| {
            let (kind, key) = state.name(change.slot)?;
            let (kind, key) = (kind.into(), key.into());
            Some(ItemChange { kind, key, version: change.version, action: change.action })
        });
        Transaction {
            snapshot: commit.snapshot,
            changes: named.collect(),
            version: state.revision(),
            cursor: cursor.clone(),
        }
    })
}
