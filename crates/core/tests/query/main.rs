//! Live queries: against a plain model, over values of all types, and with bad input.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;
mod live;
mod model;
mod spec;
mod values;
mod world;
