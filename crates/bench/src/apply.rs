//! Bytes of a stream in, the newest version of every item there: the whole of the core, beside
//! what a Rust program would do by itself.

mod streams;
mod subjects;

pub use streams::{STREAMS, Stream};
pub use subjects::{SUBJECTS, Subject, Tally};

use core::hint::black_box;

use crate::rounds::{self, Run};
use crate::table::Table;

/// Measures every subject on every stream, in interleaved rounds; a table in Markdown as that of
/// [`sse::compare`](crate::sse::compare).
///
/// # Panics
/// If a subject does not end with the items that the others end with.
pub fn compare(rounds: usize) -> String {
    let mut table = Table::new("stream", SUBJECTS.iter().map(|subject| subject.name));
    for stream in STREAMS {
        let (bytes, expected) = stream.make();
        for subject in SUBJECTS {
            assert_eq!((subject.apply)(&bytes), expected, "{} on {}", subject.name, stream.name);
        }
        let runs: Vec<Run<'_>> = SUBJECTS
            .iter()
            .map(|subject| -> Run<'_> { Box::new(|| _ = black_box((subject.apply)(&bytes))) })
            .collect();
        table.row(stream.name, rounds::cells(bytes.len(), &rounds::measure(&runs, rounds)));
    }
    table.to_string()
}
