//! When silence, a snapshot or an attempt has lasted too long.

use core::time::Duration;

use super::{Effect, Link, Session};
use crate::error::Error;
use crate::time::Instant;
use crate::view::View;

impl<V: View> Session<V> {
    pub(super) fn wake(&mut self, now: Instant) {
        self.armed = None;
        match self.link {
            Link::Waiting { until } if now >= until => self.connect(now),
            Link::Connecting { since, .. } if now.since(since) >= self.options.connect_timeout => {
                self.disconnect(now);
                let after = self.options.connect_timeout;
                self.fail(now, Error::ConnectTimeout { after }, None);
            }
            Link::Open(open) => {
                let silent = self.idle().filter(|&idle| now.since(open.heard) >= idle);
                let begun = open.snapshot_since.into_iter().chain(open.fetch_since).min();
                let late =
                    begun.is_some_and(|since| now.since(since) >= self.options.snapshot_timeout);
                if let Some(after) = silent {
                    self.disconnect(now);
                    self.fail(now, Error::Silent { after }, None);
                } else if late {
                    self.disconnect(now);
                    let after = self.options.snapshot_timeout;
                    self.fail(now, Error::SnapshotTimeout { after }, None);
                }
            }
            _ => {}
        }
    }

    pub(super) fn idle(&self) -> Option<Duration> {
        self.announced.or(self.options.idle)
    }

    /// Asks for a timer, unless one is set that goes off early enough: being woken for nothing is
    /// cheaper than moving the timer with every byte.
    pub(super) fn arm(&mut self, now: Instant) {
        let next = match self.link {
            Link::Idle | Link::Stopped => None,
            Link::Waiting { until } => Some(until),
            Link::Connecting { since, .. } => Some(since + self.options.connect_timeout),
            Link::Open(open) => {
                let silent = self.idle().map(|idle| open.heard + idle);
                let begun = open.snapshot_since.into_iter().chain(open.fetch_since).min();
                let late = begun.map(|since| since + self.options.snapshot_timeout);
                silent.into_iter().chain(late).min()
            }
        };
        let Some(next) = next.map(|next| next.max(now)) else {
            return;
        };
        if self.armed.is_none_or(|armed| next < armed) {
            self.armed = Some(next);
            self.effects.push(Effect::WakeAt(next));
        }
    }
}
