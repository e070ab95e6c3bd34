//! Suite `sse`: event streams, cut in many ways, and the events that must come out.

mod judge;
mod native;
mod split;
mod vector;

pub use judge::{Event, Observed, judge};
pub use native::Native;
pub use split::{Cuts, Split};
pub use vector::{Expected, Place, Vector};

use crate::{Departures, Error, Outcome, Verdict, suite};

/// A decoder under test.
pub trait Subject {
    /// Decodes the same streams once for each way of cutting them.
    ///
    /// The streams are connections of one event source, in order: at the end of each, the
    /// stream is over, and the last event id goes over to the next. Each run starts afresh.
    fn decode(&mut self, streams: &[Vec<u8>], cuts: &[Cuts]) -> Result<Vec<Observed>, Error>;
}

/// Runs every vector of the suite with every split that it names.
///
/// `heavy` vectors, of 64 MiB and more, are skipped unless asked for.
pub fn run(
    runner: &str,
    subject: &mut dyn Subject,
    heavy: bool,
    departures: &Departures,
) -> Result<Outcome, Error> {
    let mut outcome = Outcome::new(SUITE, runner);
    for vector in load()? {
        let verdict = if vector.heavy && !heavy {
            Verdict::Skipped
        } else {
            match check(subject, &vector) {
                Ok(()) => Verdict::Same,
                Err(why) => Verdict::Differs(why.to_string()),
            }
        };
        outcome.record(&vector.id, vector.tags(), verdict, departures);
    }
    Ok(outcome)
}

/// The vectors of the suite, from all of its files.
pub fn load() -> Result<Vec<Vector>, Error> {
    let mut vectors = Vec::new();
    for path in suite::files(SUITE)? {
        vectors.extend(vector::load(&path)?);
    }
    Ok(vectors)
}

/// Whether a decoder gives what the vector says, however the streams are cut.
pub fn check(subject: &mut dyn Subject, vector: &Vector) -> Result<(), Error> {
    let streams = vector.inputs()?;
    let lengths: Vec<_> = streams.iter().map(Vec::len).collect();
    let batch = (BATCH_BYTES / lengths.iter().sum::<usize>().max(1)).clamp(1, BATCH);
    for name in &vector.splits {
        let split = Split::parse(name)?;
        let mut cuts = split.cuts(&lengths);
        loop {
            let some: Vec<Cuts> = cuts.by_ref().take(batch).collect();
            if some.is_empty() {
                break;
            }
            let observed = subject.decode(&streams, &some)?;
            if observed.len() != some.len() {
                return Err(Error::new(format!("{} runs, {} results", some.len(), observed.len())));
            }
            for (cuts, observed) in some.iter().zip(&observed) {
                judge(&vector.expected, observed, cuts).map_err(|why| {
                    let ends: Vec<_> = cuts.iter().flatten().take(9).collect();
                    Error::new(format!("split {name}, chunks to {ends:?}: {why}"))
                })?;
            }
        }
    }
    Ok(())
}

/// Runs handed to a subject at once; each call may be a round trip to another process.
const BATCH: usize = 512;
const BATCH_BYTES: usize = 1 << 20;
const SUITE: &str = "sse";
