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
    profile: Profile,
    failures: u32,
}

impl Backoff {
    /// A back-off without failures.
    pub const fn new(profile: Profile) -> Self {
        Self { profile, failures: 0 }
    }

    /// Counts a failure and returns the wait that follows. `chance` is any number, random if the
    /// profile has jitter.
    pub fn fail(&mut self, chance: u32) -> Duration {
        Duration::from_millis(self.fail_millis(chance))
    }

    /// The same, in milliseconds.
    pub(crate) fn fail_millis(&mut self, chance: u32) -> u64 {
        self.failures = self.failures.saturating_add(1);
        self.jittered(self.base_millis(), chance)
    }

    /// The wait after the present number of failures, without chance.
    pub fn base(&self) -> Duration {
        Duration::from_millis(self.base_millis())
    }

    #[expect(clippy::cast_precision_loss, clippy::cast_sign_loss, reason = "it saturates")]
    fn base_millis(&self) -> u64 {
        let Profile { min_failures, factor, min, max, .. } = self.profile;
        let [factor, min, max] = [factor, min, max].map(millis);
        let Some(doublings) = self.failures.checked_sub(min_failures + 1) else {
            return min;
        };
        let factor = if factor == 0 { 1000 } else { factor };
        // In floats, whose casts saturate: without arithmetic of 128 bits.
        let base = (factor as f64 * f64::from(1 << doublings.min(30))) as u64;
        let base = if max == 0 { base } else { base.min(max) };
        base.max(min)
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
        let factor = factor.clamp(Duration::from_millis(1), LONGEST);
        let Profile { max, jitter, .. } = &mut self.profile;
        if *jitter == Jitter::Subtract(100) {
            *jitter = Jitter::Add(100);
        }
        if matches!(jitter, Jitter::Add(_)) && !max.is_zero() {
            *max = factor.max(*max);
        }
        self.profile.factor = factor;
        self.failures = 0;
    }

    /// The view moved.
    pub(crate) fn updated(&mut self) {
        if self.profile.forgive == Forgive::Update {
            self.failures = 0;
        }
    }

    /// A connection that was made at `since` ended.
    pub(crate) fn ended(&mut self, since: Instant, now: Instant) {
        if let Forgive::Healthy(enough) = self.profile.forgive
            && now.millis_since(since) >= millis(enough)
        {
            self.failures = 0;
        }
    }

    #[expect(clippy::cast_precision_loss, clippy::cast_sign_loss, reason = "it saturates")]
    fn jittered(&self, base: u64, chance: u32) -> u64 {
        let part = match self.profile.jitter {
            Jitter::None => 0.0,
            Jitter::Add(percent) => f64::from(percent),
            Jitter::Subtract(percent) => -f64::from(percent.min(100)),
        };
        let base = base as f64;
        let wait =
            (base + base * (part / 100.0) * (f64::from(chance) / f64::from(u32::MAX))) as u64;
        wait.max(millis(self.profile.min))
    }
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
