//! When silence, a snapshot or an attempt has lasted too long.


use super::{Effect, Link, Session};
use crate::FULL;
use crate::error::Error;
use crate::time::{Duration, Instant, millis};
use crate::view::View;

impl<V: View> Session<V> {
    pub(super) fn wake(&mut self, now: Instant) {
        self.armed = None;
        let (due, after) = self.due();
        if now < due {
            return;
        }
        let after = Duration::from_millis(after);
        let error = match self.link {
            Link::Idle | Link::Stopped => return,
            Link::Waiting { .. } => return self.connect(now),
            Link::Connecting { .. } => Error::ConnectTimeout { after },
            Link::Open(open)
                if self.idle().is_some_and(|idle| now.millis_since(open.heard) >= idle) =>
            {
                Error::Silent { after }
            }
            Link::Open(_) => Error::SnapshotTimeout { after },
        };
        self.disconnect(now);
        self.fail(now, error, 0);
    }

    /// After how many milliseconds of silence a connection is given up.
    pub(super) fn idle(&self) -> Option<u64> {
        self.announced.or(self.options.idle.map(millis))
    }

    /// When the link has lasted too long as it is, and how many milliseconds that is.
    fn due(&self) -> (Instant, u64) {
        match self.link {
            Link::Idle | Link::Stopped => (Instant::NEVER, 0),
            Link::Waiting { until } => (until, 0),
            Link::Connecting { since, .. } => {
                let timeout = millis(self.options.connect_timeout);
                (since.after(timeout), timeout)
            }
            Link::Open(open) => {
                let timeout = millis(self.options.snapshot_timeout);
                let mut due = (Instant::NEVER, timeout);
                let fetch_since = open.fetch_since.filter(|_| FULL);
                for since in [open.snapshot_since, fetch_since].into_iter().flatten() {
                    due.0 = due.0.min(since.after(timeout));
                }
                if let Some(idle) = self.idle()
                    && open.heard.after(idle) <= due.0
                {
                    due = (open.heard.after(idle), idle);
                }
                due
            }
        }
    }

    /// Asks for a timer, unless one is set that goes off early enough: being woken for nothing is
    /// cheaper than moving the timer with every byte.
    pub(super) fn arm(&mut self, now: Instant) {
        let (due, _) = self.due();
        let next = due.max(now);
        if due < Instant::NEVER && self.armed.is_none_or(|armed| next < armed) {
            self.armed = Some(next);
            self.effects.push(Effect::WakeAt(next));
        }
    }
}
