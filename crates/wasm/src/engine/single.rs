//! A static value in a module that has one thread.
#![expect(unsafe_code, reason = "there is no safe way to have one without the standard library")]

use core::cell::Cell;

/// A value that functions without context share.
pub(super) struct Single<T>(Cell<T>);

// SAFETY: this is only ever built for wasm32 without atomics, where nothing can run beside the one
// thread (`mod.rs` refuses to be built otherwise).
unsafe impl<T> Sync for Single<T> {}

impl<T: Default> Single<T> {
    pub(super) const fn new(value: T) -> Self {
        Self(Cell::new(value))
    }

    /// Takes the value; until it is [`set`](Self::set) again there is an empty one.
    pub(super) fn take(&self) -> T {
        self.0.take()
    }

    /// Puts a value in the place of the one that was taken, which is empty: there is nothing in it
    /// to be dropped.
    pub(super) fn set(&self, value: T) {
        core::mem::forget(self.0.replace(value));
    }
}
