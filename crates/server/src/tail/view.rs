//! A view that a store keeps up, and that others look at meanwhile.

use highwater::{Change, State, View};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A view behind a lock. Whoever locks it while holding the store's lock does so in the order of
/// the store itself: the store first.
pub(super) struct Kept<T>(Arc<Mutex<T>>);

impl<T> Kept<T> {
    pub(super) fn new(view: T) -> Self {
        Self(Arc::new(Mutex::new(view)))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Clone for Kept<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: View> View for Kept<T> {
    fn update(&mut self, changes: &[Change], state: &State) -> Result<(), Box<str>> {
        self.lock().update(changes, state)
    }

    fn moves_to(&mut self, cursor: Option<&str>) {
        self.lock().moves_to(cursor);
    }

    fn begins(&mut self, snapshot: bool) {
        self.lock().begins(snapshot);
    }

    fn reset(&mut self) {
        self.lock().reset();
    }
}
