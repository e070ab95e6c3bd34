//! Not more requests in a second than were asked for.

use core::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// A bucket that fills at a rate and holds a burst.
#[derive(Debug)]
pub(super) struct Throttle {
    /// Between two requests, in the long run.
    spacing: Duration,
    /// How far ahead of that requests may be.
    slack: Duration,
    /// When the next one would be due, were there no slack.
    due: Mutex<Option<Instant>>,
}

impl Throttle {
    /// So many a second, so many of them at once.
    pub(super) fn new((rate, burst): (u32, u32)) -> Self {
        let spacing = Duration::from_secs(1) / rate;
        Self { spacing, slack: spacing * (burst - 1), due: Mutex::default() }
    }

    /// Waits for the next request's turn.
    pub(super) async fn turn(&self) {
        let mut due = self.due.lock().await;
        let at = due.unwrap_or_else(Instant::now).max(Instant::now());
        if let Some(start) = at.checked_sub(self.slack) {
            sleep_until(start).await;
        }
        *due = Some(at + self.spacing);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_and_then_a_rate() {
        let throttle = Throttle::new((10, 3));
        let begun = Instant::now();
        let mut times = Vec::new();
        for _ in 0..6 {
            throttle.turn().await;
            times.push(begun.elapsed().as_millis());
        }
        assert_eq!(times, [0, 0, 0, 100, 200, 300]);
        tokio::time::sleep(Duration::from_secs(5)).await;
        let begun = Instant::now();
        throttle.turn().await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}
