//! A static value in a module that has one thread.
#![expect(unsafe_code, reason = "there is no safe way to have one without the standard library")]

use core::cell::RefCell;

/// A value that functions without context share.
pub(super) struct Single<T>(RefCell<T>);

// SAFETY: this is only ever built for wasm32-unknown-unknown without atomics, where nothing can
// run beside the one thread (`mod.rs` refuses to be built otherwise).
unsafe impl<T> Sync for Single<T> {}

impl<T> Single<T> {
    pub(super) const fn new(value: T) -> Self {
        Self(RefCell::new(value))
    }

    /// Gives access to the value. Within, nothing is called that could come back here.
    pub(super) fn with<R>(&self, then: impl FnOnce(&mut T) -> R) -> R {
        then(&mut self.0.borrow_mut())
    }
}
