//! `highwater-load`: what a delivery costs a server of streams, beside named peers.
//!
//! `highwater-load streams` measures servers, which it starts; `highwater-load axum ADDRESS` is one
//! of them. `highwater-load herd` has many come at once to a large snapshot, and `highwater-load
//! relay` SDKs to a large environment; `highwater-load dispatch` has events delivered to a worker.
//! `cargo xtask bench server`, `bench publisher`, `bench relay` and `bench dispatch` build and get what
//! they need; BENCHMARKS.md says what is measured and how.
#![forbid(unsafe_code)]

mod axum_peer;
mod cell;
mod dispatch;
mod herd;
mod histogram;
mod mark;
mod process;
mod publisher;
mod relay;
mod report;
mod servers;
mod streams;
mod subscribers;

use std::process::ExitCode;

/// What went wrong, in words for the person at the terminal.
type Failure = Box<dyn core::error::Error + Send + Sync>;
type Result<T = ()> = core::result::Result<T, Failure>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.split_first() {
        Some((command, rest)) if command == "streams" => streams::command(rest),
        Some((command, rest)) if command == "herd" => herd::command(rest),
        Some((command, rest)) if command == "relay" => relay::command(rest),
        Some((command, rest)) if command == "dispatch" => dispatch::command(rest),
        Some((command, [address])) if command == "axum" => axum_peer::serve(address),
        _ => Err("usage: highwater-load streams [OPTION…] | herd HIGHWATER | relay HIGHWATER | dispatch [OPTION…] | axum ADDRESS".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("highwater-load: {failure}");
            ExitCode::FAILURE
        }
    }
}
