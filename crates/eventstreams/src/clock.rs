//! What time it is.

use crate::timestamp::Timestamp;
use tokio::time::Instant;

/// The clock that moments are told by: this machine's unless said otherwise.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock(Option<Anchored>);

/// Goes on from a moment by a clock that does not jump.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Anchored {
    moment: Timestamp,
    at: Instant,
}

impl Clock {
    /// One by which it is this moment now, and that goes with the timer of the executor: virtual
    /// time, where that is stopped.
    pub fn beginning(moment: Timestamp) -> Self {
        Self(Some(Anchored { moment, at: Instant::now() }))
    }

    /// As it is to be followed for a while.
    pub(crate) fn anchored(self) -> Anchored {
        self.0.unwrap_or_else(|| Anchored { moment: Timestamp::now(), at: Instant::now() })
    }
}

impl Anchored {
    pub(crate) fn now(self) -> Timestamp {
        self.moment.after(self.at.elapsed())
    }

    pub(crate) fn instant(self, moment: Timestamp) -> Instant {
        self.at + moment.since(self.moment)
    }
}
