//! How a store stands, as a value of its own.

use core::time::Duration;
use std::rc::Rc;

use highwater_core::{Instant, Session, View};

use crate::bindings::edge;
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
    /// How many failures in a row the waits take into account.
    pub failures: u32,
    /// Whether the last connection went on from where the stream was left; `None` as long as no
    /// server has said.
    pub resumed: Option<bool>,
    /// Where the stream was last whole.
    pub cursor: Option<Rc<str>>,
    /// Moves with every transaction that changed anything.
    pub version: u64,
    /// How many items there are.
    pub len: usize,
    /// The last fault; gone with the next update.
    pub fault: Option<Fault>,
    /// How many steps of an unfinished transfer have arrived.
    pub staged: usize,
    /// The position that the transfer leads to, where the server says.
    pub target: Option<u64>,
    /// Whether there was ever a whole state.
    pub synced: bool,
    retry_at: Option<Instant>,
    stale_since: Option<Instant>,
}

impl Status {
    /// For how long the state may have been an old one; zero while it is current.
    pub fn lag(&self) -> Duration {
        self.stale_since.map(|since| between(since, now())).unwrap_or_default()
    }

    /// How long it is to the next attempt, while that is waited for.
    pub fn retry_in(&self) -> Option<Duration> {
        self.retry_at.map(|at| between(now(), at))
    }

    pub(super) fn of<V: View>(session: &Session<V>) -> Self {
        let now = session.status();
        Self {
            phase: now.phase,
            connected: now.connected,
            attempt: now.attempt,
            failures: now.failures,
            resumed: now.resumed,
            cursor: now.cursor.map(Into::into),
            version: now.version,
            len: session.state().len(),
            fault: now.error.cloned(),
            staged: now.staged,
            target: now.target,
            synced: now.synced,
            retry_at: now.retry_at,
            stale_since: now.stale_since,
        }
    }
}

fn between(earlier: Instant, later: Instant) -> Duration {
    Duration::from_millis(later.as_millis().saturating_sub(earlier.as_millis()))
}

fn now() -> Instant {
    Instant::from_millis(edge::now() as u64)
}
