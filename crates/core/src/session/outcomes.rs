//! What follows from what came, and from what went wrong.

use core::mem;

use super::{ConnectionId, Effect, Failure, Fetch, Link, Session, UNKNOWN};
use crate::FULL;
use crate::backoff::LONGEST;
use crate::bytes::{owned, word};
use crate::error::{Class, Error, GOODBYE};
use crate::materializer::Signals;
use crate::time::{Duration, Instant, millis};
use crate::view::View;

impl<V: View> Session<V> {
    /// Takes in what the events of one input asked for, and whether they ended in a fault.
    #[cfg_attr(
        not(feature = "full"),
        expect(
            clippy::needless_pass_by_value,
            reason = "with everything there is a fault to take"
        )
    )]
    pub(super) fn took(&mut self, now: Instant, signals: Signals, result: Result<(), Error>) {
        let updated = signals.committed || signals.up_to_date;
        if updated {
            self.bad = 0;
            if !self.loops() {
                self.backoff.updated();
            }
            self.error = None;
            self.synchronised();
            if signals.committed {
                self.news += 1;
            }
        }
        if FULL && let Some(retry) = signals.retry {
            self.backoff.set_factor(Duration::from_millis(retry));
        }
        if let Some(millis) = signals.heartbeat_every.filter(|&millis| millis > 0) {
            // Two may be lost or late before the silence means something.
            self.announced = 3 * millis.min(1 << 62);
        }
        self.resumed = signals.resumed.or(self.resumed);
        self.target = signals.target.or(self.target);
        #[cfg(feature = "full")]
        if let Some(fault) = signals.fault {
            self.tell(fault);
        }
        let snapshot = self.materializer.in_snapshot();
        let open = &mut self.open;
        if snapshot {
            open.live = false;
            if updated || open.snapshot_since == Instant::NEVER {
                open.snapshot_since = now;
            }
        } else {
            open.live |= updated;
            open.snapshot_since = Instant::NEVER;
        }
        if FULL && signals.invalidated {
            if open.fetch == Fetch::Idle {
                open.fetch = Fetch::UnderWay;
                open.fetch_since = now;
                self.effects.push(Effect::Fetch(ConnectionId(self.connections)));
            } else {
                open.fetch = Fetch::Again;
            }
        }
        #[cfg(not(feature = "full"))]
        if let Err(Error::Foreign { .. }) = result {
            // The connection stays as it is, for the module that takes over.
            self.foreign = true;
            self.unread = result.err();
            return;
        }
        if let Err(error) = result {
            self.disconnect(now);
            self.fail(now, error, 0);
        } else if FULL && signals.reconnect || signals.goodbye.is_some() {
            // Asked for, so no fault; but waited for, as after one.
            self.disconnect(now);
            self.retry(now, 0);
        }
    }

    #[cfg(feature = "full")]
    pub(super) fn fetched(&mut self, now: Instant, status: u16, body: &[u8]) {
        let open = &mut self.open;
        let again = open.fetch == Fetch::Again;
        open.fetch = if again { Fetch::UnderWay } else { Fetch::Idle };
        open.fetch_since = if again { now } else { Instant::NEVER };
        if again {
            self.effects.push(Effect::Fetch(ConnectionId(self.connections)));
        }
        let mut signals = Signals::default();
        let result = if status == 200 {
            self.materializer.fetched_into(now, body, &mut signals)
        } else {
            let terminal = self.materializer.protocol().is_terminal(status);
            Err(Error::Status { code: status, terminal })
        };
        self.took(now, signals, result);
    }

    pub(super) fn failed(&mut self, now: Instant, failure: Failure<'_>) {
        let error = match failure {
            #[cfg(not(feature = "full"))]
            Failure::Network { what } => Error::Network { what: owned(what) },
            #[cfg(feature = "full")]
            Failure::Network { what, temporary } => Error::Network { what: owned(what), temporary },
            // Before the stream is open there is nothing that could be aborted.
            #[cfg(feature = "full")]
            Failure::Aborted if self.link == Link::Open => Error::Aborted,
            #[cfg(feature = "full")]
            Failure::Aborted => Error::Network { what: owned(word("aborted")), temporary: None },
        };
        self.fail(now, error, 0);
    }

    /// A fault ended the connection (which is gone, or was told to go). The server may have `asked`
    /// to be left alone for so many milliseconds.
    pub(super) fn fail(&mut self, now: Instant, error: Error, asked: u64) {
        self.note_end(now);
        let first = self.backoff.failures() == 0;
        if error.is_of_data() {
            self.bad += 1;
        }
        // A position from which nothing readable follows is worth no more tries; and Consul's
        // readers distrust theirs at the first fault. (The lean module has no faults in the data.)
        let distrust =
            self.bad > 1 || self.bad > 0 && self.materializer.protocol().resets_on_fault();
        if FULL && (error.class() == Class::Reset || distrust) {
            self.bad = 0;
            self.materializer.reset();
        }
        let terminal = error.class() == Class::Terminal;
        if !(FULL && first && error.is_temporary()) {
            self.tell(error);
        }
        if terminal {
            self.link = Link::Stopped;
        } else {
            self.retry(now, asked);
        }
    }

    pub(super) fn retry(&mut self, now: Instant, asked: u64) {
        self.note_end(now);
        match mem::replace(&mut self.lived, UNKNOWN) {
            UNKNOWN => {}
            ..BRIEF => self.brief = self.brief.saturating_add(1),
            _ => self.brief = 0,
        }
        if self.loops() {
            let last = self.error.as_ref().map_or(GOODBYE, Error::code);
            self.tell(Error::Loop { times: self.brief, last });
        }
        let chance = self.chance();
        // Those who are told the same time are not to come back at the same time.
        let wait = self.backoff.fail_millis(chance).saturating_add(asked);
        self.turn = now.after(wait.min(millis(LONGEST)));
        self.link = if self.backoff.failures() >= self.limits.failures {
            Link::Stopped
        } else if self.is_halted() {
            Link::Idle
        } else {
            Link::Waiting
        };
    }

    /// Notes that the connection, if there was one, is over.
    pub(super) fn note_end(&mut self, now: Instant) {
        self.foreign = false;
        if self.link == Link::Open {
            self.lived = now.millis_since(self.turn);
            if !self.loops() {
                self.backoff.ended(self.turn, now);
            }
            if self.open.live {
                self.stale_since = now;
            }
            self.link = Link::Idle;
        }
    }

    /// Whether connections end as soon as they are made: what they bring wipes nothing clean then.
    const fn loops(&self) -> bool {
        self.brief >= LOOP
    }

    pub(super) fn tell(&mut self, error: Error) {
        self.error = Some(error);
        self.news += 1;
    }

    pub(super) fn synchronised(&mut self) {
        self.attempt = 0;
        self.synced = true;
    }
}

/// A connection that ends sooner, in milliseconds, is hardly one.
const BRIEF: u64 = 1000;
/// So many of them in a row are no accident.
const LOOP: u32 = 5;
