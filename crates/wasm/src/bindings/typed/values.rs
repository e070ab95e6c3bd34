//! Values that were read, kept until they move.

use core::mem;
use std::rc::Rc;

use highwater_core::{Item, Slot, State};
use serde::de::DeserializeOwned;

use super::error::Error;

/// Per slot what was made of its value, and the epoch of that.
pub(super) struct Values<T>(Vec<Option<Kept<T>>>);

/// What was made of a value.
pub(super) type Made<T> = Result<Rc<T>, Misfit>;

/// It is not of the type.
#[derive(Clone, Copy)]
pub(super) struct Misfit;

type Kept<T> = (u32, Made<T>);

impl<T> Values<T> {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    /// What was made of the slot's present value, if it was read before.
    pub(super) fn known(&self, state: &State, slot: Slot) -> Option<Made<T>> {
        let (epoch, value) = self.0.get(slot.index())?.as_ref()?;
        (Some(epoch) == state.epochs().get(slot.index())).then(|| value.clone())
    }

    /// Keeps what was made of it, and returns what was kept before.
    #[must_use = "a value's own drop must not find this borrowed"]
    pub(super) fn keep(&mut self, state: &State, slot: Slot, value: Made<T>) -> Old<T> {
        let at = slot.index();
        let Some(epoch) = state.epochs().get(at).copied() else {
            return Old(Vec::new());
        };
        if self.0.len() <= at {
            self.0.resize_with(at + 1, || None);
        }
        Old(self.0.get_mut(at).and_then(|kept| kept.replace((epoch, value))).into_iter().collect())
    }

    /// Lets go of what has moved in these slots.
    #[must_use = "a value's own drop must not find this borrowed"]
    pub(super) fn forget(&mut self, state: &State, slots: impl Iterator<Item = Slot>) -> Old<T> {
        let moved = slots.filter_map(|slot| {
            let kept = self.0.get_mut(slot.index())?;
            let epoch = kept.as_ref().map(|(epoch, _)| epoch);
            if epoch == state.epochs().get(slot.index()) { None } else { mem::take(kept) }
        });
        Old(moved.collect())
    }
}

/// Values that are kept no more, to be dropped in good time.
pub(super) struct Old<T>(#[expect(dead_code, reason = "held to be dropped")] Vec<Kept<T>>);

pub(super) fn parse<T: DeserializeOwned>(item: &Item<'_>) -> Result<T, Error> {
    serde_json::from_slice(item.value).map_err(|cause| Error::Value {
        kind: item.kind.into(),
        key: item.key.into(),
        version: item.version,
        what: cause.to_string().into(),
        line: cause.line(),
        column: cause.column(),
    })
}
