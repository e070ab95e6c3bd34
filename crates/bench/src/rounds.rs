//! Several ways to do one thing, measured in turn.

use core::time::Duration;
use std::time::Instant;

use crate::clock::Clock;
use crate::table::quartiles;

/// One way.
pub(crate) type Run<'a> = Box<dyn Fn() + 'a>;

/// Seconds per run of each, in interleaved rounds: another one is first each time, so that none
/// always finds the caches as the same other left them.
pub(crate) fn measure(runs: &[Run<'_>], rounds: usize) -> Vec<Vec<f64>> {
    let clock = Clock::new();
    let mut times = vec![Vec::with_capacity(rounds); runs.len()];
    for round in 0..rounds {
        for turn in 0..runs.len() {
            let which = (round + turn) % runs.len();
            times[which].push(once(&clock, &runs[which]));
        }
    }
    times
}

/// The median throughput in MB/s, half the distance of the quartiles in percent of it, and in
/// brackets the median of the ratio to the first's time in the same round.
pub(crate) fn cells(bytes: usize, times: &[Vec<f64>]) -> Vec<String> {
    #[expect(clippy::cast_precision_loss, reason = "a few million bytes")]
    let megabytes = bytes as f64 / 1e6;
    times
        .iter()
        .map(|own| {
            let [low, middle, high] = quartiles(own.iter().copied());
            let ratio = quartiles(own.iter().zip(&times[0]).map(|(time, first)| time / first))[1];
            let spread = 50.0 * (high - low) / middle;
            format!("{:.0} ±{spread:.0} % ({ratio:.2})", megabytes / middle)
        })
        .collect()
}

/// After one run that warms caches and allocator, as many as take a while.
fn once(clock: &Clock, run: &Run<'_>) -> f64 {
    run();
    let (begun, wall) = (clock.now(), Instant::now());
    let mut passes = 0;
    while passes == 0 || wall.elapsed() < ENOUGH {
        run();
        passes += 1;
    }
    clock.now().saturating_sub(begun).as_secs_f64() / f64::from(passes)
}

const ENOUGH: Duration = Duration::from_millis(20);
