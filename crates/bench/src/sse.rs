//! Decoding of Server-Sent Events, beside the crates that do it.

mod subjects;
mod workloads;

use core::time::Duration;
use std::time::Instant;

pub use subjects::{SUBJECTS, Subject, Tally};
pub use workloads::{WORKLOADS, Workload};

use crate::table::{Table, quartiles};

/// Bytes handed over at a time, as a socket or a fetch body would.
pub const CHUNK: usize = 16 << 10;

/// Measures every subject on every workload, in interleaved rounds; a table in Markdown.
///
/// A cell has the median throughput in MB/s, half the distance of the quartiles in percent of
/// it, and in brackets the median of the ratio to the first subject's time in the same round.
///
/// # Panics
/// If a subject does not give what the others give: its time would mean nothing.
pub fn compare(rounds: usize) -> String {
    let mut table = Table::new("workload", SUBJECTS.iter().map(|subject| subject.name));
    for workload in WORKLOADS {
        let stream = workload.stream();
        let runners: Vec<_> = SUBJECTS.iter().filter(|subject| subject.runs(workload)).collect();
        let expected = (SUBJECTS[0].decode)(&stream);
        for subject in &runners {
            let tally = (subject.decode)(&stream);
            assert_eq!(tally, expected, "{} on {}", subject.name, workload.name);
        }
        let mut times = vec![Vec::with_capacity(rounds); runners.len()];
        for round in 0..rounds {
            // Each starts a round in turn, so that none always finds the caches as another left them.
            for turn in 0..runners.len() {
                let which = (round + turn) % runners.len();
                times[which].push(measure(runners[which], &stream));
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "a few million bytes")]
        let megabytes = stream.len() as f64 / 1e6;
        let mut cells = Vec::new();
        for subject in SUBJECTS {
            let which = runners.iter().position(|runner| runner.name == subject.name);
            cells.push(which.map_or_else(
                || "–".to_owned(),
                |which| {
                    let [low, middle, high] = quartiles(times[which].iter().copied());
                    let ratios = times[which].iter().zip(&times[0]).map(|(time, ours)| time / ours);
                    let ratio = quartiles(ratios)[1];
                    let spread = 50.0 * (high - low) / middle;
                    format!("{:.0} ±{spread:.0} % ({ratio:.2})", megabytes / middle)
                },
            ));
        }
        table.row(workload.name, cells);
    }
    table.to_string()
}

/// Seconds that one pass over the stream takes, after one that warms caches and allocator.
fn measure(subject: &Subject, stream: &[u8]) -> f64 {
    (subject.decode)(stream);
    let start = Instant::now();
    let mut passes = 0;
    while passes == 0 || start.elapsed() < ENOUGH {
        (subject.decode)(stream);
        passes += 1;
    }
    start.elapsed().as_secs_f64() / f64::from(passes)
}

const ENOUGH: Duration = Duration::from_millis(20);
