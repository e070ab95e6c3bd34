//! How long this thread has computed.

use core::time::Duration;
use std::fs;
use std::thread;
use std::time::Instant;

/// A clock that stands still while the thread waits for a core that others use: Linux counts so.
/// Elsewhere it is the wall's.
pub(crate) struct Clock {
    begun: Instant,
    counted: bool,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self { begun: Instant::now(), counted: computed().is_some() }
    }

    pub(crate) fn now(&self) -> Duration {
        if self.counted {
            // The count is brought up to date when a thread sleeps.
            thread::sleep(Duration::from_micros(50));
            if let Some(time) = computed() {
                return time;
            }
        }
        self.begun.elapsed()
    }
}

/// Its first number are nanoseconds on a core.
fn computed() -> Option<Duration> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(text.split(' ').next()?.parse().ok()?))
}
