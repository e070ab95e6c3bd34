//! Benchmarks of Highwater beside named peers: same bytes, same run, as ratios.

pub mod apply;
mod clock;
mod rounds;
pub mod sse;
mod table;
