//! A stream that the manager knows.

use crate::active::Active;
use crate::keyword::Keyword;
use crate::spec::{EventStream, EventStreamSpec, Status};
use crate::statistics::Statistics;
use crate::timestamp::Timestamp;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A stream: as it is stored, as it is shown, and what runs of it.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) id: Arc<str>,
    /// Held by whoever changes it.
    pub(super) turn: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    status: Status,
    stored: EventStreamSpec,
    filled: Arc<EventStreamSpec>,
    active: Option<Active>,
}

impl Stream {
    pub(super) fn new(
        id: &str,
        status: Status,
        stored: EventStreamSpec,
        fill_in: impl FnOnce(&mut EventStreamSpec),
    ) -> Self {
        let filled = filled(&stored, fill_in);
        let state = State { status, stored, filled, active: None };
        Self { id: id.into(), turn: tokio::sync::Mutex::default(), state: Mutex::new(state) }
    }

    /// As it was stored last.
    pub(super) fn stored(&self) -> EventStreamSpec {
        self.state().stored.clone()
    }

    /// With the server's defaults.
    pub(super) fn filled(&self) -> Arc<EventStreamSpec> {
        Arc::clone(&self.state().filled)
    }

    pub(super) fn replace(
        &self,
        status: Status,
        stored: EventStreamSpec,
        fill_in: impl FnOnce(&mut EventStreamSpec),
    ) {
        let mut state = self.state();
        state.filled = filled(&stored, fill_in);
        (state.status, state.stored) = (status, stored);
    }

    pub(super) fn status(&self) -> Status {
        self.state().status
    }

    pub(super) fn set_status(&self, status: Status) {
        let mut state = self.state();
        state.status = status;
        state.stored.status = Some(Keyword::from(status.as_str()));
    }

    /// When it was stored last.
    pub(super) fn set_updated(&self, updated: Timestamp) {
        let mut state = self.state();
        state.stored.updated = Some(updated);
        Arc::make_mut(&mut state.filled).updated = Some(updated);
    }

    pub(super) fn set_active(&self, active: Active) {
        self.state().active = Some(active);
    }

    /// Whether anything of it runs, or has still to stop.
    pub(super) fn is_active(&self) -> bool {
        self.state().active.as_ref().is_some_and(|active| !active.has_ended())
    }

    pub(super) fn has_name(&self, name: &str) -> bool {
        self.state().stored.name.as_deref() == Some(name)
    }

    /// Has what runs stop; the future comes back when it has.
    pub(super) fn suspend(&self) -> Option<impl Future<Output = ()> + use<>> {
        let state = self.state();
        let active = state.active.as_ref()?;
        active.stop();
        Some(active.ended())
    }

    /// What it is meant to do, and what it has done, while it is active.
    pub(super) fn figures(&self) -> (Status, Option<Statistics>) {
        let state = self.state();
        let active = state.active.as_ref().filter(|active| !active.has_ended());
        (state.status, active.map(Active::statistics))
    }

    /// As callers see it.
    pub(super) fn shown(&self) -> EventStream {
        let state = self.state();
        let active = state.active.as_ref().filter(|active| !active.has_ended());
        let status = match (state.status, active) {
            (Status::Stopped, Some(_)) => "stopping",
            (Status::Deleted, Some(_)) => "stopping_deleted",
            (status, _) => status.as_str(),
        };
        let spec = EventStreamSpec { status: Some(status.into()), ..(*state.filled).clone() };
        EventStream { spec, statistics: active.map(Active::statistics) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn filled(
    stored: &EventStreamSpec,
    fill_in: impl FnOnce(&mut EventStreamSpec),
) -> Arc<EventStreamSpec> {
    let mut filled = stored.clone();
    fill_in(&mut filled);
    Arc::new(filled)
}
