//! How long to wait after a failure, and when to give up.

use core::time::Duration;

use highwater_core::{Backoff, Forgive, Instant, Profile};
use serde::Deserialize;

/// What becomes of the stream when the server refuses the key (401 or 403).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhenRefused {
    /// What there is is served on, and the server is asked again now and then: a key that was
    /// revoked by mistake, or a server that is confused, ends no fleet.
    #[default]
    RetrySlowly,
    /// The stream is given up.
    Stop,
}

/// How to wait between attempts.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    /// When the server refuses the key.
    pub when_refused: WhenRefused,
    /// After failures that most often heal by themselves: 1 s, doubling to 30 s.
    pub short: Profile,
    /// After answers that seldom do, such as "not found", unless `when_refused` is
    /// [`WhenRefused::Stop`]: 5 min, doubling to an hour.
    pub long: Profile,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            when_refused: WhenRefused::default(),
            short: Profile::RELAY,
            long: Profile {
                factor: Duration::from_mins(5),
                max: Duration::from_hours(1),
                ..Profile::RELAY
            },
        }
    }
}

/// Counts failures.
pub(super) struct Waits {
    when_refused: WhenRefused,
    short: Backoff,
    long: Backoff,
    healthy: Duration,
    chance: u64,
}

/// What a failure leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Wait(Duration),
    GiveUp,
}

impl Waits {
    pub(super) const fn new(retry: Retry, seed: u64) -> Self {
        let healthy = match retry.short.forgive {
            Forgive::Healthy(enough) => enough,
            Forgive::Update => Duration::ZERO,
        };
        Self {
            when_refused: retry.when_refused,
            short: Backoff::new(retry.short),
            long: Backoff::new(retry.long),
            healthy,
            chance: seed | 1,
        }
    }

    /// The server's answer was no stream.
    pub(super) fn refused(&mut self, status: u16) -> Verdict {
        let heals = !matches!(status, 400..500) || matches!(status, 400 | 408 | 425 | 429);
        let chance = self.chance();
        match self.when_refused {
            WhenRefused::Stop if matches!(status, 401 | 403) => Verdict::GiveUp,
            WhenRefused::RetrySlowly if !heals => Verdict::Wait(self.long.fail(chance)),
            _ => Verdict::Wait(self.short.fail(chance)),
        }
    }

    /// There was no answer, or a stream that began at `since` ended.
    pub(super) fn failed(&mut self, since: Option<Instant>, now: Instant) -> Duration {
        if since.is_some_and(|since| now.since(since) >= self.healthy) {
            self.short.reset();
        }
        let chance = self.chance();
        self.short.fail(chance)
    }

    /// The server said something of use: should it refuse the key again, that is the first time.
    pub(super) const fn useful(&mut self) {
        self.long.reset();
    }

    /// The server asked for this wait. It has no say in the long ones.
    pub(super) fn asked(&mut self, wait: Duration) {
        self.short.set_factor(wait);
    }

    fn chance(&mut self) -> u32 {
        // xorshift64: chance enough to keep a fleet from coming back at once.
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        (self.chance >> 32) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use highwater_core::Jitter;

    const EVEN: Retry = Retry {
        when_refused: WhenRefused::RetrySlowly,
        short: Profile { jitter: Jitter::None, ..Profile::RELAY },
        long: Profile {
            factor: Duration::from_millis(20),
            jitter: Jitter::Subtract(50),
            max: Duration::from_hours(1),
            ..Profile::RELAY
        },
    };

    #[test]
    fn waits_of_a_refused_key_grow_within_their_bounds() {
        let mut waits = Waits::new(EVEN, 7);
        for failures in 0..10u32 {
            let Verdict::Wait(wait) = waits.refused(401) else { panic!("gave up") };
            let most = Duration::from_millis(20 << failures);
            assert!((most / 2..=most).contains(&wait), "{wait:?} of {most:?}");
        }
        waits.useful();
        assert!(matches!(waits.refused(403), Verdict::Wait(wait) if wait.as_millis() <= 20));
    }

    #[test]
    fn only_a_refused_key_ever_stops_anything() {
        let mut waits = Waits::new(Retry { when_refused: WhenRefused::Stop, ..EVEN }, 7);
        let second = Verdict::Wait(Duration::from_secs(1));
        for status in (100..600).filter(|status| !matches!(status, 401 | 403)) {
            waits.short.reset();
            assert_eq!(waits.refused(status), second, "{status}");
        }
        assert_eq!([401, 403].map(|status| waits.refused(status)), [Verdict::GiveUp; 2]);
    }

    #[test]
    fn what_seldom_heals_is_asked_for_seldom() {
        let default = Retry::default();
        let mut waits = Waits::new(default, 7);
        for status in [401, 403, 404, 405, 410, 418, 451] {
            let Verdict::Wait(wait) = waits.refused(status) else { panic!("gave up") };
            assert!(wait >= Duration::from_secs(150), "{status}: {wait:?}");
        }
        for status in [204, 400, 408, 429, 500, 503] {
            let Verdict::Wait(wait) = waits.refused(status) else { panic!("gave up") };
            assert!(wait <= Duration::from_secs(30), "{status}: {wait:?}");
        }
        // And a hint of the server's does not change that.
        waits.asked(Duration::from_millis(1));
        waits.useful();
        assert!(matches!(waits.refused(401), Verdict::Wait(wait) if wait.as_secs() >= 150));
    }

    #[test]
    fn a_healthy_minute_is_forgiven() {
        let mut waits = Waits::new(EVEN, 7);
        let at = Instant::from_millis;
        let seconds = |wait: Duration| wait.as_secs();
        assert_eq!(seconds(waits.failed(None, at(0))), 1);
        assert_eq!(seconds(waits.failed(Some(at(0)), at(59_999))), 2);
        assert_eq!(seconds(waits.failed(Some(at(0)), at(60_000))), 1);
    }
}
