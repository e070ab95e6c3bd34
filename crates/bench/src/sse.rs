//! Decoding of Server-Sent Events, beside the crates that do it.

mod subjects;
mod workloads;

use core::hint::black_box;

pub use subjects::{SUBJECTS, Subject, Tally};
pub use workloads::{WORKLOADS, Workload};

use crate::rounds::{self, Run};
use crate::table::Table;

/// Bytes handed over at a time, as a socket or a fetch body would.
pub const CHUNK: usize = 16 << 10;

/// Measures every subject on some workloads, in interleaved rounds; a table in Markdown.
///
/// A cell has the median throughput in MB/s, half the distance of the quartiles in percent of
/// it, and in brackets the median of the ratio to the first subject's time in the same round.
///
/// # Panics
/// If a subject does not give what the others give: its time would mean nothing.
pub fn compare(rounds: usize, workloads: &[Workload]) -> String {
    let mut table = Table::new("workload", SUBJECTS.iter().map(|subject| subject.name));
    for workload in workloads {
        let stream = workload.stream();
        let subjects: Vec<_> = SUBJECTS.iter().filter(|subject| subject.runs(workload)).collect();
        let expected = (SUBJECTS[0].decode)(&stream);
        for subject in &subjects {
            let tally = (subject.decode)(&stream);
            assert_eq!(tally, expected, "{} on {}", subject.name, workload.name);
        }
        let runs: Vec<Run<'_>> = subjects
            .iter()
            .map(|subject| -> Run<'_> { Box::new(|| _ = black_box((subject.decode)(&stream))) })
            .collect();
        let measured = rounds::cells(stream.len(), &rounds::measure(&runs, rounds));
        let cells = SUBJECTS.iter().map(|subject| {
            let which = subjects.iter().position(|other| other.name == subject.name);
            which.map_or_else(|| "–".to_owned(), |which| measured[which].clone())
        });
        table.row(workload.name, cells.collect());
    }
    table.to_string()
}
