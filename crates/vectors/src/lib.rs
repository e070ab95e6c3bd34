//! Recorded vectors: where they are, what is in them, and whether a runner's results agree.
//!
//! A suite is a folder of vectors with a module here that reads and judges them. A runner is
//! anything that can be fed what a vector feeds, such as the core itself or the wasm package in
//! another process; it is given as a [`Subject`] and comes out as an [`Outcome`].

mod departures;
mod health;
mod native;
mod outcome;
mod process;
mod subject;
mod suite;
mod virtual_time;

pub mod autoconfig;
pub mod dispatch;
pub mod fdv2;
pub mod local;
pub mod materializer;
pub mod publisher;
pub mod receiver;
pub mod relay_streams;
pub mod rest_filter;
pub mod rotator;
pub mod sse;
pub mod store;
pub mod streams;
pub mod waiter;
pub mod webhook;
pub mod ws_transcripts;

pub use departures::{Departure, Departures};
pub use native::Native;
pub use outcome::{Outcome, Verdict};
pub use process::Process;
pub use subject::Subject;
pub use suite::{Error, locate};

/// Runs a suite: who runs it, in what, and where that may depart.
pub type Run = fn(&str, &mut dyn Subject, &Departures) -> Result<Outcome, Error>;

/// The suites that are scripts, by name. (`sse` has a subject of its own kind.)
pub const SUITES: &[(&str, Run)] = &[
    ("receiver", receiver::run),
    ("streams", streams::run),
    ("fdv2", fdv2::run),
    ("materializer", materializer::run),
    ("waiter", waiter::run),
];

/// As [`SUITES`], of what is natively there only: the publishing half, the native client's store,
/// event streams, and the relay.
pub const NATIVE_SUITES: &[(&str, Run)] = &[
    ("dispatch", dispatch::run),
    ("ws-transcripts", ws_transcripts::run),
    ("publisher", publisher::run),
    ("store", store::run),
    ("local", local::run),
    ("rest-filter", rest_filter::run),
    ("webhook", webhook::run),
    ("autoconfig", autoconfig::run),
    ("rotator", rotator::run),
    ("relay-streams", relay_streams::run),
];
