//! How long to wait before the next attempt.

use crate::time::{Duration, Instant, millis};

/// How much of a wait is left to chance, so that many clients do not come back at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jitter {
    /// Nothing.
    None,
    /// Up to this percentage is added, also beyond the maximum.
    Add(u32),
    /// Up to this percentage is taken away.
    Subtract(u32),
}

/// When failures are forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forgive {
    /// As soon as the view has moved.
    Update,
    /// When the connection that failed had lived this long. (A server that accepts, sends and
    /// fails at once does not get away with it.)
    Healthy(Duration),
}

/// The numbers of a back-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// So many failures cost no more than `min`.
    pub min_failures: u32,
    /// The wait after the failure that follows those; it doubles with each one after it.
    pub factor: Duration,
    /// No wait is shorter.
    pub min: Duration,
    /// No wait is longer, but for added jitter; zero: no bound.
    pub max: Duration,
    /// What is left to chance.
    pub jitter: Jitter,
    /// When failures are forgotten.
    pub forgive: Forgive,
}

impl Profile {
    /// For streams of any server: up to half a second, doubling to 30 s, anything from nothing to
    /// all of it ("full jitter").
    pub const STANDARD: Self = Self {
        min_failures: 0,
        factor: Duration::from_millis(500),
        min: Duration::ZERO,
        max: Duration::from_secs(30),
        jitter: Jitter::Subtract(100),
        forgive: Forgive::Healthy(Duration::from_secs(10)),
    };

    /// Consul's: at once, then 200 ms doubling to a minute, up to as much again.
    pub const CONSUL: Self = Self {
        min_failures: 1,
        factor: Duration::from_millis(200),
        min: Duration::ZERO,
        max: Duration::from_mins(1),
        jitter: Jitter::Add(100),
        forgive: Forgive::Update,
    };

    /// LaunchDarkly's: 1 s doubling to 30 s, down to half of it.
    ///
    /// The original counts the healthy minute from the last event, so that a failure right after
    /// one never resets; here it counts from the connection.
    pub const RELAY: Self = Self {
        min_failures: 0,
        factor: Duration::from_secs(1),
        min: Duration::ZERO,
        max: Duration::from_secs(30),
        jitter: Jitter::Subtract(50),
        forgive: Forgive::Healthy(Duration::from_mins(1)),
    };
}

/// Counts failures and turns them into waits.
///
/// ```
/// use core::time::Duration;
/// use highwater_core::{Backoff, Jitter, Profile};
/// let mut backoff = Backoff::new(Profile { jitter: Jitter::None, ..Profile::CONSUL });
/// let waits = [0; 4].map(|_| backoff.fail(0).as_millis());
/// assert_eq!(waits, [0, 200, 400, 800]);
/// ```
#[derive(Clone, Debug)]
pub struct Backoff {
    /// So many failures cost no more than `min`.
    free: u32,
    // Milliseconds, in floats: their casts saturate, and there is no arithmetic of 128 bits.
    factor: f64,
    min: f64,
    max: f64,
    /// What share of a wait chance may add to it, below zero if it takes that away.
    jitter: f64,
    /// How long a connection lives that is healthy; `None`: an update is enough.
    healthy: Option<u64>,
    failures: u32,
}

impl Backoff {
    /// A back-off without failures.
    #[cfg(feature = "full")]
    pub const fn new(profile: Profile) -> Self {
        let Profile { min_failures, factor, min, max, jitter, forgive } = profile;
        let (factor, min, max) = (float(factor), float(min), float(max));
        Self {
            free: min_failures,
            factor: if factor == 0.0 { 1000.0 } else { factor },
            min,
            max: if max == 0.0 { f64::INFINITY } else { max },
            jitter: match jitter {
                Jitter::None => 0.0,
                Jitter::Add(percent) => percent as f64 / 100.0,
                Jitter::Subtract(percent) => {
                    -(if percent < 100 { percent } else { 100 } as f64) / 100.0
                }
            },
            healthy: match forgive {
                Forgive::Update => None,
                Forgive::Healthy(healthy) => Some(millis(healthy)),
            },
            failures: 0,
        }
    }

    /// The same, of numbers: how many failures are free, the first, the least and the greatest wait,
    /// the percentage that is left to chance, and how long a connection lives that is healthy, below
    /// zero if an update is enough.
    #[cfg(not(feature = "full"))]
    #[expect(clippy::cast_sign_loss, reason = "it saturates")]
    pub(crate) const fn of([free, factor, min, max, jitter, healthy]: [f64; 6]) -> Self {
        Self {
            free: free as u32,
            factor: if factor == 0.0 { 1000.0 } else { factor },
            min,
            max: if max == 0.0 { f64::INFINITY } else { max },
            jitter: jitter / 100.0,
            healthy: if healthy < 0.0 { None } else { Some(healthy as u64) },
            failures: 0,
        }
    }

