//! Pauses that grow.

use crate::config::Retry;
use core::time::Duration;

/// Pauses, each longer than the one before, up to a longest. Without chance, as it was recorded.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    next: Duration,
    longest: Duration,
    factor: f64,
}

impl Backoff {
    pub(crate) fn new(retry: &Retry) -> Self {
        let factor = if retry.factor >= 1.0 { retry.factor } else { 2.0 };
        let longest = retry.maximum_delay.wait();
        Self { next: retry.initial_delay.wait().min(longest), longest, factor }
    }

    /// The next pause.
    pub(crate) fn pause(&mut self) -> Duration {
        let pause = self.next;
        let longer = Duration::try_from_secs_f64(pause.as_secs_f64() * self.factor);
        self.next = longer.unwrap_or(self.longest).min(self.longest);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::duration::Period;

    fn check(initial: i64, longest: i64, factor: f64, expect: &[u128]) {
        let [initial_delay, maximum_delay] = [initial, longest].map(Period::from_millis);
        let mut backoff = Backoff::new(&Retry { initial_delay, maximum_delay, factor });
        let pauses: Vec<_> = expect.iter().map(|_| backoff.pause().as_millis()).collect();
        assert_eq!(pauses, expect);
    }

    #[test]
    fn pauses_grow_up_to_the_longest() {
        check(250, 1_000, 2.0, &[250, 500, 1_000, 1_000]);
        check(100, 1_000, 1.0, &[100, 100, 100]);
        check(100, 1_000, 0.5, &[100, 200, 400]);
        check(100, 1_000, f64::NAN, &[100, 200, 400]);
        check(100, 1_000, f64::INFINITY, &[100, 1_000, 1_000]);
        check(5_000, 1_000, 2.0, &[1_000, 1_000]);
    }
}
