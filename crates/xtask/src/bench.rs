//! `cargo xtask bench`: measured beside named peers, side by side in one run.

use std::process::{Command, ExitCode};

use crate::build::{self, Mode};
use crate::project::{Project, cargo};
use crate::{Result, setup, sh};

/// What is said of a mistake.
const USAGE: &str =
    "bench: say what: client, soak, core, sse or publisher; BENCHMARKS.md describes them";

/// `cargo xtask bench client|soak|core|sse|publisher [ARGUMENT…]`
pub(crate) fn command(project: &Project, arguments: &[String]) -> Result<ExitCode> {
    let (what, rest) = arguments.split_first().ok_or(USAGE)?;
    match what.as_str() {
        "client" => client(project, rest),
        "soak" => soak(project, rest),
        "core" | "sse" => native(arguments),
        "publisher" => native(&[&["engines".to_owned()], rest].concat()),
        _ => Err(USAGE.into()),
    }
    .map(|()| ExitCode::SUCCESS)
}

/// The package as it is built for others, beside the peers of crates/bench/client, in Node and in
/// Chromium.
fn client(project: &Project, arguments: &[String]) -> Result {
    let (tools, browser) = setup::for_bench(project, PEERS)?;
    build::package(project, &tools, Mode::Release)?;
    let mut node = Command::new("node");
    node.arg(project.root.join(PEERS).join("main.mjs")).args(arguments);
    sh::run(node.env("CHROME", &browser.chrome))
}

/// A long life of the package over connections that break.
fn soak(project: &Project, arguments: &[String]) -> Result {
    let tools = setup::for_build(project)?;
    build::package(project, &tools, Mode::Release)?;
    let program = project.root.join(PEERS).join("soak.mjs");
    sh::run(Command::new("node").arg("--expose-gc").arg(program).args(arguments))
}

/// The core and its decoder, beside crates.
fn native(arguments: &[String]) -> Result {
    sh::run(
        cargo()
            .args(["run", "--release", "--quiet", "--package", "highwater-bench", "--"])
            .args(arguments),
    )
}

/// The benchmark of the client, whose package.json pins the peers.
const PEERS: &str = "crates/bench/client";
