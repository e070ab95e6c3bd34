//! `cargo xtask bench`: measured beside named peers, side by side in one run.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use crate::build::{self, Mode};
use crate::project::{Project, cargo};
use crate::setup::Nchan;
use crate::{Result, setup, sh};

/// What is said of a mistake.
const USAGE: &str = "bench: say what: client, soak, devtools, page, server, relay, dispatch, core, sse or publisher; BENCHMARKS.md describes them";

/// `cargo xtask bench client|soak|devtools|page|server|relay|dispatch|core|sse|publisher [ARGUMENT…]`
pub(crate) fn command(project: &Project, arguments: &[String]) -> Result<ExitCode> {
    let (what, rest) = arguments.split_first().ok_or(USAGE)?;
    match what.as_str() {
        "client" => client(project, rest),
        "soak" => soak(project, rest),
        "devtools" => devtools(project, rest),
        "page" => page(project, rest),
        "server" => server(project, rest),
        "relay" => relay(project, rest),
        "dispatch" => dispatch(project, rest),
        "core" | "sse" => sh::run(&mut bench(arguments)),
        "publisher" => publisher(project, rest),
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

/// The server's streams beside nchan and plain axum: the server on one core, the load on the other.
fn server(project: &Project, arguments: &[String]) -> Result {
    let Nchan { nginx, module } = setup::for_server_bench(project)?;
    let (server, mut load) = load(project)?;
    load.args(["streams", "--highwater"]).arg(server);
    load.arg("--nginx").arg(nginx).arg("--nchan").arg(module);
    sh::run(load.args(arguments))
}

/// The engines beside each other, and a herd that comes to a large snapshot.
fn publisher(project: &Project, arguments: &[String]) -> Result {
    let nats = setup::for_nats_bench(project)?;
    let mut engines = bench(&[&["engines".to_owned()], arguments].concat());
    if let Some(nats) = nats {
        engines.env("NATS_SERVER", nats);
    }
    sh::run(&mut engines)?;
    let (server, mut load) = load(project)?;
    sh::run(load.arg("herd").arg(server))
}

/// A large environment, and the SDKs that come to it at once.
fn relay(project: &Project, arguments: &[String]) -> Result {
    let (server, mut load) = load(project)?;
    sh::run(load.arg("relay").arg(server).args(arguments))
}

/// Events delivered and acknowledged, beside consumers of NATS JetStream.
fn dispatch(project: &Project, arguments: &[String]) -> Result {
    let nats =
        setup::for_nats_bench(project)?.ok_or("there is no nats-server to measure beside")?;
    let (server, mut load) = load(project)?;
    load.args(["dispatch", "--highwater"]).arg(server).arg("--nats").arg(nats);
    sh::run(load.args(arguments))
}

/// The server, and the load on another core, which may open as many files as there may be: a
/// subscriber is one on either side.
fn load(project: &Project) -> Result<(PathBuf, Command)> {
    let packages = ["--package", "highwater-server", "--package", "highwater-load"];
    sh::run(cargo().args(["build", "--release", "--quiet"]).args(packages))?;
    let server = project.server("release");
    let mut load = Command::new("sh");
    load.args(["-c", "ulimit -n $(ulimit -Hn); exec taskset -c 1 \"$@\"", "sh"]);
    load.arg(server.with_file_name("highwater-load"));
    Ok((server, load))
}

/// A long life of the package over connections that break.
fn soak(project: &Project, arguments: &[String]) -> Result {
    let tools = setup::for_build(project)?;
    build::package(project, &tools, Mode::Release)?;
    let program = project.root.join(PEERS).join("soak.mjs");
    sh::run(Command::new("node").arg("--expose-gc").arg(program).args(arguments))
}

/// What frames cost with the panel, in the page and in the extension, while a stream goes on.
fn devtools(project: &Project, arguments: &[String]) -> Result {
    let (tools, browser) = setup::for_bench(project, PEERS)?;
    build::package_and_extension(project, &tools, Mode::Release)?;
    let mut node = Command::new("node");
    node.arg(project.root.join(PEERS).join("devtools.mjs")).args(arguments);
    sh::run(node.env("CHROME", &browser.chrome))
}

/// How soon the pages of the demo show what came.
fn page(project: &Project, arguments: &[String]) -> Result {
    let (tools, browser) = setup::for_bench(project, PEERS)?;
    build::everything(project, &tools, Mode::Release)?;
    let mut node = Command::new("node");
    node.arg(project.root.join(PEERS).join("first-state.mjs")).args(arguments);
    node.env("HIGHWATER_BIN", project.server(Mode::Release.server_profile()));
    sh::run(node.env("CHROME", &browser.chrome))
}

/// The core and its decoder, beside crates; and the engines, beside each other.
fn bench(arguments: &[String]) -> Command {
    let mut bench = cargo();
    bench.args(["run", "--release", "--quiet", "--package", "highwater-bench", "--"]);
    bench.args(arguments);
    bench
}

/// The benchmark of the client, whose package.json pins the peers.
const PEERS: &str = "crates/bench/client";
