//! Recorded vectors: where they are, what is in them, and whether a runner's results agree.
//!
//! A suite is a folder of vectors with a module here that reads and judges them. A runner is
//! anything that can be fed what a vector feeds, such as the core itself or the wasm package in
//! another process; it is given as a trait of the suite's module and comes out as an [`Outcome`].

mod departures;
mod outcome;
mod suite;

pub mod sse;

pub use departures::{Departure, Departures};
pub use outcome::{Outcome, Verdict};
pub use suite::{Error, json_files, locate};
