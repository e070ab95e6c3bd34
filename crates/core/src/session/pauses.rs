//! Why a session is paused.

#[cfg(feature = "full")]
use alloc::boxed::Box;
#[cfg(feature = "full")]
use alloc::vec::Vec;

#[cfg(not(feature = "full"))]
use crate::bytes::Text;
#[cfg(feature = "full")]
use crate::bytes::owned;

/// The reasons that there are.
#[cfg(feature = "full")]
#[derive(Default)]
pub(super) struct Pauses(Vec<Box<str>>);

#[cfg(feature = "full")]
impl Pauses {
    pub(super) const fn any(&self) -> bool {
        !self.0.is_empty()
    }

    pub(super) fn add(&mut self, reason: &str) {
        if !self.0.iter().any(|known| **known == *reason) {
            self.0.push(owned(reason));
        }
    }

    /// Whether it was there.
    pub(super) fn remove(&mut self, reason: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|known| **known != *reason);
        self.0.len() < before
    }
}

/// Whether there is a reason: the edge of the lean module counts them.
#[cfg(not(feature = "full"))]
#[derive(Default)]
pub(super) struct Pauses(bool);

#[cfg(not(feature = "full"))]
impl Pauses {
    pub(super) const fn any(&self) -> bool {
        self.0
    }

    pub(super) const fn add(&mut self, _: &Text) {
        self.0 = true;
    }

    pub(super) const fn remove(&mut self, _: &Text) -> bool {
        core::mem::replace(&mut self.0, false)
    }
}
