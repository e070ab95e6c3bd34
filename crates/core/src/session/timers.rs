//! When silence, a snapshot or an attempt has lasted too long.

use super::{Effect, Link, Open, Session};
use crate::FULL;
use crate::error::Error;
use crate::time::{Duration, Instant};
use crate::view::View;

impl<V: View> Session<V> {
    pub(super) fn wake(&mut self, now: Instant) {
        self.armed = Instant::NEVER;
        let (due, after) = self.due();
        if now < due {
            return;
        }
        let after = Duration::from_millis(after);
        let error = match self.link {
            Link::Idle | Link::Stopped => return,
            Link::Waiting => return self.connect(now),
            Link::Connecting => Error::ConnectTimeout { after },
            Link::Open if now.millis_since(self.open.heard) >= self.idle() => {
                Error::Silent { after }
            }
            Link::Open => Error::SnapshotTimeout { after },
        };
        self.disconnect(now);
        self.fail(now, error, 0);
    }

    /// After how many milliseconds of silence a connection is given up.
    pub(super) const fn idle(&self) -> u64 {
        if self.announced > 0 { self.announced } else { self.limits.idle }
    }

    /// When the link has lasted too long as it is, and how many milliseconds that is.
    fn due(&self) -> (Instant, u64) {
        match self.link {
            Link::Idle | Link::Stopped => (Instant::NEVER, 0),
            Link::Waiting => (self.turn, 0),
            Link::Connecting => (self.turn.after(self.limits.connect), self.limits.connect),
            Link::Open => {
                let Open { heard, snapshot_since, fetch_since, .. } = self.open;
                let since = if FULL { snapshot_since.min(fetch_since) } else { snapshot_since };
                let snapshot = since.after(self.limits.snapshot);
                let silence = heard.after(self.idle());
                if silence <= snapshot {
                    (silence, self.idle())
                } else {
                    (snapshot, self.limits.snapshot)
                }
            }
        }
    }

    /// Asks for a timer, unless one is set that goes off early enough: being woken for nothing is
    /// cheaper than moving the timer with every byte.
    pub(super) fn arm(&mut self, now: Instant) {
        let (due, _) = self.due();
        let next = due.max(now);
        if next < self.armed {
            self.armed = next;
            self.effects.push(Effect::WakeAt(next));
        }
    }
}
