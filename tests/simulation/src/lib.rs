//! Seeded worlds in virtual time: a publisher, a client, and a network that loses, repeats,
//! reorders, stalls, splits and cuts. Promises are checked after every step, and at the end, when
//! the faults stop, the client must come right by itself.
//!
//! The same seed is the same world: a failure is run again, told step by step, by
//! `cargo run -p highwater-simulation -- WORLD SEED`.
#![forbid(unsafe_code)]

mod client;
mod gated;
mod mirror;
mod random;
mod topic;

/// A world: what runs it, given a seed and whether to keep a log.
pub type World = fn(u64, bool) -> Result<Vec<String>, (String, Vec<String>)>;

/// The worlds by name.
pub const WORLDS: &[(&str, World)] =
    &[("topic", topic::run), ("relay", gated::relay), ("autoconfig", gated::autoconfig)];

/// Runs `seeds` of a world and describes the failures, each with the command that repeats it.
pub fn failures(name: &str, world: World, seeds: core::ops::Range<u64>) -> Vec<String> {
    let failed = seeds.filter_map(|seed| Some((seed, world(seed, false).err()?)));
    failed
        .map(|(seed, (error, _))| {
            format!("{error}\n  again: cargo run -p highwater-simulation -- {name} {seed}")
        })
        .collect()
}
