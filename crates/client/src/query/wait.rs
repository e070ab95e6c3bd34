//! How long to wait: for an answer, and between attempts.

use core::hash::{BuildHasher, Hasher as _};
use core::time::Duration;
use std::collections::hash_map::RandomState;

use highwater_core::{Backoff, Profile};
use tokio::time::sleep;

/// What a query asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    pub(super) min_index: u64,
    pub(super) timeout: Option<Duration>,
}

impl Wanted {
    /// The value as soon as there is one.
    pub const fn any() -> Self {
        Self { min_index: 0, timeout: None }
    }

    /// The value as soon as it is newer than this index.
    pub const fn newer_than(index: u64) -> Self {
        Self { min_index: index, timeout: None }
    }

    /// After this time, the value whatever its index.
    #[must_use]
    pub const fn within(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }
}

/// Waits longer from failure to failure.
#[derive(Clone, Debug)]
pub struct Waiter(Backoff);

impl Waiter {
    /// With the numbers of a back-off, such as [`Profile::CONSUL`].
    pub const fn new(profile: Profile) -> Self {
        Self(Backoff::new(profile))
    }

    /// Counts a failure, and comes back after the wait that it is worth.
    pub async fn wait(&mut self) {
        // The keys of a hasher come from the system's source of chance.
        let chance = RandomState::new().build_hasher().finish();
        sleep(self.0.fail((chance >> 32) as u32)).await;
    }

    /// How many failures there were since the last success.
    pub const fn failures(&self) -> u32 {
        self.0.failures()
    }

    /// Something went well: the next failure is the first again.
    pub fn reset(&mut self) {
        self.0.reset();
    }
}
