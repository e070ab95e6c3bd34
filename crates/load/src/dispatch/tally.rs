//! What a worker has seen, and when.

use crate::Result;
use crate::histogram::Histogram;
use crate::mark::{Finder, Mark};
use crate::process::Process;
use core::time::Duration;
use std::time::Instant;

/// Counts events by their marks: each has to come, and to come once.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) began: Instant,
    seen: Vec<bool>,
    /// How many different ones came.
    pub(super) count: u64,
    twice: u64,
    times: Histogram,
}

/// What came of a run.
#[derive(Debug)]
pub(super) struct Measured {
    pub(super) events: u64,
    pub(super) seconds: f64,
    /// What the server computed.
    pub(super) cpu: Duration,
    /// What this process did.
    pub(super) own: Duration,
    pub(super) times: Histogram,
    pub(super) missed: u64,
    pub(super) twice: u64,
}

impl Tally {
    /// Events from 1 to this one are to come, from now on.
    pub(super) fn of(events: u64) -> Self {
        let seen = vec![false; events as usize];
        Self { began: Instant::now(), seen, count: 0, twice: 0, times: Histogram::default() }
    }

    pub(super) fn is_whole(&self) -> bool {
        self.count == self.seen.len() as u64
    }

    /// Nanoseconds since the beginning.
    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Reads a whole message; how many events are in it.
    pub(super) fn take(&mut self, message: &[u8]) -> usize {
        let (now, mut found) = (self.now(), 0);
        Finder::default().feed(message, |Mark { number, due }| {
            found += 1;
            let place = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
            let Some(seen) = place.and_then(|place| self.seen.get_mut(place)) else { return };
            if core::mem::replace(seen, true) {
                self.twice += 1;
            } else {
                self.count += 1;
                self.times.add(now.saturating_sub(due));
            }
        });
        found
    }

    /// The end of a run that began when this was made. `before` is what server and own process had
    /// computed by then.
    pub(super) fn measured(self, server: &Process, before: Computed) -> Result<Measured> {
        let seconds = self.began.elapsed().as_secs_f64();
        let now = Computed::now(server)?;
        Ok(Measured {
            events: self.count,
            seconds,
            cpu: now.server.saturating_sub(before.server),
            own: now.own.saturating_sub(before.own),
            times: self.times,
            missed: self.seen.len() as u64 - self.count,
            twice: self.twice,
        })
    }
}

/// What server and own process have computed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Computed {
    server: Duration,
    own: Duration,
}

impl Computed {
    pub(super) fn now(server: &Process) -> Result<Self> {
        Ok(Self { server: server.cpu()?, own: Process::own_cpu()? })
    }
}
