//! The one who writes checkpoints.

use super::backoff::Backoff;
use crate::timestamp::Timestamp;
use std::sync::Arc;

/// Writes positions one at a time, the newest there is, until each is stored or a newer one is wanted (ES3).
#[derive(Debug)]
pub(super) struct Writer {
    state: State,
    /// To be written next.
    next: Option<Arc<str>>,
    /// The newest that was wanted, or begun from.
    newest: Option<Arc<str>>,
    fresh: Backoff,
    backoff: Backoff,
}

#[derive(Debug)]
enum State {
    Idle,
    Writing(Arc<str>),
    /// It failed, and is tried again then.
    Waiting(Timestamp),
}

impl Writer {
    pub(super) fn new(backoff: Backoff) -> Self {
        Self { state: State::Idle, next: None, newest: None, fresh: backoff.clone(), backoff }
    }

    /// This is what is stored, or stands for it.
    pub(super) fn begin(&mut self, position: Option<Arc<str>>) {
        self.newest = position;
    }

    pub(super) fn want(&mut self, position: Arc<str>) {
        self.newest = Some(Arc::clone(&position));
        self.next = Some(position);
    }

    pub(super) fn newest(&self) -> Option<&Arc<str>> {
        self.newest.as_ref()
    }

    /// The position to write now, if there is one.
    pub(super) fn write(&mut self, now: Timestamp) -> Option<Arc<str>> {
        match self.state {
            State::Waiting(at) if at <= now => self.state = State::Idle,
            _ => {}
        }
        self.write_at_once()
    }

    /// The position to write now unless one is being written or waits to be written again.
    pub(super) fn write_at_once(&mut self) -> Option<Arc<str>> {
        let State::Idle = self.state else { return None };
        let position = self.next.take()?;
        self.state = State::Writing(Arc::clone(&position));
        Some(position)
    }

    /// The position that was being written, if it is stored now.
    pub(super) fn wrote(&mut self, now: Timestamp, stored: bool) -> Option<Arc<str>> {
        let State::Writing(position) = core::mem::replace(&mut self.state, State::Idle) else {
            return None;
        };
        if stored {
            self.backoff = self.fresh.clone();
            return Some(position);
        }
        self.next.get_or_insert(position);
        self.state = State::Waiting(now.after(self.backoff.pause()));
        None
    }

    pub(super) fn wake_at(&self) -> Option<Timestamp> {
        match self.state {
            State::Waiting(at) => Some(at),
            _ => None,
        }
    }

    pub(super) fn is_writing(&self) -> bool {
        matches!(self.state, State::Writing(_))
    }

    /// Whether everything that was wanted is stored.
    pub(super) fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle) && self.next.is_none()
    }
}
