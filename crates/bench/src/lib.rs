//! Benchmarks of Highwater beside named peers: same bytes, same run, as ratios.

pub mod sse;
mod table;
