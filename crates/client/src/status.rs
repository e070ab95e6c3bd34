//! How a store stands, as a value of its own.

use core::time::Duration;
use std::sync::Arc;

use highwater_core as session;
use tokio::time::Instant;

use crate::{Fault, Phase};

/// How a store stands at one moment.
///
/// Network faults are not errors of any call but stand here, and go when the stream is well again.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Status {
    /// What the store is about.
    pub phase: Phase,
    /// Whether a connection is open.
    pub connected: bool,
    /// How many connections were tried since the state was last current; 0 while it is.
    pub attempt: u32,
    /// Whether the last connection went on from where the stream was left; `None` as long as no
    /// server has said.
    pub resumed: Option<bool>,
    /// Where the stream was last whole.
    pub cursor: Option<Arc<str>>,
    /// Moves with every transaction that changed anything.
    pub version: u64,
    /// How many items there are.
    pub len: usize,
    /// The last fault; gone with the next update.
    pub fault: Option<Fault>,
    /// How many failures in a row the waits take into account.
    pub failures: u32,
    /// When the next connection will be tried, while that is waited for.
    pub retry_at: Option<Instant>,
    /// Since when the state may be an old one; `None` while it is current.
    pub stale_since: Option<Instant>,
    /// How many steps of an unfinished transfer have arrived.
    pub staged: usize,
    /// The position that the transfer leads to, where the server says.
    pub target: Option<u64>,
    /// Whether there was ever a whole state.
    pub synced: bool,
}

impl Status {
    /// For how long the state may have been an old one; zero while it is current.
    pub fn lag(&self) -> Duration {
        self.stale_since.map(|since| since.elapsed()).unwrap_or_default()
    }

    pub(crate) const fn new() -> Self {
        Self {
            phase: Phase::Connecting,
            connected: false,
            attempt: 0,
            resumed: None,
            cursor: None,
            version: 0,
            len: 0,
            fault: None,
            failures: 0,
            retry_at: None,
            stale_since: None,
            staged: 0,
            target: None,
            synced: false,
        }
    }

    /// Becomes what the session says; false when it was that already.
    pub(crate) fn follow(&mut self, now: &session::Status<'_>, len: usize, clock: &Clock) -> bool {
        let cursor = if self.cursor.as_deref() == now.cursor {
            self.cursor.clone()
        } else {
            now.cursor.map(Arc::from)
        };
        let fault =
            if self.fault.as_ref() == now.error { self.fault.clone() } else { now.error.cloned() };
        let next = Self {
            phase: now.phase,
            connected: now.connected,
            attempt: now.attempt,
            resumed: now.resumed,
            cursor,
            version: now.version,
            len,
            failures: now.failures,
            retry_at: now.retry_at.map(|at| clock.at(at)),
            stale_since: now.stale_since.map(|at| clock.at(at)),
            staged: now.staged,
            target: now.target,
            synced: now.synced,
            fault,
        };
        let moved = *self != next;
        *self = next;
        moved
    }
}

/// The session's clock: milliseconds of Tokio's, so that a test may stop it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn now(&self) -> session::Instant {
        session::Instant::from_millis(
            u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX),
        )
    }

    pub(crate) fn at(&self, at: session::Instant) -> Instant {
        let after = Duration::from_millis(at.as_millis());
        self.0.checked_add(after).unwrap_or_else(|| Instant::now() + FAR)
    }
}

/// Further than any timer needs to go.
const FAR: Duration = Duration::from_hours(24 * 365);
