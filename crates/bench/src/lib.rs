//! Benchmarks of Highwater beside named peers: same bytes, same run, as ratios.

pub mod apply;
mod clock;
pub mod engines;
pub mod query;
mod rounds;
pub mod sse;
mod table;
