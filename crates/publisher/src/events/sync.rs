//! The two primitives under the buffer: real ones, and models of them for `loom`.

#[cfg(not(loom))]
pub(super) use real::{Guard, Mutex, Once};

#[cfg(loom)]
pub(super) use model::{Guard, Mutex, Once};

#[cfg(not(loom))]
mod real {
    pub(in crate::events) use std::sync::MutexGuard as Guard;
    use std::sync::{OnceLock, PoisonError};

    /// Written at most once; readers take no lock.
    #[derive(Debug)]
    pub(in crate::events) struct Once<T>(OnceLock<T>);

    impl<T> Once<T> {
        pub(in crate::events) fn new() -> Self {
            Self(OnceLock::new())
        }

        /// Whether this was the first value, and is there now.
        pub(in crate::events) fn set(&self, value: T) -> bool {
            self.0.set(value).is_ok()
        }

        pub(in crate::events) fn look<R>(&self, look: impl FnOnce(&T) -> R) -> Option<R> {
            self.0.get().map(look)
        }

        pub(in crate::events) fn take(&mut self) -> Option<T> {
            self.0.take()
        }
    }

    /// A lock whose holders leave nothing half done when they panic.
    #[derive(Debug, Default)]
    pub(in crate::events) struct Mutex<T>(std::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(in crate::events) fn new(value: T) -> Self {
            Self(std::sync::Mutex::new(value))
        }

        pub(in crate::events) fn lock(&self) -> Guard<'_, T> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }
}

#[cfg(loom)]
mod model {
    pub(in crate::events) use loom::sync::MutexGuard as Guard;
    use loom::sync::atomic::{AtomicBool, Ordering};

    /// As `OnceLock` promises it: a reader that finds the value sees all that came before it was
    /// set; one that finds none learns nothing (the flag's order, not the lock's, is what counts).
    #[derive(Debug)]
    pub(in crate::events) struct Once<T> {
        ready: AtomicBool,
        value: loom::sync::Mutex<Option<T>>,
    }

    impl<T> Once<T> {
        pub(in crate::events) fn new() -> Self {
            Self { ready: AtomicBool::new(false), value: loom::sync::Mutex::new(None) }
        }

        pub(in crate::events) fn set(&self, value: T) -> bool {
            let mut kept =
                self.value.lock().expect("no thread of a model panics while it holds it");
            if kept.is_some() {
                return false;
            }
            *kept = Some(value);
            self.ready.store(true, Ordering::Release);
            true
        }

        pub(in crate::events) fn look<R>(&self, look: impl FnOnce(&T) -> R) -> Option<R> {
            if !self.ready.load(Ordering::Acquire) {
                return None;
            }
            self.value.lock().expect("as above").as_ref().map(look)
        }

        pub(in crate::events) fn take(&mut self) -> Option<T> {
            self.value.lock().expect("as above").take()
        }
    }

    #[derive(Debug, Default)]
    pub(in crate::events) struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(in crate::events) fn new(value: T) -> Self {
            Self(loom::sync::Mutex::new(value))
        }

        pub(in crate::events) fn lock(&self) -> Guard<'_, T> {
            self.0.lock().expect("as above")
        }
    }
}