    /// Counts a failure and returns the wait that follows. `chance` is any number, random if the
    /// profile has jitter.
    pub fn fail(&mut self, chance: u32) -> Duration {
        Duration::from_millis(self.fail_millis(chance))
    }

    /// The same, in milliseconds.
    #[expect(clippy::cast_sign_loss, reason = "it saturates")]
    pub(crate) fn fail_millis(&mut self, chance: u32) -> u64 {
        self.failures = self.failures.saturating_add(1);
        let base = self.base_millis();
        let wait = base + base * self.jitter * (f64::from(chance) / f64::from(u32::MAX));
        (if wait < self.min { self.min } else { wait }) as u64
    }

    /// The wait after the present number of failures, without chance.
    #[expect(clippy::cast_sign_loss, reason = "it saturates")]
    pub fn base(&self) -> Duration {
        Duration::from_millis(self.base_millis() as u64)
    }

    fn base_millis(&self) -> f64 {
        if self.failures <= self.free {
            return self.min;
        }
        let doublings = (self.failures - self.free - 1).min(30);
        let wait = self.factor * f64::from(1 << doublings);
        let wait = if wait > self.max { self.max } else { wait };
        if wait < self.min { self.min } else { wait }
    }

    /// How many failures count at present.
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// Something went well: the next failure is the first again.
    pub const fn reset(&mut self) {
        self.failures = 0;
    }

    /// The server asked for this wait (`retry:`): it takes the place of the first wait.
    ///
    /// Where chance may leave nothing of a wait, it adds to it from now on: what the server asked
    /// for is the least then, as the standard says.
    pub fn set_factor(&mut self, factor: Duration) {
        self.factor = float(factor.clamp(Duration::from_millis(1), LONGEST));
        if self.jitter <= -1.0 {
            self.jitter = 1.0;
        }
        if self.jitter > 0.0 {
            self.max = self.max.max(self.factor);
        }
        self.failures = 0;
    }

    /// The view moved.
    pub(crate) const fn updated(&mut self) {
        if self.healthy.is_none() {
            self.failures = 0;
        }
    }

    /// A connection that was made at `since` ended.
    pub(crate) const fn ended(&mut self, since: Instant, now: Instant) {
        if let Some(healthy) = self.healthy
            && now.millis_since(since) >= healthy
        {
            self.failures = 0;
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "nobody waits for so long")]
const fn float(duration: Duration) -> f64 {
    millis(duration) as f64
}

/// Timers of 2^31 ms and more fire at once in browsers and Node.
pub(crate) const LONGEST: Duration = Duration::from_millis((1 << 31) - 1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_stays_within_its_share() {
        let wait = |jitter, chance| {
            Backoff::new(Profile { jitter, ..Profile::RELAY }).fail(chance).as_millis()
        };
        assert_eq!(wait(Jitter::Subtract(50), 0), 1000);
        assert_eq!(wait(Jitter::Subtract(50), u32::MAX), 500);
        assert_eq!(wait(Jitter::Add(100), u32::MAX), 2000);
        assert_eq!(wait(Jitter::Subtract(100), u32::MAX), 0);
    }

    #[test]
    fn a_health_long_enough_is_forgiven() {
        let mut backoff = Backoff::new(Profile::RELAY);
        backoff.fail(0);
        backoff.ended(Instant::from_millis(0), Instant::from_millis(59_999));
        assert_eq!(backoff.failures(), 1);
        backoff.ended(Instant::from_millis(0), Instant::from_millis(60_000));
        assert_eq!(backoff.failures(), 0);
    }

    #[test]
    fn what_the_server_asks_for_is_the_least_wait_where_chance_could_leave_none() {
        let waits = |profile, asked| {
            [0, u32::MAX].map(|chance| {
                let mut backoff = Backoff::new(profile);
                backoff.set_factor(Duration::from_millis(asked));
                backoff.fail(chance).as_millis()
            })
        };
        assert_eq!(waits(Profile::STANDARD, 3000), [3000, 6000]);
        assert_eq!(waits(Profile::STANDARD, 60_000), [60_000, 120_000]);
        assert_eq!(waits(Profile::RELAY, 3000), [3000, 1500]);
        assert_eq!(waits(Profile::RELAY, 60_000), [30_000, 15_000]);
    }

    #[test]
    fn a_hint_that_no_timer_can_hold_is_clamped() {
        let mut backoff = Backoff::new(Profile { max: Duration::ZERO, ..Profile::RELAY });
        backoff.set_factor(Duration::from_secs(1 << 40));
        assert_eq!(backoff.fail(0), LONGEST);
        for _ in 0..100 {
            assert!(backoff.fail(0) >= LONGEST);
        }
    }
}
